// The lie: "the parts of a text never have more money than was reserved, and none is kept waiting for what never comes".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Micros } from '../values/money.ts';
import { isSpent, sharesOf } from './shares.ts';
import type { Parts } from './shares.ts';

const partsOf = (count: number, more: Partial<Parts> = {}): Parts => ({
  ...{ count, places: 1, before: 0, done: [], free: [], running: {} },
  ...{ maxCost: 100 as Micros, spent: 0 as Micros, ...more },
});

const told = (parts: Parts) => sharesOf(parts).map(({ number, maxCost }) => [number, maxCost]);

describe('the shares of parts', () => {
  it('one at a time: each has all that is left', () => {
    expect(told(partsOf(3))).toEqual([[1, 100]]);
    expect(told(partsOf(3, { done: [1], spent: 70 as Micros }))).toEqual([[2, 30]]);
  });

  it('together: as much for each', () => {
    expect(told(partsOf(3, { places: 2 }))).toEqual([
      [1, 50],
      [2, 50],
    ]);
  });

  it('beside others: not before there is as much as an even division gives', () => {
    const running = { 1: 60 as Micros };
    expect(told(partsOf(2, { places: 2, running }))).toEqual([]);
    expect(told(partsOf(3, { places: 2, running }))).toEqual([[2, 40]]);
    expect(told(partsOf(2, { places: 2, done: [1], spent: 60 as Micros }))).toEqual([[2, 40]]);
  });

  it('nothing: nobody is begun', () => {
    expect(told(partsOf(2, { done: [1], spent: 100 as Micros }))).toEqual([]);
    expect(told(partsOf(3, { places: 2, done: [1], spent: 101 as Micros }))).toEqual([]);
  });

  it('what costs nothing is begun all the same', () => {
    const spent = { done: [1], spent: 100 as Micros, free: [3, 4] };
    expect(told(partsOf(4, spent))).toEqual([[3, 0]]);
    expect(told(partsOf(4, { ...spent, places: 3 }))).toEqual([
      [3, 0],
      [4, 0],
    ]);
    expect([isSpent(partsOf(4, spent)), isSpent(partsOf(4, { ...spent, done: [1, 3, 4] }))]).toEqual([
      false,
      true,
    ]);
    expect(told(partsOf(2, { places: 3, maxCost: 0 as Micros }))).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('never exceed the reservation, are enough where an even division is, and come to an end', () => {
    const attempts = fc.record({
      count: fc.integer({ min: 1, max: 12 }),
      places: fc.integer({ min: 1, max: 6 }),
      maxCost: fc.integer({ min: 0, max: 10_000_000 }),
      kept: fc.nat({ max: 3 }),
      lot: fc.infiniteStream(fc.nat({ max: 1_000_000 })),
    });
    fc.assert(
      fc.property(attempts, ({ count, places, maxCost, kept, lot }) => {
        const draw = (below: number): number => lot.next().value! % Math.max(1, below);
        const before = Math.min(kept, count - 1);
        const even = Math.floor(maxCost / (count - before));
        const done = Array.from({ length: before }, (_, index) => index + 1);
        const running = new Map<number, Micros>();
        let spent = 0;
        while (done.length < count) {
          const shares = sharesOf({
            ...{ count, places, before, done, free: [], running: Object.fromEntries(running) },
            ...{ maxCost: maxCost as Micros, spent: spent as Micros },
          });
          for (const share of shares) running.set(share.number, share.maxCost);
          const held = [...running.values()].reduce((sum: number, share) => sum + share, 0);
          expect(spent + held).toBeLessThanOrEqual(maxCost);
          expect(running.size).toBeGreaterThan(0);
          expect(running.size).toBeLessThanOrEqual(places);
          for (const share of shares) expect(share.maxCost).toBeGreaterThanOrEqual(even);
          // One of them is done, and costs no more than an even division gives it.
          const ended = [...running.keys()][draw(running.size)]!;
          running.delete(ended);
          done.push(ended);
          spent += draw(even + 1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
