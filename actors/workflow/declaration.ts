/**
 * The declaration of a workflow, as a user writes it: nodes by name, and what each needs. Plain data and pure functions; looked at by
 * `check.ts`, and turned into a graph by `graph.ts`.
 */
import type { Duration } from 'effect';
import type { AnyActorLogic } from 'xstate';
import type { Data, Reducer, RunView } from '../../machines/workflow/graph.ts';
import type { Iteration } from '../../machines/workflow/loop.ts';
import type { Strategy } from '../../machines/faults/strategy.ts';
import type { WorkingCalendar } from '../../machines/working-time/calendar.ts';
import type { Budget } from '../budgets/budget.ts';
import type { Chunking } from '../windows/chunking.ts';
import type { Router } from '../routing/rules.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import type { Verifier } from '../verifiers/verifier.ts';
import type { Reference } from './reference.ts';
import type { WorkflowMachine } from './workflow.ts';

/** The outputs of the nodes that are needed, by name: of an arm, that of its branch. Absent: what was skipped or has failed. */
export type Values<TNeed extends string> = { readonly [TName in NodeOf<TNeed>]: Data };

/** `size.small` is the arm `small` of the branch `size`. */
export type NodeOf<TNeed extends string> = TNeed extends `${infer TNode}.${string}` ? TNode : TNeed;

/** What a failure means to whoever needs the node. */
export type OnEdgeError = 'skip' | 'absent' | { readonly value: unknown };

/**
 * What a failure means.
 * - `fail` (default): the run fails, whatever else runs is cancelled
 * - `compensate`: so it does, and what was done is undone, the last first, in lists, loops and runs within it too
 * - `skip`: what needs it is skipped, and says who blocks it
 * - `absent`: what needs it goes on without, and is told why
 * - `value`: what needs it goes on with this
 * - `escalateTo`: a person of this role decides what comes of the task, also where its strategy asks for one and nobody else is named
 */
export type OnError = 'fail' | 'compensate' | OnEdgeError | { readonly escalateTo: string };

/** When what is needed is enough: all have ended (default); one has; one, or so many, are complete. */
export type JoinOption = 'all' | 'any' | 'first-success' | { readonly atLeast: number };

export type NeedOption<TNeed extends string> =
  TNeed | { readonly node: TNeed; readonly onError: OnEdgeError };

/** What a node is given: made of what it needs, or said part by part. */
export type InputOption<TNeed extends string> =
  | ((values: Values<TNeed>, run: RunView) => unknown)
  | {
      readonly [key: string]: Reference | Constant | ((values: Values<TNeed>, run: RunView) => unknown);
    };

/** A part of an input that is always the same. */
export type Constant =
  string | number | boolean | null | readonly Constant[] | { readonly [key: string]: Constant };

/** What is done many times: a task without needs, or a workflow, whatever it takes. */
export type Body = TaskDeclaration | WorkflowMachine<Data>;

interface NodeOptions<TNeed extends string> {
  /** The nodes that must have come to their end before; `branch.arm` is a branch that has chosen this arm. */
  readonly needs?: readonly NeedOption<TNeed>[];
  readonly join?: JoinOption;
  /** How long it waits for the others once the first of its needs has ended. Then it goes on with what there is. */
  readonly joinWithin?: Duration.Input;
  /** What becomes of those that it did not wait for, unless somebody else needs them. Default `cancel`. */
  readonly losers?: 'cancel' | 'keep';
  /** Whether it is done at all. Default: it is. */
  readonly when?: (values: Values<TNeed>, run: RunView) => boolean;
  /** What is written under which name of the workflow's `shared`: made of its output, or a JSON pointer into it. */
  readonly writes?: Readonly<Record<string, string | ((output: Data) => unknown)>>;
  /** What its failure means. Default `fail`. */
  readonly onError?: OnError;
}

