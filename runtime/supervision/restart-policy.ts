/**
 * Restart policies as users write them: in child specs (`durable`) and in declarations of supervisors.
 */
import type { Duration } from 'effect';
import { millisOf } from '../duration.ts';
import { InvalidArgument } from '../errors.ts';
import { RESTART_TYPES } from './strategy.ts';
import type { RestartType } from './strategy.ts';

/**
 * What a restart brings back: the state it had before it failed, restored from its `journal`; or an `initial` one, in a new
 * life with the input of the first.
 */
export type RestartFrom = 'journal' | 'initial';

/** When an actor is started again after its end, and as what. */
export type Restart = RestartType | { readonly type?: RestartType; readonly from?: RestartFrom };

/** As in OTP. */
export const DEFAULT_INTENSITY = 1;
export const DEFAULT_PERIOD_MS = 5000;

/** Both forms of a restart policy as one. @throws InvalidArgument */
export function readRestart(given: Restart, path: string): { type?: RestartType; from?: RestartFrom } {
  const { type, from } = typeof given === 'object' && given !== null ? given : { type: given };
  if (type !== undefined) assertOneOf(type, RESTART_TYPES, path);
  if (from !== undefined) assertOneOf(from, ['journal', 'initial'], `${path}.from`);
  return { ...(type !== undefined && { type }), ...(from !== undefined && { from }) };
}

/** @throws InvalidArgument */
export function assertIntensity(intensity: number, path: string): void {
  if (Number.isInteger(intensity) && intensity >= 0) return;
  throw new InvalidArgument(path, `must be a whole number of restarts, but is ${String(intensity)}`);
}

/** A period in milliseconds. @throws InvalidArgument */
export function periodOf(period: Duration.Input, path: string): number {
  const periodMs = millisOf(period, path);
  if (periodMs === 0) throw new InvalidArgument(path, 'must be longer than nothing');
  return periodMs;
}

/** @throws InvalidArgument */
export function assertOneOf<T>(value: T, allowed: readonly T[], path: string): void {
  if (allowed.includes(value)) return;
  const words = allowed.map((one) => `'${String(one)}'`);
  const choices = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  throw new InvalidArgument(path, `must be ${choices}, but is ${JSON.stringify(value)}`);
}
