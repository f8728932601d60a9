// The lie: "missing or invalid input is a structured error, and nothing is half done". Payloads that could not come back
// equal, addresses of nobody, types that are not ours to send, options that make no sense; then a look at the journal.
import { describe, expect, it } from 'vitest';
import { assign, fromTransition, raise, sendTo, setup } from 'xstate';
import { createSystem, durable, HeddleError } from 'heddle';
import type { ActorDefinitions, SystemOptions } from 'heddle';
import { memory } from 'heddle/storage';
import { counter } from './counter.ts';
import { lettersOf } from './dead-letter-rows.ts';
import { collect, onDisk, open, rejection } from './systems.ts';
import type { Opened } from './systems.ts';

/** What every refusal owes: a tag, a code made from it, its own heading in the docs, and a text that says how to go on. */
function expectSound(error: unknown, tag: string, says: RegExp): void {
  expect(error).toBeInstanceOf(HeddleError);
  const { _tag, code, docs, message, name } = error as HeddleError;
  expect({ _tag, name }).toEqual({ _tag: tag, name: tag });
  expect(code).toBe(`HEDDLE_${tag.replaceAll(/(?<!^)[A-Z]/g, '_$&').toUpperCase()}`);
  expect(docs).toBe(`docs/errors.md#${tag.toLowerCase()}`);
  expect(message).toMatch(says);
}

class Foreign {
  readonly field = 1;
}
class OwnError extends Error {}
class OwnArray extends Array<number> {}

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
const inUse = /a/g;
inUse.test('a');
const sparse = [1];
sparse.length = 2;

/** A list in a list in a list … */
function nested(levels: number): unknown[] {
  let outer: unknown[] = [];
  for (let level = 1; level < levels; level++) outer = [outer];
  return outer;
}

/** Values that could not come back equal: what they are, where below the value the fault lies, and what is said. */
const HOSTILE: readonly (readonly [what: string, value: unknown, path: string, says: RegExp])[] = [
  ['a function', function onDone() {}, '', /is a function \(onDone\).*name it in the code/],
  ['a function deep inside', { list: [1, { run: () => {} }] }, '.list[1].run', /is a function/],
  ['a symbol', Symbol('s'), '', /is a symbol.*use a string/],
  ['a symbol as a key', { [Symbol('s')]: 1 }, '', /symbol as a key.*use string keys/],
  ['a promise', Promise.resolve(1), '', /is a promise.*invoked actor/],
  ['an instance of a class', { it: new Foreign() }, '.it', /an instance of Foreign.*plain data/],
  ['an error of its own class', new OwnError('x'), '', /OwnError.*built-in Error/],
  ['an array of its own class', OwnArray.of(1), '', /OwnArray.*plain array/],
  ['an error that holds a function', Object.assign(new Error('x'), { f: () => {} }), '.f', /is a function/],
  ['something cyclic', cyclic, '.self', /is cyclic.*store an id/],
  ['a lone surrogate', { text: 'a\ud800' }, '.text', /lone surrogate.*repair/],
  ['a key with a lone surrogate', { 'a\ud800': 1 }, '["a\\ud800"]', /key with a lone surrogate.*repair/],
  ['an own __proto__', JSON.parse('{"in":{"__proto__":1}}'), '.in', /__proto__.*rename/],
  ['a hole', sparse, '[1]', /hole in a sparse array.*fill it/],
  ['an array with a field', 'ab'.match(/b/), '.index', /field of its own/],
  ['a pattern in use', inUse, '', /lastIndex is not 0/],
  ['a weak map', { 'odd key': new WeakMap() }, '["odd key"]', /an instance of WeakMap/],
  ['a map with a function', new Map([['k', () => {}]]), '<k>', /is a function/],
  ['a set with a symbol', new Set([1, Symbol('s')]), '[1]', /is a symbol/],
  ['a foreign prototype', Object.create({ a: 1 }), '', /so it could not come back equal/],
];

