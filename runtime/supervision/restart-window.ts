/**
 * The restart window: how many restarts a supervisor has made lately. More than `intensity` within `periodMs`, and it
 * gives up; OTP's meaning, where a restart that is exactly one period old still counts (`supervisor.erl`, `add_restart`).
 */

export interface RestartLimit {
  /** How many restarts are allowed within the period. 0: none. */
  readonly intensity: number;
  readonly periodMs: number;
}

export interface CountedRestart {
  /** The restarts that still count, newest first, this one among them. */
  readonly restarts: readonly number[];
  /** Whether it is one too many. */
  readonly isTooMany: boolean;
}

/** Counts a restart that is made now. */
export function countRestart(
  restarts: readonly number[],
  nowMs: number,
  { intensity, periodMs }: RestartLimit,
): CountedRestart {
  // OTP counts on a clock that never goes back. This one is the clock of the journal, which may: what seems to lie in the
  // future was just now, or it would count for as long as the clock was wrong.
  const counted = [
    nowMs,
    ...restarts.map((at) => Math.min(at, nowMs)).filter((at) => nowMs <= at + periodMs),
  ];
  // Beyond the limit their number is of no interest, so a window never grows.
  return { restarts: counted.slice(0, intensity + 1), isTooMany: counted.length > intensity };
}
