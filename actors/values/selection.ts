/**
 * Places in a value: JSON pointers as URI fragments (RFC 6901, section 6) in which a part `*` stands for every item of a list, or
 * every field of an object: `#/amounts/*`. A field that is itself called `*` is written `%2A`.
 *
 * A place that should be there and is not is found as well, without a value: whoever sums up, or checks, must not overlook it.
 */
import { InvalidArgument } from '../../runtime/index.ts';

export interface Found {
  /** Without `*`, except where there is nothing that it could stand for. */
  readonly pointer: string;
  /** Undefined where nothing is: plain data have no other. */
  readonly value: unknown;
}

/** Every place that a pattern stands for, in the order of the value. Of an empty list that is none. */
export function select(value: unknown, pattern: string): readonly Found[] {
  let found: readonly Found[] = [{ pointer: '#', value }];
  for (const part of partsOf(pattern)) found = found.flatMap((place) => inside(place, part));
  return found;
}

/** The same value with something else in one place, which is there. */
export function replaced(value: unknown, pointer: string, replacement: unknown): unknown {
  return replacedIn(value, partsOf(pointer).map(keyOf), replacement);
}

/** @throws InvalidArgument with `path` when it is no pattern */
export function checkPattern(path: string, pattern: unknown): asserts pattern is string {
  const problem = 'must be a JSON pointer as a URI fragment, as #/rows/0 or #/rows/*';
  if (typeof pattern !== 'string' || !/^#(\/([^~/]|~[01])*)*$/u.test(pattern)) {
    throw new InvalidArgument(path, problem);
  }
  try {
    decodeURIComponent(pattern);
  } catch (cause) {
    throw new InvalidArgument(path, `${problem}, but its % signs make no text`, { cause });
  }
}

/** @throws InvalidArgument with `path` when it is no pointer, or stands for more than one place */
export function checkPointer(path: string, pointer: unknown): asserts pointer is string {
  checkPattern(path, pointer);
  if (partsOf(pointer).includes(EVERY)) throw new InvalidArgument(path, 'must be one place: without *');
}

const EVERY = '*';

/** As they are written: only so `*` and `%2A` can be told apart. */
const partsOf = (pattern: string): readonly string[] => pattern.split('/').slice(1);

const keyOf = (part: string): string => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');

function inside({ pointer, value }: Found, part: string): readonly Found[] {
  const fields = fieldsOf(value);
  if (part !== EVERY) return [{ pointer: `${pointer}/${part}`, value: fields?.get(keyOf(part)) }];
  if (fields === undefined) return [{ pointer: `${pointer}/${EVERY}`, value: undefined }];
  return [...fields].map(([key, inner]) => ({ pointer: `${pointer}/${written(key)}`, value: inner }));
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

function written(key: string): string {
  const escaped = key.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
  return encodeURIComponent(escaped).replaceAll('*', '%2A');
}

function replacedIn(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === key ? replacedIn(item, rest, replacement) : item));
  }
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [key]: replacedIn(record[key], rest, replacement) };
}
