/**
 * What is done about faults, as data: for each class of {@link FaultClass} a ladder of rungs, from the mildest to the last. The
 * rungs are tried in order, each as often as it says; one that is not possible now (no money, no time, nobody else) is skipped,
 * and what was skipped is recorded with the reason (next-move.ts). The last rung is always possible, so every ladder ends.
 *
 * A strategy is plain data: it can stand in a file, in an input, in a record. It is refused where it is made when it misses a
 * class, does not end, has rungs that nobody can reach, or does what cannot help: the same request again after `bad-request`.
 */
import { FAULT_CLASSES } from './fault.ts';
import type { FaultClass } from './fault.ts';
import { OptionError } from '../options.ts';

export interface Strategy {
  /** For people, and for the records of what was decided by it. */
  readonly name: string;
  readonly rows: Rows;
}

/** A ladder for every class: a class that is new is missing here until somebody has thought about it. */
export type Rows = { readonly [TClass in FaultClass]: readonly Rung[] };

export type Rung = Deed & {
  /** Only while the answer is that sure. In the rows `low-confidence` and `needs-review` alone: nothing else says how sure it is. */
  readonly sure?: Sureness;
};

/** From `from` on, and less than `below`. */
export interface Sureness {
  readonly from?: number;
  readonly below?: number;
}

export type Deed =
  /** The same request, with the same idempotency key, after a delay. The task keeps what it holds. Counted by agent. */
  | { readonly do: 'retry'; readonly times: number; readonly backoff: Backoff }
  /**
   * The task is parked, and asks again later, or when it is woken. It holds no money and no place meanwhile. Counted over all
   * agents.
   */
  | { readonly do: 'wait'; readonly times: number; readonly backoff: Backoff }
  /** The answer is mended in ways that the agent's contract declares: all of them, or the ones named here. Once an answer. */
  | { readonly do: 'repair'; readonly names: 'declared' | readonly string[] }
  /** The same agent is asked anew, and told where its answer is wrong. Counted by agent. */
  | { readonly do: 'ask-again'; readonly times: number }
  /** Somebody else who can do it: that often at most, or as long as there is one. */
  | { readonly do: 'other-agent'; readonly times?: number }
  /** Somebody else whose window is larger, as long as there is one. */
  | { readonly do: 'larger-window' }
  /** In parts, in the way that the task declares. Once. */
  | { readonly do: 'chunk' }
  /** A person decides, with everything in view. */
  | { readonly do: 'review'; readonly role?: string }
  /** The answer is taken as it is, and what it lacks stays on record. */
  | { readonly do: 'accept' }
  /** What was answered last to the same question, and was good, is taken in place of an answer, if it is no older than that. */
  | { readonly do: 'stale'; readonly maxAgeMs: number }
  /** This output is taken in place of an answer. */
  | { readonly do: 'default'; readonly value: Readonly<Record<string, unknown>> }
  /** The task has failed. */
  | { readonly do: 'fail' }
  /** The task stands still until a person lets it go on. */
  | { readonly do: 'park' };

export type DeedName = Deed['do'];

/**
 * How long to wait: `firstMs`, and each time `factor` times as long, up to `maxMs`. Chance makes that shorter by up to the share
 * `jitter`. What the other side asks for (`Retry-After`) goes before: it is never asked again earlier, whatever stands here.
 */
export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** From 0 to 1. */
  readonly jitter: number;
}

/** The classes whose faults say how sure the answer is. */
const UNSURE: readonly FaultClass[] = ['low-confidence', 'needs-review'];

const but = (...classes: readonly FaultClass[]): readonly FaultClass[] =>
  FAULT_CLASSES.filter((name) => !classes.includes(name));

