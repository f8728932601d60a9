// The lie: "a supervisor stops and starts exactly who its strategy says, in order, and goes on where it was after a crash".
// Workers that say when they start and stop; failures of every kind; and the whole system killed in between.
import { beforeEach, describe, expect, it } from 'vitest';
import * as Schedule from 'effect/Schedule';
import { assign, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import type { Supervisor } from 'heddle';
import { memory } from 'heddle/storage';
import { collect, isSettled, open, rejection, ticks } from './systems.ts';

/** What the workers did, in order: `+a` started, `-a` stopped. */
let log: string[] = [];
beforeEach(() => void (log = []));

function logged(): string {
  return log.splice(0).join(' ');
}

/** Says when it begins to run and when it is stopped. */
const presence = fromCallback<{ type: 'x' }, string>(({ input }) => {
  log.push(`+${input}`);
  return () => void log.push(`-${input}`);
});

/** Counts, runs as long as it stands, and fails when it is told to. */
const worker = durable(
  setup({
    types: {
      context: {} as { n: number; id: string },
      events: {} as { type: 'inc' } | { type: 'crash' } | { type: 'end' },
      input: {} as string,
    },
    actors: { presence },
  }).createMachine({
    id: 'worker',
    context: ({ input }) => ({ n: 0, id: input }),
    initial: 'up',
    states: {
      up: {
        invoke: { src: 'presence', id: 'presence', input: ({ context }) => context.id },
        on: {
          inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
          crash: {
            actions: assign(() => {
              throw new Error('crashed');
            }),
          },
          end: 'over',
        },
      },
      over: { type: 'final' },
    },
  }),
  { poison: 'fail' },
);

const child = (id: string, rest: object = {}) => ({ id, start: 'worker', input: id, ...rest });

async function openTree(supervise: Supervisor, actors: object = {}) {
  const opened = await open({ worker, ...actors }, { supervise });
  await opened.settle();
  return opened;
}

type Tree = Awaited<ReturnType<typeof openTree>>;

async function crash({ system }: Tree, id: string): Promise<void> {
  await rejection(system.get(`worker/${id}`)!.send({ type: 'crash' } as never));
}

const stateOf = ({ system }: Tree, id: string) => system.get(`worker/${id}`)!.getSnapshot() as never;

describe('a strategy', () => {
  it.each([
    ['one-for-one', '-b +b'],
    ['one-for-all', '-b -c -a +a +b +c'],
    ['rest-for-one', '-b -c +b +c'],
  ] as const)('%s restarts', async (strategy, expected) => {
    const opened = await openTree(
      supervisor({ id: 's', strategy, intensity: 3, children: [child('a'), child('b'), child('c')] }),
    );
    expect(logged()).toBe('+a +b +c');
    for (const id of ['a', 'b', 'c']) await opened.system.get(`worker/${id}`)!.send({ type: 'inc' } as never);
    await crash(opened, 'b');
    await opened.settle();
    expect(logged()).toBe(expected);
    for (const id of ['a', 'b', 'c']) expect(stateOf(opened, id)).toMatchObject({ context: { n: 1 } });
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('+a +b +c');
  });
});

describe('a child that ends by itself', () => {
  it.each([
    ['permanent', '-a +a', 2],
    ['transient', '-a', 1],
    ['temporary', '-a', 1],
  ] as const)('and is %s', async (restart, expected, life) => {
    const opened = await openTree(supervisor({ id: 's', children: [child('a', { restart })] }));
    logged();
    await opened.system.get('worker/a')!.send({ type: 'inc' } as never);
    await opened.system.get('worker/a')!.send({ type: 'end' } as never);
    await opened.settle();
    expect(logged()).toBe(expected);
    const ids = opened.system
      .supervisor('s')
      .whichChildren()
      .map(({ id, phase }) => `${id} ${phase}`);
    expect(ids).toEqual({ permanent: ['a running'], transient: ['a down'], temporary: [] }[restart]);
    const records = await collect(opened.system.history('worker/a'));
    expect(records.at(-1)!.life).toBe(life);
    // A new life begins with the input of the first.
    const state = { permanent: { n: 0, id: 'a' }, transient: { n: 1 }, temporary: { n: 1 } }[restart];
    expect(stateOf(opened, 'a')).toMatchObject({ context: state });
    expect(await opened.system.replay('worker/a')).toMatchObject({ same: true });
    expect(await opened.system.replay('supervisor/s')).toMatchObject({ same: true });
  });

  it('and is started anew, is reached by those who had its ref before', async () => {
    const opened = await openTree(supervisor({ id: 's', children: [child('a')] }));
    const ref = opened.system.get('worker/a')!;
    await ref.send({ type: 'end' } as never);
    await opened.settle();
    await ref.send({ type: 'inc' } as never);
    expect(ref.getSnapshot()).toMatchObject({ status: 'active', context: { n: 1 } });
  });

  it('and is significant, ends its supervisor', async () => {
    const opened = await openTree(
      supervisor({
        id: 's',
        autoShutdown: 'all-significant',
        children: [
          child('a', { restart: 'transient', significant: true }),
          child('b', { restart: 'transient', significant: true }),
          child('c'),
        ],
      }),
    );
    logged();
    await opened.system.get('worker/a')!.send({ type: 'end' } as never);
    await opened.settle();
    expect(logged()).toBe('-a');
    await opened.system.get('worker/b')!.send({ type: 'end' } as never);
    await opened.settle();
    expect(logged()).toBe('-b -c');
    expect(opened.system.supervisor('s').phase).toBe('down');
  });
});

describe('too many restarts', () => {
  it('make a supervisor give up: everybody stops, and whoever sends is told', async () => {
    const opened = await openTree(
      supervisor({ id: 's', intensity: 2, period: '10 seconds', children: [child('a'), child('b')] }),
    );
    for (let i = 0; i < 2; i++) {
      await crash(opened, 'a');
      await opened.advance(1000);
    }
    // Outside of the period they do not count.
    await opened.advance(10_000);
    await crash(opened, 'a');
    await opened.settle();
    expect(opened.system.supervisor('s').phase).toBe('running');
    await crash(opened, 'a');
    await opened.settle();
    logged();
    await crash(opened, 'a');
    await opened.settle();
    expect(logged()).toBe('-a -b');
    expect(opened.system.supervisor('s').phase).toBe('down');
    for (const id of ['a', 'b']) {
      const error = await rejection(opened.system.get(`worker/${id}`)!.send({ type: 'inc' } as never));
      expect(error).toMatchObject({ _tag: 'ActorDown', address: `worker/${id}` });
      expect(error.message).toMatch(/gave up: there were too many restarts/);
    }
    expect(await opened.system.explain('worker/a')).toMatch(
      /is down in state "up" since record \d+ at .*: crashed\.\nIt is a permanent child of supervisor\/s[^]*will not come up by itself/,
    );
    // Whoever starts the system again starts the tree again.
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('+a +b');
    await later.system.get('worker/a')!.send({ type: 'inc' } as never);
    expect(stateOf(later, 'a')).toMatchObject({ context: { n: 1 } });
  });

  it('make the supervisor above restart it, with everybody below', async () => {
    const opened = await openTree(
      supervisor({
        id: 'root',
        strategy: 'rest-for-one',
        intensity: 1,
        children: [
          child('db'),
          supervisor({ id: 'pool', intensity: 0, children: [child('w1'), child('w2')] }),
          child('api'),
        ],
      }),
    );
    expect(logged()).toBe('+db +w1 +w2 +api');
    await crash(opened, 'w2');
    await opened.settle();
    expect(logged()).toBe('-w2 -w1 -api +w1 +w2 +api');
    await crash(opened, 'w1');
    await opened.settle();
    expect(logged()).toBe('-w1 -w2 -api -db');
    expect(opened.system.supervisor('root').phase).toBe('down');
  });

  it('do not keep those waiting who have sent before it gave up', async () => {
    const opened = await openTree(
      supervisor({ id: 's', intensity: 0, children: [child('a', { shutdown: 'brutal' })] }),
    );
    const ref = opened.system.get('worker/a')!;
    const failing = rejection(ref.send({ type: 'crash' } as never));
    const waiting = rejection(ref.send({ type: 'inc' } as never));
    expect(await failing).toMatchObject({ _tag: 'StepFailed' });
    expect(await waiting).toMatchObject({ _tag: 'ActorDown' });
  });
});

describe('a failure that is escalated', () => {
  it('makes the supervisor fail at once', async () => {
    const touchy = durable(worker, { poison: 'escalate' });
    const opened = await openTree(
      supervisor({
        id: 'root',
        intensity: 1,
        children: [
          child('x'),
          supervisor({
            id: 'below',
            intensity: 100,
            children: [{ id: 't', start: 'touchy', input: 't' }, child('y')],
          }),
        ],
      }),
      { touchy },
    );
    logged();
    await rejection(opened.system.get('touchy/t')!.send({ type: 'crash' }));
    await opened.settle();
    expect(logged()).toBe('-t -y +t +y');
    expect(opened.system.supervisor('root').whichChildren()).toMatchObject([
      { restarts: 0 },
      { restarts: 1 },
    ]);
  });
});

describe('restarting from the beginning', () => {
  it('is a new life, with the input of the first', async () => {
    const opened = await openTree(
      supervisor({
        id: 's',
        strategy: 'one-for-all',
        children: [child('a', { restart: { from: 'initial' } }), child('b')],
      }),
    );
    logged();
    for (const id of ['a', 'b']) await opened.system.get(`worker/${id}`)!.send({ type: 'inc' } as never);
    const ref = opened.system.get('worker/a')!;
    await crash(opened, 'b');
    await opened.settle();
    expect(logged()).toBe('-b -a +a +b');
    expect(stateOf(opened, 'a')).toMatchObject({ context: { n: 0, id: 'a' } });
    expect(stateOf(opened, 'b')).toMatchObject({ context: { n: 1 } });
    await ref.send({ type: 'inc' } as never);
    expect(stateOf(opened, 'a')).toMatchObject({ context: { n: 1 } });
    expect(await opened.system.replay('worker/a')).toMatchObject({ same: true });
    const later = await opened.crash();
    expect(stateOf(later, 'a')).toMatchObject({ context: { n: 1 } });
    expect((await collect(later.system.history('worker/a'))).at(-1)).toMatchObject({ life: 2 });
  });
});

describe('winding down', () => {
  /** Ends when it is told to, and not when it is aborted. */
  function stubborn() {
    const ends: (() => void)[] = [];
    const logic = fromPromise(
      ({ signal }: { signal: AbortSignal }) =>
        new Promise<void>((resolve) => {
          log.push('+p');
          signal.addEventListener('abort', () => void log.push('abort'));
          ends.push(() => {
            log.push('-p');
            resolve();
          });
        }),
    );
    return { logic, ends };
  }

  const tree = (shutdown: '2 seconds' | 'brutal' | 'infinity') =>
    supervisor({ id: 's', children: [child('a'), { id: 'p', start: 'stubborn', shutdown }] });

  it('waits for a process as long as it may', async () => {
    const { logic, ends } = stubborn();
    const opened = await openTree(tree('2 seconds'), { stubborn: logic });
    logged();
    const done = opened.system.supervisor('s').terminateChild('p');
    await opened.settle();
    await opened.advance(1999);
    expect(await isSettled(done)).toBe(false);
    ends[0]!();
    await done;
    expect(logged()).toBe('abort -p');
    expect(opened.troubles).toEqual([]);
    // What it says after it was told to stop is not heard.
    expect(opened.system.get('stubborn/p')!.getSnapshot()).toMatchObject({ status: 'active' });
    await opened.system.supervisor('s').restartChild('p');
    await opened.settle();
    expect(logged()).toBe('+p');
    await opened.kill();
  });

  it('gives a process up that takes longer, and reports that', async () => {
    const { logic } = stubborn();
    const opened = await openTree(tree('2 seconds'), { stubborn: logic });
    const done = opened.system.supervisor('s').terminateChild('p');
    await opened.settle();
    await opened.advance(2000);
    await done;
    expect(opened.troubles.join()).toMatch(/what stubborn\/p does was given up/);
    await opened.kill();
  });

  it('does not wait for a brutal end, and without end for an infinite one', async () => {
    const { logic } = stubborn();
    const brutal = await openTree(tree('brutal'), { stubborn: logic });
    await brutal.system.supervisor('s').terminateChild('p');
    await brutal.kill();
    const patient = await openTree(tree('infinity'), { stubborn: logic });
    const done = patient.system.supervisor('s').terminateChild('p');
    await patient.advance(1e9);
    expect(await isSettled(done)).toBe(false);
    await patient.kill();
  });

  it('goes in reverse order when the system closes, and nothing of it is recorded', async () => {
    const opened = await openTree(supervisor({ id: 's', children: [child('a'), child('b'), child('c')] }));
    logged();
    const records = (await collect(opened.system.history('worker/b'))).length;
    await opened.system.close();
    expect(logged()).toBe('-c -b -a');
    const later = await opened.reopen();
    await later.settle();
    expect(logged()).toBe('+a +b +c');
    expect(await collect(later.system.history('worker/b'))).toHaveLength(records);
  });
});

describe('a request', () => {
  const tree = () => supervisor({ id: 's', children: [child('a'), child('b', { restart: 'transient' })] });

  it('starts, terminates, restarts and deletes children', async () => {
    const opened = await openTree(tree());
    const s = opened.system.supervisor('s');
    logged();
    await s.startChild(child('c'));
    await opened.system.get('worker/c')!.send({ type: 'inc' } as never);
    await s.terminateChild('c');
    expect(stateOf(opened, 'c')).toMatchObject({ status: 'active', context: { n: 1 } });
    expect(s.countChildren()).toEqual({ specs: 3, active: 2, supervisors: 0, workers: 3 });
    await s.restartChild('c');
    await ticks();
    expect(stateOf(opened, 'c')).toMatchObject({ status: 'active', context: { n: 1 } });
    await s.terminateChild('c');
    await s.deleteChild('c');
    await opened.settle();
    expect(stateOf(opened, 'c')).toMatchObject({ status: 'stopped' });
    expect(s.whichChildren().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(logged()).toBe('+c -c +c -c');
    const types = (await collect(opened.system.history('supervisor/s'))).map(({ event }) => event.type);
    expect(types.filter((type) => type.startsWith('heddle.child.'))).toEqual([
      'heddle.child.start',
      'heddle.child.terminate',
      'heddle.child.restart',
      'heddle.child.terminate',
      'heddle.child.delete',
    ]);
  });

  it("that makes no sense is refused with OTP's reason", async () => {
    const opened = await openTree(tree());
    const s = opened.system.supervisor('s');
    const reason = async (asked: Promise<unknown>) => (await rejection(asked)) as Error & { reason: string };
    expect(await reason(s.startChild(child('a')))).toMatchObject({
      _tag: 'ChildRefused',
      reason: 'already-started',
    });
    expect(await reason(s.restartChild('a'))).toMatchObject({ reason: 'running' });
    expect(await reason(s.deleteChild('a'))).toMatchObject({ reason: 'running' });
    expect(await reason(s.terminateChild('nobody'))).toMatchObject({ reason: 'not-found' });
    await s.terminateChild('a');
    expect(await reason(s.startChild(child('a')))).toMatchObject({ reason: 'already-present' });
    expect(await reason(opened.system.get('worker/a')!.send({ type: 'inc' } as never))).toMatchObject({
      _tag: 'ActorDown',
      reason: 'it was terminated at supervisor/s',
    });
    expect(await reason(s.startChild({ id: 'x', start: 'nothing' }))).toMatchObject({
      _tag: 'InvalidArgument',
      path: 'child.start',
    });
    expect(() => opened.system.supervisor('t')).toThrow(/is no supervisor; there are s/);
  });

  it('of a person survives a crash of the system', async () => {
    const opened = await openTree(tree());
    await opened.system.supervisor('s').terminateChild('a');
    await opened.system.supervisor('s').startChild(child('c'));
    logged();
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('+b +c');
    expect(
      later.system
        .supervisor('s')
        .whichChildren()
        .map(({ id, phase }) => `${id} ${phase}`),
    ).toEqual(['a down', 'b running', 'c running']);
  });
});

describe('a dynamic supervisor', () => {
  const tree = (rest: object = {}) =>
    supervisor({
      id: 'shop',
      intensity: 1,
      children: [
        child('first'),
        supervisor({ id: 'jobs', strategy: 'dynamic', start: 'job', intensity: 1, ...rest }),
      ],
    });
  const openJobs = async (rest: object = {}, spec: object = {}) => {
    const opened = await openTree(tree(rest), { job: durable(worker, spec) });
    for (const id of ['1', '2']) {
      const ref = await opened.system.actor('job' as never, id, { input: id } as never);
      await ref.send({ type: 'inc' } as never);
    }
    await opened.settle();
    logged();
    return opened;
  };
  const job = ({ system }: Tree, id: string) => system.get(`job/${id}`)!;

  it('restarts any actor of its name that fails', async () => {
    const opened = await openJobs();
    await rejection(job(opened, '2').send({ type: 'crash' }));
    await opened.settle();
    expect(logged()).toBe('-2 +2');
    expect(job(opened, '2').getSnapshot()).toMatchObject({ status: 'active', context: { n: 1 } });
    await job(opened, '1').send({ type: 'end' });
    await opened.settle();
    expect(logged()).toBe('-1');
    expect(opened.system.supervisor('shop/jobs').whichChildren()).toMatchObject([
      { id: '2', phase: 'running' },
    ]);
  });

  it('that gives up stops all of them, also those that are woken, until it is restarted', async () => {
    const opened = await openJobs({ restart: 'transient' }, { passivateAfter: '1 second' });
    await opened.system.actor('job' as never, '3', { input: '3' } as never);
    await opened.settle();
    logged();
    for (let i = 0; i < 2; i++) {
      await rejection(job(opened, '1').send({ type: 'crash' }));
      await opened.settle();
    }
    expect(logged()).toBe('-1 +1 -1 -2 -3');
    const refuseAll = async (tree: Tree) => {
      for (const id of ['1', '2', '3'])
        expect(await rejection(job(tree, id).send({ type: 'inc' }))).toMatchObject({
          _tag: 'ActorDown',
        });
    };
    await refuseAll(opened);
    await opened.advance(10_000);
    await refuseAll(opened);
    // A transient supervisor that gave up stays down, until a person has looked at it.
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('+first');
    await refuseAll(later);
    await later.system.supervisor('shop').restartChild('jobs');
    await later.settle();
    expect(log.sort().join(' ')).toBe('+1 +2 +3');
    await job(later, '1').send({ type: 'inc' });
    expect(job(later, '1').getSnapshot()).toMatchObject({ context: { n: 2 } });
  });

  it('that gave up and is restarted from above lets all of them go on', async () => {
    const opened = await openJobs();
    for (let i = 0; i < 2; i++) {
      await rejection(job(opened, '1').send({ type: 'crash' }));
      await opened.settle();
    }
    expect(log.splice(0).slice(0, 4).join(' ')).toBe('-1 +1 -1 -2');
    await job(opened, '2').send({ type: 'inc' });
    expect(job(opened, '2').getSnapshot()).toMatchObject({ context: { n: 2 } });
    expect(await opened.system.replay('supervisor/shop/jobs')).toMatchObject({ same: true });
  });

  it('ends a child that is terminated, and starts others', async () => {
    const opened = await openJobs();
    const jobs = opened.system.supervisor('shop/jobs');
    await jobs.terminateChild('1');
    await opened.settle();
    expect(job(opened, '1').getSnapshot()).toMatchObject({ status: 'stopped' });
    expect(await rejection(jobs.restartChild('1'))).toMatchObject({ reason: 'dynamic' });
    expect(await rejection(jobs.terminateChild('nobody'))).toMatchObject({ reason: 'not-found' });
    await jobs.startChild({ id: '9', start: 'job', input: '9' });
    expect(logged()).toBe('-1 +9');
  });
});

describe('a child of a machine', () => {
  let fails = 0;
  const errors: unknown[] = [];
  const makeBoss = (spec: object) => {
    const task = durable(
      fromPromise(async () => {
        log.push('try');
        if (fails-- > 0) throw new Error(`failure ${fails}`);
        return 'result';
      }),
      spec,
    );
    return setup({
      types: { context: {} as { got: unknown; error: unknown } },
      actors: { task },
    }).createMachine({
      context: { got: null, error: null },
      initial: 'working',
      states: {
        working: {
          invoke: {
            src: 'task',
            id: 'task',
            onDone: { target: 'well', actions: assign({ got: ({ event }) => event.output }) },
            onError: {
              target: 'failed',
              actions: assign({ error: ({ event }) => (event.error as Error).message }),
            },
          },
        },
        well: {},
        failed: {},
      },
    });
  };
  beforeEach(() => void (errors.length = 0));

  it('is restarted by its child spec, and its parent hears only of the end', async () => {
    fails = 2;
    const opened = await open({ boss: makeBoss({ restart: 'transient', intensity: 2 }) });
    const ref = await opened.system.actor('boss', '1');
    await opened.settle();
    expect(logged()).toBe('try try try');
    expect(ref.getSnapshot()).toMatchObject({ value: 'well', context: { got: 'result' } });
    const records = await collect(opened.system.history('boss/1/task'));
    expect(records.map(({ event, wentDown }) => `${event.type}${wentDown ? ' †' : ''}`)).toEqual([
      'xstate.init',
      'xstate.promise.reject †',
      'heddle.up',
      'xstate.promise.reject †',
      'heddle.up',
      'xstate.promise.resolve',
    ]);
    expect(await opened.system.replay('boss/1/task')).toMatchObject({ same: true });
    expect((await opened.crash()).system.get('boss/1')!.getSnapshot()).toMatchObject({ value: 'well' });
  });

  it('fails for its parent when its restarts are spent', async () => {
    fails = 5;
    const opened = await open({ boss: makeBoss({ restart: 'transient', intensity: 2 }) });
    const ref = await opened.system.actor('boss', '1');
    await opened.settle();
    expect(logged()).toBe('try try try');
    expect(ref.getSnapshot()).toMatchObject({ value: 'failed', context: { error: 'failure 2' } });
  });

  it('waits as its backoff says, also over a crash', async () => {
    fails = 2;
    const backoff = Schedule.exponential('1 second');
    const opened = await open({
      boss: makeBoss({ restart: 'transient', intensity: 5, period: '1 minute', backoff }),
    });
    await opened.system.actor('boss', '1');
    await opened.settle();
    await opened.advance(999);
    expect(logged()).toBe('try');
    expect(await opened.system.explain('boss/1/task')).toMatch(/It is restarted at 20/);
    await opened.advance(1);
    expect(logged()).toBe('try');
    await opened.advance(1000);
    const later = await opened.crash();
    await later.advance(999);
    expect(logged()).toBe('');
    await later.advance(1);
    expect(logged()).toBe('try');
    expect(later.system.get('boss/1')!.getSnapshot()).toMatchObject({ value: 'well' });
  });

  it('that is a machine begins anew if it is told to, and its parent knows it still', async () => {
    const inner = durable(
      setup({ types: { context: {} as { n: number } } }).createMachine({
        context: { n: 0 },
        initial: 'a',
        states: {
          a: {
            on: {
              inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
              die: {
                actions: assign(() => {
                  throw new Error('dead');
                }),
              },
              end: 'b',
            },
          },
          b: { type: 'final' },
        },
        output: ({ context }) => context.n,
      }),
      { poison: 'fail', restart: { type: 'transient', from: 'initial' }, intensity: 1 },
    );
    const outer = setup({ types: { context: {} as { got: unknown } }, actors: { inner } }).createMachine({
      context: { got: null },
      invoke: {
        src: 'inner',
        id: 'inner',
        onDone: { actions: assign({ got: ({ event }) => event.output }) },
      },
      on: {
        '*': { actions: ({ context }) => context },
        pass: { actions: sendTo('inner', ({ event }) => event['event']) },
      },
    });
    const opened = await open({ outer });
    const ref = await opened.system.actor('outer', '1');
    const pass = (type: string) => ref.send({ type: 'pass', event: { type } });
    for (const type of ['inc', 'inc', 'die', 'inc', 'end']) {
      await pass(type);
      await opened.settle();
    }
    expect(ref.getSnapshot()).toMatchObject({ context: { got: 1 } });
    expect((await collect(opened.system.history('outer/1/inner'))).map(({ life }) => life)).toEqual([
      1, 1, 1, 1, 1, 2, 2, 2,
    ]);
    expect(await opened.system.replay('outer/1/inner')).toMatchObject({ same: true });
    expect(await opened.system.replay('outer/1')).toMatchObject({ same: true });
  });

  it('can make its parent fail', async () => {
    const inner = durable(
      fromPromise(async () => {
        throw new Error('for you');
      }),
      {},
    );
    void inner;
    const touchy = durable(
      setup({}).createMachine({
        on: {
          die: {
            actions: assign(() => {
              throw new Error('for you');
            }),
          },
        },
      }),
      { poison: 'escalate' },
    );
    const outer = durable(
      setup({ types: { context: {} as { n: number } }, actors: { touchy, presence } }).createMachine({
        context: { n: 0 },
        invoke: [
          { src: 'touchy', id: 'touchy' },
          { src: 'presence', id: 'presence', input: 'p' },
        ],
        on: {
          inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
          pass: { actions: sendTo('touchy', { type: 'die' }) },
        },
      }),
      { restart: 'transient', intensity: 1 },
    );
    const opened = await open({ outer });
    const ref = await opened.system.actor('outer', '1');
    await ref.send({ type: 'inc' });
    await ref.send({ type: 'pass' });
    await opened.settle();
    expect(logged()).toBe('+p -p +p');
    expect(ref.getSnapshot()).toMatchObject({ status: 'active', context: { n: 1 } });
    expect(opened.system.get('outer/1/touchy')!.getSnapshot()).toMatchObject({ status: 'active' });
    await ref.send({ type: 'pass' });
    await opened.settle();
    expect(logged()).toBe('-p');
    expect(ref.getSnapshot()).toMatchObject({ status: 'error', error: { message: 'for you' } });
  });
});

describe('an action that was given up', () => {
  it.each([
    ['resume', 'active', ''],
    ['fail', 'error', '-p'],
  ] as const)('with poison %s', async (poison, status, expected) => {
    const actor = durable(
      setup({ actors: { presence } }).createMachine({
        invoke: { src: 'presence', input: 'p' },
        on: {
          act: {
            actions: () => {
              throw new Error('no luck');
            },
          },
        },
      }),
      { poison },
    );
    const opened = await open({ actor });
    const ref = await opened.system.actor('actor', '1');
    await ref.send({ type: 'act' });
    await opened.settle();
    logged();
    await opened.advance(2000);
    expect(ref.getSnapshot()).toMatchObject({ status });
    expect(logged()).toBe(expected);
    expect(await collect(opened.system.deadLetters())).toMatchObject([
      { reason: 'action', idempotencyKey: 'actor/1@2:0' },
    ]);
    expect(await opened.system.replay('actor/1')).toMatchObject({ same: true });
  });
});

describe('a tree that cannot start', () => {
  it('is refused at its first opening, and nobody is left running', async () => {
    const broken = durable(
      setup({ types: { context: {} as { n: number } } }).createMachine({
        context: () => {
          throw new Error('no context');
        },
      }),
      {},
    );
    const store = memory();
    const tree = supervisor({ id: 's', children: [child('a'), { id: 'x', start: 'broken' }, child('b')] });
    const error = await rejection(open({ worker, broken }, { supervise: tree, store }));
    expect(error).toMatchObject({ _tag: 'StartFailed', address: 'supervisor/s', child: 'x' });
    expect(error.message).toMatch(/its child 'x' could not: .*no context/);
    // Mostly all of it is one commit, and nobody has begun to run.
    expect(['', '+a -a']).toContain(logged());
    const mended = await open({ worker, broken: worker }, { supervise: tree, store });
    await mended.settle();
    expect(logged()).toBe('+a +undefined +b');
  });

  it('because one of its children is refused goes on without it', async () => {
    const opened = await openTree(
      supervisor({ id: 's', children: [child('a'), { id: 'x', start: 'other', input: 'x' }] }),
      { other: worker },
    );
    await crash(opened, 'a');
    await opened.settle();
    logged();
    const changed = setup({}).createMachine({
      id: 'changed',
      initial: 'elsewhere',
      states: { elsewhere: {} },
    });
    const later = await opened.reopenWith({ worker, other: changed } as never);
    await later.settle();
    logged();
    const handle = later.system.supervisor('s');
    await rejection(handle.restartChild('x'));
    await handle.terminateChild('x');
    const refused = await rejection(handle.restartChild('x'));
    expect(refused).toMatchObject({ _tag: 'ChildRefused', reason: 'failed' });
    expect(handle.whichChildren()).toMatchObject([{ phase: 'running' }, { phase: 'refused' }]);
    expect(await later.system.explain('other/x')).toMatch(
      /^other\/x is refused: the code of other\/x has changed/,
    );
  });
});

describe('another declaration', () => {
  it('starts who is new, lets go who is gone, and changes the rules for the others', async () => {
    const opened = await openTree(
      supervisor({
        id: 's',
        children: [child('a'), child('b'), supervisor({ id: 'n', children: [child('c')] })],
      }),
    );
    logged();
    const later = await opened.reopen({
      supervise: supervisor({
        id: 's',
        strategy: 'one-for-all',
        intensity: 9,
        children: [child('b'), child('d')],
      }),
    });
    await later.settle();
    expect(log.sort().join(' ')).toBe('+a +b +c +d -a -b -c');
    logged();
    await crash(later, 'b');
    await later.settle();
    expect(logged()).toBe('-b -d +b +d');
    // Nobody restarts these any more: they fail as actors do.
    await crash(later, 'a');
    await later.settle();
    expect(stateOf(later, 'a')).toMatchObject({ status: 'error' });
    const gone = await later.reopen({ supervise: undefined } as never);
    await gone.settle();
    expect(gone.system.tree().get().context.supervisors).toMatchObject([
      { address: 'supervisor/s', phase: 'down', children: [] },
    ]);
  });
});

describe('the tree', () => {
  it('shows supervisors, actors, children, restarts and mailboxes, live', async () => {
    const opened = await openTree(
      supervisor({ id: 's', children: [child('a'), supervisor({ id: 'n', children: [child('b')] })] }),
    );
    const tree = opened.system.tree();
    expect(tree.get().context).toMatchObject({
      supervisors: [
        {
          kind: 'supervisor',
          address: 'supervisor/s',
          phase: 'running',
          children: [
            {
              kind: 'actor',
              address: 'worker/a',
              status: 'active',
              value: 'up',
              standing: 'up',
              phase: 'running',
              restarts: 0,
              mailbox: 0,
              children: [{ address: 'worker/a/presence' }],
            },
            { kind: 'supervisor', address: 'supervisor/s/n', children: [{ address: 'worker/b' }] },
          ],
        },
      ],
      actors: [],
    });
    let seen = 0;
    tree.subscribe(() => seen++);
    await crash(opened, 'b');
    await opened.settle();
    await ticks();
    expect(seen).toBeGreaterThan(0);
    expect(tree.get().context.supervisors[0]!.children[1]).toMatchObject({
      restarts: 1,
      children: [{ restarts: 1, standing: 'up' }],
    });
  });
});

describe('a child that waits for its own restart', () => {
  it('does not come up while its parent is halted', async () => {
    const flaky = durable(
      fromPromise(async () => {
        log.push('try');
        throw new Error('flaky');
      }),
      { restart: 'transient', intensity: 100, backoff: Schedule.spaced('1 minute') },
    );
    const boss = setup({ actors: { flaky } }).createMachine({ invoke: { src: 'flaky' } });
    const opened = await openTree(supervisor({ id: 's', children: [{ id: 'b', start: 'boss' }] }), { boss });
    expect(logged()).toBe('try');
    await opened.system.supervisor('s').terminateChild('b');
    await opened.advance(600_000);
    expect(logged()).toBe('');
    await opened.system.supervisor('s').restartChild('b');
    await opened.settle();
    expect(logged()).toBe('try');
    await opened.advance(60_000);
    expect(logged()).toBe('try');
  });
});

describe('the backoff of a supervisor', () => {
  it('grows while a child fails again and again, survives a crash, and begins anew when it has lasted', async () => {
    const tree = supervisor({
      id: 's',
      intensity: 100,
      period: '10 seconds',
      backoff: Schedule.jittered(Schedule.exponential('1 second')),
      children: [child('a'), child('b')],
    });
    const opened = await openTree(tree);
    logged();
    await crash(opened, 'a');
    await opened.advance(799);
    expect(logged()).toBe('-a');
    // The others are looked after meanwhile.
    await crash(opened, 'b');
    await opened.advance(401);
    expect(logged()).toBe('-b +a');
    await opened.advance(1200);
    expect(logged()).toBe('+b');
    await crash(opened, 'a');
    await opened.advance(1000);
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('-a +b');
    await later.advance(599);
    expect(logged()).toBe('');
    await later.advance(801);
    expect(logged()).toBe('+a');
    expect(await later.system.replay('supervisor/s')).toMatchObject({ same: true });
    await later.advance(60_000);
    await crash(later, 'a');
    await later.advance(1200);
    expect(logged()).toBe('-a +a');
  });

  it('that is exhausted makes it give up', async () => {
    const backoff = Schedule.spaced('1 second').pipe(Schedule.upTo({ times: 1 }));
    const opened = await openTree(supervisor({ id: 's', intensity: 100, backoff, children: [child('a')] }));
    await crash(opened, 'a');
    await opened.advance(1000);
    await crash(opened, 'a');
    await opened.settle();
    expect(opened.system.supervisor('s').phase).toBe('down');
    expect(await opened.system.explain('supervisor/s')).toMatch(
      /\(backoff\) because of its child 'a': crashed/,
    );
  });
});

describe('a parent that cannot take the failure of its child', () => {
  it('goes down with it, and both begin again', async () => {
    let fails = 1;
    const task = fromPromise(async () => {
      log.push('try');
      if (fails-- > 0) throw new Error('task failed');
      return 'well';
    });
    const parent = durable(
      setup({ types: { context: {} as { got: unknown; n: number } }, actors: { task } }).createMachine({
        context: { got: null, n: 0 },
        on: { inc: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
        invoke: {
          src: 'task',
          id: 'task',
          onDone: { actions: assign({ got: ({ event }) => event.output }) },
        },
      }),
      { restart: 'transient', intensity: 3 },
    );
    const opened = await open({ parent });
    const ref = await opened.system.actor('parent', '1');
    await opened.settle();
    expect(logged()).toBe('try try');
    expect(ref.getSnapshot()).toMatchObject({ status: 'active', context: { got: 'well' } });
    expect(
      (await collect(opened.system.history('parent/1/task'))).map(
        ({ event, life }) => `${event.type} ${life}`,
      ),
    ).toEqual(['xstate.init 1', 'xstate.promise.reject 1', 'xstate.init 2', 'xstate.promise.resolve 2']);
    for (const address of ['parent/1', 'parent/1/task'])
      expect(await opened.system.replay(address)).toMatchObject({ same: true });
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('');
    expect(later.system.get('parent/1')!.getSnapshot()).toMatchObject({ context: { got: 'well' } });
  });
});

describe('the root of a tree', () => {
  it('that gives up tells whoever runs the system, once for each time', async () => {
    const ends: unknown[] = [];
    const supervise = supervisor({ id: 's', intensity: 0, children: [child('a')] });
    const opened = await open({ worker }, { supervise, onGiveUp: (end) => void ends.push(end) });
    await crash(opened, 'a');
    await opened.system.supervisor('s').settled();
    expect(ends).toMatchObject([
      { address: 'supervisor/s', reason: 'intensity', child: 'a', error: { message: 'crashed' } },
    ]);
    expect(opened.troubles.flat().join()).toMatch(
      /supervisor\/s gave up: there were too many restarts \(its child 'a'\)/,
    );
    const later = await opened.crash();
    expect(ends).toHaveLength(1);
    await crash(later, 'a');
    await later.system.supervisor('s').settled();
    expect(ends).toHaveLength(2);
    const closed = await later.reopen();
    expect(closed.system.supervisor('s').phase).toBe('running');
    expect(ends).toHaveLength(2);
  });

  it('settles when nobody is being restarted any more', async () => {
    const backoff = Schedule.spaced('10 seconds');
    const opened = await openTree(
      supervisor({ id: 's', strategy: 'one-for-all', backoff, children: [child('a'), child('b')] }),
    );
    await crash(opened, 'a');
    const settled = opened.system.supervisor('s').settled();
    await opened.advance(9_999);
    expect(await isSettled(settled)).toBe(false);
    await opened.advance(1);
    await settled;
    expect(opened.system.supervisor('s').countChildren()).toMatchObject({ active: 2 });
  });
});

describe('a supervisor that is damaged', () => {
  it.each(['s', 's/n'])('is not replaced by another that knows nothing: %s', async (id) => {
    const tree = supervisor({
      id: 's',
      children: [child('a'), supervisor({ id: 'n', children: [child('b')] })],
    });
    const opened = await openTree(tree);
    await opened.system.supervisor('s/n').terminateChild('b');
    await opened.kill();
    const { store } = opened;
    await store.open();
    const key = Buffer.from(`Nsupervisor/${id}`);
    const row = Buffer.from(store.get(key)!);
    row[row.length - 1]! ^= 1;
    const batch = store.batch();
    batch.put(key, row);
    await batch.write();
    await store.close();
    expect(await rejection(opened.crash())).toMatchObject({
      _tag: 'JournalCorrupt',
      address: `supervisor/${id}`,
    });
    // Without a tree the rest can be looked at.
    await opened.store.close();
    const looking = await open({ worker }, { store: opened.store });
    expect(looking.system.get('worker/b')).toBeDefined();
  });
});

describe('a child of a dynamic supervisor that failed when that gave up', () => {
  it.each(['in memory', 'asleep'])('comes up with it, though nobody asks for it: %s', async (where) => {
    const tree = supervisor({
      id: 's',
      children: [
        supervisor({ id: 'jobs', strategy: 'dynamic', start: 'job', intensity: 0, restart: 'transient' }),
      ],
    });
    const opened = await openTree(tree, { job: durable(worker, { passivateAfter: '1 second' }) });
    const ref = await opened.system.actor('job' as never, '1', { input: '1' } as never);
    await rejection((ref as { send(event: object): Promise<unknown> }).send({ type: 'crash' }));
    await opened.settle();
    await opened.advance(60_000);
    const later = where === 'asleep' ? await opened.crash() : opened;
    await later.settle();
    logged();
    await later.system.supervisor('s').restartChild('jobs');
    await later.settle();
    expect(logged()).toBe('+1');
  });
});

describe('a supervisor to which a failure was escalated', () => {
  it('has failed: a transient one is restarted too', async () => {
    const touchy = durable(worker, { poison: 'escalate' });
    const opened = await openTree(
      supervisor({
        id: 's',
        children: [
          supervisor({ id: 'n', restart: 'transient', children: [{ id: 't', start: 'touchy', input: 't' }] }),
        ],
      }),
      { touchy },
    );
    logged();
    await rejection(opened.system.get('touchy/t')!.send({ type: 'crash' }));
    await opened.settle();
    expect(logged()).toBe('-t +t');
  });
});
