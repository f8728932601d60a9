/**
 * One call of a counterpart: made once, and an error becomes the fault that it is. Who has given the work decides whether it is done
 * again, how long it is waited for, and what comes of an answer that is late: a call that answers all the same, answers.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import type { Fault } from '../../machines/fault.ts';
import { FaultError } from '../fault-error.ts';
import { faultOf } from './classify.ts';

/** What `agent({ execute })` takes. */
export type Execute = (assignment: Assignment) => Promise<TaskResult>;

/** @throws FaultError and nothing else */
export async function callOnce<T>(signal: AbortSignal, call: () => PromiseLike<T>): Promise<T> {
  throwIfAborted(signal);
  try {
    return await call();
  } catch (error) {
    // What an SDK makes of an abort says less than the one who has aborted.
    if (signal.aborted) throw new FaultError(faultOfAbort(signal), { cause: error });
    throw error instanceof FaultError ? error : new FaultError(faultOf(error, Date.now()), { cause: error });
  }
}

/** @throws FaultError */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new FaultError(faultOfAbort(signal));
}

/** Why it is not wanted any more, in the words of who has aborted it: a fault, a time-out, or that alone. */
export function faultOfAbort({ reason }: AbortSignal): Fault {
  if (reason instanceof FaultError) return reason.fault;
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError';
  const message = reason instanceof Error ? reason.message : String(reason);
  return { class: isTimeout ? 'timeout' : 'cancelled', message };
}
