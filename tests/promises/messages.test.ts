// The lie: "actor-to-actor messages are exactly once, and in order within a pair". Actors that send to children, parents,
// strangers and themselves in every way there is, killed at every commit, with the batch on the disk and without.
import { describe, expect, it } from 'vitest';
import { assign, emit, enqueueActions, forwardTo, sendParent, sendTo, setup, waitFor } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { durable } from 'heddle';
import { memory } from 'heddle/storage';
import { openSystem } from '../../runtime/system.ts';
import { DyingSystem } from '../dying-system.ts';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, onDisk, open, ticks } from './systems.ts';
import type { Opened } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

const ROUNDS = [1, 2, 3];

interface Heard {
  readonly heard: readonly string[];
}

/** Repeats to its parent what it hears. */
const left = setup({
  types: { context: {} as Heard, events: {} as { type: 'down' | 'work'; n: number } },
}).createMachine({
  context: { heard: [] },
  on: {
    '*': {
      actions: [
        assign({ heard: ({ context, event }) => [...context.heard, `${event.type} ${event.n}`] }),
        sendParent(({ event }) => ({ type: 'up', what: `${event.type} ${event.n}` })),
      ],
    },
  },
});

/** Lives for one round only. */
const worker = setup({
  types: { context: {} as { n: number }, input: {} as { n: number }, output: {} as number },
}).createMachine({
  context: ({ input }) => input,
  entry: sendParent(({ context }) => ({ type: 'up', what: `worker ${context.n}` })),
  initial: 'over',
  states: { over: { type: 'final' } },
  output: ({ context }) => context.n * 10,
});

type Question = { type: 'ask'; n: number; from: AnyActorRef };

/** Answers whoever asks, and counts. */
const peer = setup({
  types: { context: {} as Heard, events: {} as Question },
}).createMachine({
  context: { heard: [] },
  on: {
    ask: {
      actions: [
        assign({ heard: ({ context, event }) => [...context.heard, `ask ${event.n}`] }),
        // What `respond` was.
        sendTo(
          ({ event }) => event.from,
          ({ event }) => ({ type: 'up', what: `answer ${event.n}` }),
        ),
      ],
    },
  },
});

const hub = setup({
  types: {
    context: {} as Heard & { peer: AnyActorRef },
    input: {} as { peer: AnyActorRef },
    events: {} as { type: 'work'; n: number } | { type: 'up'; what: string } | { type: 'never' },
    emitted: {} as { type: 'worked'; n: number },
  },
  actors: { left, worker },
}).createMachine({
  context: ({ input }) => ({ heard: [], peer: input.peer }),
  invoke: { src: 'left', id: 'left', systemId: 'lefty' },
  on: {
    work: {
      actions: [
        assign({ heard: ({ context, event }) => [...context.heard, `work ${event.n}`] }),
        sendTo('left', ({ event }) => ({ type: 'down', n: event.n })),
        forwardTo('left'),
        sendTo(
          ({ system }) => system.get('lefty') as AnyActorRef,
          ({ event }) => ({ type: 'down', n: event.n + 0.5 }),
        ),
        sendTo(
          ({ context }) => context.peer,
          ({ event, self }) => ({ type: 'ask', n: event.n, from: self }),
        ),
        sendTo(
          ({ self }) => self,
          ({ event }) => ({ type: 'up', what: `myself ${event.n}` }),
        ),
        assign(({ spawn, event }) => {
          spawn('worker', { id: `w${event.n}`, input: { n: event.n } });
          return {};
        }),
        emit(({ event }) => ({ type: 'worked', n: event.n })),
        // By an action, after the commit: what it sends commits together with the note that it is done. (An action that
        // returned the promise of its send would not be done before.)
        ({ self, event }) => {
          self.send({ type: 'up', what: `action ${event.n}` });
        },
      ],
    },
    up: { actions: assign({ heard: ({ context, event }) => [...context.heard, event.what] }) },
    '*': {
      actions: assign({
        heard: ({ context, event }) => {
          const { type, output } = event as { type: string; output?: unknown };
          return [...context.heard, `${type} ${String(output)}`];
        },
      }),
    },
  },
});

