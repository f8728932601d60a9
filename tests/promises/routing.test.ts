// The lie: "the same choice, whatever happens". Hosted workflows whose agents are chosen by rules: with open breakers, experiments,
// shadows and track records, in systems that die after their commits; and told again, when nobody is chosen any more.
import { createSystem } from 'heddle';
import {
  agent,
  budget,
  call,
  explainRoute,
  failure,
  FaultError,
  map,
  result,
  router,
  task,
  workflow,
} from 'heddle/actors';
import type { AgentDetails, Assignment, Router } from 'heddle/actors';
import { account, breaker, bulkhead, tallied } from 'heddle/machines';
import type { AccountContext, ShadowContext, TrackRecordContext } from 'heddle/machines';
import { memory } from 'heddle/storage';
import type { AnyEventObject } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { AnyAgent } from '../../actors/agents/agent.ts';
import { armOf } from '../../actors/routing/bucket.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import type { ActorDefinitions } from '../../runtime/index.ts';
import { DyingSystem } from '../dying-system.ts';

const ANY = { type: 'object' } as const;
const PERMIT = { effect: 'permit', determining: ['test'], reasons: [], obligations: [] } as const;
const MINUTE = 60_000;

type Work = (assignment: Assignment) => Record<string, unknown>;

interface Made extends Partial<AgentDetails> {
  readonly cost?: number;
  readonly capabilities?: readonly string[];
  readonly work?: Work;
}

/** Agents that do what they are told, and what they were asked. */
class World {
  readonly asked: string[] = [];
  readonly estimated: string[] = [];

  agent(name: string, { cost = 0.01, work = () => ({ by: name }), ...more }: Made = {}): AnyAgent {
    return agent({
      ...{ name, capabilities: ['write'], model: 'local', inputSchema: ANY, outputSchema: ANY },
      estimate: () => {
        this.estimated.push(name);
        return cost;
      },
      execute: (assignment: Assignment) => {
        this.asked.push(`${name} ${assignment.idempotencyKey}`);
        const terms = { cost, duration: 1, model: 'local', confidence: 0.9 };
        const output = work(assignment);
        return Promise.resolve(
          output['fails'] === true ? failure(assignment, terms) : result(assignment, { output, ...terms }),
        ) as never;
      },
      ...more,
    });
  }

  /** How often each was asked, a repetition of the same question not counted. */
  get questions(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const one of new Set(this.asked)) counts[one.split(' ')[0]!] = (counts[one.split(' ')[0]!] ?? 0) + 1;
    return counts;
  }
}

interface Options {
  readonly agents: readonly AnyAgent[];
  readonly router?: Router;
  readonly actors?: ActorDefinitions;
  readonly dies?: (commitsOfLife: number) => boolean;
}

/** A system that may die, with new staff in each of its lives. */
function staffedSystem({
  agents,
  router: rules,
  actors = {},
  dies = () => false,
}: Options): DyingSystem<ActorDefinitions> {
  const named = Object.fromEntries(agents.map((one) => [one.name, one]));
  const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
    store: memory(),
    get actors() {
      staff = new Staff(new Map(Object.entries(named)), {
        router: rules,
        now: () => dying.clock.now(),
      });
      return hosted({ ...actors, ...named }, staff);
    },
    onOpen: (system) => {
      const { authority } = { authority: { permit: () => Promise.resolve(PERMIT) } };
      staff.beginIn({
        authority: authority as never,
        get: (address) => system.get(address) as never,
        tellTask: (one, event) => system.sendReserved(one, event),
        actor: (name, id) => system.actor(name, id),
        orders: system.orders,
        belongingOf: () => ({ workflows: [], tenants: [] }),
      });
    },
    dies,
    maxTurnsPerCommit: 1,
  });
  let staff: Staff;
  return dying;
}

const writing = workflow({ id: 'w', tasks: { text: task({ capability: 'write' }) } });

const contextAt = (dying: DyingSystem<ActorDefinitions>, address: string): unknown =>
  dying.system.get(address)!.getSnapshot().context;

const runAt = (dying: DyingSystem<ActorDefinitions>, address: string) =>
  dying.system.get(address)!.getSnapshot() as never as { status: string; output: unknown; error: unknown };

const taskAt = (dying: DyingSystem<ActorDefinitions>, address: string): TaskContext =>
  contextAt(dying, address) as TaskContext;

