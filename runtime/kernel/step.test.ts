// The lie: "a step does nothing: all that it asks for comes out as intents, in order, and what throws leaves nothing".
// Every action XState has, spawns and sends from every place, throws in the middle, and machines that never come to rest.
import { describe, expect, it, vi } from 'vitest';
import {
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import type { AnyActorRef, AnyEventObject } from 'xstate';
import { createSystem } from 'heddle';
import { memory } from 'heddle/storage';
import { BareActor } from '../testing/bare-actor.ts';
import { enter, insideMoment, leave, violationOfLast } from './moment.ts';
import type { Ref } from './ref.ts';

const kid = fromTransition((n: number) => n, 0);
const job = fromPromise(async () => 1);
const { createMachine: create } = setup({
  types: { context: {} as { n: number; kid?: AnyActorRef }, events: {} as AnyEventObject },
  actors: { kid, job },
});

/** An actor that does the actions when it is told `GO`. */
function doing(...actions: readonly unknown[]): BareActor {
  const machine = create({ context: { n: 0 }, on: { GO: { actions: actions as never } } });
  return new BareActor(machine).begin().take('GO');
}

const ME = 'subject/1';

describe('what a step asks for', () => {
  it.each<[string, unknown, readonly unknown[]]>([
    ['emit', emit({ type: 'E', n: 1 }), ['emit', { type: 'E', n: 1 }]],
    ['log', log(({ context }) => context, 'seen'), ['log', 'seen', { n: 0 }]],
    ['cancel', cancel('t'), ['cancel', 't']],
    ['a delayed raise', raise({ type: 'T' }, { delay: 50, id: 't' }), ['timer', 't', 50, ME, { type: 'T' }]],
    ['a raise without an id', raise({ type: 'T' }, { delay: 5 }), ['timer', undefined, 5, ME, { type: 'T' }]],
    [
      'a delay before now',
      raise({ type: 'T' }, { delay: -5, id: 't' }),
      ['timer', 't', 0, ME, { type: 'T' }],
    ],
    [
      'a delayed send',
      sendTo(({ self }) => self, { type: 'T' }, { delay: 7, id: 't' }),
      ['timer', 't', 7, ME, { type: 'T' }],
    ],
    ['a send to itself', sendTo(({ self }) => self, { type: 'S' }), ['send', ME, { type: 'S' }]],
    ['spawnChild', spawnChild('kid', { id: 'k' }), ['spawn', `${ME}/k`, 'kid', undefined]],
    [
      'spawnChild with an input',
      spawnChild('kid', { id: 'k', input: { a: 1 } }),
      ['spawn', `${ME}/k`, 'kid', { a: 1 }],
    ],
    [
      'spawn in an assign',
      assign({ kid: ({ spawn }) => spawn('kid', { id: 'k' }) }),
      ['spawn', `${ME}/k`, 'kid', undefined],
    ],
    [
      'a send within an assign',
      assign(({ self }) => {
        self.send({ type: 'S' });
        return {};
      }),
      ['send', ME, { type: 'S' }],
    ],
  ])('%s', (_, action, asked) => {
    const actor = doing(action);
    expect(actor.asked).toEqual([asked]);
    expect(actor.port.passed).toEqual([]);
  });

  it('keeps the order in which it was asked for, across exit, transition and entry', () => {
    const say = (n: number) => emit({ type: 'E', n });
    const machine = createMachine({
      initial: 'a',
      states: {
        a: { exit: [say(1), raise({ type: 'R' })], on: { GO: { target: 'b', actions: [say(2), say(3)] } } },
        b: { entry: say(4), on: { R: { actions: [say(5), raise({ type: 'T' }, { delay: 1 }), say(6)] } } },
      },
    });
    const kinds = new BareActor(machine).begin().take('GO').asked as [string, AnyEventObject][];
    expect(kinds.map(([kind, event]) => (kind === 'emit' ? event['n'] : kind))).toEqual([
      1,
      2,
      3,
      4,
      5,
      'timer',
      6,
    ]);
  });

  it('of `after` is a timer under the id that its cancel names', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { after: { 100: 'b' }, on: { GO: 'b' } }, b: {} },
    });
    const actor = new BareActor(machine).begin();
    const id = 'xstate.after.100.(machine).a';
    expect(actor.asked).toEqual([['timer', id, 100, ME, { type: id }]]);
    expect(actor.take('GO').asked).toEqual([['cancel', id]]);
    expect(new BareActor(machine).begin().take(id).state.value).toBe('b');
  });

  it('of a raise at once is nothing: it was taken within the step', () => {
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: raise({ type: 'R' }) }, R: { actions: assign({ n: 9 }) } },
    });
    const actor = new BareActor(machine).begin().take('GO');
    expect([actor.asked, actor.state.context]).toEqual([[], { n: 9 }]);
  });

  it('of a custom action is to run it later, with what it saw', () => {
    const ran: unknown[] = [];
    const machine = setup({
      types: { context: {} as { n: number } },
      actions: {
        pay: ({ context, event }, { to }: { to: string }) => void ran.push([context.n, event.type, to]),
      },
    }).createMachine({
      context: { n: 1 },
      on: {
        GO: { actions: [assign({ n: 2 }), { type: 'pay', params: { to: 'you' } }, assign({ n: 3 })] },
      },
    });
    const actor = new BareActor(machine).begin().take('GO');
    expect(actor.asked).toEqual([['action', 'pay', { to: 'you' }]]);
    expect(ran).toEqual([]);
    actor.act();
    expect(ran).toEqual([[2, 'GO', 'you']]);
  });

  it('of an action that is not implemented is nothing', () => {
    expect(doing('nobody', emit({ type: 'E' })).asked).toEqual([['emit', { type: 'E' }]]);
  });

  it('of enqueueActions is what it enqueues', () => {
    const actor = doing(
      enqueueActions(({ enqueue, check }) => {
        enqueue.emit({ type: 'E' });
        enqueue.spawnChild('kid', { id: 'k' });
        if (check(() => true)) enqueue.sendTo('k', { type: 'S' });
        enqueue.stopChild('k');
      }),
    );
    // A child that does not outlive the step never lives, and what was sent to it was for nobody.
    expect(actor.asked).toEqual([['emit', { type: 'E' }]]);
  });

  it('by a child reaches its parent, an error of it as its parent expects it', () => {
    const machine = createMachine({
      on: {
        GO: { actions: [sendParent({ type: 'UP' }), sendParent({ type: 'xstate.error', data: 'why' })] },
      },
    });
    const actor = new BareActor(machine, { asChild: true }).begin().take('GO');
    expect(actor.asked).toEqual([
      ['send', 'boss/1', { type: 'UP' }],
      ['send', 'boss/1', { type: 'xstate.error.actor.subject', error: 'why', actorId: 'subject' }],
    ]);
  });

  it('is nothing for an event that nobody takes', () => {
    const actor = doing();
    const before = actor.snapshot;
    actor.take('UNKNOWN');
    expect(actor.snapshot).toBe(before);
    expect(actor.intents).toHaveLength(0);
  });

  it('does not carry over into the next step', () => {
    const actor = doing(emit({ type: 'E' }));
    expect(actor.take('OTHER').asked).toEqual([]);
  });
});

