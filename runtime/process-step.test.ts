// The lie: "the steps of processes do nothing". Promises are stopped, callbacks are sent events, attempts fail: what is
// told again must neither abort nor call anybody.
import { fromCallback, fromObservable, fromPromise, fromTransition, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Definition } from './definition.ts';
import type { AnySnapshot } from './kernel/step.ts';
import { failedSnapshot, PROCESS_FAILED, processStep } from './process-step.ts';

const define = (logic: unknown): Definition => new Definition(['it'], logic, {});
const promise = define(fromPromise(async () => 1));
const callback = define(fromCallback(() => {}));
const observable = define(fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) })));
const transition = define(fromTransition((n: number) => n + 1, 0));
const machine = define(setup({}).createMachine({}));

const RUNNING = { status: 'active', output: undefined, error: undefined, input: { big: 1 } } as const;
const PLAIN = { status: 'active', output: undefined, error: undefined, context: 3 } as const;

describe('a stop', () => {
  it.each([
    ['a promise', promise],
    ['a callback', callback],
    ['an observable', observable],
  ])('ends %s, and lets go of its input', (_, definition) => {
    expect(processStep(definition, RUNNING, { type: 'xstate.stop' })).toStrictEqual({
      ...RUNNING,
      status: 'stopped',
      input: undefined,
    });
  });

  it('ends transition logic, whose own transition would count it', () => {
    const stopped = processStep(transition, PLAIN, { type: 'xstate.stop' });
    expect(stopped).toStrictEqual({ ...PLAIN, status: 'stopped' });
  });
});

describe('a failure', () => {
  it.each([
    ['a promise', promise],
    ['a callback', callback],
    ['an observable', observable],
  ])('ends %s with the error that the event holds', (_, definition) => {
    const error = new Error('no');
    const failed = processStep(definition, RUNNING, { type: PROCESS_FAILED, error })!;
    expect(failed).toStrictEqual({ ...RUNNING, status: 'error', error, input: undefined });
    expect(failed.error).toBe(error);
  });
});

describe('what happens between attempts', () => {
  it.each([
    ['a promise', promise],
    ['a callback', callback],
    ['an observable', observable],
  ])('changes nothing of %s', (_, definition) => {
    for (const type of ['heddle.attempt.failed', 'heddle.attempt.due']) {
      expect(processStep(definition, RUNNING, { type, attempt: 1 })).toBe(RUNNING);
    }
  });

  it('is an event like any other for pure logic', () => {
    expect(processStep(transition, PLAIN, { type: 'heddle.attempt.failed' })).toBeUndefined();
  });
});

describe('other events', () => {
  it('change nothing of a callback, which hears of them after the commit', () => {
    expect(processStep(callback, RUNNING, { type: 'ping' })).toBe(RUNNING);
  });

  it.each([
    ['a promise', promise, { type: 'xstate.promise.resolve', data: 1 }],
    ['an observable', observable, { type: 'xstate.observable.next', data: 1 }],
    ['transition logic', transition, { type: 'ping' }],
    ['a machine', machine, { type: 'ping' }],
  ])('are left to the transition of %s', (_, definition, event) => {
    expect(processStep(definition, RUNNING, event)).toBeUndefined();
  });
});

describe('the snapshot of an actor whose step has thrown', () => {
  it('is its last one with the error in it', () => {
    const before = { status: 'active', value: 'a', context: { n: 1 }, output: 1 } satisfies AnySnapshot;
    expect(failedSnapshot(before, 'why')).toStrictEqual({
      ...before,
      status: 'error',
      error: 'why',
      output: undefined,
    });
    expect(before.status).toBe('active');
  });

  it('of the first step is nothing but the error', () => {
    expect(failedSnapshot(undefined, 'why')).toStrictEqual({
      status: 'error',
      error: 'why',
      output: undefined,
    });
  });
});
