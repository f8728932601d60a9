/**
 * Seeds: the real runtime in simulated worlds, with random crashes, failing writes and impatient clients.
 */
import { simulate } from '../simulation/simulate.ts';
import type { SimulationResult } from '../simulation/simulate.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

export const seeds: Ring = async ({ seeds: count = 2000, seed: first = 1 }, progress) => {
  const tally = new Tally('seeds', progress);
  for (let seed = first; seed < first + count; seed++) {
    const result = await simulate(seed);
    for (const violation of result.violations) tally.violation(violation, seed);
    addUp(tally, result);
    tally.show(seed - first + 1, count);
  }
  if (count >= 100) {
    for (const fault of [
      'crashes',
      'failedWrites',
      'lostBatches',
      'repeatedEffects',
      'recovered',
      'truncatedRecoveries',
    ])
      tally.mustHaveHappened(fault);
  }
  await sameSeedSameWorld(tally, first);
  return tally.report();
};

/** Adds the counts of one simulation. */
export function addUp(tally: Tally, result: SimulationResult): void {
  const { acked, lost, duplicated, recovered, effects, histories, counts, crashes, boots, operations } =
    result;
  tally.add('worlds');
  tally.add('virtualMs', result.virtualMs);
  tally.add('operations', operations);
  tally.add('crashes', crashes);
  tally.add('boots', boots);
  tally.add('failedWrites', counts.failed);
  tally.add('lostBatches', counts.lostBatches);
  tally.add('acked', acked);
  tally.add('lost', lost);
  tally.add('duplicated', duplicated);
  tally.add('recovered', recovered);
  tally.add('truncatedRecoveries', result.lowWater > 1 ? 1 : 0);
  tally.add('effectsOwed', effects.owed);
  tally.add('repeatedEffects', effects.runs - effects.owed);
  tally.add('effectsBeyondContract', effects.beyondContract);
  tally.add('historiesVerified', histories.verified);
  tally.add('historiesDiverged', histories.diverged);
}

/** If the same seed gave another world, no seed of a failure would be worth anything. */
async function sameSeedSameWorld(tally: Tally, seed: number): Promise<void> {
  const [one, two] = [await simulate(seed), await simulate(seed)];
  if (one.fingerprint !== two.fingerprint) tally.violation('the same seed gives another world', seed);
}
