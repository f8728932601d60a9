/**
 * Repairs of answers: only those that a contract names, in the order in which it names them, each a pure function. An answer is first
 * read strictly. A repair that changes nothing is not applied; one that is leaves word of itself, with what was there before and
 * after as digests. Whether a repaired answer is taken is for the orchestrator to decide.
 */
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { canonicalOf } from '../../machines/values/canonical.ts';
import { digestOf } from '../schema/digest.ts';
import type { Checked, Checking } from '../schema/checked.ts';
import { isRecord, keysIn, plainCopyOf } from '../schema/plain.ts';

/** In contracts and journals: never change what one does. */
const TEXT_REPAIRS = {
  /** Takes the Markdown fence off that stands around the whole answer. */
  'strip-code-fence': withoutFence,
  /** Takes the one object in the text, and leaves the words around it. Of two objects none is taken. */
  'extract-json-object': onlyObject,
  /** Takes away commas before a closing bracket. */
  'trim-trailing-commas': withoutTrailingCommas,
} as const satisfies Record<string, (text: string) => string>;

const VALUE_REPAIRS = {
  /** Takes away fields that the schema does not allow. */
  'drop-unknown-fields': (problem) => (UNKNOWN.has(problem.keyword) ? { isGone: true } : undefined),
  /** Takes away fields that are null where the schema allows no null. */
  'drop-null-fields': (problem, value) =>
    problem.keyword === 'type' && value === null ? { isGone: true } : undefined,
  /** Makes `"12.5"` a number where the schema asks for one. Not `"12.50"`: only what is written as a number would be. */
  'numbers-from-text': (problem, value) =>
    problem.keyword === 'type' && isNumeric(problem.expected) && isNumberText(value)
      ? { isGone: false, value: Number(value) }
      : undefined,
} as const satisfies Record<string, ValueRepair>;

/** What becomes of a value that has a problem; undefined when the repair is not for it. */
type ValueRepair = (problem: ValueProblem, value: unknown) => Mended | undefined;
type Mended = { readonly isGone: true } | { readonly isGone: false; readonly value: unknown };

const UNKNOWN: ReadonlySet<string> = new Set(['additionalProperties', 'unevaluatedProperties']);
const isNumeric = (expected: unknown): boolean => expected === 'number' || expected === 'integer';
const isNumberText = (value: unknown): value is string =>
  typeof value === 'string' && Number.isFinite(Number(value)) && String(Number(value)) === value;

type TextRepairName = keyof typeof TEXT_REPAIRS;
type ValueRepairName = keyof typeof VALUE_REPAIRS;
export type RepairName = TextRepairName | ValueRepairName;

const isTextRepair = (name: RepairName): name is TextRepairName => Object.hasOwn(TEXT_REPAIRS, name);
const isValueRepair = (name: RepairName): name is ValueRepairName => Object.hasOwn(VALUE_REPAIRS, name);

export const REPAIRS: readonly RepairName[] = [
  ...(Object.keys(TEXT_REPAIRS) as TextRepairName[]),
  ...(Object.keys(VALUE_REPAIRS) as ValueRepairName[]),
];

/** A repair that was made. Plain data. */
export interface AppliedRepair {
  readonly repair: RepairName;
  /** SHA-256 of the text, or of the canonical text of the value. */
  readonly before: string;
  readonly after: string;
}

