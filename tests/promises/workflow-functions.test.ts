// The lie: "a function of a workflow can do nothing but give a value". Functions that give what cannot be kept, that change what they are
// given, and that answer a condition with something that only looks like an answer: each fails its node, with its place, and nothing else.
import { branch, call, extend, gate, loop, map, strategies, task, workflow } from 'heddle/actors';
import { describe, expect, it } from 'vitest';
import { fromPromise } from 'xstate';
import { doing, World } from './staffed-world.ts';

type Tasks = Readonly<Record<string, unknown>>;

const echo = doing('echo', ({ input }) => input);
const fails = doing('fails', () => {
  throw new Error('no');
});
const undone: unknown[] = [];
const undo = doing('undo', ({ input }) => {
  undone.push(input);
  return {};
});
const strategy = extend(strategies.standard, {
  name: 'at once',
  rows: { crash: [{ do: 'fail' }], 'factually-wrong': [{ do: 'fail' }] },
});

/** A run of some tasks, as far as it comes by itself. */
async function ran(tasks: Tasks, more: object = {}, input: object = {}): Promise<World> {
  const flow = workflow({ id: 'flow', strategy, tasks, ...more } as never);
  const world = await World.open({ actors: { flow, echo, fails, undo } as never });
  await world.start('flow', '1', input);
  await world.advance(60_000);
  return world;
}

const problemOf = (world: World, node: string): unknown =>
  world.snapshot('flow/1').context.nodes[node].problem;

const a = task({ agent: 'echo', input: () => ({ text: 'abc😀', list: [0], name: '__proto__' }) });
const body = task({ agent: 'echo' });

class Thing {
  readonly x = 1;
}

