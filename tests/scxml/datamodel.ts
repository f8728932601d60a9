// The ECMAScript datamodel: expressions, locations and scripts, compiled once while a document is read.
//
// Each evaluation gets its own working copy of the variables, wrapped in a proxy that a `with` statement puts in
// front of the language. So an evaluation can change nothing but its copy, and sees nothing but the variables, the
// system variables and the pure part of the language: no clock, no chance, no promises, no process.

import type { Data } from './session.ts';
import { UnsupportedScxml } from './unsupported.ts';
import { markPortable, ownCopy, toLive, toPlain } from './values.ts';

export type SystemVariables = Readonly<Record<string, unknown>>;

export interface Scope {
  readonly system: SystemVariables;
  /** The working copy. */
  readonly data: Data;
  /** The same copy as the code sees it. */
  readonly names: object;
}

export type Expression = (scope: Scope) => unknown;
export type Assignment = (scope: Scope, value: unknown) => void;
export type Script = (scope: Scope) => void;

type Compiled = (this: unknown, ...args: unknown[]) => unknown;

/** Everything of the language whose result depends on its arguments alone. */
const PURE_NAMES = [
  'undefined NaN Infinity Object Array String Number Boolean BigInt RegExp JSON Map Set',
  'Error EvalError RangeError ReferenceError SyntaxError TypeError URIError',
  'parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent',
].flatMap((names) => names.split(' '));

const PURE_LANGUAGE: Data = {
  ...Object.fromEntries(PURE_NAMES.map((name) => [name, Reflect.get(globalThis, name)])),
  Math: pureMath(),
};

/** Taken once: a name that a script leaks into the world later does not count as part of it. */
const GLOBAL_NAMES: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

const NO_NAMES: ReadonlySet<string> = new Set();

export function openScope(resting: Data, system: SystemVariables): Scope {
  const data: Data = {};
  const scope: Scope = { system, data, names: namesOf(data, system, NO_NAMES) };
  Object.assign(
    data,
    toLive(resting, (source) => compileFunction(source)(scope)),
  );
  return scope;
}

export function closeScope(scope: Scope): Data {
  return toPlain(scope.data) as Data;
}

/** The names a `with` statement finds. `declared` are names that a script is about to introduce. */
function namesOf(data: Data, system: SystemVariables, declared: ReadonlySet<string>): object {
  return new Proxy(data, {
    // A name that is found nowhere is left to the engine, which knows about `typeof` and reference errors.
    has: (_, name) =>
      typeof name === 'string' &&
      (Object.hasOwn(data, name) ||
        Object.hasOwn(system, name) ||
        declared.has(name) ||
        GLOBAL_NAMES.has(name)),
    get: (_, name) => {
      if (typeof name === 'symbol') return undefined;
      for (const place of [system, data, PURE_LANGUAGE]) if (Object.hasOwn(place, name)) return place[name];
      if (declared.has(name)) return undefined;
      return refuseImpure(name);
    },
    set: (_, name, value) => {
      if (typeof name === 'symbol' || Object.hasOwn(system, name)) {
        throw new TypeError(`${String(name)} cannot be assigned`);
      }
      if (!Object.hasOwn(data, name) && !declared.has(name)) {
        throw new ReferenceError(`${name} is not declared`);
      }
      data[name] = ownCopy(value);
      return true;
    },
  });
}

export function compileExpression(text: string): Expression {
  const source = text.trim().replace(/;+$/, '');
  const run = compile(['$names'], strictly(`return (\n${source}\n);`));
  const isFunctionLiteral = /^(async\s+)?function\b/.test(source);
  return (scope) => {
    const value = run.call(scope.names, scope.names);
    if (isFunctionLiteral) markPortable(value, source);
    return value;
  };
}

/** Assignment to a place that must exist: `foo.bar` needs a variable `foo`, and `foo` must be declared. */
export function compileAssignment(location: string): Assignment {
  const run = compile(['$names', '$value'], strictly(`(\n${location.trim()}\n) = $value;`));
  return (scope, value) => void run.call(scope.names, scope.names, value);
}

/**
 * A script runs in sloppy mode, as scripts do: `var x = 1` inside the `with` reaches the datamodel by itself, function
 * and lexical declarations are exported at the end, and an implicit global becomes a variable of the datamodel.
 */
