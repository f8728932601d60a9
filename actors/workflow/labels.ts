/**
 * Labels: which kinds of data a node works on. What a node is given comes from what it needs, so it has the labels of all of that, and
 * those of the input of the run; nothing takes one away. In doubt it has one: whatever anybody writes for all to read is read by all.
 */
import type { AnyActorLogic } from 'xstate';
import { isTask } from './declaration.ts';
import type { AnyDeclaration, Body } from './declaration.ts';
import type { AnyWorkflowOptions, DeclarationOf } from './graph.ts';
import { needOf } from './need.ts';
import { inOrder } from './order.ts';

/** The labels of every node of a workflow, by name. @param above those of whatever it is a part of */
export function labelsIn(
  options: AnyWorkflowOptions,
  declarationOf: DeclarationOf,
  above: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const { tasks } = options;
  const given = [...above, ...(options.labels ?? [])];
  const before = new Map<string, readonly string[]>();
  for (const name of inOrder(Object.keys(tasks), (one) => neededBy(tasks[one]!))) {
    const needed = neededBy(tasks[name]!).map((need) => before.get(need)!);
    before.set(name, union([given, labelsOf(tasks[name]!, declarationOf), ...needed]));
  }
  const writers = Object.keys(tasks).filter((name) => tasks[name]!.options.writes !== undefined);
  const shared = union(writers.map((name) => before.get(name)!));
  return new Map(Object.keys(tasks).map((name) => [name, union([before.get(name)!, shared])]));
}

const neededBy = ({ options }: AnyDeclaration): readonly string[] =>
  (options.needs ?? []).map((need) => needOf(need).node);

/** All labels of some lists, in order and each once: one of the lists itself where it has them all. */
function union(lists: readonly (readonly string[])[]): readonly string[] {
  const all = [...new Set(lists.flat())].sort();
  return lists.find((list) => list.length === all.length && list.every((one, at) => one === all[at])) ?? all;
}

/** What a node says of itself, and of what is within it. */
function labelsOf(node: AnyDeclaration, declarationOf: DeclarationOf): readonly string[] {
  switch (node.kind) {
    case 'task':
      return node.options.labels ?? [];
    case 'map':
      return labelsWithin(node.options.each, declarationOf);
    case 'loop':
      return labelsWithin(node.options.body, declarationOf);
    case 'call':
      return labelsWithin(node.options.workflow, declarationOf);
    default:
      return [];
  }
}

function labelsWithin(body: Body | AnyActorLogic, declarationOf: DeclarationOf): readonly string[] {
  if (isTask(body)) return labelsOf(body, declarationOf);
  const nested = declarationOf(body);
  if (nested === undefined) return [];
  const within = Object.values(nested.tasks).flatMap((node) => labelsOf(node, declarationOf));
  return [...(nested.labels ?? []), ...within];
}
