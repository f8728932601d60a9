// The lie: "every kind of failure has one meaning". What fails, under which policy, and what becomes of the actor, of those who
// sent to it, of its supervisor and its parent; and all of it again after the system was killed.
import { beforeEach, describe, expect, it } from 'vitest';
import * as Schedule from 'effect/Schedule';
import { assign, fromCallback, fromObservable, fromPromise, sendTo, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import type { ChildSpec, Supervisor } from 'heddle';
import { memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { openSystem } from '../../runtime/system.ts';
import { frameKey } from '../../storage/keys.ts';
import { collect, isSettled, open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

let log: string[] = [];
beforeEach(() => void (log = []));
const logged = (): string => log.splice(0).join(' ');

const presence = fromCallback<{ type: 'x' }, string>(({ input }) => {
  log.push(`+${input}`);
  return () => void log.push(`-${input}`);
});

function explode(): never {
  throw new RangeError('no');
}

/** Rejects. XState's types know only actions that return nothing. */
const later = (): void => Promise.reject(new RangeError('no')) as never;

/** Fails in every way when it is told to. */
const fragile = setup({
  types: {
    context: {} as { n: number },
    events: {} as { type: 'inc' | 'guard' | 'assign' | 'output' | 'act' | 'reject' },
    input: {} as string | undefined,
  },
  actors: { presence },
  actions: { act: explode, reject: later },
}).createMachine({
  id: 'fragile',
  context: { n: 0 },
  initial: 'well',
  states: {
    well: {
      invoke: { src: 'presence', id: 'presence', input: 'p' },
      on: {
        inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        guard: { guard: explode, target: 'over' },
        assign: { actions: assign(explode) },
        output: 'over',
        act: { actions: 'act' },
        reject: { actions: 'reject' },
      },
    },
    over: { type: 'final' },
  },
  output: explode,
});

const IN_STEP = ['guard', 'assign', 'output'] as const;
const AFTER_COMMIT = ['act', 'reject'] as const;
/** An action is tried three times, this long in all. */
const TRIED_MS = 1200;

type Position = 'alone' | 'permanent' | 'transient' | 'temporary' | 'dynamic';
const POSITIONS: readonly Position[] = ['alone', 'permanent', 'transient', 'temporary', 'dynamic'];

function treeFor(position: Position): Supervisor | undefined {
  if (position === 'alone') return undefined;
  if (position === 'dynamic') return supervisor({ id: 's', strategy: 'dynamic', start: 'fragile' });
  const child = { id: '1', start: 'fragile', restart: position };
  return supervisor({ id: 's', children: [child] });
}

/** What becomes of it: still as it was, restarted, its life over with `error`, or down or forgotten with its supervisor. */
type Outcome = 'same' | 'restarted' | 'error' | 'down' | 'forgotten';
const OUTCOMES: Readonly<Record<'resume' | 'fail' | 'escalate', Readonly<Record<Position, Outcome>>>> = {
  resume: { alone: 'same', permanent: 'same', transient: 'same', temporary: 'same', dynamic: 'same' },
  fail: {
    alone: 'error',
    permanent: 'restarted',
    transient: 'restarted',
    temporary: 'error',
    dynamic: 'restarted',
  },
  escalate: {
    alone: 'error',
    permanent: 'down',
    transient: 'down',
    temporary: 'forgotten',
    dynamic: 'down',
  },
};

const CASES = (['resume', 'fail', 'escalate'] as const).flatMap((poison) =>
  POSITIONS.flatMap((position) =>
    [...IN_STEP, ...AFTER_COMMIT].map(
      (kind) => [kind, poison, position, OUTCOMES[poison][position]] as const,
    ),
  ),
);

describe('what fails', () => {
  it.each(CASES)('%s, with poison %s, %s: %s', async (kind, poison, position, outcome) => {
    const supervise = treeFor(position);
    const opened = await open(
      { fragile: durable(fragile, { poison }) },
      supervise === undefined ? {} : { supervise },
    );
    const ref = await opened.system.actor('fragile', '1', {});
    await opened.settle();
    await ref.send({ type: 'inc' });
    logged();
    const isInStep = (IN_STEP as readonly string[]).includes(kind);
    const sent = ref.send({ type: kind });
    if (isInStep) expect(await rejection(sent)).toMatchObject({ _tag: 'StepFailed', event: kind });
    else {
      expect((await sent).seq).toBe(3);
      await opened.settle();
      await opened.advance(TRIED_MS);
    }
    await opened.settle();
    const heard = { same: '', restarted: '-p +p', error: '-p', down: '-p', forgotten: '-p' };
    expect(logged()).toBe(heard[outcome]);
    const letters = await collect(opened.system.deadLetters({ address: 'fragile/1' }));
    expect(letters).toMatchObject([{ reason: isInStep ? 'step' : 'action', life: 1 }]);

    const story = (await collect(opened.system.history('fragile/1'))).map(
      ({ event, wentDown, error }) => `${event.type}${wentDown ? '†' : error === undefined ? '' : '!'}`,
    );
    const before = isInStep ? ['xstate.init', 'inc'] : ['xstate.init', 'inc', kind];
    const failing = isInStep ? kind : 'heddle.fail';
    const stories = {
      same: before,
      restarted: [...before, `${failing}†`, 'heddle.up'],
      error: [...before, `${failing}!`],
      down: [...before, `${failing}†`],
      forgotten: [...before, `${failing}†`, 'xstate.stop'],
    };
    expect(story).toEqual(stories[outcome]);

    const later = await opened.crash();
    await later.settle();
    // Whoever opens the system starts a tree again that has given up.
    const isUp = outcome !== 'error';
    const again = later.system.get('fragile/1')!;
    expect(again.getSnapshot()).toMatchObject({
      status: isUp ? 'active' : 'error',
      // Who was forgotten is started from the beginning.
      context: { n: outcome === 'forgotten' ? 0 : 1 },
    });
    await later.settle();
    if (isUp) expect((await again.send({ type: 'inc' })).seq).toBeGreaterThan(2);
    else {
      expect((again.getSnapshot().error as Error).message).toMatch(/no$/);
      expect(await rejection(again.send({ type: 'inc' }))).toMatchObject({ _tag: 'ActorEnded' });
    }
    expect(await later.system.replay('fragile/1')).toMatchObject({ same: true });
    expect((await later.system.verify()).broken).toEqual([]);
    expect(await collect(later.system.deadLetters())).toHaveLength(1);
  });
});

// ---- processes ------------------------------------------------------------------------------------------------------

/** How a process may fail; what it calls is what it gets to do it with. */
const PROCESSES = {
  rejects: fromPromise(() => Promise.reject(new RangeError('no'))),
  'throws at once': fromPromise(explode),
  'hangs past its timeout': durable(
    fromPromise(() => new Promise(() => {})),
    { timeout: '1 second' },
  ),
  'returns what cannot be stored': fromPromise(() => Promise.resolve(() => 'a function')),
  'is a callback that throws': fromCallback(explode),
} as const;

describe('a process that', () => {
  it.each(Object.keys(PROCESSES) as (keyof typeof PROCESSES)[])(
    '%s fails its parent only when its restarts are spent',
    async (kind) => {
      const parentOf = (spec: ChildSpec) => {
        const task = durable(PROCESSES[kind] as typeof PROCESSES.rejects, spec);
        return setup({ actors: { task } }).createMachine({
          initial: 'working',
          states: {
            working: { invoke: { src: 'task', id: 'task', onError: 'failed', onDone: 'well' } },
            well: {},
            failed: {},
          },
        });
      };
      for (const [spec, tries] of [
        [{}, 1],
        [{ restart: 'transient', intensity: 2, period: '1 minute' }, 3],
      ] as const) {
        const opened = await open({ parent: parentOf(spec) });
        const ref = await opened.system.actor('parent', '1');
        await opened.settle();
        await opened.advance(5000);
        expect(ref.getSnapshot().value).toBe('failed');
        const records = await collect(opened.system.history('parent/1/task'));
        expect(records.filter(({ event }) => /init|up$/.test(event.type))).toHaveLength(tries);
        expect(records.filter(({ wentDown }) => wentDown)).toHaveLength(tries - 1);
        const later = await opened.crash();
        await later.settle();
        expect(later.system.get('parent/1')!.getSnapshot()).toMatchObject({ value: 'failed' });
        for (const address of ['parent/1', 'parent/1/task'])
          expect(await later.system.replay(address)).toMatchObject({ same: true });
      }
    },
  );

  it('calls back after it was stopped is not heard', async () => {
    let late: (() => void) | undefined;
    const task = fromCallback<{ type: 'x' }>(({ sendBack }) => {
      late = () => sendBack({ type: 'late' });
    });
    const parent = setup({
      types: { context: {} as { heard: number } },
      actors: { task },
    }).createMachine({
      context: { heard: 0 },
      invoke: { src: 'task', id: 'task' },
      on: { late: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
    });
    const opened = await open(
      { parent },
      { supervise: supervisor({ id: 's', children: [{ id: '1', start: 'parent' }] }) },
    );
    await opened.settle();
    late!();
    await opened.system.supervisor('s').terminateChild('1');
    late!();
    await opened.settle();
    expect(opened.system.get('parent/1')!.getSnapshot()).toMatchObject({ context: { heard: 1 } });
  });
});

// ---- what happens in between ----------------------------------------------------------------------------------------

const worker = durable(
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'inc' | 'crash' }, input: {} as string },
    actors: { presence },
  }).createMachine({
    context: { n: 0 },
    invoke: { src: 'presence', id: 'presence', input: ({ event }) => (event as { input?: string }).input! },
    on: {
      inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      crash: { actions: assign(explode) },
    },
  }),
  { poison: 'fail' },
);
const child = (id: string, rest: object = {}) => ({ id, start: 'worker', input: id, ...rest });

