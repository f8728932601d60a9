// The lie: "a process that only asks begins before its birth is on the disk, and nobody can tell but by the time that it takes". Births
// that are lost, that die, that are told again; roots that nobody can see yet; numbers that are given to somebody else.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { createSystem, durable, InvalidArgument } from 'heddle';
import type { ActorDefinitions, System } from 'heddle';
import { memory } from 'heddle/storage';
import { childrenFromSource } from '../from-source.ts';
import { DyingSystem } from '../dying-system.ts';
import { open, rejection, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

beforeAll(childrenFromSource);

/** A machine that asks once for each question; and what it has asked so far. */
function asking({ asksOnly = true, answer = (n: number) => Promise.resolve(n * 10) } = {}) {
  const asked: number[] = [];
  const signals: AbortSignal[] = [];
  const question = durable(
    fromPromise(({ input, signal }: { input: number; signal: AbortSignal }) => {
      asked.push(input);
      signals.push(signal);
      return answer(input);
    }),
    { asksOnly },
  );
  const asker = setup({
    types: {
      context: {} as { n: number; answers: number[] },
      events: {} as { type: 'ask'; n: number } | { type: 'leave' },
    },
    actors: { question },
  }).createMachine({
    context: { n: 0, answers: [] },
    initial: 'idle',
    states: {
      idle: { on: { ask: { target: 'asking', actions: assign({ n: ({ event }) => event.n }) } } },
      asking: {
        invoke: {
          src: 'question',
          input: ({ context }) => context.n,
          onDone: {
            target: 'idle',
            actions: assign({
              answers: ({ context, event }) => [...context.answers, event.output],
            }),
          },
          onError: 'idle',
        },
        on: { leave: 'idle' },
      },
    },
  });
  return { asker, asked, signals };
}

const answersIn = (system: System<ActorDefinitions>): number[] =>
  (system.get('asker/1')!.getSnapshot() as { context: { answers: number[] } }).context.answers;

describe('a process that only asks', () => {
  it('begins before its birth is on the disk, and others do not', async () => {
    for (const asksOnly of [true, false]) {
      const store = new WatchedStore();
      const { asker, asked } = asking({ asksOnly });
      const { system } = await open({ asker }, { store });
      const ref = await system.actor('asker', '1');
      store.hold();
      const sent = ref.send({ type: 'ask', n: 1 });
      await ticks();
      expect(asked).toEqual(asksOnly ? [1] : []);
      expect(ref.getSnapshot().context).toEqual({ n: 0, answers: [] });
      store.release();
      await sent;
      await ticks();
      expect([asked, answersIn(system)]).toEqual([[1], [10]]);
    }
  });

  it('is in one commit with what follows from it, where writes take their time and it is answered at once', async () => {
    for (const [writes, delay, commits] of [
      ['slow', 0, 1],
      ['slow', 3, 2],
      ['quick', 0, 2],
    ] as const) {
      const store = new WatchedStore();
      store.writeMs = writes === 'slow' ? 4 : 0;
      const { asker } = asking({
        answer: async (n) => {
          if (delay > 0) await ticks(delay);
          return n;
        },
      });
      // Its own clock says how long a write takes.
      await using system = await createSystem({ store, actors: { asker } });
      const ref = await system.actor('asker', '1');
      for (let n = 0; n < 5; n++) await ref.send({ type: 'leave' });
      const before = store.written;
      await ref.send({ type: 'ask', n: 7 });
      expect(store.written).toBe(before + 1);
      await vi.waitFor(() => expect(answersIn(system as never)).toEqual([7]));
      expect([writes, delay, store.written - before]).toEqual([writes, delay, commits]);
    }
  });

  it('waits for the births of those that it could not see', async () => {
    const store = new WatchedStore();
    const seen: unknown[] = [];
    const below = durable(
      fromPromise(() => Promise.resolve(void seen.push(system.get('above/1') !== undefined))),
      { asksOnly: true },
    );
    const above = setup({ actors: { below } }).createMachine({ invoke: { src: 'below', id: 'below' } });
    const { system } = await open({ above }, { store });
    store.hold();
    const born = system.start('above', { id: '1' });
    await ticks();
    expect(seen).toEqual([]);
    store.release();
    await born;
    await ticks();
    expect(seen).toEqual([true]);
  });

  it('waits for all above whoever asks it, not for that one', async () => {
    const store = new WatchedStore();
    const seen: unknown[] = [];
    const below = durable(
      fromPromise(() => Promise.resolve(void seen.push(system.get('above/1/middle') !== undefined))),
      { asksOnly: true },
    );
    const asker = setup({ actors: { below } }).createMachine({ invoke: { src: 'below', id: 'below' } });
    const middle = setup({ actors: { asker } }).createMachine({ invoke: { src: 'asker', id: 'asker' } });
    const above = setup({ actors: { middle } }).createMachine({
      initial: 'idle',
      states: { idle: { on: { go: 'going' } }, going: { invoke: { src: 'middle', id: 'middle' } } },
    });
    const { system } = await open({ above }, { store });
    const ref = await system.actor('above', '1');
    store.hold();
    const sent = ref.send({ type: 'go' });
    await ticks();
    expect(seen).toEqual([]);
    store.release();
    await sent;
    await ticks();
    expect(seen).toEqual([true]);
  });

  it('asks again when its birth is lost, and nobody hears the first answer', async () => {
    for (const [applies, delay] of [false, true].flatMap((one) => [0, 3].map((ms) => [one, ms] as const))) {
      const store = new WatchedStore();
      const { asker, asked, signals } = asking({
        answer: async (n) => {
          const answer = asked.length * 100 + n;
          // At once, or when nobody wants to hear it any more.
          if (delay > 0) await ticks(delay);
          return answer;
        },
      });
      const other = setup({}).createMachine({ initial: 'on', states: { on: {} } });
      const { system, runtime } = await open({ asker, other }, { store });
      const ref = await system.actor('asker', '1');
      store.failure = new Error('no room');
      store.appliesFailures = applies;
      expect((await rejection(ref.send({ type: 'ask', n: 1 }))).name).toBe('StoreFenced');
      expect([asked.length, signals[0]!.aborted]).toEqual([1, delay > 0]);
      while (runtime.isFenced) await ticks(1);
      // Its number is free again if it was lost.
      await system.actor('other', '1');
      if (!applies) await ref.send({ type: 'ask', n: 1 });
      await ticks(20);
      expect([applies, delay, asked, answersIn(system)]).toEqual([applies, delay, [1, 1], [201]]);
      expect((await system.actor('other', '1')).getSnapshot().status).toBe('active');
    }
  });

  it('is told to stop like any other, also before its birth is on the disk', async () => {
    const store = new WatchedStore();
    const { asker, asked, signals } = asking({ answer: () => new Promise(() => {}) });
    const { system } = await open({ asker }, { store });
    const ref = await system.actor('asker', '1');
    store.hold();
    const sent = [ref.send({ type: 'ask', n: 1 })];
    await ticks();
    sent.push(ref.send({ type: 'leave' }), ref.send({ type: 'ask', n: 2 }));
    await ticks();
    store.release();
    await Promise.all(sent);
    await ticks();
    expect([asked, signals.map(({ aborted }) => aborted)]).toEqual([
      [1, 2],
      [true, false],
    ]);
  });

  it('fails like any other', async () => {
    const { asker } = asking({ answer: () => Promise.reject(new Error('nobody knows')) });
    const { system } = await open({ asker });
    const ref = await system.actor('asker', '1');
    await ref.send({ type: 'ask', n: 1 });
    await ticks();
    expect(ref.getSnapshot().value).toBe('idle');
    expect(system.get('asker/1/0.(machine).asking')!.getSnapshot().status).toBe('error');
  });

  it('comes to the same wherever the system dies, and asks once in each of its lives', async () => {
    async function play(dieAt: number) {
      let commits = 0;
      const { asker, asked } = asking();
      const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
        store: memory(),
        actors: { asker },
        maxTurnsPerCommit: 1,
        dies: () => ++commits === dieAt,
      });
      await dying.open();
      await dying.start('asker', '1', {});
      for (const n of [1, 2, 3]) {
        await dying.post('asker/1', { type: 'ask', n });
        await dying.settle();
      }
      const outcome = answersIn(dying.system);
      const { deaths } = dying;
      await dying.close();
      return { outcome, asked, commits, deaths };
    }
    const calm = await play(0);
    expect([calm.outcome, calm.asked]).toEqual([
      [10, 20, 30],
      [1, 2, 3],
    ]);
    let deaths = 0;
    let again = 0;
    for (let at = 1; at <= calm.commits; at++) {
      const died = await play(at);
      expect([at, died.outcome]).toEqual([at, calm.outcome]);
      expect(died.asked.length).toBeLessThanOrEqual(4);
      deaths += died.deaths;
      again += died.asked.length - 3;
    }
    expect(deaths).toBe(calm.commits);
    // A fault that came to nothing would prove nothing.
    expect(again).toBeGreaterThan(2);
  });

  it('is declared with yes or no', () => {
    expect(() => durable(asking().asker, { asksOnly: 'yes' as never })).toThrow(InvalidArgument);
  });
});
