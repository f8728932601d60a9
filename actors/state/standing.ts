/**
 * How a run and its nodes stand, in one word.
 */
import type { WorkOutcome } from '../../machines/workflow/graph.ts';
import type { NodeProgress, NodeStatus, RunContext } from '../../machines/workflow/progress.ts';
import type { Standing } from '../../machines/workflow/standings.ts';
import { isRun } from './stood.ts';
import type { Stood } from './stood.ts';

/**
 * Of a run as a whole. One that works somewhere and waits somewhere else waits; and where somebody is needed to let it go on it is
 * parked, whatever else it does.
 */
export type RunState =
  'running' | 'waiting' | 'parked' | 'compensating' | 'complete' | 'failed' | 'aborted' | 'stopped';

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

/** How a node stands that has come to its end. */
export const OVER: ReadonlySet<NodeStatus> = new Set<NodeStatus>([
  ...(['complete', 'failed', 'skipped', 'cancelled', 'compensated', 'uncompensated'] as const),
]);

/** How a node of a run stands. A run that was stopped, or has crashed, tells its nodes nothing: whoever was at work was stopped with it. */
export function nodeStatusIn({ status: ofRun }: Stood, { status }: NodeProgress): NodeStatus {
  if (ofRun === 'active' || status === 'pending' || OVER.has(status)) return status;
  return status === 'compensating' ? 'uncompensated' : 'cancelled';
}
