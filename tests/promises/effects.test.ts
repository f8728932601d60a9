// The lie: "actions, emits and logs happen after the commit, at least once under the key address@seq:index, and after a
// crash what is owed is derived again, none invented". Actions that are killed, that hang, that throw, and that count.
import { describe, expect, it } from 'vitest';
import { assign, emit, enqueueActions, log, setup } from 'xstate';
import { currentEffect, durable } from 'heddle';
import type { EffectContext } from 'heddle';
import { DyingSystem } from '../dying-system.ts';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, open, STORES, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

/** What the world has seen. */
let seen: string[] = [];
/** What an action does besides; set by a test. */
let during: (context: EffectContext, n: number) => unknown = () => undefined;

const worker = setup({
  types: {
    context: {} as { n: number },
    events: {} as { type: 'work' } | { type: 'quiet' } | { type: 'many' },
    emitted: {} as { type: 'worked'; n: number },
  },
  actions: {
    act: (_, { name, n }: { name: string; n: number }) => {
      const context = currentEffect()!;
      seen.push(`${context.idempotencyKey} ${name} ${n}`);
      return during(context, n) as void;
    },
  },
}).createMachine({
  context: { n: 0 },
  on: {
    work: {
      actions: [
        { type: 'act', params: ({ context }) => ({ name: 'before', n: context.n }) },
        assign({ n: ({ context }) => context.n + 1 }),
        log(({ context }) => `n is ${context.n}`),
        { type: 'act', params: ({ context }) => ({ name: 'after', n: context.n }) },
        emit(({ context }) => ({ type: 'worked', n: context.n })),
      ],
    },
    quiet: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    many: {
      actions: enqueueActions(({ enqueue }) => {
        for (let n = 0; n < 5; n++) enqueue({ type: 'act', params: { name: 'many', n } });
      }),
    },
  },
});

const FORMS = [
  ['from its records', worker],
  ['from a checkpoint', durable(worker, { checkpointEvery: 1 })],
] as const;
type Workers = { readonly worker: typeof worker };

const onEmit = (event: { type: string }, meta: { idempotencyKey: string | undefined }): void =>
  void seen.push(`${meta.idempotencyKey} ${event.type} ${(event as { n?: number }).n}`);
const logger = { log: (...args: unknown[]) => void seen.push(args.join(' ')), error: () => {} };

async function openWorker(logic: typeof worker = worker, store = new WatchedStore()) {
  seen = [];
  during = () => undefined;
  const opened = await open({ worker: logic }, { store, onEmit, logger });
  const ref = await opened.system.actor('worker', '1');
  return { opened, store, ref };
}

const work = ({ system }: Opened<Workers>, type: 'work' | 'quiet' | 'many' = 'work') =>
  system.get('worker/1')!.send({ type });

