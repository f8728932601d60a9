// Hunts the lie that scores are TextRank's: a small graph by hand, a plain power iteration, and what must add up.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAMPING, THRESHOLD, rankSentences, similarity } from './textrank.ts';

test('similarity is shared words over the logarithms of the lengths', () => {
  expect(similarity(2, 3, 4)).toBeCloseTo(2 / (Math.log(3) + Math.log(4)), 12);
  expect(similarity(1, 1, 1)).toBe(0);
  expect(similarity(0, 3, 3)).toBe(0);
});

test('three sentences in a row, by hand', () => {
  // x = 0.15 + 0.85 · y/2 and y = 0.15 + 0.85 · 2x
  const x = (0.15 + 0.425 * 0.15) / (1 - 0.425 * 1.7);
  const { scores, converged } = rankSentences([
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd'],
  ]);
  expect(converged).toBe(true);
  expect(scores[0]).toBeCloseTo(x, 2);
  expect(scores[1]).toBeCloseTo(0.15 + 1.7 * x, 2);
  expect(scores[2]).toBeCloseTo(x, 2);
});

test('a sentence that shares nothing scores 1 − d', () => {
  expect(
    rankSentences([
      ['a', 'b'],
      ['a', 'c'],
      ['x', 'y'],
    ]).scores[2],
  ).toBeCloseTo(1 - DAMPING, 12);
  expect(rankSentences([])).toEqual({ scores: [], iterations: 1, converged: true });
});

const graphs = fc.array(
  fc.uniqueArray(fc.constantFrom(...'abcdefghijklmnop'.split('')), { minLength: 1, maxLength: 6 }),
  {
    maxLength: 30,
  },
);

/** The same formula with a full matrix and many more rounds. */
function powerIteration(sentences: string[][]): number[] {
  const n = sentences.length;
  const w = sentences.map((a, i) =>
    sentences.map((b, j) =>
      i === j ? 0 : similarity(a.filter((s) => b.includes(s)).length, a.length, b.length),
    ),
  );
  const out = w.map((row) => row.reduce((sum, value) => sum + value, 0));
  let scores = sentences.map(() => 1);
  for (let round = 0; round < 400; round++) {
    scores = scores.map((_, i) => {
      let received = 0;
      for (let j = 0; j < n; j++) if (out[j]! > 0) received += (w[j]![i]! / out[j]!) * scores[j]!;
      return 1 - DAMPING + DAMPING * received;
    });
  }
  return scores;
}

describe('whatever the sentences', () => {
  test('it converges, to the fixed point, and what is connected sums to its number', () => {
    fc.assert(
      fc.property(graphs, (sentences) => {
        const { scores, converged } = rankSentences(sentences);
        expect(converged).toBe(true);
        const exact = powerIteration(sentences);
        // The last step moved each score by at most the threshold, and all later ones together by d/(1−d) of it
        // in sum over the sentences.
        const tolerance = (THRESHOLD * DAMPING * sentences.length) / (1 - DAMPING);
        scores.forEach((score, i) => expect(Math.abs(score - exact[i]!)).toBeLessThanOrEqual(tolerance));
        const connected = exact.filter((score) => score > 1 - DAMPING + 1e-9).length;
        const expected = connected + (1 - DAMPING) * (sentences.length - connected);
        expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(expected, 6);
      }),
      { numRuns: 200 },
    );
  });

  test('the order of the sentences only orders the scores', () => {
    fc.assert(
      fc.property(graphs, (sentences) => {
        const backwards = rankSentences(sentences.toReversed()).scores.toReversed();
        rankSentences(sentences).scores.forEach((score, i) => expect(score).toBeCloseTo(backwards[i]!, 9));
        expect(rankSentences(sentences)).toEqual(rankSentences(sentences));
      }),
    );
  });
});
