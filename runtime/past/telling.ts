/**
 * Telling: an actor as it was, told again from its journal. Nothing is executed, and nothing that lives is touched.
 *
 * A long story is told from the waypoint before the record that is asked for, so that any record is reached in a few
 * milliseconds; and in slices, between which others have their turn.
 */
import type { JournalRecord, Position } from '../../storage/journal.ts';
import { waypointKey } from '../../storage/keys.ts';
import { openRow } from '../../storage/row.ts';
import { definitionOf, makeSelf } from '../birth.ts';
import { Cell } from '../cell.ts';
import { asPosition, readCheckpoint } from '../checkpoint.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import { InvalidArgument, JournalCorrupt, StoryChanged } from '../errors.ts';
import type { Difference } from '../errors.ts';
import { throughout } from '../kernel/moment.ts';
import type { Birth } from '../mailbox.ts';
import { fillFromCheckpoint } from '../restore.ts';
import { applyStory, retell } from '../retell.ts';
import type { Story } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { unpackTrailer } from '../trailer.ts';
import { checkpointOf, coveredBy, journalAt, recordsOf } from './reading.ts';
import type { Journal } from './reading.ts';

/** How many records are told without letting anything else happen: a few milliseconds' worth. */
const SLICE = 2048;

/** Hears of each record that was told: what came of it, and the actor as it is now. Returns whether to go on. */
export type Visit = (story: Story, record: JournalRecord, cell: Cell) => boolean;

/** What came of telling a whole journal. */
export interface Told {
  readonly cell: Cell;
  /** Where today's code departs from the recorded story, for good. */
  readonly difference: Difference | undefined;
}

/** Tells a journal from its first record on; undefined when there is none yet. @throws JournalCorrupt, UnknownActor */
export async function toldFromBirth(
  runtime: Runtime,
  journal: Journal,
  visit?: Visit,
): Promise<Told | undefined> {
  const records = recordsOf(runtime, journal);
  const { value: first } = records.next();
  if (first === undefined) return undefined;
  const { birth } = unpackTrailer(runtime.codec, first.trailer);
  if (birth === undefined)
    throw new JournalCorrupt(journal.address, { seq: first.seq, reason: 'its first record is no birth' });
  const cell = cellBornAs(runtime, journal, birth);
  return { cell, difference: await tell(runtime, cell, chain(first, records), visit) };
}

function* chain<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

function cellBornAs(runtime: Runtime, { actor, address }: Journal, birth: Birth, life = 0): Cell {
  return new Cell(
    actor,
    address,
    definitionOf(runtime, address, birth),
    makeSelf(runtime, actor, birth, life),
  );
}

/**
 * Tells records to a cell. Where today's code tells another story it goes on with the next record that gives the actor its
 * state, because the code was changed there on purpose.
 * @returns where today's code departs from the recorded story, if it does not come back to it
 */
export async function tell(
  runtime: Runtime,
  cell: Cell,
  records: Iterator<JournalRecord>,
  visit: Visit = () => true,
): Promise<Difference | undefined> {
  const teller = new Teller(runtime, cell, visit);
  for (let slice = take(records, SLICE); slice.length > 0; slice = take(records, SLICE)) {
    if (!throughout(() => slice.every((record) => teller.tell(record)))) break;
    if (slice.length < SLICE) break;
    await pause(runtime);
  }
  return teller.difference;
}

/** Tells records to a cell, one after the other. */
export class Teller {
  readonly #runtime: Runtime;
  readonly #cell: Cell;
  readonly #visit: Visit;
  difference: Difference | undefined;

  constructor(runtime: Runtime, cell: Cell, visit: Visit) {
    this.#runtime = runtime;
    this.#cell = cell;
    this.#visit = visit;
  }

