/**
 * The people who have worked on what a node is given: on what the run was given, on the output of every node that lies before it, however
 * far, and on everything that was written for all to read. They are known by the facts of those nodes. None of them decides about it.
 */
import type { Graph } from './graph.ts';
import type { RunContext } from './progress.ts';

export function peopleBehind(
  graph: Graph,
  name: string,
  { people, nodes }: Pick<RunContext, 'people' | 'nodes'>,
): readonly string[] {
  const workers = Object.entries(nodes).flatMap(([node, { facts }]) =>
    facts?.people === undefined ? [] : [{ node, people: facts.people }],
  );
  // Mostly nobody has.
  if (workers.length === 0) return people;
  const before = nodesBefore(graph, name);
  const found = workers.filter(({ node }) => before.has(node) || writesForAll(graph, node));
  return [...new Set([...people, ...found.flatMap((worker) => worker.people)])];
}

/** The people who have worked on what a node has done, or on what it was given: none of them decides about undoing it. */
export function peopleOfDeed(
  graph: Graph,
  name: string,
  context: Pick<RunContext, 'people' | 'nodes'>,
): readonly string[] {
  const own = context.nodes[name]?.facts?.people ?? [];
  return [...new Set([...peopleBehind(graph, name, context), ...own])];
}

function nodesBefore(graph: Graph, name: string): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [name];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop())
    for (const need of graph.nodes[node]!.needs) {
      if (found.has(need.node)) continue;
      found.add(need.node);
      waiting.push(need.node);
    }
  return found;
}

const writesForAll = (graph: Graph, name: string): boolean =>
  Object.keys(graph.nodes[name]!.writes).length > 0;
