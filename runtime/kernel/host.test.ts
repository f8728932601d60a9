// The lie: "a snapshot as data is the whole of a state". Hosts of every kind of logic take a life apart into bytes in the
// middle and go on from there, beside one that was never disturbed.
import { createStore } from '@xstate/store';
import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  emit,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  setup,
} from 'xstate';
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { BareActor } from '../testing/bare-actor.ts';
import { firstDifference } from '../difference.ts';
import { Host } from './host.ts';
import type { PersistedChild } from './host.ts';
import type { Ref } from './ref.ts';

const kid = fromTransition((n: number) => n, 0);

const machine = setup({
  types: {
    context: {} as { log: string[]; kid: AnyActorRef | undefined; at: Date; seen: Map<string, Set<number>> },
  },
  actors: { kid },
}).createMachine({
  context: { log: [], kid: undefined, at: new Date(7), seen: new Map([['a', new Set([1])]]) },
  initial: 'work',
  states: {
    work: {
      type: 'parallel',
      states: {
        left: { initial: 'one', states: { one: { on: { STEP: 'two' } }, two: { on: { STEP: 'one' } } } },
        right: {
          initial: 'one',
          states: {
            one: { on: { STEP: 'two' } },
            two: { invoke: { src: 'kid', id: 'helper', systemId: 'aid' } },
          },
        },
        back: { type: 'history', history: 'deep' },
      },
      on: { REST: 'rest' },
    },
    rest: { on: { WORK: 'work.back' } },
    end: { type: 'final' },
  },
  on: {
    SPAWN: { actions: assign({ kid: ({ spawn }) => spawn('kid', { id: 'own', syncSnapshot: true }) }) },
    END: '.end',
  },
  output: ({ context }) => ({ steps: context.log.length }),
});

const dataOf = ({ definition, snapshot }: BareActor) => definition.host.persist(snapshot);

