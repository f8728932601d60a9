/**
 * The times of a gate, and of the reviews of a task: when people are reminded, when others may decide too, and when nobody may any more. Counted as the clock goes,
 * or in the working time of a calendar. It owns what such times may say, and how they become the ladder of a review.
 */
import type { Duration } from 'effect';
import type { Patience, Rung } from '../../machines/review/input.ts';
import { problemOfWorkingTime, problemsOfCalendar } from '../../machines/working-time/calendar.ts';
import type { WorkingCalendar } from '../../machines/working-time/calendar.ts';
import { InvalidArgument, millisOf } from '../../runtime/index.ts';
import type { TimesOptions } from './declaration.ts';

/** The calendar of a gate or of a task's reviews: its own, or that of its workflow. A copy: whoever has given it may change it later. */
export function calendarFor(
  { calendar }: Pick<TimesOptions, 'calendar'>,
  ofWorkflow: WorkingCalendar | undefined,
): WorkingCalendar | undefined {
  return structuredClone(calendar === undefined ? ofWorkflow : calendar || undefined);
}

/** What of them a review is given. @param calendar of the gate */
export function timesOf(options: TimesOptions, calendar: WorkingCalendar | undefined): Patience {
  const ladder = ladderOf(options);
  const expiresAfterMs = expiryOf(options);
  const isTimed = ladder.length > 0 || expiresAfterMs !== undefined;
  return {
    ...(ladder.length > 0 && { ladder }),
    ...(expiresAfterMs !== undefined && { expiresAfterMs, onExpire: options.onExpire ?? 'refuse' }),
    ...(calendar !== undefined && isTimed && { calendar }),
  };
}

function ladderOf({ remind = [], within, escalateTo }: TimesOptions): readonly Rung[] {
  const reminders = remind.map((after): Rung => ({ afterMs: millisOf(after, 'remind'), remind: true }));
  const escalation: readonly Rung[] =
    escalateTo === undefined ? [] : [{ afterMs: millisOf(within!, 'within'), escalateTo }];
  return [...reminders, ...escalation].sort((a, b) => a.afterMs - b.afterMs);
}

function expiryOf({ within, escalateTo, escalatedWithin }: TimesOptions): number | undefined {
  if (within === undefined) return undefined;
  const first = millisOf(within, 'within');
  if (escalateTo === undefined) return first;
  return first + (escalatedWithin === undefined ? first : millisOf(escalatedWithin, 'escalatedWithin'));
}

// ---- what may be wrong --------------------------------------------------------------------------------------------

type Options = Readonly<Record<string, unknown>>;
type Fail = (place: string, detail: string) => void;

/** What is wrong with the times of a gate, taken together: one that is never reached, or lies behind the end. */
export function checkTimes(fail: Fail, place: string, options: Options): void {
  const { within, escalateTo, escalatedWithin, onExpire } = options;
  if (escalateTo !== undefined && within === undefined)
    fail(`${place}/escalateTo`, 'is never reached: say within which time others have to decide');
  if (escalatedWithin !== undefined && escalateTo === undefined)
    fail(`${place}/escalatedWithin`, 'is for nobody: say to whom it is escalated');
  if (onExpire !== undefined && within === undefined)
    fail(`${place}/onExpire`, 'is never reached: say within which time it must be decided');
  // Of a time that is none, nothing can be said.
  const end = (within === undefined ? 0 : wholeOf(options)) || Infinity;
  for (const [name, time] of timesIn(options)) {
    const ms = millisIn(time);
    if (ms < Infinity && !Number.isInteger(ms)) fail(`${place}/${name}`, 'must be whole milliseconds');
    if (name.startsWith('remind/') && ms < Infinity && ms > end)
      fail(`${place}/${name}`, 'is never reached: by then its time is over');
  }
}

/** What is wrong with a calendar that a workflow or a gate has. */
export function checkCalendar(fail: Fail, place: string, calendar: unknown): void {
  for (const { pointer, detail } of problemsOfCalendar(calendar)) fail(`${place}${pointer}`, detail);
}

/**
 * What is wrong with the times of a gate in working time, where it has a calendar; and where it has none, with what is counted as the clock
 * goes in any case.
 * @param ofWorkflow its calendar, which may be wrong, and is said to be elsewhere then
 */
export function checkWorkingTimes(fail: Fail, place: string, options: Options, ofWorkflow: unknown): void {
  const { calendar } = options;
  const own = calendar !== undefined && calendar !== false;
  if (own) checkCalendar(fail, `${place}/calendar`, calendar);
  const times = timesIn(options);
  if (own && times.length === 0) fail(`${place}/calendar`, 'counts nothing: say within, or remind');
  const found = (calendar === undefined ? ofWorkflow : calendar) as WorkingCalendar | false | undefined;
  if (found === undefined || found === false) return checkDwell(fail, place, options);
  if (problemsOfCalendar(found).length > 0) return;
  for (const [name, time] of times) {
    if (isInDays(time)) fail(`${place}/${name}`, NOT_IN_DAYS);
    // Those to whom it is escalated have theirs behind it.
    const ms = name === 'within' ? wholeOf(options) : millisIn(time);
    const problem = problemOfWorkingTime(ms, found);
    if (problem !== undefined) fail(`${place}/${name}`, problem);
  }
}

/** Where it stays open when its time is over, they may approve then. */
function checkDwell(fail: Fail, place: string, options: Options): void {
  const { dwell, onExpire } = options;
  const end = wholeOf(options);
  if (dwell !== undefined && onExpire !== 'stay' && end > 0 && millisIn(dwell) >= end)
    fail(`${place}/dwell`, 'is as long as there is to decide: nobody could ever approve it');
}

function wholeOf({ within, escalateTo, escalatedWithin = within }: Options): number {
  return millisIn(within) + (escalateTo === undefined ? 0 : millisIn(escalatedWithin));
}

function timesIn(options: Options): readonly (readonly [name: string, time: unknown])[] {
  const { within, escalateTo, escalatedWithin, remind } = options;
  const reminders = Array.isArray(remind) ? (remind as readonly unknown[]) : [];
  return [
    ...(within === undefined ? [] : [['within', within] as const]),
    ...(escalateTo === undefined || escalatedWithin === undefined
      ? []
      : [['escalatedWithin', escalatedWithin] as const]),
    ...reminders.map((after, index) => [`remind/${index}`, after] as const),
  ];
}

const NOT_IN_DAYS =
  'must be in hours: a day of 24 hours is not what a working day is, and which of the two is meant cannot be told';

function isInDays(time: unknown): boolean {
  if (typeof time === 'string') return /\b(day|week)s?\b/.test(time);
  return (
    typeof time === 'object' && time !== null && (Object.hasOwn(time, 'days') || Object.hasOwn(time, 'weeks'))
  );
}

/** None of what is none, which is told elsewhere. */
function millisIn(time: unknown): number {
  try {
    return millisOf(time as Duration.Input, 'it');
  } catch (error) {
    if (error instanceof InvalidArgument) return 0;
    throw error;
  }
}
