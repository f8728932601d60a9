/**
 * The machines that are measured.
 */
import { assign, cancel, sendParent, sendTo, setup } from 'xstate';

/** The smallest machine with a state worth keeping. */
export const counter = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'increment'; by: number } },
}).createMachine({
  id: 'counter',
  context: { count: 0 },
  on: { increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) } },
});

/** An audit trail, as a child of the order: hears of every item, and answers every tenth. */
const trail = setup({
  types: { context: {} as { heard: number }, events: {} as { type: 'heard'; item: number } },
}).createMachine({
  id: 'trail',
  context: { heard: 0 },
  on: {
    heard: [
      {
        guard: ({ context }) => context.heard % 10 === 9,
        actions: [
          assign({ heard: ({ context }) => context.heard + 1 }),
          sendParent(({ context }) => ({ type: 'noted', heard: context.heard })),
        ],
      },
      { actions: assign({ heard: ({ context }) => context.heard + 1 }) },
    ],
  },
});

/** What actions have done: the outside world. */
const world = { touched: 0 };

/**
 * An order: nested and parallel, with 1 KB of context, a child, a timer that is set and cancelled by every second event,
 * and an action that goes to the outbox.
 */
export const order = setup({
  types: {
    context: {} as { lines: readonly { sku: string; count: number }[]; items: number; noted: number },
    events: {} as { type: 'add'; item: number } | { type: 'pause' } | { type: 'noted'; heard: number },
  },
  actors: { trail },
  actions: { announce: () => void world.touched++ },
  guards: { isRare: ({ context }) => context.items % 4 === 3 },
}).createMachine({
  id: 'order',
  context: {
    lines: Array.from({ length: 32 }, (_, i) => ({ sku: `sku-${String(i).padStart(12, '0')}`, count: 0 })),
    items: 0,
    noted: 0,
  },
  invoke: { src: 'trail', id: 'trail' },
  type: 'parallel',
  states: {
    basket: {
      initial: 'open',
      states: {
        open: {
          initial: 'filling',
          states: {
            filling: {
              on: {
                add: [
                  { guard: 'isRare', target: 'full', actions: ['announce'] },
                  {
                    actions: sendTo('trail', ({ event }) => ({ type: 'heard', item: event.item })),
                  },
                ],
              },
            },
            full: { on: { add: 'filling' } },
          },
        },
      },
      on: {
        add: {
          actions: assign({
            items: ({ context }) => context.items + 1,
            lines: ({ context, event }) =>
              context.lines.map((line, i) =>
                i === event.item % context.lines.length ? { ...line, count: line.count + 1 } : line,
              ),
          }),
        },
      },
    },
    patience: {
      initial: 'calm',
      states: {
        calm: { on: { add: 'waiting' } },
        waiting: { after: { 3_600_000: 'calm' }, on: { add: 'calm' } },
      },
    },
  },
  on: { noted: { actions: [assign({ noted: ({ event }) => event.heard }), cancel('nothing')] } },
});
