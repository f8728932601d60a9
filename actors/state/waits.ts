/**
 * Why something does not go on, and who could let it.
 */
import type { ReviewContext } from '../../machines/review/review.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import type { Stood } from './stood.ts';

/** Why something does not go on. */
export interface Wait {
  /** The part that waits: `review`, `chapters/3`. */
  readonly task: string;
  readonly for: 'person' | 'operator' | 'time' | 'money' | 'place';
  readonly why: string;
  /** Who can end it. */
  readonly roles?: readonly string[];
  /** Who has taken it on. */
  readonly by?: string;
  readonly since?: number;
  /** When it goes on by itself. */
  readonly until?: number;
  /** The halts that keep it waiting: `agent:writer`. It goes on by itself when they are lifted. */
  readonly halts?: readonly string[];
}

export function waitOf(
  task: string,
  { value }: Stood,
  { fault, move, log, halts }: TaskContext,
): Wait | undefined {
  const since = log.at(-1)?.to;
  const why = fault === undefined ? '' : `${fault.class}: ${fault.message}`;
  const known = { task, why, ...(since !== undefined && { since }) };
  const delayMs = move !== undefined && 'delayMs' in move ? move.delayMs : undefined;
  const until = since !== undefined && delayMs !== undefined ? { until: since + delayMs } : {};
  switch (typeof value === 'object' ? Object.keys(value as object)[0] : value) {
    case 'parked':
      return { ...known, for: 'operator' };
    case 'halted':
      return { ...known, for: 'operator', ...(halts !== undefined && { halts }) };
    case 'sleeping':
    case 'delaying':
      return { ...known, for: 'time', ...until };
    case 'paying':
      return { ...known, for: 'money', why: 'the account has not answered yet' };
    default:
      return undefined;
  }
}

export function waitOfReview(task: string, { roles, claim, openedAt, title }: ReviewContext): Wait {
  return {
    ...{ task, for: 'person', why: title, roles, since: openedAt },
    ...(claim !== undefined && { by: claim.by }),
  };
}
