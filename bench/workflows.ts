import { assign, fromPromise, setup, toPromise } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { median, withFolder } from './bench.ts';
import type { Bench } from './bench.ts';

const WORKFLOWS = 1000;
const STEPS = 10;
const ROUNDS = 5;

/** Each step is taken by an event from outside, whose receipt is awaited. */
const driven = setup({
  types: { context: {} as { step: number }, events: {} as { type: 'next' } },
}).createMachine({
  id: 'driven',
  context: { step: 0 },
  initial: 'going',
  states: {
    going: {
      on: {
        next: [
          { guard: ({ context }) => context.step === STEPS - 1, target: 'over' },
          { actions: assign({ step: ({ context }) => context.step + 1 }) },
        ],
      },
    },
    over: { type: 'final' },
  },
});

/** Each step is a promise that the machine invokes: a process with a journal of its own. */
const invoking = setup({
  types: { context: {} as { step: number } },
  actors: { step: fromPromise(async ({ input }: { input: number }) => input + 1) },
}).createMachine({
  id: 'invoking',
  context: { step: 0 },
  initial: 'going',
  states: {
    going: {
      invoke: {
        src: 'step',
        id: 'step',
        input: ({ context }) => context.step,
        onDone: [
          { guard: ({ event }) => event.output === STEPS, target: 'over' },
          { target: 'going', reenter: true, actions: assign({ step: ({ event }) => event.output }) },
        ],
      },
    },
    over: { type: 'final' },
  },
});

const actors = { driven, invoking };

/** Steps a second, from the first start to the last end. */
async function stepsPerSecond(
  run: (system: Awaited<ReturnType<typeof createSystem<typeof actors>>>, id: string) => Promise<unknown>,
): Promise<number> {
  const speeds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    await withFolder(async (folder) => {
      await using system = await createSystem({ store: leveldb(folder), actors });
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: WORKFLOWS }, (_, i) => run(system, `${i}`)));
      speeds.push(((WORKFLOWS * STEPS) / (performance.now() - startedAt)) * 1000);
    });
  }
  // The first round only warms up.
  return median(speeds.slice(1));
}

export const workflows: Bench = {
  name: 'workflows',
  measure: async () => [
    {
      what: '1,000 workflows of 10 awaited steps, each step an event from outside',
      value: await stepsPerSecond(async (system, id) => {
        const ref = await system.actor('driven', id);
        for (let step = 0; step < STEPS; step++) await ref.send({ type: 'next' });
      }),
      unit: 'steps/s',
      target: { atLeast: 50_000 },
    },
    {
      what: '1,000 workflows of 10 awaited steps, each step an invoked promise (a process with a journal)',
      value: await stepsPerSecond(async (system, id) => toPromise(await system.actor('invoking', id))),
      unit: 'steps/s',
    },
  ],
};
