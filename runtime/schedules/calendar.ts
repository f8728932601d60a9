/**
 * Calendars: the fields of a cron expression, and which readings of a wall clock they name.
 *
 * A reading is written as the milliseconds it would be in UTC; no time zone and no daylight saving comes in here, see
 * `instants.ts`. Effect's Cron parses expressions, but its search stays outside: schedules are told again from their journals,
 * so the arithmetic must not change with a dependency, nor wait for one to load. This one walks whole months, gives up
 * exactly when a full cycle of the Gregorian calendar has nothing, and can go backwards and count.
 */

/** What a cron expression names, as plain data. An empty list stands for every value. */
export interface Calendar {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Of the month, from 1. */
  readonly days: readonly number[];
  /** From 1. */
  readonly months: readonly number[];
  /** From 0, which is Sunday. */
  readonly weekdays: readonly number[];
  /** Whether a day of the month or a weekday will do, when both are given; otherwise the day must be both. */
  readonly eitherDay: boolean;
}

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;
/** The Gregorian calendar repeats itself, weekdays included, after this many months, which are this many days. */
const CYCLE_MONTHS = 4800;
const CYCLE_DAYS = 146_097;
/** Beyond this many days from 1970 there are no dates. */
const LAST_DAY = 100_000_000;

const upTo = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const SIXTY = upTo(0, 59);
const HOURS = upTo(0, 23);

/** The first reading at or after `wall`; undefined when there is none. */
export function readingFrom(calendar: Calendar, wall: number): number | undefined {
  const clock = new TimesOfDay(calendar);
  const day = Math.floor(wall / DAY_MS);
  const rank = clock.rank(wall - day * DAY_MS);
  if (rank < clock.count && isNamedDay(calendar, day)) return day * DAY_MS + clock.at(rank);
  const next = nextDay(calendar, day + 1);
  return next === undefined ? undefined : next * DAY_MS + clock.at(0);
}

/** The last reading before `wall`; undefined when there is none. */
export function readingBefore(calendar: Calendar, wall: number): number | undefined {
  const clock = new TimesOfDay(calendar);
  const day = Math.floor(wall / DAY_MS);
  const rank = clock.rank(wall - day * DAY_MS);
  if (rank > 0 && isNamedDay(calendar, day)) return day * DAY_MS + clock.at(rank - 1);
  const previous = previousDay(calendar, day - 1);
  return previous === undefined ? undefined : previous * DAY_MS + clock.at(clock.count - 1);
}

/** How many readings there are from `from` on and before `to`. Costs months, not readings. */
export function countReadings(calendar: Calendar, from: number, to: number): number {
  if (from >= to) return 0;
  const clock = new TimesOfDay(calendar);
  const firstDay = Math.floor(from / DAY_MS);
  const lastDay = Math.floor(to / DAY_MS);
  const before = (day: number, wall: number): number =>
    isNamedDay(calendar, day) ? clock.rank(wall - day * DAY_MS) : 0;
  return countDays(calendar, firstDay, lastDay) * clock.count + before(lastDay, to) - before(firstDay, from);
}

/** Whether this reading is named. */
export function isReading(calendar: Calendar, wall: number): boolean {
  return readingFrom(calendar, wall) === wall;
}

/** Whether it names every hour of the day, so that it means real time and not certain times of day. */
export function isEveryHour(calendar: Calendar): boolean {
  return valuesOf(calendar.hours, HOURS).length === HOURS.length;
}

/** Whether it names any reading at all: 30 February never comes. */
export function comesEver(calendar: Calendar): boolean {
  return nextDay(calendar, 0) !== undefined;
}

// ---- times of day ----------------------------------------------------------------------------------------------------

/** The times of day a calendar names, in order, without ever writing them out: they may be 86,400. */
class TimesOfDay {
  readonly count: number;
  readonly #hours: readonly number[];
  readonly #minutes: readonly number[];
  readonly #seconds: readonly number[];

  constructor({ hours, minutes, seconds }: Calendar) {
    this.#hours = valuesOf(hours, HOURS);
    this.#minutes = valuesOf(minutes, SIXTY);
    this.#seconds = valuesOf(seconds, SIXTY);
    this.count = this.#hours.length * this.#minutes.length * this.#seconds.length;
  }

