/**
 * What is known of a run, for whoever has to decide about it: its plan, and where each part stands. Made of the declaration, the state
 * of the run and those of its tasks; nothing of it is an agent's own account of itself.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Ledger } from '../../machines/budget/ledger.ts';
import type { Micros } from '../../machines/values/money.ts';
import { microsOf } from '../../machines/values/money.ts';
import type { AttemptNote, TaskContext } from '../../machines/task/progress.ts';
import type { NodeProgress, RunContext } from '../../machines/workflow/progress.ts';
import type { AttemptView, MoneyView, PlanNode, RunView, TaskView } from '../reviews/run-view.ts';
import type { AnyDeclaration, TaskOptions } from './declaration.ts';
import type { AnyWorkflowOptions } from './graph.ts';
import { needOf } from './need.ts';

/** The state of an actor, by its address; undefined where nobody lives. */
export type StateOf = (address: string) => { readonly context?: unknown } | undefined;

/** @param address of the run */
export function runViewOf(
  options: AnyWorkflowOptions,
  address: string,
  run: RunContext,
  stateOf: StateOf,
): RunView {
  const names = Object.keys(options.tasks);
  const money = moneyOf(stateOf(`${address}/account`)?.context as Ledger | undefined);
  return {
    workflow: options.id,
    plan: names.map((name) => planOf(name, options.tasks[name]!)),
    tasks: Object.fromEntries(
      names.map((name) => {
        const task = stateOf(`${address}/${name}`)?.context as Partial<TaskContext> | undefined;
        return [name, taskOf(run.nodes[name]!, isTask(task) ? task : undefined)];
      }),
    ),
    ...(money !== undefined && { money }),
  };
}

function planOf(id: string, { kind, options }: AnyDeclaration): PlanNode {
  const { capability, maxCost, compensate } = options as TaskOptions;
  const needs = (options.needs ?? []).map((need) => needOf(need).node);
  const undo = compensate?.capability ?? compensate?.agent;
  return {
    ...{ id, kind, needs },
    ...(capability !== undefined && { capability }),
    ...(maxCost !== undefined && { maxCost: microsOf(maxCost) }),
    ...(undo !== undefined && { isReversible: true, compensation: String(undo) }),
  };
}

/** Lists, loops and gates have states of their own kinds. */
const isTask = (context: Partial<TaskContext> | undefined): context is TaskContext =>
  context?.log !== undefined && context.passedOver !== undefined;

function taskOf({ status, output, facts }: NodeProgress, task: TaskContext | undefined): TaskView {
  return {
    status,
    ...(output !== undefined && { output: output as Json }),
    ...(facts?.cost !== undefined && { cost: facts.cost as Micros }),
    ...(task !== undefined && detailsOf(task)),
  };
}

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

function attemptOf({ number, agent, cost, fault, message, from, to }: AttemptNote): AttemptView {
  return {
    ...{ number, agent },
    ...(fault !== undefined && { fault: { class: fault, message: message ?? '' } }),
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
