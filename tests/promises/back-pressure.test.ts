// The lie: "bounded mailboxes, a clear MailboxFull, no unbounded queue anywhere". Outsiders, steps and processes send
// more than anybody can take while the disk stands still; others want their turn meanwhile.
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, fromCallback, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import type { Receipt } from 'heddle';
import { counter } from './counter.ts';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, isSettled, open, rejection, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

const CAPACITY = 10;
/** Messages from within may exceed the capacity by this factor. */
const INTERNAL_FACTOR = 10;
/** With so much unwritten, turns wait for the disk. */
const PENDING_BYTES = 4 << 20;

const listener = setup({
  types: {
    context: {} as { heard: number[] },
    events: {} as { type: 'hear'; n: number; bytes?: Uint8Array },
  },
}).createMachine({
  context: { heard: [] },
  on: { hear: { actions: assign({ heard: ({ context, event }) => [...context.heard, event.n] }) } },
});

/** A system whose disk stands still, and whose turns wait for it. */
async function openStuck() {
  const store = new WatchedStore();
  const opened = await open({ listener }, { store, mailbox: { capacity: CAPACITY } });
  const stuffed = await opened.system.actor('listener', 'stuffed');
  const ref = await opened.system.actor('listener', '1');
  const other = await opened.system.actor('listener', '2');
  store.hold();
  void stuffed.send({ type: 'hear', n: 0, bytes: new Uint8Array(PENDING_BYTES) });
  await ticks();
  void stuffed.send({ type: 'hear', n: 1, bytes: new Uint8Array(PENDING_BYTES) });
  return { opened, store, ref, other };
}

describe('events from outside', () => {
  it('beyond the capacity are refused with MailboxFull, and all others are taken in order', async () => {
    const { opened, store, ref } = await openStuck();
    const sends = Array.from({ length: CAPACITY + 5 }, (_, n) => ref.send({ type: 'hear', n }));
    const refusals = await Promise.all(sends.slice(CAPACITY).map(rejection));
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        _tag: 'MailboxFull',
        code: 'HEDDLE_MAILBOX_FULL',
        address: 'listener/1',
        capacity: CAPACITY,
        retryable: true,
      });
    }
    for (const sent of sends.slice(0, CAPACITY)) expect(await isSettled(sent)).toBe(false);
    store.release();
    const seqs = (await Promise.all(sends.slice(0, CAPACITY))).map(({ seq }) => seq);
    const numbers = Array.from({ length: CAPACITY }, (_, n) => n);
    expect(seqs).toEqual(numbers.map((n) => n + 2));
    expect(ref.getSnapshot().context.heard).toEqual(numbers);
    await ref.send({ type: 'hear', n: 99 });
    expect(ref.getSnapshot().context.heard).toEqual([...numbers, 99]);
    expect(await lettersOf(opened)).toEqual([]);
  });

  it('that were refused may be sent again under the same id', async () => {
    const { store, ref } = await openStuck();
    for (let n = 0; n < CAPACITY; n++) void ref.send({ type: 'hear', n });
    const refused = await rejection(ref.send({ type: 'hear', n: 50 }, { id: 'again' }));
    expect(refused).toMatchObject({ _tag: 'MailboxFull' });
    store.release();
    await ticks();
    await ref.send({ type: 'hear', n: 51 }, { id: 'again' });
    expect(ref.getSnapshot().context.heard.at(-1)).toBe(51);
  });

  it('fill one mailbox and no other', async () => {
    const { store, ref, other } = await openStuck();
    for (let n = 0; n <= CAPACITY; n++) void ref.send({ type: 'hear', n });
    const sent = other.send({ type: 'hear', n: 7 });
    store.release();
    expect((await sent).seq).toBe(2);
  });

  it('are ten thousand by default', async () => {
    const store = new WatchedStore();
    const { system } = await open({ counter }, { store });
    const ref = await system.actor('counter', '1');
    store.hold();
    for (let n = 0; n < 2; n++) {
      void ref.send({ type: 'add', by: 1, note: new Uint8Array(PENDING_BYTES) });
      await ticks(3);
    }
    for (let n = 0; n < 10_000; n++) void ref.send({ type: 'add', by: 1 });
    const refused = await rejection(ref.send({ type: 'add', by: 1 }));
    expect(refused).toMatchObject({ _tag: 'MailboxFull', capacity: 10_000 });
  });
});