describe('a machine', () => {
  it('goes on from its data as if nothing had been: configuration, history, children, names', () => {
    const whole = new BareActor(machine).begin();
    const torn = new BareActor(machine).begin();
    for (const event of ['STEP', 'SPAWN', 'STEP', 'REST', 'STEP', 'WORK', 'STEP', 'REST', 'WORK', 'END']) {
      whole.take(event);
      torn.reborn().take(event).reborn();
      expect([event, torn.asked]).toEqual([event, whole.asked]);
      expect([event, torn.state.value]).toEqual([event, whole.state.value]);
      // What is remembered shows where it is gone back to; its order: see below.
      const [one, other] = [whole, torn].map(dataOf).map((data) => ({ ...data, history: undefined }));
      expect(firstDifference(one, other, event)).toBeUndefined();
    }
    expect(torn.snapshot).toMatchObject({ status: 'done', output: { steps: 0 } });
  });

  it('remembers the same, in the same order, as one that was never disturbed', () => {
    const whole = new BareActor(machine).begin();
    const torn = new BareActor(machine).begin();
    for (const event of ['STEP', 'STEP']) {
      whole.take(event);
      torn.take(event).reborn();
    }
    expect(dataOf(torn.take('REST'))).toEqual(dataOf(whole.take('REST')));
  });

  // XState takes regions in the order in which they were entered last.
  it('takes regions in the same order as one that was never disturbed', () => {
    interface Said {
      due: boolean;
      said: string[];
    }
    const region = (name: string) => ({
      initial: 'one',
      states: { one: { on: { STEP: 'two' } }, two: {} },
      always: {
        guard: ({ context }: { context: Said }) => context.due && !context.said.includes(name),
        actions: assign<Said, AnyEventObject, undefined, AnyEventObject, never>({
          said: ({ context }) => [...context.said, name],
        }),
      },
    });
    const regions = setup({ types: { context: {} as Said } }).createMachine({
      type: 'parallel',
      context: { due: false, said: [] },
      states: { left: region('left'), right: { ...region('right'), initial: 'two' } },
      on: { SAY: { actions: assign({ due: true }) } },
    });
    const whole = new BareActor(regions).begin().take('STEP').take('SAY');
    const torn = new BareActor(regions).begin().take('STEP').reborn().take('SAY');
    expect(torn.state.context).toEqual(whole.state.context);
  });

  // XState loses the parallel state itself when one of its regions goes to its history. What is left does not fit its value.
  it('is in the same states as one that was never disturbed, even if XState has lost one of them', () => {
    const lost = createMachine({
      initial: 'idle',
      states: {
        idle: { tags: ['idle'], on: { GO: 'busy' } },
        busy: {
          type: 'parallel',
          tags: ['busy'],
          states: {
            left: { tags: ['left'], on: { AGAIN: 'back' } },
            right: {},
            back: { type: 'history' },
          },
        },
      },
    } as never);
    const whole = new BareActor(lost).begin().take('GO').take('AGAIN');
    const torn = new BareActor(lost).begin().take('GO').take('AGAIN').reborn();
    expect(torn.state.tags).toEqual(whole.state.tags);
  });

  it('has one and the same ref for a child in its children and in its context', () => {
    const { state, self } = new BareActor(machine).begin().take('SPAWN').reborn();
    const own = state.children['own'] as unknown as Ref;
    expect(state.context.kid).toBe(own);
    expect(own).toMatchObject({ src: 'kid', _syncSnapshot: true, life: 1, address: 'subject/1/own' });
    expect(own._parent).toBe(self);
  });

  it('knows its states, tags and what it can do', () => {
    const tagged = createMachine({
      initial: 'a',
      states: {
        a: { tags: ['first'], meta: { words: 1 }, on: { GO: 'b' } },
        b: { tags: ['second'] },
      },
    });
    const { state } = new BareActor(tagged).begin().reborn();
    expect([state.hasTag('first'), state.hasTag('second'), state.matches('a')]).toEqual([true, false, true]);
    expect([state.can({ type: 'GO' }), state.can({ type: 'NO' })]).toEqual([true, false]);
    expect(state.getMeta()).toEqual({ '(machine).a': { words: 1 } });
    expect(state.machine.id).toBe('(machine)');
  });

  it('is small as data: only what makes up its state', () => {
    const { definition, snapshot } = new BareActor(createMachine({ context: { n: 1 } })).begin();
    expect(definition.host.persist(snapshot)).toStrictEqual({
      status: 'active',
      value: {},
      context: { n: 1 },
    });
  });

  it('keeps an output, and an error', () => {
    const host = new Host(createMachine({}));
    const { snapshot } = new BareActor(createMachine({})).begin();
    for (const ended of [
      { status: 'done', output: 42 },
      { status: 'error', error: 'why' },
    ] as const) {
      const persisted = host.persist({ ...snapshot, ...ended });
      expect(persisted).toMatchObject(ended);
      expect(host.restore(persisted, () => expect.unreachable())).toMatchObject(ended);
    }
  });

  it('whose state is gone from the code is refused', () => {
    const before = new BareActor(createMachine({ initial: 'a', states: { a: {}, b: {} } })).begin();
    const persisted = before.definition.host.persist(before.snapshot);
    const today = new Host(createMachine({ initial: 'b', states: { b: {} } }));
    expect(() => today.restore(persisted, () => expect.unreachable())).toThrow(/'a'/);
  });

  it('asks for its children by all that is known of them', () => {
    const { definition, self, snapshot } = new BareActor(machine).begin().take('STEP').take('SPAWN');
    const asked: PersistedChild[] = [];
    definition.host.restore(definition.host.persist(snapshot), (child) => {
      asked.push(child);
      return self;
    });
    expect(asked).toStrictEqual([
      { id: 'helper', actor: 2, life: 1, src: 'kid', systemId: 'aid' },
      { id: 'own', actor: 3, life: 1, src: 'kid', syncSnapshot: true },
    ]);
  });

  it('is one host for all its actors', () => {
    const host = new Host(machine);
    const [one, two] = [new BareActor(machine), new BareActor(machine)];
    const first = host.initial(one.self, undefined, 0, one);
    const second = host.initial(two.self, undefined, 0, two);
    const moved = host.transition(one.self, first.snapshot, { type: 'STEP' }, 0, one);
    expect(moved.snapshot.value).toEqual({ work: { left: 'two', right: 'two' } });
    expect(second.snapshot.value).toEqual({ work: { left: 'one', right: 'one' } });
  });

  it('counts ids on from where its actor was', () => {
    const spawning = setup({ types: { context: {} as { kid: AnyActorRef } }, actors: { kid } }).createMachine(
      {
        context: ({ spawn }) => ({ kid: spawn('kid') }),
        on: { MORE: { actions: assign({ kid: ({ spawn }) => spawn('kid') }) } },
      },
    );
    const host = new Host(spawning);
    const actor = new BareActor(spawning);
    const { snapshot, booked } = host.initial(actor.self, undefined, 40, actor);
    expect([Object.keys(snapshot.children!), booked]).toEqual([['x:40'], 41]);
    const next = host.transition(actor.self, snapshot, { type: 'MORE' }, 90, actor);
    expect([Object.keys(next.snapshot.children!), next.booked]).toEqual([['x:40', 'x:90'], 91]);
  });

  it('names the logic of its children', () => {
    const host = new Host(machine);
    expect(host.childLogic('kid')).toBe(kid);
    expect(host.childLogic('nobody')).toBeUndefined();
  });
});

