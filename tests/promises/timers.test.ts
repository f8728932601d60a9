// The lie: "timers are durable: each fires once, when it is due or at the next opening, in due order, unless cancelled".
// Every way to set and cancel one, with crashes before, between and after.
import { describe, expect, it } from 'vitest';
import { assign, cancel, enqueueActions, raise, sendTo, setup } from 'xstate';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import { durable } from 'heddle';
import { DyingSystem } from '../dying-system.ts';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, open, STORES, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

/** Writes down what rings, and when. */
const bell = setup({
  types: {
    context: {} as { rang: string[]; at: number[] },
    events: {} as
      | { type: 'set'; id: string; delay: number }
      | { type: 'cancel'; id: string }
      | { type: 'both' }
      | { type: 'ring'; id: string }
      | { type: 'end' },
  },
}).createMachine({
  context: { rang: [], at: [] },
  initial: 'on',
  states: {
    on: {
      on: {
        set: {
          // The id of a plain `raise` is fixed; this way it comes from the event.
          actions: enqueueActions(({ enqueue, event: { id, delay } }) =>
            enqueue.raise({ type: 'ring', id }, { id, delay }),
          ),
        },
        cancel: { actions: cancel(({ event }) => event.id) },
        both: {
          actions: [
            raise({ type: 'ring', id: 'short' }, { id: 'short', delay: 10 }),
            raise({ type: 'ring', id: 'long' }, { id: 'long', delay: 20 }),
            cancel('short'),
          ],
        },
        ring: {
          actions: assign({
            rang: ({ context, event }) => [...context.rang, event.id],
            at: ({ context }) => [...context.at, Date.now()],
          }),
        },
        end: 'off',
      },
    },
    off: { type: 'final' },
  },
});

/** Whose timers come back from records, and whose from a checkpoint. */
const FORMS = [
  ['from its records', bell],
  ['from a checkpoint', durable(bell, { checkpointEvery: 1 })],
] as const;
type Bells = { readonly bell: typeof bell };

function rang({ system }: Opened<Bells>, id = '1'): string[] {
  return system.get(`bell/${id}`)!.getSnapshot().context.rang;
}

