/**
 * What will begin when a review is approved: in the run that it belongs to, and in the runs of which that is a part. What follows there
 * waits for the whole part. Pure; of what is known of each run, and nothing is made up: what may be waited for besides is named.
 */
import type { PlanNode, RunView } from './run-view.ts';

/** A run in which a review stands, directly or in one of its parts. */
export interface RunLevel {
  readonly address: string;
  readonly view: RunView;
}

export interface NextNode {
  readonly node: string;
  /** Where that is, seen from the outermost run: `c`, `chapters/3`. Not there: in that run itself. */
  readonly within?: string;
  readonly kind: string;
  readonly capability?: string;
  /** What it waits for besides this review. */
  readonly waitsFor: readonly string[];
  /** How many steps behind the review. */
  readonly distance: number;
  readonly isReversible?: boolean;
  readonly compensation?: string;
  readonly maxCost?: number;
}

/**
 * What needs a review, nearest first.
 * @param review its address
 * @param levels the nearest run first
 */
export function whatFollows(review: string, levels: readonly RunLevel[]): readonly NextNode[] {
  const outermost = levels.at(-1)?.address ?? '';
  const next: NextNode[] = [];
  // What has the review in it, and whether its end is all that is waited for there.
  let below: Ending = { address: review, isOnly: true };
  let before = 0;
  for (const { address, view } of levels) {
    const [branch, ...rest] = below.address.slice(address.length + 1).split('/');
    const origin = { node: branch!, isOnly: below.isOnly && isAll(rest) };
    const distances = distancesFrom(origin.node, view.plan);
    const within = address.slice(outermost.length + 1);
    for (const node of view.plan) {
      const distance = distances.get(node.id) ?? 0;
      if (distance === 0) continue;
      next.push({
        ...nextNode(node, origin, before + distance, view.tasks),
        ...(within !== '' && { within }),
      });
    }
    before += Math.max(...distances.values());
    below = { address, isOnly: origin.isOnly && isLastOf(view, distances) };
  }
  return next.toSorted((a, b) => a.distance - b.distance);
}

interface Ending {
  readonly address: string;
  readonly isOnly: boolean;
}

/** Of a list, a loop and a poll nobody knows what comes besides. */
const isAll = (rest: readonly string[]): boolean =>
  rest.length === 0 || (rest.length === 1 && OF_TASKS.includes(rest[0]!));

/** A task has reviews of its own. */
const OF_TASKS: readonly string[] = ['review', 'clearance'];

const OVER: readonly string[] = ['complete', 'failed', 'skipped', 'cancelled'];

/** Whether a run ends with what is behind the review. */
const isLastOf = ({ plan, tasks }: RunView, behind: ReadonlyMap<string, number>): boolean =>
  plan.every(({ id }) => behind.has(id) || OVER.includes(tasks[id]?.status ?? ''));

/** How many steps each node is behind one, which is none behind itself. */
function distancesFrom(origin: string, plan: readonly PlanNode[]): ReadonlyMap<string, number> {
  const distances = new Map([[origin, 0]]);
  // In a plan without cycles each round adds at least one, or is the last.
  for (let distance = 1, grown = true; grown; distance++) {
    grown = false;
    for (const { id, needs } of plan) {
      if (distances.has(id) || !needs.some((need) => distances.get(need) === distance - 1)) continue;
      distances.set(id, distance);
      grown = true;
    }
  }
  return distances;
}

function nextNode(
  { id, kind, needs, capability, isReversible, compensation, maxCost }: PlanNode,
  origin: { readonly node: string; readonly isOnly: boolean },
  distance: number,
  tasks: RunView['tasks'],
): NextNode {
  const isThere = (need: string): boolean =>
    (need === origin.node && origin.isOnly) || tasks[need]?.status === 'complete';
  return {
    ...{ node: id, kind, distance, waitsFor: needs.filter((need) => !isThere(need)) },
    ...(capability !== undefined && { capability }),
    ...(isReversible !== undefined && { isReversible }),
    ...(compensation !== undefined && { compensation }),
    ...(maxCost !== undefined && { maxCost }),
  };
}
