/**
 * One call of a counterpart: made once, and an error becomes the fault that it is. Who has given the work decides whether it is done
 * again, how long it is waited for, and what comes of an answer that is late: a call that answers all the same, answers.
 */
import type { Assignment, TaskResult, ToolUse } from '../../machines/contract.ts';
import { NOTHING } from '../../machines/values/money.ts';
import type { ResultOf } from '../agents/agent.ts';
import { FaultError, faultOfAbort } from '../agents/fault-error.ts';
import { faultOf } from './classify.ts';

/**
 * What `agent({ execute })` takes. The type of the output is what is expected there: nobody has looked into it before the agent
 * holds it against the schema.
 */
export type Execute<TOutput = TaskResult['output']> = (assignment: Assignment) => Promise<ResultOf<TOutput>>;

/** What was carried here from elsewhere, in the type that is expected of it. */
export const carried = <TOutput>(result: TaskResult): ResultOf<TOutput> => result as ResultOf<TOutput>;

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

/** Asks whether a tool may be used, where anybody can be asked. @throws FaultError */
export async function permitted({ permit }: Assignment, use: ToolUse): Promise<void> {
  if (permit === undefined) return;
  const { effect, reasons } = await permit(use);
  if (effect === 'permit') return;
  const message = `the tool ${use.tool} may not be used: ${reasons.join('; ') || 'nothing permits it'}`;
  throw new FaultError({ class: 'not-permitted', message, cost: NOTHING });
}
