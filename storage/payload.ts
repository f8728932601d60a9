/**
 * What may be stored: the walk that refuses, before anything happens, every value that would not come back equal.
 *
 * It owns the rules, and says where a value breaks them. It does not pack (that is `codec.ts`). On the way it finds out
 * whether the value needs the tagged form; in the common case it allocates nothing.
 *
 * Accepted: strings without lone surrogates, all numbers, booleans, bigint, null, undefined, plain objects and arrays
 * of these, Date, Map, Set, RegExp, Error with its own fields and cause, ArrayBuffer, DataView and typed arrays.
 */
import { NotSerialisable } from './errors.ts';

/** Lets another room store values of a kind of its own (actor references), without this room knowing what they are. */
export interface ReferenceCodec {
  /** Whether the value is a reference, to be stored as `encode` says. */
  test(value: object): boolean;
  /** The plain data that stands for it. */
  encode(value: object): unknown;
  /** The value again. */
  decode(data: unknown): unknown;
}

/** How a value must be packed: as it is, or in the tagged form that keeps what msgpack cannot say. */
export const PLAIN = 0;
export const TAGGED = 1;
export type PackedForm = typeof PLAIN | typeof TAGGED;

/** Deeper nesting is refused: it is a mistake or an attack, and would overflow the stack of somebody else later. */
const MAX_DEPTH = 128;

const TypedArray = Object.getPrototypeOf(Uint8Array) as { new (): NodeJS.TypedArray };

/** Every built-in error, which come back as themselves. */
export const BUILTIN_ERRORS: ReadonlyMap<object, string> = new Map<object, string>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map(
    (type) => [type.prototype, type.name],
  ),
);

/** A refusal on its way up; each level of the walk adds its key, so that the path costs nothing until it is needed. */
class Refusal {
  readonly reason: string;
  readonly hint: string | undefined;
  readonly keys: (string | number)[] = [];

  constructor(reason: string, hint?: string) {
    this.reason = reason;
    this.hint = hint;
  }

  at(key: string | number): this {
    this.keys.push(key);
    return this;
  }
}

// The walk is synchronous and not re-entered, so its state can be module variables: no allocation per call.
const ancestors: unknown[] = new Array<unknown>(MAX_DEPTH + 1);
let form: PackedForm = PLAIN;
let nested = false;
let references: ReferenceCodec | undefined;

/** What the walk found out about a value that may be stored. */
export interface Inspection {
  readonly form: PackedForm;
  /** Whether it holds any object below the top: if not, a shallow copy shares nothing with the original. */
  readonly nested: boolean;
}

const inspection = { form: PLAIN as PackedForm, nested: false };

/**
 * Checks that `value` would come back equal, or throws {@link NotSerialisable} with its path below `root`.
 * The returned object is reused by the next call.
 */
export function inspect(value: unknown, root: string, referenceCodec?: ReferenceCodec): Inspection {
  form = PLAIN;
  nested = false;
  references = referenceCodec;
  const refusal = walk(value, 0);
  if (refusal !== undefined)
    throw new NotSerialisable(pathOf(root, refusal.keys), refusal.reason, refusal.hint);
  inspection.form = form;
  inspection.nested = nested;
  return inspection;
}

function walk(value: unknown, depth: number): Refusal | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? undefined
        : new Refusal('is a string with a lone surrogate', 'repair or encode the text first');
    case 'number':
      if (value === 0 && Object.is(value, -0)) form = TAGGED;
      return undefined;
    case 'boolean':
    case 'undefined':
      return undefined;
    case 'bigint':
      form = TAGGED;
      return undefined;
    case 'symbol':
      return new Refusal('is a symbol', 'use a string');
    case 'function':
      return new Refusal(
        `is a function${value.name ? ` (${value.name})` : ''}`,
        'name it in the code (an action, guard or actor) and store the name',
      );
    case 'object':
      return value === null ? undefined : walkObject(value, depth);
  }
}

function walkObject(value: object, depth: number): Refusal | undefined {
  if (depth > 0) nested = true;
  if (depth > MAX_DEPTH) return new Refusal(`is nested deeper than ${MAX_DEPTH} levels`, 'flatten the data');
  for (let i = depth - 1; i >= 0; i--) {
    if (ancestors[i] === value) return new Refusal('is cyclic', 'store an id instead of the object itself');
  }
  ancestors[depth] = value;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype) return walkFields(value, depth);
  if (Array.isArray(value)) return walkArray(value, prototype, depth);
  if (prototype === null) {
    form = TAGGED;
    return walkFields(value, depth);
  }
  if (prototype === Date.prototype) return ownKeysOnly(value, 0);
  if (references?.test(value)) {
    form = TAGGED;
    return undefined;
  }
  form = TAGGED;
  if (prototype === Map.prototype) return walkMap(value as Map<unknown, unknown>, depth);
  if (prototype === Set.prototype) return walkSet(value as Set<unknown>, depth);
  if (prototype === RegExp.prototype) {
    return (value as RegExp).lastIndex === 0
      ? undefined
      : new Refusal('is a RegExp in use (its lastIndex is not 0)', 'store the pattern before using it');
  }
  if (BUILTIN_ERRORS.has(prototype)) return walkError(value as Error, depth);
  if (isBinary(value, prototype)) return undefined;
  return new Refusal(`is ${describe(value)}`, hintFor(value));
}

