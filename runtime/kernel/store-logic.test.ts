// The lie: "stores of @xstate/store are pure logic, and their effects happen after the commit". Stores of all three forms
// with effects, emits and triggers in their transitions, and inputs that are not there any more.
import { createStore, createStoreLogic, fromStore } from '@xstate/store';
import { undoRedo } from '@xstate/store/undo';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromTransition } from 'xstate';
import { createSystem, durable } from 'heddle';
import { memory } from 'heddle/storage';
import { internals } from '../system.ts';
import { BareActor } from '../testing/bare-actor.ts';
import { enter, leave, seedOfLast } from './moment.ts';
import { isFromStore, isStore, isStoreLogic } from './store-logic.ts';

interface Tools {
  send(event: object): void;
  trigger: Record<string, (payload?: object) => void>;
  getSnapshot(): unknown;
}

interface Enqueue {
  effect(run: (tools: Tools) => void): void;
  emit: Record<string, (payload?: object) => void>;
  trigger: Record<string, (payload?: object) => void>;
}

interface Event {
  readonly type: string;
  readonly by?: number;
}

/** What the effects of {@link config} have done. */
const done: unknown[] = [];
afterEach(() => void done.splice(0));

const config = {
  context: { n: 0 },
  on: {
    inc: ({ n }: { n: number }, { by = 1 }: Event) => ({ n: n + by }),
    act: ({ n }: { n: number }, _event: Event, enqueue: Enqueue) => {
      enqueue.emit['first']!({ n });
      enqueue.effect((tools) => {
        done.push(n);
        tools.send({ type: 'inc', by: 1 });
        tools.trigger['inc']!({ by: 2 });
        tools.trigger['inc']!();
        done.push(tools.getSnapshot());
      });
      enqueue.emit['second']!({ n });
      return { n: n + 10 };
    },
    chain: (context: { n: number }, _event: Event, enqueue: Enqueue) => {
      enqueue.trigger['inc']!({ by: 100 });
      return context;
    },
  },
} as never;

const store = createStore(config);
const logic = createStoreLogic(config);
const legacy = fromStore(config);

describe.each<[string, object]>([
  ['createStore', store],
  ['createStoreLogic', logic],
  ['createStore with undo', store.with(undoRedo())],
])('a store made with %s', (_, hosted) => {
  it('takes events without doing anything', () => {
    const actor = new BareActor(hosted).begin();
    expect(actor.snapshot).toMatchObject({ status: 'active', context: { n: 0 } });
    actor.take({ type: 'inc', by: 5 }).take('inc');
    expect(actor.snapshot.context).toEqual({ n: 6 });
    expect(actor.take('chain').snapshot.context).toEqual({ n: 106 });
    const before = actor.snapshot;
    expect(actor.take('unknown').snapshot.context).toEqual({ n: 106 });
    expect(before.context).toEqual({ n: 106 });
    expect([actor.asked, done]).toEqual([[], []]);
  });

  it('asks for its effects and emits, in order, and runs nothing', () => {
    const actor = new BareActor(hosted).begin().take('act');
    expect(actor.asked).toMatchObject([
      ['emit', { type: 'first', n: 0 }],
      ['action', expect.any(String) as unknown, undefined],
      ['emit', { type: 'second', n: 0 }],
    ]);
    expect(actor.snapshot.context).toEqual({ n: 10 });
    expect([done, actor.port.passed]).toEqual([[], []]);
  });

  it('gives its effects, when they run, the tools they expect', () => {
    const actor = new BareActor(hosted).begin().take('act');
    actor.port.snapshot = { context: 'newest' };
    const sent: unknown[] = [];
    const { send } = actor.port;
    actor.port.send = (ref, event) => {
      sent.push(event);
      return send.call(actor.port, ref, event);
    };
    actor.act();
    expect(done).toEqual([0, { context: 'newest' }]);
    expect(sent).toEqual([{ type: 'inc', by: 1 }, { type: 'inc', by: 2 }, { type: 'inc' }]);
    expect(actor.port.passed).toEqual(Array(3).fill('send inc to subject/1'));
  });

  it('goes on from its bytes', () => {
    const actor = new BareActor(hosted).begin().take('inc').reborn().take('act').reborn().take('inc');
    expect(actor.snapshot.context).toEqual({ n: 12 });
  });
});

describe('a store', () => {
  it('that is hosted twice, or used beside, is not shared', () => {
    const [one, two] = [new BareActor(store).begin(), new BareActor(store).begin()];
    one.take('inc');
    store.send({ type: 'inc' });
    expect([one.snapshot.context, two.take('unknown').snapshot.context]).toEqual([{ n: 1 }, { n: 0 }]);
    expect(store.getSnapshot().context).toEqual({ n: 1 });
  });

  it('with undo remembers across bytes what it can take back', () => {
    const actor = new BareActor(createStore(config).with(undoRedo()))
      .begin()
      .take('inc')
      .take('inc')
      .reborn();
    expect(actor.take('undo').snapshot.context).toEqual({ n: 1 });
    expect(actor.reborn().take('undo').snapshot.context).toEqual({ n: 0 });
    expect(actor.reborn().take('redo').snapshot.context).toEqual({ n: 1 });
  });
});