interface Holding {
  readonly held: unknown;
}

/** Keeps what it is born with and what it is given, and gives it away at its end. */
const keeper = setup({
  types: {
    context: {} as Holding & { n: number },
    input: {} as Holding | undefined,
    events: {} as
      { type: 'keep'; what: unknown } | { type: 'make'; n: number } | { type: 'end' } | { type: 'later' },
    output: {},
  },
  actors: { pupil: fromTransition((state: number) => state, 0) },
}).createMachine({
  context: ({ input }) => ({ held: input?.held, n: 0 }),
  initial: 'on',
  states: {
    on: {
      on: {
        keep: { actions: assign({ held: ({ event }) => event.what }) },
        // What a step makes up itself is told from what it was sent: it is named by its place in the context.
        make: { actions: assign({ held: ({ event }) => HOSTILE[event.n]![1], n: 1 }) },
        end: 'off',
      },
    },
    off: { type: 'final' },
  },
  output: () => HOSTILE[0]![1],
});

/** That nothing has happened to the actor since it was born. */
async function expectUntouched<T extends ActorDefinitions>(
  opened: Opened<T>,
  address: string,
): Promise<void> {
  const { system } = opened;
  expect(await collect(system.history(address))).toHaveLength(1);
  expect(await system.replay(address)).toMatchObject({ same: true, records: 1 });
  expect(await system.verify()).toMatchObject({ records: 1, broken: [] });
}

