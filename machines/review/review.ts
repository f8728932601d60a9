/**
 * A review: the point where work waits until people have decided about it. A durable statechart, which costs its state while it
 * waits, and outlives restarts and releases.
 *
 *     open ──► approved    so many different people have approved what it is now
 *          ──► rejected    one has rejected it, with a reason
 *          ──► aborted     it is not wanted any more, with a reason
 *          ──► expired     nobody decided in time. Time never approves
 *
 * It decides nothing about permissions: what the decider has said comes with each message (review-events.ts). It owns what was
 * decided and what follows from it (review-rules.ts), and what happens while nobody decides (its ladder). The last message's
 * answer is in its context.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { Json } from '../values/canonical.ts';
import type {
  RefusedFor,
  ReviewAnswer,
  ReviewEvent,
  ReviewNews,
  ReviewRelease,
  ReviewVerdict,
} from './events.ts';
import { requestOf } from './request.ts';
import { checkReviewInput, endedAt, stepsOf } from './input.ts';
import type { OwnRuns, ReviewInput, Step } from './input.ts';
import { hashShown, isOpen, ruleOn } from './rules.ts';
import type {
  Approval,
  Comment,
  Delegation,
  Ending,
  MadeEdit,
  Question,
  ReviewFile,
  Ruling,
  VoidApproval,
} from './rules.ts';
import { timing } from './timing.ts';
import type { WorkingCalendar } from '../working-time/calendar.ts';
import { delayUntil, elapsed, lookedAt, startStopwatch } from '../permits/stopwatch.ts';
import type { Stopwatch } from '../permits/stopwatch.ts';

export interface ReviewContext extends ReviewFile {
  readonly initiator: string | undefined;
  /** Whether whoever has started the run may decide it. */
  readonly ownRuns: OwnRuns;
  readonly about: Readonly<Record<string, Json>>;
  readonly probe: boolean;
  readonly openedAt: number;
  /** Since it was opened. */
  readonly watch: Stopwatch;
  readonly steps: readonly Step[];
  /** In whose working time they are counted; undefined: as the clock goes. */
  readonly calendar?: WorkingCalendar;
  /** The same in working time, until it is known when that is; there are no steps before. */
  readonly untimed?: readonly Step[] | undefined;
  /** When it ends at most, whatever the calendar says. */
  readonly atMostMs?: number;
  /** How many of them are behind it. */
  readonly climbed: number;
  /** Whether it was escalated, or its time is over. */
  readonly isOverdue: boolean;
  /** To the last message. */
  readonly answer: ReviewAnswer | undefined;
}

/** What whoever has asked for it gets. */
export interface ReviewOutput {
  readonly verdict: ReviewVerdict;
  /** What was approved, as edited. Not there unless it was approved. */
  readonly output?: Json;
  readonly original: Json;
  /** Of what it was in the end. */
  readonly hash: string;
  /** It was wrong on purpose. */
  readonly probe?: true;
  /** Who has ended it, and why, unless it was approved. */
  readonly by?: string;
  readonly reason?: string;
  readonly at: number;
  /** How long whoever has ended it had claimed it, unless it was approved: see the approvals. */
  readonly heldMs?: number;
  readonly approvals: readonly Approval[];
  readonly voided: readonly VoidApproval[];
  readonly edits: readonly MadeEdit[];
  readonly comments: readonly Comment[];
  readonly questions: readonly Question[];
  readonly delegations: readonly Delegation[];
}

/** Found in the configuration of a machine however it is provided for, so that reviews are told from other machines. */
const MARK = 'heddle.review';

