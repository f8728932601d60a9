/**
 * How a run advances: what changes in its context when something has happened to one of its nodes. Pure; called by the actions of
 * the run's machine.
 */
import { frozen } from '../values/frozen.ts';
import { isWork } from './graph.ts';
import { inside, keepsInput, uncompensatedAfter, undoingAfter } from './deeds.ts';
import type { Graph, GraphNode, Left, Uncompensated, WorkOutcome, WorkProblem } from './graph.ts';
import { isFatal, outputsOf, preparedFor, problemBy, verdictOf } from './progress.ts';
import type { Ending, Given, NodeProgress, RunContext } from './progress.ts';
import { reduced } from './reducer.ts';

/** The parts of the context that have changed. */
export type Changed = Partial<RunContext>;

/** Something else is known of a node. */
export function noted(context: RunContext, name: string, progress: Partial<NodeProgress>): Changed {
  const { nodes } = context;
  return { nodes: { ...nodes, [name]: { ...nodes[name]!, ...progress } } };
}

/** It has what it needs: what it is given is made, and kept until it begins. */
export function prepared(graph: Graph, name: string, context: RunContext): Changed {
  return {
    ...noted(context, name, { status: 'ready' }),
    prepared: { ...context.prepared, [name]: preparedFor(graph, name, context) },
  };
}

/**
 * Its child was given what was made for it, and works, or waits. What it works on is kept longer where it may have to be undone.
 */
export function works(
  graph: Graph,
  name: string,
  status: 'running' | 'waiting',
  context: RunContext,
): Changed {
  // It goes on.
  if (!Object.hasOwn(context.prepared, name)) return noted(context, name, { status });
  const made = context.prepared[name] as Given;
  const keeps = needsInput(graph.nodes[name]!) && { input: made.input };
  return {
    ...begun(name, context),
    ...noted(context, name, { status, startedAt: Date.now(), ...keeps }),
  };
}

const needsInput = (node: GraphNode): boolean => isWork(node) && keepsInput(node.compensate);

/** Its child has what it was given. */
export function begun(name: string, { prepared: before }: RunContext): Changed {
  const { [name]: _, ...others } = before;
  return { prepared: others };
}

export function skipped(graph: Graph, name: string, context: RunContext): Changed {
  const verdict = verdictOf(graph, name, context);
  const reason =
    verdict.kind === 'skip'
      ? { skipped: verdict.why, because: verdict.because }
      : { skipped: 'blocked' as const, because: verdict.kind === 'fail' ? verdict.problem.message : '' };
  const { blockedBy } = verdict.kind === 'skip' ? verdict : {};
  return noted(context, name, {
    status: 'skipped',
    ...reason,
    ...(blockedBy !== undefined && { blockedBy }),
    endedAt: Date.now(),
  });
}

/**
 * It cannot begin. Others may have moved in the same step, before it: then the reason is what it says now.
 */
export function failedBefore(graph: Graph, name: string, context: RunContext): Changed {
  const verdict = verdictOf(graph, name, context);
  const problem =
    verdict.kind === 'fail'
      ? verdict.problem
      : { class: 'join', message: verdict.kind === 'skip' ? verdict.because : 'it cannot begin' };
  return failed(graph, name, problem, undefined, context);
}

/** A node without a child does what it does at once. */
export function passed(graph: Graph, name: string, context: RunContext): Changed {
  const node = graph.nodes[name]!;
  const output = outputsOf(graph, node, context);
  const made = context.prepared[name]!;
  const arm = 'arm' in made && { arm: made.arm };
  return { ...completed(graph, name, { output, ...arm }, context), ...begun(name, context) };
}

/** What a node has come to. */
export interface Result extends Left {
  readonly output: unknown;
  readonly arm?: string;
}

/** It is complete; what it writes is written with it. */
export function completed(graph: Graph, name: string, result: Result, context: RunContext): Changed {
  const { output, facts, arm } = result;
  const outcome = { status: 'complete', ...result } as const;
  const written = writtenBy(graph, name, output, context);
  if (written.problem !== undefined) return failed(graph, name, written.problem, outcome, context);
  const progress = {
    status: 'complete',
    output,
    ...(facts !== undefined && { facts }),
    ...(arm !== undefined && { arm }),
    ...undoingOf(graph, name, outcome, context),
  } as const;
  return { ...ended(context, name, progress), shared: written.shared };
}

/** It has come to its end. What it has done is undone before what those have done that ended before it. */
function ended(context: RunContext, name: string, progress: Partial<NodeProgress>): Changed {
  const hasDone = 'undo' in progress || progress.undoProblem !== undefined;
  return {
    ...noted(context, name, { ...progress, endedAt: Date.now() }),
    ...(hasDone && { done: [...context.done, name] }),
  };
}

