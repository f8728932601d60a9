/**
 * A rehearsal: one run of a workflow before there is anybody to do its work. Stubs stand for all agents, simulated people decide, time
 * is virtual and the store is in memory; what comes of it is told as of any run. No agent is called, and nothing is kept.
 *
 * It always ends: where the run does not, after so much time, or so many events, it says what it waits for.
 */
import { InvalidArgument } from '../../runtime/index.ts';
import type { ActorDefinitions, Decider, Logger } from '../../runtime/index.ts';
import { isAgent } from '../agents/agent.ts';
import type { Router } from '../routing/rules.ts';
import { ABSENCES } from '../reviews/absences.ts';
import { RECORD_KINDS } from '../routing/records.ts';
import { samplesFor, schemaOf } from '../schema/checked.ts';
import { ANSWERS } from '../staffing/memory.ts';
import { CONTENT } from '../state/content.ts';
import { LATE } from '../state/late-replies.ts';
import { runStateOf } from '../state/standing.ts';
import type { RunStatus } from '../state/run-status.ts';
import type { Stood } from '../state/stood.ts';
import { createSystem } from '../system.ts';
import type { HeddleSystem, StaffedDefinitions, StaffedOptions } from '../system.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { declarationOf, doersIn, inputCheckOf } from '../workflow/workflow.ts';
import { castOf } from './cast.ts';
import { OrderedFaults } from './ordered-faults.ts';
import type { FaultOrders } from './ordered-faults.ts';
import { People, VERDICTS } from './people.ts';
import type { SimulatedVerdict } from './people.ts';
import { performing } from './performance.ts';
import { scriptOf } from './script.ts';
import { VirtualWorld } from './virtual-world.ts';

export interface SimulateOptions {
  /** What the run is given. Default: a sample made from the input schema. */
  readonly input?: unknown;
  /** From which all samples are made: the same seed tells the same story. Default: another one each time. */
  readonly seed?: string;
  /** What people decide, at every gate. Default `approve`. */
  readonly decide?: SimulatedVerdict;
  /**
   * What goes wrong: by task the fault of its first attempt, or those of its first attempts. A task within a list, a loop or another
   * workflow has a path: `chapters/check` is meant in every chapter, `chapters/3/check` in one.
   */
  readonly faults?: FaultOrders;
  /** How sure each answer is, from 0 to 1. Default 1. */
  readonly confidence?: number;
  /** As for `createSystem`. Agents among them are replaced by stubs of the same contracts; nobody else takes part. */
  readonly actors?: StaffedDefinitions;
  /** As for `createSystem`. */
  readonly router?: Router;
  /** How often something may become due, or somebody decide, until it is given up. Default 5000. */
  readonly moves?: number;
  /** Breaks it off: it rejects with the reason. */
  readonly signal?: AbortSignal;
  /** Where it is said what goes wrong in the system itself. Default: nowhere. */
  readonly logger?: Logger;
}

/** Why a rehearsal has ended before its run: nothing moves any more, too much time has passed, too much has happened. */
export type Unended = 'nothing-moves' | 'too-long' | 'too-much';

/** How the run stands at the end. */
export interface Simulation extends RunStatus {
  readonly seed: string;
  /** Not there where the run has ended. */
  readonly unended?: Unended;
}

/** A year: whoever waits longer waits for ever. */
const LONGEST_MS = 365 * 24 * 60 * 60_000;
const MOST_MOVES = 5000;

/**
 * Rehearses a workflow.
 * @throws InvalidArgument, InputRefused, ContractRefused where no sample can be made from a schema
 */
export async function simulate(workflow: object, options: SimulateOptions = {}): Promise<Simulation> {
  const declared = declarationOf(workflow);
  if (declared === undefined)
    throw new InvalidArgument('workflow', 'must be made with workflow(…) or workflowFrom(…)');
  check(options);
  const { seed = crypto.randomUUID().slice(0, 8), decide = 'approve', moves = MOST_MOVES } = options;
  const { input = sampleFor(declared, seed) } = options;
  inputCheckOf(workflow)(input);
  const world = new VirtualWorld(seed);
  const { system, name } = await opened(declared, { ...options, seed, world });
  await using _ = system;
  const { address } = await system.start(name, { id: '1', input });
  const people = new People(system.reviews, decide, (ms) => world.pass(ms));
  // The status of all that is in it would take longer each time.
  const isOver = (): boolean => OVER.has(runStateOf(system.get(address)!.getSnapshot() as Stood));
  const unended = await performed({ world, people, moves, isOver, signal: options.signal });
  const status = await system.runs.status(address);
  return { ...status, seed, ...(unended !== undefined && { unended }) };
}

