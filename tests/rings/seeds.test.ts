// The lie: "whatever the weather". 250 simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 250 worlds', async () => {
  const report = await seeds({ seeds: 250 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(250);
}, 240_000);