const ACTORS = { hub, peer };
const CHECKPOINTED = {
  hub: durable(hub, { checkpointEvery: 3 }),
  peer: durable(peer, { checkpointEvery: 3 }),
};
type Actors = typeof ACTORS;

/** What everybody has heard in the end. */
function heardBy(get: (address: string) => { getSnapshot(): unknown }): Record<string, readonly string[]> {
  const of = (address: string) => (get(address).getSnapshot() as { context: Heard }).context.heard;
  return { hub: of('hub/1'), left: of('hub/1/left'), peer: of('peer/1') };
}

/** That everything was heard once, and whatever came from one sender in the order in which it was sent. */
function expectAllOnce({ hub: atHub, left: atLeft, peer: atPeer }: Record<string, readonly string[]>): void {
  const streams = [
    ['myself 1', 'myself 2', 'myself 3'],
    ['answer 1', 'answer 2', 'answer 3'],
    ['action 1', 'action 2', 'action 3'],
    ['worker 1', 'xstate.done.actor.w1 10'],
    ['worker 2', 'xstate.done.actor.w2 20'],
    ['worker 3', 'xstate.done.actor.w3 30'],
  ];
  for (const stream of streams) expect(atHub!.filter((one) => stream.includes(one))).toEqual(stream);
  const fromLeft = ROUNDS.flatMap((n) => [`down ${n}`, `work ${n}`, `down ${n + 0.5}`]);
  expect(atLeft).toEqual(fromLeft);
  expect(atPeer).toEqual(ROUNDS.map((n) => `ask ${n}`));
  // `work n` stands there twice: heard by the hub itself, and repeated by its child.
  const repeated = atHub!.filter((one) => fromLeft.includes(one));
  expect(repeated.toSorted()).toEqual([...fromLeft, 'work 1', 'work 2', 'work 3'].toSorted());
  expect(repeated.filter((one) => one.startsWith('down'))).toEqual(
    fromLeft.filter((one) => one.startsWith('down')),
  );
  expect(atHub).toHaveLength(streams.flat().length + repeated.length);
}

describe('messages between actors', () => {
  it('arrive, each once and in order', async () => {
    const { heard, commits } = await play(Infinity, true);
    expectAllOnce(heard);
    // There are commits to be killed at.
    expect(commits).toBeGreaterThan(4);
  });

  it.each([
    ['reached the disk', true],
    ['did not reach the disk', false],
  ])('arrive once when the process dies at any commit that %s', async (_, reaches) => {
    let killAt = 1;
    for (; ; killAt++) {
      const { heard, kills } = await play(killAt, reaches);
      if (kills === 0) break;
      expectAllOnce(heard);
    }
    expect(killAt).toBeGreaterThan(5);
  });

  it('arrive once when the process dies at every second commit', async () => {
    const { heard, kills } = await play(2, true, 2);
    expect(kills).toBeGreaterThan(2);
    expectAllOnce(heard);
  });

  it.each([
    ['in memory', memory, ACTORS],
    ['in memory, with checkpoints in between', memory, CHECKPOINTED],
    ['on LevelDB', onDisk, ACTORS],
  ] as const)('arrive once when it dies behind every single message, %s', async (_, make, actors) => {
    const dying = new DyingSystem({ store: make(), actors, maxTurnsPerCommit: 1 });
    await dying.open();
    await dying.start('peer', '1');
    const asked = dying.system.get('peer/1')! as never;
    await dying.start('hub', '1', { peer: asked });
    for (const n of ROUNDS) await dying.post('hub/1', { type: 'work', n });
    expectAllOnce(heardBy((address) => dying.system.get(address)!));
    expect(dying.deaths).toBeGreaterThan(30);
    expect(await dying.system.verify()).toMatchObject({ broken: [] });
    await dying.close();
  });

  it('say whom they are from', async () => {
    const { opened } = await play(3, true);
    const told = await collect(opened.system.history('peer/1', { from: 2 }));
    expect(told.map(({ cause }) => cause)).toMatchObject([
      { kind: 'actor', address: 'hub/1', life: 1, index: 3 },
      { kind: 'actor', address: 'hub/1' },
      { kind: 'actor', address: 'hub/1' },
    ]);
    const work = await collect(opened.system.history('hub/1'));
    const byAction = work.filter(({ event }) => String(event['what']).startsWith('action'));
    for (const { cause } of byAction)
      expect(cause).toMatchObject({ kind: 'effect', address: expect.any(String) });
  });
});

