/**
 * Glass in front of a store: it can be looked at, and not touched. What a system writes while it is looked at (marks, checkpoints,
 * the record that its code is another now) stays in memory, and is gone when it is closed. So a store can be looked at with any
 * code, also with code that is not in use yet.
 *
 * The lock of the store is taken nevertheless: what somebody else writes meanwhile could not be read.
 */
import type { Store } from '../../storage/index.ts';

type Batch = ReturnType<Store['batch']>;
type Anchor = Store['anchor'];
type Range = Parameters<Store['scan']>[0];
type ScanOptions = Parameters<Store['scan']>[1];
type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** What was put, or deleted, in front of the store. */
interface Change {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

const idOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

/** Not `slice`, which gives of a Buffer a view of the same bytes. */
const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

export function behindGlass(store: Store): Store {
  const changes = new Map<string, Change>();
  let anchor: Anchor | undefined;
  return {
    location: store.location,
    get anchor() {
      return (anchor ??= anchorBehindGlass(store.anchor));
    },
    open: () => store.open(),
    close: () => store.close(),
    get: (key) => {
      const change = changes.get(idOf(key));
      return change === undefined ? store.get(key) : change.value && copyOf(change.value);
    },
    scan: (range, options) => scan(store, [...changes.values()], range, options),
    batch: () => batchInto(changes),
  };
}

function batchInto(changes: Map<string, Change>): Batch {
  const batch: Change[] = [];
  return {
    put: (key, value) => void batch.push({ key: copyOf(key), value: copyOf(value) }),
    delete: (key) => void batch.push({ key: copyOf(key), value: undefined }),
    write: async () => {
      for (const change of batch) changes.set(idOf(change.key), change);
    },
  };
}

/** It notes in memory how far it went. */
function anchorBehindGlass(anchor: Anchor): Anchor {
  const { storeId, lost } = anchor;
  const entries = [...anchor.entries()];
  return {
    storeId,
    lost,
    entries: () => entries,
    create: () => {
      throw new TypeError('there is no store behind the glass');
    },
    note: (more) => void entries.push(...more),
    prune: () => {},
    close: () => {},
  };
}

/** What is stored, with what was changed in front of it. */
async function* scan(
  store: Store,
  changes: readonly Change[],
  range: Range,
  { reverse = false, limit = Infinity }: ScanOptions = {},
): AsyncGenerator<readonly Entry[]> {
  const order = reverse ? -1 : 1;
  const fresh = changes
    .filter(({ key }) => Buffer.compare(key, range.gte) >= 0 && Buffer.compare(key, range.lt) < 0)
    .sort((a, b) => order * Buffer.compare(a.key, b.key));
  let left = limit;
  let next = 0;
  /** Those that come before a key, or all that are left. */
  const before = (key: Uint8Array | undefined): Entry[] => {
    const found: Entry[] = [];
    for (; next < fresh.length; next++) {
      const { key: own, value } = fresh[next]!;
      if (key !== undefined && order * Buffer.compare(own, key) > 0) break;
      if (value !== undefined) found.push([own, value]);
    }
    return found;
  };
  const changed = new Set(fresh.map(({ key }) => idOf(key)));
  for await (const stored of store.scan(range, { reverse })) {
    const chunk = stored.flatMap((entry): readonly Entry[] =>
      changed.has(idOf(entry[0])) ? before(entry[0]) : [...before(entry[0]), entry],
    );
    if (chunk.length >= left) return yield chunk.slice(0, left);
    left -= chunk.length;
    if (chunk.length > 0) yield chunk;
  }
  const rest = before(undefined).slice(0, left);
  if (rest.length > 0) yield rest;
}