describe('an order to halt', () => {
  it('is answered, also when what was under way ends while its commit is written', async () => {
    const store = new WatchedStore();
    const ends: (() => void)[] = [];
    const job = fromPromise(() => new Promise<void>((resolve) => void ends.push(resolve)));
    const opened = await open(
      { worker, job },
      {
        store,
        supervise: supervisor({
          id: 's',
          strategy: 'one-for-all',
          intensity: 5,
          children: [child('a'), { id: 'p', start: 'job', shutdown: 'brutal', restart: 'transient' }],
        }),
      },
    );
    await opened.settle();
    logged();
    store.hold();
    void rejection(opened.system.get('worker/a')!.send({ type: 'crash' } as never));
    await ticks();
    store.releaseOne();
    await ticks();
    ends[0]!();
    await ticks();
    store.release();
    await opened.settle();
    expect(logged()).toBe('-a +a');
    expect(opened.system.supervisor('s').whichChildren()).toMatchObject([
      { phase: 'running' },
      { phase: 'down' },
    ]);
  });

  const bossOf = (inner: object) =>
    setup({ actors: { inner: inner as typeof worker } }).createMachine({
      invoke: { src: 'inner', id: 'inner', input: 'inner' },
      on: { '*': { actions: sendTo('inner', ({ event }) => event as never) } },
    });
  const openBoss = async (inner: object) => {
    const opened = await open(
      { boss: bossOf(inner) },
      { supervise: supervisor({ id: 's', children: [{ id: '1', start: 'boss' }] }) },
    );
    await opened.settle();
    return opened;
  };

  it('holds below it whoever waits for a restart of its own', async () => {
    const backoff = Schedule.spaced('10 seconds');
    const opened = await openBoss(durable(worker, { restart: 'transient', intensity: 5, backoff }));
    await opened.system.get('boss/1')!.send({ type: 'crash' });
    await opened.settle();
    expect(logged()).toBe('+inner -inner');
    await opened.system.supervisor('s').terminateChild('1');
    await opened.advance(20_000);
    const later = await opened.crash();
    await later.advance(20_000);
    expect(logged()).toBe('');
    await later.system.supervisor('s').restartChild('1');
    await later.settle();
    expect(logged()).toBe('+inner');
  });

  it('holds whoever fails only afterwards, with an action that was under way', async () => {
    const inner = durable(fragile, { poison: 'fail', restart: 'transient', intensity: 5 });
    const opened = await openBoss(inner);
    await opened.system.get('boss/1')!.send({ type: 'act' });
    await opened.settle();
    await opened.system.supervisor('s').terminateChild('1');
    logged();
    await opened.advance(TRIED_MS);
    expect(await collect(opened.system.deadLetters())).toHaveLength(1);
    expect(logged()).toBe('');
    const later = await opened.crash();
    await later.settle();
    await later.system.supervisor('s').restartChild('1');
    await later.settle();
    expect(logged()).toBe('+p');
    expect(await later.system.replay('boss/1/inner')).toMatchObject({ same: true });
  });
});

