// The lie: "a run within a run with a budget of its own is paid from every account above it". At every depth, whatever becomes of the
// money, whenever the process dies, and in what is told of it.
import {
  agent,
  budget,
  call,
  extend,
  FaultError,
  loop,
  map,
  microsOf,
  result,
  strategies,
  task,
  workflow,
} from 'heddle/actors';
import type { Assignment, BudgetOptions } from 'heddle/actors';
import { account } from 'heddle/machines';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import type { ActorDefinitions } from '../../runtime/index.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import type { StaffedDefinitions } from '../../actors/system.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { doing, World } from './staffed-world.ts';
import { collect } from './systems.ts';

const COMPANY = 'budget/co';

/** One task with a budget of its own. */
const paid = (options: BudgetOptions, capability = 'work') =>
  workflow({
    id: 'paid',
    budget: budget(options),
    tasks: { work: task({ capability, input: () => ({}) }) },
  });

/** Does what it is told, and counts how often. */
function counted(cost: number) {
  const calls = { made: 0 };
  const worker = doing('work', () => ({ number: ++calls.made }), { cost });
  return { calls, work: worker };
}

/** A run, below a company with so much money. */
async function runOf(top: object, actors: StaffedDefinitions, limit = 100): Promise<World> {
  const world = await World.open({ actors: { top, budget: account(), ...actors } as StaffedDefinitions });
  await world.start('budget', 'co', { limit });
  await world.start('top', '1');
  await world.advance(10_000);
  return world;
}

/** Spent, reserved and held, in units; in each account. */
const stands = (world: World, ...addresses: string[]) =>
  addresses.map((address) => {
    const { spent, reserved, held } = (world.snapshot(address).context as Ledger).window;
    return [spent, reserved, held].map((micros) => micros / 1e6);
  });

const outcomeIn = (output: unknown) => (output as { status: string }[]).map(({ status }) => status);

describe('a run within a run', () => {
  const items = [{}, {}, {}, {}];

  it('spends no more than the accounts above it have', async () => {
    const { calls, work } = counted(5);
    const m = map({ over: () => items, each: paid({ limit: 5 }), onItemError: 'collect' });
    const top = workflow({ id: 'top', budget: budget({ limit: 50, within: [COMPANY] }), tasks: { m } });
    const world = await runOf(top, { work }, 12);
    expect(calls.made).toBe(2);
    const said = outcomeIn(world.snapshot('top/1').output);
    expect(said.toSorted()).toEqual(['complete', 'complete', 'failed', 'failed']);
    expect(stands(world, COMPANY, 'top/1/account')).toEqual([
      [10, 0, 0],
      [10, 0, 0],
    ]);
    const own = items.map((_, index) => stands(world, `top/1/m/${index}/account`)[0]![0]);
    expect(own.toSorted((a, b) => a! - b!)).toEqual([0, 0, 5, 5]);
  });

  it('spends no more than the run around it has, though the company has more', async () => {
    const { calls, work } = counted(5);
    const m = map({ over: () => items, each: paid({ limit: 5 }), onItemError: 'collect' });
    const top = workflow({ id: 'top', budget: budget({ limit: 11, within: [COMPANY] }), tasks: { m } });
    const world = await runOf(top, { work });
    expect([calls.made, stands(world, COMPANY, 'top/1/account')]).toEqual([
      2,
      [
        [10, 0, 0],
        [10, 0, 0],
      ],
    ]);
  });

  it('spends no more than it has itself, and the others have the rest', async () => {
    const { calls, work } = counted(5);
    const m = map({ over: () => items, each: paid({ limit: 4 }), onItemError: 'collect' });
    const t = task({ capability: 'work', input: () => ({}) });
    const top = workflow({
      id: 'top',
      budget: budget({ limit: 5, within: [COMPANY] }),
      tasks: { m, t },
      output: ({ m: each }) => each as unknown,
    });
    const world = await runOf(top, { work });
    expect(outcomeIn(world.snapshot('top/1').output)).toEqual(items.map(() => 'failed'));
    expect([calls.made, stands(world, 'top/1/account')]).toEqual([1, [[5, 0, 0]]]);
  });

  it('is counted once where it names an account that the run around it lies within, too', async () => {
    const { work } = counted(5);
    const c = call({ workflow: paid({ limit: 5, within: [COMPANY] }), input: () => ({}) });
    const top = workflow({ id: 'top', budget: budget({ limit: 9, within: [COMPANY] }), tasks: { c } });
    const world = await runOf(top, { work });
    expect(stands(world, COMPANY, 'top/1/account', 'top/1/c/account')).toEqual([
      [5, 0, 0],
      [5, 0, 0],
      [5, 0, 0],
    ]);
  });

  it('is paid from an account far above, where there is none in between', async () => {
    const { calls, work } = counted(5);
    const between = workflow({
      id: 'between',
      tasks: { c: call({ workflow: paid({ limit: 9 }), input: () => ({}) }) },
    });
    const c = call({ workflow: between, input: () => ({}), onError: 'absent' });
    const top = workflow({ id: 'top', budget: budget({ limit: 4, within: [COMPANY] }), tasks: { c } });
    const world = await runOf(top, { work });
    expect([calls.made, stands(world, COMPANY)]).toEqual([0, [[0, 0, 0]]]);
  });

  it('may name as many accounts as a budget can, within another run', async () => {
    const { work } = counted(1);
    const others = Array.from({ length: 15 }, (_, index) => `budget/${index}`);
    const c = call({ workflow: paid({ limit: 2, within: others }), input: () => ({}) });
    const top = workflow({ id: 'top', budget: budget({ limit: 2 }), tasks: { c } });
    const world = await World.open({ actors: { top, budget: account({ limit: 1 }), work } });
    for (const address of others) await world.start('budget', address.slice('budget/'.length));
    await world.start('top', '1');
    expect(world.snapshot('top/1').status).toBe('done');
    expect(stands(world, 'top/1/account', 'budget/14')).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ]);
  });
});

