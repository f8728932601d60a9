/**
 * A rate limiter: at most so many calls in any stretch of so many ms, and no call at all while the other side has asked to
 * be left alone (`Retry-After`).
 *
 * Hosted by a system it is shared by everybody there, and what it has granted survives a crash. It owns the counts and the
 * queue; it makes no calls. It speaks the protocol of `permit.ts`.
 */
import { and, assertEvent, assign, enqueueActions, setup } from 'xstate';
import { changed, claimOf, current, firstEnd, has, without } from './claim.ts';
import type { Claims } from './claim.ts';
import { OptionsCheck } from './options.ts';
import { answer, isFit, retryAfterOf, weightOf } from './permit.ts';
import type { PermitAnswer, PermitEvent, RefusalReason } from './permit.ts';
import { delayUntil, elapsed, lookedAt, startStopwatch } from './stopwatch.ts';
import type { Stopwatch } from './stopwatch.ts';
import { counted, emptiesAt, total, uncounted, within } from './window.ts';
import type { Slices } from './window.ts';

export interface RateLimiterOptions {
  /** How many tokens may be taken in any `perMs`; a request takes 1, or its weight. */
  readonly limit: number;
  /** The length of the window, in ms. */
  readonly perMs: number;
  /**
   * How many tokens may be taken at once. With fewer than `limit` (the default) they also come back one by one, evenly over
   * `perMs`: a token bucket within the limit.
   */
  readonly burst?: number;
  /** How many requests may wait for a token. Default 0: whoever finds none is refused. */
  readonly queue?: number;
  /** How long a request waits that does not say so itself, in ms. Default 30,000. */
  readonly waitMs?: number;
  /** How long a granted ticket is remembered without a report, in ms: until then it takes no second token. Default 60,000. */
  readonly leaseMs?: number;
}

export interface RateLimiterContext {
  readonly watch: Stopwatch;
  /** What was granted during the last `perMs`. */
  readonly taken: Slices;
  /** What the bucket held at `filledAt`: a token is `perMs` of these, and each ms brings `limit`. So they stay whole. */
  readonly drops: number;
  readonly filledAt: number;
  /** No token is granted before that. */
  readonly pausedUntil: number;
  /** Granted and not yet reported. */
  readonly held: Claims;
  readonly waiting: Claims;
}

/** Ends a pause that the other side did not mean. */
interface Resume {
  readonly type: 'limiter.resume';
}

/** More granted tickets than this are not remembered, the oldest are forgotten first: they lose nothing but a repetition. */
const REMEMBERED = 1000;

/** Beyond that, sums of drops would not be exact. */
const MOST_DROPS = 2 ** 52;

