/**
 * Whether reviews are among the actors that a logic may start, however deep: those that are provided to a machine by name, and those
 * that stand in its configuration themselves. What a function makes is not seen.
 */
import { isReview } from './review.ts';

interface Machine {
  readonly config?: Node;
  readonly implementations?: { readonly actors?: object };
}

interface Node {
  readonly invoke?: unknown;
  readonly states?: Readonly<Record<string, Node>>;
}

export function hasReviews(logic: unknown): boolean {
  return isAmong(logic, new Set());
}

function isAmong(logic: unknown, seen: Set<unknown>): boolean {
  if (isReview(logic)) return true;
  if (typeof logic !== 'object' || logic === null || seen.has(logic)) return false;
  seen.add(logic);
  const { config, implementations } = logic as Machine;
  const children = [...Object.values(implementations?.actors ?? {}), ...invokedIn(config)];
  return children.some((child) => isAmong(child, seen));
}

function invokedIn(node: Node | undefined): readonly unknown[] {
  const { invoke = [], states = {} } = node ?? {};
  const own = (Array.isArray(invoke) ? invoke : [invoke]) as readonly (
    { readonly src?: unknown } | undefined
  )[];
  return [...own.map((one) => one?.src), ...Object.values(states).flatMap(invokedIn)];
}
