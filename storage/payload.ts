/**
 * What may be stored: the walk that refuses, before anything happens, every value that would not come back equal.
 *
 * It owns the rules, and says where a value breaks them. It does not pack (that is `codec.ts`). On the way it finds out
 * whether the value needs the tagged form; in the common case it allocates nothing.
 *
 * Accepted: strings without lone surrogates, all numbers, booleans, bigint, null, undefined, plain objects and arrays
 * of these, Date, Map, Set, RegExp, Error with its own fields and cause, ArrayBuffer, DataView and typed arrays.
 *
 * What it does not see: a getter that answers differently the second time, when the value is packed; fields that are not
 * enumerable, and fields hung onto binary data of more than {@link MAX_LISTED} elements. They are lost.
 */
import { types } from 'node:util';
import { messageOf, NotSerialisable } from './errors.ts';

/** Lets another room store values of a kind of its own (actor references), without this room knowing what they are. */
export interface ReferenceCodec {
  /** Whether the value is a reference, to be stored as `encode` says. */
  test(value: object): boolean;
  /** The plain data that stands for it. */
  encode(value: object): unknown;
  /** The value again. */
  decode(data: unknown): unknown;
}

/** As far as values are looked at. */
type ReferenceTest = Pick<ReferenceCodec, 'test'>;

/** How a value must be packed: as it is, or in the tagged form that keeps what msgpack cannot say. */
export const PLAIN = 0;
export const TAGGED = 1;
export type PackedForm = typeof PLAIN | typeof TAGGED;

/** Deeper nesting is refused: it is a mistake or an attack, and would overflow the stack of somebody else later. */
const MAX_DEPTH = 128;

/** How deep what holds such values may be: a snapshot holds a context, an event a snapshot. */
export const MAX_HOLDER_DEPTH: number = MAX_DEPTH + 8;

/** Listing the fields of binary data lists its elements too. */
const MAX_LISTED = 1024;

const { toString } = Object.prototype;

/** Every built-in error, which come back as themselves. */
export const BUILTIN_ERRORS: ReadonlyMap<object, string> = new Map<object, string>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map(
    (type) => [type.prototype, type.name],
  ),
);

/** A step of a path: a field, an index, or what is said of an entry of a Map. */
type PathKey = string | number | { readonly entry: string };

/** A refusal on its way up; each level of the walk adds its key, so that the path costs nothing until it is needed. */
class Refusal {
  readonly reason: string;
  readonly hint: string | undefined;
  readonly keys: PathKey[] = [];

  constructor(reason: string, hint?: string) {
    this.reason = reason;
    this.hint = hint;
  }

  at(key: PathKey): this {
    this.keys.push(key);
    return this;
  }
}

// The walk is synchronous and not re-entered, so its state can be module variables: no allocation per call.
const ancestors: unknown[] = new Array<unknown>(MAX_HOLDER_DEPTH + 1);
let form: PackedForm = PLAIN;
let nested = false;
let maxDepth = MAX_DEPTH;
let references: ReferenceTest | undefined;

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
 *
 * @param depth how deep it may be nested
 */
export function inspect(
  value: unknown,
  root: string,
  referenceCodec?: ReferenceTest,
  depth: number = MAX_DEPTH,
): Inspection {
  return inspectBelow(value, undefined, root, referenceCodec, depth);
}

/** @param before what is known to be acceptable: what `value` shares with it is not walked */
function inspectBelow(
  value: unknown,
  before: unknown,
  root: string,
  referenceCodec: ReferenceTest | undefined,
  depth: number,
): Inspection {
  // A getter may do anything, even call this.
  const outerForm = form;
  const outerNested = nested;
  const outerDepth = maxDepth;
  const outerReferences = references;
  form = PLAIN;
  nested = false;
  maxDepth = depth;
  references = referenceCodec;
  try {
    const refusal = walk(value, 0, before);
    if (refusal !== undefined) {
      const { keys, reason, hint } = refusal;
      throw new NotSerialisable(pathOf(root, keys), keys.map(textOf).reverse(), reason, hint);
    }
    inspection.form = form;
    inspection.nested = nested;
    return inspection;
  } catch (error) {
    if (error instanceof NotSerialisable) throw error;
    // It throws when it is looked at: a getter, a revoked proxy.
    throw new NotSerialisable(root, [], `holds something that cannot be read (${messageOf(error)})`);
  } finally {
    form = outerForm;
    nested = outerNested;
    maxDepth = outerDepth;
    references = outerReferences;
  }
}

