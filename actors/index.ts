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

// Who may do what
export { InvalidRoles, roles } from './roles.ts';
export type { Explanation, Roles, RowExplanation } from './roles.ts';
export type { AttributeOf, Condition, Primitive } from './roles/condition.ts';
export type { AttributeType } from './roles/facts.ts';
export type { TableProblem } from './roles/problems.ts';
export type {
  Forbid,
  Grant,
  Grantees,
  Member,
  PrincipalMatch,
  ResourceMatch,
  RolesTable,
} from './roles/table.ts';

// Money
export { amountOf, microsOf } from '../machines/money.ts';
export type { Micros } from '../machines/money.ts';
