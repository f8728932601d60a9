// The lie: "more than so many restarts in a period are noticed, and not one fewer".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countRestart } from './restart-window.ts';

describe('a restart', () => {
  it.each([
    ['is one too many where none is allowed', [], 0, 0, true],
    ['is the first of one', [], 0, 1, false],
    ['is the second of one', [0], 100, 1, true],
    ['counts for exactly one period', [0], 1000, 1, true],
    ['does not count after it', [0], 1001, 1, false],
    ['that seems to lie in the future counts as of now', [5000], 100, 1, true],
  ] as const)('%s', (_, restarts, nowMs, intensity, isTooMany) => {
    expect(countRestart(restarts, nowMs, { intensity, periodMs: 1000 }).isTooMany).toBe(isTooMany);
  });

  it('is one too many exactly when more than so many lie in its period, however long it goes on', () => {
    const pauses = fc.array(fc.nat(400), { maxLength: 60 });
    fc.assert(
      fc.property(fc.nat(5), fc.integer({ min: 1, max: 1000 }), pauses, (intensity, periodMs, waits) => {
        let window: readonly number[] = [];
        const all: number[] = [];
        let now = 1000;
        for (const wait of waits) {
          now += wait;
          const { restarts, isTooMany } = countRestart(window, now, { intensity, periodMs });
          all.push(now);
          const lately = all.filter((at) => now <= at + periodMs).length;
          expect(isTooMany).toBe(lately > intensity);
          expect(restarts.length).toBeLessThanOrEqual(intensity + 1);
          expect(restarts[0]).toBe(now);
          window = restarts;
        }
      }),
    );
  });
});
