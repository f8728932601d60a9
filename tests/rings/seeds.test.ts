// The lie: "whatever the weather". 120 simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 120 worlds', async () => {
  const report = await seeds({ seeds: 120 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(120);
}, 240_000);
