/**
 * A bulkhead: at most so many calls at once. Whoever comes when all slots are taken waits in a bounded queue, first come
 * first served, or is refused.
 *
 * Hosted by a system it is shared by everybody there, and its slots and its queue survive a crash. It owns who holds what
 * and who waits; it makes no calls, and does not know what for. It speaks the protocol of `permit.ts`.
 */
import { assertEvent, assign, enqueueActions, sendTo, setup } from 'xstate';
import {
  admitted,
  changed,
  claimOf,
  current,
  firstEnd,
  grantedAgain,
  has,
  leased,
  renewed,
  weightIn,
  without,
} from './claim.ts';
import type { Claims } from './claim.ts';
import { CONFIGURE_FIRST, Configuring, refusedAsMisconfigured, statesBefore } from './configuring.ts';
import { OptionRules, whole } from '../options.ts';
import type { Changes, Settled } from '../options.ts';
import { answer, isFit, unfit, weightOf } from './permit.ts';
import type {
  PermitAnswer,
  PermitBegin,
  PermitConfigure,
  PermitConfigured,
  PermitEvent,
  PermitMisconfigured,
} from './permit.ts';
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

/** All of them, with their defaults. */
export type BulkheadSettings = Settled<BulkheadOptions>;

export interface BulkheadContext {
  /** What it works by. All 0 before it has begun. */
  readonly options: BulkheadSettings;
  readonly watch: Stopwatch;
  readonly held: Claims;
  readonly waiting: Claims;
  /** When its timer looks next, on the stopwatch. */
  readonly looksAt: number;
}

const RULES: OptionRules<BulkheadOptions, BulkheadSettings> = new OptionRules('bulkhead', {
  slots: whole(1, { isRequired: true }),
  queue: whole(0, { fallback: 0 }),
  waitMs: whole(0, { fallback: 30_000 }),
  leaseMs: whole(1, { fallback: 60_000 }),
  retryAfterMs: whole(1, { fallback: 1000 }),
});