describe('a timer', () => {
  it('fires when it is due, not before and not twice, and its step sees that time', async () => {
    const opened = await open({ bell });
    const ref = await opened.system.actor('bell', '1');
    const start = opened.clock.now();
    await ref.send({ type: 'set', id: 'a', delay: 1000 });
    await opened.advance(999);
    expect(rang(opened)).toEqual([]);
    await opened.advance(1);
    expect(rang(opened)).toEqual(['a']);
    await opened.advance(100_000);
    expect(ref.getSnapshot().context).toEqual({ rang: ['a'], at: [start + 1000] });
    const told = await collect(opened.system.history('bell/1', { from: 3 }));
    expect(told).toMatchObject([{ at: start + 1000, cause: { kind: 'timer', seq: 2, index: 0 } }]);
  });

  it('fires in due order, and those of the same time in the order in which they were set', async () => {
    const opened = await open({ bell });
    const ref = await opened.system.actor('bell', '1');
    for (const [id, delay] of [
      ['c', 30],
      ['a', 10],
      ['d1', 40],
      ['b', 20],
      ['d2', 40],
      ['d3', 40],
      ['now', 0],
      ['d4', 40],
      ['d5', 40],
      ['before', -5],
    ] as const)
      await ref.send({ type: 'set', id, delay });
    await opened.advance(100);
    expect(rang(opened)).toEqual(['now', 'before', 'a', 'b', 'c', 'd1', 'd2', 'd3', 'd4', 'd5']);
  });

  it('may be due in a hundred years', async () => {
    // Nobody looks for idle actors every few seconds of it.
    const opened = await open({ bell }, { passivateAfter: Infinity });
    const ref = await opened.system.actor('bell', '1');
    const centuryMs = 100 * 365 * 86_400_000;
    await ref.send({ type: 'set', id: 'heirs', delay: centuryMs });
    const later = await opened.reopen();
    await later.advance(centuryMs - 1);
    expect(rang(later)).toEqual([]);
    await later.advance(1);
    expect(rang(later)).toEqual(['heirs']);
  });

  it('of an actor that has ended or was stopped never fires', async () => {
    const opened = await open({ bell });
    for (const id of ['1', '2']) {
      await (await opened.system.actor('bell', id)).send({ type: 'set', id: 'a', delay: 10 });
    }
    await opened.system.get('bell/1')!.send({ type: 'end' });
    await opened.system.stop('bell/2');
    const later = await opened.crash();
    await later.advance(1000);
    for (const id of ['1', '2']) {
      expect(rang(later, id)).toEqual([]);
      expect(await collect(later.system.history(`bell/${id}`))).toHaveLength(3);
    }
    expect(await lettersOf(later)).toEqual([]);
  });

  it('does not fire while the system is closed, nor while it closes', async () => {
    const store = new WatchedStore();
    const opened = await open({ bell }, { store });
    const ref = await opened.system.actor('bell', '1');
    await ref.send({ type: 'set', id: 'a', delay: 10 });
    // The disk is slow, and so is closing.
    store.hold();
    const last = ref.send({ type: 'cancel', id: 'nobody' });
    const closed = opened.system.close();
    await opened.clock.advance(1000, () => ticks());
    store.release();
    await Promise.all([last, closed]);
    const later = await opened.reopen();
    expect(rang(later)).toEqual([]);
    await later.settle();
    await later.advance(0);
    expect(rang(later)).toEqual(['a']);
    expect(later.system.get('bell/1')!.getSnapshot()).toMatchObject({ context: { at: [later.clock.now()] } });
  });
});

describe('a cancelled timer', () => {
  it('does not fire; nor one that is set and cancelled in the same step', async () => {
    const opened = await open({ bell });
    const ref = await opened.system.actor('bell', '1');
    await ref.send({ type: 'set', id: 'a', delay: 10 });
    await ref.send({ type: 'cancel', id: 'a' });
    await ref.send({ type: 'cancel', id: 'nobody' });
    await ref.send({ type: 'both' });
    await opened.advance(100);
    expect(rang(opened)).toEqual(['long']);
  });

  it('may be set again under the same id', async () => {
    const opened = await open({ bell });
    const ref = await opened.system.actor('bell', '1');
    await ref.send({ type: 'set', id: 'a', delay: 10 });
    await ref.send({ type: 'cancel', id: 'a' });
    await ref.send({ type: 'set', id: 'a', delay: 50 });
    await opened.advance(49);
    expect(rang(opened)).toEqual([]);
    await opened.advance(1);
    expect(rang(opened)).toEqual(['a']);
  });

  it.each(FORMS)('stays cancelled after a crash, and the others stay set, %s', async (_, logic) => {
    const opened = await open({ bell: logic });
    const ref = await opened.system.actor('bell', '1');
    for (const id of ['a', 'b', 'c']) await ref.send({ type: 'set', id, delay: 10 });
    await ref.send({ type: 'cancel', id: 'b' });
    const later = await opened.crash();
    await later.advance(5);
    // Cancelled by the actor that came back.
    await later.system.get('bell/1')!.send({ type: 'cancel', id: 'c' });
    const last = await later.crash();
    await last.advance(1000);
    expect(rang(last)).toEqual(['a']);
  });

  it('by a turn that died with the process still fires', async () => {
    const store = new WatchedStore();
    const opened = await open({ bell }, { store });
    const ref = await opened.system.actor('bell', '1');
    await ref.send({ type: 'set', id: 'a', delay: 10 });
    store.hold();
    void ref.send({ type: 'cancel', id: 'a' });
    await ticks();
    store.failure = new Error('lost');
    opened.runtime.die();
    store.release();
    const later = await opened.crash();
    await later.advance(10);
    expect(rang(later)).toEqual(['a']);
  });
});

