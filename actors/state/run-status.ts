/**
 * How a run stands: what it was given, where each of its parts is, who had to do with it, what it has cost, what it waits for, and what
 * comes next. Made of the states of the run and of those below it, as they all were at one moment; so a moment of the past is told as
 * the present is. Pure: it reads nothing by itself.
 */
import type { Ledger } from '../../machines/budget/ledger.ts';
import { remainingIn } from '../../machines/budget/window.ts';
import type { Source } from '../../machines/contract.ts';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { frozen } from '../../machines/values/frozen.ts';
import type { Micros } from '../../machines/values/money.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';
import type { HumanDecision } from './human-decisions.ts';
import { nextOf } from './next-nodes.ts';
import { cameToIn, Reader, withParts } from './part-status.ts';
import type { PartStatus } from './part-status.ts';
import { runStateOf } from './standing.ts';
import type { RunState } from './standing.ts';
import { heldOf } from './stood.ts';
import type { DeclarationOf, Held, Moment, Stood } from './stood.ts';
import type { Wait } from './waits.ts';

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
  const tasks = reader.tasksOf(run, stood, options, '');
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
    next: stood.status === 'active' ? nextOf(tasks, options) : [],
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
