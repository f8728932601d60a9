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
export { budget } from './budget.ts';
export type { Budget, BudgetOptions, OnExhausted } from './budget.ts';
export { amountOf, microsOf } from '../machines/money.ts';
export type { Micros } from '../machines/money.ts';