  /** Returns whether to go on. */
  tell(record: JournalRecord): boolean {
    const isLost = this.difference !== undefined;
    if (isLost && unpackTrailer(this.#runtime.codec, record.trailer).image === undefined) return true;
    const story = retell(this.#runtime, this.#cell, record);
    this.difference = story.difference;
    if (story.difference !== undefined) return true;
    applyStory(this.#runtime, this.#cell, story, record);
    return this.#visit(story, record, this.#cell);
  }
}

function take<T>(items: Iterator<T>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const item = items.next();
    if (item.done === true) break;
    taken.push(item.value);
  }
  return taken;
}

/** Lets others have their turn. */
async function pause(runtime: Runtime): Promise<void> {
  await new Promise<void>((resolve) => runtime.clock.soon(resolve));
  runtime.assertOpen();
}

// ---- as of a record -----------------------------------------------------------------------------------------------

/**
 * The actor as it was when record `seq` was made.
 * @throws InvalidArgument when there is no such record, StoryChanged when today's code cannot tell it, UnknownActor,
 *   JournalCorrupt
 */
export async function toldUpTo(runtime: Runtime, address: string, seq: number): Promise<Cell> {
  const journal = await journalAt(runtime, address);
  assertRecordOf(journal, seq);
  const { from, end } = await stretchTo(runtime, journal, seq);
  const stretch = { ...journal, end };
  const goOn: Visit = (_, record) => record.seq < seq;
  const { cell, difference } =
    from === undefined
      ? (await toldFromBirth(runtime, stretch, goOn))!
      : await toldFrom(runtime, stretch, from, goOn);
  if (difference !== undefined) throw new StoryChanged(address, difference);
  return cell;
}

async function toldFrom(
  runtime: Runtime,
  journal: Journal,
  checkpoint: StoredCheckpoint,
  visit: Visit,
): Promise<Told> {
  const cell = cellBornAs(runtime, journal, checkpoint.birth!, checkpoint.life);
  fillFromCheckpoint(runtime, cell, { ...checkpoint, owed: [], inbox: [] }, new Map());
  return { cell, difference: await tell(runtime, cell, recordsOf(runtime, journal, cell.seq), visit) };
}

/** @throws InvalidArgument */
export function assertRecordOf({ address, end }: Journal, seq: number, path = 'seq'): void {
  if (Number.isSafeInteger(seq) && seq >= 1 && seq <= (end?.seq ?? 0)) return;
  const known = end === undefined ? 'has no records yet' : `has the records 1 to ${end.seq}`;
  throw new InvalidArgument(path, `must be a record of ${address}, which ${known}, but is ${String(seq)}`);
}

/** Where to begin: the last checkpoint or waypoint at or before a record; and where to look for what lies between. */
async function stretchTo(
  runtime: Runtime,
  journal: Journal,
  seq: number,
): Promise<{ readonly from: StoredCheckpoint | undefined; readonly end: Position }> {
  const { actor, address } = journal;
  const newest = checkpointOf(runtime, actor, address);
  const covered = coveredBy(newest);
  if (covered !== undefined && covered.seq <= seq) return { from: newest, end: journal.end! };
  const after = await waypoint(runtime, actor, { gte: seq, lt: Infinity });
  const end = after?.newest ?? newest?.newest;
  const from = await waypoint(runtime, actor, { gte: 1, lt: seq + 1 });
  return { from, end: end === undefined ? journal.end! : asPosition(end) };
}

/** The first waypoint from a record on, or the last before one. A damaged one is passed over: it only saves time. */
async function waypoint(
  { ledger, codec }: Runtime,
  actor: number,
  { gte, lt }: { readonly gte: number; readonly lt: number },
): Promise<StoredCheckpoint | undefined> {
  const range = {
    gte: waypointKey(actor, gte),
    lt: lt === Infinity ? waypointKey(actor + 1, 0) : waypointKey(actor, lt),
  };
  for await (const chunk of ledger.store.scan(range, { reverse: lt !== Infinity, limit: 4 })) {
    for (const [key, row] of chunk) {
      const body = openRow(key, row);
      if (body !== undefined) return readCheckpoint(codec, body);
    }
  }
  return undefined;
}
