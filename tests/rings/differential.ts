/**
 * Differential: a machine with everything in it, under plain XState and under Heddle; undisturbed, closed and opened again
 * after every message, killed after every commit, and told again from the journal alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { leveldb } from 'heddle/storage';
import { playDurable, playPlain } from '../differential/drivers.ts';
import type { Played } from '../differential/drivers.ts';
import { everythingScenario } from '../differential/everything.ts';
import { takeAttempts, takeEffects } from '../differential/scenario.ts';
import type { Scenario } from '../differential/scenario.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

const MANNERS = ['undisturbed', 'reopened', 'killed'] as const;

export const differential: Ring = async (_options, progress) => {
  const tally = new Tally('differential', progress);
  const folder = mkdtempSync(join(tmpdir(), 'heddle-differential-'));
  try {
    for (const how of MANNERS) {
      // Observables start over at every opening, so one that dies after every commit would never see their end.
      const scenario = everythingScenario(how !== 'killed');
      const plain = await playPlain(scenario);
      const played = await playDurable(scenario, leveldb(join(folder, how)), how);
      compare(tally, scenario, how, plain, played);
      if (how === 'undisturbed') await replayAll(tally, played);
      await (how === 'killed' ? played.dying.close() : played.dying.system.close());
      tally.show(MANNERS.indexOf(how) + 1, MANNERS.length);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const fault of ['reopened', 'deaths', 'replayed']) tally.mustHaveHappened(fault);
  return tally.report();
};

function compare(
  tally: Tally,
  scenario: Scenario,
  how: string,
  plain: Pick<Played, 'views'>,
  played: Played,
): void {
  tally.add('reopened', played.reopened);
  tally.add('deaths', played.deaths);
  tally.add('repeatedEffects', played.repeated);
  played.views.forEach((view, step) => {
    tally.add('steps');
    if (isDeepStrictEqual(view, plain.views[step])) return;
    const event = JSON.stringify(scenario.script[step - 1]);
    tally.violation(
      `${how}, step ${step} (${event}): ${JSON.stringify(view)} instead of ${JSON.stringify(plain.views[step])}`,
    );
  });
}

async function replayAll(tally: Tally, { dying }: Played): Promise<void> {
  takeEffects();
  takeAttempts();
  for (const child of ['', '/w0', '/slot', '/cnt', '/tick', '/price']) {
    const { same, difference, records } = await dying.system.replay(`subject/s${child}`);
    tally.add('replayed');
    tally.add('recordsToldAgain', records);
    if (!same) tally.violation(`replay of subject/s${child}: ${JSON.stringify(difference)}`);
  }
  const done = [...takeEffects(), ...takeAttempts()];
  if (done.length > 0) tally.violation(`the replay did something: ${done.join(', ')}`);
}