function walkFields(value: object, depth: number): Refusal | undefined {
  for (const key in value) {
    if (key === '__proto__') return new Refusal('has an own "__proto__" key', 'rename the key');
    const refusal = walk((value as Record<string, unknown>)[key], depth + 1) ?? wellFormedKey(key);
    if (refusal !== undefined) return refusal.at(key);
  }
  return Object.getOwnPropertySymbols(value).length === 0
    ? undefined
    : new Refusal('has a symbol as a key', 'use string keys');
}

function wellFormedKey(key: string): Refusal | undefined {
  return key.isWellFormed()
    ? undefined
    : new Refusal('is under a key with a lone surrogate', 'repair the key');
}

function walkArray(value: unknown[], prototype: object | null, depth: number): Refusal | undefined {
  if (prototype !== Array.prototype) return new Refusal(`is ${describe(value)}`, 'store a plain array');
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    if (item === undefined && !(i in value))
      return new Refusal('is a hole in a sparse array', 'fill it').at(i);
    const refusal = walk(item, depth + 1);
    if (refusal !== undefined) return refusal.at(i);
  }
  return ownKeysOnly(value, value.length);
}

/** Refuses fields hung onto an array or Date (`'a'.match(/a/)` has some): they would silently be lost. */
function ownKeysOnly(value: object, expected: number): Refusal | undefined {
  const keys = Object.keys(value);
  if (keys.length === expected) return undefined;
  return new Refusal(
    `has a field of its own (${keys[expected]})`,
    'store an object with the fields you need',
  ).at(keys[expected]!);
}

function walkMap(value: Map<unknown, unknown>, depth: number): Refusal | undefined {
  for (const [key, item] of value) {
    const badKey = walk(key, depth + 1);
    if (badKey !== undefined) return badKey.at('<key>');
    const refusal = walk(item, depth + 1);
    if (refusal !== undefined) return refusal.at(typeof key === 'string' ? `<${key}>` : '<entry>');
  }
  return undefined;
}

function walkSet(value: Set<unknown>, depth: number): Refusal | undefined {
  let i = 0;
  for (const item of value) {
    const refusal = walk(item, depth + 1);
    if (refusal !== undefined) return refusal.at(i);
    i++;
  }
  return undefined;
}

function walkError(value: Error, depth: number): Refusal | undefined {
  for (const key of Object.getOwnPropertyNames(value)) {
    if (key === '__proto__') return new Refusal('has an own "__proto__" key', 'rename the key');
    const refusal = walk((value as unknown as Record<string, unknown>)[key], depth + 1);
    if (refusal !== undefined) return refusal.at(key);
  }
  return undefined;
}

function isBinary(value: object, prototype: object): boolean {
  if (value instanceof TypedArray)
    return prototype === Buffer.prototype || isIntrinsicTypedArray(value, prototype);
  return prototype === ArrayBuffer.prototype || prototype === DataView.prototype;
}

function isIntrinsicTypedArray(value: NodeJS.TypedArray, prototype: object): boolean {
  const intrinsic = (globalThis as Record<string, unknown>)[value[Symbol.toStringTag]] as
    { prototype: object } | undefined;
  return intrinsic?.prototype === prototype;
}

function describe(value: object): string {
  if (value instanceof Promise) return 'a promise';
  if (value instanceof Error) return `an error of a class of its own (${value.constructor.name})`;
  const name = (value.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== ''
    ? `an instance of ${name}`
    : 'an object with a foreign prototype';
}

function hintFor(value: object): string {
  if (value instanceof Promise) return 'do asynchronous work in an invoked actor, and store its result';
  if (value instanceof Error) return 'use a built-in Error, and put the rest into its fields';
  return 'store the plain data it stands for';
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function pathOf(root: string, keys: readonly (string | number)[]): string {
  let path = root;
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!;
    if (typeof key === 'number') path += `[${key}]`;
    else if (IDENTIFIER.test(key)) path += `.${key}`;
    else path += key.startsWith('<') ? key : `[${JSON.stringify(key)}]`;
  }
  return path;
}
