// The lie: "what the inspector shows is what is on the disk, to whoever comes, however slowly they read". The package that Stately
// publishes as the client, stores whose writes are held back or fail, viewers that come late and viewers that do not read.
import { createInspector, createWebSocketReceiver } from '@statelyai/inspect';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { assign, emit, fromPromise, sendTo, setup } from 'xstate';
import { durable, supervisor } from 'heddle';
import type { InspectionFeed, Inspector } from 'heddle';
import { inspector } from 'heddle/console';
import type { InspectorOptions, RunningInspector } from 'heddle/console';
import { internals, openSystem } from '../../runtime/system.ts';
import { memory } from 'heddle/storage';
import { counter } from './counter.ts';
import { afterwards, open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

// ---- viewers ------------------------------------------------------------------------------------------------------

interface Frame {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
  readonly rootId: string;
  readonly parentId?: string;
  readonly name: string;
  readonly definition: string;
  readonly sourceId?: string;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly snapshot: {
    readonly status: string;
    readonly value: unknown;
    readonly context: Record<string, unknown>;
  };
}

/** Then it will not come any more. */
const MAX_LOOKS = 10_000;

/** Somebody who looks, and remembers all of it. */
class Looking {
  readonly frames: Frame[] = [];
  /** Resolves when what was seen fits. */
  async until(fits: (frames: readonly Frame[]) => boolean): Promise<readonly Frame[]> {
    for (let looks = 0; !fits(this.frames); looks++) {
      if (looks > MAX_LOOKS) throw new Error(`it was not seen; the last was ${this.told.at(-1)}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.frames;
  }

  of(sessionId: string): Frame[] {
    return this.frames.filter((frame) => frame.sessionId === sessionId);
  }

  /** The newest state that it was shown. */
  stateOf(sessionId: string): Frame['snapshot'] | undefined {
    return this.of(sessionId).findLast(({ type }) => type !== '@xstate.event')?.snapshot;
  }

  get told(): string[] {
    return this.frames.map(tell);
  }
}

function tell({ type, sessionId, event, sourceId, snapshot }: Frame): string {
  if (type === '@xstate.event') return `${sessionId} ${event.type} from ${sourceId ?? 'outside'}`;
  return `${sessionId} ${type.slice('@xstate.'.length)} ${snapshot.value === undefined ? snapshot.status : JSON.stringify(snapshot.value)}`;
}

const socketUrl = ({ url }: RunningInspector): string => url!.replace('http', 'ws');

/** Looks with the receiver that Stately publishes. */
function look(eye: RunningInspector): Looking {
  const looking = new Looking();
  const receiver = createWebSocketReceiver({ server: socketUrl(eye) });
  receiver.subscribe((frame) => void looking.frames.push(frame as never));
  return looking;
}

/** Looks with a socket that can be told to stop reading. */
async function lookWithSocket(eye: RunningInspector): Promise<Looking & { readonly socket: WebSocket }> {
  const looking = new Looking();
  const socket = new WebSocket(socketUrl(eye));
  socket.on('message', (data: Buffer) => void looking.frames.push(JSON.parse(data.toString()) as Frame));
  await new Promise((resolve) => void socket.on('open', resolve));
  afterwards(() => socket.terminate());
  return Object.assign(looking, { socket });
}

async function openedEye(options: InspectorOptions = {}): Promise<RunningInspector> {
  const eye = inspector(options);
  afterwards(() => eye.close());
  await eye.ready;
  return eye;
}

const isAbout = (sessionId: string, type: Frame['type']) => (frame: Frame) =>
  frame.sessionId === sessionId && frame.type === type;

// ---- machines -----------------------------------------------------------------------------------------------------

const child = setup({}).createMachine({
  id: 'child',
  initial: 'idle',
  states: {
    idle: { on: { hello: { target: 'greeted', actions: emit({ type: 'hi' }) } } },
    greeted: { tags: 'happy' },
  },
});

const parent = setup({
  types: { context: {} as { calls: number }, events: {} as { type: 'go' } | { type: 'again' } },
  actors: { child },
  guards: { mayGo: () => true },
}).createMachine({
  id: 'parent',
  context: { calls: 0 },
  invoke: { src: 'child', id: 'kid' },
  initial: 'on',
  states: { on: { on: { again: { target: '#parent', reenter: true } } } },
  on: {
    go: {
      guard: 'mayGo',
      actions: [
        assign(function countCall({ context }) {
          return { calls: context.calls + 1 };
        }),
        sendTo('kid', { type: 'hello' }),
      ],
    },
  },
});

const fragile = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'inc' | 'crash' } },
}).createMachine({
  id: 'fragile',
  context: { n: 0 },
  on: {
    inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    crash: {
      actions: assign(() => {
        throw new Error('it crashed');
      }),
    },
  },
});

// ---- promises -----------------------------------------------------------------------------------------------------

describe('the receiver that Stately publishes', () => {
  it('sees births, events with their senders, and states, of parents and children', async () => {
    const eye = await openedEye();
    const opened = await open({ parent }, { inspect: eye });
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    const ref = await opened.system.actor('parent', '1');
    await ref.send({ type: 'go' });
    await looking.until(() => looking.stateOf('parent/1/kid')?.value === 'greeted');
    expect(looking.told).toEqual([
      'parent/1 actor "on"',
      'parent/1 xstate.init from outside',
      'parent/1 snapshot "on"',
      'parent/1/kid actor "idle"',
      'parent/1/kid xstate.init from parent/1',
      'parent/1/kid snapshot "idle"',
      'parent/1 go from outside',
      'parent/1 snapshot "on"',
      'parent/1/kid hello from parent/1',
      'parent/1/kid snapshot "greeted"',
    ]);
    const [first] = looking.of('parent/1');
    const [kid] = looking.of('parent/1/kid');
    expect(first).toMatchObject({ _version: '0.7.2', id: null, rootId: 'parent/1', name: 'parent/1' });
    expect(first).not.toHaveProperty('parentId');
    expect(kid).toMatchObject({ rootId: 'parent/1', parentId: 'parent/1', name: 'kid' });
    expect(Number((first as unknown as { createdAt: string }).createdAt)).toBeGreaterThan(0);
    // Nothing of how the machine is hosted shows.
    expect(JSON.parse(first!.definition)).toEqual({
      id: 'parent',
      context: { calls: 0 },
      invoke: { src: 'child', id: 'kid' },
      initial: 'on',
      states: { on: { on: { again: { target: '#parent', reenter: true } } } },
      on: {
        go: {
          guard: 'mayGo',
          actions: [{ type: 'assign' }, { type: 'sendTo' }].map((a) => expect.objectContaining(a)),
        },
      },
    });
    expect(looking.stateOf('parent/1')).toEqual({
      status: 'active',
      value: 'on',
      context: { calls: 1 },
      tags: [],
      children: { kid: { xstate$$type: 1, id: 'parent/1/kid' } },
      historyValue: {},
    });
    expect(looking.stateOf('parent/1/kid')).toMatchObject({ tags: ['happy'] });
  });

  it('sees the same as the inspector of that package, given to the system as an observer', async () => {
    const eye = await openedEye();
    const told: Frame[] = [];
    const theirs = createInspector({
      send: (frame: unknown) => void told.push(frame as Frame),
      start: () => {},
      stop: () => {},
    } as never);
    const drive = async (inspect: typeof eye | typeof theirs.inspect) => {
      const opened = await open({ parent }, { inspect: inspect as never });
      const looking = inspect === eye ? look(eye) : undefined;
      await looking?.until(() => eye.viewers.length === 1);
      const ref = await opened.system.actor('parent', '1');
      await opened.settle();
      for (const type of ['go', 'again', 'go'] as const) {
        await ref.send({ type });
        await opened.settle();
      }
      return looking;
    };
    const ours = (await drive(eye))!;
    await drive(theirs.inspect);
    const isOver = (frames: readonly Frame[]): boolean =>
      frames.filter(isAbout('parent/1/kid~2', '@xstate.snapshot')).length === 2;
    await ours.until(isOver);
    for (let looks = 0; !isOver(told) && looks < MAX_LOOKS; looks++) await ticks();
    await ticks(50);
    expect(ours.told.map((line) => line.replace(/ actor .*/, ' actor'))).toEqual(
      told.map(tell).map((line) => line.replace(/ actor .*/, ' actor')),
    );
    const definitionsOf = (frames: readonly Frame[]) =>
      frames
        .filter(({ type }) => type === '@xstate.actor')
        .map(({ definition }) => JSON.parse(definition) as { id: string });
    expect(definitionsOf(ours.frames).map(({ id }) => id)).toEqual(definitionsOf(told).map(({ id }) => id));
    const last = (frames: readonly Frame[]) =>
      frames.findLast(isAbout('parent/1', '@xstate.snapshot'))!.snapshot.context;
    expect(last(ours.frames)).toEqual(last(told));
  });
});

describe('before the commit', () => {
  it('nothing is sent, and afterwards everything', async () => {
    const eye = await openedEye();
    const store = new WatchedStore();
    const opened = await open({ parent }, { store, inspect: eye });
    const ref = await opened.system.actor('parent', '1');
    await opened.settle();
    const looking = look(eye);
    await looking.until((frames) => frames.length === 2);
    store.hold();
    const sent = ref.send({ type: 'go' });
    const born = opened.system.actor('parent', '2');
    const late = look(eye);
    await late.until((frames) => frames.length === 2);
    await ticks(100);
    expect(store.waiting).toBeGreaterThan(0);
    expect(looking.told).toEqual(['parent/1 actor "on"', 'parent/1/kid actor "idle"']);
    expect(late.told).toEqual(looking.told);
    store.release();
    await Promise.all([sent, born]);
    for (const one of [looking, late]) {
      await one.until(
        () => one.stateOf('parent/1/kid')?.value === 'greeted' && one.stateOf('parent/2/kid') !== undefined,
      );
      expect(one.told.slice(2, 4)).toEqual(['parent/1 go from outside', 'parent/1 snapshot "on"']);
    }
  });

  it('what a failed write has taken with it was never shown, and is not shown afterwards', async () => {
    const eye = await openedEye();
    const store = new WatchedStore();
    const opened = await open({ counter }, { store, inspect: eye });
    const ref = await opened.system.actor('counter', '1');
    await ref.send({ type: 'add', by: 1 });
    const looking = look(eye);
    await looking.until(({ length }) => length === 1);
    store.failure = new Error('the disk is full');
    expect((await rejection(ref.send({ type: 'add', by: 10 }))).name).toBe('StoreFenced');
    await opened.settle();
    await ref.send({ type: 'add', by: 100 });
    await looking.until(() => looking.stateOf('counter/1')?.context['count'] === 101);
    const counts = looking.frames
      .filter(({ type }) => type !== '@xstate.event')
      .map(({ snapshot }) => snapshot.context['count']);
    // It has left memory and come back, with what is on the disk.
    expect(counts).toEqual([1, 1, 101]);
    expect(looking.frames.map(({ event }) => event?.['by'])).not.toContain(10);
  });

  it('a system that dies when its commit is on the disk has shown nothing of it', async () => {
    const eye = await openedEye();
    let isDying = false;
    const system = await openSystem(
      { store: memory(), actors: { counter }, inspect: eye, logger: { log: () => {}, error: () => {} } },
      { dieAfterCommit: () => isDying },
    );
    const ref = await system.actor('counter', '1');
    const looking = look(eye);
    await looking.until(({ length }) => length === 1);
    isDying = true;
    void ref.send({ type: 'add', by: 1 });
    await looking.until(() => internals.get(system)!.stopped && eye.viewers.length === 0);
    expect(looking.told).toEqual(['counter/1 actor "counting"']);
  });
});

describe('a late viewer', () => {
  const ACTORS = 10_000;

  it('is shown every live actor once, parents first, and then every turn, while all of them go on', async () => {
    const eye = await openedEye({ share: 1 });
    const opened = await open({ counter, parent }, { inspect: eye, passivateAfter: Infinity });
    const refs = await Promise.all(
      Array.from({ length: ACTORS - 20 }, (_, i) => opened.system.actor('counter', `${i}`)),
    );
    for (let i = 0; i < 10; i++) await opened.system.actor('parent', `${i}`);
    // One that has ended is not live.
    await refs[0]!.send({ type: 'finish' });
    await opened.settle();
    const looking = look(eye);
    let turns = 0;
    const announced = (): number => looking.frames.filter(({ type }) => type === '@xstate.actor').length;
    while (announced() < ACTORS - 1) {
      const chosen = Array.from({ length: 20 }, () => refs[1 + ((turns++ * 7919) % (refs.length - 1))]!);
      await Promise.all(chosen.map((ref) => ref.send({ type: 'add', by: 1 })));
      await ticks(1);
    }
    await Promise.all(refs.slice(1, 50).map((ref) => ref.send({ type: 'add', by: 1 })));
    const truth = (address: string): unknown => opened.system.get(address)!.getSnapshot().context;
    await looking.until(
      () => JSON.stringify(looking.stateOf('counter/49')?.context) === JSON.stringify(truth('counter/49')),
    );
    await ticks(50);
    const known = new Map<string, number>();
    const skipped: string[] = [];
    for (const { type, sessionId, parentId, snapshot } of looking.frames) {
      if (type === '@xstate.actor') {
        expect(known.has(sessionId)).toBe(false);
        if (parentId !== undefined) expect(known.has(parentId)).toBe(true);
        known.set(sessionId, snapshot.context?.['count'] as number);
      } else if (type === '@xstate.snapshot') {
        const count = snapshot.context['count'] as number;
        if (count !== known.get(sessionId)! + 1)
          skipped.push(`${sessionId}: ${known.get(sessionId)} → ${count}`);
        known.set(sessionId, count);
      }
    }
    expect(skipped).toEqual([]);
    expect(known.size).toBe(ACTORS - 1);
    expect(known.has('counter/0')).toBe(false);
    for (const { address } of refs.slice(1))
      expect(known.get(address)).toBe((truth(address) as { count: number }).count);
  });

  it('that comes before the system is open sees it come up', async () => {
    const eye = await openedEye();
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    const opened = await open({ counter }, { inspect: eye });
    await opened.system.actor('counter', '1');
    await looking.until((frames) => frames.some(isAbout('counter/1', '@xstate.snapshot')));
    expect(looking.told[0]).toBe('counter/1 actor "counting"');
  });

  it('sees whoever slept when they wake, as they are', async () => {
    const first = await open({ counter, parent });
    await (await first.system.actor('counter', '1')).send({ type: 'add', by: 5 });
    await first.system.actor('counter', '2');
    const eye = await openedEye();
    const opened = await first.reopen({ inspect: eye });
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    await ticks(50);
    expect(looking.frames).toEqual([]);
    await opened.system.get('counter/1')!.send({ type: 'add', by: 1 });
    await looking.until(() => looking.stateOf('counter/1')?.context['count'] === 6);
    expect(looking.told[0]).toBe('counter/1 actor "counting"');
    // And again, when it has slept once more.
    await opened.advance(120_000);
    looking.frames.length = 0;
    await opened.system.get('counter/1')!.send({ type: 'add', by: 1 });
    await looking.until(() => looking.stateOf('counter/1')?.context['count'] === 7);
    expect(looking.told[0]).toBe('counter/1 actor "counting"');
    expect(looking.of('counter/2')).toEqual([]);
  });
});

describe('a slow viewer', () => {
  const BULK = 'x'.repeat(20_000);
  const bulky = setup({
    types: { context: {} as { count: number; bulk: string }, events: {} as { type: 'inc' } },
  }).createMachine({
    id: 'bulky',
    context: { count: 0, bulk: BULK },
    on: { inc: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
  });

  it('loses turns and never the truth; others lose nothing; the runtime does not wait', async () => {
    const eye = await openedEye({ share: 1 });
    const opened = await open({ bulky, counter }, { inspect: eye, passivateAfter: Infinity });
    const refs = await Promise.all(
      Array.from({ length: 10 }, (_, i) => opened.system.actor('bulky', `${i}`)),
    );
    const slow = await lookWithSocket(eye);
    await slow.until(({ length }) => length === 10);
    const fast = await lookWithSocket(eye);
    await fast.until(({ length }) => length === 10);
    slow.socket.pause();
    const ROUNDS = 200;
    for (let round = 1; round <= ROUNDS; round++) {
      await Promise.all(refs.map((ref) => ref.send({ type: 'inc' })));
      // One that it will never hear of: it is born and gone while it sleeps.
      if (round === ROUNDS / 2)
        await (await opened.system.actor('counter', 'brief')).send({ type: 'finish' });
      await fast.until(() => fast.frames.filter(isAbout('bulky/9', '@xstate.snapshot')).length >= round);
    }
    const [slowStatus, fastStatus] = eye.viewers;
    expect(slowStatus!.missed).toBeGreaterThan(100);
    expect(fastStatus!.missed).toBe(0);
    expect(slowStatus!.waitingBytes).toBeLessThan((1 << 20) + 100_000);
    expect(slowStatus!.waitingBytes).toBeGreaterThan(1 << 19);
    slow.socket.resume();
    await slow.until(() => refs.every(({ address }) => slow.stateOf(address)!.context['count'] === ROUNDS));
    await ticks(50);
    for (const looking of [slow, fast]) {
      for (const { address } of refs) {
        const counts = looking
          .of(address)
          .filter(({ type }) => type === '@xstate.snapshot')
          .map(({ snapshot }) => snapshot.context['count'] as number);
        expect(counts).toEqual(counts.toSorted((a, b) => a - b));
        expect(counts.at(-1)).toBe(ROUNDS);
        if (looking === fast) expect(counts).toEqual(Array.from({ length: ROUNDS }, (_, i) => i + 1));
      }
    }
    // It goes on as one of the fast.
    const before = eye.viewers[0]!.missed;
    await refs[0]!.send({ type: 'inc' });
    await slow.until(() => slow.stateOf('bulky/0')!.context['count'] === ROUNDS + 1);
    expect(eye.viewers[0]!.missed).toBe(before);
  });

  it('is told how an actor has ended that has left memory meanwhile', async () => {
    const eye = await openedEye({ share: 1 });
    const opened = await open({ bulky, counter }, { inspect: eye });
    const ref = await opened.system.actor('bulky', '0');
    const brief = await opened.system.actor('counter', 'brief');
    const slow = await lookWithSocket(eye);
    await slow.until(({ length }) => length === 2);
    slow.socket.pause();
    for (let round = 0; eye.viewers[0]!.missed < 10; round++) {
      await ref.send({ type: 'inc' });
      expect(round).toBeLessThan(10_000);
    }
    await brief.send({ type: 'add', by: 7 });
    await brief.send({ type: 'finish' });
    await opened.advance(120_000);
    expect(internals.get(opened.system)!.population.presentAt('counter/brief')).toBeUndefined();
    slow.socket.resume();
    await slow.until(() => slow.stateOf('counter/brief')?.status === 'done');
    expect(slow.stateOf('counter/brief')).toMatchObject({ context: { count: 7 }, output: 7 });
  });

  it('is what all are when there is no time: the newest states come all the same', async () => {
    const eye = await openedEye({ share: 0.01 });
    const opened = await open({ counter }, { inspect: eye, passivateAfter: Infinity });
    const refs = await Promise.all(
      Array.from({ length: 50 }, (_, i) => opened.system.actor('counter', `${i}`)),
    );
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    const ROUNDS = 100;
    for (let round = 0; round < ROUNDS; round++)
      await Promise.all(refs.map((ref) => ref.send({ type: 'add', by: 1 })));
    await looking.until(() =>
      refs.every(({ address }) => looking.stateOf(address)?.context['count'] === ROUNDS),
    );
    expect(eye.viewers[0]!.missed).toBeGreaterThan(ROUNDS);
    expect(looking.frames.length).toBeLessThan(2 * ROUNDS * refs.length);
  });
});

describe('a filter', () => {
  async function filtered(filter: NonNullable<InspectorOptions['filter']>): Promise<string[]> {
    const eye = await openedEye({ filter });
    const opened = await open(
      { parent, counter },
      { inspect: eye, supervise: supervisor({ id: 'shop', children: [{ id: 'c', start: 'counter' }] }) },
    );
    for (const id of ['1', '10']) await opened.system.actor('parent', id);
    await opened.settle();
    const early = look(eye);
    await early.until(() => eye.viewers.length === 1);
    await (await opened.system.actor('parent', '1')).send({ type: 'go' });
    await opened.system.get('counter/c')!.send({ type: 'add', by: 1 });
    await opened.settle();
    const late = look(eye);
    await late.until(() => eye.viewers.length === 2);
    await ticks(50);
    const seen = (looking: Looking): string[] =>
      [...new Set(looking.frames.map(({ sessionId }) => sessionId))].toSorted();
    expect(seen(early)).toEqual(seen(late));
    return seen(late);
  }

  it('is not needed for the house: only the actors of the user are shown', async () => {
    expect(await filtered({})).toEqual([
      'counter/c',
      'parent/1',
      'parent/1/kid',
      'parent/10',
      'parent/10/kid',
    ]);
  });

  it('shows the house when it is asked to', async () => {
    expect(await filtered({ house: true, names: ['counter'] })).toEqual(['counter/c', 'supervisor/shop']);
  });

  it('shows those of a name with their children', async () => {
    expect(await filtered({ names: ['counter'] })).toEqual(['counter/c']);
    expect(await filtered({ names: ['parent'] })).toEqual([
      'parent/1',
      'parent/1/kid',
      'parent/10',
      'parent/10/kid',
    ]);
  });

  it('shows a subtree, and not whoever begins alike', async () => {
    expect(await filtered({ under: 'parent/1' })).toEqual(['parent/1', 'parent/1/kid']);
    expect(await filtered({ under: 'parent/1/kid' })).toEqual(['parent/1/kid']);
    expect(await filtered({ under: 'parent/1', names: ['counter'] })).toEqual([]);
  });

  it('for a name that nobody has opens no system', async () => {
    const eye = await openedEye({ filter: { names: ['contour'] } });
    const store = memory();
    const error = await rejection(open({ counter }, { store, inspect: eye }));
    expect(error).toMatchObject({ _tag: 'InvalidArgument', path: 'filter.names' });
    expect(error.message).toMatch(/contour.*there are counter/);
    await open({ counter }, { store });
  });
});

describe('lives', () => {
  it('of a child that is invoked again are held apart', async () => {
    const eye = await openedEye();
    const opened = await open({ parent }, { inspect: eye });
    const ref = await opened.system.actor('parent', '1');
    await opened.settle();
    const looking = look(eye);
    await looking.until(({ length }) => length === 2);
    await ref.send({ type: 'again' });
    await looking.until((frames) => frames.some(isAbout('parent/1/kid~2', '@xstate.snapshot')));
    expect(looking.stateOf('parent/1/kid')!.status).toBe('stopped');
    const [second] = looking.of('parent/1/kid~2');
    expect(second).toMatchObject({
      type: '@xstate.actor',
      parentId: 'parent/1',
      rootId: 'parent/1',
      name: 'kid',
    });
    expect(looking.stateOf('parent/1')).toMatchObject({ children: { kid: { id: 'parent/1/kid~2' } } });
  });

  it.each([
    ['the beginning', 'initial', 'fragile/1~2', 1],
    ['the journal', 'journal', 'fragile/1', 2],
  ] as const)('of an actor that is restarted from %s', async (_, from, sessionId, n) => {
    const eye = await openedEye();
    const spec = { poison: 'fail', restart: { type: 'permanent', from }, intensity: 5 } as const;
    const opened = await open({ fragile: durable(fragile, spec) }, { inspect: eye });
    const ref = await opened.system.actor('fragile', '1');
    await ref.send({ type: 'inc' });
    const looking = look(eye);
    await looking.until(({ length }) => length === 1);
    await rejection(ref.send({ type: 'crash' }));
    await opened.settle();
    await opened.system.get('fragile/1')!.send({ type: 'inc' });
    await looking.until(() => looking.stateOf(sessionId)?.context['n'] === n);
    const births = looking.frames
      .filter(({ type }) => type === '@xstate.actor')
      .map((frame) => [frame.sessionId, frame.rootId]);
    expect(births).toEqual(
      from === 'initial'
        ? [
            ['fragile/1', 'fragile/1'],
            ['fragile/1~2', 'fragile/1~2'],
          ]
        : [['fragile/1', 'fragile/1']],
    );
  });
});

describe('values', () => {
  const keeper = setup({
    types: { context: {} as { kept: unknown }, events: {} as { type: 'keep'; what: unknown } },
    actors: { work: fromPromise(() => Promise.reject(new RangeError('far'))) },
  }).createMachine({
    id: 'keeper',
    context: { kept: undefined },
    on: { keep: { actions: assign({ kept: ({ event }) => event.what }) } },
    invoke: { src: 'work', id: 'work', onError: {} },
  });

  it('that JSON cannot hold are shown readably', async () => {
    const eye = await openedEye();
    const opened = await open({ keeper }, { inspect: eye });
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    const ref = await opened.system.actor('keeper', '1');
    const what = {
      n: 12n,
      m: new Map([['k', new Set([1])]]),
      at: new Date(0),
      nothing: undefined,
      why: new Error('why'),
      me: ref,
    };
    await ref.send({ type: 'keep', what });
    await looking.until(
      () =>
        looking.stateOf('keeper/1')?.context['kept'] !== '(undefined)' &&
        looking.stateOf('keeper/1/work')?.status === 'error',
    );
    const shown = {
      n: '12n',
      m: { '(Map)': [['k', { '(Set)': [1] }]] },
      at: '1970-01-01T00:00:00.000Z',
      nothing: '(undefined)',
      why: { name: 'Error', message: 'why' },
      me: { xstate$$type: 1, id: 'keeper/1' },
    };
    expect(looking.frames.find(({ event }) => event?.type === 'keep')!.event['what']).toEqual(shown);
    expect(looking.stateOf('keeper/1')!.context).toEqual({ kept: shown });
    expect(looking.stateOf('keeper/1/work')).toMatchObject({ error: { name: 'RangeError', message: 'far' } });
    expect(JSON.parse(looking.of('keeper/1/work')[0]!.definition)).toEqual({ id: 'work' });
  });

  it('that are too long are cut, with a mark, and the state around them is not', async () => {
    const eye = await openedEye({ frameLength: 2000 });
    const opened = await open({ keeper }, { inspect: eye });
    const socket = await lookWithSocket(eye);
    const lengths: number[] = [];
    socket.socket.on('message', (data: Buffer) => void lengths.push(data.length));
    const ref = await opened.system.actor('keeper', '1');
    await ref.send({ type: 'keep', what: Array.from({ length: 1000 }, () => 'x'.repeat(1000)) });
    await socket.until(() => JSON.stringify(socket.of('keeper/1').at(-1) ?? {}).includes('more)'));
    expect(socket.stateOf('keeper/1')).toMatchObject({ status: 'active', value: {}, children: {} });
    expect(Math.max(...lengths)).toBeLessThan(4000);
  });

  it('in a definition that is too long do not make half a machine', async () => {
    const states = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`s${i}`, { description: 'd'.repeat(100) }]),
    );
    const large = setup({}).createMachine({ id: 'large', initial: 's0', states: states as { s0: object } });
    const eye = await openedEye({ frameLength: 2000 });
    const opened = await open({ large }, { inspect: eye });
    const looking = look(eye);
    await looking.until(() => eye.viewers.length === 1);
    await opened.system.actor('large', '1');
    const [first] = await looking.until(({ length }) => length > 0);
    expect(JSON.parse(first!.definition)).toEqual({
      id: 'large',
      description: expect.stringContaining('too long'),
    });
  });
});

describe('an inspector', () => {
  it('goes with its system, after it has shown everything', async () => {
    const eye = await openedEye();
    const opened = await open({ counter }, { inspect: eye });
    const ref = await opened.system.actor('counter', '1');
    const looking = await lookWithSocket(eye);
    await looking.until(({ length }) => length === 1);
    const closed = new Promise((resolve) => void looking.socket.on('close', resolve));
    void ref.send({ type: 'add', by: 3 });
    await opened.system.close();
    expect(await closed).toBe(1001);
    expect(looking.stateOf('counter/1')!.context).toEqual({ count: 3 });
    expect([eye.url, eye.viewers]).toEqual([undefined, []]);
  });

  it('goes with its system even if somebody does not say goodbye', async () => {
    const eye = await openedEye();
    const opened = await open({ counter }, { inspect: eye });
    const looking = await lookWithSocket(eye);
    looking.socket.pause();
    await opened.system.close();
    expect(eye.viewers).toEqual([]);
  });

  it('that is closed first leaves the system alone', async () => {
    const eye = await openedEye();
    const opened = await open({ counter }, { inspect: eye });
    const ref = await opened.system.actor('counter', '1');
    const looking = await lookWithSocket(eye);
    await eye.close();
    await ref.send({ type: 'add', by: 3 });
    expect(looking.frames.map(({ event }) => event?.type)).not.toContain('add');
    await opened.system.close();
    expect(opened.troubles).toEqual([]);
  });

  it('whose port is taken is missed by nobody but the operator', async () => {
    const { port } = await openedEye();
    const eye = inspector({ port: port! });
    const opened = await open({ counter }, { inspect: eye });
    await opened.settle();
    const ref = await opened.system.actor('counter', '1');
    expect((await ref.send({ type: 'add', by: 1 })).seq).toBe(2);
    expect(opened.troubles.flat().at(-1)).toMatchObject({ code: 'HEDDLE_PORT_UNAVAILABLE', port });
    await opened.system.close();
  });

  it('looks at one system, and at none when it is closed', async () => {
    const eye = await openedEye();
    const opened = await open({ counter }, { inspect: eye });
    expect(await rejection(open({ counter }, { inspect: eye }))).toMatchObject({ path: 'inspect' });
    // The refusal has closed nothing of the first.
    expect(eye.url).toBeDefined();
    await opened.system.close();
    expect((await rejection(open({ counter }, { inspect: eye }))).message).toMatch(/closed/);
  });

  it('of somebody else is told while it watches, and not before or after', async () => {
    const told: string[] = [];
    let feed!: InspectionFeed;
    const own: Inspector = { attach: (given) => (feed = given), detach: () => void told.push('detached') };
    const opened = await open({ counter }, { inspect: own });
    const ref = await opened.system.actor('counter', '1');
    expect(told).toEqual([]);
    feed.watch({
      turn: ({ actor, event }) => {
        told.push(`${actor.address} ${event.type}`);
        throw new Error('an inspector of no use');
      },
      woke: () => {},
      left: () => {},
    });
    await ref.send({ type: 'add', by: 1 });
    expect(String(opened.troubles.flat().at(-1))).toContain('an inspector of no use');
    feed.watch(undefined);
    await ref.send({ type: 'add', by: 1 });
    await opened.system.close();
    expect(told).toEqual(['counter/1 add', 'detached']);
  });
});
