// The lie: "nearly as XState does". Every event in every state of machines with all that selection looks at, beside XState's own; and no state
// is asked that knows nothing of the event.
import { createMachine, initialTransition, transition } from 'xstate';
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { describe, expect, it, vi } from 'vitest';
import { selected } from './selection.ts';

const leaf = (on: object) => ({ initial: 'a', states: { a: { on }, b: {} } });

const MACHINES: Readonly<Record<string, object>> = {
  'without states': { on: { E: { actions: [] }, 'x.*': {} } },
  'of one state': { initial: 'a', states: { a: { on: { E: 'b', F: 'a' } }, b: { on: { '*': 'a' } } } },
  'whose inner states go first, where they may': {
    initial: 'p',
    on: { E: '.q', F: '.q', G: '.q' },
    states: { p: leaf({ E: 'b', F: { guard: () => false, target: 'b' }, G: { actions: [] } }), q: {} },
  },
  'that forbids what is allowed outside': {
    initial: 'p',
    on: { E: '.q', '*': '.q' },
    states: { p: leaf({ E: undefined, F: {}, 'x.*': undefined }), q: {} },
  },
  'with wildcards of several lengths': {
    initial: 'p',
    on: { '*': '.q' },
    states: { p: leaf({ 'x.*': 'b', 'x.y.*': { guard: () => false }, 'x.y.z': 'b' }), q: {} },
  },
  'with regions, some of which take it': {
    type: 'parallel',
    on: { G: {}, E: {} },
    states: { one: leaf({ E: 'b' }), two: leaf({ E: 'b', F: 'b' }), three: { on: { F: {} }, ...leaf({}) } },
  },
  'with one region, and regions within states': {
    type: 'parallel',
    states: {
      only: {
        initial: 'p',
        states: { p: { type: 'parallel', states: { one: leaf({ E: 'b' }), two: leaf({ '*': 'b' }) } } },
      },
    },
  },
  'that has come to its end': { initial: 'a', on: { E: {} }, states: { a: { type: 'final' } } },
};
const EVENTS: readonly AnyEventObject[] = ['E', 'F', 'G', 'x', 'x.y', 'x.y.z', 'none'].map((type) => ({
  type,
}));

/** All states that a machine comes to. */
function statesOf(machine: AnyStateMachine): AnyMachineSnapshot[] {
  const found = new Map<string, AnyMachineSnapshot>();
  const look = (snapshot: AnyMachineSnapshot): void => {
    const name = JSON.stringify(snapshot.value);
    if (found.has(name)) return;
    found.set(name, snapshot);
    for (const event of EVENTS) look(transition(machine, snapshot, event)[0] as AnyMachineSnapshot);
  };
  look(initialTransition(machine)[0] as AnyMachineSnapshot);
  return [...found.values()];
}

const isSame = (some: readonly object[], others: readonly object[]): boolean =>
  some.length === others.length && some.every((one, index) => one === others[index]);

describe.each(Object.entries(MACHINES))('a machine %s', (_, config) => {
  const machine = createMachine(config as never) as AnyStateMachine;
  const states = statesOf(machine);

  it('takes the transitions that XState would', () => {
    for (const snapshot of states)
      for (const event of EVENTS)
        expect(isSame(selected(snapshot, event), machine.getTransitionData(snapshot, event))).toBe(true);
  });
});

it('asks no state that knows nothing of the event', () => {
  const regions = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`r${i}`, leaf({ [`e${i}`]: 'b' })]),
  );
  const machine = createMachine({ type: 'parallel', states: regions } as never) as AnyStateMachine;
  const asking = vi.spyOn(Object.getPrototypeOf(machine.root) as { next(): unknown }, 'next');
  const [snapshot] = initialTransition(machine);
  expect(selected(snapshot as AnyMachineSnapshot, { type: 'e7' })).toHaveLength(1);
  expect(asking).toHaveBeenCalledTimes(1);
  asking.mockRestore();
});
