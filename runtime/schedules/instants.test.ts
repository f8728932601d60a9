// The lie: "it is due exactly when the clock on the wall says so, also on the days on which the clock jumps". Tables of such
// days, and a walker that goes through random weeks minute by minute with the clock of Intl.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declareSchedule } from './declaration.ts';
import type { CronTiming } from './declaration.ts';
import { countInstants, instantsBetween, nextInstant, previousInstant } from './instants.ts';
import type { Timetable } from './instants.ts';
import { UTC } from '../../machines/working-time/zone.ts';
import { readZone } from './zone.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WALKS = 200;

async function tableOf(cron: string, timeZone: string, aroundMs: number): Promise<Timetable> {
  const { timing } = await declareSchedule({ id: 's', start: 'a', cron, timeZone });
  const { calendar } = timing as CronTiming;
  return { calendar, zone: readZone(timeZone, aroundMs) };
}

function clockOf(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => format.format(at);
}

describe('a cron in a zone', () => {
  /** From noon to noon, UTC; instants as `day hour:minute` UTC. */
  it.each<[string, string, string, number, string]>([
    // ---- a time that does not exist comes as much later as the clock jumped
    ['30 2 * * *', 'Europe/Berlin', '2025-03-28', 3, '29 01:30, 30 01:30, 31 00:30'],
    ['30 2 * * *', 'America/New_York', '2025-03-08', 2, '09 07:30, 10 06:30'],
    ['15 2 * * *', 'Australia/Lord_Howe', '2025-10-03', 2, '03 15:45, 04 15:45'],
    ['45 2 * * *', 'Australia/Lord_Howe', '2025-10-03', 2, '03 16:15, 04 15:45'],
    // Moved behind a time that comes after it.
    ['20,40 2 * * *', 'Australia/Lord_Howe', '2025-10-03', 2, '03 15:50, 03 16:10, 04 15:40, 04 15:50'],
    ['0 0 * * *', 'America/Sao_Paulo', '2018-11-02', 3, '03 03:00, 04 03:00, 05 02:00'],
    ['0 0 * * *', 'Asia/Beirut', '2024-03-29', 3, '29 22:00, 30 22:00, 31 21:00'],
    ['30 0 * * *', 'Asia/Beirut', '2024-03-29', 3, '29 22:30, 30 22:30, 31 21:30'],
    ['0 0 * * *', 'America/Havana', '2025-03-08', 2, '09 05:00, 10 04:00'],
    ['30 2 * * *', 'Africa/Casablanca', '2024-04-12', 3, '13 02:30, 14 02:30, 15 01:30'],
    // All of a lost hour, and not just its beginning.
    ['*/20 2 * * *', 'Europe/Berlin', '2025-03-29', 1, '30 01:00, 30 01:20, 30 01:40'],
    // Two times of day on the same instant are one.
    ['30 2,3 * * *', 'Europe/Berlin', '2025-03-29', 2, '30 01:30, 31 00:30, 31 01:30'],
    // ---- a time that exists twice comes the first time
    ['30 2 * * *', 'Europe/Berlin', '2025-10-24', 3, '25 00:30, 26 00:30, 27 01:30'],
    ['30 1 * * *', 'America/New_York', '2025-11-01', 2, '02 05:30, 03 06:30'],
    ['45 1 * * *', 'Australia/Lord_Howe', '2025-04-04', 2, '04 14:45, 05 14:45'],
    ['30 23 * * *', 'America/Sao_Paulo', '2018-02-16', 2, '17 01:30, 18 01:30'],
    ['30 23 * * *', 'Asia/Beirut', '2024-10-25', 3, '25 20:30, 26 20:30, 27 21:30'],
    ['0 0 * * *', 'Asia/Beirut', '2024-10-25', 3, '25 21:00, 26 22:00, 27 22:00'],
    ['30 2 * * *', 'Africa/Casablanca', '2024-03-09', 2, '10 01:30, 11 02:30'],
    // ---- a day that does not exist falls on the next, and is one with it
    ['0 9 * * *', 'Pacific/Apia', '2011-12-28', 4, '28 19:00, 29 19:00, 30 19:00, 31 19:00'],
    ['0 9 30 * *', 'Pacific/Apia', '2011-12-28', 4, '30 19:00'],
    // ---- every hour means real time
    [
      '*/30 * * * *',
      'UTC',
      '2025-03-30',
      0.125,
      '30 12:30, 30 13:00, 30 13:30, 30 14:00, 30 14:30, 30 15:00',
    ],
    ['0 9 * * *', 'UTC', '2025-03-29', 2, '30 09:00, 31 09:00'],
  ])('%s, %s, from %s: %d days', async (cron, zone, day, days, expected) => {
    const from = Date.parse(`${day}T12:00:00Z`);
    const table = await tableOf(cron, zone, from);
    const told = [...instantsBetween(table, from, from + days * DAY_MS)].map((at) =>
      new Date(at).toISOString().slice(8, 16).replace('T', ' '),
    );
    expect(told.join(', ')).toBe(expected);
    const back: number[] = [];
    const through = from + days * DAY_MS;
    for (
      let at = previousInstant(table, through + 1);
      at !== undefined && at > from;
      at = previousInstant(table, at)
    )
      back.push(at);
    expect(back.reverse()).toEqual([...instantsBetween(table, from, through)]);
  });

  it.each([
    ['Europe/Berlin', '2025-03-30'],
    ['Europe/Berlin', '2025-10-26'],
    ['America/New_York', '2025-03-09'],
    ['America/New_York', '2025-11-02'],
    ['Australia/Lord_Howe', '2025-10-04'],
    ['Australia/Lord_Howe', '2025-04-05'],
    ['America/Sao_Paulo', '2018-11-04'],
    ['Asia/Beirut', '2024-10-26'],
    ['Africa/Casablanca', '2024-04-14'],
    ['Pacific/Apia', '2011-12-30'],
    ['UTC', '2025-03-30'],
  ])('each quarter of an hour in %s on %s is each real quarter', async (zone, day) => {
    const from = Date.parse(`${day}T00:00:00Z`) - DAY_MS;
    const table = await tableOf('*/15 * * * *', zone, from);
    const instants = [...instantsBetween(table, from, from + 3 * DAY_MS)];
    expect(instants).toHaveLength(3 * 96);
    expect(new Set(instants.map((at, index) => at - (instants[index - 1] ?? from)))).toEqual(
      new Set([15 * MINUTE_MS]),
    );
  });

  it.each([
    ['15 * * * *', 'Australia/Lord_Howe', '2025-10-04T14:00:00Z', ['01:15', '03:15', '04:15']],
    ['45 * * * *', 'Australia/Lord_Howe', '2025-04-05T14:00:00Z', ['01:45', '01:45', '02:45']],
    ['0 * * * *', 'Europe/Berlin', '2025-10-25T23:30:00Z', ['02:00', '02:00', '03:00']],
    ['0 * * * *', 'Europe/Berlin', '2025-03-29T23:30:00Z', ['01:00', '03:00', '04:00']],
  ])('%s in %s after %s shows %j', async (cron, zone, text, expected) => {
    const from = Date.parse(text);
    const table = await tableOf(cron, zone, from);
    const clock = clockOf(zone);
    const shown: string[] = [];
    for (const at of instantsBetween(table, from, from + DAY_MS)) {
      shown.push(clock(at).slice(11, 16));
      if (shown.length === expected.length) break;
    }
    expect(shown).toEqual(expected);
  });
});

