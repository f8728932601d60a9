/**
 * `heddle/actors`: agents with contracts, and the workflows that give them work.
 */

// The contract
export type {
  AgentContract,
  Assignment,
  Constraints,
  JSONSchema,
  TaskEnvelope,
  TaskMetadata,
  TaskResult,
  TaskStatus,
  WorkflowContext,
} from '../machines/contract.ts';
export { FAULT_CLASSES } from '../machines/fault.ts';
export type { Fault, FaultClass, ValueProblem } from '../machines/fault.ts';

// Money
export { amountOf, microsOf } from '../machines/money.ts';
export type { Micros } from '../machines/money.ts';

// Reviews: where people decide
export { Reviews } from './reviews.ts';
export type {
  By,
  DecideOptions,
  PendingOptions,
  ProbeReport,
  Review,
  ReviewHost,
  ReviewsOptions,
  Taken,
  Verdict,
} from './reviews.ts';
export type { ReviewerContext } from './review-context.ts';
export type {
  EntitledReviewer,
  Obligations,
  ReviewDecider,
  ReviewDecision,
  Reviewer,
  ReviewRequest,
} from './review-permission.ts';
export type { PlanNode, RunView, TaskView } from './run-view.ts';
export { ReviewRefused } from './review-refused.ts';