describe('a write that fails in the middle of a restart of all', () => {
  it.each([
    ['was lost', false],
    ['was made nevertheless', true],
  ])('and %s changes nothing in the end', async (_, isApplied) => {
    let fences = 0;
    for (let at = 1; ; at++) {
      const store = new WatchedStore();
      const children = ['a', '*', 'c'].map((id) => child(id));
      const supervise = supervisor({ id: 's', strategy: 'one-for-all', intensity: 5, children });
      const opened = await open({ worker }, { store, supervise });
      await opened.settle();
      logged();
      const from = store.written;
      store.appliesFailures = isApplied;
      // Whoever has sent it does not know whether it was taken, and sends it again.
      const send = () => opened.system.get('worker/a')!.send({ type: 'crash' } as never, { id: 'once' });
      store.hold();
      const told = rejection(send());
      await ticks();
      for (let write = 1; store.waiting > 0 || write === 1; write++) {
        if (write === at) store.failure = new Error('the disk is gone');
        store.releaseOne();
        await ticks();
      }
      store.release();
      const isOver = store.failure !== undefined || store.written - from < at - 1;
      store.failure = undefined;
      await told;
      await opened.advance(100);
      expect(await rejection(send())).toMatchObject({ _tag: 'StepFailed' });
      await opened.settle();
      const phases = opened.system
        .supervisor('s')
        .whichChildren()
        .map(({ phase, restarts }) => `${phase} ${restarts}`);
      expect(phases).toEqual(['running 1', 'running 1', 'running 1']);
      const running = new Map<string, number>();
      for (const entry of ['+a', '+*', '+c', ...log]) {
        const id = entry.slice(1);
        running.set(id, (running.get(id) ?? 0) + (entry.startsWith('+') ? 1 : -1));
      }
      expect([...running.values()]).toEqual([1, 1, 1]);
      expect(await opened.system.replay('supervisor/s')).toMatchObject({ same: true });
      fences += opened.runtime.metrics.fences;
      await opened.system.close();
      if (isOver || at > 12) break;
    }
    expect(fences).toBeGreaterThan(1);
  });
});