/**
 * Three rounds of work, while every write is let through by hand. At the commit of that number, and again every so many
 * commits, the process is killed: with the batch on the disk and nobody told, or with the batch lost.
 */
async function play(killAt: number, reaches: boolean, every = Infinity) {
  const store = new WatchedStore();
  let opened: Opened<Actors> = await open(ACTORS, { store });
  const asked = await opened.system.actor('peer', '1');
  await opened.system.start('hub', { id: '1', input: { peer: asked as never } });
  await opened.settle();
  let commits = 0;
  let kills = 0;

  async function kill(): Promise<void> {
    kills++;
    if (reaches) {
      store.isMute = true;
      store.releaseOne();
      await ticks();
      store.isMute = false;
    } else {
      store.failure = new Error('lost');
      opened.runtime.die();
    }
    store.release();
    await ticks();
    opened = await opened.crash();
    store.hold();
  }

  /** Lets everything happen, write by write. Whether it was killed meanwhile. */
  async function goOn(): Promise<boolean> {
    const before = kills;
    for (let quiet = 0; quiet < 8;) {
      await ticks(1);
      if (store.waiting === 0) {
        quiet++;
        continue;
      }
      quiet = 0;
      commits++;
      if (commits === killAt || (commits > killAt && (commits - killAt) % every === 0)) await kill();
      else store.releaseOne();
    }
    return kills > before;
  }

  store.hold();
  for (const n of ROUNDS) {
    do void opened.system.get('hub/1')!.send({ type: 'work', n } as never, { id: `round ${n}` });
    while (await goOn());
  }
  store.release();
  await opened.settle();
  const { system } = opened;
  return { heard: heardBy((address) => system.get(address)!), commits, kills, opened };
}