describe('timers after a crash', () => {
  it.each(FORMS)('fire once, at their time, %s', async (_, logic) => {
    const opened = await open({ bell: logic });
    const ref = await opened.system.actor('bell', '1');
    for (const [id, delay] of [
      ['a', 10],
      ['b', 2000],
    ] as const)
      await ref.send({ type: 'set', id, delay });
    const start = opened.clock.now();
    let later = await opened.crash();
    await later.advance(10);
    later = await later.crash();
    await later.advance(1989);
    expect(rang(later)).toEqual(['a']);
    later = await later.crash();
    await later.advance(5000);
    expect(rang(later)).toEqual(['a', 'b']);
    expect(later.system.get('bell/1')!.getSnapshot().context.at).toEqual([start + 10, start + 2000]);
  });

  /** Actors and timers crosswise: neither are in due order. */
  const CROSSWISE = [
    ['3', 30],
    ['1', 40],
    ['2', 10],
    ['3', 60],
    ['1', 20],
    ['2', 50],
    ['1', 5000],
  ] as const;

  /** What rings in which order, when all but the last of them are overdue. */
  async function overdue(logic: typeof bell): Promise<string[]> {
    const order: string[] = [];
    const inspect = (event: InspectionEvent): void => {
      if (event.type === '@xstate.event' && event.event.type === 'ring')
        order.push(`${event.actorRef.sessionId.at(-1)} ${String(event.event['id'])}`);
    };
    const opened = await open({ bell: logic }, { inspect });
    for (const [id, delay] of CROSSWISE)
      await (await opened.system.actor('bell', id)).send({ type: 'set', id: `${delay}`, delay });
    await opened.kill();
    await opened.clock.advance(1000, async () => {});
    const later = await opened.crash();
    expect(order).toEqual([]);
    await later.advance(0);
    expect(order).toHaveLength(CROSSWISE.length - 1);
    await later.advance(4000);
    expect(order.pop()).toBe('1 5000');
    return order;
  }

  it.each(FORMS)('that are overdue fire at the opening, who is due first first, %s', async (_, logic) => {
    const order = await overdue(logic);
    expect(order.slice(0, 3)).toEqual(['2 10', '1 20', '3 30']);
    for (const [id, delays] of [
      ['1', ['1 20', '1 40']],
      ['2', ['2 10', '2 50']],
      ['3', ['3 30', '3 60']],
    ] as const)
      expect(order.filter((one) => one.startsWith(id))).toEqual(delays);
  });

  it.each(FORMS)('that are overdue fire in due order across actors, %s', async (_, logic) => {
    expect(await overdue(logic)).toEqual(['2 10', '1 20', '3 30', '1 40', '2 50', '3 60']);
  });

  it.each(STORES)('go on, whichever commit the process dies behind, %s', async (_, make) => {
    const clockwork = setup({
      types: { context: {} as { ticks: number }, events: {} as { type: 'tock' } },
      actors: { bell },
    }).createMachine({
      context: { ticks: 0 },
      invoke: { src: 'bell', id: 'bell' },
      initial: 'ticking',
      states: {
        ticking: {
          entry: [
            assign({ ticks: ({ context }) => context.ticks + 1 }),
            // To another actor, beyond the end of the state that sets it.
            sendTo('bell', ({ context }) => ({ type: 'ring', id: `late ${context.ticks}` }), { delay: 150 }),
            sendTo('bell', ({ context }) => ({ type: 'set', id: `own ${context.ticks}`, delay: 7 })),
          ],
          after: {
            100: [
              { guard: ({ context }) => context.ticks < 4, target: 'ticking', reenter: true },
              { target: 'over' },
            ],
          },
        },
        over: {},
      },
    });
    const dying = new DyingSystem({ store: make(), actors: { clockwork }, maxTurnsPerCommit: 1 });
    await dying.open();
    await dying.start('clockwork', '1');
    await dying.advance(2000);
    expect(dying.system.get('clockwork/1')!.getSnapshot()).toMatchObject({
      value: 'over',
      context: { ticks: 4 },
    });
    const heard = dying.system.get('clockwork/1/bell')!.getSnapshot() as { context: { rang: string[] } };
    expect(heard.context.rang).toEqual([
      'own 1',
      'own 2',
      'late 1',
      'own 3',
      'late 2',
      'own 4',
      'late 3',
      'late 4',
    ]);
    expect(dying.deaths).toBeGreaterThan(15);
    await dying.close();
  });
});

