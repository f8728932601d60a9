/**
 * Permits: the protocol between a gate (breaker, rate limiter, bulkhead) and whoever wants to pass it.
 *
 *     caller                                   gate
 *       │ permit.request { ticket, from } ──────► │
 *       │ ◄────── permit.granted { ticket }       │  at once, or after a wait in its queue
 *       │    or   permit.refused { ticket, reason, retryAfterMs }
 *       │ permit.renew   { ticket } ────────────► │  while a long call runs, before its lease is over
 *       │ permit.done    { ticket, outcome } ───► │  the call was made: this came of it
 *       │ permit.cancel  { ticket } ────────────► │  no call was made, and none will be
 *
 * A gate knows a ticket from its request until it is done, cancelled or refused, or until its lease is over. Meanwhile
 * asking again with it gives the same answer and takes nothing more: a process that starts again after a crash asks with
 * the same ticket. Afterwards it is a new request, because it is a new call.
 *
 * Whoever runs the gate may change its options meanwhile:
 *
 *       │ permit.configure { options } ─────────► │  those that are to change
 *       │ ◄────── permit.configured { options }   │  all that it has now
 *       │    or   permit.misconfigured { option, reason }: nothing has changed
 *
 * This file owns the messages and how they are answered. It decides nothing.
 */
import type { AnyActorRef } from 'xstate';
import type { Changes } from '../options.ts';

/** Asks a gate to let one call pass. */
export interface PermitRequest {
  readonly type: 'permit.request';
  /** Names the call. No two calls that are under way may have the same at one gate: an idempotency key will do. */
  readonly ticket: string;
  /** Who gets the answer. Without it the gate emits the answer, for listeners outside: `gate.on('permit.granted', …)`. */
  readonly from?: AnyActorRef | undefined;
  /** How many slots or tokens it takes. A breaker counts calls, and does not look at it. Default 1. */
  readonly weight?: number | undefined;
  /** How long it may wait in the queue, in ms; 0 for not at all. Default: what the gate says. */
  readonly waitMs?: number | undefined;
}

/**
 * What came of a call: `failure` when the other side is to blame, `ignored` when it says nothing about the other side (a
 * rejected input, say).
 */
export type Outcome = 'success' | 'failure' | 'ignored';

/** Reports what came of a call. Only the first report of a ticket counts. */
export interface PermitDone {
  readonly type: 'permit.done';
  readonly ticket: string;
  readonly outcome: Outcome;
  /** For how long the other side wants to be left alone (`Retry-After`), in ms from now. */
  readonly retryAfterMs?: number | undefined;
}

/** Takes a request back: it leaves the queue, or what it was granted counts as never taken. */
export interface PermitCancel {
  readonly type: 'permit.cancel';
  readonly ticket: string;
}

/** Starts the lease of a held ticket anew. Has no answer, and no effect on any other ticket. */
export interface PermitRenew {
  readonly type: 'permit.renew';
  readonly ticket: string;
}

/** What every gate takes from its callers. */
export type PermitEvent = PermitRequest | PermitDone | PermitCancel | PermitRenew;

/**
 * Changes the options of a gate, at once and for good. Asking for what it has changes nothing, so a daemon can send the
 * options of its deployment at every start. Each gate says what a change means to those who hold or wait.
 */
export interface PermitConfigure<TOptions> {
  readonly type: 'permit.configure';
  /** Those that are to change. One that is undefined has its default again: that of the machine, not of the factory. */
  readonly options: Changes<TOptions>;
  /** Who gets the answer. Without it the gate emits the answer. */
  readonly from?: AnyActorRef | undefined;
}

/** From a gate to itself, once: the options it was born with. */
export interface PermitBegin {
  readonly type: 'permit.begin';
  readonly options: object;
}

/** The call may be made. */
export interface PermitGranted {
  readonly type: 'permit.granted';
  readonly ticket: string;
  /** How long the gate waits for a report or a renewal, in ms. */
  readonly leaseMs: number;
}

/**
 * - `open`: the breaker is open
 * - `probing`: the breaker is half-open, and all of its probes are under way
 * - `limit`: the rate limit is reached
 * - `paused`: the other side has asked to be left alone
 * - `full`: everything is taken, and the queue too
 * - `timeout`: it has waited as long as it may
 * - `unfit`: it can never be granted: its weight is no whole number or more than there is, or it has no ticket
 * - `misconfigured`: the gate was born with options that do not go together, and nobody has configured it since
 */
export type RefusalReason =
  'open' | 'probing' | 'limit' | 'paused' | 'full' | 'timeout' | 'unfit' | 'misconfigured';

/** The call must not be made. */
export interface PermitRefused {
  readonly type: 'permit.refused';
  readonly ticket: string;
  readonly reason: RefusalReason;
  /** When it is worth asking again, in ms from now: as exact as the gate can know. Infinity: never. */
  readonly retryAfterMs: number;
}

/** What a gate answers to its callers. */
export type PermitAnswer = PermitGranted | PermitRefused;

/** The gate works by these options now. */
export interface PermitConfigured<TOptions> {
  readonly type: 'permit.configured';
  readonly options: TOptions;
  /** Whether any of them was another before. */
  readonly changed: boolean;
}

/** The options make no sense, and none of them was taken. */
export interface PermitMisconfigured {
  readonly type: 'permit.misconfigured';
  /** The first that makes no sense. */
  readonly option: string;
  /** What is wrong with it, for people. */
  readonly reason: string;
}

/** The part of `enqueue` that an answer needs. */
export interface Enqueue<TAnswer> {
  sendTo(to: AnyActorRef, event: TAnswer): void;
  emit(event: TAnswer): void;
}

/** Answers a request. */
export function answer<TAnswer>(
  enqueue: Enqueue<TAnswer>,
  { from }: { readonly from?: AnyActorRef | undefined },
  given: TAnswer,
): void {
  if (from === undefined) enqueue.emit(given);
  else enqueue.sendTo(from, given);
}

/** The answer to a request that can never be granted. */
export function unfit(ticket: string): PermitRefused {
  return { type: 'permit.refused', ticket, reason: 'unfit', retryAfterMs: Infinity };
}

/** How much a request takes. */
export const weightOf = ({ weight = 1 }: PermitRequest): number => weight;

/** Whether a request could ever be granted where there is so much in all. */
export function isFit(request: PermitRequest, capacity: number): boolean {
  const { ticket, waitMs = 0 } = request;
  const weight = weightOf(request);
  // Written so that NaN is unfit.
  return (
    typeof ticket === 'string' &&
    Number.isSafeInteger(weight) &&
    weight >= 1 &&
    weight <= capacity &&
    waitMs >= 0
  );
}

/** A report's `retryAfterMs`; 0 for none, and for what makes no sense as one. */
export function retryAfterOf({ retryAfterMs }: PermitDone): number {
  return typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs)
    ? Math.max(0, Math.ceil(retryAfterMs))
    : 0;
}
