/**
 * The contract of a store: an ordered map of bytes with atomic, synced batches, a lock, and an anchor beside it.
 *
 * A store knows nothing of frames, actors or events. It promises:
 *
 * - `open` fails with `StoreLocked` while anybody else has it open, and never creates what should have been there;
 * - a batch is atomic, and durable when `write` resolves; batches apply in the order of their `write` calls as long as
 *   the caller keeps one in flight;
 * - a rejected `write` means *unknown*: the caller must close, open again and look (`fence.ts` does);
 * - bytes given to a batch are copied before `put` returns, bytes returned by `get` belong to the caller.
 *
 * `store.testsuite.ts` holds every implementation to this.
 */
import type { Anchor } from './anchor.ts';
import type { HeldFiles } from './held-files.ts';
import type { KeyRange } from './keys.ts';

export interface Store {
  /** Where it is, for messages. */
  readonly location: string;
  /** The record of its head outside of itself. Only while open. */
  readonly anchor: Anchor;

  /** Takes the lock and opens. @throws StoreLocked, StoreCorrupt, StoreIo */
  open(): Promise<void>;
  /** Waits for a write in flight, closes and gives up the lock. Idempotent. */
  close(): Promise<void>;

  /**
   * The value under a key. Synchronous: an actor that is asked for its state cannot wait.
   * @throws StoreIo when it cannot be read; others may still be
   */
  get(key: Uint8Array): Uint8Array | undefined;
  /**
   * The entries of a range in key order, in chunks. Sees the state at the call.
   * @throws StoreIo when it comes to a place that cannot be read
   */
  scan(range: KeyRange, options?: ScanOptions): AsyncIterable<readonly Entry[]>;
  /** A new, empty batch. */
  batch(): Batch;

  /**
   * How many bytes of what was written last may stand in a log, which is told again at the next opening, and out of which damage
   * takes whole batches without a word. None: damage shows wherever it is. See `log-span.ts`. Only while open.
   */
  readonly logBytes?: number | undefined;
  /** What can be done with its files; undefined for a store without. Only while open. */
  readonly files?: Files | undefined;
}

/** A store in files can be copied as it stands, and can be made smaller. */
export interface Files {
  /** The files as they are now, between two writes: whatever is written later does not change what is held. */
  hold(): HeldFiles;
  /** Rewrites them without what was overwritten and deleted. Reads and writes go on meanwhile. */
  compact(): Promise<CompactionReport>;
}

/** How many bytes the files of a store took, and take now. */
export interface CompactionReport {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

export interface ScanOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Puts and deletes that become durable together, or not at all. */
export interface Batch {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** Applies all of it atomically; resolves when it is on the disk. */
  write(): Promise<void>;
}

/** The value under a key, or undefined when there is none or it cannot be read. */
export function tryGet(store: Store, key: Uint8Array): Uint8Array | undefined {
  try {
    return store.get(key);
  } catch {
    return undefined;
  }
}
