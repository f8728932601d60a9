/**
 * What has changed in an actor between two records, and which record has set a part of its state.
 */
import type { AnyEventObject } from 'xstate';
import { allDifferences, firstDifference } from '../difference.ts';
import { InvalidArgument, StoryChanged } from '../errors.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { Runtime } from '../runtime.ts';
import { cutAt } from './cut.ts';
import { historyOf } from './history.ts';
import type { HistoryCause } from './history.ts';
import { journalAt } from './reading.ts';
import { assertRecordOf, toldFromBirth, toldUpTo } from './telling.ts';
import type { Visit } from './telling.ts';

/** A part of a value that is another one later. */
export interface ValueChange {
  /** As one would write it in code: `context.items[2].price`, `value`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** A part of an actor's state that is another one later. */
export interface Change extends ValueChange {
  readonly address: string;
}

export interface DiffOptions {
  /** With all below it, as they stood when the two records were made. */
  readonly children?: boolean;
}

/** What is different in record `to` from what was in record `from`. The order of the two is the caller's. */
export async function diff(
  runtime: Runtime,
  address: string,
  from: number,
  to: number,
  { children = false }: DiffOptions = {},
): Promise<Change[]> {
  const statesAt = children ? statesOfAll : stateOfOne;
  const before = await statesAt(runtime, address, from, 'from');
  const after = await statesAt(runtime, address, to, 'to');
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((whose) =>
    changesOf(whose, before.get(whose), after.get(whose)),
  );
}

type States = ReadonlyMap<string, AnySnapshot | undefined>;

async function stateOfOne(runtime: Runtime, address: string, seq: number, path: string): Promise<States> {
  return new Map([[address, (await toldUpTo(runtime, address, seq, path)).snapshot]]);
}

async function statesOfAll(runtime: Runtime, address: string, seq: number, path: string): Promise<States> {
  const { members } = await cutAt(runtime, address, { address, seq }, path);
  return new Map([...members.values()].map(({ journal, cell }) => [journal.address, cell.snapshot]));
}

function changesOf(
  address: string,
  before: AnySnapshot | undefined,
  after: AnySnapshot | undefined,
): Change[] {
  const [old, now] = [stateOf(before), stateOf(after)];
  return PARTS.flatMap((part) => changesBetween(old[part], now[part], part)).map((change) => ({
    address,
    ...change,
  }));
}

/** What is different in a value from what was before, each change as deep inside as it can be named. */
export function changesBetween(before: unknown, after: unknown, path: string): ValueChange[] {
  return allDifferences(before, after, path).map(({ path: place, recorded, today }) => ({
    ...{ path: place, before: recorded, after: today },
  }));
}

/** What a snapshot of any logic may hold. */
const PARTS = ['status', 'value', 'context', 'output', 'error', 'children'] as const;

type State = Readonly<Record<(typeof PARTS)[number], unknown>>;

const stateOf = (snapshot: AnySnapshot | undefined): State => (snapshot ?? {}) as State;

/** The record that has made a part of an actor's state what it is. */
export interface Blame {
  readonly address: string;
  readonly seq: number;
  readonly at: number;
  readonly event: AnyEventObject;
  readonly cause: HistoryCause;
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface BlameOptions {
  /** As of which record; default the newest. */
  readonly at?: number;
}

/** What is read off a state by a pure function, and how it is called. */
export interface Reading {
  readonly path: string;
  /** @param snapshot undefined as long as there is none */
  readonly of: (snapshot: AnySnapshot | undefined) => unknown;
}

/** The last record that has changed what stands at a path, or what is read; undefined when there never was anything. */
export async function blame(
  runtime: Runtime,
  address: string,
  part: string | Reading,
  { at }: BlameOptions = {},
): Promise<Blame | undefined> {
  const { path, of } = readingOf(part);
  const journal = await journalAt(runtime, address);
  if (at !== undefined) assertRecordOf(journal, at, 'at');
  let last: { readonly seq: number; readonly before: unknown; readonly after: unknown } | undefined;
  let standing: unknown;
  const visit: Visit = (_, { seq }, { snapshot }) => {
    const after = of(snapshot);
    if (firstDifference(standing, after, path) !== undefined) last = { seq, before: standing, after };
    standing = after;
  };
  const told = await toldFromBirth(runtime, journal, visit, at);
  if (told?.difference !== undefined) throw new StoryChanged(address, told.difference);
  if (last === undefined) return undefined;
  const { seq, before, after } = last;
  for await (const record of historyOf(runtime, address, { from: seq, to: seq })) {
    const { at: when, event, cause } = record;
    return { address, seq, at: when, event, cause, path, before, after };
  }
  return undefined;
}

/** @throws InvalidArgument */
function readingOf(part: string | Reading): Reading {
  if (typeof part !== 'object' || part === null) return readingAt(part);
  if (typeof part.path === 'string' && typeof part.of === 'function') return part;
  throw new InvalidArgument('path', 'must be a text, or { path, of } with a function that reads a snapshot');
}

/** @throws InvalidArgument */
function readingAt(path: string): Reading {
  const keys = keysOf(path);
  return { path, of: (snapshot) => valueAt(snapshot, keys) };
}

/** One step of a path: `.a`, `[0]`, `['b c']`, or `["d\"e"]` as differences are shown. */
const STEP = /\.([^.[\]'"]+)|\[(\d+)\]|\['([^']*)'\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** `a.b[0]['c d']` as its keys. @throws InvalidArgument */
function keysOf(path: unknown): string[] {
  const keys = typeof path === 'string' ? stepsOf(`.${path}`) : undefined;
  if (keys !== undefined && (PARTS as readonly string[]).includes(keys[0]!)) return keys;
  const hint = `such as context.total or context.items[0].price, and begin with ${PARTS.join(', ')}`;
  throw new InvalidArgument(
    'path',
    `must say where, ${hint}; but is ${JSON.stringify(path) ?? String(path)}`,
  );
}

function stepsOf(path: string): string[] | undefined {
  const keys: string[] = [];
  for (let at = 0; at < path.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const match = STEP.exec(path);
    if (match === null) return undefined;
    const [, name, index, text, quoted] = match;
    keys.push(name ?? index ?? text ?? (JSON.parse(quoted!) as string));
  }
  return keys;
}

function valueAt(root: unknown, keys: readonly string[]): unknown {
  let value = root;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (value instanceof Map) value = value.get(key);
    else value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}