describe('a value that could not come back equal is refused with its path', () => {
  it.each(HOSTILE)('in an event: %s', async (_, what, path, says) => {
    const opened = await open({ keeper });
    const ref = await opened.system.actor('keeper', '1');
    const error = await rejection(ref.send({ type: 'keep', what }));
    expectSound(error, 'NotSerialisable', says);
    expect(error).toMatchObject({ path: `event.what${path}`, retryable: false });
    expect(error.message).toContain(`event.what${path} `);
    await expectUntouched(opened, 'keeper/1');
    expect(ref.getSnapshot().context.held).toBeUndefined();
  });

  it.each(HOSTILE)('in the input: %s', async (_, held, path, says) => {
    const opened = await open({ keeper });
    const error = await rejection(opened.system.start('keeper', { id: '1', input: { held } }));
    expectSound(error, 'NotSerialisable', says);
    expect(error).toMatchObject({ path: `event.input.held${path}` });
    expect(await opened.system.verify()).toMatchObject({ records: 0, actors: 0 });
  });

  it.each(HOSTILE)('in the context: %s', async (_, value, path, says) => {
    const n = HOSTILE.findIndex(([, hostile]) => hostile === value);
    const opened = await open({ keeper });
    const ref = await opened.system.actor('keeper', '1');
    const error = await rejection(ref.send({ type: 'make', n }));
    // Making a promise breaks a rule of its own, but this one was made before.
    expectSound(error, 'NotSerialisable', says);
    expect(error).toMatchObject({ path: `context.held${path}` });
    // Of the two fields that the step has assigned neither is kept.
    expect(ref.getSnapshot().context).toEqual({ held: undefined, n: 0 });
    await expectUntouched(opened, 'keeper/1');
  });

  it('in the first context: the actor was never there', async () => {
    const born = setup({ types: { context: {} as { f: unknown } } }).createMachine({
      context: () => ({ f: () => {} }),
    });
    const opened = await open({ born });
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await rejection(opened.system.actor('born', '1'));
      expectSound(error, 'NotSerialisable', /context\.f is a function/);
    }
    expect(opened.system.get('born/1')).toBeUndefined();
    expect(await opened.system.verify()).toMatchObject({ records: 0, actors: 0 });
    expect((await opened.reopen()).system.get('born/1')).toBeUndefined();
  });

  it('in the output: the actor does not end', async () => {
    const opened = await open({ keeper });
    const ref = await opened.system.actor('keeper', '1');
    const error = await rejection(ref.send({ type: 'end' }));
    expectSound(error, 'NotSerialisable', /^output is a function \(onDone\)/);
    expect(ref.getSnapshot()).toMatchObject({ status: 'active', value: 'on' });
    await expectUntouched(opened, 'keeper/1');
    await ref.send({ type: 'keep', what: 'still here' });
  });

  it('in what a step sends, spawns with, or sets for later: nothing else of the step is done', async () => {
    const sender = setup({
      types: { events: {} as { type: 'send' | 'spawn' | 'later' } },
      actors: { pupil: fromTransition((state: number) => state, 0) },
    }).createMachine({
      invoke: { src: 'pupil', id: 'pupil' },
      on: {
        send: {
          actions: [sendTo('pupil', { type: 'fine' }), sendTo('pupil', { type: 'bad', f: () => {} })],
        },
        spawn: {
          actions: assign(({ spawn }) => void spawn('pupil', { id: 'new', input: { f: () => {} } })),
        },
        later: { actions: sendTo('pupil', { type: 'bad', f: () => {} }, { delay: 10 }) },
      },
    });
    const opened = await open({ sender });
    const ref = await opened.system.actor('sender', '1');
    for (const [type, path] of [
      ['send', 'event.f'],
      ['spawn', 'event.input.f'],
      ['later', 'event.f'],
    ] as const) {
      const error = await rejection(ref.send({ type }));
      expectSound(error, 'NotSerialisable', /is a function/);
      expect(error).toMatchObject({ path });
    }
    await opened.advance(100);
    expect(Object.keys(ref.getSnapshot().children)).toEqual(['pupil']);
    expect(opened.system.get('sender/1/new')).toBeUndefined();
    for (const address of ['sender/1', 'sender/1/pupil']) {
      expect(await collect(opened.system.history(address))).toHaveLength(1);
    }
    expect((await lettersOf(opened)).map(({ event }) => event!.type)).toEqual(['send', 'spawn', 'later']);
  });

  it('in the id of a timer: the actor would be refused at the next opening', async () => {
    const setter = setup({ types: { events: {} as { type: 'set' } } }).createMachine({
      on: { set: { actions: raise({ type: 'set' }, { delay: 10, id: (() => 'a') as never }) } },
    });
    const opened = await open({ setter });
    const ref = await opened.system.actor('setter', '1');
    await ref.send({ type: 'set' }).catch(() => {});
    expect((await opened.crash()).system.get('setter/1')!.getSnapshot().status).toBe('active');
  });

  it('at whatever depth, and beyond a bound for its depth alone', async () => {
    const { system } = await open({ keeper });
    const ref = await system.actor('keeper', '1');
    const error = await rejection(ref.send({ type: 'keep', what: nested(200) }));
    expectSound(error, 'NotSerialisable', /is nested deeper than 128 levels.*flatten the data/);
    expect(error).toMatchObject({ path: `event.what${'[0]'.repeat(128)}` });
    await ref.send({ type: 'keep', what: nested(100) });
    expect(ref.getSnapshot().context.held).toEqual(nested(100));
  });

  it('before it is accepted, and not only when a checkpoint is taken', async () => {
    const opened = await open({ keeper: durable(keeper, { checkpointEvery: 1 }) });
    const ref = await opened.system.actor('keeper', '1');
    await ref.send({ type: 'keep', what: nested(128) }).catch(() => {});
    await opened.settle();
    expect(opened.troubles).toEqual([]);
  });

  it('and an actor that was refused for its input may be started with a better one', async () => {
    const { system } = await open({ keeper });
    await rejection(system.start('keeper', { id: '1', input: { held: () => {} } }));
    expect(system.get('keeper/1')).toBeUndefined();
    await system.start('keeper', { id: '1', input: { held: 'data' } });
  });

  it('also when looking at it throws', async () => {
    const opened = await open({ keeper });
    const ref = await opened.system.actor('keeper', '1');
    const trap = {
      get it(): unknown {
        throw new Error('do not look');
      },
    };
    const error = await rejection(ref.send({ type: 'keep', what: trap }));
    expectSound(error, 'NotSerialisable', /^event.*do not look/);
    await expectUntouched(opened, 'keeper/1');
  });
});

