/**
 * `heddle/machines`: statecharts for jobs that many systems have. They are plain XState and import nothing else, so they run
 * under `createActor` as well; hosted by a system they survive its crashes, and are shared by everybody in it.
 *
 * The options of a gate are part of its state, and the factory's are those of new gates: what `input` says goes before. A
 * gate that exists keeps those that it was born with, whatever a deployment passes to the factory, until it is sent a
 * `permit.configure`. A daemon that sends one at every start has its deployment's options without further ado:
 *
 *     const limit = await system.actor('limit', 'main');
 *     await limit.send({ type: 'permit.configure', options: { limit: 5 } });
 *
 * The options of `guarded` are code, as those of any machine: see there.
 */

// Gates: who may make a call now
export { breaker } from './breaker.ts';
export type {
  BreakerClosed,
  BreakerContext,
  BreakerOpened,
  BreakerOptions,
  BreakerSettings,
} from './breaker.ts';
export { bulkhead } from './bulkhead.ts';
export type { BulkheadContext, BulkheadOptions, BulkheadSettings } from './bulkhead.ts';
export { rateLimiter } from './rate-limiter.ts';
export type { RateLimiterContext, RateLimiterOptions, RateLimiterSettings } from './rate-limiter.ts';

// Calls that pass them
export { guarded, isPermitError } from './guarded.ts';
export type { Gate, GuardedLogic, GuardedOptions, PermitError } from './guarded.ts';
export { retryAfterMsOf } from './retry-after.ts';

export { outlookOf } from './outlook.ts';
export type { Outlook } from './outlook.ts';

// What has come of the attempts of agents
export { tallied, trackRecord } from './track-record.ts';
export type { AttemptReport, RecordReport, Tally, TrackRecordContext } from './track-record.ts';
export type { Compared, Side } from './comparison.ts';
export type { ShadowContext, ShadowTotals } from './shadow.ts';

// How gates are spoken to
export type { Changes } from './options.ts';
export type {
  Outcome,
  PermitAnswer,
  PermitBegin,
  PermitCancel,
  PermitConfigure,
  PermitConfigured,
  PermitDone,
  PermitEvent,
  PermitGranted,
  PermitMisconfigured,
  PermitRefused,
  PermitRenew,
  PermitRequest,
  RefusalReason,
} from './permit.ts';

// Money: who may spend how much
export { account } from './budget.ts';
export type { AccountContext, AccountOptions } from './budget.ts';
export type {
  AccountTerms,
  BudgetAnswer,
  BudgetBalance,
  BudgetBegin,
  BudgetClose,
  BudgetClosed,
  BudgetConfigure,
  BudgetConfigured,
  BudgetCorrect,
  BudgetCorrected,
  BudgetCost,
  BudgetHold,
  BudgetLabels,
  BudgetMessage,
  BudgetNews,
  BudgetPer,
  BudgetProblem,
  BudgetRead,
  BudgetRefusal,
  BudgetRefused,
  BudgetRejected,
  BudgetRelay,
  BudgetRelease,
  BudgetReserve,
  BudgetReserved,
  BudgetSettle,
  BudgetTopUp,
  CostSource,
} from './budget-words.ts';
// Where work waits for people
export { isReview, review } from './review.ts';
export type { ReviewContext, ReviewMachine, ReviewOutput } from './review.ts';
export type { Permission, ReviewEvent, ReviewNews, ReviewRefusal, ReviewVerdict } from './review-events.ts';
export type { ReviewInput, Rung } from './review-input.ts';
export type { Approval, MadeEdit } from './review-rules.ts';
export type { Edit } from './edits.ts';
export type { Json } from './canonical.ts';
