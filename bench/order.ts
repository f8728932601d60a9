import { createActor } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared, inLanes, perSecond, withFolder } from './bench.ts';
import type { Bench } from './bench.ts';
import { order } from './machines.ts';

const ACTORS = 500;

async function inMemory(): Promise<number> {
  const actors = Array.from({ length: ACTORS }, () => createActor(order).start());
  let next = 0;
  const speed = await perSecond(1000, () => {
    for (let i = 0; i < ACTORS; i++, next++) actors[next % ACTORS]!.send({ type: 'add', item: next });
    return ACTORS;
  });
  for (const actor of actors) actor.stop();
  return speed;
}

const durably = (): Promise<number> =>
  withFolder(async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { order } });
    const refs = await Promise.all(Array.from({ length: ACTORS }, (_, i) => system.actor('order', `${i}`)));
    let next = 0;
    return await inLanes(2000, ACTORS, (lane) => refs[lane]!.send({ type: 'add', item: next++ }));
  });

export const orders: Bench = {
  name: 'order',
  measure: async () => {
    const { ratio, subject, reference } = await compared(5, inMemory, durably);
    return [
      {
        what: 'durable events/s of a medium machine (22 states, 1 KB of context, child, timers, outbox), to createActor().send in memory',
        value: ratio,
        unit: 'ratio',
        target: { atLeast: 0.6 },
        from: { 'durable events/s': subject, 'in-memory events/s': reference },
      },
    ];
  },
};
