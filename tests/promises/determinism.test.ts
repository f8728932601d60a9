// The lie: "the same history gives the same snapshots, by construction". Steps that ask for the time and roll dice
// wherever a machine may call code, crashed and told again; and steps that try to reach out of themselves.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { nextTick } from 'node:process';
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, raise, setup } from 'xstate';
import { currentEffect, durable } from 'heddle';
import type { ActorDefinitions } from 'heddle';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, open, rejection } from './systems.ts';
import type { Opened } from './systems.ts';

const HOUR_MS = 3_600_000;

/** Everything that would be different the next time. */
function look() {
  return {
    now: Date.now(),
    date: new Date(),
    sinceBirth: performance.now(),
    random: Math.random(),
    ids: [crypto.randomUUID(), randomUUID()],
    bytes: crypto.getRandomValues(new Uint8Array(8)),
  };
}
type Reading = ReturnType<typeof look>;

interface Diary {
  readonly readings: readonly Reading[];
  readonly tosses: string;
}

const pupil = setup({ types: { context: {} as { born: Reading; given: number } } }).createMachine({
  context: ({ input }) => ({ born: look(), given: (input as { given: number }).given }),
});

const diary = setup({
  types: {
    context: {} as Diary,
    events: {} as
      { type: 'write' } | { type: 'toss' } | { type: 'spawn' } | { type: 'doze' } | { type: 'end' },
    output: {} as Reading,
  },
  actors: { pupil },
  delays: { aWhile: () => 1000 + Math.floor(Math.random() * 100_000) },
  guards: { isHeads: () => Math.random() < 0.5 },
}).createMachine({
  context: () => ({ readings: [look()], tosses: '' }),
  initial: 'awake',
  states: {
    awake: {
      on: {
        write: {
          actions: assign({ readings: ({ context }) => [...context.readings, look(), look()] }),
        },
        toss: [
          { guard: 'isHeads', actions: assign({ tosses: ({ context }) => `${context.tosses}H` }) },
          { actions: assign({ tosses: ({ context }) => `${context.tosses}T` }) },
        ],
        spawn: {
          actions: assign(({ spawn }) => {
            spawn('pupil', { input: { given: Math.random() } });
            return {};
          }),
        },
        doze: 'dozing',
        end: 'over',
      },
    },
    dozing: { after: { aWhile: 'awake' } },
    over: { type: 'final' },
  },
  output: () => look(),
});

/** The whole state of the diary and of its children, as data. */
function stateOf(opened: Opened<{ diary: typeof diary }>) {
  const { context, value, status, output, children } = opened.system.get('diary/1')!.getSnapshot();
  const pupils = Object.keys(children).map((id) => [
    id,
    opened.system.get(`diary/1/${id}`)!.getSnapshot().context as unknown,
  ]);
  return { context, value, status, output, pupils };
}

/** A system whose diary has been written into, at different times. */
async function openWritten(logic = diary) {
  const opened = await open({ diary: logic });
  const ref = await opened.system.actor('diary', '1');
  for (const type of ['write', 'toss', 'spawn', 'toss', 'spawn', 'write'] as const) {
    await opened.advance(1234);
    await ref.send({ type });
  }
  for (let toss = 0; toss < 40; toss++) await ref.send({ type: 'toss' });
  await opened.settle();
  return { opened, ref };
}

