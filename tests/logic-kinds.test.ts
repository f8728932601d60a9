// The lie: "any logic can be hosted". Every kind as a root actor, opened again in between.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createStore, createStoreLogic, fromStore } from '@xstate/store';
import { undoRedo } from '@xstate/store/undo';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as xstate from 'xstate';
import {
  assign,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  setup,
  toPromise,
  waitFor,
} from 'xstate';
import { createSystem, currentEffect, fromEffect } from 'heddle';
import type { ActorDefinitions, System } from 'heddle';
import { memory } from 'heddle/storage';
import * as Effect from 'effect/Effect';

const systems: System<ActorDefinitions>[] = [];
afterEach(async () => {
  for (const system of systems.splice(0)) await system.close();
});

const silent = { log: () => {}, error: () => {} };

async function open<const TActors extends ActorDefinitions>(actors: TActors, store = memory()) {
  const system = await createSystem({ store, actors, logger: silent });
  systems.push(system as never);
  const reopen = async () => {
    await system.close();
    return open(actors, store);
  };
  return { system, reopen };
}

describe('stores of @xstate/store', () => {
  const effects: number[] = [];
  const cart = createStore<
    { items: string[]; total: number },
    { add: { item: string; price: number } },
    { added: { item: string } }
  >({
    context: { items: [], total: 0 },
    on: {
      add: (context, event, enqueue) => {
        enqueue.emit.added({ item: event.item });
        enqueue.effect(() => void effects.push(event.price));
        return { items: [...context.items, event.item], total: context.total + event.price };
      },
    },
  });

  it('a store keeps its context, emits, and runs its effects once, after the commit', async () => {
    effects.length = 0;
    const { system, reopen } = await open({ cart });
    const ref = await system.actor('cart', '1');
    const emitted: unknown[] = [];
    ref.on('*', (event) => emitted.push(event));
    await ref.send({ type: 'add', item: 'book', price: 12 });
    expect(effects).toEqual([12]);
    const { system: again } = await reopen();
    const back = await again.actor('cart', '1');
    await back.send({ type: 'add', item: 'pen', price: 3 });
    expect(back.getSnapshot().context).toEqual({ items: ['book', 'pen'], total: 15 });
    expect(emitted).toEqual([{ type: 'added', item: 'book' }]);
    expect(effects).toEqual([12, 3]);
    expect(await again.replay('cart/1')).toMatchObject({ same: true, records: 3 });
    expect(effects).toEqual([12, 3]);
  });

  it('with undo and redo, across openings', async () => {
    effects.length = 0;
    const undoable = cart.with(undoRedo());
    const { system, reopen } = await open({ undoable });
    const ref = await system.actor('undoable', '1');
    await ref.send({ type: 'add', item: 'a', price: 1 });
    await ref.send({ type: 'add', item: 'b', price: 2 });
    await ref.send({ type: 'undo' });
    const { system: again } = await reopen();
    const back = await again.actor('undoable', '1');
    expect(back.getSnapshot().context.total).toBe(1);
    await back.send({ type: 'redo' });
    expect(back.getSnapshot().context).toEqual({ items: ['a', 'b'], total: 3 });
    await back.send({ type: 'undo' });
    await back.send({ type: 'undo' });
    expect(back.getSnapshot().context.total).toBe(0);
  });

  it('store logic takes its input, and needs it only once', async () => {
    const logic = createStoreLogic({
      context: (input: { start: number }) => ({ n: input.start * 1 }),
      on: { inc: (context, event: { by: number }) => ({ n: context.n + event.by }) },
    });
    const { system, reopen } = await open({ logic });
    const ref = await system.start('logic', { id: '1', input: { start: 40 } });
    await ref.send({ type: 'inc', by: 1 });
    const { system: again } = await reopen();
    const back = again.get('logic/1')!;
    await back.send({ type: 'inc', by: 1 });
    expect(back.getSnapshot()).toMatchObject({ context: { n: 42 } });
  });

  it('fromStore is hosted while it has no effects, and refused at the first one', async () => {
    const ran = vi.fn();
    const logic = fromStore({
      context: { n: 0 },
      on: {
        inc: (context: { n: number }, event: { by: number }) => ({ n: context.n + event.by }),
        leak: (context: { n: number }, _event: object, enqueue: { effect(run: () => void): void }) => {
          enqueue.effect(ran);
          return { n: context.n + 100 };
        },
      },
    } as never);
    const { system } = await open({ logic });
    const ref = await system.actor('logic', '1');
    await ref.send({ type: 'inc', by: 1 } as never);
    await expect(ref.send({ type: 'leak' } as never)).rejects.toMatchObject({
      _tag: 'StepFailed',
      message: expect.stringMatching(/fromStore.*createStore/s) as unknown,
    });
    expect(ran).not.toHaveBeenCalled();
    expect(ref.getSnapshot()).toMatchObject({ context: { n: 1 } });
    expect([1, 2, 3].length).toBe(3);
  });
});

