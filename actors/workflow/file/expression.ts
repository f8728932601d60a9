/**
 * Expressions of a workflow file, in CEL: pure, without loops of their own, and typed as far as the schemas of what they look at say
 * something. An expression that goes wrong when it is asked throws; it never counts as false.
 *
 * Numbers are those of JSON. CEL tells whole numbers from others and adds no two of different kinds; here they may be mixed, as in
 * the data that they are about. What comes out is JSON again: a whole number that JSON could not hold is refused.
 */
import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import { pointerTo } from '../../../machines/values/json-pointer.ts';
import type { JSONSchema } from '../../../machines/contract.ts';
import { celTypeOf } from './cel-type.ts';
import { computed, FINITE, finite, KEYED, keyed, repeatedIn, WRITTEN, written } from './computed.ts';
import { isIn, MATCHES, problemOfPattern } from './matching.ts';

/** What an expression may look at, by name, with its schema where there is one. */
export type Names = Readonly<Record<string, JSONSchema | undefined>>;

export interface Expression {
  readonly text: string;
  /** Where it does nothing but take a part of something. */
  readonly path: { readonly name: string; readonly pointer: string } | undefined;
  /** @throws whatever went wrong, with the expression in its message */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

export type ExpressionReading =
  { readonly ok: true; readonly expression: Expression } | { readonly ok: false; readonly detail: string };

const BASE = new Environment({
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 2000, maxDepth: 64, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 16 },
});
const CALCULATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};
// CEL has it for whole numbers alone.
BASE.registerOperator('double % double: double', (a: number, b: number) => a % b);
for (const [operator, calculate] of Object.entries(CALCULATIONS))
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ])
    BASE.registerOperator(`${left} ${operator} ${right}: double`, (a: number | bigint, b: number | bigint) =>
      calculate(Number(a), Number(b)),
    );

/** Where they are computed. Calculations are looked at there, which makes expressions longer and deeper than they were written. */
const COMPUTING = BASE.clone({ limits: { maxAstNodes: 20_000, maxDepth: 1000 } })
  .registerFunction(`${FINITE}(dyn): dyn`, finite)
  .registerFunction(`${KEYED}(list): map`, keyed)
  .registerFunction(`${WRITTEN}(dyn): dyn`, written)
  .registerFunction(`string.${MATCHES}(string): bool`, isIn);

/** The library takes it for known when it reads an expression, and does not know it when it computes one. */
const UNNAMED = 'optional';

/** What an expression must give. */
export type Wanted = 'bool' | 'text' | 'value';

/** Reads an expression, and holds it against what is known of the names in it. */
export function expressionOf(text: string, names: Names, wanted: Wanted): ExpressionReading {
  const problem = problemOf(text, names, wanted);
  if (problem !== undefined) return { ok: false, detail: `${problem}${hintFor(text, names)}` };
  const { ast } = BASE.parse(text);
  const wrong = [...patternsIn(ast).map(problemOfPattern), ...keysIn(ast).map(repeatedIn)].find(
    (found) => found !== undefined,
  );
  if (wrong !== undefined) return { ok: false, detail: wrong };
  if (namedIn(ast).includes(UNNAMED) && !Object.hasOwn(names, UNNAMED))
    return { ok: false, detail: `cannot be read: Unknown variable: ${UNNAMED}${amongWhich(names)}` };
  const stranger = namedIn(ast).find((name) => Object.hasOwn(names, name) && !canBeSaid(name));
  if (stranger !== undefined) return { ok: false, detail: `says ${inNeeds(stranger)}` };
  // What the values are is asked when they are there: a schema may say less than is true.
  const parsed = environmentFor(COMPUTING, names, () => 'dyn').parse(computed(ast));
  const evaluate = (values: Readonly<Record<string, unknown>>): unknown => {
    try {
      const found: unknown = parsed(values);
      if (wanted === 'bool' && typeof found !== 'boolean')
        throw new TypeError('gives neither true nor false');
      if (wanted === 'text' && typeof found !== 'string') throw new TypeError('gives no text');
      return asJson(found);
    } catch (error) {
      throw new ExpressionFailed(text, error);
    }
  };
  return { ok: true, expression: { text, path: pathIn(ast), evaluate } };
}

/** An expression could not be computed. */
class ExpressionFailed extends Error {
  override readonly name = 'ExpressionFailed';

  constructor(text: string, cause: unknown) {
    super(`\${ ${text.trim()} }: ${saidBy(cause)}`);
  }
}

type TypeName = ReturnType<typeof celTypeOf>;

