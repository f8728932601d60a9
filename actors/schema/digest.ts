/** Hashes of plain data: the same for the same data, in whatever order its fields were written. */
import { createHash } from 'node:crypto';
import { canonicalOf } from '../../machines/values/canonical.ts';

/** SHA-256 of the canonical text of plain data: `sha256:…`. */
export const hashOf = (value: unknown): string => digestOf(canonicalOf(value));

/** SHA-256 of a text. */
export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
