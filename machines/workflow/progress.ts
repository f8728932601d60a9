/**
 * The progress of a run, as data, and what follows from it: which node may begin, which is skipped, which is not needed any more. All
 * of it is pure, and asked by the guards of the run's machine (`run.ts`).
 */
import type { AnyActorRef } from 'xstate';
import { saidBy } from '../faults/crash.ts';
import { frozen } from '../values/frozen.ts';
import { standingTogether } from './standings.ts';
import type { Standing } from './standings.ts';
import { dependentsOf, isWork } from './graph.ts';
import { untrue } from './truth.ts';
import type {
  Absence,
  BranchNode,
  EdgePolicy,
  Graph,
  GraphNode,
  Mapper,
  Need,
  Outputs,
  RunView,
  Uncompensated,
  WorkFacts,
  WorkNode,
  WorkProblem,
} from './graph.ts';

/**
 * - `pending`: waits for what it needs
 * - `ready`: waits for a place among those that may run at once
 * - `running`: its child works; `waiting` for a person, `parked` until somebody resumes it, `cancelling`
 * - `complete`, `failed`, `skipped`, `cancelled`: its end
 * - `compensating`, `compensated`: what it did is being undone, or is; `uncompensated`: it could not be
 */
export type NodeStatus =
  | 'pending'
  | 'ready'
  | 'running'
  | 'waiting'
  | 'parked'
  | 'cancelling'
  | 'complete'
  | 'failed'
  | 'skipped'
  | 'cancelled'
  | 'compensating'
  | 'compensated'
  | 'uncompensated';

export interface NodeProgress {
  readonly status: NodeStatus;
  readonly output?: unknown;
  /** What it was given. Kept while a node that may have to be undone runs. */
  readonly input?: unknown;
  /** What is given to whoever undoes it. */
  readonly undo?: unknown;
  /** How whoever undoes it stands. */
  readonly undoing?: Standing;
  /** What it may have done that this does not undo. */
  readonly doubt?: WorkProblem;
  /** Why it cannot be undone. */
  readonly undoProblem?: WorkProblem;
  /** What was to be undone and was not: itself, or parts of it by the way to them. */
  readonly uncompensated?: readonly Uncompensated[];
  /** Which arm a branch has chosen. */
  readonly arm?: string;
  /** Why it was skipped: its condition, the arm that was not chosen, or a node that blocks it. */
  readonly skipped?: 'condition' | 'arm' | 'blocked';
  /** The node that blocks it. */
  readonly blockedBy?: string;
  /** Why it was skipped or cancelled, for people. */
  readonly because?: string;
  readonly problem?: WorkProblem;
  readonly facts?: WorkFacts;
  /** It has waited for its needs as long as it may. */
  readonly late?: true;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** Why a run ends before everything is done. */
export type Ending =
  | { readonly how: 'fail' | 'compensate'; readonly node: string; readonly problem: WorkProblem }
  /** Everything is done, and the run has no output. */
  | { readonly how: 'output'; readonly problem: WorkProblem }
  | { readonly how: 'abort'; readonly by: string; readonly reason: string }
  /** The run that it belongs to does not want it any more. */
  | { readonly how: 'cancel'; readonly reason: string };

export interface RunContext {
  readonly input: unknown;
  readonly startedAt: number;
  readonly nodes: Readonly<Record<string, NodeProgress>>;
  readonly shared: Readonly<Record<string, unknown>>;
  /** The nodes that have done what is to be undone if the run is, in the order in which they have ended. */
  readonly done: readonly string[];
  readonly ending: Ending | undefined;
  readonly account: AnyActorRef | string | undefined;
  /** The people who have worked on its input. */
  readonly people: readonly string[];
  /** What nodes are given that are ready, and have not begun. */
  readonly prepared: Readonly<Record<string, Prepared>>;
  /** Of a run within a run: the name by which that knows it, and how it was told last that this one stands. */
  readonly around?: { readonly name: string; readonly stands: Standing };
}

export function beginning(graph: Graph, input: unknown, at: number): RunContext {
  return {
    input,
    startedAt: at,
    nodes: Object.fromEntries(Object.keys(graph.nodes).map((name) => [name, { status: 'pending' }])),
    shared: Object.fromEntries(Object.entries(graph.shared).map(([name, { initial }]) => [name, initial])),
    done: [],
    ending: undefined,
    account: undefined,
    people: [],
    prepared: {},
  };
}

// ---- what a node is to do -----------------------------------------------------------------------------------------

export type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'begin' }
  | {
      readonly kind: 'skip';
      readonly why: NonNullable<NodeProgress['skipped']>;
      readonly because: string;
      readonly blockedBy?: string;
    }
  | { readonly kind: 'fail'; readonly problem: WorkProblem };

