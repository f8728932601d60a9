/**
 * The error of absences. See `storage/errors.ts` for the base class and the rules.
 */
import type { AbsenceRefusal, AbsenceRefusedFor } from '../../machines/absence/words.ts';
import { HeddleError } from '../../runtime/index.ts';

/** An absence was not declared, or not cancelled. That somebody wanted it is recorded. */
export class AbsenceRefused extends HeddleError {
  readonly _tag = 'AbsenceRefused';
  readonly code = 'HEDDLE_ABSENCE_REFUSED';
  readonly retryable = false;
  /** Whose it is. */
  readonly person: string;
  readonly reason: AbsenceRefusal;

  constructor(person: string, { reason, detail }: AbsenceRefusedFor) {
    super(`the absence of ${person}: refused (${reason}): ${detail}`);
    this.person = person;
    this.reason = reason;
  }
}
