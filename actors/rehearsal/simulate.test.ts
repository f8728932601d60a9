// The lie: "a rehearsal is a run like any other, in which nobody is called, and it always ends". Workflows of all kinds of nodes, with
// faults, gates, budgets and mistakes; what is told of them, and what was never asked.
import { fromPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  agent,
  branch,
  budget,
  call,
  extend,
  gate,
  join,
  loop,
  map,
  router,
  rules,
  simulate,
  stub,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { PartStatus, SimulateOptions, Simulation } from 'heddle/actors';

const SEED = 'a';
const YEAR_MS = 365 * 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

const fields = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) });
const TEXT = fields({ text: { type: 'string', minLength: 1 } });

const rehearsed = (logic: object, options: SimulateOptions = {}) =>
  simulate(logic, { seed: SEED, ...options });

const parts = ({ tasks }: Simulation): PartStatus[] => tasks.flatMap(withParts);
const withParts = (part: PartStatus): PartStatus[] => [part, ...(part.parts ?? []).flatMap(withParts)];
const part = (simulation: Simulation, name: string): PartStatus =>
  parts(simulation).find((one) => one.task === name)!;
const statuses = (simulation: Simulation) =>
  Object.fromEntries(simulation.tasks.map((one) => [one.task, one.status]));
const faultsOf = (simulation: Simulation, name: string) =>
  part(simulation, name).attempts.map(({ fault, move }) => [fault, move].filter(Boolean).join(', '));
const deciders = ({ decisions }: Simulation) => decisions.map(({ by, what }) => `${by} ${what}`);

const single = (options: object = {}) =>
  workflow({ id: 'single', tasks: { work: task({ capability: 'work', ...options }) } });

describe('every kind of node', () => {
  const inner = workflow({
    id: 'inner',
    tasks: {
      first: task({ capability: 'count', outputSchema: TEXT }),
      second: task({ needs: ['first'], capability: 'weigh' }),
    },
  });
  const everything = workflow({
    id: 'everything',
    tasks: {
      list: task({
        capability: 'list',
        outputSchema: fields({ items: { type: 'array', items: TEXT, minItems: 2 } }),
      }),
      each: map({
        needs: ['list'],
        over: ({ list }) => list.items as unknown[],
        each: task({ capability: 'read', outputSchema: TEXT }),
      }),
      runs: map({ needs: ['list'], over: ({ list }) => list.items as unknown[], each: inner }),
      again: loop({
        needs: ['list'],
        body: task({ capability: 'improve' }),
        until: (_, { number }) => number === 3,
        times: 5,
      }),
      size: branch({
        needs: ['each'],
        arms: { none: ({ each }) => (each as unknown as unknown[]).length === 0, some: () => true },
        otherwise: 'fail',
      }),
      never: task({ needs: ['size.none'], agent: 'nobody' }),
      called: call({ needs: ['size.some'], workflow: inner }),
      all: join({ needs: ['each', 'runs', 'again', 'called', 'never'] }),
    },
  });

  it('is rehearsed, by stubs that keep the schemas of their tasks', async () => {
    const told = await rehearsed(everything);
    expect([told.state, told.unended]).toEqual(['complete', undefined]);
    expect(statuses(told)).toMatchObject({ size: 'complete', never: 'skipped', all: 'complete' });
    const { items } = part(told, 'list').output!.value as { items: { text: string }[] };
    expect(items.length).toBeGreaterThan(1);
    expect(items[0]!.text).toMatch(/^[a-z]+$/);
    expect(part(told, 'each').parts).toHaveLength(items.length);
    expect(part(told, 'again').parts).toHaveLength(3);
    expect(part(told, 'runs/1/second').agent).toBe('stub-weigh');
    expect(part(told, 'called/first').output!.value).toMatchObject({ text: expect.any(String) as string });
  });

  it('is hit by a fault where it was ordered, and nowhere else', async () => {
    const faults = {
      'runs/1/first': 'server-error',
      again: 'crash',
      'called/second': ['crash', 'crash'],
    } as const;
    const told = await rehearsed(everything, { faults });
    expect(told.state).toBe('complete');
    expect(faultsOf(told, 'runs/1/first')).toEqual(['server-error, retry', '']);
    expect(faultsOf(told, 'runs/0/first')).toEqual(['']);
    // Each time is a task of its own.
    for (const time of [1, 2, 3]) expect(faultsOf(told, `again/${time}`)).toEqual(['crash, retry', '']);
    expect(faultsOf(told, 'called/second')).toEqual(['crash, retry', 'crash, retry', '']);
  });

  it('takes time in which others go on, so that the first of several wins', async () => {
    const race = workflow({
      id: 'race',
      tasks: {
        quick: task({ capability: 'run' }),
        slow: task({ capability: 'walk', timeout: '1 hour', retry: { times: 1 } }),
        first: join({ needs: ['quick', 'slow'], join: 'first-success' }),
      },
    });
    const told = await rehearsed(race, { faults: { slow: 'timeout' } });
    expect(statuses(told)).toEqual({ quick: 'complete', slow: 'cancelled', first: 'complete' });
  });
});

