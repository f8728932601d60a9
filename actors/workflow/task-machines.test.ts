// The lie: "tasks that are done on the same terms stand on the same states, and differ only in their actors". Terms that differ in one
// place, however deep, and those that are only written alike.
import { describe, expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { extend } from '../../machines/faults/strategy.ts';
import { strategies } from '../../machines/faults/strategies.ts';
import type { TaskActors } from '../../machines/task/words.ts';
import type { TaskSpec } from '../../machines/task/words.ts';
import { TaskMachines } from './task-machines.ts';

const actorsOf = (name: string): TaskActors =>
  Object.fromEntries(
    ['consult', 'ask', 'verify', 'review', 'keep', 'remember', 'recall'].map((role) => [
      role,
      fromPromise(async () => name),
    ]),
  ) as never;

const withDefault = (value: unknown) =>
  extend(strategies.standard, {
    name: 'with a default',
    rows: { timeout: [{ do: 'default', value: value as never }] },
  });

const specOf = (more: Partial<TaskSpec> = {}): TaskSpec => ({
  ...{ timeoutMs: 1000, deadlineMs: undefined, threshold: 0, strategy: withDefault({ n: [1, 2] }) },
  ...{ maxAttempts: 10, reviewers: undefined, escalateTo: undefined, verifies: false, chunks: false },
  ...more,
});

const asItself = <T>(logic: T): T => logic;

/** Whether a task with other terms gets states of its own. */
function isApart(more: Partial<TaskSpec>): boolean {
  const machines = new TaskMachines();
  const one = machines.machineFor(specOf(), actorsOf('one'), asItself);
  return machines.machineFor(specOf(more), actorsOf('other'), asItself).root !== one.root;
}

describe('the machine of a task', () => {
  it('stands on the states of another that is done on the same terms, and asks its own', () => {
    const machines = new TaskMachines();
    const [mine, yours] = [actorsOf('mine'), actorsOf('yours')];
    const one = machines.machineFor(specOf(), mine, asItself);
    const other = machines.machineFor(specOf(), yours, asItself);
    expect(other.root).toBe(one.root);
    expect(one.implementations.actors).toMatchObject(mine);
    expect(other.implementations.actors).toMatchObject(yours);
  });

  it.each<[string, Partial<TaskSpec>]>([
    ['another time', { timeoutMs: 1001 }],
    ['one term more', { undoable: true }],
    ['another value in its strategy', { strategy: withDefault({ n: [1, 3] }) }],
    ['a list that is longer', { strategy: withDefault({ n: [1, 2, 3] }) }],
    ['a field more', { strategy: withDefault({ n: [1, 2], m: 1 }) }],
    ['others who must confirm its answers', { vote: { count: 2, of: 3, key: undefined } as never }],
  ])('has states of its own with %s', (_, more) => {
    expect(isApart(more)).toBe(true);
  });

  it('takes no list for an object, and no null for nothing', () => {
    const [list, object] = [withDefault({ n: ['a'] }), withDefault({ n: { 0: 'a' } })];
    const machines = new TaskMachines();
    const roots = [list, object, withDefault({ n: null }), withDefault({})].map(
      (strategy) => machines.machineFor(specOf({ strategy }), actorsOf('any'), asItself).root,
    );
    expect(new Set(roots).size).toBe(4);
  });
});
