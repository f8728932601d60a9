/**
 * History: what has happened to an actor, as its journal tells it.
 */
import type { AnyEventObject } from 'xstate';
import { BrokenJournal } from '../storage/journal.ts';
import type { JournalRecord } from '../storage/journal.ts';
import { LINK_BYTES } from '../storage/frame.ts';
import type { Cell } from './cell.ts';
import { InvalidArgument, UnknownActor } from './errors.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';
import type { Cause, ToldIntent, Trailer } from './trailer.ts';

export interface HistoryOptions {
  /** The first record; default 1. */
  readonly from?: number;
  /** The last record; default the newest. */
  readonly to?: number;
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
  /** The idempotency id of the send, if it had one. */
  readonly id: string | undefined;
  /** What the step asked for. */
  readonly intents: readonly ToldIntent[];
  /** The error with which the actor failed in this record. */
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

/** Walks the journal of an actor from its oldest record to its newest. */
export async function* historyOf(
  runtime: Runtime,
  address: string,
  { from = 1, to = Infinity }: HistoryOptions = {},
): AsyncIterable<HistoryRecord> {
  assertRecordNumber(from, 'from');
  assertRecordNumber(to, 'to');
  const cell = await durableCell(runtime, address);
  const names = new Map<number, string>([[cell.actor, cell.address]]);
  for (const record of durableRecords(runtime, cell, Math.max(0, from - 1))) {
    if (record.seq > to) return;
    yield describe(runtime, cell.address, record, names);
    runtime.assertOpen();
  }
}

function assertRecordNumber(value: number, path: string): void {
  if (!(Number.isInteger(value) || value === Infinity))
    throw new InvalidArgument(path, `must be the number of a record, but is ${String(value)}`);
}

/** The actor, when everything that has happened to it so far is on the disk. */
export async function durableCell(runtime: Runtime, address: string): Promise<Cell> {
  runtime.assertOpen();
  const name = runtime.population.nameOf(address);
  if (name === undefined) throw new UnknownActor(address, 'nobody ever lived there');
  const cell = runtime.population.load(name.actor, address);
  if (cell.undurable > 0) await runtime.committer.durable();
  return cell;
}

/** The records of an actor beyond `downTo` that are durable now, oldest first. @throws JournalCorrupt */
export function* durableRecords(runtime: Runtime, cell: Cell, downTo: number): Generator<JournalRecord> {
  if (cell.frame === undefined) return;
  const { seq, frame, offset } = cell;
  const durable = runtime.committer.releasedFrame;
  // Turns may have been taken since: their records are in memory, and have no link yet.
  const link = frame.number <= durable ? frame.hash?.slice(0, LINK_BYTES) : undefined;
  try {
    for (const record of runtime.journal.walk(
      cell.actor,
      { seq, frame: frame.number, offset, link },
      downTo,
    )) {
      if (record.frame.number > durable) return;
      yield record;
    }
  } catch (error) {
    throw error instanceof BrokenJournal ? error.corruptionOf(cell.address) : error;
  }
}

function describe(
  runtime: Runtime,
  address: string,
  record: JournalRecord,
  names: Map<number, string>,
): HistoryRecord {
  const trailer = unpackTrailer(runtime.codec, record.trailer);
  return {
    address,
    seq: record.seq,
    life: record.life,
    at: record.at,
    event: runtime.events.unpack(record.bytes, record.eventStart, record.eventEnd),
    cause: causeOf(runtime, trailer, names),
    id: trailer.id,
    intents: trailer.intents ?? [],
    error: trailer.crash === undefined ? trailer.failure : trailer.crash.error,
    wentDown: trailer.crash !== undefined,
    frame: record.frame.number,
  };
}

function causeOf(runtime: Runtime, { cause }: Trailer, names: Map<number, string>): HistoryCause {
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
      const { life, seq, index } = cause;
      return { kind: 'actor', address: nameOf(runtime, cause, names), life, seq, index };
    }
    case 'effect':
      return { kind: 'effect', address: nameOf(runtime, cause, names), life: cause.life };
  }
}

function nameOf(
  runtime: Runtime,
  { actor }: Extract<Cause, { actor: number }>,
  names: Map<number, string>,
): string {
  let name = names.get(actor);
  if (name === undefined) names.set(actor, (name = runtime.addressOf(actor)));
  return name;
}
