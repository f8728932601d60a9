// The lie: "what is recorded ahead of something else is never missing where that is there". Writes that fail in between, that die, that
// are held back; births that cannot be; actors that stand still; and nobody who records anything after it.
import { beforeAll, describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { ActorEnded, MailboxFull, NotPermitted, StepFailed, StoreFenced, SystemClosed } from 'heddle';
import { roles } from 'heddle/actors';
import { memory } from 'heddle/storage';
import type { ActorDefinitions } from 'heddle';
import { childrenFromSource } from '../from-source.ts';
import { DyingSystem } from '../dying-system.ts';
import { isSettled, open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

beforeAll(childrenFromSource);

const noted = setup({
  types: { input: {} as string | undefined, events: {} as { type: 'note' } | { type: 'end' } },
}).createMachine({
  context: ({ input }) => {
    if (input === 'bad') throw new Error('a bad one');
    return {};
  },
  initial: 'on',
  states: { on: { on: { note: {}, end: 'off' } }, off: { type: 'final' } },
});
const ACTORS = { noted };

const start = (id: string, input?: unknown) => ['noted', { id, input }] as const;

describe('what is recorded ahead', () => {
  it('is taken, and not on the disk, when that is known', async () => {
    const store = new WatchedStore();
    const { system, runtime } = await open(ACTORS, { store });
    store.hold();
    expect(await system.ahead.start(...start('1'))).toBe(true);
    expect(system.get('noted/1')).toBeUndefined();
    expect(runtime.population.find('noted/1')?.snapshot?.status).toBe('active');
    store.release();
    await ticks();
    const ref = system.get('noted/1')!;
    store.hold();
    await system.ahead.send(ref, { type: 'end' });
    expect(ref.getSnapshot().status).toBe('active');
    store.release();
    await ticks();
    expect(ref.getSnapshot().status).toBe('done');
  });

  it('is in one commit with what is recorded right after it', async () => {
    const store = new WatchedStore();
    const opened = await open(ACTORS, { store });
    const { system } = opened;
    const other = await system.actor('noted', 'other');
    await opened.settle();
    const before = store.written;
    await system.ahead.start(...start('1'));
    await system.ahead.start(...start('2'));
    await other.send({ type: 'note' });
    expect(store.written).toBe(before + 1);
    await opened.settle();
    expect(store.written).toBe(before + 1);
  });

  it('is on the disk soon though nothing follows', async () => {
    const opened = await open(ACTORS);
    await opened.system.ahead.start(...start('1'));
    await opened.settle();
    const again = await opened.crash();
    expect(again.system.get('noted/1')).toBeDefined();
  });

  it('is said not to be new where somebody is, or is about to be', async () => {
    const store = new WatchedStore();
    const { system } = await open(ACTORS, { store });
    await system.actor('noted', 'old');
    store.hold();
    const both = [system.ahead.start(...start('1')), system.ahead.start(...start('1'))];
    expect(await Promise.all([...both, system.ahead.start(...start('old'))])).toEqual([true, false, false]);
  });

  it('is refused as it would be otherwise', async () => {
    const opened = await open(ACTORS, { mailbox: { capacity: 1 } });
    const { system } = opened;
    expect(await rejection(system.ahead.start(...start('1', 'bad')))).toBeInstanceOf(StepFailed);
    expect(system.get('noted/1')).toBeUndefined();
    const ref = await system.actor('noted', '2');
    await system.pause({ address: 'noted/2' });
    const first = system.ahead.send(ref, { type: 'note' });
    expect(await rejection(system.ahead.send(ref, { type: 'note' }))).toBeInstanceOf(MailboxFull);
    expect(await isSettled(first)).toBe(false);
    await system.resume({ address: 'noted/2' });
    await first;
    await ref.send({ type: 'end' });
    expect(await rejection(system.ahead.send(ref, { type: 'note' }))).toBeInstanceOf(ActorEnded);
    await system.close();
    expect(await rejection(system.ahead.start(...start('3')))).toBeInstanceOf(SystemClosed);
  });

  it('needs the same permission', async () => {
    const { system } = await open(ACTORS, { decider: roles({ grants: [] }) });
    expect(await rejection(system.ahead.start(...start('1')))).toBeInstanceOf(NotPermitted);
  });

  it('waits as long as its actor stands still', async () => {
    const opened = await open(ACTORS);
    await opened.system.pause({ name: 'noted' });
    const born = opened.system.ahead.start(...start('1'));
    expect(await isSettled(born)).toBe(false);
    await opened.system.resume({ name: 'noted' });
    expect(await born).toBe(true);
  });

  it('is recorded again when a write has failed meanwhile', async () => {
    const store = new WatchedStore();
    const opened = await open(ACTORS, { store });
    const { system, runtime } = opened;
    let rounds = 0;
    await system.ahead.all(async () => {
      rounds++;
      if (rounds === 1) store.failure = new Error('no room');
      const isNew = await system.ahead.start(...start('1'));
      expect(isNew).toBe(true);
      if (rounds > 1) return;
      // What was taken is lost in the meantime.
      await ticks();
      while (runtime.isFenced) await ticks(1);
      expect(system.get('noted/1')).toBeUndefined();
    });
    expect([rounds, runtime.metrics.fences]).toEqual([2, 1]);
    await opened.settle();
    expect(system.get('noted/1')).toBeDefined();
  });

  it('is refused while the store is fenced', async () => {
    const store = new WatchedStore();
    const { system } = await open(ACTORS, { store });
    store.failure = new Error('no room');
    await rejection(system.start('noted', { id: 'lost' }));
    expect(await rejection(system.ahead.start(...start('1')))).toBeInstanceOf(StoreFenced);
  });

  it('by a process is there whenever what the process reports is', async () => {
    /** Looks at what is on the disk whenever it is opened. */
    async function play(dieAt: number) {
      let commits = 0;
      const missing: string[] = [];
      const work = fromPromise(async ({ input }: { input: string }) => {
        const { ahead } = dying.system;
        await ahead.all(async () => void (await ahead.start(...start(input))));
      });
      const asks = setup({ actors: { work } }).createMachine({
        initial: 'one',
        states: {
          one: { invoke: { src: 'work', input: 'one', onDone: 'two' } },
          two: { invoke: { src: 'work', input: 'two', onDone: 'end' } },
          end: { type: 'final' },
        },
      });
      const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
        store: memory(),
        actors: { noted, asks },
        // What is taken one after the other is on the disk one after the other.
        maxTurnsPerCommit: 1,
        dies: () => ++commits === dieAt,
        onOpen: (system) => {
          for (const step of ['one', 'two'])
            if (
              system.get(`asks/1/0.(machine).${step}`)?.getSnapshot().status === 'done' &&
              system.get(`noted/${step}`) === undefined
            )
              missing.push(step);
        },
      });
      await dying.open();
      await dying.start('asks', '1', {});
      await dying.settle();
      const { status } = dying.system.get('asks/1')!.getSnapshot();
      const kept = ['one', 'two'].map((step) => dying.system.get(`noted/${step}`) !== undefined);
      const children: string[] = [];
      for await (const address of dying.system.addresses()) children.push(address);
      const { deaths } = dying;
      await dying.close();
      return { outcome: { status, kept, missing, children: children.toSorted() }, commits, deaths };
    }
    const calm = await play(0);
    expect(calm.outcome).toMatchObject({ status: 'done', kept: [true, true] });
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at++) {
      const died = await play(at);
      expect([at, died.outcome]).toEqual([at, calm.outcome]);
      deaths += died.deaths;
    }
    expect(deaths).toBe(calm.commits);
  });
});
