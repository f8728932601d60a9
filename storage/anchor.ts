/**
 * The anchor: what a store's head was, kept in a place of its own, outside the store.
 *
 * LevelDB cannot tell a lost tail from a shorter history, and a damaged log opens silently with a hole. The anchor can:
 * after every commit it notes the number and hash of each frame, and whose every entry in it was. So a missing frame is
 * noticed, and it is known whose history it held: those actors are refused, and nobody else is. This is needed above the
 * low-water mark, and below it for what a damaged log can still take; so the anchor stays small.
 *
 * It is written after the commit is durable and not synced itself: it may be behind the store, never ahead of it. An
 * anchor that is ahead of its store is therefore proof of a loss.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { getU32, getU48, putU32, putU48 } from './binary.ts';
import { crc32 } from './checksum.ts';
import { syncFolder } from './sound-files.ts';

/** What the anchor notes of a frame. */
export interface AnchorEntry {
  readonly frame: number;
  readonly commit: number;
  /** SHA-256 of the frame, as 32 latin-1 characters. */
  readonly hash: string;
  /** The actor of each entry in the frame, in order. */
  readonly actors: readonly number[];
  /** The root actors born in it, by address: their names would be lost with the frame. */
  readonly born: readonly (readonly [actor: number, address: string])[];
  /** The actors of which a row was written with it, but perhaps no entry. */
  readonly others?: readonly number[];
}

export interface Anchor {
  /** The id of the store it belongs to, or undefined where there is no anchor yet. */
  readonly storeId: string | undefined;
  /** Every entry that survived, oldest first. */
  entries(): readonly AnchorEntry[];
  /** How many entries may have been lost to damage before the first that survived. */
  readonly lost: number;
  /** Starts an empty anchor for a new store. Synced. */
  create(storeId: string): void;
  /** Notes the frames of a commit that is now durable. Never throws: an anchor that cannot be written falls behind. */
  note(entries: readonly AnchorEntry[]): void;
  /** Forgets frames below this one, when that is worth it; but never the newest. */
  prune(lowFrame: number): void;
  close(): void;
}

// ---- the bytes of an entry: crc u32, length u32, frame u48, commit u48, hash 32, actors, births -------------------
// and, where there are any, the others.

const MAGIC = 'HEDDLE-ANCHOR-1\n';
const HEADER_BYTES = MAGIC.length + 16 + 4;
const ENTRY_HEADER_BYTES = 8 + 12 + 32;
/** One without actors and births. */
const SMALLEST_ENTRY_BYTES = ENTRY_HEADER_BYTES + 2;

function encodeHeader(storeId: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  header.write(storeId, MAGIC.length, 'hex');
  putU32(header, HEADER_BYTES - 4, crc32(header, 0, HEADER_BYTES - 4));
  return header;
}

function storeIdOf(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  if (crc32(bytes, 0, HEADER_BYTES - 4) !== getU32(bytes, HEADER_BYTES - 4)) return undefined;
  return bytes.toString('hex', MAGIC.length, MAGIC.length + 16);
}

let scratch = Buffer.allocUnsafe(16 << 10);

/** The bytes of an entry; valid until the next call. */
function encodeEntry(entry: AnchorEntry): Buffer {
  // A zigzagged difference of two 48-bit numbers takes up to 7 bytes, a length up to 5.
  const { others = [] } = entry;
  const room = ENTRY_HEADER_BYTES + 15 + (entry.actors.length + others.length) * 8 + entry.born.length * 16;
  const text = entry.born.reduce((bytes, [, address]) => bytes + Buffer.byteLength(address), 0);
  if (scratch.length < room + text) scratch = Buffer.allocUnsafe((room + text) * 2);
  const out = scratch;
  putU48(out, 8, entry.frame);
  putU48(out, 14, entry.commit);
  out.write(entry.hash, 20, 32, 'latin1');
  let at = putActors(out, ENTRY_HEADER_BYTES, entry.actors);
  at = putVarint(out, at, entry.born.length);
  for (const [actor, address] of entry.born) {
    at = putVarint(out, at, actor);
    const bytes = Buffer.byteLength(address);
    at = putVarint(out, at, bytes);
    out.write(address, at);
    at += bytes;
  }
  if (others.length > 0) at = putActors(out, at, others);
  putU32(out, 4, at);
  putU32(out, 0, crc32(out, 4, at));
  return out.subarray(0, at);
}

