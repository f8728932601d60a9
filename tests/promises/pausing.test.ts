// The lie: "what is paused does nothing at all, loses nothing, and goes on where it was". Messages, births, timers, actions,
// processes, restarts and whole openings are held back, looked at, and let go; and what is not paused must not notice.
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendTo, setup } from 'xstate';
import { currentEffect, durable, supervisor } from 'heddle';
import type { PauseTarget } from 'heddle';
import { counter } from './counter.ts';
import { collect, isSettled, onDisk, open, rejection, ticks } from './systems.ts';

/** What has happened in the world. */
let world: string[] = [];
let finish: (() => void)[] = [];
let failures = 0;

const job = fromPromise<string>(({ signal }) => {
  const { idempotencyKey } = currentEffect()!;
  world.push(`run ${idempotencyKey}`);
  signal.addEventListener('abort', () => world.push(`abort ${idempotencyKey}`));
  return new Promise((resolve) => finish.push(() => resolve('done')));
});

const worker = setup({
  types: { context: {} as { steps: string[] } },
  actors: { job },
  actions: {
    act: ({ event }) => void world.push(`act ${event.type} ${currentEffect()!.idempotencyKey}`),
    actSlowly: (): unknown => new Promise<void>((resolve) => finish.push(resolve)),
    actBadly: () => {
      world.push(`try ${++failures}`);
      throw new Error('not now');
    },
    note: assign({ steps: ({ context, event }) => [...context.steps, event.type] }),
  },
}).createMachine({
  context: { steps: [] },
  initial: 'idle',
  on: {
    '*': { actions: 'note' },
    act: { actions: ['note', 'act'] },
    slow: { actions: 'actSlowly' },
    bad: { actions: 'actBadly' },
    wait: '.waiting',
    work: '.working',
    crash: {
      actions: () => {},
      target: '.idle',
      guard: () => {
        throw new Error('crash');
      },
    },
  },
  states: {
    idle: {},
    waiting: { after: { 1000: { target: 'idle', actions: ['note', 'act'] } } },
    working: { invoke: { src: 'job', id: 'job', onDone: { target: 'idle', actions: ['note', 'act'] } } },
  },
});

const failing = durable(worker, { poison: 'fail' });
const forwarder = setup({}).createMachine({
  on: { pass: { actions: sendTo(({ system }) => system.get('worker/1'), { type: 'act' }) } },
});
const actors = { worker, failing, counter, forwarder };

const begin = async (settings: object = {}) => {
  world = [];
  finish = [];
  failures = 0;
  return open(actors, settings);
};
const steps = (ref: { getSnapshot(): { context: unknown } } | undefined) =>
  (ref!.getSnapshot().context as { steps: string[] }).steps;

const TARGETS: readonly (readonly [string, PauseTarget | undefined])[] = [
  ['its address', { address: 'worker/1' }],
  ['its name', { name: 'worker' }],
  ['everything', undefined],
];

