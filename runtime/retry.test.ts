// The lie: "a failed attempt is tried again when the schedule says so, and no more often". The delay after every number
// of failures, asked for afresh each time, as after a crash.
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import { describe, expect, it } from 'vitest';
import { nextRetryDelay } from './retry.ts';

const NOW = 1_700_000_000_000;

type AnySchedule = Schedule.Schedule<unknown, unknown>;

/** The delays after the first, the second, the third failure and so on. */
async function delaysOf(schedule: AnySchedule, failures: number, error: unknown = new Error('no')) {
  const delays: (number | undefined)[] = [];
  for (let n = 1; n <= failures; n++) delays.push(await nextRetryDelay(schedule, n, error, NOW, 'work'));
  return delays;
}

describe('the delay before the next attempt', () => {
  it.each<[string, AnySchedule, (number | undefined)[]]>([
    ['recurs(2)', Schedule.recurs(2), [0, 0, undefined, undefined]],
    ['recurs(0)', Schedule.recurs(0), [undefined]],
    ['spaced', Schedule.spaced('1 second'), [1000, 1000, 1000]],
    ['exponential', Schedule.exponential('100 millis'), [100, 200, 400, 800]],
    ['exponential by three', Schedule.exponential(10, 3), [10, 30, 90]],
    [
      'exponential, three times',
      Schedule.exponential('100 millis').pipe(Schedule.upTo({ times: 3 })),
      [100, 200, 400, undefined],
    ],
    [
      'at most a second',
      Schedule.min([Schedule.exponential('400 millis'), Schedule.spaced('1 second')]),
      [400, 800, 1000, 1000],
    ],
  ])('follows the schedule: %s', async (_, schedule, delays) => {
    expect(await delaysOf(schedule, delays.length)).toEqual(delays);
  });

  it('does not depend on what was asked before', async () => {
    const schedule = Schedule.exponential('100 millis');
    expect(await nextRetryDelay(schedule, 4, 'x', NOW, 'work')).toBe(800);
    expect(await nextRetryDelay(schedule, 1, 'x', NOW, 'work')).toBe(100);
    expect(await nextRetryDelay(schedule, 4, 'x', NOW, 'work')).toBe(800);
  });

  it('can depend on the error', async () => {
    const whileBusy = Schedule.spaced('1 second').pipe(
      Schedule.while(({ input }) => Effect.succeed((input as { code: string }).code === 'busy')),
    ) as AnySchedule;
    expect(await nextRetryDelay(whileBusy, 1, { code: 'busy' }, NOW, 'work')).toBe(1000);
    expect(await nextRetryDelay(whileBusy, 1, { code: 'refused' }, NOW, 'work')).toBeUndefined();
  });

  it('with jitter stays near what was meant', async () => {
    for (const delay of await delaysOf(Schedule.jittered(Schedule.spaced('1 second')), 20)) {
      expect(delay).toBeGreaterThanOrEqual(800);
      expect(delay).toBeLessThanOrEqual(1200);
    }
  });

  it('with jitter is the same whenever it is asked for, and another for other work', async () => {
    const schedule = Schedule.jittered(Schedule.exponential('1 second'));
    const delays = await delaysOf(schedule, 5);
    expect(await delaysOf(schedule, 5)).toEqual(delays);
    expect(await nextRetryDelay(schedule, 5, 'x', NOW, 'other work')).not.toBe(delays[4]);
  });

  it('is none when the schedule itself fails', async () => {
    const broken = Schedule.recurs(5).pipe(Schedule.while(() => Effect.die('broken'))) as AnySchedule;
    expect(await nextRetryDelay(broken, 1, 'x', NOW, 'work')).toBeUndefined();
  });

  it('ends with a schedule that is limited by time', async () => {
    const within3s = Schedule.spaced('1 second').pipe(Schedule.upTo({ duration: '3 seconds' }));
    expect(await nextRetryDelay(within3s, 100, 'x', NOW, 'work')).toBeUndefined();
  });
});
