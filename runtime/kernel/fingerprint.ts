/**
 * A fingerprint of logic: what of it decides how a story goes on, as named parts and one hash over them.
 *
 * For a machine that is its configuration, and the source text of its guards, assigns, delays, inputs, outputs and whatever
 * else computes. Left out is what changes no story: plain actions (they run after the commit, whatever they do), children
 * (actors of their own, with fingerprints of their own), descriptions, tags and meta. Source text says less than one would like:
 * values that a function has closed over are not in it. So a fingerprint that differs is a reason to look, and one that is the
 * same is no proof; the proof is the recorded story told again.
 */
import { hash } from 'node:crypto';
import type { AnyStateMachine } from 'xstate';
import { kindOf } from './logic.ts';
import { isMachine } from './machine.ts';

export interface Fingerprint {
  /** 16 characters of a SHA-256. */
  readonly hash: string;
  /** What the hash is over, by path: `states.review.on.approve.guard` → its source. */
  readonly parts: Readonly<Record<string, string>>;
}

const HASH_CHARACTERS = 16;

/** Of machines, by their states: many may differ in nothing but their actors. A configuration may be changed in place, and used once more. */
const known = new WeakMap<object, { readonly of: Implementations; readonly fingerprint: Fingerprint }>();

export function fingerprintOf(logic: unknown): Fingerprint {
  if (!isMachine(logic)) return made(logic);
  const of = implementationsOf(logic);
  const before = known.get(logic.root);
  if (before !== undefined && isSame(before.of, of)) return before.fingerprint;
  const fingerprint = made(logic);
  known.set(logic.root, { of, fingerprint });
  return fingerprint;
}

function made(logic: unknown): Fingerprint {
  const parts: Record<string, string> = {};
  describe(logic, parts);
  return { hash: hashOfParts(parts), parts };
}

/** What of a machine's implementations decides how its stories go on. */
type Implementations = Readonly<Record<'guards' | 'delays' | 'actions', object>>;

function implementationsOf(machine: AnyStateMachine): Implementations {
  const { guards, delays, actions } = machine.implementations as unknown as Implementations;
  return { guards, delays, actions };
}

const isSame = (one: Implementations, other: Implementations): boolean =>
  one.guards === other.guards && one.delays === other.delays && one.actions === other.actions;

export const hashOfParts = (parts: Fingerprint['parts']): string =>
  hash('sha256', JSON.stringify(parts), 'base64url').slice(0, HASH_CHARACTERS);

/** The paths at which two fingerprints differ. */
export function changedParts(before: Fingerprint['parts'], after: Fingerprint['parts']): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]);
}

type Parts = Record<string, string>;

function describe(logic: unknown, parts: Parts): void {
  const kind = kindOf(logic);
  parts['kind'] = kind;
  if (isMachine(logic)) {
    new Description(parts).of(logic.config, '');
    new Description(parts).of(implementationsOf(logic), 'implementations');
  } else if (kind === 'transition')
    new Description(parts).of((logic as { config?: unknown }).config, 'transition');
}

/** Parts of a machine's configuration that change no story. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['description', 'tags', 'meta', 'types', 'schemas', 'version'],
]);

/** What is the same for all of XState's own functions, or what every function has. */
const OF_EVERY_FUNCTION: ReadonlySet<string> = new Set([
  ...['resolve', 'retryResolve', 'execute', 'check'],
  ...['length', 'name', 'prototype', 'arguments', 'caller'],
]);

/** What stands at a place: configuration, actions (which run after the commit if they are plain functions), or values. */
type Role = 'configuration' | 'actions' | 'values';

const ROLES: Readonly<Record<string, Role>> = {
  entry: 'actions',
  exit: 'actions',
  actions: 'actions',
  context: 'values',
  params: 'values',
  event: 'values',
  input: 'values',
  output: 'values',
  assignment: 'values',
  value: 'values',
};

/** Parts whose own names are those of states, events and implementations, and say nothing of what stands there. */
const NAMED_BY_USER: ReadonlySet<string> = new Set(['states', 'on', 'after', 'guards', 'delays', 'actions']);

class Description {
  readonly #parts: Parts;
  readonly #above: unknown[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param isNamed whether the names in there are given by the user */
  of(value: unknown, path: string, role: Role = 'configuration', isNamed = false): void {
    if (typeof value === 'function') this.#function(value, path, role);
    else if (typeof value !== 'object' || value === null) this.#parts[path] = textOf(value);
    else if (!this.#above.includes(value)) this.#object(value, path, role, isNamed);
  }

  #function(value: object, path: string, role: Role): void {
    const { type, check } = value as { type?: unknown; check?: unknown };
    const isBuiltIn = (typeof type === 'string' && type.startsWith('xstate.')) || check !== undefined;
    if (isBuiltIn) {
      const names = Object.getOwnPropertyNames(value).filter((name) => !OF_EVERY_FUNCTION.has(name));
      this.#within(value, names, path, 'configuration', false);
    } else if (role === 'actions') this.#parts[path] = `action ${(value as { name: string }).name}`;
    else this.#parts[path] = Function.prototype.toString.call(value);
  }

  #object(value: object, path: string, role: Role, isNamed: boolean): void {
    if (isLogic(value)) {
      this.#parts[path] = 'logic';
      return;
    }
    const content = contentOf(value);
    if (content !== undefined) {
      this.#parts[path] = value.constructor.name;
      return this.of(content, `${path}.content`, role);
    }
    const names = Object.keys(value);
    const isPlain = Array.isArray(value) || isRecord(value);
    // An instance of a class: its text says what it can.
    if (!isPlain) this.#parts[path] = `${value.constructor.name} ${textOf(value)}`;
    else if (names.length === 0) this.#parts[path] = Array.isArray(value) ? '[]' : '{}';
    this.#within(value, names, path, role, isNamed);
  }

  #within(value: object, names: readonly string[], path: string, role: Role, isNamed: boolean): void {
    // Names within values are the user's too, and within a list there are none.
    const isOurs = role !== 'values' && !isNamed && !Array.isArray(value);
    this.#above.push(value);
    for (const name of names) {
      if (role === 'configuration' && isOurs && WITHOUT_EFFECT.has(name)) continue;
      const inner = path === '' ? name : `${path}.${name}`;
      const innerRole = isOurs ? (ROLES[name] ?? role) : role;
      const isInnerNamed = isOurs && NAMED_BY_USER.has(name);
      this.of((value as Record<string, unknown>)[name], inner, innerRole, isInnerNamed);
    }
    this.#above.pop();
  }
}

/** An actor logic that stands in a configuration. */
function isLogic(value: object): boolean {
  const { transition, getInitialSnapshot } = value as Record<string, unknown>;
  return typeof transition === 'function' && typeof getInitialSnapshot === 'function';
}

/** What an object holds that does not show among its properties. */
function contentOf(value: object): unknown {
  if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)];
  if (value instanceof Date) return value.getTime();
  return value instanceof RegExp ? `${value.source}/${value.flags}` : undefined;
}

function isRecord(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || prototype === null;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return Object.is(value, -0) ? '-0' : `${String(value)}${typeof value === 'bigint' ? 'n' : ''}`;
}