describe('other actors', () => {
  it('are not started: any object stands for what they would say', async () => {
    let isStarted = false;
    const outside = fromPromise(() => {
      isStarted = true;
      return Promise.resolve({ text: 'from outside' });
    });
    const calling = workflow({
      id: 'calling',
      tasks: {
        other: call({ workflow: outside }),
        each: map({
          over: () => [{}, {}],
          each: workflow({ id: 'inner', tasks: { other: call({ workflow: outside }) } }),
        }),
        behind: task({ needs: ['other', 'each'], capability: 'work' }),
      },
    });
    const told = await rehearsed(calling);
    expect([told.state, isStarted]).toEqual(['complete', false]);
    expect(part(told, 'other').output!.value).toEqual({});
    expect(part(told, 'behind').input!.value).toEqual({ other: {}, each: [{}, {}] });
  });

  it('are replaced under their names and contracts, and never called', async () => {
    const asked: string[] = [];
    const writer = agent({
      name: 'writer',
      version: '7',
      model: 'expensive',
      capabilities: ['write'],
      inputSchema: { type: 'object' },
      outputSchema: TEXT,
      estimate: () => asked.push('estimate'),
      execute: () => {
        asked.push('execute');
        return Promise.reject(new Error('it was called'));
      },
    });
    const told = await rehearsed(single({ capability: 'write' }), { actors: { writer } });
    expect(part(told, 'work')).toMatchObject({ agent: 'writer', status: 'complete' });
    expect(part(told, 'work').output!.value).toMatchObject({ text: expect.any(String) as string });
    expect(asked).toEqual([]);
  });

  it('are chosen by the rules of the router', async () => {
    const can = { capabilities: ['work'], inputSchema: { type: 'object' }, outputSchema: { type: 'object' } };
    const actors = { ann: stub({ ...can, name: 'ann' }), bob: stub({ ...can, name: 'bob' }) };
    const one = await rehearsed(single(), { actors, router: router({ prefer: 'cost' }) });
    expect(part(one, 'work').agent).toBe('ann');
  });

  it('who are named and not there are made up', async () => {
    const told = await rehearsed(single({ capability: undefined, agent: 'ghost', fallback: ['spare'] }), {
      faults: { work: 'auth' },
    });
    expect(part(told, 'work').attempts.map((one) => one.agent)).toEqual(['ghost', 'spare']);
  });

  it('may be called as the workflow is', async () => {
    const told = await rehearsed(single({ capability: undefined, agent: 'single' }));
    expect([told.run, told.workflow, told.state]).toEqual(['single-run/1', 'single', 'complete']);
  });

  it('do what each task says of its output, for one capability as well', async () => {
    const NUMBER = fields({ number: { type: 'integer' } });
    const two = workflow({
      id: 'two',
      tasks: {
        text: task({ capability: 'make@2', outputSchema: TEXT }),
        number: task({ capability: 'make@2', outputSchema: NUMBER }),
        any: task({ capability: 'make@2' }),
      },
    });
    const told = await rehearsed(two);
    expect(told.state).toBe('complete');
    expect([part(told, 'text').agent, part(told, 'number').agent]).toEqual(['stub-make-2', 'stub-make-2-2']);
  });

  it('are not believed and not doubted: nothing is verified', async () => {
    const wrong = rules([{ name: 'it is there', must: { at: '#/never', is: 'there' } }]);
    const told = await rehearsed(single({ verify: [wrong] }));
    expect([told.state, faultsOf(told, 'work')]).toEqual(['complete', ['']]);
  });
});

