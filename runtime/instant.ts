/**
 * Instants as users give them: a date, a number of milliseconds, or a text that says on whose clock it is.
 */
import { inspect } from 'node:util';
import { InvalidArgument } from './errors.ts';

/** A point in time: a date, milliseconds since 1970, or ISO 8601 with its offset (`2026-01-31T09:00:00Z`, `…+02:00`). */
export type Instant = Date | number | string;

/** Beyond these there are no dates. */
const MAX_MS = 8.64e15;

// Without an offset, it would be read on the clock of the machine it happens to run on.
const ISO = /^\d{4}-\d\d-(?<day>\d\d)T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|(?<offset>[+-]\d\d:\d\d))$/;

/** The instant in milliseconds since the epoch. @throws InvalidArgument */
export function instantOf(given: Instant, path: string): number {
  const at = typeof given === 'string' ? parsed(given) : given instanceof Date ? given.getTime() : given;
  if (!Number.isInteger(at) || Math.abs(at) > MAX_MS) {
    throw new InvalidArgument(
      path,
      `is not a point in time: ${inspect(given, { depth: 1, breakLength: Infinity, maxStringLength: 100 })}; write ISO 8601 with its offset, like '2026-01-31T09:00:00Z'`,
    );
  }
  return at;
}

function parsed(text: string): number {
  const match = ISO.exec(text);
  if (match === null) return NaN;
  const { day, offset = 'Z' } = match.groups!;
  // 31 February would be read as a day in March.
  const sameDay = new Date(Date.parse(`${text.slice(0, 10)}T00:00:00Z`)).getUTCDate() === Number(day);
  return sameDay && offset.slice(1, 3) < '24' ? Date.parse(text) : NaN;
}
