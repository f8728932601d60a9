// The lie: "idle actors leave memory and come back as they were; opening a system costs what is owed and live, not what
// exists". Actors that sleep, that are kept awake, and twenty thousand of which three have something to do.
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, raise, sendParent, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { durable } from 'heddle';
import { counter } from './counter.ts';
import { collect, open, rejection, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

/** How long an actor stays without anything to do, and how often somebody looks. */
const IDLE_MS = 30_000;
const LOOK_MS = IDLE_MS / 4;

const isAwake = ({ runtime }: Opened<never>, address: string): boolean =>
  runtime.population.presentAt(address) !== undefined;

describe('an idle actor', () => {
  it('leaves memory after its time, and comes back as it was with the next message', async () => {
    const opened = await open({ counter });
    const ref = await opened.system.actor('counter', '1');
    await ref.send({ type: 'add', by: 1 });
    await opened.advance(IDLE_MS - LOOK_MS);
    expect(isAwake(opened as never, 'counter/1')).toBe(true);
    await opened.advance(2 * LOOK_MS);
    expect(isAwake(opened as never, 'counter/1')).toBe(false);
    expect((await ref.send({ type: 'add', by: 1 })).seq).toBe(3);
    expect(isAwake(opened as never, 'counter/1')).toBe(true);
    expect(ref.getSnapshot().context.count).toBe(2);
    await opened.advance(IDLE_MS + LOOK_MS);
    expect(isAwake(opened as never, 'counter/1')).toBe(false);
    // A look wakes it too.
    expect(ref.getSnapshot().context.count).toBe(2);
    expect(await opened.system.replay('counter/1')).toMatchObject({ same: true, records: 3 });
  });

  it('leaves once, however long the write of its checkpoint takes', async () => {
    const store = new WatchedStore();
    const opened = await open({ counter }, { store });
    const ref = await opened.system.actor('counter', '1');
    await ref.send({ type: 'add', by: 1 });
    store.hold();
    // It is sent away, and found clean before that is on the disk.
    for (let looks = 0; looks < 8; looks++) await opened.clock.advance(LOOK_MS, () => ticks());
    expect(isAwake(opened as never, 'counter/1')).toBe(false);
    const [sent] = [ref.send({ type: 'add', by: 1 }), await ticks()];
    store.release();
    await sent;
    await opened.settle();
    expect(isAwake(opened as never, 'counter/1')).toBe(true);
    expect((await opened.system.get('counter/1')!.send({ type: 'add', by: 1 })).seq).toBe(4);
    expect(ref.getSnapshot().context.count).toBe(3);
    expect((await opened.system.verify()).broken).toEqual([]);
    expect((await opened.crash()).system.get('counter/1')!.getSnapshot().context.count).toBe(3);
  });

  it('comes back with the next timer', async () => {
    const sleeper = setup({}).createMachine({
      initial: 'asleep',
      states: { asleep: { after: { [10 * IDLE_MS]: 'awake' } }, awake: {} },
    });
    const opened = await open({ sleeper });
    const ref = await opened.system.actor('sleeper', '1');
    await opened.advance(2 * IDLE_MS);
    expect(isAwake(opened as never, 'sleeper/1')).toBe(false);
    await opened.advance(8 * IDLE_MS - 1);
    expect(isAwake(opened as never, 'sleeper/1')).toBe(false);
    await opened.advance(1);
    expect(isAwake(opened as never, 'sleeper/1')).toBe(true);
    expect(ref.getSnapshot().value).toBe('awake');
  });

  it('comes back with a message of another, and its parent and children know each other still', async () => {
    const kid = setup({ types: { events: {} as { type: 'ask' } } }).createMachine({
      on: { ask: { actions: sendParent({ type: 'answer' }) } },
    });
    const parent = setup({
      types: {
        context: {} as { answers: number; kid: AnyActorRef | undefined },
        events: {} as { type: 'ask' | 'answer' },
      },
      actors: { kid },
    }).createMachine({
      context: ({ spawn }) => ({
        answers: 0,
        kid: spawn('kid', { id: 'kid', systemId: 'the kid' }) as AnyActorRef,
      }),
      on: {
        ask: {
          actions: [
            sendTo(({ context }) => context.kid!, { type: 'ask' }),
            sendTo(({ system }) => system.get('the kid') as AnyActorRef, { type: 'ask' }),
            sendTo('kid', { type: 'ask' }),
          ],
        },
        answer: { actions: assign({ answers: ({ context }) => context.answers + 1 }) },
      },
    });
    const opened = await open({ parent });
    const ref = await opened.system.actor('parent', '1');
    for (let round = 1; round <= 3; round++) {
      await opened.advance(2 * IDLE_MS);
      for (const address of ['parent/1', 'parent/1/kid'])
        expect(isAwake(opened as never, address)).toBe(false);
      expect(opened.runtime.systemIds.size).toBe(0);
      await ref.send({ type: 'ask' });
      await opened.settle();
      expect(ref.getSnapshot().context.answers).toBe(3 * round);
    }
  });

  it('stays while somebody watches it, while its process runs, and while its action does', async () => {
    const job = fromPromise(() => new Promise(() => {}));
    const actor = setup({ types: { events: {} as { type: 'act' } } }).createMachine({
      on: { act: { actions: () => new Promise<void>(() => {}) } },
    });
    const opened = await open({ counter, job, actor });
    const watched = await opened.system.actor('counter', 'watched');
    const subscription = watched.subscribe(() => {});
    await opened.system.actor('job', '1');
    await (await opened.system.actor('actor', '1')).send({ type: 'act' });
    await opened.clock.advance(3 * IDLE_MS, () => ticks(3));
    for (const address of ['counter/watched', 'job/1', 'actor/1'])
      expect(isAwake(opened as never, address)).toBe(true);
    subscription.unsubscribe();
    await opened.clock.advance(IDLE_MS, () => ticks(3));
    expect(isAwake(opened as never, 'counter/watched')).toBe(false);
    await opened.kill();
  });

  it('leaves when its child spec says so, and never before its checkpoint is on the disk', async () => {
    const store = new WatchedStore();
    const logic = {
      brief: durable(counter, { passivateAfter: '10 seconds' }),
      lasting: durable(counter, { passivateAfter: Infinity }),
    };
    const opened = await open(logic, { store });
    for (const name of ['brief', 'lasting'] as const) {
      await (await opened.system.actor(name, '1')).send({ type: 'add', by: 5 });
    }
    store.hold();
    await opened.clock.advance(20_000, () => ticks(3));
    expect(isAwake(opened as never, 'brief/1')).toBe(true);
    // Something comes in between: it stays.
    const sent = opened.system.get('brief/1')!.send({ type: 'add', by: 1 });
    store.release();
    await sent;
    expect(isAwake(opened as never, 'brief/1')).toBe(true);
    await opened.advance(20_000);
    expect(isAwake(opened as never, 'brief/1')).toBe(false);
    await opened.advance(100 * IDLE_MS);
    expect(isAwake(opened as never, 'lasting/1')).toBe(true);
    const later = await opened.crash();
    expect(later.system.get('brief/1')!.getSnapshot().context.count).toBe(6);
  });

  it('that has ended leaves like the others, and can still be read', async () => {
    const opened = await open({ counter });
    const ref = await opened.system.actor('counter', '1');
    await ref.send({ type: 'add', by: 3 });
    await ref.send({ type: 'finish' });
    await opened.advance(IDLE_MS + LOOK_MS);
    expect(isAwake(opened as never, 'counter/1')).toBe(false);
    expect(ref.getSnapshot()).toMatchObject({ status: 'done', output: 3 });
    expect(await rejection(ref.send({ type: 'add', by: 1 }))).toMatchObject({ _tag: 'ActorEnded' });
  });
});

describe('a store of many', () => {
  const COUNT = 20_000;

  /** Counts, and may set itself an alarm. */
  const many = setup({
    types: {
      context: {} as { n: number },
      events: {} as { type: 'inc' } | { type: 'alarm' } | { type: 'rung' },
    },
  }).createMachine({
    context: { n: 0 },
    on: {
      inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      alarm: { actions: raise({ type: 'rung' }, { delay: 1e9 }) },
      rung: { actions: assign({ n: 1000 }) },
    },
  });

  it('is opened by reading what is owed and live, not what exists', async () => {
    const store = new WatchedStore();
    const opened = await open({ many }, { store });
    const refs = await Promise.all(
      Array.from({ length: COUNT }, (_, n) => opened.system.actor('many', String(n))),
    );
    for (const n of [7, 8]) await refs[n]!.send({ type: 'inc' });
    await refs[9]!.send({ type: 'alarm' });
    // All of them fall asleep; it takes some looks.
    for (let rounds = 0; opened.runtime.population.size > 0 && rounds < 100; rounds++)
      await opened.advance(LOOK_MS);
    expect(opened.runtime.population.size).toBe(0);
    await refs[7]!.send({ type: 'inc' });
    await opened.kill();

    store.gets = store.scanned = 0;
    const later = await open({ many }, { store }, opened.clock);
    await later.settle();
    const { gets, scanned } = store;
    // The frames since the low-water mark, the marks, and the rows of the few that have something to do.
    expect(gets + scanned).toBeLessThan(COUNT / 10);
    expect(later.runtime.population.size).toBeLessThan(10);
    expect(later.system.get('many/7')!.getSnapshot().context.n).toBe(2);
    expect(later.system.get('many/8')!.getSnapshot().context.n).toBe(1);
    expect(later.system.get('many/19999')!.getSnapshot().context.n).toBe(0);
    await later.clock.advance(1e9, async () => {});
    await later.settle();
    expect(later.system.get('many/9')!.getSnapshot().context.n).toBe(1000);
    expect(await collect(later.system.history('many/7'))).toHaveLength(3);
  });
});