describe('what a function gives must be such that it can be kept', () => {
  it.each<[string, object, string, string]>([
    [
      'half a character in an input',
      task({ needs: ['a'], agent: 'echo', input: ({ a: { text } }) => ({ part: { of: text.slice(0, 4) } }) }),
      '#/part/of',
      'is a string with a lone surrogate',
    ],
    [
      'a part of an input',
      task({ needs: ['a'], agent: 'echo', input: { when: () => [1, () => 1] } }),
      '#/when/1',
      'is a function',
    ],
    ['an instance of a class', task({ agent: 'echo', input: () => ({ it: new Thing() }) }), '#/it', 'Thing'],
    [
      'a name from outside as a key',
      map({
        needs: ['a'],
        over: ({ a: { name } }) => [name],
        item: (name) => ({ name }),
        each: body,
        reduce: (outputs) => Object.fromEntries(outputs.map((one) => [one.name, one])),
      }),
      '#',
      'rename the key',
    ],
    ['the items of a list', map({ over: () => [new Thing()], each: body }), '#/0', 'Thing'],
    [
      'what is made of an item',
      map({ over: () => [1], item: () => ({ at: Symbol('x') }), each: body }),
      '#/at',
      'is a symbol',
    ],
    [
      'what the next time is given',
      loop({ body, input: () => ({}), until: () => false, next: () => ({ d: new Thing() }), times: 2 }),
      '#/d',
      'Thing',
    ],
    [
      'what is written',
      task({ agent: 'echo', input: () => ({}), writes: { s: () => ({ c: new Thing() }) } }),
      '#/c',
      'Thing',
    ],
  ])('%s', async (_, node, pointer, detail) => {
    const world = await ran({ a, b: node }, { shared: { s: {} } });
    expect(world.snapshot('flow/1').status).toBe('error');
    expect(problemOf(world, 'b')).toMatchObject({
      class: expect.stringMatching(/^invalid-(input|output)$/) as string,
      problems: [{ pointer, detail: expect.stringContaining(detail) as string }],
    });
  });

  it.each([
    [
      'that comes later',
      async () => ({}),
      {
        message: expect.stringContaining('a promise (an async function, or await) is not allowed') as string,
      },
    ],
    [
      'with a part that cannot',
      () => ({ deep: [{ fn: () => 1 }] }),
      { problems: [{ pointer: '#/deep/0/fn', detail: expect.stringContaining('a function') as string }] },
    ],
  ])('an output of a run %s', async (_, output, more) => {
    const problem = { class: 'invalid-output', ...more };
    const root = await ran({ a }, { output });
    expect(root.snapshot('flow/1')).toMatchObject({ status: 'error', error: problem });
    const inner = workflow({ id: 'inner', tasks: { a }, output });
    const nested = await ran({ c: call({ workflow: inner, onError: 'absent' }) });
    expect(nested.snapshot('flow/1').status).toBe('done');
    expect(problemOf(nested, 'c')).toMatchObject(problem);
  });

  it('what it takes to undo something: that is told, and nobody is asked to undo it with nothing', async () => {
    undone.length = 0;
    const compensate = { agent: 'undo', input: () => ({ thing: new Thing() }) };
    const world = await ran({
      a,
      b: task({ agent: 'echo', needs: ['a'], compensate }),
      c: task({ agent: 'fails', needs: ['b'], onError: 'compensate' }),
    });
    expect(undone).toEqual([]);
    expect(world.snapshot('flow/1').error).toMatchObject({
      node: 'c',
      uncompensated: [{ node: 'b', problem: { class: 'invalid-input', problems: [{ pointer: '#/thing' }] } }],
    });
  });

  it('also what it says when it throws', async () => {
    const world = await ran({
      a: task({
        agent: 'echo',
        input: () => {
          throw Object.assign(new Error('abc😀'.slice(0, 4)), { problems: [() => 1] });
        },
      }),
    });
    expect(problemOf(world, 'a')).toEqual({
      class: 'invalid-input',
      message: 'its input cannot be made: Error: abc\uFFFD',
    });
  });

  it.each<[string, () => unknown, string]>([
    ['nothing at all', () => undefined, 'it is undefined'],
    ['what only a store takes', () => ({ due: { at: new Date(0) } }), '/due/at is an instance of a class'],
    ['more than anybody reads', () => 'x'.repeat(1_100_000), 'must not be longer than'],
  ])('what people are to look at: %s', async (_, input, words) => {
    const world = await ran({ b: gate({ role: 'editor', input }) });
    expect(problemOf(world, 'b')).toEqual({
      class: 'invalid-input',
      message: expect.stringContaining(words) as string,
    });
    expect(await world.system.replay('flow/1')).toMatchObject({ same: true });
  });

  it('and what a store takes can be given', async () => {
    const through = fromPromise(({ input }) => Promise.resolve(input));
    const given = () => ({ at: new Date(0), all: new Map([['x', 1n]]), nothing: undefined });
    const world = await ran({ a: call({ workflow: through, input: given }) });
    expect(world.snapshot('flow/1').output).toEqual(given());
  });
});

describe('a function must do nothing but give a value', () => {
  let later = 0;
  const reaching: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['an async function', async () => (await Promise.resolve(), later++, {}), /a promise/],
    ['an async function that fails', () => Promise.reject(new Error('x')), /a promise/],
    ['a timer', () => setTimeout(() => later++, 0), /setTimeout is not allowed/],
    [
      'a call that it keeps to itself',
      () => {
        try {
          void fetch('http://127.0.0.1:9/');
        } catch {
          return {};
        }
        return undefined;
      },
      /fetch is not allowed/,
    ],
  ];

  it.each(reaching)('%s', async (_, reach, message) => {
    const flow = workflow({
      id: 'flow',
      tasks: {
        a: task({ agent: 'echo' }),
        b: task({ needs: ['a'], agent: 'echo', input: reach, onError: 'absent' }),
        c: task({ needs: ['b'], agent: 'echo', input: () => ({ at: Date.now(), by: Math.random() }) }),
      },
    });
    const world = await World.open({ actors: { flow, echo } });
    await world.start('flow', '1');
    await world.settle();
    const told = world.snapshot('flow/1');
    expect(told.status).toBe('done');
    expect(told.context.nodes.b.problem).toMatchObject({
      class: 'invalid-input',
      message: expect.stringMatching(message) as string,
    });
    expect(await world.system.replay('flow/1')).toMatchObject({ same: true });
    await world.crash();
    expect(world.snapshot('flow/1').context).toEqual(told.context);
  });

  it('and one that is not what it was is none that has failed', async () => {
    let draws = 0;
    const flow = workflow({
      id: 'flow',
      tasks: { a: task({ agent: 'echo', input: () => ({ n: draws++ === 0 ? 1 : Math.random() }) }) },
    });
    const world = await World.open({ actors: { flow, echo } });
    await world.start('flow', '1');
    expect(await world.system.replay('flow/1')).toMatchObject({
      same: false,
      difference: { seq: 1, today: 'it uses Math.random' },
    });
  });
});

