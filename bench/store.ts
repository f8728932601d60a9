import { Level } from 'level';
import { leveldb } from 'heddle/storage';
import { compared, withFolder } from './bench.ts';
import type { Bench } from './bench.ts';

const COMMITS = 3000;
const ROWS = 8;
const VALUE = Buffer.alloc(1024, 7);

/** The key of a row: what a frame's looks like. */
function keyOf(number: number): Buffer {
  const key = Buffer.alloc(9);
  key[0] = 70;
  key.writeBigUInt64BE(BigInt(number), 1);
  return key;
}

const written = (milliseconds: number): number => (COMMITS / milliseconds) * 1000;

/** Chained batches of the database beneath, with the same bytes. */
const raw = (): Promise<number> =>
  withFolder(async (folder) => {
    const database = new Level<Uint8Array, Uint8Array>(folder, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await database.open();
    const startedAt = performance.now();
    for (let commit = 0; commit < COMMITS; commit++) {
      const batch = database.batch();
      for (let row = 0; row < ROWS; row++) batch.put(keyOf(commit * ROWS + row), VALUE);
      await batch.write({ sync: true });
    }
    const milliseconds = performance.now() - startedAt;
    await database.close();
    return written(milliseconds);
  });

const ours = (): Promise<number> =>
  withFolder(async (folder) => {
    const store = leveldb(folder);
    await store.open();
    const startedAt = performance.now();
    for (let commit = 0; commit < COMMITS; commit++) {
      const batch = store.batch();
      for (let row = 0; row < ROWS; row++) batch.put(keyOf(commit * ROWS + row), VALUE);
      await batch.write();
    }
    const milliseconds = performance.now() - startedAt;
    await store.close();
    return written(milliseconds);
  });

export const store: Bench = {
  name: 'store',
  measure: async () => {
    const { ratio, subject, reference } = await compared(5, raw, ours);
    return [
      {
        what: 'synced commits/s of the store alone (8 KB each), to raw chained batches of the same bytes',
        value: ratio,
        unit: 'ratio',
        target: { atLeast: 0.9 },
        from: { 'our commits/s': subject, 'raw commits/s': reference },
      },
    ];
  },
};
