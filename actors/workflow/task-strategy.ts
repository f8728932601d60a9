/**
 * The strategy of a task: the one that is named for it, with what its budget and its own `retry` say besides.
 */
import { extend } from '../../machines/faults/strategy.ts';
import type { Rung as StrategyRung, Strategy } from '../../machines/faults/strategy.ts';
import { millisOf } from '../../runtime/index.ts';
import type { Budget } from '../budgets/budget.ts';
import type { TaskOptions } from './declaration.ts';

const WITHOUT_MONEY: Readonly<Record<Budget['onExhausted'] | 'undoing', readonly StrategyRung[]>> = {
  refuse: [{ do: 'fail' }],
  cheaper: [{ do: 'other-agent' }, { do: 'fail' }],
  review: [{ do: 'review' }],
  // What was done stays to be undone: somebody gives more, and lets it go on.
  undoing: [{ do: 'other-agent' }, { do: 'park' }],
};

export const withoutMoney = (strategy: Strategy, how: keyof typeof WITHOUT_MONEY): Strategy =>
  extend(strategy, { name: strategy.name, rows: { 'budget-exhausted': WITHOUT_MONEY[how] } });

/** Faults that may pass by themselves. */
const PASSING = ['rate-limit', 'server-error', 'unavailable', 'timeout', 'empty', 'crash'] as const;

export function withRetries(
  strategy: Strategy,
  { times, first, atMost }: NonNullable<TaskOptions['retry']>,
): Strategy {
  const mostMs = atMost === undefined ? 60_000 : millisOf(atMost, 'retry.atMost');
  const firstMs = first === undefined ? Math.min(1000, mostMs) : millisOf(first, 'retry.first');
  const maxMs = Math.max(firstMs, mostMs);
  const retry = { do: 'retry', times, backoff: { firstMs, factor: 2, maxMs, jitter: 0.5 } } as const;
  const rows = PASSING.map((name) => [
    name,
    [retry, ...strategy.rows[name].filter((rung) => rung.do !== 'retry')],
  ]);
  return extend(strategy, {
    name: strategy.name,
    rows: Object.fromEntries(rows) as Partial<Strategy['rows']>,
  });
}
