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
export { FaultError } from './fault-error.ts';

// Agents whose work is done by others: what `agent({ execute })` takes
export { a2a } from './adapters/a2a.ts';
export type { A2aAnswer, A2aClient, A2aOptions } from './adapters/a2a.ts';
export type { Execute } from './adapters/call.ts';
export { faultOf } from './adapters/classify.ts';
export { http } from './adapters/http.ts';
export type { HttpOptions } from './adapters/http.ts';
export { mcp } from './adapters/mcp.ts';
export type { LegacyMcpClient, McpAnswer, McpClient, McpOptions } from './adapters/mcp.ts';
export { model } from './adapters/model.ts';
export type {
  Generated,
  LanguageModel,
  Message,
  ModelAnswer,
  ModelMetadata,
  ModelOptions,
  Prompt,
} from './adapters/model.ts';
export { subprocess } from './adapters/process.ts';
export type { SubprocessExecute, SubprocessOptions } from './adapters/process.ts';
export type { Terms } from './adapters/terms.ts';

// Money
export { priceTable } from './price.ts';
export type { Prices, PriceTable, TokenCounts } from './price.ts';
export { amountOf, microsOf } from '../machines/money.ts';
export type { Micros } from '../machines/money.ts';