describe('what a function is given cannot be changed by it', () => {
  /** Changes everything that can be reached. */
  const change = (...given: readonly unknown[]): void => {
    for (const one of given) {
      if (typeof one !== 'object' || one === null) continue;
      change(...Object.values(one));
      if (Array.isArray(one)) one.push('changed');
      else Object.assign(one, { changed: true });
    }
  };
  const changing =
    <T>(value: T) =>
    (...given: readonly unknown[]): T => {
      change(...given);
      return value;
    };
  const kept = { list: [0], deep: { er: [1] } };
  const source = task({ agent: 'echo', input: () => kept, writes: { s: '/deep' } });
  const undoing = { agent: 'undo', input: changing({}) };

  it.each<[string, object]>([
    ['the input of a task', task({ needs: ['a'], agent: 'echo', input: changing({}) })],
    ['a part of it', task({ needs: ['a'], agent: 'echo', input: { x: changing(1) } })],
    ['a condition', task({ needs: ['a'], agent: 'echo', when: changing(true) })],
    ['an arm', branch({ needs: ['a'], arms: { x: changing(true) }, otherwise: 'fail' })],
    ['the items', map({ needs: ['a'], over: changing([1]), each: body })],
    ['what is made of an item', map({ needs: ['a'], over: () => [kept], item: changing({}), each: body })],
    [
      'what becomes of their outputs',
      map({ needs: ['a'], over: () => [kept], each: body, reduce: changing({}) }),
    ],
    ['whether it is enough', loop({ needs: ['a'], body, times: 2, until: changing(true) })],
    ['the next time', loop({ needs: ['a'], body, times: 2, until: () => false, next: changing({}) })],
    ['what is written', task({ needs: ['a'], agent: 'echo', writes: { t: changing(1) } })],
  ])('%s', async (_, node) => {
    const world = await ran(
      {
        a: source,
        b: node,
        c: task({ needs: ['a'], agent: 'echo' }),
      },
      { shared: { s: {}, t: {} } },
      { of: ['run'] },
    );
    const { context } = world.snapshot('flow/1');
    expect(context.nodes.b).toMatchObject({
      status: 'failed',
      problem: { message: expect.stringContaining('TypeError') as string },
    });
    expect([context.input, context.shared.s, context.nodes.a.output]).toEqual([
      { of: ['run'] },
      kept.deep,
      kept,
    ]);
  });

  it('what it takes to undo something, and what the run comes to', async () => {
    const world = await ran(
      {
        a: { ...source, options: { ...source.options, compensate: undoing } },
        b: task({ needs: ['a'], agent: 'fails', onError: 'compensate' }),
      },
      { shared: { s: {} } },
    );
    expect(world.snapshot('flow/1').error).toMatchObject({ uncompensated: [{ node: 'a' }] });
    expect(world.snapshot('flow/1').context.nodes.a.output).toEqual(kept);
    const other = await ran({ a: source }, { shared: { s: {} }, output: changing({}) });
    expect(other.snapshot('flow/1').error).toMatchObject({ class: 'invalid-output' });
    expect(other.snapshot('flow/1').context.nodes.a.output).toEqual(kept);
  });

  it('also when it was read from the disk', async () => {
    const world = await World.open({
      actors: {
        flow: workflow({
          id: 'flow',
          tasks: {
            a: source,
            g: task({ needs: ['a'], agent: 'slow' }),
            b: task({ needs: ['a', 'g'], agent: 'echo', input: changing({}), onError: 'absent' }),
          },
          shared: { s: {} },
        }),
        echo,
        slow: doing('slow', () => new Promise((resolve) => world.clock.after(1000, () => resolve({})))),
      },
    });
    await world.start('flow', '1', { of: ['run'] });
    await world.crash();
    await world.advance(60_000);
    const { context, status } = world.snapshot('flow/1');
    expect([status, context.nodes.b.status]).toEqual(['done', 'failed']);
    expect([context.input, context.shared.s, context.nodes.a.output]).toEqual([
      { of: ['run'] },
      kept.deep,
      kept,
    ]);
  });

  it('nor what cannot be frozen: that is a copy', async () => {
    const through = fromPromise(({ input }) => Promise.resolve(input));
    const given = () => ({ at: new Date(0), all: new Map([['x', 1]]), bytes: new Uint8Array([1]) });
    const world = await ran({
      a: call({ workflow: through, input: given }),
      b: task({
        needs: ['a'],
        agent: 'echo',
        input: ({ a: { at, all, bytes } }) => {
          at.setFullYear(1999);
          all.clear();
          bytes.fill(7);
          return {};
        },
      }),
    });
    expect(world.snapshot('flow/1').status).toBe('done');
    expect(world.snapshot('flow/1').context.nodes.a.output).toEqual(given());
  });

  it('verifiers, nor those who say what is estimated and told of the work', async () => {
    const seen: unknown[] = [];
    const careless = {
      name: 'careless',
      version: 1,
      check: ({ output }: { output: object }) => {
        change(output);
        return { ok: true } as const;
      },
    };
    const looking = {
      ...careless,
      name: 'looking',
      check: ({ output }: { output: object }) => {
        seen.push(structuredClone(output));
        return { ok: true } as const;
      },
    };
    const world = await ran({
      a: task({ agent: 'echo', input: () => kept, verify: [careless, looking], about: changing({}) }),
    });
    expect(seen).toEqual([]);
    expect(problemOf(world, 'a')).toMatchObject({ class: 'not-permitted' });
    const other = await ran({ a: task({ agent: 'echo', input: () => kept, verify: [careless, looking] }) });
    expect(seen[0]).toEqual(kept);
    expect(JSON.stringify(problemOf(other, 'a'))).toMatch(/could not be checked/);
  });
});

