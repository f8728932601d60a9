/**
 * Checkpoints: an actor as of a record, in one row. With it the actor can be loaded without reading its whole journal,
 * and recovery need not read the ledger before it.
 *
 * A checkpoint holds everything the actor has and owes: state, timers, waiting messages, and for every turn whose
 * actions are not settled the state before it, from which they are derived again.
 */
import type { Codec, Packed } from '../storage/codec.ts';
import { LINK_BYTES } from '../storage/frame.ts';
import type { Position } from '../storage/journal.ts';
import { checkpointKey, nameKey, resumeKey, timerKey, waypointKey } from '../storage/keys.ts';
import type { FrameRef } from '../storage/ledger.ts';
import type { StoredName, StoredPosition } from '../storage/outline.ts';
import { bornUnder, definitionOf } from './birth.ts';
import type { Cell, OwedTurn } from './cell.ts';
import { imageOf, own } from './image.ts';
import type { StoredImage } from './image.ts';
import type { Birth } from './mailbox.ts';
import type { Runtime } from './runtime.ts';
import { packCause } from './trailer.ts';
import type { StoredCause } from './trailer.ts';

/** The row, as it is packed. Field names are on disk. */
export interface StoredCheckpoint extends StoredImage {
  readonly newest: StoredPosition | undefined;
  readonly inbox: readonly StoredInboxMessage[];
  readonly owed: readonly StoredOwedTurn[];
  /** The newest waypoint, and the bytes of the records since. */
  readonly waypoint?: readonly [seq: number, bytes: number];
  /** What its row in the index of states says; checkpoints of older stores do not know. */
  readonly row?: string;
}

export interface StoredInboxMessage {
  readonly life: number;
  readonly cause: StoredCause;
  readonly event: Packed;
  readonly birth: Birth | undefined;
}

export interface StoredOwedTurn {
  readonly life: number;
  readonly at: StoredPosition;
  readonly before: Packed | undefined;
  readonly bookedBefore: number;
  /** The code that has told it, where that is not the actor's now. */
  readonly code?: number;
}

/** Writes the name row of an actor that is born, or whose checkpoint changes. */
export function writeName(runtime: Runtime, cell: Cell, fresh: boolean): void {
  const name: StoredName = { actor: cell.actor, lives: cell.lives, checkpoint: cell.checkpointedSeq };
  runtime.ledger.put(nameKey(cell.address), runtime.codec.packAs(0, name), fresh);
}

/** A checkpoint that only lacks the positions of records, whose frames are still open. */
export interface PreparedCheckpoint {
  readonly cell: Cell;
  readonly content: Omit<StoredCheckpoint, 'newest' | 'owed'>;
  readonly owed: readonly { readonly turn: OwedTurn; readonly before: Packed | undefined }[];
}

/** Packs everything a checkpoint holds. An actor that cannot be packed goes on without one, and is reported. */
export function prepareCheckpoint(runtime: Runtime, cell: Cell): PreparedCheckpoint | undefined {
  try {
    return {
      cell,
      content: { inbox: waiting(cell), ...imageOf(runtime, cell) },
      owed: prepareOwed(runtime, cell),
    };
  } catch (error) {
    runtime.report(error, `no checkpoint of ${cell.address} could be taken`);
    return undefined;
  }
}

/** Writes a checkpoint into the commit that is being sealed. Its frames are closed, so their hashes are known. */
export function writeCheckpoint(runtime: Runtime, { cell, content, owed }: PreparedCheckpoint): void {
  const { ledger, codec } = runtime;
  const state = runtime.stateRows.write(cell);
  const checkpoint: StoredCheckpoint = {
    newest: cell.frame === undefined ? undefined : positionOf(cell.seq, cell.frame, cell.offset),
    owed: owed.map(({ turn, before }) => {
      const { seq, life, bookedBefore, frame, offset, code } = turn;
      const owing = { life, at: positionOf(seq, frame, offset), before, bookedBefore };
      return code === undefined || code === cell.birth?.code ? owing : { ...owing, code };
    }),
    ...(state !== undefined && { row: state }),
    ...content,
  };
  cell.waypointBytes += cell.tailBytes;
  let row = codec.packAs(0, withWaypoint(runtime, checkpoint, cell));
  if (isWaypointDue(runtime, cell, row.length)) {
    cell.waypointSeq = cell.seq;
    cell.waypointBytes = 0;
    row = codec.packAs(0, withWaypoint(runtime, checkpoint, cell));
    ledger.put(waypointKey(cell.actor, cell.seq), row, true);
  }
  ledger.put(checkpointKey(cell.actor), row);
  cell.checkpointedSeq = cell.seq;
  cell.checkpointBytes = row.length;
  cell.tailBytes = 0;
  writeName(runtime, cell, false);
  writeMarks(runtime, cell);
  runtime.population.markClean(cell);
}

