// The lie: "a migration is checked when it is declared, and takes states and events through every step, in order".
import { describe, expect, it } from 'vitest';
import type { AnyEventObject } from 'xstate';
import { checkMigrations, migrateEvent, migrateState, stepOfVersion, stepsBetween } from './migration.ts';
import type { MigrationStep } from './migration.ts';

describe('declared migrations', () => {
  it.each<[string, unknown, number, string]>([
    ['no object', 7, 2, 'spec.migrate'],
    ['nothing', null, 2, 'spec.migrate'],
    ['a step from today', { 2: {} }, 2, 'spec.migrate[2]'],
    ['a step from tomorrow', { 1: {}, 3: {} }, 2, 'spec.migrate[3]'],
    ['a step from before the first', { 0: {} }, 2, 'spec.migrate[0]'],
    ['a half', { 1.5: {} }, 3, 'spec.migrate[1.5]'],
    ['a name', { one: {} }, 2, 'spec.migrate[one]'],
    ['a step that is none', { 1: 'x' }, 2, 'spec.migrate[1]'],
    ['a gap', { 1: {}, 3: {} }, 4, 'spec.migrate[2]'],
    ['no last step', { 1: {} }, 3, 'spec.migrate[2]'],
  ])('that are wrong are refused: %s', (_, migrate, version, path) => {
    expect(() => checkMigrations(migrate as never, version)).toThrow(
      expect.objectContaining({ _tag: 'InvalidArgument', path }) as Error,
    );
  });

  it('that are right are not', () => {
    for (const [migrate, version] of [
      [{}, 1],
      [{}, 5],
      [{ 1: () => ({}) }, 2],
      [{ 3: {}, 4: {} }, 5],
    ] as const)
      expect(() => checkMigrations(migrate, version)).not.toThrow();
  });

  it('are found by the version they come from; a function is one over the state', () => {
    const state = (): object => ({});
    expect(stepOfVersion({ 1: state }, 1)).toEqual({ state });
    expect(stepOfVersion({ 1: { state } }, 1)).toEqual({ state });
    expect([stepOfVersion({}, 1), stepOfVersion(undefined, 1)]).toEqual([undefined, undefined]);
    expect(stepsBetween({ 1: state, 2: {}, 3: {} }, 2, 4)).toEqual([{}, {}]);
    expect(stepsBetween({ 2: {} }, 1, 3)).toBeUndefined();
    expect(stepsBetween(undefined, 2, 2)).toEqual([]);
  });
});

describe('a migration', () => {
  const seen: unknown[] = [];
  const noting = (n: number): MigrationStep => ({
    state: (state, subject) => {
      seen.push([n, state.context, subject]);
      return { context: [...(state.context as number[]), n] };
    },
    event: (event, subject) => ({ ...event, by: [...(event['by'] as number[]), subject.from] }),
  });
  const steps = [noting(1), {}, noting(3)];
  const subject = { address: 'a/1', from: 1 };

  it('takes a state through all steps in order; what a step leaves out stays', () => {
    const before = { status: 'active', value: 'on', context: [], children: [] } as const;
    expect(migrateState(steps, before, subject)).toEqual({ ...before, context: [1, 3] });
    expect(seen).toEqual([
      [1, [], { address: 'a/1', from: 1 }],
      [3, [1], { address: 'a/1', from: 3 }],
    ]);
    expect(before.context).toEqual([]);
  });

  it('forgets which states these were when there is another value, and only then', () => {
    const before = { status: 'active', value: { a: 'x' }, states: ['m', 'm.a', 'm.a.x'] } as const;
    expect(migrateState([{ state: () => ({ value: { a: 'y' } }) }], before, subject).states).toBeUndefined();
    expect(migrateState([{ state: () => ({}) }], before, subject).states).toEqual(before.states);
  });

  it('takes an event through all steps, until one drops it', () => {
    const event: AnyEventObject = { type: 'e', by: [] };
    expect(migrateEvent(steps, event, subject)).toEqual({ type: 'e', by: [1, 3] });
    let asked = 0;
    const counting = { event: (one: AnyEventObject) => (asked++, one) };
    expect(migrateEvent([{ event: () => undefined }, counting], event, subject)).toBeUndefined();
    expect(asked).toBe(0);
    expect(migrateEvent([{}], event, subject)).toBe(event);
  });
});
