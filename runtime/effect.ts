/**
 * Effects of Effect as actor logic.
 */
import type { Duration, Effect, Schedule } from 'effect';
import { fromPromise } from 'xstate';
import type { NonReducibleUnknown, PromiseActorLogic } from 'xstate';
import { durable } from './definition.ts';
import { currentEffect } from './effects.ts';

/** What a job gets to know. */
export interface Job<TInput = NonReducibleUnknown> {
  readonly input: TInput;
  /**
   * The same in every attempt and after every crash, and nowhere else: give it to whatever you call, so that a repetition
   * does no harm. Under plain `createActor`, where nothing is repeated, it is the actor's session id.
   */
  readonly idempotencyKey: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** Aborted when the actor is stopped, when its attempt takes too long, and when the system closes. */
  readonly signal: AbortSignal;
}

export interface JobOptions {
  /** When a failed attempt is tried again, and how often. Default: never. Survives a crash. */
  readonly retry?: Schedule.Schedule<unknown, unknown>;
  /** How long one attempt may take. Default: forever. */
  readonly timeout?: Duration.Input;
  /** How long all attempts together may take, with crashes and the time in between. Default: forever. */
  readonly deadline?: Duration.Input;
}

/**
 * Actor logic from a function that returns an Effect. It runs after the commit that gave it life; its success becomes the
 * actor's output, its failure the actor's error.
 *
 * @param effect must need no services: provide them before.
 */
export function fromEffect<TOutput, TError = never, TInput = NonReducibleUnknown>(
  effect: (job: Job<TInput>) => Effect.Effect<TOutput, TError>,
  { retry, timeout, deadline }: JobOptions = {},
): PromiseActorLogic<TOutput, TInput> {
  const logic = fromPromise<TOutput, TInput>(async ({ input, signal, self }) => {
    const { idempotencyKey = self.sessionId, attempt = 1 } = currentEffect() ?? {};
    // Loaded only by programs that use it.
    const { runPromise } = await import('effect/Effect');
    return runPromise(effect({ input, idempotencyKey, attempt, signal }), { signal });
  });
  return durable(logic, {
    ...(retry !== undefined && { retry }),
    ...(timeout !== undefined && { timeout }),
    ...(deadline !== undefined && { deadline }),
  });
}
