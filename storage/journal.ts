/**
 * The journal of one actor: its records, walked from the newest to the oldest, each proving the one before it.
 *
 * A record says where its predecessor stands and how the frame around that one hashes. So reading a history verifies
 * it: a hole, a swapped or altered record, or a record of somebody else stops the walk with `BrokenJournal`.
 */
import { JournalCorrupt } from './errors.ts';
import {
  EntryKind,
  hasDamagedEntry,
  LINK_BYTES,
  NO_LINK,
  readEntry,
  readFrameHeader,
  StoredRecord,
} from './frame.ts';
import { hashOf } from './ledger.ts';
import type { FrameRef, Ledger } from './ledger.ts';

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

  /** The error for whoever asked for the actor at this address. */
  corruptionOf(address: string): JournalCorrupt {
    const { seq, frame, reason } = this;
    return new JournalCorrupt(address, { seq, frame, reason }, { cause: this });
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

/** A record, and the frame it stands in. */
export class JournalRecord extends StoredRecord {
  readonly frame: FrameRef;

  constructor(bytes: Buffer, offset: number, frame: FrameRef) {
    super(bytes, offset);
    this.frame = frame;
  }
}

interface CachedFrame {
  readonly bytes: Buffer;
  /** Its hash is known once somebody has needed it. */
  readonly ref: FrameRef;
}

/** How many frames stay in memory for the next reader. One of 16 KB holds the records of hundreds of actors. */
const CACHED_FRAMES = 256;

/** Reads journals of one ledger. Keeps recently read frames, which many journals share. */
export class JournalReader {
  readonly #ledger: Ledger;
  readonly #cachedFrames: number;
  readonly #cache = new Map<number, CachedFrame>();

  constructor(ledger: Ledger, cachedFrames: number = CACHED_FRAMES) {
    this.#ledger = ledger;
    this.#cachedFrames = cachedFrames;
  }

  /**
   * The records of an actor beyond number `downTo` up to `newest`, oldest first. They are proven before the first is
   * given; only where they stand is kept meanwhile, so a long journal takes little memory.
   * @throws BrokenJournal at the first record, from the newest, that does not prove itself.
   */
  *walk(actor: number, newest: Position, downTo: number): Generator<JournalRecord> {
    const { frames, offsets } = this.#prove(actor, newest, downTo);
    for (let i = frames.length - 1, seq = downTo + 1; i >= 0; i--, seq++) {
      const frame = this.#frame(seq, frames[i]!);
      // It may have been read anew since. Whoever goes on from a record links to its frame, so that one's hash must be known.
      recordAt(frame, actor, seq, offsets[i]!);
      if (frame.ref.hash === undefined && frame.ref.number <= this.#ledger.head.frame) linkOf(frame);
      yield new JournalRecord(frame.bytes, offsets[i]!, frame.ref);
    }
  }

  /** Where the records stand, newest first. */
  #prove(actor: number, newest: Position, downTo: number): { frames: number[]; offsets: number[] } {
    const frames: number[] = [];
    const offsets: number[] = [];
    let { seq, frame, offset, link } = newest;
    let cached: CachedFrame | undefined;
    for (; seq > downTo; seq--) {
      if (cached?.ref.number !== frame) cached = this.#frame(seq, frame);
      if (link !== undefined && linkOf(cached) !== link && this.#linkedTo(cached) !== link) {
        throw new BrokenJournal(seq, frame, 'the frame is not the one that its successor links to');
      }
      const record = recordAt(cached, actor, seq, offset);
      frames.push(frame);
      offsets.push(offset);
      frame = record.previousFrame;
      offset = record.previousOffset;
      if (frame === 0 && seq !== 1)
        throw new BrokenJournal(seq, cached.ref.number, 'it claims to be the first, but is not');
      // A record in the same frame as its successor gets no link from it.
      link = frame === cached.ref.number ? undefined : record.link;
      if (frame !== 0 && link === NO_LINK)
        throw new BrokenJournal(seq, cached.ref.number, 'it does not link to the record before it');
    }
    return { frames, offsets };
  }

  /**
   * What the records behind a frame link to when the entry of somebody else is damaged in it: the frame hashes to
   * something else now, but the next frame says what it did hash to.
   */
  #linkedTo({ bytes, ref }: CachedFrame): string | undefined {
    if (!hasDamagedEntry(bytes)) return undefined;
    const next = this.#ledger.frameBytes(ref.number + 1);
    const header = next && readFrameHeader(next);
    return header === undefined || 'damage' in header ? undefined : header.previousHash.slice(0, LINK_BYTES);
  }

  #frame(seq: number, number: number): CachedFrame {
    const hit = this.#cache.get(number);
    if (hit !== undefined) return hit;
    const bytes = this.#ledger.frameBytes(number);
    if (bytes === undefined) throw new BrokenJournal(seq, number, 'the frame is missing');
    const frame: CachedFrame = { bytes, ref: { number, hash: undefined } };
    // What is not durable yet may still change, or be reused.
    if (number > this.#ledger.head.frame) return frame;
    const header = readFrameHeader(bytes);
    if ('damage' in header) throw new BrokenJournal(seq, number, header.damage);
    if (header.frame !== number) throw new BrokenJournal(seq, number, 'another frame stands in its place');
    if (this.#cache.size >= this.#cachedFrames) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(number, frame);
    return frame;
  }
}

function recordAt({ bytes, ref }: CachedFrame, actor: number, seq: number, offset: number): StoredRecord {
  const entry = readEntry(bytes, offset);
  if ('damage' in entry) throw new BrokenJournal(seq, ref.number, entry.damage);
  if (entry.kind !== EntryKind.Record || entry.actor !== actor || entry.seq !== seq) {
    throw new BrokenJournal(seq, ref.number, 'another entry stands in its place');
  }
  return entry;
}

function linkOf({ bytes, ref }: CachedFrame): string {
  return (ref.hash ??= hashOf(bytes)).slice(0, LINK_BYTES);
}
