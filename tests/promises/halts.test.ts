// The lie: "halted is halted". Halts of every kind, while calls run, while money is reserved, over crashes and under pauses: nothing that
// is covered is begun after the record of the halt, what comes late is not heard, and what waited goes on when it is lifted.
import { budget, call, FaultError, loop, map, roles, task, vote, workflow } from 'heddle/actors';
import type { HaltTarget } from 'heddle/actors';
import { NotPermitted } from 'heddle';
import type { Decider } from 'heddle';
import { beforeEach, describe, expect, it } from 'vitest';
import { doing, World } from './staffed-world.ts';
import { collect, onDisk, rejection } from './systems.ts';

/** Calls that are not answered before the test says so. */
class Slow {
  readonly begun: string[] = [];
  readonly aborted: string[] = [];
  readonly #waiting: (() => void)[] = [];

  readonly work = (assignment: { idempotencyKey: string; signal: AbortSignal }) => {
    this.begun.push(assignment.idempotencyKey);
    assignment.signal.addEventListener('abort', () => this.aborted.push(assignment.idempotencyKey));
    return new Promise<Record<string, unknown>>((resolve) => this.#waiting.push(() => resolve({ ok: true })));
  };

  answerAll(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

const items = (n: number): { readonly items: readonly object[] } => ({
  items: Array.from({ length: n }, (_, i) => ({ i })),
});

const many = workflow({
  id: 'many',
  budget: budget({ limit: 5 }),
  tasks: {
    each: map({
      over: (_, { input }) => (input as ReturnType<typeof items>).items as never,
      each: task({ agent: 'clerk' }),
      concurrency: 50,
    }),
  },
});

describe('a halt during 50 calls', () => {
  it('begins no call after its record, aborts those that run, takes no answer of theirs, and books what they cost all the same', async () => {
    const slow = new Slow();
    const world = await World.open({ actors: { many, clerk: doing('clerk', slow.work) }, store: onDisk() });
    await world.start('many', '1', items(60));
    await world.until(() => slow.begun.length === 50);
    await world.system.halts.halt({ agent: 'clerk' }, { by: 'ada', reason: 'it writes nonsense' });
    const before = slow.begun.length;
    expect(slow.aborted.length).toBe(before);
    await world.settle();
    // The answers are late.
    slow.answerAll();
    await world.until(() => world.snapshot('many/1').context.nodes.each.status === 'parked');
    await world.advance(3_600_000);
    expect(slow.begun.length).toBe(before);
    const { context } = world.snapshot('many/1/account');
    expect(context.window).toMatchObject({ spent: 500_000, reserved: 0, held: 0 });
    for (const index of [0, 49])
      expect(world.snapshot(`many/1/each/${index}`)).toMatchObject({
        value: 'halted',
        context: { fault: { class: 'not-permitted', code: 'halted' } },
      });
    expect(world.snapshot('many/1').context.nodes.each.status).toBe('parked');

    // Over a kill.
    await world.crash();
    await world.advance(3_600_000);
    expect(slow.begun.length).toBe(before);
    expect(world.system.halts.list()).toMatchObject([
      { target: { agent: 'clerk' }, by: 'ada', reason: 'it writes nonsense' },
    ]);

    await world.system.halts.lift({ agent: 'clerk' }, { by: 'ada', reason: 'it was mended' });
    expect(world.system.halts.list()).toEqual([]);
    await world.until(() => {
      slow.answerAll();
      return world.snapshot('many/1').status !== 'active';
    });
    expect(world.snapshot('many/1')).toMatchObject({ status: 'done' });
    // What was aborted is asked again under the same key: whoever had done it may notice.
    const keys = new Set(slow.begun);
    expect(slow.begun.length).toBe(110);
    expect(keys.size).toBe(60);
    const events = (await world.history('heddle/system')).map(({ event }) => event);
    expect(events.filter(({ type }) => type !== 'xstate.init')).toMatchObject([
      {
        type: 'heddle.ordered',
        kind: 'halt',
        content: { agent: 'clerk' },
        by: 'ada',
        reason: 'it writes nonsense',
      },
      {
        type: 'heddle.withdrawn',
        kind: 'halt',
        content: { agent: 'clerk' },
        by: 'ada',
        reason: 'it was mended',
      },
    ]);
    expect((await world.system.verify()).broken).toEqual([]);
  });
});

describe('a halt', () => {
  const acme = { type: 'object' } as const;
  const shop = workflow({
    id: 'shop',
    inputSchema: acme,
    tenant: ({ tenant }) => tenant as string | undefined,
    tasks: { buy: task({ capability: 'buy.now' }) },
  });
  const other = workflow({ id: 'other', tasks: { buy: task({ agent: 'buyer' }) } });
  const actors = (asked: string[]) => ({
    ...{ shop, other },
    buyer: doing('buyer', ({ context }) => (asked.push(context.run), {}), {
      capabilities: ['buy.now'],
      model: 'm-1',
    }),
  });

  const targets: readonly (readonly [HaltTarget, blocked: readonly string[]])[] = [
    ['all', ['shop/acme', 'shop/zeta', 'shop/none', 'other/1']],
    [{ agent: 'buyer' }, ['shop/acme', 'shop/zeta', 'shop/none', 'other/1']],
    [{ model: 'm-1' }, ['shop/acme', 'shop/zeta', 'shop/none', 'other/1']],
    [{ capability: 'buy' }, ['shop/acme', 'shop/zeta', 'shop/none', 'other/1']],
    [{ workflow: 'shop' }, ['shop/acme', 'shop/zeta', 'shop/none']],
    // Of one run it cannot be told whose it is.
    [{ tenant: 'acme' }, ['shop/acme', 'shop/none']],
    [{ agent: 'somebody' }, []],
    [{ capability: 'buy.later' }, []],
  ];

  it.each(targets)('of %j covers what it says, and nothing else', async (target, blocked) => {
    const asked: string[] = [];
    const world = await World.open({ actors: actors(asked) });
    await world.system.halts.halt(target, { reason: 'test' });
    const runs: readonly (readonly [string, string, object])[] = [
      ['shop', 'acme', { tenant: 'acme' }],
      ['shop', 'zeta', { tenant: 'zeta' }],
      ['shop', 'none', {}],
      ['other', '1', {}],
    ];
    for (const [name, id, input] of runs) await world.start(name, id, input);
    const all = runs.map(([name, id]) => `${name}/${id}`);
    expect(asked).toEqual(all.filter((run) => !blocked.includes(run)));
    await world.system.halts.lift(target, { reason: 'test' });
    await world.settle();
    expect(new Set(asked)).toEqual(new Set(all));
  });

  it('goes on when the last of several is lifted, in whichever order', async () => {
    const asked: string[] = [];
    const world = await World.open({ actors: actors(asked) });
    const [first, second] = [{ workflow: 'other' }, { agent: 'buyer' }];
    for (const target of [first, second]) await world.system.halts.halt(target, { reason: 'test' });
    for (const [run, order] of [
      ['1', [first, second]],
      ['2', [second, first]],
    ] as const) {
      await world.start('other', run);
      for (const target of order) {
        expect(asked).toEqual([]);
        await world.system.halts.lift(target, { reason: 'test' });
        await world.settle();
      }
      expect(asked.splice(0)).toEqual([`other/${run}`]);
      for (const target of order) await world.system.halts.halt(target, { reason: 'test' });
    }
  });

  it('leaves the work to somebody else who can do it', async () => {
    const asked: string[] = [];
    const pair = workflow({ id: 'pair', tasks: { buy: task({ agent: ['ann', 'bob'] }) } });
    const named = (name: string) => doing(name, () => (asked.push(name), {}));
    const world = await World.open({ actors: { pair, ann: named('ann'), bob: named('bob') } });
    await world.system.halts.halt({ agent: 'ann' }, { reason: 'test' });
    await world.start('pair', '1');
    expect(asked).toEqual(['bob']);
    expect(world.snapshot('pair/1/buy').context.passedOver).toEqual([
      { agent: 'ann', why: 'agent ann is halted: test' },
    ]);
  });

  it('gives the question of an aborted call to nobody else under its key', async () => {
    const keys: string[] = [];
    const slow = new Slow();
    const pair = workflow({ id: 'pair', tasks: { buy: task({ agent: ['ann', 'bob'] }) } });
    const bob = doing('bob', ({ idempotencyKey }) => (keys.push(idempotencyKey), {}));
    const world = await World.open({ actors: { pair, ann: doing('ann', slow.work), bob } });
    await world.start('pair', '1');
    await world.system.halts.halt({ agent: 'ann' }, { reason: 'test' });
    await world.settle();
    expect([slow.begun.length, keys.length]).toEqual([1, 1]);
    expect(keys[0]).not.toBe(slow.begun[0]);
    expect(world.snapshot('pair/1').status).toBe('done');
  });

  it('is in force while everything is paused, and one that stands is not given twice', async () => {
    const world = await World.open({ actors: actors([]) });
    await world.system.pause();
    await world.system.halts.halt('all', { reason: 'first' });
    await world.system.halts.halt('all', { reason: 'second' });
    expect(world.system.halts.list()).toMatchObject([{ target: 'all', reason: 'first' }]);
  });

  it('can be resumed by nobody, but given up and cancelled', async () => {
    const asked: string[] = [];
    const world = await World.open({ actors: actors(asked) });
    await world.system.halts.halt('all', { reason: 'test' });
    await world.start('other', '1');
    await world.tell('other/1', { type: 'task.resume', task: 'buy', by: 'ada' });
    await world.settle();
    expect(world.snapshot('other/1/buy').value).toBe('halted');
    await world.tell('other/1', { type: 'task.abandon', task: 'buy', by: 'ada', reason: 'no' });
    await world.settle();
    expect(world.snapshot('other/1').status).not.toBe('active');
    await world.start('other', '2');
    await world.tell('other/2', { type: 'run.abort', by: 'ada', reason: 'no' });
    await world.settle();
    expect(world.snapshot('other/2').status).not.toBe('active');
    expect(asked).toEqual([]);
  });
});

describe('a halt of what has parts', () => {
  const asked: string[] = [];
  const clerk = doing('clerk', ({ context }) => (asked.push(context.run), {}), {
    capabilities: ['credit.assess@2', 'credit.report'],
  });
  beforeEach(() => void (asked.length = 0));

  const inner = workflow({ id: 'inner', tasks: { work: task({ agent: 'clerk' }) } });
  const middle = workflow({
    id: 'middle',
    tasks: {
      called: call({ workflow: inner }),
      each: map({ over: () => [{}, {}], each: inner }),
      again: loop({ body: inner, until: () => true, times: 2 }),
    },
  });
  const outer = workflow({
    id: 'outer',
    tasks: { listed: map({ over: () => [{}], each: middle }), own: task({ agent: 'clerk' }) },
  });
  const within = ['called', 'each/0', 'each/1', 'again/1'].map((node) => `outer/1/listed/0/${node}`);

  it.each<[target: string, blocked: readonly string[]]>([
    ['outer', ['outer/1', ...within]],
    ['middle', within],
    // The name that it has among the actors.
    ['between', within],
    ['inner', within],
    ['somewhere', []],
  ])('covers all that runs within a workflow, wherever it is called: %s', async (target, blocked) => {
    const world = await World.open({ actors: { outer, between: middle, inner, clerk } });
    await world.system.halts.halt({ workflow: target }, { reason: 'test' });
    await world.start('outer', '1');
    expect(asked.toSorted()).toEqual(
      ['outer/1', ...within].filter((run) => !blocked.includes(run)).toSorted(),
    );
    await world.system.halts.lift({ workflow: target }, { reason: 'test' });
    await world.settle();
    expect(asked.toSorted()).toEqual(['outer/1', ...within].toSorted());
  });

  const ofCustomer = { tenant: ({ customer }: { customer?: string }) => customer };
  const branchOffice = workflow({
    id: 'branchOffice',
    ...ofCustomer,
    tasks: { work: task({ agent: 'clerk' }) },
  });
  const bank = (tenant?: string) =>
    workflow({
      id: 'bank',
      ...(tenant !== undefined && { tenant: () => tenant }),
      tasks: {
        first: task({ agent: 'clerk' }),
        office: call({ needs: ['first'], workflow: branchOffice, input: (_, { input }) => input }),
      },
    });

  it.each<[string, string | undefined, object, target: string, blocked: readonly string[], told: unknown]>([
    ['that alone says whose it is', undefined, { customer: 'acme' }, 'acme', ['bank/1/office'], 'acme'],
    ['that says so too', 'acme', { customer: 'acme' }, 'acme', ['bank/1', 'bank/1/office'], 'acme'],
    ['of another than it says itself', 'acme', { customer: 'zeta' }, 'zeta', ['bank/1/office'], undefined],
    ['of which it cannot be told whose it is', undefined, {}, 'acme', ['bank/1/office'], undefined],
    ['of somebody else', undefined, { customer: 'zeta' }, 'acme', [], 'zeta'],
  ])(
    'covers for a tenant a run within a run %s, and the decider is told the same',
    async (_, tenant, input, target, blocked, told) => {
      const tenants = new Map<string, unknown>();
      const decider: Decider = {
        hash: 'test',
        decide: ({ action, principal }) => {
          if (action.name === 'agent.call') tenants.set(principal.id, principal.properties?.['tenant']);
          return { effect: 'permit', determining: ['all'], reasons: [], obligations: [] };
        },
      };
      const world = await World.open({ actors: { bank: bank(tenant), clerk }, decider, store: onDisk() });
      await world.system.halts.halt({ tenant: target }, { reason: 'test' });
      await world.start('bank', '1', input);
      const runs = ['bank/1', 'bank/1/office'];
      const tasks = ['bank/1/first', 'bank/1/office/work'];
      const isHalted = (address: string): boolean =>
        world.system.get(address) !== undefined && world.snapshot(address).value === 'halted';
      await world.until(() => world.snapshot('bank/1').status === 'done' || tasks.some(isHalted));
      const first = runs.findIndex((run) => blocked.includes(run));
      expect(asked).toEqual(first === -1 ? runs : runs.slice(0, first));
      await world.system.halts.lift({ tenant: target }, { reason: 'test' });
      await world.until(() => world.snapshot('bank/1').status === 'done');
      expect(asked).toEqual(runs);
      expect([tenants.get('bank/1'), tenants.get('bank/1/office')]).toEqual([tenant, told]);
    },
  );

  const credit = (options: { capability?: string; agent?: string }) =>
    workflow({ id: 'credit', tasks: { ask: task(options) } });

  it.each<[asked: { capability?: string; agent?: string }, target: string, isCovered: boolean]>([
    [{ capability: 'credit' }, 'credit.assess', true],
    [{ capability: 'credit' }, 'credit.assess@2', true],
    [{ capability: 'credit' }, 'credit.assess@1', false],
    [{ capability: 'credit.report' }, 'credit.assess', false],
    [{ capability: 'credit.report' }, 'credit', true],
    [{ agent: 'clerk', capability: 'credit' }, 'credit.assess', true],
    [{ agent: 'clerk', capability: 'credit.report' }, 'credit.assess', false],
    [{ agent: 'clerk' }, 'credit.assess', true],
  ])(
    'covers for a capability whoever would do by it what is asked: %j, %s',
    async (options, capability, isCovered) => {
      const world = await World.open({ actors: { credit: credit(options), clerk } });
      await world.system.halts.halt({ capability }, { reason: 'test' });
      await world.start('credit', '1');
      expect(asked).toEqual(isCovered ? [] : ['credit/1']);
    },
  );
});

describe('an agent that says that it is halted', () => {
  const said = { message: 'trading is halted', code: 'halted' } as const;

  it.each(['agent-failure', 'crash', 'not-permitted'] as const)(
    'fails as any other does, as often as the strategy has it asked: %s',
    async (name) => {
      let calls = 0;
      const broker = doing('broker', () => {
        if (++calls > 200) return new Promise<never>(() => {});
        throw new FaultError({ class: name, ...said });
      });
      const trade = workflow({ id: 'trade', tasks: { sell: task({ agent: 'broker' }) } });
      const world = await World.open({ actors: { trade, broker } });
      await world.start('trade', '1');
      await world.advance(600_000);
      expect(calls).toBeLessThan(10);
      expect(world.snapshot('trade/1').context.nodes.sell.status).not.toBe('running');
    },
  );

  it('is not asked again and again for its vote', async () => {
    let calls = 0;
    const ann = doing('ann', () => ({ side: 'sell' }), { capabilities: ['say'], model: 'm-1', cost: 0.01 });
    const bob = doing(
      'bob',
      () => {
        if (++calls > 200) return new Promise<never>(() => {});
        throw new FaultError({ class: 'agent-failure', ...said });
      },
      { capabilities: ['say'], model: 'm-2', cost: 0.02 },
    );
    const verify = [vote({ of: 2, agree: 2, on: ['#/side'] })];
    const trade = workflow({ id: 'trade', tasks: { side: task({ capability: 'say', verify }) } });
    const world = await World.open({ actors: { trade, ann, bob } });
    await world.start('trade', '1');
    await world.advance(60_000);
    expect(calls).toBeLessThan(10);
  });
});

describe('whoever halts', () => {
  const TABLE = `
grants:
  - { id: program, to: { principals: [{ type: program, id: main }] }, actions: [start, lift], resources: any }
  - { id: safety, to: { principals: [{ type: user, id: ada }] }, actions: [halt], resources: [{ type: agent }] }
`;
  const one = workflow({ id: 'one', tasks: { work: task({ agent: 'clerk' }) } });

  it('must be permitted to, and that is in the record', async () => {
    const world = await World.open({
      actors: { one, clerk: doing('clerk', () => ({})) },
      decider: roles(TABLE),
    });
    const { halts } = world.system;
    const ada = { type: 'user', id: 'ada' };
    expect(await rejection(halts.halt('all', { by: ada, reason: 'x' }))).toBeInstanceOf(NotPermitted);
    expect(await rejection(halts.halt({ agent: 'clerk' }, { reason: 'x' }))).toBeInstanceOf(NotPermitted);
    expect(halts.list()).toEqual([]);
    await halts.halt({ agent: 'clerk' }, { by: ada, reason: 'x' });
    expect(await rejection(halts.lift({ agent: 'clerk' }, { by: ada, reason: 'x' }))).toBeInstanceOf(
      NotPermitted,
    );
    expect(halts.list()).toHaveLength(1);
    const records = await world.history('heddle/system');
    expect(records.find(({ event }) => event.type === 'heddle.ordered')).toMatchObject({
      principal: ada,
      decision: { determining: ['safety'] },
    });
    const refusals = await collect(world.system.refusals());
    expect(refusals.map(({ what, principal }) => [what, principal])).toEqual([
      ['halt', 'user ada'],
      ['halt', 'program main'],
      ['lift', 'user ada'],
    ]);
  });

  it('is told what makes no sense, and nothing is halted', async () => {
    const { system } = await World.open({ actors: { one, clerk: doing('clerk', () => ({})) } });
    const wrong: readonly unknown[] = [
      ...['everything', {}, { agent: '' }, { agent: 'a', model: 'b' }, { agents: 'a' }, undefined],
      { capability: 'a b' },
    ];
    for (const target of wrong)
      expect(await rejection(system.halts.halt(target as never, { reason: 'x' }))).toMatchObject({
        code: 'HEDDLE_INVALID_ARGUMENT',
      });
    expect(await rejection(system.halts.halt('all', { reason: ' ' }))).toMatchObject({ path: 'reason' });
    expect(await rejection(system.halts.lift('all', { reason: 'x' }))).toMatchObject({ path: 'target' });
    const words: readonly (readonly [unknown, string])[] = [
      [undefined, 'reason'],
      [null, 'reason'],
      [{ by: 'ada' }, 'reason'],
      ...[5, '', null, {}, { type: 'user' }].map((by) => [{ by, reason: 'x' }, 'by'] as const),
    ];
    for (const [given, path] of words)
      for (const call of ['halt', 'lift'] as const)
        expect(await rejection(system.halts[call]('all', given as never))).toMatchObject({
          ...{ code: 'HEDDLE_INVALID_ARGUMENT', path },
        });
    expect(system.halts.list()).toEqual([]);
  });
});
