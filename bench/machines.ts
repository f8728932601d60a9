/**
 * The machines that are measured.
 */
import { assign, sendParent, sendTo, setup } from 'xstate';

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
 * An order: 22 states, nested and in four regions, with 1 KB of context of which every item changes a part; a child that
 * hears of most items, a timer that is set and cancelled by every second one, and an action that goes to the outbox with
 * every fourth.
 */
export const order = setup({
  types: {
    context: {} as { lines: readonly { sku: string; count: number }[]; items: number; noted: number },
    events: {} as { type: 'add'; item: number } | { type: 'noted'; heard: number } | { type: 'close' },
  },
  actors: { trail },
  actions: {
    announce: () => void world.touched++,
    take: assign(({ context, event }) => {
      if (event.type !== 'add') return {};
      const at = event.item % context.lines.length;
      const { sku, count } = context.lines[at]!;
      return { items: context.items + 1, lines: context.lines.with(at, { sku, count: count + 1 }) };
    }),
    tell: sendTo('trail', ({ context }) => ({ type: 'heard', item: context.items })),
  },
  guards: {
    isFourth: ({ context }) => context.items % 4 === 3,
    isLarge: ({ context }) => context.items % 16 > 8,
  },
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
          on: { close: 'closed' },
          states: {
            filling: {
              on: {
                add: [
                  { guard: 'isFourth', target: 'full', actions: ['take', 'announce'] },
                  { actions: ['take', 'tell'] },
                ],
              },
            },
            full: { on: { add: { target: 'filling', actions: 'take' } } },
          },
        },
        closed: { initial: 'locked', states: { locked: {}, archived: {} } },
      },
    },
    patience: {
      initial: 'calm',
      states: {
        calm: { on: { add: 'waiting' } },
        waiting: { after: { 3_600_000: 'calm' }, on: { add: 'calm' } },
      },
    },
    quote: {
      initial: 'none',
      states: {
        none: { on: { add: 'given' } },
        given: {
          initial: 'fresh',
          states: {
            fresh: { on: { add: { guard: 'isFourth', target: 'stale' } } },
            stale: { on: { add: 'fresh' } },
          },
        },
      },
    },
    delivery: {
      initial: 'unplanned',
      states: {
        unplanned: { on: { add: { guard: 'isLarge', target: 'last' } } },
        planned: {
          initial: 'morning',
          on: { add: { guard: 'isFourth', target: 'unplanned' } },
          states: { morning: { on: { close: 'evening' } }, evening: {} },
        },
        last: { type: 'history', target: 'planned' },
      },
    },
  },
  on: { noted: { actions: assign({ noted: ({ event }) => event.heard }) } },
});

/** Counts, and fails when it is told to. */
export const fragile = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'increment'; by: number } | { type: 'crash' },
  },
}).createMachine({
  id: 'fragile',
  context: { count: 0 },
  on: {
    increment: { actions: assign({ count: ({ context, event }) => context.count + event.by }) },
    crash: {
      actions: assign(() => {
        throw new Error('crashed');
      }),
    },
  },
});
