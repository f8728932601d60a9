/**
 * Boundaries: the machine goes down at every single operation on the disk, one run for each and for each kind of crash.
 * Seeds may miss a moment; this cannot.
 */
import { simulate } from '../simulation/simulate.ts';
import { addUp } from './seeds.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

const KINDS = ['process', 'power'] as const;

export const boundaries: Ring = async ({ seeds: count = 6, seed: first = 1 }, progress) => {
  const tally = new Tally('boundaries', progress);
  for (let seed = first; seed < first + count; seed++) {
    const undisturbed = await simulate(seed, { faultRate: 0, crashes: 0 });
    for (const violation of undisturbed.violations) tally.violation(violation, seed);
    for (const kind of KINDS) {
      for (let operation = 1; operation <= undisturbed.operations; operation++) {
        const result = await simulate(seed, { faultRate: 0, dieAt: { operation, kind } });
        tally.add('runs');
        addUp(tally, result);
        for (const violation of result.violations)
          tally.violation(`${kind} at operation ${operation}: ${violation}`, seed);
        // One crash at the boundary, and the last one before the judgement.
        if (result.crashes < 2)
          tally.violation(`${kind} at operation ${operation}: it did not go down`, seed);
      }
    }
    tally.show(seed - first + 1, count);
  }
  tally.mustHaveHappened('runs', 100 * count);
  return tally.report();
};