function environmentFor(
  base: Environment,
  names: Names,
  typeOf: (schema: JSONSchema | undefined) => TypeName,
): Environment {
  const environment = base.clone();
  for (const [name, schema] of Object.entries(names)) {
    if (!canBeSaid(name)) continue;
    const type = typeOf(schema);
    if (typeof type === 'string') environment.registerVariable(name, type);
    else environment.registerVariable({ name, schema: type });
  }
  return environment;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Whether a name means in an expression what it names: CEL keeps some for itself (`package`), and has types by others (`map`). */
function canBeSaid(name: string): boolean {
  if (!IDENTIFIER.test(name)) return false;
  try {
    return BASE.clone().registerVariable(name, 'dyn').parse(name).ast.op === 'id';
  } catch {
    return false;
  }
}

/** An expression and all that is in it. */
function nodesIn(part: unknown): readonly ASTNode[] {
  if (Array.isArray(part)) return part.flatMap(nodesIn);
  if (typeof part !== 'object' || part === null || !('op' in part)) return [];
  const node = part as ASTNode;
  return [node, ...nodesIn(node.args)];
}

/** The names in an expression, those of its own variables among them. */
const namedIn = (ast: ASTNode): readonly string[] =>
  nodesIn(ast).flatMap(({ op, args }) => (op === 'id' ? [args] : []));

/** The patterns that stand in an expression as they are. */
const patternsIn = (ast: ASTNode): readonly string[] =>
  nodesIn(ast).flatMap(({ op, args }) => {
    const [pattern] = op === 'rcall' && args[0] === 'matches' ? args[2] : [];
    return pattern?.op === 'value' && typeof pattern.args === 'string' ? [pattern.args] : [];
  });

/** The keys of each map in an expression, as far as they stand there as they are. */
const keysIn = (ast: ASTNode): readonly (readonly unknown[])[] =>
  nodesIn(ast).flatMap(({ op, args }) =>
    op === 'map' ? [args.flatMap(([key]) => (key.op === 'value' ? [key.args] : []))] : [],
  );

/** For whoever has tried to say a name that cannot be said. */
function hintFor(text: string, names: Names): string {
  const words = text.match(/[\w-]+/g) ?? [];
  const found = words.find((word) => Object.hasOwn(names, word) && !canBeSaid(word));
  return found === undefined ? '' : `; ${inNeeds(found)}`;
}

const amongWhich = (names: Names): string => `; there are ${Object.keys(names).join(', ')}`;

const inNeeds = (name: string): string =>
  `'${name}', which is no name or means something else in expressions: write needs["${name}"]`;

function problemOf(text: string, names: Names, wanted: Wanted): string | undefined {
  const strict = check(text, names, 'all');
  const { type, problem } = isSure(strict) ? strict : check(text, names, 'certain');
  if (problem !== undefined) return problem;
  const gives = `gives ${type === undefined || type.startsWith('$') ? 'an object' : `a value of type ${type}`}`;
  if (wanted === 'bool' && type !== 'bool' && type !== 'dyn') return `${gives}, and must give true or false`;
  if (wanted === 'text' && type !== 'string' && type !== 'dyn') return `${gives}, and must give a text`;
  return undefined;
}

/**
 * Whether what is wrong would be wrong with any value. An open object may have more than its schema says; one that is known can do less
 * here than the map that it is; and kinds of numbers that CEL does not mix before it knows the values, it compares when it does.
 */
function isSure({ code, problem = '' }: Checked): boolean {
  const isAboutNumbers = /\bint\b/.test(problem) && /\bdouble\b/.test(problem);
  return code !== 'no_such_key' && !problem.includes('$') && !isAboutNumbers;
}

interface Checked {
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly problem?: string;
}

function check(text: string, names: Names, types: 'all' | 'certain'): Checked {
  let result;
  try {
    result = environmentFor(BASE, names, (schema) => celTypeOf(schema, types)).check(text);
  } catch (error) {
    return { problem: saidBy(error) };
  }
  const { valid, type, error } = result;
  if (valid) return { type };
  const { code, summary = '' } = (error ?? {}) as { readonly code?: string; readonly summary?: string };
  const hint = code === 'unknown_variable' ? amongWhich(names) : '';
  return { code, problem: `cannot be read: ${summary}${hint}` };
}

/** The path that an expression takes, if it does nothing else. */
function pathIn(ast: ASTNode): Expression['path'] {
  const keys: string[] = [];
  let node = ast;
  for (;;) {
    if (node.op === 'id') return { name: node.args, pointer: pointerTo(keys) };
    if (node.op === '.') keys.unshift(node.args[1]);
    else {
      const key = node.op === '[]' ? keyIn(node.args[1]) : undefined;
      if (node.op !== '[]' || key === undefined) return undefined;
      keys.unshift(key);
    }
    node = node.args[0];
  }
}

function keyIn({ op, args }: ASTNode): string | undefined {
  if (op !== 'value') return undefined;
  return typeof args === 'string' || typeof args === 'bigint' ? String(args) : undefined;
}

/** @throws TypeError, RangeError for what JSON cannot hold */
function asJson(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') {
    if (Number.isSafeInteger(Number(value))) return Number(value);
    throw new RangeError(`gives ${value}, which is too large for a number of JSON`);
  }
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Map) return fromEntries(value as ReadonlyMap<unknown, unknown>);
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null)
    return fromEntries(Object.entries(value as object));
  throw new TypeError('gives what JSON cannot hold');
}

const fromEntries = (entries: Iterable<readonly [unknown, unknown]>): unknown =>
  Object.fromEntries([...entries].map(([key, value]) => [String(key), asJson(value)]));

/** The library shows the source in its messages; here it stands beside. */
function saidBy(error: unknown): string {
  const { summary } = (error ?? {}) as { readonly summary?: unknown };
  if (typeof summary === 'string') return summary;
  return error instanceof Error ? error.message : String(error);
}
