/**
 * What may be said to a run from outside: to end it, to let one of its tasks go on, to give one up. What nobody in there would hear, or
 * what does not say by whom it is decided and why, is refused to whoever says it; and what a user says somebody else has decided.
 */
import type { AnyEventObject } from 'xstate';
import { InvalidArgument } from '../../runtime/index.ts';
import type { Principal } from '../../runtime/index.ts';
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
export type OrderCheck = (event: AnyEventObject, sender?: Pick<Principal, 'type' | 'id'>) => void;

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
export const checkWordsToVoters: OrderCheck = (event, sender) => {
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

/** The same for what is said to the runs of a workflow, and whether somebody in there is meant. */
export function orderCheckOf(options: AnyWorkflowOptions, declarationOf: DeclarationOf): OrderCheck {
  return checkOrders((path, event) => problemOfTask(options, path, { event, declarationOf }));
}

/** How somebody within a run is named by those above: as a node; or, within a list or a loop, by a number. */
export interface Named {
  readonly node: string;
  readonly isNumbered?: boolean;
}

/** The same for what is said to one who undoes: what is named further it knows itself. */
export const orderCheckOfUndoing = (named: Named): OrderCheck => checkOrders(behind(named, () => undefined));

/** The same for what is said to the node of a run, or to what is done within it, instead of to the run. */
export function orderCheckAt(
  named: Named,
  declared: AnyDeclaration,
  declarationOf: DeclarationOf,
): OrderCheck {
  return checkOrders(
    behind(named, (rest, event) => problemWithin(named.node, declared, rest, { event, declarationOf })),
  );
}

/** The same for what is said to a run within another, whose parts are named behind it. */
export const orderCheckOfNested = (
  named: Named,
  options: AnyWorkflowOptions,
  declarationOf: DeclarationOf,
): OrderCheck =>
  checkOrders(
    behind(named, (path, event) =>
      path.length === 0 ? aRun(named.node, options) : problemOfTask(options, path, { event, declarationOf }),
    ),
  );

function checkOrders(problemOf: ProblemWithin): OrderCheck {
  return (event, sender) => {
    checkWords(event, sender);
    if (event.type !== 'task.resume' && event.type !== 'task.abandon') return;
    const wrong = problemOf(String(event['task']).split('/'), event);
    if (wrong !== undefined) throw new InvalidArgument('event.task', wrong);
  };
}

/** Whoever is within a run hears what names them first, as all does that comes from above. */
function behind({ node, isNumbered = false }: Named, problemOf: ProblemWithin): ProblemWithin {
  return (path, event) => {
    const [first, ...rest] = isNumbered && path.length === 2 && path[0] === node ? path.slice(1) : path;
    if (isNumbered ? NUMBER.test(first!) : first === node) return problemOf(rest, event);
    const own = isNumbered ? `its number within '${node}', the last part of its address` : `'${node}'`;
    return `names '${first}', and nobody hears that there: it must begin with ${own}, or be said to the run`;
  };
}

const NUMBER = /^\d+$/;

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
