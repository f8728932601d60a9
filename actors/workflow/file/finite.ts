/**
 * Arithmetic that gives a number, or fails. CEL calculates as computers do: zero divided by zero is a number that is none, of which
 * every comparison is false, so that a condition that went wrong would count as one that does not hold. Here it goes wrong.
 *
 * It owns the text of an expression in which every result of a calculation goes through `finite(…)`, which users cannot say. What the
 * parts of an expression mean it leaves alone.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

/** What every calculation goes through. */
export const FINITE = 'finite';

/** @throws RangeError for what is no number of JSON */
export function finite<T>(result: T): T {
  if (typeof result === 'number' && !Number.isFinite(result))
    throw new RangeError(`calculates ${result}, which is no number`);
  return result;
}

const CALCULATES: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);

/** The same expression, with its calculations looked at. */
export function withFinite(node: ASTNode): string {
  switch (node.op) {
    case 'value':
      return node.input.slice(node.start, node.end);
    case 'id':
      return node.args;
    case '.':
    case '.?':
      return `(${withFinite(node.args[0])})${node.op}${node.args[1]}`;
    case '[]':
    case '[?]':
      return `(${withFinite(node.args[0])})${node.op.slice(0, -1)}${withFinite(node.args[1])}]`;
    case 'call': {
      const made = `${node.args[0]}(${listed(node.args[1])})`;
      return node.args[0] === 'double' ? `${FINITE}(${made})` : made;
    }
    case 'rcall':
      return `(${withFinite(node.args[1])}).${node.args[0]}(${listed(node.args[2])})`;
    case 'list':
      return `[${listed(node.args)}]`;
    case 'map':
      return `{${node.args.map(([key, value]) => `(${withFinite(key)}): ${withFinite(value)}`).join(', ')}}`;
    case '?:': {
      const [condition, holds, otherwise] = node.args.map(withFinite);
      return `(${condition}) ? (${holds}) : (${otherwise})`;
    }
    case '!_':
    case '-_':
      return `${node.op[0]}(${withFinite(node.args)})`;
    default: {
      const [left, right] = node.args;
      const made = `(${withFinite(left)}) ${node.op} (${withFinite(right)})`;
      return CALCULATES.has(node.op) ? `${FINITE}(${made})` : made;
    }
  }
}

const listed = (nodes: readonly ASTNode[]): string => nodes.map(withFinite).join(', ');
