/**
 * Who has worked on what comes out of a review: whoever has edited it, and where people supply something, whoever has put it there. With
 * those for whom they acted: who hands it to somebody and they are one. Whoever has only approved it has not worked on it.
 */
import type { ReviewOutput } from './review.ts';

export const editorsIn = ({ edits }: Pick<ReviewOutput, 'edits'>): readonly string[] => peopleIn(edits);

export const suppliersIn = ({
  edits,
  approvals,
}: Pick<ReviewOutput, 'edits' | 'approvals'>): readonly string[] => peopleIn([...edits, ...approvals]);

interface Acting {
  readonly by: string;
  readonly for: readonly string[];
}

const peopleIn = (acts: readonly Acting[]): readonly string[] => [
  ...new Set(acts.flatMap((act) => [act.by, ...act.for])),
];
