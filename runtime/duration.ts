/**
 * Durations as users give them: a number of milliseconds, or Effect's forms (`'10 seconds'`, `Duration.minutes(1)`).
 */
import * as Duration from 'effect/Duration';
import { InvalidArgument } from './errors.ts';

/** The duration in milliseconds. `Infinity` stays what it is. @throws InvalidArgument */
export function millisOf(input: Duration.Input, path: string): number {
  let millis: number;
  try {
    millis = Duration.toMillis(Duration.fromInputUnsafe(input));
  } catch (error) {
    throw new InvalidArgument(path, `is not a duration: ${JSON.stringify(input)}; write '10 seconds'`, {
      cause: error,
    });
  }
  if (!(millis >= 0))
    throw new InvalidArgument(path, `must not be negative, but is ${JSON.stringify(input)}`);
  return millis;
}
