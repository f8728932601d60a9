/**
 * What is known of a run, for whoever has to decide about it: its plan, and where each part stands. Made of the declaration, the state
 * of the run and those of its tasks; nothing of it is an agent's own account of itself.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { Micros } from '../../machines/values/money.ts';
import { microsOf } from '../../machines/values/money.ts';
import type { AttemptNote, TaskContext } from '../../machines/task/progress.ts';
import { costOfVotes } from '../../machines/task/votes.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import type { WorkOutcome } from '../../machines/workflow/graph.ts';
import type { LoopContext } from '../../machines/workflow/loop.ts';
import type { MapContext } from '../../machines/workflow/map.ts';
import type { NodeProgress, RunContext } from '../../machines/workflow/progress.ts';
import type { AttemptView, GroundView, MoneyView, PlanNode, RunView, TaskView } from '../reviews/run-view.ts';
import { isRun, isTask } from '../state/stood.ts';
import type { Moment, Stood } from '../state/stood.ts';
import { innerOf } from './declaration.ts';
import type { AnyDeclaration, TaskOptions } from './declaration.ts';
import type { AnyWorkflowOptions } from './graph.ts';
import { needOf } from './need.ts';
import { reversalOf } from './reversal.ts';
import { declarationOf } from './workflow.ts';

/**
 * @param address of the run
 * @param stateOf the states of the actors below it, by their addresses
 */
export function runViewOf(
  options: AnyWorkflowOptions,
  address: string,
  run: RunContext,
  stateOf: Moment,
): RunView {
  const names = Object.keys(options.tasks);
  const money = moneyOf(stateOf(`${address}/account`)?.context as Ledger | undefined);
  return {
    workflow: options.id,
    plan: names.map((name) => planOf(name, options.tasks[name]!)),
    tasks: Object.fromEntries(tasksIn(options, address, run, '', stateOf)),
    ...(money !== undefined && { money }),
  };
}

function planOf(id: string, node: AnyDeclaration): PlanNode {
  const { kind, options } = node;
  const { capability, maxCost } = options as TaskOptions;
  const needs = (options.needs ?? []).map((need) => needOf(need).node);
  const { by, isWhole } = reversalOf(node);
  return {
    ...{ id, kind, needs },
    ...(capability !== undefined && { capability }),
    ...(maxCost !== undefined && { maxCost: microsOf(maxCost) }),
    ...(by.length > 0 && { isReversible: isWhole, compensation: by.join(', ') }),
  };
}

// ---- the parts of a run -------------------------------------------------------------------------------------------

type Named = readonly [path: string, task: TaskView];

/** The nodes of a run, each with what is in it. */
function* tasksIn(
  options: AnyWorkflowOptions | undefined,
  above: string,
  run: RunContext,
  within: string,
  stateOf: Moment,
): Generator<Named> {
  for (const [name, node] of Object.entries(run.nodes)) {
    const address = `${above}/${name}`;
    const path = `${within}${name}`;
    const declared = options?.tasks[name];
    yield [path, nodeOf(node, declared, groundsOf(declared, options, run), stateOf(address))];
    yield* partsIn(address, path, innerOf(declared), stateOf);
  }
}

/** What is done for each item, each time, or as a run within the run. */
function* partsIn(address: string, path: string, inner: unknown, stateOf: Moment): Generator<Named> {
  const stood = stateOf(address);
  if (isRun(stood)) yield* tasksIn(declarationOf(inner), address, stood.context, `${path}/`, stateOf);
  for (const id of numbersIn(stood?.context)) {
    const part = stateOf(`${address}/${id}`);
    if (isTask(part)) yield [`${path}/${id}`, partOf(part, part.context)];
    yield* partsIn(`${address}/${id}`, `${path}/${id}`, inner, stateOf);
  }
}

/** By which the parts of a list or a loop are known. */
function numbersIn(context: unknown): readonly string[] {
  if (typeof context !== 'object' || context === null || !('start' in context)) return [];
  if ('outcomes' in context)
    return Array.from({ length: (context as MapContext).begun }, (_, index) => String(index));
  if (!('before' in context)) return [];
  return Array.from({ length: (context as LoopContext).number }, (_, index) => String(index + 1));
}

