/**
 * How a run stands, for people: what it is and waits for, its tasks, what was decided; and, if all is wanted, every attempt, what
 * it was made of, and every value.
 */
import type { RunStatus } from '../../actors/index.ts';
import type { Json } from '../control/tagged.ts';
import type { Told } from '../control/told.ts';
import { linesUnder, tellFields, tellHeading } from './fields.ts';
import type { Field } from './fields.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import { shown, thrownText } from './shown.ts';
import { fieldsOf } from './state.ts';
import type { Column } from './table.ts';
import { amountWords, runStyleOf, tookWords } from './words.ts';

export type StatusRow = Told<RunStatus>;
type Part = StatusRow['tasks'][number];
type Wait = StatusRow['waits'][number];
type Attempt = Part['attempts'][number];

export async function tellStatus(
  session: Session,
  status: StatusRow,
  { isFull }: { readonly isFull: boolean },
): Promise<void> {
  const { terminal } = session;
  const { run, state, tasks, decisions, sources } = status;
  const heading = `${terminal.paint('bold', inert(run))}  ${terminal.paint(runStyleOf(state), state)}`;
  await terminal.line(heading);
  await tellFields(terminal, fieldsOfRun(session, status));
  const parts = tasks.flatMap(withParts);
  await terminal.line();
  await session.list(each(parts), taskColumns);
  if (decisions.length > 0) {
    await tellHeading(terminal, 'decisions');
    await session.list(each(decisions), decisionColumns(session));
  }
  if (!isFull) return;
  const attempts = parts.flatMap(({ task, attempts }) => attempts.map((attempt) => ({ ...attempt, task })));
  if (attempts.length > 0) {
    await tellHeading(terminal, 'attempts');
    await session.list(each(attempts), attemptColumns(session));
  }
  if (sources.length > 0) {
    await tellHeading(terminal, 'sources');
    await session.list(each(sources), sourceColumns(session));
  }
  await tellHeading(terminal, 'values');
  await session.list(each(parts.flatMap(valuesOf)), valueColumns);
}

export async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const withParts = (part: Part): Part[] => [part, ...(part.parts ?? []).flatMap(withParts)];

// ---- the run ------------------------------------------------------------------------------------------------------

function fieldsOfRun(session: Session, status: StatusRow): readonly Field[] {
  const { workflow, startedAt, waits, next, money, input, output, problem, shared } = status;
  return [
    ['workflow', inert(workflow)],
    ['started', session.time(startedAt)],
    ...linesUnder(
      'waits',
      waits.map((wait) => `${inert(wait.task)} waits for ${waitWords(session, wait)}`),
      'yellow',
    ),
    ['next', next.map(inert).join(', ')],
    ['money', moneyWords(money)],
    ['input', heldWords(input)],
    ['output', output === undefined ? '' : heldWords(output)],
    ['problem', problemWords(problem), 'red'],
    ...linesUnder('shared', fieldsOf(shared)),
  ];
}

const WHOM = {
  person: 'a person',
  operator: 'an operator',
  time: 'its time',
  money: 'money',
  place: 'a place',
} as const;

function waitWords(session: Session, { for: whom, why, roles, by, since, until }: Wait): string {
  const who = `${WHOM[whom]}${roles === undefined ? '' : ` (${roles.join(', ')})`}`;
  const words = [
    who,
    ...(since === undefined ? [] : [`since ${session.time(since)}`]),
    ...(until === undefined ? [] : [`until ${session.time(until)}`]),
    ...(by === undefined ? [] : [`${by} has it`]),
  ];
  return inert(`${words.join(', ')}${why === '' ? '' : `: ${why}`}`);
}

function moneyWords({ spent, limit, reserved, remaining, overdraft }: StatusRow['money']): string {
  const used = `${amountWords(spent)} spent`;
  if (limit === undefined) return spent === 0 ? '' : used;
  const over = overdraft === undefined ? '' : `, ${amountWords(overdraft)} beyond that`;
  return `${used}, ${amountWords(reserved ?? 0)} reserved, ${amountWords(remaining ?? 0)} of ${amountWords(limit)} left${over}`;
}

