/**
 * Values as JSON, and back. What JSON cannot say stands under a key that begins with `$`, alone in its object:
 *
 * | value                    | JSON                                                     |
 * |--------------------------|----------------------------------------------------------|
 * | `undefined`              | `{"$undefined":true}`                                    |
 * | `NaN`, `-0`, `Infinity`  | `{"$number":"NaN"}`                                      |
 * | `12n`                    | `{"$bigint":"12"}`                                       |
 * | a `Date`                 | `{"$date":"2026-11-22T04:00:33.513Z"}`                   |
 * | a `Map`, a `Set`         | `{"$map":[[key,value],…]}`, `{"$set":[value,…]}`         |
 * | a `RegExp`               | `{"$regexp":["source","flags"]}`                         |
 * | binary data              | `{"$bytes":"base64","of":"Uint8Array"}`                  |
 * | an error                 | `{"$error":{"name":…,"message":…,"stack":…,…}}`          |
 * | a reference to an actor  | `{"$ref":"order/42","life":1}`                           |
 * | what cannot be described | `{"$opaque":"a function"}`                               |
 *
 * A key of the value's own that begins with `$` gets one more. The same JSON goes over the control socket and out with `--json`,
 * and what is sent with `--data` may use it. This file does not decide what may be stored: it writes down whatever it is given.
 */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Deeper is cut off. Nothing that was stored is as deep. */
const MAX_DEPTH = 256;

/** A value as JSON. Never throws. */
export function tagged(value: unknown): Json {
  try {
    return tag(value, [], 0);
  } catch (error) {
    return { $opaque: `something that cannot be described (${String(error)})` };
  }
}

function tag(value: unknown, above: readonly unknown[], depth: number): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) };
    case 'undefined':
      return { $undefined: true };
    case 'bigint':
      return { $bigint: String(value) };
    case 'object':
      if (value === null) return null;
      if (above.includes(value)) return { $opaque: 'itself, once more' };
      if (depth > MAX_DEPTH) return { $opaque: 'too deep' };
      return tagObject(value, [...above, value], depth + 1);
    default:
      return { $opaque: `a ${typeof value}` };
  }
}

function tagObject(value: object, above: readonly unknown[], depth: number): Json {
  const inner = (item: unknown): Json => tag(item, above, depth);
  // Holes are told as what reading them gives.
  if (Array.isArray(value)) return Array.from(value, inner);
  if (value instanceof Date)
    return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() };
  if (value instanceof Map) return { $map: [...value].map(([key, item]) => [inner(key), inner(item)]) };
  if (value instanceof Set) return { $set: [...value].map(inner) };
  if (value instanceof RegExp) return { $regexp: [value.source, value.flags] };
  if (value instanceof Error) return { $error: errorFields(value, inner) };
  if (value instanceof ArrayBuffer)
    return { $bytes: Buffer.from(value).toString('base64'), of: 'ArrayBuffer' };
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $bytes: bytes.toString('base64'), of: Buffer.isBuffer(value) ? 'Buffer' : viewNameOf(value) };
  }
  if (isReference(value)) return { $ref: value.address, life: value.life };
  return fieldsOf(value, Object.keys(value), inner);
}

function viewNameOf(view: ArrayBufferView): string {
  return (view as unknown as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag];
}

/** A ref of a live system, or what stands for one in an archive. Data of users is plain and never taken for one. */
function isReference(value: object): value is { readonly address: string; readonly life: number } {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  const { address, life } = value as Record<string, unknown>;
  return typeof address === 'string' && typeof life === 'number';
}

/** Own fields, enumerable or not, and the name, which mostly stands on the prototype. */
function errorFields(error: Error, inner: (item: unknown) => Json): Json {
  const keys = Object.getOwnPropertyNames(error).filter((key) => key !== 'name' && key !== 'message');
  return { name: error.name, message: error.message, ...fieldsOf(error, keys, inner) };
}

function fieldsOf(
  value: object,
  keys: readonly string[],
  inner: (item: unknown) => Json,
): Record<string, Json> {
  const entries = keys.map(
    (key) => [key.startsWith('$') ? `$${key}` : key, inner((value as Record<string, unknown>)[key])] as const,
  );
  // Not by assignment, which a key `__proto__` would turn into something else.
  return Object.fromEntries(entries);
}

// ---- back ---------------------------------------------------------------------------------------------------------

/** JSON that is no value: what is wrong, and where. */
export class BadTag extends Error {}

/** The value again. References, and what could not be described, are refused: nobody can make those. @throws BadTag */
export function untagged(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (isList(json)) return json.map(untagged);
  const tag = Object.keys(json).find((key) => /^\$(?!\$)/.test(key));
  if (tag !== undefined) return untag(tag, json);
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => [key.startsWith('$$') ? key.slice(1) : key, untagged(item!)]),
  );
}

const isList = (json: Json): json is readonly Json[] => Array.isArray(json);

function untag(tag: string, json: { readonly [key: string]: Json | undefined }): unknown {
  const others = Object.keys(json).filter((key) => key !== tag && !(tag === '$bytes' && key === 'of'));
  if (others.length > 0)
    throw new BadTag(`${tag} must stand alone, but ${others.join(', ')} stands beside it`);
  const content = json[tag]!;
  switch (tag) {
    case '$undefined':
      return undefined;
    case '$number': {
      const text = textIn(tag, content);
      if (!['NaN', 'Infinity', '-Infinity', '-0'].includes(text))
        throw new BadTag(`$number cannot be ${text}`);
      return Number(text);
    }
    case '$bigint': {
      const text = textIn(tag, content);
      if (!/^-?\d{1,100000}$/.test(text)) throw new BadTag('$bigint must be digits');
      return BigInt(text);
    }
    case '$date': {
      const date = new Date(textIn(tag, content));
      if (Number.isNaN(date.getTime()))
        throw new BadTag(`$date must be a time, but is ${textIn(tag, content)}`);
      return date;
    }
    case '$map':
      return new Map(
        listIn(tag, content).map((pair) => {
          if (!isList(pair) || pair.length !== 2) throw new BadTag('$map must hold pairs');
          return [untagged(pair[0]!), untagged(pair[1]!)] as const;
        }),
      );
    case '$set':
      return new Set(listIn(tag, content).map(untagged));
    case '$regexp': {
      const [source, flags = ''] = listIn(tag, content);
      return regexpOf(textIn(tag, source), textIn(tag, flags));
    }
    case '$bytes':
      return bytesOf(Buffer.from(textIn(tag, content), 'base64'), textIn('of', json['of'] ?? 'Uint8Array'));
    default:
      throw new BadTag(`${tag} is not a value that can be given`);
  }
}

function textIn(tag: string, json: Json | undefined): string {
  if (typeof json !== 'string') throw new BadTag(`${tag} must hold a text`);
  return json;
}

function listIn(tag: string, json: Json | undefined): readonly Json[] {
  if (json === undefined || !isList(json)) throw new BadTag(`${tag} must hold a list`);
  return json;
}

function regexpOf(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw new BadTag(`$regexp: ${(error as Error).message}`, { cause: error });
  }
}

function bytesOf(bytes: Buffer, name: string): unknown {
  if (name === 'Buffer') return bytes;
  const own = Uint8Array.from(bytes);
  if (name === 'ArrayBuffer') return own.buffer;
  if (name === 'Uint8Array') return own;
  throw new BadTag(`$bytes of ${name} cannot be given: use Uint8Array`);
}
