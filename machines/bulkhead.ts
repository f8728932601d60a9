/**
 * A bulkhead: at most so many calls at once. Whoever comes when all slots are taken waits in a bounded queue, first come
 * first served, or is refused.
 *
 * Hosted by a system it is shared by everybody there, and its slots and its queue survive a crash. It owns who holds what
 * and who waits; it makes no calls, and does not know what for. It speaks the protocol of `permit.ts`.
 */
import { assertEvent, assign, enqueueActions, setup } from 'xstate';
import { changed, claimOf, current, firstEnd, has, leased, weightIn, without } from './claim.ts';
import type { Claims } from './claim.ts';
import { OptionsCheck } from './options.ts';
import { answer, isFit, weightOf } from './permit.ts';
import type { PermitAnswer, PermitEvent } from './permit.ts';
import { delayUntil, elapsed, lookedAt, startStopwatch } from './stopwatch.ts';
import type { Stopwatch } from './stopwatch.ts';

export interface BulkheadOptions {
  /** How much may be held at once; a request takes 1, or its weight. */
  readonly slots: number;
  /** How many requests may wait. Default 0: whoever finds no slot is refused. */
  readonly queue?: number;
  /** How long a request waits that does not say so itself, in ms. Default 30,000. */
  readonly waitMs?: number;
  /**
   * How long a slot is held without news of its holder, in ms; then it is free again. Choose it longer than the longest
   * call, unless holders renew it (`guarded` does). Default 60,000.
   */
  readonly leaseMs?: number;
  /** What is told to those who are refused because it is full: nobody knows when a slot is free. In ms, default 1,000. */
  readonly retryAfterMs?: number;
}

export interface BulkheadContext {
  readonly watch: Stopwatch;
  readonly held: Claims;
  readonly waiting: Claims;
}

