/**
 * Durations as users give them: a number of milliseconds, or Effect's forms (`'10 seconds'`, `Duration.minutes(1)`).
 */
import * as Duration from 'effect/Duration';
import { InvalidArgument } from './errors.ts';

/** The duration in milliseconds. `Infinity` stays what it is. @throws InvalidArgument */
export function millisOf(input: Duration.Input, path: string): number {
  let millis: number;
  try {
    assertMeant(input);
    millis = Duration.toMillis(Duration.fromInputUnsafe(input));
  } catch (error) {
    throw new InvalidArgument(path, `is not a duration: ${shown(input)}; write '10 seconds'`, {
      cause: error,
    });
  }
  if (!(millis >= 0)) throw new InvalidArgument(path, `must not be negative, but is ${shown(input)}`);
  return millis;
}

/** For people. Whatever it is, and JSON has no words for much of it, they are told that it is none, and where. */
function shown(input: unknown): string {
  if (typeof input === 'bigint') return String(input);
  try {
    return JSON.stringify(input) ?? `a ${typeof input}`;
  } catch {
    return 'an object';
  }
}

const UNITS: ReadonlySet<string> = new Set<keyof Duration.DurationObject>([
  'weeks',
  'days',
  'hours',
  'minutes',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds',
]);

/** Effect takes NaN, and objects with units it does not know, for no time at all. */
function assertMeant(input: Duration.Input): void {
  if (Number.isNaN(input)) throw new RangeError('it is not a number');
  if (typeof input !== 'object' || Duration.isDuration(input) || Array.isArray(input)) return;
  const units = Object.keys(input);
  if (units.length === 0 || !units.every((unit) => UNITS.has(unit)))
    throw new RangeError('it has no such unit');
}
