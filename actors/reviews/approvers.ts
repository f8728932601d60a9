/**
 * Who may approve a review, with who of them is away, and who of them stands in.
 */
import type { Entitled } from '../../runtime/index.ts';
import type { Absences } from './absences.ts';

export interface Approver extends Entitled {
  /** They are away until then. */
  readonly away?: {
    readonly until: number;
    /** Who of the others stands in for them; without one nobody does who may. */
    readonly standIn?: string;
  };
  /** Who of the others is away, and has them as a deputy. */
  readonly standsInFor?: readonly string[];
}

/** @param people who may approve it themselves: nobody is among them only because somebody else is away */
export function withAbsences(
  people: readonly Entitled[],
  absences: Pick<Absences, 'of' | 'standInOf'>,
): readonly Approver[] {
  const ids = people.map(({ principal }) => principal.id);
  const standIns = new Map(ids.map((id) => [id, absences.standInOf(id)]));
  return people.map((entry) => {
    const { id } = entry.principal;
    const absence = absences.of(id);
    const standIn = standIns.get(id);
    const represented = ids.filter((one) => standIns.get(one) === id);
    return {
      ...entry,
      ...(absence && {
        away: {
          until: absence.until,
          ...(standIn !== undefined && ids.includes(standIn) && { standIn }),
        },
      }),
      ...(represented.length > 0 && { standsInFor: represented }),
    };
  });
}
