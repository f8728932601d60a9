/**
 * The differences between two values, with their paths. Stacks of errors are left out: they depend on where the code stands,
 * not on what it does.
 */
import { isDeepStrictEqual } from 'node:util';
import { isRef } from './kernel/ref.ts';

export interface ValueDifference {
  readonly path: string;
  readonly recorded: unknown;
  readonly today: unknown;
}

/** The first difference; undefined when the values are equal. */
export function firstDifference(
  recorded: unknown,
  today: unknown,
  path: string,
): ValueDifference | undefined {
  let first: ValueDifference | undefined;
  compare(recorded, today, path, (difference) => {
    first = difference;
    return true;
  });
  return first;
}

/** All differences, each as deep inside as it can be named. */
export function allDifferences(recorded: unknown, today: unknown, path: string): ValueDifference[] {
  const all: ValueDifference[] = [];
  compare(recorded, today, path, (difference) => {
    all.push(difference);
    return false;
  });
  return all;
}

/** Hears of a difference. True ends the search. */
type Found = (difference: ValueDifference) => boolean;

/** Returns whether the search has ended. */
function compare(recorded: unknown, today: unknown, path: string, found: Found): boolean {
  if (Object.is(recorded, today)) return false;
  if (isRef(recorded) && isRef(today)) {
    if (recorded.sessionId === today.sessionId) return false;
    return found({ path, recorded: recorded.sessionId, today: today.sessionId });
  }
  if (!comparable(recorded, today)) return found({ path, recorded, today });
  if (recorded instanceof Error || isContainer(recorded))
    return compareWithin(recorded, today as object, path, found);
  // They may hold refs, and their order is part of what a step does.
  if (recorded instanceof Map || recorded instanceof Set) {
    const isSame = firstDifference([...recorded], [...(today as typeof recorded)], path) === undefined;
    return isSame ? false : found({ path, recorded, today });
  }
  return isDeepStrictEqual(recorded, today) ? false : found({ path, recorded, today });
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

function compareWithin(recorded: object, today: object, path: string, found: Found): boolean {
  const keys = new Set([...namesOf(recorded), ...namesOf(today)]);
  for (const key of keys) {
    const inner = path + stepTo(recorded, key);
    const before = valueAt(recorded, key);
    const after = valueAt(today, key);
    const isInBoth = Object.hasOwn(recorded, key) && Object.hasOwn(today, key);
    const ended = isInBoth
      ? compare(before, after, inner, found)
      : found({ path: inner, recorded: before, today: after });
    if (ended) return true;
  }
  return false;
}

/** As one would write it in code. */
function stepTo(holder: object, key: string): string {
  if (Array.isArray(holder)) return `[${key}]`;
  return /^[^.[\]'"]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function namesOf(value: object): string[] {
  if (!(value instanceof Error)) return Object.keys(value);
  return Object.getOwnPropertyNames(value).filter((name) => name !== 'stack');
}

function valueAt(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}
