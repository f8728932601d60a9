/**
 * A content: a value that is kept under its hash, and never changes. What is noted beside it is where it was found, who made it and who
 * has used it, so that each can be found from the other; what they did with it is in their own journals.
 *
 * It looks for itself whether it is what its address says, and is not born otherwise. Of each kind it keeps the first
 * {@link MOST_NOTED} notes and counts the others: everybody makes `{}`.
 */
import { assign, setup } from 'xstate';
import { canonicalOf } from './canonical.ts';
import type { Json } from './canonical.ts';
import type { Source } from './contract.ts';
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
  /** How many notes there were beyond those that are kept. */
  readonly others: number;
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
    const empty = { value, madeBy: [], usedBy: [], sources: [], others: 0 };
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

/** Whether a note says nothing new. */
export function isNoted(
  { madeBy, usedBy, sources }: ContentContext,
  { madeBy: maker, usedBy: user, source }: ContentNote,
): boolean {
  return (
    (maker === undefined || madeBy.includes(maker)) &&
    (user === undefined || usedBy.includes(user)) &&
    (source === undefined || sources.some((known) => isSamePlace(known, source)))
  );
}

/** It was found there before, whenever that was. */
function isSamePlace(one: Source, other: Source): boolean {
  return canonicalOf({ ...one, at: 0 }) === canonicalOf({ ...other, at: 0 });
}

function noted(context: ContentContext, note: ContentNote): Partial<ContentContext> {
  if (isNoted(context, note)) return {};
  const { madeBy, usedBy, sources } = context;
  let { others } = context;
  const withOne = <T>(list: readonly T[], one: T | undefined, isKnown: (one: T) => boolean): readonly T[] => {
    if (one === undefined || isKnown(one)) return list;
    if (list.length < MOST_NOTED) return [...list, one];
    others++;
    return list;
  };
  return {
    madeBy: withOne(madeBy, note.madeBy, (one) => madeBy.includes(one)),
    usedBy: withOne(usedBy, note.usedBy, (one) => usedBy.includes(one)),
    sources: withOne(sources, note.source, (one) => sources.some((known) => isSamePlace(known, one))),
    others,
  };
}