describe('a condition is answered with true or false', () => {
  it.each<[string, object]>([
    ['an arm', branch({ arms: { yes: (() => 'no') as never, no: () => true }, otherwise: 'no' })],
    ['an arm that says nothing', branch({ arms: { yes: (() => {}) as never }, otherwise: 'yes' })],
    ['whether it is enough', loop({ body, input: () => ({}), until: (() => 'no') as never, times: 3 })],
    [
      'one that comes later',
      loop({ body, input: () => ({}), until: (async () => false) as never, times: 3 }),
    ],
    ['whether it is done', task({ agent: 'echo', input: () => ({}), when: (() => 1) as never })],
  ])('%s', async (_, node) => {
    const world = await ran({ b: node });
    expect(problemOf(world, 'b')).toMatchObject({
      class: 'invalid-input',
      message: expect.stringMatching(
        /(gives (a string|undefined|a number), which is neither true nor false$)|a promise/,
      ) as string,
    });
  });

  it('and arms behind the first that holds are not asked', async () => {
    const never = () => {
      throw new Error('asked');
    };
    const arms = { no: () => false, yes: () => true, never };
    const world = await ran({ b: branch({ arms, otherwise: 'fail' }) });
    expect(world.snapshot('flow/1').context.nodes.b).toMatchObject({ status: 'complete', arm: 'yes' });
  });
});

