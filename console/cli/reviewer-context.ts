/**
 * What a reviewer has to know, for people: the review itself, what follows from it, what was done, why, with which data.
 */
import type { Review, ReviewerContext } from '../../actors/index.ts';
import type { Told } from '../control/told.ts';
import { linesUnder, tellFields, tellHeading } from './fields.ts';
import type { Field } from './fields.ts';
import { inert } from './inert.ts';
import { each, NOT_ASKED } from './run-status.ts';
import type { Session } from './session.ts';
import { shown } from './shown.ts';
import { fieldsOf } from './state.ts';
import type { Column } from './table.ts';
import { amountWords, runStyleOf } from './words.ts';

export type ReviewRow = Told<Review>;
export type ContextRow = Told<ReviewerContext>;

export async function tellReview(
  session: Session,
  row: ContextRow,
  { isFull }: { readonly isFull: boolean },
): Promise<void> {
  const { terminal } = session;
  const { did, why, data, consequences, alternatives = [], diff = [] } = row;
  const { id, status } = row.review;
  await terminal.line(`${terminal.paint('bold', inert(id))}  ${terminal.paint(runStyleOf(status), status)}`);
  await tellFields(terminal, fieldsOfReview(session, row));
  await tellTable(session, 'changes', diff, diffColumns(session));
  const causes = `what an approval ${status === 'pending' ? 'will cause' : 'causes'}`;
  await tellTable(session, causes, consequences.next ?? [], nextColumns);
  await tellTable(session, 'tasks', did.tasks ?? [], doneColumns);
  await tellTable(session, 'who was chosen', why.routing ?? [], routingColumns);
  await tellTable(session, 'who was not', alternatives, alternativeColumns);
  await tellTable(session, 'why it was taken', why.judgements ?? [], judgementColumns);
  await tellTable(session, 'made from', data.items ?? [], dataColumns);
  await tellTable(session, 'what was permitted', why.permissions, permissionColumns);
  await tellTable(session, 'dead letters', did.deadLetters, letterColumns(session));
  if (isFull) await tellTable(session, 'what has happened', did.timeline, timelineColumns(session));
}

async function tellTable<TRow extends object>(
  session: Session,
  heading: string,
  rows: readonly TRow[],
  columns: readonly Column<TRow>[],
): Promise<void> {
  if (rows.length === 0) return;
  await tellHeading(session.terminal, heading);
  await session.list(each(rows), columns);
}

function fieldsOfReview(
  session: Session,
  { review: one, consequences, signed }: ContextRow,
): readonly Field[] {
  const { title, run, workflow, roles, openedAt, claim, hash, content, editable, questions, comments } = one;
  const { approvals, voided, delegations } = signed;
  return [
    ['title', inert(title)],
    ['run', inert(`${run} (${workflow})`)],
    ['roles', roles.map(inert).join(', ')],
    ['opened', session.time(openedAt)],
    ['claimed', claim === undefined ? '' : inert(`by ${claim.by} at ${session.time(claim.at)}`)],
    ['approvals', approvalWords(one)],
    ...linesUnder(
      '',
      [
        ...approvals.map(({ by, at, reason }) => ({ by, at, reason, what: 'approved' })),
        ...voided.map(({ by, at, reason }) => ({ by, at, reason, what: 'approved what is changed since' })),
        ...delegations.map(({ from, to, at, reason }) => ({
          by: from,
          at,
          reason,
          what: `delegated to ${to}`,
        })),
      ].map(({ by, at, reason, what }) =>
        inert(`${by} ${what} at ${session.time(at)}${reason === undefined ? '' : `: ${reason}`}`),
      ),
    ),
    ['next', nextWords(session, consequences.deadline)],
    ['money', moneyWords(consequences.money)],
    ['ended', endingWords(session, one)],
    ['hash', inert(hash)],
    ...linesUnder('content', fieldsOf(content)),
    ['editable', editable.map((pointer) => inert(pointer === '' ? 'all of it' : pointer)).join(', ')],
    ...linesUnder(
      'asked',
      questions.map(({ by, text, answer }) =>
        inert(`${by}: ${text}${answer === undefined ? '' : ` — ${answer.by}: ${answer.text}`}`),
      ),
    ),
    ...linesUnder(
      'said',
      comments.map(({ by, text }) => inert(`${by}: ${text}`)),
    ),
  ];
}

function endingWords(session: Session, { ending }: ReviewRow): string {
  if (ending === undefined) return '';
  const { verdict, by, at, reason } = ending;
  const who = by === undefined ? '' : ` by ${by}`;
  return inert(`${verdict}${who} at ${session.time(at)}${reason === undefined ? '' : `: ${reason}`}`);
}

function moneyWords(money: ContextRow['consequences']['money']): string {
  const { spent, remaining, limit } = money ?? {};
  const words = [
    ...(spent === undefined ? [] : [`${amountWords(spent)} spent`]),
    ...(remaining === undefined || limit === undefined
      ? []
      : [`${amountWords(remaining)} of ${amountWords(limit)} left`]),
  ];
  return words.join(', ');
}

type In<TRows> = TRows extends readonly (infer TRow)[] ? TRow : never;

