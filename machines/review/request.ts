/**
 * A request, named by its content: so one that is repeated under the same id is told from another that was given that id by mistake. Of
 * whoever is told that it was done, it must be what they wanted that was done.
 */
import { canonicalOf, NotJson } from '../values/canonical.ts';
import { sha256 } from '../values/sha256.ts';

/** What says nothing of what somebody wants: how they are answered, and what was looked up for them. */
const LOOKED_UP: ReadonlySet<string> = new Set(['ask', 'permissions', 'problems', 'standsInFor']);

/**
 * The hash of what a message asks for; undefined of one that is no JSON. Where somebody has not said what they were shown it makes no
 * difference what was there.
 */
export function requestOf(event: object): string | undefined {
  const isShown = 'bound' in event && event.bound === 'shown';
  const said = Object.entries(event).filter(
    ([name, value]) => value !== undefined && !LOOKED_UP.has(name) && (name !== 'hash' || isShown),
  );
  try {
    return sha256(canonicalOf(Object.fromEntries(said)));
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}