const machine = setup({
  types: {
    context: {} as ReviewContext,
    events: {} as ReviewEvent | ReviewRelease,
    emitted: {} as ReviewNews,
    input: {} as ReviewInput,
    output: {} as ReviewOutput,
    meta: {} as { readonly is: typeof MARK },
  },
  actors: { timing },
  guards: {
    isRefused: ({ context, event }) => !rulingOn(context, saidIn(event), Date.now()).isTaken,
    isApproved: ({ context, event }) => verdictOf(context, saidIn(event)) === 'approved',
    isWithThem: ({ context, event }) => event.type === 'review.release' && context.claim?.by === event.from,
    isClaimed: ({ context }) => context.claim !== undefined,
    isUnclaimed: ({ context }) => context.claim === undefined,
    isAsked: ({ context }) => context.questions.some(isOpen),
    isAnswered: ({ context }) => !context.questions.some(isOpen),
    isOverdue: ({ context }) => context.isOverdue,
    isUntimed: ({ context }) => context.untimed !== undefined,
    isAtTheTop: ({ context: { climbed, steps } }) => climbed === steps.length,
    /** A long delay is taken in parts; and the clock may have been set. */
    isTooEarly: ({ context }) => elapsed(context.watch) < nextStep(context).afterMs,
    isExpired: ({ context }) => nextStep(context).act === 'refuse',
  },
  actions: {
    announce: enqueueActions(({ context: { title, roles }, enqueue }) =>
      enqueue.emit({ type: 'review.opened', title, roles }),
    ),
    take: enqueueActions(({ context, event: told, enqueue }) => {
      const at = Date.now();
      const event = saidIn(told);
      const ruling = rulingOn(context, event, at);
      // It was ruled on before: nobody comes here with one that is refused.
      if (!ruling.isTaken) return;
      const { type, by, ask } = event;
      const { hash = context.hash } = ruling.changes;
      const request = requestOf(event);
      const answer: ReviewAnswer = { ask, request, type, by, at, isTaken: true, hash };
      enqueue.assign({ ...ruling.changes, answer, watch: lookedAt(context.watch) });
      enqueue.emit({ type: 'review.taken', what: type, by });
    }),
    refuse: enqueueActions(({ context, event: told, enqueue }) => {
      const at = Date.now();
      const event = saidIn(told);
      const ruling = rulingOn(context, event, at);
      const { reason, detail, problems } = ruling.isTaken ? TOO_SOON : ruling;
      const { type } = event;
      // In what is malformed they may be anything.
      const by = typeof event.by === 'string' ? event.by : '';
      const ask = typeof event.ask === 'string' ? event.ask : undefined;
      const { hash, watch } = context;
      const refusal = { isTaken: false, reason, detail, ...(problems && { problems }) } as const;
      const request = requestOf(event);
      const answer: ReviewAnswer = { ask, request, type, by, at, ...refusal, hash };
      enqueue.assign({ answer, watch: lookedAt(watch) });
      enqueue.emit({ type: 'review.refused', what: type, by, reason });
    }),
    release: enqueueActions(({ context: { roles, watch }, event, enqueue }) => {
      if (event.type !== 'review.release') return;
      const { from, to } = event;
      enqueue.assign({ claim: undefined, watch: lookedAt(watch) });
      enqueue.emit({ type: 'review.released', from, ...(to !== undefined && { to }), roles });
    }),
    look: assign({ watch: ({ context }) => lookedAt(context.watch) }),
    climb: enqueueActions(({ context, enqueue }) => {
      const step = nextStep(context);
      enqueue.assign({ climbed: context.climbed + 1, watch: lookedAt(context.watch) });
      const { roles, claim } = context;
      if (step.act === 'remind')
        enqueue.emit({ type: 'review.reminded', roles, ...(claim && { claimedBy: claim.by }) });
      if (step.act === 'stay') {
        enqueue.assign({ isOverdue: true });
        enqueue.emit({ type: 'review.overdue', roles });
      }
      if (step.act === 'escalate') {
        const widened = roles.includes(step.to) ? roles : [...roles, step.to];
        // Whoever had it has not decided: the others need not wait for them.
        enqueue.assign({ isOverdue: true, roles: widened, claim: undefined });
        enqueue.emit({ type: 'review.escalated', to: step.to, roles: widened });
      }
    }),
    expire: assign({ ending: (): Ending => ({ verdict: 'expired', at: Date.now() }) }),
    tellVerdict: enqueueActions(({ context: { ending }, enqueue }) => {
      if (ending !== undefined) enqueue.emit({ type: 'review.decided', verdict: ending.verdict });
    }),
  },
  delays: {
    nextStep: ({ context }) => delayUntil(context.watch, nextStep(context).afterMs),
  },
}).createMachine({
  id: 'review',
  meta: { is: MARK },
  context: ({ input }) => contextAtBirth(input),
  output: ({ context }) => outputOf(context),
  initial: 'open',
  states: {
    open: {
      type: 'parallel',
      entry: 'announce',
      on: {
        'review.show': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.claim': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.unclaim': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.delegate': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.request-info': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.supply-info': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.comment': [{ guard: 'isRefused', actions: 'refuse' }, { actions: 'take' }],
        'review.approve': [
          { guard: 'isRefused', actions: 'refuse' },
          { guard: 'isApproved', target: 'approved', actions: 'take' },
          { actions: 'take' },
        ],
        'review.edit': [
          { guard: 'isRefused', actions: 'refuse' },
          { guard: 'isApproved', target: 'approved', actions: 'take' },
          { actions: 'take' },
        ],
        'review.reject': [
          { guard: 'isRefused', actions: 'refuse' },
          { target: 'rejected', actions: 'take' },
        ],
        'review.abort': [
          { guard: 'isRefused', actions: 'refuse' },
          { target: 'aborted', actions: 'take' },
        ],
        'review.release': { guard: 'isWithThem', actions: 'release' },
      },
      // So that they are found by it.
      states: {
        desk: {
          initial: 'unclaimed',
          states: {
            unclaimed: { always: { guard: 'isClaimed', target: 'claimed' } },
            claimed: { always: { guard: 'isUnclaimed', target: 'unclaimed' } },
          },
        },
        information: {
          initial: 'complete',
          states: {
            complete: { always: { guard: 'isAsked', target: 'requested' } },
            requested: { always: { guard: 'isAnswered', target: 'complete' } },
          },
        },
        patience: {
          initial: 'inTime',
          states: {
            inTime: { always: { guard: 'isOverdue', target: 'overdue' } },
            overdue: {},
          },
        },
        ladder: {
          initial: 'looking',
          states: {
            looking: {
              always: [
                { guard: 'isUntimed', target: 'timing' },
                { guard: 'isAtTheTop', target: 'top' },
                { target: 'waiting' },
              ],
            },
            timing: {
              invoke: {
                src: 'timing',
                id: 'timing',
                input: ({ context: { calendar, openedAt, untimed, atMostMs } }) => ({
                  // Only asked for where there are both.
                  ...{ calendar: calendar!, steps: untimed! },
                  ...{ openedAt, atMostMs },
                }),
                onDone: {
                  target: 'looking',
                  actions: assign({ steps: ({ event }) => event.output, untimed: undefined }),
                },
              },
            },
            waiting: {
              after: {
                nextStep: [
                  { guard: 'isTooEarly', target: 'looking', actions: 'look' },
                  { guard: 'isExpired', target: '#review.expired', actions: 'expire' },
                  { target: 'looking', actions: 'climb' },
                ],
              },
            },
            top: {},
          },
        },
      },
    },
    approved: { type: 'final', entry: 'tellVerdict' },
    rejected: { type: 'final', entry: 'tellVerdict' },
    aborted: { type: 'final', entry: 'tellVerdict' },
    expired: { type: 'final', entry: 'tellVerdict' },
  },
});

