// The lie: "what a run has done is undone with it, however deep it was done". Each effect out there is undone once and in reverse order,
// paid and permitted like any work; what cannot be undone, or of which nobody knows, is named. And that is the same, whenever it dies.
import {
  agent,
  budget,
  call,
  chunk,
  extend,
  failure,
  FaultError,
  loop,
  map,
  mermaid,
  plan,
  result,
  strategies,
  task,
  workflow,
  workflowFrom,
} from 'heddle/actors';
import type { Agent, Assignment, PartStatus, Verifier, WorkflowMachine } from 'heddle/actors';
import type { ActorDefinitions } from 'heddle';
import { account, rateLimiter } from 'heddle/machines';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { everybodyMay } from './staffed.ts';
import { doing as working, World } from './staffed-world.ts';

/** Of random sagas. */
const SEEDS = [1, 2, 3, 4, 5, 6];
/** In how many of their commits they are killed, one after the other. */
const DEATHS = 10;

/** What was done out there, by the way to who has done it. Each key is done once, as it is where keys are heeded. */
class Effects {
  readonly log: string[] = [];
  readonly #keys = new Set<string>();

  agents(): readonly Agent[] {
    return [
      this.#agent('do', (assignment) => this.#once(assignment, '')),
      this.#agent('undo', (assignment) => this.#once(assignment, 'not ')),
      this.#agent('break', () => {
        throw new Error('no');
      }),
      this.#agent('hang', () => new Promise(() => {})),
    ];
  }

  #agent(name: string, work: (assignment: Assignment) => Promise<void> | void): Agent {
    return agent({
      ...{ name, capabilities: [name], model: 'local', estimate: () => 0.01 },
      ...{ inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
      execute: async (assignment: Assignment) => {
        await work(assignment);
        const more = { cost: 0.01, duration: 1, model: 'local', confidence: 0.9 };
        return result(assignment, { output: {}, ...more });
      },
    }) as Agent;
  }

  #once({ idempotencyKey: key, context, input }: Assignment, word: string): void {
    if (input['fails'] === true) throw new Error('no');
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    const path = `${context.run}/${context.task}`.replaceAll('undo ', '').split('/').slice(2);
    this.log.push(`${word}${path.join('/')}`);
  }

  get done(): string[] {
    return this.log.filter((line) => !line.startsWith('not '));
  }

  get undone(): string[] {
    return this.log.filter((line) => line.startsWith('not ')).map((line) => line.slice(4));
  }
}

// ---- workflows ----------------------------------------------------------------------------------------------------

const AT_ONCE = extend(strategies.standard, { name: 'at once', rows: { crash: [{ do: 'fail' }] } });
const given = { input: () => ({}) };
const undoneBy = (capability: string) => ({ compensate: { capability } });

const flow = (id: string, tasks: object, more: object = {}): WorkflowMachine =>
  workflow({ id, strategy: AT_ONCE, tasks: tasks as never, ...more }) as WorkflowMachine;
const doing = (needs?: readonly string[], undo = 'undo') =>
  task({ ...(needs && { needs: needs as never[] }), capability: 'do', ...given, ...undoneBy(undo) });
/** The same, as a body: it is given its input by whoever has it done. */
const doingIt = () => task({ capability: 'do', ...undoneBy('undo') });
const breaking = (needs: readonly string[], more: object = {}) =>
  task({ needs: needs as never[], capability: 'break', ...given, ...more });

const pair = flow('pair', { a: doing(), b: doing(['a']) });

async function played(top: WorkflowMachine): Promise<{ world: World; effects: Effects }> {
  const effects = new Effects();
  const agents = Object.fromEntries(effects.agents().map((one) => [one.name, one]));
  const world = await World.open({ actors: { top, ...agents }, decider: everybodyMay });
  await world.start('top', '1');
  return { world, effects };
}

const abort = (world: World) => world.tell('top/1', { type: 'run.abort', by: 'ada', reason: 'enough' });
const errorOf = (world: World): unknown => world.snapshot('top/1').error;

