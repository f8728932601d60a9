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

// What is done about faults
export { nextMove, taken } from '../machines/next-move.ts';
export type { Because, Limits, Move, Situation, Skipped, Taken, WhyNot } from '../machines/next-move.ts';
export { calibration, judge } from '../machines/quality.ts';
export type { Calibration, Judgement, Standard } from '../machines/quality.ts';
export { strategies } from '../machines/strategies.ts';
export { extend, strategy } from '../machines/strategy.ts';
export type { Backoff, Deed, DeedName, Rows, Rung, Strategy, Sureness } from '../machines/strategy.ts';
export { tableOf } from '../machines/strategy-table.ts';

// Whether an answer is true
export { citations } from './verifiers/citations.ts';
export type { CitationsOptions } from './verifiers/citations.ts';
export { recompute } from './verifiers/recompute.ts';
export type { Expression, Figure, Numbers, Reference } from './verifiers/recompute.ts';
export { rules } from './verifiers/rules.ts';
export type { Comparison, Condition, Rule } from './verifiers/rules.ts';
export { sample } from './verifiers/sample.ts';
export type { SampleOptions } from './verifiers/sample.ts';
export { verify } from './verifiers/verifier.ts';
export type { Checked, Finding, Verdict, Verification, Verifier } from './verifiers/verifier.ts';
export { vote } from './verifiers/vote.ts';
export type { VoteOptions } from './verifiers/vote.ts';

// What is too long for a window
export { chunk, chunked, merged, mergedMetadata } from './chunking.ts';
export type { Chunked, Chunking, Merged } from './chunking.ts';
export type { Reducer, ReducerName } from './reducers.ts';
export type { Cut, Part, Splitting } from './splitting.ts';
export { estimatedTokens, fits } from './tokens.ts';
export type { Estimate, Fit, TokenCounter, Window } from './tokens.ts';
