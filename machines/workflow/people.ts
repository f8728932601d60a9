/**
 * The people who have worked on what a node is given: on what the run was given, on the output of every node that lies before it, however
 * far, and on everything that was written for all to read. They are known by the facts of those nodes. None of them decides about it.
 */
import type { Graph } from './graph.ts';
import { before } from './progress.ts';
import type { RunContext } from './progress.ts';

export function peopleBehind(graph: Graph, name: string, { people, nodes }: RunContext): readonly string[] {
  const behind = before(graph, name);
  const found = Object.entries(nodes).flatMap(([other, { facts }]) =>
    behind.has(other) || writesForAll(graph, other) ? (facts?.people ?? []) : [],
  );
  return [...new Set([...people, ...found])];
}

const writesForAll = (graph: Graph, name: string): boolean =>
  Object.keys(graph.nodes[name]!.writes).length > 0;
