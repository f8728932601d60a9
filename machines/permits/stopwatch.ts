/**
 * A stopwatch: how long a machine has lived by its own count, which only goes forward.
 *
 * `Date.now` may jump back: somebody sets the clock, or a virtual machine moves. A gate that compares such times gives
 * its permits twice, or none for hours. So gates keep their times on a stopwatch, which takes a jump back for no time at
 * all. A jump forward cannot be told from a quiet night, and counts.
 *
 * It owns no timer. Whole milliseconds, so that sums of them are exact.
 */

export interface Stopwatch {
  /** What it showed when it was last looked at. */
  readonly elapsedMs: number;
  /** `Date.now()` at that time. */
  readonly seenAt: number;
}

export function startStopwatch(): Stopwatch {
  return { elapsedMs: 0, seenAt: Date.now() };
}

/** What it shows now; or at another time, for whoever looks at it from outside. */
export function elapsed({ elapsedMs, seenAt }: Stopwatch, now = Date.now()): number {
  return elapsedMs + Math.max(0, Math.floor(now - seenAt));
}

/** The stopwatch, looked at now. To be kept with every step, or a jump back goes unnoticed. */
export function lookedAt(watch: Stopwatch): Stopwatch {
  const elapsedMs = elapsed(watch);
  const wentBy = elapsedMs - watch.elapsedMs;
  // What is left of a millisecond is kept for the next look.
  return { elapsedMs, seenAt: wentBy > 0 ? watch.seenAt + wentBy : Math.min(watch.seenAt, Date.now()) };
}

/** `setTimeout` fires at once when it is asked for more. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The delay until a time on the stopwatch; a very long one ends early, and whoever is woken must look again. */
export function delayUntil(watch: Stopwatch, at: number): number {
  return Math.min(Math.max(0, at - elapsed(watch)), LONGEST_DELAY_MS);
}
