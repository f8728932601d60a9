/**
 * `npm run ring -- <name> [--seeds N] [--rounds N] [--seed S]`: runs one ring, or `all`. The last line is its report in
 * JSON; the exit code is 1 when a promise was broken.
 */
import { parseArgs } from 'node:util';
import { RINGS } from './rings.ts';
import type { RingOptions } from './ring.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string' } },
});

function numberOf(name: 'seeds' | 'rounds' | 'seed'): Partial<RingOptions> {
  const text = values[name];
  if (text === undefined) return {};
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new TypeError(`--${name} must be a whole number, but is ${text}`);
  return { [name]: number };
}

const options: RingOptions = { ...numberOf('seeds'), ...numberOf('rounds'), ...numberOf('seed') };
const [name, ...others] = positionals;
// One ring, or all of them: the last line is one report.
const chosen =
  others.length > 0
    ? []
    : name === 'all'
      ? Object.entries(RINGS)
      : Object.entries(RINGS).filter(([ring]) => ring === name);
if (chosen.length === 0) {
  console.error(
    `usage: npm run ring -- <${Object.keys(RINGS).join(' | ')} | all> [--seeds N] [--rounds N] [--seed S]`,
  );
  process.exitCode = 2;
}
for (const [, ring] of chosen) {
  const report = await ring(options, (line) => console.error(line));
  for (const violation of report.violations) console.error(`✗ ${violation}`);
  console.log(JSON.stringify(report));
  if (!report.ok) process.exitCode = 1;
}
