/**
 * The money of a task: what it says to the account that pays for an attempt, and what it makes of the answer. Pure; sent by the machine
 * (`task.ts`). A ticket is held from when the money was asked for until it is known, or given up, what was spent of it.
 */
import type { AnyActorRef } from 'xstate';
import type {
  BudgetAnswer,
  BudgetHold,
  BudgetLabels,
  BudgetRefused,
  BudgetRelay,
  BudgetRelease,
  BudgetReserve,
  BudgetSettle,
} from '../budget/words.ts';
import { hereOf } from '../here.ts';
import { amountOf, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import type { TaskContext } from './progress.ts';
import type { TaskStart } from './votes.ts';
import type { TaskSpec } from './words.ts';

/** An account that has not answered by then will not: it is gone, in ms. */
export const ACCOUNT_PATIENCE_MS = 60_000;

type Changed = Partial<TaskContext>;

/**
 * What the attempts to come may cost together; undefined: as much as the accounts give. What is held for an attempt of the past counts, as
 * long as nobody knows what it has cost; of a bill that comes late the account hears, and the task does not.
 */
export function allowanceOf({ spent, held }: TaskContext, { perTask }: TaskSpec): Micros | undefined {
  return perTask === undefined ? undefined : (Math.max(0, perTask - spent - held) as Micros);
}

/** Whether the attempt that comes next may cost more than the task may. */
export function isTooDear(context: TaskContext, spec: TaskSpec): boolean {
  const { maxCost } = context.advice!;
  return maxCost > (allowanceOf(context, spec) ?? maxCost);
}

/** Who is asked for the money of the attempt: the account of the run, or where it has none the agent's own, which keeps to its limit. */
export const payerOf = ({ advice, start }: TaskContext): TaskStart['account'] =>
  start.account ?? advice!.accounts[0];

/** Whether the attempt that comes next costs nothing, or nobody pays for it. */
export const isFree = (context: TaskContext): boolean =>
  payerOf(context) === undefined || context.advice!.maxCost === NOTHING;

/** What the attempt that comes next may cost. @param from who is answered */
export function reservationOf(
  { advice, start }: TaskContext,
  { undoes }: TaskSpec,
  ticket: string,
  from: AnyActorRef,
): BudgetReserve {
  const { maxCost: amount, accounts, agent } = advice!;
  const path = start.account === undefined ? accounts.slice(1) : accounts;
  const labels = { agent, task: start.task };
  return { type: 'budget.reserve', ticket, amount, from, path, labels, ...(undoes && { owed: true }) };
}

/** Nobody lives where the money was to be asked for. */
export function absent(context: TaskContext, ticket: string): BudgetRefused {
  // Only at an address can nobody be.
  const account = payerOf(context) as string;
  return { type: 'budget.refused', ticket, reason: 'absent', account, remaining: NOTHING };
}

export function withMoney(answer: BudgetAnswer): Changed {
  return { accounts: answer.type === 'budget.reserved' ? answer.accounts : [] };
}

/** @param answer undefined: there was none */
export function withoutMoney({ advice }: TaskContext, answer: BudgetAnswer | undefined): Changed {
  const refusal = answer?.type === 'budget.refused' ? answer : undefined;
  const message =
    refusal === undefined
      ? 'the account does not answer'
      : `${refusal.account} does not give the money: ${refusal.reason}`;
  // What an account of the agent's own has left says nothing about others.
  const isOthers = refusal !== undefined && !advice!.accounts.includes(refusal.account);
  return {
    ticket: undefined,
    answer: undefined,
    moneyLeft: isOthers ? refusal.remaining : undefined,
    fault: { class: 'budget-exhausted', message, cost: NOTHING },
  };
}

/** The task may not cost as much. */
export function withoutAllowance(context: TaskContext, spec: TaskSpec): Changed {
  const { agent, maxCost } = context.advice!;
  const left = allowanceOf(context, spec)!;
  const message = `${agent} may cost ${amountOf(maxCost)}, and ${amountOf(left)} is left of what the budget gives a task`;
  return {
    answer: undefined,
    moneyLeft: left,
    fault: { class: 'budget-exhausted', message, cost: NOTHING },
  };
}

/** Whatever says what it has cost: an answer, good or not. */
export type Bill =
  { readonly fault?: undefined; readonly cost: Micros } | { readonly fault: { readonly cost?: Micros } };

/** Undefined: nobody knows. */
export const costOf = (bill: Bill): Micros | undefined => (bill.fault ?? bill).cost;

/** What the last attempt has cost, or that nobody knows. */
export function billOf({ log }: TaskContext, ticket: string): BudgetSettle | BudgetHold {
  const { cost, billing } = log.at(-1)!;
  if (cost === undefined) return { type: 'budget.hold', ticket };
  const { source = 'agent', price } = billing ?? {};
  return { type: 'budget.settle', ticket, cost, source, ...(price !== undefined && { price }) };
}

/** How an account is told of a call that is on nobody's books there. */
export interface Unbooked {
  readonly ticket: string;
  readonly relay: BudgetRelay;
}

/** @param accounts those that pay for it, the one that is told first */
export function unbooked(
  [as = '', ...path]: readonly string[],
  ticket: string,
  at: number,
  labels: BudgetLabels,
): Unbooked {
  return { ticket: `${as}#${ticket}`, relay: { as, via: [], path, at, labels } };
}

/**
 * A word about the money of an attempt, where it is said. What a fork goes on with its original has reserved: in the account of the run, which
 * was forked with it, or with the agent's own, which was not. There the original settles it, and the fork's call is another.
 */
export function wordHere(
  word: BudgetSettle | BudgetHold | BudgetRelease,
  context: TaskContext,
  self: object,
  now: number,
): BudgetSettle | BudgetHold | BudgetRelease {
  const { start, accounts, advice } = context;
  const ticket = hereOf(word.ticket, self);
  if (start.account !== undefined || ticket === word.ticket) return word;
  const payers = [payerOf(context) as string, ...accounts.slice(1)];
  return { ...word, ...unbooked(payers, ticket, now, { agent: advice!.agent, task: start.task }) };
}

/** It is not wanted any more. @param knows that nothing was spent; of a call that was stopped nobody knows */
export function returnOf(ticket: string, knows: boolean): BudgetRelease | BudgetHold {
  return { type: knows ? 'budget.release' : 'budget.hold', ticket };
}
