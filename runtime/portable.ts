/**
 * Errors that can be stored. Anything may be thrown; what is recorded of it must come back as it was.
 */
import { BUILTIN_ERRORS } from '../storage/payload.ts';
import type { Codec } from '../storage/codec.ts';

/**
 * A thrown value in a form that can be stored: itself if it can be; for an error of a class of its own, an error of the
 * nearest built-in class with the same name, message, stack, cause, and those fields that can be stored; for anything
 * else, its text.
 */
export function portable(codec: Codec, thrown: unknown): unknown {
  if (canBeStored(codec, thrown)) return thrown;
  return thrown instanceof Error ? portableError(codec, thrown) : describe(thrown);
}

function portableError(codec: Codec, error: Error): Error {
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, builtinPrototypeOf(error));
  for (const key of Object.getOwnPropertyNames(error)) {
    const value = (error as unknown as Record<string, unknown>)[key];
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
    // A cause or an aggregated error may need the same treatment; other fields are kept as they are, or left out.
    const stored = value instanceof Error ? portable(codec, value) : value;
    if (!canBeStored(codec, stored)) continue;
    Object.defineProperty(copy, key, { value: stored, enumerable, writable: true, configurable: true });
  }
  // Classes often put their name on the prototype, which is lost.
  if (copy.name !== error.name) {
    Object.defineProperty(copy, 'name', {
      value: error.name,
      enumerable: false,
      writable: true,
      configurable: true,
    });
  }
  return copy;
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
    return String(thrown);
  } catch {
    return 'something that cannot be described';
  }
}
