// The lie: "a ref holds nothing and does nothing by itself". Refs of users, of machines and those XState made are asked
// for everything an actor can do, outside of a step and inside.
import { describe, expect, it } from 'vitest';
import { assign, createActor, fromTransition, setup } from 'xstate';
import type { AnyActorRef, AnyEventObject, Observer } from 'xstate';
import { BareActor, NotingPort } from '../testing/bare-actor.ts';
import { captureWith, isRef, Ref, Tree, UNBORN } from './ref.ts';
import type { InsideStep } from './ref.ts';

const idle = fromTransition((n: number) => n, 0);

function newRef(port = new NotingPort(), life = 1) {
  const tree = new Tree(port, 'order/42');
  return { port, tree, ref: new Ref(tree, 'order/42', '42', { actor: 5, life }) };
}

describe('outside of a step, a ref', () => {
  it('asks the port for everything', async () => {
    const { port, tree, ref } = newRef();
    port.snapshot = { status: 'active', value: 'here' };
    await ref.send({ type: 'PAY' });
    tree._relay(undefined, ref, { type: 'TOLD' });
    expect(ref.getSnapshot()).toBe(port.snapshot);
    ref.subscribe(() => {}).unsubscribe();
    ref.on('X', () => {}).unsubscribe();
    expect(port.passed).toEqual([
      'send PAY to order/42',
      'relay TOLD from nobody to order/42',
      'subscribe to order/42',
      'no longer subscribe to order/42',
      'listen to X of order/42',
      'no longer listen to X of order/42',
    ]);
  });

  it('gives what the port promises', async () => {
    const options: unknown[] = [];
    class Answering extends NotingPort {
      override send(_ref: Ref, _event: AnyEventObject, given?: object): Promise<unknown> {
        options.push(given);
        return Promise.resolve('receipt');
      }
    }
    const { ref } = newRef(new Answering());
    expect(await ref.send({ type: 'PAY' }, { id: 'once' })).toBe('receipt');
    expect(options).toEqual([{ id: 'once' }]);
  });

  it('names its life in its session, from the second on', () => {
    expect(newRef().ref.sessionId).toBe('order/42');
    expect(newRef(undefined, 2).ref.sessionId).toBe('order/42~2');
    const { ref } = newRef();
    ref.bear(5, 3);
    expect([ref.actor, ref.life, ref.sessionId]).toEqual([5, 3, 'order/42~3']);
  });

  it('subscribes a function or an observer alike', () => {
    const { port, ref } = newRef();
    const observers: Observer<unknown>[] = [];
    port.subscribe = ((_ref: Ref, observer: Observer<unknown>) => {
      observers.push(observer);
      return { unsubscribe: () => {} };
    }) as typeof port.subscribe;
    const seen: unknown[] = [];
    ref.subscribe(
      (snapshot) => seen.push(snapshot),
      (error) => seen.push(error),
      () => seen.push('complete'),
    );
    ref.subscribe({ next: (snapshot) => seen.push(snapshot) });
    for (const { next } of observers) next?.('state');
    observers[0]!.error?.('error');
    observers[0]!.complete?.();
    expect(seen).toEqual(['state', 'state', 'error', 'complete']);
  });

  it('selects, and tells only what has changed', () => {
    const { port, ref } = newRef();
    let tell: (snapshot: unknown) => void = () => {};
    port.subscribe = ((_ref: Ref, { next }: Observer<unknown>) => {
      tell = (snapshot) => next!((port.snapshot = snapshot));
      return { unsubscribe: () => {} };
    }) as typeof port.subscribe;
    port.snapshot = { n: 0, other: 0 };
    const selected = ref.select((snapshot: { n: number }) => snapshot.n);
    const seen: number[] = [];
    selected.subscribe((n) => seen.push(n));
    for (const snapshot of [{ n: 0 }, { n: 1 }, { n: 1, other: 1 }, { n: 2 }]) tell(snapshot);
    expect(seen).toEqual([1, 2]);
    expect(selected.get()).toBe(2);

    const parity = ref.select(
      (snapshot: { n: number }) => snapshot.n,
      (a, b) => a % 2 === b % 2,
    );
    const changes: number[] = [];
    parity.subscribe({ next: (n) => changes.push(n) });
    for (const n of [4, 5, 7, 8]) tell({ n });
    expect(changes).toEqual([5, 8]);
  });

  it.each<[string, (ref: Ref) => unknown, RegExp]>([
    ['stop', (ref) => ref.stop(), /system\.stop\('order\/42'\)/],
    ['getPersistedSnapshot', (ref) => ref.getPersistedSnapshot(), /the system persists/],
    ['inspect', ({ system }) => system.inspect(), /createSystem\(\{ inspect \}\)/],
    [
      'a clock',
      ({ system }) => (system._clock as { setTimeout(): void }).setTimeout(),
      /no clock of its own: use `after`/,
    ],
    ['a schedule', ({ system }) => (system.scheduler as { schedule(): void }).schedule(), /no clock/],
  ])('refuses what a hosted actor cannot do, with the fix: %s', (_, ask, fix) => {
    expect(() => ask(newRef().ref)).toThrow(fix);
  });

  it('starts without doing anything, and says so little of itself as XState does', () => {
    const { ref, port } = newRef();
    expect(ref.start()).toBe(ref);
    expect(port.passed).toEqual([]);
    expect(JSON.parse(JSON.stringify({ ref }))).toEqual({ ref: { xstate$$type: 1, id: '42' } });
    expect([isRef(ref), isRef({ ...ref }), isRef(null)]).toEqual([true, false, false]);
    expect(ref.ref).toBe(ref);
  });

  it('is looked up through the port', () => {
    const { port, tree, ref } = newRef();
    port.known.set('payments', ref);
    expect(tree.get('payments')).toBe(ref);
    expect(tree.get('nobody')).toBeUndefined();
    expect(tree.getAll()).toEqual({ payments: ref });
  });
});

