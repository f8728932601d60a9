// The lie: "a history can show what did not happen, too". Calls that were refused and letters that were given up must stand between
// the records where they belong: in both directions, for parts, for families, after a crash, and once each.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, setup } from 'xstate';
import { durable } from 'heddle';
import type { HistoryOptions, HistoryRecord, HistoryRefusal } from 'heddle';
import { memory } from 'heddle/storage';
import { collect, open, rejection, STORES } from './systems.ts';
import type { Opened } from './systems.ts';

const SECRET = '4242-4242-4242-4242';
/** An action is tried three times, this long in all. */
const TRIED_MS = 1200;

function subject() {
  return setup({
    types: {
      context: {} as { n: number },
      input: undefined as { card?: string } | undefined,
      events: {} as { type: 'go' | 'poison' | 'act' | 'end'; card?: string },
    },
    actions: {
      act: () => {
        throw new TypeError(SECRET);
      },
      choke: assign(({ event }) => {
        throw new RangeError(`bad card ${event.card}`);
      }),
    },
  }).createMachine({
    context: ({ input }) => {
      if (input?.card !== undefined) throw new RangeError(`bad card ${input.card}`);
      return { n: 0 };
    },
    initial: 'up',
    states: {
      up: {
        on: {
          go: { actions: assign({ n: ({ context }) => context.n + 1 }) },
          poison: { actions: 'choke' },
          act: { actions: 'act' },
          end: 'over',
        },
      },
      over: { type: 'final' },
    },
  });
}
const boss = setup({
  types: { events: {} as { type: 'note' } },
  actors: { subject: subject() },
}).createMachine({
  invoke: { src: 'subject', id: 'kid' },
  on: { note: { actions: assign({}) } },
});
const actors = { subject: subject(), boss };
type World = Opened<typeof actors>;
type Told = HistoryRecord | HistoryRefusal;

const told = async ({ system }: Pick<World, 'system'>, address: string, options: HistoryOptions = {}) =>
  collect(system.history(address, { ...options, refusals: true }));

/** A record as its number, anything else as what it was. */
const shortly = (one: Told): string =>
  one.seq === undefined ? [one.refused, one.event ?? one.action ?? ''].join(' ').trim() : `${one.seq}`;
const inShort = async (world: Pick<World, 'system'>, address: string, options?: HistoryOptions) =>
  (await told(world, address, options)).map(shortly);

/** Refused at the beginning, in between and at the end, each a moment later than what was before. */
async function eventful(make = memory): Promise<World> {
  const world = await open(actors, { store: make() });
  const { system } = world;
  await rejection(system.start('subject', { id: '1', input: { card: SECRET } }));
  await world.advance(10);
  const ref = await system.start('subject', { id: '1' });
  await world.advance(10);
  for (let i = 0; i < 3; i++) await rejection(ref.send({ type: 'xstate.stop', card: SECRET } as never));
  await world.advance(10);
  await ref.send({ type: 'go' });
  // These three within the same millisecond.
  await ref.send({ type: 'go' });
  await rejection(ref.send({ type: 'poison', card: SECRET }));
  await ref.send({ type: 'go' });
  await world.advance(10);
  await ref.send({ type: 'act' });
  await world.settle();
  await world.advance(TRIED_MS);
  await ref.send({ type: 'end' });
  await world.advance(10);
  await rejection(ref.send({ type: 'go', card: SECRET }));
  // So that all of it is recorded.
  await world.advance(2000);
  return world;
}
const EVENTFUL = [
  ...['start', '1', 'send xstate.stop', '2', '3', 'event poison', '4', '5'],
  ...['action act', '6', 'send go'],
];

