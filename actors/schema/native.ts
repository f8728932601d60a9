/**
 * The check of the library that a schema was written with, asked after JSON Schema has found nothing: it may know rules that JSON
 * Schema cannot say. It says yes or no, at once, and where. A value that it would change it does not accept as it is, so such
 * a value is refused: nothing is coerced, defaulted or taken away here.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import type { Check } from './json-schema.ts';
import { isRecord, MAX_PROBLEMS, pointerOf } from './plain.ts';
import type { PathKey } from './plain.ts';

export interface NativeSchema {
  readonly standard: StandardSchemaV1['~standard'];
  /** Whether its own messages are told: they may repeat the value. */
  readonly isQuoted: boolean;
}

/** The keyword of problems that a library has, and JSON Schema has not. */
const NATIVE_KEYWORD = 'validator';
/** It answers later. */
export const ASYNC_KEYWORD = 'async-validator';

/** @param schema of which nothing but its check is used */
export function nativeCheckOf({ standard, isQuoted }: NativeSchema): Check {
  const { vendor } = standard;
  const problem = (path: readonly PathKey[], detail: string, keyword = NATIVE_KEYWORD): ValueProblem => ({
    pointer: pointerOf(path),
    keyword,
    schemaPath: '#',
    detail,
  });
  return (value) => {
    let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
    try {
      // A copy: some fill in what they find missing in the value itself.
      result = standard.validate(structuredClone(value));
    } catch (error) {
      return [problem([], `the ${vendor} schema threw ${nameOf(error)} instead of an answer`)];
    }
    if (result instanceof Promise) {
      result.catch(() => {});
      return [problem([], `the ${vendor} schema answers later: a check is done at once`, ASYNC_KEYWORD)];
    }
    if (result.issues !== undefined) {
      return result.issues
        .slice(0, MAX_PROBLEMS)
        .map(({ path = [], message }) =>
          problem(path.map(keyOf), isQuoted ? message : `is refused by a rule of the ${vendor} schema`),
        );
    }
    return changesBetween(value, result.value).map(({ path, isGone }) => {
      const what = isGone
        ? `is unknown to the ${vendor} schema, which would take it away: leave it out, or declare it`
        : `would be changed by the ${vendor} schema, and nothing is changed here: let the schema say what is given, and change it in execute`;
      return problem(path, what);
    });
  };
}

/** The name of its class alone: its message may repeat the value. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'something');

function keyOf(segment: PropertyKey | StandardSchemaV1.PathSegment): PathKey {
  const key = typeof segment === 'object' ? segment.key : segment;
  return typeof key === 'symbol' ? String(key) : key;
}

interface ValueChange {
  readonly path: readonly PathKey[];
  readonly isGone: boolean;
}

/** Where a value is not what it was. A field that is undefined is as good as none. */
function changesBetween(before: unknown, after: unknown, path: readonly PathKey[] = []): ValueChange[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return [{ path, isGone: false }];
    return before.flatMap((item, index) => changesBetween(item, after[index], [...path, index]));
  }
  if (isRecord(before) && isRecord(after) && isPlain(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => {
      const [was, is] = [own(before, name), own(after, name)];
      const inner = [...path, name];
      if (is === undefined && was !== undefined) return [{ path: inner, isGone: true }];
      return changesBetween(was, is, inner);
    });
  }
  return Object.is(before, after) || (before === 0 && after === 0) ? [] : [{ path, isGone: false }];
}

const own = (record: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}
