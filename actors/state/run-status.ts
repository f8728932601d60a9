/**
 * How a run stands: what it was given, where each of its parts is, who had to do with it, what it has cost, what it waits for, and what
 * comes next. Made of the states of the run and of those below it, as they all were at one moment; so a moment of the past is told as
 * the present is. Pure: it reads nothing by itself.
 */
import { hereOf } from '../../machines/here.ts';
import { canonicalOf, NotJson } from '../../machines/values/canonical.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { addressOf } from '../../machines/address.ts';
import type { Source } from '../../machines/contract.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import { remainingIn } from '../../machines/budget/window.ts';
import { edited } from '../../machines/review/edits.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import { signedIn } from '../../machines/review/signed.ts';
import type { Signed } from '../../machines/review/signed.ts';
import type { KeptAnswer } from '../../machines/task/kept-answer.ts';
import type { TaskContext, TaskDecision } from '../../machines/task/progress.ts';
import type { PollContext } from '../../machines/task/voting.ts';
import { undoOf } from '../../machines/workflow/graph.ts';
import type { WorkOutcome, WorkProblem } from '../../machines/workflow/graph.ts';
import type { LoopContext } from '../../machines/workflow/loop.ts';
import type { MapContext } from '../../machines/workflow/map.ts';
import type { NodeProgress, NodeStatus, RunContext } from '../../machines/workflow/progress.ts';
import type { Standing } from '../../machines/workflow/standings.ts';
import type { UndoContext } from '../../machines/workflow/undo.ts';
import { digestOf } from '../schema/digest.ts';
import { innerOf } from '../workflow/declaration.ts';
import type { AnyDeclaration, NeedOption } from '../workflow/declaration.ts';
import { errorPolicyOf, joinRuleOf } from '../workflow/graph.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { needOf } from '../workflow/need.ts';
import { withLate } from './late-replies.ts';
import type { AttemptStatus } from './late-replies.ts';

/** A value with its hash. What is no JSON has none. */
export interface Held {
  readonly value: unknown;
  readonly hash?: string;
}

/**
 * Of a run as a whole. One that works somewhere and waits somewhere else waits; and where somebody is needed to let it go on it is
 * parked, whatever else it does.
 */
export type RunState =
  'running' | 'waiting' | 'parked' | 'compensating' | 'complete' | 'failed' | 'aborted' | 'stopped';

/** A decision of a person. */
export interface HumanDecision extends Signed {
  /** The address of the review. A task that asks a person again does so under the same. */
  readonly review: string;
  /** Of the content alone that an edit of what a gate proposes has made of it: under that it is kept. */
  readonly made?: string;
}

/** Why something does not go on. */
export interface Wait {
  /** The part that waits: `review`, `chapters/3`. */
  readonly task: string;
  readonly for: 'person' | 'operator' | 'time' | 'money' | 'place';
  readonly why: string;
  /** Who can end it. */
  readonly roles?: readonly string[];
  /** Who has taken it on. */
  readonly by?: string;
  readonly since?: number;
  /** When it goes on by itself. */
  readonly until?: number;
  /** The halts that keep it waiting: `agent:writer`. It goes on by itself when they are lifted. */
  readonly halts?: readonly string[];
}

export interface PartStatus {
  /** Its name; within a list, a loop or another run with a path: `chapters/3`. */
  readonly task: string;
  /** The address of whoever does it. */
  readonly address: string;
  readonly kind: string;
  readonly status: NodeStatus;
  readonly needs: readonly string[];
  /** What it writes by name when it is complete. */
  readonly writes?: readonly string[];
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly input?: Held;
  /** What it was given in the place of the outputs of nodes that have failed, by their names: `onError: { value }`. */
  readonly instead?: Readonly<Record<string, Held>>;
  readonly output?: Held;
  readonly agent?: string;
  /** Every attempt: by whom, for how much, what was wrong, from what it was made and what came of it, by their hashes. */
  readonly attempts: readonly AttemptStatus[];
  readonly confidence?: number;
  /** Why its output was taken, where that is not because it is good. */
  readonly ground?: string;
  /** The answer from before that was taken in its place: `stale`. */
  readonly recalled?: KeptAnswer;
  readonly problem?: WorkProblem;
  /** Why it was skipped or cancelled. */
  readonly because?: string;
  /** Why it was skipped: its condition, the arm that was not chosen, or that something it needs did not come to a good end. */
  readonly skipped?: NonNullable<NodeProgress['skipped']>;
  /** The node that blocks it. */
  readonly blockedBy?: string;
  /** In micro-units: spent, reserved by an attempt that is made, and held because nobody knows what one has cost. */
  readonly cost: Micros;
  readonly reserved: Micros;
  readonly waits?: Wait;
  /** The parts of a list, a loop or a run within it; of a task, those who were asked to confirm its answers (`vote`). */
  readonly parts?: readonly PartStatus[];
}

