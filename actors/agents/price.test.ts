// The lie: "a cost is exact, by the prices of its day, and never less than it was".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, pricesAt, priceTable, roundedUp } from './price.ts';
import type { Prices } from './price.ts';

const JANUARY: Prices = { from: '2026-01-01', input: 3, cachedInput: 0.3, output: 15, reasoning: 15 };
const MARCH: Prices = { ...JANUARY, from: '2026-03-01', input: 2 };
const NONE = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0 };

describe('a price table', () => {
  it.each([
    ['2025-12-31T23:59:59.999Z', undefined],
    ['2026-01-01T00:00:00.000Z', 3],
    ['2026-02-28T23:59:59.999Z', 3],
    ['2026-03-01T00:00:00.000Z', 2],
    ['2030-01-01T00:00:00.000Z', 2],
  ])('at %s a million tokens cost %s', (at, input) => {
    expect(pricesAt(priceTable('s', [JANUARY, MARCH]), Date.parse(at))?.input).toBe(input);
  });

  it('has a hash of what it says, in whatever order that is written', () => {
    const { hash } = priceTable('s', [JANUARY]);
    const { from, input, ...rest } = JANUARY;
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(priceTable('s', [{ ...rest, input, from }]).hash).toBe(hash);
    const others = [
      priceTable('t', [JANUARY]),
      priceTable('s', [MARCH]),
      priceTable('s', [JANUARY, MARCH]),
      priceTable('s', [{ ...JANUARY, cacheWrite: 0 }]),
    ];
    expect(new Set([hash, ...others.map((other) => other.hash)]).size).toBe(5);
  });

  it('does not change any more', () => {
    const given = { ...JANUARY };
    const table = priceTable('s', [given]);
    Object.assign(given, { input: 0 });
    expect(table.prices[0]!.input).toBe(3);
    expect(() => Object.assign(table.prices[0]!, { input: 0 })).toThrow(TypeError);
  });

  it.each<[string, string, readonly unknown[]]>([
    ['priceTable.source', '', [JANUARY]],
    ['priceTable.prices', 's', []],
    ['priceTable.prices[0].from', 's', [{ ...JANUARY, from: '2026-02-30' }]],
    ['priceTable.prices[0].from', 's', [{ ...JANUARY, from: '1.1.2026' }]],
    ['priceTable.prices[1].from', 's', [MARCH, JANUARY]],
    ['priceTable.prices[1].from', 's', [JANUARY, JANUARY]],
    ['priceTable.prices[0].input', 's', [{ ...JANUARY, input: -1 }]],
    ['priceTable.prices[0].input', 's', [{ ...JANUARY, input: 0.000_000_1 }]],
    ['priceTable.prices[0].reasoning', 's', [{ ...JANUARY, reasoning: undefined }]],
    ['priceTable.prices[0].cached', 's', [{ ...JANUARY, cached: 1 }]],
  ])('%s is refused', (path, source, prices) => {
    expect(() => priceTable(source, prices as Prices[])).toThrow(expect.objectContaining({ path }));
  });
});

describe('a cost', () => {
  it('is the sum of all kinds, rounded up once', () => {
    const tokens = { input: 1, cachedInput: 1, cacheWrite: 0, output: 1, reasoning: 1 };
    // 3 + 0.3 + 15 + 15 micro-units.
    expect(costOf(tokens, JANUARY)).toBe(34);
    expect(costOf({ ...NONE, cachedInput: 10 }, JANUARY)).toBe(3);
    expect(costOf(NONE, JANUARY)).toBe(0);
  });

  it('is exact where floats are not', () => {
    const prices = { ...JANUARY, input: 999.999_999 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000_000 }), (input) => {
        const exact = (BigInt(input) * 999_999_999n + 999_999n) / 1_000_000n;
        expect(costOf({ ...NONE, input }, prices)).toBe(Number(exact));
      }),
    );
  });

  it('is unknown where tokens have no price, and not where there are none', () => {
    expect(costOf({ ...NONE, cacheWrite: 1 }, JANUARY)).toBeUndefined();
    expect(costOf({ ...NONE, cacheWrite: 1_000_000 }, { ...JANUARY, cacheWrite: 3.75 })).toBe(3_750_000);
  });

  it.each([
    [0.1, 100_000],
    [0.000_123_4, 124],
    [0.000_11, 110],
    [1e-9, 1],
    [0, 0],
    [-0.1, undefined],
    [Number.NaN, undefined],
    [Infinity, undefined],
  ])('that is reported as %d is %s micro-units', (amount, micros) => {
    expect(roundedUp(amount)).toBe(micros);
  });
});