const isGate = (context: unknown): context is ReviewContext =>
  typeof context === 'object' && context !== null && 'original' in context && 'quorum' in context;

function nodeOf(
  { status, output, facts }: NodeProgress,
  declared: AnyDeclaration | undefined,
  grounds: readonly GroundView[],
  stood: Stood | undefined,
): TaskView {
  const instead = status === 'failed' ? valueInstead(declared) : undefined;
  const made = output ?? instead?.value;
  const ground = instead === undefined ? facts?.ground : 'default';
  const context = stood?.context;
  return {
    status,
    ...(isGate(context) && { input: context.original }),
    ...(made !== undefined && { output: made as Json }),
    ...(facts?.cost !== undefined && { cost: facts.cost as Micros }),
    ...(isTask(stood) && detailsOf(stood.context)),
    ...(ground !== undefined && { ground }),
    ...(grounds.length > 0 && { grounds }),
  };
}

/** A task that is an item of a list, or one time of a loop. */
function partOf({ status, output: outcome }: Stood, task: TaskContext): TaskView {
  const { output, ground, spent, votes } = task;
  const ended = status === 'done' ? (outcome as WorkOutcome).status : status;
  return {
    status: status === 'active' ? 'running' : ended,
    ...(ground !== undefined && { output: output as Json }),
    ...(ground !== undefined && ground !== 'good' && { ground }),
    cost: (spent + costOfVotes(votes)) as Micros,
    ...detailsOf(task),
  };
}

// ---- what was not taken because it is good --------------------------------------------------------------------------

/** What of that a node is given. */
function groundsOf(
  declared: AnyDeclaration | undefined,
  options: AnyWorkflowOptions | undefined,
  { nodes }: RunContext,
): readonly GroundView[] {
  return (declared?.options.needs ?? []).map(needOf).flatMap(({ node: from, onError }) => {
    const { status, facts } = nodes[from]!;
    if (status === 'complete') return facts?.ground === undefined ? [] : [{ from, ground: facts.ground }];
    const policy = onError ?? valueInstead(options?.tasks[from]);
    return status === 'failed' && policy?.kind === 'value' ? [{ from, ground: 'default' }] : [];
  });
}

/** The value that stands for the output of a node that has failed, for all that do not say otherwise. */
function valueInstead(declared: AnyDeclaration | undefined) {
  const { onError } = declared?.options ?? {};
  if (typeof onError !== 'object' || !('value' in onError)) return undefined;
  return { kind: 'value', value: onError.value } as const;
}

// ---- one task -----------------------------------------------------------------------------------------------------

function detailsOf({ input, log, advice, passedOver, verified }: TaskContext): Partial<TaskView> {
  const { confidence } = log.at(-1) ?? {};
  const sources = log.flatMap((attempt) => attempt.sources ?? []);
  return {
    input: input as Json,
    attempts: log.map(attemptOf),
    ...(sources.length > 0 && { sources }),
    ...(advice !== undefined && {
      routing: {
        chosen: advice.agent,
        because: advice.because,
        losers: passedOver.map(({ agent, why }) => ({ agent, reason: why })),
      },
      permissions: [{ action: 'agent.call', ...advice.permission }],
    }),
    judgement: {
      ...(confidence !== undefined && { confidence }),
      ...(verified !== undefined && {
        verifiers: Object.entries(verified).map(([name, found]) => ({
          name,
          holds: (found as { readonly ok?: unknown }).ok === true,
        })),
      }),
    },
  };
}

function attemptOf({ number, agent, cost, fault, message, unasked, from, to }: AttemptNote): AttemptView {
  return {
    ...{ number, agent },
    ...(fault !== undefined && { fault: { class: fault, message: message ?? '' } }),
    ...(unasked && { unasked }),
    ...(cost !== undefined && { cost }),
    ...(to !== undefined && { durationMs: to - from }),
  };
}

function moneyOf(ledger: Ledger | undefined): MoneyView | undefined {
  if (ledger === undefined) return undefined;
  const { limit, spent, reserved, overdraft } = ledger.window;
  const remaining = Math.max(0, limit - spent - reserved) as Micros;
  return { limit, spent, reserved, remaining, ...(overdraft > 0 && { overdraft }) };
}
