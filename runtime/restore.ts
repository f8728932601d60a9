/**
 * Restoring: an actor comes back from its checkpoint and the records beyond it.
 *
 * The records are told again through today's code, with the time, the randomness and the reads they were recorded with.
 * Nothing is executed: what the steps ask for is compared with what is recorded, so that code that has changed is
 * noticed here and not by its consequences. Then the actor has its state, its timers, its waiting messages, and the
 * actions it owes.
 */
import type { AnyEventObject } from 'xstate';
import { BrokenJournal } from '../storage/journal.ts';
import type { JournalRecord, Position } from '../storage/journal.ts';
import { checkpointKey } from '../storage/keys.ts';
import { DamagedRow } from '../storage/ledger.ts';
import { bornUnder, definitionOf, makeSelf, pinned, untellableVersion } from './birth.ts';
import { Cell } from './cell.ts';
import type { OwedTurn } from './cell.ts';
import { asPosition, hasWork, readCheckpoint } from './checkpoint.ts';
import type { StoredCheckpoint, StoredOwedTurn } from './checkpoint.ts';
import { JournalCorrupt, StoryChanged } from './errors.ts';
import { fillFromImage } from './image.ts';
import { enqueue } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import type { Ref } from './kernel/ref.ts';
import { Teller } from './past/telling.ts';
import { applyStory, retell } from './retell.ts';
import type { Runtime } from './runtime.ts';
import { messageFrom } from './tail.ts';
import type { StoredMessage, Tail } from './tail.ts';
import { disarmTimer } from './timers.ts';
import { messageKeyOf, unpackCause, unpackTrailer } from './trailer.ts';
import { explained, migratedCheckpoint, settle } from './versions/code-change.ts';
import type { CodeChange, Settled } from './versions/code-change.ts';
import type { MessageKey } from './trailer.ts';

/** An actor as it was read, and what has become of it if its code has changed since it was written. */
export interface Restored {
  readonly cell: Cell;
  readonly change: CodeChange | undefined;
}

/**
 * Loads an actor from the store.
 * @throws JournalCorrupt when its history is damaged, StoryChanged when the code is not the code that wrote it,
 *   UnknownActor when its logic is not registered
 */
export function restoreCell(runtime: Runtime, actor: number, address: string): Restored {
  const restored = readCell(runtime, actor, address);
  const { cell } = restored;
  // From here on today's code runs it. Of stores from before codes were kept nothing more is known.
  if (cell.birth !== undefined && cell.birth.code === undefined && !cell.ended)
    cell.birth = pinned(runtime, cell.birth);
  const tail = runtime.tails.take(actor);
  if (tail !== undefined) runtime.population.markDirtySince(cell, runtime.ledger.lowWater);
  return restored;
}

/** The same, without any consequence. */
export function readCell(runtime: Runtime, actor: number, address: string): Restored {
  const evidence = runtime.quarantine.evidenceOf(actor);
  if (evidence !== undefined) throw new JournalCorrupt(address, evidence);
  try {
    return restore(runtime, actor, address);
  } catch (error) {
    throw asCorruption(error, address);
  }
}

/** What a reader of a journal has thrown, as its user is told. */
function asCorruption(error: unknown, address: string): unknown {
  if (error instanceof BrokenJournal) return error.corruptionOf(address);
  if (error instanceof DamagedRow)
    return new JournalCorrupt(address, { row: 'A', reason: error.reason }, { cause: error });
  return error;
}

function restore(runtime: Runtime, actor: number, address: string): Restored {
  const tail = runtime.tails.get(actor);
  const row = runtime.ledger.get(checkpointKey(actor));
  const stored = row && readCheckpoint(runtime.codec, row);
  const newest = newestPosition(tail, stored);
  const records = readBack(runtime, actor, newest, stored?.newest?.[0] ?? 0);
  const birth = stored?.birth ?? birthIn(runtime, records, stored, tail);
  checkWitness(runtime, actor, birth?.address ?? address, stored);
  if (birth === undefined) throw new JournalCorrupt(address, { reason: 'nothing is left of its birth' });
  try {
    // Without records beyond it the checkpoint says everything, and a migration can do without the code of old.
    const migrated =
      stored !== undefined && records.length === 0 ? migratedCheckpoint(runtime, stored) : undefined;
    const checkpoint = migrated?.checkpoint ?? stored;
    const cell = cellBornAs(runtime, actor, checkpoint?.birth ?? birth, checkpoint?.life);
    const inbox = new Map<MessageKey, StoredMessage>();
    tellAll(runtime, cell, checkpoint, records, inbox);
    if (stored !== undefined) runtime.stateRows.restored(cell, stored);
    if (tail !== undefined) fillFromTail(cell, tail, inbox);
    cell.lives = Math.max(cell.lives, cell.life, ...[...inbox.values()].map(({ life }) => life));
    if (cell.life === 0) cell.ref = unbegun(runtime, cell, birth, inbox);
    const settled = migrated ?? (cell.birth && newest && settle(runtime, cell, newest));
    cell.committed = cell.snapshot;
    cell.committedDown = cell.down;
    fillMailbox(runtime, cell, inbox, settled?.message);
    return { cell, change: settled?.change };
  } catch (error) {
    throw error instanceof StoryChanged ? explained(runtime, error, birth) : error;
  }
}

