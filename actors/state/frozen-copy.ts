/**
 * Copies of what is told, so that whoever is told it cannot change the state that it was told of.
 */
import { isRecord } from '../schema/plain.ts';

/** Objects and lists all the way down, frozen. What is neither is copied as far as that is possible. */
export function frozenCopy<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(copyOf));
  if (isRecord(value) && isPlain(value)) {
    const entries = Object.entries(value).map(([key, part]) => [key, copyOf(part)]);
    return Object.freeze(Object.fromEntries(entries));
  }
  return isCopied(value) ? structuredClone(value) : value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const isCopied = (value: unknown): boolean =>
  value instanceof Map || value instanceof Set || value instanceof Date || ArrayBuffer.isView(value);