describe('gates', () => {
  const gated = (options: object) =>
    workflow({
      id: 'gated',
      tasks: {
        work: task({ capability: 'work', compensate: { capability: 'undo' } }),
        review: gate({ needs: ['work'], role: 'editor', ...options }),
        behind: task({ needs: ['review'], capability: 'publish' }),
      },
    });

  it('are decided by as many different people as it takes', async () => {
    const told = await rehearsed(gated({ role: ['editor', 'chief'], quorum: 3 }));
    expect(told.state).toBe('complete');
    expect(deciders(told)).toEqual(['editor-1 approve', 'chief-1 approve', 'editor-2 approve']);
  });

  it('are read for as long as they must be, and not decided by who is too slow', async () => {
    const told = await rehearsed(gated({ dwell: '10 minutes', quorum: 2 }));
    expect(told.state).toBe('complete');
    expect(told.decisions.map(({ at }) => at - told.startedAt)).toEqual([
      expect.closeTo(10 * 60_000, -5) as number,
      expect.closeTo(20 * 60_000, -5) as number,
    ]);
    const slow = await rehearsed(gated({ dwell: '10 minutes', within: '15 minutes', quorum: 2 }));
    expect([slow.state, deciders(slow)]).toEqual(['failed', ['editor-1 approve', 'undefined expire']]);
  });

  it('do not hang where they remind, escalate, or never expire', async () => {
    const patient = { within: '1 hour', remind: ['10 minutes'], escalateTo: 'chief', onExpire: 'stay' };
    const told = await rehearsed(gated({ ...patient, quorum: 2 }));
    expect([told.state, deciders(told).length]).toEqual(['complete', 2]);
  });

  it('are rejected, and what was done is undone', async () => {
    const told = await rehearsed(gated({ onError: 'compensate' }), { decide: 'reject' });
    expect(told.state).toBe('failed');
    expect(told.problem).toMatchObject({ class: 'rejected', by: 'editor-1' });
    expect(part(told, 'work').status).toBe('compensated');
    expect(part(told, 'undo work')).toMatchObject({ agent: 'stub-undo', status: 'complete' });
  });

  it('are rejected, and what was done in lists and other workflows is undone, with the faults that were ordered for it', async () => {
    const work = task({ capability: 'work', compensate: { capability: 'undo' } });
    const body = workflow({ id: 'body', tasks: { work } });
    const top = workflow({
      id: 'top',
      tasks: {
        all: map({ over: () => [{}, {}], each: work }),
        one: call({ workflow: body, input: () => ({}) }),
        review: gate({ needs: ['all', 'one'], role: 'editor', onError: 'compensate' }),
      },
    });
    const faults = { 'undo all': 'server-error', 'one/undo work': 'server-error' } as const;
    const told = await rehearsed(top, { decide: 'reject', faults });
    expect([part(told, 'all').status, part(told, 'one').status]).toEqual(['compensated', 'compensated']);
    for (const path of ['undo all/0', 'undo all/1', 'undo one/undo work'])
      expect([path, faultsOf(told, path)]).toEqual([path, ['server-error, retry', '']]);
  });

  it('end the run where that is decided', async () => {
    const told = await rehearsed(gated({}), { decide: 'abort' });
    expect([told.state, deciders(told)]).toEqual(['aborted', ['editor-1 abort']]);
  });
});

