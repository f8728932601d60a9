// The lie: "a ref is an XState ref, and whoever looks sees only what is committed". XState's own tools, observers that
// throw, come late and go early, and an inspector, all while the disk stands still.
import { describe, expect, it } from 'vitest';
import { assign, emit, fromPromise, sendTo, setup, toPromise, waitFor } from 'xstate';
import type { InspectionEvent } from 'xstate';
import { counter } from './counter.ts';
import { isSettled, open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

async function openCounter() {
  const store = new WatchedStore();
  const inspected: InspectionEvent[] = [];
  const opened = await open({ counter }, { store, inspect: (event) => void inspected.push(event) });
  const ref = await opened.system.actor('counter', '1');
  await opened.settle();
  return { opened, store, ref, inspected };
}

describe("XState's own tools", () => {
  it('waitFor resolves with the first committed state that fits, and not before', async () => {
    const { store, ref } = await openCounter();
    const waiting = waitFor(ref, ({ context }) => context.count >= 3);
    await ref.send({ type: 'add', by: 2 });
    store.hold();
    void ref.send({ type: 'add', by: 2 });
    expect(await isSettled(waiting)).toBe(false);
    store.release();
    expect((await waiting).context.count).toBe(4);
    expect((await waitFor(ref, ({ context }) => context.count === 4)).status).toBe('active');
  });

  it('waitFor rejects when the actor ends without it', async () => {
    const { ref } = await openCounter();
    const waiting = waitFor(ref, ({ context }) => context.count === 99);
    await ref.send({ type: 'finish' });
    expect((await rejection(waiting)).message).toMatch(/terminated without satisfying predicate/);
  });

  it('toPromise gives the output, also of an actor that has ended long ago', async () => {
    const { opened, store, ref } = await openCounter();
    await ref.send({ type: 'add', by: 5 });
    store.hold();
    const output = toPromise(ref);
    void ref.send({ type: 'finish' });
    expect(await isSettled(output)).toBe(false);
    store.release();
    expect(await output).toBe(5);
    const later = await opened.reopen();
    expect(await toPromise(later.system.get('counter/1')!)).toBe(5);
  });

  it('toPromise rejects with the error of an actor that fails', async () => {
    const failing = fromPromise(() => Promise.reject(new RangeError('no')));
    const opened = await open({ failing });
    const ref = await opened.system.actor('failing', '1');
    expect(await rejection(toPromise(ref))).toMatchObject({ name: 'RangeError', message: 'no' });
    const later = await opened.reopen();
    expect(await rejection(toPromise(later.system.get('failing/1')!))).toMatchObject({ message: 'no' });
  });

  it('a ref can be passed around, sent, and stored as what it is', async () => {
    const friend = setup({
      types: {
        context: {} as { known: unknown },
        events: {} as { type: 'meet'; who: unknown } | { type: 'poke' },
      },
    }).createMachine({
      context: { known: undefined },
      on: {
        meet: { actions: assign({ known: ({ event }) => event.who }) },
        poke: { actions: sendTo(({ context }) => context.known as never, { type: 'add', by: 1 } as never) },
      },
    });
    const opened = await open({ friend, counter });
    const other = await opened.system.actor('counter', '1');
    const ref = await opened.system.actor('friend', '1');
    await ref.send({ type: 'meet', who: other });
    const later = await opened.crash();
    await later.system.get('friend/1')!.send({ type: 'poke' });
    await later.settle();
    expect(later.system.get('counter/1')!.getSnapshot().context.count).toBe(1);
    const known = later.system.get('friend/1')!.getSnapshot().context.known as typeof other;
    expect(known).toMatchObject({ address: 'counter/1', id: '1', sessionId: 'counter/1' });
    expect(known.getSnapshot().context.count).toBe(1);
  });
});

describe('a subscriber', () => {
  it('sees each committed state once, in order, and the end', async () => {
    const { store, ref } = await openCounter();
    const seen: unknown[] = [];
    ref.subscribe({
      next: ({ context, status }) => seen.push([context.count, status]),
      complete: () => seen.push('complete'),
    });
    store.hold();
    for (let n = 0; n < 3; n++) void ref.send({ type: 'add', by: 1 });
    const end = ref.send({ type: 'finish' });
    await ticks();
    expect(seen).toEqual([]);
    expect(ref.getSnapshot().context.count).toBe(0);
    store.release();
    await end;
    expect(seen).toEqual([[1, 'active'], [2, 'active'], [3, 'active'], [3, 'done'], 'complete']);
  });

  it('that comes when all is over is told so at once', async () => {
    const { opened, ref } = await openCounter();
    await ref.send({ type: 'finish' });
    for (const late of [ref, (await opened.reopen()).system.get('counter/1')!]) {
      const seen: string[] = [];
      late.subscribe({ next: () => seen.push('next'), complete: () => seen.push('complete') });
      expect(seen).toEqual(['complete']);
    }
  });

  it('that has gone hears nothing more; the others do', async () => {
    const { ref } = await openCounter();
    const seen: string[] = [];
    const first = ref.subscribe(() => {
      seen.push('first');
      first.unsubscribe();
    });
    ref.subscribe(() => seen.push('second'));
    await ref.send({ type: 'add', by: 1 });
    await ref.send({ type: 'add', by: 1 });
    expect(seen).toEqual(['first', 'second', 'second']);
  });

  it('that throws hurts nobody: not the actor, not the sender, not the others', async () => {
    const { opened, ref } = await openCounter();
    const seen: number[] = [];
    ref.subscribe(() => {
      throw new Error('an observer of no use');
    });
    ref.subscribe(({ context }) => seen.push(context.count));
    expect((await ref.send({ type: 'add', by: 1 })).seq).toBe(2);
    expect((await ref.send({ type: 'add', by: 1 })).seq).toBe(3);
    expect(seen).toEqual([1, 2]);
    expect(String(opened.troubles.flat().at(-1))).toContain('an observer of no use');
  });

  it('is not forgotten when its actor would have left memory, nor after the fence', async () => {
    const { opened, store, ref } = await openCounter();
    const seen: number[] = [];
    ref.subscribe(({ context }) => seen.push(context.count));
    await opened.advance(120_000);
    await ref.send({ type: 'add', by: 1 });
    store.failure = new Error('the disk is full');
    await rejection(ref.send({ type: 'add', by: 10 }));
    await opened.settle();
    await ref.send({ type: 'add', by: 1 });
    // What was given up was never shown.
    expect(seen).toEqual([1, 2]);
  });

  it('may send from within, and sees what comes of it', async () => {
    const { ref } = await openCounter();
    const seen: number[] = [];
    ref.subscribe(({ context }) => {
      seen.push(context.count);
      if (context.count < 4) void ref.send({ type: 'add', by: 1 });
    });
    await ref.send({ type: 'add', by: 1 });
    await waitFor(ref, ({ context }) => context.count === 4);
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe('whoever listens to what an actor emits', () => {
  const parting = setup({
    types: { emitted: {} as { type: 'bye' }, events: {} as { type: 'end' } },
  }).createMachine({
    initial: 'here',
    states: {
      here: { on: { end: { target: 'gone', actions: emit({ type: 'bye' }) } } },
      gone: { type: 'final' },
    },
  });

  it('hears what it emits at its end, as in XState', async () => {
    const { system } = await open({ parting });
    const ref = await system.start('parting', { id: '1' });
    const heard: string[] = [];
    ref.on('bye', ({ type }) => heard.push(type));
    ref.subscribe({ complete: () => heard.push('complete') });
    await ref.send({ type: 'end' });
    expect(heard.sort()).toEqual(['bye', 'complete']);
  });

  it('is forgotten when it is over, and when they have gone: nothing is left of them', async () => {
    const opened = await open({ parting });
    const { system, runtime } = opened;
    for (let i = 0; i < 10; i++) {
      const ref = await system.start('parting', { id: `${i}` });
      const subscriptions = [ref.on('bye', () => {}), ref.subscribe(() => {})];
      if (i % 2 === 0) for (const subscription of subscriptions) subscription.unsubscribe();
      else await ref.send({ type: 'end' });
    }
    await opened.settle();
    expect(runtime.audience.size).toBe(0);
  });
});

describe('a selection', () => {
  it('shows the committed value, and tells only of changes', async () => {
    const { store, ref } = await openCounter();
    const parity = ref.select(({ context }) => context.count % 2);
    const coarse = ref.select(
      ({ context }) => ({ tens: Math.floor(context.count / 10) }),
      (a, b) => a.tens === b.tens,
    );
    const seen: unknown[] = [];
    const subscription = parity.subscribe((value) => void seen.push(value));
    coarse.subscribe((value) => void seen.push(value));
    store.hold();
    const sent = ref.send({ type: 'add', by: 1 });
    await ticks();
    expect([parity.get(), seen]).toEqual([0, []]);
    store.release();
    await sent;
    for (const by of [2, 1, 8]) await ref.send({ type: 'add', by });
    expect(seen).toEqual([1, 0, { tens: 1 }]);
    subscription.unsubscribe();
    await ref.send({ type: 'add', by: 1 });
    expect([parity.get(), seen.length]).toEqual([1, 3]);
  });
});

describe('a snapshot', () => {
  it('of an earlier life of a child says that it is gone', async () => {
    const parent = setup({ types: { events: {} as { type: 'again' } }, actors: { counter } }).createMachine({
      initial: 'on',
      states: {
        on: { invoke: { src: 'counter', id: 'kid' }, on: { again: { target: 'on', reenter: true } } },
      },
    });
    const opened = await open({ parent });
    const ref = await opened.system.actor('parent', '1');
    const first = ref.getSnapshot().children['kid']!;
    await ref.send({ type: 'again' });
    await opened.settle();
    const second = ref.getSnapshot().children['kid']!;
    expect([first.getSnapshot().status, second.getSnapshot().status]).toEqual(['stopped', 'active']);
    expect(second.sessionId).not.toBe(first.sessionId);
  });

  it('behaves like one of XState: matches, can, hasTag, getMeta', async () => {
    const light = setup({ types: { events: {} as { type: 'next' | 'never' } } }).createMachine({
      initial: 'red',
      states: { red: { tags: 'stop', meta: { wait: 1 }, on: { next: 'green' } }, green: {} },
    });
    const opened = await open({ light });
    await opened.system.actor('light', '1');
    const snapshot = (await opened.crash()).system.get('light/1')!.getSnapshot();
    expect([snapshot.matches('red'), snapshot.hasTag('stop')]).toEqual([true, true]);
    expect([snapshot.can({ type: 'next' }), snapshot.can({ type: 'never' })]).toEqual([true, false]);
    expect(Object.values(snapshot.getMeta())).toEqual([{ wait: 1 }]);
  });
});

describe('an inspector', () => {
  it('sees births, events with their senders, actions and states; nothing before the commit', async () => {
    const child = setup({}).createMachine({ on: { hello: { actions: emit({ type: 'hi' }) } } });
    const parent = setup({
      types: { events: {} as { type: 'go' } },
      actors: { child },
      actions: { act: () => {} },
    }).createMachine({
      invoke: { src: 'child', id: 'kid' },
      on: { go: { actions: ['act', sendTo('kid', { type: 'hello' })] } },
    });
    const store = new WatchedStore();
    const told: string[] = [];
    const inspect = (event: InspectionEvent): void => {
      const whose = (event.actorRef as unknown as { address: string }).address;
      const { type, rootId } = event;
      expect(rootId).toBe('parent/1');
      if (type === '@xstate.event') {
        const source = (event.sourceRef as { address?: string } | undefined)?.address ?? 'outside';
        told.push(`${whose} ${event.event.type} from ${source}`);
      } else if (type === '@xstate.action') told.push(`${whose} does ${event.action.type}`);
      else told.push(`${whose} ${type.slice('@xstate.'.length)}`);
    };
    const opened = await open({ parent }, { store, inspect: { next: inspect } });
    const ref = await opened.system.actor('parent', '1');
    await opened.settle();
    expect(told).toEqual([
      'parent/1 actor',
      'parent/1 xstate.init from outside',
      'parent/1 snapshot',
      'parent/1/kid actor',
      'parent/1/kid xstate.init from parent/1',
      'parent/1/kid snapshot',
    ]);
    told.length = 0;
    store.hold();
    const sent = ref.send({ type: 'go' });
    await ticks();
    expect(told).toEqual([]);
    store.release();
    await sent;
    await opened.settle();
    expect(told).toEqual([
      'parent/1 go from outside',
      'parent/1 does act',
      'parent/1 snapshot',
      'parent/1/kid hello from parent/1',
      'parent/1/kid snapshot',
    ]);
  });

  it('that throws hurts nobody', async () => {
    const opened = await open(
      { counter },
      {
        inspect: () => {
          throw new Error('an inspector of no use');
        },
      },
    );
    const ref = await opened.system.actor('counter', '1');
    expect((await ref.send({ type: 'add', by: 1 })).seq).toBe(2);
    expect(String(opened.troubles.flat().at(-1))).toContain('an inspector of no use');
  });

  it('is not told again what happened before an opening', async () => {
    const { opened, ref, inspected } = await openCounter();
    await ref.send({ type: 'add', by: 1 });
    inspected.length = 0;
    const later = await opened.crash();
    expect(later.system.get('counter/1')!.getSnapshot().context.count).toBe(1);
    await later.settle();
    expect(inspected).toEqual([]);
  });
});