export type Repaired =
  | {
      readonly ok: true;
      readonly output: Readonly<Record<string, unknown>>;
      /** None when it was right as it stands. */
      readonly applied: readonly AppliedRepair[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly ValueProblem[];
      readonly applied: readonly AppliedRepair[];
    };

type OutputSchema = Pick<Checked, 'check'>;

/** Reads an answer that is a text. */
export function repairedText(text: string, repairs: readonly RepairName[], schema: OutputSchema): Repaired {
  const applied: AppliedRepair[] = [];
  let current = text;
  let parsed = parse(current);
  for (const repair of repairs.filter(isTextRepair)) {
    if (parsed !== undefined) break;
    const after = TEXT_REPAIRS[repair](current);
    if (after === current) continue;
    applied.push({ repair, before: digestOf(current), after: digestOf(after) });
    current = after;
    parsed = parse(current);
  }
  if (parsed === undefined) return { ok: false, problems: [NO_JSON], applied };
  const value = repairedValue(parsed.value, repairs, schema);
  return { ...value, applied: [...applied, ...value.applied] };
}

/** Holds a value against its schema, and repairs where it does not meet that. */
export function repairedValue(
  value: unknown,
  repairs: readonly RepairName[],
  schema: OutputSchema,
): Repaired {
  const plain = plainCopyOf(value);
  if (!plain.ok) return { ok: false, problems: plain.problems, applied: [] };
  const mending = new Mending(plain.value, schema);
  const named = repairs.filter(isValueRepair);
  // Of many problems only some are told: what one repair has mended may show another what it is for.
  let isMended = true;
  while (isMended) {
    isMended = false;
    for (const repair of named) if (mending.by(repair)) isMended = true;
  }
  const { checking, applied } = mending;
  if (!checking.ok) return { ok: false, problems: checking.problems, applied };
  if (!isRecord(checking.value)) return { ok: false, problems: [NO_OBJECT], applied };
  return { ok: true, output: checking.value, applied };
}

/** How often a value is looked at again at most. Whoever makes more mistakes than are told in that time has not made some mistakes. */
const MOST_ROUNDS = 20;

/** A value that is mended until it meets its schema, or nothing changes any more. */
class Mending {
  readonly applied: AppliedRepair[] = [];
  readonly #schema: OutputSchema;
  #value: unknown;
  #rounds = 0;
  checking: Checking;

  constructor(value: unknown, schema: OutputSchema) {
    this.#schema = schema;
    this.#value = value;
    this.checking = schema.check(value);
  }

  /** Repairs all that a repair is for. @returns whether that was anything */
  by(repair: ValueRepairName): boolean {
    const before = this.#value;
    for (; !this.checking.ok && this.#rounds < MOST_ROUNDS; this.#rounds++) {
      const after = mended(this.#value, this.checking.problems, VALUE_REPAIRS[repair]);
      if (after === this.#value) break;
      this.#value = after;
      this.checking = this.#schema.check(after);
    }
    if (this.#value === before) return false;
    const [from, to] = [canonicalOf(before), canonicalOf(this.#value)];
    this.applied.push({ repair, before: digestOf(from), after: digestOf(to) });
    return true;
  }
}

const NO_JSON: ValueProblem = { pointer: '#', keyword: 'json', schemaPath: '#', detail: 'is no JSON' };
/** Outputs and inputs are objects, whatever their schemas say besides. */
export const NO_OBJECT: ValueProblem = {
  pointer: '#',
  keyword: 'type',
  schemaPath: '#/type',
  expected: 'object',
  detail: 'must be object',
};

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Mended, as a copy; the value itself if the repair is for none of its problems. */
function mended(value: unknown, problems: readonly ValueProblem[], repair: ValueRepair): unknown {
  let copy: unknown;
  for (const problem of problems) {
    const keys = keysIn(problem.pointer);
    const inner = holderOf(copy ?? value, keys);
    const outcome = inner && repair(problem, inner.holder[inner.key]);
    if (inner === undefined || outcome === undefined) continue;
    // An item that is taken away moves those behind it, and the pointers to them: it stays.
    if (outcome.isGone && Array.isArray(inner.holder)) continue;
    copy ??= structuredClone(value);
    const { holder, key } = holderOf(copy, keys)!;
    if (outcome.isGone) delete holder[key];
    else holder[key] = outcome.value;
  }
  return copy ?? value;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** What holds the place that a path leads to; undefined where it leads nowhere, and for the whole. */
function holderOf(value: unknown, [key, ...rest]: readonly string[]): Place | undefined {
  if (key === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, key))
    return undefined;
  const holder = value as Record<string, unknown>;
  return rest.length === 0 ? { holder, key } : holderOf(holder[key], rest);
}

const FENCE = '```';

function withoutFence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith(FENCE) || !trimmed.endsWith(FENCE)) return text;
  const firstBreak = trimmed.indexOf('\n');
  const inner = trimmed.slice(firstBreak + 1, -FENCE.length);
  return firstBreak === -1 || firstBreak >= trimmed.length - FENCE.length || inner.includes(FENCE)
    ? text
    : inner.trim();
}

function onlyObject(text: string): string {
  const start = text.indexOf('{');
  if (start === -1) return text;
  const end = endOfObject(text, start);
  return end === -1 || text.indexOf('{', end) !== -1 ? text : text.slice(start, end);
}

/** Behind the bracket that closes the one at `start`; -1 if there is none. Brackets in texts do not count. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (const { character, at, isInText } of charactersOf(text, start)) {
    if (isInText) continue;
    if (character === '{') depth++;
    if (character === '}' && --depth === 0) return at + 1;
  }
  return -1;
}

function withoutTrailingCommas(text: string): string {
  const commas: number[] = [];
  let comma = -1;
  for (const { character, at, isInText } of charactersOf(text, 0)) {
    if (!isInText && (character === '}' || character === ']') && comma !== -1) commas.push(comma);
    if (!isInText && character === ',') comma = at;
    else if (isInText || !/\s/.test(character)) comma = -1;
  }
  let kept = '';
  let from = 0;
  for (const at of commas) {
    kept += text.slice(from, at);
    from = at + 1;
  }
  return kept + text.slice(from);
}

interface Character {
  readonly character: string;
  readonly at: number;
  /** Within the quotes of a JSON text, which count as within. */
  readonly isInText: boolean;
}

function* charactersOf(text: string, start: number): Generator<Character> {
  let isInText = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    const isQuote = character === '"';
    yield { character, at, isInText: isInText || isQuote };
    if (isQuote) isInText = !isInText;
    else if (isInText && character === '\\' && at + 1 < text.length) {
      at++;
      yield { character: text[at]!, at, isInText };
    }
  }
}