describe('a history with refusals', () => {
  it.each(STORES)('tells what was refused where it happened, and after a crash, %s', async (_, make) => {
    let world = await eventful(make);
    for (let i = 0; i < 3; i++) {
      expect(await inShort(world, 'subject/1')).toEqual(EVENTFUL);
      world = i === 1 ? await world.reopen() : await world.crash();
    }
    const records = (await told(world, 'subject/1')).filter(({ seq }) => seq !== undefined);
    expect(await collect(world.system.history('subject/1'))).toEqual(records);
    expect(await collect(world.system.history('subject/1', { refusals: false }))).toEqual(records);
  });

  it('says of each what is known of it, and nothing that was sent', async () => {
    const world = await eventful();
    const letters = await collect(world.system.deadLetters());
    const all = await told(world, 'subject/1');
    const refused = all.filter((one) => one.seq === undefined);
    const none = { seq: undefined, event: undefined, action: undefined, letter: undefined, after: undefined };
    expect(refused).toEqual(
      [
        { refused: 'start', code: 'HEDDLE_STEP_FAILED', message: 'its step threw a RangeError' },
        {
          ...{ refused: 'send', event: 'xstate.stop', count: 3, code: 'HEDDLE_INVALID_ARGUMENT' },
          message: expect.stringContaining('is reserved') as string,
        },
        {
          ...{ refused: 'event', event: 'poison', letter: letters[0]!.id, after: 3 },
          ...{ code: 'HEDDLE_STEP_FAILED', message: 'its step threw a RangeError' },
        },
        {
          ...{ refused: 'action', action: 'act', letter: letters[1]!.id, after: 5 },
          ...{ code: 'TypeError', message: 'it threw a TypeError' },
        },
        {
          ...{ refused: 'send', event: 'go', code: 'HEDDLE_ACTOR_ENDED' },
          message: expect.any(String) as string,
        },
      ].map((one) => ({
        ...{ ...none, address: 'subject/1', count: 1, decided: undefined },
        ...{ at: expect.any(Number) as number, last: expect.any(Number) as number },
        ...one,
      })),
    );
    expect(JSON.stringify(refused)).not.toContain(SECRET);
    const times = all.map(({ at }) => at);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });

  it('in reverse is the same the other way round, for each part of it', async () => {
    const world = await eventful();
    for (const children of [false, true])
      for (let from = -1; from <= 8; from++)
        for (const to of [0, 1, 3, 5, 6, 9, Infinity]) {
          const part = { from, to, children };
          const there = await told(world, 'subject/1', part);
          const back = await told(world, 'subject/1', { ...part, reverse: true });
          expect([part, back.toReversed()]).toEqual([part, there]);
        }
  });

  it.each<[HistoryOptions, readonly string[]]>([
    [{ to: 2 }, ['start', '1', 'send xstate.stop', '2']],
    [{ from: 2 }, EVENTFUL.slice(3)],
    [{ from: 3, to: 4 }, ['3', 'event poison', '4']],
    [{ from: 6, to: 6 }, ['6']],
    [{ from: 6 }, ['6', 'send go']],
    [{ to: 9 }, EVENTFUL.slice(0, -1)],
    [{ from: 5, to: 2 }, []],
    [{ from: 7 }, []],
    [{ to: 0 }, []],
  ])('of a part has what was refused within: %j', async (part, expected) => {
    expect(await inShort(await eventful(), 'subject/1', part)).toEqual(expected);
  });

  it('tells what is not recorded yet, once', async () => {
    const world = await open(actors);
    const ref = await world.system.start('subject', { id: '1' });
    await rejection(ref.send({ type: 'xstate.stop' } as never));
    for (let i = 0; i < 2; i++) {
      expect(await inShort(world, 'subject/1')).toEqual(['1', 'send xstate.stop']);
      await world.advance(2000);
    }
  });

  it.each(STORES)('says who has given a letter up, why and when, after a crash too, %s', async (_, make) => {
    let world = await eventful(make);
    const decision = { by: 'ada', reason: 'the customer was told' };
    for (const { id } of await collect(world.system.deadLetters()))
      await world.system.deadLetters().discard(id, decision);
    const at = world.clock.now();
    for (let i = 0; i < 2; i++) {
      const all = await told(world, 'subject/1');
      expect(all.map(shortly)).toEqual(EVENTFUL);
      const letters = all.filter((one) => one.seq === undefined && one.letter !== undefined);
      expect(letters).toMatchObject([
        { refused: 'event', decided: { ...decision, at } },
        { refused: 'action', decided: { ...decision, at } },
      ]);
      expect(JSON.stringify(letters)).not.toContain(SECRET);
      world = await world.crash();
    }
  });

  it('has a letter no more that was tried again and went through: its record says so', async () => {
    const broken = await open(actors);
    const sick = await broken.system.start('subject', { id: '1' });
    await rejection(sick.send({ type: 'poison' }));
    const healed = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      initial: 'up',
      states: { up: { on: { poison: { actions: assign({ n: 1 }) } } } },
    });
    const cured = await broken.reopenWith({ subject: healed });
    const [letter] = await collect(cured.system.deadLetters());
    await cured.system.deadLetters().retry(letter!.id);
    const all = await told(cured, 'subject/1');
    expect(all.map(shortly)).toEqual(['1', '2', '3']);
    expect(all.at(-1)).toMatchObject({ cause: { kind: 'dead-letter', id: letter!.id } });
  });

  it('has the event with which an actor went down before the record that says so', async () => {
    const failing = durable(subject(), { poison: 'fail', restart: 'transient' });
    const world = await open({ subject: failing });
    const ref = await world.system.start('subject', { id: '1' });
    await world.advance(10);
    await rejection(ref.send({ type: 'poison' }));
    await world.advance(10);
    const all = await told(world, 'subject/1');
    expect(all.map(shortly).slice(0, 3)).toEqual(['1', 'event poison', '2']);
    expect(all[2]).toMatchObject({ event: { type: 'poison' }, wentDown: true });
  });
});

