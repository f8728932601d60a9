import { createActor } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared } from './bench.ts';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const EVENTS = 100_000;

export const replay: Bench = {
  name: 'replay',
  prepare: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const ref = await system.actor('counter', '1');
    for (let sent = 0; sent < EVENTS; sent += 1000) {
      await Promise.all(Array.from({ length: 1000 }, () => ref.send({ type: 'increment', by: 1 })));
    }
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const perSecond = (startedAt: number): number => (EVENTS / (performance.now() - startedAt)) * 1000;
    const bare = async (): Promise<number> => {
      const actor = createActor(counter).start();
      const startedAt = performance.now();
      for (let i = 0; i < EVENTS; i++) actor.send({ type: 'increment', by: 1 });
      return perSecond(startedAt);
    };
    const replayed = async (): Promise<number> => {
      const startedAt = performance.now();
      const { same, records } = await system.replay('counter/1');
      if (!same || records !== EVENTS + 1) throw new Error(`replayed ${records} records, same: ${same}`);
      return perSecond(startedAt);
    };
    const { ratio, subject, reference } = await compared(5, bare, replayed);
    return [
      {
        what: 'events/s replayed from a journal of 100,000 records, to bare createActor().send',
        value: ratio,
        unit: 'ratio',
        target: { atLeast: 0.5 },
        from: { 'replayed events/s': subject, 'bare events/s': reference },
      },
    ];
  },
};
