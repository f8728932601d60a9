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
  hashOf,
  LINK_BYTES,
  NO_LINK,
  readEntry,
  readFrameHeader,
  StoredRecord,
} from './frame.ts';
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
    const frames: number[] = [];
    const offsets: number[] = [];
    const back = new WayBack(this, actor, newest);
    while (back.seq > downTo) {
      back.step();
      frames.push(back.frame.ref.number);
      offsets.push(back.offset);
    }
    for (let i = frames.length - 1, seq = downTo + 1; i >= 0; i--, seq++)
      yield this.#recordIn(this.frame(seq, frames[i]!), actor, seq, offsets[i]!);
  }

  /**
   * The same records, newest first. Each is proven when it is given.
   * @throws BrokenJournal at the first record that does not prove itself; those before it were given.
   */
  *walkBack(actor: number, newest: Position, downTo: number): Generator<JournalRecord> {
    const back = new WayBack(this, actor, newest);
    while (back.seq > downTo) {
      const { seq } = back;
      back.step();
      yield this.#recordIn(back.frame, actor, seq, back.offset);
    }
  }

  /** It may have been read anew since. Whoever goes on from a record links to its frame, so that one's hash must be known. */
  #recordIn(frame: CachedFrame, actor: number, seq: number, offset: number): JournalRecord {
    recordAt(frame, actor, seq, offset);
    if (frame.ref.hash === undefined && frame.ref.number <= this.#ledger.head.frame) linkOf(frame);
    return new JournalRecord(frame.bytes, offset, frame.ref);
  }

  /**
   * What the records behind a frame link to when the entry of somebody else is damaged in it: the frame hashes to
   * something else now, but the next frame says what it did hash to.
   */
  linkedTo({ bytes, ref }: CachedFrame): string | undefined {
    if (!hasDamagedEntry(bytes)) return undefined;
    const next = this.#ledger.frameBytes(ref.number + 1);
    const header = next && readFrameHeader(next);
    return header === undefined || 'damage' in header ? undefined : header.previousHash.slice(0, LINK_BYTES);
  }

  /** A frame that holds the record `seq`. @throws BrokenJournal */
  frame(seq: number, number: number): CachedFrame {
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

/** The way from a record to its predecessors, one proven step at a time. */
class WayBack {
  readonly #reader: JournalReader;
  readonly #actor: number;
  /** The record that the next step comes to. */
  seq: number;
  // Where the last step came to.
  frame!: CachedFrame;
  offset = 0;
  // Where the next step goes.
  #nextFrame: number;
  #nextOffset: number;
  #link: string | undefined;

  constructor(reader: JournalReader, actor: number, { seq, frame, offset, link }: Position) {
    this.#reader = reader;
    this.#actor = actor;
    this.seq = seq;
    this.#nextFrame = frame;
    this.#nextOffset = offset;
    this.#link = link;
  }

  /** @throws BrokenJournal */
  step(): void {
    const seq = this.seq--;
    const number = this.#nextFrame;
    if (this.frame?.ref.number !== number) this.frame = this.#reader.frame(seq, number);
    const { frame } = this;
    const link = this.#link;
    if (link !== undefined && linkOf(frame) !== link && this.#reader.linkedTo(frame) !== link)
      throw new BrokenJournal(seq, number, 'the frame is not the one that its successor links to');
    this.offset = this.#nextOffset;
    const record = recordAt(frame, this.#actor, seq, this.offset);
    this.#nextFrame = record.previousFrame;
    this.#nextOffset = record.previousOffset;
    if (this.#nextFrame === 0 && seq !== 1)
      throw new BrokenJournal(seq, number, 'it claims to be the first, but is not');
    // A record in the same frame as its successor gets no link from it.
    this.#link = this.#nextFrame === number ? undefined : record.link;
    if (this.#nextFrame !== 0 && this.#link === NO_LINK)
      throw new BrokenJournal(seq, number, 'it does not link to the record before it');
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
