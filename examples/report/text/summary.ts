/**
 * An extractive summary of one document: the sentences that say most of it, in the author's words and order.
 *
 * 1. Candidates: whole sentences of a readable length. What leads into something left out (a line ending in ":"),
 *    and items that are not sentences, are no candidates unless there is nothing else.
 * 2. Bound: of more than `considerLimit` candidates, those that share most words with the document are ranked;
 *    how many were left out is in the result.
 * 3. Rank: TextRank (`textrank.ts`), then what else speaks for a sentence (`cues.ts`).
 * 4. Choose: maximal marginal relevance, J. Carbonell & J. Goldstein, "The use of MMR, diversity-based reranking
 *    for reordering documents and producing summaries", SIGIR 1998:
 *        argmax  λ · worth(s) − (1 − λ) · max over the chosen c of cos(s, c)
 *    with the cosine of their content words.
 *
 * Scores are TextRank scores (1 is the average), rounded; offsets are UTF-16 code units. Equal scores go to the earlier
 * sentence.
 */
import { readDocument, type Sentence, type Source, type SourceDocument } from './document.ts';
import { DAMPING, THRESHOLD, rankSentences, type Ranking } from './textrank.ts';
import { worth } from './cues.ts';
import { round } from './terms.ts';
import { isContentWord, readWords } from './words.ts';

/** `quote` is the source from `start` to `end`, to the letter; `text` is how a person reads it. */
export type Citation = {
  path: string;
  index: number;
  start: number;
  end: number;
  quote: string;
  text: string;
  score: number;
};

/** `sha256` is the identity of the text that was summarised. */
export type Summary = {
  path: string;
  sha256: string;
  title: string;
  sentences: readonly Citation[];
  /** How it came about: nothing that was left out is left unsaid. */
  method: {
    name: 'textrank';
    damping: number;
    threshold: number;
    iterations: number;
    converged: boolean;
    /** Sentences of the document, those fit to be quoted, and those of them that were ranked. */
    sentences: number;
    candidates: number;
    considered: number;
  };
};

export type SummaryOptions = {
  /** How many sentences to choose at most. */
  sentences?: number;
  /** How many sentences to rank at most; the work grows with its square. */
  considerLimit?: number;
};

const SENTENCES = 5;
const CONSIDER_LIMIT = 400;
/** MMR's λ: 1 is relevance alone. */
const RELEVANCE = 0.8;
/** A summary of more than this share of the candidates would be a copy. */
const LARGEST_SHARE = 0.5;

/** What a person takes in at one reading, in words and in characters. */
const FEWEST_WORDS = 6;
const MOST_WORDS = 45;
const MOST_CHARS = 400;
const FEWEST_CONTENT_WORDS = 3;

/** Sentences at the beginning that the bound never drops. */
const LEAD_SENTENCES = 10;

type Candidate = { sentence: Sentence; stems: string[] };

export function summarise(source: Source, options: SummaryOptions = {}): Summary {
  const document = readDocument(source);
  const candidates = findCandidates(document.sentences);
  const considered = boundCandidates(candidates, options.considerLimit ?? CONSIDER_LIMIT);
  const ranking = rankSentences(considered.map((candidate) => candidate.stems));
  const worths = weigh(considered, ranking.scores, document);
  const limit = Math.min(options.sentences ?? SENTENCES, Math.ceil(considered.length * LARGEST_SHARE));
  const chosen = choose(considered, worths, limit).toSorted((a, b) => a - b);
  return {
    path: document.path,
    sha256: document.sha256,
    title: document.title,
    sentences: chosen.map((i) => cite(source, considered[i]!.sentence, ranking.scores[i]!)),
    method: describe(document, candidates.length, considered.length, ranking),
  };
}

