/**
 * The story of a run: what happened in it, in order, told from how it stands. What happened at the same time is told in the order in which
 * one thing led to another, as far as what needs what says it.
 */
import { inert } from './inert.ts';
import { becauseWords, problemWords } from './run-status.ts';
import type { StatusRow } from './run-status.ts';
import type { Column } from './table.ts';
import { runStyleOf, tookWords } from './words.ts';

type Part = StatusRow['tasks'][number];
type Attempt = Part['attempts'][number];

export interface Scene {
  /** Since the run has begun. */
  readonly after: string;
  readonly task: string;
  readonly what: string;
  /** Where the task is then. */
  readonly status: string;
}

export function storyOf({ startedAt, tasks, decisions }: StatusRow): readonly Scene[] {
  const events = inOrder(tasks).flatMap((part) => [...eventsOf(part, decisions)]);
  return events
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map(({ at, ...event }) => ({ ...event, after: tookWords(startedAt, at) }));
}

export const storyColumns: readonly Column<Scene>[] = [
  { head: 'after', align: 'right', of: ({ after }) => after, paint: () => 'dim' },
  { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  { head: 'what', of: ({ what }) => what, paint: ({ status }) => runStyleOf(status), yields: 1 },
];

type Event = Omit<Scene, 'after'> & { readonly at: string };

/** From the beginning of a part to its end, with those within it. */
function* eventsOf(part: Part, decisions: StatusRow['decisions']): Generator<Event> {
  const { task, address, status, startedAt, endedAt, agent, parts = [], attempts } = part;
  if (startedAt !== undefined && startedAt !== endedAt)
    yield { at: startedAt, task, what: 'begins', status: 'running' };
  for (const [index, attempt] of attempts.entries()) {
    const isLast = index === attempts.length - 1;
    const words = attempt.fault === undefined ? doneWords(part, isLast) : faultWords(attempt);
    if (attempt.to !== undefined && words !== undefined)
      yield { at: attempt.to, task, what: words, status: attempt.fault === undefined ? status : 'waiting' };
  }
  for (const one of inOrder(parts)) yield* eventsOf(one, decisions);
  for (const { review, at, what, by = 'nobody' } of decisions)
    if (review === address || review === `${address}/review`)
      yield {
        at,
        task,
        what: inert(`${what}, by ${by}`),
        status: what === 'approve' ? 'approved' : 'rejected',
      };
  if (endedAt === undefined) return;
  const because = part.problem === undefined ? becauseWords(part) : problemWords(part.problem);
  const by = agent === undefined || status !== 'complete' ? '' : `, by ${inert(agent)}`;
  yield { at: endedAt, task, what: `${status}${by}${because === '' ? '' : `: ${because}`}`, status };
}

/** Of an item of a list there is no other end than that of its last attempt. */
const doneWords = ({ status, agent = '', endedAt }: Part, isLast: boolean): string | undefined =>
  endedAt === undefined && isLast ? inert(`${status}, by ${agent}`) : undefined;

const faultWords = ({ number, agent, fault, move }: Attempt): string =>
  inert(`attempt ${number} by ${agent}: ${fault}${move === undefined ? '' : `; then ${move}`}`);

/** Each behind all that it needs, otherwise as they were written. */
function inOrder(parts: readonly Part[]): readonly Part[] {
  const left = [...parts];
  const names = new Set(parts.map(({ task }) => task));
  const ordered: Part[] = [];
  while (left.length > 0) {
    const next = left.findIndex(({ needs }) => needs.every((need) => !names.has(need)));
    const [part] = left.splice(Math.max(0, next), 1);
    names.delete(part!.task);
    ordered.push(part!);
  }
  return ordered;
}
