/**
 * History: what has happened to an actor, or to it and all below it, as the journals tell it.
 */
import type { AnyEventObject } from 'xstate';
import type { JournalRecord } from '../../storage/journal.ts';
import { InvalidArgument } from '../errors.ts';
import { ATTEMPT_DUE, ATTEMPT_FAILED } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { placeOf } from '../trace.ts';
import type { TracePlace } from '../trace.ts';
import { unpackTrailer } from '../trailer.ts';
import type { Warrant } from '../warrant.ts';
import type { Cause, ToldIntent } from '../trailer.ts';
import { inLedgerOrder } from './ledger-order.ts';
import { assertWhole, journalAt, recordsBackOf, recordsOf } from './reading.ts';

export interface HistoryOptions {
  /** The first record; default 1. With `children` a record of the actor itself: what happened below it since. */
  readonly from?: number;
  /** The last record; default the newest, and all that has happened below it since. With `children` what happened until then. */
  readonly to?: number;
  /** From the newest record to the oldest. */
  readonly reverse?: boolean;
  /** With everything that happened to the actors below it, in the order in which it happened. */
  readonly children?: boolean;
  /** With what was refused or given up between the records: see `HistoryRefusal`. */
  readonly refusals?: boolean;
}

/** One record of an actor's journal. */
export interface HistoryRecord {
  readonly address: string;
  readonly seq: number;
  /** Which life of the address it belongs to, counted from 1. */
  readonly life: number;
  /** Milliseconds since the epoch: what the clock said inside of the step. */
  readonly at: number;
  readonly event: AnyEventObject;
  readonly cause: HistoryCause;
  /** Its place in the trace of the call from outside that it goes back to, as W3C ids. */
  readonly trace: TracePlace;
  /** The idempotency id of the send, if it had one. */
  readonly id: string | undefined;
  /** On whose behalf it was done; undefined when no decider was asked. */
  readonly principal: Warrant['principal'] | undefined;
  /** What has permitted it: the ids of the rules, and the hash of the decider. */
  readonly decision: Omit<Warrant, 'principal'> | undefined;
  /** What the step asked for. */
  readonly intents: readonly HistoryIntent[];
  /** For a process: the attempt that has failed in this record, or begins with it. */
  readonly attempt: number | undefined;
  /** The error with which the actor failed in this record. Events that it refused and went on are among the dead letters. */
  readonly error: unknown;
  /** Whether it went down with it, to be restarted. */
  readonly wentDown: boolean;
  /** Where it stands: the frame, and the hash that proves it where a later record gives it. */
  readonly frame: number;
}

/** Who caused a record. */
export type HistoryCause =
  | { readonly kind: 'outside' }
  | { readonly kind: 'system' }
  /** Somebody has tried a dead letter again. */
  | { readonly kind: 'dead-letter'; readonly id: number }
  /** A message of another actor, or the end or state of a child: the intent `index` of its record `seq`. */
  | {
      readonly kind: 'actor';
      readonly address: string;
      readonly life: number;
      readonly seq: number;
      readonly index: number;
    }
  | { readonly kind: 'timer'; readonly seq: number; readonly index: number }
  /** An action or a running process. */
  | { readonly kind: 'effect'; readonly address: string; readonly life: number };

/** What a step has asked for, as its record sums it up. */
export type HistoryIntent =
  | { readonly kind: 'send'; readonly to: string; readonly life: number; readonly type: string }
  | {
      readonly kind: 'spawn';
      readonly id: string;
      readonly src: string;
      readonly address: string;
      readonly life: number;
    }
  | { readonly kind: 'stop'; readonly id: string }
  /** A supervisor's. */
  | { readonly kind: 'order'; readonly to: string; readonly type: string }
  | {
      readonly kind: 'timer';
      readonly id: string | undefined;
      readonly dueAt: number;
      readonly to: string;
      readonly type: string;
    }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'emit'; readonly type: string }
  | { readonly kind: 'log' }
  | { readonly kind: 'action'; readonly name: string };

/**
 * Walks the journal of an actor.
 * @throws JournalCorrupt at the first record that does not prove itself; UnknownActor, InvalidArgument
 */
export async function* historyOf(
  runtime: Runtime,
  address: string,
  options: HistoryOptions = {},
): AsyncGenerator<HistoryRecord> {
  const { from = 1, to = Infinity, reverse = false, children = false } = options;
  assertRecordNumbers(options);
  const names = new Names(runtime);
  const records = children
    ? inLedgerOrder(runtime, address, { from, to, reverse })
    : recordsWithin(runtime, address, { from, to, reverse });
  for await (const [whose, record] of records) {
    yield describe(runtime, whose, record, names);
    runtime.assertOpen();
  }
}

