// The lie: "what was counted stays in the window for as long as it is wide, however much it is". Random counts, against a
// list of every single one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counted, emptiesAt, total, uncounted, within } from './window.ts';
import type { Slices } from './window.ts';

const steps = fc.array(
  fc.record({ ms: fc.integer({ min: 0, max: 40 }), count: fc.integer({ min: 1, max: 5 }) }),
);

describe('a sliding window', () => {
  it('holds what came during its span, and says when that leaves', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 300 }), fc.nat({ max: 20 }), (all, spanMs, need) => {
        let slices: Slices = [];
        const list: number[] = [];
        let now = 0;
        for (const { ms, count } of all) {
          now += ms;
          slices = counted(slices, now, spanMs, count);
          for (let n = 0; n < count; n++) list.push(now);
          const inside = list.filter((at) => now - at < spanMs);
          expect(total(within(slices, now, spanMs))).toBe(inside.length);
          const leaves = need === 0 ? -Infinity : (inside[need - 1] ?? Infinity) + spanMs;
          expect(emptiesAt(slices, spanMs, need)).toBe(leaves);
        }
      }),
    );
  });

  it('stays small with a million counts, never lets one go early, and none a 256th of its span late', () => {
    const spanMs = 60_000;
    let slices: Slices = [];
    for (let now = 0; now < 200_000; now += 1) {
      slices = counted(slices, now, spanMs, 5);
      if (now % 997 !== 0) continue;
      const exact = Math.min(now + 1, spanMs) * 5;
      expect(slices.length).toBeLessThanOrEqual(2 * 256);
      expect(total(slices)).toBeGreaterThanOrEqual(exact);
      expect(total(slices)).toBeLessThanOrEqual(exact + (spanMs / 256 + 1) * 5);
    }
  });

  it('gives back what was counted, whether it is still there or not', () => {
    const slices = counted(counted(counted([], 0, 100, 3), 0, 100, 1), 10, 100, 2);
    expect(total(uncounted(slices, 0, 1))).toBe(5);
    expect(uncounted(slices, 10, 2)).toEqual([{ from: 0, to: 0, count: 4 }]);
    expect(uncounted(slices, 5, 2)).toEqual(slices);
  });
});