const WAIT: Verdict = { kind: 'wait' };
const BEGIN: Verdict = { kind: 'begin' };

/** What a pending node is to do. */
export function verdictOf(graph: Graph, name: string, context: RunContext): Verdict {
  const node = graph.nodes[name]!;
  const joined = joinOf(graph, node, context, context.nodes[name]!.late === true);
  return joined.kind === 'begin' ? conditionOf(graph, node, context) : joined;
}

/**
 * How an edge stands.
 * - `open`: what it needs has not ended
 * - `given`: there is an output
 * - `replaced`: it has failed, and a value stands in the place of its output
 * - `dead`: it was not meant to be done, by its condition or by the arm that was chosen
 * - `absent`: it has failed, and that is let pass
 * - `blocked`: it has failed, and what needs it is not done
 */
type EdgeStanding = 'open' | 'given' | 'replaced' | 'dead' | 'absent' | 'blocked';

/** Whether whoever needs it has something to go on with. */
const isThere = (standing: EdgeStanding): boolean => standing === 'given' || standing === 'replaced';

function standingOf(graph: Graph, { node, arm, onError }: Need, context: RunContext): EdgeStanding {
  const progress = context.nodes[node]!;
  switch (progress.status) {
    case 'complete':
      return arm === undefined || progress.arm === arm ? 'given' : 'dead';
    case 'skipped':
      return progress.skipped === 'blocked' ? 'blocked' : 'dead';
    case 'failed':
      return standingAfterFailure(onError ?? edgePolicyOf(graph.nodes[node]!));
    case 'cancelled':
    case 'compensating':
    case 'compensated':
    case 'uncompensated':
      return 'blocked';
    case 'pending':
    case 'ready':
    case 'running':
    case 'waiting':
    case 'parked':
    case 'cancelling':
      return 'open';
  }
}

const STANDING_AFTER = { skip: 'blocked', absent: 'absent', value: 'replaced' } as const;

const standingAfterFailure = (policy: EdgePolicy): EdgeStanding => STANDING_AFTER[policy.kind];

/** Where the run fails nobody goes on anyway. */
function edgePolicyOf({ onError }: GraphNode): EdgePolicy {
  return onError.kind === 'fail' || onError.kind === 'compensate' ? { kind: 'skip' } : onError;
}

const NO_EDGES = { open: 0, given: 0, replaced: 0, dead: 0, absent: 0, blocked: 0 } as const;

function joinOf(graph: Graph, { needs, wait }: GraphNode, context: RunContext, isLate: boolean): Verdict {
  if (needs.length === 0) return BEGIN;
  const standings = needs.map((need) => standingOf(graph, need, context));
  const count: Record<EdgeStanding, number> = { ...NO_EDGES };
  for (const standing of standings) count[standing]++;
  const { open, given } = count;
  const isAnyThere = given + count.replaced + count.absent > 0;
  const isOpen = open > 0 && !isLate;
  switch (wait.join.kind) {
    case 'all':
      if (count.blocked > 0) return blocked(needs, standings);
      if (isOpen) return WAIT;
      if (isAnyThere) {
        const missed = missedArm(graph, needs, standings, context);
        return missed === undefined ? BEGIN : notChosen(missed);
      }
      return open > 0 ? tooLate(needs, standings) : dead(needs);
    case 'any':
      if (isAnyThere) return BEGIN;
      if (isOpen) return WAIT;
      if (count.blocked > 0) return blocked(needs, standings);
      return open > 0 ? tooLate(needs, standings) : dead(needs);
    case 'atLeast': {
      const { count: wanted } = wait.join;
      if (given >= wanted) return BEGIN;
      if (given + open >= wanted) return isOpen ? WAIT : tooLate(needs, standings);
      return count.dead === needs.length ? dead(needs) : tooFew(wanted, given + open, needs.length);
    }
  }
}

