/**
 * `heddle/actors`: agents with contracts, and the workflows that give them work.
 */

// The contract
export type {
  AgentContract,
  Assignment,
  ConsultedSource,
  Constraints,
  JSONSchema,
  Source,
  TaskEnvelope,
  TaskMetadata,
  TaskResult,
  TaskStatus,
  ToolPermission,
  ToolUse,
  WorkflowContext,
} from '../machines/contract.ts';
export { FAULT_CLASSES } from '../machines/faults/fault.ts';
export type { Fault, FaultClass, ValueProblem } from '../machines/faults/fault.ts';
export { FaultError } from './agents/fault-error.ts';

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

// The kill switch
export { Halts } from './halts/halts.ts';
export type { Halt, HaltHost, HaltTarget, HaltWords } from './halts/halts.ts';

// Money
export { budget } from './budgets/budget.ts';
export type { Budget, BudgetOptions, OnExhausted } from './budgets/budget.ts';
export { priceTable } from './agents/price.ts';
export type { Prices, PriceTable, TokenCounts } from './agents/price.ts';
export { amountOf, microsOf } from '../machines/values/money.ts';
export type { Micros } from '../machines/values/money.ts';

// Agents
export { agent, failure, isAgent, result } from './agents/agent.ts';
export type {
  Agent,
  AgentDetails,
  AgentOptions,
  AgentProperties,
  Contract,
  ResultOf,
  ResultParts,
  ToldMetadata,
} from './agents/agent.ts';
export { problemOfCapability, satisfies, satisfying } from './agents/capability.ts';
export { stub } from './agents/stub.ts';
export type { StubOptions } from './agents/stub.ts';
export { conformance, describeConformance } from './agents/conformance.ts';
export type { ConformanceCase, ConformanceOptions, TestWords } from './agents/conformance.ts';
export { ContractRefused } from './errors.ts';
export type { ContractProblem } from './errors.ts';

// Who does a task
export { router } from './routing/rules.ts';
export type {
  ArmOptions,
  ExperimentOptions,
  GuardrailOptions,
  Preference,
  Router,
  RouterOptions,
  ShadowOptions,
  Weights,
} from './routing/rules.ts';
export { explainRoute } from './routing/explain.ts';
export type { Day, WorkingHours } from './routing/hours.ts';

// Schemas
export { checkedSchemaOf } from './schema/checked.ts';
export type { Checked, Checking } from './schema/checked.ts';
export type { Fidelity } from './schema/fidelity.ts';
export type { FromJsonSchema, Inferred, SchemaLike, SchemaPair } from './schema/inferred.ts';
export type { SchemaProblem, SchemaReading } from './schema/json-schema.ts';

// People
export { human } from './agents/human.ts';
export type { HumanOptions } from './agents/human.ts';

// What comes of an attempt
export { attempt } from './agents/attempt.ts';
export type { AttemptOptions, AttemptOutcome, Failed, RepairedOutput, Succeeded } from './agents/attempt.ts';
export { problemOf } from './agents/problem.ts';
export type { Disposition, Problem, ProblemCategory } from './agents/problem.ts';
export type { Quarantined } from './agents/quarantine.ts';
export { REPAIRS, repairedText, repairedValue } from './agents/repair.ts';
export type { AppliedRepair, Repaired, RepairName } from './agents/repair.ts';

// Reviews: where people decide
export { AbsenceRefused } from './reviews/absence-refused.ts';
export { Absences } from './reviews/absences.ts';
export type { AbsenceBy, AbsenceHost, CancelOptions, DeclareOptions } from './reviews/absences.ts';
export type { Absence, AbsenceNews, AbsenceRefusal } from '../machines/absence/words.ts';
export type { Approver } from './reviews/approvers.ts';
export type { OwnAbsences, OwnReviews } from './reviews/own-reviews.ts';
export { Reviews } from './reviews/reviews.ts';
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
} from './reviews/reviews.ts';
export type { ReviewerContext } from './reviews/review-context.ts';
export type { Obligations, ReviewDecider, Reviewer } from './reviews/review-permission.ts';
export type { PlanNode, RunView, TaskView } from './reviews/run-view.ts';
export { ReviewRefused } from './reviews/review-refused.ts';

