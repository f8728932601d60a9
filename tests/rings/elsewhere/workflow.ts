/**
 * Workflows by seed: machines with chance, clocks, ids, timers, children, calls, parallel regions and remembered states, made the
 * same wherever they are made.
 */
import { assign, emit, fromPromise, fromTransition, sendParent, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { Prng } from '../../../runtime/testing/prng.ts';

const call = fromPromise<string, { no: number }>(async ({ input }) => `answer ${input.no}`);
const tally = fromTransition(
  (state: { sum: number }, event: { type: 'add'; n: number }) => ({
    sum: state.sum + event.n * Math.random(),
  }),
  { sum: 0 },
);
const kid = setup({ types: { context: {} as { born: number; id: string } } }).createMachine({
  context: () => ({ born: Date.now(), id: crypto.randomUUID() }),
  initial: 'young',
  states: {
    young: {
      after: {
        30: { target: 'old', actions: sendParent(({ context }) => ({ type: 'grown', id: context.id })) },
      },
    },
    old: { type: 'final' },
  },
});

export const EVENTS = ['go', 'back', 'mark', 'call', 'grown'] as const;

interface Context {
  readonly marks: readonly unknown[];
  readonly calls: number;
}

export function workflow(seed: number): AnyStateMachine {
  const random = new Prng(seed);
  const names = Array.from({ length: 2 + random.below(3) }, (_, i) => `s${i}`);
  const mark = assign({
    marks: ({ context, event }: { context: Context; event: { type: string } }) => [
      ...context.marks.slice(-5),
      [event.type, Math.random(), new Date().toISOString(), crypto.randomUUID()],
    ],
  });
  const region = (depth: number): object => {
    const states = names.map((name) => [
      name,
      {
        on: {
          ...Object.fromEntries(
            EVENTS.filter(() => random.chance(0.5)).map((event) => [
              event,
              { target: random.pick(names), actions: 'mark' },
            ]),
          ),
        },
        ...(random.chance(0.3) && {
          after: { [10 + random.below(80)]: { target: random.pick(names), actions: 'mark' } },
        }),
        ...(random.chance(0.3) && { invoke: { src: 'kid' } }),
        ...(random.chance(0.3) && { entry: emit({ type: 'entered' }) }),
        ...(depth > 0 && random.chance(0.3) && region(depth - 1)),
      },
    ]);
    return { initial: names[0], states: Object.fromEntries(states) as object };
  };
  const machine = setup({
    types: { context: {} as Context, events: {} as { type: (typeof EVENTS)[number] } },
    actors: { call, kid, tally },
    actions: { mark: mark as never },
  });
  return machine.createMachine({
    context: { marks: [], calls: 0 },
    type: 'parallel',
    states: {
      left: region(1),
      right: {
        initial: 'still',
        states: {
          still: { on: { call: 'calling' } },
          calling: {
            id: 'call',
            invoke: {
              src: 'call',
              input: ({ context }: { context: Context }) => ({ no: context.calls }),
              onDone: {
                target: 'still',
                actions: assign({ calls: ({ context }: { context: Context }) => context.calls + 1 }),
              },
            },
          },
        },
      },
    },
  } as never) as unknown as AnyStateMachine;
}
