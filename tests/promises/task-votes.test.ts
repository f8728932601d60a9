// The lies: "an answer that counts is confirmed by others", "by others, and not by the same one twice", "each of them is permitted and
// paid as anybody is", "whenever it dies or is not wanted any more, nobody is asked twice and no money is lost".
import { budget, sample, task, vote, workflow } from 'heddle/actors';
import type { Agent, BudgetOptions, TaskOptions, VoteOptions } from 'heddle/actors';
import type { Decider } from 'heddle';
import { memory } from 'heddle/storage';
import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { Vote } from '../../machines/task/votes.ts';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from '../orchestration/workplace.ts';
import { endOf, everybodyMay, snapshotOf, staffed, started, taskOf, worker } from './staffed.ts';
import type { Asked, Doing, Staffed } from './staffed.ts';
import { collect, rejection } from './systems.ts';
import { abortedEverywhere } from './unwanted.ts';

const flowOf = (
  options: Partial<VoteOptions> = {},
  more: Partial<TaskOptions<never>> = {},
  money: BudgetOptions = { limit: 1 },
) =>
  workflow({
    id: 'flow',
    budget: budget(money),
    tasks: {
      one: task({
        ...{ capability: 'work', reviewers: 'editor' },
        verify: [vote({ of: 3, agree: 2, on: ['#/answer'], ...options })],
        ...more,
      }),
    },
  });

/** Whoever says always the same; of a model of its own, unless it is said otherwise. */
class Office {
  readonly asked: Asked[] = [];

  says(name: string, answer: unknown, more: Parameters<typeof worker>[2] = {}): Agent {
    const doing = typeof answer === 'function' ? (answer as Doing) : () => ({ answer });
    return worker(name, doing, { asked: this.asked, model: `model of ${name}`, ...more });
  }

  get names(): string[] {
    return this.asked.map(({ agent }) => agent);
  }
}

const valueOf = (opened: Staffed): unknown => snapshotOf<{ value: unknown }>(opened, 'flow/1/one').value;

const moneyOf = (opened: Staffed) => {
  const { spent, reserved, held } = snapshotOf<{ context: Ledger }>(opened, 'flow/1/account').context.window;
  return { spent, reserved, held };
};

const votesOf = (opened: Staffed) =>
  taskOf(opened, 'flow/1/one').votes.map(({ agent, output, fault }: Vote) => [
    agent,
    output?.['answer'] ?? fault,
  ]);

async function opening(
  agents: readonly Agent[],
  flow = flowOf(),
  settings: Parameters<typeof staffed>[1] = {},
): Promise<Staffed> {
  const opened = await staffed(
    { flow, ...Object.fromEntries(agents.map((one) => [one.name, one])) },
    settings,
  );
  await started(opened);
  await opened.settle();
  return opened;
}

