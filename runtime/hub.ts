/**
 * A hub: whoever watches one actor from outside. It outlives the actor's stay in memory and hears only what is durable.
 */
import type { AnyEventObject, Observer, Subscription } from 'xstate';
import type { AnySnapshot } from './kernel/step.ts';

export class Hub {
  readonly #observers = new Set<Observer<unknown>>();
  readonly #listeners = new Map<string, Set<(event: AnyEventObject) => void>>();
  readonly #report: (error: unknown) => void;

  readonly #abandoned: () => void;

  /**
   * @param report hears what observers throw, and failures of actors that no observer takes
   * @param abandoned is called whenever the last one has gone
   */
  constructor(report: (error: unknown) => void, abandoned: () => void) {
    this.#report = report;
    this.#abandoned = abandoned;
  }

  get isEmpty(): boolean {
    return this.#observers.size === 0 && this.#listeners.size === 0;
  }

  subscribe(observer: Observer<unknown>): Subscription {
    this.#observers.add(observer);
    return {
      unsubscribe: () => {
        this.#observers.delete(observer);
        this.#left();
      },
    };
  }

  on(type: string, handler: (event: AnyEventObject) => void): Subscription {
    // The same handler may be given twice; each has its own subscription.
    const listener = (event: AnyEventObject): void => handler(event);
    let listeners = this.#listeners.get(type);
    if (listeners === undefined) this.#listeners.set(type, (listeners = new Set()));
    listeners.add(listener);
    return {
      unsubscribe: () => {
        listeners.delete(listener);
        if (listeners.size === 0 && this.#listeners.get(type) === listeners) this.#listeners.delete(type);
        this.#left();
      },
    };
  }

  /** A state that is now durable. */
  next(snapshot: AnySnapshot): void {
    if (snapshot.status !== 'error') {
      for (const observer of [...this.#observers]) this.#call(() => observer.next?.(snapshot));
    }
    if (snapshot.status !== 'active') this.#end(snapshot);
  }

  /** An emitted event. */
  emit(event: AnyEventObject): void {
    const handlers = [...(this.#listeners.get(event.type) ?? []), ...(this.#listeners.get('*') ?? [])];
    for (const handler of handlers) this.#call(() => handler(event));
  }

  #end(snapshot: AnySnapshot): void {
    const observers = [...this.#observers];
    this.#observers.clear();
    this.#left();
    for (const observer of observers) tellEnd(observer, snapshot, this.#report);
  }

  /** Everything was emitted that ever will be. */
  close(): void {
    this.#listeners.clear();
    this.#left();
  }

  #left(): void {
    if (this.isEmpty) this.#abandoned();
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#report(error);
    }
  }
}

/** Tells one observer that the actor's life is over. */
export function tellEnd(
  observer: Observer<unknown>,
  snapshot: AnySnapshot,
  report: (error: unknown) => void,
): void {
  try {
    if (snapshot.status !== 'error') observer.complete?.();
    else if (observer.error !== undefined) observer.error(snapshot.error);
    else report(snapshot.error);
  } catch (error) {
    report(error);
  }
}
