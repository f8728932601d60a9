/**
 * A rate limiter: at most so many calls in any stretch of so many ms, and no call at all while the other side has asked to
 * be left alone (`Retry-After`).
 *
 * Hosted by a system it is shared by everybody there, and what it has granted survives a crash. It owns the counts and the
 * queue; it makes no calls. It speaks the protocol of `permit.ts`.
 */
import { and, assertEvent, assign, enqueueActions, sendTo, setup } from 'xstate';
import {
  admitted,
  changed,
  claimOf,
  current,
  firstEnd,
  grantedAgain,
  has,
  renewed,
  without,
} from './claim.ts';
import type { Claims } from './claim.ts';
import { CONFIGURE_FIRST, Configuring, refusedAsMisconfigured, statesBefore } from './configuring.ts';
import { OptionRules, whole } from '../options.ts';
import type { Changes, Settled } from '../options.ts';
import { answer, isFit, retryAfterOf, unfit, weightOf } from './permit.ts';
import type {
  PermitAnswer,
  PermitBegin,
  PermitConfigure,
  PermitConfigured,
  PermitEvent,
  PermitMisconfigured,
  RefusalReason,
} from './permit.ts';
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

/** All of them, with their defaults; without `burst` that is the limit, whatever it becomes. */
export type RateLimiterSettings = Settled<RateLimiterOptions, 'burst'>;

