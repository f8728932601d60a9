/**
 * An operation: one thing that may be asked of a store, or of a system that runs. It reads its own arguments, and answers with a
 * stream of rows of JSON, so that a million records take no more room than one.
 *
 * Rows have times as ISO texts, and what belongs to users (events, states, errors) as tagged JSON.
 */
import type { Given } from '../given.ts';
import type { Subject } from '../subject.ts';
import { tagged } from '../tagged.ts';
import type { Json } from '../tagged.ts';
import { refusal } from '../trouble.ts';
import type { Refused } from '../trouble.ts';

export interface Operation<TArgs extends object, TRow extends object> {
  /** The arguments, checked. @throws Refused */
  read(given: Given): TArgs;
  run(subject: Subject, args: TArgs, signal: AbortSignal): AsyncIterable<TRow>;
}

/** Keeps the types of arguments and rows apart for each. */
export const operation = <TArgs extends object, TRow extends object>(
  it: Operation<TArgs, TRow>,
): Operation<TArgs, TRow> => it;

/** An answer of one row. */
export async function* once<T>(make: () => Promise<T> | T): AsyncGenerator<T> {
  yield await make();
}

/** Fields without those that are undefined. */
export function known<T extends object>(fields: T): { [TKey in keyof T]?: Exclude<T[TKey], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** A row, without what is undefined, which has no meaning at its top. */
export const row = <T extends object>(fields: { [TKey in keyof T]: T[TKey] | undefined }): T =>
  known(fields) as T;

export const time = (ms: number): string => new Date(ms).toISOString();

/** What belongs to a user, if it is there. */
export const taggedOr = (value: unknown): Json | undefined =>
  value === undefined ? undefined : tagged(value);

export const unknownActor = (address: string): Refused =>
  refusal('NotFound', `${address}: nobody ever lived there`);
