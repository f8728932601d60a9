/**
 * Planted bugs: the tester is tested. Each of six deliberate bugs must be caught, and the product without them must not.
 */
import { PLANTED_BUGS } from '../simulation/planted.ts';
import { simulate } from '../simulation/simulate.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

export const planted: Ring = async ({ seeds: count = 40, seed: first = 1 }, progress) => {
  const tally = new Tally('planted', progress);
  for (const [index, { name, options }] of PLANTED_BUGS.entries()) {
    let failing = 0;
    let example = '';
    for (let seed = first; seed < first + count; seed++) {
      const { violations } = await simulate(seed, options);
      if (violations.length === 0) continue;
      failing++;
      example ||= `seed ${seed}: ${violations[0]}`;
    }
    tally.add('bugs');
    tally.add('caught', failing > 0 ? 1 : 0);
    tally.note(name, `${failing} of ${count} seeds; ${example}`);
    if (failing === 0) tally.violation(`the bug '${name}' was not caught`);
    tally.show(index + 1, PLANTED_BUGS.length);
  }
  for (let seed = first; seed < first + count; seed++) {
    const { violations } = await simulate(seed);
    for (const violation of violations) tally.violation(`without any bug: ${violation}`, seed);
  }
  return tally.report();
};
