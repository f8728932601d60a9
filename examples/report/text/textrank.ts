/**
 * TextRank: R. Mihalcea & P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004.
 *
 * Sentences are the nodes of a weighted undirected graph. Two sentences are as similar as the paper has it (2.2,
 * section 4), by the content words they share, over the logarithms of their lengths in content words:
 *
 *     sim(Si, Sj) = |{ w : w ∈ Si and w ∈ Sj }| / ( ln|Si| + ln|Sj| )
 *
 * and a sentence is as important as the sentences that are similar to it, the fixed point of
 *
 *     WS(Vi) = (1 − d) + d · Σ_j  w(j,i) / Σ_k w(j,k) · WS(Vj)
 *
 * with the paper's d = 0.85, started at 1 and iterated until no score moves by more than the paper's 0.0001.
 *
 * Every sentence with neighbours passes on what it has, so the scores of n such sentences sum to n, and each score
 * reads as "so many times the average"; a sentence without neighbours scores 1 − d.
 *
 * Time and memory are quadratic in the number of sentences: the caller bounds it.
 */
export const DAMPING = 0.85;
export const THRESHOLD = 0.0001;
/** Scores come closer by the factor d each time: 0.85^100 is 1e-7, so this is a guard, not a limit one meets. */
const MOST_ITERATIONS = 200;

export type Ranking = { scores: number[]; iterations: number; converged: boolean };

/** `sentences` are the stems of the content words of each, in any order, each stem once. */
export function rankSentences(sentences: readonly (readonly string[])[]): Ranking {
  return rank(similarities(sentences));
}

export function similarity(shared: number, lengthA: number, lengthB: number): number {
  const logs = Math.log(lengthA) + Math.log(lengthB);
  // Two sentences of one word each: the paper's formula divides by zero.
  return logs > 0 ? shared / logs : 0;
}

type Edge = { to: number; weight: number };

function similarities(sentences: readonly (readonly string[])[]): Edge[][] {
  const containing = new Map<string, number[]>();
  sentences.forEach((stems, i) => {
    for (const stem of stems) {
      const list = containing.get(stem);
      if (list) list.push(i);
      else containing.set(stem, [i]);
    }
  });
  return sentences.map((stems, i) => {
    const shared = sentences.map(() => 0);
    for (const stem of stems) for (const j of containing.get(stem) ?? []) shared[j]!++;
    shared[i] = 0;
    return shared.flatMap((count, to) => {
      const weight = count === 0 ? 0 : similarity(count, stems.length, sentences[to]!.length);
      return weight > 0 ? [{ to, weight }] : [];
    });
  });
}

function rank(edges: readonly (readonly Edge[])[]): Ranking {
  const out = edges.map((list) => list.reduce((sum, edge) => sum + edge.weight, 0));
  let scores: number[] = edges.map(() => 1);
  for (let iterations = 1; iterations <= MOST_ITERATIONS; iterations++) {
    // The graph is undirected: the edges that leave i are those that reach it.
    const next = edges.map((list) => {
      const received = list.reduce((sum, { to, weight }) => sum + (weight / out[to]!) * scores[to]!, 0);
      return 1 - DAMPING + DAMPING * received;
    });
    const moved = next.reduce((most, score, i) => Math.max(most, Math.abs(score - scores[i]!)), 0);
    scores = next;
    if (moved <= THRESHOLD) return { scores, iterations, converged: true };
  }
  return { scores, iterations: MOST_ITERATIONS, converged: false };
}