describe('an event', () => {
  it.each([
    ['a text', 'GO', 'event', /but is string/],
    ['a number', 7, 'event', /but is number/],
    ['null', null, 'event', /but is null/],
    ['nothing', undefined, 'event', /but is undefined/],
    ['a function', () => {}, 'event', /but is function/],
    ['a list', [], 'event.type', /but is undefined/],
    ['without a type', { by: 1 }, 'event.type', /but is undefined/],
    ['with a number for a type', { type: 7 }, 'event.type', /but is number/],
    ['with an inherited type', Object.create({ type: 'add' }), 'event.type', /but is undefined/],
  ])('that is %s is refused', async (_, event, path, says) => {
    const opened = await open({ counter });
    const ref = await opened.system.actor('counter', '1');
    const error = await rejection(ref.send(event as never));
    expectSound(error, 'InvalidArgument', says);
    expect(error).toMatchObject({ path });
    await expectUntouched(opened, 'counter/1');
  });

  it.each([
    'xstate.init',
    'xstate.stop',
    'xstate.done.actor.child',
    'xstate.done.state.counter.finished',
    'xstate.error',
    'xstate.error.actor.child',
    'xstate.snapshot.child',
    'xstate.after.10.counter',
    'xstate.promise.resolve',
    'xstate.observable.next',
    'heddle.process.failed',
    'heddle.attempt.due',
    'heddle.anything',
  ])('of the reserved type %s is refused', async (type) => {
    const opened = await open({ counter });
    const ref = await opened.system.actor('counter', '1');
    const error = await rejection(ref.send({ type } as never));
    expectSound(error, 'InvalidArgument', /is reserved: use a type of your own/);
    expect(error).toMatchObject({ path: 'event.type', message: expect.stringContaining(type) as string });
    await expectUntouched(opened, 'counter/1');
    expect(ref.getSnapshot().status).toBe('active');
  });

  it.each(['xstate', 'heddle', 'hello', 'xstates.init', 'x', 'heddles.own', 'constructor', '__proto__', ''])(
    "of the type '%s' is nobody's but its sender's",
    async (type) => {
      const { system } = await open({ counter });
      const ref = await system.actor('counter', '1');
      expect((await ref.send({ type } as never)).seq).toBe(2);
    },
  );
});