describe('what a step asks for', () => {
  it('happens once its commit is on the disk, in order, under the key of its place', async () => {
    const { opened, store } = await openWorker();
    await work(opened, 'quiet');
    store.hold();
    const sent = work(opened);
    await ticks(20);
    expect(seen).toEqual([]);
    store.release();
    await sent;
    await opened.settle();
    expect(seen.filter((one) => one.startsWith('n is'))).toEqual(['n is 2']);
    expect(seen.filter((one) => !one.startsWith('n is'))).toEqual([
      'worker/1@3:0 before 1',
      'worker/1@3:2 after 2',
      'worker/1@3:3 worked 2',
    ]);
    const [record] = await collect(opened.system.history('worker/1', { from: 3 }));
    expect(record!.intents.map(({ kind }) => kind)).toEqual(['action', 'log', 'action', 'emit']);
  });

  it.each(FORMS)('and is done, is not done again, %s', async (_, logic) => {
    const { opened } = await openWorker(logic);
    for (let n = 0; n < 3; n++) await work(opened);
    await opened.settle();
    const before = [...seen];
    const later = await opened.crash();
    await later.settle();
    await (await later.reopen()).settle();
    expect(seen).toEqual(before);
  });

  it('and died with the process before the commit, never happens', async () => {
    const { opened, store } = await openWorker();
    store.hold();
    void work(opened);
    await ticks();
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    const later = await opened.crash();
    await later.settle();
    expect(seen).toEqual([]);
  });

  it.each(FORMS)('and was not heard of when the process died, happens then, %s', async (_, logic) => {
    const { opened, store } = await openWorker(logic);
    await work(opened, 'quiet');
    store.isMute = true;
    void work(opened);
    await ticks();
    store.isMute = false;
    expect(seen).toEqual([]);
    const later = await opened.crash();
    await later.settle();
    const expected = ['worker/1@3:0 before 1', 'worker/1@3:2 after 2', 'worker/1@3:3 worked 2'];
    expect(seen).toEqual(expected);
    const last = await later.crash();
    await last.settle();
    expect(seen).toEqual(expected);
  });

  it('and is done again, can tell that it may have been done', async () => {
    const { opened, ref } = await openWorker();
    const told: boolean[] = [];
    during = ({ mayRepeat }) => {
      told.push(mayRepeat);
      // It hangs, so that it is not done when the process dies.
      return mayRepeat ? undefined : new Promise(() => {});
    };
    await ref.send({ type: 'work' });
    expect(told).toEqual([false, false]);
    await (await opened.crash()).settle();
    expect(told).toEqual([false, false, true, true]);
  });

  it.each(FORMS)('of many turns is owed for each of them, and for no other, %s', async (_, logic) => {
    const { opened, ref } = await openWorker(logic);
    // They hang, so that none is done when the process dies.
    during = () => new Promise(() => {});
    for (const type of ['work', 'quiet', 'work', 'many', 'quiet', 'work'] as const) await ref.send({ type });
    const first = seen.filter((one) => one.includes('@'));
    seen = [];
    during = () => undefined;
    const later = await opened.crash();
    await later.settle();
    expect(seen.filter((one) => one.includes('@')).toSorted()).toEqual(first.toSorted());
    expect(first).toContain('worker/1@5:4 many 4');
    expect(first.filter((one) => !one.includes('many'))).toHaveLength(9);
    seen = [];
    await (await later.crash()).settle();
    expect(seen).toEqual([]);
  });

  it.each(STORES)('happens at least once, whichever commit the process dies behind, %s', async (_, make) => {
    seen = [];
    during = () => undefined;
    const dying = new DyingSystem({ store: make(), actors: { worker }, maxTurnsPerCommit: 1, onEmit });
    await dying.open();
    await dying.start('worker', '1');
    for (const type of ['work', 'quiet', 'many', 'work']) await dying.post('worker/1', { type });
    await dying.settle();
    const expected = [
      ...['worker/1@2:0 before 0', 'worker/1@2:2 after 1', 'worker/1@2:3 worked 1'],
      ...[0, 1, 2, 3, 4].map((n) => `worker/1@4:${n} many ${n}`),
      ...['worker/1@5:0 before 2', 'worker/1@5:2 after 3', 'worker/1@5:3 worked 3'],
    ];
    expect([...new Set(seen)].toSorted()).toEqual(expected.toSorted());
    expect(dying.deaths).toBeGreaterThan(5);
    await dying.close();
  });

  it('of a child goes under the address of the child', async () => {
    const parent = setup({ actors: { worker } }).createMachine({
      invoke: { src: 'worker', id: 'kid/1' },
      entry: enqueueActions(({ enqueue }) => enqueue.sendTo('kid/1', { type: 'work' })),
    });
    seen = [];
    const opened = await open({ parent }, { onEmit });
    await opened.system.actor('parent', 'a');
    await opened.settle();
    expect(seen[0]).toBe('parent/a/kid%2F1@2:0 before 0');
  });
});

