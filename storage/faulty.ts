/**
 * A store for tests: LevelDB's promises, and only those, over a disk that can be damaged, filled, and cut off at any
 * moment. It behaves as LevelDB was measured to behave:
 *
 * - a batch is atomic; it survives the death of the process once it was written, and a power cut once it was synced;
 * - a write that fails before anything reached the disk *poisons* the handle: it goes on acknowledging synced batches, and
 *   the next opening drops them;
 * - a write that fails after it reached the disk is there nevertheless.
 *
 * `FaultyLevel` is a complete `abstract-level` database and passes that package's own test suite.
 */
import type { AbstractBatchOperation } from 'abstract-level';
import { MemoryLevel } from 'memory-level';
import { MemoryAnchor } from './anchor.ts';
import type { Anchor, AnchorEntry } from './anchor.ts';
import { StoreIo, StoreLocked } from './errors.ts';
import { LevelStore } from './level.ts';
import type { Database } from './level.ts';
import type { Store } from './store.ts';

/** What a write does instead of succeeding. */
export type WriteFault =
  /** Fails; nothing reached the disk. From now on the handle is poisoned. */
  | 'before'
  /** Fails; everything reached the disk. */
  | 'after';

/** How a machine goes down. */
export type CrashKind =
  /** The process dies. What was written is in the page cache, and survives. */
  | 'process'
  /** The power fails. Any part of what was not synced is lost. */
  | 'power'
  /** The last batch is cut inside: nothing a real store does; kept to prove that the checkers notice. */
  | 'tear';

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };

/** Where a simulation may let time pass, count, or stop the world. */
export type DiskHook = (operation: 'open' | 'write' | 'sync') => Promise<void> | void;

export interface DiskOptions {
  /** A number in [0, n): decides what a crash leaves. */
  readonly pick?: (n: number) => number;
  readonly hook?: DiskHook;
}

/** A disk. It outlives the processes that use it. */
export class Disk {
  /** What is surely there. Keys and values as latin-1 and bytes. */
  readonly #platter = new Map<string, Uint8Array>();
  /** Written, but not synced: oldest first. */
  #pending: Operation[][] = [];
  readonly anchor: DiskAnchor;
  readonly #pick: (n: number) => number;
  hook: DiskHook;

  /** Decides for every write whether it fails. */
  fault: (() => WriteFault | undefined) | undefined;
  /** Whether somebody has it open. */
  taken = false;
  readonly counts = { writes: 0, syncs: 0, failed: 0, poisoned: 0, lostBatches: 0, torn: 0, crashes: 0 };

  constructor({ pick = () => 0, hook = () => {} }: DiskOptions = {}) {
    this.#pick = pick;
    this.hook = hook;
    this.anchor = new DiskAnchor();
  }

  /** Everything a process that opens the disk sees. */
  *entries(): Iterable<readonly [key: string, value: Uint8Array]> {
    this.#settle(this.#pending.length);
    yield* this.#platter;
  }

  append(operations: Operation[]): void {
    this.#pending.push(operations);
  }

  sync(): void {
    this.counts.syncs++;
    this.#settle(this.#pending.length);
    this.anchor.settle();
  }

  /** The machine goes down, whatever it was doing. */
  crash(kind: CrashKind): void {
    this.counts.crashes++;
    this.taken = false;
    if (kind === 'power') {
      const kept = this.#pick(this.#pending.length + 1);
      this.counts.lostBatches += this.#pending.length - kept;
      this.#pending.length = kept;
      this.anchor.lose(this.#pick);
    }
    const last = this.#pending.at(-1);
    if (kind === 'tear' && last !== undefined && last.length > 1) {
      last.length = 1 + this.#pick(last.length - 1);
      this.counts.torn++;
    }
    this.#settle(this.#pending.length);
  }

  /** Flips a bit of a stored value. Returns whether there was one. */
  flip(key: string, bit: number): boolean {
    this.#settle(this.#pending.length);
    const value = this.#platter.get(key);
    if (value === undefined || value.length === 0) return false;
    const copy = Uint8Array.from(value);
    copy[(bit >>> 3) % copy.length]! ^= 1 << (bit & 7);
    this.#platter.set(key, copy);
    return true;
  }

  /** Loses a stored value. */
  remove(key: string): boolean {
    this.#settle(this.#pending.length);
    return this.#platter.delete(key);
  }

  keys(): string[] {
    this.#settle(this.#pending.length);
    return [...this.#platter.keys()].sort();
  }

  #settle(count: number): void {
    for (const operations of this.#pending.splice(0, count)) {
      for (const operation of operations) {
        if (operation.type === 'put') this.#platter.set(operation.key, operation.value);
        else this.#platter.delete(operation.key);
      }
    }
  }
}

/** The anchor on such a disk: not synced by itself, so a power cut may take its newest entries. */
class DiskAnchor extends MemoryAnchor implements Anchor {
  #unsynced = 0;