describe('children in a step', () => {
  const invoking = create({
    context: { n: 0 },
    initial: 'a',
    states: {
      a: { on: { GO: 'b', PASS: 'passing' } },
      b: {
        entry: [sendTo('k', { type: 'FIRST' }), emit({ type: 'E' }), sendTo('k', { type: 'SECOND' })],
        invoke: [
          { src: 'kid', id: 'k' },
          { src: 'job', id: 'j' },
        ],
        on: { LEAVE: 'a' },
      },
      passing: { invoke: { src: 'kid', id: 'k' }, always: 'a' },
    },
  });

  it('that are invoked get what was sent to them before, first and in order', () => {
    expect(new BareActor(invoking).begin().take('GO').asked).toEqual([
      ['emit', { type: 'E' }],
      ['spawn', `${ME}/k`, 'kid', undefined],
      ['send', `${ME}/k`, { type: 'FIRST' }],
      ['send', `${ME}/k`, { type: 'SECOND' }],
      ['spawn', `${ME}/j`, 'job', undefined],
    ]);
  });

  it('stop with the state that has invoked them', () => {
    const actor = new BareActor(invoking).begin().take('GO').take('LEAVE');
    expect(actor.asked).toEqual([
      ['stop', `${ME}/k`],
      ['stop', `${ME}/j`],
    ]);
    expect(actor.state.children).toEqual({});
  });

  it('of a state that is only passed through never live', () => {
    const actor = new BareActor(invoking).begin().take('PASS');
    expect([actor.asked, actor.state.value]).toEqual([[], 'a']);
  });

  it('of the very first step are born with it', () => {
    const machine = create({
      context: ({ spawn }) => ({ n: 0, kid: spawn('kid', { id: 'k' }) }),
      entry: sendTo(({ context }) => context.kid!, { type: 'HELLO' }),
    });
    const actor = new BareActor(machine).begin();
    expect(actor.asked).toEqual([
      ['spawn', `${ME}/k`, 'kid', undefined],
      ['send', `${ME}/k`, { type: 'HELLO' }],
    ]);
    expect(actor.state.context.kid).toBe(actor.state.children['k']);
  });

  it('without an id get one that is counted, and the same when the step is told again', () => {
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: assign({ kid: ({ spawn }) => (spawn('kid'), spawn('kid')) }) } },
    });
    const actor = new BareActor(machine).begin();
    const first = Object.keys(actor.take('GO').state.children);
    const second = Object.keys(actor.take('GO').state.children);
    expect([first.length, second.length, new Set(second).size, actor.booked]).toEqual([2, 4, 4, 4]);
    expect(Object.keys(new BareActor(machine).begin().take('GO').state.children)).toEqual(first);
  });

  // XState keeps a child of `spawnChild` without an id under the name 'undefined'.
  it('without an id report their end like all others', async () => {
    const machine = create({
      context: { n: 0 },
      initial: 'a',
      states: { a: { entry: spawnChild('job'), on: { 'xstate.done.actor.*': 'b' } }, b: {} },
    });
    const system = await createSystem({ store: memory(), actors: { machine } });
    const ref = await system.actor('machine', '1');
    try {
      await vi.waitFor(() => expect(ref.getSnapshot()).toMatchObject({ value: 'b' }), 500);
    } finally {
      await system.close();
    }
  });

  it('are forwarded events, and told apart by id', () => {
    const machine = create({
      context: { n: 0 },
      entry: [spawnChild('kid', { id: 'one' }), spawnChild('kid', { id: 'two' })],
      on: { X: { actions: forwardTo('two') }, STOP: { actions: stopChild('one') } },
    });
    const actor = new BareActor(machine).begin();
    expect(actor.take({ type: 'X', n: 1 }).asked).toEqual([['send', `${ME}/two`, { type: 'X', n: 1 }]]);
    expect(actor.take('STOP').asked).toEqual([['stop', `${ME}/one`]]);
    expect(Object.keys(actor.state.children)).toEqual(['two']);
  });

  it('of others cannot be stopped', () => {
    const actor = doing();
    const stranger = actor.stranger('bank/1');
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: stopChild(() => stranger as never) } },
    });
    expect(() => new BareActor(machine).begin().take('GO')).toThrow(/not a child/);
  });

  it('without a name for their logic are refused with the fix', () => {
    const unnamed = fromTransition((n: number) => n, 0);
    expect(() => doing(spawnChild(unnamed as never, { id: 'k' }))).toThrow(
      /child 'k' .*has no name.*register it in setup\(\{ actors/,
    );
    expect(() => doing(assign({ kid: ({ spawn }) => spawn(unnamed) as never }))).toThrow(/has no name/);
    expect(doing(spawnChild(kid as never, { id: 'k' })).asked).toEqual([
      ['spawn', `${ME}/k`, 'kid', undefined],
    ]);
  });

  it('of a source that is not implemented are refused with the fix', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect(() => doing(spawnChild('nobody' as never))).toThrow(/"nobody" is not implemented.*setup/);
    warn.mockRestore();
  });

  it('that were not invoked cannot be sent to', () => {
    expect(() => doing(sendTo('nobody', { type: 'X' }))).toThrow(/nobody/);
    expect(() => doing(sendTo('nobody', { type: 'X' }, { delay: 5 }))).toThrow(/nobody/);
  });
});

