/**
 * Six deliberate bugs. A tester that does not catch them proves nothing.
 *
 * Each stands between the runtime and the disk, so that no line of the product knows of it.
 */
import { Prefix } from '../../storage/keys.ts';
import type { Disk } from '../../storage/faulty.ts';
import type { Batch, Store } from '../../storage/store.ts';
import type { SimulationOptions } from './simulate.ts';

type Write = (batch: Batch) => Promise<void>;

/** The same store with another way to write. */
function writing(store: Store, write: Write): Store {
  return overriding(store, {
    batch: () => {
      const batch = store.batch();
      return {
        put: (key, value) => batch.put(key, value),
        delete: (key) => batch.delete(key),
        write: () => write(batch),
      };
    },
  });
}

function overriding(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown =
        (changes as Record<string | symbol, unknown>)[name] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** Says that a batch is written before it is. */
function acknowledgesEarly(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  return writing(store, async (batch) => {
    last = last.then(() => batch.write()).catch(() => {});
  });
}

/** Writes without syncing. */
function neverSyncs(store: Store, disk: Disk): Store {
  disk.sync = () => {};
  return store;
}

/** Writes the frames in one batch, and everything else in the next. */
function splitsBatches(store: Store): Store {
  return overriding(store, {
    batch: () => {
      const frames = store.batch();
      const rows = store.batch();
      const of = (key: Uint8Array): Batch => (key[0] === Prefix.Frame ? frames : rows);
      return {
        put: (key, value) => of(key).put(key, value),
        delete: (key) => of(key).delete(key),
        write: async () => {
          await rows.write();
          await frames.write();
        },
      };
    },
  });
}

/** Forgets which sends it has applied. */
function neverDedupes(store: Store): Store {
  return overriding(store, {
    batch: () => {
      const batch = store.batch();
      return {
        put: (key, value) => {
          if (key[0] !== Prefix.Idempotency) batch.put(key, value);
        },
        delete: (key) => batch.delete(key),
        write: () => batch.write(),
      };
    },
  });
}

/** Goes on with the same handle after a write has failed. */
function hasNoFence(store: Store): Store {
  return writing(store, (batch) => batch.write().catch(() => {}));
}

export interface PlantedBug {
  readonly name: string;
  readonly options: SimulationOptions;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  { name: 'acknowledge before commit', options: { throughStore: acknowledgesEarly } },
  { name: 'no sync', options: { throughStore: neverSyncs } },
  { name: 'journal and rows in two batches', options: { throughStore: splitsBatches } },
  { name: 'no dedupe', options: { throughStore: neverDedupes } },
  { name: 'no fence', options: { throughStore: hasNoFence, faultRate: 0.03 } },
  { name: 'torn batches', options: { kinds: ['tear'], crashes: 8 } },
];