describe('money', () => {
  const priced = (options: object) =>
    workflow({
      id: 'priced',
      budget: budget({ limit: 1, ...options }),
      tasks: {
        dear: task({ capability: 'think', maxCost: 0.7 }),
        more: task({ needs: ['dear'], capability: 'think', maxCost: 0.7, reviewers: 'boss' }),
      },
    });

  it('is spent as dearly as tasks allow, up to the limit', async () => {
    const told = await rehearsed(priced({}));
    expect([told.state, told.money]).toEqual([
      'failed',
      { spent: 700_000, limit: 1_000_000, reserved: 0, remaining: 300_000 },
    ]);
    expect(part(told, 'more').problem).toMatchObject({ class: 'budget-exhausted' });
  });

  it('is asked of people a few times, and then it is told that they are waited for', async () => {
    const told = await rehearsed(priced({ onExhausted: 'review' }));
    expect([told.state, told.unended]).toEqual(['waiting', 'nothing-moves']);
    expect(told.waits).toMatchObject([{ task: 'more', for: 'person', roles: ['boss'] }]);
  });

  it('is spent within other runs as they may, and as the run around them may', async () => {
    const within = (inner: object, outer: object) =>
      rehearsed(
        workflow({
          id: 'outer',
          budget: budget({ limit: 2, ...outer }),
          tasks: { c: call({ workflow: priced(inner), onError: 'absent' }) },
        }),
      );
    const told = await within({ limit: 1.4 }, {});
    expect([told.state, part(told, 'c').status, told.money.spent]).toEqual([
      'complete',
      'complete',
      1_400_000,
    ]);
    const poor = await within({ limit: 1.4 }, { limit: 1 });
    expect([part(poor, 'c').problem?.class, poor.money.spent]).toEqual(['budget-exhausted', 700_000]);
    const narrow = await within({ limit: 1.4 }, { perTask: 0.5 });
    expect([part(narrow, 'c').problem?.class, narrow.money.spent]).toEqual(['budget-exhausted', 0]);
  });

  it('is as much for all attempts of a task together as for one', async () => {
    const dear = workflow({
      id: 'dear',
      budget: budget({ limit: 9, perTask: 1 }),
      tasks: { work: task({ capability: 'think', maxCost: 0.7, retry: { times: 3 } }) },
    });
    // What an attempt has cost that came too late nobody knows.
    const told = await rehearsed(dear, { faults: { work: 'timeout' } });
    expect([told.state, part(told, 'work').problem?.class]).toEqual(['failed', 'budget-exhausted']);
    expect(part(told, 'work').attempts).toHaveLength(1);
  });

  it('is taken from no account above', async () => {
    const told = await rehearsed(priced({ limit: 2, within: ['account/acme'] }));
    expect([told.state, told.money.spent]).toEqual(['complete', 1_400_000]);
  });
});

describe('faults', () => {
  it('are answered by the strategy, attempt after attempt', async () => {
    const told = await rehearsed(single(), { faults: { work: ['rate-limit', 'server-error', 'empty'] } });
    expect(told.state).toBe('complete');
    expect(faultsOf(told, 'work')).toEqual(['rate-limit, retry', 'server-error, retry', 'empty, retry', '']);
  });

  it('are late where they are late', async () => {
    const told = await rehearsed(single({ timeout: '1 hour' }), { faults: { work: 'timeout' } });
    const [late, again] = part(told, 'work').attempts;
    expect(late!.to! - late!.from).toBe(HOUR_MS);
    // Nobody knows what it has cost.
    expect([late!.fault, late!.cost, again!.fault]).toEqual(['timeout', undefined, undefined]);
  });

  it('that ask for a person get one', async () => {
    const asks = single({ reviewers: 'expert', quality: 0.5 });
    for (const fault of ['needs-review', 'low-confidence'] as const) {
      const told = await rehearsed(asks, { faults: { work: fault } });
      expect([told.state, deciders(told), part(told, 'work').ground]).toEqual([
        'complete',
        ['expert-1 approve'],
        'person',
      ]);
    }
    const refused = await rehearsed(asks, { faults: { work: 'needs-review' }, decide: 'reject' });
    expect([refused.state, part(refused, 'work').problem?.class]).toEqual(['failed', 'rejected']);
  });

  it('come of answers that are not sure enough', async () => {
    const told = await rehearsed(single({ quality: 0.5 }), { confidence: 0.4 });
    expect([told.state, faultsOf(told, 'work')]).toEqual(['parked', ['low-confidence, review']]);
  });
});

describe('it ends', () => {
  it('with a run that is parked, and says who is waited for', async () => {
    const told = await rehearsed(single(), { faults: { work: 'auth' } });
    expect([told.state, told.unended]).toEqual(['parked', 'nothing-moves']);
    expect(told.waits).toMatchObject([{ task: 'work', for: 'operator' }]);
  });

  it('before what would come in years', async () => {
    // No timer is longer than 24 days.
    const backoff = { firstMs: YEAR_MS, factor: 1, maxMs: YEAR_MS, jitter: 0 };
    const rows = { quota: [{ do: 'wait', times: 20, backoff }, { do: 'fail' }] } as const;
    const strategy = extend(strategies.standard, { name: 'patient', rows });
    const told = await rehearsed(single({ strategy }), { faults: { work: Array(20).fill('quota') } });
    expect([told.state, told.unended]).toEqual(['parked', 'too-long']);
  });

  it('where something is due again and again', async () => {
    const backoff = { firstMs: 1, factor: 1, maxMs: 1, jitter: 0 };
    const rows = { 'no-agent': [{ do: 'wait', times: 1e9, backoff }, { do: 'fail' }] } as const;
    const strategy = extend(strategies.standard, { name: 'stubborn', rows });
    const NUMBER = fields({ number: { type: 'integer' } });
    const can = { capabilities: ['work'], inputSchema: { type: 'object' }, outputSchema: NUMBER };
    // Somebody is there, and what they answer is not what the task asks for.
    const actors = { misfit: stub({ ...can, name: 'misfit' }) };
    const told = await rehearsed(single({ strategy, outputSchema: TEXT }), { actors, moves: 100 });
    expect([told.unended, part(told, 'work').attempts]).toEqual(['too-much', []]);
  });
});

