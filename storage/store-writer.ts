/**
 * Fills a new store with rows, as many to a batch as are quick to write. The store is open, and nobody else uses it.
 */
import type { Batch, Store } from './store.ts';

const BATCH_BYTES = 1 << 20;

export class StoreWriter {
  readonly #store: Store;
  #batch: Batch | undefined;
  #bytes = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    this.#batch ??= this.#store.batch();
    this.#batch.put(key, value);
    this.#bytes += key.length + value.length;
    if (this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** Makes everything durable that was put. */
  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    this.#bytes = 0;
    await batch?.write();
  }
}
