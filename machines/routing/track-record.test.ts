// The lie: "a track record stays small, and says what came of the last attempts".
import { createActor } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { FaultClass } from '../faults/fault.ts';
import { tallied, trackRecord } from './track-record.ts';
import type { AttemptReport } from './track-record.ts';

const recordOf = (reports: readonly (readonly [capability: string, attempt: Partial<AttemptReport>])[]) => {
  const actor = createActor(trackRecord).start();
  for (const [capability, attempt] of reports)
    actor.send({ type: 'record.report', capability, attempts: [{ durationMs: 1, ...attempt }] });
  return actor.getSnapshot().context;
};

const many = (count: number, capability: string, attempt: Partial<AttemptReport>) =>
  Array.from({ length: count }, () => [capability, attempt] as const);

describe('a track record', () => {
  it('adds up what it is told', () => {
    const record = recordOf([
      ['write', { confidence: 0.95, cost: 7, estimate: 5 }],
      ['write', { confidence: 1, cost: 3 }],
      ['write', { confidence: 0.05, fault: 'low-confidence' }],
      ['write', { fault: 'timeout', estimate: 5 }],
      ['read', { cost: 1 }],
    ]);
    expect(tallied(record, 'write')).toEqual({
      ...{ attempts: 4, accepted: 2, faults: { 'low-confidence': 1, timeout: 1 }, durationMs: 4 },
      ...{ cost: 7, estimate: 5, billed: 10, bills: 2 },
      ...{ said: [1, 0, 0, 0, 0, 0, 0, 0, 0, 2], right: [0, 0, 0, 0, 0, 0, 0, 0, 0, 2] },
    });
    expect(tallied(record)).toMatchObject({ attempts: 5, accepted: 3, billed: 11 });
    expect(tallied(record, 'nothing').attempts).toBe(0);
  });

  it.each<[FaultClass]>([
    ['cancelled'],
    ['budget-exhausted'],
    ['not-permitted'],
    ['no-agent'],
    ['invalid-input'],
  ])('does not hold %s against the agent', (fault) => {
    expect(tallied(recordOf([['write', { fault }]])).attempts).toBe(0);
  });

  it('forgets the oldest, and remembers the last hundred and eighty at least', () => {
    const before = many(500, 'write', { fault: 'crash' });
    const record = recordOf([...before, ...many(180, 'write', {})]);
    const { attempts, accepted } = tallied(record);
    expect(accepted).toBe(180);
    expect(attempts).toBeLessThanOrEqual(200);
    expect(tallied(recordOf([...before, ...many(200, 'write', {})]))).toMatchObject({
      attempts: 200,
      accepted: 200,
    });
  });

  it('stays small, however many capabilities there are', () => {
    const names = Array.from({ length: 60 }, (_, i) => `c${i}`);
    const record = recordOf(
      [...names, 'c15'].flatMap((name) => many(300, name, { confidence: 0.5, cost: 1 })),
    );
    expect(record.spans.length).toBe(50);
    expect(record.spans.map(([name]) => name).slice(-2)).toEqual(['c59', 'c15']);
    expect(tallied(record, 'c3').attempts).toBe(0);
    expect(JSON.stringify(record).length).toBeLessThan(200_000);
  });
});