describe('a run that is undone', () => {
  const one = { over: () => [{}, {}], concurrency: 1 };

  it.each([
    ['a call', call({ workflow: pair, ...given }), ['s/a', 's/b']],
    ['a list of runs', map({ ...one, each: pair }), ['s/0/a', 's/0/b', 's/1/a', 's/1/b']],
    ['a list of tasks', map({ ...one, each: doingIt() }), ['s/0', 's/1']],
    [
      'a loop',
      loop({ body: pair, times: 2, until: (_, { number }) => number === 2, ...given }),
      ['s/1/a', 's/1/b', 's/2/a', 's/2/b'],
    ],
    [
      'a loop of a task',
      loop({ body: doingIt(), times: 2, until: (_, { number }) => number === 2, ...given }),
      ['s/1', 's/2'],
    ],
    [
      'a call in a call',
      call({ workflow: flow('outer', { p: call({ workflow: pair, ...given }) }), ...given }),
      ['s/p/a', 's/p/b'],
    ],
  ])('undoes what was done in %s that is complete', async (_, s, done) => {
    const first = doing();
    const last = { needs: ['first'], ...s.options };
    const tasks = { first, s: { ...s, options: last }, x: breaking(['s'], { onError: 'compensate' }) };
    const { world, effects } = await played(flow('top', tasks));
    expect(effects.log).toEqual([
      'first',
      ...done,
      ...['first', ...done].toReversed().map((name) => `not ${name}`),
    ]);
    expect(world.snapshot('top/1').context.nodes.s.status).toBe('compensated');
    expect(errorOf(world)).toMatchObject({ class: 'crash', node: 'x' });
    expect(errorOf(world)).not.toHaveProperty('uncompensated');
  });

  it('undoes what was done in a run in which something has failed', async () => {
    const half = flow('half', { a: doing(), x: breaking(['a']) });
    const { world, effects } = await played(
      flow('top', { s: call({ workflow: half, ...given, onError: 'compensate' }) }),
    );
    expect(effects.log).toEqual(['s/a', 'not s/a']);
    expect(errorOf(world)).toMatchObject({ class: 'crash', node: 's' });
  });

  it('undoes what was done of a list that the first failure has ended', async () => {
    const items = () => [{}, {}, { fails: true }, {}];
    const each = task({ capability: 'do', ...undoneBy('undo') });
    const { world, effects } = await played(
      flow('top', { s: map({ over: items, each, concurrency: 1, onError: 'compensate' }) }),
    );
    expect(effects.log).toEqual(['s/0', 's/1', 'not s/1', 'not s/0']);
    expect(errorOf(world)).toMatchObject({ message: 's: item 2: Error: no' });
  });

  it('undoes what was done in a run that was in the middle of its work, when it is aborted', async () => {
    const half = flow('half', { a: doing(), h: task({ needs: ['a'], capability: 'hang', ...given }) });
    const { world, effects } = await played(
      flow('top', { s: call({ workflow: half, ...given }), m: map({ over: () => [{}], each: half }) }),
    );
    await abort(world);
    expect(effects.undone.toSorted()).toEqual(['m/0/a', 's/a']);
    expect(world.snapshot('top/1').context.nodes).toMatchObject({
      s: { status: 'compensated' },
      m: { status: 'compensated' },
    });
  });

  it('says of which parts it could not be done, by the way to them, and undoes the others', async () => {
    const three = flow('three', { a: doing(), b: doing(['a'], 'break'), c: doing(['b']) });
    const tasks = {
      s: map({ over: () => [{}], each: three }),
      x: breaking(['s'], { onError: 'compensate' }),
    };
    const { world, effects } = await played(flow('top', tasks));
    expect(effects.undone).toEqual(['s/0/c', 's/0/a']);
    expect(errorOf(world)).toMatchObject({
      node: 'x',
      uncompensated: [{ node: 's/0/b', problem: { class: 'crash', message: 'Error: no' } }],
    });
  });

  it.each([false, true])(
    'says of what was under way that nobody knows what it has done (halted: %s)',
    async (isHalted) => {
      const hanging = task({ capability: 'hang', ...given, ...undoneBy('undo') });
      const half = flow('half', {
        a: doing(),
        h: { ...hanging, options: { ...hanging.options, needs: ['a'] } },
      });
      const { world, effects } = await played(
        flow('top', { s: call({ workflow: half, ...given }), t: hanging }),
      );
      if (isHalted) await world.system.halts.halt({ agent: 'hang' }, { reason: 'test' });
      await world.settle();
      await abort(world);
      expect(effects.log).toEqual(['s/a', 'not s/a']);
      const problem = { class: 'unknown-effect', message: expect.stringMatching(/^nobody knows what hang/) };
      expect(errorOf(world)).toMatchObject({
        uncompensated: [
          { node: 's/h', problem },
          { node: 't', problem },
        ],
      });
    },
  );

  it('says of what was answered and not taken that it may have been done, whoever was asked since', async () => {
    const never: Verifier = {
      ...{ name: 'never', version: 1 },
      check: () => ({ ok: false, problems: [] }),
    };
    const t = task({
      ...{ agent: ['do', 'break'], verify: [never], onError: 'compensate', ...given, ...undoneBy('undo') },
    });
    const { world, effects } = await played(flow('top', { t }));
    expect([effects.log, world.snapshot('top/1/t').context.log]).toMatchObject([
      ['t', 't'],
      [{ agent: 'do' }, { agent: 'do' }, { agent: 'break', fault: 'crash' }],
    ]);
    expect(errorOf(world)).toMatchObject({
      uncompensated: [{ node: 't', problem: { class: 'unknown-effect' } }],
    });
  });
});

