/**
 * What people have decided, each under what it was called then.
 */
import { edited } from '../../machines/review/edits.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import { signedIn } from '../../machines/review/signed.ts';
import type { Signed } from '../../machines/review/signed.ts';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { digestOf } from '../schema/digest.ts';

/** A decision of a person. */
export interface HumanDecision extends Signed {
  /** The address of the review. A task that asks a person again does so under the same. */
  readonly review: string;
  /** Of the content alone that an edit of what a gate proposes has made of it: under that it is kept. */
  readonly made?: string;
}

/** With what each edit has made of the proposal. */
export function versionsIn(review: ReviewContext): (Signed & Pick<HumanDecision, 'made'>)[] {
  const { original, edits, editable } = review;
  let content = original;
  const made = edits.map((one) => {
    content = edited(content, one.edits, editable);
    return digestOf(canonicalOf(content));
  });
  return signedIn(review).map((one) => (one.what === 'edit' ? { ...one, made: made.shift()! } : one));
}
