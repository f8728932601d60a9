/**
 * Canonical JSON (RFC 8785): the same value is the same text, whatever order its properties were given in. So its hash says what
 * somebody has seen.
 *
 * It takes JSON and nothing else. A value that JSON would drop or change (`undefined`, NaN, a Date, a lone surrogate) is
 * refused, with a pointer to it: two contents that differ must never have one hash.
 */
import { pointerTo } from './json-pointer.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [property: string]: Json };

/** Deeper than this nobody means it; as for whatever is stored. */
const DEEPEST = 128;

/** A value is no JSON. */
export class NotJson extends TypeError {
  /** A JSON pointer to what is wrong. */
  readonly pointer: string;

  constructor(path: readonly string[], reason: string) {
    const pointer = pointerTo(path);
    super(`${pointer === '' ? 'it' : pointer} ${reason}`);
    this.pointer = pointer;
  }
}

/** @throws NotJson */
export function canonicalOf(value: unknown): string {
  return written(value, []);
}

/** @throws NotJson */
export function assertJson(value: unknown): asserts value is Json {
  canonicalOf(value);
}

function written(value: unknown, path: readonly string[]): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return text(value, path);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotJson(path, `is ${value}, and no number of JSON`);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new NotJson(path, `is ${nameOf(value)}, and no JSON`);
  if (path.length >= DEEPEST) throw new NotJson(path, `is nested deeper than ${DEEPEST} levels`);
  if (Array.isArray(value)) {
    // Not `map`: that leaves out holes.
    const items = Array.from(value, (item: unknown, index) => written(item, [...path, String(index)]));
    return `[${items.join(',')}]`;
  }
  if (!isPlain(value)) throw new NotJson(path, `is an instance of a class, and no JSON`);
  const properties = Object.keys(value)
    .toSorted()
    .map((key) => {
      const below = [...path, key];
      // It could not be stored, and where it is assigned it does something else.
      if (key === '__proto__') throw new NotJson(below, 'is no name of a property here');
      return `${text(key, below)}:${written((value as Record<string, unknown>)[key], below)}`;
    });
  return `{${properties.join(',')}}`;
}

function text(value: string, path: readonly string[]): string {
  if (!value.isWellFormed()) throw new NotJson(path, 'has a lone surrogate');
  return JSON.stringify(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of another realm too.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const nameOf = (value: unknown): string => (value === undefined ? 'undefined' : `a ${typeof value}`);