describe('turns', () => {
  it('are shared: an actor with one event does not wait for one with many', async () => {
    const { store, ref, other } = await openStuck();
    const order: string[] = [];
    const note = ({ address, seq }: Receipt): void => void order.push(`${address} ${seq}`);
    const sends = Array.from({ length: CAPACITY }, (_, n) => ref.send({ type: 'hear', n }).then(note));
    sends.push(other.send({ type: 'hear', n: 0 }).then(note));
    store.release();
    await Promise.all(sends);
    expect(order.indexOf('listener/2 2')).toBe(1);
    const own = order.filter((one) => one.startsWith('listener/1'));
    expect(own).toEqual(own.toSorted((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1])));
  });

  it('of one actor follow the order of the sends, taken at once or after a wait', async () => {
    const store = new WatchedStore();
    const { system } = await open({ listener }, { store });
    const ref = await system.actor('listener', '1');
    const sends: Promise<Receipt>[] = [];
    for (let n = 0; n < 300; n++) {
      if (n % 50 === 10) store.hold();
      if (n % 50 === 40) store.release();
      sends.push(ref.send({ type: 'hear', n }));
      if (n % 7 === 0) await ticks(1);
    }
    store.release();
    await Promise.all(sends);
    expect(ref.getSnapshot().context.heard).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });
});

/** Every event gives rise to two, so many generations deep. */
const breeder = setup({
  types: {
    context: {} as { deepest: number },
    events: {} as { type: 'breed'; left: number },
  },
}).createMachine({
  context: { deepest: 0 },
  on: {
    breed: {
      guard: ({ event }) => event.left > 0,
      actions: enqueueActions(({ enqueue, event, self }) => {
        enqueue.sendTo(self as AnyActorRef, { type: 'breed', left: event.left - 1 });
        enqueue.sendTo(self as AnyActorRef, { type: 'breed', left: event.left - 1 });
      }),
    },
  },
});

/** The longest that an actor's mailbox has been. */
function watchMailbox({ runtime }: Opened<never>, address: string): () => number {
  let longest = 0;
  const { delivery } = runtime;
  const { deliver, sendFrom } = delivery;
  const look = (): void => {
    longest = Math.max(longest, runtime.population.presentAt(address)?.mailbox?.size ?? 0);
  };
  delivery.deliver = (...args) => {
    deliver.apply(delivery, args);
    look();
  };
  delivery.sendFrom = (...args) => {
    sendFrom.apply(delivery, args);
    look();
  };
  return () => longest;
}

describe('a flood from within', () => {
  it('of steps that breed is bounded, parked as dead letters, and over when it is over', async () => {
    const opened = await open({ breeder }, { mailbox: { capacity: CAPACITY } });
    const ref = await opened.system.actor('breeder', '1');
    const longest = watchMailbox(opened as never, 'breeder/1');
    await ref.send({ type: 'breed', left: 9 });
    await opened.settle();
    expect(longest()).toBeGreaterThan(CAPACITY);
    expect(longest()).toBeLessThanOrEqual(CAPACITY * INTERNAL_FACTOR + 1);
    const letters = await lettersOf(opened);
    expect(letters.length).toBeGreaterThan(0);
    for (const { error } of letters) {
      expect(error).toMatchObject({ _tag: 'MailboxFull', capacity: CAPACITY * INTERNAL_FACTOR });
    }
    expect((await ref.send({ type: 'breed', left: 0 })).seq).toBeGreaterThan(100);
  });

  it('of a single step is bounded', async () => {
    const burst = setup({ types: { events: {} as { type: 'burst' } | { type: 'drop' } } }).createMachine({
      on: {
        burst: {
          actions: enqueueActions(({ enqueue, self }) => {
            for (let n = 0; n < 1000; n++) enqueue.sendTo(self as AnyActorRef, { type: 'drop' });
          }),
        },
      },
    });
    const opened = await open({ burst }, { mailbox: { capacity: CAPACITY } });
    const ref = await opened.system.actor('burst', '1');
    const longest = watchMailbox(opened as never, 'burst/1');
    await ref.send({ type: 'burst' }).catch(() => {});
    await opened.settle();
    expect(longest()).toBeLessThanOrEqual(CAPACITY * INTERNAL_FACTOR);
  });

  it('of a process is bounded', async () => {
    const tap = fromCallback(({ sendBack }) => {
      for (let n = 0; n < 1000; n++) sendBack({ type: 'drop' });
    });
    const basin = setup({ actors: { tap } }).createMachine({
      invoke: { src: 'tap' },
      on: { drop: {} },
    });
    const opened = await open({ basin }, { mailbox: { capacity: CAPACITY } });
    const longest = watchMailbox(opened as never, 'basin/1');
    await opened.system.actor('basin', '1');
    await opened.settle();
    expect(longest()).toBeLessThanOrEqual(CAPACITY * INTERNAL_FACTOR);
  });

  it('does not keep others from their turn', async () => {
    const opened = await open({ breeder, listener });
    const ref = await opened.system.actor('breeder', '1');
    const other = await opened.system.actor('listener', '1');
    const flood = ref.send({ type: 'breed', left: 12 });
    await flood;
    await other.send({ type: 'hear', n: 1 });
    const { seq } = await ref.send({ type: 'breed', left: 0 });
    expect(other.getSnapshot().context.heard).toEqual([1]);
    // All of it was bred: nothing was dropped at the default capacity.
    expect(seq).toBe(2 ** 13 + 1);
    expect(await collect(opened.system.history('listener/1'))).toHaveLength(2);
  });
});
