/**
 * The error of reviews. See `storage/errors.ts` for the base class and the rules.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import type { RefusedFor, ReviewRefusal } from '../../machines/review/events.ts';
import { HeddleError } from '../../runtime/index.ts';

/** What somebody wanted of a review was not done. That they wanted it is recorded. */
export class ReviewRefused extends HeddleError {
  readonly _tag = 'ReviewRefused';
  readonly code = 'HEDDLE_REVIEW_REFUSED';
  readonly retryable = false;
  /** The address of the review. */
  readonly review: string;
  readonly reason: ReviewRefusal;
  /** The hash of what is shown now; decide about that. */
  readonly hash: string;
  /** What is wrong with what an edit would have made, value by value. */
  readonly problems: readonly ValueProblem[];

  constructor(review: string, { reason, detail, problems = [] }: RefusedFor, hash: string) {
    super(`${review}: refused (${reason}): ${detail}`);
    this.review = review;
    this.reason = reason;
    this.hash = hash;
    this.problems = problems;
  }
}