function blocked(needs: readonly Need[], standings: readonly EdgeStanding[]): Verdict {
  const by = needs[standings.indexOf('blocked')]!.node;
  return { kind: 'skip', why: 'blocked', because: `${by} did not come to a good end`, blockedBy: by };
}

/**
 * An arm that was needed and not chosen, if nothing that is there stands for it: another arm of the branch, or what lies behind one. What
 * was there before the branch, or beside it, says nothing about its choice.
 */
function missedArm(
  graph: Graph,
  needs: readonly Need[],
  standings: readonly EdgeStanding[],
  context: RunContext,
): Need | undefined {
  const there = needs.filter((_, index) => isThere(standings[index]!) || standings[index] === 'absent');
  return needs.find(({ node, arm }, index) => {
    if (arm === undefined || standings[index] !== 'dead') return false;
    const deciders = decidersOf(graph, node, context);
    return !there.some((need) => deciders.some((branch) => isAtOrBehind(graph, need.node, branch)));
  });
}

/** The branches by which an arm of a branch was not chosen: itself, or those before it that have left it out. */
function decidersOf(graph: Graph, branch: string, { nodes }: RunContext): readonly string[] {
  if (nodes[branch]!.status === 'complete') return [branch];
  return [...before(graph, branch)].filter((name) => graph.nodes[name]!.kind === 'branch');
}

const isAtOrBehind = (graph: Graph, name: string, other: string): boolean =>
  name === other || before(graph, name).has(other);

const knownBefore = new WeakMap<GraphNode, ReadonlySet<string>>();

/** All that a node needs, and what those need. */
function before(graph: Graph, name: string): ReadonlySet<string> {
  const node = graph.nodes[name]!;
  let found = knownBefore.get(node);
  if (found === undefined) {
    found = new Set(node.needs.flatMap((need) => [need.node, ...before(graph, need.node)]));
    knownBefore.set(node, found);
  }
  return found;
}

const notChosen = ({ node, arm }: Need): Verdict => ({
  kind: 'skip',
  why: 'arm',
  because: `${node} has not chosen '${arm}'`,
});

function tooLate(needs: readonly Need[], standings: readonly EdgeStanding[]): Verdict {
  const open = needs.filter((_, index) => standings[index] === 'open').map(({ node }) => node);
  return { kind: 'fail', problem: { class: 'timeout', message: `it waited too long for ${listed(open)}` } };
}

function tooFew(wanted: number, given: number, all: number): Verdict {
  const message = `it needs ${wanted} of ${all} to be complete, and only ${given} can be`;
  return { kind: 'fail', problem: { class: 'join', message } };
}

function dead(needs: readonly Need[]): Verdict {
  const because = `nothing that it needs was to be done: ${listed(needs.map(({ node }) => node))}`;
  return { kind: 'skip', why: 'arm', because };
}

const listed = (names: readonly string[]): string => [...new Set(names)].join(', ');

function conditionOf(graph: Graph, node: GraphNode, context: RunContext): Verdict {
  if (node.when === undefined) return BEGIN;
  const answer = mapped('its condition', node.when, graph, node, context);
  if (!answer.isGood) return { kind: 'fail', problem: answer.problem };
  const holds: unknown = answer.value;
  if (holds === true) return BEGIN;
  if (holds === false) return { kind: 'skip', why: 'condition', because: 'its condition does not hold' };
  return { kind: 'fail', problem: { class: 'invalid-input', message: `its condition ${untrue(holds)}` } };
}

// ---- what mappers are given, and what they give -------------------------------------------------------------------

type Mapped<T> =
  | { readonly isGood: true; readonly value: T; readonly problem?: undefined }
  | { readonly isGood: false; readonly problem: WorkProblem };

/** Asks a mapper of a node. One that throws has nothing to say, and the node fails with it. */
function mapped<T>(
  what: string,
  mapper: Mapper<T>,
  graph: Graph,
  node: GraphNode,
  context: RunContext,
): Mapped<T> {
  try {
    const [outputs, view] = [outputsOf(graph, node, context), viewOf(graph, node, context)];
    return { isGood: true, value: graph.ask(() => mapper(outputs, view)) };
  } catch (error) {
    return { isGood: false, problem: problemBy(error, 'invalid-input', `${what} cannot be made`, graph) };
  }
}

