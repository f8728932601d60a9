/**
 * A change of code: an actor is loaded that was last run by other code than today's.
 *
 *     no migration leads from its version to today's ─► does today's code tell its whole story? ─► yes: it goes on, with a record
 *                                                                                             └► no: it is refused
 *     one does ─► its stored state, timers and waiting events are taken through the steps ─► a record gives it the new state
 *
 * An actor whose life is over is let be. Nothing is guessed: what cannot be decided is refused, and the others run.
 */
import type { AnyEventObject } from 'xstate';
import type { Packed } from '../../storage/codec.ts';
import type { Position } from '../../storage/journal.ts';
import { bornUnder, makeSelf } from '../birth.ts';
import { Cell } from '../cell.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import type { Definition } from '../definition.ts';
import { messageOf, StoryChanged } from '../errors.ts';
import type { Difference } from '../errors.ts';
import { fillFromImage, imageOf, own } from '../image.ts';
import type { StoredImage, StoredTimer } from '../image.ts';
import type { PersistedSnapshot } from '../kernel/host.ts';
import { throughout } from '../kernel/moment.ts';
import { Message } from '../mailbox.ts';
import type { Birth } from '../mailbox.ts';
import { stateDifference, Teller } from '../past/telling.ts';
import { beginRecord, RECODED } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import type { StoredMessage } from '../tail.ts';
import { packTrailer } from '../trailer.ts';
import { turnOf } from '../turn.ts';
import { versionOf, versionToday } from './codes.ts';
import type { CodeVersion } from './codes.ts';
import { migrateEvent, migrateState, stepsBetween } from './migration.ts';
import type { MigrationStep, MigrationSubject } from './migration.ts';

/** What has become of an actor whose code has changed. */
export interface CodeChange {
  readonly kind: 'fits' | 'migrated';
  readonly from: CodeVersion | undefined;
  readonly to: CodeVersion;
  /** The parts of the code that are different. */
  readonly changed: readonly string[];
}

/** A change that is decided, and what it makes of a message that waits: undefined drops it. */
export interface Settled {
  readonly change: CodeChange;
  readonly message: (message: StoredMessage) => StoredMessage | undefined;
}

/** A migration that leads from the code an actor was run by to today's. */
interface Way extends MigrationSubject {
  readonly steps: readonly MigrationStep[];
  readonly definition: Definition;
  readonly change: CodeChange;
  /** The last record of the earlier version. */
  readonly seq: number;
}

/** The event of the record that gives an actor its migrated state. */
const MIGRATED = 'heddle.migrated';

// ---- deciding -----------------------------------------------------------------------------------------------------

/** Today's definition for an actor that was run by other code; undefined when it was not, or nobody knows. */
function otherwiseToday({ codes, definitions }: Runtime, birth: Birth): Definition | undefined {
  const definition = definitions.at(birth.path);
  if (birth.code === undefined || definition === undefined || definition.isHouse) return undefined;
  return codes.numberOf(definition) === birth.code ? undefined : definition;
}

function wayTo(runtime: Runtime, birth: Birth, definition: Definition, seq: number): Way | undefined {
  const stored = runtime.codes.at(birth.code);
  const { version, migrate } = definition.spec;
  if (stored === undefined || stored.version >= version) return undefined;
  const steps = stepsBetween(migrate, stored.version, version);
  if (steps === undefined) return undefined;
  const change = changeOf(runtime, birth, definition, 'migrated');
  return { address: birth.address, from: stored.version, steps, definition, change, seq };
}

function changeOf(
  { codes }: Runtime,
  { code }: Birth,
  definition: Definition,
  kind: CodeChange['kind'],
): CodeChange {
  const stored = codes.at(code);
  return {
    kind,
    from: stored && versionOf(stored),
    to: versionToday(definition),
    changed: codes.changedSince(code, definition),
  };
}

/**
 * A checkpoint that says all about an actor, taken to today's version, if there is a way there; undefined otherwise.
 * @throws StoryChanged when a step fails
 */
export function migratedCheckpoint(
  runtime: Runtime,
  checkpoint: StoredCheckpoint,
): (Settled & { readonly checkpoint: StoredCheckpoint }) | undefined {
  const { birth, snapshot, newest } = checkpoint;
  const definition = birth && otherwiseToday(runtime, birth);
  const way = definition && wayTo(runtime, birth, definition, newest?.[0] ?? 0);
  if (way === undefined || snapshot === undefined || !isAlive(runtime, snapshot)) return undefined;
  // What it owes is derived again by the code that has told it.
  const owed = checkpoint.owed.map((turn) => ({ code: birth!.code!, ...turn }));
  return { checkpoint: { ...migrated(runtime, checkpoint, way), owed }, ...settledBy(runtime, way) };
}

const settledBy = (runtime: Runtime, way: Way): Settled => ({
  change: way.change,
  message: (message) => migratedMessage(runtime, message, way),
});

const isAlive = ({ codec }: Runtime, snapshot: Packed): boolean =>
  (codec.unpack(snapshot) as PersistedSnapshot).status === 'active';

/**
 * Settles whether an actor that was told up to its end may go on under today's code, and makes it what it is there.
 * @param end where its journal ends
 * @returns what has changed; undefined when nothing has
 * @throws StoryChanged when it may not
 */
export function settle(runtime: Runtime, cell: Cell, end: Position): Settled | undefined {
  const birth = cell.birth!;
  const definition = otherwiseToday(runtime, birth);
  if (definition === undefined || cell.ended) return undefined;
  const way = wayTo(runtime, birth, definition, cell.seq);
  if (way !== undefined) {
    // Only the version's own code can have told the records since the last checkpoint.
    if (cell.definition === definition) throw refusal(runtime, cell, definition, untold(cell, way));
    fillFromImage(runtime, switchTo(cell, definition), migrated(runtime, imageOf(runtime, cell), way));
    return settledBy(runtime, way);
  }
  const difference = retold(runtime, cell, end);
  if (difference !== undefined) throw refusal(runtime, cell, definition, difference);
  cell.birth = bornUnder(birth, undefined);
  return { change: changeOf(runtime, birth, definition, 'fits'), message: (message) => message };
}

