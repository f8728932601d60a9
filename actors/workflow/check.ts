/**
 * What is wrong with a workflow as it was written. Everything is looked at before anything is made, and all that is wrong is told at
 * once, each with its place. It owns what a declaration may say; what follows from it is for the graph.
 */
import type { AnyActorLogic } from 'xstate';
import { strategy } from '../../machines/faults/strategy.ts';
import { OptionError } from '../../machines/options.ts';
import { pointerTo, problemOfPointer } from '../../machines/values/json-pointer.ts';
import { problemOfAmount } from '../../machines/values/money.ts';
import type { Reducer } from '../../machines/workflow/graph.ts';
import { INITIAL, reduced, REDUCERS } from '../../machines/workflow/reducer.ts';
import { InvalidArgument, millisOf } from '../../runtime/index.ts';
import { problemOfCapability } from '../agents/capability.ts';
import { chunk } from '../windows/chunking.ts';
import type { Chunking } from '../windows/chunking.ts';
import { isRouter } from '../routing/rules.ts';
import { checkedSchemaOf, schemaOf } from '../schema/checked.ts';
import type { SchemaLike } from '../schema/inferred.ts';
import type { ContractProblem } from '../errors.ts';
import { isVerifier } from '../verifiers/verifier.ts';
import type { Others } from '../verifiers/verifier.ts';
import { ask, NotKept } from './asked.ts';
import type { AnyDeclaration, WorkflowOptions } from './declaration.ts';
import { problemsOfEdges } from './edges.ts';
import { checkCalendar, checkTimes, checkWorkingTimes } from './gate-times.ts';
import type { DeclarationOf } from './graph.ts';
import { inOrder } from './order.ts';
import { isReference } from './reference.ts';
import type { Reference } from './reference.ts';
import { schemaAt } from './schema-at.ts';
import { problemsOfWays } from './ways.ts';

type Options = Readonly<Record<string, unknown>>;