describe('a task whose agent has answered nothing that keeps its contract', () => {
  type Says = (assignment: Assignment, known: typeof KNOWN) => unknown;
  const KNOWN = { cost: 0.01, duration: 1, model: 'local', confidence: 0.9 };
  const saying = (says: Says, details: object = {}) =>
    agent({
      ...{ name: 'book', capabilities: ['book'], model: 'local', estimate: () => 0.01, ...details },
      inputSchema: { type: 'object' },
      outputSchema: {
        type: 'object',
        properties: { id: { type: 'string' }, note: { type: 'string' } },
        required: ['id'],
      },
      repairs: ['drop-null-fields'],
      execute: (assignment: Assignment) => Promise.resolve(says(assignment, KNOWN) as never),
    });
  const booked = (output: object, more: object = {}) =>
    saying((assignment, known) => result(assignment, { output: output as never, ...known, ...more }));

  it.each([
    ['breaks the schema', booked({ number: 7 }), true],
    ['costs more than it may', booked({ id: '7' }, { cost: 1 }), true],
    ['says that it could not', saying((assignment, known) => failure(assignment, known)), false],
    ['is not there: nobody was asked', saying(() => ({}), { countTokens: () => NaN, window: 1 }), false],
  ])('may have done something all the same, where it %s', async (_, book, isDone) => {
    const t = task({ capability: 'book', ...given, compensate: { agent: 'undo' }, onError: 'compensate' });
    const fails = { 'schema-mismatch': [{ do: 'fail' }], 'agent-failure': [{ do: 'fail' }] } as const;
    const strategy = extend(strategies.standard, { name: 'fails', rows: fails });
    const actors = {
      top: flow('top', { t }, { strategy }),
      book: book as Agent,
      undo: working('undo', () => ({})),
    };
    const world = await World.open({ actors });
    await world.start('top', '1');
    const { uncompensated } = world.snapshot('top/1').error as { uncompensated?: unknown };
    const message = 'book has done something in attempt 1, and what it has answered was not taken';
    const problem = { class: 'unknown-effect', message };
    expect(uncompensated).toEqual(isDone ? [{ node: 't', problem }] : undefined);
  });

  it.each([
    ['nothing', () => undefined],
    [
      'what cannot be read',
      () => ({
        get id(): string {
          throw new Error('no');
        },
      }),
    ],
  ])('may have done something, where it has answered %s', async (_, says) => {
    const t = task({ capability: 'book', ...given, compensate: { agent: 'undo' }, onError: 'compensate' });
    const undo = working('undo', () => ({}));
    const world = await World.open({ actors: { top: flow('top', { t }), book: saying(says), undo } });
    await world.start('top', '1');
    const { class: name, uncompensated } = errorOf(world) as { class: string; uncompensated?: unknown };
    const problem = {
      class: 'unknown-effect',
      message: expect.stringMatching(/book has done .*in attempt 1/),
    };
    expect([name, uncompensated]).toEqual(['contract-violation', [{ node: 't', problem }]]);
  });

  it('may have done something, where what was mended of its answer is not good enough, and nobody else could', async () => {
    const book = booked({ id: '7', note: null }, { confidence: 0.1 });
    const other = saying((assignment, known) => failure(assignment, known), { name: 'other' });
    const undone = { compensate: { agent: 'undo' }, onError: 'compensate' } as const;
    const t = task({ capability: 'book', ...given, quality: 0.5, ...undone });
    const top = flow('top', { t }, { strategy: strategies.standard });
    const actors = { top, book, other, undo: working('undo', () => ({})) };
    const world = await World.open({ actors });
    await world.start('top', '1');
    const { uncompensated } = world.snapshot('top/1').error as { uncompensated?: unknown };
    const message = 'book has done something in attempt 1, and what it has answered was not taken';
    expect(uncompensated).toEqual([{ node: 't', problem: { class: 'unknown-effect', message } }]);
  });
});

