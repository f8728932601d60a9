/**
 * The order in which candidates are asked. Who has a free place comes before who has none; then the rules count. What is left equal is
 * decided by names, so that nothing depends on the order in which somebody has written things.
 */
import type { RouteScore } from '../../machines/task/words.ts';
import type { Candidate } from './candidate.ts';
import { farnessOf } from './candidate.ts';
import type { Router, Weights } from './rules.ts';

export function ordered(candidates: readonly Candidate[], { order }: Router): readonly Candidate[] {
  if (order === 'order') return candidates.toSorted(byPlaces);
  const scores = typeof order === 'string' ? undefined : weighed(candidates, order);
  return candidates.toSorted(
    (some, other) =>
      byPlaces(some, other) ||
      (scores === undefined
        ? order === 'quality'
          ? byQuality(some, other) || byCost(some, other)
          : byCost(some, other) || byQuality(some, other)
        : scores.get(other)! - scores.get(some)!) ||
      farnessOf(some) - farnessOf(other) ||
      (some.agent.name < other.agent.name ? -1 : 1),
  );
}

const byPlaces = (some: Candidate, other: Candidate): number =>
  Number(some.free === 0) - Number(other.free === 0);

/** Of one of which nobody knows what it costs, it is what it may. */
const costOf = ({ expected, maxCost }: Candidate): number => expected ?? maxCost;

const byCost = (some: Candidate, other: Candidate): number => costOf(some) - costOf(other);

const byQuality = (some: Candidate, other: Candidate): number => qualityOf(other) - qualityOf(some);

/** How often it was accepted. Somebody of whom nothing is known stands in the middle. */
const qualityOf = ({ tally: { attempts, accepted } }: Candidate): number => (accepted + 1) / (attempts + 2);

function weighed(candidates: readonly Candidate[], weights: Weights): Map<Candidate, number> {
  const cheapest = Math.min(...candidates.map(costOf));
  const sum = weights.cost + weights.quality + weights.availability;
  return new Map(
    candidates.map((candidate) => {
      const cost = costOf(candidate);
      const score =
        weights.cost * (cost === 0 ? 1 : cheapest / cost) +
        weights.quality * qualityOf(candidate) +
        weights.availability * candidate.free;
      return [candidate, Math.round((score / sum) * 1e6) / 1e6];
    }),
  );
}

/** As many as a record keeps: the others are counted. */
const MOST_SCORES = 16;

/** The figures, for the record. */
export function scoresOf(candidates: readonly Candidate[], { order }: Router): RouteScore[] {
  const scores = typeof order === 'string' ? undefined : weighed(candidates, order);
  return candidates.slice(0, MOST_SCORES).map((candidate) => {
    const { agent, estimate, expected, prices, tally, free } = candidate;
    const score = scores?.get(candidate);
    return {
      agent: agent.name,
      ...(estimate !== undefined && { estimate }),
      ...(expected !== undefined && { expected }),
      ...(prices !== undefined && { prices }),
      ...(tally.attempts > 0 && { attempts: tally.attempts, accepted: tally.accepted }),
      ...(free < 1 && { free: Math.floor(free * 100) }),
      ...(score !== undefined && { score }),
    };
  });
}