describe('work whose output cannot be written', () => {
  it('has failed, and is undone like all that was done', async () => {
    undone.length = 0;
    const compensate = { agent: 'undo', input: (output: object) => ({ output }) };
    const world = await ran(
      {
        a: task({ agent: 'echo', input: () => ({ x: 1 }), compensate }),
        b: task({
          needs: ['a'],
          ...{ agent: 'echo', input: () => ({ x: 2 }), compensate },
          ...{ writes: { s: '/nothing' }, onError: 'compensate' },
        }),
      },
      { shared: { s: {} } },
    );
    expect(undone).toEqual([{ output: { x: 2 } }, { output: { x: 1 } }]);
    const { context, error } = world.snapshot('flow/1');
    expect(error).toMatchObject({ class: 'invalid-output', node: 'b' });
    expect([context.nodes.a.status, context.nodes.b.status]).toEqual(['compensated', 'compensated']);
  });

  it('also by somebody who ends the run later', async () => {
    undone.length = 0;
    const hangs = doing('hangs', () => new Promise<never>(() => {}));
    const compensate = { agent: 'undo', input: () => ({ undone: 'a' }) };
    const flow = workflow({
      id: 'flow',
      tasks: {
        a: task({ agent: 'echo', compensate, writes: { s: '/nothing' }, onError: 'absent' }),
        b: task({ needs: ['a'], agent: 'hangs', input: () => ({}) }),
      },
      shared: { s: {} },
    });
    const world = await World.open({ actors: { flow, echo, undo, hangs } });
    await world.start('flow', '1');
    await world.crash();
    await world.tell('flow/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
    await world.advance(60_000);
    expect(undone).toEqual([{ undone: 'a' }]);
    expect(world.snapshot('flow/1').context.nodes.a.status).toBe('compensated');
  });
});

describe('what a workflow within another is given', () => {
  const inputSchema = {
    type: 'object',
    properties: { topic: { type: 'string' } },
    required: ['topic'],
  } as const;
  const inner = workflow({ id: 'inner', inputSchema, tasks: { a: body } });
  const wrong = { class: 'invalid-input', problems: [{ pointer: '#/topic' }] };

  it.each<[string, object]>([
    ['by a call', call({ workflow: inner, input: () => ({ topic: 5 }), onError: 'absent' })],
    ['the first time', loop({ body: inner, input: () => ({ topic: 5 }), until: () => true, times: 2 })],
    [
      'the next time',
      loop({
        ...{ body: inner, input: () => ({ topic: 'x' }), until: () => false, times: 2 },
        next: () => ({ topic: 5 }),
      }),
    ],
    ['for an item', map({ over: () => [{ topic: 'x' }, { topic: 5 }], each: inner })],
  ])('is held against its schema: %s', async (_, node) => {
    expect(problemOf(await ran({ b: node }), 'b')).toMatchObject(wrong);
  });

  it('collect: an item whose input cannot be made is told like any other that fails', async () => {
    const over = () => [{ topic: 'x' }, { topic: 5 }, null, { topic: 'y' }];
    const item = (one: { topic: unknown }) => ({ topic: one.topic });
    const world = await ran({
      b: map({ over, item, each: inner, onItemError: 'collect', concurrency: 1 }),
    });
    expect(world.snapshot('flow/1').output).toMatchObject([
      { status: 'complete', output: { topic: 'x' } },
      { status: 'failed', problem: wrong },
      { status: 'failed', problem: { class: 'invalid-input' } },
      { status: 'complete', output: { topic: 'y' } },
    ]);
  });
});
