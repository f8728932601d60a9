/**
 * Telling: an actor as it was, told again from its journal. Nothing is executed, and nothing that lives is touched.
 *
 * A long story is told from the waypoint before the record that is asked for, so that any record is reached in a few
 * milliseconds; and in slices, between which others have their turn.
 */
import type { JournalRecord, Position } from '../../storage/journal.ts';
import { waypointKey } from '../../storage/keys.ts';
import { openRow } from '../../storage/row.ts';
import { definitionOf, makeSelf, untellableVersion } from '../birth.ts';
import { Cell } from '../cell.ts';
import { asPosition, readCheckpoint } from '../checkpoint.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import { InvalidArgument, JournalCorrupt, StoryChanged } from '../errors.ts';
import type { Difference } from '../errors.ts';
import { firstDifference } from '../difference.ts';
import { throughout } from '../kernel/moment.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { Birth } from '../mailbox.ts';
import { fillFromCheckpoint } from '../restore.ts';
import { applyStory, retell } from '../retell.ts';
import type { Story, TellableRecord } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { unpackTrailer } from '../trailer.ts';
import { checkpointOf, coveredBy, journalAt, recordsOf } from './reading.ts';
import type { Journal } from './reading.ts';

/** How many records are told without letting anything else happen: a few milliseconds' worth. */
const SLICE = 2048;

/** Hears of each record that was told: what came of it, and the actor as it is now. */
export type Visit = (story: Story, record: TellableRecord, cell: Cell) => void;

/** What came of telling a whole journal. */
export interface Told {
  readonly cell: Cell;
  /** Where today's code departs from the recorded story, for good. */
  readonly difference: Difference | undefined;
}

/**
 * Tells a journal from its first record on; undefined when there is none yet.
 * @param last the last record to tell
 * @throws JournalCorrupt, UnknownActor
 */
export async function toldFromBirth(
  runtime: Runtime,
  journal: Journal,
  visit?: Visit,
  last = Infinity,
): Promise<Told | undefined> {
  const records = upTo(recordsOf(runtime, journal), last);
  const { value: first } = records.next();
  if (first === undefined) return undefined;
  const cell = newcomer(runtime, journal, first);
  return { cell, difference: await tell(runtime, cell, chain(first, records), visit) };
}

/** An actor of whom a first record tells. @throws JournalCorrupt, UnknownActor */
export function newcomer(
  runtime: Runtime,
  journal: Pick<Journal, 'actor' | 'address'>,
  { seq, trailer }: TellableRecord,
): Cell {
  const { birth } = unpackTrailer(runtime.codec, trailer);
  if (birth === undefined)
    throw new JournalCorrupt(journal.address, { seq, reason: 'its first record is no birth' });
  return cellBornAs(runtime, journal, birth);
}

function* upTo(records: Iterable<JournalRecord>, last: number): Generator<JournalRecord, undefined> {
  for (const record of records) {
    if (record.seq > last) return;
    yield record;
  }
}

function* chain<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

function cellBornAs(
  runtime: Runtime,
  { actor, address }: Pick<Journal, 'actor' | 'address'>,
  birth: Birth,
  life = 0,
): Cell {
  return new Cell(
    actor,
    address,
    definitionOf(runtime, address, birth),
    makeSelf(runtime, actor, birth, life),
  );
}

/**
 * Tells records to a cell. Where today's code tells another story it goes on with the next record that gives the actor its
 * state, or begins a life under other code: the code was changed there on purpose.
 * @returns where today's code departs from the recorded story, if it does not come back to it
 */
async function tell(
  runtime: Runtime,
  cell: Cell,
  records: Iterator<TellableRecord>,
  visit?: Visit,
): Promise<Difference | undefined> {
  const teller = new Teller(runtime, cell, visit);
  for (let slice = take(records, SLICE); slice.length > 0; slice = take(records, SLICE)) {
    throughout(() => slice.forEach((record) => teller.tell(record)));
    if (slice.length < SLICE) break;
    await pause(runtime);
  }
  return teller.difference;
}

/** Tells records to a cell, one after the other. */
export class Teller {
  readonly #runtime: Runtime;
  readonly #cell: Cell;
  readonly #visit: Visit | undefined;
  /** Where today's code departs from the recorded story, as long as it has not come back to it. */
  difference: Difference | undefined;
  #birth: Birth | undefined;
  #version: number | undefined;