function cellBornAs(runtime: Runtime, actor: number, birth: Birth, life = 0): Cell {
  const definition = definitionOf(runtime, birth.address, birth);
  return new Cell(actor, birth.address, definition, makeSelf(runtime, actor, birth, life));
}

/**
 * How a child is referred to that was spawned and has not begun yet: by the life that is to begin, as in the step that spawned it.
 * Whoever looks it up now sends to that life.
 */
function unbegun(
  runtime: Runtime,
  { actor, ref }: Cell,
  birth: Birth,
  inbox: ReadonlyMap<MessageKey, StoredMessage>,
): Ref {
  const births = [...inbox.values()].filter((message) => message.birth !== undefined);
  const life = Math.min(...births.map((message) => message.life));
  return Number.isFinite(life) ? makeSelf(runtime, actor, birth, life) : ref;
}

/** Makes a cell what its checkpoint and the records beyond it say. */
function tellAll(
  runtime: Runtime,
  cell: Cell,
  checkpoint: StoredCheckpoint | undefined,
  records: readonly JournalRecord[],
  inbox: Map<MessageKey, StoredMessage>,
): void {
  // What came before a record that gives the actor its state may be of code that is gone.
  const given = records.findLastIndex(
    ({ trailer }) => unpackTrailer(runtime.codec, trailer).image !== undefined,
  );
  if (checkpoint !== undefined) {
    const { snapshot, timers } = given === -1 ? checkpoint : { snapshot: undefined, timers: [] };
    fillFromCheckpoint(runtime, cell, { ...checkpoint, snapshot, timers }, inbox);
  }
  for (const record of given === -1 ? records : records.slice(given)) tell(runtime, cell, record);
}

/**
 * Restores the state of an actor that is in memory, from its checkpoint and records, durable or not. Its mailbox, timers
 * and debts stay as they are.
 * @throws JournalCorrupt, StoryChanged; then it stays as it is
 */
export function restoreState(runtime: Runtime, cell: Cell): void {
  try {
    readState(runtime, cell);
  } catch (error) {
    throw asCorruption(error, cell.address);
  }
}

function readState(runtime: Runtime, cell: Cell): void {
  const row = runtime.ledger.get(checkpointKey(cell.actor));
  const checkpoint = row && readCheckpoint(runtime.codec, row);
  const fresh = new Cell(cell.actor, cell.address, cell.definition, cell.ref);
  fresh.birth = cell.birth;
  const newest = { seq: cell.seq, frame: cell.frame!.number, offset: cell.offset, link: undefined };
  const records = readBack(runtime, cell.actor, newest, checkpoint?.newest?.[0] ?? 0);
  tellAll(runtime, fresh, checkpoint && { ...checkpoint, owed: [], inbox: [] }, records, new Map());
  cell.snapshot = fresh.snapshot;
  cell.booked = fresh.booked;
}

// ---- what is stored -----------------------------------------------------------------------------------------------

/** The name row knows which record the checkpoint covers: a checkpoint that is missing, or an older one, is noticed. */
function checkWitness(
  runtime: Runtime,
  actor: number,
  address: string,
  checkpoint: StoredCheckpoint | undefined,
): void {
  const named = runtime.population.nameOf(address);
  if (named === undefined || named.actor !== actor) {
    throw new JournalCorrupt(address, { row: 'N', reason: 'its name is missing, or names another actor' });
  }
  const covered = checkpoint?.newest?.[0] ?? 0;
  if (named.checkpoint === covered) return;
  const reason =
    checkpoint === undefined
      ? `its checkpoint of record ${named.checkpoint} is missing`
      : `its checkpoint is of record ${covered}, but should be of record ${named.checkpoint}`;
  throw new JournalCorrupt(address, { row: 'A', reason });
}

function newestPosition(
  tail: Tail | undefined,
  checkpoint: StoredCheckpoint | undefined,
): Position | undefined {
  const head = tail?.head;
  // The head's own frame was proven by recovery, which read it last.
  if (head !== undefined)
    return {
      seq: head.seq,
      frame: head.frame!.number,
      offset: head.offset,
      link: head.frame!.hash!.slice(0, 16),
    };
  return checkpoint?.newest && asPosition(checkpoint.newest);
}

/** The records beyond `downTo`, oldest first. */
function readBack(
  runtime: Runtime,
  actor: number,
  newest: Position | undefined,
  downTo: number,
): JournalRecord[] {
  if (newest === undefined) return [];
  return [...runtime.journal.walk(actor, newest, downTo)];
}

