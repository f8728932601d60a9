/**
 * What may be said to a run from outside: to end it, to let one of its tasks go on, to give one up. What nobody in there would hear, or
 * what does not say by whom it is decided and why, is refused to whoever says it; and what a user says somebody else has decided.
 */
import type { AnyEventObject } from 'xstate';
import { isOrder } from '../../machines/workflow/events.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import type { ChildSpec, Principal } from '../../runtime/index.ts';
import { unawaited } from './awaited.ts';
import { innerOf } from './declaration.ts';
import type { AnyDeclaration } from './declaration.ts';
import type { AnyWorkflowOptions, DeclarationOf } from './graph.ts';

/** What each order must say. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'run.abort': ['by', 'reason'],
  'task.resume': ['task', 'by'],
  'task.abandon': ['task', 'by', 'reason'],
};

/** What is said only between a run and those who work in it: nobody stands for it, and from outside it would order the same. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  ...['task.cancel', 'task.stands', 'run.stands', 'voter.chosen', 'parts.done'],
  ...['budget.reserved', 'budget.refused'],
]);

/** Looks at what is said from outside: throws what is wrong with it. */
type OrderCheck = (event: AnyEventObject, sender?: Pick<Principal, 'type' | 'id'>) => void;

/** What is said from outside is looked at by what is declared, and then beside the state that it meets. */
export type OrderChecks = Required<Pick<ChildSpec, 'accepts' | 'awaits'>>;

/** Whether it is said by whom it is decided, and why. Said to a node itself, nobody above it looks at it. */
const checkWords: OrderCheck = (event, sender) => {
  if (OWN_WORDS.has(event.type))
    throw new InvalidArgument(
      'event.type',
      `'${event.type}' is said only within a run: say run.abort to end the run, or task.abandon to give up a task that waits`,
    );
  if (!Object.hasOwn(WORDS, event.type)) return;
  for (const word of WORDS[event.type]!) {
    const said: unknown = event[word];
    if (typeof said !== 'string' || said.trim() === '')
      throw new InvalidArgument(`event.${word}`, `must be a text that is not empty: it is kept as evidence`);
  }
  // Whoever has decided it does not decide later about what comes of it: reviews know users by their ids.
  if (sender?.type === 'user' && event['by'] !== sender.id)
    throw new InvalidArgument('event.by', `must be ${sender.id}, on whose behalf it is said`);
};

/** The same for what is said to those who are to confirm an answer: to another input theirs would confirm nothing. */
const checkWordsToVoters: OrderCheck = (event, sender) => {
  checkWords(event, sender);
  if (hasInput(event))
    throw new InvalidArgument(
      'event.input',
      'must not be there: it is only to confirm an answer to what its task was given; give that another input',
    );
};

const hasInput = ({ type, input }: AnyEventObject): boolean => type === 'task.resume' && input !== undefined;

/** Why nobody is meant by the rest of a path; undefined where somebody is. */
type ProblemWithin = (rest: readonly string[], event: AnyEventObject) => string | undefined;

/** The checks of what is said to the runs of a workflow: whether somebody in there is meant, and waits for it. */
export const orderChecksOf = (options: AnyWorkflowOptions, declarationOf: DeclarationOf): OrderChecks => ({
  accepts: checkOrders((path, event) => problemOfTask(options, path, { event, declarationOf })),
  awaits: awaitOrders((path) =>
    leadsElsewhere(options, path, declarationOf) ? undefined : { called: [], rest: path },
  ),
});

/** How somebody within a run is named by those above: as a node; or, within a list or a loop, by a number. */
export interface Named {
  readonly node: string;
  readonly isNumbered?: boolean;
}

/** The same for what is said to one who undoes: what is named further it knows itself. */
export const orderChecksOfUndoing = (named: Named): OrderChecks => ({
  accepts: checkOrders(behind(named, () => undefined)),
  awaits: awaitOrders((path) => ownIn(named, path)),
});

/** The same for what is said to the node of a run, or to what is done within it, instead of to the run. */
export const orderChecksAt = (
  named: Named,
  declared: AnyDeclaration,
  declarationOf: DeclarationOf,
): OrderChecks => ({
  accepts: checkOrders(
    behind(named, (rest, event) => problemWithin(named.node, declared, rest, { event, declarationOf })),
  ),
  awaits: awaitOrders((path) => {
    const own = ownIn(named, path);
    return own && leadsElsewhereIn(declared, own.rest, declarationOf) ? undefined : own;
  }),
});

/** The same for what is said to a run within another, whose parts are named behind it. */
export const orderChecksOfNested = (
  named: Named,
  options: AnyWorkflowOptions,
  declarationOf: DeclarationOf,
): OrderChecks => ({
  accepts: checkOrders(
    behind(named, (path, event) =>
      path.length === 0 ? aRun(named.node, options) : problemOfTask(options, path, { event, declarationOf }),
    ),
  ),
  awaits: awaitOrders((path) => {
    const own = ownIn(named, path);
    return own && leadsElsewhere(options, own.rest, declarationOf) ? undefined : own;
  }),
});

/** The same for what is said to those who are to confirm an answer, and to whoever asks them. */
export const orderChecksOfVoters: OrderChecks = {
  accepts: checkWordsToVoters,
  awaits: awaitOrders((path) => ({ called: path, rest: [] })),
};