/** Fields that belong to every node, and to each kind besides. One that is misspelt would silently do nothing. */
const OF_ALL = ['needs', 'join', 'joinWithin', 'losers', 'when', 'writes', 'onError'];
/** Those that say how long people have. */
const OF_TIMES = ['within', 'escalateTo', 'escalatedWithin', 'remind', 'onExpire', 'calendar'];
const FIELDS: Readonly<Record<string, readonly string[]>> = {
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

const OF_WORKFLOW = [
  ...[
    'id',
    'tasks',
    'inputSchema',
    'outputSchema',
    'output',
    'budget',
    'parallel',
    'shared',
    'strategy',
    'calendar',
    'labels',
    'tenant',
  ],
];

/** Names that mean something else where nodes are named. */
const TAKEN = new Set(['input', 'account', 'failure', '__proto__']);

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

/** Whoever means for ever leaves it out. */
const LONGEST_MS = 100 * 365.25 * 24 * 60 * 60_000;

interface Node {
  readonly kind: string;
  readonly options: Options;
  readonly place: string;
}

/** Where a node says how long people have: itself, where it is a gate; of a task, for its reviews. */
function timesIn({ kind, options, place }: Node): readonly Pick<Node, 'options' | 'place'>[] {
  if (kind === 'gate') return [{ options, place }];
  if (kind === 'task')
    return isRecord(options['review']) ? [{ options: options['review'], place: `${place}/review` }] : [];
  const within = kind === 'map' ? 'each' : 'body';
  const body = options[within];
  return isRecord(body) && body['kind'] === 'task' && isRecord(body['options'])
    ? timesIn({ kind: 'task', options: body['options'], place: `${place}/${within}` })
    : [];
}

/** Collects what is wrong. */
class Check {
  readonly problems: ContractProblem[] = [];
  readonly #declarationOf: DeclarationOf;

  constructor(declarationOf: DeclarationOf) {
    this.#declarationOf = declarationOf;
  }

  isWorkflow(logic: object): boolean {
    return this.#declarationOf(logic as AnyActorLogic) !== undefined;
  }

  fail(pointer: string, detail: string): void {
    this.problems.push({ pointer, detail });
  }

  fields(place: string, given: Options, known: readonly string[]): void {
    for (const name of Object.keys(given))
      if (!known.includes(name))
        this.fail(`${place}/${inPointer(name)}`, `means nothing; there are ${listed(known)}`);
  }

  schema(place: string, given: unknown): void {
    if (given === undefined) return;
    const reading = checkedSchemaOf(given as SchemaLike);
    if (!reading.ok)
      for (const { pointer, detail } of reading.problems) this.fail(`${place}${pointer.slice(1)}`, detail);
  }

  function(place: string, given: unknown): void {
    if (given !== undefined && typeof given !== 'function') this.fail(place, 'must be a function');
  }

  whole(place: string, given: unknown, least: number): void {
    if (given === undefined) return;
    if (given === Infinity) this.fail(place, 'must have an end');
    else if (!Number.isSafeInteger(given) || (given as number) < least)
      this.fail(place, `must be a whole number from ${least} on`);
  }

  /** @returns it in ms, if it is given, and is one */
  duration(place: string, given: unknown): number | undefined {
    if (given === undefined) return undefined;
    try {
      const ms = millisOf(given as never, 'it');
      if (ms < 1) this.fail(place, 'must be at least a millisecond');
      if (ms === Infinity) this.fail(place, 'must have an end');
      else if (ms > LONGEST_MS) this.fail(place, 'must be at most 100 years');
      return ms;
    } catch (error) {
      if (!(error instanceof InvalidArgument)) throw error;
      this.fail(place, error.message.slice(3));
      return undefined;
    }
  }

  oneOf(place: string, given: unknown, known: readonly unknown[]): void {
    if (given !== undefined && !known.includes(given)) this.fail(place, `must be one of ${known.join(', ')}`);
  }

  name(place: string, given: unknown): void {
    if (given !== undefined && !isText(given)) this.fail(place, 'must be a text that is not empty');
  }
}

// ---- one node -----------------------------------------------------------------------------------------------------

function checkNode(check: Check, name: string, node: Node, nodes: ReadonlyMap<string, Node>): void {
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

function checkNeeds(
  check: Check,
  name: string,
  { options, place }: Node,
  nodes: ReadonlyMap<string, Node>,
): void {
  const { needs = [] } = options;
  if (!Array.isArray(needs)) return check.fail(`${place}/needs`, 'must be a list of names');
  const seen = new Set<string>();
  for (const [index, need] of needs.entries()) {
    const at = `${place}/needs/${index}`;
    const text: unknown = isRecord(need) ? need['node'] : need;
    if (typeof text !== 'string') {
      check.fail(at, "must be a name, or { node, onError: 'skip', 'absent' or { value } }");
      continue;
    }
    if (isRecord(need)) {
      check.fields(at, need, ['node', 'onError']);
      if (!isEdgePolicy(need['onError']))
        check.fail(`${at}/onError`, "must be 'skip', 'absent' or { value }");
      checkValue(check, `${at}/onError`, need['onError']);
    }
    if (seen.has(text)) check.fail(at, `needs '${text}' twice`);
    seen.add(text);
    checkNeed(check, at, text, name, nodes);
  }
}

function checkNeed(
  check: Check,
  at: string,
  text: string,
  name: string,
  nodes: ReadonlyMap<string, Node>,
): void {
  const dot = text.indexOf('.');
  const [needed, arm] = dot === -1 ? [text, undefined] : [text.slice(0, dot), text.slice(dot + 1)];
  if (needed === name) return check.fail(at, 'needs itself');
  const other = nodes.get(needed);
  if (other === undefined)
    return check.fail(at, `needs '${needed}', which is none of ${listed([...nodes.keys()])}`);
  if (arm === undefined) return;
  const arms =
    other.kind === 'branch' && isRecord(other.options['arms']) ? Object.keys(other.options['arms']) : [];
  if (other.kind !== 'branch') check.fail(at, `needs an arm of '${needed}', which is no branch`);
  else if (!arms.includes(arm))
    check.fail(at, `needs the arm '${arm}' of '${needed}', which has ${listed(arms)}`);
}

const isEdgePolicy = (value: unknown): boolean =>
  value === 'skip' || value === 'absent' || (isRecord(value) && isOnly(value, 'value'));

/** What is given in the place of an output must be such that it can be kept, as an output is. */
function checkValue(check: Check, place: string, onError: unknown): void {
  if (!isRecord(onError)) return;
  try {
    ask(() => onError['value']);
  } catch (error) {
    if (!(error instanceof NotKept)) throw error;
    for (const { pointer, detail } of error.problems) check.fail(`${place}/value${pointer.slice(1)}`, detail);
  }
}

const isOnly = (value: Options, name: string): boolean =>
  Object.hasOwn(value, name) && Object.keys(value).length === 1;

function checkJoin(check: Check, { options, place }: Node): void {
  const { join, needs = [], joinWithin, losers } = options;
  const count = Array.isArray(needs) ? needs.length : 0;
  if (isRecord(join)) {
    const { atLeast } = join;
    if (!isOnly(join, 'atLeast') || !Number.isSafeInteger(atLeast) || (atLeast as number) < 1)
      check.fail(`${place}/join`, 'must be { atLeast } with a whole number from 1 on');
    else if ((atLeast as number) > count)
      check.fail(`${place}/join/atLeast`, `asks for ${String(atLeast)} of ${count}: it would never begin`);
  } else check.oneOf(`${place}/join`, join, ['all', 'any', 'first-success']);
  if (count === 0)
    for (const [name, given] of Object.entries({ join, joinWithin, losers }))
      if (given !== undefined) check.fail(`${place}/${name}`, 'joins nothing: it needs nobody');
  check.duration(`${place}/joinWithin`, joinWithin);
  check.oneOf(`${place}/losers`, losers, ['cancel', 'keep']);
}

function checkOnError(check: Check, { kind, options, place }: Node): void {
  const { onError } = options;
  if (onError === undefined || onError === 'fail' || onError === 'compensate') return;
  if (isEdgePolicy(onError)) return checkValue(check, `${place}/onError`, onError);
  const escalates = isRecord(onError) && isOnly(onError, 'escalateTo') && isText(onError['escalateTo']);
  if (escalates && kind === 'task') return;
  if (escalates) return check.fail(`${place}/onError`, 'escalates, which only tasks can');
  check.fail(
    `${place}/onError`,
    "must be 'fail', 'compensate', 'skip', 'absent', { value } or { escalateTo: role }",
  );
}

function checkInput(check: Check, { options, place }: Node, nodes: ReadonlyMap<string, Node>): void {
  const { input } = options;
  if (input === undefined || typeof input === 'function') return;
  if (!isRecord(input))
    return check.fail(
      `${place}/input`,
      'must be a function, or an object of from(…), functions and constants',
    );
  const needed = neededIn(options);
  for (const [key, part] of Object.entries(input)) {
    const at = `${place}/input/${inPointer(key)}`;
    if (isReference(part)) checkReference(check, at, part, needed, nodes);
    else if (typeof part !== 'function' && !isJson(part))
      check.fail(at, 'must be from(…), a function, or a constant in JSON');
  }
}

function checkReference(
  check: Check,
  at: string,
  { node, pointer }: Reference,
  needed: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): void {
  const wrong = problemOfPointer(pointer);
  if (wrong !== undefined) return check.fail(at, `is from a place that ${wrong}`);
  if (node === undefined || needed.includes(node)) return;
  const hint = nodes.has(node) ? `add it to needs` : `there is ${listed([...nodes.keys()])}`;
  check.fail(at, `takes from the node '${node}', which it does not need: ${hint}`);
}

/** The nodes that a node needs. */
function neededIn({ needs = [] }: Options): readonly string[] {
  if (!Array.isArray(needs)) return [];
  return needs.flatMap((need: unknown) => {
    const text = isRecord(need) ? need['node'] : need;
    return typeof text === 'string' ? [text.split('.', 1)[0]!] : [];
  });
}

// ---- kinds of nodes -----------------------------------------------------------------------------------------------

function checkTask(check: Check, place: string, options: Options, nodes: ReadonlyMap<string, Node>): void {
  checkDoer(check, place, options);
  check.schema(`${place}/inputSchema`, options['inputSchema']);
  check.schema(`${place}/outputSchema`, options['outputSchema']);
  check.duration(`${place}/timeout`, options['timeout']);
  check.duration(`${place}/deadline`, options['deadline']);
  const { quality, maxCost, fallback, retry, compensate, context, verify } = options;
  if (quality !== undefined && !isShare(quality))
    check.fail(`${place}/quality`, 'must be a number from 0 to 1');
  const wrongCost = maxCost === undefined ? undefined : problemOfAmount(maxCost);
  if (wrongCost !== undefined) check.fail(`${place}/maxCost`, wrongCost);
  if (fallback !== undefined && !isNames(fallback))
    check.fail(`${place}/fallback`, 'must be a list of names of agents');
  checkVerifiers(check, `${place}/verify`, verify, options);
  check.name(`${place}/reviewers`, options['reviewers']);
  checkReviewOf(check, `${place}/review`, options['review']);
  checkLabels(check, `${place}/labels`, options['labels']);
  check.function(`${place}/about`, options['about']);
  if (options['router'] !== undefined && !isRouter(options['router']))
    check.fail(`${place}/router`, 'must be made with router()');
  checkStrategy(check, `${place}/strategy`, options['strategy']);
  checkChunk(check, `${place}/chunk`, options['chunk']);
  checkRetry(check, `${place}/retry`, retry);
  checkContext(check, `${place}/context`, context, neededIn(options), nodes);
  if (compensate === undefined) return;
  if (!isRecord(compensate))
    return check.fail(`${place}/compensate`, 'must be { capability or agent, input }');
  check.fields(`${place}/compensate`, compensate, ['capability', 'agent', 'input']);
  checkDoer(check, `${place}/compensate`, compensate);
  check.function(`${place}/compensate/input`, compensate['input']);
}

function checkReviewOf(check: Check, place: string, review: unknown): void {
  if (review === undefined) return;
  if (!isRecord(review)) return check.fail(place, `must be an object with ${listed(OF_TIMES)}`);
  check.fields(place, review, OF_TIMES);
  checkPatience(check, place, review);
}

function checkVerifiers(check: Check, place: string, verify: unknown, options: Options): void {
  if (verify === undefined) return;
  if (!Array.isArray(verify)) return check.fail(place, 'must be a list of verifiers');
  for (const [index, verifier] of verify.entries()) {
    const at = `${place}/${index}`;
    if (!isVerifier(verifier)) check.fail(at, 'must be a verifier: an object with name, version and check');
    else if (verifier.others !== undefined) checkOthers(check, at, verifier.others, options);
  }
}

/** Whether there can be so many answers, with something in them to compare. */
function checkOthers(check: Check, place: string, { of, on }: Others, options: Options): void {
  const { agent, fallback } = options;
  const named = [agent, fallback].flatMap((names) => (isText(names) || isNames(names) ? names : []));
  const count = new Set(named).size;
  if (agent !== undefined && count < of)
    check.fail(
      `${place}/of`,
      `asks for the answers of ${of} agents, and ${count} can be asked: ${listed(named)}`,
    );
  const schema = schemaOf(options['outputSchema'] as SchemaLike | undefined)?.jsonSchema;
  if (schema === undefined) return;
  for (const [index, pattern] of on.entries()) {
    // What stands behind a * may be anything.
    const [known] = pattern.slice(1).split('/*', 1);
    if (schemaAt(schema, pointerIn(known!)) === 'nothing')
      check.fail(`${place}/on/${index}`, `compares ${pattern}, where the output schema has nothing`);
  }
}

/** A JSON pointer, of one that is a URI fragment. */
const pointerIn = (fragment: string): string =>
  fragment
    .split('/')
    .map((key) => decodeURIComponent(key).replaceAll('/', '~1'))
    .join('/');

function checkLabels(check: Check, place: string, labels: unknown): void {
  if (labels !== undefined && !isNames(labels)) check.fail(place, 'must be a list of texts');
}

function checkDoer(check: Check, place: string, { capability, agent }: Options): void {
  if (capability === undefined && agent === undefined)
    return check.fail(place, 'says neither a capability nor an agent: nobody could do it');
  const wrong = capability === undefined ? undefined : problemOfCapability(capability);
  if (wrong !== undefined) check.fail(`${place}/capability`, wrong);
  if (agent !== undefined && !isText(agent) && !(isNames(agent) && agent.length > 0))
    check.fail(`${place}/agent`, 'must be the name of an agent, or a list of at least one');
}

function checkRetry(check: Check, place: string, retry: unknown): void {
  if (retry === undefined) return;
  if (!isRecord(retry)) return check.fail(place, 'must be { times, first, atMost }');
  check.fields(place, retry, ['times', 'first', 'atMost']);
  if (retry['times'] === undefined) check.fail(`${place}/times`, 'is missing');
  check.whole(`${place}/times`, retry['times'], 1);
  const firstMs = check.duration(`${place}/first`, retry['first']) ?? 0;
  const atMostMs = check.duration(`${place}/atMost`, retry['atMost']) ?? Infinity;
  if (atMostMs < firstMs) check.fail(`${place}/atMost`, 'is shorter than the first delay');
}

function checkContext(
  check: Check,
  place: string,
  context: unknown,
  needed: readonly string[],
  nodes: ReadonlyMap<string, Node>,
): void {
  if (context === undefined) return;
  if (!isNames(context))
    return check.fail(place, "must be a list: 'input', and names of nodes that it needs");
  for (const [index, name] of context.entries())
    if (name !== 'input' && !needed.includes(name))
      check.fail(
        `${place}/${index}`,
        nodes.has(name) ? `is '${name}', which it does not need` : `is '${name}', which is no node`,
      );
}

function checkStrategy(check: Check, place: string, given: unknown): void {
  if (given === undefined) return;
  if (!isRecord(given) || !isRecord(given['rows']))
    return check.fail(place, 'must be a strategy: one of strategies, or made with strategy(…) or extend(…)');
  try {
    strategy(given as never);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    check.fail(`${place}${pointerOfPath(error.option)}`, error.message);
  }
}

/** `rows['timeout'][0].times` as a pointer. */
export const pointerOfPath = (path: string): string =>
  pointerTo(path.split(/[.[\]']+/).filter((part) => part !== ''));

/** Amounts are in micro-units by now: one that was written by hand would be a millionth of what is meant. */
function checkBudget(check: Check, budget: unknown): void {
  if (budget === undefined) return;
  const { within, perTask } = isRecord(budget) ? budget : {};
  const saysWithin = Array.isArray(within) || typeof within === 'function';
  if (!saysWithin || !Number.isSafeInteger(perTask)) check.fail('#/budget', 'must be made with budget(…)');
}

function checkGate(check: Check, place: string, options: Options): void {
  const { role, quorum, editable, title } = options;
  if (!isText(role) && !(isNames(role) && role.length > 0))
    check.fail(`${place}/role`, 'must be a role, or a list of roles: who may decide');
  check.name(`${place}/title`, title);
  check.whole(`${place}/quorum`, quorum, 1);
  checkPatience(check, place, options);
  check.oneOf(`${place}/ownRuns`, options['ownRuns'], ['refuse', 'allow']);
  check.oneOf(`${place}/ownEdits`, options['ownEdits'], ['count', 'need-another']);
  check.duration(`${place}/dwell`, options['dwell']);
  check.oneOf(`${place}/probe`, options['probe'], [true, false]);
  const { fourEyes = [] } = options;
  if (typeof fourEyes !== 'function' && !isNames(fourEyes))
    check.fail(`${place}/fourEyes`, 'must be a list of the ids of people, or a function that gives one');
  check.schema(`${place}/schema`, options['schema']);
  check.function(`${place}/about`, options['about']);
  if (editable === undefined || typeof editable === 'boolean') return;
  if (!Array.isArray(editable))
    return check.fail(`${place}/editable`, 'must be true, false, or a list of JSON pointers');
  for (const [index, pointer] of editable.entries()) {
    const wrong = problemOfPointer(pointer);
    if (wrong !== undefined) check.fail(`${place}/editable/${index}`, wrong);
  }
}

/** How long people have, and what happens meanwhile. */
function checkPatience(check: Check, place: string, options: Options): void {
  check.duration(`${place}/within`, options['within']);
  check.duration(`${place}/escalatedWithin`, options['escalatedWithin']);
  check.name(`${place}/escalateTo`, options['escalateTo']);
  const { remind = [] } = options;
  if (!Array.isArray(remind)) check.fail(`${place}/remind`, 'must be a list of durations');
  else for (const [index, after] of remind.entries()) check.duration(`${place}/remind/${index}`, after);
  checkTimes(check.fail.bind(check), place, options);
  check.oneOf(`${place}/onExpire`, options['onExpire'], ['refuse', 'stay']);
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

function checkChunk(check: Check, place: string, chunking: unknown): void {
  if (chunking === undefined) return;
  try {
    chunk(chunking as Chunking);
  } catch (error) {
    check.fail(place, `must be made with chunk(…): ${(error as Error).message}`);
  }
}

/** What it is given each time is not for a body to say. */
const NOT_OF_BODIES: ReadonlySet<string> = new Set(['input']);

function checkLogic(check: Check, place: string, logic: unknown): void {
  if (!isRecord(logic) || typeof logic['transition'] !== 'function')
    check.fail(place, 'must be a workflow, or other logic');
}

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

function checkBranch(check: Check, place: string, options: Options): void {
  const { arms, otherwise } = options;
  if (!isRecord(arms) || Object.keys(arms).length === 0)
    return check.fail(`${place}/arms`, 'must be an object of conditions by name');
  for (const [name, condition] of Object.entries(arms)) {
    const at = `${place}/arms/${inPointer(name)}`;
    if (!isName(name) || name.includes('.')) check.fail(at, 'must have another name');
    if (typeof condition !== 'function') check.fail(at, 'must be a function that says whether it is chosen');
  }
  if (otherwise === undefined)
    check.fail(`${place}/otherwise`, "is missing: say which arm is chosen when none holds, or 'fail'");
  else if (otherwise !== 'fail' && !(typeof otherwise === 'string' && Object.hasOwn(arms, otherwise)))
    check.fail(`${place}/otherwise`, `must be 'fail', or one of ${listed(Object.keys(arms))}`);
}

// ---- all together -------------------------------------------------------------------------------------------------

/** A node that, by way of what it needs, needs itself. */
function checkOrder(check: Check, nodes: ReadonlyMap<string, Node>): void {
  const neededBy = (name: string): readonly string[] =>
    neededIn(nodes.get(name)!.options).filter((needed) => needed !== name && nodes.has(needed));
  inOrder([...nodes.keys()], neededBy, (circle) =>
    check.fail(
      `${nodes.get(circle[0]!)!.place}/needs`,
      `is a circle: ${circle.toReversed().join(' → ')}. For what is done again there is loop(…)`,
    ),
  );
}

function checkShared(check: Check, shared: unknown): void {
  if (shared === undefined) return;
  if (!isRecord(shared)) return check.fail('#/shared', 'must be an object: { findings: { reduce: … } }');
  for (const [name, option] of Object.entries(shared)) {
    const at = `#/shared/${inPointer(name)}`;
    if (!isName(name) || TAKEN.has(name)) check.fail(at, 'must have another name');
    if (!isRecord(option)) check.fail(at, 'must be { reduce, initial }');
    else {
      check.fields(at, option, ['reduce', 'initial']);
      check.oneOf(`${at}/reduce`, option['reduce'], REDUCERS);
      const wrong = problemOfInitial(option);
      if (wrong !== undefined) check.fail(`${at}/initial`, wrong);
    }
  }
}

/** What it begins with must be such that something can be written to it, and that it can be kept. */
function problemOfInitial({ reduce = 'last', initial }: Options): string | undefined {
  if (initial === undefined || !REDUCERS.includes(reduce as Reducer)) return undefined;
  try {
    ask(() => reduced(reduce as Reducer, initial, INITIAL[reduce as Reducer]));
    ask(() => initial);
    return undefined;
  } catch (error) {
    return `cannot be what it begins with: ${(error as Error).message}`;
  }
}

/** Several that write under one name must say how that becomes one. */
function checkWriters(check: Check, nodes: ReadonlyMap<string, Node>, shared: Options): void {
  const writers = new Map<string, string>();
  for (const [name, { options, place }] of nodes) {
    const { writes = {} } = options;
    if (!isRecord(writes)) {
      check.fail(
        `${place}/writes`,
        'must be an object: { findings: (output) => … } or { findings: pointer }',
      );
      continue;
    }
    for (const [key, pick] of Object.entries(writes)) {
      const at = `${place}/writes/${inPointer(key)}`;
      if (typeof pick !== 'function' && problemOfPointer(pick) !== undefined)
        check.fail(at, 'must be a function of the output, or a JSON pointer into it');
      const rule = shared[key];
      if (!isRecord(rule)) {
        check.fail(
          at,
          `writes '${key}', which is not among shared: ${listed(Object.keys(shared)) || 'nothing is'}`,
        );
        continue;
      }
      const before = writers.get(key);
      if (before !== undefined && (rule['reduce'] ?? 'last') === 'last')
        check.fail(at, `writes '${key}', which '${before}' writes too: say how the two become one in shared`);
      writers.set(key, name);
    }
  }
}

// ---- values -------------------------------------------------------------------------------------------------------

const isRecord = (value: unknown): value is Options =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isName = (value: unknown): value is string =>
  isText(value) && !/[/\s]/.test(value) && value.isWellFormed();
const isNames = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isShare = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;
const listed = (names: readonly string[]): string => names.join(', ');
const inPointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isJson);
  return isRecord(value) && !isReference(value) && Object.values(value).every(isJson);
}