/** What it takes to undo a node is found out as long as everything is known that it was done with. */
function undoingOf(
  graph: Graph,
  name: string,
  outcome: WorkOutcome,
  { nodes }: RunContext,
): Partial<NodeProgress> {
  const node = graph.nodes[name]!;
  if (!isWork(node)) return {};
  const { uncompensated } = outcome;
  const undoing = undoingAfter(node.compensate, outcome, nodes[name]!.input);
  return {
    ...(undoing !== undefined && 'undo' in undoing && { undo: undoing.undo, input: undefined }),
    ...(undoing !== undefined && 'undo' in undoing && undoing.doubt && { doubt: undoing.doubt }),
    ...(undoing !== undefined && 'problem' in undoing && { undoProblem: undoing.problem }),
    ...(uncompensated !== undefined && { uncompensated: uncompensated.map(inside(name)) }),
  };
}

type Written =
  { readonly shared: RunContext['shared']; readonly problem?: undefined } | { readonly problem: WorkProblem };

/** Everything that is written by name, or what is wrong with it. */
function writtenBy(graph: Graph, name: string, output: unknown, { shared: before }: RunContext): Written {
  const { nodes, shared } = graph;
  const after: Record<string, unknown> = { ...before };
  for (const [key, pick] of Object.entries(nodes[name]!.writes)) {
    try {
      const picked = graph.ask(() => pick(frozen(output)));
      after[key] = reduced(shared[key]!.reduce, after[key], picked);
    } catch (error) {
      return { problem: problemBy(error, 'invalid-output', `'${key}' cannot be written`, graph) };
    }
  }
  return { shared: after };
}

/**
 * It has failed; unless somebody says what that means to them, the run has too.
 * @param outcome how its work has ended, if it was begun
 */
export function failed(
  graph: Graph,
  name: string,
  problem: WorkProblem,
  outcome: WorkOutcome | undefined,
  context: RunContext,
): Changed {
  const { kind: how } = graph.nodes[name]!.onError;
  // Whoever needed it has gone on without.
  const isWanted = context.nodes[name]!.status !== 'cancelling';
  const isEnd =
    context.ending === undefined &&
    isWanted &&
    isFatal(graph, name) &&
    (how === 'fail' || how === 'compensate');
  return {
    ...ended(context, name, { status: 'failed', problem, ...leavingsOf(graph, name, outcome, context) }),
    ...(isEnd && { ending: { how, node: name, problem } }),
  };
}

/** @param outcome how its work has ended, if it was begun */
export function cancelled(
  graph: Graph,
  name: string,
  outcome: WorkOutcome | undefined,
  context: RunContext,
): Changed {
  return {
    ...begun(name, context),
    ...ended(context, name, {
      status: 'cancelled',
      because: whyCancelled(context),
      ...leavingsOf(graph, name, outcome, context),
    }),
  };
}

function leavingsOf(
  graph: Graph,
  name: string,
  outcome: WorkOutcome | undefined,
  context: RunContext,
): Partial<NodeProgress> {
  if (outcome === undefined) return {};
  const { facts } = outcome;
  return { ...(facts !== undefined && { facts }), ...undoingOf(graph, name, outcome, context) };
}

/** Why whatever runs is cancelled now, for people. */
export function whyCancelled({ ending: end }: RunContext): string {
  if (end === undefined) return 'whoever needs it goes on without';
  if (end.how === 'output') return end.problem.message;
  return 'node' in end ? `${end.node} has failed` : end.reason;
}

/** The end of work that was asked to come to an end. What it has done all the same counts. */
export function afterCancel(graph: Graph, name: string, outcome: WorkOutcome, context: RunContext): Changed {
  return outcome.status === 'complete'
    ? completed(graph, name, outcome, context)
    : cancelled(graph, name, outcome, context);
}

/**
 * It ends, and why. Who aborts a run that is about to fail has it undone: that is not less than what the failure asks for. And where whoever
 * is around goes on without it, or after it has failed, a person has ended that too.
 */
export function ending({ ending: before }: RunContext, end: Ending): Changed {
  const isMore = before?.how !== 'abort' && end.how === 'abort';
  return before === undefined || isMore ? { ending: end } : {};
}

// ---- undoing ------------------------------------------------------------------------------------------------------

/** It begins. Of what nobody can undo it is known from the beginning. */
export function undoingBegun(context: RunContext): Changed {
  const { done, nodes } = context;
  const lost = done.flatMap((name) => {
    const node = nodes[name]!;
    const { undoProblem: problem } = node;
    return problem === undefined ? [] : [[name, notUndone(node, [{ node: name, problem }])] as const];
  });
  return { nodes: { ...nodes, ...Object.fromEntries(lost) } };
}

/** Whoever was to undo a node has ended. */
export function undone(name: string, outcome: WorkOutcome, context: RunContext): Changed {
  const node = context.nodes[name]!;
  const left = notUndone(node, uncompensatedAfter(name, outcome, node.doubt));
  return noted(context, name, left.uncompensated?.length === 0 ? { status: 'compensated' } : left);
}

const notUndone = (node: NodeProgress, more: readonly Uncompensated[]): NodeProgress => ({
  ...node,
  status: 'uncompensated',
  uncompensated: [...(node.uncompensated ?? []), ...more],
});
