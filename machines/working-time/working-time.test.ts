// The lie: "so much working time has gone by then". Held against a walk that asks `Intl` for every minute, in zones whose clocks jump
// in many ways, around those jumps.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemOfWorkingTime, WEEKDAYS } from './calendar.ts';
import type { Weekday, WorkingCalendar } from './calendar.ts';
import { afterWorkingTime } from './working-time.ts';
import { zoneRules } from './zone.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Runs of those that walk, and of those that only count. */
const WALKS = 60;
const COUNTS = 800;
const LONGEST_WALK_MINUTES = 4 * 24 * 60;

/** By an hour, by half of one, at midnight, in Ramadan, on the other side of the earth, and never. */
const ZONES = [
  ...['Europe/Berlin', 'America/New_York', 'America/St_Johns', 'Australia/Lord_Howe', 'America/Havana'],
  ...['Asia/Beirut', 'Africa/Casablanca', 'Pacific/Chatham', 'Asia/Kathmandu', 'Europe/Dublin', 'UTC'],
] as const;
const FROM = Date.UTC(2024, 1);
const TO = Date.UTC(2034, 0);

const rulesOf = (name: string, at = FROM) => zoneRules(name, at)!;

/** Asks the clock of the place, and knows nothing of offsets. */
class Wall {
  readonly #format: Intl.DateTimeFormat;
  readonly #calendar: WorkingCalendar;

  constructor(calendar: WorkingCalendar) {
    this.#calendar = calendar;
    this.#format = new Intl.DateTimeFormat('en-CA', {
      ...{ timeZone: calendar.zone, weekday: 'short', hourCycle: 'h23' },
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
    });
  }

  isWorking(at: number): boolean {
    const parts = new Map(this.#format.formatToParts(at).map(({ type, value }) => [type, value]));
    const date = `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`;
    if (this.#calendar.holidays?.includes(date) === true) return false;
    const time = `${parts.get('hour')}:${parts.get('minute')}`;
    const hours = this.#calendar.hours[parts.get('weekday')!.toLowerCase() as Weekday] ?? [];
    return hours.some((one) => one.slice(0, 5) <= time && time < one.slice(6));
  }

  /** Minute by minute; undefined when that takes too long. */
  walk(start: number, minutes: number): number | undefined {
    let left = minutes;
    for (let i = 0; i < LONGEST_WALK_MINUTES; i++) {
      const at = start + i * MINUTE_MS;
      if (!this.isWorking(at)) continue;
      if (left === 0) return at;
      left--;
    }
    return undefined;
  }
}

const written = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

const hoursOfDay: fc.Arbitrary<readonly string[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 1440 }), { maxLength: 4 })
  .map((times) => {
    const ordered = times.toSorted((a, b) => a - b).slice(0, times.length - (times.length % 2));
    return ordered.flatMap((from, index) =>
      index % 2 === 0 ? [`${written(from)}-${written(ordered[index + 1]!)}`] : [],
    );
  });

/** Somewhere near where the clock of the zone jumps, or anywhere. */
const startIn = (zone: string): fc.Arbitrary<number> => {
  const anywhere = fc.integer({ min: FROM / MINUTE_MS, max: TO / MINUTE_MS }).map((at) => at * MINUTE_MS);
  const jumps = rulesOf(zone)
    .changes.map(([at]) => at)
    .filter((at) => at > FROM && at < TO);
  if (jumps.length === 0) return anywhere;
  const before = fc.integer({ min: -30 * 60, max: 4 * 60 }).map((minutes) => minutes * MINUTE_MS);
  return fc.oneof(
    anywhere,
    fc.tuple(fc.constantFrom(...jumps), before).map(([jump, by]) => jump + by),
  );
};

const cases = fc.constantFrom(...ZONES).chain((zone) =>
  startIn(zone).chain((start) => {
    const near = fc
      .integer({ min: -1, max: 4 })
      .map((days) => new Date(start + days * DAY_MS).toISOString().slice(0, 10));
    return fc.record({
      start: fc.constant(start),
      calendar: fc.record({
        zone: fc.constant(zone),
        hours: fc
          .tuple(...WEEKDAYS.map(() => hoursOfDay))
          .map((days) => Object.fromEntries(WEEKDAYS.map((day, index) => [day, days[index]!])))
          .filter((hours) => Object.values(hours).some((day) => day.length > 0)),
        holidays: fc.uniqueArray(near, { maxLength: 2 }),
      }),
    });
  }),
);
const amount = fc.oneof(fc.integer({ min: 0, max: 90 * DAY_MS }), fc.integer({ min: 0, max: 10 * HOUR_MS }));

const after = (calendar: WorkingCalendar, start: number, amountMs: number): number =>
  afterWorkingTime(calendar, rulesOf(calendar.zone, start), start, amountMs);

