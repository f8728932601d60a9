/**
 * Answers: what actors of the house reply to whoever asked through the system. A request carries a name; the reply is emitted with
 * it, so it comes after the commit of the step that gives it.
 */
import type { AnyEventObject } from 'xstate';
import type { Cell } from './cell.ts';
import type { Runtime } from './runtime.ts';
import type { Warrant } from './warrant.ts';

/** What an actor of the house emits when a request is done. */
export const ANSWER = 'heddle.answer';

export class Answers {
  readonly #runtime: Runtime;
  readonly #asked = new Map<string, (answer: unknown) => void>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Asks an actor of the house for something. Resolves with its answer, when that is on the disk. */
  async ask<T>(cell: Cell, event: AnyEventObject, warrant?: Warrant): Promise<T> {
    const ask = crypto.randomUUID();
    const answer = new Promise<unknown>((resolve) => this.#asked.set(ask, resolve));
    try {
      await this.#runtime.delivery.command(cell, { ...event, ask }, warrant);
      return (await answer) as T;
    } finally {
      this.#asked.delete(ask);
    }
  }

  /** An actor of the house has emitted something. After a crash nobody waits for it any more. */
  hear({ type, ...event }: AnyEventObject): void {
    if (type === ANSWER) this.#asked.get(event['ask'] as string)?.(event['answer']);
  }
}
