/**
 * A circuit breaker: lets calls pass while the other side is well, none while it is not, and then a few to find out.
 *
 * Hosted by a system it is shared by everybody there: one caller's failures protect the others, and a crash does not forget
 * them. It owns the counts and the decision; it makes no calls. It speaks the protocol of `permit.ts`.
 */
import { assertEvent, assign, enqueueActions, sendTo, setup } from 'xstate';
import { claimOf, current, firstEnd, grantedAgain, has, leased, renewed, without } from './claim.ts';
import type { Claims } from './claim.ts';
import { CONFIGURE_FIRST, Configuring, refusedAsMisconfigured, statesBefore } from './configuring.ts';
import { OptionRules, whole } from '../options.ts';
import type { Changes, Settled } from '../options.ts';
import { answer, isFit, retryAfterOf } from './permit.ts';
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
import { counted, total, within } from './window.ts';
import type { Slices } from './window.ts';

export interface BreakerOptions {
  /** Opens when so many calls have failed during the last `withinMs`. This, `failureRatio`, or both must be given. */
  readonly failures?: number;
  /** Opens when this part of the calls during the last `withinMs` has failed: above 0, at most 1. */
  readonly failureRatio?: number;
  /** With fewer calls than this in the window there is no ratio. Default 10. */
  readonly minimumCalls?: number;
  /** The length of the window, in ms. */
  readonly withinMs: number;
  /** How long it stays open, in ms. */
  readonly coolDownMs: number;
  /** Each time a probe fails it stays open twice as long as before, up to this, in ms. Default: always `coolDownMs`. */
  readonly maxCoolDownMs?: number;
  /** How many calls it lets pass when it is half-open; when all of them succeed it closes. Default 1. */
  readonly probes?: number;
  /**
   * How long a call is known without a report, in ms. Choose it longer than the longest call, unless callers renew it
   * (`guarded` does). A probe that is lost counts as a failure, any other call as nothing. Default 60,000.
   */
  readonly leaseMs?: number;
  /** How many calls may be under way at once: each must be remembered. Default 1,000. */
  readonly capacity?: number;
  /** What is told to those who are refused while all probes are under way, or all is full. In ms, default 1,000. */
  readonly retryAfterMs?: number;
}

/** All of them, with their defaults; those that are not there have none. */
export type BreakerSettings = Settled<BreakerOptions, 'failures' | 'failureRatio' | 'maxCoolDownMs'>;

export interface BreakerContext {
  /** What it works by. All 0 before it has begun. */
  readonly options: BreakerSettings;
  readonly watch: Stopwatch;
  /** The calls that are under way and were granted since it was last opened, half-opened or closed. */
  readonly held: Claims;
  readonly calls: Slices;
  readonly failed: Slices;
  /** Probes that have succeeded. */
  readonly proven: number;
  readonly openUntil: number;
  /** How often in a row probes have failed. */
  readonly relapses: number;
  /** Why it is in its state, for people. */
  readonly reason: string;
}

/** Opens it by hand: for so long, or until it is reset. */
interface Trip {
  readonly type: 'breaker.trip';
  readonly reason: string;
  readonly forMs?: number | undefined;
}

/** Closes it by hand, and forgets what was counted. */
interface Reset {
  readonly type: 'breaker.reset';
  readonly reason: string;
}

export interface BreakerOpened {
  readonly type: 'breaker.opened';
  readonly reason: string;
  /** Infinity: until somebody resets it. */
  readonly forMs: number;
}

export interface BreakerClosed {
  readonly type: 'breaker.closed';
  readonly reason: string;
}

