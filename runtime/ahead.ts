/**
 * Ahead: what is recorded before something else is, for whoever waits for the first only because of the second. It is waited for until
 * its turn is taken, and not until that is on the disk: commits are written in their order, so whatever is recorded after it
 * does not outlive it. Nobody outside may be told of it before.
 */
import type { AnyEventObject } from 'xstate';
import { resourceAt } from './acting.ts';
import type { Acting } from './acting.ts';
import type { Births } from './births.ts';
import type { Ref } from './kernel/ref.ts';
import type { Runtime } from './runtime.ts';

export class Ahead {
  readonly #runtime: Runtime;
  readonly #acting: Acting;
  readonly #births: Births;

  /** Use `system.ahead`. */
  constructor(runtime: Runtime, acting: Acting, births: Births) {
    this.#runtime = runtime;
    this.#acting = acting;
    this.#births = births;
  }

  /**
   * Runs what records ahead; again if a write has failed meanwhile, because then some of it may be lost. Whatever is recorded right
   * after this, without waiting for anything, is on the disk only with all of it.
   */
  async all(run: () => Promise<void>): Promise<void> {
    const { metrics } = this.#runtime;
    let before: number;
    do {
      before = metrics.fences;
      await run();
    } while (metrics.fences !== before);
  }

  /** Starts a new actor. Resolves with false when somebody is there already, or is about to be. @throws as `System.start` */
  start(name: string, { id, input }: { readonly id: string; readonly input: unknown }): Promise<boolean> {
    return this.#births.startAhead(name, id, input);
  }

  /** @throws as `send` */
  async send(to: object, event: AnyEventObject): Promise<void> {
    const { delivery, events } = this.#runtime;
    const ref = to as Ref;
    const prepared = events.prepare(event);
    const action = { name: 'send', properties: { event: event.type } };
    const warrant = await this.#acting.demand(action, resourceAt(ref.address));
    await delivery.sendAhead(ref, prepared, warrant);
  }
}