function birthIn(
  runtime: Runtime,
  records: readonly JournalRecord[],
  checkpoint: StoredCheckpoint | undefined,
  tail: Tail | undefined,
): Birth | undefined {
  for (const { trailer } of records) {
    const { birth } = unpackTrailer(runtime.codec, trailer);
    if (birth !== undefined) return birth;
  }
  // Spawned, but its first message still waits.
  for (const { birth } of [...(checkpoint?.inbox ?? []), ...(tail?.inbox.values() ?? [])]) {
    if (birth !== undefined) return birth;
  }
  return undefined;
}

// ---- putting it together ------------------------------------------------------------------------------------------

export function fillFromCheckpoint(
  runtime: Runtime,
  cell: Cell,
  checkpoint: StoredCheckpoint,
  inbox: Map<MessageKey, StoredMessage>,
): void {
  if (checkpoint.newest !== undefined) {
    const [seq, frame, offset, link] = checkpoint.newest;
    cell.seq = cell.checkpointedSeq = seq;
    cell.frame = { number: frame, hash: link };
    cell.offset = offset;
  }
  cell.checkpointBytes = checkpoint.snapshot?.length ?? 0;
  [cell.waypointSeq, cell.waypointBytes] = checkpoint.waypoint ?? [0, 0];
  fillFromImage(runtime, cell, checkpoint);
  for (const { life: forLife, cause, event, birth: born } of checkpoint.inbox) {
    const message = { life: forLife, cause: unpackCause(cause), packed: event, birth: born };
    inbox.set(messageKeyOf(message.cause)!, message);
  }
  for (const owed of checkpoint.owed) restoreOwed(runtime, cell, owed);
  markRows(cell, checkpoint);
}

/** Derives the actions of an old record again, by telling it once more from the state before it. */
function restoreOwed(runtime: Runtime, cell: Cell, owed: StoredOwedTurn): void {
  const { life, at, before, bookedBefore, code = cell.birth!.code } = owed;
  const position = asPosition(at);
  const [record] = runtime.journal.walk(cell.actor, position, position.seq - 1);
  const birth = bornUnder(cell.birth!, code);
  const version = untellableVersion(runtime, birth);
  if (version !== undefined) {
    const recorded = `what version ${version} owes to the world since this record`;
    throw new StoryChanged(cell.address, { seq: position.seq, path: 'version', recorded, today: undefined });
  }
  const past = cellBornAs(runtime, cell.actor, birth, life);
  Object.assign(past, {
    birth,
    bornAt: cell.bornAt,
    life,
    booked: bookedBefore,
    seq: position.seq - 1,
  });
  if (before !== undefined) past.snapshot = runtime.events.unpackSnapshot(past.definition, past.ref, before);
  tell(runtime, past, record!);
  const derived = past.owed?.get(position.seq);
  if (derived !== undefined) (cell.owed ??= new Map()).set(position.seq, derived);
}

/** What a record of the past owed to the world, derived again by telling the story up to it. */
export function owedAt(
  runtime: Runtime,
  { actor, address, definition, birth, seq, frame, offset }: Cell,
  at: number,
): OwedTurn | undefined {
  const past = new Cell(actor, address, definition, makeSelf(runtime, actor, birth!, 0));
  const newest = { seq, frame: frame!.number, offset, link: undefined };
  const teller = new Teller(runtime, past);
  for (const record of runtime.journal.walk(actor, newest, 0)) {
    if (record.seq > at) break;
    teller.tell(record);
  }
  return past.owed?.get(at);
}

/** Which marks the checkpoint has left in the store: the next one replaces them. */
function markRows(cell: Cell, { timers, inbox, owed }: StoredCheckpoint): void {
  cell.wakeRowAt = timers.reduce(
    (earliest, { dueAt }) => (earliest === 0 || dueAt < earliest ? dueAt : earliest),
    0,
  );
  cell.hasResumeRow = owed.length > 0 || inbox.length > 0 || hasWork(cell);
}

function tell(runtime: Runtime, cell: Cell, record: JournalRecord): void {
  const story = retell(runtime, cell, record);
  if (story.difference !== undefined) throw new StoryChanged(cell.address, story.difference);
  applyStory(runtime, cell, story, record);
}

function fillFromTail(cell: Cell, tail: Tail, inbox: Map<MessageKey, StoredMessage>): void {
  for (const seq of tail.settled) cell.owed?.delete(seq);
  for (const [seq, index] of tail.fired) disarmTimer(cell.timers, seq, index);
  for (const key of tail.taken) inbox.delete(key);
  for (const [key, message] of tail.inbox) inbox.set(key, message);
}

function fillMailbox(
  runtime: Runtime,
  cell: Cell,
  inbox: Map<MessageKey, StoredMessage>,
  ofToday: Settled['message'] = (message) => message,
): void {
  for (const waiting of inbox.values()) {
    const stored = ofToday(waiting);
    if (stored === undefined) continue;
    const event: AnyEventObject = runtime.events.unpack(stored.packed);
    enqueue(cell, messageFrom(stored, event));
  }
}
