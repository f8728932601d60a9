/**
 * What besides its words speaks for a sentence: where it stands, and how it reads on its own.
 *
 * The location, title and cue methods of H. P. Edmundson, "New Methods in Automatic Extracting", Journal of the
 * ACM 16(2), 1969, which adds them up with the weight of the words (here TextRank, scaled to at most 1):
 *
 *     worth = ( rank + LEAD · 0.5^(place / LEAD_HALF_LIFE) + OPENING + TITLE · share of the title's words ) · ease
 *
 * Edmundson's negative cues ("stigma words") make up the ease, a factor between 0 and 1: a summary is read away
 * from its document, so a sentence that points back ("However, it …"), a reference entry, one that is mostly code
 * and figures, a very long one, and the small print (licence, sponsors) are worth less. The constants were set by
 * reading the summaries of some fifty READMEs and design documents.
 */
import type { Sentence, SourceDocument } from './document.ts';
import { findCode } from './inline.ts';
import { isContentWord, readWords, type Word } from './words.ts';

/** First sentences of a document say what it is. `place` counts the candidates before this one. */
const LEAD = 0.8;
const LEAD_HALF_LIFE = 1;
/** First sentence of its section. */
const OPENING = 0.1;
const TITLE = 0.2;

/** Words; longer sentences lose by the square root of the excess. */
const EASY_LENGTH = 22;
const LEANING_EASE = 0.4;
const SMALL_PRINT_EASE = 0.25;
const ENTRY_EASE = 0.5;
const ITEM_EASE = 0.85;

/** Words that point to something the reader will not see. */
const LEANING = new RegExp(
  '^(?:' +
    [
      'however|therefore|thus|hence|otherwise|instead|moreover|furthermore|additionally|meanwhile|likewise|then|also',
      "but|and|or|so|it|its|it[’']s|they|these|those|this|that|such|he|she|here|there|again|both|either|neither",
      'for example|for instance|for details|for more|e\\.g|in this|in that|in particular|in addition|as such|as above',
      'note|see|read|visit|check out|the following|the above|another|others|similarly|consequently|regardless|alternatively',
    ].join('|') +
    ')(?![\\p{L}-])',
  'iu',
);

/** Words that send the reader elsewhere. */
const POINTING = /\b(?:see|refer to|below|above|upgrading)\b/i;

const SMALL_PRINT =
  /\b(?:licen[cs]e|copyright|contribut\w*|sponsors?|backers?|donat\w*|funding|support us|credits?|authors?|acknowledge?ments?|thanks|code of conduct|change ?log|release notes|badges?|table of contents|faq)\b/i;

/** A reference entry: "`name` (type): …", "name: …", "{type} name …". */
const ENTRY = /^(?:`[^`]+`\s*(?:\([^)]*\)|\{[^}]*\})?\s*(?::|=|-|–|—|\{|\()|[{<[])/u;

export type Place = {
  /** How many candidates stand before this one. */
  place: number;
  /** Is it the first sentence of its section? */
  opening: boolean;
};

export function worth(sentence: Sentence, rank: number, place: Place, document: SourceDocument): number {
  const words = readWords(sentence.text);
  const lead = LEAD * 0.5 ** (place.place / LEAD_HALF_LIFE);
  const title = TITLE * titleShare(words, document.title);
  return (rank + lead + (place.opening ? OPENING : 0) + title) * ease(sentence, words, document);
}

function titleShare(words: readonly Word[], title: string): number {
  const wanted = new Set(
    readWords(title)
      .filter(isContentWord)
      .map((word) => word.stem),
  );
  const found = new Set(words.map((word) => word.stem).filter((stem) => wanted.has(stem)));
  return wanted.size === 0 ? 0 : found.size / wanted.size;
}

function ease(sentence: Sentence, words: readonly Word[], document: SourceDocument): number {
  let ease = plainShare(sentence.text, words) ** 2;
  if (words.length > EASY_LENGTH) ease *= Math.sqrt(EASY_LENGTH / words.length);
  if (sentence.kind === 'item') ease *= ITEM_EASE;
  if (ENTRY.test(sentence.text)) ease *= ENTRY_EASE;
  if (LEANING.test(sentence.text) || POINTING.test(sentence.text)) ease *= LEANING_EASE;
  if (SMALL_PRINT.test(document.sections[sentence.section]?.title ?? '')) ease *= SMALL_PRINT_EASE;
  return ease;
}

/** How much of the sentence is words, not code, versions, file names or figures. */
function plainShare(text: string, words: readonly Word[]): number {
  const code = [...findCode(text, 'no escapes')];
  const plain = words.filter(
    (word) =>
      /^[\p{L}\p{M}'’-]+$/u.test(word.surface) &&
      !code.some(([start, end]) => word.start >= start && word.end <= end),
  );
  return plain.length / Math.max(1, words.length);
}
