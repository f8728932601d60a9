/**
 * A simulated run: a random workflow, agents in moods, reviewers who come and go, a system that dies after random commits. What must hold
 * is held against the journals when it is over; and if nothing died, the same seed must have come to the same end.
 */
import { Reviews, roles } from 'heddle/actors';
import type { ActorDefinitions } from 'heddle';
import { memory } from 'heddle/storage';
import { Staff } from '../../actors/staff.ts';
import { hosted } from '../../actors/system.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import type { NodeProgress, RunContext } from '../../machines/workflow/progress.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import { DyingSystem } from '../dying-system.ts';
import { scanned } from './decided.ts';
import { randomWorkflow } from './random-workflow.ts';
import type { RandomNode } from './random-workflow.ts';
import { Upstream } from './upstream.ts';
import { workplaceUnder } from './workplace.ts';

export interface Simulated {
  readonly violations: readonly string[];
  readonly deaths: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Who may do what, and nothing else may be done. */
const DECIDER = roles({
  roles: { reviewer: {} },
  members: ['ada', 'grace', 'edith'].map((id) => ({ who: { type: 'user', id }, roles: ['reviewer'] })),
  grants: [
    {
      id: 'operators-look-after-it',
      to: { principals: [{ type: 'program', id: 'main' }] },
      actions: ['start', 'send'],
      resources: 'any',
    },
    {
      id: 'runs-ask-agents',
      to: { principals: [{ type: 'actor', id: 'flow/*' }] },
      actions: ['agent.call'],
      resources: [{ type: 'agent' }],
    },
    {
      id: 'reviewers-decide',
      to: { roles: ['reviewer'] },
      actions: ['review.*'],
      resources: [{ type: 'review' }],
    },
  ],
});
const RUN = 'flow/1';
const HOUR = 3_600_000;
const ROUNDS = 60;
/** After so many times what is parked is given up. */
const MOST_RESUMED = 20;

/** @param votes whether answers are confirmed by others, of whom there are more then */
export async function simulateRun(seed: number, { dies = true, votes = false } = {}): Promise<Simulated> {
  const chance = new Prng(seed);
  const upstream = new Upstream(seed, chance.pick([0, 0.2, 0.5]));
  const { machine, nodes } = randomWorkflow(chance.fork('workflow'), votes);
  const agents = [
    upstream.agent('ann', 'count'),
    upstream.agent('bob', 'count'),
    upstream.agent('cleo', 'weigh'),
    ...(votes ? ['dora', 'emil'] : []).map((name) => upstream.agent(name, 'count')),
  ];
  const staff = new Staff(new Map(agents.map((one) => [one.name, one])));
  staff.beginIn(workplaceUnder(DECIDER));
  const fate = chance.fork('fate');
  const deathRate = dies ? fate.pick([0.01, 0.05, 0.2]) : 0;
  let isCalm = false;
  const world: DyingSystem<ActorDefinitions> = new DyingSystem({
    store: memory(),
    actors: hosted({ flow: machine }, staff),
    decider: DECIDER,
    maxTurnsPerCommit: fate.pick([1, 3, 1000]),
    dies: () => !isCalm && world.deaths < 200 && fate.chance(deathRate),
  });
  await world.open();
  await world.ask((system) => system.actor('flow', '1', { input: {} }));
  const people = new People(world, chance.fork('people'));
  for (let round = 0; round < ROUNDS && statusOf(world) === 'active'; round++) {
    await world.advance(round % 3 === 0 ? HOUR : 70_000);
    await people.act(round > ROUNDS / 2);
  }
  isCalm = true;
  if (statusOf(world) === 'active') {
    await world.post(RUN, { type: 'run.abort', by: 'operator', reason: 'it takes too long' });
    for (let i = 0; i < 10 && statusOf(world) === 'active'; i++) {
      await world.advance(HOUR);
      await people.act(true);
    }
  }
  await world.settle();
  const violations: string[] = [];
  for await (const violation of judged(world, nodes, upstream)) violations.push(violation);
  const decided = await scanned(world.system);
  violations.push(...decided.violations);
  const counts = { ...countsOf(world, people, upstream), ...scans(decided.counts) };
  await world.system.close();
  return { violations, deaths: world.deaths, counts };
}

/** As whoever asks knows it: the types of children are in no table. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
const snapshotOf = <T>(world: DyingSystem<ActorDefinitions>, address: string): T =>
  world.system.get(address)!.getSnapshot() as never;

const statusOf = (world: DyingSystem<ActorDefinitions>): string =>
  snapshotOf<{ status: string }>(world, RUN).status;

/** Those who decide, and those who look after what is parked. */
class People {
  readonly #world: DyingSystem<ActorDefinitions>;
  readonly #chance: Prng;
  decisions = 0;
  resumed = 0;

