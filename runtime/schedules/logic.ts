/**
 * Schedules as actors: the pure decisions of `schedule.ts` hosted like any other logic. So a schedule has a journal, in which
 * each occurrence it has started or skipped stands with the reason, and no instant is decided twice, whatever crashes.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { ANSWER } from '../answers.ts';
import { rootAddress } from '../kernel/address.ts';
import { house } from '../kernel/step.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { ScheduleDeclaration } from './declaration.ts';
import { initialState, schedule } from './schedule.ts';
import type { ScheduleEvent, ScheduleOrder, ScheduleState, ScheduleUp, StartOrder } from './words.ts';

/** The name under which schedules live: `schedule/nightly`. */
export const SCHEDULE = 'schedule';

/** The order to bring an occurrence to life. */
export const START = 'heddle.start';

/** A schedule's birth is its declaration. */
export interface ScheduleInput extends ScheduleUp {
  readonly declaration: ScheduleDeclaration;
}

export const scheduleLogic = {
  getInitialSnapshot: (_: unknown, up: ScheduleInput) =>
    decide(initialState(up.declaration, Date.now(), up.declaredBy), up),
  transition: (snapshot: AnySnapshot, event: AnyEventObject) =>
    // Anybody who has its ref can send to it, but nobody outside of the house can send these.
    event.type.startsWith('heddle.') ? decide(snapshot.context as ScheduleState, event as never) : snapshot,
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
  restoreSnapshot: (snapshot: unknown) => snapshot,
} as unknown as AnyActorLogic;

function decide(state: ScheduleState, event: ScheduleEvent): AnySnapshot {
  const nowMs = Date.now();
  const { state: context, orders } = schedule(state, event, { nowMs });
  for (const order of orders) give(order, context, nowMs);
  return { status: 'active', output: undefined, error: undefined, context };
}

function startEvent({ start, input, declaredBy }: StartOrder) {
  return { type: START, start, input, ...(declaredBy !== undefined && { declaredBy }) };
}

/** Turns an order into intents of the step. */
function give(order: ScheduleOrder, { declaration }: ScheduleState, nowMs: number): void {
  switch (order.to) {
    case 'timer': {
      // A second timer of the same id would only hide the first.
      house.ask({ kind: 'cancel', id: order.id });
      if ('cancel' in order) return;
      const delayMs = Math.max(0, order.dueAt - nowMs);
      return house.ask({ kind: 'timer', id: order.id, to: house.self, event: order.event, delayMs });
    }
    case 'occurrence': {
      const to = rootAddress('start' in order ? order.start : declaration.start, order.id);
      return house.ask({
        kind: 'order',
        to,
        event: 'start' in order ? startEvent(order) : { type: 'xstate.stop' },
      });
    }
    case 'caller':
      return house.ask({ kind: 'emit', event: { type: ANSWER, ask: order.ask, answer: order.answer } });
  }
}