describe('of a family', () => {
  it.each(STORES)('it tells what was refused below, in both directions, %s', async (_, make) => {
    const world = await open(actors, { store: make() });
    const ref = await world.system.start('boss', { id: '1' });
    const other = await world.system.start('boss', { id: '10' });
    const kid = world.system.get('boss/1/kid')!;
    await world.advance(10);
    await rejection(kid.send({ type: 'xstate.stop' }));
    await rejection(other.send({ type: 'heddle.mine' } as never));
    await rejection(world.system.get('boss/10/kid')!.send({ type: 'poison' }));
    await world.advance(10);
    await ref.send({ type: 'note' });
    await world.advance(10);
    await rejection(kid.send({ type: 'poison' }));
    await world.advance(10);
    await ref.send({ type: 'note' });
    await rejection(ref.send({ type: 'heddle.mine' } as never));
    await world.advance(2000);
    const after = await world.crash();
    const shown = (one: Told) => `${one.address} ${shortly(one)}`;
    const all = (await told(after, 'boss/1', { children: true })).map(shown);
    expect(all.slice(2)).toEqual([
      ...['boss/1/kid send xstate.stop', 'boss/1 2', 'boss/1/kid event poison', 'boss/1 3'],
      'boss/1 send heddle.mine',
    ]);
    const back = await told(after, 'boss/1', { children: true, reverse: true });
    expect(back.map(shown).toReversed()).toEqual(all);
    const part = await told(after, 'boss/1', { children: true, from: 2, to: 3 });
    expect(part.map(shown)).toEqual(['boss/1 2', 'boss/1/kid event poison', 'boss/1 3']);
    expect(await inShort(after, 'boss/1')).toEqual(['1', '2', '3', 'send heddle.mine']);
  });
});