/** Every actor is told again, and comes to the same. */
async function tellAgain(dying: DyingSystem<ActorDefinitions>): Promise<number> {
  let told = 0;
  for await (const address of dying.system.addresses()) {
    told++;
    expect(await dying.system.replay(address)).toMatchObject({ same: true });
  }
  return told;
}

describe('an open breaker', () => {
  const tripped = { type: 'breaker.trip', reason: 'test', forMs: 30 * MINUTE } as AnyEventObject;
  const guards = { bank: breaker({ failures: 3, withinMs: MINUTE, coolDownMs: MINUTE }) };

  it('makes the next one do it, and that is recorded', async () => {
    const world = new World();
    const agents = [world.agent('cheap', { permits: ['bank/main'] }), world.agent('dear', { cost: 0.5 })];
    const dying = staffedSystem({ agents, actors: { w: writing, ...guards } });
    await dying.open();
    await dying.start('bank', 'main');
    await dying.post('bank/main', tripped);
    await dying.start('w', '1', {});
    expect(runAt(dying, 'w/1').output).toEqual({ by: 'dear' });
    expect(taskAt(dying, 'w/1/text').passedOver).toEqual([
      { agent: 'cheap', why: 'its gate bank/main lets nobody pass: open', retryAfterMs: 30 * MINUTE },
    ]);
    await dying.close();
  });

  it.each([false, true])(
    'of the only one parks the task until it is worth trying (dies: %s)',
    async (dies) => {
      const world = new World();
      const agents = [world.agent('only', { permits: ['bank/main'] })];
      const dying = staffedSystem({
        agents,
        actors: { w: writing, ...guards },
        dies: (ofLife) => dies && ofLife % 2 === 0,
      });
      await dying.open();
      await dying.start('bank', 'main');
      await dying.post('bank/main', tripped);
      await dying.start('w', '1', {});
      expect(taskAt(dying, 'w/1/text')).toMatchObject({
        fault: { class: 'unavailable', retryAfterMs: 30 * MINUTE },
      });
      expect(dying.system.get('w/1/text')!.getSnapshot().value).toBe('sleeping');
      await dying.advance(29 * MINUTE);
      expect(world.asked).toEqual([]);
      await dying.advance(3 * MINUTE);
      expect(runAt(dying, 'w/1')).toMatchObject({ status: 'done', output: { by: 'only' } });
      expect(world.questions).toEqual({ only: 1 });
      if (dies) expect(dying.deaths).toBeGreaterThan(3);
      await tellAgain(dying);
      await dying.close();
    },
  );

  it('that opens between the choice and the call is a fault like any other', async () => {
    const world = new World();
    const agents = [
      world.agent('cheap', {
        permits: ['bank/main'],
        work: () => {
          throw new FaultError({ class: 'server-error', message: 'it is down', cost: 0 as never });
        },
      }),
      world.agent('dear', { cost: 0.5 }),
    ];
    const bank = breaker({ failures: 1, withinMs: MINUTE, coolDownMs: 2000 });
    const dying = staffedSystem({ agents, actors: { w: writing, bank } });
    await dying.open();
    await dying.start('bank', 'main');
    await dying.start('w', '1', {});
    await dying.advance(10 * MINUTE);
    const { log } = taskAt(dying, 'w/1/text');
    expect(log.slice(0, 2)).toMatchObject([
      { agent: 'cheap', fault: 'server-error', move: 'retry' },
      { agent: 'cheap', fault: 'unavailable', cost: 0, message: 'bank/main does not let it pass: open' },
    ]);
    expect(log.at(-1)).toMatchObject({ agent: 'dear', cost: 500_000 });
    expect(runAt(dying, 'w/1').output).toEqual({ by: 'dear' });
    await dying.close();
  });
});

