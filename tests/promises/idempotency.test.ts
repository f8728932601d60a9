// The lie: "the same id gives the same receipt, once applied, across crashes". The same send again while the first is
// under way, after it, after a crash that swallowed the acknowledgement, after a failed write, after the actor's end.
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { Receipt } from 'heddle';
import { DyingSystem } from '../dying-system.ts';
import { counter } from './counter.ts';
import { collect, open, rejection, STORES, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

type Counters = { readonly counter: typeof counter };

function send(opened: Opened<Counters>, id: string, by = 1, actor = '1'): Promise<Receipt> {
  return opened.system.get(`counter/${actor}`)!.send({ type: 'add', by }, { id });
}

function countOf(opened: Opened<Counters>, actor = '1'): number {
  return opened.system.get(`counter/${actor}`)!.getSnapshot().context.count;
}

async function openWith(store = new WatchedStore()) {
  const opened = await open({ counter }, { store });
  await opened.system.actor('counter', '1');
  return { opened, store };
}

describe('a send with an id that was used', () => {
  it('at the same time, is the same send', async () => {
    const { opened } = await openWith();
    const receipts = await Promise.all(Array.from({ length: 50 }, () => send(opened, 'once')));
    for (const receipt of receipts) expect(receipt).toEqual(receipts[0]);
    expect(countOf(opened)).toBe(1);
    expect(await collect(opened.system.history('counter/1', { from: 2 }))).toMatchObject([{ id: 'once' }]);
  });

  it('while the first still waits for the disk, waits with it', async () => {
    const { opened, store } = await openWith();
    store.hold();
    const first = send(opened, 'once');
    await ticks();
    const second = send(opened, 'once', 1000);
    store.release();
    expect(await second).toEqual(await first);
    expect(countOf(opened)).toBe(1);
  });

  it.each(STORES)(
    'later, and after openings and crashes, gives the same receipt literally, %s',
    async (_, make) => {
      let opened: Opened<Counters> = await open({ counter }, { store: make() });
      await opened.system.actor('counter', '1');
      // In one frame with others, and in a frame that others have followed.
      const [first] = await Promise.all([send(opened, 'once'), send(opened, 'other'), send(opened, 'third')]);
      await send(opened, 'fourth', 10);
      for (const again of ['reopen', 'crash', 'reopen'] as const) {
        expect(await send(opened, 'once', 1000)).toEqual(first);
        opened = await opened[again]();
      }
      expect(await send(opened, 'once', 1000)).toEqual(first);
      expect(countOf(opened)).toBe(13);
      expect(await collect(opened.system.history('counter/1'))).toHaveLength(5);
    },
  );

  it('and whose acknowledgement died with the process, is not applied again', async () => {
    const { opened, store } = await openWith();
    store.isMute = true;
    const unanswered = send(opened, 'once');
    await ticks();
    store.isMute = false;
    expect(store.written).toBeGreaterThan(1);
    const later = await opened.crash();
    expect(countOf(later)).toBe(1);
    const receipt = await send(later, 'once');
    expect(receipt).toMatchObject({ seq: 2, address: 'counter/1' });
    const { head } = await later.system.verify();
    expect(receipt).toMatchObject({ hash: head.hash, commit: head.commit });
    expect(countOf(later)).toBe(1);
    void unanswered;
  });

  it('and whose batch died with the process, is applied', async () => {
    const { opened, store } = await openWith();
    store.hold();
    void send(opened, 'once');
    await ticks();
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    const later = await opened.crash();
    expect(countOf(later)).toBe(0);
    expect((await send(later, 'once')).seq).toBe(2);
    expect(countOf(later)).toBe(1);
  });

  it.each([true, false])(
    'and whose write failed, though it reached the disk: %s, is applied once',
    async (reached) => {
      const { opened, store } = await openWith();
      store.failure = new Error('the disk is full');
      store.appliesFailures = reached;
      expect(await rejection(send(opened, 'once'))).toMatchObject({ applied: 'unknown' });
      await opened.settle();
      expect(countOf(opened)).toBe(reached ? 1 : 0);
      expect((await send(opened, 'once')).seq).toBe(2);
      expect(countOf(opened)).toBe(1);
    },
  );

  it('for an actor that has ended since, still gives its receipt', async () => {
    const { opened } = await openWith();
    const first = await send(opened, 'once');
    await opened.system.get('counter/1')!.send({ type: 'finish' });
    expect(await send(opened, 'once')).toEqual(first);
    const later = await opened.reopen();
    expect(await send(later, 'once')).toEqual(first);
    expect(await rejection(send(later, 'another'))).toMatchObject({ _tag: 'ActorEnded' });
  });

  it('for another actor, is another send', async () => {
    const { opened } = await openWith();
    await opened.system.actor('counter', '2');
    const receipts = await Promise.all([send(opened, 'once', 1), send(opened, 'once', 5, '2')]);
    expect(receipts.map(({ address }) => address)).toEqual(['counter/1', 'counter/2']);
    expect([countOf(opened), countOf(opened, '2')]).toEqual([1, 5]);
    const later = await opened.reopen();
    expect(await send(later, 'once', 9, '2')).toEqual(receipts[1]);
  });
});

describe('an id', () => {
  it('of a send that was refused is free', async () => {
    const { opened } = await openWith();
    const ref = opened.system.get('counter/1')!;
    const refused = ref.send({ type: 'add', by: 1, note: () => {} }, { id: 'once' });
    expect(await rejection(refused)).toMatchObject({ _tag: 'NotSerialisable' });
    expect((await send(opened, 'once')).seq).toBe(2);
    expect(countOf(opened)).toBe(1);
  });

  it('of a send whose step threw is free, also after an opening', async () => {
    let isBroken = true;
    const fragile = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      on: {
        GO: {
          actions: assign({
            n: ({ context }) => {
              if (isBroken) throw new Error('broken');
              return context.n + 1;
            },
          }),
        },
      },
    });
    const opened = await open({ fragile });
    const ref = await opened.system.actor('fragile', '1');
    expect(await rejection(ref.send({ type: 'GO' }, { id: 'once' }))).toMatchObject({ _tag: 'StepFailed' });
    const later = await opened.reopen();
    isBroken = false;
    const back = later.system.get('fragile/1')!;
    expect((await back.send({ type: 'GO' }, { id: 'once' })).seq).toBe(2);
    expect(back.getSnapshot().context.n).toBe(1);
  });

  it.each([
    ['an empty text', ''],
    ['a number', 7],
    ['null', null],
    ['an object', {}],
    ['a lone surrogate', 'a\ud800'],
  ])('that is %s is refused', async (_, id) => {
    const { opened } = await openWith();
    const ref = opened.system.get('counter/1')!;
    // An id that the type does not allow.
    const sent = ref.send({ type: 'add', by: 1 }, { id: id as string });
    expect(await rejection(sent)).toMatchObject({ _tag: 'InvalidArgument', path: 'options.id' });
    expect(countOf(opened)).toBe(0);
    expect(await collect(opened.system.history('counter/1'))).toHaveLength(1);
  });

  it.each(['x', ' ', 'ключ', '\u0000', 'a'.repeat(10_000), '__proto__'])(
    'may be any other text: %#',
    async (id) => {
      const { opened } = await openWith();
      const receipt = await send(opened, id);
      const later = await opened.reopen();
      expect(await send(later, id)).toEqual(receipt);
      expect(await collect(later.system.history('counter/1', { from: 2 }))).toMatchObject([{ id }]);
    },
  );
});

describe('killed after every commit', () => {
  it.each(STORES)('every send is applied once, %s', async (_, make) => {
    const dying = new DyingSystem({ store: make(), actors: { counter }, maxTurnsPerCommit: 1 });
    await dying.open();
    await dying.start('counter', '1');
    for (let by = 1; by <= 8; by++) await dying.post('counter/1', { type: 'add', by });
    expect(dying.system.get('counter/1')!.getSnapshot().context.count).toBe(36);
    const told = await collect(dying.system.history('counter/1', { from: 2 }));
    expect(told.map(({ event }) => event['by'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(dying.deaths).toBeGreaterThan(8);
    await dying.close();
  });
});