/** Where a deed can help. What is not in here is refused: it would do the same again, or go around somebody's no. */
export const HELPS: { readonly [TName in DeedName]: readonly FaultClass[] } = {
  // The same request has the same key, and whoever keeps keys gives the same answer: an answer that is bad is no reason.
  retry: [
    ...(['rate-limit', 'server-error', 'unavailable', 'timeout', 'auth'] as const),
    ...(['empty', 'not-parseable', 'crash'] as const),
  ],
  wait: [
    ...(['rate-limit', 'server-error', 'unavailable', 'timeout', 'auth', 'quota'] as const),
    ...(['crash', 'no-agent', 'budget-exhausted'] as const),
  ],
  repair: ['truncated', 'not-parseable', 'schema-mismatch'],
  'ask-again': [
    ...([
      'content-filter',
      'truncated',
      'empty',
      'not-parseable',
      'schema-mismatch',
      'factually-wrong',
    ] as const),
    ...(['low-confidence', 'needs-review', 'agent-failure', 'contract-violation'] as const),
  ],
  'other-agent': but('invalid-input', 'no-agent', 'not-permitted', 'cancelled'),
  'larger-window': ['context-window', 'truncated'],
  chunk: ['context-window', 'truncated'],
  review: but('cancelled'),
  accept: UNSURE,
  // Nobody was there to answer. What somebody has answered, and is wrong, is not made right by something older.
  stale: [
    ...(['rate-limit', 'server-error', 'unavailable', 'timeout', 'auth', 'quota'] as const),
    ...(['crash', 'no-agent', 'budget-exhausted'] as const),
  ],
  default: but('cancelled'),
  park: but('cancelled'),
  fail: FAULT_CLASSES,
};

/** Those that end a ladder: they are possible whatever is left. */
const LAST: ReadonlySet<DeedName> = new Set(['review', 'accept', 'default', 'fail', 'park']);

/** A strategy, looked at and frozen. @throws OptionError with the place of what is wrong */
export function strategy(given: Strategy): Strategy {
  const { name, rows } = record('strategy', given, ['name', 'rows']);
  if (!isText(name)) refuse('name', 'must be a text', name);
  const ladders = record('rows', rows, FAULT_CLASSES) as Rows;
  for (const fault of FAULT_CLASSES) checkLadder(fault, ladders[fault]);
  return frozen(structuredClone(given));
}

/** A strategy with other ladders for some classes; the rest is as in `base`. @throws OptionError as {@link strategy} does */
export function extend(
  base: Strategy,
  changes: { readonly name: string; readonly rows: Partial<Rows> },
): Strategy {
  const { rows } = record('strategy', changes, ['name', 'rows']);
  const given = Object.entries(record('rows', rows, FAULT_CLASSES)).filter(([, row]) => row !== undefined);
  return strategy({ name: changes.name, rows: { ...base.rows, ...Object.fromEntries(given) } });
}

/** Whether answers are to be kept for it. */
export const recalls = ({ rows }: Strategy): boolean =>
  Object.values<readonly Rung[]>(rows).some((ladder) => ladder.some((rung) => rung.do === 'stale'));

function checkLadder(fault: FaultClass, ladder: unknown): void {
  const place = `rows['${fault}']`;
  if (ladder === undefined) refuse(place, 'is missing: say what is done about it', ladder);
  if (!Array.isArray(ladder) || ladder.length === 0) refuse(place, 'must be a list of rungs', ladder);
  const rungs = (ladder as readonly unknown[]).map((rung, index) =>
    checkRung(fault, `${place}[${index}]`, rung),
  );
  const end = rungs.findIndex((rung) => LAST.has(rung.do) && rung.sure === undefined);
  if (end === -1) refuse(place, `must end with one of ${listed([...LAST])}, whatever is left`, ladder);
  if (end < rungs.length - 1) refuse(`${place}[${end + 1}]`, `is never reached: ${rungs[end]!.do} ends it`);
}

function checkRung(fault: FaultClass, place: string, given: unknown): Rung {
  const name = isRecord(given) ? given['do'] : given;
  if (!isDeedName(name)) refuse(`${place}.do`, `must be one of ${listed(Object.keys(FIELDS))}`, name);
  if (!HELPS[name].includes(fault)) {
    refuse(`${place}.do`, `does not help with ${fault}, but with ${listed(HELPS[name])}`, name);
  }
  const fields = FIELDS[name];
  const rung = record(place, given, ['do', 'sure', ...Object.keys(fields)]);
  for (const [field, check] of Object.entries(fields)) check(`${place}.${field}`, rung[field]);
  if (rung['sure'] !== undefined) checkSureness(fault, `${place}.sure`, rung['sure']);
  return given as Rung;
}

type Check = (place: string, value: unknown) => void;