describe('a task whose agent has failed', () => {
  it.each([
    [{ class: 'crash' }, true],
    [{ class: 'server-error' }, true],
    [{ class: 'server-error', cost: 10_000 }, true],
    [{ class: 'empty' }, true],
    // It has answered, and has nothing to show for it.
    [{ class: 'not-parseable' }, true],
    [{ class: 'truncated' }, true],
    [{ class: 'contract-violation' }, true],
    [{ class: 'schema-mismatch', cost: 0 }, false],
    [{ class: 'server-error', cost: 0 }, false],
    [{ class: 'rate-limit' }, false],
    [{ class: 'bad-request' }, false],
    [{ class: 'auth' }, false],
  ] as const)('may have done something all the same, unless it was refused: %j', async (fault, isOpen) => {
    const book = working(
      'book',
      () => {
        throw new FaultError({ message: 'no', ...fault } as never);
      },
      { estimate: () => 1 },
    );
    const t = task({ capability: 'book', ...given, compensate: { agent: 'undo' }, onError: 'compensate' });
    const strategy = extend(strategies.standard, {
      name: 'fails',
      rows: { [fault.class]: [{ do: 'fail' }] },
    });
    const undo = working('undo', () => ({}));
    const world = await World.open({ actors: { top: flow('top', { t }, { strategy }), book, undo } });
    await world.start('top', '1');
    const { class: name, uncompensated } = errorOf(world) as { class: string; uncompensated?: unknown };
    const message = `nobody knows what book has done in attempt 1: it failed (${fault.class})`;
    expect([name, uncompensated]).toEqual([
      fault.class,
      isOpen ? [{ node: 't', problem: { class: 'unknown-effect', message } }] : undefined,
    ]);
  });
});

