/**
 * A calendar of working time: in which hours of the week people can be expected to work, by the clock of a place, and on which days
 * they do not. Plain data, so it can stand in a file, in a declaration and in a journal.
 *
 * It owns what a calendar may say. What follows from one is in `working-time.ts`. Hours over midnight are written in two parts,
 * because a holiday begins at midnight: whoever wrote them as one would have to guess what a holiday takes of them.
 */
import { pointerTo } from '../values/json-pointer.ts';
import { isZone } from './zone.ts';

export type Weekday = (typeof WEEKDAYS)[number];

export interface WorkingCalendar {
  /** As in `Europe/Zurich`, or `UTC`. There is no default: whose morning it is must be said. */
  readonly zone: string;
  /** From when to when, as `08:00-12:00`, in order; `24:00` is the end of a day. Days that are missing have none. */
  readonly hours: { readonly [TDay in Weekday]?: readonly string[] };
  /** Days without working hours, as `2026-12-25`. */
  readonly holidays?: readonly string[];
}

/** What is wrong with a part of a calendar. */
export interface CalendarProblem {
  /** A JSON pointer into it, without the `#`: `/hours/mon/0`. */
  readonly pointer: string;
  readonly detail: string;
}

/** From `from` on and before `to`, in milliseconds since midnight. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** As `Date` counts them. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Nobody writes more by hand, and it is part of the state of each review. */
const MOST_HOLIDAYS = 1000;
/** What is asked for must be found: this many weeks of work, well within what is known of the rules of zones. */
const LONGEST_WEEKS = 400;

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** Everything that is wrong with a calendar. */
export function problemsOfCalendar(given: unknown): readonly CalendarProblem[] {
  if (!isRecord(given))
    return [
      { pointer: '', detail: "must be { zone: 'Europe/Zurich', hours: { mon: ['09:00-17:00'] }, holidays }" },
    ];
  const { zone, hours, holidays = [], ...strangers } = given;
  return [
    ...Object.keys(strangers).map((name) =>
      problem([name], 'means nothing; there are zone, hours, holidays'),
    ),
    ...(isZone(zone) ? [] : [problem(['zone'], "must be a time zone, as 'Europe/Zurich' or 'UTC'")]),
    ...problemsOfHours(hours),
    ...problemsOfHolidays(holidays),
  ];
}

/** What is wrong with an amount of working time in a calendar that has no problem; undefined when nothing is. */
export function problemOfWorkingTime(amountMs: number, calendar: WorkingCalendar): string | undefined {
  return amountMs > LONGEST_WEEKS * weekMsOf(calendar)
    ? `takes more than ${LONGEST_WEEKS} weeks of working time`
    : undefined;
}

/** The working hours of a day of the week. Of a calendar that has no problem. */
export function hoursOf({ hours }: WorkingCalendar, day: Weekday): readonly Hours[] {
  return (hours[day] ?? []).map((written) => readHours(written)!);
}

/** A day, counted from 1970; undefined of what is none: `2026-02-30`. */
export function readDay(written: unknown): number | undefined {
  if (typeof written !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(written)) return undefined;
  const at = Date.parse(`${written}T00:00:00Z`);
  // Some of them are taken for the day behind: 30 February for 2 March.
  return Number.isNaN(at) || !new Date(at).toISOString().startsWith(written) ? undefined : at / DAY_MS;
}

function weekMsOf(calendar: WorkingCalendar): number {
  const all = WEEKDAYS.flatMap((day) => hoursOf(calendar, day));
  return all.reduce((sum, { from, to }) => sum + to - from, 0);
}

function problemsOfHours(hours: unknown): readonly CalendarProblem[] {
  if (!isRecord(hours))
    return [problem(['hours'], "must be hours by day of the week: { mon: ['08:00-12:00', '13:00-17:00'] }")];
  const found = Object.entries(hours).flatMap(([day, parts]) => problemsOfDay(day, parts));
  const isEmpty = Object.values(hours).every((parts) => Array.isArray(parts) && parts.length === 0);
  return isEmpty ? [problem(['hours'], 'has no working time at all: nothing would ever be due')] : found;
}

function problemsOfDay(day: string, parts: unknown): readonly CalendarProblem[] {
  if (!(WEEKDAYS as readonly string[]).includes(day))
    return [problem(['hours', day], `must be one of ${WEEKDAYS.slice(1).join(', ')}, sun`)];
  if (!Array.isArray(parts))
    return [problem(['hours', day], "must be a list of hours, as ['09:00-17:00']; of none, []")];
  let before = 0;
  return parts.flatMap((written, index) => {
    const at = ['hours', day, String(index)];
    const hours = readHours(written);
    if (hours === undefined) return [problem(at, "must be hours, as '09:00-17:00'; a day ends at 24:00")];
    if (hours.from >= hours.to) return [problem(at, overMidnight(day, written as string))];
    if (hours.from < before) return [problem(at, 'must begin after those in front of it have ended')];
    before = hours.to;
    return [];
  });
}

/** How what was probably meant is written. */
function overMidnight(day: string, written: string): string {
  const [from, to] = written.split('-');
  const next = WEEKDAYS[((WEEKDAYS as readonly string[]).indexOf(day) + 1) % WEEKDAYS.length]!;
  return `must end after they begin: hours over midnight are two, '${from}-24:00' on ${day} and '00:00-${to}' on ${next}`;
}

function problemsOfHolidays(holidays: unknown): readonly CalendarProblem[] {
  if (!Array.isArray(holidays)) return [problem(['holidays'], "must be a list of days, as ['2026-12-25']")];
  if (holidays.length > MOST_HOLIDAYS)
    return [problem(['holidays'], `must not be more than ${MOST_HOLIDAYS} days`)];
  return holidays.flatMap((written, index) => {
    const at = ['holidays', String(index)];
    if (readDay(written) === undefined) return [problem(at, "must be a day, as '2026-12-25'")];
    return holidays.indexOf(written) === index ? [] : [problem(at, 'is there twice')];
  });
}

function readHours(written: unknown): Hours | undefined {
  const [, from, to] = (typeof written === 'string' && /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(written)) || [];
  const [start, end] = [timeOf(from), timeOf(to)];
  return start === undefined || end === undefined ? undefined : { from: start, to: end };
}

function timeOf(written = ''): number | undefined {
  const [, hours, minutes] = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(written) ?? [];
  const at = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return at <= DAY_MS ? at : undefined;
}

const problem = (keys: readonly string[], detail: string): CalendarProblem => ({
  pointer: pointerTo(keys),
  detail,
});

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
