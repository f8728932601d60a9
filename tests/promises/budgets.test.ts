// The lie: "tasks at once cannot spend more than there is, and a crash loses no money and gives none twice". A hundred parallel
// tasks at accounts that lie within each other, killed behind every commit, with disks that fail; and what always holds is looked
// for in every record of every account.
import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, fromPromise, sendTo, setup } from 'xstate';
import type { AnyActorRef } from 'xstate';
import { currentEffect, durable } from 'heddle';
import type { System } from 'heddle';
import { microsOf } from 'heddle/actors';
import { account } from 'heddle/machines';
import type { AccountContext, BudgetAnswer } from 'heddle/machines';
import { memory } from 'heddle/storage';
import { Disk, faulty } from 'heddle/testing';
import { Prng } from '../../runtime/testing/prng.ts';
import { DyingSystem } from '../dying-system.ts';
import { collect, open } from './systems.ts';

const DAY = 86_400_000;
const PRICE = microsOf(10);

/** The other side: does work, and sends bills. By idempotency key, because it is asked again after a crash. */
let done = new Set<string>();

const work = fromPromise(async () => {
  done.add(currentEffect()!.idempotencyKey);
});

/** Asks for money, works, and pays. */
const task = setup({
  types: {
    context: {} as { account: string; heard: string },
    input: {} as { account: string },
    events: {} as BudgetAnswer,
  },
  actors: { work },
  actions: {
    ask: sendTo(
      ({ context, system }) => system.get(context.account) as AnyActorRef,
      ({ self }) => ({
        type: 'budget.reserve',
        ticket: self.sessionId,
        amount: PRICE,
        from: self,
        path: ['budget/writer'],
        labels: { agent: 'writer' },
      }),
    ),
    pay: sendTo(
      ({ context, system }) => system.get(context.account) as AnyActorRef,
      ({ self }) => ({ type: 'budget.settle', ticket: self.sessionId, cost: PRICE, source: 'provider' }),
    ),
  },
}).createMachine({
  context: ({ input }) => ({ account: input.account, heard: '' }),
  initial: 'asking',
  states: {
    asking: {
      entry: 'ask',
      on: {
        'budget.reserved': 'working',
        'budget.refused': {
          target: 'over',
          actions: assign({ heard: ({ event }) => `${event.reason} at ${event.account}` }),
        },
      },
    },
    working: {
      invoke: { src: 'work', onDone: { target: 'over', actions: [assign({ heard: 'paid' }), 'pay'] } },
    },
    over: {},
  },
});

/** A run with an account of its own, and tasks that all begin at once. */
const run = setup({
  types: { context: {} as { tasks: number }, input: {} as { tasks: number } },
  actors: { task, account: account() },
}).createMachine({
  context: ({ input }) => input,
  invoke: {
    src: 'account',
    id: 'budget',
    input: { limit: 5000, within: ['budget/acme'] },
  },
  entry: enqueueActions(({ context, enqueue, self }) => {
    for (let n = 0; n < context.tasks; n++)
      enqueue.spawnChild('task', { id: `task-${n}`, input: { account: `${self.sessionId}/budget` } });
  }),
});

const actors = { budget: account({ limit: 5000 }), run };
const ACCOUNTS = ['budget/company', 'budget/acme', 'budget/writer', 'run/1/budget'];

type Actors = typeof actors;

/** What holds in each record of an account. */
function problemOf({ window, open: reservations }: AccountContext): string | undefined {
  const { limit, spent, reserved, overdraft } = window;
  const named = [...reservations.values()].reduce((sum, { taken }) => sum + taken, 0);
  if (spent < 0 || reserved < 0 || overdraft < 0) return 'less than nothing';
  if (spent + reserved > limit) return `${spent} + ${reserved} > ${limit}`;
  return named === reserved ? undefined : `${named} is known, and ${reserved} reserved`;
}

/** All that is wrong in any record of any account; and how many there were. */
async function audit(
  system: System<Actors>,
  accounts: readonly string[] = ACCOUNTS,
): Promise<{ records: number; problems: string[] }> {
  const problems: string[] = [];
  let records = 0;
  for (const address of accounts) {
    let spent = 0;
    for (const { seq, event } of await collect(system.history(address))) {
      const { context } = (await system.snapshotAt(address, seq)) as { context: AccountContext };
      records++;
      if (event.type === 'budget.settle') spent += (event as unknown as { cost: number }).cost;
      const problem = problemOf(context);
      if (problem !== undefined) problems.push(`${address} ${seq}: ${problem}`);
      if (spent !== context.window.spent) problems.push(`${address} ${seq}: ${spent} was billed`);
    }
    const { same } = await system.replay(address);
    if (!same) problems.push(`${address} is told otherwise`);
  }
  return { records, problems };
}

function contextAt(system: System<Actors>, address: string): AccountContext {
  return (system.get(address)!.getSnapshot() as unknown as { context: AccountContext }).context;
}

