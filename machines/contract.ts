/**
 * The contract of agents: the words in which work is given to them and comes back. A model, a script, a service and a person
 * speak them alike, so one can take the place of another. Whoever gives the work owns retries, time limits, budgets, quality and
 * fallbacks; an agent does it once, and says honestly what came of it.
 */

import type { ValueProblem } from './faults/fault.ts';

/** A JSON Schema, draft 2020-12. */
export type JSONSchema = boolean | { readonly [keyword: string]: unknown };

export interface AgentContract {
  readonly capabilities: readonly string[];
  readonly inputSchema: JSONSchema;
  readonly outputSchema: JSONSchema;
  execute(envelope: TaskEnvelope): Promise<TaskResult>;
}

/** Work, as it is given to an agent. */
export interface TaskEnvelope {
  /** The same in every attempt, and nowhere else. */
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly context: WorkflowContext;
  readonly constraints: Constraints;
}

/** What an agent may know of the run it works for: where it stands in it, and what its task declares. Nothing else is there. */
export interface WorkflowContext {
  /** The name of the workflow, the address of its run, and the task in it. */
  readonly workflow: string;
  readonly run: string;
  readonly task: string;
  /** What the task has asked for by name, and no more. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface Constraints {
  /** What it may cost at most, as a decimal amount. That much is reserved. */
  readonly maxCost: number;
  /** Milliseconds, for this attempt. */
  readonly timeout: number;
  /** The confidence from which on the result is accepted, from 0 to 1. */
  readonly qualityThreshold: number;
}

/** What came of it. */
export interface TaskResult {
  /** That of the envelope. */
  readonly id: string;
  readonly status: TaskStatus;
  readonly output: Readonly<Record<string, unknown>>;
  readonly metadata: TaskMetadata;
}

export type TaskStatus = 'success' | 'failure' | 'needs_review';

export interface TaskMetadata {
  /** What it has cost, as a decimal amount. */
  readonly cost: number;
  /** Milliseconds, as the agent has measured them. */
  readonly duration: number;
  /** Which model, tool or person has done it. */
  readonly model: string;
  /** From 0 to 1. */
  readonly confidence: number;
  /** What was looked at for it, as far as the agent says. */
  readonly sources?: readonly Source[];
}

/** Something that was looked at, as it was then. */
export interface Source {
  readonly uri: string;
  /** Of what was found there: SHA-256 of its canonical JSON, as `sha256:…`. */
  readonly hash: string;
  /** When it was looked at, in milliseconds since the epoch. */
  readonly at: number;
  readonly version?: string;
  /** What kind of data it is: `public`, `personal` … */
  readonly class?: string;
  readonly licence?: string;
  readonly region?: string;
}

/**
 * A source as an agent tells of it. With its `content` instead of the hash that is kept, so that it can be looked at later; with both
 * they must be of each other.
 */
export type ConsultedSource = Omit<Source, 'hash'> &
  (
    | { readonly hash: string; readonly content?: unknown }
    | { readonly content: unknown; readonly hash?: string }
  );

/** What an agent gets: the envelope, and more. Only what is a value is recorded. */
export interface Assignment<TInput = TaskEnvelope['input']> extends Omit<TaskEnvelope, 'input'> {
  readonly input: TInput;
  /**
   * The same for every repetition of one request, after every crash too: give it to whatever is called. Asking anew, with
   * another question or another agent, has another.
   */
  readonly idempotencyKey: string;
  /** What was wrong with its answer before, when the same agent is asked again. */
  readonly problems?: readonly ValueProblem[];
  /** Counted from 1, over all agents that have tried it. */
  readonly attempt: number;
  /** Aborted when it is not wanted any more: its time is over, the run was cancelled, or the system closes. */
  readonly signal: AbortSignal;
  /** The W3C trace context to pass on. */
  readonly traceparent: string | undefined;
  /**
   * Asks whether it may use a tool. What was decided is recorded when this resolves. Absent where nobody can be asked: outside of
   * a system.
   */
  readonly permit?: (use: ToolUse) => Promise<ToolPermission>;
}

/** A tool that is about to be used within some work. */
export interface ToolUse {
  readonly tool: string;
  /** What the decider is told of it. Plain data. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface ToolPermission {
  readonly effect: 'permit' | 'deny';
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
}