describe('what a step reads of the world', () => {
  const reading = (read: (parts: { self: Ref; system: Ref['tree'] }) => unknown): BareActor => {
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: assign((parts) => ({ n: read(parts as never) as number })) } },
    });
    return new BareActor(machine).begin();
  };

  it('goes through its environment, which may note it', () => {
    const actor = reading(({ system }) => {
      const bank = system.get('bank')!;
      return [bank.getSnapshot(), Object.keys(system.getAll()), system.get('nobody')];
    });
    actor.port.known.set('bank', actor.stranger('bank/1'));
    actor.take('GO');
    expect(actor.reads).toEqual(['lookup bank', 'snapshot of bank/1', 'lookup all', 'lookup nobody']);
    expect(actor.state.context.n).toEqual([actor.port.snapshot, ['bank'], undefined]);
  });

  it('of itself is its state before the step', () => {
    const actor = reading(({ self }) => (self.getSnapshot() as { context: { n: number } }).context.n + 1);
    expect(actor.take('GO').take('GO').state.context.n).toBe(2);
    expect(actor.reads).toEqual([]);
  });

  it('knows the names that it has given and taken itself', () => {
    const seen: unknown[] = [];
    const look = assign(({ system }) => {
      const names = Object.keys(system.getAll());
      seen.push([(system.get('bank') as Ref | undefined)?.address, names]);
      return {};
    });
    doing(
      look,
      spawnChild('kid', { id: 'k', systemId: 'bank' }),
      look,
      stopChild('k'),
      look,
      spawnChild('kid', { id: 'l', systemId: 'bank' }),
      look,
    );
    expect(seen).toEqual([
      [undefined, []],
      [`${ME}/k`, ['bank']],
      [undefined, []],
      [`${ME}/l`, ['bank']],
    ]);
  });

  it('holds a name that somebody else has', () => {
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: spawnChild('kid', { systemId: 'bank' }) } },
    });
    const actor = new BareActor(machine).begin();
    actor.port.known.set('bank', actor.stranger('bank/1'));
    expect(() => actor.take('GO')).toThrow(/'bank' already exists \(bank\/1\)/);
  });
});