it('is broken off', async () => {
  const reason = new Error('enough');
  await expect(rehearsed(single(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

describe('a seed', () => {
  const chancy = workflow({
    id: 'chancy',
    inputSchema: fields({ topic: { enum: ['tides', 'storms', 'moons', 'winds'] } }),
    tasks: {
      long: task({ capability: 'write', outputSchema: TEXT }),
      short: task({ capability: 'cut', outputSchema: TEXT }),
      review: gate({ needs: ['long', 'short'], role: 'editor', quorum: 2 }),
    },
  });
  const faults = { long: ['crash', 'rate-limit'], short: 'unavailable' } as const;

  it('tells the same story, byte for byte, and another one another', async () => {
    const stories = await Promise.all(
      ['a', 'a', 'b'].map(async (seed) => JSON.stringify(await simulate(chancy, { seed, faults }))),
    );
    expect(stories[1]).toBe(stories[0]);
    expect(stories[2]).not.toBe(stories[0]);
  });

  it('is told where none was given, so that it can be told again', async () => {
    const one = await simulate(chancy);
    expect(one.seed).toMatch(/^[0-9a-f]{8}$/);
    expect(await simulate(chancy, { seed: one.seed })).toEqual(one);
    expect((await simulate(chancy)).seed).not.toBe(one.seed);
  });

  it('makes an input that keeps the schema, unless one is given', async () => {
    const { input } = await rehearsed(chancy);
    expect(input.value).toEqual({ topic: expect.stringMatching(/^(tides|storms|moons|winds)$/) as string });
    const given = await rehearsed(chancy, { input: { topic: 'moons' } });
    expect(given.input.value).toEqual({ topic: 'moons' });
  });
});

describe('what makes no sense is refused', () => {
  const wrong = (options: object) => rehearsed(single(), options);

  it.each([
    [{ faults: { other: 'crash' } }, "faults['other'] is no task that an agent does; there are work"],
    [{ faults: { work: 'boredom' } }, 'but is "boredom"'],
    [{ confidence: 2 }, 'confidence must be a number from 0 to 1'],
    [{ confidence: NaN }, 'confidence must be a number from 0 to 1'],
    [{ decide: 'maybe' }, 'decide must be one of approve, reject, abort'],
    [{ moves: 0 }, 'moves must be a number from 1 on'],
    [{ seed: 7 }, 'seed must be a text'],
    [{ fault: { work: 'crash' } }, 'fault means nothing; there are input, seed, decide, faults'],
    [{ confidence: '0.1' }, 'confidence must be a number from 0 to 1'],
  ])('%j', async (options, message) => {
    await expect(wrong(options)).rejects.toThrow(message);
  });

  it('where it is no workflow, or its input breaks the schema', async () => {
    await expect(simulate({})).rejects.toThrow('workflow must be made with');
    const strict = workflow({
      id: 'strict',
      inputSchema: TEXT,
      tasks: { work: task({ capability: 'work' }) },
    });
    await expect(rehearsed(strict, { input: { text: '' } })).rejects.toThrow('#/text');
  });

  it('where nothing can be made from a schema', async () => {
    const impossible = fields({ text: { type: 'string', minLength: 5, maxLength: 4 } });
    await expect(rehearsed(single({ outputSchema: impossible }))).rejects.toThrow(
      'is met by no value that can be made',
    );
    const closed = workflow({
      id: 'closed',
      inputSchema: impossible,
      tasks: { work: task({ capability: 'work' }) },
    });
    await expect(rehearsed(closed)).rejects.toThrow('no sample can be made from the input schema of closed');
  });
});
