/**
 * References: parts of an input that are taken from what is known, said as data instead of by a function. So they can be checked
 * before anything runs, and stand in a file.
 */
import { keysOf } from '../../machines/values/json-pointer.ts';

/** A part of the output of a node, or of the input of the run. */
export interface Reference {
  readonly [REFERENCE]: true;
  /** A node; undefined: the run. */
  readonly node: string | undefined;
  /** A JSON pointer: `/citations/0`. */
  readonly pointer: string;
}
declare const REFERENCE: unique symbol;

const known = new WeakSet<object>();

/** `from('research', '/text')` is the text in the output of `research`; `from.input('/topic')` the topic that the run was given. */
export function from(node: string, pointer = ''): Reference {
  return reference(node, pointer);
}

from.input = (pointer = ''): Reference => reference(undefined, pointer);

function reference(node: string | undefined, pointer: string): Reference {
  const made = Object.freeze({ node, pointer }) as Reference;
  known.add(made);
  return made;
}

export const isReference = (value: unknown): value is Reference =>
  typeof value === 'object' && value !== null && known.has(value);

/** The value at a place. @throws RangeError when there is none */
export function valueAt(value: unknown, pointer: string): unknown {
  let part = value;
  for (const key of keysOf(pointer)) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key))
      throw new RangeError(`there is nothing at ${pointer}`);
    part = (part as Readonly<Record<string, unknown>>)[key];
  }
  return part;
}
