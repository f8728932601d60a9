/**
 * How each part of a run stands: a node, an item, a time, a task of a run within it, and what is undone. Pure: it reads what stood at one
 * moment, and nothing by itself.
 */
import type { Ledger } from '../../machines/budget/ledger.ts';
import { hereOf } from '../../machines/here.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import { signedIn } from '../../machines/review/signed.ts';
import type { KeptAnswer } from '../../machines/task/kept-answer.ts';
import type { TaskContext, TaskDecision } from '../../machines/task/progress.ts';
import type { PollContext } from '../../machines/task/voting.ts';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { undoOf } from '../../machines/workflow/graph.ts';
import type { WorkProblem } from '../../machines/workflow/graph.ts';
import type { LoopContext } from '../../machines/workflow/loop.ts';
import type { MapContext } from '../../machines/workflow/map.ts';
import type { NodeProgress, NodeStatus, RunContext } from '../../machines/workflow/progress.ts';
import type { UndoContext } from '../../machines/workflow/undo.ts';
import { innerOf } from '../workflow/declaration.ts';
import type { AnyDeclaration, NeedOption } from '../workflow/declaration.ts';
import { errorPolicyOf } from '../workflow/graph.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import { needOf } from '../workflow/need.ts';
import { versionsIn } from './human-decisions.ts';
import type { HumanDecision } from './human-decisions.ts';
import { withLate } from './late-replies.ts';
import type { AttemptStatus } from './late-replies.ts';
import { nodeStatusIn, OVER, statusOf } from './standing.ts';
import { accountOf, heldOf, isRun } from './stood.ts';
import type { DeclarationOf, Held, Moment, Stood } from './stood.ts';
import { waitOf, waitOfReview } from './waits.ts';
import type { Wait } from './waits.ts';

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

/** The nodes of one run, within which they are looked at. */
interface Nodes {
  readonly run: string;
  readonly stood: Stood;
  readonly nodes: RunContext['nodes'];
  readonly options: AnyWorkflowOptions | undefined;
  /** The path to the run, with a slash behind it; empty for the outermost. */
  readonly within: string;
  /** The books of whoever pays for it. */
  readonly ledger: Ledger | undefined;
}

/** Reads the parts of a run, and notes what people have decided in them. */
export class Reader {
  readonly decisions: HumanDecision[] = [];
  readonly #moment: Moment;
  readonly #declarationOf: DeclarationOf;

  constructor(moment: Moment, declarationOf: DeclarationOf) {
    this.#moment = moment;
    this.#declarationOf = declarationOf;
  }

  tasksOf(
    run: string,
    stood: Stood & { readonly context: RunContext },
    options: AnyWorkflowOptions | undefined,
    within: string,
  ): PartStatus[] {
    const { nodes } = stood.context;
    const those = { run, stood, nodes, options, within, ledger: this.#ledgerOf(stood.context) };
    return Object.entries(nodes).map(([name, node]) => this.#nodeOf(name, node, those));
  }

  /** The books of whoever pays for a run: its own account, or that of the run around it. */
  #ledgerOf(context: RunContext): Ledger | undefined {
    const address = accountOf(context);
    return address === undefined ? undefined : (this.#moment(address)?.context as Ledger | undefined);
  }

  #nodeOf(name: string, node: NodeProgress, those: Nodes): PartStatus {
    const { run, stood, nodes, options, within, ledger } = those;
    const declared = options?.tasks[name];
    const address = `${run}/${name}`;
    const { output, facts, startedAt, endedAt, problem, because, skipped, blockedBy } = node;
    const status = nodeStatusIn(stood, node);
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
      const parts = this.tasksOf(address, stood, this.#declarationOf(inner), `${task}/`);
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

/** Money that its attempts have reserved. In a fork, those of its original too. */
function reservedFor(task: { id: string; address: string }, ledger: Ledger | undefined): Micros {
  const id = hereOf(task.id, task);
  let sum = 0;
  for (const { ticket, taken } of ledger?.open.values() ?? [])
    if (hereOf(ticket, task).startsWith(`${id}#`)) sum += taken;
  return sum as Micros;
}

const isUndoing = (context: unknown): context is UndoContext =>
  typeof context === 'object' && context !== null && 'deeds' in context && 'parts' in context;

const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const withParts = (task: PartStatus): PartStatus[] => [task, ...(task.parts ?? []).flatMap(withParts)];

/** Of a run within a run. */
export function cameToIn({ output: outcome }: Stood): Pick<PartStatus, 'output'> {
  const { status, output } = (outcome ?? {}) as { readonly status?: string; readonly output?: unknown };
  return status === 'complete' ? { output: heldOf(output) } : {};
}
