/**
 * The telling terms of a corpus and of each of its documents.
 *
 * Weights are tf·idf: K. Sparck Jones, "A statistical interpretation of term specificity and its application in
 * retrieval", Journal of Documentation 28(1), 1972; G. Salton & C. Buckley, "Term-weighting approaches in automatic
 * text retrieval", Information Processing & Management 24(5), 1988. Exactly:
 *
 *     idf(t)  = 1 + ln(N / df(t))
 *     w(t, d) = tf(t, d) · idf(t)
 *     w(t)    = Σ_d w(t, d)
 *
 * with tf(t, d) how often t stands in document d and df(t) in how many of the N documents it stands. The 1 keeps a
 * term that every document uses: in a small corpus about one thing that is often the very subject, and ln(N/df)
 * alone would give it nothing. Content words only (`words.ts`).
 *
 * Terms are compared by stem (`porter.ts`) and shown as their most frequent spelling. Weights are rounded to
 * `WEIGHT_DIGITS` decimals; equal weights are ordered by first appearance, so results never depend on sort order.
 */
import type { SourceDocument } from './document.ts';
import { isContentWord, readWords, type Word } from './words.ts';

/** `tf` is the count in the corpus or in the one document, `df` the number of documents that use the term. */
export type Term = { term: string; stem: string; tf: number; df: number; weight: number };

const WEIGHT_DIGITS = 6;

/** One occurrence of a content word, and whether it begins a sentence (where its capital says nothing). */
type Occurrence = { word: Word; first: boolean };

type Entry = {
  stem: string;
  order: number;
  df: number;
  perDocument: number[];
  spellings: Map<string, number>;
};

export type TermTable = { entries: ReadonlyMap<string, Entry>; documents: number };

export function countTerms(documents: readonly SourceDocument[]): TermTable {
  const entries = new Map<string, Entry>();
  documents.forEach((document, d) => {
    for (const { word, first } of readOccurrences(document)) {
      const entry = entries.get(word.stem) ?? newEntry(word.stem, entries.size, documents.length);
      entries.set(word.stem, entry);
      if (entry.perDocument[d] === 0) entry.df++;
      entry.perDocument[d]!++;
      const spelling = first ? uncapitalise(word.surface) : word.surface;
      entry.spellings.set(spelling, (entry.spellings.get(spelling) ?? 0) + 1);
    }
  });
  return { entries, documents: documents.length };
}

/** The `limit` terms that weigh most over the whole corpus. */
export function corpusTerms(table: TermTable, limit: number): Term[] {
  return topTerms(table, limit, (entry) => entry.perDocument.reduce((sum, tf) => sum + tf, 0));
}

/** The `limit` terms that weigh most in the document at `index`. */
export function documentTerms(table: TermTable, index: number, limit: number): Term[] {
  return topTerms(table, limit, (entry) => entry.perDocument[index] ?? 0);
}

function topTerms(table: TermTable, limit: number, count: (entry: Entry) => number): Term[] {
  const found: { order: number; term: Term }[] = [];
  for (const entry of table.entries.values()) {
    const tf = count(entry);
    if (tf === 0) continue;
    const weight = round(tf * idf(table.documents, entry.df));
    found.push({
      order: entry.order,
      term: { term: spell(entry.spellings), stem: entry.stem, tf, df: entry.df, weight },
    });
  }
  found.sort((a, b) => b.term.weight - a.term.weight || a.order - b.order);
  return found.slice(0, limit).map(({ term }) => term);
}

function idf(documents: number, df: number): number {
  return 1 + Math.log(documents / df);
}

function newEntry(stem: string, order: number, documents: number): Entry {
  return {
    stem,
    order,
    df: 0,
    perDocument: Array.from({ length: documents }, () => 0),
    spellings: new Map(),
  };
}

function readOccurrences(document: SourceDocument): Occurrence[] {
  return document.sentences.flatMap((sentence) =>
    readWords(sentence.text).flatMap((word, i) => (isContentWord(word) ? [{ word, first: i === 0 }] : [])),
  );
}

/** The most frequent spelling; the earliest of several, since a map keeps the order of insertion. */
export function spell(spellings: ReadonlyMap<string, number>): string {
  let best = '';
  let most = 0;
  for (const [spelling, count] of spellings) {
    if (count > most) [best, most] = [spelling, count];
  }
  return best;
}

/** "Events" at the head of a sentence is "events"; "LevelDB" and "API" stay. */
export function uncapitalise(word: string): string {
  return /^\p{Lu}\p{Ll}*$/u.test(word) ? word.toLowerCase() : word;
}

export function round(weight: number): number {
  return Number(weight.toFixed(WEIGHT_DIGITS));
}
