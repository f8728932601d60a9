// The lie: "a machine goes on after a crash as if nothing had happened". Every case of the SCXML suite, with the whole
// system killed after every single message and opened again from its store.
import { describe, expect, it } from 'vitest';
import { CURATED_TOTAL, judgeScxml, PASSING_TOTAL } from './durable.ts';

describe.each([
  ['killed after every message', true],
  ['undisturbed', false],
])('SCXML, %s', (_, dies) => {
  it('passes every case that plain XState passes', async () => {
    const { failed, curated, passed, deaths } = await judgeScxml(dies);
    console.log(
      `SCXML: ${curated}/${CURATED_TOTAL} curated, ${passed}/${PASSING_TOTAL} of all, ${deaths} deaths`,
    );
    expect(failed).toEqual([]);
    expect(curated).toBe(CURATED_TOTAL);
    expect(passed).toBe(PASSING_TOTAL);
    if (dies) expect(deaths).toBeGreaterThan(500);
  }, 120_000);
});