  /** How many come before `sinceMidnight`, in milliseconds. */
  rank(sinceMidnight: number): number {
    const second = Math.ceil(sinceMidnight / SECOND_MS);
    const [hour, minute] = [Math.floor(second / 3600), Math.floor(second / 60) % 60];
    const perHour = this.#minutes.length * this.#seconds.length;
    const hours = countBelow(this.#hours, hour) * perHour;
    if (!this.#hours.includes(hour)) return hours;
    const minutes = hours + countBelow(this.#minutes, minute) * this.#seconds.length;
    if (!this.#minutes.includes(minute)) return minutes;
    return minutes + countBelow(this.#seconds, second % 60);
  }

  /** The time of day with this many before it, in milliseconds since midnight. */
  at(rank: number): number {
    const [minutes, seconds] = [this.#minutes.length, this.#seconds.length];
    const hour = this.#hours[Math.floor(rank / (minutes * seconds))]!;
    const minute = this.#minutes[Math.floor(rank / seconds) % minutes]!;
    return ((hour * 60 + minute) * 60 + this.#seconds[rank % seconds]!) * SECOND_MS;
  }
}

function valuesOf(values: readonly number[], all: readonly number[]): readonly number[] {
  return values.length === 0 ? all : values;
}

function countBelow(values: readonly number[], limit: number): number {
  let count = 0;
  while (count < values.length && values[count]! < limit) count++;
  return count;
}

// ---- days ------------------------------------------------------------------------------------------------------------

/** A month, with its first day counted from 1970. */
interface Month {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly firstDay: number;
  readonly length: number;
}

/** @param index from 0, and beyond a year in both directions */
function monthAt(year: number, index: number): Month {
  const inYear = year + Math.floor(index / 12);
  const month = index - (inYear - year) * 12;
  // In a year of the cycle that begins in 2000: `Date.UTC` reads years below 100 as of the last century.
  const cycles = Math.floor((inYear - 2000) / 400);
  const likeYear = inYear - cycles * 400;
  const firstDay = Date.UTC(likeYear, month, 1) / DAY_MS;
  const length = Date.UTC(likeYear, month + 1, 1) / DAY_MS - firstDay;
  return { year: inYear, month: month + 1, firstDay: firstDay + cycles * CYCLE_DAYS, length };
}

function monthOf(day: number): Month {
  const date = new Date(day * DAY_MS);
  return monthAt(date.getUTCFullYear(), date.getUTCMonth());
}

const after = ({ year, month }: Month): Month => monthAt(year, month);
const before = ({ year, month }: Month): Month => monthAt(year, month - 2);

function isNamedMonth({ months }: Calendar, { month }: Month): boolean {
  return months.length === 0 || months.includes(month);
}

/** Whether a day of a month that is named is named too. */
function isNamedWithin({ days, weekdays, eitherDay }: Calendar, { firstDay }: Month, day: number): boolean {
  const onDay = days.length === 0 || days.includes(day - firstDay + 1);
  // The first of January 1970 was a Thursday.
  const onWeekday = weekdays.length === 0 || weekdays.includes((((day + 4) % 7) + 7) % 7);
  return eitherDay ? onDay || onWeekday : onDay && onWeekday;
}

function isNamedDay(calendar: Calendar, day: number): boolean {
  if (Math.abs(day) > LAST_DAY) return false;
  const month = monthOf(day);
  return isNamedMonth(calendar, month) && isNamedWithin(calendar, month, day);
}

function nextDay(calendar: Calendar, from: number): number | undefined {
  if (from > LAST_DAY) return undefined;
  let day = Math.max(from, -LAST_DAY);
  let month = monthOf(day);
  for (let left = CYCLE_MONTHS; left >= 0; left--) {
    const end = month.firstDay + month.length;
    if (isNamedMonth(calendar, month)) {
      for (; day < end; day++) if (isNamedWithin(calendar, month, day)) return day;
    }
    day = end;
    month = after(month);
  }
  return undefined;
}

function previousDay(calendar: Calendar, from: number): number | undefined {
  if (from < -LAST_DAY) return undefined;
  let day = Math.min(from, LAST_DAY);
  let month = monthOf(day);
  for (let left = CYCLE_MONTHS; left >= 0; left--) {
    if (isNamedMonth(calendar, month)) {
      for (; day >= month.firstDay; day--) if (isNamedWithin(calendar, month, day)) return day;
    }
    day = month.firstDay - 1;
    month = before(month);
  }
  return undefined;
}

/** How many days are named from `from` on and before `to`. */
function countDays(calendar: Calendar, from: number, to: number): number {
  const cycles = Math.floor((to - from) / CYCLE_DAYS);
  const perCycle = cycles > 0 ? countDaysWithin(calendar, from, from + CYCLE_DAYS) : 0;
  return cycles * perCycle + countDaysWithin(calendar, from + cycles * CYCLE_DAYS, to);
}

function countDaysWithin(calendar: Calendar, from: number, to: number): number {
  if (from >= to) return 0;
  let count = 0;
  let day = from;
  for (let month = monthOf(from); day < to; month = after(month)) {
    const end = Math.min(to, month.firstDay + month.length);
    if (isNamedMonth(calendar, month)) {
      for (; day < end; day++) if (isNamedWithin(calendar, month, day)) count++;
    }
    day = end;
  }
  return count;
}