function findCandidates(sentences: readonly Sentence[]): Candidate[] {
  const fit = sentences.flatMap((sentence) => {
    if (sentence.text.length > MOST_CHARS) return [];
    const words = readWords(sentence.text);
    if (words.length < FEWEST_WORDS || words.length > MOST_WORDS) return [];
    const stems = [...new Set(words.filter(isContentWord).map((word) => word.stem))];
    return stems.length < FEWEST_CONTENT_WORDS ? [] : [{ sentence, stems }];
  });
  // What stands twice is a candidate once.
  const seen = new Set<string>();
  const all = fit.filter(({ sentence }) => !seen.has(sentence.text) && seen.add(sentence.text));
  const whole = all.filter(({ sentence }) => isWhole(sentence.text));
  return whole.length > 0 ? whole : all;
}

/** Ends as a sentence does; "…:" leads into a list or code that a quotation would lack. */
function isWhole(text: string): boolean {
  return /[.!…。！]["'”’)\]]*$/.test(text.slice(-8));
}

/**
 * The candidates that could be most similar to the others. Σ (sentences with the stem − 1) / ln-length is what the
 * edges of the graph would sum to, nearly, without building them.
 */
function boundCandidates(candidates: Candidate[], limit: number): Candidate[] {
  if (candidates.length <= limit) return candidates;
  const frequency = new Map<string, number>();
  for (const { stems } of candidates) for (const s of stems) frequency.set(s, (frequency.get(s) ?? 0) + 1);
  const weights = candidates.map(({ stems }, i) => {
    const shared = stems.reduce((sum, stem) => sum + frequency.get(stem)! - 1, 0);
    return { i, weight: shared / (1 + Math.log(stems.length)) };
  });
  // The first sentences stay: they say what the document is, in words it may not come back to.
  const lead = weights.splice(0, Math.min(LEAD_SENTENCES, limit));
  weights.sort((a, b) => b.weight - a.weight || a.i - b.i);
  const kept = [...lead, ...weights.slice(0, limit - lead.length)].map(({ i }) => i);
  return kept.toSorted((a, b) => a - b).map((i) => candidates[i]!);
}

/** The worth of each candidate, scaled to at most 1. */
function weigh(
  candidates: readonly Candidate[],
  scores: readonly number[],
  document: SourceDocument,
): number[] {
  const bestScore = largest(scores);
  const openings = new Set(
    document.sentences.filter((s, i) => s.section !== document.sentences[i - 1]?.section).map((s) => s.index),
  );
  const worths = candidates.map(({ sentence }, place) =>
    worth(sentence, scores[place]! / bestScore, { place, opening: openings.has(sentence.index) }, document),
  );
  const bestWorth = largest(worths);
  return worths.map((value) => (bestWorth > 0 ? value / bestWorth : 0));
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** Indexes of the chosen candidates, best first. */
function choose(candidates: readonly Candidate[], worths: readonly number[], limit: number): number[] {
  const sets = candidates.map(({ stems }) => new Set(stems));
  const overlap = candidates.map(() => 0);
  const chosen: number[] = [];
  while (chosen.length < limit) {
    let pick = -1;
    let pickGain = -Infinity;
    for (let i = 0; i < candidates.length; i++) {
      const gain = RELEVANCE * worths[i]! - (1 - RELEVANCE) * overlap[i]!;
      if (!chosen.includes(i) && gain > pickGain) [pick, pickGain] = [i, gain];
    }
    if (pick === -1) break;
    chosen.push(pick);
    for (let i = 0; i < candidates.length; i++)
      overlap[i] = Math.max(overlap[i]!, cosine(sets[i]!, sets[pick]!));
  }
  return chosen;
}

function cosine(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const stem of a) if (b.has(stem)) shared++;
  return shared / Math.sqrt(a.size * b.size);
}

function cite(source: Source, sentence: Sentence, score: number): Citation {
  const { index, start, end, text } = sentence;
  const quote = source.text.slice(start, end);
  return { path: source.path, index, start, end, quote, text, score: round(score) };
}

function describe(
  document: SourceDocument,
  candidates: number,
  considered: number,
  { iterations, converged }: Ranking,
): Summary['method'] {
  const sentences = document.sentences.length;
  return {
    name: 'textrank',
    damping: DAMPING,
    threshold: THRESHOLD,
    iterations,
    converged,
    sentences,
    candidates,
    considered,
  };
}