/** @throws InvalidArgument */
export function assertRecordNumbers({ from = 1, to = Infinity }: HistoryOptions): void {
  assertRecordNumber(from, 'from');
  assertRecordNumber(to, 'to');
}

function assertRecordNumber(value: number, path: string): void {
  if (!(Number.isInteger(value) || value === Infinity))
    throw new InvalidArgument(path, `must be the number of a record, but is ${String(value)}`);
}

async function* recordsWithin(
  runtime: Runtime,
  address: string,
  { from, to, reverse }: { readonly from: number; readonly to: number; readonly reverse: boolean },
): AsyncGenerator<readonly [address: string, record: JournalRecord]> {
  const journal = await journalAt(runtime, address);
  const downTo = Math.max(0, from - 1);
  for (const record of (reverse ? recordsBackOf : recordsOf)(runtime, journal, downTo)) {
    if (record.seq <= to) yield [address, record];
    else if (!reverse) return;
  }
  assertWhole(runtime, journal);
}

function describe(runtime: Runtime, address: string, record: JournalRecord, names: Names): HistoryRecord {
  const trailer = unpackTrailer(runtime.codec, record.trailer);
  const event = runtime.events.unpack(record.bytes, record.eventStart, record.eventEnd);
  const { actor, seq, life, at } = record;
  names.set(actor, address);
  return {
    address,
    seq,
    life,
    at,
    event,
    cause: causeOf(trailer.cause, names),
    trace: placeOf(runtime.ledger.id, { actor, seq }, trailer.cause, trailer.trace),
    id: trailer.id,
    ...permissionIn(trailer.warrant),
    intents: (trailer.intents ?? []).map((intent) => describeIntent(intent, names)),
    attempt: attemptIn(event),
    error: trailer.crash === undefined ? trailer.failure : trailer.crash.error,
    wentDown: trailer.crash !== undefined,
    frame: record.frame.number,
  };
}

function permissionIn(warrant: Warrant | undefined): Pick<HistoryRecord, 'principal' | 'decision'> {
  if (warrant === undefined) return { principal: undefined, decision: undefined };
  const { principal, ...decision } = warrant;
  return { principal, decision };
}

function attemptIn(event: AnyEventObject): number | undefined {
  return event.type === ATTEMPT_FAILED || event.type === ATTEMPT_DUE
    ? (event['attempt'] as number)
    : undefined;
}

function causeOf(cause: Cause | undefined, names: Names): HistoryCause {
  switch (cause?.kind) {
    case undefined:
      return { kind: 'outside' };
    case 'system':
      return { kind: 'system' };
    case 'letter':
      return { kind: 'dead-letter', id: cause.id };
    case 'timer':
      return { kind: 'timer', seq: cause.seq, index: cause.index };
    case 'actor': {
      const { actor, life, seq, index } = cause;
      return { kind: 'actor', address: names.of(actor), life, seq, index };
    }
    case 'effect':
      return { kind: 'effect', address: names.of(cause.actor), life: cause.life };
  }
}

function describeIntent(intent: ToldIntent, names: Names): HistoryIntent {
  switch (intent[0]) {
    case 'send':
      return { kind: 'send', to: names.of(intent[1]), life: intent[2], type: intent[3] };
    case 'spawn': {
      const [, id, src, actor, life] = intent;
      return { kind: 'spawn', id, src, address: names.of(actor), life };
    }
    case 'order':
      return { kind: 'order', to: intent[1], type: intent[2] };
    case 'timer': {
      const [, id, dueAt, to, type] = intent;
      return { kind: 'timer', id: id ?? undefined, dueAt, to: names.of(to), type: type ?? id! };
    }
    case 'emit':
      return { kind: 'emit', type: intent[1] };
    case 'log':
      return { kind: 'log' };
    case 'action':
      return { kind: 'action', name: intent[1] };
    case 'stop':
    case 'cancel':
      return { kind: intent[0], id: intent[1] };
  }
}

/** Addresses of actors that records name by number. */
class Names {
  readonly #runtime: Runtime;
  readonly #known = new Map<number, string>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  set(actor: number, address: string): void {
    this.#known.set(actor, address);
  }

  of(actor: number): string {
    let address = this.#known.get(actor);
    if (address === undefined) this.set(actor, (address = this.#runtime.addressOf(actor)));
    return address;
  }
}