describe('an experiment', () => {
  it('deals every run the same, whenever the system dies, and is not dealt again when it is told', async () => {
    const world = new World();
    const rules = router({
      experiments: [
        {
          id: 'trial',
          capability: 'write',
          arms: { a: { agent: 'old', share: 50 }, b: { agent: 'new', share: 50 } },
        },
      ],
    });
    const agents = [world.agent('old'), world.agent('new', { cost: 0.5 })];
    const dying = staffedSystem({
      agents,
      router: rules,
      actors: { w: writing },
      dies: (ofLife) => ofLife === 5,
    });
    await dying.open();
    const runs = Array.from({ length: 20 }, (_, i) => `w/${i}`);
    for (const run of runs) await dying.start('w', run.slice(2), {});
    for (const run of runs) {
      const { arm } = armOf(rules.experiments[0]!, { run, task: 'text' });
      expect(runAt(dying, run).output).toEqual({ by: arm.agent });
      expect(taskAt(dying, `${run}/text`).advice).toMatchObject({
        route: { rules: rules.hash, experiment: { id: 'trial', arm: arm.name } },
      });
    }
    expect(Object.keys(world.questions).toSorted()).toEqual(['new', 'old']);
    expect(dying.deaths).toBeGreaterThan(10);
    const before = [world.estimated.length, world.asked.length];
    expect(await tellAgain(dying)).toBeGreaterThan(40);
    expect([world.estimated.length, world.asked.length]).toEqual(before);
    await dying.close();
  });

  it('deals one arm to all tasks of a run, and of the runs within it', async () => {
    const arms = { a: { agent: 'old', share: 50 }, b: { agent: 'new', share: 50 } };
    const rules = router({ experiments: [{ id: 'trial', capability: 'write', arms }] });
    const within = workflow({
      id: 'within',
      tasks: { text: task({ capability: 'write' }), more: call({ workflow: writing, input: {} }) },
    });
    const whole = workflow({
      id: 'w',
      tasks: {
        text: task({ capability: 'write' }),
        once: call({ workflow: within, input: {} }),
        each: map({ over: () => [{}, {}], each: writing }),
      },
    });
    const world = new World();
    const agents = [world.agent('old'), world.agent('new')];
    const dying = staffedSystem({ agents, router: rules, actors: { w: whole } });
    await dying.open();
    const dealt = new Set<string>();
    for (let run = 0; run < 12; run++) {
      await dying.start('w', String(run), {});
      const { by } = (runAt(dying, `w/${run}`).output as { text: { by: string } }).text;
      expect(runAt(dying, `w/${run}`).output).toEqual({
        text: { by },
        once: { text: { by }, more: { by } },
        each: [{ by }, { by }],
      });
      dealt.add(by);
    }
    expect(dealt).toEqual(new Set(['old', 'new']));
    await dying.close();
  });
});

describe('a track record', () => {
  it.each([0, 2, 3, 5, 8, 13])(
    'counts each attempt once, though the system dies in every commit no. %i',
    async (every) => {
      const world = new World();
      const agents = [
        world.agent('first', { work: ({ input }) => ({ fails: input['n'] === 1 || input['n'] === 3 }) }),
        world.agent('second', { cost: 0.5 }),
      ];
      const rules = router();
      const dying = staffedSystem({
        ...{ agents, router: rules, actors: { w: writing } },
        dies: (ofLife) => ofLife === every,
      });
      await dying.open();
      for (let n = 0; n < 5; n++) await dying.start('w', String(n), { n });
      await dying.advance(MINUTE);
      const recordOf = (name: string) =>
        tallied(contextAt(dying, `quality/${name}`) as TrackRecordContext, 'write');
      expect(recordOf('first')).toMatchObject({
        ...{
          attempts: 5,
          accepted: 3,
          faults: { 'agent-failure': 2 },
          cost: 50_000,
          estimate: 50_000,
          bills: 5,
        },
        ...{ said: [0, 0, 0, 0, 0, 0, 0, 0, 0, 5], right: [0, 0, 0, 0, 0, 0, 0, 0, 0, 3] },
      });
      expect(recordOf('second')).toMatchObject({ attempts: 2, accepted: 2, faults: {} });
      if (every > 0) expect(dying.deaths).toBeGreaterThan(3);
      await tellAgain(dying);
      await dying.close();
    },
  );

  it('changes who is chosen', async () => {
    const world = new World();
    const agents = [
      world.agent('cheap', { work: () => ({ fails: true }) }),
      world.agent('sound', { cost: 0.02 }),
    ];
    const dying = staffedSystem({ agents, router: router({ prefer: 'quality' }), actors: { w: writing } });
    await dying.open();
    for (let n = 0; n < 4; n++) await dying.start('w', String(n), {});
    const chosen = [0, 1, 2, 3].map((n) =>
      taskAt(dying, `w/${n}/text`)
        .log.map(({ agent: name }) => name)
        .join(' '),
    );
    expect(chosen).toEqual(['cheap sound', 'sound', 'sound', 'sound']);
    await dying.close();
  });
});

