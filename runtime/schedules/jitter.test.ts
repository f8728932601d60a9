// The lie: "occurrences are spread, and each stays where it is".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jitterOf } from './jitter.ts';

describe('jitter', () => {
  it('is within its bounds, whole, and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.maxSafeInteger(), fc.nat(86_400_000), (id, instant, jitterMs) => {
        const jitter = jitterOf(id, instant, jitterMs);
        expect(Number.isInteger(jitter)).toBe(true);
        expect(jitter).toBeGreaterThanOrEqual(0);
        expect(jitter).toBeLessThan(Math.max(1, jitterMs));
        expect(jitterOf(id, instant, jitterMs)).toBe(jitter);
      }),
    );
  });

  it.each<[string, (n: number) => number]>([
    ['schedules of one hour', (n) => jitterOf(`tenant-${n}`, Date.UTC(2026, 0), 60_000)],
    ['the hours of one schedule', (n) => jitterOf('tenant', Date.UTC(2026, 0) + n * 3_600_000, 60_000)],
  ])('spreads %s over all of it', (_, jitterAt) => {
    const tenths = new Array<number>(10).fill(0);
    for (let n = 0; n < 1000; n++) tenths[Math.floor(jitterAt(n) / 6000)]! += 1;
    for (const count of tenths) expect(count).toBeGreaterThan(60);
  });
});