describe('an address where nobody ever lived', () => {
  it('has what was refused there, and nothing else', async () => {
    const world = await open(actors);
    for (let i = 0; i < 2; i++) {
      await rejection(world.system.actor('nobody' as 'boss', '7'));
      await world.advance(2000);
    }
    for (const options of [{}, { to: 1 }, { reverse: true }, { children: true }])
      expect(await inShort(world, 'nobody/7', options)).toEqual(['start', 'start']);
    const [first, second] = await told(world, 'nobody/7');
    expect((await told(world, 'nobody/7', { reverse: true })).toReversed()).toEqual([first, second]);
    for (const options of [{ from: 2 }, { to: 0 }])
      expect(await inShort(world, 'nobody/7', options)).toEqual([]);
    const unknown = { _tag: 'UnknownActor' };
    expect(await rejection(collect(world.system.history('nobody/7')))).toMatchObject(unknown);
    expect(await rejection(told(world, 'nobody/8'))).toMatchObject(unknown);
    // Whoever was refused as nobody/7 is not below it.
    expect(await rejection(told(world, 'nobody', { children: true }))).toMatchObject(unknown);
    for (const options of [{ from: 1.5 }, { to: Number.NaN }])
      expect(await rejection(told(world, 'nobody/7', options))).toMatchObject({ _tag: 'InvalidArgument' });
  });

  it.each([
    ['with slashes and signs', 'a/b%2F %'],
    ['that moves the cursor', '\u001b[2J\u202e\n'],
    ['like a field of every object', '__proto__'],
    ['longer than what is kept', 'x'.repeat(5000)],
    ['cut in the middle of a character', `${'x'.repeat(191)}🙂🙂🙂🙂🙂`],
    ['as long as what is kept', 'x'.repeat(192)],
  ])('may have an id %s', async (_, id) => {
    const world = await open(actors);
    await rejection(world.system.start('subject', { id, input: { card: SECRET } }));
    await world.advance(10);
    const address = `subject/${id.replaceAll('%', '%25').replaceAll('/', '%2F')}`;
    expect(await inShort(world, address)).toEqual(['start']);
    expect(await collect(world.system.refusals({ address }))).toHaveLength(1);
    const ref = await world.system.start('subject', { id });
    expect(ref.address).toBe(address);
    await world.advance(10);
    await rejection(ref.send({ type: 'xstate.stop' } as never));
    const after = await world.reopen();
    for (const children of [false, true])
      expect(await inShort(after, address, { children })).toEqual(['start', '1', 'send xstate.stop']);
  });

  it.each([180, 192, 193, 194, 195, 400])('or one of %i characters with somebody below', async (length) => {
    const world = await open(actors);
    await world.system.start('boss', { id: 'x'.repeat(length) });
    const address = `boss/${'x'.repeat(length)}`;
    await world.advance(10);
    await rejection(world.system.get(`${address}/kid`)!.send({ type: 'xstate.stop' }));
    expect((await inShort(world, address, { children: true })).at(-1)).toBe('send xstate.stop');
    expect(await inShort(world, `${address}/kid`)).toEqual(['1', 'send xstate.stop']);
  });
});

it('a step that is not deterministic is told by the error of the house', async () => {
  const random = setup({}).createMachine({
    on: {
      go: {
        actions: assign(() => {
          setTimeout(() => {}, 0);
        }),
      },
    },
  });
  const world = await open({ random });
  const ref = await world.system.start('random', { id: '1' });
  await rejection(ref.send({ type: 'go' }));
  expect((await told(world, 'random/1')).at(-1)).toMatchObject({
    ...{ refused: 'event', event: 'go', code: 'HEDDLE_NONDETERMINISM' },
    message: 'its step threw a Nondeterminism',
  });
});

