// The lie: "a poison event becomes a dead letter with its evidence, and the actor keeps its last good state". Whatever
// user code may run in a step throws, for events from everywhere; then the system is opened again and looked at.
import { describe, expect, it } from 'vitest';
import { assign, emit, enqueueActions, sendParent, setup } from 'xstate';
import { durable } from 'heddle';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, open, rejection } from './systems.ts';

/** How often a step is tried: once as it stands, and once more from the restored state. */
const ATTEMPTS = 2;

let thrown = 0;
function explode(): never {
  throw new RangeError(`no. ${++thrown}`, { cause: { detail: 7 } });
}

/** Throws at every place where a step may run code, when it is told to. */
const fragile = setup({
  types: {
    context: {} as { n: number },
    events: {} as
      | { type: 'inc' }
      | { type: 'guard' | 'assign' | 'entry' | 'exit' | 'always' | 'delay' | 'output' | 'enqueue' | 'param' },
    output: {},
  },
  actors: { inner: setup({}).createMachine({}) },
  delays: { badDelay: explode },
  actions: { act: (_, params: unknown) => void (acted += params === undefined ? 1 : 2) },
}).createMachine({
  context: { n: 0 },
  invoke: { src: 'inner', id: 'inner' },
  initial: 'well',
  states: {
    well: {
      after: { 5000: 'old' },
      on: {
        inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        guard: { guard: explode, target: 'old' },
        assign: { actions: ['act', assign({ n: 100 }), emit({ type: 'early' }), assign(explode)] },
        entry: 'badEntry',
        exit: { target: 'old', actions: [assign({ n: 100 }), enqueueActions(explode)] },
        always: 'badAlways',
        delay: 'badDelay',
        output: 'over',
        enqueue: { actions: enqueueActions(explode) },
        param: { actions: [{ type: 'act', params: explode }] },
      },
    },
    badEntry: { entry: [assign({ n: 100 }), assign(explode)] },
    badAlways: { always: { guard: explode, target: 'old' } },
    badDelay: { after: { badDelay: 'old' } },
    over: { type: 'final' },
    old: {},
  },
  output: explode,
});
let acted = 0;

const PLACES = ['guard', 'assign', 'entry', 'exit', 'always', 'delay', 'output', 'enqueue', 'param'] as const;

