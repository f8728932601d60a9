/**
 * When to try again: a schedule of Effect, asked for the delay after a certain number of failures.
 *
 * A schedule is run from its beginning each time, because its own state would not survive a crash; for the schedule
 * nothing but its own delays takes time. Its chance (jitter) comes from a seed, so that whoever asks again for the same
 * attempt gets the same answer.
 */
import type { Duration, Effect, Random, Schedule } from 'effect';

interface Modules {
  readonly Effect: typeof Effect;
  readonly Schedule: typeof Schedule;
  readonly Duration: typeof Duration;
  readonly Random: typeof Random;
}

let modules: Modules | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads what schedules need. Effect takes 50 ms to load: only programs that use schedules pay for it, from the moment at
 * which they say so.
 */
export function loadSchedules(): Promise<void> {
  return (loading ??= load());
}

/** Resolves when schedules can be used, if anybody has asked for them. */
export async function schedulesLoaded(): Promise<void> {
  await loading;
}

async function load(): Promise<void> {
  const [effect, schedule, duration, random] = await Promise.all([
    import('effect/Effect'),
    import('effect/Schedule'),
    import('effect/Duration'),
    import('effect/Random'),
  ]);
  modules = { Effect: effect, Schedule: schedule, Duration: duration, Random: random };
}

/**
 * The delay in milliseconds before the next attempt, or undefined when the schedule is exhausted, or fails. Schedules must
 * have been loaded ({@link loadSchedules}).
 * @param seed where its chance comes from: the same text for all attempts of the same work
 */
export function delayAfter(
  schedule: Schedule.Schedule<unknown, unknown>,
  failures: number,
  error: unknown,
  nowMs: number,
  seed: string,
): number | undefined {
  const {
    Effect: EffectModule,
    Schedule: ScheduleModule,
    Duration: DurationModule,
    Random: RandomModule,
  } = modules!;
  const delays = EffectModule.gen(function* () {
    const step = yield* ScheduleModule.toStep(schedule);
    let delay: number | undefined;
    let at = nowMs;
    for (let failure = 1; failure <= failures; failure++) {
      const next = yield* EffectModule.exit(step(at, error));
      if (next._tag === 'Failure') return undefined;
      delay = Math.ceil(DurationModule.toMillis(next.value[1]));
      at += delay;
    }
    return delay;
  });
  return EffectModule.runSync(RandomModule.withSeed(delays, seed));
}

/** The same, for those who can wait until schedules are loaded. */
export async function nextRetryDelay(...args: Parameters<typeof delayAfter>): Promise<number | undefined> {
  await loadSchedules();
  return delayAfter(...args);
}