const heldWords = ({ value }: Part['output'] & object): string => shown(value);

/** What has gone wrong, of which class: a problem of a run or a task, or whatever somebody threw. */
export function problemWords(problem: Json | undefined): string {
  if (problem === undefined) return '';
  const { class: kind, message } = (problem ?? {}) as { readonly [key: string]: Json };
  if (typeof message !== 'string') return thrownText(problem);
  return inert(typeof kind === 'string' ? `${kind}: ${message}` : message);
}

// ---- its tasks ----------------------------------------------------------------------------------------------------

const taskColumns: readonly Column<Part>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'kind', of: ({ kind }) => inert(kind), paint: () => 'dim' },
  { head: 'status', of: ({ status }) => status, paint: ({ status }) => runStyleOf(status) },
  { head: 'agent', of: ({ agent }) => inert(agent ?? ''), yields: 2 },
  {
    head: 'attempts',
    align: 'right',
    of: ({ attempts }) => (attempts.length === 0 ? '' : String(attempts.length)),
  },
  { head: 'cost', align: 'right', of: ({ cost }) => (cost === 0 ? '' : amountWords(cost)) },
  { head: 'reserved', align: 'right', of: ({ reserved }) => (reserved === 0 ? '' : amountWords(reserved)) },
  { head: 'confidence', align: 'right', of: ({ confidence }) => String(confidence ?? '') },
  { head: 'took', align: 'right', of: ({ startedAt, endedAt }) => tookWords(startedAt, endedAt) },
  { head: 'because', of: becauseWords, paint: ({ status }) => runStyleOf(status), yields: 1 },
];

/** Why it is where it is, if that is not because all is well. */
export function becauseWords(
  part: Pick<Part, 'because' | 'problem' | 'waits' | 'ground' | 'recalled' | 'attempts'>,
): string {
  const { because, problem, waits, ground, recalled, attempts } = part;
  if (problem !== undefined) return problemWords(problem);
  if (because !== undefined) return inert(because);
  if (waits !== undefined) return inert(`${WHOM[waits.for]}: ${waits.why}`);
  if (recalled !== undefined)
    return inert(`nobody could answer: taken is what ${recalled.task} was answered at ${recalled.at}`);
  if (ground !== undefined && ground !== 'good') return `taken though ${GROUNDS[ground] ?? ground}`;
  const { fault, message, move } = attempts.at(-1) ?? {};
  if (fault === undefined) return '';
  return inert(`${fault}: ${message ?? ''}${move === undefined ? '' : `; then ${move}`}`);
}

const GROUNDS: Readonly<Record<string, string>> = {
  repaired: 'it had to be repaired',
  unsure: 'it is not sure',
  default: 'it is the default',
  person: 'only a person has said so',
};

/** What there is to say of an attempt that was no good, or asked nobody. */
export const attemptWords = ({ message, unasked }: Pick<Attempt, 'message' | 'unasked'>): string =>
  inert(message ?? (unasked === true ? NOT_ASKED : ''));

export const NOT_ASKED = 'nobody was asked: it was given up before';

function attemptColumns(session: Session): readonly Column<Attempt & { readonly task: string }>[] {
  return [
    { head: 'from', of: ({ from }) => session.time(from), paint: () => 'dim' },
    { head: 'task', of: ({ task }) => inert(task), yields: 2 },
    { head: 'attempt', align: 'right', of: ({ number }) => String(number) },
    { head: 'agent', of: ({ agent }) => inert(agent), yields: 2 },
    { head: 'took', align: 'right', of: ({ from, to }) => tookWords(from, to) },
    {
      head: 'cost',
      align: 'right',
      of: ({ cost, to }) => (cost === undefined ? ((to && 'unknown') ?? '') : amountWords(cost)),
    },
    { head: 'confidence', align: 'right', of: ({ confidence }) => String(confidence ?? '') },
    { head: 'fault', of: ({ fault }) => inert(fault ?? ''), paint: () => 'red' },
    { head: 'then', of: ({ move }) => inert(move ?? '') },
    { head: 'because', of: attemptWords, paint: () => 'red', yields: 1 },
    { head: 'output', of: ({ manifest }) => inert(manifest?.output ?? ''), yields: 2 },
    // What it has answered when nobody waited for it any more.
    {
      head: 'too late',
      of: ({ late = [] }) => inert(late.map(({ output, fault }) => output ?? fault ?? '').join(' ')),
      yields: 2,
    },
  ];
}