describe('store logic', () => {
  const withInput = (context: (input: never) => object) =>
    createStoreLogic({ context, on: { inc: (c: { n: number }) => ({ ...c, n: c.n + 1 }) } } as never);

  it('takes its input', () => {
    const counting = withInput(({ start }: { start: number }) => ({ n: start }));
    const [one, two] = [
      new BareActor(counting).begin({ start: 40 }),
      new BareActor(counting).begin({ start: 7 }),
    ];
    expect(one.take('inc').snapshot.context).toEqual({ n: 41 });
    expect(two.take('inc').snapshot.context).toEqual({ n: 8 });
  });

  it.each<[string, (input: never) => object]>([
    ['reads it', ({ start }: { start: number }) => ({ n: start })],
    ['reckons with it', ({ a }: { a: { b: number } }) => ({ n: a.b * 2 - 1 })],
    ['goes through it', ({ list }: { list: number[] }) => ({ n: [...list].length, all: list.map(String) })],
    ['calls it', ({ text }: { text: string }) => ({ n: text.trim().length, t: `${text}!` })],
    ['spreads it', (input: object) => ({ n: 0, ...input })],
    ['takes it apart', ([first]: number[]) => ({ n: first })],
    [
      'checks it',
      ({ start }: { start: unknown }) => {
        if (typeof start !== 'number') throw new TypeError('start must be a number');
        return { n: start };
      },
    ],
    [
      'follows it to its end',
      (input: { next: never }) => {
        const depth = (node: { next: never } | null): number => (node === null ? 0 : 1 + depth(node.next));
        return { n: depth(input) };
      },
    ],
  ])('needs its input only once, though its context %s', (_, context) => {
    const here = new BareActor(withInput(context)).begin({
      start: 1,
      a: { b: 1 },
      list: [1],
      text: 'x',
      next: { next: null },
      *[Symbol.iterator]() {
        yield 1;
      },
    });
    // Another process: the same code, and only what was stored.
    const { host } = new BareActor(withInput(context)).definition;
    const persisted = { ...here.definition.host.persist(here.snapshot), context: { n: 5 } };
    const restored = host.restore(persisted, () => expect.unreachable());
    const { snapshot } = host.transition(here.self, restored, { type: 'inc' }, 0, here);
    expect(snapshot.context).toEqual({ n: 6 });
  });

  // A new store draws itself a random name.
  it('draws no chance in a step after a restart', () => {
    const here = new BareActor(logic).begin();
    const { host } = new BareActor(createStoreLogic(config)).definition;
    enter(1, 1, () => new Uint8Array(16));
    try {
      host.transition(here.self, { status: 'active', context: { n: 5 } }, { type: 'inc' }, 0, here);
    } finally {
      leave();
    }
    expect(seedOfLast()).toBeUndefined();
  });

  it('comes back after a crash behind a checkpoint', async () => {
    const open = (disk: ReturnType<typeof memory>) =>
      createSystem({
        store: disk,
        actors: { cart: durable(createStoreLogic(config), { checkpointEvery: 2 }) },
        logger: { log: () => {}, error: () => {} },
      });
    const disk = memory();
    const first = await open(disk);
    const ref = await first.actor('cart', '1');
    for (let n = 0; n < 4; n++) await ref.send({ type: 'inc' });
    internals.get(first)!.die();
    await disk.close();
    const second = await open(disk);
    try {
      expect((await second.actor('cart', '1')).getSnapshot()).toMatchObject({ context: { n: 4 } });
    } finally {
      await second.close();
    }
  });
});

describe('logic made with fromStore', () => {
  it('is hosted as long as it has no effects', () => {
    const actor = new BareActor(legacy).begin().take('inc').reborn().take('inc').take('chain');
    expect(actor.snapshot.context).toEqual({ n: 102 });
  });

  it('is refused at its first effect, with the fix, and nothing has happened', () => {
    const actor = new BareActor(legacy).begin().take('inc');
    const { push } = Array.prototype;
    expect(() => actor.take('act')).toThrow(
      /fromStore ran an effect inside.*createStore or createStoreLogic/s,
    );
    expect([actor.snapshot.context, done, actor.port.passed]).toEqual([{ n: 1 }, [], []]);
    // What stands guard is gone: arrays are arrays again.
    expect(Array.prototype.push).toBe(push);
    expect([(() => {}) as unknown].concat([1]).push(() => {})).toBe(3);
    expect(actor.take('inc').snapshot.context).toEqual({ n: 2 });
  });

  it('emits', () => {
    const emitting = fromStore({
      context: { n: 0 },
      on: {
        tell: (context: { n: number }, _event: Event, enqueue: Enqueue) => {
          enqueue.emit['told']!({ n: 1 });
          return context;
        },
      },
    } as never);
    expect(new BareActor(emitting).begin().take('tell').asked).toEqual([['emit', { type: 'told', n: 1 }]]);
  });

  it('runs its effects under plain createActor, as ever', () => {
    const actor = createActor(legacy).start();
    actor.send({ type: 'act' } as never);
    expect(done[0]).toBe(0);
  });
});

describe('the form of a store', () => {
  const forms = (thing: unknown) => [isStore(thing), isStoreLogic(thing), isFromStore(thing)];

  it.each<[string, unknown, boolean[]]>([
    ['createStore', store, [true, false, false]],
    ['createStore with undo', createStore(config).with(undoRedo()), [true, false, false]],
    ['createStoreLogic', logic, [false, true, false]],
    ['fromStore', legacy, [false, false, true]],
    ['fromTransition', fromTransition((n: number) => n, 0), [false, false, false]],
    ['nothing', undefined, [false, false, false]],
    ['a function', vi.fn(), [false, false, false]],
  ])('%s is told from the others', (_, thing, form) => {
    expect(forms(thing)).toEqual(form);
  });
});