export interface RunMoney {
  readonly spent: Micros;
  /** Not there where the run has no budget of its own. */
  readonly limit?: Micros;
  readonly reserved?: Micros;
  /** What can still be reserved. */
  readonly remaining?: Micros;
  /** What was spent beyond the limit, besides `spent`. Not there where that is nothing. */
  readonly overdraft?: Micros;
}

export interface RunStatus {
  readonly run: string;
  readonly workflow: string;
  readonly state: RunState;
  readonly startedAt: number;
  /** What it was given in the beginning. Never changes. */
  readonly input: Held;
  readonly output?: Held;
  readonly problem?: unknown;
  /** In the order in which they were written. */
  readonly tasks: readonly PartStatus[];
  readonly money: RunMoney;
  /** What was looked at, each place once, in the order of the tasks. */
  readonly sources: readonly (Source & { readonly task: string })[];
  readonly decisions: readonly HumanDecision[];
  readonly shared: Readonly<Record<string, unknown>>;
  readonly waits: readonly Wait[];
  /** The nodes that begin when those that are at work come to a good end. */
  readonly next: readonly string[];
}

/** A state, as far as it is looked at. */
export interface Stood {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** The actors of one moment, by their addresses. */
export type Moment = (address: string) => Stood | undefined;

/** How the workflow of a run was declared; undefined where nobody knows any more. */
export type DeclarationOf = (logic: unknown) => AnyWorkflowOptions | undefined;

export function isRun(stood: Stood | undefined): stood is Stood & { readonly context: RunContext } {
  const context = stood?.context as Partial<RunContext> | undefined;
  return context?.nodes !== undefined && context.prepared !== undefined;
}

/** Whether it is work for an agent. */
export function isTask(stood: Stood | undefined): stood is Stood & { readonly context: TaskContext } {
  const context = stood?.context as Partial<TaskContext> | undefined;
  return context?.question !== undefined && context.log !== undefined;
}

/** The address of whoever pays for a run. */
export function accountOf({ account }: Pick<RunContext, 'account'>): string | undefined {
  return account === undefined || typeof account === 'string' ? account : addressOf(account);
}

/** @param run its address */
export function runStatusOf(
  run: string,
  stood: Stood & { readonly context: RunContext },
  options: AnyWorkflowOptions | undefined,
  moment: Moment,
  declarationOf: DeclarationOf,
): RunStatus {
  const { context } = stood;
  const { input, startedAt, shared } = context;
  const reader = new Reader(moment, declarationOf);
  const tasks = reader.tasksOf(run, context, options, '');
  const all = tasks.flatMap(withParts);
  const waits = all.flatMap((part) => part.waits ?? []);
  return frozen({
    run,
    workflow: options?.id ?? run.split('/', 1)[0]!,
    state: stateWith(waits, runStateOf(stood)),
    startedAt,
    input: heldOf(input),
    ...endOf(stood),
    tasks,
    money: moneyOf(tasks, moment(`${run}/account`)?.context as Ledger | undefined),
    sources: sourcesOf(all),
    decisions: reader.decisions.toSorted((a, b) => a.at - b.at),
    shared,
    waits,
    next: nextOf(tasks, options),
  });
}

/** A run within a run ends well in any case, with an outcome; one by itself with its output, or an error. */
function endOf(stood: Stood & { readonly context: RunContext }): Pick<RunStatus, 'output' | 'problem'> {
  const { context, status, output, error } = stood;
  if (status === 'error') return { problem: error };
  if (status !== 'done') return {};
  if (context.around === undefined) return { output: heldOf(output) };
  const { problem } = output as { readonly problem?: unknown };
  return { ...cameToIn(stood), ...(problem !== undefined && { problem }) };
}

/** In lists and runs within it somebody may be waited for while others of them work, of which the run itself knows nothing. */
function stateWith(waits: readonly Wait[], state: RunState): RunState {
  const isFor = (whom: Wait['for']): boolean => waits.some((wait) => wait.for === whom);
  if (state !== 'running' && state !== 'compensating' && state !== 'waiting') return state;
  if (isFor('operator')) return 'parked';
  return isFor('person') ? 'waiting' : state;
}

/** How a run within a run stands that has ended. What is not wanted there any more is stopped. */
const STATES: Readonly<Record<WorkOutcome['status'], RunState>> = {
  complete: 'complete',
  failed: 'failed',
  cancelled: 'stopped',
  aborted: 'aborted',
};

/** Of the state of a run alone. */
export function runStateOf({ status, context, value, output }: Stood): RunState {
  const { ending, nodes, around } = context as RunContext;
  if (status === 'done') return around === undefined ? 'complete' : STATES[(output as WorkOutcome).status];
  if (status === 'stopped') return 'stopped';
  if (status === 'error' || value === 'failed' || value === 'aborted')
    return ending?.how === 'abort' ? 'aborted' : 'failed';
  return stateAtWork(nodes);
}

function stateAtWork(nodes: RunContext['nodes']): 'running' | 'waiting' | 'parked' | 'compensating' {
  const parts = Object.values(nodes);
  // Whoever undoes something may have to be helped as well.
  const stands = (which: 'parked' | 'waiting'): boolean =>
    parts.some((node) => node.status === which || (node.status === 'compensating' && node.undoing === which));
  if (stands('parked')) return 'parked';
  if (stands('waiting')) return 'waiting';
  return parts.some((node) => node.status === 'compensating') ? 'compensating' : 'running';
}

const withParts = (task: PartStatus): PartStatus[] => [task, ...(task.parts ?? []).flatMap(withParts)];

function heldOf(value: unknown): Held {
  try {
    return { value, hash: digestOf(canonicalOf(value)) };
  } catch (error) {
    if (error instanceof NotJson) return { value };
    throw error;
  }
}

function moneyOf(tasks: readonly PartStatus[], ledger: Ledger | undefined): RunMoney {
  if (ledger === undefined) return { spent: tasks.reduce((sum, { cost }) => sum + cost, 0) as Micros };
  const { window } = ledger;
  const { limit, spent, reserved, overdraft } = window;
  return { spent, limit, reserved, remaining: remainingIn(window), ...(overdraft > 0 && { overdraft }) };
}

function sourcesOf(tasks: readonly PartStatus[]): RunStatus['sources'] {
  const found = new Map<string, Source & { readonly task: string }>();
  for (const { task, attempts } of tasks)
    for (const source of attempts.flatMap(({ sources = [] }) => sources)) {
      const { at: _, ...place } = source;
      const key = `${task} ${canonicalOf(place)}`;
      if (!found.has(key)) found.set(key, { ...source, task });
    }
  return [...found.values()];
}

const OVER: ReadonlySet<NodeStatus> = new Set<NodeStatus>([
  ...(['complete', 'failed', 'skipped', 'cancelled', 'compensated', 'uncompensated'] as const),
]);

function nextOf(tasks: readonly PartStatus[], options: AnyWorkflowOptions | undefined): string[] {
  const statuses = new Map(tasks.map(({ task, status }) => [task, status]));
  return tasks
    .filter(({ task, status, needs }) => {
      if (status === 'ready') return true;
      const declared = options?.tasks[task];
      return (
        status === 'pending' &&
        areEnough(
          needs.map((need) => statuses.get(need)!),
          declared,
        )
      );
    })
    .map(({ task }) => task);
}

/** Whether needs that stand so are enough when those of them that are at work come to a good end. */
function areEnough(needs: readonly NodeStatus[], declared: AnyDeclaration | undefined): boolean {
  const { join } = joinRuleOf(declared?.options ?? {});
  if (needs.length === 0 || join.kind === 'all') return !needs.includes('pending');
  const there = needs.filter(
    (status) => status === 'complete' || (status !== 'pending' && !OVER.has(status)),
  );
  return there.length >= (join.kind === 'any' ? 1 : join.count);
}

/** The nodes of one run, within which they are looked at. */
interface Nodes {
  readonly run: string;
  readonly nodes: RunContext['nodes'];
  readonly options: AnyWorkflowOptions | undefined;
  /** The path to the run, with a slash behind it; empty for the outermost. */
  readonly within: string;
  /** The books of whoever pays for it. */
  readonly ledger: Ledger | undefined;
}

/** Reads the parts of a run, and notes what people have decided in them. */
class Reader {
  readonly decisions: HumanDecision[] = [];
  readonly #moment: Moment;
  readonly #declarationOf: DeclarationOf;