/** What a function of the user has thrown, as a problem. Where the error knows what is wrong in particular, so does that. */
export function problemBy(
  error: unknown,
  name: string,
  what: string,
  { ask }: Pick<Graph, 'ask'>,
): WorkProblem {
  const problem = { class: name, message: `${what}: ${saidBy(error)}` };
  try {
    const problems = ask(() => (error as { readonly problems?: unknown } | null | undefined)?.problems);
    return problems === undefined ? problem : { ...problem, problems };
  } catch {
    // Anybody may throw anything.
    return problem;
  }
}

/** The outputs that a node is given. Nobody can change them there. */
export function outputsOf(graph: Graph, { needs }: GraphNode, context: RunContext): Outputs {
  const outputs: Record<string, unknown> = {};
  for (const need of needs) {
    if (!isThere(standingOf(graph, need, context))) continue;
    const { status, output } = context.nodes[need.node]!;
    outputs[need.node] = frozen(status === 'failed' ? valueInstead(graph, need) : output);
  }
  return outputs;
}

function valueInstead(graph: Graph, { node, onError }: Need): unknown {
  const policy = onError ?? edgePolicyOf(graph.nodes[node]!);
  return policy.kind === 'value' ? policy.value : undefined;
}

function viewOf(graph: Graph, { needs }: GraphNode, context: RunContext): RunView {
  const absent: Record<string, Absence> = {};
  for (const need of needs) {
    if (isThere(standingOf(graph, need, context))) continue;
    absent[need.node] = absenceOf(context.nodes[need.node]!);
  }
  return { input: frozen(context.input), shared: frozen(context.shared), absent };
}

function absenceOf({ status, because, problem, arm }: NodeProgress): Absence {
  switch (status) {
    case 'failed':
      return { status, because: problem?.message ?? '' };
    case 'skipped':
      return { status, because: because ?? '' };
    case 'complete':
      return { status: 'skipped', because: `the arm '${arm}' was chosen` };
    default:
      return { status: 'cancelled', because: because ?? 'it was not waited for' };
  }
}

/** Why the run has no output though everything is done; undefined when it has one. */
export function problemOfOutput(graph: Graph, context: RunContext): WorkProblem | undefined {
  try {
    outputOfRun(graph, context);
    return undefined;
  } catch (error) {
    return problemBy(error, 'invalid-output', 'its output cannot be made', graph);
  }
}

/** What the run comes to: its mapper may look at everything that is complete. */
export function outputOfRun(graph: Graph, context: RunContext): unknown {
  const outputs = Object.fromEntries(
    Object.entries(context.nodes).flatMap(([name, { status, output }]) =>
      status === 'complete' ? [[name, frozen(output)]] : [],
    ),
  );
  const absent = Object.fromEntries(
    Object.entries(context.nodes).flatMap(([name, progress]) =>
      progress.status === 'complete' ? [] : [[name, absenceOf(progress)]],
    ),
  );
  const view = { input: frozen(context.input), shared: frozen(context.shared), absent };
  return graph.ask(() => graph.output(outputs, view));
}

/** What a node begins with, or why that cannot be made. */
export type Prepared = Given | { readonly arm: string } | { readonly problem: WorkProblem };

/** What the child of a node is given. */
export interface Given {
  readonly input: unknown;
  readonly values: Readonly<Record<string, unknown>>;
}

const NOTHING_GIVEN: Given = { input: undefined, values: {} };

/** A mapper is asked once, and what it says is kept: the next moment may know more, and say something else. */
export function preparedFor(graph: Graph, name: string, context: RunContext): Prepared {
  const node = graph.nodes[name]!;
  if (node.kind === 'join') return NOTHING_GIVEN;
  if (isWork(node)) {
    const given = givenTo(graph, node, context);
    return given.isGood ? given.value : { problem: given.problem };
  }
  const choice = choiceOf(graph, node, context);
  return choice.isGood ? { arm: choice.value } : { problem: choice.problem };
}

