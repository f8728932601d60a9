/**
 * A bakery, for the tests of the command line: an oven that can fail and has something in it that no terminal should see, bread
 * that nothing will ever move again, and a supervisor.
 */
import { assign, setup } from 'xstate';
import { supervisor } from 'heddle';
import { defineConfig } from 'heddle/console';

/** Turns red, writes backwards, clears the screen, sets the title. */
export const NASTY = 'rye \u001b[31m\u001b[2J\u001b]0;owned\u0007 \u202egnp.exe\u009b5m';

const oven = setup({
  types: {
    context: {} as { loaves: bigint; label: string },
    events: {} as
      | { type: 'bake'; loaves: bigint }
      | { type: 'label'; text: string }
      | { type: 'burn' }
      | { type: 'sweep' },
  },
}).createMachine({
  context: { loaves: 0n, label: '' },
  initial: 'cold',
  states: {
    cold: {
      on: {
        bake: {
          target: 'hot',
          actions: assign({ loaves: ({ context, event }) => context.loaves + event.loaves }),
        },
      },
    },
    hot: {
      after: { 3_600_000: 'cold' },
      on: {
        label: { actions: assign({ label: ({ event }) => event.text }) },
        burn: {
          actions: assign(() => {
            throw new Error(`it burns: ${NASTY}`);
          }),
        },
        sweep: 'swept',
      },
    },
    swept: { type: 'final' },
  },
});

const bread = setup({}).createMachine({
  initial: 'dough',
  states: { dough: { on: { bake: 'stale' } }, stale: {} },
});

export default defineConfig({
  actors: { oven, bread },
  supervise: supervisor({ id: 'bakery', children: [{ id: 'big', start: 'oven' }] }),
});
