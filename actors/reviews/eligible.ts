/**
 * Who could decide a review at all, whatever the decider says, and whoever is away.
 */
import type { ReviewContext } from '../../machines/review/review.ts';
import type { Reviewer } from './review-permission.ts';

/** Whether it would be self-approval; a gate may allow that. */
export const isOwnRun = (
  { initiator, fourEyes, ownRuns }: Pick<ReviewContext, 'initiator' | 'fourEyes' | 'ownRuns'>,
  { id }: Pick<Reviewer, 'id'>,
): boolean =>
  // One that the review knows itself it refuses itself.
  initiator === id && !fourEyes.includes(id) && ownRuns === 'refuse';

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
