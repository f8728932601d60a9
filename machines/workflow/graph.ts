/**
 * The graph of a workflow: what is to be done, and what each piece needs, as data and pure functions. It is what `workflow()` makes
 * of what a user has written, checked (`check.ts`), with durations in milliseconds and names resolved.
 */
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { crashBy } from '../faults/crash.ts';

/**
 * What comes out of an agent. Which agent does a task is decided when it runs, so its type is not known when the workflow is
 * written; its schema is held against it instead.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type Data = any;

/** The outputs of the nodes that a node needs, by name. Absent: one that was skipped, or whose failure is let pass. */
export type Outputs = Readonly<Record<string, Data>>;

/** What a mapper may look at besides the outputs that its node needs. */
export interface RunView {
  /** The input of the run. */
  readonly input: Data;
  /** What was written by name. */
  readonly shared: Readonly<Record<string, Data>>;
  /** Why needed nodes have no output, by name. */
  readonly absent: Readonly<Record<string, Absence>>;
}

/** Why a node has no output. */
export interface Absence {
  readonly status: 'skipped' | 'failed' | 'cancelled';
  /** For people. */
  readonly because: string;
}

/**
 * Asks a function of the user for a value. Throws what that throws, and where it does more than to give a value, or gives one that could
 * not be kept; what is wrong in particular stands in the error's `problems`.
 */
export type Ask = <T>(give: () => T) => T;

/** From what is known to what a node is given. Must be pure. */
export type Mapper<T = unknown> = (outputs: Outputs, run: RunView) => T;

/** An edge: what a node needs. */
export interface Need {
  readonly node: string;
  /** Only when the branch `node` has chosen this arm. */
  readonly arm: string | undefined;
  /** What the failure of `node` means here; undefined: what `node` says. */
  readonly onError: EdgePolicy | undefined;
}

/**
 * What the failure of a node means to one that needs it.
 * - `skip`: it is skipped, and names the node that blocks it
 * - `absent`: it goes on without, and is told why
 * - `value`: it goes on with this instead
 */
export type EdgePolicy =
  | { readonly kind: 'skip' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'value'; readonly value: unknown };

/**
 * What the failure of a node means to the run.
 * - `fail`: the run fails; whatever else runs is cancelled
 * - `compensate`: the run fails, and what was done is undone, last first
 * - an edge policy: the run goes on, and each node that needs it does so
 */
export type ErrorPolicy = EdgePolicy | { readonly kind: 'fail' } | { readonly kind: 'compensate' };

/**
 * When what a node needs is enough.
 * - `all`: every need has come to its end
 * - `any`: one has, however it ended
 * - `atLeast`: so many are complete (`first success` is 1)
 */
export type Join =
  { readonly kind: 'all' } | { readonly kind: 'any' } | { readonly kind: 'atLeast'; readonly count: number };

export interface JoinRule {
  readonly join: Join;
  /** How long it waits for the others once the first need has ended, in ms; then it goes on with what there is. */
  readonly withinMs: number | undefined;
  /** Whether needs that it did not wait for are cancelled, unless somebody else needs them. */
  readonly cancelsLosers: boolean;
}

/** How values that tasks write under one name become one. */
export type Reducer = 'last' | 'append' | 'union' | 'sum' | 'max' | 'min' | 'merge';

export interface Shared {
  readonly reduce: Reducer;
  readonly initial: unknown;
}

interface NodeBase {
  /** Everything of its declaration that decides, as it was written: for whoever compares versions. */
  readonly declared: unknown;
  readonly needs: readonly Need[];
  readonly wait: JoinRule;
  /** Whether it is done at all. */
  readonly when: Mapper<boolean> | undefined;
  readonly onError: ErrorPolicy;
  /** What is written under which shared name, from its output. */
  readonly writes: Readonly<Record<string, (output: Data) => unknown>>;
}

/** A node that has a child do its work. */
export interface WorkNode extends NodeBase {
  readonly kind: 'task' | 'gate' | 'map' | 'loop' | 'call';
  /** What the child is given. */
  readonly input: Mapper;
  /** What it may know besides, by name. */
  readonly values: Mapper<Readonly<Record<string, unknown>>>;
  readonly logic: AnyActorLogic;
  /** What the logic takes, where that is not a {@link WorkStart}. */
  readonly start: ((start: WorkStart) => unknown) | undefined;
  /** What its end means, where that is not a {@link WorkOutcome}. */
  readonly outcome: ((output: unknown) => WorkOutcome) | undefined;
  /** Whether it comes to an end when it is told `task.cancel`, or is stopped. */
  readonly cancels: 'asks' | 'stops';
  /** What undoes it, when the run is compensated. */
  readonly compensate: Compensation | undefined;
}

/** How work is undone. */
export interface Compensation {
  /** Takes a {@link WorkStart}, and ends with a {@link WorkOutcome}. */
  readonly logic: AnyActorLogic;
  /** What that is given, of work that is complete. Undefined: the work says itself what it has done ({@link Left}). */
  readonly input: ((output: Data, input: Data) => unknown) | undefined;
  /** How what that throws is asked for more. */
  readonly ask?: Ask;
  /** Where the work says it itself: whether whoever undoes it must know what the work was given. */
  readonly keepsInput?: boolean;
}

/** Chooses one of its arms. */
export interface BranchNode extends NodeBase {
  readonly kind: 'branch';
  readonly arms: readonly string[];
  /** The arm; undefined: none of them fits. */
  readonly choose: Mapper<string | undefined>;
  /** The arm when none fits. */
  readonly otherwise: string | undefined;
}