describe('an answer that others must confirm', () => {
  it('is taken when enough of them say the same; all of them are paid, and on record', async () => {
    const office = new Office();
    const agents = [office.says('ann', 4), office.says('bob', 5), office.says('carl', 4)];
    const opened = await opening(agents);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { answer: 4 } });
    expect(office.asked.map(({ agent, key }) => [agent, key])).toEqual([
      ['ann', 'flow/1/one#1'],
      ['bob', 'flow/1/one/poll/1#1'],
      ['carl', 'flow/1/one/poll/2#1'],
    ]);
    expect(moneyOf(opened)).toEqual({ spent: 30_000, reserved: 0, held: 0 });
    expect(taskOf(opened, 'flow/1/one').verified).toEqual({
      vote: { ok: true, evidence: { agreeing: 2, of: 3 } },
    });
    const { tasks, money } = await opened.system.runs.status('flow/1');
    expect(money.spent).toBe(30_000);
    expect(tasks[0]).toMatchObject({ task: 'one', agent: 'ann', cost: 30_000, reserved: 0 });
    expect(tasks[0]!.attempts).toHaveLength(1);
    expect(tasks[0]!.parts).toMatchObject([
      { task: 'one/poll/1', kind: 'vote', agent: 'bob', output: { value: { answer: 5 } }, cost: 10_000 },
      { task: 'one/poll/2', kind: 'vote', agent: 'carl', attempts: [{ confirms: 'ann', cost: 10_000 }] },
    ]);
  });

  it('was made of what they have said', async () => {
    const office = new Office();
    const opened = await opening(
      ['ann', 'bob'].map((by) => office.says(by, () => ({ answer: 4, by }))),
      flowOf({ of: 2 }),
    );
    const { tasks } = await opened.system.runs.status('flow/1');
    const { from } = await opened.system.lineage(tasks[0]!.output!.hash!, { run: 'flow/1' });
    expect(from.map(({ kind, task: name }) => [kind, name])).toContainEqual(['output', 'one/poll/1']);
  });

  it('is wrong when they say something else; who has answered is not asked to vote again', async () => {
    const office = new Office();
    const opened = await opening([office.says('ann', 1), office.says('bob', 2), office.says('carl', 2)]);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { answer: 2 } });
    // Ann once more, who is told that it is wrong; then Bob, whom Carl confirms, and who cannot confirm himself.
    expect(office.names).toEqual(['ann', 'bob', 'carl', 'ann', 'bob']);
    expect(taskOf(opened, 'flow/1/one').log).toMatchObject([
      {
        ...{ agent: 'ann', fault: 'factually-wrong', move: 'ask-again' },
        message: 'vote@1: 1 of 3 answers agree, and 2 are needed',
      },
      { agent: 'ann', fault: 'factually-wrong', move: 'other-agent' },
      { agent: 'bob', cost: 10_000 },
    ]);
    expect(moneyOf(opened)).toEqual({ spent: 50_000, reserved: 0, held: 0 });
  });

  it('goes to a person when everybody says something else', async () => {
    const office = new Office();
    const opened = await opening([office.says('ann', 1), office.says('bob', 2), office.says('carl', 3)]);
    expect(valueOf(opened)).toBe('reviewing');
    expect(moneyOf(opened)).toMatchObject({ reserved: 0, held: 0 });
  });

  it('is not voted on when it can be shown to be wrong for nothing', async () => {
    const office = new Office();
    const never = { name: 'never', version: 1, check: () => ({ ok: false, problems: [] }) as const };
    const ballot = vote({ of: 3, agree: 2, on: ['#/answer'] });
    const opened = await opening(
      [office.says('ann', 1), office.says('bob', 1), office.says('carl', 1)],
      flowOf({}, { agent: 'ann', fallback: ['bob', 'carl'], verify: [ballot, never] }),
    );
    expect(valueOf(opened)).toBe('reviewing');
    expect(taskOf(opened, 'flow/1/one').votes).toEqual([]);
  });

  it('is asked for with what is left of the time', async () => {
    const office = new Office();
    const slow: Doing = () => new Promise(() => {});
    const agents = [office.says('ann', 1), office.says('bob', slow), office.says('carl', 1)];
    const opened = await opening(agents, flowOf({}, { deadline: '10 seconds' }));
    const { tasks, state } = await opened.system.runs.status('flow/1');
    expect([state, tasks[0]]).toMatchObject([
      'running',
      {
        cost: 20_000,
        reserved: 10_000,
        parts: [{ status: 'running', agent: 'bob' }, { status: 'complete' }],
      },
    ]);
    await opened.advance(10_000);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { answer: 1 } });
    expect(votesOf(opened)).toEqual([
      ['carl', 1],
      ['bob', 'timeout'],
    ]);
    // What Bob will charge nobody knows.
    expect(moneyOf(opened)).toEqual({ spent: 20_000, reserved: 10_000, held: 10_000 });
  });
});

