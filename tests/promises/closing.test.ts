// The lie: "close() finishes what was accepted, takes nothing new, and leaves everything to be gone on with". Systems that
// are closed with a slow disk, in the middle of conversations, actions and processes, twice, and by `await using`.
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { createSystem } from 'heddle';
import { counter } from './counter.ts';
import { collect, isSettled, onDisk, open, rejection, STORES, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

/** How long closing waits for those who never come to an end. */
const PATIENCE_MS = 10_000;

async function openHeld() {
  const store = new WatchedStore();
  const opened = await open({ counter }, { store });
  const ref = await opened.system.actor('counter', '1');
  await opened.settle();
  store.hold();
  return { opened, store, ref, system: opened.system };
}

describe('close()', () => {
  it('waits for the disk, acknowledges what was accepted, and refuses what comes after', async () => {
    const { opened, store, ref, system } = await openHeld();
    const accepted = Array.from({ length: 10 }, () => ref.send({ type: 'add', by: 1 }));
    await ticks();
    const behind = ref.send({ type: 'add', by: 1 });
    const born = system.start('counter', { id: '2' });
    const closed = system.close();
    const refused = ref.send({ type: 'add', by: 100 });
    expect(await rejection(refused)).toMatchObject({ _tag: 'SystemClosed', retryable: false });
    expect(await rejection(system.start('counter'))).toMatchObject({ _tag: 'SystemClosed' });
    expect(await isSettled(closed)).toBe(false);
    store.release();
    await closed;
    const receipts = await Promise.all([...accepted, behind]);
    expect(receipts.map(({ seq }) => seq)).toEqual(Array.from({ length: 11 }, (_, n) => n + 2));
    expect((await born).address).toBe('counter/2');
    const later = await opened.reopen();
    expect(later.system.get('counter/1')!.getSnapshot().context.count).toBe(11);
    expect(later.system.get('counter/2')).toBeDefined();
    expect(await later.system.verify()).toMatchObject({ records: 13, broken: [] });
  });

  it('twice is closed once, and both wait for the end', async () => {
    const { store, ref, system } = await openHeld();
    void ref.send({ type: 'add', by: 1 });
    const [first, second] = [system.close(), system.close()];
    expect(await isSettled(first)).toBe(false);
    expect(await isSettled(second)).toBe(false);
    store.release();
    await Promise.all([first, second]);
    await system.close();
  });

  it.each(STORES)('gives the store back, %s', async (_, make) => {
    const store = make();
    const opened = await open({ counter }, { store });
    await (await opened.system.actor('counter', '1')).send({ type: 'add', by: 1 });
    await opened.system.close();
    const later = await open({ counter }, { store });
    expect(later.system.get('counter/1')!.getSnapshot().context.count).toBe(1);
  });

  it.each(STORES)('is what another system has to wait for, %s', async (_, make) => {
    const store = make();
    const { system } = await open({ counter }, { store });
    await system.actor('counter', '1');
    const second = await rejection(createSystem({ store, actors: { counter } }));
    expect(second).toMatchObject({ _tag: 'StoreLocked', retryable: true });
  });

  it('lets a conversation that was begun come to its end', async () => {
    type Ball = { type: 'ball'; left: number };
    const player = setup({
      types: {
        context: {} as { other: AnyActorRef | undefined; played: number },
        events: {} as Ball | { type: 'meet'; other: AnyActorRef },
      },
    }).createMachine({
      context: { other: undefined, played: 0 },
      on: {
        meet: { actions: assign({ other: ({ event }) => event.other }) },
        ball: {
          actions: [
            assign({ played: ({ context }) => context.played + 1 }),
            enqueueActions(({ enqueue, event, context }) => {
              if (event.left > 0) enqueue.sendTo(context.other!, { type: 'ball', left: event.left - 1 });
            }),
          ],
        },
      },
    });
    const opened = await open({ player });
    const [one, two] = [await opened.system.actor('player', '1'), await opened.system.actor('player', '2')];
    await one.send({ type: 'meet', other: two as never });
    await two.send({ type: 'meet', other: one as never });
    const served = one.send({ type: 'ball', left: 999 });
    const later = await opened.reopen();
    await served;
    for (const id of ['1', '2'])
      expect(later.system.get(`player/${id}`)!.getSnapshot().context.played).toBe(500);
  });

  it('waits for actions, and leaves one that hangs to the next opening', async () => {
    let finish = (): void => {};
    const begun: string[] = [];
    const actor = setup({ types: { events: {} as { type: 'quick' | 'slow' } } }).createMachine({
      on: {
        '*': {
          actions: ({ event }: { event: { type: string } }) => {
            begun.push(event.type);
            return event.type === 'slow' ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
          },
        },
      },
    } as never);
    const opened = await open({ actor });
    const ref = await opened.system.actor('actor', '1');
    await ref.send({ type: 'slow' } as never);
    const closed = opened.system.close();
    expect(await isSettled(closed)).toBe(false);
    finish();
    await closed;
    const later = await opened.reopen();
    await later.settle();
    expect(begun).toEqual(['slow']);

    await later.system.get('actor/1')!.send({ type: 'slow' } as never);
    const second = later.system.close();
    await later.clock.advance(PATIENCE_MS - 1, () => ticks());
    expect(await isSettled(second)).toBe(false);
    await later.clock.advance(1, () => ticks());
    await second;
    const last = await later.reopen();
    await ticks();
    expect(begun).toEqual(['slow', 'slow', 'slow']);
    await last.kill();
  });

  it('stops processes, records nothing of it, and they start again', async () => {
    const runs: { signal: AbortSignal; finish(value: unknown): void }[] = [];
    const job = fromPromise(({ signal }) => new Promise((finish) => runs.push({ signal, finish })));
    const boss = setup({ actors: { job } }).createMachine({
      initial: 'working',
      states: { working: { invoke: { src: 'job', id: 'job', onDone: 'over' } }, over: {} },
    });
    const opened = await open({ boss });
    await opened.system.actor('boss', '1');
    await opened.settle();
    const closed = opened.system.close();
    expect(runs[0]!.signal.aborted).toBe(true);
    runs[0]!.finish('too late');
    await closed;
    const later = await opened.reopen();
    await later.settle();
    expect(runs).toHaveLength(2);
    expect(later.system.get('boss/1')!.getSnapshot().value).toBe('working');
    expect(await collect(later.system.history('boss/1/job'))).toHaveLength(1);
    runs[1]!.finish('in time');
    await later.settle();
    expect(later.system.get('boss/1')!.getSnapshot().value).toBe('over');
  });

  it('comes to an end while the store is fenced, and rejects who waits', async () => {
    const { opened, store, ref, system } = await openHeld();
    store.failure = new Error('the disk is full');
    const inBatch = ref.send({ type: 'add', by: 1 });
    await ticks();
    const closed = system.close();
    store.release();
    await closed;
    expect(await rejection(inBatch)).toMatchObject({ _tag: 'StoreFenced', applied: 'unknown' });
    expect((await opened.reopen()).system.get('counter/1')!.getSnapshot().context.count).toBe(0);
  });

  it('happens at the end of a block with `await using`, also when it is left by an error', async () => {
    const store = onDisk();
    for (const fails of [false, true]) {
      const block = async (): Promise<void> => {
        await using system = await createSystem({ store, actors: { counter } });
        const ref = await system.actor('counter', '1');
        // Nobody waits for it: closing does.
        void ref.send({ type: 'add', by: 1 });
        if (fails) throw new Error('out of the block');
      };
      expect(await block().catch((error: Error) => error.message)).toBe(
        fails ? 'out of the block' : undefined,
      );
    }
    const { system } = await open({ counter }, { store });
    expect(system.get('counter/1')!.getSnapshot().context.count).toBe(2);
  });
});

describe('stop(address)', () => {
  it('ends a life behind what was sent before, and all that hangs on it', async () => {
    const stopped: string[] = [];
    const job = fromPromise(
      ({ signal }) => new Promise(() => signal.addEventListener('abort', () => stopped.push('job'))),
    );
    const parent = setup({
      types: { context: {} as { heard: number }, events: {} as { type: 'hear' } },
      actors: { job, counter },
    }).createMachine({
      context: { heard: 0 },
      invoke: [
        { src: 'job', id: 'job' },
        { src: 'counter', id: 'kid' },
      ],
      entry: sendTo(({ self }) => self, { type: 'hear' }, { delay: 1000 }),
      exit: () => void stopped.push('exit'),
      on: { hear: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
    });
    const opened = await open({ parent });
    const { system } = opened;
    const ref = await system.actor('parent', '1');
    await opened.settle();
    const ends: string[] = [];
    ref.subscribe({ next: ({ status }) => ends.push(status), complete: () => ends.push('complete') });
    const before = ref.send({ type: 'hear' });
    const stop = system.stop('parent/1');
    const behind = ref.send({ type: 'hear' });
    await Promise.all([before, stop]);
    expect(await rejection(behind)).toMatchObject({ _tag: 'ActorEnded', status: 'stopped' });
    expect(ref.getSnapshot()).toMatchObject({ status: 'stopped', context: { heard: 1 } });
    await opened.settle();
    expect(ends).toEqual(['active', 'stopped', 'complete']);
    expect(stopped).toContain('job');
    await system.stop('parent/1');
    const later = await opened.crash();
    await later.advance(10_000);
    for (const address of ['parent/1', 'parent/1/kid', 'parent/1/job']) {
      expect(later.system.get(address)!.getSnapshot().status).toBe('stopped');
    }
    expect(await collect(later.system.history('parent/1', { from: 3 }))).toMatchObject([
      { event: { type: 'xstate.stop' }, cause: { kind: 'system' } },
    ]);
    expect(await later.system.replay('parent/1')).toMatchObject({ same: true });
  });

  it('is done when that is on the disk, and not before', async () => {
    const { opened, store, ref, system } = await openHeld();
    const stop = system.stop('counter/1');
    expect(await isSettled(stop)).toBe(false);
    expect(ref.getSnapshot().status).toBe('active');
    store.release();
    await stop;
    expect(ref.getSnapshot().status).toBe('stopped');
    expect((await opened.crash()).system.get('counter/1')!.getSnapshot().status).toBe('stopped');
  });

  it('leaves an actor that has ended as it is', async () => {
    const opened = await open({ counter });
    const ref = await opened.system.actor('counter', '1');
    await ref.send({ type: 'add', by: 7 });
    await ref.send({ type: 'finish' });
    await opened.system.stop('counter/1');
    expect(ref.getSnapshot()).toMatchObject({ status: 'done', output: 7 });
    expect(await collect(opened.system.history('counter/1'))).toHaveLength(3);
  });
});
