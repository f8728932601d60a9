/**
 * Where the sentences of a readable text begin and end.
 *
 * Rules, not statistics, so that every decision can be explained: a terminator followed by space ends a sentence,
 * unless the word before it is an abbreviation or an initial, the word after it begins in lower case, or it stands
 * inside parentheses. The tell-tale signs (abbreviation, initial, case of the next word, a frequent sentence
 * starter) are those of Kiss & Strunk, "Unsupervised Multilingual Sentence Boundary Detection", Computational
 * Linguistics 32(4), 2006; the abbreviations are a fixed list instead of learned from the text. Versions, file
 * names and addresses need no rule: no space follows their dots.
 *
 * Input is text in which whitespace is already collapsed to single spaces (`inline.ts`). Offsets are UTF-16 code
 * units. Time is linear.
 */
import { isStopWord } from './stopwords.ts';
import type { Span } from './blocks.ts';

const TERMINATORS = '.!?…';
/** Terminators of scripts that put no space between sentences. */
const WIDE_TERMINATORS = '。！？｡';
const CLOSERS = '"\'”’»)]}」』）';
const OPENERS = '"\'“‘«([{「『（*_';
/** A longer parenthesis is more likely a stray mark than an aside. */
const LONGEST_ASIDE = 400;
/** "src. the" may be an abbreviation we do not know; "durable. npm" hardly is. */
const SHORTEST_FINAL_WORD = 5;

/** Always followed by what they abbreviate for. */
const NEVER_FINAL: ReadonlySet<string> = new Set(
  'e.g i.e eg ie vs cf dr mr mrs ms prof fig figs eq eqs approx ca viz resp esp incl excl messrs'.split(' '),
);
/** May end a sentence, and do if the next word could only begin one. */
const SELDOM_FINAL: ReadonlySet<string> = new Set(
  (
    'inc ltd co corp jr sr st mt al no nos vol pp p ch sec art ed eds est dept gen gov rev ver v ref refs para tab ' +
    'min max avg jan feb mar apr jun jul aug sep sept oct nov dec'
  ).split(' '),
);

export function splitSentences(text: string, opaque: readonly boolean[] = []): Span[] {
  const sentences: Span[] = [];
  const asides = findAsides(text, opaque);
  let start = 0;
  let tokenStart = 0;
  let asideEnd = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ' ') tokenStart = at + 1;
    asideEnd = Math.max(asideEnd, asides.get(at) ?? 0);
    if (opaque[at] || !isTerminator(text[at])) continue;
    const end = runEnd(text, at);
    const token = text.slice(tokenStart, at).replace(/^["'“‘«([{*_]+/, '');
    if (end >= asideEnd && ends(text, opaque, { start, at, end, token })) {
      push(start, end);
      start = end;
    }
    at = end - 1;
  }
  push(start, text.length);
  return sentences;

  function push(from: number, to: number): void {
    let first = from;
    let last = to;
    while (first < last && text[first] === ' ') first++;
    while (last > first && text[last - 1] === ' ') last--;
    if (first < last) sentences.push({ start: first, end: last });
  }
}

type Candidate = { start: number; at: number; end: number; token: string };

/** Does the terminator at `at`, whose run of terminators and closers ends at `end`, end a sentence? */
function ends(text: string, opaque: readonly boolean[], { start, at, end, token }: Candidate): boolean {
  if (end >= text.length) return true;
  if (WIDE_TERMINATORS.includes(text.charAt(at))) return true;
  if (text[end] !== ' ') return false;
  const next = nextWord(text, end + 1);
  if (next === '' || ',;:–—'.includes(next.charAt(0))) return false;
  // Code has no case: it may begin a sentence.
  const lower = isLower(next) && !opaque[end + 1];
  // '"Go!" he said' and "(It is. Always.) true" go on after the closing mark.
  if (lower && CLOSERS.includes(text.charAt(end - 1))) return false;
  if (text[at] !== '.' || text[at + 1] === '.') return !lower;
  return fullStopEnds(token, next, lower, at - token.length <= start + 1);
}

function fullStopEnds(token: string, next: string, lower: boolean, first: boolean): boolean {
  const word = token.toLowerCase();
  if (word === '' || NEVER_FINAL.has(word)) return false;
  // "1. Install", "B. Results": a number before the sentence, not a sentence.
  if (first && /^(?:\d{1,3}|\p{L})$/u.test(token)) return false;
  if (SELDOM_FINAL.has(word) || isInitial(token)) return !lower && isStopWord(next.toLowerCase());
  if (!lower) return true;
  return word !== 'etc' && (word.length >= SHORTEST_FINAL_WORD || isStopWord(word) || /[^\p{L}]/u.test(word));
}

/** "J", "U.S", "a.m", "Ph.D": letters with dots between them. "I" is a word. */
function isInitial(token: string): boolean {
  return token.length <= 8 && token !== 'I' && /^(?:\p{Lu}|\p{L}{1,2}(?:\.\p{L})+)$/u.test(token);
}

function isLower(word: string): boolean {
  return /^\p{Ll}/u.test(word);
}

/** Long enough to tell its case and whether it is a frequent sentence starter. */
function nextWord(text: string, from: number): string {
  let at = from;
  while (at < text.length && OPENERS.includes(text.charAt(at))) at++;
  const ahead = text.slice(at, at + 16);
  return /^[\p{L}\p{M}'’]+/u.exec(ahead)?.[0] ?? ahead.charAt(0);
}

function isTerminator(char: string | undefined): boolean {
  return char !== undefined && (TERMINATORS.includes(char) || WIDE_TERMINATORS.includes(char));
}

function runEnd(text: string, at: number): number {
  let end = at + 1;
  while (isTerminator(text[end])) end++;
  while (end < text.length && CLOSERS.includes(text.charAt(end))) end++;
  return end;
}

/** Opening parenthesis → its closing one, for parentheses short enough to be an aside. */
function findAsides(text: string, opaque: readonly boolean[]): ReadonlyMap<number, number> {
  const asides = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (opaque[at]) continue;
    if (text[at] === '(') open.push(at);
    else if (text[at] === ')') {
      const start = open.pop();
      if (start !== undefined && at - start <= LONGEST_ASIDE) asides.set(start, at);
    }
  }
  return asides;
}
