import { randomInt } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const ACTORS = 1000;
const EVENTS_EACH = 300;

/** What a folder takes on the disk, in bytes of its files. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export const disk: Bench = {
  name: 'disk',
  measure: async (folder) => {
    const store = leveldb(folder);
    const system = await createSystem({ store, actors: { counter } });
    const refs = await Promise.all(Array.from({ length: ACTORS }, (_, i) => system.actor('counter', `${i}`)));
    await Promise.all(
      refs.map(async (ref) => {
        for (let i = 0; i < EVENTS_EACH; i++) await ref.send({ type: 'increment', by: randomInt(2 ** 31) });
      }),
    );
    await system.close();
    // Opening it turns the log into tables, as it would be sooner or later.
    await (await createSystem({ store: leveldb(folder), actors: { counter } })).close();
    return [
      {
        what: 'disk for one small event, with everything around it',
        value: bytesIn(folder) / (ACTORS * EVENTS_EACH),
        unit: 'bytes',
        target: { atMost: 150 },
      },
    ];
  },
};