const RULES: OptionRules<BreakerOptions, BreakerSettings> = new OptionRules(
  'breaker',
  {
    failures: whole(1),
    failureRatio: {
      problem: (ratio) =>
        typeof ratio === 'number' && ratio > 0 && ratio <= 1 ? undefined : 'must be above 0 and at most 1',
    },
    minimumCalls: whole(1, { fallback: 10 }),
    withinMs: whole(1, { isRequired: true }),
    coolDownMs: whole(1, { isRequired: true }),
    maxCoolDownMs: whole(1),
    probes: whole(1, { fallback: 1 }),
    leaseMs: whole(1, { fallback: 60_000 }),
    capacity: whole(1, { fallback: 1000 }),
    retryAfterMs: whole(1, { fallback: 1000 }),
  },
  ({ failures, failureRatio, coolDownMs, maxCoolDownMs = coolDownMs }, fail) => {
    if (maxCoolDownMs < coolDownMs)
      fail('maxCoolDownMs', `must not be less than coolDownMs, which is ${coolDownMs}`);
    if (failures === undefined && failureRatio === undefined)
      fail('failures', 'must be given, or failureRatio');
  },
);

/** The counts after one more call. */
function recorded(
  { options: { failureRatio, withinMs }, watch, calls, failed }: BreakerContext,
  { failure }: { failure: boolean },
) {
  const now = elapsed(watch);
  return {
    // Nobody asks for the number of calls unless there is a ratio.
    calls: failureRatio === undefined ? calls : counted(calls, now, withinMs),
    failed: failure ? counted(failed, now, withinMs) : within(failed, now, withinMs),
  };
}

/** Why one more failure is too much; undefined when it is not. */
function verdict(context: BreakerContext): string | undefined {
  const { failures, failureRatio, minimumCalls, withinMs } = context.options;
  const { calls, failed } = recorded(context, { failure: true });
  const bad = total(failed);
  const all = total(calls);
  if (failures !== undefined && bad >= failures) return `${bad} failures within ${withinMs} ms`;
  if (failureRatio !== undefined && all >= minimumCalls && bad >= all * failureRatio) {
    return `${bad} failures in ${all} calls within ${withinMs} ms`;
  }
  return undefined;
}

/** Whether it waits for a report of this ticket: what comes after its lease does not count. */
function awaits({ watch, held }: BreakerContext, ticket: string): boolean {
  return has(current(held, elapsed(watch)), ticket);
}

/** What it remembers after any change of its state. */
const AFRESH = { held: [], calls: [], failed: [], proven: 0 };

function opened({ watch }: BreakerContext, reason: string, forMs: number) {
  return { ...AFRESH, reason, openUntil: elapsed(watch) + forMs };
}