type NextRow = In<NonNullable<ContextRow['consequences']['next']>>;
const nextColumns: readonly Column<NextRow>[] = [
  { head: 'node', of: ({ node }) => inert(node), yields: 2 },
  { head: 'kind', of: ({ kind }) => inert(kind), paint: () => 'dim' },
  { head: 'capability', of: ({ capability }) => inert(capability ?? ''), yields: 2 },
  { head: 'after', of: ({ waitsFor }) => waitsFor.map(inert).join(', '), yields: 1 },
  {
    head: 'at most',
    align: 'right',
    of: ({ maxCost }) => (maxCost === undefined ? '' : amountWords(maxCost)),
  },
  {
    head: 'can be taken back',
    of: backWords,
    paint: ({ isReversible }) => (isReversible === false ? 'red' : undefined),
  },
];

function backWords({ isReversible, compensation }: NextRow): string {
  if (compensation !== undefined)
    return inert(isReversible === false ? `in part, by ${compensation}` : `by ${compensation}`);
  if (isReversible === undefined) return '';
  return isReversible ? 'yes' : 'no';
}

const doneColumns: readonly Column<In<NonNullable<ContextRow['did']['tasks']>>>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'status', of: (row) => inert(row.status), paint: (row) => runStyleOf(row.status) },
  {
    head: 'agents',
    of: ({ attempts = [] }) => [...new Set(attempts.map(({ agent }) => inert(agent)))].join(', '),
    yields: 2,
  },
  {
    head: 'attempts',
    align: 'right',
    of: ({ attempts = [] }) => (attempts.length === 0 ? '' : String(attempts.length)),
  },
  { head: 'cost', align: 'right', of: ({ cost = 0 }) => (cost === 0 ? '' : amountWords(cost)) },
  {
    head: 'faults',
    of: ({ attempts = [] }) =>
      inert(
        attempts
          .flatMap(({ fault, unasked }) => {
            if (fault !== undefined) return [`${fault.class}: ${fault.message}`];
            return unasked === true ? [NOT_ASKED] : [];
          })
          .join('; '),
      ),
    paint: () => 'red',
    yields: 1,
  },
];

const routingColumns: readonly Column<In<NonNullable<ContextRow['why']['routing']>>>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'agent', of: ({ chosen }) => inert(chosen), yields: 2 },
  { head: 'because', of: ({ because }) => inert(because ?? ''), yields: 1 },
];

const alternativeColumns: readonly Column<In<NonNullable<ContextRow['alternatives']>>>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'agent', of: ({ agent }) => inert(agent), yields: 2 },
  { head: 'because', of: ({ reason }) => inert(reason), yields: 1 },
];

const judgementColumns: readonly Column<In<NonNullable<ContextRow['why']['judgements']>>>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'confidence', align: 'right', of: ({ confidence }) => String(confidence ?? '') },
  { head: 'asked for', align: 'right', of: ({ threshold }) => String(threshold ?? '') },
  {
    head: 'verified',
    of: ({ verifiers = [] }) =>
      inert(
        verifiers
          .map(
            ({ name, holds, detail }) =>
              `${holds ? '✔' : '✖'} ${name}${detail === undefined ? '' : `: ${detail}`}`,
          )
          .join('; '),
      ),
    yields: 1,
  },
];

const dataColumns: readonly Column<In<NonNullable<ContextRow['data']['items']>>>[] = [
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'what', of: ({ what }) => what },
  { head: 'sources', of: ({ sources = [] }) => inert(sources.map(({ uri }) => uri).join(', ')), yields: 1 },
  { head: 'hash', of: ({ hash }) => inert(hash), yields: 2 },
];

const permissionColumns: readonly Column<In<ContextRow['why']['permissions']>>[] = [
  { head: 'who', of: ({ task, by }) => inert(by ?? task ?? ''), yields: 2 },
  { head: 'action', of: ({ action }) => inert(action) },
  {
    head: 'effect',
    of: ({ effect }) => inert(effect),
    paint: ({ effect }) => (effect === 'permit' ? undefined : 'red'),
  },
  { head: 'by', of: ({ determining }) => determining.map(inert).join(', '), yields: 1 },
];

const letterColumns = (session: Session): readonly Column<In<ContextRow['did']['deadLetters']>>[] => [
  { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'error', of: ({ error }) => inert(error), paint: () => 'red', yields: 1 },
];

const diffColumns = (session: Session): readonly Column<In<NonNullable<ContextRow['diff']>>>[] => [
  { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
  { head: 'by', of: ({ by }) => inert(by), yields: 2 },
  { head: 'where', of: ({ op, pointer }) => inert(`${op} ${pointer}`), yields: 2 },
  {
    head: 'before',
    of: ({ before }) => (before === undefined ? '' : shown(before)),
    paint: () => 'red',
    yields: 1,
  },
  {
    head: 'after',
    of: ({ after }) => (after === undefined ? '' : shown(after)),
    paint: () => 'green',
    yields: 1,
  },
];

const timelineColumns = (session: Session): readonly Column<In<ContextRow['did']['timeline']>>[] => [
  { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'seq', align: 'right', of: ({ seq }) => String(seq) },
  { head: 'what', of: ({ what }) => what, paint: ({ error }) => (error === undefined ? undefined : 'red') },
  { head: 'event', of: ({ event }) => inert(event), paint: () => 'cyan', yields: 2 },
  { head: 'error', of: ({ error }) => inert(error ?? ''), paint: () => 'red', yields: 1 },
];

export const approvalWords = ({ approvals, quorum }: ReviewRow): string => `${approvals.length} of ${quorum}`;

/** What happens if nobody decides. */
export const nextWords = (session: Session, next: ReviewRow['next']): string =>
  next === undefined
    ? ''
    : inert(`${next.act}${next.to === undefined ? '' : ` to ${next.to}`} at ${session.time(next.at)}`);