// ---- the walker ------------------------------------------------------------------------------------------------------

interface Fields {
  readonly cron: string;
  readonly isNamed: (wall: Wall) => boolean;
  readonly isEveryHour: boolean;
}

/** What the clock shows, as if it were in UTC. */
type Wall = Date;

function walked({ isNamed, isEveryHour }: Fields, zone: string, from: number, to: number): number[] {
  const clock = clockOf(zone);
  const due = new Set<number>();
  const seen = new Set<number>();
  let before: number | undefined;
  // Begins days earlier, so that a jump just before still counts.
  for (let at = from - 3 * DAY_MS; at <= to; at += MINUTE_MS) {
    const wall = Date.parse(`${clock(at).replace(' ', 'T')}Z`);
    if (!isEveryHour && before !== undefined) {
      for (let lost = before + MINUTE_MS; lost < wall; lost += MINUTE_MS) {
        // As long after the jump as it would have been after the last reading before it.
        if (isNamed(new Date(lost))) due.add(at + (lost - before - MINUTE_MS));
      }
    }
    if (isNamed(new Date(wall)) && (isEveryHour || !seen.has(wall))) due.add(at);
    seen.add(wall);
    before = wall;
  }
  return [...due].filter((at) => at > from && at <= to).sort((a, b) => a - b);
}

