/**
 * The machine most promises are tried on: it counts, and ends when it is told to.
 */
import { assign, setup } from 'xstate';

export const counter = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'add'; by: number; note?: unknown } | { type: 'finish' },
    output: {} as number,
  },
}).createMachine({
  id: 'counter',
  context: { count: 0 },
  initial: 'counting',
  states: {
    counting: {
      on: {
        add: { actions: assign({ count: ({ context, event }) => context.count + event.by }) },
        finish: 'finished',
      },
    },
    finished: { type: 'final' },
  },
  output: ({ context }) => context.count,
});