describe('a step that looks at the clock and rolls dice', () => {
  it('sees the time of its record, and chance that is chance', async () => {
    const { opened, ref } = await openWritten();
    const { readings, tosses } = ref.getSnapshot().context;
    const told = await collect(opened.system.history('diary/1'));
    const times = [told[0]!, told[1]!, told[1]!, told[6]!, told[6]!].map(({ at }) => at);
    expect(readings.map(({ now }) => now)).toEqual(times);
    expect(readings.map(({ date }) => date.getTime())).toEqual(times);
    expect(readings.map(({ sinceBirth }) => sinceBirth)).toEqual(times.map((at) => at - times[0]!));
    expect(times[1]! - times[0]!).toBe(1234);
    const drawn = readings.flatMap(({ random, ids, bytes }) => [random, ...ids, bytes.join()]);
    expect(new Set(drawn).size).toBe(drawn.length);
    for (const { random } of readings) expect(random >= 0 && random < 1).toBe(true);
    // A coin that fell 42 times on the same side would be no coin.
    expect(tosses).toMatch(/HT|TH/);
    expect(tosses).toHaveLength(42);
  });

  it('gives two actors that are born at the same time dice of their own', async () => {
    const { system } = await open({ diary });
    const [one, other] = await Promise.all([system.actor('diary', '1'), system.actor('diary', '2')]);
    const [first, second] = [one, other].map((ref) => ref.getSnapshot().context.readings[0]!);
    expect(first!.now).toBe(second!.now);
    expect(first!.random).not.toBe(second!.random);
    expect(first!.ids).not.toEqual(second!.ids);
  });

  it.each([
    ['after a crash', 'crash', diary],
    ['after an opening', 'reopen', diary],
    ['from a checkpoint and a tail', 'crash', durable(diary, { checkpointEvery: 5 })],
    ['from a checkpoint alone', 'crash', durable(diary, { checkpointEvery: 1 })],
  ] as const)('is told again as it was: %s', async (_, again, logic) => {
    const { opened } = await openWritten(logic);
    const before = stateOf(opened);
    expect(before.pupils).toHaveLength(2);
    await opened.advance(HOUR_MS);
    let later = await opened[again]();
    expect(stateOf(later)).toEqual(before);
    expect(await later.system.replay('diary/1')).toMatchObject({ same: true, records: 47 });
    expect(stateOf(later)).toEqual(before);
    await later.system.get('diary/1')!.send({ type: 'end' });
    const ended = stateOf(later);
    expect(ended.output!.now).toBe(later.clock.now());
    later = await later[again]();
    expect(stateOf(later)).toEqual(ended);
    for (const [id] of ended.pupils) {
      expect(await later.system.replay(`diary/1/${String(id)}`)).toMatchObject({ same: true });
    }
  });

  it('sets its timers for the same time again', async () => {
    const opened = await open({ diary });
    const ref = await opened.system.actor('diary', '1');
    const asleepAt = opened.clock.now();
    await ref.send({ type: 'doze' });
    const [, record] = await collect(opened.system.history('diary/1'));
    const [timer] = record!.intents;
    const { dueAt } = timer as Extract<typeof timer, { kind: 'timer' }>;
    let later = await opened.crash();
    await later.advance(dueAt - asleepAt - 1);
    later = await later.crash();
    expect(stateOf(later).value).toBe('dozing');
    await later.advance(1);
    expect(stateOf(later).value).toBe('awake');
  });

  it.each([
    ['from its records', 256],
    ['from a checkpoint', 1],
  ])('gives its actions what it saw, also when they are derived again %s', async (_, checkpointEvery) => {
    const ran: [key: string, saw: unknown, wallMs: number][] = [];
    const roller = setup({
      types: { events: {} as { type: 'roll' } },
      actions: {
        act: (_, { saw }: { saw: object }) => {
          ran.push([currentEffect()!.idempotencyKey, saw, Date.now()]);
          if (ran.length === 1) opened.runtime.die();
        },
      },
    }).createMachine({
      on: {
        roll: {
          actions: enqueueActions(({ enqueue }) => enqueue({ type: 'act', params: { saw: look() } })),
        },
      },
    });
    const opened = await open({ roller: durable(roller, { checkpointEvery }) });
    const ref = await opened.system.actor('roller', '1');
    await opened.advance(1234);
    await ref.send({ type: 'roll' });
    const later = await opened.crash();
    await later.settle();
    expect(ran).toHaveLength(2);
    expect(ran[1]!.slice(0, 2)).toEqual(ran[0]!.slice(0, 2));
    // An action is no step: it sees the real time.
    for (const [, , wallMs] of ran) expect(wallMs).not.toBe(later.clock.now());
  });
});