it('is told apart from records by types, and there is nothing else without the option', async () => {
  const { system } = await eventful();
  const some: HistoryOptions = { to: 2 };
  expectTypeOf(system.history('a/1')).toEqualTypeOf<AsyncIterable<HistoryRecord>>();
  expectTypeOf(system.history('a/1', { refusals: false })).toEqualTypeOf<AsyncIterable<HistoryRecord>>();
  expectTypeOf(system.history('a/1', { refusals: true })).toEqualTypeOf<AsyncIterable<Told>>();
  expectTypeOf(system.history('a/1', some)).toEqualTypeOf<AsyncIterable<Told>>();
  const kinds: string[] = [];
  for await (const one of system.history('subject/1', { ...some, refusals: true }))
    kinds.push(one.seq === undefined ? one.refused : one.cause.kind);
  expect(kinds).toEqual(['start', 'system', 'send', 'outside']);
});

it('errors with hostile names are refused like others, and their names are not trusted', async () => {
  class Nameless extends Error {
    override get name(): string {
      throw new Error(SECRET);
    }
  }
  for (const error of [
    new Nameless(),
    Object.assign(new Error(), { name: Symbol('s') }),
    Object.assign(new Error(), { name: { toString: 1 }, code: { toString: 1 } }),
    { toString: SECRET },
    SECRET,
  ]) {
    const fragile = setup({}).createMachine({
      context: () => {
        throw error;
      },
    });
    const sick = setup({ actions: { act: () => void 0 } }).createMachine({
      on: {
        go: {
          actions: assign(() => {
            throw error;
          }),
        },
      },
    });
    const world = await open({ fragile, sick });
    await rejection(world.system.start('fragile', { id: '1' }));
    expect(await inShort(world, 'fragile/1')).toEqual(['start']);
    const ref = await world.system.start('sick', { id: '1' });
    await rejection(ref.send({ type: 'go' }));
    const all = await told(world, 'sick/1');
    expect(all.map(shortly)).toEqual(['1', 'event go']);
    expect(all[1]).toMatchObject({ code: 'HEDDLE_STEP_FAILED' });
    expect(JSON.stringify(all)).not.toContain(SECRET);
  }
});

describe('heddle/system', () => {
  it('has what was asked of it in vain, and is unknown before anything was decided', async () => {
    const world = await open(actors);
    expect(await rejection(told(world, 'heddle/system'))).toMatchObject({ _tag: 'UnknownActor' });
    await rejection(world.system.start('nobody' as 'boss', { id: '1' }));
    await world.advance(2000);
    await rejection(world.system.actor('heddle' as 'boss', 'system'));
    await world.advance(2000);
    const all = await told(world, 'heddle/system');
    expect(all.map((one) => (one.seq === undefined ? shortly(one) : one.event.type))).toEqual([
      ...['xstate.init', 'heddle.refused', 'start', 'heddle.refused'],
    ]);
  });
});

it('a clock that is set back makes places doubtful, and loses and doubles nothing', async () => {
  const world = await open(actors);
  const ref = await world.system.start('subject', { id: '1' });
  const { now } = world.clock;
  let shift = 0;
  world.clock.now = () => now.call(world.clock) + shift;
  for (const set of [0, -5000, 3000, -9000, 0]) {
    shift = set;
    await rejection(ref.send({ type: 'xstate.stop' } as never));
    await world.advance(2000);
    await ref.send({ type: 'go' });
    await rejection(ref.send({ type: 'poison' }));
  }
  for (const options of [{}, { reverse: true }, { children: true }, { children: true, reverse: true }]) {
    const all = await inShort(world, 'subject/1', options);
    expect(all.toSorted()).toEqual([
      ...['1', '2', '3', '4', '5', '6'],
      ...Array<string>(5).fill('event poison'),
      ...Array<string>(5).fill('send xstate.stop'),
    ]);
  }
  // Letters know their record, whatever the clock says.
  const all = (await inShort(world, 'subject/1')).filter((one) => !one.startsWith('send'));
  expect(all).toEqual(['1', ...[2, 3, 4, 5, 6].flatMap((seq) => [`${seq}`, 'event poison'])]);
});
