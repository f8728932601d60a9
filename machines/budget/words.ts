/**
 * Budgets: the protocol between an account and whoever spends money, or lets it be spent.
 *
 *     task                                      account                               next account
 *       │ budget.reserve { ticket, amount } ────► │ holds it itself                        │
 *       │                                         │ budget.reserve { …, relay } ─────────► │ holds it too
 *       │                                         │ ◄────────────────── budget.reserved    │
 *       │ ◄──── budget.reserved { ticket }        │  when all hold it                      │
 *       │  or   budget.refused  { ticket, reason, account }: nobody holds anything of it
 *       │ budget.settle  { ticket, cost } ──────► │ ─────────────────────────────────────► │  it has cost so much
 *       │ budget.release { ticket } ────────────► │ ─────────────────────────────────────► │  it has cost nothing
 *       │ budget.hold    { ticket } ────────────► │ ─────────────────────────────────────► │  nobody knows what it has cost
 *       │ budget.correct { ticket, cost } ──────► │ ─────────────────────────────────────► │  it has cost something else
 *
 * A ticket names one reservation for ever. Asking again with it gives the same answer and takes nothing more; when it is
 * settled, nobody can reserve with it again. One that was refused may be asked for again.
 *
 * Whoever runs the account may look at it and change it:
 *
 *       │ budget.read, budget.configure, budget.topUp, budget.close
 *       │ ◄──── budget.balance, budget.configured, budget.closed, or budget.rejected: nothing has changed
 *
 * All amounts in messages are micro-units. Answers go to `from`, and are emitted without one.
 *
 * This file owns the words. It decides nothing.
 */
import type { AnyActorRef } from 'xstate';
import type { Micros } from '../values/money.ts';

interface Answered {
  /** Who gets the answer. Without it the account emits the answer, for listeners outside. */
  readonly from?: AnyActorRef | undefined;
}

/** What a reservation is for: an account says how much each agent and each task has cost. */
export interface BudgetLabels {
  readonly agent?: string | undefined;
  readonly task?: string | undefined;
}

/**
 * What one account tells the next about a reservation. Callers leave it out, unless they speak for an account that is gone: the
 * run is over, and a late bill comes for it.
 */
export interface BudgetRelay {
  /** The address of the account that is told. */
  readonly as: string;
  /** The accounts that have it already, by their session ids; the first is the one that was asked. */
  readonly via: readonly string[];
  /** The addresses of those that come after it. */
  readonly path: readonly string[];
  /** When it was reserved, in ms since the epoch: it belongs to that day, whenever it is settled. */
  readonly at: number;
  readonly labels: BudgetLabels;
  readonly owed?: true | undefined;
}

interface Relayed {
  readonly relay?: BudgetRelay | undefined;
}

/** Asks for money. */
export interface BudgetReserve extends Answered, Relayed {
  readonly type: 'budget.reserve';
  readonly ticket: string;
  /** What it will cost at most. */
  readonly amount: Micros;
  /** The addresses of further accounts that must hold it: the agent's, the tenant's. */
  readonly path?: readonly string[] | undefined;
  readonly labels?: BudgetLabels | undefined;
  /** It undoes what was done: accounts that allow for that grant it though the money is gone, and hold for it what they still have. */
  readonly owed?: true | undefined;
}

/** Who says what something has cost: the bill of the provider, our own count with a price table, or the agent's word. */
export type CostSource = 'provider' | 'local' | 'agent';

interface Bill {
  readonly ticket: string;
  readonly cost: Micros;
  readonly source: CostSource;
  /** The hash of the price table that it was counted with. */
  readonly price?: string | undefined;
}

/** It has cost so much; the rest of the reservation is free again. */
export interface BudgetSettle extends Bill, Answered, Relayed {
  readonly type: 'budget.settle';
}

/** It has cost something else than was said: more, less, or what nobody knew. */
export interface BudgetCorrect extends Bill, Answered, Relayed {
  readonly type: 'budget.correct';
  /** What was billed so far. Only together with `relay`: an account knows it itself. */
  readonly was?: Micros | undefined;
}

/** It has cost nothing, and will not. */
export interface BudgetRelease extends Answered, Relayed {
  readonly type: 'budget.release';
  readonly ticket: string;
}

/** Nobody knows what it has cost: the money stays reserved until a `budget.correct`, a `settle` or a `release`. */
export interface BudgetHold extends Answered, Relayed {
  readonly type: 'budget.hold';
  readonly ticket: string;
}

/** Asks how it stands. */
export interface BudgetRead extends Answered {
  readonly type: 'budget.read';
  /** An earlier day, month or hour: `2030-01-31`. Default: the one that it is. */
  readonly window?: string | undefined;
}

/** Who did it, and why. For the journal. */
interface Signed {
  readonly by: string;
  readonly reason: string;
}

/** Sets the limit, from now on and for good. */
export interface BudgetConfigure extends Signed, Answered {
  readonly type: 'budget.configure';
  readonly limit: Micros;
}

