/**
 * SCXML: the conformance suite of the standard behind XState, with the system killed after every single message.
 */
import { CURATED_TOTAL, judgeScxml, PASSING_TOTAL } from '../scxml/durable.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

export const scxml: Ring = async (_options, progress) => {
  const tally = new Tally('scxml', progress);
  const verdict = await judgeScxml(true, (done) => tally.show(done, PASSING_TOTAL));
  for (const failure of verdict.failed) tally.violation(failure);
  tally.add('curated', verdict.curated);
  tally.add('passed', verdict.passed);
  tally.add('refusedByReader', verdict.refused);
  tally.add('deaths', verdict.deaths);
  tally.mustHaveHappened('curated', CURATED_TOTAL);
  tally.mustHaveHappened('passed', PASSING_TOTAL);
  tally.mustHaveHappened('deaths', 500);
  return tally.report();
};
