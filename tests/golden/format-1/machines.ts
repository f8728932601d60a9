/**
 * The machines with which the golden store of format 1 was written. They belong to it: today's code must go on telling the story
 * that it holds, so they are never changed.
 */
import { createStoreLogic } from '@xstate/store';
import { assign, fromPromise, fromTransition, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import * as Schedule from 'effect/Schedule';
import { durable, supervisor } from 'heddle';
import type { SystemOptions } from 'heddle';

/** Counts, draws chance and time, and keeps values of every kind that can be stored. */
const counter = setup({
  types: {
    context: {} as { n: number; drawn: number[]; kept: Map<string, unknown> },
    events: {} as { type: 'add'; by: number } | { type: 'draw' } | { type: 'break' } | { type: 'end' },
  },
}).createMachine({
  id: 'counter',
  context: () => ({ n: 0, drawn: [Math.random()], kept: new Map() }),
  initial: 'open',
  states: {
    open: {
      on: {
        add: {
          actions: assign({
            n: ({ context, event }) => context.n + event.by,
            kept: ({ context, event }) =>
              new Map([
                ...context.kept,
                [
                  `add ${event.by}`,
                  { at: new Date(), big: 2n ** 70n, none: undefined, set: new Set([event.by]) },
                ],
              ]),
          }),
        },
        draw: {
          actions: assign({ drawn: ({ context }) => [...context.drawn, Math.random(), Date.now()] }),
        },
        break: {
          actions: assign(() => {
            throw new Error('it cannot take this');
          }),
        },
        end: 'over',
      },
    },
    over: { type: 'final' },
  },
});

/** Waits an hour, and tells somebody. */
const waiter = setup({
  types: {
    context: {} as { to: string; rounds: number },
    input: {} as { to: string },
    events: {} as { type: 'tell'; by: number },
  },
}).createMachine({
  id: 'waiter',
  context: ({ input }) => ({ to: input.to, rounds: 0 }),
  initial: 'waiting',
  states: {
    waiting: {
      after: {
        3_600_000: {
          target: 'waiting',
          reenter: true,
          actions: assign({ rounds: ({ context }) => context.rounds + 1 }),
        },
      },
      on: {
        tell: {
          actions: sendTo(
            ({ context, system }) => system.get(context.to) as AnyActorRef,
            ({ event }) => ({ type: 'add', by: event.by }),
          ),
        },
      },
    },
  },
});

/** What the actions of `mailer` do: the test decides. Until then they are never done. */
export const world: { deliver: (letter: string) => unknown } = {
  deliver: () => new Promise(() => {}),
};

/** Owes an action that is not done before the end. */
const mailer = setup({
  types: { context: {} as { sent: number }, events: {} as { type: 'send'; letter: string } },
  actions: { deliver: (_, { letter }: { letter: string }) => world.deliver(letter) },
}).createMachine({
  id: 'mailer',
  context: { sent: 0 },
  on: {
    send: {
      actions: [
        assign({ sent: ({ context }) => context.sent + 1 }),
        { type: 'deliver', params: ({ event }) => ({ letter: event.letter }) },
      ],
    },
  },
});

/** What the work of `order` gives: the test decides. */
export const shop: { pay: (input: { cents: number }) => Promise<string> } = {
  pay: () => new Promise(() => {}),
};

const tally = fromTransition((sum: number, event: { type: 'add'; by: number }) => sum + event.by, 0);

/** Has a process that runs, and a child machine with a name of its own. */
const order = setup({
  types: { context: {} as { ref: string }, events: {} as { type: 'confirm' } | { type: 'add'; by: number } },
  actors: {
    pay: fromPromise(({ input }: { input: { cents: number } }) => shop.pay(input)),
    basket: counter,
  },
}).createMachine({
  id: 'order',
  context: { ref: '' },
  initial: 'filling',
  invoke: { src: 'basket', id: 'basket', systemId: 'the-basket' },
  states: {
    filling: { on: { confirm: 'paying', add: { actions: sendTo('basket', ({ event }) => event) } } },
    paying: {
      invoke: {
        src: 'pay',
        id: 'pay',
        input: { cents: 1250 },
        onDone: { target: 'paid', actions: assign({ ref: ({ event }) => event.output }) },
      },
    },
    paid: {},
  },
});

const shelf = createStoreLogic({
  context: { items: [] as string[] },
  on: { put: (context, event: { item: string }) => ({ items: [...context.items, event.item] }) },
});

/** Fails when it is told to, and is restarted by its supervisor an hour later. */
const worker = durable(
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'inc' } | { type: 'crash' } },
  }).createMachine({
    id: 'worker',
    context: { n: 0 },
    on: {
      inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      crash: {
        actions: assign(() => {
          throw new Error('it crashed');
        }),
      },
    },
  }),
  { poison: 'fail' },
);

/** Started by a schedule. */
const report = setup({
  types: { input: {} as { kind: string }, context: {} as { kind: string } },
}).createMachine({
  id: 'report',
  context: ({ input }) => ({ kind: input.kind }),
  initial: 'done',
  states: { done: { type: 'final' } },
});

export const actors = { counter, waiter, mailer, order, shelf, tally, worker, report };

export const tree = supervisor({
  id: 'shop',
  strategy: 'one-for-one',
  intensity: 5,
  children: [
    { id: 'steady', start: 'worker' },
    supervisor({
      id: 'slow',
      backoff: Schedule.spaced('1 hour'),
      children: [
        { id: 'crashed', start: 'worker' },
        { id: 'halted', start: 'worker' },
      ],
    }),
  ],
}) satisfies SystemOptions<typeof actors>['supervise'];

export const SCHEDULE = {
  id: 'nightly',
  start: 'report',
  input: { kind: 'daily' },
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
} as const;

/** When the writing began. */
export const BEGUN_AT = Date.UTC(2030, 0, 1);
