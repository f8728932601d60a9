/**
 * Instants: when a schedule is due. The next one after a time, the last one before it, how many lie between two, and all of
 * them, lazily.
 *
 * Intervals are anchored: `anchor + k · every`, so nothing drifts. Crons are read on a wall clock, which in most places jumps
 * twice a year:
 *
 * - A cron that names **every hour** (`*` in the hour field, or all 24) means real time: it is due whenever the clock shows
 *   what it names. Readings that a jump forward leaves out do not come; readings that come twice count twice. So
 *   `*\/15 * * * *` is due each real quarter of an hour on every day of the year.
 * - A cron that names **certain hours** means times of day, and each comes exactly once on each day it is named for. A time
 *   that a jump forward leaves out comes as much later as the clock has jumped, which is where it would have been without the
 *   jump: `30 2 * * *` is due at 03:30 summer time. A time that comes twice is taken the first time.
 *
 * Two times of day may fall on the same instant that way (`30 2,3 * * *`); then it is one. Days that a zone left out altogether
 * (Apia, 30 December 2011) are jumps like any other: what was named for them falls on the next day.
 *
 * Refuses nothing: what can be declared has instants, or at some point has none any more.
 */
import { countReadings, isEveryHour, isReading, readingBefore, readingFrom } from './calendar.ts';
import type { Calendar } from './calendar.ts';
import type { Zone } from '../../machines/working-time/zone.ts';

/** What instants follow from. */
export type Timetable = IntervalTimetable | CronTimetable;

interface Bounds {
  /** Nothing is due before it. */
  readonly startAt?: number;
  /** Nothing is due at it or later. */
  readonly endAt?: number;
}

interface IntervalTimetable extends Bounds {
  readonly everyMs: number;
  readonly anchor: number;
}

interface CronTimetable extends Bounds {
  readonly calendar: Calendar;
  readonly zone: Zone;
}

/** Beyond these there are no dates. */
const LAST = 8.64e15;

/** The first instant after a time; undefined when there is none any more. */
export function nextInstant(table: Timetable, after: number): number | undefined {
  const { startAt = -LAST, endAt = LAST + 1 } = table;
  const from = Math.max(after + 1, startAt);
  const instant = 'everyMs' in table ? beatFrom(table, from) : firing(table).from(from);
  return instant !== undefined && instant < endAt && instant <= LAST ? instant : undefined;
}

/** The last instant before a time; undefined when there is none. */
export function previousInstant(table: Timetable, before: number): number | undefined {
  const { startAt = -LAST, endAt = LAST + 1 } = table;
  const until = Math.min(before, endAt);
  const instant = 'everyMs' in table ? beatFrom(table, until - table.everyMs) : firing(table).before(until);
  return instant !== undefined && instant >= startAt && instant < until ? instant : undefined;
}

/** All instants after a time and up to another, in order. */
export function* instantsBetween(table: Timetable, after: number, through: number): Generator<number> {
  for (let at = nextInstant(table, after); at !== undefined && at <= through; at = nextInstant(table, at))
    yield at;
}

/** How many instants there are after a time and up to another. Does not walk through them. */
export function countInstants(table: Timetable, after: number, through: number): number {
  const from = Math.max(after + 1, table.startAt ?? -LAST);
  const to = Math.min(through + 1, table.endAt ?? LAST + 1, LAST + 1);
  if (from >= to) return 0;
  if (!('everyMs' in table)) return firing(table).count(from, to);
  return (beatFrom(table, to) - beatFrom(table, from)) / table.everyMs;
}

/** The first beat of an interval at or after a time. */
function beatFrom({ everyMs, anchor }: IntervalTimetable, at: number): number {
  if (at <= anchor) return anchor;
  // By remainders, which are exact; a quotient of such numbers may be rounded over the next one.
  const rest = (at - anchor) % everyMs;
  return rest === 0 ? at : at - rest + everyMs;
}

