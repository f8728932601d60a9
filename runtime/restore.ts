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
import { definitionOf, makeSelf } from './birth.ts';
import { Cell } from './cell.ts';
import type { OwedTurn } from './cell.ts';
import { asPosition, hasWork, readCheckpoint } from './checkpoint.ts';
import type { StoredCheckpoint, StoredOwedTurn } from './checkpoint.ts';
import { JournalCorrupt, StoryChanged } from './errors.ts';
import { enqueue } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import { applyStory, retell } from './retell.ts';
import type { Runtime } from './runtime.ts';
import { messageFrom } from './tail.ts';
import type { StoredMessage, Tail } from './tail.ts';
import { armTimer, disarmTimer } from './timers.ts';
import { messageKeyOf, unpackCause, unpackTrailer } from './trailer.ts';
import type { MessageKey } from './trailer.ts';

/**
 * Loads an actor from the store.
 * @throws JournalCorrupt when its history is damaged, StoryChanged when the code is not the code that wrote it,
 *   UnknownActor when its logic is not registered
 */
export function restoreCell(runtime: Runtime, actor: number, address: string): Cell {
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

function restore(runtime: Runtime, actor: number, address: string): Cell {
  const tail = runtime.tails.get(actor);
  const row = runtime.ledger.get(checkpointKey(actor));
  const checkpoint = row && readCheckpoint(runtime.codec, row);
  const newest = newestPosition(tail, checkpoint);
  const records = readBack(runtime, actor, newest, checkpoint?.newest?.[0] ?? 0);
  const birth = checkpoint?.birth ?? birthIn(runtime, records, checkpoint, tail);
  checkWitness(runtime, actor, birth?.address ?? address, checkpoint);
  if (birth === undefined) throw new JournalCorrupt(address, { reason: 'nothing is left of its birth' });

  const definition = definitionOf(runtime, birth.address, birth);
  const cell = new Cell(
    actor,
    birth.address,
    definition,
    makeSelf(runtime, actor, birth, checkpoint?.life ?? 0),
  );
  const inbox = new Map<MessageKey, StoredMessage>();
  if (checkpoint !== undefined) fillFromCheckpoint(runtime, cell, checkpoint, inbox);
  for (const record of records) tell(runtime, cell, record);
  if (tail !== undefined) fillFromTail(cell, tail, inbox);
  cell.lives = Math.max(cell.lives, cell.life, ...[...inbox.values()].map(({ life }) => life));
  cell.committed = cell.snapshot;
  cell.committedDown = cell.down;
  fillMailbox(runtime, cell, inbox);
  runtime.tails.take(actor);
  if (tail !== undefined) runtime.population.markDirtySince(cell, runtime.ledger.lowWater);
  return cell;
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
  if (checkpoint !== undefined)
    fillFromCheckpoint(runtime, fresh, { ...checkpoint, owed: [], inbox: [] }, new Map());
  const newest = { seq: cell.seq, frame: cell.frame!.number, offset: cell.offset, link: undefined };
  for (const record of readBack(runtime, cell.actor, newest, fresh.seq)) tell(runtime, fresh, record);
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

function fillFromCheckpoint(
  runtime: Runtime,
  cell: Cell,
  checkpoint: StoredCheckpoint,
  inbox: Map<MessageKey, StoredMessage>,
): void {
  const { birth, bornAt, bornSeq, bornOrigin, life, lives, booked, attempt, newest, snapshot, timers } =
    checkpoint;
  const { since, down, window } = checkpoint.standing ?? { since: life, down: undefined, window: [] };
  Object.assign(cell, {
    birth,
    bornAt,
    bornSeq,
    bornOrigin,
    life,
    lives,
    booked,
    attempt,
    since,
    down,
    window,
  });
  if (newest !== undefined) {
    const [seq, frame, offset] = newest;
    cell.seq = cell.checkpointedSeq = seq;
    cell.frame = { number: frame, hash: newest[3] };
    cell.offset = offset;
  }
  if (snapshot !== undefined) {
    cell.checkpointBytes = snapshot.length;
    cell.snapshot = restoringState(cell, () =>
      runtime.events.unpackSnapshot(cell.definition, cell.ref, snapshot),
    );
    runtime.stateRows.restore(cell);
  }
  for (const { id, seq, index, dueAt, to, event, origin } of timers) {
    const [address, actor, toLife] = to;
    const target = actor === cell.actor ? cell.ref : runtime.references.make(address, actor, toLife);
    armTimer((cell.timers ??= new Map()), {
      id,
      seq,
      index,
      dueAt,
      to: target,
      event: runtime.events.unpack(event),
      origin,
    });
  }
  for (const { life: forLife, cause, event, birth: born } of checkpoint.inbox) {
    const message = { life: forLife, cause: unpackCause(cause), packed: event, birth: born };
    inbox.set(messageKeyOf(message.cause)!, message);
  }
  for (const owed of checkpoint.owed) restoreOwed(runtime, cell, owed);
  markRows(cell, checkpoint);
}

/** XState throws when a stored state does not exist in today's machine. */
function restoringState<T>(cell: Cell, restore: () => T): T {
  try {
    return restore();
  } catch (error) {
    const difference = { seq: cell.seq, path: 'value', recorded: (error as Error).message, today: undefined };
    throw new StoryChanged(cell.address, difference, { cause: error });
  }
}

/** Derives the actions of an old record again, by telling it once more from the state before it. */
function restoreOwed(runtime: Runtime, cell: Cell, { life, at, before, bookedBefore }: StoredOwedTurn): void {
  const position = asPosition(at);
  const [record] = runtime.journal.walk(cell.actor, position, position.seq - 1);
  const past = new Cell(
    cell.actor,
    cell.address,
    cell.definition,
    makeSelf(runtime, cell.actor, cell.birth!, life),
  );
  Object.assign(past, {
    birth: cell.birth,
    bornAt: cell.bornAt,
    life,
    booked: bookedBefore,
    seq: position.seq - 1,
  });
  if (before !== undefined) past.snapshot = runtime.events.unpackSnapshot(cell.definition, past.ref, before);
  tell(runtime, past, record!);
  const owed = past.owed?.get(position.seq);
  if (owed !== undefined) (cell.owed ??= new Map()).set(position.seq, owed);
}

/** What a record of the past owed to the world, derived again by telling the story up to it. */
export function owedAt(
  runtime: Runtime,
  { actor, address, definition, birth, seq, frame, offset }: Cell,
  at: number,
): OwedTurn | undefined {
  const past = new Cell(actor, address, definition, makeSelf(runtime, actor, birth!, 0));
  const newest = { seq, frame: frame!.number, offset, link: undefined };
  for (const record of runtime.journal.walk(actor, newest, 0)) {
    if (record.seq > at) break;
    tell(runtime, past, record);
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
  applyStory(cell, story, record);
}

function fillFromTail(cell: Cell, tail: Tail, inbox: Map<MessageKey, StoredMessage>): void {
  for (const seq of tail.settled) cell.owed?.delete(seq);
  for (const [seq, index] of tail.fired) disarmTimer(cell.timers, seq, index);
  for (const key of tail.taken) inbox.delete(key);
  for (const [key, message] of tail.inbox) inbox.set(key, message);
}

function fillMailbox(runtime: Runtime, cell: Cell, inbox: Map<MessageKey, StoredMessage>): void {
  for (const stored of inbox.values()) {
    const event: AnyEventObject = runtime.events.unpack(stored.packed);
    enqueue(cell, messageFrom(stored, event));
  }
}
