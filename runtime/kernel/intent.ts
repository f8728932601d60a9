/**
 * Intents: what a step asks for, as data. Nothing of it has happened yet; the runtime carries it out with, or after,
 * the commit of the step.
 */
import type { AnyEventObject } from 'xstate';
import type { Ref } from './ref.ts';

export type Intent =
  /** Deliver an event to an actor: `sendTo`, `sendParent`, `forwardTo`, `self.send` in an assign. */
  | { readonly kind: 'send'; readonly to: Ref; readonly event: AnyEventObject }
  /** Deliver it later: `after`, a delayed `raise` or `sendTo`. */
  | {
      readonly kind: 'timer';
      readonly id: string | undefined;
      readonly to: Ref;
      readonly event: AnyEventObject;
      readonly delayMs: number;
    }
  | { readonly kind: 'cancel'; readonly id: string }
  /** Bring a child to life: an invoke, `spawn`, `spawnChild`. */
  | { readonly kind: 'spawn'; readonly ref: Ref; readonly input: unknown }
  | { readonly kind: 'stop'; readonly ref: Ref }
  /** A supervisor's order to whoever lives at an address, if anybody does: see `supervision/orders.ts`. */
  | { readonly kind: 'order'; readonly to: string; readonly event: AnyEventObject }
  | { readonly kind: 'emit'; readonly event: AnyEventObject }
  | { readonly kind: 'log'; readonly label: string | undefined; readonly value: unknown }
  /** Run a custom action. The function is not data: after a crash it is derived again by repeating the step. */
  | { readonly kind: 'action'; readonly name: string; readonly params: unknown; readonly run: () => unknown };

export const NO_INTENTS: readonly Intent[] = [];