/** Where the entry at an offset ends; undefined where the bytes are damaged or end. */
function endOf(bytes: Buffer, at: number): number | undefined {
  if (at + ENTRY_HEADER_BYTES > bytes.length) return undefined;
  const length = getU32(bytes, at + 4);
  const end = at + length;
  const isWhole = length >= ENTRY_HEADER_BYTES && end <= bytes.length;
  return isWhole && crc32(bytes, at + 4, end) === getU32(bytes, at) ? end : undefined;
}

/** The entry at an offset, and where the next one starts; undefined where the bytes are damaged or end. */
function decodeEntry(bytes: Buffer, at: number): { entry: AnchorEntry; next: number } | undefined {
  const end = endOf(bytes, at);
  if (end === undefined) return undefined;
  const cursor = { at: at + ENTRY_HEADER_BYTES };
  const actors = getActors(bytes, cursor);
  const born: [number, string][] = [];
  for (let left = getVarint(bytes, cursor); left > 0; left--) {
    const actor = getVarint(bytes, cursor);
    const size = getVarint(bytes, cursor);
    born.push([actor, bytes.toString('utf8', cursor.at, cursor.at + size)]);
    cursor.at += size;
  }
  const entry = {
    frame: getU48(bytes, at + 8),
    commit: getU48(bytes, at + 14),
    hash: bytes.toString('latin1', at + 20, at + 52),
    actors,
    born,
    ...(cursor.at < end && { others: getActors(bytes, cursor) }),
  };
  return { entry, next: end };
}

function putActors(bytes: Uint8Array, start: number, actors: readonly number[]): number {
  let at = putVarint(bytes, start, actors.length);
  let previous = 0;
  for (const actor of actors) {
    at = putVarint(bytes, at, zigzag(actor - previous));
    previous = actor;
  }
  return at;
}

function getActors(bytes: Uint8Array, cursor: { at: number }): number[] {
  const actors: number[] = [];
  let previous = 0;
  for (let left = getVarint(bytes, cursor); left > 0; left--) {
    previous += unzigzag(getVarint(bytes, cursor));
    actors.push(previous);
  }
  return actors;
}

// Varints of up to 53 bits; a multiplication instead of a shift, which would cut at 32.
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 127) {
    bytes[at++] = (value % 128) | 128;
    value = Math.floor(value / 128);
  }
  bytes[at++] = value;
  return at;
}

function getVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[cursor.at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);
const unzigzag = (value: number): number => (value % 2 === 1 ? -(value + 1) / 2 : value / 2);

/**
 * Every sound entry, the end of the last, and how many there may have been before the first: damage in between costs only what is
 * damaged.
 */
function decodeAll(bytes: Buffer): { entries: AnchorEntry[]; end: number; damaged: number; lost: number } {
  const entries: AnchorEntry[] = [];
  let lost = 0;
  let end = HEADER_BYTES;
  let damaged = 0;
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const found = decodeEntry(bytes, at);
    if (found === undefined) at++;
    else {
      entries.push(found.entry);
      damaged += at - end;
      if (entries.length === 1) lost = Math.floor(damaged / SMALLEST_ENTRY_BYTES);
      at = end = found.next;
    }
  }
  return { entries, end, damaged, lost };
}

/** What an anchor's file shows to somebody who only looks. */
export function readAnchor(bytes: Buffer): {
  readonly storeId: string | undefined;
  readonly damaged: number;
} {
  const storeId = storeIdOf(bytes);
  if (storeId === undefined) return { storeId, damaged: bytes.length };
  const { damaged } = decodeAll(bytes);
  return { storeId, damaged };
}

// ---- a file beside the store --------------------------------------------------------------------------------------

/** Where the first entry of this frame or a later one stands, or else the last of all; undefined where there is damage. */
function startOf(bytes: Buffer, lowFrame: number): number | undefined {
  let start = HEADER_BYTES;
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const end = endOf(bytes, at);
    if (end === undefined) return undefined;
    start = at;
    if (getU48(bytes, at + 8) >= lowFrame) break;
    at = end;
  }
  return start;
}

/** Pruning rewrites the file, so it waits until there is something to gain: this much, and as much as was kept the last time. */
const PRUNE_FROM_BYTES = 1 << 20;

/** What waits for a full disk to have room again is bounded; beyond this, attribution of damage gets coarser. */
const MAX_BEHIND = 1000;

