/**
 * Which of the instants that have come due are taken, and how many are passed over.
 *
 * An instant is **due** at its time plus its jitter, and not before those before it. It is **late** when the schedule gets to it
 * after that, and **missed** when it does so more than the grace after it: the system was down, the machine slept, or the
 * clock was set. What is late is treated as if it were on time; what is missed, by the policy. However much was missed, no
 * more is walked through than may be taken.
 */
import type { ScheduleDeclaration } from './declaration.ts';
import { countInstants, instantsBetween, nextInstant, previousInstant } from './instants.ts';
import type { Timetable } from './instants.ts';
import { jitterOf } from './jitter.ts';

export interface Overdue {
  /** In order. At most `maxCatchUp`. */
  readonly take: readonly { readonly instant: number; readonly isMissed: boolean }[];
  /** How many were passed over, and between which. */
  readonly left: { readonly count: number; readonly first: number; readonly last: number } | undefined;
  /** Up to here everything is decided now. */
  readonly through: number;
}

type Policy = Pick<ScheduleDeclaration, 'id' | 'missed' | 'graceMs' | 'jitterMs' | 'maxCatchUp'>;

/** What has come due after `cursor`, up to which everything was decided before; undefined when nothing has. */
export function overdueAt(
  table: Timetable,
  policy: Policy,
  cursor: number,
  nowMs: number,
): Overdue | undefined {
  const through = lastDue(table, policy, cursor, nowMs);
  if (through === undefined) return undefined;
  const take = taken(table, policy, cursor, through, nowMs);
  const count = countInstants(table, cursor, through) - take.length;
  if (count === 0) return { take, left: undefined, through };
  const isTaken = new Set(take.map(({ instant }) => instant));
  const first = firstWhere(
    (at) => nextInstant(table, at),
    nextInstant(table, cursor)!,
    (at) => !isTaken.has(at),
  );
  const last = firstWhere(
    (at) => previousInstant(table, at),
    through,
    (at) => !isTaken.has(at),
  );
  return { take, left: { count, first, last }, through };
}

/** When an instant is due. */
export function dueAtOf({ id, jitterMs }: Pick<Policy, 'id' | 'jitterMs'>, instant: number): number {
  return instant + jitterOf(id, instant, jitterMs);
}

function lastDue(table: Timetable, policy: Policy, cursor: number, nowMs: number): number | undefined {
  let last = previousInstant(table, nowMs + 1);
  for (const instant of instantsBetween(table, Math.max(cursor, nowMs - policy.jitterMs), nowMs)) {
    if (dueAtOf(policy, instant) <= nowMs) continue;
    last = previousInstant(table, instant);
    break;
  }
  return last !== undefined && last > cursor ? last : undefined;
}

function taken(
  table: Timetable,
  policy: Policy,
  cursor: number,
  through: number,
  nowMs: number,
): Overdue['take'] {
  const { missed, graceMs, jitterMs, maxCatchUp } = policy;
  const take: { instant: number; isMissed: boolean }[] = [];
  for (
    let instant: number | undefined = through;
    instant !== undefined && instant > cursor && take.length < maxCatchUp;
    instant = previousInstant(table, instant)
  ) {
    // Before this one nothing can be on time, whatever its jitter.
    if (missed !== 'all' && nowMs - instant - jitterMs > graceMs) break;
    const isMissed = nowMs - dueAtOf(policy, instant) > graceMs;
    if (missed === 'all' || !isMissed) take.push({ instant, isMissed });
  }
  if (missed === 'one' && take.length === 0) take.push({ instant: through, isMissed: true });
  return take.reverse();
}

function firstWhere(
  next: (at: number) => number | undefined,
  from: number,
  holds: (at: number) => boolean,
): number {
  let at = from;
  while (!holds(at)) at = next(at)!;
  return at;
}