describe('what the budget of a run says', () => {
  const options = { agent: ['dear', 'cheap'], reviewers: 'treasurer' };
  const work = task(options);
  const free = workflow({ id: 'free', tasks: { work: task({ ...options, input: () => ({}) }) } });
  /** Everything that can be around a task, without a budget of its own. */
  const BODIES = {
    'a call': () => call({ workflow: free, input: () => ({}) }),
    'a call of a call': () =>
      call({
        workflow: workflow({ id: 'f', tasks: { c: call({ workflow: free, input: () => ({}) }) } }),
        input: () => ({}),
      }),
    'a list of tasks': () => map({ over: () => [{}], each: work }),
    'a list of runs': () => map({ over: () => [{}], each: free }),
    'a loop of tasks': () => loop({ body: work, until: () => true, times: 1, input: () => ({}) }),
    'a loop of runs': () => loop({ body: free, until: () => true, times: 1, input: () => ({}) }),
  };
  const ADDRESSES: Record<string, string> = {
    'a call': 'top/1/n/work',
    'a call of a call': 'top/1/n/c/work',
    'a list of tasks': 'top/1/n/0',
    'a list of runs': 'top/1/n/0/work',
    'a loop of tasks': 'top/1/n/1',
    'a loop of runs': 'top/1/n/1/work',
  };
  type Body = keyof typeof BODIES;

  /** Where the dear one costs 3 and the cheap one 1, so much is left. */
  async function left(body: Body, options: BudgetOptions) {
    const asked: string[] = [];
    const named = (name: string, cost: number) => doing(name, () => (asked.push(name), {}), { cost });
    const top = workflow({ id: 'top', budget: budget(options), tasks: { n: BODIES[body]() } });
    const world = await World.open({ actors: { top, dear: named('dear', 3), cheap: named('cheap', 1) } });
    await world.start('top', '1');
    await world.advance(1000);
    const { status, error } = world.snapshot('top/1');
    const { value } = world.snapshot(ADDRESSES[body]!);
    const problem = error as { readonly class?: string } | undefined;
    return { asked, status, problem: problem?.class, value };
  }

  it.each(Object.keys(BODIES) as Body[])('holds in %s: what a task may cost', async (body) => {
    expect(await left(body, { limit: 10, perTask: 2 })).toMatchObject({ asked: ['cheap'], status: 'done' });
    expect(await left(body, { limit: 10, perTask: 0.5 })).toMatchObject({
      asked: [],
      problem: 'budget-exhausted',
    });
  });

  it.each(Object.keys(BODIES) as Body[])(
    'holds in %s: what is done when there is not enough',
    async (body) => {
      const short = (onExhausted: 'refuse' | 'cheaper' | 'review') =>
        left(body, { limit: 0.5, onExhausted, perTask: 0.5 });
      expect(await short('refuse')).toMatchObject({ status: 'error', problem: 'budget-exhausted' });
      expect(await short('cheaper')).toMatchObject({ status: 'error', problem: 'budget-exhausted' });
      expect(await short('review')).toMatchObject({ status: 'active', value: 'reviewing' });
    },
  );

  /** There is money for the cheap one, after another has taken the rest. */
  const afterwards = (onExhausted: 'refuse' | 'cheaper') =>
    workflow({
      id: 'top',
      budget: budget({ limit: 5, onExhausted }),
      tasks: {
        before: task({ capability: 'dear', input: () => ({}) }),
        c: call({ needs: ['before'], workflow: free, input: () => ({}) }),
      },
    });

  it.each([
    ['refuse', 'error', ['dear']],
    ['cheaper', 'done', ['dear', 'cheap']],
  ] as const)('%s is done in a run within it, with the money that is there', async (policy, end, who) => {
    const asked: string[] = [];
    const named = (name: string, cost: number) => doing(name, () => (asked.push(name), {}), { cost });
    const actors = { dear: named('dear', 3), cheap: named('cheap', 1) };
    const top = afterwards(policy);
    const world = await World.open({ actors: { top, ...actors } });
    await world.start('top', '1');
    await world.advance(1000);
    expect([world.snapshot('top/1').status, asked]).toEqual([end, who]);
  });

  it('is overruled by a budget within it for what is done, and not for what a task may cost', async () => {
    const { calls, work: worker } = counted(2);
    const own = (perTask: number, onExhausted: 'refuse' | 'review') => {
      const sub = workflow({
        id: 'sub',
        budget: budget({ limit: 8, perTask, onExhausted }),
        tasks: { work: task({ capability: 'work', reviewers: 'treasurer', input: () => ({}) }) },
      });
      return call({ workflow: sub, input: () => ({}), onError: 'absent' });
    };
    const top = workflow({
      id: 'top',
      budget: budget({ limit: 10, perTask: 1, onExhausted: 'refuse' }),
      tasks: { wide: own(8, 'review'), narrow: own(0.5, 'refuse') },
    });
    const world = await runOf(top, { work: worker });
    const { wide, narrow } = world.snapshot('top/1').context.nodes as Record<string, { status: string }>;
    expect([wide!.status, narrow!.status, calls.made]).toEqual(['waiting', 'failed', 0]);
    expect(world.snapshot('top/1/wide/work').value).toBe('reviewing');
    // The wider one of the two around it does not help either.
    const turned = workflow({
      id: 'top',
      budget: budget({ limit: 10, perTask: 5 }),
      tasks: { n: own(1, 'refuse') },
    });
    const other = await runOf(turned, { work: worker });
    expect([other.snapshot('top/1/n').status, calls.made]).toEqual(['done', 0]);
  });
});

