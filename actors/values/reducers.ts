/**
 * How several values become one, by name. Each takes values of its kind and no others: what does not fit is a problem, and is
 * not made to fit.
 */
import { isSame } from './sameness.ts';
import { fractionOf, numberOf, plus } from './fraction.ts';

/** `{ join: '\n' }` puts texts together, with that between them. */
export type Reducer = ReducerName | { readonly join: string };
export type ReducerName = keyof typeof REDUCERS;

type Values = readonly unknown[];

/** What it takes, and what comes of that. Never called without values. */
interface Reduction {
  readonly takes: (value: unknown) => boolean;
  readonly kind: string;
  readonly reduce: (values: Values) => unknown;
}

function reduction<TValue>(
  kind: string,
  takes: (value: unknown) => value is TValue,
  reduce: (values: readonly TValue[]) => unknown,
): Reduction {
  return { kind, takes, reduce: reduce as (values: Values) => unknown };
}

const isList = (value: unknown): value is Values => Array.isArray(value);
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTruth = (value: unknown): value is boolean => typeof value === 'boolean';
const isAny = (value: unknown): value is unknown => value !== undefined;

const REDUCERS = {
  /** Lists, one after the other. */
  append: reduction('lists', isList, (lists) => lists.flat()),
  /** Lists, without what says the same as something before it. */
  union: reduction('lists', isList, (lists) => distinct(lists.flat())),
  /** Numbers, exactly as they are written. */
  sum: reduction('numbers', isNumber, (numbers) => numberOf(numbers.map(fractionOf).reduce(plus))),
  min: reduction('numbers', isNumber, (numbers) => numbers.reduce((a, b) => Math.min(a, b))),
  max: reduction('numbers', isNumber, (numbers) => numbers.reduce((a, b) => Math.max(a, b))),
  all: reduction('true or false', isTruth, (truths) => truths.every(Boolean)),
  any: reduction('true or false', isTruth, (truths) => truths.some(Boolean)),
  first: reduction('values', isAny, (values) => values[0]),
  last: reduction('values', isAny, (values) => values.at(-1)),
} as const satisfies Readonly<Record<string, Reduction>>;

export const REDUCER_NAMES = Object.keys(REDUCERS) as readonly ReducerName[];

export type Reduced =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

/** Several values as one. */
export function reduced(values: Values, reducer: Reducer): Reduced {
  if (values.length === 0) return { ok: false, problem: 'has no values' };
  const { kind, takes, reduce } = reductionOf(reducer);
  const wrong = values.findIndex((value) => !takes(value));
  if (wrong !== -1)
    return { ok: false, problem: `takes ${kind}, and number ${wrong + 1} of ${values.length} is not` };
  return { ok: true, value: reduce(values) };
}

/** Whether something names a reducer. */
export function isReducer(given: unknown): given is Reducer {
  if (typeof given === 'string') return Object.hasOwn(REDUCERS, given);
  if (typeof given !== 'object' || given === null) return false;
  return Object.keys(given).length === 1 && isText((given as { join?: unknown }).join);
}

function reductionOf(reducer: Reducer): Reduction {
  if (typeof reducer === 'string') return REDUCERS[reducer];
  return reduction('texts', isText, (texts) => texts.join(reducer.join));
}

const distinct = (values: Values): Values =>
  values.filter((value, index) => values.findIndex((other) => isSame(other, value)) === index);