/** Why a node that is ready cannot begin. */
export function problemBefore(name: string, { prepared }: RunContext): WorkProblem | undefined {
  const made = Object.hasOwn(prepared, name) ? prepared[name] : undefined;
  return made !== undefined && 'problem' in made ? made.problem : undefined;
}

function givenTo(graph: Graph, node: WorkNode, context: RunContext): Mapped<Given> {
  const input = mapped('its input', node.input, graph, node, context);
  if (!input.isGood) return input;
  const values = mapped('its context', node.values, graph, node, context);
  if (!values.isGood) return values;
  return { isGood: true, value: { input: input.value, values: values.value } };
}

/** The arm that a branch takes. */
function choiceOf(graph: Graph, node: BranchNode, context: RunContext): Mapped<string> {
  const chosen = mapped('its choice', node.choose, graph, node, context);
  if (!chosen.isGood) return chosen;
  const arm = chosen.value ?? node.otherwise;
  if (arm !== undefined && node.arms.includes(arm)) return { isGood: true, value: arm };
  const said = arm === undefined ? 'none of its arms' : `'${arm}', which is none of its arms`;
  const message = `it chooses ${said} (${node.arms.join(', ')})`;
  return { isGood: false, problem: { class: 'invalid-input', message } };
}

// ---- who runs -----------------------------------------------------------------------------------------------------

/** How many more may run. */
export function placesIn({ parallel }: Graph, { nodes }: RunContext): number {
  if (parallel === Infinity) return parallel;
  const running = Object.values(nodes).filter(
    ({ status }) => status === 'running' || status === 'cancelling',
  );
  return parallel - running.length;
}

const BEFORE: ReadonlySet<NodeStatus> = new Set<NodeStatus>(['pending', 'skipped', 'cancelled']);

/** Whether what a node does is not wanted any more: the run ends, or whoever needs it goes on without. */
export function isObsolete(graph: Graph, name: string, context: RunContext): boolean {
  if (context.ending !== undefined) return true;
  const dependents = dependentsIn(graph)[name]!;
  return (
    dependents.length > 0 &&
    dependents.every((other) => {
      const { status } = context.nodes[other]!;
      return status === 'cancelled' || (!BEFORE.has(status) && graph.nodes[other]!.wait.cancelsLosers);
    })
  );
}

const known = new WeakMap<Graph, ReturnType<typeof dependentsOf>>();

function dependentsIn(graph: Graph): ReturnType<typeof dependentsOf> {
  let dependents = known.get(graph);
  if (dependents === undefined) known.set(graph, (dependents = dependentsOf(graph)));
  return dependents;
}

/** Whether the failure of a node ends the run: unless all that need it say what it means to them. */
export function isFatal(graph: Graph, name: string): boolean {
  const { kind } = graph.nodes[name]!.onError;
  if (kind !== 'fail' && kind !== 'compensate') return false;
  const edges = dependentsIn(graph)[name]!.flatMap((other) =>
    graph.nodes[other]!.needs.filter(({ node }) => node === name),
  );
  return edges.length === 0 || edges.some(({ onError }) => onError === undefined);
}

/** How all its nodes stand together that have not come to their end; undefined: there is none. */
export const standingOfRun = ({ nodes }: RunContext): Standing | undefined =>
  standingTogether(standingsIn(nodes));

/** One after the other: mostly the first that runs says it all. */
function* standingsIn(nodes: RunContext['nodes']): Iterable<Standing | undefined> {
  for (const node of Object.values(nodes)) yield standingOfNode(node);
}

function standingOfNode({ status, undoing = 'running' }: NodeProgress): Standing | undefined {
  switch (status) {
    case 'running':
    case 'waiting':
    case 'parked':
      return status;
    // It may hold money.
    case 'cancelling':
      return 'running';
    case 'compensating':
      return undoing;
    default:
      return undefined;
  }
}

/** The next node whose work is to be undone: the last that has ended, of those that have done something. */
export const nextToUndo = ({ done, nodes }: RunContext): string | undefined =>
  done.findLast((name) => !isUndone(nodes[name]!));

/** Whether nothing is to be undone any more, for better or for worse. */
export const isUndone = ({ status }: NodeProgress): boolean =>
  status === 'compensated' || status === 'uncompensated';

export const canBeUndone = (node: GraphNode): boolean => isWork(node) && node.compensate !== undefined;
