/**
 * Whether an answer that fits its schema is good enough. What the agent says of its own sureness counts as far as its calibration
 * says: agents are sure in different ways, and 0.9 of one is right as often as 0.6 of another.
 *
 * It says whether there is a fault, and which. What comes of it is for the strategy: how sure it is, what money and which attempts
 * are left choose the rung (the rows `low-confidence` and `needs-review`).
 */
import type { TaskResult } from '../contract.ts';
import type { Fault } from './fault.ts';
import { OptionError } from '../options.ts';

/**
 * How sure an agent is, by how sure it says that it is: pairs `[said, is]`, from `[0, …]` on, rising. What lies between two is worth
 * the lower of them: a table is never surer than its points.
 */
export type Calibration = readonly (readonly [said: number, is: number])[];

/** A calibration, looked at. @throws OptionError */
export function calibration(points: Calibration): Calibration {
  if (!Array.isArray(points) || points.length === 0) refuse('points', 'must be a list of [said, is]');
  let before: readonly [said: number, is: number] | undefined;
  for (const [index, point] of points.entries()) {
    const place = `points[${index}]`;
    if (!isPoint(point)) refuse(place, 'must be [said, is], both from 0 to 1');
    const [said, is] = point;
    if (before === undefined ? said !== 0 : said <= before[0]) {
      refuse(`${place}[0]`, 'must be 0 in the first, and more than the one before in the others');
    }
    if (before !== undefined && is < before[1]) {
      refuse(`${place}[1]`, 'must not be less than the one before: to say more may not count less');
    }
    before = point;
  }
  return structuredClone(points);
}

function refuse(place: string, problem: string): never {
  throw new OptionError(place, `calibration: ${place} ${problem}`);
}

/** How sure it is, when it says that. */
export const calibrated = (said: number, points: Calibration): number =>
  points.findLast(([from]) => from <= said)?.[1] ?? 0;

export interface Standard {
  /** From which sureness on an answer is accepted. */
  readonly threshold: number;
  readonly calibration?: Calibration | undefined;
}

export type Judgement =
  { readonly ok: true; readonly confidence: number } | { readonly ok: false; readonly fault: Fault };

/** What a result is worth. 0.8 passes 0.8, and 0.79 does not: nothing is rounded. */
export function judge(
  { status, metadata }: Pick<TaskResult, 'status' | 'metadata'>,
  { threshold, calibration: points }: Standard,
): Judgement {
  const said = metadata.confidence;
  if (!isShare(said))
    return faulty({ class: 'contract-violation', message: `a confidence of ${String(said)} is none` });
  const confidence = points === undefined ? said : calibrated(said, points);
  switch (status) {
    case 'failure':
      return faulty({
        class: 'agent-failure',
        message: 'the agent reports that it could not do it',
        confidence,
      });
    case 'needs_review':
      return faulty({ class: 'needs-review', message: 'the agent asks for a person', confidence });
    case 'success': {
      if (confidence >= threshold) return { ok: true, confidence };
      const words = confidence === said ? `${said}` : `${confidence} (it says ${said})`;
      const message = `its confidence is ${words}, and the task asks for ${threshold}`;
      return faulty({ class: 'low-confidence', message, confidence });
    }
    default:
      return faulty({ class: 'contract-violation', message: `'${String(status)}' is no status` });
  }
}

const faulty = (fault: Fault): Judgement => ({ ok: false, fault });

const isPoint = (value: unknown): value is readonly [said: number, is: number] =>
  Array.isArray(value) && value.length === 2 && value.every(isShare);
const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
