/**
 * Truth, as far as it is known. A statement holds, does not hold, or cannot be told because something is missing or is not what it
 * must be. What follows from the last is for the row: it is no reason to grant, and one to forbid.
 */

/** What must be known, or be otherwise: `principal.properties.mfaAt`. */
export interface Unknown {
  readonly missing: readonly string[];
}

export type Truth = boolean | Unknown;

export const unknown = (...missing: string[]): Unknown => ({ missing });

export const isUnknown = (truth: Truth): truth is Unknown => typeof truth === 'object';

/** Whether all of them hold. One that does not decides it, whatever cannot be told. */
export function every(truths: Iterable<Truth>): Truth {
  const missing: string[] = [];
  for (const truth of truths) {
    if (truth === false) return false;
    if (isUnknown(truth)) missing.push(...truth.missing);
  }
  return missing.length === 0 || { missing };
}

/** Whether one of them holds. */
export function some(truths: Iterable<Truth>): Truth {
  const missing: string[] = [];
  for (const truth of truths) {
    if (truth === true) return true;
    if (isUnknown(truth)) missing.push(...truth.missing);
  }
  return missing.length > 0 && { missing };
}
