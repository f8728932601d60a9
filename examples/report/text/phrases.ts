/**
 * Key phrases: the expressions of two to four words that a corpus keeps coming back to.
 *
 * Candidates are found as in RAKE (S. Rose, D. Engel, N. Cramer & W. Cowley, "Automatic keyword extraction from
 * individual documents", in: Text Mining, 2010): runs of content words between stop words and punctuation. RAKE's
 * own score favours long phrases that stand once, which reads badly, so candidates are ranked by the C-value of
 * K. Frantzi, S. Ananiadou & H. Mima, "Automatic recognition of multi-word terms", International Journal on
 * Digital Libraries 3(2), 2000:
 *
 *     C(a) = log2|a| · ( f(a) − the mean of f(b) over the candidates b that contain a )
 *
 * with |a| the words of a, f(a) how often it stands. A phrase that only ever stands inside a longer one so scores
 * nothing, and the longer one is shown instead. Phrases must stand at least twice.
 */
import type { SourceDocument } from './document.ts';
import { isContentWord, readWords, type Word } from './words.ts';
import { round, spell, uncapitalise } from './terms.ts';

/** `count` is f(a), `df` the number of documents it stands in, `score` its C-value. */
export type Phrase = { phrase: string; count: number; df: number; score: number };

const LONGEST_PHRASE = 4;
const FEWEST_OCCURRENCES = 2;

type Entry = {
  order: number;
  length: number;
  count: number;
  documents: number[];
  spellings: Map<string, number>;
  /** Occurrences inside longer candidates, and how many such candidates there are. */
  nestedCount: number;
  containers: number;
};

export function keyPhrases(documents: readonly SourceDocument[], limit: number): Phrase[] {
  const entries = new Map<string, Entry>();
  documents.forEach((document, d) => {
    for (const sentence of document.sentences) {
      for (const run of contentRuns(sentence.text)) countRun(entries, run, sentence.text, d);
    }
  });
  for (const [key, entry] of entries) if (entry.count < FEWEST_OCCURRENCES) entries.delete(key);
  nest(entries);
  const found = [...entries.values()].map((entry) => ({ order: entry.order, phrase: toPhrase(entry) }));
  found.sort((a, b) => b.phrase.score - a.phrase.score || a.order - b.order);
  return found
    .slice(0, limit)
    .map(({ phrase }) => phrase)
    .filter(({ score }) => score > 0);
}

/** Content words with nothing but one space between them. */
function contentRuns(text: string): Word[][] {
  const runs: Word[][] = [];
  let run: Word[] = [];
  for (const word of readWords(text)) {
    const last = run.at(-1);
    const gap = last === undefined ? '' : text.slice(last.end, word.start);
    const content = isContentWord(word);
    if (last !== undefined && (!content || gap !== ' ')) {
      runs.push(run);
      run = [];
    }
    if (content) run.push(word);
  }
  runs.push(run);
  return runs;
}

function countRun(entries: Map<string, Entry>, run: readonly Word[], text: string, document: number): void {
  for (let from = 0; from < run.length; from++) {
    const longest = Math.min(LONGEST_PHRASE, run.length - from);
    for (let length = 2; length <= longest; length++) {
      const words = run.slice(from, from + length);
      const key = words.map((word) => word.stem).join(' ');
      const entry = entries.get(key) ?? newEntry(entries.size, length);
      entries.set(key, entry);
      entry.count++;
      if (entry.documents.at(-1) !== document) entry.documents.push(document);
      const spelling = spellAt(text, words[0]!, words.at(-1)!);
      entry.spellings.set(spelling, (entry.spellings.get(spelling) ?? 0) + 1);
    }
  }
}

/** As it stands, but for the capital that begins a sentence; "Open Source" at its head is a name. */
function spellAt(text: string, first: Word, last: Word): string {
  const rest = text.slice(first.end, last.end);
  const begins = !/[\p{L}\p{N}]/u.test(text.slice(0, first.start));
  return (begins && !/^ \p{Lu}/u.test(rest) ? uncapitalise(first.surface) : first.surface) + rest;
}

function newEntry(order: number, length: number): Entry {
  return { order, length, count: 0, documents: [], spellings: new Map(), nestedCount: 0, containers: 0 };
}

/** Tells each candidate which longer ones contain it. */
function nest(entries: ReadonlyMap<string, Entry>): void {
  for (const [key, entry] of entries) {
    const words = key.split(' ');
    const inside = new Set<string>();
    for (let from = 0; from < words.length; from++) {
      for (let to = from + 2; to <= words.length; to++) inside.add(words.slice(from, to).join(' '));
    }
    inside.delete(key);
    for (const part of inside) {
      const nested = entries.get(part);
      if (nested === undefined) continue;
      nested.nestedCount += entry.count;
      nested.containers++;
    }
  }
}

function toPhrase(entry: Entry): Phrase {
  const nested = entry.containers === 0 ? 0 : entry.nestedCount / entry.containers;
  return {
    phrase: spell(entry.spellings),
    count: entry.count,
    df: entry.documents.length,
    score: round(Math.log2(entry.length) * (entry.count - nested)),
  };
}
