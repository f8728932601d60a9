// The lie: "the metrics say what has happened". Systems that work, fail and wait, counted from outside and compared with
// what they say of themselves; and their text, read by a parser that forgives nothing, with hostile names in it.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, emit, fromPromise, sendTo, setup } from 'xstate';
import * as Schedule from 'effect/Schedule';
import { durable } from 'heddle';
import type { ActorDefinitions } from 'heddle';
import { EventLoop } from '../../runtime/health/event-loop.ts';
import { Metrics } from '../../runtime/health/metrics.ts';
import { openMetrics } from '../../runtime/health/open-metrics.ts';
import type { MetricsReading } from '../../runtime/health/reading.ts';
import { internals, openSystem, System } from '../../runtime/system.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import type { Batch } from '../../storage/store.ts';
import { counter } from './counter.ts';
import { afterwards, open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

// ---- what is asked ------------------------------------------------------------------------------------------------

/** Whether systems have metrics of their own. Before, they are looked at from outside, which sees how things stand. */
const COUNTS = 'metrics' in System.prototype;

function metricsOf(system: object): MetricsReading {
  if (COUNTS) return (system as { metrics(): MetricsReading }).metrics();
  const metrics = new Metrics(internals.get(system)!);
  afterwards(() => metrics.close());
  return metrics.read();
}

/** A system in which so many turns may be under way, with a disk that waits. */
async function openNarrow<const TActors extends ActorDefinitions>(actors: TActors, maxTurnsPerCommit = 1) {
  const store = new WatchedStore();
  const clock = new VirtualClock();
  const logger = { log: () => {}, error: () => {} };
  const system = await openSystem({ store, actors, clock, logger }, { maxTurnsPerCommit });
  afterwards(() => {
    store.release();
    return system.close();
  });
  return { system, store, clock };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for something that takes an unknown number of ticks. */
async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await ticks(1);
}

/** Keeps the thread busy. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

// ---- how things stand ---------------------------------------------------------------------------------------------

describe('how things stand', () => {
  it('is nothing, in a system where nothing happens', async () => {
    const { system } = await open({ counter });
    expect(metricsOf(system)).toMatchObject({
      turns: 0,
      commits: 0,
      refused: { total: 0, byTag: {}, unrecorded: 0 },
      actors: { inMemory: 0, refused: 0 },
      mailboxes: { waiting: 0, deepest: undefined },
      queued: 0,
      undurable: 0,
      owed: 0,
      actionsRunning: 0,
      timers: 0,
      ledger: { lagFrames: 0, lagBytes: 0 },
      fenced: false,
      eventLoopDelayMs: { count: 0 },
    });
  });

  it('tells what waits, and where most of it does', async () => {
    const { system, store } = await openNarrow({ counter });
    const one = await system.actor('counter', 'one');
    const other = await system.actor('counter', 'other');
    store.hold();
    // One turn is being written, one fills the next commit; whatever comes then waits.
    void one.send({ type: 'add', by: 1 });
    await ticks();
    void one.send({ type: 'add', by: 1 });
    await ticks();
    for (let i = 0; i < 5; i++) void one.send({ type: 'add', by: 1 });
    for (let i = 0; i < 3; i++) void other.send({ type: 'add', by: 1 });
    await ticks();
    expect(metricsOf(system)).toMatchObject({
      mailboxes: { waiting: 8, deepest: { address: 'counter/one', depth: 5 } },
      queued: 2,
      undurable: 2,
      actors: { inMemory: 2 },
    });
    store.release();
    await ticks(50);
    expect(metricsOf(system)).toMatchObject({
      mailboxes: { waiting: 0, deepest: undefined },
      queued: 0,
      undurable: 0,
    });
  });

  it('tells what is owed to the world, and what is under way', async () => {
    let finish = (): void => {};
    const slow: () => unknown = () => new Promise<void>((resolve) => (finish = resolve));
    const worker = setup({
      types: { events: {} as { type: 'work' }, emitted: {} as { type: 'begun' } },
      actions: { slow },
    }).createMachine({ on: { work: { actions: ['slow', emit({ type: 'begun' })] } } });
    const opened = await open({ worker });
    const { system } = opened;
    const ref = await system.actor('worker', '1');
    await ref.send({ type: 'work' });
    await ticks();
    // The emitted event is done; but the turn owes until all of it is.
    expect(metricsOf(system)).toMatchObject({ owed: 2, actionsRunning: 1 });
    finish();
    await opened.settle();
    expect(metricsOf(system)).toMatchObject({ owed: 0, actionsRunning: 0 });
  });

  it('tells of timers, and of who is in memory', async () => {
    const sleeper = setup({ types: { events: {} as { type: 'wake' } } }).createMachine({
      initial: 'asleep',
      states: { asleep: { after: { 3_600_000: 'awake' } }, awake: {} },
    });
    const opened = await open({ sleeper }, { passivateAfter: '1 minute' });
    const { system } = opened;
    for (const id of ['1', '2', '3']) await system.actor('sleeper', id);
    expect(metricsOf(system)).toMatchObject({ timers: 3, actors: { inMemory: 3 } });
    await opened.advance(120_000);
    expect(metricsOf(system)).toMatchObject({ actors: { inMemory: 0 } });
    expect(metricsOf(system).timers).toBeGreaterThanOrEqual(3);
    await opened.advance(3_600_000 - 120_000);
    expect(metricsOf(system)).toMatchObject({ timers: 0, actors: { inMemory: 3 } });
  });

  it('tells how far a recovery would have to read, and it is less after checkpoints', async () => {
    const often = durable(counter, { checkpointEvery: 1000 });
    const first = await open({ often });
    const ref = await first.system.actor('often', '1');
    for (let i = 0; i < 50; i++) await ref.send({ type: 'add', by: 1 });
    const { ledger } = metricsOf(first.system);
    expect(ledger.lagFrames).toBeGreaterThanOrEqual(50);
    expect(ledger.lagFrames).toBe(ledger.frame - ledger.lowWater);
    expect(ledger.lagBytes).toBeGreaterThan(50 * 20);
    await first.advance(120_000);
    // It has left, and took a checkpoint.
    expect(metricsOf(first.system)).toMatchObject({ ledger: { lagBytes: 0 }, actors: { inMemory: 0 } });
  });

  it('tells how many actors are refused', async () => {
    // One that owes: it is loaded by the opening, which is when it is found out.
    const hang: () => unknown = () => new Promise<void>(() => {});
    const owing = setup({
      types: { events: {} as { type: 'work' } },
      actions: { hang },
    }).createMachine({ on: { work: { actions: 'hang' } } });
    const first = await open({ owing });
    await (await first.system.actor('owing', '1')).send({ type: 'work' });
    await first.kill();
    const changed = setup({ types: { events: {} as { type: 'work' } } }).createMachine({
      on: { work: { actions: emit({ type: 'worked' }) } },
    });
    const later = await open({ owing: changed }, { store: first.store });
    await ticks();
    expect(metricsOf(later.system).actors).toEqual({ inMemory: 0, refused: 1 });
  });

  it('tells of the memory in bytes', async () => {
    const { system } = await open({ counter });
    const { memory: told } = metricsOf(system);
    const { rss } = process.memoryUsage();
    expect(told.rssBytes).toBeGreaterThan(rss / 4);
    expect(told.rssBytes).toBeLessThan(rss * 4);
    expect(told.heapUsedBytes).toBeLessThanOrEqual(told.heapTotalBytes);
    expect(told.arrayBuffersBytes).toBeLessThanOrEqual(told.externalBytes);
  });

  it('takes the memory from whoever it is given', async () => {
    const { system } = await open({ counter });
    const usage = { rss: 1, heapTotal: 2, heapUsed: 3, external: 4, arrayBuffers: 5 };
    const metrics = new Metrics(internals.get(system)!, () => usage);
    afterwards(() => metrics.close());
    expect(metrics.read().memory).toEqual({
      rssBytes: 1,
      heapTotalBytes: 2,
      heapUsedBytes: 3,
      externalBytes: 4,
      arrayBuffersBytes: 5,
    });
  });

  it('is plain data, frozen through and through', async () => {
    const { system } = await openNarrow({ counter });
    await system.actor('counter', '1');
    const reading = metricsOf(system);
    expect(JSON.parse(JSON.stringify(reading))).toEqual({ ...reading, mailboxes: { waiting: 0 } });
    const check = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(check);
    };
    check(reading);
  });

  it('can still be asked after the end', async () => {
    const { system } = await open({ counter });
    await system.actor('counter', '1');
    await system.close();
    expect(metricsOf(system)).toMatchObject({ fenced: false, undurable: 0, eventLoopDelayMs: { count: 0 } });
  });
});

// ---- what has happened --------------------------------------------------------------------------------------------

/** A store that adds up what it is given. */
class WeighingStore extends WatchedStore {
  bytes = 0;

  override batch(): Batch {
    const beneath = super.batch();
    let bytes = 0;
    return {
      put: (key, value) => {
        bytes += value.length;
        beneath.put(key, value);
      },
      delete: (key) => beneath.delete(key),
      write: async () => {
        await beneath.write();
        this.bytes += bytes;
      },
    };
  }
}

describe.runIf(COUNTS)('what has happened', () => {
  it('is counted as the store counts it: turns, commits, bytes', async () => {
    const child = setup({ types: { events: {} as { type: 'ask' } } }).createMachine({ on: { ask: {} } });
    const parent = setup({ types: { events: {} as { type: 'ask' } }, actors: { child } }).createMachine({
      invoke: { src: 'child', id: 'child' },
      on: { ask: { actions: sendTo('child', { type: 'ask' }) } },
    });
    const store = new WeighingStore();
    const opened = await open({ parent, counter }, { store });
    const { system } = opened;
    const before = { bytes: store.bytes, written: store.written };
    const refs = await Promise.all(['1', '2', '3'].map((id) => system.actor('parent', id)));
    const count = await system.actor('counter', '1');
    for (let i = 0; i < 30; i++) {
      for (const ref of refs) void ref.send({ type: 'ask' });
      const receipt = await count.send({ type: 'add', by: 1 }, { id: `${i}` });
      expect(metricsOf(system).commits).toBeGreaterThanOrEqual(receipt.commit - 1);
    }
    await opened.settle();
    const reading = metricsOf(system);
    expect(reading.turns).toBe((await system.verify()).records);
    expect(reading.turns).toBe(3 + 3 + 90 + 90 + 1 + 30);
    expect(reading.commits).toBe(store.written - before.written);
    expect(reading.commitBytes).toBe(store.bytes - before.bytes);
    expect(reading.turnsPerCommit).toMatchObject({ count: reading.commits, sum: reading.turns });
    expect(reading.commitMs.count).toBe(reading.commits);
  });

  it('counts nothing that is not on the disk', async () => {
    const { system, store, clock } = await openNarrow({ counter }, 100);
    const ref = await system.actor('counter', '1');
    await ticks();
    const before = metricsOf(system);
    store.hold();
    const sent = Array.from({ length: 7 }, () => ref.send({ type: 'add', by: 1 }));
    await ticks();
    expect(metricsOf(system)).toMatchObject({ turns: before.turns, commits: before.commits });
    await clock.advance(250, () => ticks());
    store.release();
    await Promise.all(sent);
    const after = metricsOf(system);
    expect(after.turns).toBe(before.turns + 7);
    // The clock stands still but for the time that the disk has waited.
    expect(after.commitMs).toMatchObject({ max: 250, sum: 250 });
    expect(after.commitMs.buckets.findLast(([atMost]) => atMost < 250)![1]).toBe(after.commits - 1);
    expect(after.uptimeMs).toBe(250);
  });

  it('counts who was refused, and why', async () => {
    const { system, store } = await openNarrow({ counter });
    const ref = await system.actor('counter', '1');
    await rejection(ref.send({ type: 'add', by: 1, note: () => {} }));
    await rejection(ref.send({ type: 'xstate.done.actor.x' } as never));
    const trap = { type: 'add', by: 1 };
    Object.defineProperty(trap, 'note', {
      enumerable: true,
      get: () => {
        throw new TypeError('a getter that throws');
      },
    });
    await rejection(ref.send(trap as never));
    await ref.send({ type: 'finish' });
    await rejection(ref.send({ type: 'add', by: 1 }));
    await rejection(ref.send({ type: 'add', by: 1 }));
    const { total, byTag } = metricsOf(system).refused;
    expect(byTag).toMatchObject({ InvalidArgument: 1, ActorEnded: 2 });
    expect(total).toBe(5);
    expect(Object.values(byTag).reduce((a, b) => a + b, 0)).toBe(5);
    void store;
    await system.close();
    await rejection(ref.send({ type: 'add', by: 1 }));
    expect(metricsOf(system).refused.byTag).toMatchObject({ SystemClosed: 1 });
  });

  it('counts what finds no room', async () => {
    const store = new WatchedStore();
    const logger = { log: () => {}, error: () => {} };
    const clock = new VirtualClock();
    const system = await openSystem(
      { store, actors: { counter }, clock, logger, mailbox: { capacity: 3 } },
      { maxTurnsPerCommit: 1 },
    );
    afterwards(() => system.close());
    const ref = await system.actor('counter', '1');
    store.hold();
    const sent = Array.from({ length: 20 }, () => ref.send({ type: 'add', by: 1 }));
    const settled = Promise.allSettled(sent);
    await ticks();
    store.release();
    const full = (await settled).filter(({ status }) => status === 'rejected').length;
    expect(full).toBeGreaterThan(10);
    expect(metricsOf(system).refused).toEqual({ total: full, byTag: { MailboxFull: full }, unrecorded: 0 });
  });

  it('counts failed steps, crashes, restarts and dead letters', async () => {
    const fragile = setup({
      types: { context: {} as { n: number }, events: {} as { type: 'break' | 'act' | 'ok' } },
      actions: {
        fails: () => {
          throw new Error('the action failed');
        },
      },
    }).createMachine({
      context: { n: 0 },
      on: {
        break: {
          actions: assign(() => {
            throw new Error('the step failed');
          }),
        },
        act: { actions: 'fails' },
        ok: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      },
    });
    const unborn = setup({}).createMachine({
      context: () => {
        throw new Error('not born');
      },
    });
    const opened = await open({
      fragile,
      unborn,
      mortal: durable(fragile, { poison: 'fail' }),
      restored: durable(fragile, { poison: 'fail', restart: 'transient' }),
      renewed: durable(fragile, { poison: 'fail', restart: { type: 'transient', from: 'initial' } }),
    });
    const { system } = opened;
    const counted = (): unknown => {
      const { failedSteps, crashes, restarts, deadLetters } = metricsOf(system);
      return [failedSteps, crashes, restarts, deadLetters.steps, deadLetters.actions];
    };
    const fragileOne = await system.actor('fragile', '1');
    expect(counted()).toEqual([0, 0, 0, 0, 0]);
    await rejection(fragileOne.send({ type: 'break' }));
    await fragileOne.send({ type: 'ok' });
    // It keeps its last good state, so it has not crashed.
    expect(counted()).toEqual([1, 0, 0, 1, 0]);
    await fragileOne.send({ type: 'act' });
    await opened.advance(5000);
    expect(counted()).toEqual([1, 0, 0, 1, 1]);
    await rejection(system.actor('unborn', '1'));
    expect(counted()).toEqual([2, 0, 0, 1, 1]);
    for (const [name, expected] of [
      ['mortal', [3, 1, 0, 2, 1]],
      ['restored', [4, 2, 1, 3, 1]],
      ['renewed', [5, 3, 2, 4, 1]],
    ] as const) {
      const ref = await system.actor(name, '1');
      await rejection(ref.send({ type: 'break' }));
      await opened.settle();
      expect([name, counted()]).toEqual([name, expected]);
    }
  });

  it('counts fences, goes on over them, and says while one is up', async () => {
    const store = new WatchedStore();
    const opened = await open({ counter }, { store });
    const { system } = opened;
    const ref = await system.actor('counter', '1');
    await ref.send({ type: 'add', by: 1 });
    const before = metricsOf(system);
    store.failure = new Error('the disk is full');
    const lost = await rejection(ref.send({ type: 'add', by: 1 }));
    expect(lost).toMatchObject({ _tag: 'StoreFenced' });
    expect(metricsOf(system)).toMatchObject({ fences: 1, fenced: true, turns: before.turns });
    await rejection(ref.send({ type: 'add', by: 1 }));
    while (metricsOf(system).fenced) await ticks(1);
    await opened.settle();
    await system.get('counter/1')!.send({ type: 'add', by: 1 });
    expect(metricsOf(system)).toMatchObject({
      fences: 1,
      fenced: false,
      turns: before.turns + 1,
      refused: { byTag: { StoreFenced: 1 } },
    });
  });

  it('counts what becomes of processes', async () => {
    const results: ((result: 'done' | 'fail' | 'hang') => void)[] = [];
    const job = durable(
      fromPromise(async () => {
        const result = await new Promise((resolve) => results.push(resolve));
        if (result === 'fail') throw new Error('the job failed');
      }),
      { timeout: '1 second' },
    );
    const boss = setup({ actors: { job } }).createMachine({
      initial: 'working',
      states: {
        working: { invoke: { src: 'job', id: 'job', onDone: 'done', onError: 'failed' } },
        done: {},
        failed: {},
      },
    });
    const opened = await open({ boss });
    const { system } = opened;
    for (const id of ['1', '2', '3']) await system.actor('boss', id);
    await opened.settle();
    expect(metricsOf(system).processes).toEqual({
      running: 3,
      started: 3,
      retried: 0,
      failed: 0,
      timedOut: 0,
    });
    results[0]!('done');
    results[1]!('fail');
    await until(() => metricsOf(system).processes.running === 1);
    await opened.advance(1000);
    expect(metricsOf(system).processes).toEqual({
      running: 0,
      started: 3,
      retried: 0,
      failed: 2,
      timedOut: 1,
    });
  });

  it('counts attempts that are made again', async () => {
    let attempts = 0;
    const job = durable(
      fromPromise(async () => {
        attempts++;
        throw new Error('again');
      }),
      { retry: Schedule.recurs(2) },
    );
    const boss = setup({ actors: { job } }).createMachine({
      initial: 'working',
      states: { working: { invoke: { src: 'job', id: 'job', onError: 'failed' } }, failed: {} },
    });
    const opened = await open({ boss });
    const { system } = opened;
    const ref = await system.actor('boss', '1');
    await until(async () => {
      await opened.advance(100);
      return ref.getSnapshot().value === 'failed';
    });
    expect(attempts).toBe(3);
    expect(metricsOf(system).processes).toEqual({
      running: 0,
      started: 3,
      retried: 2,
      failed: 1,
      timedOut: 0,
    });
  });
});

// ---- the event loop -----------------------------------------------------------------------------------------------

describe('the event loop', () => {
  it('is measured from the first question on, and its delay is what is beyond the pause', async () => {
    const loop = new EventLoop();
    afterwards(() => loop.close());
    expect(loop.read(0)).toEqual({ count: 0, p50: 0, p99: 0, max: 0 });
    await sleep(100);
    block(300);
    await sleep(100);
    const { count, p50, max } = loop.read(1);
    expect(count).toBeGreaterThan(2);
    expect(max).toBeGreaterThan(200);
    // Were the pause in it, it would be twenty at least.
    expect(p50).toBeLessThan(15);
  });

  it('forgets what was long ago, and nothing since the last question', async () => {
    const loop = new EventLoop();
    afterwards(() => loop.close());
    loop.read(0);
    await sleep(60);
    block(300);
    await sleep(60);
    expect(loop.read(60_000).max).toBeGreaterThan(200);
    await sleep(60);
    expect(loop.read(120_000).max).toBeGreaterThan(200);
    await sleep(60);
    expect(loop.read(180_000).max).toBeLessThan(200);
    block(300);
    await sleep(60);
    // Hours later: it is the only question since.
    expect(loop.read(9_000_000).max).toBeGreaterThan(200);
  });

  it('is measured no more after the end', async () => {
    const loop = new EventLoop();
    loop.read(0);
    await sleep(50);
    loop.close();
    expect(loop.read(1)).toEqual({ count: 0, p50: 0, p99: 0, max: 0 });
  });
});

// ---- the text -----------------------------------------------------------------------------------------------------

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  type?: string;
  unit?: string;
  help?: string;
  readonly samples: Sample[];
}

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const NUMBER = /^(NaN|[+-]?Inf|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/;
const CANONICAL = /^(\d+\.\d+|\d(\.\d+)?e-\d\d|\+Inf)$/;

/** Reads OpenMetrics text by its grammar and rules, as far as a text without timestamps and exemplars goes. */
function parse(text: string): Map<string, Family> {
  const fail = (line: string, why: string): never => {
    throw new SyntaxError(`${why}: ${JSON.stringify(line)}`);
  };
  if (!text.endsWith('\n# EOF\n') && text !== '# EOF\n') fail(text.slice(-20), 'no end');
  const lines = text.slice(0, -1).split('\n');
  if (lines.pop() !== '# EOF') fail(text.slice(-20), 'no end');
  const families = new Map<string, Family>();
  let current: Family | undefined;
  for (const line of lines) {
    const head = /^# (?<what>TYPE|UNIT|HELP) (?<name>\S+) (?<rest>.*)$/s.exec(line)?.groups;
    if (head !== undefined) {
      const { what, name, rest } = head as { what: string; name: string; rest: string };
      if (!NAME.test(name)) fail(line, 'no name');
      if (current?.name !== name) {
        if (families.has(name)) fail(line, 'a family that was over goes on');
        families.set(name, (current = { name, samples: [] }));
      }
      if (current.samples.length > 0) fail(line, 'a head behind its samples');
      if (what === 'TYPE') {
        if (current.type !== undefined || !(rest in SUFFIXES)) fail(line, 'a wrong type');
        current.type = rest;
      } else if (what === 'UNIT') {
        if (current.unit !== undefined || !name.endsWith(`_${rest}`)) fail(line, 'a wrong unit');
        current.unit = rest;
      } else {
        if (current.help !== undefined) fail(line, 'a second help');
        current.help = unescaped(rest, line);
      }
      continue;
    }
    if (current?.type === undefined) return fail(line, 'a sample without a type');
    current.samples.push(parseSample(line, current, fail));
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function parseSample(
  line: string,
  { name, type }: Family,
  fail: (line: string, why: string) => never,
): Sample {
  const told = /^(?<sample>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<rest>.*)$/s.exec(line)?.groups;
  const sample = told?.['sample'] ?? fail(line, 'no sample');
  let rest = told!['rest']!;
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (let first = true; !rest.startsWith('}'); first = false) {
      if (!first) rest = rest.startsWith(',') ? rest.slice(1) : fail(line, 'no comma between labels');
      const label = /^(?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"(?<rest>.*)$/s.exec(
        rest,
      )?.groups;
      if (label === undefined) return fail(line, 'no label');
      const key = label['key']!;
      if (key in labels || key.startsWith('__')) fail(line, 'a label twice, or reserved');
      labels[key] = unescaped(label['value']!, line);
      rest = label['rest']!;
    }
    rest = rest.slice(1);
  }
  const number = /^ (?<number>\S+)$/.exec(rest)?.groups?.['number'] ?? fail(line, 'no value');
  if (!NUMBER.test(number)) fail(line, 'no number');
  if (!SUFFIXES[type!]!.some((suffix) => sample === `${name}${suffix}`)) fail(line, 'of another family');
  return { name: sample, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function unescaped(text: string, line: string): string {
  return text.replace(/\\(.?)/gs, (_, character: string) => {
    if (character === 'n') return '\n';
    if (character === '\\' || character === '"') return character;
    throw new SyntaxError(`an unknown escape: ${JSON.stringify(line)}`);
  });
}

function checkFamily({ name, type, samples }: Family): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    const series = JSON.stringify([sample.name, Object.entries(sample.labels).map(String).sort()]);
    if (seen.has(series)) throw new SyntaxError(`a series twice: ${series}`);
    seen.add(series);
    const { value, labels } = sample;
    const counts = type === 'counter' || (type === 'histogram' && !sample.name.endsWith('_sum'));
    if (counts && !(value >= 0 && value < Infinity)) throw new SyntaxError(`${name} cannot count ${value}`);
    for (const label of ['le', 'quantile']) {
      if (label in labels && !CANONICAL.test(labels[label]!))
        throw new SyntaxError(`${name} has a ${label} that is not as it should be written: ${labels[label]}`);
    }
    if (type === 'summary' && 'quantile' in labels && !(Number(labels['quantile']) <= 1))
      throw new SyntaxError(`${name} has a wrong quantile`);
  }
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels['le']!.replace('Inf', 'Infinity')));
  const counts = buckets.map(({ value }) => value);
  const rises = (numbers: readonly number[]): boolean =>
    numbers.every((n, i) => i === 0 || n >= numbers[i - 1]!);
  if (bounds.at(-1) !== Infinity || !rises(bounds) || !rises(counts))
    throw new SyntaxError(`${name} has wrong buckets`);
  if (samples.find((sample) => sample.name === `${name}_count`)?.value !== counts.at(-1))
    throw new SyntaxError(`${name} counts something else than its buckets`);
}