  constructor(world: DyingSystem<ActorDefinitions>, chance: Prng) {
    this.#world = world;
    this.#chance = chance;
  }

  /** @param inAHurry whether nobody puts off what can be done now */
  async act(inAHurry: boolean): Promise<void> {
    for (const id of await this.#pending()) {
      if (!inAHurry && this.#chance.chance(0.5)) continue;
      const verdict = inAHurry
        ? 'approve'
        : this.#chance.pick(['approve', 'approve', 'approve', 'reject', 'abort'] as const);
      const by = this.#chance.pick(['ada', 'grace', 'edith']);
      this.decisions++;
      await this.#world.ask(() => this.#reviews().decide(id, { by, verdict, reason: 'because' }));
    }
    for (const task of this.#parked()) {
      if (!inAHurry && this.#chance.chance(0.7)) continue;
      const isEnough = this.resumed++ > MOST_RESUMED;
      const type = isEnough ? 'task.abandon' : 'task.resume';
      await this.#world.post(RUN, { type, task, by: 'operator', reason: 'it does not work' });
    }
  }

  #reviews(): Reviews {
    return new Reviews(this.#world.system as never, { decide: (request) => DECIDER.decide(request) });
  }

  async #pending(): Promise<string[]> {
    const ids: string[] = [];
    await this.#world.ask(async () => {
      ids.length = 0;
      for await (const { id } of this.#reviews().pending()) ids.push(id);
    });
    return ids.toSorted();
  }

  #parked(): string[] {
    const { nodes } = snapshotOf<{ context: RunContext }>(this.#world, RUN).context;
    return Object.entries(nodes).flatMap(([name, { status, undoing }]) => {
      if (status === 'parked') return this.#within(name);
      return status === 'compensating' && undoing === 'parked' ? [`undo ${name}`] : [];
    });
  }

  /** One that is parked may be a list, or a loop, in which somebody is. */
  #within(name: string): string[] {
    const { context } = snapshotOf<{ context: { running?: object; number?: number } }>(
      this.#world,
      `${RUN}/${name}`,
    );
    if (context.running !== undefined) return Object.keys(context.running).map((id) => `${name}/${id}`);
    return [context.number === undefined ? name : `${name}/${context.number}`];
  }
}

// ---- the judgement ------------------------------------------------------------------------------------------------

async function* judged(
  world: DyingSystem<ActorDefinitions>,
  nodes: Readonly<Record<string, RandomNode>>,
  upstream: Upstream,
): AsyncGenerator<string> {
  const run = snapshotOf<{ status: string; value: unknown; context: RunContext; error: unknown }>(world, RUN);
  if (run.status === 'active') yield `it neither ended nor was it parked: ${JSON.stringify(run.value)}`;
  if (run.status === 'error' && (run.error as { message?: string }).message === undefined)
    yield 'it failed without a reason';
  for (const [name, node] of Object.entries(nodes)) yield* judgedNode(name, node, run.context.nodes);
  yield* judgedKeys(world, upstream);
  yield* await judgedMoney(world);
  for await (const address of world.system.addresses()) {
    const { same, difference } = await world.system.replay(address);
    if (!same) yield `${address} is told otherwise: ${JSON.stringify(difference)}`;
  }
  const { broken } = await world.system.verify();
  if (broken.length > 0) yield `broken: ${JSON.stringify(broken)}`;
  if (world.system.metrics().owed > 0) yield `it owes ${world.system.metrics().owed}`;
  for await (const letter of world.system.deadLetters())
    yield `dead letter at ${letter.address}: ${letter.event?.type} ${(letter.error as Error)?.message}`;
}

