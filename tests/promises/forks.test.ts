// The lie: "any run can be forked at any record, with its children, timers, mailboxes and owed work, and lives on as if nothing had
// been". A run with parallel children is forked at every single one of its records; each fork must come to the same end.
import { beforeEach, describe, expect, it } from 'vitest';
import { assign, fromPromise, sendParent, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { Schedule } from 'effect';
import { currentEffect, durable } from 'heddle';
import { review } from 'heddle/machines';
import { collect, onDisk, open, rejection, ticks } from './systems.ts';
import type { Opened } from './systems.ts';

/** What the world was asked for: keys of promises, and of actions. */
let asked: string[] = [];

const measure = fromPromise<number, { of: number }>(async ({ input }) => {
  asked.push(currentEffect()!.idempotencyKey);
  return input.of * 2;
});

/** A child that takes a few timers, measures something, and tells its parent on the way. */
const leg = setup({
  types: { context: {} as { of: number; steps: number; measured: number }, input: {} as { of: number } },
  actors: { measure },
}).createMachine({
  context: ({ input }) => ({ of: input.of, steps: 0, measured: 0 }),
  initial: 'walking',
  states: {
    walking: {
      after: { 100: { actions: assign({ steps: ({ context }) => context.steps + 1 }), target: 'walked' } },
    },
    walked: {
      entry: sendParent(({ context }) => ({ type: 'walked', of: context.of })),
      always: [{ guard: ({ context }) => context.steps < 3, target: 'walking' }, { target: 'measuring' }],
    },
    measuring: {
      invoke: {
        src: 'measure',
        input: ({ context }) => ({ of: context.of }),
        onDone: { target: 'there', actions: assign({ measured: ({ event }) => event.output }) },
      },
    },
    there: { type: 'final' },
  },
  output: ({ context }) => context.measured,
});

const LEGS = 22;

interface Journey {
  readonly legs: number;
  readonly sum: number;
  readonly heard: number;
}

type Way = 'north' | 'south';
type Journeys = Record<Way | 'all', Journey>;

/** Walks legs one after the other, on two ways at once. */
const way = (name: Way) =>
  ({
    initial: 'going',
    states: {
      going: {
        invoke: {
          id: name,
          src: 'leg',
          input: ({ context }: { context: Journeys }) => ({ of: context[name].legs + 1 }),
          onDone: { target: 'resting', actions: { type: 'count', params: { name } } },
        },
      },
      resting: {
        after: {
          50: [{ guard: { type: 'isThere', params: { name } }, target: 'there' }, { target: 'going' }],
        },
      },
      there: { type: 'final' },
    },
  }) as const;

const expedition = setup({
  types: {
    context: {} as Journeys,
    events: {} as { type: 'walked'; of: number } | { type: 'shout' },
    output: {} as Journeys,
  },
  actors: { leg },
  actions: {
    count: assign(({ context, event }, { name }: { name: Way }) => {
      const { legs, sum, heard } = context[name];
      return {
        [name]: { legs: legs + 1, sum: sum + (event as unknown as { output: number }).output, heard },
      };
    }),
    hear: assign({ all: ({ context }) => ({ ...context.all, heard: context.all.heard + 1 }) }),
    tell: () => void asked.push(`tell ${currentEffect()!.idempotencyKey}`),
  },
  guards: { isThere: ({ context }, { name }: { name: Way }) => context[name].legs >= LEGS },
}).createMachine({
  context: {
    north: { legs: 0, sum: 0, heard: 0 },
    south: { legs: 0, sum: 0, heard: 0 },
    all: { legs: 0, sum: 0, heard: 0 },
  },
  type: 'parallel',
  on: { walked: { actions: 'hear' }, shout: { actions: 'tell' } },
  states: { north: way('north') as never, south: way('south') as never },
  output: ({ context }) => context,
});

const EXPEDITION = { expedition };
type Expedition = Opened<typeof EXPEDITION>;

async function walk(opened: Expedition, address: string): Promise<unknown> {
  for (let round = 0; round < 200; round++) {
    const snapshot = opened.system.get(address)!.getSnapshot();
    if (snapshot.status !== 'active') return snapshot.output;
    await opened.advance(1000);
  }
  throw new Error(`${address} does not come to an end: ${await opened.system.explain(address)}`);
}

/** A clerk with an account that it looks at, something to announce, and a call that takes its time. */
const account = setup({
  types: { context: {} as { total: number }, events: {} as { type: 'put'; cents: number } },
  actions: { enter: () => void entered.push(currentEffect()!.idempotencyKey) },
}).createMachine({
  context: { total: 0 },
  on: {
    put: { actions: [assign({ total: ({ context, event }) => context.total + event.cents }), 'enter'] },
  },
});

interface Call {
  readonly input: { readonly no: number };
  readonly key: string;
  readonly finish: (value: string) => void;
}
let calls: Call[] = [];

const call = fromPromise<string, { no: number }>(
  ({ input }) => new Promise((finish) => calls.push({ input, key: currentEffect()!.idempotencyKey, finish })),
);

let announced: string[] = [];
let entered: string[] = [];

const clerk = setup({
  types: {
    context: {} as { account: AnyActorRef; no: number; heard: string[]; note: string },
    events: {} as
      | { type: 'pay'; cents: number }
      | { type: 'announce' }
      | { type: 'dial' }
      | { type: 'look' }
      | { type: 'wait' },
  },
  actors: { account, call },
  actions: { announce: () => void announced.push(currentEffect()!.idempotencyKey) },
}).createMachine({
  context: ({ spawn }) => ({
    account: spawn('account', { id: 'account', systemId: 'books' }),
    no: 0,
    heard: [],
    note: '',
  }),
  initial: 'idle',
  on: {
    pay: { actions: sendTo('account', ({ event }) => ({ type: 'put', cents: event.cents })) },
    announce: { actions: 'announce' },
    look: {
      actions: assign({
        note: ({ context, system }) =>
          `${context.account.getSnapshot().context.total} ${system.get('books').getSnapshot().context.total}`,
      }),
    },
  },
  states: {
    idle: {
      on: { dial: 'calling', wait: 'waiting' },
    },
    waiting: { after: { 3_600_000: 'idle' } },
    calling: {
      entry: assign({ no: ({ context }) => context.no + 1 }),
      invoke: {
        src: 'call',
        input: ({ context }) => ({ no: context.no }),
        onDone: {
          target: 'idle',
          actions: assign({ heard: ({ context, event }) => [...context.heard, event.output] }),
        },
      },
    },
  },
});

const CLERK = { clerk };

describe('a fork', () => {
  beforeEach(() => {
    calls = [];
    announced = [];
    entered = [];
    asked = [];
  });

  it('at every record of a run with parallel children comes to the same end', async () => {
    const opened = await open(EXPEDITION);
    await opened.system.actor('expedition', 'first');
    const end = await walk(opened, 'expedition/first');
    const records = await collect(opened.system.history('expedition/first'));
    expect(records.length).toBeGreaterThan(200);
    for (const { seq } of records) {
      const as = `expedition/at-${seq}`;
      await opened.system.fork('expedition/first', { at: seq, as, effects: 'rerun' });
    }
    for (const { seq } of records)
      expect([seq, await walk(opened, `expedition/at-${seq}`)]).toEqual([seq, end]);
    expect(await opened.system.verify()).toMatchObject({ broken: [] });
    expect(await collect(opened.system.stuck())).toEqual([]);
    for (const { seq } of records.slice(-20))
      expect(await opened.system.replay(`expedition/at-${seq}`)).toMatchObject({ same: true });
    console.log(`forked at each of ${records.length} records`);
  }, 120_000);

  it('at every record of a child comes to the same end, and leaves out what came after', async () => {
    const opened = await open(EXPEDITION);
    await opened.system.actor('expedition', 'first');
    const end = await walk(opened, 'expedition/first');
    const below = 'expedition/first/north';
    const records = await collect(opened.system.history(below));
    expect(records.length).toBeGreaterThan(100);
    for (const { seq } of records) {
      const as = `expedition/at-${seq}`;
      await opened.system.fork('expedition/first', { at: { address: below, seq }, as, effects: 'rerun' });
      const [born] = await collect(opened.system.history(`${as}/north`));
      expect(born).toMatchObject({ seq: 1, event: { of: { address: below, seq } } });
    }
    for (const { seq } of records)
      expect([seq, await walk(opened, `expedition/at-${seq}`)]).toEqual([seq, end]);
    expect(await opened.system.verify()).toMatchObject({ broken: [] });
  }, 120_000);

  it('is there whole or not at all, whenever the process dies, and goes on', async () => {
    const opened = await open(EXPEDITION);
    await opened.system.actor('expedition', 'first');
    await opened.advance(700);
    let later = opened;
    let deaths = 0;
    for (let at = 1; at < 12; at++) {
      const as = `expedition/at-${at}`;
      const forked = later.system.fork('expedition/first', { at, as, effects: 'rerun' });
      forked.catch(() => {});
      for (let i = 0; i < at % 5; i++) await ticks(1);
      later = await later.crash();
      deaths++;
      if (later.system.get(as) === undefined)
        await later.system.fork('expedition/first', { at, as, effects: 'rerun' });
    }
    expect(deaths).toBe(11);
    const end = await walk(later, 'expedition/first');
    for (let at = 1; at < 12; at++) expect(await walk(later, `expedition/at-${at}`)).toEqual(end);
    expect(await later.system.verify()).toMatchObject({ broken: [] });
  });

  it('leaves its original alone, and says whom it stands for', async () => {
    const opened = await open(CLERK, { store: onDisk() });
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'pay', cents: 5 });
    await ref.send({ type: 'pay', cents: 7 });
    await opened.settle();
    const before = await collect(opened.system.history('clerk/1', { children: true }));
    const twin = await opened.system.fork('clerk/1', { at: 2, as: 'clerk/1-what-if', by: 'ada' });
    await opened.settle();
    expect(await collect(opened.system.history('clerk/1', { children: true }))).toEqual(before);
    const [born] = await collect(opened.system.history('clerk/1-what-if'));
    expect(born!.event).toEqual({
      type: 'heddle.forked',
      of: { address: 'clerk/1', seq: 2 },
      effects: 'hold',
      by: 'ada',
    });
    await twin.send({ type: 'look' });
    // Its account is its own, under both of its names: only the first payment had been made.
    expect(twin.getSnapshot().context.note).toBe('5 5');
    await twin.send({ type: 'pay', cents: 100 });
    await opened.settle();
    await twin.send({ type: 'look' });
    expect(twin.getSnapshot().context.note).toBe('105 105');
    await ref.send({ type: 'look' });
    expect(ref.getSnapshot().context.note).toBe('12 12');
    // And after a crash.
    const later = await opened.crash();
    const again = later.system.get('clerk/1-what-if')!;
    await again.send({ type: 'look' });
    expect(again.getSnapshot().context.note).toBe('105 105');
    expect(again.getSnapshot().context.account).toBe(again.getSnapshot().children['account']);
  });

  it('gets the messages that were under way, also when all was one commit', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    const sends = Array.from({ length: 20 }, (_, i) => ref.send({ type: 'pay', cents: 1 << i }));
    await Promise.all(sends);
    await opened.settle();
    for (let at = 1; at <= 21; at++) {
      const twin = await opened.system.fork('clerk/1', { at, as: `clerk/at-${at}` });
      await opened.settle();
      await twin.send({ type: 'look' });
      expect([at, twin.getSnapshot().context.note]).toEqual([
        at,
        `${(1 << (at - 1)) - 1} ${(1 << (at - 1)) - 1}`,
      ]);
    }
  });

  it('of a fork gets them in the order in which they were sent', async () => {
    const clerk = setup({ types: { context: {} as { heard: readonly number[] } } }).createMachine({
      context: { heard: [] },
      on: { note: { actions: assign({ heard: ({ context, event }) => [...context.heard, event['n']] }) } },
    });
    const desk = setup({ actors: { clerk } }).createMachine({
      invoke: { id: 'clerk', src: 'clerk' },
      on: { say: { actions: sendTo('clerk', ({ event }) => ({ type: 'note', n: event['n'] })) } },
    });
    const opened = await open({ desk });
    const { system } = opened;
    const first = await system.start('desk', { id: '1' });
    for (const id of ['1', '2']) await system.pause({ address: `desk/${id}/clerk` });
    for (const n of [1, 2]) await first.send({ type: 'say', n });
    await system.fork('desk/1', { as: 'desk/2' });
    for (const n of [3, 4]) await system.get('desk/2')!.send({ type: 'say', n });
    await opened.settle();
    await system.fork('desk/2', { as: 'desk/3' });
    await system.import({ history: await system.export('desk/2'), as: 'desk/4' });
    await opened.settle();
    for (const id of ['3', '4'])
      expect(system.get(`desk/${id}/clerk`)!.getSnapshot()).toMatchObject({
        context: { heard: [1, 2, 3, 4] },
      });
  });

  it('gets what was under way to somebody who was told since to halt', async () => {
    const again = { poison: 'fail', restart: 'transient', backoff: Schedule.spaced('1 hour') } as const;
    const no = (): never => {
      throw new Error('no');
    };
    const clerk = setup({ types: { context: {} as { heard: readonly number[] } } }).createMachine({
      context: { heard: [] },
      on: {
        fail: { actions: assign(no) },
        note: { actions: assign({ heard: ({ context, event }) => [...context.heard, event['n']] }) },
      },
    });
    const desk = setup({ actors: { clerk: durable(clerk, again) } }).createMachine({
      invoke: { id: 'clerk', src: 'clerk' },
      on: {
        fail: { actions: assign(no) },
        say: { actions: sendTo('clerk', ({ event }) => ({ type: 'note', n: event['n'] })) },
        breakIt: { actions: sendTo('clerk', { type: 'fail' }) },
      },
    });
    const opened = await open({ desk: durable(desk, again) });
    const { system } = opened;
    const first = await system.start('desk', { id: '1' });
    await first.send({ type: 'breakIt' });
    await opened.settle();
    await first.send({ type: 'say', n: 1 });
    await first.send({ type: 'fail' }).catch(() => {});
    await opened.settle();
    await system.fork('desk/1', { as: 'desk/2' });
    await system.import({ history: await system.export('desk/1'), as: 'desk/3' });
    const last = (await collect(system.history('desk/1/clerk'))).at(-1)!;
    expect(last.event.type).toBe('heddle.halt');
    await system.fork('desk/1', { at: { address: 'desk/1/clerk', seq: last.seq }, as: 'desk/4' });
    await opened.advance(3 * 3_600_000);
    const heard = (id: number): unknown =>
      (system.get(`desk/${id}/clerk`)!.getSnapshot() as { context: { heard: unknown } }).context.heard;
    expect([1, 2, 3, 4].map(heard)).toEqual([[1], [1], [1], [1]]);
  });

  it('waits with its effects until it is told to perform: those of the record, and later ones', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'announce' });
    await ref.send({ type: 'dial' });
    await opened.settle();
    expect([announced.length, calls.length]).toEqual([1, 1]);
    const twin = await opened.system.fork('clerk/1', { at: 2, as: 'clerk/2' });
    await twin.send({ type: 'announce' });
    await twin.send({ type: 'dial' });
    await opened.settle();
    expect([announced.length, calls.length]).toEqual([1, 1]);
    // It waits for somebody.
    expect(await collect(opened.system.stuck())).toEqual([]);
    let later = await opened.crash();
    await later.settle();
    // The call of the original has begun again.
    expect([announced.length, calls.length]).toEqual([1, 2]);
    await later.system.perform('clerk/2');
    await later.settle();
    expect(announced).toEqual(['clerk/1@2:0', 'clerk/2@1:0', 'clerk/2@2:0']);
    expect(calls.map(({ key }) => key)).toEqual(
      [...['clerk/1/0.clerk.calling@1:0', 'clerk/1/0.clerk.calling@1:0'], 'clerk/2/0.clerk.calling@1:0'].map(
        (key) => expect.stringContaining(key.split('/')[1]!) as string,
      ),
    );
    calls.at(-1)!.finish('hello');
    await later.settle();
    expect(later.system.get('clerk/2')!.getSnapshot().context.heard).toEqual(['hello']);
    // Once is enough, also over a crash.
    await later.system.perform('clerk/2');
    later = await later.crash();
    await later.settle();
    expect(announced).toHaveLength(3);
    expect(await rejection(later.system.perform('clerk/1'))).toMatchObject({
      code: 'HEDDLE_INVALID_ARGUMENT',
    });
  });

  it('owes what the record asks for when it is one of a child, and nothing that was done before', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    for (const type of ['announce', 'pay', 'pay'] as const) await ref.send({ type, cents: 5 });
    await opened.settle();
    const at = { address: 'clerk/1/account', seq: 2 };
    await opened.system.fork('clerk/1', { at, as: 'clerk/2', effects: 'rerun' });
    await opened.settle();
    expect(announced).toEqual(['clerk/1@2:0']);
    expect(entered).toEqual(['clerk/1/account@2:0', 'clerk/1/account@3:0', 'clerk/2/account@1:0']);
    const twin = opened.system.get('clerk/2')!;
    await twin.send({ type: 'look' });
    expect(twin.getSnapshot().context.note).toBe('5 5');
  });

  it('reuses what its original has done, as long as it tells the same story', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'announce' });
    await ref.send({ type: 'dial' });
    await opened.settle();
    calls[0]!.finish('one');
    await opened.settle();
    await ref.send({ type: 'announce' });
    await ref.send({ type: 'dial' });
    await opened.settle();
    calls[1]!.finish('two');
    await opened.settle();
    const twin = await opened.system.fork('clerk/1', { at: 2, as: 'clerk/2', effects: 'reuse' });
    await twin.send({ type: 'dial' });
    await opened.settle();
    expect(twin.getSnapshot().context.heard).toEqual(['one']);
    await twin.send({ type: 'announce' });
    await opened.settle();
    expect([announced.length, calls.length]).toEqual([2, 2]);
    // From here on it is another story: the second announcement is its own.
    await twin.send({ type: 'announce' });
    await opened.settle();
    expect(announced).toHaveLength(3);
    await twin.send({ type: 'dial' });
    await opened.settle();
    // The same call with the same input in the same life was made before.
    expect(twin.getSnapshot().context.heard).toEqual(['one', 'two']);
    await twin.send({ type: 'dial' });
    await opened.settle();
    expect(calls).toHaveLength(3);
  });

  it('in the middle of a call makes the call again, or gets its result', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'dial' });
    await opened.settle();
    await opened.system.fork('clerk/1', { at: 2, as: 'clerk/again', effects: 'rerun' });
    await opened.settle();
    expect(calls.map(({ input }) => input.no)).toEqual([1, 1]);
    calls[0]!.finish('one');
    await opened.settle();
    const twin = await opened.system.fork('clerk/1', { at: 2, as: 'clerk/reuses', effects: 'reuse' });
    await opened.settle();
    expect(calls).toHaveLength(2);
    expect(twin.getSnapshot()).toMatchObject({ value: 'idle', context: { heard: ['one'] } });
  });

  it('differs from what it was, with those below it', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'pay', cents: 5 });
    await opened.settle();
    const { seq } = await ref.send({ type: 'pay', cents: 7 });
    await opened.settle();
    const { seq: later } = await ref.send({ type: 'look' });
    expect(await opened.system.diff('clerk/1', seq, later)).toEqual([
      { address: 'clerk/1', path: 'context.note', before: '', after: '12 12' },
    ]);
    expect(await opened.system.diff('clerk/1', seq, later, { children: true })).toEqual([
      { address: 'clerk/1', path: 'context.note', before: '', after: '12 12' },
      { address: 'clerk/1/account', path: 'context.total', before: 5, after: 12 },
    ]);
    const { children } = await opened.system.past('clerk/1', seq);
    expect(children).toMatchObject([
      {
        address: 'clerk/1/account',
        snapshot: { context: { total: 5 } },
        waiting: [{ event: { type: 'put', cents: 7 } }],
      },
    ]);
  });

  it('counts no time that has passed since', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'wait' });
    await opened.advance(30 * 24 * 3_600_000);
    expect(ref.getSnapshot().value).toBe('idle');
    const twin = await opened.system.fork('clerk/1', { at: 2, as: 'clerk/2' });
    await opened.advance(3_599_999);
    expect(twin.getSnapshot().value).toBe('waiting');
    await opened.advance(1);
    expect(twin.getSnapshot().value).toBe('idle');
  });

  it('can differ in its state, and in what it hears first', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'pay', cents: 5 });
    const twin = await opened.system.fork('clerk/1', {
      as: 'clerk/2',
      with: {
        state: ({ context }) => ({ context: { ...(context as object), heard: ['a rumour'] } }),
        event: { type: 'look' },
      },
    });
    expect(twin.getSnapshot().context).toMatchObject({ heard: ['a rumour'], note: '5 5' });
    const [born] = await collect(opened.system.history('clerk/2'));
    expect(born!.event).toMatchObject({ of: { address: 'clerk/1' }, changed: true });
    const impossible = opened.system.fork('clerk/1', {
      as: 'clerk/3',
      with: { state: () => ({ value: 'nowhere' }) },
    });
    expect(await rejection(impossible)).toMatchObject({ _tag: 'InvalidArgument', path: 'with.state' });
    expect(opened.system.get('clerk/3')).toBeUndefined();
  });

  it('can be forked', async () => {
    const opened = await open(CLERK);
    const ref = await opened.system.actor('clerk', '1');
    await ref.send({ type: 'pay', cents: 5 });
    await opened.settle();
    const twin = await opened.system.fork('clerk/1', { as: 'clerk/2' });
    await twin.send({ type: 'pay', cents: 6 });
    await opened.settle();
    for (const at of [1, 2]) {
      const third = await opened.system.fork('clerk/2', { at, as: `clerk/2-${at}` });
      await opened.settle();
      await third.send({ type: 'look' });
      expect(third.getSnapshot().context.note).toBe(at === 1 ? '5 5' : '11 11');
    }
  });

  it.each<[Record<string, unknown>, string, string]>([
    [{ as: 'clerk/1' }, 'HEDDLE_ACTOR_EXISTS', 'clerk/1'],
    [{ as: 'clerk' }, 'HEDDLE_INVALID_ARGUMENT', 'as must be the address of a root actor'],
    [{ as: 'clerk/2/3' }, 'HEDDLE_INVALID_ARGUMENT', 'as must be the address of a root actor'],
    [{ as: 'other/2' }, 'HEDDLE_INVALID_ARGUMENT', 'as must have the name of clerk/1'],
    [{ as: undefined }, 'HEDDLE_INVALID_ARGUMENT', 'as must be the address of a root actor'],
    [{ as: 'clerk/2', at: 0 }, 'HEDDLE_INVALID_ARGUMENT', 'at must be a record of clerk/1'],
    [{ as: 'clerk/2', at: 9 }, 'HEDDLE_INVALID_ARGUMENT', 'the records 1 to 1'],
    [{ as: 'clerk/2', at: 1.5 }, 'HEDDLE_INVALID_ARGUMENT', 'at must be a record of clerk/1'],
    [{ as: 'clerk/2', at: { address: 'clerk/1/nobody', seq: 1 } }, 'HEDDLE_UNKNOWN_ACTOR', 'clerk/1/nobody'],
    [
      { as: 'clerk/2', at: { address: 'clerk/11', seq: 1 } },
      'HEDDLE_INVALID_ARGUMENT',
      'clerk/1 or below it',
    ],
    [
      { as: 'clerk/2', at: { address: 'clerk/1' } },
      'HEDDLE_INVALID_ARGUMENT',
      'at must be a record of clerk/1',
    ],
    [{ as: 'clerk/2', at: { seq: 1 } }, 'HEDDLE_INVALID_ARGUMENT', 'at must be the number of a record'],
    [{ as: 'clerk/2', at: null }, 'HEDDLE_INVALID_ARGUMENT', 'at must be the number of a record'],
    [{ as: 'clerk/2', effects: 'some' }, 'HEDDLE_INVALID_ARGUMENT', 'effects must be one of'],
    [{ as: 'clerk/2', with: { event: { no: 'type' } } }, 'HEDDLE_INVALID_ARGUMENT', 'event.type'],
    // Nobody may send these to anybody: that a child has ended, and that a fork may act.
    [
      { as: 'clerk/2', with: { event: { type: 'xstate.done.actor.account' } } },
      'HEDDLE_INVALID_ARGUMENT',
      'is reserved',
    ],
    [
      { as: 'clerk/2', with: { event: { type: 'heddle.perform' } } },
      'HEDDLE_INVALID_ARGUMENT',
      'is reserved',
    ],
  ])('with %o is refused with %s', async (options, code, message) => {
    const opened = await open(CLERK);
    await opened.system.actor('clerk', '1');
    const before = await opened.system.verify();
    expect(await rejection(opened.system.fork('clerk/1', options as never))).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect(await opened.system.verify()).toEqual(before);
  });

  it('with an event that is not for send is refused as send is', async () => {
    const own = durable(review, { reserves: { 'review.': 'system.reviews' } });
    const opened = await open({ own });
    await opened.system.start('own', {
      id: '1',
      input: { title: 'Pay?', proposal: { amount: 5 }, roles: ['editor'] },
    });
    const fork = opened.system.fork('own/1', { as: 'own/2', with: { event: { type: 'review.approve' } } });
    expect((await rejection(fork)).message).toContain('use system.reviews');
    expect(opened.system.get('own/2')).toBeUndefined();
  });

  it('of a child, of nobody, and of the house is refused', async () => {
    const opened = await open(CLERK);
    await opened.system.actor('clerk', '1');
    expect(await rejection(opened.system.fork('clerk/1/account', { as: 'clerk/2' }))).toMatchObject({
      path: 'address',
      message: expect.stringContaining("at: { address: 'clerk/1/account', seq }") as string,
    });
    expect(await rejection(opened.system.fork('clerk/7', { as: 'clerk/2' }))).toMatchObject({
      _tag: 'UnknownActor',
    });
  });
});
