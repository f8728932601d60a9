/**
 * What orchestration tells (how runs stand, reviews, lineage), as rows have it: times as ISO texts, what belongs to users as tagged
 * JSON, and everything else as it is. Told by the names of fields, which mean the same in all of it.
 */
import { time } from './operations/operation.ts';
import { tagged } from './tagged.ts';
import type { Json } from './tagged.ts';

/** When something was, in milliseconds since the epoch. Where such a field is no number it is something else: `to`, a hash. */
const TIMES = ['at', 'startedAt', 'endedAt', 'openedAt', 'since', 'until', 'from', 'to'] as const;
/** What agents, programs and people have said. It may have any fields, also such as these. */
const THEIRS = ['value', 'shared', 'problem', 'original', 'content', 'about', 'before', 'after'] as const;

type Time = (typeof TIMES)[number];
type Theirs = (typeof THEIRS)[number];

/** The same as a type. */
export type Told<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer TItem)[]
    ? readonly Told<TItem>[]
    : T extends object
      ? { readonly [TKey in keyof T]: ToldField<TKey, T[TKey]> }
      : T;
type ToldField<TKey, T> = TKey extends Theirs ? Json : TKey extends Time ? ToldTime<T> : Told<T>;
type ToldTime<T> = T extends number ? string : Told<T>;

/** One thing. What is undefined is left out. */
export const told = (value: object): object => fieldsOf(value);

function fieldsOf(value: object): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]: [string, unknown]) =>
      field === undefined && !isIn(THEIRS, key) ? [] : [[key, fieldOf(key, field)]],
    ),
  );
}

function fieldOf(key: string, field: unknown): Json {
  if (isIn(THEIRS, key)) return tagged(field);
  return typeof field === 'number' && isIn(TIMES, key) ? time(field) : partOf(field);
}

function partOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(partOf);
  return isPlain(value) ? fieldsOf(value) : tagged(value);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const isIn = (names: readonly string[], key: string): boolean => names.includes(key);
