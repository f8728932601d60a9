/**
 * Cuts a text into parts that are no longer than so many tokens: between paragraphs where that is possible, else between sentences,
 * words, or characters as people see them, but no finer than is declared. Never inside of a character, however many code
 * points it is made of. Nothing is lost: what is new in each part makes up the text again, letter by letter.
 *
 * Where sentences and words end is for Unicode to say, and may change with the version of Node: the parts belong on record.
 */
import { tokensIn } from './tokens.ts';
import type { TokenCounter } from './tokens.ts';

/** From coarse to fine. */
export const CUTS = ['paragraph', 'sentence', 'word', 'character'] as const;
export type Cut = (typeof CUTS)[number];

export interface Splitting {
  /** Of each part, with what it repeats. */
  readonly maxTokens: number;
  /** So much of the end of a part is repeated at the beginning of the next, as far as it fits. */
  readonly overlap: number;
  /** It is cut no finer than this. */
  readonly finest: Cut;
}

/** A part of a text, by code units. */
export interface Part {
  readonly from: number;
  /** Before this it repeats. */
  readonly newFrom: number;
  readonly to: number;
}

/** The parts; undefined where something that must not be cut is too long. */
export function split(
  text: string,
  splitting: Splitting,
  counter: TokenCounter,
): readonly Part[] | undefined {
  const { maxTokens, overlap } = splitting;
  const page = new Page(text, counter);
  const pieces = page.pieces({ from: 0, to: text.length }, maxTokens - overlap, cutsTo(splitting.finest));
  if (pieces === undefined) return undefined;
  const parts: Part[] = [];
  for (let next = 0; next < pieces.length;) {
    const newFrom = pieces[next]!.from;
    const before = parts.at(-1);
    const from = before === undefined ? newFrom : page.overlapBefore(newFrom, before.newFrom, splitting);
    const repeats = page.count(from, pieces[next]!.to) <= maxTokens;
    const start = repeats ? from : newFrom;
    next =
      lastIndexThat(next, pieces.length - 1, (index) => page.count(start, pieces[index]!.to) <= maxTokens) +
      1;
    parts.push({ from: start, newFrom, to: pieces[next - 1]!.to });
  }
  return parts;
}

const cutsTo = (finest: Cut): readonly Cut[] => CUTS.slice(0, CUTS.indexOf(finest) + 1);

interface Range {
  readonly from: number;
  readonly to: number;
}

/** A text that is being cut. */
class Page {
  readonly #text: string;
  readonly #counter: TokenCounter;
  #characters: ReadonlySet<number> | undefined;

  constructor(text: string, counter: TokenCounter) {
    this.#text = text;
    this.#counter = counter;
  }

  count(from: number, to: number): number {
    return tokensIn(this.#text.slice(from, to), this.#counter);
  }

  /** A range in pieces of so many tokens at most, as coarse as possible; undefined where that cannot be. */
  pieces(range: Range, maxTokens: number, cuts: readonly Cut[]): readonly Range[] | undefined {
    if (this.count(range.from, range.to) <= maxTokens) return [range];
    const [cut, ...finer] = cuts;
    if (cut === undefined) return undefined;
    const pieces: Range[] = [];
    let from = range.from;
    for (const to of this.#ends(range, cut)) {
      const inside = this.pieces({ from, to }, maxTokens, finer);
      if (inside === undefined) return undefined;
      pieces.push(...inside);
      from = to;
    }
    return pieces;
  }

  /** Where the words before a place begin that are repeated after it. */
  overlapBefore(place: number, earliest: number, { overlap, finest }: Splitting): number {
    if (overlap === 0) return place;
    const ends = this.#ends({ from: earliest, to: place }, finest === 'character' ? 'word' : finest);
    const starts = [earliest, ...ends].reverse();
    // The first is the place itself, which repeats nothing.
    return starts[
      lastIndexThat(0, starts.length - 1, (index) => this.count(starts[index]!, place) <= overlap)
    ]!;
  }

  /** Where the units of a range end, each between two characters; the last where the range ends. */
  #ends({ from, to }: Range, cut: Cut): readonly number[] {
    const inner = endsIn(this.#text.slice(from, to), cut).map((end) => from + end);
    const whole = cut === 'character' ? inner : inner.filter((end) => this.#isBetweenCharacters(end));
    return [...whole.filter((end) => end < to), to];
  }

  /** The rules for words and sentences know nothing of some characters that are made of several code points. */
  #isBetweenCharacters(place: number): boolean {
    this.#characters ??= new Set(endsIn(this.#text, 'character'));
    return this.#characters.has(place);
  }
}

// One language for everybody: what is cut where must not depend on whose computer it is.
const segmenters = {
  sentence: new Intl.Segmenter('en', { granularity: 'sentence' }),
  word: new Intl.Segmenter('en', { granularity: 'word' }),
  character: new Intl.Segmenter('en', { granularity: 'grapheme' }),
};

const BLANK_LINE = /(?:\r\n|\n|\r)(?:[^\S\r\n]*(?:\r\n|\n|\r))+/gu;

function endsIn(text: string, cut: Cut): number[] {
  if (cut === 'paragraph')
    return Array.from(text.matchAll(BLANK_LINE), (match) => match.index + match[0].length);
  return segmentEnds(text, segmenters[cut]);
}

/** A segmenter takes longer for each segment, the longer the text is: it sees so many code units at once. */
const VIEW = 1024;

function segmentEnds(text: string, segmenter: Intl.Segmenter): number[] {
  const ends: number[] = [];
  let size = VIEW;
  for (let from = 0; from < text.length;) {
    const view = text.slice(from, from + size);
    const seen = Array.from(segmenter.segment(view), ({ index, segment }) => from + index + segment.length);
    // What comes after the view may belong to the last segment, and say more about the one before it.
    const sure = from + size >= text.length ? seen : seen.slice(0, -2);
    ends.push(...sure);
    size = sure.length === 0 ? size * 2 : VIEW;
    from = sure.at(-1) ?? from;
  }
  return ends;
}

/**
 * The last index for which something holds, when it holds for all before it. It holds for the first. Where counting is a little
 * uneven it may be an earlier one, but always one for which it was seen to hold. It looks near the first one first: to count a
 * short text is cheaper.
 */
function lastIndexThat(first: number, last: number, holds: (index: number) => boolean): number {
  let known = first;
  let beyond = last + 1;
  for (let step = 1; beyond - known > 1; step *= 2) {
    const next = Math.min(known + step, last);
    if (!holds(next)) {
      beyond = next;
      break;
    }
    known = next;
  }
  while (beyond - known > 1) {
    const middle = Math.floor((known + beyond) / 2);
    if (holds(middle)) known = middle;
    else beyond = middle;
  }
  return known;
}
