/**
 * The ledger: the frames of a store in order, and the commit that is being filled.
 *
 * It owns the numbers (of frames and commits), both hash chains, and the rule that at most one batch is in flight.
 * Everything that changes together is appended between two calls of `seal`; `write` makes it durable in one batch.
 * It does not decide when to seal, nor what an entry means.
 *
 *     append… append… seal ──► write ──► durable: anchor, acknowledge
 *                       append… append…  (the next commit fills meanwhile)
 */
import { randomBytes } from 'node:crypto';
import type { AnchorEntry } from './anchor.ts';
import { asBuffer, putU32, putU48 } from './binary.ts';
import { crc32 } from './checksum.ts';
import { Codec } from './codec.ts';
import { messageOf } from './errors.ts';
import {
  ENTRY_HEADER_BYTES,
  EntryKind,
  FRAME_HEADER_BYTES,
  FRAME_TARGET_BYTES,
  hashOf,
  LINK_BYTES,
  RECORD_HEADER_BYTES,
  writeFrameHeader,
} from './frame.ts';
import { frameKey, LOW_WATER_KEY, NEWS_KEY } from './keys.ts';
import { ENTRY_BYTES, LogSpan } from './log-span.ts';
import { endOfLedger } from './newest-frame.ts';
import type { Head } from './newest-frame.ts';
import { openRow, sealRow } from './row.ts';
import { tryGet } from './store.ts';
import type { Store } from './store.ts';
import {
  assertOwnAnchor,
  createSuperblock,
  readSuperblock,
  soundSuperblock,
  STORE_FORMAT,
  writeSuperblock,
} from './superblock.ts';
import type { Superblock } from './superblock.ts';

/** A frame and, once it is closed, its hash. Shared by every actor whose newest record stands in it. */
export interface FrameRef {
  readonly number: number;
  /** SHA-256 as latin-1 characters; undefined while the frame is being filled. */
  hash: string | undefined;
}

/** Where an actor's history ends. Kept by the actor, advanced by `Ledger.record`. */
export interface Chain {
  /** The number of its newest record; 0 before the first. */
  seq: number;
  frame: FrameRef | undefined;
  offset: number;
}

/** A commit that is complete and waits to be written. */
export interface SealedCommit {
  readonly head: Head;
  readonly frames: readonly ClosedFrame[];
  readonly rows: ReadonlyMap<string, Row>;
  /** The low-water mark, if this commit raises it. */
  readonly lowWater: number | undefined;
}

interface ClosedFrame extends AnchorEntry {
  readonly bytes: Buffer;
}

interface Row {
  readonly key: Uint8Array;
  /** The sealed row, or undefined to delete it. */
  readonly value: Uint8Array | undefined;
  /** Whether the key does not exist before this commit: deleting it again then leaves no trace. */
  readonly fresh: boolean;
}

/** What has happened to a store while no system had it open, in the form in which the next one records it. */
export type News =
  | {
      readonly type: 'heddle.restored';
      /** When, in milliseconds since the epoch. */
      readonly at: number;
      /** When the backup was made. */
      readonly backupAt: number;
      /** Where its history ended then. What the original did afterwards is not in it. */
      readonly commit: number;
      readonly hash: string;
    }
  | {
      readonly type: 'heddle.salvaged';
      readonly at: number;
      /** How many actors were kept, and how many are refused since. */
      readonly kept: number;
      readonly refused: number;
    };

const codec = new Codec();

/** A damaged row, found on a read. */
export class DamagedRow extends Error {
  readonly key: Uint8Array;
  readonly reason: string;
  constructor(key: Uint8Array, reason: string, options?: ErrorOptions) {
    super(`row ${idOf(key).replace(/[^ -~]/g, '.')}: ${reason}`, options);
    this.key = key;
    this.reason = reason;
  }
}

export class Ledger {
  readonly store: Store;
  readonly id: string;
  readonly createdAt: number;

  /** What is durable. */
  head: Head;
  /** The first frame that a recovery must read. */
  lowWater: number;
  /** The lowest actor id that is free. */
  nextActor: number;
  /** Bytes of all frames appended by this process: a clock for how far a checkpoint lies behind. */
  appendedBytes = 0;

  // The commit being filled.
  #commit: number;
  #previousHash: string;
  #bytes: Buffer = Buffer.allocUnsafe(FRAME_TARGET_BYTES * 2);
  #length = FRAME_HEADER_BYTES;
  #frame: FrameRef;
  #closed: ClosedFrame[] = [];
  #rows = new Map<string, Row>();
  #raisedTo: number | undefined;
  #actors: number[] = [];
  #born: (readonly [number, string])[] = [];
  #others: number[] = [];