// ---- crons -----------------------------------------------------------------------------------------------------------

/** A stretch of time in which readings of one offset count. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly offsetMs: number;
}

const firings = new WeakMap<Calendar, Firing>();

function firing({ calendar, zone }: CronTimetable): Firing {
  let known = firings.get(calendar);
  if (known?.zone !== zone) {
    known = new Firing(calendar, zone);
    firings.set(calendar, known);
  }
  return known;
}

/**
 * A calendar in a zone. Each offset of the zone has a stretch in which readings by it count; between two offsets, one
 * rule makes all the difference:
 *
 *     every hour        ├── +1 ──┤├── +2 ──┤├── +1 ──┤        a stretch is the time in which the offset is in force
 *     certain hours     ├── +1 ─────┤                         after a jump forward, the old offset goes on counting
 *                                 ├── +2 ──┤                  beside the new one for as long as the jump;
 *                                             ├── +1 ──┤      after a jump back, the new one begins that much later
 */
class Firing {
  readonly zone: Zone;
  readonly #calendar: Calendar;
  readonly #stretches: readonly Stretch[];

  constructor(calendar: Calendar, zone: Zone) {
    this.zone = zone;
    this.#calendar = calendar;
    const isTimesOfDay = !isEveryHour(calendar);
    const parts = [[-Infinity, zone.offsetMs] as const, ...zone.changes];
    this.#stretches = parts.map(([at, offsetMs], index) => {
      const before = parts[index - 1]?.[1] ?? offsetMs;
      const [end, after] = parts[index + 1] ?? [Infinity, offsetMs];
      return {
        from: isTimesOfDay ? at + Math.max(0, before - offsetMs) : at,
        to: isTimesOfDay ? end + Math.max(0, after - offsetMs) : end,
        offsetMs,
      };
    });
  }

  from(at: number): number | undefined {
    let first: number | undefined;
    for (const { from, to, offsetMs } of this.#stretches) {
      if (to <= at) continue;
      if (first !== undefined && from > first) break;
      const reading = readingFrom(this.#calendar, Math.max(at, from) + offsetMs);
      if (reading === undefined) continue;
      const instant = reading - offsetMs;
      if (instant < to && (first === undefined || instant < first)) first = instant;
    }
    return first;
  }

  before(at: number): number | undefined {
    let last: number | undefined;
    for (let index = this.#stretches.length - 1; index >= 0; index--) {
      const { from, to, offsetMs } = this.#stretches[index]!;
      if (from >= at) continue;
      if (last !== undefined && to <= last) break;
      const reading = readingBefore(this.#calendar, Math.min(at, to) + offsetMs);
      if (reading === undefined) continue;
      const instant = reading - offsetMs;
      if (instant >= from && (last === undefined || instant > last)) last = instant;
    }
    return last;
  }

  /** How many there are from `from` on and before `to`. */
  count(from: number, to: number): number {
    let count = 0;
    let previous: Stretch | undefined;
    for (const stretch of this.#stretches) {
      const start = Math.max(from, stretch.from);
      const end = Math.min(to, stretch.to);
      if (start < end) {
        count += countReadings(this.#calendar, start + stretch.offsetMs, end + stretch.offsetMs);
        if (previous !== undefined) count -= this.#countShared(previous, stretch, start, end);
      }
      previous = stretch;
    }
    return count;
  }

  /** How many of the readings of a stretch fall on one of the stretch before: the two are one instant. */
  #countShared(previous: Stretch, { offsetMs }: Stretch, from: number, to: number): number {
    const end = Math.min(to, previous.to);
    let count = 0;
    for (let wall = from + offsetMs; wall < end + offsetMs; wall += 1000) {
      const reading = readingFrom(this.#calendar, wall);
      if (reading === undefined || reading >= end + offsetMs) break;
      if (isReading(this.#calendar, reading - offsetMs + previous.offsetMs)) count++;
      wall = reading;
    }
    return count;
  }
}
