// The lie: "whatever the weather". 400 simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 400 worlds', async () => {
  const report = await seeds({ seeds: 400 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(400);
}, 240_000);
