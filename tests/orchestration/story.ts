/**
 * A story of a run, to be killed: a workflow with money, a list, a loop, faults, a person and something to undo. The world out there
 * keeps the first answer to each key, as one that takes idempotency keys does: it must never be asked for the same work under two.
 */
import type { ActorDefinitions } from 'heddle';
import { memory } from 'heddle/storage';
import {
  agent,
  branch,
  budget,
  FaultError,
  gate,
  loop,
  map,
  microsOf,
  result,
  Reviews,
  task,
  workflow,
} from 'heddle/actors';
import type { Agent, Assignment } from 'heddle/actors';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { DyingSystem } from '../dying-system.ts';
import { PERMITTING, workplaceUnder } from './workplace.ts';

type Data = Readonly<Record<string, unknown>>;

/** What was done out there: the answer to each key, and how often it was asked. */
class World {
  readonly answers = new Map<string, unknown>();
  readonly done: string[] = [];
  calls = 0;

  /** Work under a key: done once, whatever happens. */
  once(assignment: Assignment, what: string, work: () => Data): Data {
    this.calls++;
    const known = this.answers.get(assignment.idempotencyKey);
    if (known !== undefined) return known as Data;
    const output = work();
    this.answers.set(assignment.idempotencyKey, output);
    this.done.push(what);
    return output;
  }
}

let world = new World();

const ANY = { type: 'object' } as const;

function worker(name: string, work: (input: Data, assignment: Assignment) => Data, cost = 0.01): Agent {
  return agent({
    name,
    capabilities: [name],
    model: 'local',
    estimate: () => cost,
    inputSchema: ANY,
    outputSchema: ANY,
    execute: async (assignment: Assignment) => {
      await Promise.resolve();
      const { task: of } = assignment.context;
      const output = world.once(assignment, `${name} for ${of}`, () => work(assignment.input, assignment));
      return result(assignment, { output, cost, duration: 1, model: 'local', confidence: 0.9 });
    },
  }) as Agent;
}

/** Fails in its first attempt, however often that is made. */
const flaky = worker('flaky', (input, { attempt }) => {
  if (attempt === 1)
    throw new FaultError({ class: 'server-error', message: 'not now', cost: microsOf(0.002) });
  return input;
});

const agents = [
  worker('list', () => ({ documents: ['a', 'b', 'c'] })),
  worker('write', ({ document }) => ({ text: `about ${String(document)}` })),
  flaky,
  worker('refine', ({ round }) => ({ round: Number(round) + 1 })),
  worker('book', () => ({ booked: true })),
  worker('unbook', () => ({ booked: false })),
  worker('publish', ({ text }) => ({ published: text })),
];

const report = workflow({
  id: 'report',
  budget: budget({ limit: 1 }),
  shared: { texts: { reduce: 'append', initial: [] } },
  tasks: {
    list: task({ capability: 'list' }),
    book: task({ capability: 'book', compensate: { capability: 'unbook' } }),
    size: branch({
      needs: ['list'],
      arms: {
        none: ({ list }) => list.documents.length === 0,
        some: ({ list }) => list.documents.length > 0,
      },
      otherwise: 'fail',
    }),
    nothing: task({ needs: ['size.none'], capability: 'publish' }),
    chapters: map({
      needs: ['size.some', 'list'],
      over: ({ list }) => list.documents,
      item: (document: string) => ({ document }),
      each: task({ capability: 'write' }),
      concurrency: 2,
      writes: { texts: (outputs: { text: string }[]) => outputs.map(({ text }) => text) },
    }),
    check: task({ needs: ['list'], capability: 'flaky' }),
    refine: loop({
      needs: ['chapters'],
      input: () => ({ round: 0 }),
      body: task({ capability: 'refine' }),
      until: ({ round }) => round === 3,
      times: 5,
    }),
    review: gate({
      needs: ['chapters', 'check', 'refine', 'nothing'],
      input: (_, { shared }) => ({ text: shared['texts'] }),
      role: 'editor',
      within: '1 hour',
      escalateTo: 'chief',
      onError: 'compensate',
    }),
    publish: task({ needs: ['review'], capability: 'publish', input: ({ review }) => review.output }),
  },
});

