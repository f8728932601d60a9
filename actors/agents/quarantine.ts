/**
 * Quarantine: an answer that is no output, kept apart as evidence. It is a text that nobody reads as data, with the digest of all of
 * it, and cut when it is long; so whatever an agent answers, it fits into a journal and cannot be taken for a result.
 */
import { canonicalOf } from '../../machines/values/canonical.ts';
import { digestOf } from '../schema/digest.ts';
import { plainCopyOf } from '../schema/plain.ts';

export interface Quarantined {
  /** The answer: a text as it is, data as canonical JSON. Its beginning, when it is long; nothing, when it is no data. */
  readonly text: string;
  readonly isCut: boolean;
  /** Of all of it. */
  readonly characters: number;
  /** SHA-256 of all of it. */
  readonly digest: string;
}

/** Characters. What is kept of an answer stands in the journal of its task. */
const MAX_KEPT = 16 * 1024;

export function evidenceOf(answer: unknown): Quarantined {
  const text = typeof answer === 'string' ? answer.toWellFormed() : dataText(answer);
  return {
    // The cut may go through a character.
    text: text.slice(0, MAX_KEPT).toWellFormed(),
    isCut: text.length > MAX_KEPT,
    characters: text.length,
    digest: digestOf(text),
  };
}

function dataText(answer: unknown): string {
  const plain = plainCopyOf(answer);
  return plain.ok ? canonicalOf(plain.value) : '';
}