describe('`after`', () => {
  const light = setup({
    types: { events: {} as { type: 'go' | 'again' | 'leave' | 'back' } },
  }).createMachine({
    initial: 'red',
    states: {
      red: { after: { 100: 'green' }, on: { again: { target: 'red', reenter: true }, leave: 'away' } },
      green: { after: { 50: { guard: () => false, target: 'away' }, 80: 'red' } },
      away: { on: { back: 'red' } },
    },
  });

  it.each([
    ['as it stands', (opened: Opened<{ light: typeof light }>) => Promise.resolve(opened)],
    ['through crashes', (opened: Opened<{ light: typeof light }>) => opened.crash()],
  ])('starts anew when its state is entered again, and is over when it is left, %s', async (_, through) => {
    let opened = await open({ light });
    const value = () => opened.system.get('light/1')!.getSnapshot().value;
    const send = (type: 'again' | 'leave' | 'back') => opened.system.get('light/1')!.send({ type });
    await opened.system.actor('light', '1');
    await opened.advance(60);
    await send('again');
    opened = await through(opened);
    await opened.advance(99);
    expect(value()).toBe('red');
    await send('leave');
    opened = await through(opened);
    await opened.advance(1000);
    expect(value()).toBe('away');
    await send('back');
    opened = await through(opened);
    await opened.advance(100);
    expect(value()).toBe('green');
    // One of its two timers leads nowhere; the other still stands.
    await opened.advance(60);
    opened = await through(opened);
    await opened.advance(19);
    expect(value()).toBe('green');
    await opened.advance(1);
    expect(value()).toBe('red');
  });
});

describe('a delayed message to another actor', () => {
  it('arrives once, also when its sender has ended by then', async () => {
    const postman = setup({
      types: { context: {} as { target: AnyActorRef }, input: {} as { target: AnyActorRef } },
    }).createMachine({
      context: ({ input }) => input,
      entry: enqueueActions(({ enqueue, context }) => {
        enqueue.sendTo(context.target, { type: 'ring', id: 'first' }, { delay: 100 });
        enqueue.sendTo(context.target, { type: 'ring', id: 'second' }, { delay: 200, id: 'second' });
        enqueue.sendTo(context.target, { type: 'ring', id: 'never' }, { delay: 150, id: 'never' });
        enqueue.cancel('never');
      }),
    });
    const opened = await open({ postman, bell });
    const target = await opened.system.actor('bell', '1');
    await opened.system.start('postman', { id: '1', input: { target: target as never } });
    let later = await opened.crash();
    await later.advance(150);
    expect(rang(later as never)).toEqual(['first']);
    later = await later.crash();
    await later.advance(1000);
    later = await later.crash();
    await later.advance(1000);
    expect(rang(later as never)).toEqual(['first', 'second']);
    const told = await collect(later.system.history('bell/1', { from: 2 }));
    expect(told.map(({ cause }) => cause)).toMatchObject([
      { kind: 'actor', address: 'postman/1', seq: 1, index: 0 },
      { kind: 'actor', address: 'postman/1', seq: 1, index: 1 },
    ]);
  });
});