describe('code whose steps are not the same again', () => {
  /** What a step does; changed by the tests as if it were other code. */
  let compute: () => unknown = () => 0;
  const fickle = setup({
    types: { context: {} as { values: unknown[] }, events: {} as { type: 'go' } },
  }).createMachine({
    context: () => ({ values: [] }),
    on: { go: { actions: assign({ values: ({ context }) => [...context.values, compute()] }) } },
  });

  async function openFickle(first: () => unknown) {
    compute = first;
    const opened = await open({ fickle });
    const ref = await opened.system.actor('fickle', '1');
    await ref.send({ type: 'go' });
    return { opened, ref };
  }

  it('because it counts outside of its context: replay names the place', async () => {
    let calls = 0;
    const { opened, ref } = await openFickle(() => calls++);
    await ref.send({ type: 'go' });
    expect(await opened.system.replay('fickle/1')).toMatchObject({
      same: false,
      records: 3,
      difference: { path: 'snapshot.context.values[0]', recorded: 0, today: 2 },
    });
    expect(ref.getSnapshot().context.values).toEqual([0, 1]);
  });

  it('because it rolls dice where it did not: it is refused, and the others run', async () => {
    const { opened } = await openFickle(() => 1);
    compute = () => Math.random();
    expect(await opened.system.replay('fickle/1')).toMatchObject({
      same: false,
      records: 2,
      difference: { seq: 2, path: 'step', today: 'it uses Math.random' },
    });
    const later = await opened.crash();
    expect(() => later.system.get('fickle/1')).toThrow(
      expect.objectContaining({ _tag: 'StoryChanged', address: 'fickle/1', seq: 2, path: 'step' }) as Error,
    );
    expect((await later.system.actor('fickle', '2')).getSnapshot().context.values).toEqual([]);
    compute = () => 1;
    expect(later.system.get('fickle/1')!.getSnapshot().context.values).toEqual([1]);
  });
});

/** What would reach out of a step: the name under which it is refused, and what the refusal proposes. */
const FORBIDDEN: readonly (readonly [api: string, reach: () => unknown, fix: RegExp])[] = [
  ['setTimeout', () => setTimeout(tooLate, 0), /`after`, a delayed `raise`/],
  ['setInterval', () => setInterval(tooLate, 1), /`after`/],
  ['setImmediate', () => setImmediate(tooLate), /`after`/],
  ['queueMicrotask', () => queueMicrotask(tooLate), /`raise`, or an invoked actor/],
  ['process.nextTick', () => nextTick(tooLate), /`raise`, or an invoked actor/],
  ['fetch', () => fetch('http://127.0.0.1:9/').then(tooLate, tooLate), /fromPromise or fromEffect/],
  ['crypto.randomBytes', () => randomBytes(4), /crypto\.getRandomValues or crypto\.randomUUID/],
  ['crypto.randomInt', () => randomInt(4), /crypto\.getRandomValues/],
  ['a promise (an async function, or await)', async () => true, /synchronous.*invoked actor/],
  ['a promise (an async function, or await)', () => Promise.resolve(1).then(() => 2), /invoked actor/],
  ['a promise (an async function, or await)', () => Promise.reject(new Error('x')), /invoked actor/],
];

let reached = 0;
function tooLate(): void {
  reached++;
}