export interface RateLimiterContext {
  /** What it works by. All 0 before it has begun. */
  readonly options: RateLimiterSettings;
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

/** What is done with options that are others. */
const CHANGE = ['lookAtWatch', 'confirmOptions', 'changeOptions', 'refuseTooHeavy'] as const;

const RULES: OptionRules<RateLimiterOptions, RateLimiterSettings> = new OptionRules(
  'rateLimiter',
  {
    limit: whole(1, { isRequired: true }),
    perMs: whole(1, { isRequired: true }),
    burst: whole(1),
    queue: whole(0, { fallback: 0 }),
    waitMs: whole(0, { fallback: 30_000 }),
    leaseMs: whole(1, { fallback: 60_000 }),
  },
  ({ limit, perMs, burst = limit }, fail) => {
    if (burst > limit) fail('burst', `must not be more than the limit, which is ${limit}`);
    if (burst * perMs > MOST_DROPS) fail('perMs', `must not be more than ${MOST_DROPS / burst}`);
  },
);

/** How many tokens may be taken at once. */
const burstOf = ({ limit, burst = limit }: RateLimiterSettings): number => burst;

/** What the bucket holds when it is full. */
const fullBucket = (options: RateLimiterSettings): number => burstOf(options) * options.perMs;

/** What the bucket holds now. */
function dropsIn({ options, drops, filledAt }: RateLimiterContext, now: number): number {
  return Math.min(fullBucket(options), drops + (now - filledAt) * options.limit);
}

/** What the bucket holds with other options: it lacks as many tokens as before, or all. */
function dropsAfter(context: RateLimiterContext, options: RateLimiterSettings): number {
  const before = context.options;
  const full = fullBucket(options);
  // Then the window alone is the limit, and it knows what was taken.
  if (burstOf(options) === options.limit) return full;
  const missing = fullBucket(before) - dropsIn(context, elapsed(context.watch));
  const scale = options.perMs / before.perMs;
  return Math.max(0, full - (scale === 1 ? missing : Math.ceil(missing * scale)));
}

/** When so many tokens can be had, on the stopwatch. */
export function tokensAt(context: RateLimiterContext, weight: number, now = elapsed(context.watch)): number {
  const { limit, perMs } = context.options;
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
  const { perMs } = context.options;
  const now = elapsed(context.watch);
  const drops = dropsIn(context, now) - weight * perMs;
  return { taken: counted(context.taken, now, perMs, weight), drops, filledAt: now };
}

function refusal(context: RateLimiterContext, ticket: string, weight: number, reason: RefusalReason) {
  // At least something: who comes too late for its patience may find a token at once.
  const retryAfterMs = Math.max(1, tokensAt(context, weight) - elapsed(context.watch));
  return { type: 'permit.refused', ticket, reason, retryAfterMs } as const;
}

/**
 * A rate limiter. `flowing` while nobody waits, `queueing` while somebody does, `paused` until a `Retry-After` is over: a
 * report with `retryAfterMs` pauses it, whatever its outcome.
 *
 * A token is taken when the call is granted, and comes back by time alone; `permit.cancel` gives it back, because no call
 * was made. Nobody overtakes: a request waits behind a heavier one.
 *
 * The options are those of new limiters; what `input` says goes before. One that exists keeps those that it has, also when
 * this is called with others after a deployment. Change them with `permit.configure`:
 *
 * - What was taken already counts against the new `limit`. A larger one lets those in who wait, as many as there is room
 *   for; with a smaller one nobody is let in until enough has left the window.
 * - A longer `perMs` remembers only what the shorter one did: the new limit holds for any stretch that begins afterwards.
 * - The bucket of a `burst` lacks as many tokens as before. Who waits for more than fits in it now is refused as `unfit`.
 * - A smaller `queue` sends nobody away: it takes nobody until there is room.
 * - `leaseMs` and `waitMs` are for permits that are granted, and requests that come, from then on. A pause stays.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function rateLimiter(options: RateLimiterOptions) {
  const configuring = new Configuring(RULES, options);

  return setup({
    types: {
      context: {} as RateLimiterContext,
      events: {} as PermitEvent | Resume | PermitConfigure<RateLimiterOptions> | PermitBegin,
      emitted: {} as PermitAnswer | PermitConfigured<RateLimiterSettings> | PermitMisconfigured,
      input: undefined as Changes<RateLimiterOptions> | undefined,
    },
    guards: {
      ...configuring.guards,
      isHeld: ({ context, event }) => 'ticket' in event && has(context.held, event.ticket),
      isWaiting: ({ context, event }) => 'ticket' in event && has(context.waiting, event.ticket),
      isUnfit: ({ context: { options }, event }) =>
        event.type === 'permit.request' && !isFit(event, burstOf(options)),
      hasTokens: ({ context, event }) =>
        event.type === 'permit.request' &&
        context.waiting.length === 0 &&
        hasTokens(context, weightOf(event)),
      mayWait: ({ context: { options, waiting }, event }) =>
        event.type === 'permit.request' &&
        waiting.length < options.queue &&
        (event.waitMs ?? options.waitMs) > 0,
      lengthensPause: ({ context, event }) =>
        event.type === 'permit.done' &&
        retryAfterOf(event) > 0 &&
        elapsed(context.watch) + retryAfterOf(event) > context.pausedUntil,
      isPaused: ({ context }) => elapsed(context.watch) < context.pausedUntil,
      pauseIsOver: ({ context }) => elapsed(context.watch) >= context.pausedUntil,
      nobodyWaits: ({ context }) => context.waiting.length === 0,
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
      /** For the first time: the bucket is full. */
      takeOptions: assign(({ context, event }) => {
        const settled = configuring.after({ context, event });
        return { options: settled, drops: fullBucket(settled), filledAt: elapsed(context.watch) };
      }),
      changeOptions: assign(({ context, event }) => {
        const settled = configuring.after({ context, event });
        const drops = dropsAfter(context, settled);
        return { options: settled, drops, filledAt: elapsed(context.watch) };
      }),
      keepNonsense: assign({
        options: ({ event }) => {
          assertEvent(event, 'permit.begin');
          return event.options as RateLimiterSettings;
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
        const most = burstOf(options);
        const tooHeavy = waiting.filter(({ weight }) => weight > most);
        for (const claim of tooHeavy) answer(enqueue, claim, unfit(claim.ticket));
        enqueue.assign({ waiting: waiting.filter(({ weight }) => weight <= most) });
      }),
      lookAtWatch: assign({ watch: ({ context }) => lookedAt(context.watch) }),
      grant: enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { leaseMs } = context.options;
        const now = elapsed(context.watch);
        const held = [...current(context.held, now), claimOf(event, now, leaseMs)].slice(-REMEMBERED);
        enqueue.assign({ ...taking(context, weightOf(event)), held });
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
          return renewed(held, event.ticket, elapsed(watch));
        },
      }),
      giveBack: assign(({ context, event }) => {
        assertEvent(event, 'permit.cancel');
        const claim = context.held.find(({ ticket }) => ticket === event.ticket);
        const waiting = without(context.waiting, event.ticket);
        if (claim === undefined) return { waiting };
        const now = elapsed(context.watch);
        const drops = dropsIn(context, now) + claim.weight * context.options.perMs;
        return {
          waiting,
          held: without(context.held, event.ticket),
          taken: uncounted(context.taken, claim.since, claim.weight),
          drops: Math.min(fullBucket(context.options), drops),
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
        const { leaseMs } = context.options;
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
          held.push(admitted(next, now, leaseMs));
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
    context: ({ input }) => ({
      options: configuring.atBirth(input),
      watch: startStopwatch(),
      taken: [],
      drops: 0,
      filledAt: 0,
      pausedUntil: 0,
      held: [],
      waiting: [],
    }),
    on: {
      'permit.request': [
        // What it has granted it grants again, also when there is less now than that takes.
        { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
        { guard: 'isWaiting', actions: ['lookAtWatch', 'keepPlace'] },
        { guard: 'isUnfit', actions: 'refuseUnfit' },
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
      'permit.configure': [
        ...CONFIGURE_FIRST,
        { guard: 'isPaused', target: '.paused', actions: CHANGE },
        { target: '.queueing', actions: CHANGE },
      ],
    },
    initial: 'beginning',
    states: {
      ...statesBefore('flowing'),
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