function switchTo(cell: Cell, definition: Definition): Cell {
  cell.definition = definition;
  return cell;
}

function untold({ seq, checkpointedSeq }: Cell, { from }: Way): Difference {
  const many = seq - checkpointedSeq;
  const recorded = `${many} record${many === 1 ? '' : 's'} of version ${from} since the last checkpoint`;
  return { seq: checkpointedSeq + 1, path: 'version', recorded, today: undefined };
}

/** Where today's code departs from the whole story of an actor, or from its state. */
function retold(runtime: Runtime, cell: Cell, end: Position): Difference | undefined {
  const { actor, address, definition, birth } = cell;
  const told = new Cell(actor, address, definition, makeSelf(runtime, actor, birth!, 0));
  const teller = new Teller(runtime, told);
  throughout(() => {
    for (const record of runtime.journal.walk(actor, end, 0)) teller.tell(record);
  });
  if (teller.difference !== undefined) return teller.difference;
  return stateDifference(told, cell.snapshot);
}

function refusal(
  runtime: Runtime,
  { address, birth }: Cell,
  definition: Definition,
  difference: Difference,
): StoryChanged {
  return new StoryChanged(address, difference, {
    changed: runtime.codes.changedSince(birth!.code, definition),
  });
}

/** Says of a story that was told otherwise what of the code has changed, where that is known. */
export function explained(runtime: Runtime, error: StoryChanged, birth: Birth | undefined): StoryChanged {
  const definition = birth && otherwiseToday(runtime, birth);
  if (definition === undefined || error.changed.length > 0) return error;
  const { address, cause } = error;
  const changed = runtime.codes.changedSince(birth!.code, definition);
  return new StoryChanged(address, error, { ...(cause !== undefined && { cause }), changed });
}

// ---- migrating ----------------------------------------------------------------------------------------------------

/** An actor's image, and what waits for it, taken through the steps. @throws StoryChanged when a step fails */
function migrated<T extends StoredImage>(runtime: Runtime, image: T, way: Way): T {
  return stepping(way, () => {
    const { codec } = runtime;
    const state = migrateState(way.steps, codec.unpack(image.snapshot!) as PersistedSnapshot, way);
    return {
      ...image,
      birth: bornUnder(image.birth!, undefined),
      snapshot: own(codec.packHolder(state, 'state')),
      timers: image.timers.flatMap((timer) => migratedTimer(runtime, timer, way)),
    };
  });
}

/** Runs a part of a migration. @throws StoryChanged when a step of the user fails, or returns what cannot be stored */
function stepping<T>({ address, from, seq, change }: Way, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const recorded = `the migration from version ${from} failed: ${messageOf(error)}`;
    const difference = { seq, path: 'migrate', recorded, today: undefined };
    throw new StoryChanged(address, difference, { cause: error, changed: change.changed });
  }
}

function migratedTimer(runtime: Runtime, timer: StoredTimer, way: Way): StoredTimer[] {
  const before = runtime.events.unpack(timer.event);
  // What is set for somebody else is for that one's code to understand.
  const isOwn = timer.to[0] === way.address && isOfUser(before);
  const after = isOwn ? migrateEvent(way.steps, before, way) : before;
  if (after === undefined) return [];
  if (after === before) return [timer];
  // Those of `after` are cancelled by the type of their event.
  const id = timer.id === before.type ? after.type : timer.id;
  return [{ ...timer, id, event: own(runtime.events.prepare(after).packed) }];
}

/** Events of `after` are named after states, so they are the user's; the rest of XState's own are not. */
const isOfUser = ({ type }: AnyEventObject): boolean =>
  !type.startsWith('heddle.') && (!type.startsWith('xstate.') || type.startsWith('xstate.after.'));

function migratedMessage(runtime: Runtime, message: StoredMessage, way: Way): StoredMessage | undefined {
  const before = runtime.events.unpack(message.packed);
  if (message.birth !== undefined || !isOfUser(before)) return message;
  return stepping(way, () => {
    const after = migrateEvent(way.steps, before, way);
    return after && { ...message, packed: own(runtime.events.prepare(after).packed) };
  });
}

// ---- recording ----------------------------------------------------------------------------------------------------

/**
 * Records what has become of an actor that was just loaded. Its checkpoint is written with the record: what waits for it has
 * changed too.
 */
export function recordChange(runtime: Runtime, cell: Cell, change: CodeChange): void {
  const { ledger, codec, population, committer, clock } = runtime;
  const isMigrated = change.kind === 'migrated';
  const code = cell.birth!.code!;
  const { event, packed } = runtime.events.prepareHolder({
    type: isMigrated ? MIGRATED : RECODED,
    code,
    ...change,
  });
  const cause = { kind: 'system' } as const;
  const trailer = packTrailer(codec, { cause, ...(isMigrated && { image: imageOf(runtime, cell) }) });
  beginRecord(cell, cause, undefined);
  population.markDirty(cell);
  ledger.record(cell.actor, cell, clock.now(), cell.life, packed, trailer);
  cell.tailBytes += packed.length + trailer.length;
  const message = new Message(event, packed, cell.life, cause);
  // It may be loaded in the middle of somebody's turn, which must not be torn apart.
  committer.hold(() => committer.add(turnOf(cell, message)));
  committer.checkpoint(cell);
}
