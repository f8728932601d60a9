/**
 * Supervisors as actors: the pure decisions of `supervisor.ts` hosted like any other logic. So a supervisor has a journal,
 * in which each of its decisions stands with what caused it, and it goes on after a crash where it was.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { ANSWER } from '../answers.ts';
import { childAddress, rootAddress } from '../kernel/address.ts';
import { house } from '../kernel/step.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { SupervisorDeclaration } from './declaration.ts';
import { initialState, supervise } from './supervisor.ts';
import type { Order, SupervisorEvent, SupervisorState } from './words.ts';

/** The name under which supervisors live: `supervisor/shop`, `supervisor/shop/orders`. */
export const SUPERVISOR = 'supervisor';

export interface SupervisorSnapshot extends AnySnapshot {
  readonly context: SupervisorState;
}

export const supervisorLogic = {
  getInitialSnapshot: (_: unknown, declaration: SupervisorDeclaration) =>
    decide(initialState(declaration), { type: 'heddle.up' }),
  transition: (snapshot: SupervisorSnapshot, event: AnyEventObject) =>
    // Anybody who has its ref can send to it, but nobody outside of the house can send these.
    event.type.startsWith('heddle.') ? decide(snapshot.context, event as never) : snapshot,
  getPersistedSnapshot: (snapshot: SupervisorSnapshot) => snapshot,
  restoreSnapshot: (snapshot: SupervisorSnapshot) => snapshot,
} as unknown as AnyActorLogic;

function decide(state: SupervisorState, event: SupervisorEvent): SupervisorSnapshot {
  const { state: context, orders } = supervise(state, event, { nowMs: Date.now(), delayMs: house.backoff });
  for (const order of orders) give(order, context);
  return { status: 'active', output: undefined, error: undefined, context };
}

/** Turns an order into an intent of the step. */
function give(order: Order, state: SupervisorState): void {
  const { self } = house;
  switch (order.to) {
    case 'child': {
      const { id, start, event } = order;
      return house.ask({ kind: 'order', to: addressOf(self.address, start, id), event: { ...event, id } });
    }
    case 'all':
      return house.ask({ kind: 'order', to: everyoneOf(state), event: order.event });
    case 'parent': {
      const above = supervisorAbove(self.address);
      if (above === undefined) return;
      return house.ask({ kind: 'order', to: above, event: { ...order.event, id: self.id } });
    }
    case 'self': {
      const { event, delayMs } = order;
      if (delayMs === 0) return house.ask({ kind: 'send', to: self, event });
      return house.ask({ kind: 'timer', id: undefined, to: self, event, delayMs });
    }
    case 'caller':
      return house.ask({ kind: 'emit', event: { type: ANSWER, ask: order.ask, answer: order.answer } });
  }
}

// ---- addresses ----------------------------------------------------------------------------------------------------

/** Where the child of a supervisor lives, or would live. */
export function addressOf(supervisor: string, start: string, id: string): string {
  return start === SUPERVISOR ? childAddress(supervisor, id) : rootAddress(start, id);
}

/** All actors of a name. No actor has such an address: an id is not empty, and holds no slash. */
const EVERYONE = '/';

function everyoneOf({ declaration }: SupervisorState): string {
  return `${declaration.dynamic!.start}${EVERYONE}`;
}

export const isEveryone = (address: string): boolean => address.endsWith(EVERYONE);

/** The address of the supervisor above; undefined for the one at the root. */
export function supervisorAbove(address: string): string | undefined {
  const above = address.slice(0, address.lastIndexOf('/'));
  return above === SUPERVISOR ? undefined : above;
}
