/**
 * Moves: what the nodes of a run do next by themselves, without anything happening to them. All guards of a run's regions ask for them,
 * after every change of any; so they are found once for each state of the run, in each step.
 *
 * Only so many move at once, in the order in which they were written; the others follow when those have. XState compares every two
 * transitions that it takes together, over all states: all at once would take the cube of their number.
 */
import { isWork } from './graph.ts';
import type { Graph } from './graph.ts';
import { isObsolete, placesIn, problemBefore, verdictOf } from './progress.ts';
import type { RunContext } from './progress.ts';

/**
 * - `obsolete`: it is not wanted any more
 * - of one that is pending: `stuck`, it cannot begin; `skipped`, it is not to be done; `begins`, it has what it needs
 * - of one that is ready: `unprepared`, what it needs cannot be made; `hasPlace`, it runs; `passes`, it is done at once
 */
export type Move = 'obsolete' | 'stuck' | 'skipped' | 'begins' | 'unprepared' | 'hasPlace' | 'passes';

/** By node. */
export type Moves = ReadonlyMap<string, Move>;
export type FindMoves = (context: RunContext, event: object) => Moves;

const AT_ONCE = 16;

/** Finds the moves of a run. Conditions are the user's, and may look at the clock: what they say holds for one step. */
export function movesOf(graph: Graph): FindMoves {
  const known = new WeakMap<RunContext, { readonly event: object; readonly moves: Moves }>();
  return (context, event) => {
    const before = known.get(context);
    if (before?.event === event) return before.moves;
    const moves = found(graph, context);
    known.set(context, { event, moves });
    return moves;
  };
}

function found(graph: Graph, context: RunContext): Moves {
  const moves = new Map<string, Move>();
  let places = placesIn(graph, context);
  for (const name of Object.keys(context.nodes)) {
    const move = moveOf(graph, name, context, places);
    if (move === undefined) continue;
    if (move === 'hasPlace') places--;
    if (moves.set(name, move).size === AT_ONCE) break;
  }
  return moves;
}

function moveOf(graph: Graph, name: string, context: RunContext, places: number): Move | undefined {
  switch (context.nodes[name]!.status) {
    case 'pending':
      return isObsolete(graph, name, context) ? 'obsolete' : MOVE_BY[verdictOf(graph, name, context).kind];
    case 'ready':
      if (problemBefore(name, context) !== undefined) return 'unprepared';
      if (isObsolete(graph, name, context)) return 'obsolete';
      if (!isWork(graph.nodes[name]!)) return 'passes';
      return places > 0 ? 'hasPlace' : undefined;
    case 'running':
    case 'waiting':
    case 'parked':
      return isObsolete(graph, name, context) ? 'obsolete' : undefined;
    default:
      return undefined;
  }
}

const MOVE_BY = { wait: undefined, fail: 'stuck', skip: 'skipped', begin: 'begins' } as const;