/**
 * A circuit breaker: `closed` → `open` → `halfOpen` → `closed`, or `tripped` by hand until it is reset by hand. Emits
 * `breaker.opened` and `breaker.closed`.
 *
 * A failure with `retryAfterMs` opens it at once, or keeps it open, at least that long. What was granted before its state
 * changed is forgotten then: a late result cannot flip the new state, it can only keep an open breaker open for longer.
 *
 * The options are those of new breakers; what `input` says goes before. One that exists keeps those that it has, also when
 * this is called with others after a deployment. Change them with `permit.configure`:
 *
 * - What was counted is judged by the new numbers when the next failure is reported: it takes one to open. A longer
 *   `withinMs` remembers only what the shorter one did. Where there was no `failureRatio` before, the calls that went well
 *   were not counted, so all counts begin anew.
 * - A breaker that is open stays so for as long as it has said; `coolDownMs` and `maxCoolDownMs` are for the next time.
 * - More `probes` may pass at once. When as many as are wanted now have succeeded already, it closes at once.
 * - With a smaller `capacity` nobody is sent away. `leaseMs` is for calls that are granted from then on.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function breaker(options: BreakerOptions) {
  const configuring = new Configuring(RULES, options);

  return setup({
    types: {
      context: {} as BreakerContext,
      events: {} as PermitEvent | Trip | Reset | PermitConfigure<BreakerOptions> | PermitBegin,
      emitted: {} as
        | PermitAnswer
        | BreakerOpened
        | BreakerClosed
        | PermitConfigured<BreakerSettings>
        | PermitMisconfigured,
      input: undefined as Changes<BreakerOptions> | undefined,
    },
    guards: {
      ...configuring.guards,
      /** With the options that it is to have. */
      isProven: ({ context, event }) => context.proven >= configuring.after({ context, event }).probes,
      isHeld: ({ context, event }) => 'ticket' in event && awaits(context, event.ticket),
      isUnfit: ({ event }) => event.type === 'permit.request' && !isFit({ ...event, weight: 1 }, 1),
      isFull: ({ context: { options, watch, held } }) =>
        current(held, elapsed(watch)).length >= options.capacity,
      hasProbe: ({ context: { options, held, proven } }) => held.length + proven < options.probes,
      asksToWait: ({ context, event }) =>
        event.type === 'permit.done' &&
        event.outcome === 'failure' &&
        awaits(context, event.ticket) &&
        retryAfterOf(event) > 0,
      asksToWaitLonger: ({ context: { watch, openUntil }, event }) =>
        event.type === 'permit.done' &&
        event.outcome === 'failure' &&
        retryAfterOf(event) > 0 &&
        elapsed(watch) + retryAfterOf(event) > openUntil,
      isTooMuch: ({ context, event }) =>
        event.type === 'permit.done' &&
        event.outcome === 'failure' &&
        awaits(context, event.ticket) &&
        verdict(context) !== undefined,
      hasFailed: ({ context, event }) =>
        event.type === 'permit.done' && event.outcome === 'failure' && awaits(context, event.ticket),
      isLastProof: ({ context, event }) =>
        event.type === 'permit.done' &&
        event.outcome === 'success' &&
        awaits(context, event.ticket) &&
        context.proven + 1 >= context.options.probes,
      hasCooledDown: ({ context: { watch, openUntil } }) => elapsed(watch) >= openUntil,
      isProbeLost: ({ context: { watch, held } }) => leased(held, elapsed(watch)).length < held.length,
      isForAWhile: ({ event }) => event.type === 'breaker.trip' && Number.isFinite(event.forMs),
      noProbeIsOut: ({ context }) => context.held.length === 0,
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
      changeOptions: assign(({ context, event }) => {
        const settled = configuring.after({ context, event });
        const isFirstRatio = context.options.failureRatio === undefined && settled.failureRatio !== undefined;
        return { options: settled, ...(isFirstRatio && { calls: [], failed: [] }) };
      }),
      keepNonsense: assign({
        options: ({ event }) => {
          assertEvent(event, 'permit.begin');
          return event.options as BreakerSettings;
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
      lookAtWatch: assign({ watch: ({ context }) => lookedAt(context.watch) }),
      grant: enqueueActions(({ context: { options, watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { leaseMs } = options;
        const now = elapsed(watch);
        // Who has been silent for a lease is forgotten when there is somebody new.
        enqueue.assign({ held: [...current(held, now), claimOf(event, now, leaseMs)] });
        answer(enqueue, event, { type: 'permit.granted', ticket: event.ticket, leaseMs });
      }),
      grantAgain: enqueueActions(({ context: { options, watch, held }, event, enqueue }) => {
        assertEvent(event, 'permit.request');
        const { leaseMs } = options;
        enqueue.assign({ held: grantedAgain(held, event, elapsed(watch), leaseMs) });
        answer(enqueue, event, { type: 'permit.granted', ticket: event.ticket, leaseMs });
      }),
      refuse: enqueueActions(({ context, event, enqueue }, params: RefusalParams) => {
        assertEvent(event, 'permit.request');
        const { options, watch, openUntil } = context;
        const { retryAfterMs, coolDownMs } = options;
        const { ticket } = event;
        const { reason } = params;
        const waits = { unfit: Infinity, full: retryAfterMs, probing: retryAfterMs, tripped: coolDownMs };
        const refusal = {
          type: 'permit.refused',
          ticket,
          reason: reason === 'tripped' ? 'open' : reason,
          retryAfterMs: reason === 'open' ? Math.max(1, openUntil - elapsed(watch)) : waits[reason],
        } as const;
        answer(enqueue, event, refusal);
      }),
      release: assign({
        held: ({ context, event }) =>
          'ticket' in event ? without(context.held, event.ticket) : context.held,
      }),
      renew: assign({
        held: ({ context: { watch, held }, event }) =>
          'ticket' in event ? renewed(held, event.ticket, elapsed(watch)) : held,
      }),
      record: assign(({ context, event }) => {
        assertEvent(event, 'permit.done');
        if (event.outcome === 'ignored') return {};
        return recorded(context, { failure: event.outcome === 'failure' });
      }),
      prove: assign({
        proven: ({ context, event }) => {
          assertEvent(event, 'permit.done');
          return event.outcome === 'success' ? context.proven + 1 : context.proven;
        },
      }),
      /** Starts the leases of probes anew, when the timer was late; see `leased`. */
      renewProbes: assign({
        held: ({ context: { watch, held } }) => leased(held, elapsed(watch)),
      }),
      openByFailures: enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'permit.done');
        const asked = retryAfterOf(event);
        const tooMuch = verdict(context);
        const forMs = tooMuch === undefined ? asked : Math.max(asked, context.options.coolDownMs);
        const reason = tooMuch ?? `it asked to be left alone for ${asked} ms`;
        enqueue.assign({ ...opened(context, reason, forMs), relapses: 0 });
        enqueue.emit({ type: 'breaker.opened', reason, forMs });
      }),
      openAgain: enqueueActions(({ context, event, enqueue }) => {
        const asked = event.type === 'permit.done' ? retryAfterOf(event) : 0;
        const reason = event.type === 'permit.done' ? 'a probe has failed' : 'a probe was lost';
        const relapses = context.relapses + 1;
        const { coolDownMs, maxCoolDownMs = coolDownMs } = context.options;
        // 2 ** 1024 is Infinity, and the least of it and the maximum is what is meant.
        const forMs = Math.max(asked, Math.min(coolDownMs * 2 ** relapses, maxCoolDownMs));
        enqueue.assign({ ...opened(context, reason, forMs), relapses });
        enqueue.emit({ type: 'breaker.opened', reason, forMs });
      }),
      openForAWhile: enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'breaker.trip');
        // It may be open already, and for longer.
        const forMs = Math.max(event.forMs ?? 0, context.openUntil - elapsed(context.watch), 0);
        enqueue.assign({ ...opened(context, event.reason, forMs), relapses: 0 });
        enqueue.emit({ type: 'breaker.opened', reason: event.reason, forMs });
      }),
      stayOpen: enqueueActions(({ context: { watch }, event, enqueue }) => {
        assertEvent(event, 'permit.done');
        const forMs = retryAfterOf(event);
        const reason = `it asked to be left alone for ${forMs} ms`;
        enqueue.assign({ openUntil: elapsed(watch) + forMs, reason });
        enqueue.emit({ type: 'breaker.opened', reason, forMs });
      }),
      halfOpen: assign({ reason: 'it has cooled down' }),
      trip: enqueueActions(({ event, enqueue }) => {
        assertEvent(event, 'breaker.trip');
        enqueue.assign({ ...AFRESH, reason: event.reason });
        enqueue.emit({ type: 'breaker.opened', reason: event.reason, forMs: Infinity });
      }),
      close: enqueueActions(({ event, enqueue }) => {
        const reason = event.type === 'breaker.reset' ? event.reason : 'its probes have succeeded';
        enqueue.assign({ ...AFRESH, reason });
        enqueue.emit({ type: 'breaker.closed', reason });
      }),
    },
    delays: {
      coolDown: ({ context: { watch, openUntil } }) => delayUntil(watch, openUntil),
      probeLease: ({ context: { watch, held } }) => delayUntil(watch, firstEnd(held)),
    },
  }).createMachine({
    id: 'breaker',
    context: ({ input }) => ({
      ...AFRESH,
      options: configuring.atBirth(input),
      watch: startStopwatch(),
      openUntil: 0,
      relapses: 0,
      reason: 'it is new',
    }),
    on: {
      'permit.renew': { guard: 'isHeld', actions: ['lookAtWatch', 'renew'] },
      'breaker.trip': [
        { guard: 'isForAWhile', target: '.open', actions: ['lookAtWatch', 'openForAWhile'] },
        { target: '.tripped', actions: ['lookAtWatch', 'trip'] },
      ],
      'breaker.reset': { target: '.closed', actions: ['lookAtWatch', 'close'] },
      'permit.configure': [...CONFIGURE_FIRST, { actions: ['confirmOptions', 'changeOptions'] }],
    },
    initial: 'beginning',
    states: {
      ...statesBefore('closed'),
      closed: {
        on: {
          'permit.request': [
            { guard: 'isUnfit', actions: { type: 'refuse', params: { reason: 'unfit' } } },
            { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
            { guard: 'isFull', actions: { type: 'refuse', params: { reason: 'full' } } },
            { actions: ['lookAtWatch', 'grant'] },
          ],
          'permit.done': [
            { guard: 'asksToWait', target: 'open', actions: ['lookAtWatch', 'openByFailures'] },
            { guard: 'isTooMuch', target: 'open', actions: ['lookAtWatch', 'openByFailures'] },
            { guard: 'isHeld', actions: ['lookAtWatch', 'record', 'release'] },
          ],
          'permit.cancel': { guard: 'isHeld', actions: ['lookAtWatch', 'release'] },
        },
      },
      open: {
        on: {
          'permit.request': [
            { guard: 'isUnfit', actions: { type: 'refuse', params: { reason: 'unfit' } } },
            // Its timer may be late; who asks need not wait for it.
            {
              guard: 'hasCooledDown',
              target: 'halfOpen.probing',
              actions: ['lookAtWatch', 'halfOpen', 'grant'],
            },
            { actions: ['lookAtWatch', { type: 'refuse', params: { reason: 'open' } }] },
          ],
          'permit.done': {
            guard: 'asksToWaitLonger',
            target: 'open',
            reenter: true,
            actions: ['lookAtWatch', 'stayOpen'],
          },
        },
        after: {
          coolDown: [
            { guard: 'hasCooledDown', target: 'halfOpen', actions: ['lookAtWatch', 'halfOpen'] },
            { target: 'open', reenter: true, actions: 'lookAtWatch' },
          ],
        },
      },
      halfOpen: {
        initial: 'ready',
        on: {
          'permit.request': [
            { guard: 'isUnfit', actions: { type: 'refuse', params: { reason: 'unfit' } } },
            { guard: 'isHeld', actions: ['lookAtWatch', 'grantAgain'] },
            { guard: 'hasProbe', target: '.probing', actions: ['lookAtWatch', 'grant'] },
            { actions: ['lookAtWatch', { type: 'refuse', params: { reason: 'probing' } }] },
          ],
          'permit.done': [
            { guard: 'hasFailed', target: 'open', actions: ['lookAtWatch', 'openAgain'] },
            { guard: 'isLastProof', target: 'closed', actions: ['lookAtWatch', 'close'] },
            { guard: 'isHeld', actions: ['lookAtWatch', 'release', 'prove'] },
          ],
          'permit.cancel': { guard: 'isHeld', actions: ['lookAtWatch', 'release'] },
          'permit.configure': [
            ...CONFIGURE_FIRST,
            {
              guard: 'isProven',
              target: 'closed',
              actions: ['confirmOptions', 'changeOptions', 'lookAtWatch', 'close'],
            },
            { actions: ['confirmOptions', 'changeOptions'] },
          ],
        },
        states: {
          /** Waits for somebody to ask. */
          ready: {},
          probing: {
            always: { guard: 'noProbeIsOut', target: 'ready' },
            after: {
              probeLease: [
                { guard: 'isProbeLost', target: '#breaker.open', actions: ['lookAtWatch', 'openAgain'] },
                { target: 'probing', reenter: true, actions: ['lookAtWatch', 'renewProbes'] },
              ],
            },
          },
        },
      },
      tripped: {
        on: {
          'permit.request': [
            { guard: 'isUnfit', actions: { type: 'refuse', params: { reason: 'unfit' } } },
            { actions: { type: 'refuse', params: { reason: 'tripped' } } },
          ],
          // Who trips it for a while does not take back that somebody else has tripped it for good.
          'breaker.trip': { actions: 'trip' },
        },
      },
    },
  });
}

interface RefusalParams {
  readonly reason: 'unfit' | 'full' | 'open' | 'probing' | 'tripped';
}