// Workflows
export { definitionOf, workflow } from './workflow/workflow.ts';
export type { Definition } from './workflow/written.ts';
export { diffOf } from './workflow/file/difference.ts';
export type { Change, Difference } from './workflow/file/difference.ts';
export { workflowFrom } from './workflow/file/file.ts';
export type { FileContext } from './workflow/file/file.ts';
export type { WorkflowMachine } from './workflow/workflow.ts';
export { branch, call, gate, join, loop, map, task } from './workflow/declaration.ts';
export type {
  BranchOptions,
  CallOptions,
  Declaration,
  GateOptions,
  JoinOption,
  JoinOptions,
  LoopOptions,
  MapOptions,
  OnError,
  SharedOption,
  TaskOptions,
  TimesOptions,
  WorkflowOptions,
} from './workflow/declaration.ts';
export type { Weekday, WorkingCalendar } from '../machines/working-time/calendar.ts';
export { mermaid } from './workflow/mermaid.ts';
export { plan } from './workflow/plan.ts';
export type { Plan, PlannedNode } from './workflow/plan.ts';
export { from } from './workflow/reference.ts';
export { InputRefused, InvalidWorkflow, OutputRefused } from './errors.ts';

// A rehearsal, before there are any agents
export { simulate } from './rehearsal/simulate.ts';
export type { SimulateOptions, Simulation, Unended } from './rehearsal/simulate.ts';
export type { FaultOrders } from './rehearsal/ordered-faults.ts';
export type { SimulatedVerdict } from './rehearsal/people.ts';

// A system with agents
export type { Supplies } from './system.ts';

// How runs stand, and what led to what
export type { ListOptions, Runs, RunSummary, StatusOptions, WatchOptions } from './state/runs.ts';
export type { HumanDecision } from './state/human-decisions.ts';
export type { PartStatus } from './state/part-status.ts';
export type { RunMoney, RunStatus } from './state/run-status.ts';
export type { RunState } from './state/standing.ts';
export type { Held } from './state/stood.ts';
export type { Wait } from './state/waits.ts';
export type { AttemptStatus } from './state/late-replies.ts';
export type { Content, ContentFacts, PutSource } from './state/content.ts';
export { ContentDamaged, UnknownContent } from './errors.ts';
export type { Artifact } from './state/family.ts';
export type { Lineage, LineageOptions } from './state/lineage.ts';

// What is done about faults
export { nextMove, taken } from '../machines/faults/next-move.ts';
export type { Because, Limits, Move, Situation, Skipped, WhyNot } from '../machines/faults/next-move.ts';
export { calibration, judge } from '../machines/faults/quality.ts';
export type { Calibration, Judgement, Standard } from '../machines/faults/quality.ts';
export { strategies } from '../machines/faults/strategies.ts';
export { extend, strategy } from '../machines/faults/strategy.ts';
export type { Backoff, Deed, DeedName, Rows, Rung, Strategy, Sureness } from '../machines/faults/strategy.ts';
export { tableOf } from '../machines/faults/strategy-table.ts';

// Whether an answer is true
export { citations } from './verifiers/citations.ts';
export type { CitationsOptions } from './verifiers/citations.ts';
export { recompute } from './verifiers/recompute.ts';
export type { Expression, Figure, Numbers, Reference } from './verifiers/recompute.ts';
export { rules } from './verifiers/rules.ts';
export type { Comparison, Predicate, Rule } from './verifiers/rules.ts';
export { sample } from './verifiers/sample.ts';
export type { SampleOptions } from './verifiers/sample.ts';
export { verify } from './verifiers/verifier.ts';
export type { Assessment, Claim, Finding, Others, Verification, Verifier } from './verifiers/verifier.ts';
export { vote } from './verifiers/vote.ts';
export type { VoteOptions } from './verifiers/vote.ts';

// What is too long for a window
export { chunk, chunked, merged, mergedMetadata } from './windows/chunking.ts';
export type { Chunked, Chunking, Merged } from './windows/chunking.ts';
export type { Reducer, ReducerName } from './values/reducers.ts';
export type { Cut, Part, Splitting } from './windows/splitting.ts';
export { estimatedTokens, fits } from './windows/tokens.ts';
export type { Estimate, Fit, TokenCounter, Window } from './windows/tokens.ts';