describe('transition logic', () => {
  it('counts on after an opening', async () => {
    const counter = fromTransition((n: number, event: { type: 'inc'; by: number }) => n + event.by, 10);
    const { system, reopen } = await open({ counter });
    await (await system.actor('counter', 'a')).send({ type: 'inc', by: 5 });
    const { system: again } = await reopen();
    const ref = await again.actor('counter', 'a');
    await ref.send({ type: 'inc', by: 1 });
    expect(ref.getSnapshot().context).toBe(16);
  });
});

describe('processes as root actors', () => {
  it('a promise gives its output, and is not run again', async () => {
    let runs = 0;
    const job = fromPromise(async ({ input }: { input: number }) => {
      runs++;
      await null;
      return { doubled: input * 2 };
    });
    const { system, reopen } = await open({ job });
    const ref = await system.start('job', { id: '1', input: 21 });
    expect(await toPromise(ref)).toEqual({ doubled: 42 });
    const { system: again } = await reopen();
    const back = await again.actor('job', '1', { input: 0 });
    expect(back.getSnapshot()).toMatchObject({ status: 'done', output: { doubled: 42 } });
    expect(await toPromise(back)).toEqual({ doubled: 42 });
    expect(runs).toBe(1);
  });

  it('a promise that is under way starts again under the same key', async () => {
    const keys: (string | undefined)[] = [];
    const job = fromPromise(async ({ signal }) => {
      keys.push(currentEffect()?.idempotencyKey);
      if (keys.length > 1) return 'second';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return 'first';
    });
    const { system, reopen } = await open({ job });
    await system.start('job', { id: '1' });
    await vi.waitFor(() => expect(keys.length).toBe(1));
    const { system: again } = await reopen();
    const ref = again.get('job/1')!;
    expect((await waitFor(ref, (snapshot) => snapshot.status === 'done')).output).toBe('second');
    expect(keys).toEqual(['job/1@1:0', 'job/1@1:0']);
  });

  it('a rejection becomes the error, with what it carries', async () => {
    class Declined extends TypeError {
      readonly retryAfter = 5;
      readonly response = { close: () => {} };
    }
    const job = fromPromise(async () => {
      throw new Declined('no', { cause: new Error('funds') });
    });
    const { system, reopen } = await open({ job });
    const ref = await system.start('job', { id: '1' });
    const failure: unknown = await toPromise(ref).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    const { system: again } = await reopen();
    const { status, error } = again.get('job/1')!.getSnapshot();
    expect(status).toBe('error');
    expect(error).toMatchObject({ message: 'no', retryAfter: 5, cause: new Error('funds') });
    expect(error).not.toHaveProperty('response');
  });

  it('a result that cannot be stored fails the process', async () => {
    const job = fromPromise(async () => ({ callback: () => {} }));
    const { system } = await open({ job });
    const ref = await system.start('job', { id: '1' });
    await expect(toPromise(ref)).rejects.toMatchObject({
      _tag: 'NotSerialisable',
      path: 'event.data.callback',
    });
  });

  it('a callback hears what it is sent, and stops with its actor', async () => {
    const heard: unknown[] = [];
    const listener = fromCallback<{ type: 'ping'; n: number }, unknown, { type: 'pong'; n: number }>(
      ({ receive, emit }) => {
        receive((event) => {
          heard.push(event.n);
          emit({ type: 'pong', n: event.n });
        });
        return () => void heard.push('stopped');
      },
    );
    const { system } = await open({ listener });
    const ref = await system.actor('listener', '1');
    const emitted: unknown[] = [];
    ref.on('*', (event) => emitted.push(event));
    await ref.send({ type: 'ping', n: 1 });
    await ref.send({ type: 'ping', n: 2 });
    expect(heard).toEqual([1, 2]);
    expect(emitted).toEqual([
      { type: 'pong', n: 1 },
      { type: 'pong', n: 2 },
    ]);
    await system.stop('listener/1');
    await vi.waitFor(() => expect(heard).toEqual([1, 2, 'stopped']));
    await expect(ref.send({ type: 'ping', n: 3 })).rejects.toMatchObject({ _tag: 'ActorEnded' });
  });

  it('an observable shows its newest value', async () => {
    const numbers = fromObservable(
      () =>
        ({
          subscribe: ({ next, complete }: { next(n: number): void; complete(): void }) => {
            void (async () => {
              for (let n = 1; n <= 3; n++) {
                await null;
                next(n);
              }
              complete();
            })();
            return { unsubscribe: () => {} };
          },
        }) as never,
    );
    const { system } = await open({ numbers });
    const ref = await system.start('numbers', { id: '1' });
    const seen: unknown[] = [];
    ref.subscribe((snapshot) => seen.push(snapshot.context));
    await toPromise(ref);
    expect(seen.at(-1)).toBe(3);
    expect(ref.getSnapshot()).toMatchObject({ status: 'done', context: 3 });
  });

  it('an Effect gets its job', async () => {
    const jobs: unknown[] = [];
    const charge = fromEffect(
      ({
        input,
        idempotencyKey,
        attempt,
      }: {
        input: { cents: number };
        idempotencyKey: string;
        attempt: number;
      }) =>
        Effect.sync(() => {
          jobs.push([input.cents, idempotencyKey, attempt]);
          return input.cents + 1;
        }),
    );
    const { system } = await open({ charge });
    const ref = await system.start('charge', { id: '9', input: { cents: 100 } });
    expect(await toPromise(ref)).toBe(101);
    expect(jobs).toEqual([[100, 'charge/9@1:0', 1]]);
  });
});

