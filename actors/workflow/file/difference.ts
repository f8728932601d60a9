/**
 * The difference of two versions of a workflow file, as a list of changes that people can read: what was added, taken away, and what
 * is something else now. Layout and comments make none. It compares what was written, and says nothing of what follows from it.
 */
import { pointerTo } from '../../../machines/values/json-pointer.ts';
import { InvalidArgument } from '../../../runtime/index.ts';
import { canonicalOf } from '../../../machines/values/canonical.ts';
import { isRecord } from '../../schema/plain.ts';
import { definitionOf } from '../workflow.ts';
import { contentOf } from './file.ts';

export interface Change {
  /** Where, as a JSON pointer into the file. */
  readonly pointer: string;
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  readonly before?: unknown;
  readonly after?: unknown;
  /** For people: `research: maxCost 0.5 → 0.7`. */
  readonly text: string;
}

/** The changes, in the order of the later version. As a text it is one line for each. */
export class Difference {
  readonly changes: readonly Change[];

  constructor(changes: readonly Change[]) {
    this.changes = changes;
  }

  toString(): string {
    return this.changes.length === 0 ? 'the same' : this.changes.map(({ text }) => text).join('\n');
  }
}

/**
 * What has changed from one version of a workflow file to another: its text, what it says, or the workflow that was made of it.
 *
 * @throws InvalidWorkflow when a text cannot be read; InvalidArgument for a workflow that was written in code
 */
export function diffOf(before: string | object, after: string | object): Difference {
  const changes: Change[] = [];
  compare(writtenIn(before, 'before'), writtenIn(after, 'after'), [], changes);
  return new Difference(changes);
}

function writtenIn(version: string | object, which: string): unknown {
  const definition = definitionOf(version);
  if (definition !== undefined) return definition.content;
  if (typeof (version as { readonly transition?: unknown }).transition === 'function')
    throw new InvalidArgument(which, 'was not made of a file: there is nothing to compare');
  return contentOf(version).content;
}

function compare(before: unknown, after: unknown, path: readonly string[], changes: Change[]): void {
  if (canonicalOf(before) === canonicalOf(after) && !isRecord(before)) return;
  if (isRecord(before) && isRecord(after)) return compareFields(before, after, path, changes);
  if (isSet(before) && isSet(after)) return compareSets(before, after, path, changes);
  changes.push(changeOf('changed', path, `${shown(before)} → ${shown(after)}`, { before, after }));
}

type Fields = Readonly<Record<string, unknown>>;

function compareFields(before: Fields, after: Fields, path: readonly string[], changes: Change[]): void {
  for (const [name, value] of Object.entries(after)) {
    const place = [...path, name];
    if (Object.hasOwn(before, name)) compare(before[name], value, place, changes);
    else changes.push(changeOf('added', place, `added: ${shown(value)}`, { after: value }));
  }
  for (const [name, value] of Object.entries(before))
    if (!Object.hasOwn(after, name))
      changes.push(changeOf('removed', [...path, name], `removed: ${shown(value)}`, { before: value }));
  const isOrdered = path.length === 1 ? path[0] === 'tasks' : path.length === 3 && path[2] === 'arms';
  if (!isOrdered) return;
  const inBoth = (one: Fields, other: Fields): string[] =>
    Object.keys(one).filter((name) => Object.hasOwn(other, name));
  const [old, now] = [inBoth(before, after), inBoth(after, before)];
  if (old.join('\n') !== now.join('\n'))
    changes.push(changeOf('moved', path, `in another order: ${now.join(', ')}`, { before: old, after: now }));
}

/** A list in which nothing is twice: what was added to it and taken from it says more than both lists. */
const isSet = (value: unknown): value is readonly string[] =>
  Array.isArray(value) &&
  value.every((item) => typeof item === 'string') &&
  new Set(value).size === value.length;

function compareSets(
  before: readonly string[],
  after: readonly string[],
  path: readonly string[],
  changes: Change[],
): void {
  const added = after.filter((item) => !before.includes(item)).map((item) => `+ ${item}`);
  const removed = before.filter((item) => !after.includes(item)).map((item) => `- ${item}`);
  const words = [...added, ...removed].join(', ') || `in another order: ${after.join(', ')}`;
  changes.push(changeOf('changed', path, words, { before, after }));
}

function changeOf(
  kind: Change['kind'],
  path: readonly string[],
  words: string,
  values: Pick<Change, 'before' | 'after'>,
): Change {
  const [first, node, ...rest] = path;
  const isOfNode = first === 'tasks' && node !== undefined;
  const place = isOfNode ? [node, rest.join('.')] : [path.join('.') || 'the file'];
  const text = `${place.filter((part) => part !== '').join(': ')} ${words}`;
  return { kind, pointer: pointerTo(path), ...values, text };
}

const LONGEST = 120;

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}