const NAMES: readonly string[] = [
  ...['input', 'seed', 'decide', 'faults', 'confidence', 'actors', 'router', 'moves', 'signal', 'logger'],
];

function check(options: SimulateOptions): void {
  // What is misspelt would silently do nothing, and the rehearsal would go well.
  const stranger = Object.keys(options).find((name) => !NAMES.includes(name));
  if (stranger !== undefined)
    throw new InvalidArgument(stranger, `means nothing; there are ${NAMES.join(', ')}`);
  const { confidence = 1, decide = 'approve', seed = '', moves = 1 } = options;
  if (typeof seed !== 'string') throw new InvalidArgument('seed', 'must be a text');
  if (!(typeof confidence === 'number' && confidence >= 0 && confidence <= 1))
    throw new InvalidArgument('confidence', 'must be a number from 0 to 1');
  if (!(moves >= 1)) throw new InvalidArgument('moves', 'must be a number from 1 on');
  if (!VERDICTS.includes(decide))
    throw new InvalidArgument('decide', `must be one of ${VERDICTS.join(', ')}`);
}

function sampleFor({ id, inputSchema }: AnyWorkflowOptions, seed: string): unknown {
  const schema = schemaOf(inputSchema);
  if (schema === undefined) return {};
  const [sample] = samplesFor(schema, `${seed}/input`, 1);
  if (sample === undefined)
    throw new InvalidArgument('input', `is missing: no sample can be made from the input schema of ${id}`);
  return sample;
}

/** A system with the workflow and its cast, and nobody else. */
async function opened(
  declared: AnyWorkflowOptions,
  { actors = {}, router, confidence = 1, faults = {}, logger = SILENT, seed, world }: Opening,
): Promise<{ readonly system: HeddleSystem<ActorDefinitions>; readonly name: string }> {
  const script = scriptOf(declared);
  const tasks = doersIn(script).map(({ task }) => task);
  const play = { world, seed, confidence, faults: new OrderedFaults(faults, tasks) };
  const cast = castOf(script, Object.values(actors).filter(isAgent), (output) => performing(output, play));
  const name = nameFor(declared, cast);
  // Nobody who only loads this needs a store for it.
  const { memory } = await import('../../storage/memory.ts');
  const options: StaffedOptions<StaffedDefinitions> = {
    store: memory(),
    actors: { ...Object.fromEntries(cast), [name]: script },
    ...{ clock: world, decider: ANYTHING_GOES, logger, passivateAfter: Infinity },
    ...(router !== undefined && { router }),
  };
  return { system: await createSystem(options), name };
}

type Opening = SimulateOptions & { readonly seed: string; readonly world: VirtualWorld };

/** Under which it is hosted, beside its agents and what the house has for them. */
function nameFor({ id }: AnyWorkflowOptions, cast: ReadonlyMap<string, unknown>): string {
  const taken = new Set([...cast.keys(), CONTENT, ANSWERS, LATE, ABSENCES, ...RECORD_KINDS]);
  let name = id;
  while (taken.has(name)) name += '-run';
  return name;
}

const SILENT: Logger = { log: () => {}, error: () => {} };

/** Who may do what is not rehearsed. */
const ANYTHING_GOES: Decider = {
  hash: 'rehearsal',
  decide: () => ({ effect: 'permit', determining: ['rehearsal'], reasons: [], obligations: [] }),
};

const OVER: ReadonlySet<RunStatus['state']> = new Set<RunStatus['state']>([
  ...(['complete', 'failed', 'aborted', 'stopped'] as const),
]);

interface Performance {
  readonly world: VirtualWorld;
  readonly people: People;
  readonly moves: number;
  readonly signal: AbortSignal | undefined;
  isOver(): boolean;
}

/** Lets everything happen, up to an end. */
async function performed({
  world,
  people,
  moves,
  signal,
  isOver,
}: Performance): Promise<Unended | undefined> {
  const until = world.now() + LONGEST_MS;
  for (let move = 0; move < moves; move++) {
    signal?.throwIfAborted();
    if (!(await world.isSettled())) return 'too-much';
    if (isOver()) return undefined;
    if (await people.decide()) continue;
    const { nextAt } = world;
    if (nextAt === undefined) return 'nothing-moves';
    if (nextAt > until) return 'too-long';
    await world.goOn();
  }
  return 'too-much';
}
