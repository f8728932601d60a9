import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const ACTORS = 100_000;

export const reopen: Bench = {
  name: 'reopen',
  prepare: async (folder) => {
    await using system = await createSystem({
      store: leveldb(folder),
      actors: { counter },
      passivateAfter: 100,
    });
    for (let born = 0; born < ACTORS; born += 1000) {
      await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => {
          const ref = await system.actor('counter', `${born + i}`);
          await ref.send({ type: 'increment', by: 1 });
        }),
      );
    }
  },
  measure: async (folder) => {
    const startedAt = performance.now();
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const openMs = performance.now() - startedAt;
    const ref = await system.actor('counter', `${ACTORS >> 1}`);
    await ref.send({ type: 'increment', by: 1 });
    const answeredMs = performance.now() - startedAt;
    if (ref.getSnapshot().context.count !== 2) throw new Error('it has forgotten');
    return [
      {
        what: 'opening a store with 100,000 idle actors, until one of them has answered',
        value: answeredMs / 1000,
        unit: 's',
        target: { atMost: 1 },
        from: { 'ms until it is open': openMs },
      },
    ];
  },
};