  constructor(runtime: Runtime, cell: Cell, visit?: Visit) {
    this.#runtime = runtime;
    this.#cell = cell;
    this.#visit = visit;
  }

  tell(record: TellableRecord): void {
    if (this.difference !== undefined) {
      if (!this.#comesBack(record)) return;
      this.#cell.seq = record.seq - 1;
    }
    try {
      this.difference = this.#told(record);
    } catch (error) {
      if (!(error instanceof StoryChanged)) throw error;
      this.difference = differenceIn(error);
    }
  }

  /** Whether a record says all about the actor, and has not been made by the code whose story is another today. */
  #comesBack({ trailer }: TellableRecord): boolean {
    const { image, birth } = unpackTrailer(this.#runtime.codec, trailer);
    return image !== undefined || (birth !== undefined && birth.code !== this.#cell.birth?.code);
  }

  #told(record: TellableRecord): Difference | undefined {
    const runtime = this.#runtime;
    const cell = this.#cell;
    const story = retell(runtime, cell, record);
    const { trailer, difference } = story;
    const version = this.#untellable(cell.birth!);
    if (version !== undefined && trailer.image === undefined)
      return { seq: record.seq, path: 'version', recorded: `by version ${version}`, today: undefined };
    if (difference !== undefined) return difference;
    applyStory(runtime, cell, story, record);
    this.#visit?.(story, record, cell);
    return undefined;
  }

  /** Asked for every record, and hardly ever about another birth than before. */
  #untellable(birth: Birth): number | undefined {
    if (birth !== this.#birth) {
      this.#birth = birth;
      this.#version = untellableVersion(this.#runtime, birth);
    }
    return this.#version;
  }
}

export const differenceIn = ({ seq, path, recorded, today }: StoryChanged): Difference => ({
  seq,
  path,
  recorded,
  today,
});

function take<T>(items: Iterator<T>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const item = items.next();
    if (item.done === true) break;
    taken.push(item.value);
  }
  return taken;
}

/** Where the state that was told for an actor is another than the recorded one. */
export function stateDifference(
  { seq, definition: { host }, snapshot }: Cell,
  recorded: AnySnapshot | undefined,
): Difference | undefined {
  if (recorded === undefined || snapshot === undefined) return undefined;
  const difference = firstDifference(host.persist(recorded), host.persist(snapshot), 'snapshot');
  return difference && { seq, ...difference };
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
export async function toldUpTo(runtime: Runtime, address: string, seq: number, path?: string): Promise<Cell> {
  const journal = await journalAt(runtime, address);
  assertRecordOf(journal, seq, path);
  const { from, end } = await stretchTo(runtime, journal, seq);
  const stretch = { ...journal, end };
  const { cell, difference } =
    from === undefined
      ? (await toldFromBirth(runtime, stretch, undefined, seq))!
      : await toldFrom(runtime, stretch, from, seq);
  if (difference !== undefined) throw new StoryChanged(address, difference);
  // It was made since, and is not on the disk.
  if (cell.seq < seq) assertRecordOf({ ...journal, end: { ...journal.end!, seq: cell.seq } }, seq, path);
  return cell;
}

async function toldFrom(
  runtime: Runtime,
  journal: Journal,
  checkpoint: StoredCheckpoint,
  last: number,
): Promise<Told> {
  const cell = cellBornAs(runtime, journal, checkpoint.birth!, checkpoint.life);
  fillFromCheckpoint(runtime, cell, { ...checkpoint, owed: [], inbox: [] }, new Map());
  const records = upTo(recordsOf(runtime, journal, cell.seq), last);
  return { cell, difference: await tell(runtime, cell, records) };
}

/** @throws InvalidArgument */
export function assertRecordOf({ address, end }: Journal, seq: number, path = 'seq'): void {
  if (Number.isSafeInteger(seq) && seq >= 1 && seq <= (end?.seq ?? 0)) return;
  const known = end === undefined ? 'has no records yet' : `has the records 1 to ${end.seq}`;
  // A text of digits would read like the number that it should be.
  const given = typeof seq === 'string' ? `the text ${JSON.stringify(seq)}` : String(seq);
  throw new InvalidArgument(path, `must be a record of ${address}, which ${known}, but is ${given}`);
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
