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
export { breaker } from './permits/breaker.ts';
export type {
  BreakerClosed,
  BreakerContext,
  BreakerOpened,
  BreakerOptions,
  BreakerSettings,
} from './permits/breaker.ts';
export { bulkhead } from './permits/bulkhead.ts';
export type { BulkheadContext, BulkheadOptions, BulkheadSettings } from './permits/bulkhead.ts';
export { rateLimiter } from './permits/rate-limiter.ts';
export type { RateLimiterContext, RateLimiterOptions, RateLimiterSettings } from './permits/rate-limiter.ts';

// Calls that pass them
export { guarded, isPermitError } from './permits/guarded.ts';
export type { Gate, GuardedLogic, GuardedOptions, PermitError } from './permits/guarded.ts';
export { retryAfterMsOf } from './permits/retry-after.ts';

export { outlookOf } from './permits/outlook.ts';
export type { Outlook } from './permits/outlook.ts';

// What has come of the attempts of agents
export { tallied, trackRecord } from './routing/track-record.ts';
export type { AttemptReport, RecordReport, Tally, TrackRecordContext } from './routing/track-record.ts';
export type { Compared, Side } from './routing/comparison.ts';
export type { ShadowContext, ShadowTotals } from './routing/shadow.ts';

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
} from './permits/permit.ts';

// Money: who may spend how much
export { account } from './budget/account.ts';
export type { AccountContext, AccountOptions } from './budget/account.ts';
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
} from './budget/words.ts';
// Where work waits for people
export { isReview, review } from './review/review.ts';
export type { ReviewContext, ReviewMachine, ReviewOutput } from './review/review.ts';
export type { Permission, ReviewEvent, ReviewNews, ReviewRefusal, ReviewVerdict } from './review/events.ts';
export type { ReviewInput, Rung } from './review/input.ts';
export type { Approval, MadeEdit } from './review/rules.ts';
export type { Edit } from './review/edits.ts';
export type { Weekday, WorkingCalendar } from './working-time/calendar.ts';
export type { Json } from './values/canonical.ts';
