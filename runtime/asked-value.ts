/**
 * Values that code of a user is asked for in the middle of a step, where whoever asks has a word for what goes wrong: a node of a
 * workflow that fails. The rules are those of steps and of the store. Held against them only when the step is over, such a value would
 * cost the whole step, and whoever waits for that would wait for ever.
 */
import { inspect } from '../storage/payload.ts';
import { confined } from './kernel/moment.ts';
import { isRef } from './kernel/ref.ts';

/** Less than what a store takes, because a value is kept within other values. */
const MAX_DEPTH = 112;

const REFERENCES = { test: isRef };

/**
 * What `give` gives. Whatever it throws comes through.
 * @throws MomentViolation where it does what a step must not, NotSerialisable where its value would not come back equal from the store
 */
export function askedValue<T>(give: () => T): T {
  const value = confined(give);
  inspect(value, 'it', REFERENCES, MAX_DEPTH);
  return value;
}
