/**
 * The people who have to do with a task, and so do not decide about it: those who have supplied its answer, or one that was held against
 * it, and those who have worked on what it was given, or given it something else. Pure.
 */
import type { TaskContext } from './progress.ts';

/** Who has worked on its output. */
export function peopleOn({
  people,
  givenBy = [],
  votes,
}: Pick<TaskContext, 'people' | 'givenBy' | 'votes'>): readonly string[] {
  const voters = votes.flatMap((vote) => (vote.output === undefined ? [] : (vote.people ?? [])));
  return [...new Set([...people, ...givenBy, ...voters])];
}

/** Who has worked on what it was given, or given it something else. */
export const peopleBefore = ({
  start,
  givenBy = [],
}: Pick<TaskContext, 'start' | 'givenBy'>): readonly string[] => [
  ...new Set([...(start.people ?? []), ...givenBy]),
];

/** Who has worked on its output, or on what it was given. */
export const peopleAround = (context: TaskContext): readonly string[] => [
  ...new Set([...peopleBefore(context), ...peopleOn(context)]),
];