interface Field {
  readonly text: string;
  readonly has: (value: number) => boolean;
}

const field = (min: number, max: number): fc.Arbitrary<Field> =>
  fc.oneof(
    fc.constant({ text: '*', has: () => true }),
    fc
      .integer({ min: 2, max: Math.ceil(max / 2) })
      .map((step) => ({ text: `*/${step}`, has: (value: number) => (value - min) % step === 0 })),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 5 })
      .map((values) => ({ text: values.join(','), has: (value: number) => values.includes(value) })),
  );

/** The hours and minutes in which clocks jump come often. */
const minutes = fc.oneof(
  field(0, 59),
  fc.constantFrom('0', '30', '15', '45').map((text) => list(text)),
);
const hours = fc.oneof(
  field(0, 23),
  fc.constantFrom('*', '0', '2', '1', '23', '1-3', '2,3', '0,23').map((text) => list(text)),
);

function list(text: string): Field {
  if (text === '*') return { text, has: () => true };
  const values = text === '1-3' ? [1, 2, 3] : text.split(',').map(Number);
  return { text, has: (value) => values.includes(value) };
}

const fields: fc.Arbitrary<Fields> = fc
  .tuple(
    minutes,
    hours,
    fc.oneof(fc.constant(list('*')), field(1, 31)),
    fc.oneof(fc.constant(list('*')), field(0, 6)),
  )
  .map(([minute, hour, day, weekday]) => {
    const isEither = !day.text.startsWith('*') && !weekday.text.startsWith('*');
    return {
      cron: `${minute.text} ${hour.text} ${day.text} * ${weekday.text}`,
      isEveryHour: hour.text === '*' || Array.from({ length: 24 }, (_, h) => h).every(hour.has),
      isNamed: (wall) => {
        const onDay = day.has(wall.getUTCDate());
        const onWeekday = weekday.has(wall.getUTCDay());
        return (
          minute.has(wall.getUTCMinutes()) &&
          hour.has(wall.getUTCHours()) &&
          (isEither ? onDay || onWeekday : onDay && onWeekday)
        );
      },
    };
  });

const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Asia/Beirut'],
  ...[
    'Africa/Casablanca',
    'Pacific/Apia',
    'America/Havana',
    'Africa/Cairo',
    'America/St_Johns',
    'Antarctica/Troll',
  ],
  ...['America/Nuuk', 'Asia/Gaza', 'America/Scoresbysund', 'Pacific/Chatham', 'Asia/Kathmandu'],
];

/** A zone, and a window in it: near a change of its clock more often than not. */
const windows = fc
  .tuple(
    fc.constantFrom(...ZONES),
    fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2027, 0) }),
    fc.nat(),
    fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }),
    fc.boolean(),
  )
  .map(([zone, random, pick, away, isAnywhere]) => {
    const { changes } = readZone(zone, random);
    const near = changes.slice(0, 8)[pick % Math.max(1, Math.min(8, changes.length))]?.[0];
    const from = isAnywhere || near === undefined ? random : near + away;
    return { zone, random, from: Math.floor(from / MINUTE_MS) * MINUTE_MS };
  });