describe('what becomes of the money', () => {
  /** A task in a loop in a call, each with a budget of its own. */
  const deep = (options: object = {}) => {
    const inner = workflow({
      id: 'inner',
      budget: budget({ limit: 5 }),
      tasks: { work: task({ capability: 'work', input: () => ({}), ...options }) },
    });
    const middle = workflow({
      id: 'middle',
      budget: budget({ limit: 10 }),
      tasks: { l: loop({ body: inner, until: () => true, times: 3, input: () => ({}) }) },
    });
    return workflow({
      id: 'top',
      budget: budget({ limit: 20, within: [COMPANY] }),
      tasks: {
        c: call({ workflow: middle, input: () => ({}) }),
        // So the run is still there.
        never: task({ capability: 'idle', input: () => ({}) }),
      },
    });
  };
  const idle = doing('idle', () => new Promise(() => {}), { cost: 0 });
  const LEVELS = [COMPANY, 'top/1/account', 'top/1/c/account', 'top/1/c/l/1/account'];
  const inAll = (stand: number[]) => LEVELS.map(() => stand);

  it('is the same at every level: reserved, then spent, and the rest is free again', async () => {
    let finish = (): void => {};
    const billed = agent({
      name: 'work',
      capabilities: ['work'],
      model: 'local',
      estimate: () => 3,
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object' },
      execute: async (assignment: Assignment) => {
        await new Promise<void>((resolve) => (finish = resolve));
        return result(assignment, { output: {}, cost: 1.5, duration: 1, model: 'local', confidence: 1 });
      },
    });
    const world = await runOf(deep(), { work: billed, idle } as never);
    expect(stands(world, ...LEVELS)).toEqual(inAll([0, 3, 0]));
    finish();
    await world.settle();
    expect(stands(world, ...LEVELS)).toEqual(inAll([1.5, 0, 0]));
  });

  it('is held at every level when nobody knows the cost, and the late bill finds those that are left', async () => {
    let finish = (): void => {};
    const slow = doing('work', () => new Promise((resolve) => (finish = () => resolve({}))), { cost: 2 });
    const world = await runOf(deep(), { work: slow, idle });
    await world.tell('top/1', { type: 'run.abort', by: 'ada', reason: 'not wanted' });
    expect(world.snapshot('top/1').status).toBe('error');
    expect(stands(world, ...LEVELS)).toEqual(inAll([0, 2, 2]));
    finish();
    await world.settle();
    // The accounts of runs that are over are as they were: their books are closed with them.
    expect(stands(world, COMPANY)).toEqual([[2, 0, 0]]);
    // Nobody has tried to send them anything, so nothing of that is on record.
    expect(await collect(world.system.refusals())).toEqual([]);
  });

  it('is billed late to the run around it when the run itself is over', async () => {
    let finish = (): void => {};
    const slow = doing('work', () => new Promise((resolve) => (finish = () => resolve({}))), { cost: 2 });
    const once = extend(strategies.standard, { name: 'once', rows: { timeout: [{ do: 'fail' }] } });
    const brief = deep({ timeout: '1 second', strategy: once, onError: 'absent' });
    const world = await runOf(brief, { work: slow, idle });
    expect(world.snapshot('top/1/c').status).toBe('done');
    expect(stands(world, ...LEVELS)).toEqual(inAll([0, 2, 2]));
    finish();
    await world.settle();
    expect(stands(world, COMPANY, 'top/1/account')).toEqual([
      [2, 0, 0],
      [2, 0, 0],
    ]);
  });

  it('is let go of at every level when the last of them refuses it', async () => {
    const { calls, work } = counted(2);
    const world = await runOf(deep(), { work, idle }, 1);
    expect(world.snapshot('top/1').error).toMatchObject({
      class: 'budget-exhausted',
      message: expect.stringContaining('budget/co does not give the money: exhausted') as string,
    });
    expect([calls.made, stands(world, ...LEVELS)]).toEqual([0, inAll([0, 0, 0])]);
  });
});