/** Does nothing but wait for what it needs. */
export interface JoinNode extends NodeBase {
  readonly kind: 'join';
}

export type GraphNode = WorkNode | BranchNode | JoinNode;

export interface Graph {
  readonly id: string;
  readonly nodes: Readonly<Record<string, GraphNode>>;
  /** How many nodes may run at once. */
  readonly parallel: number;
  readonly shared: Readonly<Record<string, Shared>>;
  /** How it was written as a whole, for whoever compares versions. Says nothing while it runs. */
  readonly written?: unknown;
  /** What the run comes to. Throws where it comes to nothing; what is wrong in particular stands in the error's `problems`. */
  readonly output: Mapper;
  /** Refuses an input that breaks its schema: throws. */
  readonly checkInput: (input: unknown) => void;
  readonly ask: Ask;
  /** The account that the run pays from, if it has a budget: its logic, and what that is born with. */
  readonly account:
    | {
        readonly logic: AnyActorLogic;
        /**
         * @param within the account that it is part of, for a run within a run
         * @param input of the run
         */
        readonly input: (within: AnyActorRef | string | undefined, input: unknown) => unknown;
      }
    | undefined;
}

/** The name, and the source, of the child that is the account of a run. */
export const ACCOUNT = 'account';

/** What a child is given that does the work of a node. */
export interface WorkStart {
  readonly workflow: string;
  /** The address of the run. */
  readonly run: string;
  readonly task: string;
  readonly input: unknown;
  readonly values: Readonly<Record<string, unknown>>;
  /** The account that pays for it: its ref, or its address. */
  readonly account: AnyActorRef | string | undefined;
  /** The people who have worked on what it is given. Not there: nobody has. */
  readonly people?: readonly string[];
}

/** The name by which whoever has begun it knows it: the last part of its task. */
export const nameOf = ({ task }: Pick<WorkStart, 'task'>): string => task.slice(task.lastIndexOf('/') + 1);

/** How a child ends that has done the work of a node, or could not. */
export type WorkOutcome = Left &
  (
    | { readonly status: 'complete'; readonly output: unknown }
    | { readonly status: 'failed'; readonly problem: WorkProblem }
    | { readonly status: 'cancelled' }
    /** Somebody has ended the whole run. */
    | { readonly status: 'aborted'; readonly by: string; readonly reason: string }
  );

/** What work leaves behind, however it ends. */
export interface Left {
  readonly facts?: WorkFacts;
  /** What was done within it and is to be undone if the run around it is, in the order in which it was done. */
  readonly deeds?: readonly Deed[];
  /** Nobody knows what it has done, where it is not complete; and where it is, what it has done besides. */
  readonly doubt?: WorkProblem;
  /** What it was to undo by itself, and could not. */
  readonly uncompensated?: readonly Uncompensated[];
}

/** What a node, an item or a time has done: what is given to whoever undoes it, or why nobody can. */
export type Deed = { readonly of: string } & Undoing;

/** What it takes to undo something, or why that cannot be said. `doubt`: what of it that does not undo. */
export type Undoing =
  { readonly undo: unknown; readonly doubt?: WorkProblem } | { readonly problem: WorkProblem };

/** Something that was not undone. */
export interface Uncompensated {
  /** Within others with the way to it: `booking/hotel`. */
  readonly node: string;
  readonly problem: WorkProblem;
}

/** What is worth knowing of work besides its output, for whoever looks at the run. */
export interface WorkFacts {
  readonly attempts?: number;
  readonly agent?: string;
  /** In micro-units. */
  readonly cost?: number;
  readonly confidence?: number;
  /** Why its output was taken, where that is not because it is good. */
  readonly ground?: string;
  /** The people who have worked on its output: they have supplied it, or edited it. */
  readonly people?: readonly string[];
}

/** What went wrong, as data. */
export interface WorkProblem {
  /** A class of faults, or `rejected`, `compensation`, `unknown-effect`. */
  readonly class: string;
  readonly message: string;
  readonly [more: string]: unknown;
}

/** Why work is not complete. */
export function problemAfter(outcome: WorkOutcome): WorkProblem {
  switch (outcome.status) {
    case 'failed':
      return outcome.problem;
    case 'aborted':
      return { class: 'cancelled', message: `${outcome.by} has aborted it: ${outcome.reason}` };
    case 'cancelled':
    case 'complete':
      return { class: 'cancelled', message: 'it was cancelled' };
  }
}

/** How the work of a child has ended, by what its parent hears of it. */
export const outcomeIn = (event: { readonly output: unknown } | { readonly error: unknown }): WorkOutcome =>
  'output' in event ? (event.output as WorkOutcome) : broken(event.error);

/** How work has ended that broke. */
export const broken = (error: unknown): WorkOutcome => ({ status: 'failed', problem: crashBy(error) });

/** The name, and the source, of the child that undoes a node. */
export const undoOf = (name: string): string => `undo ${name}`;

/** The nodes that need a node. */
export function dependentsOf(graph: Graph): Readonly<Record<string, readonly string[]>> {
  const dependents: Record<string, string[]> = Object.fromEntries(
    Object.keys(graph.nodes).map((name) => [name, []]),
  );
  for (const [name, { needs }] of Object.entries(graph.nodes))
    for (const { node } of needs) dependents[node]!.push(name);
  return dependents;
}

export const isWork = (node: GraphNode): node is WorkNode => node.kind !== 'branch' && node.kind !== 'join';
