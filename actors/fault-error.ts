/** A fault on its way out of an agent: thrown by whoever knows exactly what went wrong. The fault is the truth, the text is for logs. */
import type { Fault } from '../machines/fault.ts';

export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(fault: Fault, options?: ErrorOptions) {
    super(`${fault.class}: ${fault.message}`, options);
    this.fault = fault;
  }
}
