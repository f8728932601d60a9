/**
 * Errors that can be stored. Anything may be thrown, by code that means no harm and by code that does; what is recorded of
 * it must come back as it was. Nothing in here throws.
 */
import { retryAfterMsOf, waitInHeadersOf } from '../machines/permits/retry-after.ts';
import { BUILTIN_ERRORS } from '../storage/payload.ts';
import type { Codec } from '../storage/codec.ts';

const BEYOND_WORDS = 'something that cannot be described';

/**
 * A thrown value in a form that can be stored: itself if it can be; for an error that cannot, an error of the nearest
 * built-in class with the same name, message, stack and cause, and those fields that can be stored; for anything else, its
 * text. Texts lose their halves of characters.
 */
export function portable(codec: Codec, thrown: unknown): unknown {
  try {
    const stored = portableWithin(codec, thrown, []);
    return canBeStored(codec, stored) ? stored : describe(thrown);
  } catch {
    return BEYOND_WORDS;
  }
}

/** @param above the errors it is the cause, or a part, of: one that causes itself is left out there */
function portableWithin(codec: Codec, thrown: unknown, above: readonly unknown[]): unknown {
  if (canBeStored(codec, thrown)) return thrown;
  if (thrown instanceof Error) return portableError(codec, thrown, [...above, thrown]);
  return describe(thrown);
}

function portableError(codec: Codec, error: Error, above: readonly unknown[]): Error {
  const copy = new Error();
  delete copy.stack;
  Object.setPrototypeOf(copy, builtinPrototypeOf(error));
  for (const key of Object.getOwnPropertyNames(error)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
    keep(codec, copy, key, portableField(codec, read(error, key), above), enumerable);
  }
  // Classes often put these on the prototype, which is lost.
  for (const key of ['message', 'name']) {
    const value = read(error, key);
    if (read(copy, key) !== value) keep(codec, copy, key, portableField(codec, value, above), false);
  }
  keepWait(codec, copy, error);
  return copy;
}

/** How long it asks to be left alone may stand in headers that cannot be stored. */
function keepWait(codec: Codec, copy: Error, error: Error): void {
  if (retryAfterMsOf({ ...copy, cause: undefined }, 0) !== undefined) return;
  const [headers, responseHeaders, response] = HEADED.map((key) => read(error, key));
  const told = waitInHeadersOf({
    headers,
    responseHeaders,
    response: { headers: read(response, 'headers') },
  });
  for (const [key, value] of Object.entries(told)) keep(codec, copy, key, value, true);
}

const HEADED = ['headers', 'responseHeaders', 'response'];

function portableField(codec: Codec, value: unknown, above: readonly unknown[]): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (value instanceof Error) return above.includes(value) ? undefined : portableWithin(codec, value, above);
  // The errors of an AggregateError.
  if (Array.isArray(value) && value.some((item) => item instanceof Error)) {
    return value.filter((item) => !above.includes(item)).map((item) => portableWithin(codec, item, above));
  }
  return value;
}

/** Sets a field, if it can be stored. */
function keep(codec: Codec, copy: Error, key: string, value: unknown, enumerable: boolean): void {
  if (value === undefined || !key.isWellFormed() || !canBeStored(codec, value)) return;
  Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
}

/** What a field says, which may be a getter that throws. */
function read(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function builtinPrototypeOf(error: Error): object {
  for (let prototype: unknown = error; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    if (BUILTIN_ERRORS.has(prototype as object)) return prototype as object;
  }
  return Error.prototype;
}

function canBeStored(codec: Codec, value: unknown): boolean {
  try {
    codec.inspect(value, 'error');
    return true;
  } catch {
    return false;
  }
}

function describe(thrown: unknown): string {
  try {
    return String(thrown).toWellFormed();
  } catch {
    return BEYOND_WORDS;
  }
}
