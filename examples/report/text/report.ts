/**
 * The report a person reads: what was read, what it is about, what each document says in its own words, and whether
 * every quoted word was found in its source.
 *
 * Markdown (CommonMark with GitHub's tables). The same input gives the same bytes: nothing is asked of the clock,
 * the locale or the machine. What failed is said where it is read: a quotation that did not pass the fact check
 * carries a warning, and one that was not checked is never counted as verified.
 */
import { codeCell, codeSpan, escapeCell, escapeInline } from './markdown.ts';
import type { CorpusListing } from './corpus.ts';
import type { Verdict } from './factcheck.ts';
import type { Research, ResearchedDocument } from './research.ts';
import type { Citation, Summary } from './summary.ts';

/** Who decided about the report, and when, in the words it is to be printed in. */
export type Approval = { decision: 'approved' | 'rejected'; by: string; at?: string; comment?: string };

export type ReportInput = {
  title: string;
  corpus: CorpusListing;
  research: Research;
  summaries: readonly Summary[];
  verdicts: readonly Verdict[];
  approval?: Approval;
};

/** A citation with its number in the report and what the fact check said about it. */
type Quote = { number: number; citation: Citation; verdict: Verdict | undefined };

/** Enough of a hash to tell documents apart by eye; the whole of it is in the data. */
const HASH_DIGITS = 12;

type Section = { summary: Summary; quotes: Quote[] };

