/**
 * The records of an actor and of all below it, in the order in which they stand in the ledger: that in which they happened.
 */
import type { JournalRecord } from '../../storage/journal.ts';
import { pop, push } from '../heap.ts';
import type { Runtime } from '../runtime.ts';
import { assertWhole, journalAt, recordsBackOf, recordsOf } from './reading.ts';
import type { Journal } from './reading.ts';

/** A place in the ledger. */
export interface Place {
  readonly frame: number;
  readonly offset: number;
}

export const isBefore = (a: Place, b: Place): boolean =>
  a.frame === b.frame ? a.offset < b.offset : a.frame < b.frame;

export const placeOfRecord = ({ frame, offset }: Pick<JournalRecord, 'frame' | 'offset'>): Place => ({
  frame: frame.number,
  offset,
});

/** The journals of an actor and of all below it that ever lived, as of one moment: none has what came of it later. */
export async function journalsFrom(runtime: Runtime, address: string): Promise<Journal[]> {
  const top = await journalAt(runtime, address);
  const { durableFrame } = top;
  const journals = [top];
  for await (const below of runtime.population.addressesBelow(address))
    journals.push({ ...(await journalAt(runtime, below)), durableFrame });
  return journals;
}

/** What is wanted, as record numbers of the actor at the top. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly reverse: boolean;
}

export async function* inLedgerOrder(
  runtime: Runtime,
  address: string,
  { from, to, reverse }: Stretch,
): AsyncGenerator<readonly [address: string, record: JournalRecord]> {
  const journals = await journalsFrom(runtime, address);
  if (to < Math.max(1, from)) return;
  const { first, last } = boundsOf(runtime, journals[0]!, from, to);
  const readers = journals.map((journal) => new Reader(runtime, journal, reverse));
  const order = reverse
    ? (a: Reader, b: Reader) => isBefore(b.place, a.place)
    : (a: Reader, b: Reader) => isBefore(a.place, b.place);
  const heap: Reader[] = [];
  for (const reader of readers) if (reader.advance()) push(heap, reader, order);
  while (heap.length > 0) {
    const reader = pop(heap, order);
    const { address: whose, record, place } = reader;
    const isTooEarly = first === undefined || isBefore(place, first);
    const isTooLate = last !== undefined && isBefore(last, place);
    if (reverse ? isTooEarly : isTooLate) return;
    if (!isTooEarly && !isTooLate) yield [whose, record];
    if (reader.advance()) push(heap, reader, order);
  }
  for (const journal of journals) assertWhole(runtime, journal);
}

const START: Place = { frame: 0, offset: 0 };

/** Where the records `from` and `to` stand; each undefined where there is none. */
function boundsOf(runtime: Runtime, journal: Journal, from: number, to: number) {
  if (from <= 1 && to === Infinity) return { first: START, last: undefined };
  let first: Place | undefined;
  let last: Place | undefined;
  for (const record of recordsBackOf(runtime, journal, Math.max(0, from - 1))) {
    first = placeOfRecord(record);
    if (record.seq === to) last = first;
  }
  return { first, last };
}

/** A journal that is read record by record. */
class Reader {
  readonly address: string;
  record!: JournalRecord;
  place!: Place;
  readonly #records: Generator<JournalRecord>;

  constructor(runtime: Runtime, journal: Journal, reverse: boolean) {
    this.address = journal.address;
    this.#records = (reverse ? recordsBackOf : recordsOf)(runtime, journal);
  }

  /** Goes on to the next record; false when there is none. */
  advance(): boolean {
    const { value, done } = this.#records.next();
    if (done === true) return false;
    this.record = value;
    this.place = placeOfRecord(value);
    return true;
  }
}
