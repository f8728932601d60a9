/**
 * A task: one piece of work for an agent, until it is done or nobody can do it. The task is the one who decides: who is asked, what it
 * may cost, how long it may take, whether the answer is good enough, and what is done when it is not. Agents do, and report.
 *
 *     consulting ─→ paying ─→ asking ─→ weighing ─→ verifying ─→ done
 *         ↑   ╲        ↑ ╲       ╲         │            │
 *         │    ╲       │  ╲       ╲        ↓            ↓
 *         │     ╰──────┼───╰───────╰──→ deciding ←──────╯ ─→ failed
 *         │            │                 │ │ │
 *         ├─ sleeping ←┼─────── wait ────╯ │ ├──→ reviewing: a person decides
 *         │            ╰─ delaying ← retry ╯ ╰──→ parked:    until somebody lets it go on
 *         ╰────────────────── other agent
 *
 * Where the agent is a person, `serving` comes before `asking`: a review in which they supply the output. It is then looked at like
 * any other answer. While all who could do it are halted it is `halted`, and asks again when that is lifted; where a call must be approved
 * first it is `clearing`, and asks again when it is. Where others must confirm the answer it is `polling`, once nothing else is wrong
 * with it, and then `verifying` again. What was answered is kept by whoever has asked for it; a
 * default is kept before the task is done: `keeping`. Where its strategy may take what was answered before to the same, that is looked for
 * when nobody can answer (`recalling`), and a good answer is kept for it before the task is done (`remembering`).
 *
 * Money is reserved before every attempt, and settled after it: what it has cost, or that nobody knows. When it is not wanted any
 * more it gives back what it holds, and ends as `cancelled`.
 *
 * What it asks is bound by name: see `words.ts`. It runs nothing itself, and knows no clock but that of its steps.
 */