/** The anchor as a file. */
export class FileAnchor implements Anchor {
  readonly #path: string;
  #fd: number | undefined;
  #storeId: string | undefined;
  /** What the file holds, until more is noted. */
  #entries: readonly AnchorEntry[] | undefined = [];
  #lost = 0;
  #bytes = 0;
  #pruneFrom = PRUNE_FROM_BYTES;
  /** It always survives a pruning: it is the head. */
  #newest: AnchorEntry | undefined;
  /** Entries that could not be written yet (a full disk); tried again with the next one. */
  #behind: Buffer[] = [];

  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    this.#storeId = storeIdOf(bytes);
    if (this.#storeId === undefined) return;
    const { entries, end, lost } = decodeAll(bytes);
    this.#entries = entries;
    this.#lost = lost;
    this.#newest = entries.at(-1);
    this.#bytes = end;
    this.#fd = openSync(path, 'r+');
    // What follows the last good entry was being written when the process died.
    if (end < bytes.length) ftruncateSync(this.#fd, end);
  }

  get storeId(): string | undefined {
    return this.#storeId;
  }

  entries(): readonly AnchorEntry[] {
    return (this.#entries ??= decodeAll(readFileSync(this.#path)).entries);
  }

  get lost(): number {
    return this.#lost;
  }

  create(storeId: string): void {
    this.close();
    this.#replace(encodeHeader(storeId));
    this.#storeId = storeId;
    this.#entries = [];
  }

  note(entries: readonly AnchorEntry[]): void {
    this.#entries = undefined;
    for (const entry of entries) this.#noteOne(entry);
  }

  #noteOne(entry: AnchorEntry): void {
    this.#newest = entry;
    const bytes = encodeEntry(entry);
    try {
      for (let first = this.#behind[0]; first; first = this.#behind[0]) {
        this.#write(first);
        this.#behind.shift();
      }
      this.#write(bytes);
    } catch {
      if (this.#behind.length < MAX_BEHIND) this.#behind.push(Buffer.from(bytes));
    }
  }

  #write(bytes: Buffer): void {
    // At an explicit position: a write that was cut short (a full disk) is overwritten by the next one.
    let done = 0;
    while (done < bytes.length)
      done += writeSync(this.#fd!, bytes, done, bytes.length - done, this.#bytes + done);
    this.#bytes += bytes.length;
  }

  prune(lowFrame: number): void {
    if (this.#bytes < this.#pruneFrom || this.#behind.length > 0) return;
    try {
      const kept = this.#kept(lowFrame);
      this.#entries = undefined;
      this.close();
      this.#replace(Buffer.concat([encodeHeader(this.#storeId!), ...kept]));
      this.#lost = 0;
      this.#pruneFrom = Math.max(PRUNE_FROM_BYTES, this.#bytes * 2);
    } catch {
      // A full disk: the old file is still there and complete. Or the new one is there, and may be gone after a power cut.
      this.#fd ??= openSync(this.#path, 'r+');
    }
  }

  /** The bytes of what is to be kept. As they stand in a row, they need not be taken apart where nothing is damaged. */
  #kept(lowFrame: number): Buffer[] {
    const bytes = readFileSync(this.#path).subarray(0, this.#bytes);
    const start = startOf(bytes, lowFrame);
    if (start !== undefined) return [bytes.subarray(start)];
    return decodeAll(bytes)
      .entries.filter(({ frame }) => frame >= lowFrame || frame === this.#newest?.frame)
      .map((entry) => Buffer.from(encodeEntry(entry)));
  }

  /** Writes a new file and renames it into place, so that a crash leaves either the old or the new one. */
  #replace(bytes: Buffer): void {
    const fresh = `${this.#path}.new`;
    rmSync(fresh, { force: true });
    const fd = openSync(fresh, 'wx');
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
      fsyncSync(fd);
      renameSync(fresh, this.#path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#fd = fd;
    this.#bytes = bytes.length;
    syncFolder(dirname(this.#path));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

// ---- in memory ----------------------------------------------------------------------------------------------------

/** The anchor of a store that lives in memory. */
export class MemoryAnchor implements Anchor {
  readonly lost = 0;
  #storeId: string | undefined;
  #entries: AnchorEntry[] = [];

  get storeId(): string | undefined {
    return this.#storeId;
  }

  entries(): readonly AnchorEntry[] {
    return this.#entries;
  }

  create(storeId: string): void {
    this.#storeId = storeId;
    this.#entries = [];
  }

  note(entries: readonly AnchorEntry[]): void {
    this.#entries.push(...entries);
  }

  prune(lowFrame: number): void {
    const newest = this.#entries.at(-1);
    this.#entries = this.#entries.filter((entry) => entry.frame >= lowFrame || entry === newest);
  }

  /** For tests: a power cut takes what was noted last. */
  forgetNewest(count: number): void {
    this.#entries.length = Math.max(0, this.#entries.length - count);
  }

  close(): void {}
}