function withWaypoint(runtime: Runtime, checkpoint: StoredCheckpoint, cell: Cell): StoredCheckpoint {
  const { seq, waypointSeq, waypointBytes } = cell;
  // Most actors never get that far.
  if (seq < waypointEvery(runtime)) return checkpoint;
  return { ...checkpoint, waypoint: [waypointSeq, waypointBytes] };
}

/** So many records are told again in a few milliseconds. */
const WAYPOINT_EVERY = 1024;
const waypointEvery = ({ options }: Runtime): number => options.interference?.waypointEvery ?? WAYPOINT_EVERY;
/** So much more than a waypoint the records before it must be: waypoints may not be what fills a store. */
const RECORDS_PER_WAYPOINT = 4;

/**
 * Whether a checkpoint is kept for good, as a waypoint: from there the states of a long history can be told without telling all
 * of it.
 */
function isWaypointDue(runtime: Runtime, { seq, waypointSeq, waypointBytes }: Cell, bytes: number): boolean {
  // Who asks for them closer together wants them whatever they cost.
  const perWaypoint = runtime.options.interference?.waypointEvery === undefined ? RECORDS_PER_WAYPOINT : 0;
  return seq - waypointSeq >= waypointEvery(runtime) && waypointBytes >= perWaypoint * bytes;
}

function prepareOwed(runtime: Runtime, { address, birth, owed }: Cell): PreparedCheckpoint['owed'] {
  return [...(owed?.values() ?? [])].map((turn) => {
    const { before, code } = turn;
    if (before === undefined) return { turn, before };
    // A state of other code may be none that today's code knows.
    const definition = definitionOf(runtime, address, bornUnder(birth!, code));
    return { turn, before: own(runtime.events.packSnapshot(definition, before)) };
  });
}

/** Messages from inside the system; those from outside are kept by whoever waits for their receipts. */
function waiting(cell: Cell): StoredInboxMessage[] {
  return (cell.mailbox?.waiting() ?? [])
    .filter(({ cause }) => cause?.kind === 'actor' || cause?.kind === 'timer')
    .map(({ life, cause, packed, birth }) => ({ life, cause: packCause(cause!), event: packed, birth }));
}

function positionOf(seq: number, frame: FrameRef, offset: number): StoredPosition {
  return [seq, frame.number, offset, frame.hash!.slice(0, LINK_BYTES)];
}

export function asPosition([seq, frame, offset, link]: StoredPosition): Position {
  return { seq, frame, offset, link };
}

/** The rows by which an opening finds the actors that have something to do, without looking at the others. */
function writeMarks({ ledger, codec }: Runtime, cell: Cell): void {
  const owes = hasWork(cell) || (cell.mailbox?.size ?? 0) > 0 || (cell.owed?.size ?? 0) > 0;
  if (owes !== cell.hasResumeRow) {
    if (owes) ledger.put(resumeKey(cell.actor), codec.packAs(0, true));
    else ledger.delete(resumeKey(cell.actor));
    cell.hasResumeRow = owes;
  }
  const wakeAt = earliestDue(cell);
  if (wakeAt === cell.wakeRowAt) return;
  if (cell.wakeRowAt !== 0) ledger.delete(timerKey(cell.wakeRowAt, cell.actor));
  if (wakeAt !== 0) ledger.put(timerKey(wakeAt, cell.actor), codec.packAs(0, cell.actor));
  cell.wakeRowAt = wakeAt;
}

/** Whether it is to be loaded at an opening, whatever waits for it: its process runs, or it has failed and must come up. */
export function hasWork({ definition, ended, down }: Cell): boolean {
  return (definition.isProcess && !ended) || (down?.why === 'crash' && down.upAt === undefined);
}

/** When its next timer is due; 0 without one. */
export function earliestDue(cell: Cell): number {
  let earliest = 0;
  for (const { dueAt } of cell.timers?.values() ?? [])
    if (earliest === 0 || dueAt < earliest) earliest = dueAt;
  return earliest;
}

export function readCheckpoint(codec: Codec, body: Uint8Array): StoredCheckpoint {
  return codec.unpack(body) as StoredCheckpoint;
}
