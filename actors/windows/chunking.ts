/**
 * Work in parts: a text of the input that is too long for a window goes to the agent piece by piece, and the answers become one.
 * Both are declared by the task: where the text stands, how long a part may be, and how each field of the answers is put
 * together. A field that nobody declared is a problem, not a guess.
 */
import type { TaskMetadata } from '../../machines/contract.ts';
import type { Fault, ValueProblem } from '../../machines/faults/fault.ts';
import { sourcesOfAll } from '../../machines/values/content.ts';
import { amountOf, microsOf, NOTHING } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { isReducer, REDUCER_NAMES, reduced } from '../values/reducers.ts';
import type { Reduced, Reducer } from '../values/reducers.ts';
import { checkPointer, replaced, select } from '../values/selection.ts';
import { CUTS, split } from './splitting.ts';
import type { Part, Splitting } from './splitting.ts';
import type { TokenCounter } from './tokens.ts';

type Values = Readonly<Record<string, unknown>>;

export interface Chunking extends Splitting {
  /** The text in the input: `#/document/text`. */
  readonly pointer: string;
  /** How many parts are asked for at once. Default 1. */
  readonly concurrency?: number;
  /** By the fields of the output. */
  readonly merge: Readonly<Record<string, Reducer>>;
}

const FIELDS: readonly string[] = ['pointer', 'maxTokens', 'overlap', 'finest', 'concurrency', 'merge'];

/** A declaration, looked at. @throws InvalidArgument */
export function chunk(given: Chunking): Chunking {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidArgument('chunk', `must be an object with ${FIELDS.join(', ')}`);
  const stranger = Object.keys(given).find((name) => !FIELDS.includes(name));
  if (stranger !== undefined)
    throw new InvalidArgument(`chunk.${stranger}`, `means nothing; there are ${FIELDS.join(', ')}`);
  const { pointer, maxTokens, overlap, finest, concurrency = 1, merge } = given;
  checkPointer('chunk.pointer', pointer);
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new InvalidArgument('chunk.maxTokens', 'must be a whole number from 1 on');
  }
  if (!Number.isSafeInteger(overlap) || overlap < 0 || overlap >= maxTokens) {
    throw new InvalidArgument('chunk.overlap', 'must be a whole number from 0 on, and less than maxTokens');
  }
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new InvalidArgument('chunk.concurrency', 'must be a whole number from 1 on');
  }
  if (!CUTS.includes(finest)) throw new InvalidArgument('chunk.finest', `must be one of ${CUTS.join(', ')}`);
  if (typeof merge !== 'object' || merge === null || Object.keys(merge).length === 0) {
    throw new InvalidArgument('chunk.merge', 'must say for each field of the output how it is put together');
  }
  for (const [field, reducer] of Object.entries<unknown>(merge)) {
    if (isReducer(reducer)) continue;
    const names = REDUCER_NAMES.join(', ');
    throw new InvalidArgument(`chunk.merge.${field}`, `must be { join: '…' } or one of ${names}`);
  }
  return structuredClone({ pointer, maxTokens, overlap, finest, concurrency, merge });
}

export type Chunked =
  | { readonly ok: true; readonly inputs: readonly Values[]; readonly parts: readonly Part[] }
  | { readonly ok: false; readonly fault: Fault };

/** The inputs of the parts, which differ in the text alone. @throws InvalidArgument when nobody can count the tokens */
export function chunked(input: Values, chunking: Chunking, counter: TokenCounter): Chunked {
  const { pointer, maxTokens, finest } = chunking;
  const [place] = select(input, pointer);
  const text = place?.value;
  if (typeof text !== 'string') return refused(`${pointer} is no text, and cannot be done in parts`);
  const parts = split(text, chunking, counter);
  if (parts === undefined) {
    return refused(`${pointer} cannot be cut into parts of ${maxTokens} tokens without cutting a ${finest}`);
  }
  const inputs = parts.map(({ from, to }) => replaced(input, pointer, text.slice(from, to)) as Values);
  return { ok: true, inputs, parts };
}

const refused = (message: string): Chunked => ({ ok: false, fault: { class: 'context-window', message } });

export type Merged =
  | { readonly ok: true; readonly output: Values }
  | { readonly ok: false; readonly problems: readonly ValueProblem[] };

/** The answers of all parts, in their order, as one. A field must be in all of them or in none. */
export function merged(outputs: readonly Values[], { merge }: Pick<Chunking, 'merge'>): Merged {
  const problems: ValueProblem[] = [];
  const output: Record<string, unknown> = {};
  for (const field of new Set(outputs.flatMap(Object.keys))) {
    const result = mergedField(field, outputs, Object.hasOwn(merge, field) ? merge[field] : undefined);
    if (result.ok) output[field] = result.value;
    else problems.push(problemOf(field, result.problem));
  }
  return problems.length === 0 ? { ok: true, output } : { ok: false, problems };
}

function mergedField(field: string, outputs: readonly Values[], reducer: Reducer | undefined): Reduced {
  if (reducer === undefined) return { ok: false, problem: 'nobody declared how it is put together' };
  const missing = outputs.findIndex((output) => !Object.hasOwn(output, field));
  if (missing !== -1) return { ok: false, problem: `is not in part ${missing + 1} of ${outputs.length}` };
  return reduced(
    outputs.map((output) => output[field]),
    reducer,
  );
}

function problemOf(field: string, detail: string): ValueProblem {
  const pointer = `#/${encodeURIComponent(field.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'))}`;
  return { pointer, keyword: 'merge', schemaPath: '#', detail };
}

/** What all parts have cost, taken and looked at together. No answer is surer than its least sure part. */
export function mergedMetadata(parts: readonly TaskMetadata[]): TaskMetadata {
  const cost = parts
    .map((part) => microsOf(part.cost))
    .reduce((sum, more) => (sum + more) as Micros, NOTHING);
  const sources = sourcesOfAll(parts.map((part) => part.sources));
  return {
    cost: amountOf(cost),
    duration: parts.reduce((sum, part) => sum + part.duration, 0),
    model: [...new Set(parts.map(({ model }) => model))].join(', '),
    confidence: Math.min(...parts.map(({ confidence }) => confidence)),
    ...(sources !== undefined && { sources }),
  };
}
