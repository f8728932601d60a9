/**
 * Own copies of what is given from outside: whoever asks the decider first, or waits for anything else, must afterwards do what was
 * asked for, and not what the caller has made of it meanwhile. Every act takes one before anything else.
 *
 * Objects, lists and dates are copied with all in them, and getters are asked once. What has a class of its own (a signal, a
 * function, a ref) is what it is, and stays.
 */

/** A copy that nobody else has in hand. */
export function ownCopyOf<T>(given: T): T {
  return copyOf(given, new Map()) as T;
}

/** @param made what was copied already: parts may be there twice, or contain themselves */
function copyOf(given: unknown, made: Map<object, unknown>): unknown {
  if (typeof given !== 'object' || given === null) return given;
  if (made.has(given)) return made.get(given);
  if (given instanceof Date) return new Date(given);
  if (!isPlain(given)) return given;
  const copy: object = Array.isArray(given)
    ? new Array(given.length)
    : (Object.create(Object.getPrototypeOf(given)) as object);
  made.set(given, copy);
  // Also what cannot be stored: whoever stores it must find and refuse it.
  for (const key of Reflect.ownKeys(given)) {
    if (key === 'length' && Array.isArray(given)) continue;
    const value = copyOf((given as Readonly<Record<PropertyKey, unknown>>)[key], made);
    const enumerable = Object.prototype.propertyIsEnumerable.call(given, key);
    Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
  }
  return copy;
}

function isPlain(given: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}
