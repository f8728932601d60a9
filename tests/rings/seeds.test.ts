// The lie: "whatever the weather". a thousand simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 1,000 worlds', async () => {
  const report = await seeds({ seeds: 1000 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(1000);
}, 240_000);
