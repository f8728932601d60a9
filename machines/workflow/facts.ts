/**
 * The facts of work that was done by many: how often somebody was asked, what that has cost, and which people have worked on it.
 */
import type { WorkFacts } from './graph.ts';

export function factsOfAll(
  parts: Iterable<WorkFacts | undefined>,
): Required<Pick<WorkFacts, 'attempts' | 'cost'>> & Pick<WorkFacts, 'people'> {
  let attempts = 0;
  let cost = 0;
  const people = new Set<string>();
  for (const part of parts) {
    attempts += part?.attempts ?? 0;
    cost += part?.cost ?? 0;
    for (const person of part?.people ?? []) people.add(person);
  }
  return { attempts, cost, ...(people.size > 0 && { people: [...people] }) };
}
