/**
 * The content of a table: a copy of what users gave, which they cannot change any more, and the hash that names it. Two tables have
 * the same hash exactly if they say the same; comments, spaces and the order of keys are not said.
 */
import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { pathTo } from './problems.ts';
import type { Problems } from './problems.ts';

/** What a text of YAML or JSON says. */
export function parsed(text: string, problems: Problems): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  for (const { message, linePos } of [...document.errors, ...document.warnings]) {
    const [first] = message.split('\n');
    problems.add(`line ${linePos?.[0].line ?? 1}`, first!.replace(/ at line .*$/, ''));
  }
  try {
    return problems.all.length > 0 ? {} : document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that lead nowhere, or to too much.
    problems.add('line 1', (error as Error).message);
    return {};
  }
}

const MAX_DEPTH = 32;

/** A copy of plain data. What is none is a problem. */
export function copied(value: unknown, path: string, problems: Problems, depth = 0): unknown {
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value;
  if (typeof value === 'string' && value.isWellFormed()) return value;
  if (depth < MAX_DEPTH && Array.isArray(value))
    return value.map((item: unknown, i) => copied(item, `${path}[${i}]`, problems, depth + 1));
  if (depth < MAX_DEPTH && isPlain(value)) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    if (entries.some(([key]) => key === '__proto__'))
      problems.add(pathTo(path, '__proto__'), 'must not be a key');
    // Made of entries: an assignment to some keys would do more.
    return Object.fromEntries(
      entries.map(([key, field]) => [key, copied(field, pathTo(path, key), problems, depth + 1)]),
    );
  }
  problems.add(path === '' ? 'table' : path, 'must be plain data: texts, numbers, booleans, lists, objects');
  return undefined;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function hashOf(content: unknown): string {
  return `sha256:${createHash('sha256')
    .update(JSON.stringify(inOrder(content)))
    .digest('hex')}`;
}

/** The same with its keys in order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, inOrder(field)]));
}