describe('a task that is complete after others were asked', () => {
  const [HANGS, FAILS] = [
    /^nobody knows what first has done in attempt 1/,
    /attempt 1: it failed \(crash\)$/,
  ];
  const other = [{ do: 'other-agent' }, { do: 'fail' }];
  const instead = [{ do: 'default', value: {} }];
  const backoff = { firstMs: 1, factor: 1, maxMs: 1, jitter: 0 };
  const again = [{ do: 'retry', times: 1, backoff }, { do: 'fail' }];
  const hangs = () => new Promise<never>(() => {});
  const fails = () => {
    throw new Error('no');
  };

  it.each([
    ['somebody else has done it', hangs, { timeout: other }, HANGS],
    ['somebody else has done it', fails, { crash: other }, FAILS],
    ['a default was taken', hangs, { timeout: instead }, HANGS],
    ['a default was taken', fails, { crash: instead }, FAILS],
    // The same request under the same key is done once.
    ['it was asked again', hangs, { timeout: again }, undefined],
    ['it was asked again', fails, { crash: again }, undefined],
  ])('is undone, and what those may have done is named: %s (%#)', async (_, first, rows, message) => {
    const undone: string[] = [];
    const strategy = extend(strategies.standard, { name: 'goes on', rows: rows as never });
    const what = { agent: ['first', 'second'], timeout: '1 minute', ...undoneBy('undo') } as const;
    const half = flow('half', { h: task({ ...what, ...given }) }, { strategy });
    const tasks = {
      t: task({ ...what, ...given }),
      s: call({ needs: ['t'], workflow: half, ...given }),
      l: map({ needs: ['s'], over: () => [{}], each: task(what) }),
      x: task({ needs: ['l'], agent: 'break', ...given, strategy: AT_ONCE, onError: 'compensate' }),
    };
    const actors = {
      top: flow('top', tasks, { strategy }),
      first: working('first', ({ attempt }) => (attempt === 1 ? first() : {})),
      second: working('second', () => ({})),
      break: working('break', fails),
      undo: working('undo', ({ context }) => ({ number: undone.push(context.task) })),
    };
    const world = await World.open({ actors });
    await world.start('top', '1');
    for (let i = 0; i < 4; i++) await world.advance(61_000);
    expect(undone).toEqual(['undo l/0', 'undo h', 'undo t']);
    const problem = { class: 'unknown-effect', message: expect.stringMatching(message ?? '') };
    const { uncompensated } = errorOf(world) as { uncompensated?: unknown };
    expect(uncompensated).toEqual(message && ['t', 's/h', 'l/0'].map((node) => ({ node, problem })));
  });

  it('names nobody in a fork, where the fork has asked again under its own key', async () => {
    const waiting = new Map<string, () => void>();
    const strategy = extend(strategies.standard, { name: 'goes on', rows: { crash: again } as never });
    const what = { agent: 'first', timeout: '1 minute', ...undoneBy('undo'), ...given } as const;
    const tasks = {
      t: task(what),
      x: task({ needs: ['t'], agent: 'break', ...given, strategy: AT_ONCE, onError: 'compensate' }),
    };
    const first = working('first', ({ attempt, idempotencyKey }) => {
      if (attempt > 1) return {};
      return new Promise((_, fail) => waiting.set(idempotencyKey, () => fail(new Error('no'))));
    });
    const actors = { top: flow('top', tasks, { strategy }), first, break: working('break', fails) };
    const world = await World.open({ actors: { ...actors, undo: working('undo', () => ({})) } });
    const { system } = world;
    await world.start('top', '1');
    const { seq } = (await world.history('top/1/t')).at(-1)!;
    await system.fork('top/1', { at: { address: 'top/1/t', seq }, as: 'top/fork', effects: 'rerun' });
    await world.settle();
    expect([...waiting.keys()]).toEqual(['top/1/t#1', 'top/fork/t#1']);
    for (const fail of waiting.values()) fail();
    for (let i = 0; i < 4; i++) await world.advance(61_000);
    const errorAt = (address: string) => world.snapshot(address).error as { class: string };
    for (const address of ['top/1', 'top/fork'])
      expect(errorAt(address)).toMatchObject({ class: 'crash', run: address });
    expect(errorAt('top/1')).not.toHaveProperty('uncompensated');
    expect(errorAt('top/fork')).not.toHaveProperty('uncompensated');
  });
});