/** How long people have who decide, and what happens while they do not. */
export interface TimesOptions {
  /** How long they have. Then `escalateTo` may decide too; without, it ends as `onExpire` says. */
  readonly within?: Duration.Input;
  readonly escalateTo?: string;
  /** How long those have. Default: as long again. */
  readonly escalatedWithin?: Duration.Input;
  /** When people are reminded, counted from the beginning. */
  readonly remind?: readonly Duration.Input[];
  /** In whose working time all these are counted; `false`: as the clock goes. Default: that of the workflow. */
  readonly calendar?: WorkingCalendar | false;
  /** What happens when nobody has decided: it is refused (default), or waits on. It is never approved. */
  readonly onExpire?: 'refuse' | 'stay';
}

interface WorkOptions<TNeed extends string> extends NodeOptions<TNeed> {
  /**
   * Default: what it needs, if that is one node; the input of the run if it needs none; otherwise all that it needs, by name.
   */
  readonly input?: InputOption<TNeed>;
}

/** Whoever does a piece of work: found by what they can do, or by name. */
interface Doer {
  readonly capability?: string;
  /** The agent, or several in the order in which they are asked. */
  readonly agent?: string | readonly string[];
}

export interface TaskOptions<TNeed extends string = string> extends WorkOptions<TNeed>, Doer {
  /** What it may know besides its input: `input` for that of the run, and nodes it needs. Default: nothing. */
  readonly context?: readonly (NoInfer<NodeOf<TNeed>> | 'input')[];
  /** What it works on, and what comes of it, where whoever does it must keep to that. */
  readonly inputSchema?: SchemaLike;
  readonly outputSchema?: SchemaLike;
  /** How long one attempt may take. Default 5 minutes. */
  readonly timeout?: Duration.Input;
  /** How long all attempts together may take; and again, when somebody lets it go on. Default: for ever. */
  readonly deadline?: Duration.Input;
  /** The confidence from which on a result is accepted, from 0 to 1. Default 0: any. */
  readonly quality?: number;
  /** What an attempt may cost at most, as an amount. Default: what the agent estimates. */
  readonly maxCost?: number;
  /** Agents that are asked when all others could not do it, in this order. */
  readonly fallback?: readonly string[];
  /** By which rules its agent is chosen. Default: those of the system. */
  readonly router?: Router;
  /** What is done about faults. Default: that of the workflow. */
  readonly strategy?: Strategy;
  /** How often an attempt is made again that failed for a passing reason. Default: what the strategy says. */
  readonly retry?: {
    readonly times: number;
    readonly first?: Duration.Input;
    readonly atMost?: Duration.Input;
  };
  /** How it is done in parts, where the strategy says so: see `chunk(…)`. */
  readonly chunk?: Chunking;
  /** What holds its result against the facts. */
  readonly verify?: readonly Verifier[];
  /** Who decides where the strategy asks for a person. */
  readonly reviewers?: string;
  /** How long people have who decide about it, or about a call of it. Default: for ever. */
  readonly review?: TimesOptions;
  /** Which kinds of data it works on, or makes: `phi`. What needs it works on them too. The decider is told. */
  readonly labels?: readonly string[];
  /** What the decider is told of the work besides, from its input: an amount. Must be pure. */
  readonly about?: (input: Data) => Readonly<Record<string, Constant>>;
  /** What undoes it if the run is undone. It is given `{ output, input }`, unless `input` says otherwise. */
  readonly compensate?: Doer & { readonly input?: (output: Data, input: Data) => unknown };
}

