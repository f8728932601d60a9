// The lie: "every kind of logic is told from the others". One of each, as XState and the store make them, look-alikes
// that users write, and things that are no logic at all.
import { createStore, createStoreLogic, fromStore } from '@xstate/store';
import { undoRedo } from '@xstate/store/undo';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';
import {
  createMachine,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  setup,
} from 'xstate';
import { durable } from '../definition.ts';
import { fromEffect } from '../effect.ts';
import { isProcess, kindOf } from './logic.ts';
import type { LogicKind } from './logic.ts';

const config = {
  context: { n: 0 },
  on: { inc: ({ n }: { n: number }) => ({ n: n + 1 }) },
};
const observable = { subscribe: () => ({ unsubscribe: () => {} }) };
const byHand = {
  transition: (snapshot: object) => snapshot,
  getInitialSnapshot: () => ({ status: 'active' }),
  getPersistedSnapshot: (snapshot: object) => snapshot,
};

const ONE_OF_EACH: readonly (readonly [name: string, logic: object, LogicKind])[] = [
  ['createMachine', createMachine({}), 'machine'],
  ['setup().createMachine', setup({}).createMachine({}), 'machine'],
  ['a machine that was provided with something', createMachine({}).provide({ actions: {} }), 'machine'],
  ['fromTransition', fromTransition((n: number) => n, 0), 'transition'],
  ['fromPromise', fromPromise(async () => 1), 'promise'],
  ['fromEffect', fromEffect(() => Effect.succeed(1)), 'promise'],
  ['fromCallback', fromCallback(() => {}), 'callback'],
  ['fromObservable', fromObservable(() => observable), 'observable'],
  ['fromEventObservable', fromEventObservable(() => observable), 'observable'],
  ['createStore', createStore(config), 'store'],
  ['createStore with undo', createStore(config).with(undoRedo()), 'store'],
  ['createStoreLogic', createStoreLogic(config), 'store'],
  ['fromStore', fromStore(config), 'store'],
  ['logic by hand that starts something', { ...byHand, start: () => {} }, 'custom'],
  ['logic by hand that is pure', byHand, 'transition'],
];

describe('the kind of', () => {
  it.each(ONE_OF_EACH)('%s', (_, logic, kind) => {
    expect(kindOf(logic)).toBe(kind);
  });

  it.each(ONE_OF_EACH.filter(([name]) => !name.includes('undo')))(
    '%s with a child spec',
    (_, logic, kind) => {
      expect(kindOf(durable(logic, { poison: 'fail' }))).toBe(kind);
    },
  );

  it.each([
    [undefined],
    [null],
    ['logic'],
    [42],
    [() => {}],
    [{}],
    [[]],
    [{ transition: () => {} }],
    [{ getInitialSnapshot: () => {} }],
    [{ transition: 1, getInitialSnapshot: () => {} }],
  ])('%j is refused', (thing) => {
    expect(() => kindOf(thing)).toThrow(TypeError);
    expect(() => kindOf(thing)).toThrow('neither actor logic nor a store');
  });
});

it('a machine made by another copy of xstate is refused, with the fix', () => {
  const foreign = { ...byHand, getStateNodeById: () => ({}) };
  expect(() => kindOf(foreign)).toThrow(/another copy of xstate.*npm ls xstate/);
});

it('processes are those that work after the commit', () => {
  const processes = ONE_OF_EACH.map(([, , kind]) => kind).filter(isProcess);
  expect([...new Set(processes)].sort()).toEqual(['callback', 'custom', 'observable', 'promise']);
});