describe('a step that throws', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const before: readonly unknown[] = [assign({ n: 1 }), emit({ type: 'E' }), spawnChild('kid', { id: 'k' })];

  it.each<[string, object]>([
    ['in an assign', { actions: [...before, assign({ n: boom })] }],
    ['in a guard', { guard: boom, actions: before }],
    ['in a delay', { actions: [...before, raise({ type: 'T' }, { delay: boom })] }],
    ['in the input of a child', { actions: [...before, spawnChild('kid', { input: boom })] }],
    ['in the making of an event', { actions: [...before, sendTo(({ self }) => self, boom)] }],
    ['in an entry', { target: '.b' }],
  ])('%s, leaves nothing', (_, transition) => {
    const machine = create({
      context: { n: 0 },
      initial: 'a',
      states: { a: {}, b: { entry: [...(before as never[]), assign({ n: boom })] } },
      on: { GO: transition as never, OTHER: { actions: emit({ type: 'O' }) } },
    });
    const actor = new BareActor(machine).begin();
    const { snapshot } = actor;
    expect(() => actor.take('GO')).toThrow(/boom/);
    expect(actor.snapshot).toBe(snapshot);
    expect(actor.state).toMatchObject({ value: 'a', context: { n: 0 }, children: {} });
    expect(actor.port.passed).toEqual([]);
    // Neither in the next step, nor outside of any.
    expect(actor.take('OTHER').asked).toEqual([['emit', { type: 'O' }]]);
    void actor.self.send({ type: 'X' });
    expect(actor.port.passed).toEqual([`send X to ${ME}`]);
  });

  it('as the first of a life says so in its snapshot', () => {
    const machine = create({ context: { n: 0 }, entry: assign({ n: boom }) });
    const { snapshot } = new BareActor(machine).begin();
    expect(snapshot).toMatchObject({ status: 'error', error: { message: 'boom' } });
  });

  it('may have used what is not allowed: the moment knows', () => {
    const machine = create({
      context: { n: 0 },
      on: { GO: { actions: assign({ n: () => Number(setTimeout(() => {}, 1)) }) } },
    });
    const actor = new BareActor(machine).begin();
    enter(1, 1, undefined);
    try {
      expect(() => actor.take('GO')).toThrow(/setTimeout is not allowed/);
    } finally {
      leave();
    }
    expect(violationOfLast()?.api).toBe('setTimeout');
    expect([insideMoment(), actor.state.context.n]).toEqual([false, 0]);
  });
});

describe('a machine that does not come to rest', () => {
  const pingPong = createMachine({
    initial: 'idle',
    states: {
      idle: { on: { GO: 'a' } },
      a: { always: 'b' },
      b: { always: 'a' },
    },
  });
  const selfRaising = createMachine({
    on: { GO: { actions: raise({ type: 'AGAIN' }) }, AGAIN: { actions: raise({ type: 'AGAIN' }) } },
  });

  it.each([
    ['by always', pingPong],
    ['by raise', selfRaising],
  ])('%s, is refused instead of hanging', (_, machine) => {
    const actor = new BareActor(machine).begin();
    const { snapshot } = actor;
    expect(() => actor.take('GO')).toThrow(/10000|iteration|loop/i);
    expect(actor.snapshot).toBe(snapshot);
  });

  it('in its very first step, ends with an error', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { always: 'b' }, b: { always: 'a' } },
    });
    expect(new BareActor(machine, { maxMicrosteps: 50 }).begin().snapshot.status).toBe('error');
  });

  /** Takes so many microsteps to count up to a number. */
  const counting = create({
    context: { n: 0 },
    initial: 'idle',
    states: {
      idle: { on: { GO: 'up' } },
      up: {
        always: {
          guard: ({ context }) => context.n < 40,
          actions: assign({ n: ({ context }) => context.n + 1 }),
        },
      },
    },
  });

  it('for long, but at last, is let be', () => {
    expect(new BareActor(counting, { maxMicrosteps: 50 }).begin().take('GO').state.context.n).toBe(40);
    expect(() => new BareActor(counting, { maxMicrosteps: 30 }).begin().take('GO')).toThrow(Error);
  });
});
