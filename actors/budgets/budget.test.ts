// The lie: "a budget that makes no sense is refused where it is declared, by the name of what is wrong". A table of each.
import { describe, expect, it } from 'vitest';
import { amountOf, budget, microsOf } from 'heddle/actors';
import type { BudgetOptions } from 'heddle/actors';
import { payersOf } from './budget.ts';

describe('a budget', () => {
  it('is made of micro-units, with what was not said as declared', () => {
    expect(budget({ limit: 5 })).toEqual({
      limit: 5_000_000,
      onExhausted: 'refuse',
      perTask: 5_000_000,
      within: [],
    });
    const all = budget({ limit: 0.3, onExhausted: 'review', perTask: 0.01, within: ['budget/acme'] });
    expect(all).toEqual({
      limit: microsOf(0.3),
      onExhausted: 'review',
      perTask: microsOf(0.01),
      within: ['budget/acme'],
    });
    expect(amountOf(all.limit)).toBe(0.3);
  });

  it('cannot be changed afterwards, neither by itself nor by what it was made of', () => {
    const within = ['budget/acme'];
    const made = budget({ limit: 5, within });
    within.push('budget/other');
    expect(made.within).toEqual(['budget/acme']);
    expect(Object.isFrozen(made) && Object.isFrozen(made.within)).toBe(true);
  });

  it('may say by the input who pays besides, and must say it', () => {
    const made = budget({ limit: 5, within: ({ customer }) => [`budget/${customer}`] });
    expect(Object.isFrozen(made)).toBe(true);
    expect(payersOf(made, { customer: 'acme' })).toEqual(['budget/acme']);
    const refused = (within: unknown) => {
      try {
        payersOf(budget({ limit: 5, within: within as never }), {});
      } catch (error) {
        return (error as { path?: string }).path;
      }
      return 'nothing';
    };
    expect(refused(() => ['budget/acme', ''])).toBe('budget.within[1]');
    expect(refused(() => 'budget/acme')).toBe('budget.within');
    expect(refused(() => undefined)).toBe('budget.within');
    expect(refused(({ customer }: { customer?: string }) => [customer!.trim()])).toBe('budget.within');
  });

  it.each<[string, unknown]>([
    ['budget', undefined],
    ['budget', null],
    ['budget', 5],
    ['budget', [5]],
    ['budget.limit', {}],
    ['budget.limit', { limit: '5' }],
    ['budget.limit', { limit: -1 }],
    ['budget.limit', { limit: -0 }],
    ['budget.limit', { limit: 0.1 + 0.2 }],
    ['budget.limit', { limit: 1e-7 }],
    ['budget.limit', { limit: Infinity }],
    ['budget.limit', { limit: Number.NaN }],
    ['budget.limit', { limit: 1e10 }],
    ['budget.limits', { limits: 5 }],
    ['budget.onExhausted', { limit: 5, onExhausted: 'throw' }],
    ['budget.onExhausted', { limit: 5, onExhausted: null }],
    ['budget.perTask', { limit: 5, perTask: 6 }],
    ['budget.perTask', { limit: 5, perTask: 0.0000001 }],
    ['budget.within', { limit: 5, within: 'budget/acme' }],
    ['budget.within', { limit: 5, within: Array.from({ length: 16 }, (_, n) => `budget/${n}`) }],
    ['budget.within[1]', { limit: 5, within: ['budget/acme', ''] }],
    ['budget.within[0]', { limit: 5, within: [7] }],
  ])('is refused for its %s: %o', (path, options) => {
    expect(() => budget(options as BudgetOptions)).toThrow(
      expect.objectContaining({ _tag: 'InvalidArgument', path }),
    );
  });
});
