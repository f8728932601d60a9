/**
 * The first difference between two values, with its path. Stacks of errors are left out: they depend on where the code
 * stands, not on what it does.
 */
import { isDeepStrictEqual } from 'node:util';
import { isRef } from './kernel/ref.ts';

export interface ValueDifference {
  readonly path: string;
  readonly recorded: unknown;
  readonly today: unknown;
}

export function firstDifference(
  recorded: unknown,
  today: unknown,
  path: string,
): ValueDifference | undefined {
  if (Object.is(recorded, today)) return undefined;
  if (isRef(recorded) && isRef(today)) {
    return recorded.sessionId === today.sessionId
      ? undefined
      : { path, recorded: recorded.sessionId, today: today.sessionId };
  }
  if (!comparable(recorded, today)) return { path, recorded, today };
  if (recorded instanceof Error || isContainer(recorded))
    return differenceWithin(recorded, today as object, path);
  // They may hold refs, and their order is part of what a step does.
  if (recorded instanceof Map || recorded instanceof Set) {
    const items = [...(today as typeof recorded)];
    return firstDifference([...recorded], items, path) && { path, recorded, today };
  }
  return isDeepStrictEqual(recorded, today) ? undefined : { path, recorded, today };
}

function comparable(a: unknown, b: unknown): a is object {
  return (
    typeof a === 'object' &&
    typeof b === 'object' &&
    a !== null &&
    b !== null &&
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b)
  );
}

function isContainer(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function differenceWithin(recorded: object, today: object, path: string): ValueDifference | undefined {
  const keys = new Set([...namesOf(recorded), ...namesOf(today)]);
  for (const key of keys) {
    const inner = Array.isArray(recorded) ? `${path}[${key}]` : `${path}.${key}`;
    if (!Object.hasOwn(recorded, key) || !Object.hasOwn(today, key)) {
      return { path: inner, recorded: valueAt(recorded, key), today: valueAt(today, key) };
    }
    const difference = firstDifference(valueAt(recorded, key), valueAt(today, key), inner);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function namesOf(value: object): string[] {
  if (!(value instanceof Error)) return Object.keys(value);
  return Object.getOwnPropertyNames(value).filter((name) => name !== 'stack');
}

function valueAt(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}