describe('working time', () => {
  it('is what a walk from minute to minute finds', () => {
    let found = 0;
    fc.assert(
      fc.property(cases, fc.integer({ min: 0, max: 20 * 60 }), ({ calendar, start }, minutes) => {
        const walked = new Wall(calendar).walk(start, minutes);
        if (walked === undefined) return;
        found++;
        expect(after(calendar, start, minutes * MINUTE_MS)).toBe(walked);
      }),
      { numRuns: WALKS },
    );
    expect(found).toBeGreaterThan(WALKS / 4);
  });

  it('is counted at once or in parts, never goes back, and lands in working time', () => {
    fc.assert(
      fc.property(cases, amount, amount, ({ calendar, start }, a, b) => {
        // Beyond that the rules of the zone are not known.
        fc.pre(problemOfWorkingTime(a + b, calendar) === undefined);
        const first = after(calendar, start, a);
        const both = after(calendar, start, a + b);
        expect(first).toBeGreaterThanOrEqual(start + a);
        expect(both).toBeGreaterThanOrEqual(first + b);
        expect(after(calendar, first, b)).toBe(both);
        expect(new Wall(calendar).isWorking(first)).toBe(true);
        // What begins later is not due before it.
        expect(after(calendar, start + b, a)).toBeGreaterThanOrEqual(first);
      }),
      { numRuns: COUNTS },
    );
  });

  const week = (zone: string, hours: readonly string[], holidays: readonly string[] = []) => ({
    zone,
    hours: { mon: hours, tue: hours, wed: hours, thu: hours, fri: hours },
    holidays,
  });
  const always = (zone: string) => {
    const hours = ['00:00-24:00'];
    return { zone, hours: { ...week(zone, hours).hours, sat: hours, sun: hours } };
  };

  it.each([
    [
      'over a weekend',
      week('Europe/Berlin', ['09:00-17:00']),
      '2026-03-06T16:00+01:00',
      2,
      '2026-03-09T10:00+01:00',
    ],
    [
      'a whole day: it is due when the next begins',
      week('Europe/Berlin', ['09:00-17:00']),
      '2026-03-02T09:00+01:00',
      8,
      '2026-03-03T09:00+01:00',
    ],
    [
      'not at all, from a Sunday on',
      week('UTC', ['09:00-17:00']),
      '2026-03-01T00:00Z',
      0,
      '2026-03-02T09:00Z',
    ],
    [
      'over a break that is no break',
      week('UTC', ['08:00-12:00', '12:00-16:00']),
      '2026-03-02T08:00Z',
      4,
      '2026-03-02T12:00Z',
    ],
    [
      'over Christmas',
      week('Europe/Zurich', ['09:00-17:00'], ['2026-12-24', '2026-12-25']),
      '2026-12-23T16:00+01:00',
      2,
      '2026-12-28T10:00+01:00',
    ],
    [
      'over the weekend on which the clock goes forward',
      week('Europe/Berlin', ['09:00-17:00']),
      '2026-03-27T16:00+01:00',
      2,
      '2026-03-30T10:00+02:00',
    ],
    [
      'over the weekend on which it goes back',
      week('America/New_York', ['09:00-17:00']),
      '2026-10-30T16:00-04:00',
      2,
      '2026-11-02T10:00-05:00',
    ],
    [
      'through the hour that is left out',
      always('Europe/Berlin'),
      '2026-03-29T01:00+01:00',
      2,
      '2026-03-29T04:00+02:00',
    ],
    [
      'through the hour that comes twice',
      always('Europe/Berlin'),
      '2026-10-25T01:00+02:00',
      3,
      '2026-10-25T03:00+01:00',
    ],
    [
      'beyond midnight',
      { zone: 'UTC', hours: { mon: ['22:00-24:00'], tue: ['00:00-06:00'] } },
      '2026-03-02T23:00Z',
      3,
      '2026-03-03T02:00Z',
    ],
    [
      'over a day that a zone has left out',
      always('Pacific/Apia'),
      '2011-12-29T12:00-10:00',
      24,
      '2011-12-31T12:00+14:00',
    ],
  ] as const)('goes on %s', (_, calendar, start, hours, end) => {
    const from = Date.parse(start);
    const rules = zoneRules(calendar.zone, from)!;
    expect(new Date(afterWorkingTime(calendar, rules, from, hours * HOUR_MS))).toEqual(new Date(end));
  });

  it('is looked for no longer than it can be there', () => {
    const years = Array.from({ length: 400 }, (_, index) => {
      const first = Date.UTC(2026, 0, 5) + index * 7 * DAY_MS;
      return new Date(first).toISOString().slice(0, 10);
    });
    const mondays = { zone: 'UTC', hours: { mon: ['09:00-10:00'] }, holidays: years };
    expect(new Date(after(mondays, Date.UTC(2026, 0), 0)).toISOString()).toBe('2033-09-05T09:00:00.000Z');
    expect(() => after({ zone: 'UTC', hours: {} }, 0, 1)).toThrow(RangeError);
  });
});
