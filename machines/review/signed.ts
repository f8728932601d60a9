/**
 * What people have signed in a review: approvals, also those that an edit has made void, edits, and how it was ended if not by approvals.
 */
import type { ReviewVerdict } from './events.ts';
import type { Ending, ReviewFile } from './rules.ts';

export interface Signed {
  readonly what: 'approve' | 'edit' | 'reject' | 'abort' | 'expire';
  /** Nobody, where its time was over. */
  readonly by?: string;
  readonly at: number;
  /** Of what they were shown. */
  readonly hash?: string;
  /** Of what it became by an edit. */
  readonly to?: string;
  readonly reason?: string;
}

/** A review, as far as it was signed. */
export interface SignedFile extends Pick<ReviewFile, 'approvals' | 'voided' | 'edits'> {
  readonly ending: Ending | undefined;
}

const ENDS: Readonly<Record<Exclude<ReviewVerdict, 'approved'>, Signed['what']>> = {
  rejected: 'reject',
  aborted: 'abort',
  expired: 'expire',
};

/** In the order in which it was signed. */
export function signedIn({ approvals, voided, edits, ending }: SignedFile): readonly Signed[] {
  const all: Signed[] = [
    ...[...approvals, ...voided].map((one) => entry('approve', one)),
    ...edits.map((one) => entry('edit', one)),
    ...(ending === undefined || ending.verdict === 'approved' ? [] : [entry(ENDS[ending.verdict], ending)]),
  ];
  return all.toSorted((a, b) => a.at - b.at);
}

function entry(what: Signed['what'], one: Omit<Signed, 'what'>): Signed {
  const { by, at, hash, to, reason } = one;
  return {
    ...{ what, at },
    ...(by !== undefined && { by }),
    ...(hash !== undefined && { hash }),
    ...(to !== undefined && { to }),
    ...(reason !== undefined && { reason }),
  };
}
