/**
 * The answers of conditions: true or false, and nothing that only looks like one of them. A text, a promise or nothing at all would decide
 * about a run by accident.
 */

/** @throws TypeError for anything else. @param what gives it, for people */
export function truthOf(what: string, given: unknown): boolean {
  if (typeof given === 'boolean') return given;
  throw new TypeError(`${what} ${untrue(given)}`);
}

/** What is wrong with something that is neither. */
export const untrue = (given: unknown): string => `gives ${shown(given)}, which is neither true nor false`;

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