describe('a pool that has given up', () => {
  const openPool = async () => {
    const jobs = supervisor({
      id: 'jobs',
      strategy: 'dynamic',
      start: 'worker',
      intensity: 0,
      restart: 'transient',
    });
    const opened = await open(
      { worker, other: fragile },
      { supervise: supervisor({ id: 's', children: [{ id: 'x', start: 'other' }, jobs] }) },
    );
    await opened.system.actor('worker', '1', { input: '1' });
    await opened.settle();
    await rejection(opened.system.get('worker/1')!.send({ type: 'crash' }));
    await opened.settle();
    logged();
    return opened;
  };

  it('holds also those who are born now', async () => {
    const opened = await openPool();
    const ref = await opened.system.actor('worker', '2', { input: '2' });
    await opened.settle();
    expect(logged()).toBe('');
    expect(await rejection(ref.send({ type: 'inc' }))).toMatchObject({ _tag: 'ActorDown' });
    const later = await opened.crash();
    await later.settle();
    expect(logged()).toBe('+p');
    await later.system.supervisor('s').restartChild('jobs');
    // One that sleeps comes up when somebody asks for it.
    expect(later.system.get('worker/1')).toBeDefined();
    await later.settle();
    await later.system.get('worker/2')!.send({ type: 'inc' });
    expect(log.sort().join(' ')).toBe('+1 +2');
  });

  it('lets go of those who failed in it when it is declared no more', async () => {
    const opened = await openPool();
    const later = await opened.reopen({ supervise: undefined } as never);
    await later.settle();
    const sent = later.system.get('worker/1')!.send({ type: 'inc' });
    await later.settle();
    expect(await isSettled(sent)).toBe(true);
    expect(await sent).toMatchObject({ address: 'worker/1' });
  });
});