describe('a task that has come to a default', () => {
  it('is undone by what stands for its answer, in a loop of a file too, and what was done before is named', async () => {
    const asked: unknown[] = [];
    const rows = { timeout: [{ do: 'default', value: { n: 0 } }] } as const;
    const world = await World.open({
      actors: {
        top: workflowFrom(
          {
            id: 'top',
            strategy: 'spare',
            tasks: {
              l: {
                ...{ kind: 'loop', until: '${ output.n > 0.0 }', times: 2, input: { n: 7 } },
                next: { n: 8 },
                body: {
                  ...{ kind: 'task', agent: 'hang', timeout: '1 second' },
                  compensate: { agent: 'undo' },
                },
                onError: 'compensate',
              },
            },
          },
          { strategies: { spare: extend(strategies.standard, { name: 'spare', rows }) } },
        ),
        hang: working('hang', () => new Promise(() => {})),
        undo: working('undo', ({ input }) => {
          asked.push(input);
          return {};
        }),
      },
    });
    await world.start('top', '1');
    await world.advance(3000);
    const { class: name, uncompensated } = errorOf(world) as { class: string; uncompensated?: unknown };
    expect(name).toBe('not-converged');
    expect(uncompensated).toEqual(
      ['l/1', 'l/2'].map((node) => ({ node, problem: expect.objectContaining({ class: 'unknown-effect' }) })),
    );
    expect(asked).toEqual([8, 7].map((n) => ({ output: { n: 0 }, input: { n } })));
  });
});

describe('a task that has failed in parts', () => {
  const wordsIn = (input: unknown) =>
    String((input as { text: unknown }).text)
      .split(' ')
      .filter(Boolean);
  const partThrough = (permits: readonly string[]) =>
    working(
      'part',
      ({ input }) => {
        const [word] = wordsIn(input);
        if (word === 'no') throw new Error('no');
        return word === 'hang' ? new Promise(() => {}) : { did: [word] };
      },
      { estimate: () => 1, window: 1, countTokens: (input: unknown) => wordsIn(input).length, permits },
    );

  const FAILED = /^nobody knows what part has done in attempt 2: it failed \(crash\)$/;

  it.each([
    ['yes no', 1, [], /^part has done something in attempt 2, and what it has answered was not taken/],
    ['hang no', 2, [], /^nobody knows what part has done in attempt 2/],
    ['no yes', 1, [], FAILED],
    ['no no', 1, [], FAILED],
    // The other one waits at the gate.
    ['no hang', 2, ['gate/one'], FAILED],
  ])('has done what its parts have: %s, %d at once', async (text, concurrency, permits, message) => {
    const cut = { pointer: '#/text', maxTokens: 1, overlap: 0, finest: 'word', concurrency } as const;
    const t = task({
      ...{ agent: 'part', chunk: chunk({ ...cut, merge: { did: 'append' } }), input: () => ({ text }) },
      ...{ compensate: { agent: 'undo' }, onError: 'compensate' },
    });
    const undo = working('undo', () => ({}));
    const actors = {
      top: flow('top', { t }),
      ...{ part: partThrough(permits), undo, gate: rateLimiter({ limit: 2, perMs: 20_000, queue: 9 }) },
    };
    const world = await World.open({ actors });
    await world.start('gate', 'one');
    await world.start('top', '1');
    const { class: name, uncompensated } = errorOf(world) as { class: string; uncompensated?: unknown };
    expect(name).toBe('crash');
    const problem = { class: 'unknown-effect', message: expect.stringMatching(message) };
    expect(uncompensated).toEqual([{ node: 't', problem }]);
  });
});

describe('a run whose process has ended in the middle of a call', () => {
  const flowing = workflow({
    id: 'flow',
    tasks: { t: task({ capability: 'book', compensate: { agent: 'undo' }, onError: 'compensate' }) },
  });
  const undo = working('undo', () => ({}));
  const fails = () => {
    throw new Error('no');
  };

  it.each([
    ['is asked with another model', { book: working('book', fails, { model: 'other' }) }],
    ['is gone', { other: working('other', fails, { capabilities: ['book'] }) }],
  ])('says that nobody knows what that has done, where its agent %s by now', async (_, agents) => {
    const book = working('book', () => new Promise(() => {}));
    const world = await World.open({ actors: { flow: flowing, undo, book }, decider: everybodyMay });
    await world.start('flow', '1');
    await world.crash({ actors: { flow: flowing, undo, ...agents } });
    await world.advance(3_600_000);
    expect(world.snapshot('flow/1').error).toMatchObject({
      uncompensated: [
        {
          node: 't',
          problem: {
            class: 'unknown-effect',
            message: expect.stringMatching(/^nobody knows what book has done in attempt 1/),
          },
        },
      ],
    });
  });
});