describe('an actor', () => {
  it('of an unknown name is refused, with the names there are', async () => {
    const opened = await open({ counter, keeper });
    for (const name of ['conter', '__proto__', 'toString', 'counter/1']) {
      for (const asked of [
        opened.system.actor(name as 'counter', '1'),
        opened.system.start(name as 'counter', { id: '1' }),
      ]) {
        const error = await rejection(asked);
        expectSound(
          error,
          'UnknownActor',
          /is not among createSystem\(\{ actors \}\); there are counter, keeper$/,
        );
        expect(error.message).toContain(`'${name}'`);
      }
    }
    expect(await opened.system.verify()).toMatchObject({ records: 0, actors: 0 });
  });

  it.each([
    ['empty', '', /must not be empty/],
    ['a number', 7, /but is a number/],
    ['null', null, /but is null/],
    ['a lone surrogate', 'a\ud800', /lone surrogate/],
  ])('whose id is %s is refused', async (_, id, says) => {
    const opened = await open({ counter });
    for (const asked of [
      opened.system.actor('counter', id as string),
      opened.system.start('counter', { id: id as string }),
    ]) {
      const error = await rejection(asked);
      expectSound(error, 'InvalidArgument', says);
      expect(error).toMatchObject({ path: 'id' });
    }
    expect(await opened.system.verify()).toMatchObject({ records: 0, actors: 0 });
  });

  it('at an address of nobody is not made up', async () => {
    const { system } = await open({ counter });
    await system.actor('counter', '1');
    for (const address of ['counter/2', 'counter/1/child', 'counter', 'nobody/1', '', '/', 'counter/']) {
      expect(system.get(address)).toBeUndefined();
      for (const asked of [
        system.stop(address),
        system.replay(address),
        collect(system.history(address)),
      ] as Promise<unknown>[]) {
        const error = await rejection(asked);
        expectSound(error, 'UnknownActor', /nobody ever lived there/);
        expect(error).toMatchObject({ address });
      }
    }
    expect(await system.verify()).toMatchObject({ actors: 1, records: 1 });
  });

  it('that lives is not started twice, and not touched by the attempt', async () => {
    const opened = await open({ counter });
    await opened.system.actor('counter', '1');
    const error = await rejection(opened.system.start('counter', { id: '1' }));
    expectSound(error, 'ActorExists', /exists already \(active\); join it with onConflict: 'join'/);
    expect(error).toMatchObject({ address: 'counter/1', status: 'active' });
    await expectUntouched(opened, 'counter/1');
    const joined = await opened.system.start('counter', { id: '1', onConflict: 'join' });
    expect(joined.address).toBe('counter/1');
  });

  it('is not joined by an unknown answer to a conflict', async () => {
    const { system } = await open({ counter });
    await system.actor('counter', '1');
    const started = system.start('counter', { id: '1', onConflict: 'replace' as 'join' });
    expectSound(await rejection(started), 'InvalidArgument', /onConflict.*'refuse'.*'join'/);
  });

  it.each([
    ['done', (opened: Opened<{ counter: typeof counter }>) => finish(opened)],
    ['stopped', (opened: Opened<{ counter: typeof counter }>) => opened.system.stop('counter/1')],
  ])('that is %s takes nothing, today and after an opening', async (status, bringAbout) => {
    let opened = await open({ counter });
    await opened.system.actor('counter', '1');
    await bringAbout(opened);
    for (const again of [false, true]) {
      if (again) opened = await opened.reopen();
      const ref = await opened.system.actor('counter', '1');
      const error = await rejection(ref.send({ type: 'add', by: 1 }));
      expectSound(
        error,
        'ActorEnded',
        new RegExp(`^counter/1 is ${status} and takes no more.*start another`),
      );
      expect(error).toMatchObject({ address: 'counter/1', status, retryable: false });
      const second = await rejection(opened.system.start('counter', { id: '1' }));
      expectSound(second, 'ActorExists', /its life is over; use another id/);
      expect(await collect(opened.system.history('counter/1'))).toHaveLength(2);
    }
  });

  it('that is a child is not stopped from outside', async () => {
    const parent = setup({ actors: { counter } }).createMachine({ invoke: { src: 'counter', id: 'kid' } });
    const { system } = await open({ parent });
    await system.actor('parent', '1');
    const error = await rejection(system.stop('parent/1/kid'));
    expectSound(error, 'InvalidArgument', /parent\/1\/kid.*stop its root actor/);
    expect(system.get('parent/1/kid')!.getSnapshot().status).toBe('active');
  });
});

async function finish({ system }: Opened<{ counter: typeof counter }>): Promise<void> {
  await system.get('counter/1')!.send({ type: 'finish' });
}

describe('a closed system', () => {
  it('refuses everything, and points to createSystem', async () => {
    const opened = await open({ counter });
    const { system } = opened;
    const ref = await system.actor('counter', '1');
    await system.close();
    const asked: Promise<unknown>[] = [
      ref.send({ type: 'add', by: 1 }),
      system.actor('counter', '1'),
      system.actor('counter', '2'),
      system.start('counter'),
      system.stop('counter/1'),
      system.replay('counter/1'),
      system.verify(),
      collect(system.history('counter/1')),
    ];
    for (const one of asked)
      expectSound(await rejection(one), 'SystemClosed', /open it again with createSystem/);
    expect(() => system.get('counter/1')).toThrow(/open it again with createSystem/);
    await expectUntouched(await opened.reopen(), 'counter/1');
  });
});