describe('a shadow', () => {
  const purse = { budget: account() };
  const rules = router({
    shadows: [{ agent: 'try', of: 'main', share: 100, account: 'budget/shadows', compare: ['/by', '/n'] }],
  });
  const shadowAt = (dying: DyingSystem<ActorDefinitions>) => contextAt(dying, 'shadow/try') as ShadowContext;
  const spentBy = (dying: DyingSystem<ActorDefinitions>) =>
    (contextAt(dying, 'budget/shadows') as AccountContext).window;
  const paying = workflow({
    id: 'w',
    budget: budget({ limit: 1 }),
    tasks: { text: task({ agent: 'main' }) },
  });

  it.each([
    [
      'answers otherwise',
      () => ({ by: 'try', n: 1 }),
      { compared: 1, equal: 0, shadowFaults: 0, shadowCost: 20_000 },
    ],
    [
      'answers the same where it counts',
      () => ({ by: 'main', n: 1, more: 1 }),
      { compared: 1, equal: 1, chosenCost: 10_000 },
    ],
    ['fails', () => ({ fails: true }), { compared: 0, equal: 0, shadowFaults: 1 }],
    [
      'throws',
      (): never => {
        throw new Error('no');
      },
      { compared: 0, shadowFaults: 1 },
    ],
  ])('that %s changes nothing for the run, and pays for itself', async (_, work, totals) => {
    for (const dies of [0, 2, 3, 5, 7]) {
      const world = new World();
      const agents = [
        world.agent('main', { work: () => ({ by: 'main', n: 1 }) }),
        world.agent('try', { cost: 0.02, work }),
      ];
      const dying = staffedSystem({
        ...{ agents, router: rules, actors: { w: paying, ...purse } },
        dies: (ofLife) => ofLife === dies,
      });
      await dying.open();
      await dying.start('budget', 'shadows', { limit: 1 });
      await dying.start('w', '1', {});
      expect(runAt(dying, 'w/1')).toMatchObject({ status: 'done', output: { by: 'main', n: 1 } });
      expect((contextAt(dying, 'w/1/account') as AccountContext).window).toMatchObject({
        spent: 10_000,
        reserved: 0,
      });
      expect(shadowAt(dying).totals).toMatchObject({ asked: 1, missed: 0, chosenFaults: 0, ...totals });
      expect(shadowAt(dying)).toMatchObject({
        open: {},
        recent: [{ run: 'w/1', task: 'text', chosen: { agent: 'main' } }],
      });
      // Nobody knows what it has cost where it threw: the money stays held.
      expect(spentBy(dying).spent + spentBy(dying).reserved).toBe(20_000);
      expect(world.questions).toEqual({ main: 1, try: 1 });
      if (dies > 0) expect(dying.deaths).toBeGreaterThan(1);
      await tellAgain(dying);
      await dying.close();
    }
  });

  it('that never answers, or has no money, keeps nobody waiting', async () => {
    const world = new World();
    const slow = world.agent('try', { cost: 0.02, execute: () => new Promise(() => {}) } as never);
    const dying = staffedSystem({
      agents: [world.agent('main'), slow],
      router: rules,
      actors: { w: paying, ...purse },
    });
    await dying.open();
    await dying.start('budget', 'shadows', { limit: 0.02 });
    for (const run of ['1', '2']) await dying.start('w', run, {});
    expect(['w/1', 'w/2'].map((run) => runAt(dying, run).status)).toEqual(['done', 'done']);
    expect(shadowAt(dying).recent).toMatchObject([
      { run: 'w/2', shadow: { fault: 'budget-exhausted', cost: 0 } },
    ]);
    await dying.advance(10 * MINUTE);
    expect(shadowAt(dying).recent).toMatchObject([
      { run: 'w/2' },
      { run: 'w/1', shadow: { fault: 'timeout' } },
    ]);
    expect(shadowAt(dying).open).toEqual({});
    await dying.close();
  });

  it('that answers too late is paid for what it says, and the rest of what was held is free', async () => {
    const world = new World();
    let answer = (): void => {};
    const execute = (assignment: Assignment) =>
      new Promise((resolve) => {
        const known = { cost: 0.01, duration: 1, model: 'local', confidence: 0.9 };
        answer = () => resolve(result(assignment, { output: { by: 'try' }, ...known }));
      });
    const dying = staffedSystem({
      agents: [world.agent('main'), world.agent('try', { cost: 0.02, execute } as never)],
      router: rules,
      actors: { w: paying, ...purse },
    });
    await dying.open();
    await dying.start('budget', 'shadows', { limit: 1 });
    await dying.start('w', '1', {});
    await dying.advance(10 * MINUTE);
    expect(spentBy(dying)).toMatchObject({ spent: 0, held: 20_000 });
    answer();
    await dying.advance(1);
    expect(spentBy(dying)).toMatchObject({ spent: 10_000, reserved: 0, held: 0 });
    await tellAgain(dying);
    await dying.close();
  });

  it('that waits at a gate until its time is over has cost nothing', async () => {
    const world = new World();
    const permits = ['gate/try'];
    const slow = world.agent('try', { cost: 0.02, permits, execute: () => new Promise(() => {}) } as never);
    const hour = 60 * MINUTE;
    const gate = bulkhead({ slots: 1, queue: 5, waitMs: hour, leaseMs: hour });
    const dying = staffedSystem({
      agents: [world.agent('main'), slow],
      router: rules,
      actors: { w: paying, gate, ...purse },
    });
    await dying.open();
    await dying.start('gate', 'try', {});
    await dying.start('budget', 'shadows', { limit: 1 });
    for (const run of ['1', '2']) await dying.start('w', run, {});
    expect(spentBy(dying)).toMatchObject({ reserved: 40_000, held: 0 });
    await dying.advance(10 * MINUTE);
    expect(shadowAt(dying).recent).toMatchObject([
      { run: 'w/1', shadow: { fault: 'timeout', message: 'it took longer than it may' } },
      {
        run: 'w/2',
        shadow: { fault: 'timeout', cost: 0, message: 'its time was over before anybody was asked' },
      },
    ]);
    expect(spentBy(dying)).toMatchObject({ spent: 0, reserved: 20_000, held: 20_000 });
    await tellAgain(dying);
    await dying.close();
  });

  it('that stands in line for its agent until its time is over has cost nothing', async () => {
    const world = new World();
    const hang = { cost: 0.02, concurrency: 1, execute: () => new Promise(() => {}) };
    const busy = workflow({ id: 'busy', tasks: { text: task({ agent: 'try', timeout: '1 hour' }) } });
    const dying = staffedSystem({
      agents: [world.agent('main'), world.agent('try', hang)],
      router: rules,
      actors: { w: paying, busy, ...purse },
    });
    await dying.open();
    await dying.start('budget', 'shadows', { limit: 1 });
    await dying.start('busy', '1', {});
    await dying.start('w', '1', {});
    expect(spentBy(dying)).toMatchObject({ reserved: 20_000, held: 0 });
    await dying.advance(10 * MINUTE);
    expect(shadowAt(dying).recent).toMatchObject([{ run: 'w/1', shadow: { fault: 'timeout' } }]);
    expect(spentBy(dying)).toMatchObject({ spent: 0, reserved: 0, held: 0 });
    await tellAgain(dying);
    await dying.close();
  });

  it('is promoted by a change of the rules', async () => {
    const world = new World();
    const both = [world.agent('main'), world.agent('try', { cost: 0.02 })];
    const promoted = router({
      experiments: [
        {
          id: 'promotion',
          capability: 'write',
          arms: { a: { agent: 'main', share: 0 }, b: { agent: 'try', share: 100 } },
        },
      ],
    });
    const dying = staffedSystem({ agents: both, router: promoted, actors: { w: writing } });
    await dying.open();
    await dying.start('w', '1', {});
    expect(runAt(dying, 'w/1').output).toEqual({ by: 'try' });
    await dying.close();
  });
});

