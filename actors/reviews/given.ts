/**
 * What callers give. Of what makes no sense it is said where it stands, before anybody is asked and anything is recorded.
 */
import { InvalidArgument } from '../../runtime/index.ts';

/** @throws InvalidArgument */
export function checkReason(reason: unknown): void {
  if (reason !== undefined && typeof reason !== 'string')
    throw new InvalidArgument('reason', `must be a text, but is a ${typeof reason}`);
}

/** @throws InvalidArgument */
export function checkReviewId(id: unknown): void {
  if (typeof id !== 'string' || id === '')
    throw new InvalidArgument('id', `must be the address of a review, but is ${shown(id)}`);
}

/** @throws InvalidArgument */
export function checkWords(what: unknown): void {
  if (typeof what !== 'object' || what === null)
    throw new InvalidArgument(
      'what',
      `must be an object with what is decided, and by whom, but is ${shown(what)}`,
    );
}

/** As it was when it was given: the decider may take its time, and what was looked at is what is done. */
export function copied<T>(given: T): T {
  try {
    return structuredClone(given);
  } catch {
    // What cannot be copied is no JSON, and whoever takes it says so.
    return given;
  }
}

const shown = (value: unknown): string => (value === '' ? 'empty' : value === null ? 'null' : typeof value);