export type ReviewMachine = typeof machine;

/** The review: spawn or invoke it, with a {@link ReviewInput}. */
export const review: ReviewMachine = machine;

/** Whether some logic is that of a review, whatever was provided for it. */
export function isReview(logic: unknown): boolean {
  const { config } = (logic ?? {}) as { readonly config?: { readonly meta?: { readonly is?: unknown } } };
  return config?.meta?.is === MARK;
}

function contextAtBirth(input: ReviewInput): ReviewContext {
  checkReviewInput(input);
  const { title, proposal, editable = false, schema, roles, quorum = 1, initiator } = input;
  const { ownRuns = 'refuse', atMostMs } = input;
  const { fourEyes = [], ownEdits = 'count', dwellMs = 0, probe = false, about = {}, calendar } = input;
  const steps = stepsOf(input);
  return {
    ...{ title, original: proposal, content: proposal, hash: hashShown(title, proposal), schema },
    editable: editable === false ? [] : editable,
    ...{ roles, quorum, initiator, ownRuns, ownEdits, dwellMs, probe, about, shown: [] },
    fourEyes: initiator === undefined ? fourEyes : [...new Set([initiator, ...fourEyes])],
    ...{ claim: undefined, ending: undefined, answer: undefined },
    ...{ delegations: [], questions: [], comments: [], approvals: [], voided: [], edits: [] },
    ...{ openedAt: Date.now(), watch: startStopwatch(), climbed: 0, isOverdue: false },
    ...(atMostMs !== undefined && { atMostMs }),
    ...(calendar === undefined
      ? { steps: endedAt(steps, atMostMs) }
      : { steps: [], calendar, untimed: steps }),
  };
}

/** Where no system holds the clock still during a step, it may go on between a guard that refuses and the answer. */
const TOO_SOON: RefusedFor = { reason: 'too-soon', detail: 'it must be shown to them for a moment more' };

/** Its time may be over before it has been told so: nobody was there at the time, or it was paused. */
const TIME_IS_OVER: Ruling = { isTaken: false, reason: 'decided', detail: 'its time is over' };
const DECISIONS: ReadonlySet<string> = new Set(['review.approve', 'review.edit', 'review.reject']);

function rulingOn(context: ReviewContext, event: ReviewEvent, at: number): Ruling {
  const ruling = ruleOn(context, event, at);
  const last = context.steps.at(-1);
  const isOver = last?.act === 'refuse' && elapsed(context.watch) >= last.afterMs;
  return ruling.isTaken && isOver && DECISIONS.has(event.type) ? TIME_IS_OVER : ruling;
}

/** Only asked for what people say. */
const saidIn = (event: ReviewEvent | ReviewRelease): ReviewEvent => event as ReviewEvent;

function verdictOf(context: ReviewContext, event: ReviewEvent): ReviewVerdict | undefined {
  const ruling = rulingOn(context, event, Date.now());
  return ruling.isTaken ? ruling.changes.ending?.verdict : undefined;
}

/** Only asked for when there is one. */
const nextStep = ({ steps, climbed }: ReviewContext): Step => steps[climbed]!;

function outputOf(context: ReviewContext): ReviewOutput {
  const { ending, content, original, hash } = context;
  const { approvals, voided, edits, comments, questions, delegations } = context;
  const { verdict, at, by, reason, heldMs } = ending!;
  return {
    verdict,
    ...(verdict === 'approved' && { output: content }),
    ...(context.probe && { probe: true as const }),
    ...{ original, hash, at },
    ...(heldMs !== undefined && { heldMs }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...{ approvals, voided, edits, comments, questions, delegations },
  };
}