/** Reaches out with the forbidden thing of that number, wherever it is told to. */
const reacher = setup({
  types: {
    context: {} as { got: unknown; steps: number },
    input: {} as number | undefined,
    events: {} as
      | { type: 'guard' | 'assign' | 'caught' | 'entry' | 'raised'; n: number }
      | { type: 'fine' }
      | { type: 'own' },
  },
  guards: { reaching: ({ event }) => FORBIDDEN[(event as { n: number }).n]![1]() !== undefined },
}).createMachine({
  context: ({ input }) => ({
    got: input === undefined ? undefined : typeof FORBIDDEN[input]![1](),
    steps: 0,
  }),
  initial: 'here',
  states: {
    here: {
      on: {
        fine: { actions: assign({ steps: ({ context }) => context.steps + 1 }) },
        guard: { guard: 'reaching', target: 'there' },
        assign: {
          target: 'there',
          actions: [assign({ steps: 100 }), assign({ got: ({ event }) => typeof FORBIDDEN[event.n]![1]() })],
        },
        caught: {
          target: 'there',
          actions: assign({
            got: ({ event }) => {
              try {
                return typeof FORBIDDEN[event.n]![1]();
              } catch {
                return 'it does not matter';
              }
            },
          }),
        },
        raised: { actions: [raise({ type: 'own' }), assign({ steps: ({ event }) => event.n })] },
        own: { guard: ({ context }) => FORBIDDEN[context.steps]![1]() !== undefined, target: 'there' },
        entry: 'reaching',
      },
    },
    reaching: { entry: assign({ got: ({ event }) => typeof FORBIDDEN[(event as { n: number }).n]![1]() }) },
    there: {},
  },
});

async function expectNothingOf<T extends ActorDefinitions>(
  opened: Opened<T>,
  address: string,
): Promise<void> {
  await opened.advance(1000);
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect(reached).toBe(0);
  expect(await collect(opened.system.history(address))).toHaveLength(1);
}

describe('a step that reaches out of itself', () => {
  it.each(FORBIDDEN.map(([api, , fix], n) => [api, n, fix] as const))(
    'with %s (%i) is refused, wherever it stands',
    async (api, n, fix) => {
      const opened = await open({ reacher });
      const ref = await opened.system.actor('reacher', '1');
      for (const type of ['guard', 'assign', 'caught', 'entry', 'raised'] as const) {
        const error = await rejection(ref.send({ type, n }));
        expect(error).toMatchObject({
          _tag: 'Nondeterminism',
          code: 'HEDDLE_NONDETERMINISM',
          address: 'reacher/1',
          event: type,
          state: 'here',
          api,
          fix: expect.stringMatching(fix) as string,
        });
        expect(error.message).toContain(`reacher/1 used ${api} while taking '${type}'`);
        expect(error.message).toMatch(/Its state is unchanged$/);
        expect(ref.getSnapshot()).toMatchObject({ value: 'here', context: { got: undefined, steps: 0 } });
      }
      await expectNothingOf(opened, 'reacher/1');
      expect((await lettersOf(opened)).map(({ error }) => (error as { api: string }).api)).toEqual(
        Array.from({ length: 5 }, () => api),
      );
      await ref.send({ type: 'fine' });
      expect(ref.getSnapshot().context.steps).toBe(1);
    },
  );

  it.each(FORBIDDEN.map(([api], n) => [api, n] as const))(
    'with %s (%i) in a context factory is never born',
    async (api, n) => {
      const opened = await open({ reacher });
      const error = await rejection(opened.system.actor('reacher', '1', { input: n }));
      expect(error).toMatchObject({ _tag: 'Nondeterminism', api, event: 'xstate.init' });
      expect(opened.system.get('reacher/1')).toBeUndefined();
      expect(await opened.system.verify()).toMatchObject({ records: 0, actors: 0 });
      await opened.system.actor('reacher', '1');
      await expectNothingOf(opened, 'reacher/1');
    },
  );

  it('is told from an action, which may do all of it', async () => {
    const done: unknown[] = [];
    const doer = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
      on: {
        go: {
          actions: async () => {
            for (const [, reach] of FORBIDDEN.slice(2, 8)) await reach();
            await new Promise((resolve) => setTimeout(resolve, 1));
            done.push('done');
          },
        },
      },
    });
    const opened = await open({ doer });
    await (await opened.system.actor('doer', '1')).send({ type: 'go' });
    while (done.length === 0) await opened.settle();
    expect(opened.troubles).toEqual([]);
    expect(reached).toBe(4);
    reached = 0;
  });
});
