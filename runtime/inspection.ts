/**
 * Inspection: XState's inspection events, for whoever observes the whole system. Only what is durable is shown.
 */
import type { InspectionEvent, Observer } from 'xstate';
import type { Ref } from './kernel/ref.ts';
import type { Runtime } from './runtime.ts';
import type { Turn } from './turn.ts';

export class Inspection {
  readonly #runtime: Runtime;
  readonly #observer: (event: InspectionEvent) => void;

  constructor(runtime: Runtime, observer: Observer<InspectionEvent> | ((event: InspectionEvent) => void)) {
    this.#runtime = runtime;
    this.#observer = typeof observer === 'function' ? observer : (event) => observer.next?.(event);
  }

  /** Shows a turn: the actor if it was born in it, its event, its actions, its new state. */
  turn({ cell, snapshot, message, intents }: Turn): void {
    const { ref } = cell;
    if (message.birth !== undefined) this.#show(ref, { type: '@xstate.actor' });
    this.#show(ref, {
      type: '@xstate.event',
      sourceRef: this.#sourceOf(message.cause, ref),
      event: message.event,
    });
    for (const intent of intents) {
      if (intent.kind !== 'action') continue;
      this.#show(ref, { type: '@xstate.action', action: { type: intent.name, params: intent.params } });
    }
    this.#show(ref, { type: '@xstate.snapshot', event: message.event, snapshot });
  }

  #sourceOf(cause: Turn['message']['cause'], ref: Ref): Ref | undefined {
    if (cause === undefined || !('actor' in cause)) return undefined;
    if (cause.actor === ref.actor) return ref;
    return this.#runtime.population.present(cause.actor)?.ref ?? ref._parent;
  }

  #show(ref: Ref, event: object): void {
    try {
      // XState's types want its own actor class in there.
      this.#observer({ ...event, actorRef: ref, rootId: ref.tree.root } as never);
    } catch (error) {
      this.#runtime.report(error, 'an inspector threw');
    }
  }
}
