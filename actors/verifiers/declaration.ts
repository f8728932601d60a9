/** What is declared to a verifier: an object with known fields. A misspelt one would silently check nothing. */
import { InvalidArgument } from '../../runtime/index.ts';
import type { Assessment, Claim, Verifier } from './verifier.ts';

/** @throws InvalidArgument */
export function fieldsOf(
  path: string,
  given: unknown,
  names: readonly string[],
  expected = `an object with ${names.join(', ')}`,
): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidArgument(path, `must be ${expected}`);
  }
  const stranger = Object.keys(given).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw new InvalidArgument(`${path}.${stranger}`, `is not known; there is ${names.join(', ')}`);
  }
  return given as Readonly<Record<string, unknown>>;
}

/** A verifier that goes by what is declared to it, as that was then. It stands in the code of a task: a change of it is a change of the task. */
export function verifierBy<T>(
  name: string,
  given: T,
  holds: (declared: T, claim: Claim) => Assessment,
): Verifier {
  const own = structuredClone(given);
  const declared: unknown = JSON.parse(JSON.stringify(own));
  return { name, version: 1, check: (claim) => holds(own, claim), declared };
}
