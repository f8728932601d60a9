// The lie: "what is good enough is decided exactly, and no agent can talk itself up". The boundary, and calibrations that turn.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskStatus } from '../contract.ts';
import { OptionError } from '../options.ts';
import { calibrated, calibration, judge } from './quality.ts';
import type { Calibration, Judgement } from './quality.ts';

function judged(
  confidence: number,
  threshold: number,
  status: TaskStatus = 'success',
  points?: Calibration,
): Judgement {
  const metadata = { cost: 0, duration: 1, model: 'm', confidence };
  return judge({ status, metadata }, { threshold, calibration: points });
}

const classOf = (judgement: Judgement): string => (judgement.ok ? 'accepted' : judgement.fault.class);

describe('a result', () => {
  it.each([
    [0.79, 'low-confidence'],
    [0.8, 'accepted'],
    [0.81, 'accepted'],
    [0.1 + 0.7, 'low-confidence'],
    [0, 'low-confidence'],
    [1, 'accepted'],
  ])('that is %s sure, where 0.8 is asked for: %s', (confidence, expected) => {
    expect(classOf(judged(confidence, 0.8))).toBe(expected);
  });

  it('of which nobody asks anything is accepted', () => {
    expect(judged(0, 0)).toEqual({ ok: true, confidence: 0 });
  });

  it.each([Number.NaN, -0.1, 1.1, Infinity])('with a confidence of %s breaks the contract', (confidence) => {
    expect(classOf(judged(confidence, 0))).toBe('contract-violation');
  });

  it('counts by its status first', () => {
    expect(classOf(judged(1, 0, 'needs_review'))).toBe('needs-review');
    expect(classOf(judged(1, 0, 'failure'))).toBe('agent-failure');
    expect(classOf(judged(1, 0, 'done' as TaskStatus))).toBe('contract-violation');
  });

  it('counts as its agent is calibrated, and says both', () => {
    const points = calibration([
      [0, 0],
      [0.8, 0.5],
      [0.9, 0.8],
    ]);
    expect(classOf(judged(0.9, 0.8, 'success', points))).toBe('accepted');
    const doubtful = judged(0.899, 0.8, 'success', points);
    expect(doubtful).toMatchObject({ ok: false, fault: { class: 'low-confidence', confidence: 0.5 } });
    if (!doubtful.ok)
      expect(doubtful.fault.message).toBe('its confidence is 0.5 (it says 0.899), and the task asks for 0.8');
  });
});

describe('a calibration', () => {
  it.each<[what: string, points: unknown, option: string]>([
    ['nothing', [], 'points'],
    ['no list', { 0: 0 }, 'points'],
    ['no beginning', [[0.1, 0]], 'points[0][0]'],
    [
      'the same twice',
      [
        [0, 0],
        [0, 0.1],
      ],
      'points[1][0]',
    ],
    [
      'a turn',
      [
        [0, 0.5],
        [0.5, 0.4],
      ],
      'points[1][1]',
    ],
    ['more than all', [[0, 2]], 'points[0]'],
    ['a hole', [[0, 0], undefined], 'points[1]'],
  ])('with %s is refused', (_, points, option) => {
    try {
      calibration(points as Calibration);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      expect((error as OptionError).option).toBe(option);
    }
  });

  it('never makes more of saying less, and is never surer than its points', () => {
    const shares = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 6 });
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(shares, unit, unit, (said, some, other) => {
        const ascending = said.toSorted((a, b) => a - b).map((n) => n / 1000);
        const points = calibration([[0, 0], ...ascending.map((n, i) => [n, (i + 1) / 10] as const)]);
        const [less, more] = [Math.min(some, other), Math.max(some, other)];
        expect(calibrated(less, points)).toBeLessThanOrEqual(calibrated(more, points));
        for (const [at, is] of points) expect(calibrated(at, points)).toBe(is);
      }),
    );
  });
});
