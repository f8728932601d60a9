/**
 * An expression as it is computed. It gives numbers, or fails: CEL calculates as computers do, and zero divided by zero is a number that
 * is none, of which every comparison is false, so that a condition that went wrong would count as one that does not hold. And it comes
 * to an end, whatever patterns it has.
 *
 * It owns the text of an expression in which every result of a calculation goes through `finite(…)`, maps are made by `keyed(…)`, which
 * loses no key, and patterns go to where they take no longer than the text is long; users can say none of it. What the parts of an expression mean it leaves alone.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { MATCHES } from './matching.ts';

/** What every calculation goes through. */
export const FINITE = 'finite';

/** @throws RangeError for what is no number of JSON */
export function finite<T>(result: T): T {
  if (typeof result === 'number' && !Number.isFinite(result))
    throw new RangeError(`calculates ${result}, which is no number`);
  return result;
}

/** What every map is made by. */
export const KEYED = 'keyed';

/** A map with these keys and values. @throws TypeError where two keys are one as a text, as those of JSON are, or one cannot be a text */
export function keyed(entries: readonly (readonly [unknown, unknown])[]): Readonly<Record<string, unknown>> {
  const keys = entries.map(([key]) => key);
  const wrong = keys.every(isKey) ? repeatedIn(keys) : NO_KEY;
  if (wrong !== undefined) throw new TypeError(wrong);
  return Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
}

const isKey = (key: unknown): boolean => ['string', 'number', 'bigint', 'boolean'].includes(typeof key);
const NO_KEY = 'has a key that is neither a text, nor a number, nor true or false';

/** Which of the keys is there twice. */
export function repeatedIn(keys: readonly unknown[]): string | undefined {
  const names = keys.map(String);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : `has the key ${JSON.stringify(twice)} twice: all keys are texts, as in JSON, and so 1 and "1" are the same`;
}

/** What every text goes through of which a whole number is made. */
export const WRITTEN = 'written';

/** @throws TypeError for a text without anything: the library would make a zero of it */
export function written<T>(given: T): T {
  if (given === '') throw new TypeError('int() type error: cannot convert to int');
  return given;
}

const CALCULATES: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);

/** The same expression, with its calculations and patterns looked at. */
export function computed(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return node.input.slice(node.start, node.end);
    case 'id':
      return node.args;
    case '.':
    case '.?':
      return `(${computed(node.args[0])})${node.op}${node.args[1]}`;
    case '[]':
    case '[?]':
      return `(${computed(node.args[0])})${node.op.slice(0, -1)}${computed(node.args[1])}]`;
    case 'call': {
      const [name, given] = node.args;
      if (name === 'double') return `${FINITE}(${name}(${listed(given)}))`;
      return WHOLE.has(name) ? `${name}(${WRITTEN}(${listed(given)}))` : `${name}(${listed(given)})`;
    }
    case 'rcall':
      return `(${computed(node.args[1])}).${node.args[0] === 'matches' ? MATCHES : node.args[0]}(${listed(node.args[2])})`;
    case 'list':
      return `[${listed(node.args)}]`;
    case 'map':
      return `${KEYED}([${node.args.map((entry) => `[${listed(entry)}]`).join(', ')}])`;
    case '?:': {
      const [condition, holds, otherwise] = node.args.map(computed);
      return `(${condition}) ? (${holds}) : (${otherwise})`;
    }
    case '!_':
    case '-_':
      return `${node.op[0]}(${computed(node.args)})`;
    default: {
      const [left, right] = node.args;
      const made = `(${computed(left)}) ${node.op} (${computed(right)})`;
      return CALCULATES.has(node.op) ? `${FINITE}(${made})` : made;
    }
  }
}

const WHOLE: ReadonlySet<string> = new Set(['int', 'uint']);

const listed = (nodes: readonly ASTNode[]): string => nodes.map(computed).join(', ');
