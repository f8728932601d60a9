/**
 * The bakery, after somebody has changed how long its oven stays hot.
 */
import { assign, setup } from 'xstate';
import bakery from './bakery.ts';

const oven = setup({
  types: { context: {} as { loaves: bigint; label: string }, events: {} as { type: 'bake'; loaves: bigint } },
}).createMachine({
  context: { loaves: 0n, label: '' },
  initial: 'cold',
  states: {
    cold: { on: { bake: { target: 'hot', actions: assign({ loaves: ({ event }) => event.loaves }) } } },
    hot: { after: { 60_000: 'cold' } },
  },
});

export const actors = { ...bakery.actors, oven };