/** Raises the limit; where it is one of a day, that of today alone. */
export interface BudgetTopUp extends Signed, Answered {
  readonly type: 'budget.topUp';
  readonly amount: Micros;
}

/** From now on nothing is granted. What is reserved can be settled, and late bills still come. */
export interface BudgetClose extends Signed, Answered {
  readonly type: 'budget.close';
}

/** From an account to itself, once: what it was born with. */
export interface BudgetBegin {
  readonly type: 'budget.begin';
  readonly options: AccountTerms;
}

/** A stretch of time that has a limit of its own: by the clock in UTC. */
export type BudgetPer = 'hour' | 'day' | 'month';

/** What an account works by. */
export interface AccountTerms {
  /** Absent when nobody has said it yet. */
  readonly limit: Micros | undefined;
  readonly per: BudgetPer | undefined;
  /** By address; a reference goes with the actor when it lives on elsewhere, as a run in a fork does. */
  readonly within: readonly (string | AnyActorRef)[];
  readonly remember: number;
  readonly overdraft?: 'undoing' | undefined;
}

/** The money is there, and held. */
export interface BudgetReserved {
  readonly type: 'budget.reserved';
  readonly ticket: string;
  readonly amount: Micros;
  /** All accounts that hold it, beginning with the one that was asked. */
  readonly accounts: readonly string[];
}

/**
 * - `exhausted`: less is left than was asked for
 * - `overdrawn`: more was spent than there is
 * - `closed`: somebody has closed it
 * - `absent`: nobody lives at the address
 * - `settled`: the ticket is over
 * - `conflict`: the ticket is that of another reservation, with another amount
 * - `full`: it has as many open reservations as it can look after
 * - `past`: it was asked for so long ago that its day is no longer on the books
 * - `misconfigured`: nobody has said its limit
 * - `unfit`: the message makes no sense; `detail` says why
 */
export type BudgetRefusal =
  | 'exhausted'
  | 'overdrawn'
  | 'closed'
  | 'absent'
  | 'settled'
  | 'conflict'
  | 'full'
  | 'past'
  | 'misconfigured'
  | 'unfit';

/** Nobody holds anything, unless the reason is `conflict`: then what was reserved before still is. */
export interface BudgetRefused {
  readonly type: 'budget.refused';
  readonly ticket: string;
  readonly reason: BudgetRefusal;
  /** Which account has refused. */
  readonly account: string;
  /** What is left there. */
  readonly remaining: Micros;
  /** For people. */
  readonly detail?: string;
}

/**
 * - `unfit`: the message makes no sense
 * - `unknown`: it knows no such ticket (any more), or no such window
 * - `settled`: it was settled already, with another cost: send a `budget.correct`
 * - `reserved`: the limit would be below what is reserved
 * - `uncountable`: the sum would be less than nothing, or more than can be counted exactly
 * - `misconfigured`: nobody has said its limit
 */
export type BudgetProblem = 'unfit' | 'unknown' | 'settled' | 'reserved' | 'uncountable' | 'misconfigured';

/** A message that was no request for money makes no sense. Nothing has changed. */
export interface BudgetRejected {
  readonly type: 'budget.rejected';
  /** The type of the message. */
  readonly message: string;
  readonly ticket: string | undefined;
  readonly reason: BudgetProblem;
  /** For people. */
  readonly detail: string;
}

/** A bill was corrected. */
export interface BudgetCorrected {
  readonly type: 'budget.corrected';
  readonly ticket: string;
  readonly was: Micros;
  readonly cost: Micros;
}

/** How an account stands. `spent + reserved + remaining` is the limit, and `spent + overdraft` the sum of all bills. */
export interface BudgetBalance {
  readonly type: 'budget.balance';
  readonly account: string;
  /** The hour, day or month; `all` without any. */
  readonly window: string;
  readonly limit: Micros;
  readonly spent: Micros;
  readonly reserved: Micros;
  /** The part of `reserved` of which nobody knows what it has cost. */
  readonly held: Micros;
  readonly overdraft: Micros;
  readonly remaining: Micros;
  /** What each agent and each task has cost. */
  readonly costs: readonly BudgetCost[];
}

export interface BudgetCost {
  readonly label: keyof BudgetLabels;
  /** `*`: all that came when there were too many to be told apart. */
  readonly name: string;
  readonly cost: number;
}

/** It has this limit now. */
export interface BudgetConfigured {
  readonly type: 'budget.configured';
  readonly limit: Micros;
  readonly was: Micros;
}

/** It grants nothing from now on. */
export interface BudgetClosed {
  readonly type: 'budget.closed';
}

/** What an account takes. */
export type BudgetMessage =
  | BudgetReserve
  | BudgetSettle
  | BudgetCorrect
  | BudgetRelease
  | BudgetHold
  | BudgetRead
  | BudgetConfigure
  | BudgetTopUp
  | BudgetClose;

/** What a request for money gets. */
export type BudgetAnswer = BudgetReserved | BudgetRefused;

/** All that an account says. */
export type BudgetNews =
  BudgetAnswer | BudgetRejected | BudgetCorrected | BudgetBalance | BudgetConfigured | BudgetClosed;