describe('undoing what was done in a run within the run', () => {
  const nested = { s: call({ workflow: pair, ...given }), x: breaking(['s'], { onError: 'compensate' }) };

  it('is paid, permitted and recorded like any work', async () => {
    const { world } = await played(flow('top', nested, { budget: budget({ limit: 1 }) }));
    const at = 'top/1/undo s/undo b';
    const { log, advice } = world.snapshot(at).context;
    expect([log.length, log[0].agent, advice.permission.determining]).toEqual([1, 'undo', ['everything']]);
    const { window } = world.snapshot('top/1/account').context as Ledger;
    expect([window.spent, window.reserved - window.held]).toEqual([40_000, 0]);
    expect((await world.history(at)).map(({ event }) => event.type)).toContain('budget.reserved');
  });

  it('is paid from the accounts around that run, too, where it had one of its own', async () => {
    const paid = flow('paid', { a: doing() }, { budget: budget({ limit: 1, within: ['budget/co'] }) });
    const top = flow('top', { ...nested, s: call({ workflow: paid, ...given }) });
    const effects = new Effects();
    const agents = Object.fromEntries(effects.agents().map((one) => [one.name, one]));
    const world = await World.open({ actors: { top, budget: account({ limit: 1 }), ...agents } });
    await world.start('budget', 'co');
    await world.start('top', '1');
    expect(effects.log).toEqual(['s/a', 'not s/a']);
    const { window } = world.snapshot('budget/co').context as Ledger;
    expect([window.spent, window.reserved]).toEqual([20_000, 0]);
  });

  it('shows in the status of each part', async () => {
    const s = map({ over: () => [{}], each: pair });
    const stuck = flow('top', { ...nested, s });
    const { world } = await played(stuck);
    const statusOf = (parts: readonly PartStatus[]): unknown[] =>
      parts.map(({ task: name, status, parts: within = [] }) => [name, status, ...statusOf(within)]);
    const { tasks, state } = await world.system.runs.status('top/1');
    expect(state).toBe('failed');
    expect(statusOf(tasks)).toEqual([
      [
        's',
        'compensated',
        ['s/0', 'compensated', ['s/0/a', 'compensated'], ['s/0/b', 'compensated']],
        [
          'undo s',
          'complete',
          ['undo s/0', 'complete', ['undo s/0/undo b', 'complete'], ['undo s/0/undo a', 'complete']],
        ],
      ],
      ['x', 'failed'],
    ]);
  });

  it('is waited for, and goes on by an order to the run', async () => {
    const parks = extend(strategies.standard, { name: 'parks', rows: { crash: [{ do: 'park' }] } });
    const parking = flow('parking', { a: doing([], 'break') }, { strategy: parks });
    const { world } = await played(flow('top', { ...nested, s: call({ workflow: parking, ...given }) }));
    const waiting = await world.system.runs.status('top/1');
    expect([waiting.state, waiting.waits.map((wait) => wait.task)]).toEqual(['parked', ['undo s/undo a']]);
    const found = [];
    for await (const { run } of world.system.runs.list({ state: 'parked' })) found.push(run);
    expect(found).toEqual(['top/1']);
    await world.crash();
    const order = { by: 'ada', reason: 'no more' };
    await world.tell('top/1', { type: 'task.abandon', task: 'undo s/undo a', ...order });
    expect(errorOf(world)).toMatchObject({
      uncompensated: [{ node: 's/a', problem: { class: 'abandoned' } }],
    });
  });

  it('stands in the plan', () => {
    const partly = flow('partly', { a: doing(), b: task({ needs: ['a'], capability: 'do' }) });
    const top = flow('top', {
      all: call({ workflow: pair, ...given }),
      some: map({ over: () => [], each: partly }),
      none: loop({ body: task({ capability: 'do' }), times: 1, until: () => true }),
    });
    expect(plan(top).nodes.map(({ reversible, compensation }) => [reversible, compensation])).toEqual([
      [true, 'undo'],
      [false, 'undo'],
      [false, undefined],
    ]);
    expect(String(plan(top))).toContain('some (map); in part taken back by undo');
    expect(mermaid(top)).toContain('"in part taken back by"');
  });
});

