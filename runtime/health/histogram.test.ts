// The lie: "a quantile is what so many of the values did not exceed". Values of all sizes, compared with the same values in
// a sorted list; and values that are none.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.ts';

const FIRST = 0.025;
const DOUBLINGS = 22;
const LAST = FIRST * 2 ** DOUBLINGS;
/** How much wider a bucket's upper bound is than its lower. */
const WIDTH = 2 ** (1 / 4);
/** Rounding of bounds. */
const ABOUT = 1 + 1e-9;

const values = fc.array(
  fc.oneof(
    fc.double({ min: FIRST, max: LAST, noNaN: true }),
    // Powers of two of the first bound: where a logarithm is rounded to either side.
    fc.integer({ min: 0, max: DOUBLINGS * 4 }).map((i) => FIRST * 2 ** (i / 4)),
    fc.double({ min: FIRST, max: 10, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);

function recorded(all: readonly number[]): Histogram {
  const histogram = new Histogram(FIRST, DOUBLINGS);
  for (const value of all) histogram.record(value);
  return histogram;
}

/** The smallest value that a share of all values does not exceed. */
function exactly(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

describe('a histogram', () => {
  it('says quantiles that are off by less than a bucket', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const said = recorded(all).quantile(share);
        const truth = exactly(all, share);
        expect(said).toBeLessThanOrEqual(truth * WIDTH * ABOUT);
        expect(said * WIDTH * ABOUT).toBeGreaterThanOrEqual(truth);
      }),
      { numRuns: 500 },
    );
  });

  it('counts in its buckets what is at most their bound, exactly', () => {
    fc.assert(
      fc.property(values, (all) => {
        const { buckets, count, sum, max } = recorded(all).read();
        expect(buckets).toHaveLength(DOUBLINGS + 1);
        for (const [atMost, below] of buckets)
          expect(below).toBe(all.filter((value) => value <= atMost).length);
        expect(count).toBe(all.length);
        expect(max).toBe(Math.max(...all));
        expect(sum).toBeCloseTo(
          all.reduce((a, b) => a + b, 0),
          3,
        );
      }),
    );
  });

  it('counts the next number below a bound, the bound, and the next one above where they belong', () => {
    // All numbers beside a bound that a double can hold: the next one is a bit away.
    const beside = (bound: number, bits: bigint): number => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, bound);
      view.setBigInt64(0, view.getBigInt64(0) + bits);
      return view.getFloat64(0);
    };
    for (let i = 0; i <= DOUBLINGS; i++) {
      const bound = FIRST * 2 ** i;
      const below = (value: number): number => recorded([value]).read().buckets[i]![1];
      expect([beside(bound, -1n), bound, beside(bound, 1n)].map(below)).toEqual([1, 1, 0]);
    }
  });

  it('has bounds that are exact doublings of the first', () => {
    const { buckets } = new Histogram(1, 16).read();
    expect(buckets.map(([atMost]) => atMost)).toEqual(Array.from({ length: 17 }, (_, i) => 2 ** i));
  });

  it('says 0 before the first value', () => {
    expect(new Histogram(FIRST, DOUBLINGS).read()).toMatchObject({
      count: 0,
      sum: 0,
      p50: 0,
      p90: 0,
      p99: 0,
      max: 0,
    });
  });

  it('says of equal values that all of them are that', () => {
    expect(recorded([3, 3, 3]).read()).toMatchObject({ count: 3, sum: 9, p50: 3, p90: 3, p99: 3, max: 3 });
  });

  it.each([
    ['0', 0, 0],
    ['a time that went back', -5, 0],
    ['no number', NaN, 0],
    ['infinity', Infinity, Number.MAX_SAFE_INTEGER],
  ])('takes %s, and goes on', (_, value, counted) => {
    const histogram = recorded([value]);
    expect(histogram.read()).toMatchObject({ count: 1, sum: counted, max: counted });
    histogram.record(1);
    expect(histogram.count).toBe(2);
    expect(histogram.quantile(0.5)).not.toBeNaN();
  });

  it('counts what is beyond its last bound only in all', () => {
    const { buckets, count, max, p99 } = recorded([LAST * 3, LAST * 5]).read();
    expect(buckets.at(-1)).toEqual([LAST, 0]);
    expect({ count, max }).toEqual({ count: 2, max: LAST * 5 });
    expect(p99).toBeGreaterThan(LAST);
    expect(p99).toBeLessThanOrEqual(LAST * 5);
  });

  it('gives readings that do not change any more', () => {
    const histogram = recorded([1]);
    const before = histogram.read();
    histogram.record(2);
    expect(before.count).toBe(1);
    expect(
      Object.isFrozen(before) && Object.isFrozen(before.buckets) && Object.isFrozen(before.buckets[0]),
    ).toBe(true);
  });
});