describe('a child whose journal is damaged', () => {
  /** Flips a bit in what was stored last with this text. */
  async function damage(store: Store, frame: number, text: string): Promise<void> {
    const bytes = Buffer.from(store.get(frameKey(frame))!);
    const at = bytes.lastIndexOf(text);
    expect(at).toBeGreaterThan(0);
    bytes[at]! ^= 1;
    const batch = store.batch();
    batch.put(frameKey(frame), bytes);
    await batch.write();
  }
  const mark = { type: 'inc', mark: 'find me' } as never;
  const silent = { log: () => {}, error: () => {} };

  it('while it runs is refused when it is to be restarted from there, and the others go on', async () => {
    const store = memory();
    const supervise = supervisor({ id: 's', intensity: 5, children: [child('a'), child('b')] });
    const options = { store, actors: { worker }, supervise, logger: silent };
    await using system = await openSystem(options, { cachedFrames: 0 });
    await system.get('worker/a')!.send(mark);
    const { frame } = (await collect(system.history('worker/a'))).at(-1)!;
    await system.get('worker/b')!.send({ type: 'inc' } as never);
    await damage(store, frame, 'find me');
    expect(await rejection(system.get('worker/a')!.send({ type: 'crash' } as never))).toMatchObject({
      _tag: 'JournalCorrupt',
    });
    const phases = () =>
      system
        .supervisor('s')
        .whichChildren()
        .map(({ phase }) => phase);
    await expect.poll(phases).toEqual(['refused', 'running']);
    await system.get('worker/b')!.send({ type: 'inc' } as never);
  });

  it('while the system is down is refused, and restarts of the others go around it', async () => {
    const store = memory();
    const children = ['a', 'b', 'c'].map((id) => child(id, { shutdown: 'brutal' }));
    const supervise = supervisor({ id: 's', strategy: 'one-for-all', intensity: 5, children });
    const opened = await open({ worker }, { store, supervise });
    await opened.settle();
    await opened.system.get('worker/b')!.send(mark);
    const { frame } = (await collect(opened.system.history('worker/b'))).at(-1)!;
    await opened.system.get('worker/a')!.send({ type: 'inc' } as never);
    await opened.kill();
    await store.open();
    await damage(store, frame, 'find me');
    await store.close();
    const later = await opened.crash();
    await later.settle();
    await rejection(later.system.get('worker/a')!.send({ type: 'crash' } as never));
    await later.settle();
    const phases = later.system
      .supervisor('s')
      .whichChildren()
      .map(({ phase }) => phase);
    expect(phases).toEqual(['running', 'refused', 'running']);
    expect(await later.system.explain('worker/b')).toMatch(/^worker\/b is refused: the journal/);
    expect(await later.system.replay('supervisor/s')).toMatchObject({ same: true });
  });
});

describe('an event that is sent with an id and fails its actor', () => {
  it('fails it once: whoever sends it again is told the same', async () => {
    const opened = await open(
      { worker },
      { supervise: supervisor({ id: 's', intensity: 9, children: [child('a')] }) },
    );
    await opened.settle();
    const send = (now: typeof opened) =>
      rejection(now.system.get('worker/a')!.send({ type: 'crash' } as never, { id: 'once' }));
    expect(await send(opened)).toMatchObject({ _tag: 'StepFailed', event: 'crash' });
    await opened.settle();
    logged();
    const told = await send(opened);
    expect(told).toMatchObject({ _tag: 'StepFailed', event: 'crash', cause: { name: 'RangeError' } });
    const later = await opened.crash();
    await later.settle();
    logged();
    expect(await send(later)).toMatchObject({ _tag: 'StepFailed', message: told.message });
    await later.settle();
    expect(logged()).toBe('');
    expect(await collect(later.system.deadLetters())).toHaveLength(1);
  });
});

describe('a process that answers twice', () => {
  /* oxlint-disable promise/no-multiple-resolved -- that is the mistake */
  const promise = fromPromise(
    () =>
      new Promise<string>((resolve, reject) => {
        resolve('first');
        resolve('second');
        reject(new Error('after the end'));
      }),
  );
  /* oxlint-enable promise/no-multiple-resolved */
  // XState's types want both forms of subscribe.
  const subscribe = (observer: {
    next: (value: string) => void;
    complete: () => void;
    error: (error: unknown) => void;
  }) => {
    observer.next('first');
    observer.complete();
    observer.complete();
    observer.error(new Error('after the end'));
    observer.next('after the end');
    return { unsubscribe: () => {} };
  };
  const observable = fromObservable(() => ({ subscribe }) as never) as never as typeof promise;

  it.each([
    ['promise', promise],
    ['observable', observable],
  ])('is heard once, and is done: %s', async (_, work) => {
    const heard: string[] = [];
    const boss = setup({ actors: { work } }).createMachine({
      initial: 'busy',
      states: {
        busy: { invoke: { src: 'work', id: 'work', onDone: 'well', onError: 'ill' } },
        well: {
          entry: () => void heard.push('done'),
          on: { '*': { actions: ({ event }) => void heard.push(event.type) } },
        },
        ill: {},
      },
    });
    const opened = await open({ boss });
    await opened.system.actor('boss', '1');
    await opened.settle();
    expect(opened.system.get('boss/1')!.getSnapshot().value).toBe('well');
    expect(heard).toEqual(['done']);
    const later = await opened.crash();
    await later.settle();
    expect(later.system.get('boss/1')!.getSnapshot().value).toBe('well');
    for (const address of ['boss/1', 'boss/1/work'])
      expect(await later.system.replay(address)).toMatchObject({ same: true });
  });
});