/** What belongs to a deed besides its name. */
const FIELDS: { readonly [TName in DeedName]: Readonly<Record<string, Check>> } = {
  retry: { times: checkPositive, backoff: checkBackoff },
  wait: { times: checkPositive, backoff: checkBackoff },
  repair: { names: checkNames },
  'ask-again': { times: checkPositive },
  'other-agent': { times: ifGiven(checkPositive) },
  'larger-window': {},
  chunk: {},
  review: { role: ifGiven(checkText) },
  accept: {},
  stale: { maxAgeMs: checkPositive },
  default: { value: checkOutput },
  fail: {},
  park: {},
};

function ifGiven(check: Check): Check {
  return (place, value) => {
    if (value !== undefined) check(place, value);
  };
}

function checkPositive(place: string, value: unknown): asserts value is number {
  if (!isWhole(value) || value < 1) refuse(place, 'must be a whole number from 1 on', value);
}

function checkText(place: string, value: unknown): void {
  if (!isText(value)) refuse(place, 'must be a text', value);
}

function checkBackoff(place: string, value: unknown): void {
  const { firstMs, factor, maxMs, jitter } = record(place, value, ['firstMs', 'factor', 'maxMs', 'jitter']);
  checkPositive(`${place}.firstMs`, firstMs);
  if (!isNumber(factor) || factor < 1) refuse(`${place}.factor`, 'must be a number from 1 on', factor);
  if (!isWhole(maxMs) || maxMs < firstMs)
    refuse(`${place}.maxMs`, 'must be whole, and firstMs or more', maxMs);
  if (!isShare(jitter)) refuse(`${place}.jitter`, 'must be a number from 0 to 1', jitter);
}

function checkNames(place: string, value: unknown): void {
  if (value === 'declared') return;
  const isList = Array.isArray(value) && value.length > 0 && value.every(isText);
  if (!isList) refuse(place, `must be 'declared' or a list of names`, value);
  if (new Set(value).size < value.length) refuse(place, 'must not name one twice', value);
}

function checkOutput(place: string, value: unknown): void {
  if (!isRecord(value) || !isJson(value))
    refuse(place, 'must be an output: a plain object of JSON values', value);
}

function checkSureness(fault: FaultClass, place: string, value: unknown): void {
  if (!UNSURE.includes(fault))
    refuse(place, `is for ${listed(UNSURE)}: ${fault} does not say how sure it is`);
  const { from, below } = record(place, value, ['from', 'below']);
  if (from === undefined && below === undefined) refuse(place, 'must say from, below, or both', value);
  for (const [field, bound] of Object.entries({ from, below })) {
    if (bound !== undefined && !isShare(bound))
      refuse(`${place}.${field}`, 'must be a number from 0 to 1', bound);
  }
  if (isNumber(from) && isNumber(below) && from >= below)
    refuse(place, 'is empty: from must be less than below');
}

/** A plain object with no fields but these: a misspelt one would silently do nothing. */
function record(place: string, value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) refuse(place, `must be an object with ${listed(names)}`, value);
  const stranger = Object.keys(value).find((name) => !names.includes(name));
  if (stranger !== undefined) refuse(`${place}.${stranger}`, `is not known; there is ${listed(names)}`);
  return value;
}

function refuse(place: string, problem: string, ...shown: readonly unknown[]): never {
  const but = shown.length === 0 ? '' : `, but is ${JSON.stringify(shown[0]) ?? String(shown[0])}`;
  throw new OptionError(place, `strategy: ${place} ${problem}${but}`);
}

const listed = (names: readonly string[]): string => names.join(', ');
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const isShare = (value: unknown): value is number => isNumber(value) && value >= 0 && value <= 1;
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isDeedName = (value: unknown): value is DeedName =>
  typeof value === 'string' && Object.hasOwn(FIELDS, value);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether it comes back equal from a file. Whoever nests that deep, or in a circle, has no output in mind. */
function isJson(value: unknown, depth = 0): boolean {
  if (depth > 128) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  if (isRecord(value)) return Object.values(value).every((item) => isJson(item, depth + 1));
  return value === null || isNumber(value) || typeof value === 'string' || typeof value === 'boolean';
}

function frozen<TValue>(value: TValue): TValue {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