describe('a fallback', () => {
  const failing = { work: () => ({ fails: true }) };

  it('is gone down rung by rung, each to be seen, and stops when the money is spent', async () => {
    const world = new World();
    const agents = ['a', 'b', 'c', 'd'].map((name) => world.agent(name, { cost: 0.1, ...failing }));
    const falling = workflow({
      id: 'w',
      budget: budget({ limit: 0.3 }),
      tasks: { text: task({ agent: ['a', 'b'], fallback: ['c', 'd'] }) },
    });
    const dying = staffedSystem({ agents, actors: { w: falling } });
    await dying.open();
    await dying.start('w', '1', {});
    const { log, fault, passedOver } = taskAt(dying, 'w/1/text');
    expect(log.map(({ agent: name, fault: what, move }) => [name, what, move])).toEqual([
      ['a', 'agent-failure', 'other-agent'],
      ['b', 'agent-failure', 'other-agent'],
      ['c', 'agent-failure', 'other-agent'],
    ]);
    expect(fault?.class).toBe('budget-exhausted');
    expect(passedOver.map(({ agent: name, why }) => `${name} ${why}`)).toEqual([
      'a has been chosen already',
      'b has been chosen already',
      'c has been chosen already',
    ]);
    expect(world.questions).toEqual({ a: 1, b: 1, c: 1 });
    await dying.close();
  });
});

