/**
 * Values that nobody can change any more. What code of a user is given of a state is one: what it changed there would be another state
 * than the one that was recorded.
 */

/** Those that are frozen to the bottom, as they were given: to note all that is in them would cost more than to look again. */
const known = new WeakSet<object>();

/** Those that are being looked at, each within the one before: a value that contains itself comes to an end. */
const above: object[] = [];

/**
 * The value, frozen where it stands: plain objects, lists and errors to the bottom. What cannot be frozen (a Date, a Map, binary data) is
 * copied instead, with all that holds it, so that the original is out of reach. Objects of other classes are left as they are.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || known.has(value)) return value;
  const result = within(value);
  if (result === value) known.add(value);
  return result as T;
}

function within(value: object): object {
  if (above.includes(value)) return value;
  above.push(value);
  try {
    if (Array.isArray(value) || isPlain(value)) return partsFrozen(value as Parts);
    return value instanceof Error ? errorFrozen(value) : copyOf(value);
  } finally {
    above.pop();
  }
}

const inner = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? within(value) : value;

/** The items of a list, or the fields of an object. */
type Parts = Record<string, unknown>;

function partsFrozen(value: Parts): object {
  let copy: Parts | undefined;
  for (const key of Object.keys(value)) {
    const part = value[key];
    const kept = inner(part);
    if (kept !== part) (copy ??= shallowCopyOf(value))[key] = kept;
  }
  return Object.freeze(copy ?? value);
}

const shallowCopyOf = (value: Parts): Parts =>
  Array.isArray(value)
    ? ([...(value as readonly unknown[])] as never)
    : Object.assign(Object.create(Object.getPrototypeOf(value) as object | null) as Parts, value);

/** Its message and its cause are fields that are not counted. */
function errorFrozen(error: Error): Error {
  for (const key of Object.getOwnPropertyNames(error)) inner((error as unknown as Parts)[key]);
  return Object.freeze(error);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whoever writes into the copy changes nothing but that. */
function copyOf(value: object): object {
  if (value instanceof Date) return new Date(value);
  if (value instanceof RegExp) return new RegExp(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [inner(key), inner(item)]));
  if (value instanceof Set) return new Set([...value].map(inner));
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (value instanceof DataView)
    return new DataView(value.buffer.slice(0), value.byteOffset, value.byteLength);
  // Of all kinds of typed arrays. Not their own: that of Node's gives a view of the same memory.
  if (ArrayBuffer.isView(value)) return Uint8Array.prototype.slice.call(value);
  return value;
}