describe.each(TARGETS)('while %s is paused', (_, target) => {
  it('a message waits, and is answered afterwards', async () => {
    const { system } = await begin();
    const ref = await system.start('worker', { id: '1' });
    await system.pause(target);
    const sent = ref.send({ type: 'act' });
    expect(await isSettled(sent)).toBe(false);
    expect([world, steps(ref)]).toEqual([[], []]);
    await system.resume(target);
    expect((await sent).seq).toBe(2);
    await ticks();
    expect(world).toEqual(['act act worker/1@2:0']);
  });

  it('a message from inside waits, also over a kill', async () => {
    const before = await begin({ store: onDisk() });
    await before.system.start('worker', { id: '1' });
    const sender = await before.system.start('forwarder', { id: '1' });
    await before.system.pause(target);
    const sent = sender.send({ type: 'pass' });
    if (target !== undefined) await sent;
    else sent.catch(() => {});
    const after = await before.crash();
    await after.settle();
    expect(world).toEqual([]);
    await after.system.resume(target);
    if (target === undefined) await after.system.get('forwarder/1')!.send({ type: 'pass' });
    await after.settle();
    expect(world).toEqual(['act act worker/1@2:0']);
  });

  it('a birth waits, and whoever joins waits with it', async () => {
    const { system } = await begin();
    await system.pause(target);
    const born = system.start('worker', { id: '1' });
    expect(await isSettled(born)).toBe(false);
    const joined = system.actor('worker', '1');
    expect(await isSettled(joined)).toBe(false);
    expect(system.get('worker/1')).toBeUndefined();
    await system.resume(target);
    expect((await born).address).toBe('worker/1');
    expect((await joined).address).toBe('worker/1');
  });

  it('a timer waits, and is overdue afterwards', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    await ref.send({ type: 'wait' });
    await run.system.pause(target);
    await run.advance(5000);
    expect(world).toEqual([]);
    await run.system.resume(target);
    await run.advance(0);
    expect(world).toHaveLength(1);
    expect(ref.getSnapshot().value).toBe('idle');
  });

  it('a process is stopped, and started again under its key', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    await ref.send({ type: 'work' });
    const paused = run.system.pause(target);
    await ticks();
    expect(world).toEqual(['run worker/1/job@1:0', 'abort worker/1/job@1:0']);
    // It is waited for as long as a promise that is aborted needs.
    finish.shift()!();
    await paused;
    await run.advance(60_000);
    expect(ref.getSnapshot().value).toBe('working');
    await run.system.resume(target);
    await run.settle();
    expect(world.slice(2)).toEqual(['run worker/1/job@1:0']);
    finish.shift()!();
    await run.settle();
    expect(ref.getSnapshot().value).toBe('idle');
    expect(world).toHaveLength(4);
  });

  it('the restart of a supervised actor waits', async () => {
    const run = await begin({
      supervise: supervisor({
        id: 's',
        children: [
          { id: '1', start: 'failing' },
          { id: '2', start: 'counter' },
        ],
      }),
    });
    const other =
      target === undefined ? undefined : 'name' in target ? { name: 'failing' } : { address: 'failing/1' };
    const ref = run.system.get('failing/1')!;
    const crashed = rejection(ref.send({ type: 'crash' }));
    await run.system.pause(other);
    expect(await crashed).toMatchObject({ code: 'HEDDLE_STEP_FAILED' });
    const sent = ref.send({ type: 'act' });
    await run.advance(60_000);
    expect([await isSettled(sent), world]).toEqual([false, []]);
    await run.system.resume(other);
    await sent;
    expect(run.system.supervisor('s').whichChildren()[0]).toMatchObject({ phase: 'running', restarts: 1 });
  });

  it('one can look at it', async () => {
    const { system, clock } = await begin();
    const ref = await system.start('worker', { id: '1' });
    await system.pause(target, { by: 'ada', reason: 'the bank is closed' });
    expect(ref.getSnapshot().value).toBe('idle');
    expect(await collect(system.history('worker/1'))).toHaveLength(1);
    expect((await system.replay('worker/1')).same).toBe(true);
    expect((await system.verify()).broken).toEqual([]);
    expect(await collect(system.stuck())).toEqual([]);
    expect(system.tree().get().context.actors[0]).toMatchObject({ address: 'worker/1', standing: 'paused' });
    expect(system.metrics().actors.inMemory).toBe(2);
    const told = await system.explain('worker/1');
    expect(told).toContain('worker/1 is paused in state "idle" (record 1).');
    expect(told).toMatch(/is paused since 2030-.* by ada, because: the bank is closed\./);
    const since = clock.now();
    const words = { by: 'ada', reason: 'the bank is closed' };
    expect(system.paused()).toEqual([{ target, since, lasts: 'until-resumed', ...words }]);
  });

  it('closing works, and it is still paused at the next opening', async () => {
    const before = await begin();
    const ref = await before.system.start('worker', { id: '1' });
    await ref.send({ type: 'wait' });
    await before.system.pause(target);
    const sent = rejection(ref.send({ type: 'act' }));
    const after = await before.reopen();
    expect(await sent).toMatchObject({ code: 'HEDDLE_SYSTEM_CLOSED' });
    await after.advance(5000);
    expect(world).toEqual([]);
    expect(after.system.paused()).toHaveLength(1);
    await after.system.resume(target);
    await after.advance(0);
    expect(world).toHaveLength(1);
    const last = await after.reopen();
    expect(last.system.paused()).toEqual([]);
  });

  it('it can fall asleep, and its timer is not forgotten', async () => {
    const run = await begin({ passivateAfter: '1 second' });
    const ref = await run.system.start('worker', { id: '1' });
    await ref.send({ type: 'wait' });
    await run.system.pause(target);
    await run.advance(20_000);
    expect(run.runtime.population.presentAt('worker/1')).toBeUndefined();
    expect(world).toEqual([]);
    await run.system.resume(target);
    await run.advance(0);
    expect(world).toHaveLength(1);
  });
});

