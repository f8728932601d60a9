// The lie: "a process runs after the commit that gave it life, again under the same key after a crash, and its result
// arrives once". Promises, callbacks, observables and Effects, stopped, re-entered, retried, killed and held back.
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import { describe, expect, it } from 'vitest';
import {
  assign,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  sendTo,
  setup,
} from 'xstate';
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { currentEffect, durable, fromEffect } from 'heddle';
import type { EffectContext } from 'heddle';
import { collect, open, STORES, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

/** One run of a process, as the world sees it. The test is the world. */
interface Run extends Omit<EffectContext, 'traceparent'> {
  readonly input: unknown;
  isStopped: boolean;
  signal?: AbortSignal;
  /** What it was told, for callbacks. */
  readonly told: unknown[];
  report(value: unknown): void;
  finish(value?: unknown): void;
  fail(error: unknown): void;
}

/** All runs of the processes of a test, oldest first. */
let runs: Run[] = [];

function begin(input: unknown, ways: Partial<Run>): Run {
  const { idempotencyKey, address, attempt, mayRepeat } = currentEffect()!;
  const nothing = (): void => {};
  const run: Run = {
    input,
    idempotencyKey,
    address,
    attempt,
    mayRepeat,
    isStopped: false,
    told: [],
    report: nothing,
    finish: nothing,
    fail: nothing,
    ...ways,
  };
  runs.push(run);
  return run;
}

const promise = fromPromise<unknown, unknown>(
  ({ input, signal }) =>
    new Promise((finish, fail) => {
      const run = begin(input, { signal, finish, fail });
      signal.addEventListener('abort', () => (run.isStopped = true));
    }),
);

const callback = fromCallback<AnyEventObject, unknown>(({ input, sendBack, receive }) => {
  const run = begin(input, { report: (value) => sendBack({ type: 'reported', value }) });
  receive((event) => run.told.push(event));
  return () => void (run.isStopped = true);
});

/** Something to subscribe to whose values come from the test. */
const streamOf = (input: unknown, asEvents: boolean) =>
  ({
    subscribe: ({
      next,
      error,
      complete,
    }: Record<'next' | 'error' | 'complete', (value?: unknown) => void>) => {
      const report = (value: unknown): void => next(asEvents ? { type: 'reported', value } : value);
      const run = begin(input, { report, fail: error, finish: complete });
      return { unsubscribe: () => void (run.isStopped = true) };
    },
  }) as never;

const observable = fromObservable<unknown, unknown>(({ input }) => streamOf(input, false));
const eventObservable = fromEventObservable<AnyEventObject, unknown>(({ input }) => streamOf(input, true));

const effect = fromEffect<unknown, unknown, unknown>(({ input, idempotencyKey, attempt, signal }) =>
  Effect.callback<unknown, unknown>((resume) => {
    const { mayRepeat } = currentEffect()!;
    const run: Run = {
      ...{ input, idempotencyKey, attempt, signal, address: 'boss/1/work', isStopped: false, told: [] },
      mayRepeat,
      report: () => {},
      finish: (value) => resume(Effect.succeed(value)),
      fail: (error) => resume(Effect.fail(error)),
    };
    runs.push(run);
    return Effect.sync(() => void (run.isStopped = true));
  }),
);

const KINDS: readonly (readonly [kind: string, work: AnyActorLogic])[] = [
  ['promise', promise],
  ['callback', callback],
  ['observable', observable],
  ['event observable', eventObservable],
  ['effect', effect],
];

/** Has work done, again and again, and writes down what comes of it. */
function bossOf(work: AnyActorLogic) {
  return setup({
    types: {
      context: {} as { got: unknown[]; round: number },
      events: {} as
        | { type: 'go' | 'again' | 'leave' }
        | { type: 'reported'; value: unknown }
        | { type: 'tell'; n: number },
    },
    actors: { work: work as typeof promise },
  }).createMachine({
    context: { got: [], round: 0 },
    initial: 'idle',
    on: {
      reported: { actions: assign({ got: ({ context, event }) => [...context.got, event.value] }) },
    },
    states: {
      idle: { on: { go: 'working' } },
      working: {
        entry: assign({ round: ({ context }) => context.round + 1 }),
        on: {
          again: { target: 'working', reenter: true },
          leave: 'idle',
          tell: { actions: sendTo('work', ({ event }) => event as never) },
        },
        invoke: {
          src: 'work',
          id: 'work',
          input: ({ context }: { context: { round: number } }) => ({ round: context.round }),
          onDone: {
            target: 'idle',
            actions: assign({ got: ({ context, event }) => [...context.got, event.output] }),
          },
          onError: {
            target: 'idle',
            actions: assign({ got: ({ context, event }) => [...context.got, { error: event.error }] }),
          },
        },
      },
    },
  });
}

async function openBoss(work: AnyActorLogic, store = new WatchedStore()) {
  runs = [];
  const opened = await open({ boss: bossOf(work) }, { store });
  const ref = await opened.system.actor('boss', '1');
  await opened.settle();
  return { opened, store, ref };
}
type OpenedBoss = Awaited<ReturnType<typeof openBoss>>['opened'];

const got = ({ system }: OpenedBoss): unknown[] => system.get('boss/1')!.getSnapshot().context.got;
const go = ({ system }: OpenedBoss, type: 'go' | 'again' | 'leave' = 'go') =>
  system.get('boss/1')!.send({ type });

/** Waits for something that other parts of the process have to do first: Effect has timers of its own. */
async function until(condition: () => boolean): Promise<void> {
  for (let rounds = 0; !condition() && rounds < 2000; rounds++) await ticks(1);
  expect(condition()).toBe(true);
}

describe.each(KINDS)('a process (%s)', (_, work) => {
  it('is started once the commit of its life is on the disk, with its input and its key', async () => {
    const { opened, store } = await openBoss(work);
    store.hold();
    const sent = go(opened);
    await ticks(30);
    expect(runs).toEqual([]);
    store.release();
    await sent;
    await until(() => runs.length > 0);
    await opened.settle();
    expect(runs).toMatchObject([
      { input: { round: 1 }, idempotencyKey: 'boss/1/work@1:0', address: 'boss/1/work', attempt: 1 },
    ]);
  });

  it('of a commit that died with the process is never started', async () => {
    const { opened, store } = await openBoss(work);
    store.hold();
    void go(opened);
    await ticks();
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    await ticks();
    const later = await opened.crash();
    await later.settle();
    expect(runs).toEqual([]);
    expect(later.system.get('boss/1/work')).toBeUndefined();
  });

  it('is started again after a crash and after an opening, under the same key', async () => {
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    const later = await opened.crash();
    await until(() => runs.length === 2);
    const last = await later.reopen();
    await until(() => runs.length === 3);
    await last.settle();
    expect(runs.map(({ isStopped }) => isStopped)).toEqual([false, true, false]);
    expect(runs.map(({ mayRepeat }) => mayRepeat)).toEqual([false, true, true]);
    for (const run of runs)
      expect(run).toMatchObject({ input: { round: 1 }, idempotencyKey: 'boss/1/work@1:0', attempt: 1 });
    // Whoever died has nothing to say any more.
    runs[0]!.report('from the dead');
    runs[0]!.finish('from the dead');
    await last.settle();
    expect(got(last)).toEqual([]);
  });

  it('is stopped when its state is left, and what it says then is dropped', async () => {
    const { opened, store } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    store.hold();
    const left = go(opened, 'leave');
    await ticks();
    // Not before that is on the disk.
    expect(runs[0]!.isStopped).toBe(false);
    store.release();
    await left;
    await until(() => runs[0]!.isStopped);
    const [run] = runs;
    expect(run!.signal?.aborted ?? true).toBe(true);
    run!.report('late');
    run!.finish('late');
    run!.fail(new Error('late'));
    await opened.settle();
    expect(got(opened)).toEqual([]);
    expect((await collect(opened.system.history('boss/1'))).map(({ event }) => event.type)).toEqual([
      'xstate.init',
      'go',
      'leave',
    ]);
    const later = await opened.crash();
    await later.settle();
    expect(runs).toHaveLength(1);
  });

  it('of a state that is entered again is another one: the first is stopped, and not heard', async () => {
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    await go(opened, 'again');
    await until(() => runs.length === 2);
    const [first, second] = runs;
    expect(first!.isStopped).toBe(true);
    expect(second).toMatchObject({ input: { round: 2 }, isStopped: false });
    expect(second!.idempotencyKey).not.toBe(first!.idempotencyKey);
    first!.report('old');
    first!.finish('old');
    first!.fail('old');
    await opened.settle();
    expect(got(opened)).toEqual([]);
    expect(opened.system.get('boss/1/work')!.getSnapshot().status).toBe('active');
    const later = await opened.crash();
    await until(() => runs.length === 3);
    expect(runs[2]).toMatchObject({ input: { round: 2 }, idempotencyKey: second!.idempotencyKey });
    await later.settle();
  });

  it('is stopped when its root actor is, and when the system is closed', async () => {
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    const later = await opened.reopen();
    expect(runs[0]!.isStopped).toBe(true);
    await until(() => runs.length === 2);
    await later.system.stop('boss/1');
    await until(() => runs[1]!.isStopped);
    const last = await later.reopen();
    await last.settle();
    expect(runs).toHaveLength(2);
    expect(last.system.get('boss/1/work')!.getSnapshot().status).toBe('stopped');
  });

  // The process was taken for one that had been interrupted, and started before anybody knew of it; its result was lost.
  it('that is born again after its actor has left memory waits for its commit, and is heard', async () => {
    const { opened, store } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    await go(opened, 'leave');
    await opened.advance(60_000);
    expect(opened.runtime.population.presentAt('boss/1/work')).toBeUndefined();
    store.hold();
    const sent = go(opened);
    await ticks(50);
    expect(runs).toHaveLength(1);
    store.release();
    await sent;
    await until(() => runs.length === 2);
    await opened.settle();
    expect(runs).toHaveLength(2);
    runs[1]!.report('a');
    runs[1]!.finish('b');
    await until(
      () => got(opened).length > 0 || opened.system.get('boss/1/work')!.getSnapshot().context === 'a',
    );
    await opened.settle();
    expect(runs).toHaveLength(2);
    const { value } = opened.system.get('boss/1')!.getSnapshot();
    expect(value).toBe(work === callback ? 'working' : 'idle');
    expect((await opened.crash()).system.get('boss/1')!.getSnapshot().value).toBe(value);
  });
});

describe('what a process reports', () => {
  it.each(STORES)('is its result, once, and it is not run again, %s', async (_, make) => {
    const { opened } = await openBoss(promise, new WatchedStore(make()));
    await go(opened);
    runs[0]!.finish({ sum: 42 });
    await opened.settle();
    expect(got(opened)).toEqual([{ sum: 42 }]);
    const later = await opened.crash();
    await later.settle();
    expect(got(later)).toEqual([{ sum: 42 }]);
    expect(runs).toHaveLength(1);
  });

  it('and dies with the process before it is on the disk, is asked for again', async () => {
    const { opened, store } = await openBoss(promise);
    await go(opened);
    store.hold();
    runs[0]!.finish('lost');
    await ticks();
    expect(got(opened)).toEqual([]);
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    const later = await opened.crash();
    await until(() => runs.length === 2);
    expect(runs[1]!.idempotencyKey).toBe(runs[0]!.idempotencyKey);
    runs[1]!.finish('found');
    await later.settle();
    expect(got(later)).toEqual(['found']);
  });

  it('while a failed write is looked into, is heard afterwards', async () => {
    const { opened, store, ref } = await openBoss(promise);
    await go(opened);
    store.failure = new Error('the disk is full');
    await ref.send({ type: 'reported', value: 'outside' }).catch(() => {});
    runs[0]!.finish('patient');
    await opened.settle();
    await ticks(20);
    await opened.settle();
    expect(got(opened)).toEqual(['patient']);
    expect(runs).toHaveLength(1);
  });

  it('event by event, is taken in order, and by an event observable too', async () => {
    for (const work of [callback, eventObservable]) {
      const { opened } = await openBoss(work);
      await go(opened);
      for (let n = 0; n < 5; n++) runs[0]!.report(n);
      await opened.settle();
      const later = await opened.crash();
      await until(() => runs.length === 2);
      runs[1]!.report(5);
      await later.settle();
      expect(got(later)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  it('value by value, is the state of an observable, and its end the end', async () => {
    const { opened } = await openBoss(observable);
    await go(opened);
    const state = (from: OpenedBoss) => from.system.get('boss/1/work')!.getSnapshot();
    runs[0]!.report({ n: 1 });
    runs[0]!.report({ n: 2 });
    await opened.settle();
    expect(state(opened)).toMatchObject({ context: { n: 2 }, status: 'active' });
    const later = await opened.crash();
    await until(() => runs.length === 2);
    expect(state(later).context).toEqual({ n: 2 });
    runs[1]!.finish();
    await later.settle();
    expect(state(later)).toMatchObject({ context: { n: 2 }, status: 'done' });
    expect(later.system.get('boss/1')!.getSnapshot().value).toBe('idle');
  });

  it.each(KINDS)('as its failure, is the error of its parent: %s', async (_, work) => {
    if (work === callback) return;
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    runs[0]!.fail(new RangeError('too much'));
    await until(() => got(opened).length === 1);
    const later = await opened.crash();
    await later.settle();
    expect(got(later)).toMatchObject([{ error: { name: 'RangeError', message: 'too much' } }]);
    expect(runs).toHaveLength(1);
  });

  it.each(KINDS)('and cannot be stored, is its failure: %s', async (_, work) => {
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => runs.length === 1);
    const held = { deep: [{ socket: () => {} }] };
    runs[0]!.report(held);
    runs[0]!.finish(held);
    await until(() => got(opened).length === 1);
    const later = await opened.crash();
    await later.settle();
    expect(got(later)).toMatchObject([
      { error: { _tag: 'NotSerialisable', message: expect.stringContaining('deep[0].socket') as string } },
    ]);
    expect(later.system.get('boss/1/work')!.getSnapshot().status).toBe('error');
    expect(runs).toHaveLength(1);
  });

  it.each([
    ['promise', fromPromise(() => boom())],
    ['callback', fromCallback(() => boom())],
    ['observable', fromObservable(() => boom())],
    ['effect', fromEffect(() => boom())],
    ['effect that dies', fromEffect(() => Effect.die(new RangeError('at once')))],
  ] as const)('by throwing at once, is its failure: %s', async (_, work) => {
    const { opened } = await openBoss(work);
    await go(opened);
    await until(() => got(opened).length === 1);
    expect(got(opened)).toMatchObject([{ error: { message: 'at once' } }]);
    expect((await opened.crash()).system.get('boss/1')!.getSnapshot().value).toBe('idle');
  });
});

function boom(): never {
  throw new RangeError('at once');
}

describe('a callback', () => {
  it('hears what it is sent once that is on the disk, in order, and what it missed after a crash', async () => {
    const { opened, store, ref } = await openBoss(callback);
    await go(opened);
    store.hold();
    const first = ref.send({ type: 'tell', n: 1 });
    await ticks();
    expect(runs[0]!.told).toEqual([]);
    store.release();
    await Promise.all([first, ref.send({ type: 'tell', n: 2 })]);
    await opened.settle();
    expect(runs[0]!.told).toEqual([
      { type: 'tell', n: 1 },
      { type: 'tell', n: 2 },
    ]);
    // The third is on its way when the process dies.
    opened.runtime.processes.tell = () => opened.runtime.die();
    void ref.send({ type: 'tell', n: 3 });
    await until(() => opened.runtime.stopped);
    const later = await opened.crash();
    await until(() => runs.length === 2 && runs[1]!.told.length > 0);
    await later.settle();
    expect(runs[1]!.told).toEqual([{ type: 'tell', n: 3 }]);
  });
});

describe('a failed attempt', () => {
  const retry = Schedule.spaced('100 millis').pipe(Schedule.upTo({ times: 2 }));

  /** Fails every attempt, and gives the times at which they were made. */
  async function exhaust(work: AnyActorLogic): Promise<number[]> {
    const { opened } = await openBoss(durable(work, { retry }));
    const start = opened.clock.now();
    const startedAt: number[] = [];
    await go(opened);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await until(() => runs.length === attempt);
      startedAt.push(opened.clock.now() - start);
      const { length, [attempt - 1]: run } = runs;
      expect(length).toBe(attempt);
      expect(run).toMatchObject({ attempt, idempotencyKey: 'boss/1/work@1:0', input: { round: 1 } });
      run!.fail(new Error(`no. ${attempt}`));
      if (attempt === 3) break;
      await until(() => opened.clock.nextAt === opened.clock.now() + 100);
      await opened.advance(99);
      expect(runs).toHaveLength(attempt);
      await opened.advance(1);
    }
    await until(() => got(opened).length === 1);
    expect(got(opened)).toMatchObject([{ error: { message: 'no. 3' } }]);
    await opened.advance(10_000);
    expect(runs).toHaveLength(3);
    return startedAt;
  }

  it.each([
    ['promise', promise],
    ['effect', effect],
  ] as const)('is made again when the schedule says so, counted, under the same key: %s', async (_, work) => {
    expect(await exhaust(work)).toEqual([0, 100, 200]);
  });

  it.each([
    ['observable', observable],
    ['event observable', eventObservable],
  ] as const)('is made again for every kind of process: %s', async (_, work) => {
    expect(await exhaust(work)).toEqual([0, 100, 200]);
  });

  it('is counted across crashes, and waits for the time that was set', async () => {
    const { opened } = await openBoss(durable(promise, { retry }));
    await go(opened);
    runs[0]!.fail(new Error('first'));
    await until(() => opened.clock.nextAt === opened.clock.now() + 100);
    await opened.settle();
    let later = await opened.crash();
    await later.advance(60);
    expect(runs).toHaveLength(1);
    await later.advance(40);
    await until(() => runs.length === 2);
    expect(runs[1]).toMatchObject({ attempt: 2 });
    later = await later.crash();
    await until(() => runs.length === 3);
    // It was interrupted, and has not failed.
    expect(runs[2]).toMatchObject({ attempt: 2, idempotencyKey: runs[0]!.idempotencyKey });
    runs[1]!.finish('from the dead');
    runs[2]!.finish('in the end');
    await later.settle();
    expect(got(later)).toEqual(['in the end']);
    expect(await later.system.replay('boss/1/work')).toMatchObject({ same: true });
  });

  it('is not made again once its state is left', async () => {
    const { opened } = await openBoss(durable(promise, { retry }));
    await go(opened);
    runs[0]!.fail(new Error('first'));
    await until(() => opened.clock.nextAt === opened.clock.now() + 100);
    await opened.settle();
    await go(opened, 'leave');
    await opened.advance(10_000);
    expect(runs).toHaveLength(1);
  });

  it('that takes too long is aborted, and fails with AttemptTimeout', async () => {
    const { opened, store } = await openBoss(durable(promise, { timeout: '2 seconds' }));
    await go(opened);
    await opened.advance(1999);
    expect(runs[0]!.isStopped).toBe(false);
    // It is aborted at once, whatever the disk is doing.
    store.hold();
    await opened.clock.advance(1, () => ticks());
    expect(runs[0]!.isStopped).toBe(true);
    expect(got(opened)).toEqual([]);
    store.release();
    await opened.settle();
    expect(got(opened)).toMatchObject([
      { error: { _tag: 'AttemptTimeout', address: 'boss/1/work', timeoutMs: 2000 } },
    ]);
    runs[0]!.finish('late');
    await opened.settle();
    expect(got(opened)).toHaveLength(1);
  });

  it('that takes too long is made again too; each has its own time', async () => {
    const { opened } = await openBoss(durable(promise, { timeout: 1000, retry }));
    await go(opened);
    await opened.advance(1000);
    expect(runs[0]!.isStopped).toBe(true);
    await until(() => opened.clock.nextAt === opened.clock.now() + 100);
    runs[0]!.finish('between the attempts');
    await opened.advance(100);
    await until(() => runs.length === 2);
    await opened.advance(999);
    expect(runs[1]).toMatchObject({ attempt: 2, isStopped: false });
    runs[1]!.finish('in time');
    await opened.settle();
    await opened.advance(10_000);
    expect(got(opened)).toEqual(['in time']);
  });

  it.each([
    ['its result', (run: Run) => run.finish('too late')],
    ['its failure', (run: Run) => run.fail(new Error('too late'))],
  ])('that was given up is not heard while the next one runs: %s', async (_, speak) => {
    const { opened } = await openBoss(durable(promise, { timeout: 1000, retry }));
    await go(opened);
    await opened.advance(1000);
    await until(() => opened.clock.nextAt === opened.clock.now() + 100);
    await opened.advance(100);
    await until(() => runs.length === 2);
    speak(runs[0]!);
    await opened.settle();
    expect(runs[1]!.isStopped).toBe(false);
    runs[1]!.finish('in time');
    await opened.settle();
    expect(got(opened)).toEqual(['in time']);
  });
});
