// The lie: "an occurrence that is due while others run does what the policy says". The whole table.
import { describe, expect, it } from 'vitest';
import type { Overlap } from './declaration.ts';
import { verdictOn } from './overlap.ts';

describe('an occurrence that is due', () => {
  it.each<[Overlap, number, number, string]>([
    ['skip', 0, 0, 'start'],
    ['skip', 1, 0, 'skip overlap'],
    ['skip', 5, 0, 'skip overlap'],
    ['queue', 0, 0, 'start'],
    ['queue', 1, 0, 'wait'],
    ['queue', 1, 2, 'wait'],
    ['queue', 1, 3, 'skip queue-full'],
    ['queue', 1, 9, 'skip queue-full'],
    ['allow', 0, 0, 'start'],
    ['allow', 1, 0, 'start'],
    ['allow', 2, 0, 'skip too-many-running'],
    ['allow', 9, 0, 'skip too-many-running'],
    ['cancel-previous', 0, 0, 'start'],
    ['cancel-previous', 1, 0, 'replace'],
    ['cancel-previous', 1, 1, 'replace'],
  ])('%s, with %d running and %d waiting: %s', (overlap, running, waiting, expected) => {
    const verdict = verdictOn({ overlap, maxRunning: 2, maxWaiting: 3 }, running, waiting);
    expect(Object.values(verdict).join(' ')).toBe(expected);
  });
});
