// The lie: "what cron fields name on a wall clock is found whichever way one looks, and counted without walking". Held against
// Effect's own search, against walking, and against the calendar of the next thousand years.
import * as Cron from 'effect/Cron';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comesEver, countReadings, isEveryHour, isReading, readingBefore, readingFrom } from './calendar.ts';
import { declareSchedule } from './declaration.ts';
import type { CronTiming } from './declaration.ts';

const DAY_MS = 86_400_000;
const RUNS = 300;

async function calendarOf(cron: string) {
  const { timing } = await declareSchedule({ id: 's', start: 'a', cron });
  return (timing as CronTiming).calendar;
}

const field = (min: number, max: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 1, max: Math.floor((max - min) / 2) }).map((step) => `*/${step}`),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 })
      .map((values) => values.join(',')),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );

/** Only days that every month has, so that every expression comes. */
const expressions = fc
  .tuple(
    fc.option(field(0, 59), { nil: '' }),
    ...([field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)] as const),
  )
  .map((fields) => fields.join(' ').trim());

const walls = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2040, 0) });

describe('a calendar', () => {
  it('names what Effect finds, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(expressions, walls, async (expression, wall) => {
        const calendar = await calendarOf(expression);
        const cron = Cron.parseUnsafe(expression, 'UTC');
        expect(readingFrom(calendar, wall + 1)).toBe(Cron.next(cron, wall).getTime());
        expect(readingBefore(calendar, wall)).toBe(Cron.prev(cron, wall).getTime());
      }),
      { numRuns: RUNS },
    );
  });

  it('goes through the same readings in both directions, and counts them', async () => {
    await fc.assert(
      fc.asyncProperty(
        expressions,
        walls,
        fc.integer({ min: 0, max: 200 }),
        async (expression, from, steps) => {
          const calendar = await calendarOf(expression);
          const readings: number[] = [];
          for (let wall = from; readings.length <= steps; wall = readings.at(-1)! + 1)
            readings.push(readingFrom(calendar, wall)!);
          const last = readings.at(-1)!;
          expect(countReadings(calendar, from, last)).toBe(steps);
          expect(countReadings(calendar, from, last + 1)).toBe(steps + 1);
          const back: number[] = [];
          for (let wall = last + 1; back.length <= steps; wall = back.at(-1)!)
            back.push(readingBefore(calendar, wall)!);
          expect(back.reverse()).toEqual(readings);
          expect(readings.every((reading) => isReading(calendar, reading))).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it.each([
    ['0 0 29 2 *', '2033-01-01', '2036-02-29'],
    ['0 0 29 2 *', '2096-03-01', '2104-02-29'],
    // A 29 February on a Sunday: forty years apart.
    ['0 0 29 2 */7', '2089-01-01', '2128-02-29'],
    ['0 0 31 * 1', '2026-01-01', '2026-01-05'],
    ['0 0 31 */2 *', '2026-02-01', '2026-03-31'],
    // Day of month or weekday; and both, where one of them begins with a star.
    ['0 0 13 * 5', '2026-03-02', '2026-03-06'],
    ['0 0 13 * */5', '2026-03-02', '2026-03-13'],
    ['0 0 */2 * 1', '2026-03-01', '2026-03-09'],
    ['0 0 1 1 *', '9999-06-01', '+010000-01-01'],
    ['0 0 1 1 *', '0050-06-01', '0051-01-01'],
  ])('%s after %s comes on %s', async (expression, from, then) => {
    expect(readingFrom(await calendarOf(expression), Date.parse(`${from}T00:00:00Z`))).toBe(
      Date.parse(`${then}T00:00:00Z`),
    );
  });

  it.each([
    ['0 0 1 1 *', '0050-06-01', '0050-01-01'],
    ['0 0 29 2 *', '2104-02-29', '2096-02-29'],
    ['0 0 31 * *', '2026-03-31', '2026-01-31'],
  ])('%s before %s came on %s', async (expression, from, then) => {
    expect(readingBefore(await calendarOf(expression), Date.parse(`${from}T00:00:00Z`))).toBe(
      Date.parse(`${then}T00:00:00Z`),
    );
  });

  it.each([
    [0, 30, 2],
    [0, 31, 4],
    [0, 31, 11],
  ])('with an empty list of weekdays and day %#: 30 February and the like never come', (_, day, month) => {
    const calendar = {
      ...{ seconds: [0], minutes: [0], hours: [0] },
      ...{ days: [day], months: [month], weekdays: [], eitherDay: false },
    };
    expect(comesEver(calendar)).toBe(false);
    expect(readingFrom(calendar, 0)).toBeUndefined();
    expect(readingBefore(calendar, 0)).toBeUndefined();
    expect(countReadings(calendar, -1e15, 1e15)).toBe(0);
  });

  it('counts ages as fast as days', async () => {
    const everySecond = await calendarOf('* * * * * *');
    const days = 100_000_000;
    expect(countReadings(everySecond, 0, days * DAY_MS)).toBe(days * 86_400);
    const leapDays = await calendarOf('0 0 29 2 *');
    expect(countReadings(leapDays, Date.UTC(2000, 0), Date.UTC(400_0, 0))).toBe((2000 / 400) * 97);
  });

  it('ends where dates end', async () => {
    const calendar = await calendarOf('0 0 1 1 *');
    expect(readingFrom(calendar, 8.64e15)).toBeUndefined();
    expect(readingBefore(calendar, -8.64e15)).toBeUndefined();
    expect(readingBefore(calendar, 8.64e15 + DAY_MS)).toBe(Date.UTC(275_760, 0, 1));
  });

  it.each([
    ['*/15 * * * *', true],
    ['0 0-23 * * *', true],
    ['0 */1 * * *', true],
    ['0 */2 * * *', false],
    ['0 0-22 * * *', false],
  ])('%s names every hour: %s', async (expression, every) => {
    expect(isEveryHour(await calendarOf(expression))).toBe(every);
  });
});