describe('a message', () => {
  it('to a child that has ended or was stopped is dropped, and nobody is hurt', async () => {
    const boss = setup({
      types: {
        context: {} as { child: AnyActorRef | undefined },
        events: {} as { type: 'spawn' | 'stop' | 'send' },
      },
      actors: { left },
    }).createMachine({
      context: { child: undefined },
      on: {
        spawn: { actions: assign({ child: ({ spawn }) => spawn('left', { id: 'kid' }) as AnyActorRef }) },
        stop: { actions: enqueueActions(({ enqueue, context }) => enqueue.stopChild(context.child!)) },
        send: { actions: sendTo(({ context }) => context.child!, { type: 'down', n: 1 }) },
      },
    });
    const opened = await open({ boss });
    const ref = await opened.system.actor('boss', '1');
    for (const type of ['spawn', 'send', 'stop', 'send'] as const) await ref.send({ type });
    await opened.settle();
    const later = await opened.crash();
    await later.system.get('boss/1')!.send({ type: 'send' });
    await later.settle();
    const told = await collect(later.system.history('boss/1/kid'));
    expect(told.map(({ event }) => event.type)).toEqual(['xstate.init', 'down', 'xstate.stop']);
    expect(await lettersOf(later)).toEqual([]);
  });

  it('to an earlier life of a child does not reach the next one', async () => {
    const boss = setup({
      types: {
        context: {} as { old: AnyActorRef | undefined },
        events: {} as { type: 'keep' | 'again' | 'send' },
      },
      actors: { left },
    }).createMachine({
      context: { old: undefined },
      initial: 'on',
      states: {
        on: {
          invoke: { src: 'left', id: 'kid' },
          on: {
            keep: {
              actions: assign({ old: ({ self }) => self.getSnapshot().children['kid'] as AnyActorRef }),
            },
            again: { target: 'on', reenter: true },
            send: {
              actions: [
                sendTo(({ context }) => context.old!, { type: 'down', n: 1 }),
                sendTo('kid', { type: 'down', n: 2 }),
              ],
            },
          },
        },
      },
    });
    const opened = await open({ boss });
    const ref = await opened.system.actor('boss', '1');
    for (const type of ['keep', 'again', 'send'] as const) await ref.send({ type });
    const later = await opened.crash();
    await later.settle();
    await later.system.get('boss/1')!.send({ type: 'send' });
    await later.settle();
    const kid = later.system.get('boss/1/kid')!.getSnapshot() as { context: Heard };
    expect(kid.context.heard).toEqual(['down 2', 'down 2']);
  });

  it('that stands in a checkpoint of its receiver is taken once', async () => {
    const boss = setup({
      types: { events: {} as { type: 'send'; n: number } },
      actors: { left },
    }).createMachine({
      invoke: { src: 'left', id: 'kid' },
      on: { send: { actions: sendTo('kid', ({ event }) => ({ type: 'down', n: event.n })) } },
    });
    const opened = await open({ boss });
    const ref = await opened.system.actor('boss', '1');
    await opened.settle();
    const { runtime } = opened;
    // The receiver gets no turn, and is checkpointed with all that waits for it.
    const kid = runtime.population.presentAt('boss/1/kid')!;
    const { wake } = runtime.scheduler;
    runtime.scheduler.wake = (cell) => (cell === kid ? undefined : wake.call(runtime.scheduler, cell));
    for (const n of ROUNDS) await ref.send({ type: 'send', n });
    runtime.committer.checkpoint(kid);
    runtime.committer.request();
    await opened.settle();
    const waiting = kid.mailbox!.size;
    let later = await opened.crash();
    for (let again = 0; again < 3; again++) {
      await later.settle();
      later = await later.crash();
    }
    await later.settle();
    expect(waiting).toBe(ROUNDS.length);
    const { context } = later.system.get('boss/1/kid')!.getSnapshot() as { context: Heard };
    expect(context.heard).toEqual(['down 1', 'down 2', 'down 3']);
  });

  it('to an actor that is refused waits until it can be taken, however much happens meanwhile', async () => {
    const taker = setup({ types: { context: {} as Heard } }).createMachine({
      context: { heard: [] },
      initial: 'open',
      states: {
        open: { on: { up: { actions: assign({ heard: ({ context }) => [...context.heard, 'up'] }) } } },
      },
    });
    // Its state of today is not in there: the actor is refused.
    const changed = setup({}).createMachine({ initial: 'other', states: { other: {} } });
    const giver = setup({}).createMachine({
      on: {
        give: { actions: sendTo(({ system }) => system.get('taker/1') as AnyActorRef, { type: 'up' }) },
        rest: {},
      },
    });
    const store = memory();
    const logger = { log: () => {}, error: () => {} };
    const opened = async (today: object) => {
      const actors = { giver, taker: durable(today as typeof taker, { checkpointEvery: 1 }) };
      // Recovery may read next to nothing, so the low-water mark follows closely.
      const system = await openSystem(
        { store, actors, logger },
        { logBudget: { frames: 10, bytes: 1 << 10 } },
      );
      return { system, ref: await system.actor('giver', '1') };
    };
    const first = await opened(taker);
    await first.system.actor('taker', '1');
    await first.system.close();
    for (let again = 0; again < 2; again++) {
      const { system, ref } = await opened(changed);
      if (again === 0) await ref.send({ type: 'give' });
      for (let n = 0; n < 30; n++) await ref.send({ type: 'rest' });
      expect(() => system.get('taker/1')).toThrow(/the code of taker\/1 has changed/);
      await system.close();
    }
    const last = await opened(taker);
    await last.system
      .actor('taker', '1')
      .then((ref) => waitFor(ref, ({ context }) => context.heard.length > 0));
    await last.ref.send({ type: 'rest' });
    expect(last.system.get('taker/1')!.getSnapshot().context.heard).toEqual(['up']);
    await last.system.close();
  });

  it('that waited when its receiver was checkpointed in the commit that sent it is taken once', async () => {
    const diver = setup({
      types: {
        context: {} as { dives: number },
        events: {} as { type: 'go' } | { type: 'dive' } | { type: 'rest' },
      },
    }).createMachine({
      context: { dives: 0 },
      on: {
        go: { actions: sendTo(({ self }) => self, { type: 'dive' }) },
        dive: { actions: assign({ dives: ({ context }) => context.dives + 1 }) },
        rest: {},
      },
    });
    for (let every = 1; every <= 6; every++) {
      // One turn a commit: what a step sends waits for the next. Here and there a checkpoint is taken meanwhile.
      const actors = { diver: durable(diver, { checkpointEvery: every }) };
      const dying = new DyingSystem({ store: memory(), actors, maxTurnsPerCommit: 1 });
      await dying.open();
      await dying.start('diver', '1');
      for (let n = 1; n <= 8; n++) {
        await dying.post('diver/1', { type: 'go' });
        expect(dying.system.get('diver/1')!.getSnapshot().context).toEqual({ dives: n });
      }
      await dying.close();
    }
  });

  it('is as it was when it was sent, whatever becomes of it afterwards', async () => {
    const shared = { list: [1] };
    const sender = setup({
      types: {
        events: {} as { type: 'go' },
        context: {} as { peer: AnyActorRef },
        input: {} as { peer: AnyActorRef },
      },
    }).createMachine({
      context: ({ input }) => input,
      on: { go: { actions: [sendTo(({ context }) => context.peer, { type: 'take', shared })] } },
    });
    const taker = setup({
      types: { context: {} as { got: unknown }, events: {} as { type: 'take'; shared: unknown } },
    }).createMachine({
      context: { got: undefined },
      on: { take: { actions: assign({ got: ({ event }) => event.shared }) } },
    });
    const opened = await open({ sender, taker });
    const target = await opened.system.actor('taker', '1');
    const ref = await opened.system.start('sender', { id: '1', input: { peer: target as never } });
    await ref.send({ type: 'go' });
    await opened.settle();
    shared.list.push(2);
    expect(target.getSnapshot().context.got).toEqual({ list: [1] });
    const later = await opened.crash();
    expect(later.system.get('taker/1')!.getSnapshot().context).toEqual({ got: { list: [1] } });
  });

  it('of an action is not lost when it had to wait for its turn', async () => {
    const acting = setup({
      types: {
        context: {} as Heard,
        events: {} as { type: 'work' } | { type: 'up' } | { type: 'stuff'; bytes: Uint8Array },
      },
    }).createMachine({
      context: { heard: [] },
      on: {
        work: {
          actions: ({ self }) => {
            self.send({ type: 'up' });
          },
        },
        up: { actions: assign({ heard: ({ context }) => [...context.heard, 'up'] }) },
        stuff: {},
      },
    });
    const store = new WatchedStore();
    const opened = await open({ acting }, { store });
    const ref = await opened.system.actor('acting', '1');
    const stuffed = await opened.system.actor('acting', '2');
    await opened.settle();
    store.hold();
    void ref.send({ type: 'work' });
    await ticks();
    // Behind the write that is under way the commit fills up with more than it may hold.
    for (let n = 0; n < 2; n++) void stuffed.send({ type: 'stuff', bytes: new Uint8Array(4 << 20) });
    await ticks();
    for (let commit = 1; commit <= 2; commit++) {
      store.releaseOne();
      await ticks();
    }
    store.isMute = true;
    store.releaseOne();
    await ticks();
    store.isMute = false;
    store.release();
    const later = await opened.crash();
    await later.settle();
    expect(later.system.get('acting/1')!.getSnapshot().context.heard).toEqual(['up']);
  });
});
