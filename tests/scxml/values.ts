// What the datamodel looks like at rest and at work.
//
// At rest it is XState context, and context must be plain data: it will be serialised, stored and read back by
// whatever runs the machine. At work it is ordinary JavaScript, and ECMAScript documents put functions into
// variables. So a function rests as its source text and is compiled again for each evaluation. Everything else
// that plain data cannot carry (dates, maps, closures, cycles) is refused instead of being damaged on the way.

import { UnsupportedScxml } from './unsupported.ts';

const FUNCTION_KEY = '@function';

type AnyFunction = (...args: never[]) => unknown;

/** The functions whose source text says everything about them: they close over nothing but the datamodel. */
const portableFunctions = new WeakMap<AnyFunction, string>();

/** System objects keep their identity at rest, because documents compare them: `Var1 == _event`. */
const systemObjects = new WeakSet<object>();

export function markPortable(value: unknown, source: string): void {
  if (typeof value === 'function') portableFunctions.set(value as AnyFunction, source);
}

export function systemObject<T extends object>(value: T): T {
  systemObjects.add(value);
  return deepFreeze(value);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** What comes out of a system object is frozen; a variable that takes it gets a copy of its own. */
export function ownCopy(value: unknown): unknown {
  const isFrozen = typeof value === 'object' && value !== null && Object.isFrozen(value);
  return isFrozen && !systemObjects.has(value) ? structuredClone(value) : value;
}

/** A copy that can rest in the context. Two references to one object stay two references to one object. */
export function toPlain(value: unknown, copies = new Map<object, unknown>()): unknown {
  if (typeof value === 'symbol') throw new UnsupportedScxml('datamodel', 'cannot hold a symbol');
  if (typeof value === 'function') return { [FUNCTION_KEY]: sourceOf(value as AnyFunction) };
  if (typeof value !== 'object' || value === null || systemObjects.has(value)) return value;
  if (copies.has(value)) return finishedCopy(value, copies);

  copies.set(value, IN_PROGRESS);
  requireBareObject(value);
  const copy = Array.isArray(value)
    ? value.map((item) => toPlain(item, copies))
    : mapObject(value, (item) => toPlain(item, copies));
  copies.set(value, copy);
  return copy;
}

/** A working copy of a resting value: mutable, with its functions compiled by `compileFunction`. */
export function toLive(
  value: unknown,
  compileFunction: (source: string) => unknown,
  copies = new Map<object, unknown>(),
): unknown {
  if (typeof value !== 'object' || value === null || systemObjects.has(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const source = (value as Record<string, unknown>)[FUNCTION_KEY];
  const copy =
    typeof source === 'string'
      ? compileFunction(source)
      : Array.isArray(value)
        ? value.map((item) => toLive(item, compileFunction, copies))
        : mapObject(value, (item) => toLive(item, compileFunction, copies));
  copies.set(value, copy);
  return copy;
}

/** A copy that can travel in an event. Functions stay at home. */
export function toMessage(value: unknown): unknown {
  const plain = toPlain(value);
  if (containsFunction(plain)) throw new UnsupportedScxml('send', 'cannot carry a function in an event');
  return plain;
}

const IN_PROGRESS = Symbol('in progress');

function finishedCopy(value: object, copies: Map<object, unknown>): unknown {
  const copy = copies.get(value);
  if (copy === IN_PROGRESS) throw new UnsupportedScxml('datamodel', 'cannot hold a cyclic object');
  return copy;
}

function sourceOf(value: AnyFunction): string {
  const source = portableFunctions.get(value);
  if (source === undefined) {
    throw new UnsupportedScxml(
      'datamodel',
      `cannot hold the function ${value.name || '(anonymous)'}: only a function literal or a function declared by a <script> can be kept as text`,
    );
  }
  return source;
}

/** `new Point()` may rest as a bare object only if its prototype has nothing to lose. */
function requireBareObject(value: object): void {
  if (Array.isArray(value)) return;
  for (let proto = Object.getPrototypeOf(value); proto; proto = Object.getPrototypeOf(proto)) {
    if (Object.getPrototypeOf(proto) === null) return;
    if (Reflect.ownKeys(proto).some((key) => key !== 'constructor')) {
      throw new UnsupportedScxml('datamodel', `cannot hold an instance of ${value.constructor.name}`);
    }
  }
}

function mapObject(value: object, map: (item: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item)]));
}

function containsFunction(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return FUNCTION_KEY in value || Object.values(value).some(containsFunction);
}
