/**
 * The bakery, after somebody has changed what its oven does with what it was told.
 */
import { assign, setup } from 'xstate';
import bakery from './bakery.ts';

const oven = setup({
  types: { context: {} as { loaves: bigint; label: string }, events: {} as { type: 'bake'; loaves: bigint } },
}).createMachine({
  context: { loaves: 0n, label: '' },
  initial: 'cold',
  states: {
    cold: { on: { bake: { target: 'hot', actions: assign({ loaves: () => 1n }) } } },
    hot: { after: { 3_600_000: 'cold' } },
  },
});

export const actors = { ...bakery.actors, oven };