describe('a step that throws', () => {
  it.each(PLACES)('in %s is tried again, and its event parked; the actor goes on as it was', async (type) => {
    thrown = acted = 0;
    const opened = await open({ fragile });
    const ref = await opened.system.actor('fragile', '1');
    const emitted: unknown[] = [];
    ref.on('*', (event) => emitted.push(event));
    await ref.send({ type: 'inc' });
    const seen: unknown[] = [];
    ref.subscribe(({ context }) => seen.push(context.n));
    await opened.advance(1000);
    const error = await rejection(ref.send({ type }));
    expect(error).toMatchObject({
      _tag: 'StepFailed',
      code: 'HEDDLE_STEP_FAILED',
      retryable: false,
      address: 'fragile/1',
      event: type,
      state: 'well',
    });
    expect(error.message).toMatch(
      /^fragile\/1 could not take '\w+' in state "well": [^]*; its state is unchanged$/,
    );
    expect(thrown).toBe(ATTEMPTS);
    expect(await lettersOf(opened)).toMatchObject([
      {
        address: 'fragile/1',
        life: 1,
        at: opened.clock.now(),
        reason: 'step',
        event: { type },
        state: 'well',
        error: { _tag: 'StepFailed', cause: { message: expect.stringMatching(/no\. 2$/) as string } },
      },
    ]);
    expect(ref.getSnapshot()).toMatchObject({ value: 'well', context: { n: 1 }, status: 'active' });
    await ref.send({ type: 'inc' });
    expect(seen).toEqual([2]);
    // Nothing that the step asked for before it threw was done, and what stood before still stands.
    expect({ acted, emitted }).toEqual({ acted: 0, emitted: [] });
    expect(opened.system.get('fragile/1/inner')!.getSnapshot().status).toBe('active');
    expect((await collect(opened.system.history('fragile/1'))).map(({ event }) => event.type)).toEqual([
      'xstate.init',
      'inc',
      'inc',
    ]);
    const later = await opened.crash();
    await later.settle();
    expect(later.system.get('fragile/1')!.getSnapshot()).toMatchObject({ value: 'well', context: { n: 2 } });
    expect(await lettersOf(later)).toHaveLength(1);
    expect(thrown).toBe(ATTEMPTS);
    expect(await later.system.replay('fragile/1')).toMatchObject({ same: true, records: 3 });
    await later.advance(4000);
    expect(later.system.get('fragile/1')!.getSnapshot()).toMatchObject({ value: 'old' });
  });

  it('because somebody has damaged its state in memory is cured by the second attempt', async () => {
    const victim = setup({
      types: {
        context: {} as { items: string[] | undefined },
        events: {} as { type: 'add'; item: string } | { type: 'damage' },
      },
    }).createMachine({
      context: { items: [] },
      on: {
        add: { actions: assign({ items: ({ context, event }) => [...context.items!, event.item] }) },
        damage: { actions: ({ context }) => void (context.items = undefined) },
      },
    });
    const opened = await open({ victim });
    const ref = await opened.system.actor('victim', '1');
    await ref.send({ type: 'add', item: 'a' });
    await ref.send({ type: 'damage' });
    expect((await ref.send({ type: 'add', item: 'b' })).seq).toBe(4);
    expect(ref.getSnapshot().context.items).toEqual(['a', 'b']);
    expect(await lettersOf(opened)).toEqual([]);
    expect((await opened.crash()).system.get('victim/1')!.getSnapshot().context.items).toEqual(['a', 'b']);
  });

  it('without end is stopped at the bound', async () => {
    const endless = setup({ types: { events: {} as { type: 'spin' } } }).createMachine({
      initial: 'still',
      states: {
        still: { on: { spin: 'left' } },
        left: { always: 'right' },
        right: { always: 'left' },
      },
    });
    const opened = await open({ endless }, { maxMicrosteps: 50 });
    const ref = await opened.system.actor('endless', '1');
    expect(await rejection(ref.send({ type: 'spin' }))).toMatchObject({ _tag: 'StepFailed', event: 'spin' });
    expect(ref.getSnapshot().value).toBe('still');
    expect(await lettersOf(opened)).toHaveLength(1);
  });

  it('with something that cannot be stored still leaves evidence', async () => {
    class Weird extends TypeError {
      readonly stream = { close: () => {} };
      readonly status = 503;
    }
    const weird = setup({ types: { events: {} as { type: 'go' | 'text' | 'odd' } } }).createMachine({
      on: {
        go: { actions: assign(() => throwIt(new Weird('weird'))) },
        text: { actions: assign(() => throwIt('just text')) },
        odd: { actions: assign(() => throwIt(Symbol('odd'))) },
      },
    });
    const opened = await open({ weird });
    const ref = await opened.system.actor('weird', '1');
    for (const type of ['go', 'text', 'odd'] as const) await rejection(ref.send({ type }));
    const errors = (await lettersOf(await opened.reopen())).map(({ error }) => error as Error);
    const causes = errors.map(({ cause }) => cause);
    expect(causes[0]).toBeInstanceOf(TypeError);
    expect(causes[0]).toMatchObject({ message: expect.stringContaining('weird') as string, status: 503 });
    expect(causes[0]).not.toHaveProperty('stream');
    expect(String(causes[1])).toContain('just text');
    expect(errors[2]!.message).toContain('Symbol(odd)');
  });
});

function throwIt(what: unknown): never {
  throw what;
}

/** Sends its child whatever it is told to, and hears of its end. */
const pupil = setup({
  types: {
    context: {} as { heard: number[] },
    events: {} as { type: 'hear'; n: number },
  },
}).createMachine({
  context: { heard: [] },
  after: { 1000: { guard: explode } },
  on: {
    hear: {
      actions: [
        assign({ heard: ({ context, event }) => (event.n < 0 ? explode() : [...context.heard, event.n]) }),
        sendParent(({ event }) => ({ type: 'heard', n: event.n })),
      ],
    },
  },
});