export interface GateOptions<TNeed extends string = string> extends NodeOptions<TNeed>, TimesOptions {
  /** What is proposed. Default as for tasks. */
  readonly input?: InputOption<TNeed>;
  readonly title?: string;
  /** Who may decide. */
  readonly role: string | readonly string[];
  /** How many different people must approve. Default 1. */
  readonly quorum?: number;
  /** What may be edited: everything, or these parts, as JSON pointers. Default: nothing. */
  readonly editable?: boolean | readonly string[];
  /** What the proposal must keep to when it was edited. */
  readonly schema?: SchemaLike;
  /** Whether the one who has started the run may decide. Default `refuse`. */
  readonly ownRuns?: 'refuse' | 'allow';
  /** Who must not decide besides whoever has worked on it: their ids. */
  readonly fourEyes?: readonly string[] | ((values: Values<TNeed>, run: RunView) => readonly string[]);
  /** Whether somebody who has edited it counts among those who approve it (default), or another must. */
  readonly ownEdits?: 'count' | 'need-another';
  /** For how long it must have been shown to somebody before they may approve it. Default: it need not. */
  readonly dwell?: Duration.Input;
  /**
   * What it proposes is wrong on purpose, to see whether people notice. Nobody is told before it has ended. Whatever they decide, the node
   * is complete, and its output says how it ended, and has nothing that was approved.
   */
  readonly probe?: boolean;
  /** What the decider is told of it: an amount, a tenant. */
  readonly about?: (values: Values<TNeed>, run: RunView) => Readonly<Record<string, Constant>>;
}

export interface MapOptions<TNeed extends string = string> extends Omit<WorkOptions<TNeed>, 'input'> {
  /** The items. */
  readonly over: (values: Values<TNeed>, run: RunView) => readonly unknown[];
  /** What is done for each: a task without needs, or a workflow. */
  readonly each: Body;
  /** What that is given. Default: the item. */
  readonly item?: (item: Data, index: number) => unknown;
  /** How many at once. Default 16. */
  readonly concurrency?: number;
  /** Whether the first item that fails ends it (default), or all are done and the output says of each what came of it. */
  readonly onItemError?: 'fail' | 'collect';
  /** What becomes of the list of outputs. Default: that list. */
  readonly reduce?: Reducer | ((outputs: readonly Data[]) => unknown);
}

export interface LoopOptions<TNeed extends string = string> extends WorkOptions<TNeed> {
  /** What is done each time: a task without needs, or a workflow. */
  readonly body: Body;
  /** Whether an output is good enough. */
  readonly until: (output: Data, iteration: Iteration) => boolean;
  /** How often at most. There is no default: a loop must have a bound. */
  readonly times: number;
  /** What the next time is given. Default: the output. */
  readonly next?: (output: Data, iteration: Iteration) => unknown;
  /** What it means that no output was good enough. Default `fail`. */
  readonly whenSpent?: 'fail' | 'accept';
}

export interface CallOptions<TNeed extends string = string> extends WorkOptions<TNeed> {
  /** A workflow, which runs as a child; or any other logic, which is given the input and whose output counts. */
  readonly workflow: AnyActorLogic;
}

export interface BranchOptions<
  TNeed extends string = string,
  TArm extends string = string,
> extends NodeOptions<TNeed> {
  /** What is asked, in this order: the first that holds is chosen. */
  readonly arms: Readonly<Record<TArm, (values: Values<TNeed>, run: RunView) => boolean>>;
  /** The arm when none holds; or `fail`: then the run fails. There is no default: a branch must say it. */
  readonly otherwise: NoInfer<TArm> | 'fail';
}

export type JoinOptions<TNeed extends string = string> = NodeOptions<TNeed>;

/** A node as it was written. `TNeed` are the names that it needs. */
export interface Declaration<
  TKind extends string = string,
  TNeed extends string = string,
  TOptions = unknown,
> {
  readonly kind: TKind;
  readonly options: TOptions;
  /** Says nothing at run time. */
  readonly needed?: TNeed;
}

/** A branch as it was written. `TArm` are its arms. */
export interface BranchDeclaration<
  TNeed extends string = string,
  TArm extends string = string,
> extends Declaration<'branch', TNeed, BranchOptions> {
  /** Says nothing at run time. */
  readonly armed?: TArm;
}

export type TaskDeclaration<TNeed extends string = string> = Declaration<'task', TNeed, TaskOptions>;
export type AnyDeclaration =
  | TaskDeclaration
  | Declaration<'gate', string, GateOptions>
  | Declaration<'map', string, MapOptions>
  | Declaration<'loop', string, LoopOptions>
  | Declaration<'call', string, CallOptions>
  | BranchDeclaration
  | Declaration<'join', string, JoinOptions>;