describe('a walker with the clock of the place', () => {
  it('finds the same instants, none more and none less, in both directions, and as many', async () => {
    let jumps = 0;
    await fc.assert(
      fc.asyncProperty(fields, windows, async (fields, { zone, random, from }) => {
        const to = from + 2 * DAY_MS;
        const table = await tableOf(fields.cron, zone, random);
        const expected = walked(fields, zone, from, to);
        const instants = [...instantsBetween(table, from, to)];
        expect(instants).toEqual(expected);
        expect(countInstants(table, from, to)).toBe(expected.length);
        const back: number[] = [];
        for (
          let at = previousInstant(table, to + 1);
          at !== undefined && at > from;
          at = previousInstant(table, at)
        )
          back.push(at);
        expect(back.reverse()).toEqual(expected);
        if ('zone' in table && table.zone.changes.some(([at]) => at > from - DAY_MS && at <= to)) jumps++;
      }),
      { numRuns: WALKS },
    );
    expect(jumps).toBeGreaterThan(WALKS / 10);
  });
});

// ---- intervals -------------------------------------------------------------------------------------------------------

const intervals = fc.record({
  everyMs: fc.integer({ min: 1000, max: 10 * DAY_MS }),
  anchor: fc.integer({ min: 0, max: Date.UTC(2030, 0) }),
});

describe('an interval', () => {
  it('is its anchor and whole multiples from there, and does not drift', () => {
    fc.assert(
      fc.property(intervals, fc.integer({ min: -1e14, max: 1e14 }), (table, after) => {
        const next = nextInstant(table, after)!;
        expect(next).toBeGreaterThan(after);
        expect(next).toBeGreaterThanOrEqual(table.anchor);
        expect((next - table.anchor) % table.everyMs).toBe(0);
        if (next > table.anchor) expect(next - table.everyMs).toBeLessThanOrEqual(after);
        expect(previousInstant(table, next + 1)).toBe(next);
        expect(previousInstant(table, next)).toBe(next === table.anchor ? undefined : next - table.everyMs);
      }),
    );
  });

  it('is counted as it is walked', () => {
    fc.assert(
      fc.property(intervals, fc.integer({ min: -500, max: 500 }), fc.nat(300), (table, before, beats) => {
        const after = table.anchor + before * 777;
        const through = after + beats * Math.floor(table.everyMs / 3);
        expect(countInstants(table, after, through)).toBe([...instantsBetween(table, after, through)].length);
      }),
    );
  });

  it('is exact at the end of time, and ends there', () => {
    const table = { everyMs: 1000, anchor: 7 };
    expect(nextInstant(table, 8.64e15 - 994)).toBe(8.64e15 - 993);
    expect(nextInstant(table, 8.64e15 - 993)).toBeUndefined();
    expect(nextInstant(table, 9e15)).toBeUndefined();
  });
});

describe('a beginning and an end', () => {
  const startAt = Date.UTC(2026, 0, 1);
  const endAt = Date.UTC(2026, 0, 3);

  it.each<[string, () => Promise<Timetable>]>([
    ['an interval', async () => ({ everyMs: DAY_MS, anchor: startAt, startAt, endAt })],
    ['a cron', async () => ({ ...(await tableOf('0 0 * * *', 'UTC', startAt)), startAt, endAt })],
  ])('bound %s: the first counts, the second does not', async (_, make) => {
    const table = await make();
    const days = [startAt, startAt + DAY_MS];
    expect([...instantsBetween(table, 0, 8.64e15)]).toEqual(days);
    expect(countInstants(table, 0, 8.64e15)).toBe(2);
    expect(nextInstant(table, days[1]!)).toBeUndefined();
    expect(previousInstant(table, 8.64e15)).toBe(days[1]);
    expect(previousInstant(table, startAt)).toBeUndefined();
  });

  it('leave an anchor outside of them where it is', () => {
    const table = { everyMs: DAY_MS, anchor: 5, startAt: DAY_MS };
    expect(nextInstant(table, 0)).toBe(DAY_MS + 5);
  });
});

describe('all instants of an age', () => {
  it('are had one by one, without waiting for the last', async () => {
    const table = await tableOf('* * * * * *', 'UTC', 0);
    const [first] = instantsBetween(table, 0, 8.64e15);
    expect(first).toBe(1000);
    expect(countInstants({ ...table, zone: UTC }, 0, 8.64e15)).toBe(8.64e12);
  });
});
