/**
 * What the process of an attempt comes to when it breaks: an answer like any other. Gates hear of failures by errors, so an answer may
 * come in one; and a gate that does not let a call pass says so with one.
 */
import { isPermitError } from '../permits/guarded.ts';
import type { PermitError } from '../permits/guarded.ts';
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { saidBy } from '../faults/crash.ts';
import type { Answer, Failed } from './words.ts';

export function answerOfError(error: unknown): Answer {
  if (isPermitError(error)) return refusedBy(error);
  return answerIn(error) ?? failedWith('crash', saidBy(error));
}

/** A call of which nobody knows more. @param cost absent: not that either */
export function failedWith(name: 'crash' | 'timeout', message: string, cost?: Micros): Answer {
  return { fault: { class: name, message, ...(cost !== undefined && { cost }) }, durationMs: 0 };
}

/** The answer that an error has with it. */
function answerIn(error: unknown): Answer | undefined {
  const { answer } = (error ?? {}) as { readonly answer?: Answer };
  return typeof answer === 'object' ? answer : undefined;
}

/** The agent was not asked. */
function refusedBy({ reason, message, retryAfterMs }: PermitError): Failed {
  const isLimit = reason === 'limit' || reason === 'paused';
  const fault = {
    ...{ class: isLimit ? ('rate-limit' as const) : ('unavailable' as const), message, cost: NOTHING },
    // Of what never passes nobody can say when.
    ...(Number.isFinite(retryAfterMs) && { retryAfterMs }),
  };
  return { fault, durationMs: 0 };
}
