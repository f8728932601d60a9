// The lie: "sums of money are exact, and never below zero". Random bills and reservations against sums in BigInt.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LABELS, moved, newWindow, remainingIn, windowKey } from './window.ts';
import type { BudgetWindow, Movement } from './window.ts';
import { amountOf, microsOf } from '../values/money.ts';
import type { Micros } from '../values/money.ts';

const micros = (count: number) => count as Micros;

/** What always holds. */
function expectSound({ limit, spent, reserved, held, overdraft }: BudgetWindow): void {
  for (const amount of [limit, spent, reserved, held, overdraft]) {
    if (!Number.isSafeInteger(amount) || amount < 0) throw new Error(`${amount} is no amount`);
  }
  if (spent + reserved > limit) throw new Error(`${spent} + ${reserved} > ${limit}`);
  if (held > reserved) throw new Error(`${held} > ${reserved}`);
  if (overdraft > 0 && spent + reserved < limit) throw new Error('overdraft, though something is left');
}

describe('a window', () => {
  it('adds a million random charges exactly', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % below;
    };
    let window = newWindow('all', microsOf(30_000));
    let bills = 0n;
    for (let n = 0; n < 1_000_000; n++) {
      // Amounts that floats cannot add: a third of them would be off by now.
      const cost = microsOf(amountOf(micros(random(100_000))));
      bills += BigInt(cost);
      window = moved(window, { billed: cost })!;
    }
    expectSound(window);
    expect([seed, BigInt(window.spent) + BigInt(window.overdraft)]).toEqual([seed, bills]);
    expect([seed, window.spent]).toEqual([seed, microsOf(30_000)]);
    expect(window.overdraft).toBeGreaterThan(0);
  });

  it('refuses a movement that would break it, and takes every other', () => {
    let refused = 0;
    const amount = fc.integer({ min: -60, max: 60 });
    const movement: fc.Arbitrary<Movement> = fc.record(
      { limit: amount, billed: amount, reserved: amount, held: amount },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(movement, { maxLength: 40 }), (movements) => {
        let window = newWindow('all', micros(100));
        const sums = { limit: 100, billed: 0, reserved: 0, held: 0 };
        for (const one of movements) {
          const after = moved(window, one);
          const { limit = 0, billed = 0, reserved = 0, held = 0 } = one;
          const next = {
            limit: sums.limit + limit,
            billed: sums.billed + billed,
            reserved: sums.reserved + reserved,
            held: sums.held + held,
          };
          const makesSense =
            next.billed >= 0 && next.held >= 0 && next.held <= next.reserved && next.reserved <= next.limit;
          expect(after !== undefined).toBe(makesSense);
          if (after === undefined) {
            refused++;
            continue;
          }
          window = after;
          Object.assign(sums, next);
          expectSound(window);
          expect([window.spent + window.overdraft, window.reserved, window.limit, window.held]).toEqual([
            sums.billed,
            sums.reserved,
            sums.limit,
            sums.held,
          ]);
        }
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('pays its overdraft off with what becomes free', () => {
    let window = moved(newWindow('all', micros(100)), { reserved: 90 })!;
    window = moved(window, { billed: 30 })!;
    expect([window.spent, window.overdraft, remainingIn(window)]).toEqual([10, 20, 0]);
    window = moved(window, { reserved: -40 })!;
    expect([window.spent, window.overdraft, remainingIn(window)]).toEqual([30, 0, 20]);
  });

  it('counts no further than it can count exactly', () => {
    const window = moved(newWindow('all', micros(100)), { billed: Number.MAX_SAFE_INTEGER })!;
    expect(moved(window, { billed: 1 })).toBeUndefined();
    expect(moved(window, { limit: Number.MAX_SAFE_INTEGER })).toBeUndefined();
    expect(window.spent + window.overdraft).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('says what each label has cost, all of them together beyond a number, and corrects where it counted', () => {
    let window = newWindow('all', micros(1000));
    for (let n = 0; n < LABELS + 5; n++) window = moved(window, { billed: 2, labels: { task: `${n}` } })!;
    window = moved(window, { billed: -1, labels: { task: `${LABELS}` } })!;
    window = moved(window, { billed: -2, labels: { task: '0' } })!;
    expect(window.costs.size).toBe(LABELS + 1);
    expect(window.costs.get('task=*')).toBe(9);
    expect(window.costs.get('task=0')).toBe(0);
    expect([...window.costs.values()].reduce((a, b) => a + b)).toBe(window.spent);
  });

  it('belongs to the hour, day or month in UTC', () => {
    const midnight = Date.UTC(2030, 0, 31);
    expect(windowKey(midnight - 1, 'day')).toBe('2030-01-30');
    expect(windowKey(midnight, 'day')).toBe('2030-01-31');
    expect(windowKey(midnight, 'month')).toBe('2030-01');
    expect(windowKey(midnight, 'hour')).toBe('2030-01-31T00');
    expect(windowKey(midnight, undefined)).toBe('all');
  });
});