/** A text that has something of everything. */
async function busyReading(): Promise<MetricsReading> {
  const { system, store } = await openNarrow({ counter });
  const ref = await system.actor('counter', '1');
  for (let i = 0; i < 20; i++) await ref.send({ type: 'add', by: 1 });
  metricsOf(system);
  store.hold();
  for (let i = 0; i < 5; i++) void ref.send({ type: 'add', by: 1 });
  await sleep(60);
  const reading = metricsOf(system);
  return { ...reading, eventLoopDelayMs: { count: 3, p50: 0.5, p99: 21.5, max: 1000 } };
}

const valueOf = (families: Map<string, Family>, name: string): number | undefined =>
  [...families.values()].flatMap(({ samples }) => samples).find((sample) => sample.name === name)?.value;

describe('the text', () => {
  it('is OpenMetrics, and says what the reading says, in seconds and bytes', async () => {
    const reading = await busyReading();
    const families = parse(openMetrics(reading));
    expect([...families.keys()].every((name) => name.startsWith('heddle_'))).toBe(true);
    expect([...families.values()].every(({ help }) => help !== undefined && help !== '')).toBe(true);
    for (const [name, value] of [
      ['heddle_turns_total', reading.turns],
      ['heddle_commits_total', reading.commits],
      ['heddle_commit_bytes_total', reading.commitBytes],
      ['heddle_commit_seconds_count', reading.commitMs.count],
      ['heddle_turns_per_commit_sum', reading.turnsPerCommit.sum],
      ['heddle_uptime_seconds', reading.uptimeMs / 1000],
      ['heddle_mailbox_waiting', reading.mailboxes.waiting],
      ['heddle_mailbox_deepest', reading.mailboxes.deepest!.depth],
      ['heddle_undurable_turns', reading.undurable],
      ['heddle_ledger_lag_frames', reading.ledger.lagFrames],
      ['heddle_memory_rss_bytes', reading.memory.rssBytes],
      ['heddle_fenced', 0],
    ] as const)
      expect([name, valueOf(families, name)]).toEqual([name, value]);
    expect(reading.mailboxes.waiting).toBeGreaterThan(0);
    expect(families.get('heddle_event_loop_delay_seconds')!.samples.map(({ value }) => value)).toEqual([
      0.0005, 0.0215, 1,
    ]);
    expect(families.get('heddle_commit_seconds')).toMatchObject({ type: 'histogram', unit: 'seconds' });
    const bounds = families.get('heddle_commit_seconds')!.samples.map(({ labels }) => labels['le']);
    expect(bounds.slice(0, 5)).toEqual(['2.5e-05', '5e-05', '0.0001', '0.0002', '0.0004']);
    expect(families.get('heddle_turns_per_commit')!.samples[0]!.labels['le']).toBe('1.0');
  });

  it('has its names, types and units for good: dashboards know them', async () => {
    const families = parse(openMetrics(await busyReading()));
    expect([...families.values()].map(({ name, type, unit = '-' }) => `${name} ${type} ${unit}`))
      .toMatchInlineSnapshot(`
      [
        "heddle_uptime_seconds gauge seconds",
        "heddle_turns counter -",
        "heddle_commits counter -",
        "heddle_commit_bytes counter bytes",
        "heddle_commit_seconds histogram seconds",
        "heddle_turns_per_commit histogram -",
        "heddle_events_refused counter -",
        "heddle_failed_steps counter -",
        "heddle_crashes counter -",
        "heddle_restarts counter -",
        "heddle_dead_letters counter -",
        "heddle_fences counter -",
        "heddle_fenced gauge -",
        "heddle_processes_running gauge -",
        "heddle_processes_started counter -",
        "heddle_processes_retried counter -",
        "heddle_processes_failed counter -",
        "heddle_processes_timed_out counter -",
        "heddle_actors_in_memory gauge -",
        "heddle_actors_refused gauge -",
        "heddle_mailbox_waiting gauge -",
        "heddle_mailbox_deepest gauge -",
        "heddle_queued gauge -",
        "heddle_undurable_turns gauge -",
        "heddle_owed_effects gauge -",
        "heddle_actions_running gauge -",
        "heddle_timers gauge -",
        "heddle_ledger_frames gauge frames",
        "heddle_ledger_lag_frames gauge frames",
        "heddle_ledger_lag_bytes gauge bytes",
        "heddle_ledger_pending_bytes gauge bytes",
        "heddle_event_loop_delay_seconds summary seconds",
        "heddle_memory_rss_bytes gauge bytes",
        "heddle_memory_heap_used_bytes gauge bytes",
        "heddle_memory_heap_total_bytes gauge bytes",
        "heddle_memory_external_bytes gauge bytes",
        "heddle_memory_array_buffers_bytes gauge bytes",
      ]
    `);
  });

  const hostile = 'o"r\\der\n# EOF\n{le="1"} 5 \u2028 \u{1f9f5} } ,=%';

  it('cannot be broken by what actors are called', async () => {
    const { system, store } = await openNarrow({ [hostile]: counter });
    const ref = await system.actor(hostile, `${hostile}/${hostile}`);
    store.hold();
    for (let i = 0; i < 5; i++) void ref.send({ type: 'add', by: 1 });
    await ticks();
    const reading = metricsOf(system);
    expect(reading.mailboxes.deepest!.depth).toBeGreaterThan(0);
    const [sample] = parse(openMetrics(reading)).get('heddle_mailbox_deepest')!.samples;
    expect(sample!.labels).toEqual({ name: hostile });
  });

  it('cannot be broken by labels', async () => {
    const reading = await busyReading();
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'\\"\nn{},= ') }),
    );
    fc.assert(
      fc.property(anything, anything, (system, zone) => {
        const families = parse(openMetrics(reading, { labels: { system, zone } }));
        for (const { samples } of families.values()) {
          for (const { labels } of samples) expect(labels).toMatchObject({ system, zone });
        }
      }),
      { numRuns: 200 },
    );
    const [lone] = parse(openMetrics(reading, { labels: { system: 'a\ud800' } })).get(
      'heddle_turns',
    )!.samples;
    expect(lone!.labels).toEqual({ system: 'a\ufffd' });
  });

  it.each(['', '1st', 'with space', '__own', 'le', 'name', 'tag', 'ümlaut', 'a\nb'])(
    'refuses the label %j',
    async (label) => {
      const reading = await busyReading();
      expect(() => openMetrics(reading, { labels: { [label]: 'x' } })).toThrow(
        expect.objectContaining({ _tag: 'InvalidArgument', path: `labels[${JSON.stringify(label)}]` }),
      );
    },
  );

  it('does not grow with the number of actors', async () => {
    const few = parse(openMetrics(await busyReading()));
    const { system, store } = await openNarrow({ counter });
    const refs = await Promise.all(Array.from({ length: 500 }, (_, i) => system.actor('counter', `${i}`)));
    store.hold();
    for (const ref of refs) for (let i = 0; i < 3; i++) void ref.send({ type: 'add', by: 1 });
    await ticks();
    const reading = { ...metricsOf(system), eventLoopDelayMs: { count: 3, p50: 1, p99: 1, max: 1 } };
    expect(reading.mailboxes.waiting).toBeGreaterThan(1000);
    const many = parse(openMetrics(reading));
    const series = (families: Map<string, Family>): number =>
      [...families.values()].flatMap(({ samples }) => samples).length;
    expect(series(many)).toBe(series(few));
    expect(series(many)).toBeLessThan(120);
  });

  it('leaves out the delay of the event loop before it was measured', async () => {
    const { system } = await open({ counter });
    const text = openMetrics(metricsOf(system));
    expect(parse(text).has('heddle_event_loop_delay_seconds')).toBe(false);
  });

  const head = '# TYPE a counter\n';
  it.each([
    ['no end', `${head}a_total 1\n`],
    ['something behind the end', `${head}a_total 1\n# EOF\na_total 2\n# EOF\n`],
    ['a sample without a head', 'a_total 1\n# EOF\n'],
    ['an empty line', `${head}\na_total 1\n# EOF\n`],
    ['a counter without its suffix', `${head}a 1\n# EOF\n`],
    ['a counter below zero', `${head}a_total -1\n# EOF\n`],
    ['no number', `${head}a_total one\n# EOF\n`],
    ['a head behind its samples', `${head}a_total 1\n# HELP a b\n# EOF\n`],
    ['a family that goes on', `${head}a_total 1\n# TYPE b gauge\nb 1\n# HELP a b\n# EOF\n`],
    ['a quote within quotes', `${head}a_total{b="c"d"} 1\n# EOF\n`],
    ['a line break within quotes', `${head}a_total{b="c\nd"} 1\n# EOF\n`],
    ['an unknown escape', `${head}a_total{b="c\\d"} 1\n# EOF\n`],
    ['a label twice', `${head}a_total{b="c",b="d"} 1\n# EOF\n`],
    ['a series twice', `${head}a_total{b="c"} 1\na_total{b="c"} 2\n# EOF\n`],
    ['a wrong unit', '# TYPE a_bytes gauge\n# UNIT a_bytes seconds\na_bytes 1\n# EOF\n'],
    ['no last bucket', '# TYPE a histogram\na_bucket{le="1.0"} 1\na_sum 1\na_count 1\n# EOF\n'],
    [
      'buckets that fall',
      '# TYPE a histogram\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\na_count 1\n# EOF\n',
    ],
    [
      'a bound that is not canonical',
      '# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\na_count 1\n# EOF\n',
    ],
    ['another count', '# TYPE a histogram\na_bucket{le="+Inf"} 1\na_count 2\n# EOF\n'],
  ])('would be noticed by its parser to have %s', (_, text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });
});
