/** What a counterpart does not say of its work by itself, and whoever registers it must: what a call costs, and how sure it is. */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import { FaultError } from '../agents/fault-error.ts';
import type { JsonObject } from './reading.ts';

export interface Terms<TAnswer> {
  /** Of one call, as a decimal amount: fixed, or as the answer says. */
  readonly cost: number | ((answer: TAnswer) => number);
  /** From 0 to 1: fixed, or as the answer says. */
  readonly confidence: number | ((answer: TAnswer, output: JsonObject) => number);
}

/** @throws InvalidArgument */
export function checkTerms({ cost, confidence }: Terms<never>, adapter: string): void {
  const problem = typeof cost === 'function' ? undefined : problemOfAmount(cost);
  if (problem !== undefined)
    throw new InvalidArgument(`${adapter}.cost`, `${problem}, or a function of the answer`);
  if (typeof confidence !== 'function' && !(confidence >= 0 && confidence <= 1))
    throw new InvalidArgument(
      `${adapter}.confidence`,
      'must be a number from 0 to 1, or a function of the answer',
    );
}

/** What a call has cost that brought an answer, whatever that is worth; undefined when it makes no sense. */
export function costBy<TAnswer>({ cost }: Terms<TAnswer>, answer: TAnswer): Micros | undefined {
  const amount = typeof cost === 'function' ? cost(answer) : cost;
  return problemOfAmount(amount) === undefined ? microsOf(amount) : undefined;
}

/** Reads an answer: one that is no output has cost what it has cost. @throws FaultError */
export function charged<TAnswer, TRead>(terms: Terms<TAnswer>, answer: TAnswer, read: () => TRead): TRead {
  try {
    return read();
  } catch (error) {
    const cost = error instanceof FaultError ? costBy(terms, answer) : undefined;
    if (!(error instanceof FaultError) || cost === undefined) throw error;
    throw new FaultError({ cost, ...error.fault }, { cause: error });
  }
}

/** The result of a call, by its terms. What they make of the answer is checked with the rest of the result. */
export function resultBy<TAnswer>(
  { cost, confidence }: Terms<TAnswer>,
  { id }: Assignment,
  answer: TAnswer,
  done: {
    readonly output: JsonObject;
    readonly status: TaskResult['status'];
    model: string;
    startedAt: number;
  },
): TaskResult {
  return {
    id,
    status: done.status,
    output: done.output,
    metadata: {
      cost: typeof cost === 'function' ? cost(answer) : cost,
      duration: Math.round(performance.now() - done.startedAt),
      model: done.model,
      confidence: typeof confidence === 'function' ? confidence(answer, done.output) : confidence,
    },
  };
}