const OVER = new Set(['complete', 'failed', 'skipped', 'cancelled', 'compensated', 'uncompensated']);

function* judgedNode(
  name: string,
  { needs }: RandomNode,
  all: Readonly<Record<string, NodeProgress>>,
): Generator<string> {
  const own = all[name]!;
  if (!OVER.has(own.status)) yield `${name} is ${own.status}, and the run has ended`;
  if (own.status === 'failed' && own.problem?.message === undefined) yield `${name} failed without a reason`;
  if (own.startedAt === undefined) return;
  for (const need of needs) {
    const before = all[need.split('.')[0]!]!;
    // Nothing behind a gate begins before it is decided, unless it was not waited for.
    const isOver = before.endedAt !== undefined && before.endedAt <= own.startedAt;
    const isWaitedFor = OVER.has(before.status) && before.status !== 'cancelled';
    if (isWaitedFor && !isOver && needs.length === 1) yield `${name} began before ${need} had ended`;
  }
}

/** Every key that was seen out there is that of an attempt that a task knows, and of no other question. */
async function* judgedKeys(world: DyingSystem<ActorDefinitions>, upstream: Upstream): AsyncGenerator<string> {
  const known = new Map<string, string>();
  for await (const address of world.system.addresses({ under: RUN })) {
    const { context } = snapshotOf<{ context?: Partial<TaskContext> }>(world, address);
    for (const { key, number, agent } of context?.log ?? []) known.set(`${key} ${number}`, agent);
  }
  for (const { key, attempt, agent } of upstream.calls)
    if (known.get(`${key} ${attempt}`) !== agent)
      yield `${agent} was asked under ${key}, attempt ${attempt}, of which no task knows`;
  const agents = new Map<string, string>();
  for (const { key, agent } of upstream.calls) {
    const before = agents.get(key) ?? agent;
    if (before !== agent) yield `${key} was given to ${before} and to ${agent}`;
    agents.set(key, agent);
  }
}

async function judgedMoney(world: DyingSystem<ActorDefinitions>): Promise<string[]> {
  const address = `${RUN}/account`;
  const wrong: string[] = [];
  let at = 0;
  // One that was over as soon as it was born had nothing to pay.
  if (world.system.get(address) === undefined) return [];
  for await (const { seq } of world.system.history(address)) at = seq;
  for (let seq = 1; seq <= at; seq++) {
    const { context } = (await world.system.snapshotAt(address, seq)) as never as { context: Ledger };
    const { limit, spent, reserved, held } = context.window;
    if (spent < 0 || reserved < 0 || spent + reserved > limit)
      wrong.push(`record ${seq} of the account: ${spent} spent + ${reserved} reserved of ${limit}`);
    if (seq === at && reserved !== held)
      wrong.push(`${reserved - held} stayed reserved, and nobody asks for it`);
  }
  return wrong;
}

/** How many effects had their decisions, by kind. */
const scans = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).map(([kind, count]) => [`decided ${kind}`, count]));

function countsOf(
  world: DyingSystem<ActorDefinitions>,
  { decisions, resumed }: People,
  { calls }: Upstream,
): Record<string, number> {
  const run = snapshotOf<{ status: string; value: string; context: RunContext }>(world, RUN);
  const counts: Record<string, number> = {
    runs: 1,
    calls: calls.length,
    votes: calls.filter(({ key }) => key.includes('/poll/')).length,
    decisions,
    resumed,
    [`ended ${run.value}`]: 1,
  };
  for (const { status } of Object.values(run.context.nodes))
    counts[`nodes ${status}`] = (counts[`nodes ${status}`] ?? 0) + 1;
  return counts;
}
