/**
 * What the budgets around a task say of what it may cost.
 */
import type { Micros } from '../../machines/values/money.ts';
import type { Budget } from '../budgets/budget.ts';

/** What budgets say of the tasks of a run, and of those of the runs within it. */
export interface MoneyTerms {
  readonly onExhausted: Budget['onExhausted'];
  /** What one attempt may cost. */
  readonly most: Micros;
  /** What all attempts of a task together may cost. A budget that gives a task all that it has leaves that to its account: somebody may give more. */
  readonly perTask: Micros | undefined;
}

/** The nearest budget says what is done when there is not enough; what a task may cost, each of them. */
export function moneyTermsOf(
  own: Budget | undefined,
  around: MoneyTerms | undefined,
): MoneyTerms | undefined {
  if (own === undefined) return around;
  const perTask = own.perTask < own.limit ? own.perTask : undefined;
  return {
    onExhausted: own.onExhausted,
    most: leastOf(own.perTask, around?.most)!,
    perTask: leastOf(perTask, around?.perTask),
  };
}

function leastOf(some: Micros | undefined, other: Micros | undefined): Micros | undefined {
  if (some === undefined || other === undefined) return some ?? other;
  return some < other ? some : other;
}