describe('an action', () => {
  it('knows the effect it runs in, also after an await, and nobody else does', async () => {
    const { opened } = await openWorker();
    const contexts: unknown[] = [currentEffect()];
    during = async () => {
      await ticks(2);
      contexts.push(currentEffect());
    };
    await work(opened);
    await opened.settle();
    expect(contexts).toEqual([
      undefined,
      { idempotencyKey: 'worker/1@2:0', address: 'worker/1', attempt: 1, mayRepeat: false },
      { idempotencyKey: 'worker/1@2:2', address: 'worker/1', attempt: 1, mayRepeat: false },
    ]);
    expect(currentEffect()).toBeUndefined();
  });

  it('that is a promise is owed until it is settled', async () => {
    const { opened } = await openWorker();
    let finish = (): void => {};
    during = ({ idempotencyKey }) =>
      idempotencyKey.endsWith(':2') ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
    await work(opened);
    const later = await opened.crash();
    await later.clock.advance(0, () => ticks());
    await ticks();
    // All effects of the turn are done again: they are settled together.
    expect(seen.filter((one) => one.includes('after'))).toHaveLength(2);
    finish();
    await later.settle();
    const before = [...seen];
    await (await later.crash()).settle();
    expect(seen).toEqual(before);
  });

  it.each([
    ['throws', () => explode()],
    ['rejects', () => Promise.reject(new RangeError('broken'))],
  ])('that %s is tried again twice, a little later, and then parked with its evidence', async (_, fail) => {
    const { opened, ref } = await openWorker();
    const attempts: (readonly [key: string, attempt: number, afterMs: number])[] = [];
    const start = opened.clock.now();
    during = ({ idempotencyKey, attempt }) => {
      attempts.push([idempotencyKey, attempt, opened.clock.now() - start]);
      return idempotencyKey.endsWith(':2') ? fail() : undefined;
    };
    expect((await work(opened)).seq).toBe(2);
    await opened.settle();
    await opened.advance(5000);
    expect(attempts).toEqual([
      ['worker/1@2:0', 1, 0],
      ['worker/1@2:2', 1, 0],
      ['worker/1@2:2', 2, 100],
      ['worker/1@2:2', 3, 1100],
    ]);
    expect(await lettersOf(opened)).toMatchObject([
      {
        address: 'worker/1',
        life: 1,
        reason: 'action',
        action: 'act',
        idempotencyKey: 'worker/1@2:2',
        error: { name: 'RangeError', message: 'broken' },
        at: start + 1100,
      },
    ]);
    // The step stands, the others were done, and the actor goes on.
    expect(seen).toContain('worker/1@2:3 worked 1');
    expect(ref.getSnapshot().context.n).toBe(1);
    attempts.length = 0;
    const later = await opened.crash();
    await later.advance(5000);
    expect(attempts).toEqual([]);
    expect(await lettersOf(later)).toHaveLength(1);
    await work(later, 'quiet');
  });

  it('that works at the second attempt is no dead letter', async () => {
    const { opened } = await openWorker();
    during = ({ attempt }) => (attempt === 1 ? explode() : undefined);
    await work(opened);
    await opened.advance(5000);
    expect(seen.filter((one) => one.includes('before'))).toHaveLength(2);
    expect(await lettersOf(opened)).toEqual([]);
    await (await opened.crash()).settle();
    expect(seen.filter((one) => one.includes('before'))).toHaveLength(2);
  });

  it('that hangs does not keep its actor, nor others, from their turns', async () => {
    const { opened, ref } = await openWorker();
    during = () => new Promise(() => {});
    await work(opened);
    expect((await work(opened, 'quiet')).seq).toBe(3);
    const other = await opened.system.actor('worker', '2');
    expect((await other.send({ type: 'quiet' })).seq).toBe(2);
    expect(ref.getSnapshot().context.n).toBe(2);
    await opened.kill();
  });
});

function explode(): never {
  throw new RangeError('broken');
}

describe('an emitted event', () => {
  it('is heard by those who listen to its type, to all, and by the system', async () => {
    const { opened, ref } = await openWorker();
    const heard: string[] = [];
    const subscriptions = [
      ref.on('worked', ({ n }) => void heard.push(`worked ${n}`)),
      ref.on('*', ({ type }) => void heard.push(`any ${type}`)),
      ref.on('worked', () => explode()),
    ];
    await work(opened);
    await opened.settle();
    expect(heard).toEqual(['worked 1', 'any worked']);
    expect(seen.at(-1)).toBe('worker/1@2:3 worked 1');
    for (const subscription of subscriptions) subscription.unsubscribe();
    await work(opened);
    await opened.settle();
    expect(heard).toHaveLength(2);
    expect(await lettersOf(opened)).toEqual([]);
  });
});
