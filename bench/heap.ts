import { createActor } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { Bench } from './bench.ts';
import { heapUsed } from './heap-used.ts';
import { counter } from './machines.ts';

const ACTORS = 20_000;

export const heap: Bench = {
  name: 'heap',
  measure: async (folder) => {
    await using system = await createSystem({
      store: leveldb(folder),
      actors: { counter },
      passivateAfter: Infinity,
    });
    // What the first actor brings with it is not an actor's.
    await (await system.actor('counter', 'first')).send({ type: 'increment', by: 1 });
    const before = await heapUsed();
    for (let born = 0; born < ACTORS; born += 1000) {
      await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => {
          const ref = await system.actor('counter', `${born + i}`);
          await ref.send({ type: 'increment', by: 1 });
        }),
      );
    }
    const durable = ((await heapUsed()) - before) / ACTORS;
    const start = await heapUsed();
    const actors = Array.from({ length: ACTORS }, () => createActor(counter).start());
    for (const actor of actors) actor.send({ type: 'increment', by: 1 });
    const plain = ((await heapUsed()) - start) / actors.length;
    return [
      {
        what: 'heap of one live small actor',
        value: durable,
        unit: 'bytes',
        target: { atMost: 2048 },
        from: { 'bytes of a plain createActor()': plain },
      },
    ];
  },
};