type Options = SystemOptions<{ counter: typeof counter }>;

describe('options', () => {
  it.each([
    ['no store', { store: undefined }, 'store', /leveldb\('\.\/data'\) or memory\(\)/],
    ['a folder for a store', { store: './data' }, 'store', /leveldb\('\.\/data'\) or memory\(\)/],
    ['no actors', { actors: undefined }, 'actors', /an object of logic by name/],
    ['an actor without a name', { actors: { '': counter } }, 'actors[""]', /must not be empty/],
    ['a slash in a name', { actors: { 'a/b': counter } }, 'actors["a/b"]', /or hold a slash/],
    ['a number for an actor', { actors: { it: 42 } }, 'actors.it', /neither actor logic nor a store/],
    ['an object for an actor', { actors: { it: {} } }, 'actors.it', /neither actor logic nor a store/],
    [
      'no room in the mailbox',
      { mailbox: { capacity: 0 } },
      'mailbox.capacity',
      /positive integer, but is 0/,
    ],
    ['half a place in it', { mailbox: { capacity: 1.5 } }, 'mailbox.capacity', /but is 1\.5/],
    ['a text for it', { mailbox: { capacity: '9' } }, 'mailbox.capacity', /but is "9"/],
    ['a time in words', { passivateAfter: 'soon' }, 'passivateAfter', /"soon"; write '10 seconds'/],
    ['a time that is over', { passivateAfter: -1 }, 'passivateAfter', /-1/],
  ])('with %s are refused, and the store stays as it was', async (_, wrong, path, says) => {
    const store = onDisk();
    const error = await rejection(createSystem({ store, actors: { counter }, ...wrong } as Options));
    expectSound(error, 'InvalidArgument', says);
    expect(error).toMatchObject({ path });
    // Nothing was opened: it is free, and empty.
    const { system } = await open({ counter }, { store });
    expect(await system.verify()).toMatchObject({ records: 0, actors: 0 });
  });

  it.each([0, -1, 'many'])('with a bound of %s microsteps are refused', async (maxMicrosteps) => {
    const options = { store: memory(), actors: { counter }, maxMicrosteps: maxMicrosteps as number };
    const error = await rejection(createSystem(options).then((system) => system.close()));
    expectSound(error, 'InvalidArgument', /maxMicrosteps/);
  });

  it('that are missing are refused', async () => {
    expectSound(
      await rejection(createSystem(undefined as unknown as Options)),
      'InvalidArgument',
      /createSystem/,
    );
  });

  it.each([
    ['poison', { poison: 'explode' }, /'resume', 'fail' or 'escalate'/],
    ['checkpointEvery', { checkpointEvery: 0 }, /positive integer/],
    ['checkpointEvery', { checkpointEvery: 2.5 }, /positive integer/],
    ['passivateAfter', { passivateAfter: 'never ever' }, /is not a duration/],
    ['timeout', { timeout: -5 }, /-5/],
  ])('of durable() with a wrong %s are refused at once', (name, spec, says) => {
    let thrown: unknown;
    try {
      durable(counter, spec as never);
    } catch (error) {
      thrown = error;
    }
    expectSound(thrown, 'InvalidArgument', says);
    expect(thrown).toMatchObject({ path: `spec.${name}` });
  });

  it.each([{ from: 'first' }, { from: Number.NaN }, { to: Number.NaN }, { from: 1.5 }])(
    'of history that are no record numbers are refused: %j',
    async (options) => {
      const { system } = await open({ counter });
      await system.actor('counter', '1');
      const told = collect(system.history('counter/1', options as { from: number }));
      expectSound(await rejection(told), 'InvalidArgument', /from|to/);
    },
  );
});
