/**
 * The budget of a workflow, as it is declared: how much a run may spend, and what is to be done when that is not enough. It is
 * checked here, once, and made from then on of micro-units. Accounts (`machines/budget/account.ts`) keep to it; this file spends nothing.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import { LIST_LENGTH } from '../../machines/budget/message.ts';
import type { Micros } from '../../machines/values/money.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Data } from '../../machines/workflow/graph.ts';
import { saidBy } from '../../machines/faults/crash.ts';
import { problemOfAddress } from '../values/address.ts';

/**
 * What becomes of a task for which the money does not suffice: `refuse`, it fails with `budget-exhausted`; `cheaper`, an agent is
 * looked for that costs less, and it is refused when there is none; `review`, a person decides.
 */
export type OnExhausted = 'refuse' | 'cheaper' | 'review';

export interface BudgetOptions {
  /** How much one run may spend, as a decimal amount. */
  readonly limit: number;
  /** Default `refuse`. */
  readonly onExhausted?: OnExhausted;
  /**
   * How much one task of it may spend, all attempts together, as a decimal amount; also in the runs within it. Default: as much as the run,
   * and as what that is given besides.
   */
  readonly perTask?: number;
  /**
   * The addresses of the accounts that the money is taken from too, at most 15: `budget/acme`. Or what says them of the input of the run,
   * where every tenant has one: must be pure.
   */
  readonly within?: Within;
}

type Within = readonly string[] | ((input: Data) => readonly string[]);

/** A budget that makes sense. Frozen. */
export interface Budget {
  readonly limit: Micros;
  readonly onExhausted: OnExhausted;
  readonly perTask: Micros;
  readonly within: Within;
}

/** In the list of an account there is room for the one of the run around it besides. */
const MOST_WITHIN = LIST_LENGTH - 1;

const NAMES: readonly string[] = ['limit', 'onExhausted', 'perTask', 'within'];
const POLICIES: readonly unknown[] = ['refuse', 'cheaper', 'review'];

/**
 * The budget of a workflow: `workflow({ budget: budget({ limit: 5, onExhausted: 'review' }) })`.
 * @throws InvalidArgument naming the option that makes no sense
 */
export function budget(options: BudgetOptions): Budget {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidArgument('budget', `must be an object with ${NAMES.join(', ')}`);
  const stranger = Object.keys(options).find((name) => !NAMES.includes(name));
  if (stranger !== undefined)
    throw new InvalidArgument(`budget.${stranger}`, `means nothing; there are ${NAMES.join(', ')}`);

  const { onExhausted = 'refuse', within = [] } = options;
  const limit = amountAt('budget.limit', options.limit);
  const perTask = options.perTask === undefined ? limit : amountAt('budget.perTask', options.perTask);
  if (perTask > limit)
    throw new InvalidArgument('budget.perTask', `must not be more than the limit, ${options.limit}`);
  if (!POLICIES.includes(onExhausted))
    throw new InvalidArgument('budget.onExhausted', `must be one of ${POLICIES.join(', ')}`);
  if (typeof within === 'function') return Object.freeze({ limit, onExhausted, perTask, within });
  checkAddresses(within);
  return Object.freeze({ limit, onExhausted, perTask, within: Object.freeze([...within]) });
}

/**
 * The accounts that a run with this input pays from, besides its own.
 * @throws InvalidArgument where the budget does not say them
 */
export function payersOf({ within }: Budget, input: unknown): readonly string[] {
  if (typeof within !== 'function') return within;
  const said = saidOf(within, input);
  checkAddresses(said);
  return said;
}

function saidOf(within: (input: Data) => readonly string[], input: unknown): readonly string[] {
  try {
    return within(input);
  } catch (error) {
    throw new InvalidArgument('budget.within', `throws for this input: ${saidBy(error)}`, { cause: error });
  }
}

function amountAt(path: string, amount: unknown): Micros {
  const problem = problemOfAmount(amount);
  if (problem !== undefined) throw new InvalidArgument(path, problem);
  return microsOf(amount as number);
}

function checkAddresses(within: unknown): void {
  if (!Array.isArray(within) || within.length > MOST_WITHIN)
    throw new InvalidArgument('budget.within', `must be a list of at most ${MOST_WITHIN} addresses`);
  for (const [index, address] of within.entries()) {
    const problem = problemOfAddress(address);
    if (problem !== undefined) throw new InvalidArgument(`budget.within[${index}]`, problem);
  }
}
