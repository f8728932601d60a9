// The lie: "what was found stays mended". Seeds with which simulated runs once broke a promise, and a few more.
import { expect, it } from 'vitest';
import { simulateRun } from './simulate.ts';

const SEEDS: readonly (readonly [seed: number, what: string])[] = [
  [67, 'whoever undoes was parked, and nobody could let it go on'],
  [95, 'it was over as soon as it was born'],
  [172, 'what was found out about a node was not the same any more when it was done'],
  [276, 'the same, and its failure had no reason, which stopped the run for good'],
  [285, 'the same'],
  [394, 'it died before anybody knew that it was started'],
  ...Array.from({ length: 12 }, (_, i) => [1000 + i, 'random'] as const),
];

it.each(SEEDS)('seed %i: %s', async (seed) => {
  const { violations } = await simulateRun(seed);
  expect(violations).toEqual([]);
});

it.each([2001, 2002, 2003, 2004])('seed %i, with votes', async (seed) => {
  const { violations } = await simulateRun(seed, { votes: true });
  expect(violations).toEqual([]);
});