describe('inside of a step, a ref', () => {
  /** Does something while what refs are asked for is captured. */
  function captured(act: (parts: ReturnType<typeof newRef>) => unknown) {
    const parts = newRef();
    const noted: string[] = [];
    const step: InsideStep = {
      send: (target, event) => void noted.push(`send ${event.type} to ${target.address}`),
      snapshotOf: (ref) => `the state of ${ref.address}`,
      lookup: (_tree, key) => {
        noted.push(`look up ${key}`);
        return undefined;
      },
      lookupAll: () => {
        noted.push('look up all');
        return {};
      },
      announce: () => void noted.push('announce'),
      bookId: () => 'x:7',
      claim: (systemId) => void noted.push(`claim ${systemId}`),
    };
    captureWith(step);
    try {
      return { value: act(parts), noted, passed: parts.port.passed };
    } finally {
      captureWith(undefined);
    }
  }

  it('passes nothing on', () => {
    const { noted, passed } = captured(({ ref, tree }) => {
      void ref.send({ type: 'PAY' });
      tree._relay(undefined, ref, { type: 'TOLD' });
      tree.get('payments');
      tree.getAll();
      tree._sendInspectionEvent({ type: '@xstate.actor', actorRef: ref as never });
      tree._sendInspectionEvent({ type: '@xstate.snapshot', actorRef: ref as never });
      tree._set('name', ref as never);
    });
    expect(passed).toEqual([]);
    expect(noted).toEqual([
      'send PAY to order/42',
      'send TOLD to order/42',
      'look up payments',
      'look up all',
      'announce',
      'claim name',
    ]);
  });

  it('shows what the step may see, and gives out the ids of the step', () => {
    const { value } = captured(({ ref, tree }) => [ref.getSnapshot(), tree._bookId()]);
    expect(value).toEqual(['the state of order/42', 'x:7']);
    expect(newRef().tree._bookId()).not.toBe('x:7');
  });

  it('makes no promise: a send gives one that was made before, and never settles', async () => {
    const { value } = captured(({ ref }) => [ref.send({ type: 'A' }), ref.send({ type: 'B' })]);
    const [one, other] = value as [Promise<unknown>, Promise<unknown>];
    expect(one).toBe(other);
    expect(await Promise.race([one, Promise.resolve('waits')])).toBe('waits');
  });
});

describe('a child that XState has made', () => {
  const machine = setup({
    types: { context: {} as { kid: AnyActorRef | undefined } },
    actors: { idle },
  }).createMachine({
    context: { kid: undefined },
    on: {
      GO: {
        actions: assign({
          kid: ({ spawn }) => spawn('idle', { id: 'a/b', systemId: 'bank', syncSnapshot: true }),
        }),
      },
    },
  });

  it('is a ref in place: the machine holds the very object', () => {
    const actor = new BareActor(machine).begin().take('GO');
    const { kid } = actor.state.context as { kid: Ref };
    expect(isRef(kid)).toBe(true);
    expect(kid).toBe(actor.state.children['a/b']);
    expect(kid).toMatchObject({
      id: 'a/b',
      address: 'subject/1/a%2Fb',
      src: 'idle',
      systemId: 'bank',
      _syncSnapshot: true,
      life: 1,
      sessionId: 'subject/1/a%2Fb',
    });
    expect(kid.actor).not.toBe(UNBORN);
    expect(kid._parent).toBe(actor.self);
    expect(kid.system).toBe(actor.self.system);
    expect(kid.toJSON()).toEqual({ xstate$$type: 1, id: 'a/b' });
  });

  it('does what refs do, through the port', () => {
    const actor = new BareActor(machine).begin().take('GO');
    const kid = actor.state.children['a/b'] as unknown as Ref;
    const { send } = kid;
    void kid.send({ type: 'X' });
    void send.call(kid, { type: 'Y' });
    kid.subscribe(() => {});
    expect(kid.getSnapshot()).toBe(actor.port.snapshot);
    expect(() => kid.stop()).toThrow(/is hosted/);
    expect(actor.port.passed).toEqual([
      'send X to subject/1/a%2Fb',
      'send Y to subject/1/a%2Fb',
      'subscribe to subject/1/a%2Fb',
    ]);
  });

  it('has dropped the machinery that XState gave it', () => {
    const kid = new BareActor(machine).begin().take('GO').state.children['a/b'] as unknown as object;
    const plain = createActor(idle) as unknown as object;
    for (const part of ['mailbox', 'observers', 'eventListeners', '_actorScope', 'logic', 'options']) {
      expect([part, (kid as Record<string, unknown>)[part]]).toEqual([part, undefined]);
      // If XState calls it otherwise one day, nobody would notice that it is kept.
      expect([part, (plain as Record<string, unknown>)[part]]).not.toEqual([part, undefined]);
    }
  });

  it('names its life when it is born again', () => {
    const actor = new BareActor(machine).begin().take('GO');
    const kid = actor.state.children['a/b'] as unknown as Ref;
    kid.bear(9, 4);
    expect([kid.actor, kid.life, kid.sessionId]).toEqual([9, 4, 'subject/1/a%2Fb~4']);
  });
});
