/**
 * A node as it was written, of each kind.
 */
import { REDUCERS } from '../../../machines/workflow/reducer.ts';
import type { Check } from './check.ts';
import { inPointer, isName, isRecord, isWholeNumber, listed } from './given.ts';
import type { Node, Options } from './given.ts';
import { checkInput } from './input.ts';
import { checkJoin, checkNeeds, checkOnError } from './needs.ts';
import { checkGate, OF_TIMES } from './people.ts';
import { checkTask } from './task.ts';

/** Fields that belong to every node, and to each kind besides. One that is misspelt would silently do nothing. */
const OF_ALL = ['needs', 'join', 'joinWithin', 'losers', 'when', 'writes', 'onError'];

export const FIELDS: Readonly<Record<string, readonly string[]>> = {
  task: [
    ...['input', 'capability', 'agent', 'context', 'inputSchema', 'outputSchema', 'timeout', 'deadline'],
    ...['quality', 'maxCost', 'fallback', 'strategy', 'retry', 'verify', 'reviewers', 'compensate'],
    ...['chunk', 'router', 'labels', 'about', 'review'],
  ],
  gate: [
    ...['input', 'title', 'role', 'quorum', 'editable', 'schema', 'ownRuns', 'about'],
    ...['fourEyes', 'ownEdits', 'dwell', 'probe', ...OF_TIMES],
  ],
  map: ['over', 'each', 'item', 'concurrency', 'onItemError', 'reduce'],
  loop: ['input', 'body', 'until', 'times', 'next', 'whenSpent'],
  call: ['input', 'workflow'],
  branch: ['arms', 'otherwise'],
  join: [],
};

export function checkNode(check: Check, name: string, node: Node, nodes: ReadonlyMap<string, Node>): void {
  const { kind, options, place } = node;
  const fields = FIELDS[kind];
  if (fields === undefined) return check.fail(place, `must be made with ${listed(Object.keys(FIELDS))}`);
  check.fields(place, options, [...OF_ALL, ...fields]);
  checkNeeds(check, name, node, nodes);
  checkJoin(check, node);
  check.function(`${place}/when`, options['when']);
  checkOnError(check, node);
  if ('input' in options) checkInput(check, node, nodes);
  switch (kind) {
    case 'task':
      return checkTask(check, place, options, nodes);
    case 'gate':
      return checkGate(check, place, options);
    case 'map':
      return checkMap(check, place, options);
    case 'loop':
      return checkLoop(check, place, options);
    case 'call':
      return checkLogic(check, `${place}/workflow`, options['workflow']);
    case 'branch':
      return checkBranch(check, place, options);
  }
}

function checkMap(check: Check, place: string, options: Options): void {
  if (typeof options['over'] !== 'function')
    check.fail(`${place}/over`, 'must be a function that gives the items');
  checkBody(check, `${place}/each`, options['each']);
  check.function(`${place}/item`, options['item']);
  check.whole(`${place}/concurrency`, options['concurrency'], 1);
  check.oneOf(`${place}/onItemError`, options['onItemError'], ['fail', 'collect']);
  const { reduce } = options;
  if (typeof reduce !== 'function') check.oneOf(`${place}/reduce`, reduce, REDUCERS);
}

function checkLoop(check: Check, place: string, options: Options): void {
  checkBody(check, `${place}/body`, options['body']);
  if (typeof options['until'] !== 'function')
    check.fail(`${place}/until`, 'must be a function that says whether an output is good enough');
  const { times } = options;
  if (!Number.isSafeInteger(times) || (times as number) < 1)
    check.fail(`${place}/times`, 'must be a whole number from 1 on: a loop must have a bound');
  check.function(`${place}/next`, options['next']);
  check.oneOf(`${place}/whenSpent`, options['whenSpent'], ['fail', 'accept']);
}

/** What it is given each time is not for a body to say. */
const NOT_OF_BODIES: ReadonlySet<string> = new Set(['input']);

/** What is done many times: a task without needs, or a workflow. Other logic says neither how it stands nor what came of it. */
function checkBody(check: Check, place: string, body: unknown): void {
  const wrong = 'must be a task, or a workflow; what calls other logic can be a workflow with one call(…)';
  if (!isRecord(body)) return check.fail(place, wrong);
  const { kind, options } = body as { kind?: unknown; options?: unknown };
  if (kind === 'task' && isRecord(options)) {
    check.fields(place, options, [...FIELDS['task']!.filter((name) => !NOT_OF_BODIES.has(name)), 'onError']);
    if (options['onError'] !== undefined && !isRecord(options['onError']))
      check.fail(`${place}/onError`, 'can only escalate here: what a failure means is for the node to say');
    return checkTask(check, place, options, new Map());
  }
  if (!check.isWorkflow(body)) check.fail(place, wrong);
}

function checkLogic(check: Check, place: string, logic: unknown): void {
  if (!isRecord(logic) || typeof logic['transition'] !== 'function')
    check.fail(place, 'must be a workflow, or other logic');
}

function checkBranch(check: Check, place: string, options: Options): void {
  const { arms, otherwise } = options;
  if (!isRecord(arms) || Object.keys(arms).length === 0)
    return check.fail(`${place}/arms`, 'must be an object of conditions by name');
  for (const [name, condition] of Object.entries(arms)) {
    const at = `${place}/arms/${inPointer(name)}`;
    if (!isName(name) || name.includes('.')) check.fail(at, 'must have another name');
    // The first that holds is chosen.
    else if (isWholeNumber(name))
      check.fail(at, 'must have another name: whole numbers are asked before all others, the least first');
    if (typeof condition !== 'function') check.fail(at, 'must be a function that says whether it is chosen');
  }
  if (otherwise === undefined)
    check.fail(`${place}/otherwise`, "is missing: say which arm is chosen when none holds, or 'fail'");
  else if (otherwise === 'fail' && Object.hasOwn(arms, 'fail'))
    check.fail(`${place}/otherwise`, "is 'fail', and so is an arm: give that another name");
  else if (otherwise !== 'fail' && !(typeof otherwise === 'string' && Object.hasOwn(arms, otherwise)))
    check.fail(`${place}/otherwise`, `must be 'fail', or one of ${listed(Object.keys(arms))}`);
}