/** Whether what is done many times is a task. Machines have options, too. */
export const isTask = (body: Body | AnyActorLogic): body is TaskDeclaration =>
  (body as Partial<TaskDeclaration>).kind === 'task';

/** What else is done within a node, for each item or each time: the logic of a run, as a rule. */
export function innerOf(declared: AnyDeclaration | undefined): AnyActorLogic | undefined {
  if (declared?.kind === 'call') return declared.options.workflow;
  const body =
    declared?.kind === 'map'
      ? declared.options.each
      : declared?.kind === 'loop'
        ? declared.options.body
        : undefined;
  return body === undefined || isTask(body) ? undefined : body;
}

function declared<TKind extends string, TNeed extends string, TOptions>(
  kind: TKind,
  options: object,
): Declaration<TKind, TNeed, TOptions> {
  // What a mapper may look at is narrower where it was written than where it is called.
  return Object.freeze({ kind, options: Object.freeze({ ...options }) as TOptions });
}

/** Work for an agent. */
export function task<const TNeed extends string = never>(
  options: TaskOptions<TNeed>,
): TaskDeclaration<TNeed> {
  return declared('task', options);
}

/** A point where people decide. */
export function gate<const TNeed extends string = never>(
  options: GateOptions<TNeed>,
): Declaration<'gate', TNeed, GateOptions> {
  return declared('gate', options);
}

/** The same for every item of a list. */
export function map<const TNeed extends string = never>(
  options: MapOptions<TNeed>,
): Declaration<'map', TNeed, MapOptions> {
  return declared('map', options);
}

/** The same again, until it is good enough. */
export function loop<const TNeed extends string = never>(
  options: LoopOptions<TNeed>,
): Declaration<'loop', TNeed, LoopOptions> {
  return declared('loop', options);
}

/** A workflow within a workflow. */
export function call<const TNeed extends string = never>(
  options: CallOptions<TNeed>,
): Declaration<'call', TNeed, CallOptions> {
  return declared('call', options);
}

/** One of several ways. */
export function branch<const TNeed extends string = never, const TArm extends string = string>(
  options: BranchOptions<TNeed, TArm>,
): BranchDeclaration<TNeed, TArm> {
  return declared('branch', options);
}

/** Waits for several, and does nothing else. */
export function join<const TNeed extends string = never>(
  options: JoinOptions<TNeed>,
): Declaration<'join', TNeed, JoinOptions> {
  return declared('join', options);
}

/** What several write to, by name. */
export interface SharedOption {
  /** How what is written becomes one. Default `last`, which only one node may write. */
  readonly reduce?: Reducer;
  readonly initial?: unknown;
}

export interface WorkflowOptions<TTasks> {
  readonly id: string;
  readonly tasks: TTasks;
  /** What a run is given. Default: anything. */
  readonly inputSchema?: SchemaLike;
  readonly outputSchema?: SchemaLike;
  /** What the run comes to. Default: the output of the last node, or of the last nodes by name. */
  readonly output?: (values: Readonly<Record<string, Data>>, run: RunView) => unknown;
  readonly budget?: Budget;
  /** How many nodes may run at once. Default: all that can. */
  readonly parallel?: number;
  readonly shared?: Readonly<Record<string, SharedOption>>;
  /** What is done about faults. Default `strategies.standard`. */
  readonly strategy?: Strategy;
  /** In whose working time the times of its gates, and of its tasks' reviews, are counted. Default: as the clock goes. */
  readonly calendar?: WorkingCalendar;
  /** Which kinds of data are in the input of a run: `phi`. All of its tasks work on them. */
  readonly labels?: readonly string[];
  /** Whose run it is, from its input. The decider is told, and a halt of a tenant stands on it. Must be pure. */
  readonly tenant?: (input: Data) => string | undefined;
}
