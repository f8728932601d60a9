/**
 * Supervision: random trees in which random actors fail, in a system that dies at random. It must end up as one that is left
 * alone; nobody may run whose supervisor does not; no supervisor may restart more often than it may.
 */
import { Prng } from '../../runtime/testing/prng.ts';
import { randomScenario } from '../random-trees.ts';
import { differences, play } from '../supervised.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

/** How likely it dies after a commit. */
const DEATHS_PER_COMMIT = [0.02, 0.05, 0.15];
/** So many trees show everything. */
const ENOUGH_TO_SHOW_ALL = 50;

export const supervision: Ring = async ({ seeds: count = 150, seed: first = 1 }, progress) => {
  const tally = new Tally('supervision', progress);
  tally.note('seed', first);
  for (let seed = first; seed < first + count; seed++) {
    await compare(tally, seed);
    tally.show(seed - first + 1, count);
  }
  if (count >= ENOUGH_TO_SHOW_ALL)
    for (const fault of ['deaths', 'restarts', 'giveUps']) tally.mustHaveHappened(fault, count / 10);
  return tally.report();
};

async function compare(tally: Tally, seed: number): Promise<void> {
  tally.add('trees');
  const scenario = randomScenario(seed);
  try {
    const calm = await play(scenario);
    for (const violation of calm.violations) tally.violation(violation, seed);
    // Whoever opens the system starts the root again: one that dies afterwards is not the same.
    if (calm.isRootDown) return tally.add('rootsThatGaveUp');
    const random = new Prng(seed);
    const rate = random.pick(DEATHS_PER_COMMIT);
    const turns = random.pick([1, 1, 3, 1000]);
    const stormy = await play(scenario, () => random.chance(rate), turns);
    for (const violation of [...stormy.violations, ...differences(calm, stormy)])
      tally.violation(violation, seed);
    tally.add('commits', calm.commits);
    tally.add('deaths', stormy.deaths);
    tally.add('restarts', calm.restarts);
    tally.add('giveUps', calm.giveUps);
  } catch (error) {
    tally.violation(String(error instanceof Error ? error.stack : error), seed);
  }
}
