import { setTimeout as sleep } from 'node:timers/promises';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { Bench } from './bench.ts';

const WORKFLOWS = 1000;

const step = setup({ types: { context: {} as { done: number } } }).createMachine({
  id: 'step',
  context: { done: 0 },
  initial: 'working',
  states: { working: { on: { work: { actions: assign({ done: ({ context }) => context.done + 1 }) } } } },
});

const workflow = setup({
  types: { context: {} as { answered: number }, events: {} as { type: 'go' | 'ask' } },
  actors: { step },
}).createMachine({
  id: 'workflow',
  context: { answered: 0 },
  initial: 'idle',
  states: {
    idle: { on: { go: 'halfway' } },
    halfway: { invoke: { src: 'step', id: 'step' }, after: { 3_600_000: 'idle' } },
  },
  on: { ask: { actions: assign({ answered: ({ context }) => context.answered + 1 }) } },
});

export const recovery: Bench = {
  name: 'recovery',
  prepare: async (folder) => {
    const system = await createSystem({ store: leveldb(folder), actors: { workflow } });
    await Promise.all(
      Array.from({ length: WORKFLOWS }, async (_, i) => {
        const ref = await system.actor('workflow', `${i}`);
        await ref.send({ type: 'go' });
      }),
    );
    // Nothing is closed: this is how a crash leaves it.
    process.kill(process.pid, 'SIGKILL');
    await sleep(10_000);
  },
  measure: async (folder) => {
    const startedAt = performance.now();
    await using system = await createSystem({ store: leveldb(folder), actors: { workflow } });
    const openMs = performance.now() - startedAt;
    await Promise.all(
      Array.from({ length: WORKFLOWS }, async (_, i) => {
        const ref = system.get(`workflow/${i}`)!;
        await ref.send({ type: 'ask' });
      }),
    );
    const answeredMs = performance.now() - startedAt;
    return [
      {
        what: '1,000 half-done workflows, each with a timer and a child, after a crash: until all have answered',
        value: answeredMs / 1000,
        unit: 's',
        target: { atMost: 0.5 },
        from: { 'ms until it is open': openMs },
      },
    ];
  },
};