describe('an action', () => {
  it('that is under way is waited for; one that is owed is not carried out', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    await ref.send({ type: 'slow' });
    const paused = run.system.pause({ address: 'worker/1' });
    expect(await isSettled(paused)).toBe(false);
    finish.shift()!();
    await paused;
  });

  it('of a step that is not on the disk yet when the pause begins is done afterwards, once', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    void ref.send({ type: 'act' });
    await run.system.pause({ address: 'worker/1' });
    await run.settle();
    const before = world.length;
    await run.system.resume({ address: 'worker/1' });
    await run.settle();
    expect([before, world]).toEqual([0, ['act act worker/1@2:0']]);
    expect(run.system.metrics().owed).toBe(0);
  });

  it('that has failed is not tried again meanwhile', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    await ref.send({ type: 'bad' });
    await run.system.pause({ name: 'worker' });
    await run.advance(60_000);
    expect(world).toEqual(['try 1']);
    await run.system.resume({ name: 'worker' });
    await run.advance(10_000);
    expect(world).toEqual(['try 1', 'try 2', 'try 3']);
    const [letter] = await collect(run.system.deadLetters());
    await run.system.pause({ name: 'worker' });
    await expect(run.system.deadLetters().retry(letter!.id)).rejects.toThrow('resume it first');
  });
});

describe('a process that finishes when the pause begins', () => {
  it.each(Array.from({ length: 8 }, (_, index) => index))(
    'runs again only if it was stopped (%i microtasks later)',
    async (microtasks) => {
      const run = await begin();
      const ref = await run.system.start('worker', { id: '1' });
      await ref.send({ type: 'work' });
      finish.shift()!();
      for (let i = 0; i < microtasks; i++) await undefined;
      await run.system.pause({ name: 'worker' });
      await run.settle();
      await run.system.resume({ name: 'worker' });
      await run.settle();
      finish.shift()?.();
      await run.settle();
      expect(ref.getSnapshot().value).toBe('idle');
      const [first, second, ...rest] = world.map((line) => line.split(' ')[0]);
      const isStopped = second === 'abort';
      expect([first, second, ...rest]).toEqual(isStopped ? ['run', 'abort', 'run', 'act'] : ['run', 'act']);
    },
  );
});

describe('a pause', () => {
  it('takes nobody else', async () => {
    const { system } = await begin();
    const other = await system.start('worker', { id: '12' });
    const another = await system.start('counter', { id: '1' });
    await system.pause({ address: 'worker/1' });
    await other.send({ type: 'act' });
    await another.send({ type: 'add', by: 1 });
    expect(steps(other)).toEqual(['act']);
  });

  it('takes the children', async () => {
    const run = await begin();
    const ref = await run.system.start('worker', { id: '1' });
    await run.system.pause({ address: 'worker/1/job' });
    await ref.send({ type: 'work' });
    await run.settle();
    expect([ref.getSnapshot().value, world]).toEqual(['working', []]);
    await run.system.resume({ address: 'worker/1/job' });
    await run.settle();
    expect(world).toEqual(['run worker/1/job@1:0']);
  });

  it('stands until the last that covers an actor is resumed', async () => {
    const { system } = await begin();
    const ref = await system.start('worker', { id: '1' });
    await system.pause({ name: 'worker' });
    await system.pause();
    await system.pause({ address: 'worker/1' });
    const sent = ref.send({ type: 'act' });
    await system.resume();
    await system.resume({ name: 'worker' });
    expect(await isSettled(sent)).toBe(false);
    await system.resume({ address: 'worker/1' });
    await sent;
  });

  it('is recorded once, with who and why, and so is its end', async () => {
    const { system } = await begin();
    await system.pause({ name: 'worker' }, { by: 'ada', reason: 'audit' });
    await system.pause({ name: 'worker' }, { by: 'bob' });
    await system.resume({ name: 'worker' }, { by: 'eve' });
    await system.resume({ name: 'worker' });
    const events = (await collect(system.history('heddle/system'))).slice(1).map(({ event }) => event);
    expect(events).toEqual([
      { type: 'heddle.paused', target: { name: 'worker' }, by: 'ada', reason: 'audit' },
      { type: 'heddle.resumed', target: { name: 'worker' }, by: 'eve' },
    ]);
  });

  it('lets timers fire in due order, whoever slept', async () => {
    const run = await begin({ passivateAfter: '1 minute' });
    const order: string[] = [];
    for (const [id, delay] of [
      ['3', 300],
      ['1', 100],
      ['2', 200],
    ] as const) {
      await run.advance(delay === 300 ? 0 : 1);
      const ref = await run.system.start('worker', { id });
      await run.advance(delay);
      await ref.send({ type: 'wait' });
    }
    const due = ['3', '1', '2'];
    await run.system.pause({ name: 'worker' });
    await run.advance(600_000);
    run.system.get('worker/2');
    await run.system.resume({ name: 'worker' });
    await run.advance(0);
    for (const line of world) order.push(/worker\/(\d)/.exec(line)![1]!);
    expect(order).toEqual(due);
  });

  it.each([
    [{ name: 'nobody' }, 'there are worker, failing, counter, forwarder'],
    [{ address: 'nobody/1' }, 'there are worker'],
    [{ address: 'worker' }, "must be { address: 'order/42' }"],
    [{ address: 'worker/' }, "must be { address: 'order/42' }"],
    [{ name: '' }, "must be { address: 'order/42' }"],
    [{ name: 'worker', address: 'worker/1' }, "must be { address: 'order/42' }"],
    [{ by: 'ada' }, "must be { address: 'order/42' }"],
    [null, "must be { address: 'order/42' }"],
    [{ address: 'supervisor/s' }, 'stands still with everything'],
    [{ address: 'heddle/system' }, 'stands still with everything'],
    [{ address: 'schedule/nightly' }, 'use system.schedules.pause'],
  ])('of %j is refused', async (target, why) => {
    const { system } = await begin();
    const error = await rejection(system.pause(target as PauseTarget));
    expect(error).toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT' });
    expect(error.message).toContain(why);
    expect(system.paused()).toEqual([]);
  });

  it('of less than what is paused cannot be ended', async () => {
    const { system } = await begin();
    await system.pause({ name: 'worker' });
    await expect(system.resume({ address: 'worker/1' })).rejects.toThrow('worker is; resume that');
    await system.pause();
    await expect(system.resume({ name: 'counter' })).rejects.toThrow('everything is; resume that');
  });
});