  #writing: SealedCommit | undefined;
  #spare: Buffer[] = [];
  /** What damage of the log can take. */
  readonly #logSpan: LogSpan;

  private constructor(store: Store, superblock: Superblock, head: Head, nextActor: number, lowWater: number) {
    this.store = store;
    this.#logSpan = new LogSpan(store.logBytes ?? 0);
    this.id = superblock.id;
    this.createdAt = superblock.createdAt;
    this.head = head;
    this.nextActor = nextActor;
    this.lowWater = lowWater;
    this.#commit = head.commit + 1;
    this.#previousHash = head.hash;
    this.#frame = { number: head.frame + 1, hash: undefined };
  }

  /**
   * Opens a store: checks what it is, and finds the end of its ledger. Reads three rows and one frame.
   * @throws StoreLocked, StoreFormat, StoreCorrupt, StoreIo
   */
  static async open(store: Store, now: number): Promise<Ledger> {
    await store.open();
    try {
      const superblock = readSuperblock(store) ?? (await createSuperblock(store, now));
      assertOwnAnchor(store, superblock);
      const { head, nextActor } = await endOfLedger(store);
      return new Ledger(store, superblock, head, nextActor, readLowWater(store));
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /**
   * Makes what is missing or damaged around the ledger, so that a damaged store can be opened and looked at. For copies only: with
   * the anchor its proof is lost.
   * @returns what was made anew, in words
   */
  static async mend(store: Store, now: number): Promise<string[]> {
    const made: string[] = [];
    await store.open();
    try {
      const id = soundSuperblock(store)?.id ?? store.anchor.storeId ?? randomBytes(16).toString('hex');
      if (soundSuperblock(store) === undefined) {
        await writeSuperblock(store, { format: STORE_FORMAT, id, createdAt: now });
        made.push('the superblock was made anew');
      }
      if (store.anchor.storeId !== id) {
        store.anchor.create(id);
        made.push('the anchor is lost: that the end of the history is complete cannot be proven');
      }
      return made;
    } finally {
      await store.close();
    }
  }

  // ---- appending ------------------------------------------------------------------------------------------------

  /** Whether there is anything to commit. */
  get isEmpty(): boolean {
    return this.#actors.length === 0 && this.#closed.length === 0 && this.#rows.size === 0;
  }

  /** The size of the commit being filled. */
  get pendingBytes(): number {
    return this.#closed.length * FRAME_TARGET_BYTES + this.#length;
  }

  /** The number of the commit being filled, and of the frame in it. */
  get commit(): number {
    return this.#commit;
  }
  get frame(): number {
    return this.#frame.number;
  }

  /** Appends the next record of an actor and advances its chain. */
  record(
    actor: number,
    chain: Chain,
    at: number,
    life: number,
    event: Uint8Array,
    trailer: Uint8Array | undefined,
  ): void {
    const eventEnd = RECORD_HEADER_BYTES + event.length;
    const length = trailer === undefined ? eventEnd : eventEnd + trailer.length;
    const offset = this.#room(length);
    const bytes = this.#bytes;
    const previous = chain.frame;
    if (previous !== undefined && previous.hash === undefined && previous.number !== this.#frame.number)
      throw new Error(
        `record ${chain.seq} of actor ${actor} stands in a frame of unknown hash (${previous.number})`,
      );
    putEntryHeader(bytes, offset, length, EntryKind.Record, 0, actor);
    putU48(bytes, offset + 16, chain.seq + 1);
    putU48(bytes, offset + 22, at);
    putU48(bytes, offset + 28, previous === undefined ? 0 : previous.number);
    putU32(bytes, offset + 34, chain.offset);
    putLink(bytes, offset + 38, previous?.hash);
    putU32(bytes, offset + 54, life);
    putU32(bytes, offset + 58, event.length);
    putBytes(bytes, offset + RECORD_HEADER_BYTES, event);
    if (trailer !== undefined) putBytes(bytes, offset + eventEnd, trailer);
    putU32(bytes, offset, crc32(bytes, offset + 4, offset + length));
    chain.seq++;
    chain.frame = this.#frame;
    chain.offset = offset;
    this.#actors.push(actor);
  }

  /** Appends a note about an actor. */
  note(actor: number, flags: number, payload: Uint8Array): void {
    const length = ENTRY_HEADER_BYTES + payload.length;
    const offset = this.#room(length);
    const bytes = this.#bytes;
    putEntryHeader(bytes, offset, length, EntryKind.Note, flags, actor);
    putBytes(bytes, offset + ENTRY_HEADER_BYTES, payload);
    putU32(bytes, offset, crc32(bytes, offset + 4, offset + length));
    this.#actors.push(actor);
  }

  /** Tells the anchor the address of a root actor whose first entry comes next. */
  bear(actor: number, address: string): void {
    this.#startFrameIfFull();
    this.#born.push([actor, address]);
  }

  /**
   * Tells the anchor that a row of this actor is written with this commit, though no entry of it may be: if the commit is lost, it
   * is the actor's loss.
   */
  concern(actor: number): void {
    this.#others.push(actor);
  }

  /** Writes a row with this commit. `fresh`: the key is known not to exist. */
  put(key: Uint8Array, body: Uint8Array, fresh = false): void {
    const id = idOf(key);
    const earlier = this.#rows.get(id);
    this.#rows.set(id, { key, value: sealRow(key, body), fresh: earlier ? earlier.fresh : fresh });
  }

  /** Deletes a row with this commit. A row that was born in it vanishes without a trace. */
  delete(key: Uint8Array): void {
    const id = idOf(key);
    if (this.#rows.get(id)?.fresh) this.#rows.delete(id);
    else this.#rows.set(id, { key, value: undefined, fresh: false });
  }

  /** Where the next `length` bytes go; starts the next frame when this one is full. */
  #room(length: number): number {
    this.#startFrameIfFull();
    const offset = this.#length;
    const end = offset + length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(end * 2);
      larger.set(this.#bytes.subarray(0, offset));
      this.#bytes = larger;
    }
    this.#length = end;
    return offset;
  }

  #startFrameIfFull(): void {
    if (this.#length >= FRAME_TARGET_BYTES) this.#closeFrame(false);
  }

  #closeFrame(lastOfCommit: boolean): void {
    const bytes = this.#bytes.subarray(0, this.#length);
    writeFrameHeader(this.#bytes, this.#length, {
      frame: this.#frame.number,
      commit: this.#commit,
      lastOfCommit,
      entries: this.#actors.length,
      nextActor: this.nextActor,
      previousHash: this.#previousHash,
      epoch: 0,
    });
    this.#previousHash = hashOf(bytes);
    this.#frame.hash = this.#previousHash;
    this.#closed.push({
      frame: this.#frame.number,
      commit: this.#commit,
      hash: this.#previousHash,
      actors: this.#actors,
      born: this.#born,
      ...(this.#others.length > 0 && { others: this.#others }),
      bytes,
    });
    this.appendedBytes += bytes.length;
    this.#frame = { number: this.#frame.number + 1, hash: undefined };
    this.#bytes = this.#spare.pop() ?? Buffer.allocUnsafe(FRAME_TARGET_BYTES * 2);
    this.#length = FRAME_HEADER_BYTES;
    this.#actors = [];
    this.#born = [];
    this.#others = [];
  }