/** How the accounts stand, and how the tasks came out. */
function outcome(system: System<Actors>, tasks: number) {
  const heard: Record<string, number> = {};
  for (let n = 0; n < tasks; n++) {
    const snapshot = system.get(`run/1/task-${n}`)!.getSnapshot() as unknown as {
      context: { heard: string };
    };
    heard[snapshot.context.heard] = (heard[snapshot.context.heard] ?? 0) + 1;
  }
  const spent = ACCOUNTS.map((address) => contextAt(system, address).window.spent / PRICE);
  const reserved = ACCOUNTS.map((address) => contextAt(system, address).window.reserved);
  return { heard, spent, reserved, works: done.size };
}

/** What must come of it: as many as there is money for are paid, and the others refused by whoever has too little. */
function expected(tasks: number, paid: number) {
  return {
    heard: { paid, 'exhausted at budget/company': tasks - paid },
    spent: [paid, paid, paid, paid],
    reserved: [0, 0, 0, 0],
    works: paid,
  };
}

interface Story {
  readonly tasks: number;
  readonly limit: number;
  readonly dies: (ofLife: number, all: number) => boolean;
  readonly turns: number;
}

/** Plays it on a system that dies when it is told to. */
async function play({ tasks, limit, dies, turns }: Story) {
  done = new Set();
  let commits = 0;
  let isCalm = false;
  const world: DyingSystem<Actors> = new DyingSystem({
    store: memory(),
    actors,
    maxTurnsPerCommit: turns,
    dies: (ofLife) => {
      commits++;
      return !isCalm && world.deaths < 2000 && dies(ofLife, commits);
    },
  });
  await world.open();
  await world.settle();
  await world.start('budget', 'company', { limit });
  await world.start('budget', 'acme', { within: ['budget/company'] });
  await world.start('budget', 'writer');
  await world.start('run', '1', { tasks });
  const made = commits;
  isCalm = true;
  await world.settle();
  const told = { ...outcome(world.system, tasks), commits: made, deaths: world.deaths };
  return { told, world };
}

describe('a hundred parallel tasks of 10 with 500 to spend', () => {
  const story = { tasks: 100, limit: 500 };

  it('are fifty that run, and what is spent and reserved is within the limit in every record', async () => {
    const { told, world } = await play({ ...story, turns: 1000, dies: () => false });
    expect(told).toMatchObject(expected(100, 50));
    const { records, problems } = await audit(world.system);
    expect(problems).toEqual([]);
    expect(records).toBeGreaterThan(500);
    await world.system.close();
  });

  it.each([
    ['every commit of many turns', 1000, 1],
    ['every second commit of a few turns', 20, 2],
    ['every seventh commit of a few turns', 5, 7],
    ['every fiftieth commit of one turn', 1, 50],
  ])('are the same fifty, when the system dies in %s', async (_, turns, every) => {
    const { told, world } = await play({ ...story, turns, dies: (ofLife) => ofLife % every === 0 });
    expect(told).toMatchObject(expected(100, 50));
    expect(told.deaths).toBeGreaterThan(5);
    const { problems } = await audit(world.system, ['budget/company']);
    expect(problems).toEqual([]);
    await world.system.close();
  });
});

describe('five tasks with money for three', () => {
  const story = { tasks: 5, limit: 30, turns: 1 };

  it('are three that run, whichever commit the system dies in', async () => {
    const calm = await play({ ...story, dies: () => false });
    await calm.world.system.close();
    expect(calm.told).toMatchObject(expected(5, 3));
    expect(calm.told.commits).toBeGreaterThan(60);
    for (let at = 1; at <= calm.told.commits; at++) {
      const { told, world } = await play({ ...story, dies: (_, all) => all === at });
      const { problems } = await audit(world.system);
      await world.system.close();
      expect([at, told.deaths, problems, told]).toEqual([at, 1, [], expect.objectContaining(expected(5, 3))]);
    }
  });
});

describe('accounts on a disk that fails', () => {
  it('lose nothing when writes fail and the power goes', async () => {
    const counts = { failed: 0, crashes: 0 };
    for (let seed = 1; seed <= 8; seed++) {
      done = new Set();
      const random = new Prng(seed);
      const disk = new Disk({ pick: (n) => random.below(n) });
      let opened = await open(actors, { store: faulty(disk) });
      await opened.system.start('budget', { id: 'company', input: { limit: 100 } });
      await opened.system.start('budget', { id: 'acme', input: { within: ['budget/company'] } });
      await opened.system.start('budget', { id: 'writer' });
      await opened.system.start('run', { id: '1', input: { tasks: 20 } });
      const flaky = () => (random.below(3) > 0 ? undefined : random.below(2) === 0 ? 'before' : 'after');
      for (let crash = 0; crash < 4; crash++) {
        disk.fault = flaky;
        for (let n = random.below(40); n > 0; n--) await new Promise((resolve) => setImmediate(resolve));
        opened.runtime.die();
        disk.crash(random.below(2) === 0 ? 'power' : 'process');
        disk.fault = undefined;
        opened = await open(actors, { store: faulty(disk) }, opened.clock);
      }
      await opened.advance(60_000);
      expect([seed, outcome(opened.system, 20)]).toEqual([seed, expected(20, 10)]);
      expect([seed, (await audit(opened.system)).problems]).toEqual([seed, []]);
      await opened.system.close();
      for (const name of ['failed', 'crashes'] as const) counts[name] += disk.counts[name];
    }
    expect(counts.crashes).toBe(32);
    expect(counts.failed).toBeGreaterThan(8);
  });
});