/**
 * A rate limiter. `flowing` while nobody waits, `queueing` while somebody does, `paused` until a `Retry-After` is over: a
 * report with `retryAfterMs` pauses it, whatever its outcome.
 *
 * A token is taken when the call is granted, and comes back by time alone; `permit.cancel` gives it back, because no call
 * was made. Nobody overtakes: a request waits behind a heavier one.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function rateLimiter(options: RateLimiterOptions) {
  const check = new OptionsCheck('rateLimiter', options, [
    ...['limit', 'perMs', 'burst', 'queue', 'waitMs', 'leaseMs'],
  ]);
  check.whole('limit', 1);
  check.whole('perMs', 1);
  check.wholeIfGiven('burst', 1);
  check.wholeIfGiven('queue', 0);
  check.wholeIfGiven('waitMs', 0);
  check.wholeIfGiven('leaseMs', 1);
  const { limit, perMs, burst = limit, queue = 0, waitMs = 30_000, leaseMs = 60_000 } = options;
  if (burst > limit) check.fail('burst', `must not be more than the limit, which is ${limit}`);
  if (burst * perMs > MOST_DROPS) check.fail('perMs', `must not be more than ${MOST_DROPS / burst}`);

  /** What the bucket holds now. */
  function dropsIn({ drops, filledAt }: RateLimiterContext, now: number): number {
    return Math.min(burst * perMs, drops + (now - filledAt) * limit);
  }

  /** When so many tokens can be had, on the stopwatch. */
  function tokensAt(context: RateLimiterContext, weight: number): number {
    const now = elapsed(context.watch);
    const taken = within(context.taken, now, perMs);
    const missing = weight * perMs - dropsIn(context, now);
    return Math.max(
      now,
      context.pausedUntil,
      emptiesAt(taken, perMs, total(taken) + weight - limit),
      now + Math.ceil(missing / limit),
    );
  }

  const hasTokens = (context: RateLimiterContext, weight: number): boolean =>
    tokensAt(context, weight) <= elapsed(context.watch);

  /** What changes when tokens are taken. */
  function taking(context: RateLimiterContext, weight: number) {
    const now = elapsed(context.watch);
    const drops = dropsIn(context, now) - weight * perMs;
    return { taken: counted(context.taken, now, perMs, weight), drops, filledAt: now };
  }

  const refusal = (context: RateLimiterContext, ticket: string, weight: number, reason: RefusalReason) =>
    ({
      type: 'permit.refused',
      ticket,
      reason,
      // At least something: who comes too late for its patience may find a token at once.
      retryAfterMs: Math.max(1, tokensAt(context, weight) - elapsed(context.watch)),
    }) as const;

  return setup({
    types: {
      context: {} as RateLimiterContext,
      events: {} as PermitEvent | Resume,
      emitted: {} as PermitAnswer,
    },
    guards: {
      isHeld: ({ context, event }) => event.type !== 'limiter.resume' && has(context.held, event.ticket),
      isWaiting: ({ context, event }) =>
        event.type !== 'limiter.resume' && has(context.waiting, event.ticket),
      isUnfit: ({ event }) => event.type === 'permit.request' && !isFit(event, burst),
      hasTokens: ({ context, event }) =>
        event.type === 'permit.request' &&
        context.waiting.length === 0 &&
        hasTokens(context, weightOf(event)),
      mayWait: ({ context, event }) =>
        event.type === 'permit.request' && context.waiting.length < queue && (event.waitMs ?? waitMs) > 0,
      lengthensPause: ({ context, event }) =>
        event.type === 'permit.done' &&
        retryAfterOf(event) > 0 &&
        elapsed(context.watch) + retryAfterOf(event) > context.pausedUntil,
      isPaused: ({ context }) => elapsed(context.watch) < context.pausedUntil,
      pauseIsOver: ({ context }) => elapsed(context.watch) >= context.pausedUntil,
      nobodyWaits: ({ context }) => context.waiting.length === 0,
    },
    actions: {
      lookAtWatch: assign({ watch: ({ context }) => lookedAt(context.watch) }),
      grant: enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const now = elapsed(context.watch);
        const held = [...current(context.held, now), claimOf(event, now, leaseMs)].slice(-REMEMBERED);
        enqueue.assign({ ...taking(context, weightOf(event)), held });
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
      refuse: enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const reason = elapsed(context.watch) < context.pausedUntil ? 'paused' : 'limit';
        answer(enqueue, event, refusal(context, event.ticket, weightOf(event), reason));
      }),
      forget: assign({
        held: ({ context, event }) => {
          assertEvent(event, 'permit.done');
          return without(context.held, event.ticket);
        },
      }),
      renew: assign({
        held: ({ context: { watch, held }, event }) => {
          assertEvent(event, 'permit.renew');
          return changed(held, event.ticket, { until: elapsed(watch) + leaseMs });
        },
      }),
      giveBack: assign(({ context, event }) => {
        assertEvent(event, 'permit.cancel');
        const claim = context.held.find(({ ticket }) => ticket === event.ticket);
        const waiting = without(context.waiting, event.ticket);
        if (claim === undefined) return { waiting };
        const now = elapsed(context.watch);
        const drops = dropsIn(context, now) + claim.weight * perMs;
        return {
          waiting,
          held: without(context.held, event.ticket),
          taken: uncounted(context.taken, claim.since, claim.weight),
          drops: Math.min(burst * perMs, drops),
          filledAt: now,
        };
      }),
      pause: assign({
        pausedUntil: ({ context: { watch }, event }) => {
          assertEvent(event, 'permit.done');
          return elapsed(watch) + retryAfterOf(event);
        },
      }),
      endPause: assign({ pausedUntil: 0 }),
      /** Sends away those whose patience is over, and lets in those for whom there are tokens now. */
      admit: enqueueActions(({ context, enqueue }) => {
        const now = elapsed(context.watch);
        for (const claim of context.waiting) {
          if (claim.until > now) continue;
          answer(enqueue, claim, refusal(context, claim.ticket, claim.weight, 'timeout'));
        }
        const waiting = [...current(context.waiting, now)];
        const held = [...current(context.held, now)];
        let after = context;
        for (let [next] = waiting; next !== undefined && hasTokens(after, next.weight); [next] = waiting) {
          waiting.shift();
          held.push({ ...next, since: now, until: now + leaseMs });
          after = { ...context, ...taking(after, next.weight) };
          answer(enqueue, next, { type: 'permit.granted', ticket: next.ticket, leaseMs });
        }
        enqueue.assign({ ...after, waiting, held: held.slice(-REMEMBERED) });
      }),
    },
    delays: {
      /** The first in the queue can have its tokens, or somebody loses patience. */
      nextTurn: ({ context }) => {
        const [first] = context.waiting;
        const tokens = first === undefined ? Infinity : tokensAt(context, first.weight);
        return delayUntil(context.watch, Math.min(tokens, firstEnd(context.waiting)));
      },
      pauseOrPatience: ({ context: { watch, pausedUntil, waiting } }) =>
        delayUntil(watch, Math.min(pausedUntil, firstEnd(waiting))),
    },
  }).createMachine({
    id: 'rateLimiter',
    context: () => ({
      watch: startStopwatch(),
      taken: [],
      drops: burst * perMs,
      filledAt: 0,
      pausedUntil: 0,
      held: [],
      waiting: [],
    }),
    on: {
      'permit.request': [
        { guard: 'isUnfit', actions: 'refuseUnfit' },
        { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
        { guard: 'isWaiting', actions: ['lookAtWatch', 'keepPlace'] },
        { guard: 'hasTokens', actions: ['lookAtWatch', 'grant'] },
        // Entered anew, also from themselves: this one may lose its patience before the others.
        { guard: and(['mayWait', 'isPaused']), target: '.paused', actions: ['lookAtWatch', 'queueUp'] },
        { guard: 'mayWait', target: '.queueing', actions: ['lookAtWatch', 'queueUp'] },
        { actions: ['lookAtWatch', 'refuse'] },
      ],
      'permit.done': [
        { guard: 'lengthensPause', target: '.paused', actions: ['lookAtWatch', 'forget', 'pause'] },
        { guard: 'isHeld', actions: ['lookAtWatch', 'forget'] },
      ],
      'permit.cancel': [
        { guard: 'isPaused', target: '.paused', actions: ['lookAtWatch', 'giveBack'] },
        { target: '.queueing', actions: ['lookAtWatch', 'giveBack'] },
      ],
      'permit.renew': { guard: 'isHeld', actions: ['lookAtWatch', 'renew'] },
      'limiter.resume': { target: '.queueing', actions: ['lookAtWatch', 'endPause'] },
    },
    initial: 'flowing',
    states: {
      flowing: {},
      queueing: {
        entry: 'admit',
        always: { guard: 'nobodyWaits', target: 'flowing' },
        after: { nextTurn: { target: 'queueing', reenter: true, actions: 'lookAtWatch' } },
      },
      paused: {
        // It admits nobody, but sends away whose patience is over.
        entry: 'admit',
        always: { guard: 'pauseIsOver', target: 'queueing' },
        after: { pauseOrPatience: { target: 'paused', reenter: true, actions: 'lookAtWatch' } },
      },
    },
  });
}
