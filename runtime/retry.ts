/**
 * When to try again: a schedule of Effect, asked for the delay after a certain number of failures.
 */
import type { Schedule } from 'effect';

/**
 * The delay in milliseconds before the next attempt, or undefined when the schedule is exhausted. The schedule is run
 * from its beginning, because its own state would not survive a crash; the delay it gives is recorded. For the schedule
 * nothing but its own delays takes time.
 */
export async function nextRetryDelay(
  schedule: Schedule.Schedule<unknown, unknown>,
  failures: number,
  error: unknown,
  nowMs: number,
): Promise<number | undefined> {
  // Effect takes 50 ms to load: only programs that retry pay for it.
  const [Effect, ScheduleModule, Duration] = await Promise.all([
    import('effect/Effect'),
    import('effect/Schedule'),
    import('effect/Duration'),
  ]);
  const delays = Effect.gen(function* () {
    const step = yield* ScheduleModule.toStep(schedule);
    let delay: number | undefined;
    let at = nowMs;
    for (let failure = 1; failure <= failures; failure++) {
      const next = yield* Effect.exit(step(at, error));
      if (next._tag === 'Failure') return undefined;
      delay = Duration.toMillis(next.value[1]);
      at += delay;
    }
    return delay;
  });
  return Effect.runPromise(delays);
}
