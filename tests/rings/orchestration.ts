/**
 * Orchestration: runs of workflows, killed. First one story after each of its commits, then random workflows with agents in moods,
 * reviewers and kills at random.
 */
import { simulateRun } from '../orchestration/simulate.ts';
import { play } from '../orchestration/story.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

/** In every so many runs answers are confirmed by others. */
const VOTES_EVERY = 3;

export const orchestration: Ring = async ({ rounds = Infinity, seeds = 300, seed: first = 1 }, progress) => {
  const tally = new Tally('orchestration', progress);
  for (const verdict of ['approve', 'reject'] as const) {
    const calm = await play(verdict, () => false);
    const every = Math.max(1, Math.ceil(calm.commits / rounds));
    for (let at = 1; at <= calm.commits; at += every) {
      const told = await play(verdict, (_life, all) => all === at);
      tally.add('story kills', told.deaths);
      for (const violation of told.violations) tally.violation(`killed after commit ${at}: ${violation}`);
      if (JSON.stringify(told.outcome) !== JSON.stringify(calm.outcome))
        tally.violation(`killed after commit ${at} it came to another end`);
      tally.show(at, calm.commits);
    }
  }
  for (let seed = first; seed < first + seeds; seed++) {
    const { violations, deaths, counts } = await simulateRun(seed, { votes: seed % VOTES_EVERY === 0 });
    for (const violation of violations) tally.violation(violation, seed);
    tally.add('kills', deaths);
    for (const [name, count] of Object.entries(counts)) tally.add(name, count);
    tally.show(seed - first + 1, seeds);
  }
  tally.mustHaveHappened('story kills', Math.min(rounds, 100));
  tally.mustHaveHappened('kills', seeds);
  tally.mustHaveHappened('decisions', seeds / 4);
  tally.mustHaveHappened('votes', Math.floor(seeds / VOTES_EVERY));
  tally.mustHaveHappened('decided call', seeds);
  tally.mustHaveHappened('decided review', seeds / 4);
  for (const status of ['complete', 'failed', 'skipped', 'cancelled'])
    tally.mustHaveHappened(`nodes ${status}`);
  // Rare: to be undone something must be done first, and there must be money for it.
  tally.mustHaveHappened('nodes compensated', Math.floor(seeds / 100));
  return tally.report();
};