export function renderReport(input: ReportInput): string {
  const sections = numberQuotes(input.summaries, input.verdicts);
  const quotes = sections.flatMap((section) => section.quotes);
  const blocks = [
    `# ${escapeInline(input.title)}`,
    ...headline(input, quotes),
    '## What was read',
    ...corpusTable(input.corpus, input.research),
    '## What it is about',
    ...subject(input.research),
    '## What each document says',
    ...sections.flatMap((section) => documentSection(section, input.research)),
    '## Fact check',
    ...factTable(quotes),
    '## Approval',
    approvalLine(input.approval),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function numberQuotes(summaries: readonly Summary[], verdicts: readonly Verdict[]): Section[] {
  const byPlace = new Map(verdicts.map((verdict) => [placeKey(verdict), verdict]));
  let number = 0;
  return summaries.map((summary) => ({
    summary,
    quotes: summary.sentences.map((citation) => ({
      number: ++number,
      citation,
      verdict: verdictOn(citation, byPlace.get(placeKey(citation))),
    })),
  }));
}

/** A verdict on other words than these, at the same place, is none. */
function verdictOn(citation: Citation, verdict: Verdict | undefined): Verdict | undefined {
  return verdict?.text === citation.text ? verdict : undefined;
}

function placeKey({ path, index, start, end }: Citation | Verdict): string {
  return JSON.stringify([path, index, start, end]);
}

function headline({ corpus, research, approval }: ReportInput, quotes: readonly Quote[]): string[] {
  const verified = quotes.filter(({ verdict }) => verdict?.ok === true).length;
  const counts =
    `**${count(corpus.documents.length, 'document')}, ${count(research.sentences, 'sentence')}, ` +
    `${count(research.words, 'word')}, told in ${count(quotes.length, 'quotation')}: ` +
    `${verified === quotes.length ? 'every one' : `${grouped(verified)} of ${grouped(quotes.length)}`} ` +
    `verified against its source.**`;
  const signed =
    approval === undefined
      ? 'Not yet approved by anyone.'
      : `${approval.decision === 'approved' ? 'Approved' : 'Rejected'} by ${escapeInline(approval.by)}.`;
  return [
    quotes.length === 0 ? counts.replace(/, told in .*\*\*$/, '; nothing to quote.**') : counts,
    signed,
  ];
}

function corpusTable(corpus: CorpusListing, research: Research): string[] {
  const researched = new Map(research.documents.map((document) => [document.path, document]));
  const rows = corpus.documents.map((file) => {
    const document = researched.get(file.path);
    const cells =
      document?.sha256 === file.sha256
        ? [escapeCell(document.title), grouped(document.sentences), grouped(document.words)]
        : [document === undefined ? '*not read*' : '*changed since it was listed*', '–', '–'];
    return [codeCell(file.path), ...cells, grouped(file.bytes), codeCell(file.sha256.slice(0, HASH_DIGITS))];
  });
  const bytes = corpus.documents.reduce((sum, document) => sum + document.bytes, 0);
  rows.push(['**Together**', '', grouped(research.sentences), grouped(research.words), grouped(bytes), '']);
  const columns = ['Document', 'Title', '>Sentences', '>Words', '>Bytes', 'SHA-256'];
  const blocks = [table(columns, rows)];
  if (corpus.skipped.length > 0) {
    const skipped = corpus.skipped.map(({ path, reason }) => `- ${codeSpan(path)}: ${escapeInline(reason)}`);
    blocks.push(`Left out (${corpus.skipped.length}):`, skipped.join('\n'));
  }
  return blocks;
}

function subject({ terms, phrases }: Research): string[] {
  const blocks: string[] = [];
  if (terms.length > 0) {
    const words = terms.map(({ term, tf }) => `**${escapeInline(term)}** (${grouped(tf)})`);
    blocks.push(`Words that stand out, and how often they stand: ${words.join(', ')}.`);
  }
  if (phrases.length > 0) {
    const words = phrases.map(({ phrase, count: times }) => `*${escapeInline(phrase)}* (${grouped(times)})`);
    blocks.push(`Phrases it comes back to: ${words.join(', ')}.`);
  }
  return blocks.length > 0 ? blocks : ['Nothing stands out.'];
}

function documentSection({ summary, quotes }: Section, research: Research): string[] {
  const document = research.documents.find(({ path }) => path === summary.path);
  return [
    `### ${escapeInline(summary.title)}`,
    aboutLine(summary, document),
    ...(quotes.length === 0
      ? ['*Nothing in it could be quoted.*']
      : [quotes.map(quoteLine).join('\n>\n'), placesLine(quotes)]),
    ...boundNote(summary),
  ];
}

function aboutLine(summary: Summary, document: ResearchedDocument | undefined): string {
  const terms = (document?.terms ?? []).map(({ term }) => escapeInline(term)).join(', ');
  return terms === '' ? codeSpan(summary.path) : `${codeSpan(summary.path)} — ${terms}`;
}

function quoteLine({ number, citation, verdict }: Quote): string {
  const warning = verdict?.ok ? '' : ` **⚠ ${verdict ? (verdict.reason ?? 'not verified') : 'not checked'}**`;
  return `> ${escapeInline(citation.text)} [${number}]${warning}`;
}

/** The footnotes of a document's quotations: where in it each of them stands. */
function placesLine(quotes: readonly Quote[]): string {
  const places = quotes.map(({ number, citation }) => `[${number}] ${range(citation)}`);
  return `Characters ${places.join(' · ')}`;
}

/** Says so when a document was too long to be ranked as a whole. */
function boundNote({ method }: Summary): string[] {
  if (method.considered === method.candidates) return [];
  return [
    `*Of ${grouped(method.candidates)} quotable sentences, the ${grouped(method.considered)} that share most ` +
      `words with the rest were ranked.*`,
  ];
}

function factTable(quotes: readonly Quote[]): string[] {
  if (quotes.length === 0) return ['Nothing was quoted.'];
  const rows = quotes.map(({ number, citation, verdict }) => [
    `[${number}]`,
    codeCell(citation.path),
    range(citation),
    escapeCell(verdictText(verdict)),
  ]);
  return [
    'Each quotation was looked up in its source: the same text (SHA-256), at the same place, word for word, a ' +
      'whole sentence, with the same figures.',
    table(['>Quotation', 'Source', '>Characters', 'Verdict'], rows),
  ];
}

function verdictText(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '⚠ not checked';
  if (verdict.ok)
    return verdict.occurrences > 1 ? `✓ verified (stands ${verdict.occurrences} times)` : '✓ verified';
  return `✗ ${verdict.reason ?? 'failed'}${verdict.detail === undefined ? '' : `: ${verdict.detail}`}`;
}

function approvalLine(approval: Approval | undefined): string {
  if (approval === undefined) return 'Not yet approved by anyone.';
  const { decision, by, at, comment } = approval;
  const when = at === undefined ? '' : `, ${escapeInline(at)}`;
  const words = comment === undefined || comment === '' ? '' : `\n\n> ${escapeInline(comment)}`;
  return `**${decision === 'approved' ? 'Approved' : 'Rejected'}** by ${escapeInline(by)}${when}.${words}`;
}

/** Columns whose name begins with `>` are aligned to the right. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = columns.map((column) => column.replace(/^>/, ''));
  const rule = columns.map((column) => (column.startsWith('>') ? '---:' : '---'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function range({ start, end }: Citation): string {
  return `${start}–${end}`;
}

function count(amount: number, noun: string): string {
  return `${grouped(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

/** 12,345: grouped by hand, since `toLocaleString` depends on the machine. */
function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
