/**
 * Labels: which kinds of data a node works on. What a node is given comes from what it needs, so it has the labels of all of that, and
 * those of the input of the run; nothing takes one away. In doubt it has one: whatever anybody writes for all to read is read by all.
 */
import type { AnyActorLogic } from 'xstate';
import type { AnyDeclaration, TaskDeclaration } from './declaration.ts';
import type { AnyWorkflowOptions, DeclarationOf } from './graph.ts';
import { needOf } from './need.ts';

/** The labels of every node of a workflow, by name. @param above those of whatever it is a part of */
export function labelsIn(
  options: AnyWorkflowOptions,
  declarationOf: DeclarationOf,
  above: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const { tasks } = options;
  const given = [...above, ...(options.labels ?? [])];
  const own = new Map(Object.entries(tasks).map(([name, node]) => [name, labelsOf(node, declarationOf)]));
  const behind = (name: string, seen: Set<string>): Set<string> => {
    if (seen.has(name) || tasks[name] === undefined) return seen;
    seen.add(name);
    for (const need of tasks[name].options.needs ?? []) behind(needOf(need).node, seen);
    return seen;
  };
  const writers = Object.keys(tasks).filter((name) => tasks[name]!.options.writes !== undefined);
  const shared = writers.flatMap((name) => [...behind(name, new Set())]);
  return new Map(
    Object.keys(tasks).map((name) => {
      const sources = [...behind(name, new Set()), ...shared];
      return [name, [...new Set([...given, ...sources.flatMap((one) => own.get(one)!)])].sort()];
    }),
  );
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

function labelsWithin(
  body: TaskDeclaration | AnyActorLogic,
  declarationOf: DeclarationOf,
): readonly string[] {
  if ('kind' in body && 'options' in body) return labelsOf(body, declarationOf);
  const nested = declarationOf(body);
  if (nested === undefined) return [];
  const within = Object.values(nested.tasks).flatMap((node) => labelsOf(node, declarationOf));
  return [...(nested.labels ?? []), ...within];
}
