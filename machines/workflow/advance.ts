/**
 * How a run advances: what changes in its context when something has happened to one of its nodes. Pure; called by the actions of
 * the run's machine.
 */
import { frozen } from '../values/frozen.ts';
import { isWork } from './graph.ts';
import type { Graph, WorkFacts, WorkOutcome, WorkProblem } from './graph.ts';
import { canBeUndone, isFatal, outputsOf, preparedFor, problemBy, verdictOf } from './progress.ts';
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
  const made = context.prepared[name];
  // It goes on.
  if (made === undefined) return noted(context, name, { status });
  const keeps = canBeUndone(graph.nodes[name]!) && { input: (made as Given).input };
  return {
    ...begun(name, context),
    ...noted(context, name, { status, startedAt: Date.now(), ...keeps }),
  };
}

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
export interface Result {
  readonly output: unknown;
  readonly facts?: WorkFacts | undefined;
  readonly arm?: string;
}

/** It is complete; what it writes is written with it. */
export function completed(
  graph: Graph,
  name: string,
  { output, facts, arm }: Result,
  context: RunContext,
): Changed {
  const written = writtenBy(graph, name, output, context);
  if (written.problem !== undefined) {
    const changed = failed(graph, name, written.problem, facts, context);
    // The work was done all the same.
    const done = undoingOf(graph, name, output, context);
    return { ...changed, ...noted({ ...context, ...changed }, name, done), ...afterDone(name, context) };
  }
  const progress = {
    status: 'complete',
    output,
    endedAt: Date.now(),
    ...(facts !== undefined && { facts }),
    ...(arm !== undefined && { arm }),
    ...undoingOf(graph, name, output, context),
  } as const;
  return {
    ...noted(context, name, progress),
    shared: written.shared,
    ...afterDone(name, context),
  };
}

const afterDone = (name: string, { completed: before }: RunContext): Changed => ({
  completed: [...before, name],
});

/** What it takes to undo a node is found out as long as everything is known that it was done with. */
function undoingOf(
  graph: Graph,
  name: string,
  output: unknown,
  { nodes }: RunContext,
): Partial<NodeProgress> {
  const node = graph.nodes[name]!;
  if (!isWork(node) || node.compensate === undefined) return {};
  try {
    const [done, given] = [frozen(output), frozen(nodes[name]!.input)];
    const { input } = node.compensate;
    return { undo: graph.ask(() => input(done, given)), input: undefined };
  } catch (error) {
    const what = 'what it takes to undo it cannot be said';
    return { undoProblem: problemBy(error, 'invalid-input', what, graph) };
  }
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

/** It has failed; unless somebody says what that means to them, the run has too. */
export function failed(
  graph: Graph,
  name: string,
  problem: WorkProblem,
  facts: WorkFacts | undefined,
  context: RunContext,
): Changed {
  const progress = {
    status: 'failed',
    problem,
    endedAt: Date.now(),
    ...(facts !== undefined && { facts }),
  } as const;
  const { kind: how } = graph.nodes[name]!.onError;
  const isEnd =
    context.ending === undefined && isFatal(graph, name) && (how === 'fail' || how === 'compensate');
  return {
    ...noted(context, name, progress),
    ...(isEnd && { ending: { how, node: name, problem } }),
  };
}

export function cancelled(name: string, facts: WorkFacts | undefined, context: RunContext): Changed {
  return {
    ...begun(name, context),
    ...noted(context, name, {
      status: 'cancelled',
      because: whyCancelled(context),
      endedAt: Date.now(),
      ...(facts !== undefined && { facts }),
    }),
  };
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
    : cancelled(name, outcome.facts, context);
}

export function ending(context: RunContext, end: Ending): Changed {
  return context.ending === undefined ? { ending: end } : {};
}
