/**
 * What becomes of an occurrence that is due while others run or wait. A decision and nothing else: `schedule.ts` carries it out.
 */
import type { ScheduleDeclaration } from './declaration.ts';

export type Verdict =
  | { readonly outcome: 'start' | 'wait' }
  /** Those that run are stopped, those that wait are dropped, and it waits for the end of the former. */
  | { readonly outcome: 'replace' }
  | { readonly outcome: 'skip'; readonly cause: 'overlap' | 'queue-full' | 'too-many-running' };

type Policy = Pick<ScheduleDeclaration, 'overlap' | 'maxRunning' | 'maxWaiting'>;

/** @param running how many run. @param waiting how many wait. */
export function verdictOn(
  { overlap, maxRunning, maxWaiting }: Policy,
  running: number,
  waiting: number,
): Verdict {
  if (running === 0) return { outcome: 'start' };
  switch (overlap) {
    case 'allow':
      return running < maxRunning ? { outcome: 'start' } : { outcome: 'skip', cause: 'too-many-running' };
    case 'queue':
      return waiting < maxWaiting ? { outcome: 'wait' } : { outcome: 'skip', cause: 'queue-full' };
    case 'cancel-previous':
      return { outcome: 'replace' };
    case 'skip':
      return { outcome: 'skip', cause: 'overlap' };
  }
}
