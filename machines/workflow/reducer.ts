/**
 * Reducers: how what several tasks write under one name becomes one value. Named, so that two writers are never a matter of who
 * comes last by accident.
 */
import type { Reducer } from './graph.ts';

type Reduce = (before: unknown, written: unknown) => unknown;

const REDUCE: Readonly<Record<Reducer, Reduce>> = {
  last: (_, written) => written,
  append: (before, written) => [...listOf(before, 'append'), ...asList(written)],
  union: (before, written) => unionOf([...listOf(before, 'union'), ...asList(written)]),
  sum: (before, written) => numberOf(before, 'sum') + numberOf(written, 'sum'),
  max: (before, written) => Math.max(numberOf(before, 'max'), numberOf(written, 'max')),
  min: (before, written) => Math.min(numberOf(before, 'min'), numberOf(written, 'min')),
  merge: (before, written) => ({ ...objectOf(before, 'merge'), ...objectOf(written, 'merge') }),
};

export const REDUCERS = Object.keys(REDUCE) as readonly Reducer[];

/** What each reducer begins with, unless something else is given. */
export const INITIAL: Readonly<Record<Reducer, unknown>> = {
  last: undefined,
  append: [],
  union: [],
  sum: 0,
  max: -Infinity,
  min: Infinity,
  merge: {},
};

/** @throws TypeError when a value is not of the kind that the reducer is for */
export const reduced = (reducer: Reducer, before: unknown, written: unknown): unknown =>
  REDUCE[reducer](before, written);

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

function listOf(value: unknown, reducer: Reducer): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`'${reducer}' is for lists`);
}

function numberOf(value: unknown, reducer: Reducer): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new TypeError(`'${reducer}' is for numbers`);
}

function objectOf(value: unknown, reducer: Reducer): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TypeError(`'${reducer}' is for objects`);
}

/** Equal as data: the same in any order of keys. */
function unionOf(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [textOf(value), value]));
  return [...byText.values()];
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? String(value);
