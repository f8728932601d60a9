/**
 * The facts of work that was done by many: how often somebody was asked, and what that has cost.
 */
import type { WorkFacts } from './graph.ts';

export function factsOfAll(
  parts: Iterable<WorkFacts | undefined>,
): Required<Pick<WorkFacts, 'attempts' | 'cost'>> {
  let attempts = 0;
  let cost = 0;
  for (const part of parts) {
    attempts += part?.attempts ?? 0;
    cost += part?.cost ?? 0;
  }
  return { attempts, cost };
}
