/**
 * A frame: the unit of the ledger. Every commit writes one or more, each under the next number.
 *
 * A frame holds entries. A *record* is a step in the history of one actor: it has a number that follows on that of the
 * record before it, says where that one stands, and carries the first half of the hash of the frame it stands in, so an
 * actor's history can be walked backwards from its newest record, and proves itself on the way. A *note* is anything
 * else that must be known after a crash (a message under way, work that was settled); it is not part of a history.
 *
 * Two chains protect it: every frame carries the full SHA-256 of the frame before it (nothing can be taken out, put in
 * or changed without breaking all that follows), and every record the link described above (the same for one actor
 * alone, without reading the others). Hashing whole frames instead of records makes the cost of both chains vanish: one
 * SHA-256 for hundreds of records. Each entry has a CRC-32 besides, so that damage hits one actor and not its neighbours.
 *
 * Layout, big-endian:
 *
 *     header   crc u32 · format u8 · flags u8 · frame u48 · commit u48 · entries u32 · body bytes u32 · next actor u48 ·
 *              sha-256 of the previous frame 32 B · epoch u32 · reserved u32                                      (72 B)
 *     entry    crc u32 · length u32 · kind u8 · flags u8 · actor u48                                           (16 B) …
 *     record   … seq u48 · at ms u48 · previous frame u48 · offset in it u32 · link 16 B · life u32 ·
 *              event bytes u32 · event · trailer                                                               (62 B + )
 *     note     … payload
 */
import { hash } from 'node:crypto';
import { getU32, getU48, putU32, putU48 } from './binary.ts';
import { crc32 } from './checksum.ts';

const FRAME_FORMAT = 1;
export const FRAME_HEADER_BYTES = 72;
export const ENTRY_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 62;
/** The length of the link to the previous record: half a SHA-256, as latin-1 characters in memory. */
export const LINK_BYTES = 16;

/** A frame is closed when it has grown beyond this, so that one record can be read without reading megabytes. */
export const FRAME_TARGET_BYTES = 16 << 10;

/** Set on the last frame of a commit: a commit without one is torn. */
const LAST_OF_COMMIT = 1;