describe('what is told of a run', () => {
  const items = [{}, {}];
  const top = (options: { readonly own: boolean }) => {
    const sub = options.own
      ? paid({ limit: 5 })
      : workflow({ id: 'free', tasks: { work: task({ capability: 'work', input: () => ({}) }) } });
    return workflow({
      id: 'top',
      budget: budget({ limit: 10 }),
      tasks: { m: map({ over: () => items, each: sub }), t: task({ capability: 'work', input: () => ({}) }) },
    });
  };

  it.each([true, false])(
    'includes what runs within it have spent, once (accounts of their own: %s)',
    async (own) => {
      const { work } = counted(2);
      const world = await runOf(top({ own }), { work });
      const { money, tasks } = await world.system.runs.status('top/1');
      expect(money).toEqual({
        spent: microsOf(6),
        limit: microsOf(10),
        reserved: 0,
        remaining: microsOf(4),
      });
      expect(tasks.map(({ task: name, cost }) => [name, cost])).toEqual([
        ['m', microsOf(4)],
        ['t', microsOf(2)],
      ]);
    },
  );

  it.each([true, false])(
    'includes what they have reserved, now and then (accounts of their own: %s)',
    async (own) => {
      const busy = doing('work', () => new Promise(() => {}), { cost: 2 });
      const world = await runOf(top({ own }), { work: busy });
      const { money, tasks } = await world.system.runs.status('top/1');
      const reserved = (parts: typeof tasks) => parts.map((part) => [part.task, part.reserved]);
      expect(money).toMatchObject({ spent: 0, reserved: microsOf(6), remaining: microsOf(4) });
      expect(reserved(tasks)).toEqual([
        ['m', microsOf(4)],
        ['t', microsOf(2)],
      ]);
      const inner = await world.system.runs.status('top/1/m/1');
      expect(inner.money).toEqual(
        own ? { spent: 0, limit: microsOf(5), reserved: microsOf(2), remaining: microsOf(3) } : { spent: 0 },
      );
      expect(reserved(inner.tasks)).toEqual([['work', microsOf(2)]]);
      await world.tell('top/1', { type: 'run.abort', by: 'ada', reason: 'not wanted' });
      const { seq } = (await world.history('top/1')).find(({ event }) => event.type === 'run.abort')!;
      const then = await world.system.runs.status('top/1', { at: seq });
      expect(reserved(then.tasks)).toEqual(reserved(tasks));
    },
  );
});