/**
 * Checks a value that has taken the place of another one. What it shares with that was accepted before, and is not walked
 * again.
 * @throws NotSerialisable
 */
export function inspectChange(
  value: unknown,
  before: unknown,
  root: string,
  referenceCodec?: ReferenceTest,
): void {
  inspectBelow(value, before, root, referenceCodec, MAX_DEPTH);
}

/** @param before what stood in its place, if that is known */
function walk(value: unknown, depth: number, before?: unknown): Refusal | undefined {
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
        `is a function${nameOf(value)}`,
        'name it in the code (an action, guard or actor) and store the name',
      );
    case 'object':
      return value === null || value === before ? undefined : walkObject(value, depth, before);
  }
}

function walkObject(value: object, depth: number, before: unknown): Refusal | undefined {
  if (depth > 0) nested = true;
  if (depth > maxDepth) return new Refusal(`is nested deeper than ${maxDepth} levels`, 'flatten the data');
  for (let i = depth - 1; i >= 0; i--) {
    if (ancestors[i] === value) return new Refusal('is cyclic', 'store an id instead of the object itself');
  }
  ancestors[depth] = value;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype)
    return isDisguised(value) ? disguised(value) : walkFields(value, depth, before);
  if (Array.isArray(value)) return walkArray(value, prototype, depth, before);
  if (prototype === null) {
    form = TAGGED;
    return isDisguised(value) ? disguised(value) : walkFields(value, depth, before);
  }
  if (prototype === Date.prototype) return types.isDate(value) ? ownKeysOnly(value, 0) : foreign(value);
  if (references?.test(value)) {
    form = TAGGED;
    return undefined;
  }
  form = TAGGED;
  if (prototype === Map.prototype && types.isMap(value))
    return walkMap(value, depth) ?? ownKeysOnly(value, 0);
  if (prototype === Set.prototype && types.isSet(value))
    return walkSet(value, depth) ?? ownKeysOnly(value, 0);
  if (prototype === RegExp.prototype && types.isRegExp(value)) return walkRegExp(value);
  if (BUILTIN_ERRORS.has(prototype) && types.isNativeError(value)) return walkError(value, depth);
  if (isBinary(value, prototype)) return walkBinary(value);
  return foreign(value);
}

/** Whether something else has been given the prototype of a plain object, or none. */
function isDisguised(value: object): boolean {
  // This tells dates, patterns, errors, arrays and boxed values by what they are. The others have no fields.
  if (toString.call(value) !== '[object Object]') return true;
  for (const _ in value) return false;
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value) ||
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value)
  );
}

function disguised(value: object): Refusal {
  const what = toString.call(value).slice('[object '.length, -1);
  return new Refusal(`is no plain object (${what})`, 'store the plain data it stands for');
}

function foreign(value: object): Refusal {
  return new Refusal(`is ${describe(value)}`, hintFor(value));
}

function walkRegExp(value: RegExp): Refusal | undefined {
  if (value.lastIndex !== 0)
    return new Refusal('is a RegExp in use (its lastIndex is not 0)', 'store the pattern before using it');
  if (!value.source.isWellFormed())
    return new Refusal('is a RegExp with a lone surrogate', 'escape it in the pattern');
  return ownKeysOnly(value, 0);
}

function walkBinary(value: object): Refusal | undefined {
  const { length = 0, byteLength } = value as { length?: number; byteLength: number };
  // Memory that was given away looks empty; only using it tells.
  if (byteLength === 0)
    void new Uint8Array(ArrayBuffer.isView(value) ? value.buffer : (value as ArrayBuffer));
  return length > MAX_LISTED ? undefined : ownKeysOnly(value, length);
}

function walkFields(value: object, depth: number, before: unknown): Refusal | undefined {
  const fieldsBefore = typeof before === 'object' ? (before as Record<string, unknown> | null) : undefined;
  for (const key in value) {
    if (key === '__proto__') return new Refusal('has an own "__proto__" key', 'rename the key');
    const field = (value as Record<string, unknown>)[key];
    const refusal = walk(field, depth + 1, fieldsBefore?.[key]) ?? wellFormedKey(key);
    if (refusal !== undefined) return refusal.at(key);
  }
  return withoutSymbols(value);
}

