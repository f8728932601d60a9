// The lie: "whatever the weather". Two thousand simulated worlds.
import { expect, it } from 'vitest';
import { seeds } from './seeds.ts';

it('keeps every promise in 2,000 worlds', async () => {
  const report = await seeds({ seeds: 2000 }, () => {});
  console.log(JSON.stringify(report));
  expect(report.violations).toEqual([]);
  expect(report.counts['worlds']).toBe(2000);
}, 240_000);
