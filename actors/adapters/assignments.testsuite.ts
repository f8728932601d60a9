/** Assignments for the tests of adapters, and what they come to. */
import { expect } from 'vitest';
import type { Assignment } from '../../machines/contract.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { FaultError } from '../agents/fault-error.ts';

export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let count = 0;

/** Each has an idempotency key of its own. */
export function assignment(changes: Partial<Assignment> = {}): Assignment {
  const id = `task-${++count}`;
  return {
    id,
    input: { question: 'Is it?' },
    context: { workflow: 'report', run: 'report/7', task: 'research', values: {} },
    constraints: { maxCost: 0.5, timeout: 10_000, qualityThreshold: 0.8 },
    idempotencyKey: `key-${count}`,
    attempt: 1,
    signal: new AbortController().signal,
    traceparent: TRACEPARENT,
    ...changes,
  };
}

/** The fault that a call comes to. It must throw one, and nothing else. */
export async function faultIn(call: Promise<unknown>): Promise<Fault> {
  const error = await call.then(
    (value) => expect.unreachable(`it answered: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (!(error instanceof FaultError)) throw error;
  return error.fault;
}

/** What a signal says when it is aborted because time is over. */
export function timeOut(message = 'its time is over'): DOMException {
  return new DOMException(message, 'TimeoutError');
}
