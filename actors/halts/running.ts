/**
 * The calls that run, and the halts that end them. It owns that no call is begun that a halt covers, and that one that runs is told to
 * stop in the same moment in which it is halted; what it answers after that, nobody hears.
 */
import type { Order } from '../../runtime/index.ts';
import { HALT, haltOn } from './halts.ts';
import type { HaltableCall } from './halts.ts';

/** Where orders are read. */
export interface OrderBook {
  of(kind: string): ReadonlyMap<string, Order>;
  watch(listener: () => void): () => void;
}

interface Running {
  readonly call: HaltableCall;
  readonly stop: AbortController;
  /** Why. */
  halted: string | undefined;
}

export class RunningCalls {
  readonly #orders: OrderBook;
  readonly #running = new Set<Running>();

  constructor(orders: OrderBook) {
    this.#orders = orders;
    orders.watch(() => this.#stopCovered());
  }

  /** The halt that covers a call; undefined when it may be made. */
  haltOn(call: HaltableCall): { readonly key: string; readonly why: string } | undefined {
    const halts = this.#orders.of(HALT);
    return halts.size === 0 ? undefined : haltOn(halts, call);
  }

  /** Makes a call with a signal that is aborted when it is halted, too. Says why it was. */
  async run<T>(
    call: HaltableCall,
    signal: AbortSignal,
    make: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly answer: T; readonly halted: string | undefined }> {
    const stop = new AbortController();
    const running: Running = { call, stop, halted: undefined };
    const passOn = (): void => stop.abort(signal.reason);
    if (signal.aborted) passOn();
    else signal.addEventListener('abort', passOn, { once: true });
    this.#running.add(running);
    try {
      const answer = await make(stop.signal);
      return { answer, halted: running.halted };
    } finally {
      this.#running.delete(running);
      signal.removeEventListener('abort', passOn);
    }
  }

  /** Resolves when one of some halts does not stand any more. */
  untilLifted(keys: readonly string[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const areStanding = (): boolean => keys.every((key) => this.#orders.of(HALT).has(key));
      if (!areStanding() || signal.aborted) return resolve();
      const over = (): void => {
        unwatch();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const unwatch = this.#orders.watch(() => {
        if (!areStanding()) over();
      });
      signal.addEventListener('abort', over);
    });
  }

  #stopCovered(): void {
    for (const running of this.#running) {
      const halt = this.haltOn(running.call);
      if (halt === undefined) continue;
      running.halted ??= halt.why;
      running.stop.abort(new DOMException(halt.why, 'AbortError'));
    }
  }
}
