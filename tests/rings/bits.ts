/**
 * Bits: a stored file is damaged, and the store opened again. A bit is flipped, a block zeroed, a tail cut off, a file
 * removed, batches are lost from the log. Whatever is shown afterwards must be true, or refused; never silently shorter, older or altered.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '../../runtime/testing/prng.ts';
import { ExaminerProcess } from './damage/examiner-process.ts';
import type { Examination } from './damage/examiner.ts';
import { copyStore, injure, STORE_DAMAGES } from './damage/injury.ts';
import { fillStore, NOTEBOOKS } from './damage/subject.ts';
import type { Expected } from './damage/subject.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

export const bits: Ring = async ({ rounds = 200, seed = 1 }, progress) => {
  const tally = new Tally('bits', progress);
  tally.note('seed', seed);
  const random = new Prng(seed);
  const place = mkdtempSync(join(tmpdir(), 'heddle-bits-'));
  const examiner = new ExaminerProcess();
  try {
    const original = join(place, 'original');
    const killed = join(place, 'killed');
    const closed = join(place, 'closed');
    // As after kill -9, with everything in the log; and as after a close.
    const { expected, firstLogged, lowWater } = await fillStore(original, random, () =>
      copyStore(original, killed),
    );
    // What recovery does not read, but the log can still lose.
    tally.add('framesBelowTheMarkInTheLog', Math.max(0, lowWater - firstLogged));
    copyStore(original, closed);
    for (let round = 1; round <= rounds; round++) {
      const patient = join(place, `patient-${round}`);
      copyStore(random.chance(0.5) ? killed : closed, patient);
      const damage = injure(patient, random, STORE_DAMAGES);
      tally.add(`damaged ${damage.kind}`);
      tally.add('damaged');
      const examination = await examiner.examine(patient);
      diagnose(tally, examination, expected, `round ${round} (${damage.what})`);
      rmSync(patient, { recursive: true, force: true });
      tally.show(round, rounds);
    }
  } finally {
    examiner.stop();
    rmSync(place, { recursive: true, force: true });
  }
  tally.mustHaveHappened('damaged', rounds);
  tally.mustHaveHappened('framesBelowTheMarkInTheLog', 10);
  if (rounds >= 50) for (const outcome of ['refusedActors', 'wholeStores']) tally.mustHaveHappened(outcome);
  return tally.report();
};

function diagnose(
  tally: Tally,
  examination: Examination | undefined,
  expected: readonly Expected[],
  where: string,
): void {
  if (examination === undefined) return tally.add('abortedByLevelDB');
  const { refused, crashed, actors = [], broken = [] } = examination;
  if (crashed !== undefined) return tally.violation(`${where}: ${crashed}`);
  if (refused !== undefined) {
    tally.add(`refused with ${refused}`);
    return tally.add('refusedStores');
  }
  let whole = 0;
  for (const [index, { address, refused: reason, missing, context }] of actors.entries()) {
    if (reason !== undefined) {
      tally.add('refusedActors');
      continue;
    }
    const { count, sum, last } = expected[index]!;
    if (missing === true) tally.violation(`${where}: ${address} is gone, and nobody says so`);
    else if (context!.count === count && context!.sum === sum && context!.last === last) whole++;
    else tally.violation(`${where}: ${address} silently has ${context!.count} instead of ${count} events`);
  }
  tally.add('wholeActors', whole);
  if (whole === NOTEBOOKS) tally.add(broken.length > 0 ? 'foundByVerify' : 'wholeStores');
  else tally.add('storesWithRefusals');
}
