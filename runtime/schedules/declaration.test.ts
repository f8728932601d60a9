// The lie: "what you write is what is meant, or it is refused with the place where it is wrong". Tables of both, and what is
// stored survives being stored.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidArgument } from '../errors.ts';
import { declareSchedule } from './declaration.ts';
import type { CronTiming, ScheduleOptions } from './declaration.ts';

const BASE = { id: 'nightly', start: 'report' };
const NIGHTLY: ScheduleOptions = { ...BASE, cron: '0 2 * * *' };
const HOURLY: ScheduleOptions = { ...BASE, every: '1 hour' };

async function refusalOf(options: unknown): Promise<InvalidArgument> {
  const refusal: unknown = await declareSchedule(options as ScheduleOptions).then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(InvalidArgument);
  return refusal as InvalidArgument;
}

describe('a declaration', () => {
  it('has every default written out', async () => {
    expect(await declareSchedule(NIGHTLY)).toEqual({
      id: 'nightly',
      start: 'report',
      timing: {
        cron: '0 2 * * *',
        timeZone: 'UTC',
        calendar: {
          ...{ seconds: [0], minutes: [0], hours: [2], days: [], months: [], weekdays: [] },
          eitherDay: false,
        },
      },
      overlap: 'skip',
      missed: 'one',
      graceMs: 60_000,
      jitterMs: 0,
      maxCatchUp: 1000,
      maxWaiting: 1000,
      maxRunning: 1000,
    });
  });

  it('keeps what was written', async () => {
    const options: ScheduleOptions = {
      ...{ id: 'a/b@c', start: 'report', input: { deep: [1, null] }, every: '90 minutes' },
      ...{ startAt: '2026-01-01T00:00:00+02:00', endAt: new Date(Date.UTC(2027, 0)) },
      ...{ overlap: 'queue', missed: 'all', grace: '2 hours', jitter: 500 },
      ...{ maxCatchUp: 1, maxWaiting: 2, maxRunning: 3 },
    };
    expect(await declareSchedule(options)).toEqual({
      ...{ id: 'a/b@c', start: 'report', input: { deep: [1, null] }, overlap: 'queue', missed: 'all' },
      timing: { everyMs: 5_400_000, startAt: Date.UTC(2025, 11, 31, 22), endAt: Date.UTC(2027, 0) },
      ...{ graceMs: 7_200_000, jitterMs: 500, maxCatchUp: 1, maxWaiting: 2, maxRunning: 3 },
    });
  });

  it('can be stored and compared', async () => {
    for (const options of [NIGHTLY, HOURLY, { ...NIGHTLY, timeZone: 'Europe/Berlin', input: null }]) {
      const declaration = await declareSchedule(options);
      expect(isDeepStrictEqual(structuredClone(declaration), declaration)).toBe(true);
      expect(JSON.parse(JSON.stringify(declaration))).toEqual(declaration);
      expect(await declareSchedule({ ...options })).toEqual(declaration);
    }
  });

  it.each<[string, Partial<CronTiming['calendar']>]>([
    ['*/20 * * * *', { minutes: [0, 20, 40], hours: [] }],
    [
      '*/20 0 9 * * mon-fri',
      { seconds: [0, 20, 40], minutes: [0], weekdays: [1, 2, 3, 4, 5], eitherDay: false },
    ],
    ['0 0 1 jan,JUL 7', { days: [1], months: [1, 7], weekdays: [0], eitherDay: true }],
    ['0 0 */2 * 1', { weekdays: [1], eitherDay: false }],
    ['0 0 1 * *', { days: [1], weekdays: [], eitherDay: false }],
    ['  0 0\t* * *\n', { minutes: [0] }],
  ])('reads %j', async (cron, expected) => {
    const { timing } = await declareSchedule({ ...BASE, cron });
    expect((timing as CronTiming).calendar).toMatchObject(expected);
  });

  it.each<[ScheduleOptions, number]>([
    [NIGHTLY, 60_000],
    [{ ...BASE, cron: '0 0 2 * * *' }, 60_000],
    [{ ...BASE, cron: '*/10 * * * * *' }, 1000],
    [{ ...BASE, cron: '* * * * * *' }, 1000],
    [HOURLY, 60_000],
    [{ ...BASE, every: '5 seconds' }, 5000],
    [{ ...BASE, every: '5 seconds', grace: 0 }, 0],
  ])('without a word about grace, %j has %d ms', async (options, graceMs) => {
    expect((await declareSchedule(options)).graceMs).toBe(graceMs);
  });
});

