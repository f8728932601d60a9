// The lie: "whatever the weather". 600 simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 600 worlds', async () => {
  const report = await seeds({ seeds: 600 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(600);
}, 240_000);
