/**
 * What is wrong with a workflow as it was written. Everything is looked at before anything is made, and all that is wrong is told at
 * once, each with its place. It owns what a declaration may say; what follows from it is for the graph.
 */
import type { ContractProblem } from '../errors.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import { Check } from './check/check.ts';
import { inPointer, isName, isRecord, isWholeNumber, listed, TAKEN } from './check/given.ts';
import type { Node } from './check/given.ts';
import { checkOrder } from './check/needs.ts';
import { checkNode, FIELDS } from './check/node.ts';
import { timesIn } from './check/people.ts';
import { checkShared, checkWriters } from './check/shared-state.ts';
import { checkLabels, checkStrategy } from './check/task.ts';
import type { AnyDeclaration, WorkflowOptions } from './declaration.ts';
import { problemsOfEdges } from './edges.ts';
import { checkCalendar, checkWorkingTimes } from './gate-times.ts';
import type { DeclarationOf } from './graph.ts';
import { problemsOfWays } from './ways.ts';

const OF_WORKFLOW = [
  ...['id', 'tasks', 'inputSchema', 'outputSchema', 'output', 'budget', 'parallel', 'shared', 'strategy'],
  ...['calendar', 'labels', 'tenant'],
];

/** Everything that is wrong. @param declarationOf tells workflows from other logic */
export function problemsOf(given: unknown, declarationOf: DeclarationOf): ContractProblem[] {
  const check = new Check(declarationOf);
  if (!isRecord(given)) return [{ pointer: '#', detail: `must be an object with ${listed(OF_WORKFLOW)}` }];
  check.fields('#', given, OF_WORKFLOW);
  if (!isName(given['id'])) check.fail('#/id', 'must be a name without a slash');
  check.schema('#/inputSchema', given['inputSchema']);
  check.schema('#/outputSchema', given['outputSchema']);
  check.function('#/output', given['output']);
  // All that can.
  if (given['parallel'] !== Infinity) check.whole('#/parallel', given['parallel'], 1);
  checkLabels(check, '#/labels', given['labels']);
  check.function('#/tenant', given['tenant']);
  checkShared(check, given['shared']);
  checkStrategy(check, '#/strategy', given['strategy']);
  checkBudget(check, given['budget']);
  const fail = check.fail.bind(check);
  if (given['calendar'] !== undefined) checkCalendar(fail, '#/calendar', given['calendar']);
  const { tasks } = given;
  if (!isRecord(tasks) || Object.keys(tasks).length === 0) {
    check.fail('#/tasks', 'must be an object of nodes by name, with at least one: task(…), gate(…), map(…)');
    return check.problems;
  }
  const nodes = new Map<string, Node>();
  for (const [name, node] of Object.entries(tasks)) {
    const place = `#/tasks/${inPointer(name)}`;
    // In an address a percent sign is written otherwise than in the name: whoever looks at a run would not find who does it.
    if (!isName(name) || /[.%]/.test(name) || TAKEN.has(name))
      check.fail(
        place,
        `must have another name: no dots, slashes, percent signs or blanks, and not ${listed([...TAKEN])}`,
      );
    // A status tells nodes as they were written, and those come first that were written first, where not all can run at once.
    else if (isWholeNumber(name))
      check.fail(place, 'must have another name: whole numbers stand before all others, the least first');
    if (!isRecord(node) || typeof node['kind'] !== 'string' || !isRecord(node['options']))
      check.fail(place, `must be made with ${listed(Object.keys(FIELDS))}`);
    else nodes.set(name, { kind: node['kind'], options: node['options'], place });
  }
  for (const [name, node] of nodes) checkNode(check, name, node, nodes);
  for (const node of nodes.values())
    for (const { place, options } of timesIn(node))
      checkWorkingTimes(fail, place, options, given['calendar']);
  checkOrder(check, nodes);
  checkWriters(check, nodes, isRecord(given['shared']) ? given['shared'] : {});
  // What follows from it can be said of a graph that makes sense.
  if (check.problems.length > 0) return check.problems;
  const sound = tasks as WorkflowOptions<Readonly<Record<string, AnyDeclaration>>>['tasks'];
  return [
    ...problemsOfWays(sound),
    ...problemsOfEdges(sound, given['inputSchema'] as SchemaLike | undefined, declarationOf),
  ];
}

/** Amounts are in micro-units by now: one that was written by hand would be a millionth of what is meant. */
function checkBudget(check: Check, budget: unknown): void {
  if (budget === undefined) return;
  const { within, perTask } = isRecord(budget) ? budget : {};
  const saysWithin = Array.isArray(within) || typeof within === 'function';
  if (!saysWithin || !Number.isSafeInteger(perTask)) check.fail('#/budget', 'must be made with budget(…)');
}
