// The lie: "a seed decides everything, and its streams do not disturb each other". The numbers of seeds that were printed
// long ago, streams forked at different times, and counts of what comes out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from './prng.ts';

const take = (random: Prng, count: number): number[] => Array.from({ length: count }, () => random.next());

describe('a seed', () => {
  it('gives the same numbers for ever: a seed that was printed yesterday must fail today', () => {
    expect(take(new Prng(42), 4)).toMatchInlineSnapshot(`
      [
        2581720956,
        1925393290,
        3661312704,
        2876485805,
      ]
    `);
    expect(take(new Prng(42).fork('disk'), 4)).toMatchInlineSnapshot(`
      [
        2932772841,
        3170675141,
        1803610604,
        3715106512,
      ]
    `);
  });

  it('gives other numbers than another', () => {
    const firsts = Array.from({ length: 2000 }, (_, seed) => new Prng(seed).next());
    expect(new Set(firsts).size).toBe(2000);
  });

  it('may be any number', () => {
    for (const seed of [-1, 0, 0.5, 2 ** 32, 2 ** 53, -(2 ** 31)]) {
      const [one, other] = [new Prng(seed), new Prng(seed)];
      expect(take(one, 5)).toEqual(take(other, 5));
      expect(new Set(take(one, 100)).size).toBeGreaterThan(98);
    }
  });
});

describe('a fork', () => {
  it('is a stream of its own for each purpose', () => {
    const streams = ['load', 'disk', 'faults', 'daol', ''].map((purpose) =>
      take(new Prng(7).fork(purpose), 20),
    );
    streams.push(take(new Prng(7), 20));
    expect(new Set(streams.flat()).size).toBe(streams.flat().length);
  });

  it('does not move the stream it was forked from', () => {
    const [forked, left] = [new Prng(7), new Prng(7)];
    take(forked.fork('disk'), 100);
    expect(take(forked, 10)).toEqual(take(left, 10));
  });

  it('is the same, however much the others are used', () => {
    const root = new Prng(7);
    const first = root.fork('disk');
    take(root.fork('load'), 50);
    expect(take(root.fork('disk'), 10)).toEqual(take(first, 10));
  });
});

describe('what is drawn', () => {
  const seed = fc.integer();

  it('stays below what was asked', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 1000 }), (from, n) => {
        const random = new Prng(from);
        for (let i = 0; i < 50; i++) {
          const drawn = random.below(n);
          expect(Number.isInteger(drawn) && drawn >= 0 && drawn < n).toBe(true);
        }
      }),
    );
  });

  it('reaches everything, about equally often', () => {
    const random = new Prng(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const picked = random.pick(['a', 'b', 'c', 'd', 'e', 'f']);
      counts.set(picked, (counts.get(picked) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('happens as often as its probability says, never at 0 and always at 1', () => {
    const random = new Prng(2);
    const hits = (probability: number): number => {
      let count = 0;
      for (let i = 0; i < 5000; i++) if (random.chance(probability)) count++;
      return count;
    };
    expect([hits(0), hits(1)]).toEqual([0, 5000]);
    expect(Math.abs(hits(0.1) - 500)).toBeLessThan(100);
    expect(Math.abs(hits(0.5) - 2500)).toBeLessThan(200);
  });

  it('are as many bytes as were asked for, of all values', () => {
    const bytes = new Prng(3).bytes(4096);
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect(bytes).toHaveLength(4096);
    expect(new Set(bytes).size).toBe(256);
    expect(new Prng(3).bytes(0)).toHaveLength(0);
  });
});