describe('a tree of which a child is paused', () => {
  it('does not keep the system from opening, and starts when it is resumed', async () => {
    const tree = supervisor({
      id: 's',
      children: [
        supervisor({ id: 'n', children: [{ id: '1', start: 'worker' }] }),
        { id: '2', start: 'counter' },
      ],
    });
    const before = await begin();
    await before.system.pause({ name: 'worker' });
    const { system } = await before.reopen({ supervise: tree });
    expect(system.supervisor('s').phase).toBe('starting');
    await system.resume({ name: 'worker' });
    await system.supervisor('s').settled();
    expect(system.supervisor('s').countChildren()).toMatchObject({ active: 2 });
  });
});

describe('a system that is opened paused', () => {
  const tree = supervisor({ id: 's', children: [{ id: 'a', start: 'worker' }] });

  it('moves nothing of what was recovered before it is resumed', async () => {
    const before = await begin({ supervise: tree });
    const ref = await before.system.start('worker', { id: '1' });
    await ref.send({ type: 'wait' });
    const other = await before.system.start('worker', { id: '2' });
    await other.send({ type: 'work' });
    await before.system.schedules.declare({ id: 'often', start: 'counter', every: '1 minute' });
    const ran = world.splice(0).length;
    expect(ran).toBe(1);
    const { frame: end } = before.runtime.ledger.head;
    const after = await before.crash({ paused: true });
    await after.advance(600_000);
    expect(world).toEqual([]);
    expect(after.runtime.ledger.head.frame).toBe(end);
    expect(after.system.get('worker/1')!.getSnapshot().value).toBe('waiting');
    expect(after.system.paused()).toMatchObject([{ target: undefined, lasts: 'this-opening' }]);
    await after.system.resume();
    await after.advance(0);
    expect(world.toSorted()).toEqual([
      expect.stringMatching(/^act xstate.after.* worker\/1@/),
      'run worker/2/job@1:0',
    ]);
    expect(after.system.schedules.get('often')!.counts).not.toMatchObject({ started: 0 });
    expect(after.system.supervisor('s').phase).toBe('running');
  });

  it('starts its tree when it is resumed, and says whether it could', async () => {
    const broken = setup({}).createMachine({
      context: () => {
        throw new Error('no');
      },
    });
    const run = await open(
      { broken },
      { paused: true, supervise: supervisor({ id: 's', children: [{ id: 'x', start: 'broken' }] }) },
    );
    expect(() => run.system.supervisor('s')).toThrow('is no supervisor');
    expect(await rejection(run.system.resume())).toMatchObject({ code: 'HEDDLE_START_FAILED' });
  });

  it('is not paused at the next opening, unless it was told to be', async () => {
    const before = await begin({ paused: true });
    const after = await before.reopen({ paused: false });
    expect(after.system.paused()).toEqual([]);
    const again = await after.reopen({ paused: true });
    await again.system.pause();
    const last = await again.reopen({ paused: false });
    expect(last.system.paused()).toMatchObject([{ lasts: 'until-resumed' }]);
  });

  it('can be closed', async () => {
    const run = await begin({ paused: true, supervise: tree });
    const born = rejection(run.system.start('worker', { id: '1' }));
    await run.system.close();
    expect(await born).toMatchObject({ code: 'HEDDLE_SYSTEM_CLOSED' });
  });

  it('says so when it is not told properly', async () => {
    await expect(begin({ paused: 'yes' })).rejects.toThrow('paused must be true or false');
  });
});
