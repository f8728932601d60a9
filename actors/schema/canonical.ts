/**
 * The canonical text of plain data: the same for the same data, in whatever order its fields were written (RFC 8785, of which only
 * the order of keys is left to do, because JSON.stringify of this language writes texts and numbers as it asks). Hashes are over it.
 */
import { createHash } from 'node:crypto';
import { isRecord } from './plain.ts';

export const canonicalText = (value: unknown): string => JSON.stringify(ordered(value));

/** SHA-256 of the canonical text: `sha256:…`. */
export const hashOf = (value: unknown): string => digestOf(canonicalText(value));

/** SHA-256 of a text. */
export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** As arrays of pairs an object could not be told from a list, so it is built anew with its keys in order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, ordered(inner)] as const);
  return Object.fromEntries(entries.sort(([some], [other]) => (some < other ? -1 : 1)));
}
