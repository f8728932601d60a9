// The lie: "the item that comes before all others is taken first". Random pushes and pops beside a list that is sorted.
import { describe, expect, it } from 'vitest';
import { pop, push } from './heap.ts';
import { Prng } from './testing/prng.ts';

describe('a heap', () => {
  it('gives its items in order, whatever is put in meanwhile', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Prng(seed);
      const heap: { readonly n: number }[] = [];
      const sorted: number[] = [];
      for (let step = 0; step < 200; step++) {
        if (heap.length === 0 || random.chance(0.55)) {
          const item = { n: random.below(30) };
          push(heap, item, (a, b) => a.n < b.n);
          sorted.push(item.n);
          sorted.sort((a, b) => a - b);
        } else expect([seed, step, pop(heap, (a, b) => a.n < b.n).n]).toEqual([seed, step, sorted.shift()]);
        expect(heap.length).toBe(sorted.length);
      }
      while (heap.length > 0) expect(pop(heap, (a, b) => a.n < b.n).n).toBe(sorted.shift());
    }
  });

  it('of one item is empty when that is taken', () => {
    const heap = [1];
    expect(pop(heap, (a, b) => a < b)).toBe(1);
    expect(heap).toEqual([]);
  });
});