function withoutSymbols(value: object): Refusal | undefined {
  return Object.getOwnPropertySymbols(value).length === 0
    ? undefined
    : new Refusal('has a symbol as a key', 'use string keys');
}

function wellFormedKey(key: string): Refusal | undefined {
  return key.isWellFormed()
    ? undefined
    : new Refusal('is under a key with a lone surrogate', 'repair the key');
}

function walkArray(
  value: unknown[],
  prototype: object | null,
  depth: number,
  before: unknown,
): Refusal | undefined {
  if (prototype !== Array.prototype) return new Refusal(`is ${describe(value)}`, 'store a plain array');
  const itemsBefore = Array.isArray(before) ? (before as readonly unknown[]) : undefined;
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    if (item === undefined && !(i in value))
      return new Refusal('is a hole in a sparse array', 'fill it').at(i);
    const refusal = walk(item, depth + 1, itemsBefore?.[i]);
    if (refusal !== undefined) return refusal.at(i);
  }
  return ownKeysOnly(value, value.length);
}

/** Refuses fields hung onto an array, a Date, a Map … (`'a'.match(/a/)` has some): they would silently be lost. */
function ownKeysOnly(value: object, expected: number): Refusal | undefined {
  const keys = Object.keys(value);
  if (keys.length === expected) return withoutSymbols(value);
  if (keys.length < expected)
    return new Refusal('has elements that are not enumerable', 'make a plain copy of it');
  return new Refusal(
    `has a field of its own (${keys[expected]})`,
    'store an object with the fields you need',
  ).at(keys[expected]!);
}

function walkMap(value: Map<unknown, unknown>, depth: number): Refusal | undefined {
  for (const [key, item] of value) {
    const badKey = walk(key, depth + 1);
    if (badKey !== undefined) return badKey.at({ entry: '<key>' });
    const refusal = walk(item, depth + 1);
    if (refusal !== undefined) return refusal.at({ entry: typeof key === 'string' ? `<${key}>` : '<entry>' });
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
    const field = (value as unknown as Record<string, unknown>)[key];
    const refusal = walk(field, depth + 1) ?? wellFormedKey(key);
    if (refusal !== undefined) return refusal.at(key);
  }
  return withoutSymbols(value);
}

function isBinary(value: object, prototype: object): boolean {
  if (prototype === ArrayBuffer.prototype) return types.isArrayBuffer(value);
  if (prototype === DataView.prototype) return types.isDataView(value);
  if (!types.isTypedArray(value)) return false;
  return prototype === Buffer.prototype || isIntrinsicTypedArray(value, prototype);
}

function isIntrinsicTypedArray(value: NodeJS.TypedArray, prototype: object): boolean {
  const intrinsic = (globalThis as Record<string, unknown>)[value[Symbol.toStringTag]] as
    { prototype: object } | undefined;
  return intrinsic?.prototype === prototype;
}

function describe(value: object): string {
  if (value instanceof Promise) return 'a promise';
  if (value instanceof Error) return `an error of a class of its own${nameOf(value.constructor)}`;
  const type = value.constructor as unknown;
  return typeof type === 'function' && typeof type.name === 'string' && type.name !== ''
    ? `an instance of ${type.name}`
    : 'an object with a foreign prototype';
}

/** The name of a function in parentheses, if it has one. */
function nameOf(value: unknown): string {
  const name = typeof value === 'function' ? (value.name as unknown) : undefined;
  return typeof name === 'string' && name !== '' ? ` (${name})` : '';
}

function hintFor(value: object): string {
  if (value instanceof Promise) return 'do asynchronous work in an invoked actor, and store its result';
  if (value instanceof Error) return 'use a built-in Error, and put the rest into its fields';
  return 'store the plain data it stands for';
}

const textOf = (key: PathKey): string => (typeof key === 'object' ? key.entry : String(key));

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function pathOf(root: string, keys: readonly PathKey[]): string {
  let path = root;
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!;
    if (typeof key === 'number') path += `[${key}]`;
    else if (typeof key === 'object') path += key.entry;
    else path += IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }
  return path;
}