function teacherOf(logic: typeof pupil) {
  return setup({
    types: {
      context: {} as { answers: number[]; error: unknown },
      events: {} as { type: 'say'; ns: number[] } | { type: 'heard'; n: number },
    },
    actors: { pupil: logic, helper: setup({}).createMachine({}) },
  }).createMachine({
    context: { answers: [], error: undefined },
    initial: 'teaching',
    states: {
      teaching: {
        invoke: {
          src: 'pupil',
          id: 'pupil',
          onError: { target: 'alone', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: {
          say: {
            actions: enqueueActions(({ enqueue, event }) => {
              for (const n of event.ns) enqueue.sendTo('pupil', { type: 'hear', n });
            }),
          },
          heard: { actions: assign({ answers: ({ context, event }) => [...context.answers, event.n] }) },
        },
      },
      alone: {},
    },
  });
}

describe('a poison message of another actor', () => {
  it('is parked once, and those before and behind it are taken', async () => {
    thrown = 0;
    const opened = await open({ teacher: teacherOf(pupil) });
    const ref = await opened.system.actor('teacher', '1');
    await ref.send({ type: 'say', ns: [1, -2, 3] });
    await opened.settle();
    expect(ref.getSnapshot().context.answers).toEqual([1, 3]);
    expect(thrown).toBe(ATTEMPTS);
    const later = await opened.crash();
    await later.settle();
    expect(thrown).toBe(ATTEMPTS);
    expect(await lettersOf(later)).toMatchObject([
      {
        address: 'teacher/1/pupil',
        event: { type: 'hear', n: -2 },
        cause: { kind: 'actor', seq: 2, index: 1, life: 1 },
      },
    ]);
    const { context } = later.system.get('teacher/1')!.getSnapshot();
    expect(context).toEqual({ answers: [1, 3], error: undefined });
    // The operator is told, since nobody waits for it.
    expect(opened.troubles.flat().join()).toContain('keeps its last good state');
  });

  it('that was under way at a crash is parked once', async () => {
    thrown = 0;
    const opened = await open({ teacher: teacherOf(pupil) });
    await opened.system.actor('teacher', '1');
    await opened.settle();
    // The message is durable, but its receiver never gets a turn.
    opened.runtime.scheduler.wake = () => {};
    await opened.system.get('teacher/1')!.send({ type: 'say', ns: [-1, 5] });
    expect(thrown).toBe(0);
    let later = await opened.crash();
    await later.settle();
    later = await later.crash();
    await later.settle();
    expect(thrown).toBe(ATTEMPTS);
    expect(await lettersOf(later)).toHaveLength(1);
    expect(later.system.get('teacher/1')!.getSnapshot().context.answers).toEqual([5]);
  });

  it('of a timer is parked once, and not again after a crash', async () => {
    thrown = 0;
    const opened = await open({ teacher: teacherOf(pupil) });
    await opened.system.actor('teacher', '1');
    await opened.advance(2000);
    expect(thrown).toBe(ATTEMPTS);
    let later = await opened.crash();
    await later.advance(2000);
    later = await later.reopen();
    await later.advance(2000);
    expect(await lettersOf(later)).toMatchObject([{ cause: { kind: 'timer' }, address: 'teacher/1/pupil' }]);
    expect(thrown).toBe(ATTEMPTS);
  });
});

describe("with poison: 'fail'", () => {
  it('the actor ends with the error, its parent is told, and its children are stopped', async () => {
    const opened = await open({ fragile: durable(fragile, { poison: 'fail' }) });
    const ref = await opened.system.actor('fragile', '1');
    const ends: unknown[] = [];
    ref.subscribe({ error: (error) => ends.push(error) });
    await ref.send({ type: 'inc' });
    expect(await rejection(ref.send({ type: 'assign' }))).toMatchObject({ _tag: 'StepFailed' });
    await opened.settle();
    expect(ends).toMatchObject([{ name: 'RangeError' }]);
    expect(opened.system.get('fragile/1/inner')!.getSnapshot().status).toBe('stopped');
    for (const isLater of [false, true]) {
      const now = isLater ? await opened.crash() : opened;
      // Its last good state is still to be seen, and its timer is gone.
      expect(now.system.get('fragile/1')!.getSnapshot()).toMatchObject({
        status: 'error',
        error: { name: 'RangeError', cause: { detail: 7 } },
        value: 'well',
        context: { n: 1 },
      });
      if (!isLater) continue;
      await now.advance(10_000);
      const told = await collect(now.system.history('fragile/1'));
      expect(told.map(({ event, error }) => [event.type, error])).toMatchObject([
        ['xstate.init', undefined],
        ['inc', undefined],
        ['assign', { name: 'RangeError' }],
      ]);
      expect(await lettersOf(now)).toHaveLength(1);
      expect(await now.system.replay('fragile/1')).toMatchObject({ same: true, records: 3 });
      expect(await rejection(now.system.get('fragile/1')!.send({ type: 'inc' }))).toMatchObject({
        _tag: 'ActorEnded',
        status: 'error',
      });
    }
  });

  it('a child fails into the onError of its parent, and messages behind are dropped', async () => {
    const opened = await open({ teacher: teacherOf(durable(pupil, { poison: 'fail' })) });
    const ref = await opened.system.actor('teacher', '1');
    await ref.send({ type: 'say', ns: [1, -2, 3] });
    const later = await opened.crash();
    await later.settle();
    expect(later.system.get('teacher/1')!.getSnapshot()).toMatchObject({
      value: 'alone',
      context: { answers: [1], error: { name: 'RangeError' } },
    });
    expect(later.system.get('teacher/1/pupil')!.getSnapshot()).toMatchObject({ status: 'error' });
  });

  it('a timer fails it too', async () => {
    const opened = await open({ teacher: teacherOf(durable(pupil, { poison: 'fail' })) });
    const ref = await opened.system.actor('teacher', '1');
    await opened.advance(1000);
    expect(ref.getSnapshot().value).toBe('alone');
    expect((await opened.crash()).system.get('teacher/1')!.getSnapshot()).toMatchObject({ value: 'alone' });
  });
});

describe('a context factory that throws', () => {
  const stillborn = setup({
    types: { context: {} as { n: number }, input: {} as { bad: boolean } },
  }).createMachine({
    context: ({ input }) => ({ n: input.bad ? explode() : 1 }),
  });

  it('leaves nothing of a root actor, and its id is free', async () => {
    const opened = await open({ stillborn });
    const { system } = opened;
    const error = await rejection(system.start('stillborn', { id: '1', input: { bad: true } }));
    expect(error).toMatchObject({ _tag: 'StepFailed', event: 'xstate.init', address: 'stillborn/1' });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(system.get('stillborn/1')).toBeUndefined();
    expect(await system.verify()).toMatchObject({ records: 0, actors: 0 });
    const ref = await system.start('stillborn', { id: '1', input: { bad: false } });
    expect(ref.getSnapshot().context.n).toBe(1);
    expect((await opened.crash()).system.get('stillborn/1')!.getSnapshot()).toMatchObject({
      context: { n: 1 },
    });
  });

  it.each(['resume', 'fail'] as const)(
    'fails a child with poison: %s, and its parent is told',
    async (poison) => {
      const parent = setup({ actors: { stillborn: durable(stillborn, { poison }) } }).createMachine({
        initial: 'trying',
        states: {
          trying: { invoke: { src: 'stillborn', input: { bad: true }, onError: 'failed' } },
          failed: {},
        },
      });
      const opened = await open({ parent });
      const ref = await opened.system.actor('parent', '1');
      await opened.settle();
      expect(ref.getSnapshot().value).toBe('failed');
      const later = await opened.crash();
      expect(later.system.get('parent/1')!.getSnapshot()).toMatchObject({ value: 'failed' });
      expect(await later.system.replay('parent/1')).toMatchObject({ same: true });
    },
  );
});
