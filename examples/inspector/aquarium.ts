/**
 * The aquarium: a tank whose fish are its children, and a cat that looks in from time to time. Plain XState.
 */
import { assign, forwardTo, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';

type FishEvent = { readonly type: 'food' } | { readonly type: 'shadow' };

const fish = setup({
  types: { context: {} as { name: string; eaten: number }, events: {} as FishEvent, input: {} as string },
  delays: {
    // Chance that a machine uses is recorded with its event: told again, the same fish sleeps as long.
    aWhile: () => 700 + Math.random() * 1800,
    aMoment: () => 300 + Math.random() * 900,
  },
  actions: { eat: assign({ eaten: ({ context }) => context.eaten + 1 }) },
}).createMachine({
  id: 'fish',
  context: ({ input }) => ({ name: input, eaten: 0 }),
  initial: 'swimming',
  states: {
    swimming: {
      tags: 'awake',
      on: { shadow: 'hiding' },
      after: { aWhile: 'hungry' },
    },
    hungry: {
      tags: 'awake',
      on: { food: { target: 'swimming', actions: 'eat' }, shadow: 'hiding' },
      after: { aWhile: 'dozing' },
    },
    dozing: { on: { food: 'hungry' }, after: { aWhile: 'swimming' } },
    hiding: { after: { aMoment: 'swimming' } },
  },
});

const NAMES = ['ada', 'bubbles', 'carl', 'dot', 'ernie'] as const;

const tank = setup({
  types: { context: {} as { feedings: number; fish: readonly AnyActorRef[] }, events: {} as FishEvent },
  actors: { fish },
  delays: { everySoOften: 1200 },
}).createMachine({
  id: 'tank',
  context: ({ spawn }) => ({
    feedings: 0,
    fish: NAMES.map((name) => spawn('fish', { id: name, input: name })),
  }),
  initial: 'quiet',
  states: {
    quiet: {
      after: {
        everySoOften: {
          target: 'feeding',
          actions: assign({ feedings: ({ context }) => context.feedings + 1 }),
        },
      },
    },
    feeding: {
      // Food sinks to one fish after the other.
      entry: sendTo(({ context }) => context.fish[context.feedings % context.fish.length]!, { type: 'food' }),
      after: { everySoOften: 'quiet' },
    },
  },
  on: { shadow: { actions: NAMES.map((name) => forwardTo(name)) } },
});

const cat = setup({
  types: { context: {} as { disappointments: number } },
  delays: { aNap: () => 3000 + Math.random() * 4000 },
}).createMachine({
  id: 'cat',
  context: { disappointments: 0 },
  initial: 'napping',
  states: {
    napping: { after: { aNap: 'watching' } },
    watching: {
      entry: sendTo(({ system }) => system.get('tank/window') as AnyActorRef, { type: 'shadow' }),
      after: {
        1500: {
          target: 'napping',
          actions: assign({ disappointments: ({ context }) => context.disappointments + 1 }),
        },
      },
    },
  },
});

export const actors = { tank, cat };