describe('an account', () => {
  const budget = account({ limit: 100, per: 'day' });
  const bill = { type: 'budget.settle', source: 'provider' } as const;

  it.each([
    ['from records', budget],
    ['from checkpoints', durable(budget, { checkpointEvery: 1 })],
  ])('that comes back %s corrects a late bill on the day of its reservation', async (_, logic) => {
    let opened = await open({ budget: logic });
    await opened.system.start('budget', { id: 'acme' });
    const send = (event: object) => opened.system.get('budget/acme')!.send(event as never);
    await send({ type: 'budget.reserve', ticket: 'a', amount: microsOf(60) });
    await send({ type: 'budget.reserve', ticket: 'b', amount: microsOf(30) });
    await send({ type: 'budget.hold', ticket: 'b' });
    opened = await opened.crash();
    await opened.advance(DAY);
    await send({ ...bill, ticket: 'a', cost: microsOf(50) });
    opened = await opened.crash();
    await opened.advance(3 * DAY);
    await send({ ...bill, type: 'budget.correct', ticket: 'a', cost: microsOf(55.5) });
    await send({ ...bill, type: 'budget.correct', ticket: 'b', cost: microsOf(20) });
    opened = await opened.crash();
    const { window, others } = opened.system.get('budget/acme')!.getSnapshot().context;
    expect(window).toMatchObject({ key: '2030-01-05', spent: 0, reserved: 0 });
    expect(others[0]).toMatchObject({ key: '2030-01-01', spent: microsOf(75.5), reserved: 0, held: 0 });
    // The correction is on record, with what it was.
    const { same } = await opened.system.replay('budget/acme');
    expect(same).toBe(true);
    const types = (await collect(opened.system.history('budget/acme'))).map(({ event }) => event.type);
    expect(types.filter((type) => type === 'budget.correct')).toHaveLength(2);
  });

  it('keeps what it was born with when a deployment has other options', async () => {
    const first = await open({ budget });
    await first.system.start('budget', { id: 'acme', input: { within: [] } });
    await first.system.get('budget/acme')!.send({ type: 'budget.reserve', ticket: 'a', amount: PRICE });
    const later = await first.reopenWith({ budget: account({ limit: 1, per: 'month', remember: 0 }) });
    const { terms } = later.system.get('budget/acme')!.getSnapshot().context;
    expect(terms).toEqual({ limit: microsOf(100), per: 'day', within: [], remember: 1000 });
    expect(await later.system.replay('budget/acme')).toMatchObject({ same: true });
  });

  it('asks for nothing where nobody lives, and goes on when somebody does', async () => {
    const { system, settle } = await openedWithTeam();
    const news: string[] = [];
    const team = system.get('budget/team')!;
    team.on(
      '*',
      (event) => void news.push(`${event.type} ${'account' in event ? event.account : ''}`.trim()),
    );
    const request = { type: 'budget.reserve', ticket: 'a', amount: PRICE } as const;
    await team.send(request);
    await settle();
    expect(team.getSnapshot().context.window.reserved).toBe(0);
    await system.start('budget', { id: 'acme' });
    await team.send(request);
    await settle();
    await team.send({ ...bill, ticket: 'a', cost: microsOf(7) });
    await settle();
    expect(news).toEqual(['budget.refused budget/acme', 'budget.reserved']);
    expect(system.get('budget/acme')!.getSnapshot().context.window).toMatchObject({
      spent: microsOf(7),
      reserved: 0,
    });
  });

  it('takes the bill of a run that is gone, by the name that its reservation has there', async () => {
    const { system, settle } = await openedWithTeam();
    await system.start('budget', { id: 'acme' });
    const team = system.get('budget/team')!;
    await team.send({ type: 'budget.reserve', ticket: 'a', amount: microsOf(60) });
    await settle();
    await team.send({ type: 'budget.hold', ticket: 'a' });
    await settle();
    await system.stop('budget/team');
    const acme = system.get('budget/acme')!;
    expect(acme.getSnapshot().context.window).toMatchObject({ spent: 0, held: microsOf(60) });
    const late = { ...bill, type: 'budget.correct', ticket: 'budget/team#a' } as const;
    await acme.send({ ...late, cost: microsOf(120) });
    expect(acme.getSnapshot().context.window).toMatchObject({
      spent: microsOf(100),
      overdraft: microsOf(20),
      held: 0,
    });
    const overdrawn = await collect(system.query({ name: 'budget', state: 'serving.overdrawn' }));
    expect(overdrawn.map(({ address }) => address)).toEqual(['budget/acme']);
  });

  async function openedWithTeam() {
    const opened = await open({ budget });
    await opened.system.start('budget', { id: 'team', input: { within: ['budget/acme'] } });
    return { system: opened.system, settle: () => opened.settle() };
  }
});