function decisionColumns(session: Session): readonly Column<StatusRow['decisions'][number]>[] {
  return [
    { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
    { head: 'by', of: ({ by }) => inert(by ?? 'nobody'), yields: 2 },
    { head: 'what', of: ({ what }) => what },
    { head: 'review', of: ({ review }) => inert(review), yields: 2 },
    { head: 'reason', of: ({ reason }) => inert(reason ?? ''), yields: 1 },
  ];
}

export function sourceColumns(
  session: Session,
): readonly Column<Omit<StatusRow['sources'][number], 'task'> & { readonly task?: string }>[] {
  return [
    { head: 'looked at', of: ({ at }) => session.time(at), paint: () => 'dim' },
    { head: 'task', of: ({ task }) => inert(task ?? ''), yields: 2 },
    { head: 'source', of: ({ uri }) => inert(uri), yields: 1 },
    { head: 'version', of: ({ version }) => inert(version ?? ''), yields: 2 },
    { head: 'class', of: (source) => inert(source.class ?? ''), yields: 2 },
    { head: 'licence', of: ({ licence }) => inert(licence ?? ''), yields: 2 },
    { head: 'region', of: ({ region }) => inert(region ?? ''), yields: 2 },
    { head: 'hash', of: ({ hash }) => inert(hash), yields: 2 },
  ];
}

interface Value {
  readonly task: string;
  readonly what: 'input' | 'output';
  readonly hash: string;
  readonly value: Json;
}

const valuesOf = ({ task, input, output }: Part): Value[] =>
  (
    [
      ['input', input],
      ['output', output],
    ] as const
  ).flatMap(([what, held]) =>
    held === undefined ? [] : [{ task, what, hash: held.hash ?? '', value: held.value }],
  );

const valueColumns: readonly Column<Value>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'what', of: ({ what }) => what },
  { head: 'value', of: ({ value }) => shown(value), yields: 1 },
  // Behind what may be long: nothing else is pushed aside, and whole it can be given to other commands.
  { head: 'hash', of: ({ hash }) => inert(hash), yields: 2 },
];

// ---- what is new --------------------------------------------------------------------------------------------------

/** What has changed since: a line for each task that is elsewhere, or was tried again. */
export async function tellNews({ terminal }: Session, before: StatusRow, now: StatusRow): Promise<void> {
  const earlier = new Map(before.tasks.flatMap(withParts).map((part) => [part.task, newsOf(part)]));
  for (const part of now.tasks.flatMap(withParts)) {
    const news = newsOf(part);
    if (earlier.get(part.task) !== news)
      await terminal.line(`  ${inert(part.task)}: ${terminal.paint(runStyleOf(part.status), news)}`);
  }
  if (before.state !== now.state)
    await terminal.line(`${inert(now.run)}: ${terminal.paint(runStyleOf(now.state), now.state)}`);
}

function newsOf(part: Part): string {
  const { status, agent, attempts, cost } = part;
  const by = attempts.length > 0 && agent !== undefined ? [`by ${inert(agent)}`] : [];
  const times = attempts.length > 1 ? [`attempt ${attempts.length}`] : [];
  const money = cost === 0 ? [] : [`cost ${amountWords(cost)}`];
  return [status, ...by, ...times, ...money, becauseWords(part)].filter((word) => word !== '').join(', ');
}