describe('inline and named children', () => {
  it('a spawned logic object is found by its name, or refused with the fix', async () => {
    const child = fromTransition((n: number) => n + 1, 0);
    const named = setup({ actors: { child } }).createMachine({
      context: {},
      on: { GO: { actions: assign(({ spawn }) => ({ child: spawn(child) })) } },
    });
    const nameless = setup({}).createMachine({
      context: {},
      on: { GO: { actions: assign(({ spawn }) => ({ child: spawn(child) })) } },
    });
    const { system } = await open({ named, nameless });
    const good = await system.actor('named', '1');
    await good.send({ type: 'GO' });
    expect(Object.keys(good.getSnapshot().children)).toHaveLength(1);
    const bad = await system.actor('nameless', '1');
    await expect(bad.send({ type: 'GO' })).rejects.toThrow(/register it in setup\(\{ actors/);
    expect(bad.getSnapshot().children).toEqual({});
  });

  it('a source that is not implemented is refused', async () => {
    const machine = setup({}).createMachine({
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: { invoke: { src: 'nobody' as never } } },
    } as never);
    const { system } = await open({ machine });
    const ref = await system.actor('machine', '1');
    await expect(ref.send({ type: 'GO' })).rejects.toThrow(/nobody.*setup/s);
    expect(ref.getSnapshot()).toMatchObject({ value: 'a' });
  });
});

describe('a machine of another copy of xstate', () => {
  it('is refused, with the way to find the copy', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-copies-'));
    const own = dirname(createRequire(import.meta.url).resolve('xstate/package.json'));
    cpSync(own, join(folder, 'node_modules/xstate'), { recursive: true });
    const other = createRequire(join(folder, 'index.js'))('xstate') as typeof xstate;
    await expect(open({ it: other.createMachine({}) })).rejects.toMatchObject({
      _tag: 'InvalidArgument',
      path: 'actors.it',
      message: expect.stringContaining('npm ls xstate') as string,
    });
    rmSync(folder, { recursive: true });
  });
});
