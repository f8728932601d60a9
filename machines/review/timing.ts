/**
 * When the steps of a ladder are due that is counted in working time. A process and no step: it asks what the clocks of a place show,
 * and the answer changes with a new Node. So it is asked once, when the review is opened, and what it says is recorded; no replay
 * and no restart asks again.
 *
 * It refuses a zone that this Node does not know any more: the review fails, and whoever has asked for it hears of it.
 */
import { fromPromise } from 'xstate';
import type { WorkingCalendar } from '../working-time/calendar.ts';
import { afterWorkingTime } from '../working-time/working-time.ts';
import { zoneRules } from '../working-time/zone.ts';
import { endedAt } from './input.ts';
import type { Step } from './input.ts';

export interface Timing {
  readonly calendar: WorkingCalendar;
  readonly openedAt: number;
  /** Counted in working time. */
  readonly steps: readonly Step[];
  /** When it ends at most, as the clock goes. */
  readonly atMostMs: number | undefined;
}

/** The same steps, so long after the review was opened as the clock goes. */
export const timing = fromPromise<readonly Step[], Timing>(async ({ input }) => timed(input));

function timed({ calendar, openedAt, steps, atMostMs }: Timing): readonly Step[] {
  const zone = zoneRules(calendar.zone, openedAt);
  if (zone === undefined) throw new RangeError(`the time zone ${calendar.zone} is not known here`);
  const inWorkingTime = steps.map((step) => ({
    ...step,
    afterMs: afterWorkingTime(calendar, zone, openedAt, step.afterMs) - openedAt,
  }));
  return endedAt(inWorkingTime, atMostMs);
}