describe('a budget that asks for somebody cheaper', () => {
  const thrifty = workflow({
    id: 'w',
    budget: budget({ limit: 1, onExhausted: 'cheaper', within: ['budget/small'] }),
    tasks: { text: task({ agent: 'dear', fallback: ['dearer', 'cheap'] }) },
  });

  it.each([
    [0.3, { status: 'done', output: { by: 'cheap' } }, ['dear', 'dearer']],
    // Nobody needs to be looked for: what is left is less than the cheapest would cost.
    [0.05, { status: 'error', error: { class: 'budget-exhausted' } }, []],
  ])('of %d finds one, or says that there is none', async (limit, outcome, passedOver) => {
    const world = new World();
    const agents = Object.entries({ dear: 0.5, dearer: 0.9, cheap: 0.1 }).map(([name, cost]) =>
      world.agent(name, { cost }),
    );
    const dying = staffedSystem({ agents, actors: { w: thrifty, budget: account() } });
    await dying.open();
    await dying.start('budget', 'small', { limit });
    await dying.start('w', '1', {});
    expect(runAt(dying, 'w/1')).toMatchObject(outcome);
    expect(taskAt(dying, 'w/1/text').passedOver.map(({ agent: name }) => name)).toEqual(passedOver);
    expect(world.asked.length).toBe(limit === 0.3 ? 1 : 0);
    await dying.close();
  });
});

describe('places', () => {
  it('are as many as the agent has, and whoever comes besides waits', async () => {
    const world = new World();
    let [now, most] = [0, 0];
    const busy = world.agent('busy', {
      concurrency: 2,
      execute: async (assignment: Assignment) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return result(assignment, { output: {}, cost: 0.01, duration: 1, model: 'm', confidence: 1 });
      },
    } as never);
    const many = workflow({
      id: 'w',
      tasks: { all: map({ over: () => [{}, {}, {}, {}, {}, {}, {}], each: task({ capability: 'write' }) }) },
    });
    const dying = staffedSystem({ agents: [busy], actors: { w: many } });
    await dying.open();
    await dying.start('w', '1', {});
    expect(runAt(dying, 'w/1').status).toBe('done');
    expect([most, now]).toEqual([2, 0]);
    await dying.close();
  });
});

describe('a system with rules', () => {
  it('explains who was chosen, from what was recorded', async () => {
    const world = new World();
    const rules = router({ prefer: 'quality', shadows: [{ agent: 'third', of: 'first', share: 100 }] });
    const system = await createSystem({
      store: memory(),
      router: rules,
      actors: {
        w: writing,
        first: world.agent('first', { work: () => ({ fails: true }) }) as never,
        second: world.agent('second', { cost: 0.02 }) as never,
        third: world.agent('third', { capabilities: ['read'] }) as never,
        fourth: world.agent('fourth', { capabilities: ['write@2'], concurrency: 1 }) as never,
      },
    });
    const run = await system.start('w', { id: '1', input: {} });
    for (let i = 0; i < 500 && run.getSnapshot().status === 'active'; i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    const snapshot = system.get('w/1/text')!.getSnapshot();
    const words = explainRoute(snapshot);
    expect(words.replaceAll(rules.hash, 'RULES')).toMatchInlineSnapshot(`
      "fourth does it: it can write@2. It may cost 0.01.
      Asked in this order, who was accepted most often first, by the rules RULES:
      1. fourth: estimated 0.01
      2. second: estimated 0.02
      Decided: permit by ungoverned.
      - first is passed over: has been chosen already.
      Attempt 1: first: agent-failure: first reports that it could not do it; then other-agent.
      Attempt 2: fourth."
    `);
    const explained: string[] = [];
    for await (const record of system.history('w/1/text'))
      if (record.event.type === 'xstate.done.actor.consult') explained.push(explainRoute(record));
    expect(explained.length).toBe(2);
    expect(explained[0]).toContain('third is asked in its shadow: see shadow/third.');
    await system.close();
  });

  it('refuses what are no rules, and names that it needs itself', async () => {
    const given = { store: memory(), actors: { w: writing } };
    await expect(createSystem({ ...given, router: {} as never })).rejects.toMatchObject({ path: 'router' });
    await expect(
      createSystem({ ...given, actors: { quality: writing }, router: router() }),
    ).rejects.toMatchObject({ path: 'actors.quality' });
  });
});