  // ---- committing -----------------------------------------------------------------------------------------------

  /**
   * Closes the last frame of the commit: no entry can be appended until `seal`. Rows still can, and may now hold the
   * hashes of its frames.
   */
  closeFrames(): void {
    this.#closeFrame(true);
  }

  /** Completes the commit being filled and starts the next. The frames must be closed. */
  seal(): SealedCommit {
    const frame = this.#frame.number - 1;
    const sealed: SealedCommit = {
      head: { commit: this.#commit, frame, hash: this.#previousHash },
      frames: this.#closed,
      rows: this.#rows,
      lowWater: this.#raisedTo,
    };
    this.#commit++;
    this.#raisedTo = undefined;
    this.#closed = [];
    this.#rows = new Map();
    return sealed;
  }

  /**
   * Makes a sealed commit durable. A rejection means that it is unknown whether it is: see `fence.ts`.
   * Only one may be in flight, because two may be applied in either order.
   */
  async write(sealed: SealedCommit): Promise<void> {
    if (this.#writing !== undefined)
      throw new Error('two commits in flight: they could be applied in either order');
    this.#writing = sealed;
    const batch = this.store.batch();
    let size = 0;
    for (const { frame, bytes } of sealed.frames) {
      const key = frameKey(frame);
      batch.put(key, bytes);
      size += ENTRY_BYTES + key.length + bytes.length;
    }
    for (const { key, value } of sealed.rows.values()) {
      size += ENTRY_BYTES + key.length + (value?.length ?? 0);
      if (value === undefined) batch.delete(key);
      else batch.put(key, value);
    }
    await batch.write();
    this.#writing = undefined;
    this.head = sealed.head;
    this.store.anchor.note(sealed.frames);
    this.#logSpan.add(sealed.frames[0]!.frame, size);
    if (sealed.lowWater !== undefined)
      this.store.anchor.prune(Math.min(sealed.lowWater, this.#logSpan.firstFrame));
    this.#recycle(sealed);
  }

  #recycle(sealed: SealedCommit): void {
    for (const { bytes } of sealed.frames) {
      const whole = bytes.byteOffset === 0 ? Buffer.from(bytes.buffer) : undefined;
      if (whole?.length === FRAME_TARGET_BYTES * 2 && this.#spare.length < 64) this.#spare.push(whole);
    }
  }

  // ---- reading --------------------------------------------------------------------------------------------------

  /** The body of a row, as the commits so far leave it, durable or not. @throws DamagedRow */
  get(key: Uint8Array): Uint8Array | undefined {
    const id = idOf(key);
    const pending = this.#rows.get(id) ?? this.#writing?.rows.get(id);
    const row = pending === undefined ? this.#stored(key) : pending.value;
    if (row === undefined) return undefined;
    const body = openRow(key, row);
    if (body === undefined) throw new DamagedRow(key, 'its checksum is wrong');
    return body;
  }

  #stored(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.store.get(key);
    } catch (error) {
      throw new DamagedRow(key, messageOf(error), { cause: error });
    }
  }

  /** The bytes of a frame, durable or not; undefined where it is missing. The frame being filled has no header yet. */
  frameBytes(number: number): Buffer | undefined {
    if (number === this.#frame.number) return this.#bytes.subarray(0, this.#length);
    const pending =
      this.#closed.find(({ frame }) => frame === number) ??
      this.#writing?.frames.find(({ frame }) => frame === number);
    if (pending !== undefined) return pending.bytes;
    // A place that cannot be read is as good as missing, and is reported as such.
    const stored = tryGet(this.store, frameKey(number));
    return stored === undefined ? undefined : asBuffer(stored);
  }

  // ---- news -----------------------------------------------------------------------------------------------------

  /** Leaves word for the system that opens the store next. Only before anything is appended. */
  async leave(news: News): Promise<void> {
    const batch = this.store.batch();
    batch.put(NEWS_KEY, sealRow(NEWS_KEY, packNews(news)));
    await batch.write();
  }

  /** What has happened meanwhile, as long as nobody has recorded it. */
  get news(): News | undefined {
    const body = this.get(NEWS_KEY);
    return body && (codec.unpack(body) as News);
  }

  /** Moves the low-water mark: a recovery starts at this frame. Durable with the commit being filled. */
  raiseLowWater(frame: number): void {
    this.lowWater = this.#raisedTo = frame;
    this.put(LOW_WATER_KEY, codec.pack(frame, 'lowWater'));
  }
}

export const packNews = (news: News): Uint8Array => codec.pack(news, 'news');

/** Where a recovery must start reading. */
function readLowWater(store: Store): number {
  const row = tryGet(store, LOW_WATER_KEY);
  const body = row && openRow(LOW_WATER_KEY, row);
  // A damaged mark costs time, not safety: everything is read.
  return body === undefined ? 1 : (codec.unpack(body) as number);
}

const idOf = (key: Uint8Array): string => asBuffer(key).toString('latin1');

function putEntryHeader(
  bytes: Buffer,
  offset: number,
  length: number,
  kind: number,
  flags: number,
  actor: number,
): void {
  putU32(bytes, offset + 4, length);
  bytes[offset + 8] = kind;
  bytes[offset + 9] = flags;
  putU48(bytes, offset + 10, actor);
}

/** Writes the link to a record in an earlier frame; one in the same frame has none (its hash is not known yet). */
function putLink(bytes: Uint8Array, offset: number, link: string | undefined): void {
  if (link === undefined) bytes.fill(0, offset, offset + LINK_BYTES);
  else for (let i = 0; i < LINK_BYTES; i++) bytes[offset + i] = link.charCodeAt(i);
}

/** Copies bytes; below 48 of them a loop beats the call into `set`. */
function putBytes(target: Uint8Array, offset: number, source: Uint8Array): void {
  if (source.length > 48) target.set(source, offset);
  else for (let i = 0; i < source.length; i++) target[offset + i] = source[i]!;
}