export const EntryKind = { Record: 1, Note: 2 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export const NO_HASH = '\0'.repeat(32);
export const NO_LINK = '\0'.repeat(LINK_BYTES);

/** What a frame says of itself. */
export interface FrameHeader {
  readonly frame: number;
  readonly commit: number;
  readonly lastOfCommit: boolean;
  readonly entries: number;
  /** The lowest actor id that was free after this frame. */
  readonly nextActor: number;
  /** SHA-256 of the previous frame, as latin-1 characters. */
  readonly previousHash: string;
  readonly epoch: number;
}

export function writeFrameHeader(bytes: Buffer, length: number, header: FrameHeader): void {
  bytes[4] = FRAME_FORMAT;
  bytes[5] = header.lastOfCommit ? LAST_OF_COMMIT : 0;
  putU48(bytes, 6, header.frame);
  putU48(bytes, 12, header.commit);
  putU32(bytes, 18, header.entries);
  putU32(bytes, 22, length - FRAME_HEADER_BYTES);
  putU48(bytes, 26, header.nextActor);
  bytes.write(header.previousHash, 32, 32, 'latin1');
  putU32(bytes, 64, header.epoch);
  putU32(bytes, 68, 0);
  putU32(bytes, 0, crc32(bytes, 4, FRAME_HEADER_BYTES));
}

/** The header of a stored frame, or why it cannot be read. */
export function readFrameHeader(bytes: Buffer): FrameHeader | { readonly damage: string } {
  if (bytes.length < FRAME_HEADER_BYTES) return { damage: 'the frame is cut off' };
  if (crc32(bytes, 4, FRAME_HEADER_BYTES) !== getU32(bytes, 0))
    return { damage: 'the checksum of the frame is wrong' };
  if (bytes[4] !== FRAME_FORMAT)
    return { damage: `the frame has format ${bytes[4]}, this release knows ${FRAME_FORMAT}` };
  if (getU32(bytes, 22) !== bytes.length - FRAME_HEADER_BYTES)
    return { damage: 'the frame has the wrong length' };
  return {
    frame: getU48(bytes, 6),
    commit: getU48(bytes, 12),
    lastOfCommit: (bytes[5]! & LAST_OF_COMMIT) !== 0,
    entries: getU32(bytes, 18),
    nextActor: getU48(bytes, 26),
    previousHash: bytes.toString('latin1', 32, 64),
    epoch: getU32(bytes, 64),
  };
}

/** A record as it stands in a frame: a view, whose fields are read from the bytes when they are asked for. */
export class StoredRecord {
  readonly bytes: Buffer;
  readonly offset: number;

  /** @param offset of an entry that {@link readEntry} has found to be a sound record */
  constructor(bytes: Buffer, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get kind(): typeof EntryKind.Record {
    return EntryKind.Record;
  }
  get actor(): number {
    return getU48(this.bytes, this.offset + 10);
  }
  get seq(): number {
    return getU48(this.bytes, this.offset + 16);
  }
  get at(): number {
    return getU48(this.bytes, this.offset + 22);
  }
  get previousFrame(): number {
    return getU48(this.bytes, this.offset + 28);
  }
  get previousOffset(): number {
    return getU32(this.bytes, this.offset + 34);
  }
  get link(): string {
    return this.bytes.toString('latin1', this.offset + 38, this.offset + 54);
  }
  get life(): number {
    return getU32(this.bytes, this.offset + 54);
  }

  // Where its event and, behind it, its trailer stand.
  get eventStart(): number {
    return this.offset + RECORD_HEADER_BYTES;
  }
  get eventEnd(): number {
    return this.eventStart + getU32(this.bytes, this.offset + 58);
  }
  get end(): number {
    return this.offset + entryLengthAt(this.bytes, this.offset);
  }
  get trailer(): Buffer | undefined {
    const { eventEnd, end } = this;
    return eventEnd < end ? this.bytes.subarray(eventEnd, end) : undefined;
  }
}

/** A note, as it stands in a frame. */
export interface StoredNote {
  readonly kind: typeof EntryKind.Note;
  readonly actor: number;
  readonly offset: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export type StoredEntry = StoredRecord | StoredNote;

/** Why the entry at an offset cannot be trusted. */
export interface DamagedEntry {
  readonly damage: string;
  readonly offset: number;
  /** What the damaged bytes give as their actor; it may be what is damaged. */
  readonly actor: number | undefined;
}

/** Reads the entry at an offset. Every read verifies its checksum. */
export function readEntry(bytes: Buffer, offset: number): StoredEntry | DamagedEntry {
  const damage = damageAt(bytes, offset);
  if (damage !== undefined) {
    return { damage, offset, actor: offset + 16 <= bytes.length ? getU48(bytes, offset + 10) : undefined };
  }
  if (bytes[offset + 8] === EntryKind.Note) {
    const payload = bytes.subarray(offset + ENTRY_HEADER_BYTES, offset + entryLengthAt(bytes, offset));
    const actor = getU48(bytes, offset + 10);
    return { kind: EntryKind.Note, actor, offset, flags: bytes[offset + 9]!, payload };
  }
  return new StoredRecord(bytes, offset);
}

/** Why the entry at an offset cannot be trusted; undefined when it can. */
function damageAt(bytes: Buffer, offset: number): string | undefined {
  if (offset + ENTRY_HEADER_BYTES > bytes.length) return 'the entry lies outside of its frame';
  const length = getU32(bytes, offset + 4);
  const end = offset + length;
  if (length < ENTRY_HEADER_BYTES || end > bytes.length) return 'the entry has an impossible length';
  if (crc32(bytes, offset + 4, end) !== getU32(bytes, offset)) return 'the checksum of the entry is wrong';
  const kind = bytes[offset + 8];
  if (kind === EntryKind.Note) return undefined;
  if (kind !== EntryKind.Record) return `the entry is of an unknown kind (${kind})`;
  if (length < RECORD_HEADER_BYTES || getU32(bytes, offset + 58) > length - RECORD_HEADER_BYTES) {
    return 'the record is shorter than its event';
  }
  return undefined;
}

/** The length of the entry at an offset; the caller has read it without damage. */
export const entryLengthAt = (bytes: Buffer, offset: number): number => getU32(bytes, offset + 4);

/** Every entry of a frame in order. After a damaged one it goes on where the next one can be found. */
export function* entriesOf(bytes: Buffer): Generator<StoredEntry | DamagedEntry> {
  let offset = FRAME_HEADER_BYTES;
  for (let left = entriesIn(bytes); offset < bytes.length; left--) {
    const entry = readEntry(bytes, offset);
    yield entry;
    offset =
      'damage' in entry ? nextAfterDamage(bytes, offset, left - 1) : offset + entryLengthAt(bytes, offset);
  }
}

/** Whether any entry of a frame is damaged. */
export function hasDamagedEntry(bytes: Buffer): boolean {
  for (const entry of entriesOf(bytes)) if ('damage' in entry) return true;
  return false;
}

/**
 * Where the entry after a damaged one starts. If its length survived, the lengths from there on lead to the end of the
 * frame in as many entries as there must be. Only otherwise a sound one is looked for byte by byte: inside of an event may
 * stand what looks like one.
 */
function nextAfterDamage(bytes: Buffer, offset: number, left: number): number {
  const end = offset + entryLengthAt(bytes, offset);
  if (entriesFrom(bytes, end) === left) return end;
  for (let at = offset + 1; at < bytes.length; at++) if (damageAt(bytes, at) === undefined) return at;
  return bytes.length;
}

/** How many entries there are from an offset on, by their lengths; undefined when those do not fit. */
function entriesFrom(bytes: Buffer, offset: number): number | undefined {
  let count = 0;
  let at = offset;
  for (; at + ENTRY_HEADER_BYTES <= bytes.length; at += entryLengthAt(bytes, at)) {
    if (entryLengthAt(bytes, at) < ENTRY_HEADER_BYTES) return undefined;
    count++;
  }
  return at === bytes.length ? count : undefined;
}

/** How many entries the header of a frame says there are. */
const entriesIn = (bytes: Buffer): number => getU32(bytes, 18);

/** SHA-256 as latin-1 characters: a flat string is smaller than a buffer and compares fast. */
export function hashOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'binary');
}