/**
 * A bulkhead. `idle` while nothing is held, `busy` while something is, `full` while somebody waits.
 *
 * Nobody overtakes: a request that fits waits behind a heavier one that does not.
 *
 * The options are those of new bulkheads; what `input` says goes before. One that exists keeps those that it has, also when
 * this is called with others after a deployment. Change them with `permit.configure`:
 *
 * - More `slots` let those in who wait, at once. With fewer nobody is sent away who holds one: they become free as holders
 *   finish. Who waits for more than there is now is refused as `unfit`.
 * - A smaller `queue` sends nobody away: it takes nobody until there is room.
 * - `leaseMs` and `waitMs` are for permits that are granted, and requests that come, from then on.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function bulkhead(options: BulkheadOptions) {
  const configuring = new Configuring(RULES, options);

  return setup({
    types: {
      context: {} as BulkheadContext,
      events: {} as PermitEvent | PermitConfigure<BulkheadOptions> | PermitBegin,
      emitted: {} as PermitAnswer | PermitConfigured<BulkheadSettings> | PermitMisconfigured,
      input: undefined as Changes<BulkheadOptions> | undefined,
    },
    guards: {
      ...configuring.guards,
      isHeld: ({ context, event }) => 'ticket' in event && has(context.held, event.ticket),
      isWaiting: ({ context, event }) => 'ticket' in event && has(context.waiting, event.ticket),
      isUnfit: ({ context: { options }, event }) =>
        event.type === 'permit.request' && !isFit(event, options.slots),
      hasRoom: ({ context: { options, held, waiting }, event }) =>
        event.type === 'permit.request' &&
        waiting.length === 0 &&
        weightIn(held) + weightOf(event) <= options.slots,
      mayWait: ({ context: { options, waiting }, event }) =>
        event.type === 'permit.request' &&
        waiting.length < options.queue &&
        (event.waitMs ?? options.waitMs) > 0,
      holdsSomething: ({ context }) => context.held.length > 0,
      holdsNothing: ({ context }) => context.held.length === 0,
      somebodyWaits: ({ context }) => context.waiting.length > 0,
      nobodyWaits: ({ context }) => context.waiting.length === 0,
      /** A lease that is shorter than those before it was granted since the timer was set. */
      looksTooLate: ({ context: { held, looksAt } }) => firstEnd(held) < looksAt,
    },
    actions: {
      begin: sendTo(
        ({ self }) => self,
        ({ event }) => configuring.beginWith(event),
      ),
      takeLater: sendTo(
        ({ self }) => self,
        ({ event }) => event,
      ),
      takeOptions: assign({ options: (step) => configuring.after(step) }),
      keepNonsense: assign({
        options: ({ event }) => {
          assertEvent(event, 'permit.begin');
          return event.options as BulkheadSettings;
        },
      }),
      refuseOptions: enqueueActions(({ context, event, enqueue }) =>
        configuring.refuse({ context, event }, enqueue),
      ),
      confirmOptions: enqueueActions(({ context, event, enqueue }) =>
        configuring.confirm({ context, event }, enqueue),
      ),
      refuseMisconfigured: enqueueActions(({ event, enqueue }) => {
        assertEvent(event, 'permit.request');
        answer(enqueue, event, refusedAsMisconfigured(event.ticket));
      }),
      refuseTooHeavy: enqueueActions(({ context: { options, waiting }, enqueue }) => {
        const tooHeavy = waiting.filter(({ weight }) => weight > options.slots);
        for (const claim of tooHeavy) answer(enqueue, claim, unfit(claim.ticket));
        enqueue.assign({ waiting: waiting.filter(({ weight }) => weight <= options.slots) });
      }),
      planToLook: assign({
        looksAt: ({ context: { held, waiting } }) => Math.min(firstEnd(held), firstEnd(waiting)),
      }),
      lookAtWatch: assign({ watch: ({ context }) => lookedAt(context.watch) }),
      grant: enqueueActions(({ context: { options, watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { leaseMs } = options;
        enqueue.assign({ held: [...held, claimOf(event, elapsed(watch), leaseMs)] });
        answer(enqueue, event, { type: 'permit.granted', ticket: event.ticket, leaseMs });
      }),
      grantAgain: enqueueActions(({ context: { options, watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { leaseMs } = options;
        enqueue.assign({ held: grantedAgain(held, event, elapsed(watch), leaseMs) });
        answer(enqueue, event, { type: 'permit.granted', ticket: event.ticket, leaseMs });
      }),
      keepPlace: assign({
        waiting: ({ context, event }) => {
          assertEvent(event, 'permit.request');
          return changed(context.waiting, event.ticket, { from: event.from });
        },
      }),
      queueUp: assign({
        waiting: ({ context: { options, watch, waiting }, event }) => {
          assertEvent(event, 'permit.request');
          return [...waiting, claimOf(event, elapsed(watch), event.waitMs ?? options.waitMs)];
        },
      }),
      refuseUnfit: enqueueActions(({ event, enqueue }) => {
        assertEvent(event, 'permit.request');
        answer(enqueue, event, unfit(event.ticket));
      }),
      refuse: enqueueActions(({ context: { options }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { ticket } = event;
        const { retryAfterMs } = options;
        answer(enqueue, event, { type: 'permit.refused', ticket, reason: 'full', retryAfterMs });
      }),
      release: assign({
        held: ({ context, event }) =>
          'ticket' in event ? without(context.held, event.ticket) : context.held,
        waiting: ({ context, event }) =>
          'ticket' in event ? without(context.waiting, event.ticket) : context.waiting,
      }),
      renew: assign({
        held: ({ context: { watch, held }, event }) =>
          'ticket' in event ? renewed(held, event.ticket, elapsed(watch)) : held,
      }),
      endLeases: assign({
        held: ({ context: { watch, held } }) => leased(held, elapsed(watch)),
      }),
      /** Sends away those whose patience is over, and lets in those who have room now. */
      admit: enqueueActions(({ context, enqueue }) => {
        const { slots, leaseMs, retryAfterMs } = context.options;
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
          held.push(admitted(next, now, leaseMs));
          answer(enqueue, next, { type: 'permit.granted', ticket: next.ticket, leaseMs });
        }
        enqueue.assign({ held, waiting });
      }),
    },
    delays: {
      nextEnd: ({ context: { watch, looksAt } }) => delayUntil(watch, looksAt),
    },
  }).createMachine({
    id: 'bulkhead',
    context: ({ input }) => ({
      options: configuring.atBirth(input),
      watch: startStopwatch(),
      held: [],
      waiting: [],
      looksAt: 0,
    }),
    on: {
      'permit.request': [
        // What it has granted it grants again, also when there is less now than that takes.
        { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
        { guard: 'isWaiting', actions: ['lookAtWatch', 'keepPlace'] },
        { guard: 'isUnfit', actions: 'refuseUnfit' },
        { guard: 'hasRoom', actions: ['lookAtWatch', 'grant'] },
        // Entered anew, also from itself: this one may lose its patience before the others.
        { guard: 'mayWait', target: '.full', actions: ['lookAtWatch', 'queueUp'] },
        { actions: 'refuse' },
      ],
      'permit.done': { guard: 'isHeld', actions: ['lookAtWatch', 'release', 'admit'] },
      'permit.cancel': { actions: ['lookAtWatch', 'release', 'admit'] },
      'permit.renew': { guard: 'isHeld', actions: ['lookAtWatch', 'renew'] },
      'permit.configure': [
        ...CONFIGURE_FIRST,
        {
          target: '.full',
          actions: ['lookAtWatch', 'confirmOptions', 'takeOptions', 'refuseTooHeavy', 'admit'],
        },
      ],
    },
    initial: 'beginning',
    states: {
      ...statesBefore('idle'),
      idle: { always: { guard: 'holdsSomething', target: 'busy' } },
      busy: {
        entry: 'planToLook',
        always: [
          { guard: 'somebodyWaits', target: 'full' },
          { guard: 'holdsNothing', target: 'idle' },
          { guard: 'looksTooLate', target: 'busy', reenter: true },
        ],
        // Set when it is entered. Whatever ends later by then finds it early: it looks, and is set again.
        after: {
          nextEnd: { target: 'busy', reenter: true, actions: ['lookAtWatch', 'endLeases', 'admit'] },
        },
      },
      full: {
        entry: 'planToLook',
        always: [
          { guard: 'nobodyWaits', target: 'busy' },
          { guard: 'looksTooLate', target: 'full', reenter: true },
        ],
        after: {
          nextEnd: { target: 'full', reenter: true, actions: ['lookAtWatch', 'endLeases', 'admit'] },
        },
      },
    },
  });
}