describe('those who confirm it', () => {
  it('are of other models, unless that does not matter', async () => {
    for (const [models, names] of [
      ['different', ['ann', 'carl']],
      ['any', ['ann', 'bob']],
    ] as const) {
      const office = new Office();
      const agents = [
        office.says('ann', 1, { model: 'large' }),
        office.says('bob', 1, { model: 'large' }),
        office.says('carl', 1, { model: 'small' }),
      ];
      const opened = await opening(agents, flowOf({ of: 2, models }));
      expect([endOf(opened, 'flow/1').status, office.names]).toEqual(['done', names]);
    }
  });

  it('must be there: too few is a fault that says so, and the answer is kept until they are', async () => {
    const office = new Office();
    const agents = [
      office.says('ann', 1),
      office.says('bob', 1),
      office.says('twin', 1, { model: 'model of bob' }),
    ];
    const opened = await opening(agents);
    expect(valueOf(opened)).toBe('sleeping');
    const { fault } = taskOf(opened, 'flow/1/one');
    expect(fault).toMatchObject({
      class: 'no-agent',
      message: expect.stringContaining(
        '3 different agents of different models are to answer it, and 2 could be asked: nobody is left',
      ),
    });
    expect(fault!.message).toContain('twin (model of bob has a vote already)');
    await opened.advance(60_000);
    // Nobody is asked again meanwhile.
    expect([valueOf(opened), office.names]).toEqual(['sleeping', ['ann', 'bob']]);
    expect(moneyOf(opened)).toEqual({ spent: 20_000, reserved: 0, held: 0 });
  });

  it('are others when one of them fails', async () => {
    const office = new Office();
    const failing: Doing = () => {
      throw new Error('broken');
    };
    const agents = [
      ...[office.says('ann', 1), office.says('bob', failing), office.says('carl', 2)],
      office.says('dora', 1),
    ];
    const opened = await opening(agents);
    for (let i = 0; i < 4; i++) await opened.advance(10_000);
    expect(endOf(opened, 'flow/1')).toMatchObject({ status: 'done', output: { answer: 1 } });
    expect(votesOf(opened)).toEqual([
      ['carl', 2],
      ['bob', 'crash'],
      ['dora', 1],
    ]);
  });

  it('need not all have answered, if enough agree', async () => {
    const office = new Office();
    const failing: Doing = () => {
      throw new Error('broken');
    };
    const opened = await opening([
      office.says('ann', 1),
      office.says('bob', failing),
      office.says('carl', 1),
    ]);
    for (let i = 0; i < 4; i++) await opened.advance(10_000);
    expect(endOf(opened, 'flow/1').status).toBe('done');
    expect(votesOf(opened)).toEqual([
      ['carl', 1],
      ['bob', 'crash'],
      [undefined, 'no-agent'],
    ]);
  });

  it('are each permitted on their own', async () => {
    const office = new Office();
    const denying: Decider = {
      hash: 'test',
      decide: ({ action, resource }) =>
        (action.properties as { vote?: true } | undefined)?.vote === true && resource.id === 'bob'
          ? { effect: 'deny', determining: ['no-bob'], reasons: ['he has an interest'], obligations: [] }
          : { effect: 'permit', determining: ['all'], reasons: [], obligations: [] },
    };
    const agents = [office.says('ann', 1), office.says('bob', 1), office.says('carl', 1)];
    const opened = await opening([...agents, office.says('dora', 1)], flowOf(), { decider: denying });
    expect([endOf(opened, 'flow/1').status, office.names]).toEqual(['done', ['ann', 'carl', 'dora']]);
    const { passedOver } = taskOf(opened, 'flow/1/one/poll/1');
    expect(passedOver).toContainEqual({ agent: 'bob', why: 'he has an interest; denied by no-bob' });

    const few = new Office();
    const fewer = ['ann', 'bob', 'carl'].map((name) => few.says(name, 1));
    const refused = await opening(fewer, flowOf(), { decider: denying });
    expect(endOf(refused, 'flow/1').error).toMatchObject({
      class: 'not-permitted',
      message: expect.stringContaining('he has an interest'),
    });
    expect(moneyOf(refused)).toEqual({ spent: 20_000, reserved: 0, held: 0 });
  });

  it('are each paid for: without money for one of them the budget says what happens', async () => {
    const office = new Office();
    const agents = ['ann', 'bob', 'carl'].map((name) => office.says(name, 1));
    const opened = await opening(agents, flowOf({}, {}, { limit: 0.025 }));
    expect(endOf(opened, 'flow/1').error).toMatchObject({
      class: 'budget-exhausted',
      message: expect.stringContaining(
        '3 different agents of different models are to answer it, and 2 could',
      ),
    });
    expect(moneyOf(opened)).toEqual({ spent: 20_000, reserved: 0, held: 0 });
  });

  it.each(['approve', 'reject'] as const)(
    'wait for a person whose word the decider wants: %s',
    async (verdict) => {
      const office = new Office();
      const gated: Decider = {
        hash: 'test',
        decide: ({ action }) => ({
          ...{ effect: 'permit', determining: ['all'], reasons: [] },
          obligations:
            (action.properties as { vote?: true } | undefined)?.vote === true
              ? [{ type: 'gate', role: 'editor' }]
              : [],
        }),
      };
      const agents = [office.says('ann', 1), office.says('bob', 1)];
      const opened = await opening(agents, flowOf({ of: 2 }), { decider: gated });
      const status = await opened.system.runs.status('flow/1');
      expect([status.state, office.names]).toEqual(['waiting', ['ann']]);
      const decision = { by: 'ada', verdict, reason: 'so' };
      await opened.system.reviews.decide('flow/1/one/poll/1/clearance', decision);
      await opened.settle();
      if (verdict === 'approve')
        expect([endOf(opened, 'flow/1').status, office.names]).toEqual(['done', ['ann', 'bob']]);
      else
        expect(endOf(opened, 'flow/1').error).toMatchObject({
          class: 'not-permitted',
          message: expect.stringContaining('ada has refused the call: so'),
        });
    },
  );

  it('may be given up, with the task, while they wait', async () => {
    const office = new Office();
    const agents = [office.says('ann', 1), office.says('bob', 1)];
    const opened = await staffed(
      { flow: flowOf({ of: 2 }, { agent: ['ann', 'bob'] }), ann: agents[0]!, bob: agents[1]! },
      { decider: everybodyMay },
    );
    await opened.system.halts.halt({ agent: 'bob' }, { by: 'ada', reason: 'stop' });
    await started(opened);
    await opened.settle();
    const order = { task: 'one', by: 'ada', reason: 'it takes too long' };
    await opened.system.get('flow/1')!.send({ type: 'task.resume', ...order });
    await opened.settle();
    expect([valueOf(opened), office.names]).toEqual(['polling', ['ann']]);
    await opened.system.get('flow/1')!.send({ type: 'task.abandon', ...order });
    await opened.settle();
    expect(endOf(opened, 'flow/1').error).toMatchObject({
      class: 'abandoned',
      message: expect.stringContaining('ada has given it up: it takes too long'),
    });
    expect(moneyOf(opened)).toEqual({ spent: 10_000, reserved: 0, held: 0 });
  });

  it('confirm it to the same input: nobody gives them another, that they would confirm it to', async () => {
    const office = new Office();
    const bob: Doing = ({ input }) =>
      office.names.filter((name) => name === 'bob').length > 1
        ? { answer: (input as { answer?: number }).answer ?? 1 }
        : new Promise<Readonly<Record<string, unknown>>>(() => {});
    const halted = await opening(
      [office.says('ann', 7), office.says('bob', bob)],
      flowOf({ of: 2, agree: 2 }, { agent: ['ann', 'bob'] }),
      { decider: everybodyMay },
    );
    const order = { by: 'ada', reason: 'stop' };
    await halted.system.halts.halt({ agent: 'bob' }, order);
    await halted.settle();
    for (const [address, named] of [
      ['flow/1/one/poll/2', '2'],
      ['flow/1/one/poll', 'poll'],
    ]) {
      const other = { type: 'task.resume', task: named, by: 'ada', input: { answer: 7 } };
      expect(await rejection(halted.system.get(address!)!.send(other as never))).toMatchObject({
        path: 'event.input',
      });
    }
    await halted.system.halts.lift({ agent: 'bob' }, order);
    await halted.settle();
    expect(taskOf(halted, 'flow/1/one').log[0]).toMatchObject({ fault: 'factually-wrong' });
  });

  it('wait while all that could be asked is halted, and go on when it is not any more', async () => {
    const office = new Office();
    const slow: Doing = () =>
      office.names.filter((name) => name === 'bob').length > 1
        ? { answer: 1 }
        : new Promise<Readonly<Record<string, unknown>>>(() => {});
    const halted = await opening(
      [office.says('ann', 1), office.says('bob', slow)],
      flowOf({ of: 2 }, { agent: ['ann', 'bob'] }),
      { decider: everybodyMay },
    );
    const order = { by: 'ada', reason: 'stop' };
    await halted.system.halts.halt({ agent: 'bob' }, order);
    await halted.settle();
    expect(office.names).toEqual(['ann', 'bob']);
    const { nodes } = snapshotOf<{ context: { nodes: { one: { status: string } } } }>(
      halted,
      'flow/1',
    ).context;
    expect(nodes.one.status).toBe('parked');
    await halted.system.halts.lift({ agent: 'bob' }, order);
    await halted.settle();
    const stood = (await collect(halted.system.history('flow/1'))).flatMap(
      ({ event }) => (event as { standing?: string }).standing ?? [],
    );
    expect(stood).toEqual(['parked', 'running']);
    expect([endOf(halted, 'flow/1').status, office.names]).toEqual(['done', ['ann', 'bob', 'bob']]);
  });
});

