/**
 * A store that is watched: it counts what is read, and can hold writes back or fail them. Everything else is done by the
 * store beneath.
 */
import type { Batch, Entry, ScanOptions, Store } from '../../storage/store.ts';
import type { KeyRange } from '../../storage/keys.ts';
import { memory } from 'heddle/storage';
import { afterwards } from './systems.ts';

export class WatchedStore implements Store {
  readonly #beneath: Store;
  /** Rows that were asked for by their key. */
  gets = 0;
  /** Rows that scans have given. */
  scanned = 0;
  /** Batches that are on the disk. */
  written = 0;
  /** Whether writes reach the disk without anybody being told. */
  isMute = false;
  /** How long each write takes at least, in real time. */
  writeMs = 0;
  /** What the next write fails with. */
  failure: Error | undefined;
  /** Whether a write that fails has reached the disk nevertheless. */
  appliesFailures = false;
  #held: (() => void)[] | undefined;

  constructor(beneath: Store = memory()) {
    this.#beneath = beneath;
  }

  get location(): string {
    return this.#beneath.location;
  }

  get anchor(): Store['anchor'] {
    return this.#beneath.anchor;
  }

  open(): Promise<void> {
    return this.#beneath.open();
  }

  close(): Promise<void> {
    return this.#beneath.close();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.gets++;
    return this.#beneath.get(key);
  }

  async *scan(range: KeyRange, options?: ScanOptions): AsyncIterable<readonly Entry[]> {
    for await (const chunk of this.#beneath.scan(range, options)) {
      this.scanned += chunk.length;
      yield chunk;
    }
  }

  batch(): Batch {
    const batch = this.#beneath.batch();
    return {
      put: (key, value) => batch.put(key, value),
      delete: (key) => batch.delete(key),
      write: async () => {
        if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held!.push(resolve));
        const { failure } = this;
        this.failure = undefined;
        if (failure !== undefined) {
          if (this.appliesFailures) await batch.write();
          throw failure;
        }
        if (this.writeMs > 0) await new Promise((resolve) => setTimeout(resolve, this.writeMs));
        await batch.write();
        this.written++;
        if (this.isMute) await new Promise(() => {});
      },
    };
  }

  /** From now on writes wait; at the longest until the test is over. */
  hold(): void {
    this.#held ??= [];
    afterwards(() => this.release());
  }

  /** How many writes wait. */
  get waiting(): number {
    return this.#held?.length ?? 0;
  }

  /** Lets the writes that wait go on, and all that follow. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** Lets the writes that wait go on, and holds back those that follow. */
  releaseOne(): void {
    const held = this.#held ?? [];
    this.#held = [];
    for (const go of held) go();
  }
}
