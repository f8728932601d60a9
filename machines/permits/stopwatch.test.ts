// The lie: "a clock that jumps back neither stops the stopwatch nor turns it back".
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delayUntil, elapsed, lookedAt, startStopwatch } from './stopwatch.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What it shows after each of these jumps of the clock, looked at every time. */
function readings(jumps: readonly number[]): number[] {
  let watch = startStopwatch();
  return jumps.map((ms) => {
    vi.setSystemTime(Date.now() + ms);
    watch = lookedAt(watch);
    return elapsed(watch);
  });
}

describe('a stopwatch', () => {
  it.each([
    [[10, 20], 'goes on', [10, 30]],
    [[10, -1000, 5], 'takes a jump back for no time, and goes on', [10, 10, 15]],
    [[-1, -1, -1, 1], 'also again and again', [0, 0, 0, 1]],
    [[1_000_000_000], 'believes a jump forward', [1_000_000_000]],
    [[0, 0], 'may be looked at twice', [0, 0]],
  ])('%j: %s', (jumps, _, expected) => {
    expect(readings(jumps)).toEqual(expected);
  });

  it('loses no part of a millisecond', () => {
    const now = vi.spyOn(Date, 'now');
    let ms = 500.25;
    now.mockImplementation(() => ms);
    let watch = startStopwatch();
    for (let n = 0; n < 10; n++) {
      ms += 0.5;
      watch = lookedAt(watch);
      expect(Number.isInteger(elapsed(watch))).toBe(true);
    }
    expect(elapsed(watch)).toBe(5);
    now.mockRestore();
  });

  it('gives delays that timers can keep', () => {
    const watch = startStopwatch();
    expect([-5, 0, 7, 1e12, Infinity].map((at) => delayUntil(watch, at))).toEqual([
      ...[0, 0, 7],
      ...[2 ** 31 - 1, 2 ** 31 - 1],
    ]);
  });
});
