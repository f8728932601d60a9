/**
 * Words of a text, with their places.
 *
 * A word is a run of letters, digits and underscores; a dot, an apostrophe or a hyphen inside it belongs to it, so
 * that `README.md`, `1.2.3`, "don't" and "event-sourced" are one word each. A slash separates words. Offsets are UTF-16 code units, as in `String.prototype.slice`.
 *
 * `key` is the word as compared (lower case, no possessive), `stem` the key after Porter's stemmer, each part of a
 * hyphenated word on its own.
 */
import { stem } from './porter.ts';
import { isStopWord } from './stopwords.ts';

export type Word = { surface: string; key: string; stem: string; start: number; end: number };

const WORD = /[\p{L}\p{N}\p{M}_]+(?:[.'’-][\p{L}\p{N}\p{M}_]+)*/gu;

export function readWords(text: string): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(WORD)) {
    const surface = match[0];
    const key = keyOf(surface);
    words.push({
      surface,
      key,
      stem: key.split('-').map(stem).join('-'),
      start: match.index,
      end: match.index + surface.length,
    });
  }
  return words;
}

export function countWords(text: string): number {
  return text.match(WORD)?.length ?? 0;
}

/** Does the word say something about the subject? Not stop words, not numbers, not single letters. */
export function isContentWord(word: Word): boolean {
  if (word.key.length < 2 || isStopWord(word.key)) return false;
  // Two letters are a content word only as an acronym: "AI", "UI", "OS".
  if (word.key.length === 2 && word.surface !== word.surface.toUpperCase()) return false;
  return /\p{L}/u.test(word.key) && !/^\p{N}/u.test(word.key);
}

function keyOf(surface: string): string {
  const key = surface.normalize('NFC').toLowerCase().replaceAll('’', "'");
  return key.endsWith("'s") ? key.slice(0, -2) : key;
}
