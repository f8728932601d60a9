/**
 * What a person is asked about a task, and what their answer means. Where there is an answer that keeps its contract it is proposed;
 * where there is none the question is whether the task is tried again.
 */
import type { ReviewInput } from '../review/input.ts';
import type { ReviewOutput } from '../review/review.ts';
import { peopleAround } from './people.ts';
import { candidateIn } from './attempts.ts';
import type { TaskContext } from './progress.ts';
import type { TaskSpec } from './words.ts';

/** Who decides: where the strategy asks for a person, and where the task would fail and is to be escalated instead. Undefined: nobody. */
export function deciderOf(
  { move }: Pick<TaskContext, 'move'>,
  { reviewers, escalateTo }: TaskSpec,
): string | undefined {
  if (move?.do === 'review') return move.role ?? reviewers ?? escalateTo;
  return move?.do === 'fail' ? escalateTo : undefined;
}

export function reviewOf(context: TaskContext, spec: TaskSpec): ReviewInput {
  const { start, fault, answer, advice } = context;
  const candidate = candidateIn(answer);
  const problem = { class: fault!.class, message: fault!.message };
  const about = {
    task: start.task,
    workflow: start.workflow,
    ...(advice !== undefined && { agent: advice.agent }),
  };
  return {
    title:
      candidate === undefined
        ? `${start.task} could not be done: try it again?`
        : `${start.task} is not good enough by itself: take it?`,
    proposal: (candidate ?? { problem }) as ReviewInput['proposal'],
    roles: [deciderOf(context, spec)!],
    fourEyes: peopleAround(context),
    ...spec.patience,
    about: { ...about, problem },
  };
}

/** What a task does when a person has decided. */
export function afterReview({ answer, fault }: TaskContext, output: ReviewOutput): Partial<TaskContext> {
  const { verdict, by = 'nobody', reason = '' } = output;
  switch (verdict) {
    case 'approved':
      // Without an answer the approval is for another try.
      return candidateIn(answer) === undefined
        ? { fault: undefined }
        : { fault: undefined, output: output.output, ground: 'person' };
    case 'aborted':
      return { outcome: { status: 'aborted', by, reason } };
    case 'rejected':
      return refused(fault, `${by} has refused it: ${reason}`);
    case 'expired':
      return refused(fault, 'nobody has decided in time');
  }
}

const refused = (fault: TaskContext['fault'], because: string): Partial<TaskContext> => ({
  outcome: {
    status: 'failed',
    problem: { class: 'rejected', message: because, fault: fault?.class, detail: fault?.message },
  },
});
