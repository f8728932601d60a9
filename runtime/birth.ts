/**
 * What a birth decides for as long as the life lasts: the logic that runs, and who the actor is to itself.
 */
import { BrokenJournal } from '../storage/journal.ts';
import { Cell } from './cell.ts';
import type { Definition } from './definition.ts';
import { StoryChanged, UnknownActor } from './errors.ts';
import type { Ref } from './kernel/ref.ts';
import type { Birth } from './mailbox.ts';
import type { Runtime } from './runtime.ts';
import { stepOfVersion } from './versions/migration.ts';

/** The definition under which an actor was born. @throws UnknownActor, StoryChanged when there is none any more */
export function definitionOf(runtime: Runtime, address: string, { path, code }: Birth): Definition {
  const definition = runtime.definitions.at(path);
  if (definition !== undefined) return asOfCode(runtime, definition, code);
  const name = path[0]!;
  if (!runtime.definitions.has(name)) {
    throw new UnknownActor(address, `its name '${name}' is not among createSystem({ actors }); register it`);
  }
  throw new StoryChanged(address, {
    seq: 1,
    path: 'src',
    recorded: path.slice(1).join(' › '),
    today: undefined,
  });
}

/** The definition of the version that an actor was born under, where it is kept. */
function asOfCode({ codes }: Runtime, definition: Definition, code: number | undefined): Definition {
  if (definition.spec.migrate === undefined) return definition;
  const stored = codes.at(code);
  return stored === undefined ? definition : definition.asOf(stored.version);
}

/** A birth under today's code. */
export function pinned(runtime: Runtime, birth: Birth): Birth {
  const definition = runtime.definitions.at(birth.path);
  return bornUnder(birth, definition && runtime.codes.numberFor(definition));
}

/** A birth under some code; undefined: nobody knows which, or today's, which has no number yet. */
export function bornUnder(birth: Birth, code: number | undefined): Birth {
  const { code: before, ...unbound } = birth;
  if (code === before) return birth;
  return code === undefined ? unbound : { ...unbound, code };
}

/**
 * The version under which an actor was born, if today's code only knows how to go on from it: its logic is gone, so what it
 * has told cannot be told again.
 */
export function untellableVersion(
  { codes, definitions }: Runtime,
  { path, code }: Birth,
): number | undefined {
  const stored = codes.at(code);
  const spec = stored && definitions.at(path)?.spec;
  if (spec === undefined || stored!.version >= spec.version) return undefined;
  const step = stepOfVersion(spec.migrate, stored!.version);
  return step === undefined || step.logic !== undefined ? undefined : stored!.version;
}

/** A root actor that is about to be born: its first message is to follow. */
export function newRoot(runtime: Runtime, birth: Birth): Cell {
  const actor = runtime.ledger.nextActor++;
  const definition = definitionOf(runtime, birth.address, birth);
  const cell = new Cell(actor, birth.address, definition, makeSelf(runtime, actor, birth, 1));
  cell.lives = 1;
  cell.isFirst();
  runtime.population.add(cell);
  return cell;
}

/**
 * The input of an actor's current life: it stands in the first record of it, and is read back all the way.
 * @throws JournalCorrupt
 */
export function inputOf({ journal, events }: Runtime, cell: Cell): unknown {
  const { actor, address, seq, frame, offset, bornSeq } = cell;
  const newest = { seq, frame: frame!.number, offset, link: undefined };
  try {
    const [first] = journal.walk(actor, newest, bornSeq - 1);
    return events.unpack(first!.bytes, first!.eventStart, first!.eventEnd)['input'];
  } catch (error) {
    throw error instanceof BrokenJournal ? error.corruptionOf(address) : error;
  }
}

/** The ref that an actor sees as `self` in a certain life. */
export function makeSelf(runtime: Runtime, actor: number, birth: Birth, life: number): Ref {
  const { address, parent } = birth;
  const above = parent && address.slice(0, address.lastIndexOf('/'));
  const parentRef = parent && runtime.references.make(above!, parent[0], parent[1]);
  const self = runtime.references.make(address, actor, life, parentRef);
  return Object.assign(self, {
    systemId: birth.systemId,
    _syncSnapshot: birth.syncSnapshot ?? false,
    src: birth.path.at(-1),
  });
}
