import { Level } from 'level';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared, median, withFolder } from './bench.ts';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const SENDS = 4000;

async function medianOf(step: (i: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < SENDS; i++) {
    const startedAt = performance.now();
    await step(i);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

const sends = (): Promise<number> =>
  withFolder(async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const ref = await system.actor('counter', '1');
    return await medianOf(() => ref.send({ type: 'increment', by: 1 }));
  });

/** How long the one row is that such a send writes. */
const bytesOfASend = (): Promise<number> =>
  withFolder(async (folder) => {
    const store = leveldb(folder);
    const system = await createSystem({ store, actors: { counter } });
    const ref = await system.actor('counter', '1');
    await ref.send({ type: 'increment', by: 1 });
    await ref.send({ type: 'increment', by: 1 });
    let bytes = 0;
    // The newest frame: 'F' and its number.
    for await (const chunk of store.scan(
      { gte: Uint8Array.of(70), lt: Uint8Array.of(71) },
      { reverse: true, limit: 1 },
    )) {
      bytes = chunk[0]![1].length;
    }
    await system.close();
    return bytes;
  });

const rawBatches = (bytes: number) => (): Promise<number> =>
  withFolder(async (folder) => {
    const database = new Level<Uint8Array, Uint8Array>(folder, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await database.open();
    const value = Buffer.alloc(bytes, 7);
    const key = Buffer.alloc(9, 70);
    const time = await medianOf((i) => {
      key.writeUInt32BE(i, 5);
      return database.batch().put(key, value).write({ sync: true });
    });
    await database.close();
    return time;
  });

export const single: Bench = {
  name: 'single',
  measure: async () => {
    const bytes = await bytesOfASend();
    const { ratio, subject, reference } = await compared(5, rawBatches(bytes), sends);
    return [
      {
        what: 'one actor, one awaited send at a time: median time, to one raw synced batch of the same bytes',
        value: ratio,
        unit: 'ratio',
        target: { atMost: 1.5 },
        from: { 'send ms': subject, 'raw batch ms': reference, 'bytes of the batch': bytes },
      },
    ];
  },
};
