/**
 * Who could decide a review at all, whatever the decider says, and whoever is away.
 */
import type { ReviewEvent } from '../../machines/review/events.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import type { InRun, Reviewer } from './review-permission.ts';

/** What is for those who decide. Whoever has started the run may look, comment, answer, and abort it, and does nothing of this. */
const OF_DECIDERS: ReadonlySet<string> = new Set([
  ...['review.claim', 'review.unclaim-other', 'review.delegate', 'review.request-info'],
  ...['review.approve', 'review.reject', 'review.edit'],
]);

/** Why somebody does not do something who has started the run; undefined where that makes no difference. */
export function ownRunProblem(
  action: string,
  event: ReviewEvent,
  context: Parameters<typeof isOwnRun>[0],
): string | undefined {
  if (!OF_DECIDERS.has(action)) return undefined;
  const people = event.type === 'review.delegate' ? [event.by, event.to] : [event.by];
  const person = people.find((id) => isOwnRun(context, { id }));
  return person && `${person} has started the run, and does not decide about what comes of it`;
}

/** Whether they would decide about what they have started; a gate may allow that. */
export const isOwnRun = (
  { starters = [], fourEyes, ownRuns }: InRun<Pick<ReviewContext, 'fourEyes' | 'ownRuns'>>,
  { id }: Pick<Reviewer, 'id'>,
): boolean =>
  // One that the review knows itself it refuses itself.
  starters.includes(id) && !fourEyes.includes(id) && ownRuns === 'refuse';

/** Whether somebody could still decide it: they have not worked on it, not approved it, and nobody else has it. */
export function couldDecide(
  {
    fourEyes,
    approvals,
    claim,
  }: Pick<ReviewContext, 'fourEyes' | 'approvals'> & Partial<Pick<ReviewContext, 'claim'>>,
  person: string,
): boolean {
  const hasVoted = approvals.some((approval) => approval.by === person || approval.for.includes(person));
  return !fourEyes.includes(person) && !hasVoted && (claim === undefined || claim.by === person);
}
