/**
 * Answers from before: what may be taken for one, and what is kept for others.
 */
import { startHere } from '../here.ts';
import { peopleOn } from './people.ts';
import type { Changed, TaskContext } from './progress.ts';
import type { Recalled, Remembrance, TaskSpec } from './words.ts';

/**
 * Whether what was answered before may be taken for it. Not where something is to be done or undone: that it was, in another run, does
 * not make it so in this one; and nobody must undo what another run has done.
 */
export const mayRecall = ({ undoes, undoable }: TaskSpec): boolean =>
  undoes === undefined && undoable === undefined;

/** What was answered before to the same was looked for. */
export function recalled({ people }: TaskContext, found: Recalled): Changed {
  if (found.answer === undefined) return {};
  const { answer, output } = found;
  const all = [...new Set([...people, ...(answer.people ?? [])])];
  return { output, ground: 'stale', recalled: answer, people: all };
}

/** The answer that was taken, for whoever asks the same when nobody can answer. */
export const remembranceOf = (context: TaskContext, self: object): Remembrance => ({
  start: startHere(context.start, self),
  ...{ input: context.input, output: context.output, answer: answerIn(context) },
});

/** Who has answered, when, and how sure they were. */
export function answerIn(context: TaskContext): Remembrance['answer'] {
  const { advice, log } = context;
  const { to, confidence } = log.at(-1)!;
  const { agent, model } = advice!;
  const people = peopleOn(context);
  return {
    ...{ agent, at: to! },
    ...(model !== undefined && { model }),
    ...(confidence !== undefined && { confidence }),
    ...(people.length > 0 && { people }),
  };
}
