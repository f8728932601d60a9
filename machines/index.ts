/**
 * `heddle/machines`: statecharts for jobs that many systems have. They are plain XState and import nothing else, so they run
 * under `createActor` as well; hosted by a system they survive its crashes, and are shared by everybody in it.
 *
 * Their options are part of them, as the code of any machine is: a hosted actor that was born with others is refused with
 * `StoryChanged` as soon as they would have decided otherwise. Give it a new id when you change them.
 */

// Gates: who may make a call now
export { breaker } from './breaker.ts';
export type { BreakerClosed, BreakerContext, BreakerOpened, BreakerOptions } from './breaker.ts';
export { bulkhead } from './bulkhead.ts';
export type { BulkheadContext, BulkheadOptions } from './bulkhead.ts';
export { rateLimiter } from './rate-limiter.ts';
export type { RateLimiterContext, RateLimiterOptions } from './rate-limiter.ts';

// Calls that pass them
export { guarded, isPermitError } from './guarded.ts';
export type { Gate, GuardedLogic, GuardedOptions, PermitError } from './guarded.ts';
export { retryAfterMsOf } from './retry-after.ts';

// How gates are spoken to
export type {
  Outcome,
  PermitAnswer,
  PermitCancel,
  PermitDone,
  PermitEvent,
  PermitGranted,
  PermitRefused,
  PermitRenew,
  PermitRequest,
  RefusalReason,
} from './permit.ts';