describe('refused, with its path', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no object', null, 'schedule', /must be an object, but is null/],
    ['a text', '0 2 * * *', 'schedule', /must be an object/],
    [
      'an unknown field',
      { ...NIGHTLY, timezone: 'UTC' },
      'schedule.timezone',
      /no field of a schedule.*timeZone/,
    ],
    ['no id', { ...NIGHTLY, id: undefined }, 'schedule.id', /must be a string/],
    ['an empty id', { ...NIGHTLY, id: '' }, 'schedule.id', /must not be empty/],
    ['half a character as id', { ...NIGHTLY, id: '\ud800' }, 'schedule.id', /lone surrogate/],
    ['no actor', { ...NIGHTLY, start: undefined }, 'schedule.start', /must be a string/],
    ['neither cron nor every', BASE, 'schedule', /neither cron nor every; give exactly one/],
    ['both cron and every', { ...NIGHTLY, every: 5000 }, 'schedule', /both cron and every/],
    [
      'a cron that is none',
      { ...BASE, cron: 'daily' },
      'schedule.cron',
      /not a cron expression: "daily".*'0 9 \* \* 1-5'/,
    ],
    ['four fields', { ...BASE, cron: '* * * *' }, 'schedule.cron', /not a cron expression/],
    ['minute 60', { ...BASE, cron: '60 * * * *' }, 'schedule.cron', /between 0 and 59/],
    ['an L', { ...BASE, cron: '0 0 L * *' }, 'schedule.cron', /not a cron expression/],
    ['a cron that is a number', { ...BASE, cron: 5 }, 'schedule.cron', /must be a string, but is 5/],
    ['30 February', { ...BASE, cron: '0 0 30 2 *' }, 'schedule.cron', /never comes/],
    ['31 April or June', { ...BASE, cron: '0 0 31 4,6 *' }, 'schedule.cron', /never comes/],
    ['30 February, every second weekday', { ...BASE, cron: '0 0 30 2 */2' }, 'schedule.cron', /never comes/],
    [
      'a zone that is none',
      { ...NIGHTLY, timeZone: 'Europe/Atlantis' },
      'schedule.timeZone',
      /no[t]? a time zone.*Atlantis/,
    ],
    ['an offset as zone', { ...NIGHTLY, timeZone: '+02:00' }, 'schedule.timeZone', /not a time zone/],
    ['a zone that is a number', { ...NIGHTLY, timeZone: 2 }, 'schedule.timeZone', /must be a string/],
    [
      'a zone for an interval',
      { ...HOURLY, timeZone: 'UTC' },
      'schedule.timeZone',
      /says nothing to an interval/,
    ],
    ['every 999 ms', { ...BASE, every: 999 }, 'schedule.every', /at least 1000 ms/],
    ['every half millisecond more', { ...BASE, every: 1000.5 }, 'schedule.every', /whole number/],
    ['every eternity', { ...BASE, every: Infinity }, 'schedule.every', /whole number/],
    ['every parsec', { ...BASE, every: '1 parsec' }, 'schedule.every', /is not a duration/],
    [
      'a beginning without offset',
      { ...NIGHTLY, startAt: '2026-01-01T00:00:00' },
      'schedule.startAt',
      /with its offset/,
    ],
    [
      'a beginning without time',
      { ...NIGHTLY, startAt: '2026-01-01' },
      'schedule.startAt',
      /not a point in time/,
    ],
    [
      '31 February',
      { ...NIGHTLY, startAt: '2026-02-31T00:00:00Z' },
      'schedule.startAt',
      /not a point in time/,
    ],
    ['an invalid date', { ...NIGHTLY, endAt: new Date(NaN) }, 'schedule.endAt', /not a point in time/],
    ['a fraction of time', { ...NIGHTLY, endAt: 0.5 }, 'schedule.endAt', /not a point in time/],
    [
      'an end before the beginning',
      { ...NIGHTLY, startAt: 5, endAt: 5 },
      'schedule.endAt',
      /later than startAt/,
    ],
    [
      'an unknown overlap',
      { ...NIGHTLY, overlap: 'buffer' },
      'schedule.overlap',
      /'skip', 'queue', 'allow', 'cancel-previous', but is 'buffer'/,
    ],
    ['an unknown missed', { ...NIGHTLY, missed: 'two' }, 'schedule.missed', /must be one of/],
    [
      'all, but not overlapping',
      { ...NIGHTLY, missed: 'all' },
      'schedule.missed',
      /overlap is 'skip'.*'queue' or 'allow'/,
    ],
    [
      'all, but only the newest',
      { ...NIGHTLY, missed: 'all', overlap: 'cancel-previous' },
      'schedule.missed',
      /cannot be 'all'/,
    ],
    ['a grace that never ends', { ...NIGHTLY, grace: Infinity }, 'schedule.grace', /whole number/],
    ['a jitter of days', { ...NIGHTLY, jitter: '25 hours' }, 'schedule.jitter', /at most a day/],
    [
      'a jitter over the next',
      { ...BASE, every: 5000, jitter: 5001 },
      'schedule.jitter',
      /not be longer than every/,
    ],
    ['no catching up', { ...NIGHTLY, maxCatchUp: 0 }, 'schedule.maxCatchUp', /from 1 to 10000, but is 0/],
    ['endless catching up', { ...NIGHTLY, maxCatchUp: Infinity }, 'schedule.maxCatchUp', /from 1 to 10000/],
    ['half a place', { ...NIGHTLY, maxWaiting: 0.5 }, 'schedule.maxWaiting', /whole number/],
    ['no place', { ...NIGHTLY, maxRunning: null }, 'schedule.maxRunning', /but is null/],
  ])('%s', async (_, options, path, words) => {
    const refusal = await refusalOf(options);
    expect(refusal.path).toBe(path);
    expect(refusal.message.startsWith(`${path} `)).toBe(true);
    expect(refusal.message).toMatch(words);
  });

  it('that the user wrote it at', async () => {
    const refused = declareSchedule({ ...NIGHTLY, cron: 'x' }, 'schedules.nightly');
    await expect(refused).rejects.toMatchObject({ path: 'schedules.nightly.cron' });
  });
});
