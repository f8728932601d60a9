/**
 * A clock that stands still until it is moved. Timers fire in the order in which they are due, each at its own time.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import { wall } from '../kernel/moment.ts';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs = Date.UTC(2030, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    const waiting: Waiting = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }

  randomSeed(): Uint8Array {
    return wall.randomSeed();
  }

  /** When the next timer is due; undefined without one. */
  get nextAt(): number | undefined {
    return this.#first()?.at;
  }

  /** Lets time pass. Between two timers `settle` is awaited, so that what one causes can set others. */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#first(); next !== undefined && next.at <= until; next = this.#first()) {
      this.#now = Math.max(this.#now, next.at);
      this.#waiting.delete(next);
      next.callback();
      await settle();
    }
    this.#now = until;
  }

  #first(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (
        first === undefined ||
        waiting.at < first.at ||
        (waiting.at === first.at && waiting.order < first.order)
      )
        first = waiting;
    }
    return first;
  }
}
