import { createActor } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared, inLanes, perSecond, withFolder } from './bench.ts';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const ACTORS = 1000;

/** Counters in memory: XState alone, nobody waits for anything. */
function inMemory(): Promise<number> {
  const actors = Array.from({ length: ACTORS }, () => createActor(counter).start());
  let next = 0;
  return perSecond(1000, () => {
    for (let i = 0; i < ACTORS; i++) actors[next++ % ACTORS]!.send({ type: 'increment', by: 1 });
    return ACTORS;
  });
}

/** The same counters, durable: every send is awaited, one in flight for each. */
const durably = (): Promise<number> =>
  withFolder(async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const refs = await Promise.all(Array.from({ length: ACTORS }, (_, i) => system.actor('counter', `${i}`)));
    return await inLanes(2000, ACTORS, (lane) => refs[lane]!.send({ type: 'increment', by: 1 }));
  });

export const counters: Bench = {
  name: 'counter',
  measure: async () => {
    const { ratio, subject, reference } = await compared(5, inMemory, durably);
    return [
      {
        what: 'durable events/s of 1,000 counters, to createActor().send in memory',
        value: ratio,
        unit: 'ratio',
        target: { atLeast: 0.35 },
        from: { 'durable events/s': subject, 'in-memory events/s': reference },
      },
    ];
  },
};
