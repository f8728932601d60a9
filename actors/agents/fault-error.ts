/** A fault on its way out of an agent: thrown by whoever knows exactly what went wrong. The fault is the truth, the text is for logs. */
import type { Fault } from '../../machines/faults/fault.ts';

export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(`${fault.class}: ${fault.message}`, options);
    this.fault = fault;
  }
}

/** A fault in the words of those who give the work: of a stub that is told which to have. */
export class OrderedFault extends FaultError {}

/** Why work is not wanted any more, in the words of who has aborted it: a fault, a time-out, or that alone. */
export function faultOfAbort({ reason }: AbortSignal): Fault {
  if (reason instanceof FaultError) return reason.fault;
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError';
  return { class: isTimeout ? 'timeout' : 'cancelled', message: wordsOf(reason) };
}

/** What was thrown, as a text that can be stored. */
export function wordsOf(thrown: unknown): string {
  try {
    const words = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    // The cut may go through a character.
    return words.slice(0, MAX_CHARACTERS).toWellFormed();
  } catch {
    return 'something that cannot be described';
  }
}

const MAX_CHARACTERS = 2000;
