/**
 * The audience: whoever watches actors from outside, and hears what they emit.
 */
import type { AnyEventObject, Observer, Subscription } from 'xstate';
import type { Cell } from './cell.ts';
import { Hub, tellEnd } from './hub.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import type { Runtime } from './runtime.ts';

export class Audience {
  readonly #runtime: Runtime;
  readonly #hubs = new Map<number, Hub>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** How many actors are watched. */
  get size(): number {
    return this.#hubs.size;
  }

  /** Whether nobody watches an actor. */
  isMissing({ actor }: Cell): boolean {
    return this.#hubs.get(actor)?.isEmpty ?? true;
  }

  subscribe(ref: Ref, observer: Observer<unknown>): Subscription {
    const cell = this.#runtime.cellOf(ref);
    const { committed } = cell;
    if (committed !== undefined && committed.status !== 'active') {
      tellEnd(observer, committed, (error) => this.#runtime.report(error, `${ref.address} has failed`));
      return { unsubscribe: () => {} };
    }
    return this.#hubOf(ref).subscribe(observer);
  }

  on(ref: Ref, type: string, handler: (event: AnyEventObject) => void): Subscription {
    return this.#hubOf(ref).on(type, handler);
  }

  #hubOf(ref: Ref): Hub {
    const { actor, address } = ref;
    const known = this.#hubs.get(actor);
    if (known !== undefined) return known;
    const hub = new Hub(
      (error) => this.#runtime.report(error, `an observer of ${address} threw, or nobody took its error`),
      () => this.#hubs.delete(actor),
    );
    this.#hubs.set(actor, hub);
    return hub;
  }

  /** A state that is now durable. */
  next({ actor }: Cell, snapshot: AnySnapshot): void {
    this.#hubs.get(actor)?.next(snapshot);
  }

  /** A life is over, and what it has emitted was heard. */
  dismiss({ actor }: Cell): void {
    this.#hubs.get(actor)?.close();
  }

  /** An event that a step has emitted. */
  emitted(cell: Cell, event: AnyEventObject, key: string): void {
    if (cell.definition.isHouse) return this.#runtime.answers.hear(event);
    this.#hubs.get(cell.actor)?.emit(event);
    this.#tellEmitListener(event, cell.address, key);
  }

  /** An event that a running process emits. It belongs to no step, and is not kept. */
  emittedByProcess(ref: Ref, event: AnyEventObject): void {
    this.#hubs.get(ref.actor)?.emit(event);
    this.#tellEmitListener(event, ref.address, undefined);
  }

  #tellEmitListener(event: AnyEventObject, address: string, key: string | undefined): void {
    try {
      this.#runtime.options.onEmit?.(event, { address, idempotencyKey: key });
    } catch (error) {
      this.#runtime.report(error, 'onEmit threw');
    }
  }
}