  override note(entries: readonly AnchorEntry[]): void {
    super.note(entries);
    this.#unsynced += entries.length;
  }

  settle(): void {
    this.#unsynced = 0;
  }

  lose(pick: (n: number) => number): void {
    this.forgetNewest(pick(this.#unsynced + 1));
    this.#unsynced = 0;
  }
}

type Format = Buffer | Uint8Array | string;

/** An `abstract-level` database on a {@link Disk}. */
export class FaultyLevel extends MemoryLevel<Uint8Array, Uint8Array> {
  readonly #disk: Disk;
  #poisoned = false;

  constructor(disk: Disk, options: object = {}) {
    super({ storeEncoding: 'view', keyEncoding: 'view', valueEncoding: 'view', ...options });
    this.#disk = disk;
  }

  // The methods with an underscore are abstract-level's interface for implementations. Its types do not show them.
  async _open(): Promise<void> {
    await this.#disk.hook('open');
    const operations = [...this.#disk.entries()].map(([key, value]) => ({
      type: 'put',
      key: Buffer.from(key, 'latin1'),
      value,
    }));
    await this.#apply(operations as never, {});
    this.#poisoned = false;
  }

  async _put(key: Format, value: Format, options: object): Promise<void> {
    await this._batch([{ type: 'put', key, value }] as never, options);
  }

  async _del(key: Format, options: object): Promise<void> {
    await this._batch([{ type: 'del', key }] as never, options);
  }

  async _batch(
    operations: AbstractBatchOperation<never, Format, Format>[],
    options: { sync?: boolean },
  ): Promise<void> {
    const disk = this.#disk;
    await disk.hook('write');
    disk.counts.writes++;
    const fault = disk.fault?.();
    if (fault === 'before') this.#fail();
    if (this.#poisoned) disk.counts.poisoned++;
    else disk.append(operations.map(toOperation));
    await this.#apply(operations as never, options);
    if (options.sync === true) {
      await disk.hook('sync');
      if (!this.#poisoned) disk.sync();
    }
    if (fault === 'after') this.#fail();
  }

  async _clear(options: object): Promise<void> {
    const operations: object[] = [];
    for await (const key of this.keys(options as never)) operations.push({ type: 'del', key });
    await this._batch(operations as never, {});
  }

  #fail(): never {
    this.#disk.counts.failed++;
    this.#poisoned = true;
    throw Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' });
  }

  /** What the handle shows, which is not what the disk keeps. */
  #apply(operations: never, options: object): Promise<void> {
    const parent = MemoryLevel.prototype as unknown as {
      _batch(operations: never, options: object): Promise<void>;
    };
    return parent._batch.call(this, operations, options);
  }
}

function toOperation(operation: AbstractBatchOperation<never, Format, Format>): Operation {
  const key = bytesOf(operation.key).toString('latin1');
  return operation.type === 'put'
    ? { type: 'put', key, value: Uint8Array.from(bytesOf(operation.value)) }
    : { type: 'del', key };
}

function bytesOf(value: Format): Buffer {
  return typeof value === 'string'
    ? Buffer.from(value)
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** A store on a {@link Disk}. Several may be made for one disk; one at a time can be open. */
export function faulty(disk: Disk): Store {
  return new LevelStore(
    'faulty',
    async () => {
      if (disk.taken) throw new StoreLocked('faulty', undefined);
      disk.taken = true;
      const database: Database = new FaultyLevel(disk);
      try {
        await database.open();
      } catch (error) {
        disk.taken = false;
        throw new StoreIo('faulty', 'opening', error);
      }
      return { database, anchor: disk.anchor, release: () => void (disk.taken = false) };
    },
    false,
  );
}
