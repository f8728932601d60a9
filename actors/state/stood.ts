/**
 * An actor as it stood at a moment, and what of it is told: whether it is a run or a task, who pays for it, and its values with their hashes.
 */
import { addressOf } from '../../machines/address.ts';
import type { TaskContext } from '../../machines/task/progress.ts';
import { canonicalOf, NotJson } from '../../machines/values/canonical.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';
import { digestOf } from '../schema/digest.ts';
import type { AnyWorkflowOptions } from '../workflow/graph.ts';

/** A state, as far as it is looked at. */
export interface Stood {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** The actors of one moment, by their addresses. */
export type Moment = (address: string) => Stood | undefined;

/** How the workflow of a run was declared; undefined where nobody knows any more. */
export type DeclarationOf = (logic: unknown) => AnyWorkflowOptions | undefined;

export function isRun(stood: Stood | undefined): stood is Stood & { readonly context: RunContext } {
  const context = stood?.context as Partial<RunContext> | undefined;
  return context?.nodes !== undefined && context.prepared !== undefined;
}

/** Whether it is work for an agent. */
export function isTask(stood: Stood | undefined): stood is Stood & { readonly context: TaskContext } {
  const context = stood?.context as Partial<TaskContext> | undefined;
  return context?.question !== undefined && context.log !== undefined;
}

/** The address of whoever pays for a run. */
export function accountOf({ account }: Pick<RunContext, 'account'>): string | undefined {
  return account === undefined || typeof account === 'string' ? account : addressOf(account);
}

/** A value with its hash. What is no JSON has none. */
export interface Held {
  readonly value: unknown;
  readonly hash?: string;
}

export function heldOf(value: unknown): Held {
  try {
    return { value, hash: digestOf(canonicalOf(value)) };
  } catch (error) {
    if (error instanceof NotJson) return { value };
    throw error;
  }
}