// ---- deaths -------------------------------------------------------------------------------------------------------

/** A workflow with whatever in it, all of whose work comes one after the other. */
function randomSaga(chance: Prng, depth = 0): Record<string, unknown> {
  const tasks: Record<string, unknown> = {};
  const size = 1 + chance.below(3);
  for (let i = 0; i < size; i++) {
    const needs = i === 0 ? [] : [`n${i - 1}`];
    const within = () => flow(`flow${depth}`, randomSaga(chance, depth + 1));
    const body = chance.chance(0.5) || depth > 1 ? doingIt() : within();
    const times = 1 + chance.below(2);
    switch (depth > 1 ? 0 : chance.below(4)) {
      case 1:
        tasks[`n${i}`] = call({ needs: needs as never[], workflow: within(), ...given });
        break;
      case 2: {
        const over = () => Array.from({ length: times }, () => ({}));
        tasks[`n${i}`] = map({ needs: needs as never[], over, each: body, concurrency: 1 });
        break;
      }
      case 3: {
        const until = (_: unknown, { number }: { number: number }) => number >= times;
        tasks[`n${i}`] = loop({ needs: needs as never[], body, times: 3, until, ...given });
        break;
      }
      default:
        tasks[`n${i}`] = doing(needs);
    }
  }
  return tasks;
}

/** @param dies whether it dies after a commit, counted over all its lives */
async function survived(top: WorkflowMachine, dies: (commit: number) => boolean) {
  const effects = new Effects();
  const staff = new Staff(new Map(effects.agents().map((one) => [one.name, one])));
  staff.beginIn(workplaceUnder(PERMITTING));
  let commits = 0;
  const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
    store: memory(),
    actors: hosted({ top }, staff),
    maxTurnsPerCommit: 1,
    dies: () => dies(++commits),
  });
  await dying.open();
  await dying.ask((system) => system.actor('top', '1', { input: {} }));
  for (let i = 0; i < 3; i++) await dying.advance(2000);
  const run = dying.system.get('top/1')!.getSnapshot() as never as { status: string; error: unknown };
  for await (const address of dying.system.addresses())
    expect([address, (await dying.system.replay(address)).same]).toEqual([address, true]);
  const { owed } = dying.system.metrics();
  await dying.system.close();
  const { status, error } = run;
  return { log: effects.log, status, error, owed, commits, deaths: dying.deaths };
}

describe('a saga', () => {
  it.each(SEEDS)('is undone in reverse order, each effect once, whenever it dies (seed %i)', async (seed) => {
    const tasks = randomSaga(new Prng(seed));
    const last = Object.keys(tasks).at(-1)!;
    const top = flow(
      'top',
      { ...tasks, x: breaking([last], { onError: 'compensate' }) },
      { budget: budget({ limit: 5 }) },
    );
    const calm = await survived(top, () => false);
    const done = calm.log.filter((line) => !line.startsWith('not '));
    expect([calm.status, calm.owed, calm.log]).toEqual([
      ...['error', 0, [...done, ...done.toReversed().map((line) => `not ${line}`)]],
    ]);
    const { commits: _, deaths: __, ...expected } = calm;
    let died = 0;
    for (let death = 0; death < DEATHS; death++) {
      const at = 1 + Math.floor(((death + seed / 10) / DEATHS) * calm.commits);
      const { commits: ___, deaths, ...told } = await survived(top, (commit) => commit === at);
      expect([at, told]).toEqual([at, expected]);
      died += deaths;
    }
    // How much goes into one commit is a matter of time: the last may not be reached.
    expect(died).toBeGreaterThanOrEqual(DEATHS - 1);
  });
});