describe('a fork of a run', () => {
  it('pays from its own accounts', async () => {
    let isReady = false;
    const work = doing(
      'work',
      () => {
        if (!isReady) throw new FaultError({ class: 'auth', message: 'not yet', cost: microsOf(0) });
        return {};
      },
      { cost: 2 },
    );
    const c = call({ workflow: paid({ limit: 5 }), input: () => ({}) });
    const top = workflow({ id: 'top', budget: budget({ limit: 9, within: [COMPANY] }), tasks: { c } });
    const world = await runOf(top, { work });
    expect(world.snapshot('top/1/c/work').value).toBe('parked');
    await world.system.fork('top/1', { as: 'top/2', effects: 'rerun' });
    await world.settle();
    isReady = true;
    await world.tell('top/2/c/work', { type: 'task.resume', task: 'work', by: 'ada' });
    await world.advance(1000);
    expect(world.snapshot('top/2').status).toBe('done');
    expect(stands(world, COMPANY, 'top/1/account', 'top/2/account', 'top/2/c/account')).toEqual([
      [2, 0, 0],
      [0, 0, 0],
      [2, 0, 0],
      [2, 0, 0],
    ]);
  });
});

describe('whenever the process dies', () => {
  /**
   * A list of runs with a loop of runs in each; an attempt that fails and costs; money for all but the last attempt. For the attempts
   * of two runs at the same time, too: when one is made again is a matter of chance, and what is told must not be.
   */
  const answers = new Map<string, number>();
  const flaky = agent({
    name: 'work',
    capabilities: ['work'],
    model: 'local',
    estimate: () => 3,
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    execute: async (assignment: Assignment) => {
      await Promise.resolve();
      const cost = assignment.attempt === 1 ? 0.5 : 2;
      answers.set(`${assignment.idempotencyKey}/${assignment.attempt}`, cost);
      if (assignment.attempt === 1)
        throw new FaultError({ class: 'server-error', message: 'not now', cost: microsOf(cost) });
      return result(assignment, { output: {}, cost, duration: 1, model: 'local', confidence: 1 });
    },
  });
  const inner = workflow({
    id: 'inner',
    budget: budget({ limit: 5 }),
    tasks: { work: task({ capability: 'work', input: () => ({}) }) },
  });
  const middle = workflow({
    id: 'middle',
    budget: budget({ limit: 9 }),
    tasks: {
      l: loop({ body: inner, until: (_, { number }) => number === 2, times: 2, input: () => ({}) }),
    },
  });
  const top = workflow({
    id: 'top',
    budget: budget({ limit: 13, within: [COMPANY] }),
    tasks: {
      m: map({ over: () => [{}, {}], each: middle, onItemError: 'collect' }),
      more: task({ needs: ['m'], capability: 'work', input: () => ({}), onError: 'absent' }),
    },
  });
  const MIDDLES = ['top/1/m/0/account', 'top/1/m/1/account'];
  const INNERS = MIDDLES.flatMap((one) => [1, 2].map((time) => one.replace('account', `l/${time}/account`)));

  async function play(dies: (ofLife: number, all: number) => boolean, maxTurnsPerCommit = 1) {
    answers.clear();
    const staff = new Staff(new Map([[flaky.name, flaky as never]]));
    staff.beginIn(workplaceUnder(PERMITTING));
    let commits = 0;
    let isCalm = false;
    const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
      store: memory(),
      actors: hosted({ top, budget: account() }, staff),
      maxTurnsPerCommit,
      dies: (ofLife) => {
        commits++;
        return !isCalm && dying.deaths < 1000 && dies(ofLife, commits);
      },
    });
    await dying.open();
    await dying.start('budget', 'co', { limit: 20 });
    await dying.start('top', '1');
    for (let i = 0; i < 6; i++) await dying.advance(3000);
    const made = commits;
    isCalm = true;
    await dying.settle();
    const all = [COMPANY, 'top/1/account', ...MIDDLES, ...INNERS];
    const there = all.filter((address) => dying.system.get(address) !== undefined);
    const wrong = await Promise.all(there.map((address) => problemsOf(dying, address)));
    const spent = Object.fromEntries(
      there.map((address) => {
        const { context } = dying.system.get(address)!.getSnapshot() as never as { context: Ledger };
        const { window } = context;
        return [address, [window.spent, window.reserved, window.overdraft]];
      }),
    );
    const { status } = dying.system.get('top/1')!.getSnapshot() as { status: string };
    await dying.system.close();
    const billed = [...answers.values()].reduce((sum, cost) => sum + microsOf(cost), 0);
    return { told: { status, spent, billed, wrong: wrong.flat() }, commits: made, deaths: dying.deaths };
  }

  /** Where an account ever had less than nothing, or is told otherwise. */
  async function problemsOf(dying: DyingSystem<ActorDefinitions>, address: string): Promise<string[]> {
    const wrong: string[] = [];
    for (const { seq } of await collect(dying.system.history(address))) {
      const { context } = (await dying.system.snapshotAt(address, seq)) as never as { context: Ledger };
      const { limit, spent, reserved } = context.window;
      if (spent < 0 || reserved < 0 || spent + reserved > limit)
        wrong.push(`${address} ${seq}: ${spent} + ${reserved} of ${limit}`);
    }
    const { same } = await dying.system.replay(address);
    return same ? wrong : [...wrong, `${address} is told otherwise`];
  }

  it('the same is spent, at every level as much as below it', async () => {
    const calm = await play(() => false);
    const { spent, billed, wrong, status } = calm.told;
    // Four runs of two attempts each, and the first of two of the last task.
    expect([status, wrong, billed]).toEqual(['done', [], microsOf(4 * 2.5 + 0.5)]);
    const sum = (addresses: string[]) =>
      addresses.reduce((all, address) => all + (spent[address]?.[0] ?? 0), 0);
    expect(spent[COMPANY]).toEqual([billed, 0, 0]);
    expect(spent['top/1/account']).toEqual([billed, 0, 0]);
    expect(sum(MIDDLES)).toBe(sum(INNERS));
    expect(calm.commits).toBeGreaterThan(60);
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at += 5) {
      const { told, deaths: died } = await play((_, all) => all === at);
      expect([at, told]).toEqual([at, calm.told]);
      deaths += died;
    }
    expect(deaths).toBe(Math.ceil(calm.commits / 5));
  }, 60_000);

  it.each([
    [7, 1],
    [3, 1000],
  ])(
    'the same is spent, if it dies in every commit no. %i of its life, %i turns a commit',
    async (every, turns) => {
      const calm = await play(() => false, turns);
      const { told, deaths } = await play((ofLife) => ofLife === every, turns);
      expect(told).toEqual(calm.told);
      expect(deaths).toBeGreaterThan(3);
    },
  );
});
