/**
 * The journal of one actor: its records, walked from the newest to the oldest, each proving the one before it.
 *
 * A record says where its predecessor stands and how the frame around that one hashes. So reading a history verifies
 * it: a hole, a swapped or altered record, or a record of somebody else stops the walk with `BrokenJournal`.
 */
import { EntryKind, LINK_BYTES, NO_LINK, readEntry, readFrameHeader } from './frame.ts';
import type { StoredRecord } from './frame.ts';
import { hashOf } from './ledger.ts';
import type { Ledger } from './ledger.ts';

/** A history that does not prove itself: the first record, from the newest, that is wrong. */
export class BrokenJournal extends Error {
  readonly seq: number;
  readonly frame: number;
  readonly reason: string;
  constructor(seq: number, frame: number, reason: string) {
    super(`record ${seq} in frame ${frame}: ${reason}`);
    this.seq = seq;
    this.frame = frame;
    this.reason = reason;
  }
}

/** Where a record stands, and the link to it where its successor gave one. */
export interface Position {
  readonly seq: number;
  readonly frame: number;
  readonly offset: number;
  /** The first half of the frame's hash; undefined where it is not known (same frame, or a frame being filled). */
  readonly link: string | undefined;
}

/** A record with the number of the frame it stands in, and the link to it where that is known. */
export interface JournalRecord extends StoredRecord {
  readonly frame: number;
  readonly frameLink: string | undefined;
}

interface CachedFrame {
  readonly bytes: Buffer;
  link: string | undefined;
}

/** How many frames stay in memory for the next reader. One of 16 KB holds the records of hundreds of actors. */
const CACHED_FRAMES = 256;

/** Reads journals of one ledger. Keeps recently read frames, which many journals share. */
export class JournalReader {
  readonly #ledger: Ledger;
  readonly #cache = new Map<number, CachedFrame>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * The records of an actor from `newest` down to, and without, number `downTo`.
   * @throws BrokenJournal at the first record that does not prove itself.
   */
  *walk(actor: number, newest: Position, downTo: number): Generator<JournalRecord> {
    let position = newest;
    let frameLink: string | undefined;
    let frame = 0;
    while (position.seq > downTo) {
      // A record in the same frame as its successor gets no link from it.
      frameLink = position.frame === frame ? frameLink : position.link;
      frame = position.frame;
      const record = Object.assign(this.#read(actor, position), { frame, frameLink });
      yield record;
      position = {
        seq: record.seq - 1,
        frame: record.previousFrame,
        offset: record.previousOffset,
        link: record.link === NO_LINK ? undefined : record.link,
      };
      const ends = record.previousFrame === 0;
      if (ends && position.seq !== 0)
        throw new BrokenJournal(record.seq, record.frame, 'it claims to be the first, but is not');
      if (!ends && position.frame !== record.frame && position.link === undefined) {
        throw new BrokenJournal(record.seq, record.frame, 'it does not link to the record before it');
      }
    }
  }

  #read(actor: number, { seq, frame, offset, link }: Position): StoredRecord {
    const cached = this.#frame(seq, frame);
    if (link !== undefined && this.#linkOf(cached) !== link) {
      throw new BrokenJournal(seq, frame, 'the frame is not the one that its successor links to');
    }
    const entry = readEntry(cached.bytes, offset);
    if ('damage' in entry) throw new BrokenJournal(seq, frame, entry.damage);
    if (entry.kind !== EntryKind.Record || entry.actor !== actor || entry.seq !== seq) {
      throw new BrokenJournal(seq, frame, 'another entry stands in its place');
    }
    return entry;
  }

  #frame(seq: number, number: number): CachedFrame {
    const hit = this.#cache.get(number);
    if (hit !== undefined) return hit;
    const bytes = this.#ledger.frameBytes(number);
    if (bytes === undefined) throw new BrokenJournal(seq, number, 'the frame is missing');
    const frame: CachedFrame = { bytes, link: undefined };
    // What is not durable yet may still change, or be reused.
    if (number > this.#ledger.head.frame) return frame;
    const header = readFrameHeader(bytes);
    if ('damage' in header) throw new BrokenJournal(seq, number, header.damage);
    if (header.frame !== number) throw new BrokenJournal(seq, number, 'another frame stands in its place');
    if (this.#cache.size >= CACHED_FRAMES) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(number, frame);
    return frame;
  }

  #linkOf(frame: CachedFrame): string {
    return (frame.link ??= hashOf(frame.bytes).slice(0, LINK_BYTES));
  }
}