describe('other logic', () => {
  it('that counts, goes on from its data', () => {
    const counter = fromTransition(
      ({ n }: { n: number }, { by }: { type: string; by: number }) => ({ n: n + by }),
      ({ input }: { input: number }) => ({ n: input }),
    );
    const actor = new BareActor(counter).begin(40).take({ type: 'inc', by: 1 }).reborn();
    expect(actor.definition.host.persist(actor.snapshot)).toEqual({ status: 'active', context: { n: 41 } });
    expect(actor.take({ type: 'inc', by: 1 }).snapshot.context).toEqual({ n: 42 });
  });

  it('that is a store, goes on from its data', () => {
    const store = createStore({
      context: { n: 0 },
      on: {
        inc: ({ n }: { n: number }, _event: object, enqueue) => {
          enqueue.effect(() => {});
          return { n: n + 1 };
        },
      },
    });
    const actor = new BareActor(store).begin().take('inc').reborn().take('inc');
    expect(actor.snapshot.context).toEqual({ n: 2 });
    expect(actor.asked).toEqual([['action', 'store.effect', undefined]]);
  });

  it.each([
    ['a promise', fromPromise(async () => 1), { status: 'active', rest: { input: { a: 1 } } }],
    ['a callback', fromCallback(() => {}), { status: 'active', rest: { input: { a: 1 } } }],
    [
      'an observable',
      fromObservable(() => ({ subscribe: () => ({ unsubscribe: () => {} }) })),
      { status: 'active', rest: { input: { a: 1 } } },
    ],
  ])(
    'that is %s, keeps its input until it is started again, and starts nothing by itself',
    (_, logic, data) => {
      const actor = new BareActor(logic).begin({ a: 1 });
      const { host } = actor.definition;
      expect(host.persist(actor.snapshot)).toEqual(data);
      expect(host.persist(actor.reborn().snapshot)).toEqual(data);
      expect([actor.asked, actor.port.passed]).toEqual([[], []]);
      expect(host.running).toBe(logic);
    },
  );

  it('that is a promise, keeps its result', () => {
    const actor = new BareActor(fromPromise(async () => 1)).begin();
    actor.take({ type: 'xstate.promise.resolve', data: { n: 7 } }).reborn();
    expect(actor.snapshot).toMatchObject({ status: 'done', output: { n: 7 } });
    const failed = new BareActor(fromPromise(async () => 1)).begin();
    failed.take({ type: 'xstate.promise.reject', data: new RangeError('no') }).reborn();
    expect(failed.snapshot).toMatchObject({ status: 'error', error: new RangeError('no') });
  });

  it('that keeps fields of its own and restores itself, is asked to', () => {
    interface Own {
      status: 'active';
      output: undefined;
      error: undefined;
      index: Map<string, number>;
    }
    const own = {
      getInitialSnapshot: (): Own => ({
        status: 'active',
        output: undefined,
        error: undefined,
        index: new Map(),
      }),
      transition: (snapshot: Own, { type }: { type: string }): Own => ({
        ...snapshot,
        index: new Map([...snapshot.index, [type, snapshot.index.size]]),
      }),
      getPersistedSnapshot: ({ index, ...others }: Own) => ({ ...others, keys: [...index.keys()] }),
      restoreSnapshot: ({ keys, ...others }: Own & { keys: string[] }) => ({
        ...others,
        index: new Map(keys.map((key, i) => [key, i])),
      }),
    };
    const actor = new BareActor(own).begin().take('a').reborn().take('b').reborn();
    expect(actor.snapshot).toMatchObject({
      status: 'active',
      index: new Map([
        ['a', 0],
        ['b', 1],
      ]),
    });
    expect(actor.definition.host.persist(actor.snapshot)).toEqual({
      status: 'active',
      rest: { keys: ['a', 'b'] },
    });
  });

  it('has no children', () => {
    expect(new Host(kid).childLogic('kid')).toBeUndefined();
  });
});

describe('what is no logic', () => {
  it('is refused', () => {
    expect(() => new Host({})).toThrow(TypeError);
  });
});

it('a step that emits in between is the same from data', () => {
  const talking = createMachine({
    initial: 'a',
    states: {
      a: { on: { GO: { target: 'b', actions: emit({ type: 'LEFT' }) } } },
      b: { entry: emit({ type: 'CAME' }) },
    },
  });
  expect(new BareActor(talking).begin().reborn().take('GO').asked).toEqual([
    ['emit', { type: 'LEFT' }],
    ['emit', { type: 'CAME' }],
  ]);
});