describe('a vote in the middle of which the run is not wanted any more', () => {
  it('ends with everybody in it, and no money is lost', async () => {
    const office = new Office();
    const slow: Doing = () => new Promise(() => {});
    const opened = await opening([office.says('ann', 1), office.says('bob', slow), office.says('carl', 1)]);
    await opened.system.get('flow/1')!.send({ type: 'run.abort', by: 'ada', reason: 'not wanted' });
    await opened.settle();
    expect(snapshotOf<{ status: string }>(opened, 'flow/1').status).toBe('error');
    expect([valueOf(opened), votesOf(opened)]).toEqual([
      'cancelled',
      [
        ['carl', 1],
        ['bob', 'cancelled'],
      ],
    ]);
    const account = (await collect(opened.system.history('flow/1/account'))).map(
      ({ event }) => `${event.type} ${String((event as { ticket?: string }).ticket)}`,
    );
    expect(account).toContain('budget.hold flow/1/one/poll/1#1');
    expect(account).toContain('budget.settle flow/1/one/poll/2#1');
  });
});

describe('a vote that is aborted', () => {
  it('at whatever moment: all of them end, and no money is lost', async () => {
    const times = await abortedEverywhere(STEP, () => {
      const office = new Office();
      const agents = ['ann', 'bob', 'carl'].map((name) => office.says(name, 1));
      return { flow: flowOf({}, {}, { limit: 1, within: ['tenant/acme'] }), agents, input: {} };
    });
    expect(times).toBeGreaterThan(8);
  });
});

