// The lie: "what was missed is made up for as the policy says, however long the system was away". Tables, and against
// somebody who goes through all instants one by one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Missed } from './declaration.ts';
import { instantsBetween } from './instants.ts';
import { dueAtOf, overdueAt } from './overdue.ts';

const table = { everyMs: 60_000, anchor: 0 };
const minute = (n: number): number => n * 60_000;
const POLICY = { id: 's', missed: 'skip' as Missed, graceMs: 30_000, jitterMs: 0, maxCatchUp: 5 };

/** `3! 4, 7 left: 1-2`: minutes that were taken, those that were missed marked, and what was left. */
function told(missed: Missed, cursor: number, now: number, more: Partial<typeof POLICY> = {}): string {
  const overdue = overdueAt(table, { ...POLICY, missed, ...more }, minute(cursor), minute(now));
  if (overdue === undefined) return 'nothing';
  const { take, left, through } = overdue;
  const taken = take.map(({ instant, isMissed }) => `${instant / 60_000}${isMissed ? '!' : ''}`).join(' ');
  const rest = left === undefined ? '' : `, ${left.count} left: ${left.first / 60_000}-${left.last / 60_000}`;
  return `${taken}${rest}, through ${through / 60_000}`;
}

describe('what has come due', () => {
  it.each<[string, Missed, number, number, string]>([
    ['nothing yet', 'all', 3, 3.9, 'nothing'],
    ['nothing new', 'all', 3, 3, 'nothing'],
    ['the clock went back', 'all', 30, 3, 'nothing'],
    ['on time', 'skip', 3, 4, '4, through 4'],
    ['late', 'skip', 3, 4.5, '4, through 4'],
    ['missed', 'skip', 3, 4.51, ', 1 left: 4-4, through 4'],
    ['missed', 'one', 3, 4.51, '4!, through 4'],
    ['missed', 'all', 3, 4.51, '4!, through 4'],
    ['three missed', 'skip', 0, 3.9, ', 3 left: 1-3, through 3'],
    ['three missed', 'one', 0, 3.9, '3!, 2 left: 1-2, through 3'],
    ['three missed', 'all', 0, 3.9, '1! 2! 3!, through 3'],
    ['three missed and one on time', 'skip', 0, 4.1, '4, 3 left: 1-3, through 4'],
    ['three missed and one on time, which stands for them', 'one', 0, 4.1, '4, 3 left: 1-3, through 4'],
    ['three missed and one on time', 'all', 0, 4.1, '1! 2! 3! 4, through 4'],
    ['more missed than are made up for', 'all', 0, 9, '5! 6! 7! 8! 9, 4 left: 1-4, through 9'],
    [
      'a century missed',
      'all',
      0,
      52_594_560,
      '52594556! 52594557! 52594558! 52594559! 52594560, 52594555 left: 1-52594555, through 52594560',
    ],
    ['a century missed', 'one', 0, 52_594_560.9, '52594560!, 52594559 left: 1-52594559, through 52594560'],
  ])('%s, %s: from %d to %d: %s', (_, missed, cursor, now, expected) => {
    expect(told(missed, cursor, now)).toBe(expected);
  });

  it('with a grace of several instants is all on time, up to the limit', () => {
    expect(told('skip', 0, 4.1, { graceMs: minute(2) })).toBe('3 4, 2 left: 1-2, through 4');
    expect(told('one', 0, 20, { graceMs: minute(60) })).toBe('16 17 18 19 20, 15 left: 1-15, through 20');
  });
});

describe('with jitter', () => {
  it('an instant is not taken before its time, nor before those before it', () => {
    const policies = fc.record({
      ...{ id: fc.string(), missed: fc.constantFrom<Missed>('skip', 'one', 'all') },
      ...{ graceMs: fc.nat(200_000), jitterMs: fc.nat(300_000), maxCatchUp: fc.integer({ min: 1, max: 12 }) },
    });
    let taken = 0;
    fc.assert(
      fc.property(policies, fc.nat(minute(40)), fc.nat(minute(20)), (policy, cursor, gone) => {
        const now = cursor + gone;
        const due: number[] = [];
        for (const instant of instantsBetween(table, cursor, now)) {
          if (dueAtOf(policy, instant) > now) break;
          due.push(instant);
        }
        const isMissed = (instant: number): boolean => now - dueAtOf(policy, instant) > policy.graceMs;
        const onTime = due.filter((instant) => !isMissed(instant));
        const wanted =
          policy.missed === 'all'
            ? due
            : policy.missed === 'skip' || onTime.length > 0
              ? onTime
              : due.slice(-1);
        const take = wanted.slice(-policy.maxCatchUp);
        const left = due.filter((instant) => !take.includes(instant));
        taken += take.length;
        expect(overdueAt(table, policy, cursor, now)).toEqual(
          due.length === 0
            ? undefined
            : {
                take: take.map((instant) => ({ instant, isMissed: isMissed(instant) })),
                left:
                  left.length === 0 ? undefined : { count: left.length, first: left[0], last: left.at(-1) },
                through: due.at(-1),
              },
        );
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});
