/**
 * A content: a value that is kept under its hash, and never changes. What is noted beside it is where it was found, who made it and who
 * has used it, so that each can be found from the other; what they did with it is in their own journals.
 *
 * It looks for itself whether it is what its address says, and is not born otherwise. Of each kind it keeps the first
 * {@link MOST_NOTED} notes, and takes no more: everybody makes `{}`.
 */
import { assign, setup } from 'xstate';
import { canonicalOf } from './canonical.ts';
import type { Json } from './canonical.ts';
import type { Source } from '../contract.ts';
import { sha256 } from './sha256.ts';

/** Who had to do with it: the address of a task. */
export interface ContentNote {
  /** It came out of the task; or the task has looked at it. */
  readonly madeBy?: string;
  readonly usedBy?: string;
  /** Where it was found. */
  readonly source?: Source;
}

export interface ContentInput {
  readonly value: Json;
  readonly note: ContentNote;
}

export interface ContentContext {
  readonly value: Json;
  /** The tasks that have made it, and those that have used it. */
  readonly madeBy: readonly string[];
  readonly usedBy: readonly string[];
  /** Where it was found, each place once. */
  readonly sources: readonly Source[];
}

export interface ContentNoted {
  readonly type: 'content.noted';
  readonly note: ContentNote;
}

/** Of each kind. */
export const MOST_NOTED = 256;

export const content = setup({
  types: {
    context: {} as ContentContext,
    events: {} as ContentNoted,
    input: {} as ContentInput,
  },
}).createMachine({
  id: 'content',
  context: ({ input: { value, note }, self }) => {
    assertIs(value, self);
    const empty = { value, madeBy: [], usedBy: [], sources: [] };
    return { ...empty, ...noted(empty, note) };
  },
  on: {
    'content.noted': { actions: assign(({ context, event }) => noted(context, event.note)) },
  },
});

/** The hash of a value: `sha256:…`, of its canonical text. */
export const contentHashOf = (value: unknown): string => `sha256:${sha256(canonicalOf(value))}`;

/** Under Heddle it lives under its hash; elsewhere it has no address. */
function assertIs(value: Json, self: object): void {
  const { address } = self as { readonly address?: string };
  const hash = contentHashOf(value);
  if (address !== undefined && address.split('/')[1] !== hash.slice('sha256:'.length))
    throw new TypeError(`what is to be kept at ${address} has the hash ${hash}`);
}

/** Whether a note says something new that there is room for. */
export const isWanted = (context: ContentContext, note: ContentNote): boolean =>
  Object.keys(noted(context, note)).length > 0;

/** Whether there may be more to say than was noted. */
export const isFull = ({ madeBy, usedBy, sources }: ContentContext): boolean =>
  [madeBy, usedBy, sources].some(({ length }) => length >= MOST_NOTED);

/** It was found there before, whenever that was. */
function isSamePlace(one: Source, other: Source): boolean {
  return placeOf(one) === placeOf(other);
}

const placeOf = (source: Source): string => canonicalOf({ ...source, at: 0 });

/** What several have looked at: each place once, as it was told of first. Undefined where nobody has told of any. */
export function sourcesOfAll(
  tellings: readonly (readonly Source[] | undefined)[],
): readonly Source[] | undefined {
  const told = tellings.flatMap((sources) => (sources === undefined ? [] : [sources]));
  if (told.length === 0) return undefined;
  const found = new Map<string, Source>();
  for (const source of told.flat()) {
    const place = placeOf(source);
    if (!found.has(place)) found.set(place, source);
  }
  return [...found.values()];
}

/** Whether something is to be added to what is known, and there is room. */
function isNew<T>(
  known: readonly T[],
  one: T | undefined,
  isSame: (one: T, other: T) => boolean = Object.is,
): one is T {
  // The room first: who is full is asked the most.
  if (one === undefined || known.length >= MOST_NOTED) return false;
  return !known.some((other) => isSame(other, one));
}

function noted(
  { madeBy, usedBy, sources }: ContentContext,
  { madeBy: maker, usedBy: user, source }: ContentNote,
): Partial<ContentContext> {
  return {
    ...(isNew(madeBy, maker) && { madeBy: [...madeBy, maker] }),
    ...(isNew(usedBy, user) && { usedBy: [...usedBy, user] }),
    ...(isNew(sources, source, isSamePlace) && { sources: [...sources, source] }),
  };
}