describe('a vote for a share of all tasks', () => {
  it('asks nobody for the others', async () => {
    const ballot = (seed: string) => sample(vote({ agree: 2, on: ['#/answer'] }), { share: 0.5, seed });
    const asked = new Set<number>();
    for (const seed of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const office = new Office();
      const agents = [office.says('ann', 1), office.says('bob', 1)];
      const opened = await opening(agents, flowOf({}, { verify: [ballot(seed)] }));
      expect(endOf(opened, 'flow/1').status).toBe('done');
      asked.add(office.names.length);
    }
    expect(asked).toEqual(new Set([1, 2]));
  });
});

/** After how many commits more it is aborted each time. */
const STEP = 5;

/** Which of its commits it is killed after. */
const EVERY = 5;

describe('a run with a vote', () => {
  it('is the same, whenever the system dies; nobody is asked again whose answer is there', async () => {
    const calm = await dying(() => false);
    expect(calm.outcome).toMatchObject({ output: { answer: 2 }, spent: 50_000, reserved: 0 });
    let deaths = 0;
    for (let at = 1; at <= calm.commits; at += EVERY) {
      const told = await dying((commits) => commits === at);
      expect([at, told.outcome, told.keys]).toEqual([at, calm.outcome, calm.keys]);
      // It may die between a call and the record of its answer.
      expect(told.calls - calm.calls).toBeLessThanOrEqual(2);
      deaths += told.deaths;
    }
    expect(deaths).toBe(Math.ceil(calm.commits / EVERY));
  });
});

async function dying(dies: (commits: number) => boolean) {
  const office = new Office();
  const agents = [office.says('ann', 1), office.says('bob', 2), office.says('carl', 2)];
  const staff = new Staff(new Map(agents.map((one) => [one.name, one])));
  staff.beginIn(workplaceUnder(PERMITTING));
  let commits = 0;
  const world = new DyingSystem({
    store: memory(),
    actors: hosted({ flow: flowOf() }, staff),
    maxTurnsPerCommit: 1,
    dies: () => dies(++commits),
  });
  await world.open();
  await world.start('flow', '1', {});
  await world.advance(1000);
  const { output } = world.system.get('flow/1')!.getSnapshot() as { output: unknown };
  const account = world.system.get('flow/1/account')!.getSnapshot() as unknown as { context: Ledger };
  const { spent, reserved } = account.context.window;
  for (const address of ['flow/1/one', 'flow/1/one/poll', 'flow/1/one/poll/1']) {
    const { same } = await world.system.replay(address);
    expect([address, same]).toEqual([address, true]);
  }
  await world.system.close();
  return {
    outcome: { output, spent, reserved },
    keys: [...new Set(office.asked.map(({ agent, key }) => `${agent} ${key}`))].toSorted(),
    calls: office.asked.length,
    commits,
    deaths: world.deaths,
  };
}
