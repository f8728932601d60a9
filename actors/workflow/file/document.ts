/**
 * The document that a workflow file is: YAML, and so JSON, read strictly. It says where everything stands, for whoever has to find a
 * problem in it. Refused is what means something else elsewhere: the same key twice, anchors and aliases, tags, keys that are no texts,
 * numbers that JSON cannot hold, several documents in one.
 */
import { isAlias, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import { keysOf } from '../../../machines/values/json-pointer.ts';
import type { ContractProblem } from '../../errors.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Read {
  /** Plain data. Only where there are no problems. */
  readonly content: unknown;
  readonly problems: readonly ContractProblem[];
  /** Where something stands, or else what it should stand in. By its pointer, as in problems. */
  placeOf(pointer: string): Place;
}

/** What most people run into who write expressions in YAML. */
const QUOTE = "; an expression with ': ' or '#' in it, or within { } or [ ], must be quoted";

const MAX_LENGTH = 1_000_000;
const MAX_DEPTH = 40;
const TOO_DEEP = 'lies too deep';

export function documentOf(text: string): Read {
  if (text.length > MAX_LENGTH)
    return nothing(`has ${text.length} characters, and at most ${MAX_LENGTH} are read`);
  const lineCounter = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter,
      uniqueKeys: true,
      merge: false,
      version: '1.2',
      prettyErrors: false,
    });
  } catch (error) {
    return nothing(`cannot be read: ${saidOf(error instanceof Error ? error.message : String(error))}`);
  }
  const lines = text.split('\n');
  const problems: ContractProblem[] = withoutEchoes([...document.errors, ...document.warnings]).map(
    ({ message, pos }) => {
      const place = placeAt(pos[0]);
      const hint = lines[place.line - 1]?.includes('${') === true ? QUOTE : '';
      return { pointer: '#', detail: `${saidOf(message)}${hint}`, ...place };
    },
  );
  if (problems.length === 0) problems.push(...strangersIn(document, placeAt));
  return {
    content: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 }),
    problems,
    placeOf: (pointer) => placeAt(offsetOf(document, keysOf(pointer.slice(1)))),
  };
}

/** The parser goes as deep as the text, and the stack does not. */
const saidOf = (message: string): string => (message.includes('call stack') ? TOO_DEEP : message);

/** Behind the first thing that cannot be read at all, everything else follows from it. */
function withoutEchoes<T extends { readonly code: string }>(troubles: readonly T[]): readonly T[] {
  const first = troubles.findIndex(({ code }) => code !== 'DUPLICATE_KEY');
  return first === -1 ? troubles : troubles.slice(0, first + 1);
}

const nothing = (detail: string): Read => ({
  content: undefined,
  problems: [{ pointer: '#', detail, line: 1, column: 1 }],
  placeOf: () => ({ line: 1, column: 1 }),
});

/** What a parser would take, and this does not. */
function strangersIn(document: Document.Parsed, placeAt: (offset: number) => Place): ContractProblem[] {
  const problems: ContractProblem[] = [];
  const fail = (node: Node, detail: string): void => {
    problems.push({ pointer: '#', detail, ...placeAt(node.range?.[0] ?? 0) });
  };
  visit(document, {
    Node(_, node, path) {
      if (isAlias(node)) return fail(node, 'is an alias: say it here');
      if (node.anchor !== undefined)
        fail(node, `has an anchor, '${node.anchor}', and nothing may refer to it`);
      if (node.tag !== undefined) fail(node, `has a tag, '${node.tag}': values are what they look like`);
      if (isCollection(node) && path.length > 2 * MAX_DEPTH) {
        fail(node, TOO_DEEP);
        return visit.SKIP;
      }
      if (isScalar(node) && !isJson(node.value))
        fail(node, 'is a number that JSON cannot hold: quote it, or make it smaller');
    },
    Pair(_, { key }) {
      if (!isScalar(key)) return isNode(key) ? fail(key, 'is a key that is no text') : undefined;
      if (typeof key.value !== 'string') return fail(key, 'is a key that is no text: quote it');
      if (key.value === '__proto__') fail(key, 'must not be a key');
    },
  });
  return problems;
}

/** Whole numbers beyond these are not the ones that were written. */
const isJson = (value: unknown): boolean =>
  typeof value !== 'number' ||
  (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)));

/** Where the last part of a path stands that there is: the key of an entry, or an item. */
function offsetOf({ contents }: Document.Parsed, keys: readonly string[]): number {
  let offset = contents?.range[0] ?? 0;
  let node: unknown = contents;
  for (const key of keys) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else {
      node = node.get(Number(key), true);
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}