import { and, assign, enqueueActions, sendTo, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyEventObject, DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { BudgetAnswer } from '../budget/words.ts';
import type { ReviewOutput } from '../review/review.ts';
import { isOrder, isTold } from '../workflow/events.ts';
import type { TaskCancel, TaskOrder, TaskStands } from '../workflow/events.ts';
import { startHere } from '../here.ts';
import { nameOf } from '../workflow/graph.ts';
import { crashBy } from '../faults/crash.ts';
import type { Move } from '../faults/next-move.ts';
import { recalls } from '../faults/strategy.ts';
import { tellStanding } from '../workflow/standings.ts';
import type { Standing } from '../workflow/standings.ts';
import { answerOfError } from './broken.ts';
import { givenUp } from './given-up.ts';
import {
  ACCOUNT_PATIENCE_MS,
  allowanceOf,
  billOf,
  isFree,
  isTooDear,
  reservationOf,
  returnOf,
  withMoney,
  withoutAllowance,
  withoutMoney,
} from './paying.ts';
import {
  abandoned,
  advised,
  answered,
  askingOf,
  beginning,
  begun,
  decided,
  isHalted,
  isReplaced,
  isTooLate,
  late,
  mayRecall,
  outcomeOf,
  placed,
  recalled,
  remembranceOf,
  resumed,
  signed,
  ticketOf,
  timeLeft,
  tooLate,
  unwanted,
  verified,
} from './progress.ts';
import type { TaskContext } from './progress.ts';
import { reports, shadowAnswers, shadowAsks } from './reporting.ts';
import type { Told } from './reporting.ts';
import { afterReview, deciderOf, reviewOf } from './reviewing.ts';
import { jobOf, suppliedBy } from './serving.ts';
import { afterClearance, clearanceOf, isCleared, noticesOf } from './terms.ts';
import type { CallNotice } from './terms.ts';
import { awaiting, choiceOf, polled, pollOf, specOfVoters, verificationOf } from './votes.ts';
import type { Poll, Polled, TaskStart } from './votes.ts';
import { pollMachine } from './voting.ts';
import type {
  Advice,
  Answer,
  Asking,
  Consultation,
  PartsNews,
  Recall,
  Recalled,
  Remembrance,
  TaskPermission,
  TaskSpec,
  Unanswered,
  Verification,
  Verified,
} from './words.ts';

/** Those whom a task asks. */
export interface TaskActors {
  /** Takes a {@link Consultation}, gives an {@link Advice}. */
  readonly consult: AnyActorLogic;
  /** Takes an {@link Asking}, gives an {@link Answer}. */
  readonly ask: AnyActorLogic;
  /** Takes a {@link Verification}, gives a {@link Verified}. */
  readonly verify: AnyActorLogic;
  /** Takes a review's input, gives its output. */
  readonly review: AnyActorLogic;
  /** Takes an {@link Unanswered}, and keeps it. What comes of that changes nothing. */
  readonly keep: AnyActorLogic;
  /** Takes a {@link Remembrance}, and keeps it. What comes of that changes nothing. */
  readonly remember: AnyActorLogic;
  /** Takes a {@link Recall}, gives a {@link Recalled}. */
  readonly recall: AnyActorLogic;
}

type TaskEvent = TaskCancel | TaskOrder | TaskStands | TaskPermission | BudgetAnswer | PartsNews;

/** What it knows when it asks. XState cannot tell where the logic that is asked may be any. */
interface Known {
  readonly context: TaskContext;
  readonly self: AnyActorRef;
}

/** What ends a wait for better times. */
const ORDERS = {
  'task.resume': { guard: 'may be about it', target: 'consulting', actions: 'goOn' },
  'task.abandon': { guard: 'may be about it', target: 'failed', actions: 'abandon' },
  'task.cancel': { target: 'cancelled' },
} as const;

/** An action, or a guard, that is given what somebody who was asked has answered. */
const given =
  <TAnswer>(read: (output: unknown) => TAnswer) =>
  <TType extends string>(type: TType) =>
    ({
      type,
      params: ({ event }: { readonly event: DoneActorEvent }) => ({ answer: read(event.output) }),
    }) as const;
const ofAdviser = given((output) => output as Advice);
const ofAgent = given((output) => output as Answer);
const ofPerson = given((output) => output as ReviewOutput);
const ofMemory = given((output) => output as Recalled);
const ofVerifier = given((output) => output as Verified);

/** An action that is given why somebody who was asked has not answered. */
const failing = <TType extends string>(type: TType) =>
  ({
    type,
    params: ({ event }: { readonly event: ErrorActorEvent }) => ({ error: event.error }),
  }) as const;

/** What whoever was consulted says. */
const ADVISED = {
  onDone: [
    { guard: ofAdviser('waits for a halt'), target: 'halted', actions: ofAdviser('advise') },
    { guard: ofAdviser('has nobody'), target: 'deciding', actions: ofAdviser('advise') },
    { guard: ofAdviser('must be cleared'), target: 'clearing', actions: [ofAdviser('advise'), 'tellChoice'] },
    { target: 'paying', actions: [ofAdviser('advise'), 'notify', 'tellChoice'] },
  ],
  onError: { target: 'deciding', actions: failing('findNobody') },
} as const;

/** There is nobody who could decide. */
const UNDECIDED = { target: 'failed', actions: failing('crash') } as const;

/** Of a task that nobody is to confirm. */
const NO_POLL: AnyActorLogic = setup({}).createMachine({});

/** Says how it stands to whoever asked for it. */
const tell = <TStanding extends Standing>(standing: TStanding) =>
  ({ type: 'tell', params: { standing } }) as const;

/** @param asActor what those who are to confirm its answers are hosted as */
export function taskMachine(
  spec: TaskSpec,
  actors: TaskActors,
  asActor: (logic: AnyActorLogic) => AnyActorLogic = (logic) => logic,
) {
  /** Where a good answer leads. */
  const taken = recalls(spec.strategy) && mayRecall(spec) ? 'remembering' : 'done';
  return setup({
    types: {
      context: {} as TaskContext,
      events: {} as TaskEvent,
      emitted: {} as CallNotice,
      input: {} as TaskStart,
    },
    actors: { ...actors, poll: pollOfTask(spec, actors, asActor) },
    guards: {
      'has no money': ({ context }) => context.ticket === undefined,
      'is too late': ({ context }) => isTooLate(context, Date.now()),
      'is too dear': ({ context }) => isTooDear(context, spec),
      'a person does it': ({ context: { advice } }) => advice!.person !== undefined,
      'ends the run': (_, { answer }: { readonly answer: ReviewOutput }) => answer.verdict === 'aborted',
      'is its money': ({ context, event }) => 'ticket' in event && event.ticket === context.ticket,
      'is good': ({ context: { fault } }, _spec: object) => fault === undefined,
      'is to be verified': ({ context: { fault, ground } }) =>
        spec.verifies && fault === undefined && (ground === 'good' || ground === 'repaired'),
      'may be about it': ({ context: { start }, event }) =>
        isOrder(event) && (event.task === nameOf(start) || event.task === start.task),
      'may go on as it is': ({ context: { start }, event }) =>
        event.type === 'task.resume' && event.input === undefined && isTold(event.task, nameOf(start)),
      'has nobody to ask again': ({ context: { move, advice } }) =>
        move?.do === 'retry' && advice === undefined,
      does: ({ context: { move } }, { deed }: { readonly deed: string }) => move?.do === deed,
      'has an output': ({ context: { ground, fault } }) => ground !== undefined && fault === undefined,
      'a person can decide': ({ context }) => deciderOf(context, spec) !== undefined,
      // A voter makes room for another one.
      'was halted': ({ context }) => isHalted(context) && context.start.seat === undefined,
      'was replaced': ({ context }) => isReplaced(context),
      'waits for a halt': (_, { answer }: { readonly answer: Advice }) =>
        answer.fault !== undefined && answer.halts !== undefined,
      'has nobody': (_, { answer }: { readonly answer: Advice }) => answer.fault !== undefined,
      'must be cleared': ({ context: { cleared } }, { answer }: { readonly answer: Advice }) =>
        answer.fault === undefined && !isCleared(answer, cleared),
      'goes on': ({ context: { outcome, ground } }) => outcome === undefined && ground === undefined,
      'was aborted': ({ context: { outcome } }) => outcome !== undefined,
      'was cancelled': ({ context: { outcome } }) => outcome?.status === 'cancelled',
      'needs others': (_, { answer }: { readonly answer: Verified }) => answer.needsOthers === true,
      'is only to be confirmed': ({ context: { awaits } }) => awaits !== undefined,
    },
    actions: {
      advise: assign(({ context }, { answer }: { readonly answer: Advice }) => advised(context, answer)),
      findNobody: assign(({ context }, { error }: { readonly error: unknown }) =>
        advised(context, { fault: crashBy(error), passedOver: [] }),
      ),
      reserve: enqueueActions(({ context, enqueue, self, system }) => {
        if (isFree(context) || isTooLate(context, Date.now()) || isTooDear(context, spec)) return;
        const ticket = ticketOf(placed(context, self));
        enqueue.assign({ ticket });
        enqueue.sendTo(accountOf(context.start, system), reservationOf(context, spec, ticket, self));
      }),
      haveMoney: assign(({ context, event, self }) => ({
        ...placed(context, self),
        ...withMoney(event as BudgetAnswer),
      })),
      haveNoMoney: assign(({ context, event }) =>
        withoutMoney(context, 'ticket' in event ? event : undefined),
      ),
      comeTooLate: assign(tooLate()),
      haveNoAllowance: assign(({ context }) => withoutAllowance(context, spec)),
      begin: assign(({ context, self }) => begun(placed(context, self), Date.now())),
      take: assign(({ context }, { answer }: { readonly answer: Answer }) =>
        answered(context, spec, answer, Date.now()),
      ),
      breakDown: assign(({ context }, { error }: { readonly error: unknown }) =>
        answered(context, spec, answerOfError(error), Date.now()),
      ),
      beLate: assign(({ context, self }) => late(context, spec, givenUp(askedIn(context), self), Date.now())),
      giveUp: assign(({ context, self }) => unwanted(context, givenUp(askedIn(context), self), Date.now())),
      keepParts: assign({
        parts: ({ context: { parts }, event }) => (event.type === 'parts.done' ? event.done : parts),
      }),
      keepSupplied: assign(({ context }, { answer }: { readonly answer: ReviewOutput }) =>
        suppliedBy(context, answer),
      ),
      noteSigned: assign(({ context }, { answer }: { readonly answer: ReviewOutput }) =>
        signed(context, 'review', answer),
      ),
      settle: enqueueActions(({ context, enqueue, system }) => {
        const { ticket, start } = context;
        if (ticket === undefined) return;
        enqueue.sendTo(accountOf(start, system), billOf(context, ticket));
        enqueue.assign({ ticket: undefined });
      }),
      letGo: enqueueActions(({ context, enqueue, system }, { knows }: { readonly knows: boolean }) => {
        const { ticket, start, givenBack = 0 } = context;
        if (ticket === undefined) return;
        enqueue.sendTo(accountOf(start, system), returnOf(ticket, knows));
        enqueue.assign({ ticket: undefined, givenBack: givenBack + 1 });
      }),
      tellChoice: enqueueActions(({ context: { start, advice }, enqueue, self }) => {
        if (start.seat === undefined || self._parent === undefined) return;
        enqueue.sendTo(self._parent, choiceOf(start, advice!));
      }),
      awaitOthers: assign(({ context }) => awaiting(context)),
      hearOthers: assign(({ context }, { answer }: { readonly answer: Polled }) => polled(context, answer)),
      recall: assign(({ context }, { answer }: { readonly answer: Recalled }) => recalled(context, answer)),
      heed: assign(({ context }, { answer }: { readonly answer: Verified }) => verified(context, answer)),
      crash: assign((_, { error }: { readonly error: unknown }) => ({ fault: crashBy(error) })),
      decide: assign(({ context }) => decided(context, spec, Date.now())),
      goOn: assign(({ context, event }) =>
        resumed(context, spec, event.type === 'task.resume' ? event : undefined, Date.now()),
      ),
      follow: assign(({ context }, { answer }: { readonly answer: ReviewOutput }) =>
        afterReview(context, answer),
      ),
      heedClearance: assign(({ context }, { answer }: { readonly answer: ReviewOutput }) => ({
        ...afterClearance(context, answer),
        ...signed(context, 'clearance', answer),
      })),
      notify: enqueueActions(({ context, enqueue, self }) => {
        for (const notice of noticesOf(placed(context, self))) enqueue.emit(notice);
      }),
      abandon: assign(({ context, event }) =>
        event.type === 'task.abandon' ? abandoned(context, event.by, event.reason) : {},
      ),
      passOn: sendTo('poll', ({ event }) => event),
      callOff: sendTo('poll', { type: 'task.cancel', because: 'it is given up' }),
      cancel: assign({ outcome: { status: 'cancelled' } }),
      askShadows: enqueueActions(({ context, enqueue, self, system }) =>
        tellAll(enqueue, system, shadowAsks(placed(context, self), spec)),
      ),
      answerShadows: enqueueActions(({ context, enqueue, self, system }) =>
        tellAll(enqueue, system, shadowAnswers(placed(context, self))),
      ),
      report: enqueueActions(({ context, enqueue, system }) => {
        const told = reports(context);
        if (told.length === 0) return;
        tellAll(enqueue, system, told);
        enqueue.assign({ reported: context.log.length });
      }),
      tell: enqueueActions(
        ({ context: { start }, enqueue, self }, { standing }: { readonly standing: Standing }) => {
          tellStanding(enqueue, self, nameOf(start), standing);
        },
      ),
    },
    delays: {
      tooLong: ({ context }) => timeLeft(spec, context.deadlineAt, Date.now()),
      delay: ({ context: { move } }) => (move !== undefined && 'delayMs' in move ? move.delayMs : 0),
    },
  }).createMachine({
    id: 'task',
    context: ({ input, self }) => beginning(input, self.sessionId, spec, Date.now()),
    initial: 'consulting',
    states: {
      consulting: {
        description: 'who may do it, and is asked first?',
        invoke: {
          id: 'consult',
          src: 'consult',
          input: ({ context, self }: Known): Consultation => consultationOf(context, spec, self),
          ...ADVISED,
        },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      halted: {
        entry: tell('parked'),
        exit: tell('running'),
        invoke: {
          id: 'consult',
          src: 'consult',
          input: ({ context, self }: Known): Consultation => ({
            ...consultationOf(context, spec, self),
            ...(context.halts !== undefined && { halts: context.halts }),
          }),
          ...ADVISED,
        },
        on: ORDERS,
      },
      clearing: {
        entry: tell('waiting'),
        exit: tell('running'),
        invoke: {
          id: 'clearance',
          src: 'review',
          input: ({ context }: Known) => clearanceOf(context, spec),
          onDone: {
            target: 'heard',
            actions: ofPerson('heedClearance'),
          },
          onError: UNDECIDED,
        },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      // What was permitted when they were asked may not be any more.
      heard: { always: [{ guard: 'was aborted', target: 'failed' }, { target: 'consulting' }] },
      paying: {
        description: 'reserves what the attempt may cost',
        entry: 'reserve',
        always: [
          { guard: and(['has no money', 'is too late']), target: 'deciding', actions: 'comeTooLate' },
          { guard: and(['has no money', 'is too dear']), target: 'deciding', actions: 'haveNoAllowance' },
          { guard: and(['has no money', 'a person does it']), target: 'serving' },
          { guard: 'has no money', target: 'asking' },
        ],
        on: {
          'budget.reserved': [
            {
              guard: and(['is its money', 'is too late']),
              target: 'deciding',
              actions: [{ type: 'letGo', params: { knows: true } }, 'comeTooLate'],
            },
            { guard: and(['is its money', 'a person does it']), target: 'serving', actions: 'haveMoney' },
            { guard: 'is its money', target: 'asking', actions: 'haveMoney' },
          ],
          'budget.refused': { guard: 'is its money', target: 'deciding', actions: 'haveNoMoney' },
          'task.cancel': { target: 'cancelled', actions: { type: 'letGo', params: { knows: true } } },
        },
        after: {
          [ACCOUNT_PATIENCE_MS]: {
            target: 'deciding',
            actions: [{ type: 'letGo', params: { knows: true } }, 'haveNoMoney'],
          },
        },
      },
      serving: {
        entry: ['begin', tell('waiting')],
        exit: tell('running'),
        invoke: {
          id: 'review',
          src: 'review',
          input: ({ context }: Known) => jobOf(context, Date.now()),
          onDone: [
            {
              guard: ofPerson('ends the run'),
              target: 'failed',
              actions: [ofPerson('noteSigned'), ofPerson('follow'), { type: 'letGo', params: isByWork }],
            },
            {
              target: 'asking',
              actions: [ofPerson('noteSigned'), ofPerson('keepSupplied')],
            },
          ],
          onError: {
            target: 'weighing',
            actions: [failing('breakDown'), 'settle'],
          },
        },
        on: {
          'task.cancel': {
            target: 'cancelled',
            actions: { type: 'letGo', params: isByWork },
          },
        },
      },
      asking: {
        description: 'an agent works',
        entry: ['begin', 'askShadows'],
        invoke: {
          id: 'ask',
          src: 'ask',
          input: ({ context, self }: Known): Asking => askingOf(placed(context, self), spec),
          onDone: {
            target: 'weighing',
            actions: [ofAgent('take'), 'settle', 'answerShadows'],
          },
          onError: {
            target: 'weighing',
            actions: [failing('breakDown'), 'settle', 'answerShadows'],
          },
        },
        after: { tooLong: { target: 'weighing', actions: ['beLate', 'settle', 'answerShadows'] } },
        on: {
          'parts.done': { actions: 'keepParts' },
          // That it stands in the journal is all that is wanted.
          'task.permission': {},
          'task.cancel': { target: 'cancelled', actions: ['giveUp', 'settle'] },
        },
      },
      weighing: {
        always: [
          { guard: 'was halted', target: 'consulting' },
          { guard: 'was replaced', target: 'consulting' },
          { guard: 'is to be verified', target: 'verifying' },
          // What the task says of itself decides: here it stands for whoever compares versions.
          { guard: { type: 'is good', params: { spec } }, target: taken },
          { target: 'deciding' },
        ],
      },
      verifying: {
        description: 'is the answer right?',
        invoke: {
          id: 'verify',
          src: 'verify',
          input: ({ context, self }: Known): Verification => verificationOf(placed(context, self), spec),
          onDone: [
            {
              guard: ofVerifier('needs others'),
              target: 'polling',
              actions: ofVerifier('heed'),
            },
            {
              guard: ({ event }) => (event.output as Verified).fault === undefined,
              target: taken,
              actions: ofVerifier('heed'),
            },
            {
              target: 'deciding',
              actions: ofVerifier('heed'),
            },
          ],
          onError: {
            target: 'deciding',
            actions: {
              type: 'heed',
              params: ({ event }) => ({
                answer: { fault: crashBy(event.error), found: {} },
              }),
            },
          },
        },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      polling: {
        description: 'others are asked the same',
        entry: 'awaitOthers',
        invoke: {
          id: 'poll',
          src: 'poll',
          input: ({ context, self }: Known): Poll => pollOf(placed(context, self)),
          onDone: {
            target: 'polled',
            actions: given((output) => output as Polled)('hearOthers'),
          },
          onError: {
            target: 'polled',
            actions: {
              type: 'hearOthers',
              params: ({ event }) => ({
                answer: { votes: [], fault: crashBy(event.error) },
              }),
            },
          },
        },
        on: {
          'task.stands': {
            actions: { type: 'tell', params: ({ event }) => ({ standing: event.standing }) },
          },
          'task.resume': { guard: 'may go on as it is', actions: 'passOn' },
          'task.abandon': { guard: 'may be about it', actions: ['abandon', 'callOff'] },
          // Those who are asked must give back what they hold.
          'task.cancel': { actions: 'passOn' },
        },
      },
      polled: {
        always: [
          { guard: 'was cancelled', target: 'cancelled' },
          { guard: 'was aborted', target: 'failed' },
          { guard: 'has an output', target: 'verifying' },
          { target: 'deciding' },
        ],
      },
      deciding: {
        description: 'what is done about what went wrong, by the strategy',
        entry: 'decide',
        always: [
          { guard: 'has nobody to ask again', target: 'sleeping' },
          { guard: { type: 'does', params: { deed: 'retry' } }, target: 'delaying' },
          { guard: { type: 'does', params: { deed: 'wait' } }, target: 'sleeping' },
          { guard: { type: 'does', params: { deed: 'ask-again' } }, target: 'paying' },
          { guard: { type: 'does', params: { deed: 'chunk' } }, target: 'paying' },
          { guard: { type: 'does', params: { deed: 'other-agent' } }, target: 'consulting' },
          { guard: { type: 'does', params: { deed: 'larger-window' } }, target: 'consulting' },
          { guard: { type: 'does', params: { deed: 'accept' } }, target: 'done' },
          { guard: { type: 'does', params: { deed: 'stale' } }, target: 'recalling' },
          { guard: { type: 'does', params: { deed: 'default' } }, target: 'keeping' },
          { guard: 'has an output', target: 'weighing' },
          // A repair that is not one of those that were asked for: the next rung.
          { guard: { type: 'does', params: { deed: 'repair' } }, target: 'deciding', reenter: true },
          { guard: 'a person can decide', target: 'reviewing' },
          { guard: { type: 'does', params: { deed: 'fail' } }, target: 'failed' },
          { target: 'parked' },
        ],
      },
      delaying: {
        description: 'the same again, in a while',
        after: { delay: [{ guard: 'is only to be confirmed', target: 'polling' }, { target: 'paying' }] },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      sleeping: {
        description: 'asks again later, or when somebody resumes it',
        entry: ['report', tell('parked')],
        exit: tell('running'),
        after: {
          delay: [{ guard: 'is only to be confirmed', target: 'polling' }, { target: 'consulting' }],
        },
        on: ORDERS,
      },
      parked: {
        description: 'stands still until somebody resumes it, or gives it up',
        tags: ['waits for a person'],
        entry: ['report', tell('parked')],
        exit: tell('running'),
        on: ORDERS,
      },
      reviewing: {
        description: 'a person decides',
        tags: ['waits for a person'],
        entry: ['report', tell('waiting')],
        exit: tell('running'),
        invoke: {
          id: 'review',
          src: 'review',
          input: ({ context }: Known) => reviewOf(context, spec),
          onDone: {
            target: 'reviewed',
            actions: [ofPerson('noteSigned'), ofPerson('follow')],
          },
          onError: UNDECIDED,
        },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      reviewed: {
        always: [
          { guard: 'was aborted', target: 'failed' },
          { guard: 'has an output', target: 'done' },
          { guard: 'goes on', target: 'consulting', actions: 'goOn' },
          { target: 'failed' },
        ],
      },
      recalling: {
        description: 'what was answered to the same before?',
        invoke: {
          id: 'recall',
          src: 'recall',
          input: ({ context: { start, input, move }, self }: Known): Recall => ({
            ...{ start: startHere(start, self), input },
            maxAgeMs: (move as Extract<Move, { do: 'stale' }>).maxAgeMs,
            quality: spec.threshold,
          }),
          onDone: [
            {
              guard: ({ event }) => (event.output as Recalled).answer !== undefined,
              target: 'done',
              actions: ofMemory('recall'),
            },
            { target: 'deciding' },
          ],
          onError: { target: 'deciding' },
        },
        on: { 'task.cancel': { target: 'cancelled' } },
      },
      remembering: {
        description: 'a good answer is kept for whoever asks the same',
        invoke: {
          id: 'remember',
          src: 'remember',
          input: ({ context, self }: Known): Remembrance => remembranceOf(context, self),
          onDone: { target: 'done' },
          // It is good all the same.
          onError: { target: 'done' },
        },
      },
      keeping: {
        description: 'a default is kept, as answers are',
        invoke: {
          id: 'keep',
          src: 'keep',
          input: ({ context: { start, output }, self }: Known): Unanswered => {
            const { run, task } = startHere(start, self);
            return { run, task, output };
          },
          onDone: { target: 'done' },
          // It is an output all the same.
          onError: { target: 'done' },
        },
      },
      done: { type: 'final', entry: 'report' },
      failed: { type: 'final', entry: 'report' },
      cancelled: { type: 'final', entry: ['cancel', 'report'] },
    },
    output: ({ context }) => outcomeOf(context, spec),
  });
}

function consultationOf(context: TaskContext, spec: TaskSpec, self: AnyActorRef): Consultation {
  const { start, input, tried, largerThan, cheaperThan } = context;
  const allowance = allowanceOf(context, spec);
  return {
    ...{ start: startHere(start, self), input, tried, largerThan, cheaperThan },
    ...(allowance !== undefined && { allowance }),
  };
}

/** What is asked for in the attempt that is made. */
const askedIn = ({ advice, supplied, inParts }: TaskContext) => ({
  permits: advice!.permits,
  supplied,
  inParts,
});

/** Of somebody who was paid by the hour and has not finished nobody knows how long they were at it. */
const isByWork = ({ context: { advice } }: Pick<Known, 'context'>) => ({
  knows: advice!.person!.rate === undefined,
});

/** Voters are tasks themselves, to whom nobody votes. */
function pollOfTask(
  spec: TaskSpec,
  actors: TaskActors,
  asActor: (logic: AnyActorLogic) => AnyActorLogic,
): AnyActorLogic {
  if (spec.vote === undefined) return NO_POLL;
  const voter: AnyActorLogic = taskMachine(specOfVoters(spec), actors);
  return asActor(pollMachine(spec.vote, asActor(voter)));
}

/** A `systemId` in XState's types; under Heddle an address as well. */
function accountOf({ account }: TaskStart, system: { get(key: string): unknown }): AnyActorRef {
  return (typeof account === 'string' ? system.get(account) : account) as AnyActorRef;
}

/** Tells them, as far as they are there. */
function tellAll(
  enqueue: { sendTo(to: AnyActorRef, event: AnyEventObject): void },
  system: { get(key: string): unknown },
  all: readonly Told<AnyEventObject>[],
): void {
  for (const { to, message } of all) {
    const actor = system.get(to) as AnyActorRef | undefined;
    if (actor !== undefined) enqueue.sendTo(actor, message);
  }
}
