/**
 * An order whose history is exported: it adds up, calls, has a child; and can be made to fail.
 */
import { assign, fromPromise, sendParent, setup } from 'xstate';
import { durable } from 'heddle';

const double = fromPromise<number, { n: number }>(async ({ input }) => input.n * 2);

const kid = (fails: boolean) =>
  setup({ types: { context: {} as { n: number }, input: {} as { n: number } } }).createMachine({
    context: ({ input }) => ({ n: input.n }),
    on: {
      ask: {
        actions: sendParent(({ context }) => {
          if (fails && context.n === 3) throw new Error('not three');
          return { type: 'told', n: context.n };
        }),
      },
    },
  });

/** @param add how it adds up; `fails`: whether it cannot take a seven; `kidFails`: whether its child cannot answer; `extra`: what it adds when it calls */
export const order = ({
  add = (a: number, b: number) => a + b,
  fails = false,
  kidFails = false,
  extra = 0,
} = {}) =>
  setup({
    types: {
      context: {} as { total: number; told: number[]; at: number; chance: number },
      events: {} as
        { type: 'add'; n: number } | { type: 'told'; n: number } | { type: 'double' } | { type: 'ask' },
    },
    actors: { double, kid: durable(kid(kidFails), { poison: 'fail', restart: 'transient' }) },
  }).createMachine({
    context: { total: 0, told: [], at: 0, chance: 0 },
    invoke: { src: 'kid', id: 'kid', input: { n: 3 } },
    initial: 'open',
    on: {
      add: {
        actions: assign(({ context, event }) => {
          if (fails && event.n === 7) throw new TypeError('cannot take a seven');
          return { total: add(context.total, event.n), at: Date.now(), chance: Math.random() };
        }),
      },
      told: { actions: assign({ told: ({ context, event }) => [...context.told, event.n] }) },
      ask: {
        actions: ({ self }) =>
          (self.getSnapshot().children['kid'] as { send(e: object): void }).send({ type: 'ask' }),
      },
    },
    states: {
      open: { on: { double: 'doubling' } },
      doubling: {
        invoke: {
          src: 'double',
          input: ({ context }) => ({ n: context.total + extra }),
          onDone: { target: 'open', actions: assign({ total: ({ event }) => event.output }) },
        },
      },
    },
  });
