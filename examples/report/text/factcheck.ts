/**
 * Does every sentence of a summary stand in its source as cited?
 *
 * The idea is that of a proof-carrying quotation: nothing the summariser says is believed. The source is read
 * again from the text given here, its identity is its SHA-256 (`identity.ts`), and a citation holds only if
 *
 *   1. the source is there, and is the text that was summarised (hash);
 *   2. the source says exactly the quote at exactly the cited offsets, which also tells apart two places that say
 *      the same;
 *   3. the quote is a whole sentence of the source, not half of one with its "not" cut off;
 *   4. every figure the reader is shown stands in that sentence;
 *   5. the words the reader is shown are those of that sentence.
 *
 * Offsets are UTF-16 code units. Figures are runs of digits with their decimal points, without separators of
 * thousands; number words ("five") are not figures, but 5 catches them.
 */
import { readDocument, type Source, type SourceDocument } from './document.ts';
import type { Citation, Summary } from './summary.ts';

export type Reason =
  'source-missing' | 'source-changed' | 'moved' | 'altered' | 'not-a-sentence' | 'wrong-figure' | 'reworded';

/** `text` is what was checked; `occurrences` is how often the source says the quote, anywhere. */
export type Verdict = {
  path: string;
  index: number;
  start: number;
  end: number;
  text: string;
  ok: boolean;
  occurrences: number;
  reason?: Reason;
  /** The reason in words, with the places it is about. */
  detail?: string;
};

const EXCERPT_CHARS = 40;

/** One verdict per citation, in order. */
export function checkSummaries(summaries: readonly Summary[], sources: readonly Source[]): Verdict[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  return summaries.flatMap((summary) => checkSummary(summary, byPath.get(summary.path)));
}

export function checkSummary(summary: Summary, source: Source | undefined): Verdict[] {
  const document = source && readDocument(source);
  return summary.sentences.map((citation) => {
    const { path, index, start, end, text } = citation;
    const occurrences = source && path === source.path ? countOccurrences(source.text, citation.quote) : 0;
    const fault = findFault(citation, summary.sha256, source, document);
    return { path, index, start, end, text, ok: fault === undefined, occurrences, ...fault };
  });
}

type Fault = { reason: Reason; detail: string };

function findFault(
  citation: Citation,
  hash: string,
  source: Source | undefined,
  document: SourceDocument | undefined,
): Fault | undefined {
  if (source === undefined || document === undefined || source.path !== citation.path) {
    return { reason: 'source-missing', detail: `there is no document ${citation.path}` };
  }
  return (
    misquoted(citation, source.text, document.sha256 === hash) ??
    (document.sha256 === hash ? undefined : changed(hash, document.sha256)) ??
    notASentence(citation, document) ??
    wrongFigure(citation, document) ??
    reworded(citation, document)
  );
}

function misquoted({ quote, start, end }: Citation, text: string, sameSource: boolean): Fault | undefined {
  const there = text.slice(start, end);
  // `slice` takes negative and reversed offsets; a citation may not.
  if (isRange(start, end, text.length) && there === quote) return undefined;
  const since = sameSource ? '' : '; the source has changed since';
  const at = quote === '' ? -1 : text.indexOf(quote);
  if (at === -1) {
    return { reason: 'altered', detail: `the source says ${excerpt(there, quote)} there${since}` };
  }
  return { reason: 'moved', detail: `the source says it at ${at}–${at + quote.length}${since}` };
}

function changed(summarised: string, found: string): Fault {
  const short = (hash: string) => hash.slice(0, 12);
  return {
    reason: 'source-changed',
    detail: `summarised ${short(summarised)}…, found ${short(found)}…; the quote still stands at its place`,
  };
}

function notASentence({ index, start, end }: Citation, { sentences }: SourceDocument): Fault | undefined {
  const sentence = sentences[index];
  if (sentence?.start === start && sentence.end === end) return undefined;
  const actual = sentences.find((other) => other.start === start && other.end === end);
  return actual === undefined
    ? { reason: 'not-a-sentence', detail: 'the quote is not a whole sentence of the source' }
    : { reason: 'moved', detail: `it is sentence ${actual.index} of the source, not ${index}` };
}

function wrongFigure({ index, text }: Citation, { sentences }: SourceDocument): Fault | undefined {
  const stated = new Set(readFigures(sentences[index]!.text));
  const wrong = readFigures(text).find((figure) => !stated.has(figure));
  return wrong === undefined
    ? undefined
    : { reason: 'wrong-figure', detail: `the cited sentence does not say ${wrong}` };
}

function reworded({ index, text }: Citation, { sentences }: SourceDocument): Fault | undefined {
  const sentence = sentences[index]!.text;
  if (sentence === text) return undefined;
  return { reason: 'reworded', detail: `the source says ${excerpt(sentence, text)}` };
}

/** The figures of a text: "1,234.5 ms" has the figure 1234.5. */
export function readFigures(text: string): string[] {
  const found = text.match(/\p{Nd}+(?:[.,_]\p{Nd}+)*/gu) ?? [];
  return found.map((figure) =>
    /^\d{1,3}(?:[,_]\d{3})+(?:\.\d+)?$/.test(figure) ? figure.replace(/[,_]/g, '') : figure,
  );
}

function isRange(start: number, end: number, length: number): boolean {
  return Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= length;
}

function countOccurrences(text: string, quote: string): number {
  if (quote === '') return 0;
  let count = 0;
  for (let at = text.indexOf(quote); at !== -1; at = text.indexOf(quote, at + quote.length)) count++;
  return count;
}

/** The source around the first character at which it differs from what was claimed. */
function excerpt(source: string, claimed: string): string {
  let at = 0;
  while (at < source.length && source[at] === claimed[at]) at++;
  const from = Math.max(0, at - EXCERPT_CHARS / 2);
  const to = from + EXCERPT_CHARS;
  const words = source.slice(from, to).replace(/\s+/g, ' ');
  return `“${from > 0 ? '…' : ''}${words}${to < source.length ? '…' : ''}”`;
}