const PERMIT = { effect: 'permit', determining: ['test'], reasons: [] } as const;

/** @param dies whether it dies after a commit: the number of that in its life, and in all */
export async function play(
  verdict: 'approve' | 'reject',
  dies: (ofLife: number, all: number) => boolean,
  maxTurnsPerCommit = 1,
) {
  world = new World();
  const staff = new Staff(new Map(agents.map((one) => [one.name, one])));
  staff.beginIn(workplaceUnder(PERMITTING));
  let commits = 0;
  let isCalm = false;
  const dying: DyingSystem<ActorDefinitions> = new DyingSystem({
    store: memory(),
    actors: hosted({ report }, staff),
    maxTurnsPerCommit,
    dies: (ofLife) => {
      commits++;
      return !isCalm && dying.deaths < 1000 && dies(ofLife, commits);
    },
  });
  await dying.open();
  await dying.ask((system) => system.actor('report', '1', { input: {} }));
  for (let i = 0; i < 5; i++) await dying.advance(2000);
  const reviews = () => new Reviews(dying.system as never, { decide: () => PERMIT });
  const waiting = await idsOf(reviews());
  await dying.ask(() => reviews().decide('report/1/review', { by: 'ada', verdict, reason: 'because' }));
  for (let i = 0; i < 3; i++) await dying.advance(2000);
  const made = commits;
  isCalm = true;
  await dying.settle();
  const violations: string[] = [];
  const run = dying.system.get('report/1')!.getSnapshot() as never as {
    value: unknown;
    status: string;
    output: unknown;
    error: unknown;
    context: { nodes: Record<string, { status: string; facts?: { attempts: number; cost: number } }> };
  };
  for await (const address of dying.system.addresses()) {
    const { same } = await dying.system.replay(address);
    if (!same) violations.push(`${address} is told otherwise`);
  }
  const { broken } = await dying.system.verify();
  if (broken.length > 0) violations.push(`broken: ${JSON.stringify(broken)}`);
  if (dying.system.metrics().owed > 0) violations.push(`it owes ${dying.system.metrics().owed}`);
  violations.push(...(await moneyGone(dying)));
  const outcome = {
    waiting,
    standing: [run.value, run.status, run.output, run.error],
    nodes: Object.entries(run.context.nodes).map(
      ([name, { status, facts }]) => `${name} ${status} ${facts?.cost ?? 0}`,
    ),
    done: world.done.toSorted(),
  };
  await dying.system.close();
  return { outcome, violations, commits: made, deaths: dying.deaths, calls: world.calls };
}

/** Where the account ever had less than nothing, and what stayed reserved. */
async function moneyGone(dying: DyingSystem<ActorDefinitions>): Promise<string[]> {
  const { seq } = await newest(dying, 'report/1/account');
  const wrong: string[] = [];
  let left = 0;
  for (let at = 1; at <= seq; at++) {
    const { context } = (await dying.system.snapshotAt('report/1/account', at)) as never as {
      context: Ledger;
    };
    const { limit, spent, reserved } = context.window;
    if (spent < 0 || reserved < 0 || spent + reserved > limit)
      wrong.push(`record ${at}: ${spent} + ${reserved} of ${limit}`);
    left = reserved;
  }
  if (left > 0) wrong.push(`${left} stayed reserved`);
  return wrong;
}

async function newest(dying: DyingSystem<ActorDefinitions>, address: string): Promise<{ seq: number }> {
  for await (const { seq } of dying.system.history(address, { reverse: true })) return { seq };
  throw new Error(`${address} has no history`);
}

async function idsOf(reviews: Reviews): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of reviews.pending()) ids.push(id);
  return ids;
}