function checkOrders(problemOf: ProblemWithin): OrderCheck {
  return (event, sender) => {
    checkWords(event, sender);
    if (!isOrder(event)) return;
    const wrong = problemOf(event.task.split('/'), event);
    if (wrong !== undefined) throw new InvalidArgument('event.task', wrong);
  };
}

/** Who is told by what they are called, and the way from there to who is meant. */
interface Way {
  readonly called: readonly string[];
  readonly rest: readonly string[];
}

/** @param wayOf undefined where the way leads to somebody of whom nothing is known */
function awaitOrders(wayOf: (path: readonly string[]) => Way | undefined): OrderChecks['awaits'] {
  return (event, snapshot) => {
    if (!isOrder(event)) return;
    const way = wayOf(event.task.split('/'));
    const wrong = way && unawaited(snapshot, way.rest, event, way.called);
    if (wrong !== undefined) throw new InvalidArgument('event.task', wrong);
  };
}

/** What names somebody within a run first, as all does that comes from above, and what is behind it. Undefined: it names somebody else. */
function ownIn({ node, isNumbered = false }: Named, path: readonly string[]): Way | undefined {
  const [first, ...rest] = isNumbered && path.length === 2 && path[0] === node ? path.slice(1) : path;
  return (isNumbered ? NUMBER.test(first!) : first === node) ? { called: [first!], rest } : undefined;
}

/** Whoever is within a run hears what names them first. */
function behind(named: Named, problemOf: ProblemWithin): ProblemWithin {
  return (path, event) => {
    const way = ownIn(named, path);
    if (way !== undefined) return problemOf(way.rest, event);
    const { node, isNumbered = false } = named;
    const first = isNumbered && path.length === 2 && path[0] === node ? path[1] : path[0];
    const own = isNumbered ? `its number within '${node}', the last part of its address` : `'${node}'`;
    return `names '${first}', and nobody hears that there: it must begin with ${own}, or be said to the run`;
  };
}

const NUMBER = /^\d+$/;

/** Whether a path leads into logic of the user, which knows itself what it hears. */
function leadsElsewhere(
  { tasks }: AnyWorkflowOptions,
  [name, ...rest]: readonly string[],
  declarationOf: DeclarationOf,
): boolean {
  return Object.hasOwn(tasks, name!) && leadsElsewhereIn(tasks[name!]!, rest, declarationOf);
}

function leadsElsewhereIn(
  declared: AnyDeclaration,
  rest: readonly string[],
  declarationOf: DeclarationOf,
): boolean {
  const inner = innerOf(declared);
  if (inner === undefined) return false;
  const workflow = declarationOf(inner);
  const path = declared.kind === 'call' ? rest : rest.slice(1);
  return workflow === undefined || (path.length > 0 && leadsElsewhere(workflow, path, declarationOf));
}

interface Order {
  readonly event: AnyEventObject;
  readonly declarationOf: DeclarationOf;
}

/** Why nobody is meant by a path; undefined where somebody is. */
function problemOfTask(
  { id, tasks }: AnyWorkflowOptions,
  [name, ...rest]: readonly string[],
  order: Order,
): string | undefined {
  const node = name!.replace(/^undo /, '');
  if (!Object.hasOwn(tasks, node))
    return `names '${name}', which is no node of ${id}: there is ${Object.keys(tasks).join(', ')}`;
  // How what undoes it is named further, it knows itself.
  return node === name ? problemWithin(name, tasks[node]!, rest, order) : undefined;
}

/** The same of the path behind the name of a node. */
function problemWithin(
  name: string,
  declared: AnyDeclaration,
  rest: readonly string[],
  order: Order,
): string | undefined {
  if (declared.kind === 'branch' || declared.kind === 'join')
    return `names '${name}', a ${declared.kind}, on which nobody works`;
  const isRepeated = declared.kind === 'map' || declared.kind === 'loop';
  if (isRepeated && rest.length > 0 && !NUMBER.test(rest[0]!))
    return `names '${name}/${rest[0]}', and what is done within '${name}' is named by its number: ${name}/3`;
  const path = isRepeated ? rest.slice(1) : rest;
  const inner = innerOf(declared);
  const workflow = inner && order.declarationOf(inner);
  if (path.length === 0) return problemOfWhole([name, ...rest].join('/'), declared, workflow);
  if (workflow !== undefined) return problemOfTask(workflow, path, order);
  // What is in a machine of the user, it knows itself; in a task there are only those who are to confirm it.
  if (inner !== undefined) return undefined;
  if (path[0] !== 'poll')
    return `names '${path.join('/')}' within '${name}', in which there is nothing that has a name`;
  const voter = `names '${path.join('/')}' within '${name}', which is only to confirm it`;
  if (order.event.type === 'task.abandon') return `${voter}: give up '${name}' itself`;
  return hasInput(order.event) ? `${voter}: give '${name}' itself another input` : undefined;
}

/** Why nobody hears what is said to the whole of something, and not to a task within it. */
function problemOfWhole(
  path: string,
  { kind }: AnyDeclaration,
  workflow: AnyWorkflowOptions | undefined,
): string | undefined {
  if (kind === 'gate') return `names '${path}', a gate, about which people decide: system.reviews.decide`;
  if (kind === 'map' && !path.includes('/'))
    return `names '${path}', a list: name what is done in it by its number, ${path}/3`;
  return workflow && aRun(path, workflow);
}

const aRun = (path: string, { tasks }: AnyWorkflowOptions): string =>
  `names '${path}', a run of its own: name the task in it that is meant, ${path}/${Object.keys(tasks)[0]}`;