export function compileScript(text: string): Script {
  const { vars, lexical } = declarationsOf(text);
  const declared = new Set([...vars, ...lexical]);
  const exports = lexical.length > 0 ? `$export({ ${lexical.join(', ')} });` : '';
  const run = compile(['$names', '$export'], `with ($names) {\n${text}\n;${exports} }`);
  const strangers = identifiersIn(text).filter((name) => !GLOBAL_NAMES.has(name));

  return (scope) => {
    const names = namesOf(scope.data, scope.system, declared);
    const keep = (values: Data): void => {
      Object.assign(scope.data, values);
      for (const value of Object.values(values)) markPortable(value, String(value));
    };
    try {
      run.call(names, names, keep);
      for (const name of vars) if (!Object.hasOwn(scope.data, name)) scope.data[name] = undefined;
    } finally {
      adoptGlobals(strangers, scope.data);
    }
  };
}

const functions = new Map<string, (scope: Scope) => unknown>();

/** A resting function comes back to life with the datamodel of the evaluation around it. */
function compileFunction(source: string): (scope: Scope) => unknown {
  let known = functions.get(source);
  if (!known) {
    const run = compile(['$names'], strictly(`return (\n${source}\n);`));
    known = (scope) => {
      const value = run.call(scope.names, scope.names);
      markPortable(value, source);
      return value;
    };
    functions.set(source, known);
  }
  return known;
}

/** `with` needs sloppy code and we want strict code: a strict function inside a sloppy `with` has both. */
function strictly(body: string): string {
  return `with ($names) { return (function () { 'use strict'; ${body} }).call(this); }`;
}

/** A text that is not JavaScript is an error at the moment it would be evaluated, not before: so says SCXML. */
function compile(parameters: string[], body: string): Compiled {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- SCXML texts are JavaScript
    return new Function(...parameters, body) as Compiled;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/**
 * Which names a script would declare, told by the engine's own parser: adding `let x` is a syntax error exactly if `x`
 * is declared already. A `var` also collides from outside the block, a function or a `let` only from inside.
 */
function declarationsOf(text: string): { vars: string[]; lexical: string[] } {
  if (!compiles(`{${text}\n}`)) return { vars: [], lexical: [] };
  const declared = identifiersIn(text).filter(
    (name) => compiles(`let ${name};`) && !compiles(`{${text}\n;let ${name};}`),
  );
  const isLexical = (name: string): boolean => compiles(`{${text}\n}\nlet ${name};`);
  return { vars: declared.filter((name) => !isLexical(name)), lexical: declared.filter(isLexical) };
}

function compiles(body: string): boolean {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- only parsed, never called
    return Boolean(new Function(body));
  } catch {
    return false;
  }
}

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name) && compiles(`'use strict'; let ${name};`);
}

/** True if evaluating the text cannot throw: it reads declared variables and calls and dereferences nothing. */
export function cannotFail(text: string, declared: ReadonlySet<string>): boolean {
  const bare = text.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, '0');
  const harmless = new Set(['true', 'false', 'null', 'undefined', 'typeof']);
  return (
    /^[\w$\s!<>=&|+\-*%]*$/.test(bare) &&
    compiles(`return (${bare});`) &&
    identifiersIn(bare).every((name) => declared.has(name) || harmless.has(name))
  );
}

function identifiersIn(text: string): string[] {
  return [...new Set(text.match(/(?<![\w$])[A-Za-z_$][\w$]*/g))];
}

function adoptGlobals(names: readonly string[], data: Data): void {
  for (const name of names) {
    if (!Object.hasOwn(globalThis, name)) continue;
    const value: unknown = Reflect.get(globalThis, name);
    Reflect.deleteProperty(globalThis, name);
    data[name] = value;
  }
}

function pureMath(): object {
  const random = { get: () => refuseImpure('Math.random') };
  const properties = { ...Object.getOwnPropertyDescriptors(Math), random };
  return Object.freeze(Object.defineProperties({}, properties));
}

function refuseImpure(name: string): never {
  throw new UnsupportedScxml('datamodel', `reads ${name}, which is not a pure part of the language`);
}