  constructor(moment: Moment, declarationOf: DeclarationOf) {
    this.#moment = moment;
    this.#declarationOf = declarationOf;
  }

  tasksOf(
    run: string,
    context: RunContext,
    options: AnyWorkflowOptions | undefined,
    within: string,
  ): PartStatus[] {
    const { nodes } = context;
    const those = { run, nodes, options, within, ledger: this.#ledgerOf(context) };
    return Object.entries(nodes).map(([name, node]) => this.#nodeOf(name, node, those));
  }

  /** The books of whoever pays for a run: its own account, or that of the run around it. */
  #ledgerOf(context: RunContext): Ledger | undefined {
    const address = accountOf(context);
    return address === undefined ? undefined : (this.#moment(address)?.context as Ledger | undefined);
  }

  #nodeOf(name: string, node: NodeProgress, { run, nodes, options, within, ledger }: Nodes): PartStatus {
    const declared = options?.tasks[name];
    const address = `${run}/${name}`;
    const { status, output, facts, startedAt, endedAt, problem, because, skipped, blockedBy } = node;
    const task = `${within}${name}`;
    const part = this.#partAt(address, task, innerOf(declared), ledger);
    const undoneAt = `${run}/${undoOf(name)}`;
    const undo = this.#partAt(undoneAt, `${within}${undoOf(name)}`, undefined, ledger);
    const place: Wait | undefined =
      status === 'ready' ? { task, for: 'place', why: 'so many run already as may at once' } : undefined;
    const agent = part?.agent ?? facts?.agent;
    const waits = OVER.has(status) ? undefined : (place ?? part?.waits);
    const parts = [...this.#undoneAt(undoneAt, part?.parts ?? []), ...(undo === undefined ? [] : [undo])];
    return {
      ...{ task, address, kind: declared?.kind ?? 'task', status, needs: needsOf(declared) },
      ...(declared?.options.writes && { writes: Object.keys(declared.options.writes) }),
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(part?.input !== undefined && { input: part.input }),
      ...insteadIn(node, declared, nodes, options),
      ...(output !== undefined && { output: heldOf(output) }),
      ...(agent !== undefined && { agent }),
      ...(facts?.confidence !== undefined && { confidence: facts.confidence }),
      ...(facts?.ground !== undefined && { ground: facts.ground }),
      ...(part?.recalled !== undefined && { recalled: part.recalled }),
      attempts: part?.attempts ?? [],
      ...(problem !== undefined && { problem }),
      ...(because !== undefined && { because }),
      ...(skipped !== undefined && { skipped }),
      ...(blockedBy !== undefined && { blockedBy }),
      cost: ((part?.cost ?? (facts?.cost as Micros | undefined) ?? NOTHING) + (undo?.cost ?? 0)) as Micros,
      reserved: ((part?.reserved ?? 0) + (undo?.reserved ?? 0)) as Micros,
      ...(waits !== undefined && { waits }),
      ...(parts.length > 0 && { parts }),
    };
  }

  /** Whoever does the work of a node, of whatever kind; undefined where nobody does. */
  #partAt(address: string, task: string, inner: unknown, ledger: Ledger | undefined): PartStatus | undefined {
    const stood = this.#moment(address);
    const context = stood?.context as object | undefined;
    if (stood === undefined || context === undefined) return undefined;
    const base = { task, address, needs: [], attempts: [], cost: NOTHING, reserved: NOTHING };
    if ('log' in context) return this.#taskAt(base, stood, context as TaskContext, ledger);
    if ('quorum' in context) {
      const review = context as ReviewContext;
      this.#note(address, versionsIn(review));
      const waits = stood.status === 'active' ? waitOfReview(task, review) : undefined;
      const { original } = review;
      const kept = { ...base, kind: 'gate', status: statusOf(stood), input: heldOf(original) };
      return { ...kept, ...(waits && { waits }) };
    }
    if (isRun(stood)) {
      const parts = this.tasksOf(address, stood.context, this.#declarationOf(inner), `${task}/`);
      const input = heldOf(stood.context.input);
      return { ...base, kind: 'call', status: statusOf(stood), input, ...cameToIn(stood), ...sumOf(parts) };
    }
    if ('outcomes' in context || 'number' in context)
      return this.#listAt(base, stood, context, inner, ledger);
    if (isUndoing(context)) {
      const own = (this.#moment(`${address}/account`)?.context as Ledger | undefined) ?? ledger;
      const parts = Object.keys(context.parts).flatMap((name) => {
        const child = this.#undoingAt(address, name);
        return child === undefined
          ? []
          : (this.#partAt(child, `${task}/${nameIn(child)}`, undefined, own) ?? []);
      });
      return { ...base, kind: 'undo', status: statusOf(stood), ...sumOf(parts) };
    }
    return { ...base, kind: 'call', status: statusOf(stood) };
  }

  /** Parts as they are since what they belong to was undone: when that happens they have long come to their end. */
  #undoneAt(address: string, parts: readonly PartStatus[]): readonly PartStatus[] {
    const context = this.#moment(address)?.context;
    if (!isUndoing(context)) return parts;
    return parts.map((part) => {
      const name = nameIn(part.task);
      if (!Object.hasOwn(context.parts, name)) return part;
      const within = this.#undoingAt(address, name) ?? '';
      return {
        ...{ ...part, status: context.parts[name]!.status },
        ...(part.parts !== undefined && { parts: this.#undoneAt(within, part.parts) }),
      };
    });
  }

  /** Whoever undoes a part of what is undone at an address: a node, or an item. */
  #undoingAt(address: string, name: string): string | undefined {
    const those = [`${address}/${undoOf(name)}`, `${address}/${name}`];
    return those.find((one) => this.#moment(one) !== undefined);
  }

  /** A list or a loop. */
  #listAt(
    base: Pick<PartStatus, 'task' | 'address' | 'needs' | 'attempts' | 'cost' | 'reserved'>,
    stood: Stood,
    context: object,
    inner: unknown,
    ledger: Ledger | undefined,
  ): PartStatus {
    const isList = 'outcomes' in context;
    const { start } = context as MapContext | LoopContext;
    const ids = isList
      ? Array.from({ length: (context as MapContext).begun }, (_, index) => String(index))
      : Array.from({ length: (context as LoopContext).number }, (_, index) => String(index + 1));
    const parts = ids.flatMap(
      (id) => this.#partAt(`${base.address}/${id}`, `${base.task}/${id}`, inner, ledger) ?? [],
    );
    const kind = isList ? 'map' : 'loop';
    return { ...base, kind, status: statusOf(stood), input: heldOf(start.input), ...sumOf(parts) };
  }

  #taskAt(
    base: Pick<PartStatus, 'task' | 'address' | 'needs'>,
    stood: Stood,
    context: TaskContext,
    ledger: Ledger | undefined,
  ): PartStatus {
    const { input, output, log, advice, spent, id, ground, recalled } = context;
    const { agent } = recalled ?? advice ?? {};
    const { confidence } = recalled ?? log.at(-1) ?? {};
    const voters = this.#votersAt(base, ledger);
    const together = sumOf(voters);
    const reviews = REVIEWS.flatMap((which) => this.#reviewOf(base, which, context) ?? []);
    const wait = reviews[0] ?? (stood.status === 'active' ? waitOf(base.task, stood, context) : undefined);
    return {
      ...base,
      ...{
        kind: 'task',
        status: this.#statusOfTask(base, stood),
        input: heldOf(input),
        attempts: withLate(log, base.address, this.#moment),
      },
      cost: (spent + together.cost) as Micros,
      ...(output !== undefined && ground !== undefined && { output: heldOf(output) }),
      ...(agent !== undefined && { agent }),
      ...(confidence !== undefined && { confidence }),
      ...(ground !== undefined && ground !== 'good' && { ground }),
      ...(recalled !== undefined && { recalled }),
      reserved: (reservedFor({ id, address: base.address }, ledger) + together.reserved) as Micros,
      ...(wait !== undefined && { waits: wait }),
      ...(voters.length > 0 && { parts: voters }),
    };
  }

  /** While others are asked to confirm its answer, it stands as they do. */
  #statusOfTask({ address }: Pick<PartStatus, 'address'>, stood: Stood): NodeStatus {
    const isPolling = stood.status === 'active' && stood.value === 'polling';
    const poll = isPolling ? this.#moment(`${address}/poll`) : undefined;
    return statusOf(poll?.status === 'active' ? poll : stood);
  }

  /** All that were ever asked to confirm an answer of a task. */
  #votersAt(
    { task, address }: Pick<PartStatus, 'task' | 'address'>,
    ledger: Ledger | undefined,
  ): PartStatus[] {
    const { begun = 0 } = (this.#moment(`${address}/poll`)?.context ?? {}) as Partial<PollContext>;
    return Array.from({ length: begun }, (_, index) => `poll/${index + 1}`).flatMap((id) => {
      const part = this.#partAt(`${address}/${id}`, `${task}/${id}`, undefined, ledger);
      return part === undefined ? [] : [{ ...part, kind: 'vote' }];
    });
  }

  /** Notes what was decided in the reviews of a task. @returns what it waits for, as long as one is open */
  #reviewOf(
    { task, address: above }: Pick<PartStatus, 'task' | 'address'>,
    which: TaskDecision['review'],
    { decisions }: TaskContext,
  ): Wait | undefined {
    const address = `${above}/${which}`;
    const told = decisions.flatMap(({ review, ...one }) => (review === which ? [one] : []));
    this.#note(address, told);
    const stood = this.#moment(address);
    const review = stood?.context as ReviewContext | undefined;
    if (stood === undefined || review === undefined) return undefined;
    // The task knows what was decided as soon as it has heard that it has ended.
    const texts = new Set(stood.status === 'done' ? told.map(canonicalOf) : []);
    this.#note(
      address,
      signedIn(review).filter((one) => !texts.has(canonicalOf(one))),
    );
    return stood.status === 'active' ? waitOfReview(task, review) : undefined;
  }

  #note(review: string, all: readonly Omit<HumanDecision, 'review'>[]): void {
    this.decisions.push(...all.map((one) => ({ review, ...one })));
  }
}

/** Of a run within a run. */
function cameToIn({ output: outcome }: Stood): Pick<PartStatus, 'output'> {
  const { status, output } = (outcome ?? {}) as { readonly status?: string; readonly output?: unknown };
  return status === 'complete' ? { output: heldOf(output) } : {};
}

const isUndoing = (context: unknown): context is UndoContext =>
  typeof context === 'object' && context !== null && 'deeds' in context && 'parts' in context;

const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function needsOf(declared: AnyDeclaration | undefined): string[] {
  const needs: readonly NeedOption<string>[] = declared?.options.needs ?? [];
  return needs.map((need) => needOf(need).node);
}

/** The values that take the place of outputs, as far as it has looked at them. */
function insteadIn(
  { status, startedAt, endedAt }: NodeProgress,
  declared: AnyDeclaration | undefined,
  nodes: RunContext['nodes'],
  options: AnyWorkflowOptions | undefined,
): Pick<PartStatus, 'instead'> {
  const lookedAt = startedAt ?? (status === 'complete' ? endedAt : undefined);
  if (lookedAt === undefined) return {};
  const needs: readonly NeedOption<string>[] = declared?.options.needs ?? [];
  const found = needs.map(needOf).flatMap(({ node, onError }) => {
    const needed = nodes[node];
    if (needed?.status !== 'failed' || needed.endedAt! > lookedAt) return [];
    const policy = onError ?? errorPolicyOf(options?.tasks[node]?.options.onError);
    return policy.kind === 'value' ? [[node, heldOf(policy.value)] as const] : [];
  });
  return found.length === 0 ? {} : { instead: Object.fromEntries(found) };
}

function sumOf(parts: readonly PartStatus[]): Pick<PartStatus, 'parts' | 'cost' | 'reserved' | 'waits'> {
  const sum = (pick: 'cost' | 'reserved'): Micros =>
    parts.reduce((all, part) => all + part[pick], 0) as Micros;
  return { parts, cost: sum('cost'), reserved: sum('reserved') };
}

/** The reviews of a task, by the names of the children that they are. */
const REVIEWS = ['review', 'clearance'] as const;

/** How a task stands in its states, where it does not work. */
const STANDINGS: ReadonlyMap<unknown, NodeStatus> = new Map<string, NodeStatus>([
  ...(['parked', 'sleeping', 'halted'] as const).map((state) => [state, 'parked'] as const),
  ...(['serving', 'reviewing', 'clearing'] as const).map((state) => [state, 'waiting'] as const),
]);

/** Of somebody who has no node of its own. */
export function statusOf(stood: Stood): NodeStatus {
  const { status, value, output, context } = stood;
  if (status === 'active') {
    if (typeof context !== 'object' || context === null) return 'running';
    if ('quorum' in context) return 'waiting';
    // Those who have others work say how these stand.
    if ('stands' in context) return context.stands as Standing;
    return isRun(stood) ? stateAtWork(stood.context.nodes) : (STANDINGS.get(value) ?? 'running');
  }
  if (status !== 'done') return status === 'stopped' ? 'cancelled' : 'failed';
  const how = (output as Partial<WorkOutcome> | undefined)?.status;
  return how === 'failed' || how === 'cancelled' ? how : how === 'aborted' ? 'failed' : 'complete';
}

/** Money that its attempts have reserved. In a fork, those of its original too. */
function reservedFor(task: { id: string; address: string }, ledger: Ledger | undefined): Micros {
  const id = hereOf(task.id, task);
  let sum = 0;
  for (const { ticket, taken } of ledger?.open.values() ?? [])
    if (hereOf(ticket, task).startsWith(`${id}#`)) sum += taken;
  return sum as Micros;
}

function waitOf(task: string, { value }: Stood, { fault, move, log, halts }: TaskContext): Wait | undefined {
  const since = log.at(-1)?.to;
  const why = fault === undefined ? '' : `${fault.class}: ${fault.message}`;
  const known = { task, why, ...(since !== undefined && { since }) };
  const delayMs = move !== undefined && 'delayMs' in move ? move.delayMs : undefined;
  const until = since !== undefined && delayMs !== undefined ? { until: since + delayMs } : {};
  switch (typeof value === 'object' ? Object.keys(value as object)[0] : value) {
    case 'parked':
      return { ...known, for: 'operator' };
    case 'halted':
      return { ...known, for: 'operator', ...(halts !== undefined && { halts }) };
    case 'sleeping':
    case 'delaying':
      return { ...known, for: 'time', ...until };
    case 'paying':
      return { ...known, for: 'money', why: 'the account has not answered yet' };
    default:
      return undefined;
  }
}

/** With what each edit has made of the proposal. */
function versionsIn(review: ReviewContext): (Signed & Pick<HumanDecision, 'made'>)[] {
  const { original, edits, editable } = review;
  let content = original;
  const made = edits.map((one) => {
    content = edited(content, one.edits, editable);
    return digestOf(canonicalOf(content));
  });
  return signedIn(review).map((one) => (one.what === 'edit' ? { ...one, made: made.shift()! } : one));
}

function waitOfReview(task: string, { roles, claim, openedAt, title }: ReviewContext): Wait {
  return {
    ...{ task, for: 'person', why: title, roles, since: openedAt },
    ...(claim !== undefined && { by: claim.by }),
  };
}
