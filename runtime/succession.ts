/** One after the other: for deeds that must not overtake each other, and only while the system is open. */
import type { Runtime } from './runtime.ts';

export class Succession {
  readonly #runtime: Runtime;
  #last: Promise<unknown> = Promise.resolve();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Runs it when everything before it is over, however that went. @throws SystemClosed, StoreFenced also when that is so by then */
  next<T>(run: () => Promise<T>): Promise<T> {
    this.#runtime.assertOpen();
    const result = this.#last.then(() => {
      this.#runtime.assertOpen();
      return run();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
