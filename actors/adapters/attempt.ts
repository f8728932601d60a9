/**
 * One attempt of an agent whose work is done by somebody else: what every adapter does around its call. The call is made once; an
 * error becomes the fault that it is; who is told to stop stops at once, whether the other side listens or not.
 *
 * It retries nothing: that belongs to whoever has given the work.
 */
import type { Assignment, TaskResult } from '../../machines/contract.ts';
import { FaultError, faultOfAbort } from '../fault-error.ts';
import { faultOf } from './classify.ts';

/** What `agent({ execute })` takes. */
export type Execute = (assignment: Assignment) => Promise<TaskResult>;

/** @throws FaultError and nothing else */
export async function attempt<T>(signal: AbortSignal, call: () => PromiseLike<T> | T): Promise<T> {
  const stop = new AbortController();
  try {
    if (signal.aborted) throw new FaultError(faultOfAbort(signal));
    return await Promise.race([call(), aborted(signal, stop.signal)]);
  } catch (error) {
    // What an SDK makes of an abort says less than the one who has aborted.
    if (signal.aborted) throw new FaultError(faultOfAbort(signal), { cause: error });
    if (error instanceof FaultError) throw error;
    throw new FaultError(faultOf(error, Date.now()), { cause: error });
  } finally {
    stop.abort();
  }
}

/** Rejects when the signal is aborted. */
function aborted(signal: AbortSignal, until: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(new FaultError(faultOfAbort(signal)));
    signal.addEventListener('abort', onAbort, { once: true, signal: until });
  });
}