/**
 * A bulkhead. `idle` while nothing is held, `busy` while something is, `full` while somebody waits.
 *
 * Nobody overtakes: a request that fits waits behind a heavier one that does not.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function bulkhead(options: BulkheadOptions) {
  const check = new OptionsCheck('bulkhead', options, [
    'slots',
    'queue',
    'waitMs',
    'leaseMs',
    'retryAfterMs',
  ]);
  check.whole('slots', 1);
  check.wholeIfGiven('queue', 0);
  check.wholeIfGiven('waitMs', 0);
  check.wholeIfGiven('leaseMs', 1);
  check.wholeIfGiven('retryAfterMs', 1);
  const { slots, queue = 0, waitMs = 30_000, leaseMs = 60_000, retryAfterMs = 1000 } = options;

  return setup({
    types: {
      context: {} as BulkheadContext,
      events: {} as PermitEvent,
      emitted: {} as PermitAnswer,
    },
    guards: {
      isHeld: ({ context, event }) => has(context.held, event.ticket),
      isWaiting: ({ context, event }) => has(context.waiting, event.ticket),
      isUnfit: ({ event }) => event.type === 'permit.request' && !isFit(event, slots),
      hasRoom: ({ context: { held, waiting }, event }) =>
        event.type === 'permit.request' && waiting.length === 0 && weightIn(held) + weightOf(event) <= slots,
      mayWait: ({ context, event }) =>
        event.type === 'permit.request' && context.waiting.length < queue && (event.waitMs ?? waitMs) > 0,
      holdsSomething: ({ context }) => context.held.length > 0,
      holdsNothing: ({ context }) => context.held.length === 0,
      somebodyWaits: ({ context }) => context.waiting.length > 0,
      nobodyWaits: ({ context }) => context.waiting.length === 0,
    },
    actions: {
      lookAtWatch: assign({ watch: ({ context }) => lookedAt(context.watch) }),
      grant: enqueueActions(({ context: { watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        enqueue.assign({ held: [...held, claimOf(event, elapsed(watch), leaseMs)] });
        answer(enqueue, event, { type: 'permit.granted', ticket: event.ticket, leaseMs });
      }),
      grantAgain: enqueueActions(({ context: { watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { ticket, from } = event;
        enqueue.assign({ held: changed(held, ticket, { from, until: elapsed(watch) + leaseMs }) });
        answer(enqueue, event, { type: 'permit.granted', ticket, leaseMs });
      }),
      keepPlace: assign({
        waiting: ({ context, event }) => {
          assertEvent(event, 'permit.request');
          return changed(context.waiting, event.ticket, { from: event.from });
        },
      }),
      queueUp: assign({
        waiting: ({ context: { watch, waiting }, event }) => {
          assertEvent(event, 'permit.request');
          return [...waiting, claimOf(event, elapsed(watch), event.waitMs ?? waitMs)];
        },
      }),
      refuseUnfit: enqueueActions(({ event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { ticket } = event;
        answer(enqueue, event, { type: 'permit.refused', ticket, reason: 'unfit', retryAfterMs: Infinity });
      }),
      refuse: enqueueActions(({ event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { ticket } = event;
        answer(enqueue, event, { type: 'permit.refused', ticket, reason: 'full', retryAfterMs });
      }),
      release: assign({
        held: ({ context, event }) => without(context.held, event.ticket),
        waiting: ({ context, event }) => without(context.waiting, event.ticket),
      }),
      renew: assign({
        held: ({ context: { watch, held }, event }) =>
          changed(held, event.ticket, { until: elapsed(watch) + leaseMs }),
      }),
      endLeases: assign({
        held: ({ context: { watch, held } }) => leased(held, elapsed(watch), leaseMs),
      }),
      /** Sends away those whose patience is over, and lets in those who have room now. */
      admit: enqueueActions(({ context, enqueue }) => {
        const now = elapsed(context.watch);
        const held = [...context.held];
        const waiting = [...current(context.waiting, now)];
        for (const claim of context.waiting) {
          if (claim.until > now) continue;
          const { ticket } = claim;
          answer(enqueue, claim, { type: 'permit.refused', ticket, reason: 'timeout', retryAfterMs });
        }
        let free = slots - weightIn(held);
        for (let [next] = waiting; next !== undefined && next.weight <= free; [next] = waiting) {
          waiting.shift();
          free -= next.weight;
          held.push({ ...next, since: now, until: now + leaseMs });
          answer(enqueue, next, { type: 'permit.granted', ticket: next.ticket, leaseMs });
        }
        enqueue.assign({ held, waiting });
      }),
    },
    delays: {
      nextEnd: ({ context: { watch, held, waiting } }) =>
        delayUntil(watch, Math.min(firstEnd(held), firstEnd(waiting))),
    },
  }).createMachine({
    id: 'bulkhead',
    context: () => ({ watch: startStopwatch(), held: [], waiting: [] }),
    on: {
      'permit.request': [
        { guard: 'isUnfit', actions: 'refuseUnfit' },
        { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
        { guard: 'isWaiting', actions: ['lookAtWatch', 'keepPlace'] },
        { guard: 'hasRoom', actions: ['lookAtWatch', 'grant'] },
        // Entered anew, also from itself: this one may lose its patience before the others.
        { guard: 'mayWait', target: '.full', actions: ['lookAtWatch', 'queueUp'] },
        { actions: 'refuse' },
      ],
      'permit.done': { guard: 'isHeld', actions: ['lookAtWatch', 'release', 'admit'] },
      'permit.cancel': { actions: ['lookAtWatch', 'release', 'admit'] },
      'permit.renew': { guard: 'isHeld', actions: ['lookAtWatch', 'renew'] },
    },
    initial: 'idle',
    states: {
      idle: { always: { guard: 'holdsSomething', target: 'busy' } },
      busy: {
        always: [
          { guard: 'somebodyWaits', target: 'full' },
          { guard: 'holdsNothing', target: 'idle' },
        ],
        // Set when it is entered. Whatever ends later by then finds it early: it looks, and is set again.
        after: {
          nextEnd: { target: 'busy', reenter: true, actions: ['lookAtWatch', 'endLeases', 'admit'] },
        },
      },
      full: {
        always: { guard: 'nobodyWaits', target: 'busy' },
        after: {
          nextEnd: { target: 'full', reenter: true, actions: ['lookAtWatch', 'endLeases', 'admit'] },
        },
      },
    },
  });
}
