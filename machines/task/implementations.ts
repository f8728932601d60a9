/**
 * What a task can ask itself and do, by the names by which its chart (`task.ts`) says it: guards, actions and delays. They only bind the
 * pure functions of this folder to what a step knows.
 */
import { assign, enqueueActions, sendTo, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyEventObject } from 'xstate';
import type { BudgetAnswer } from '../budget/words.ts';
import type { ReviewOutput } from '../review/review.ts';
import { isOrder, isTold } from '../workflow/events.ts';
import type { TaskCancel, TaskOrder, TaskStands } from '../workflow/events.ts';
import { nameOf } from '../workflow/graph.ts';
import { crashBy } from '../faults/crash.ts';
import { tellStanding } from '../workflow/standings.ts';
import type { Standing } from '../workflow/standings.ts';
import { answerOfError } from './broken.ts';
import { givenUp } from './given-up.ts';
import {
  absent,
  billOf,
  isFree,
  isTooDear,
  payerOf,
  reservationOf,
  returnOf,
  withMoney,
  withoutAllowance,
  withoutMoney,
  wordHere,
} from './paying.ts';
import {
  answered,
  begun,
  isHalted,
  isReplaced,
  isTooLate,
  late,
  ticketOf,
  timeLeft,
  tooLate,
  unwanted,
  verified,
} from './attempts.ts';
import { advised, placed } from './progress.ts';
import { recalled } from './recalling.ts';
import { abandoned, decided, resumed, signed } from './remedies.ts';
import type { TaskContext } from './progress.ts';
import { reports, shadowAnswers, shadowAsks } from './reporting.ts';
import type { Told } from './reporting.ts';
import { afterReview, deciderOf } from './reviewing.ts';
import { suppliedBy } from './serving.ts';
import { afterClearance, isCleared, noticesOf } from './terms.ts';
import type { CallNotice } from './terms.ts';
import { awaiting, choiceOf, polled } from './votes.ts';
import type { Polled, TaskStart } from './votes.ts';
import type {
  Advice,
  Answer,
  PartsNews,
  Recalled,
  TaskActors,
  TaskPermission,
  TaskSpec,
  Verified,
} from './words.ts';

type TaskEvent = TaskCancel | TaskOrder | TaskStands | TaskPermission | BudgetAnswer | PartsNews;

/** @param actors whom it asks, by name */
export function taskSetup(spec: TaskSpec, actors: TaskActors & { readonly poll: AnyActorLogic }) {
  return setup({
    types: {
      context: {} as TaskContext,
      events: {} as TaskEvent,
      emitted: {} as CallNotice,
      input: {} as TaskStart,
    },
    actors: { ...actors },
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
        const account = accountOf(context, system);
        if (account === undefined) enqueue.raise(absent(context, ticket));
        else enqueue.sendTo(account, reservationOf(context, spec, ticket, self));
      }),
      // The answer may be to its original, and name the accounts of that.
      haveMoney: assign(({ context, event, self }) =>
        placed({ ...context, ...withMoney(event as BudgetAnswer) }, self),
      ),
      haveNoMoney: assign(({ context, event }) =>
        withoutMoney(context, 'ticket' in event ? event : undefined),
      ),
      comeTooLate: assign(tooLate()),
      haveNoAllowance: assign(({ context }) => withoutAllowance(context, spec)),
      begin: assign(({ context, self }) => begun(placed(context, self), Date.now())),
      take: assign(({ context, self }, { answer }: { readonly answer: Answer }) =>
        answered(placed(context, self), spec, answer, Date.now()),
      ),
      breakDown: assign(({ context, self }, { error }: { readonly error: unknown }) =>
        answered(placed(context, self), spec, answerOfError(error), Date.now()),
      ),
      beLate: assign(({ context, self }) =>
        late(placed(context, self), spec, givenUp(askedIn(context), self), Date.now()),
      ),
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
      settle: enqueueActions(({ context, enqueue, self, system }) => {
        const { ticket } = context;
        if (ticket === undefined) return;
        const account = accountOf(context, system);
        if (account !== undefined)
          enqueue.sendTo(account, wordHere(billOf(context, ticket), context, self, Date.now()));
        enqueue.assign({ ticket: undefined });
      }),
      letGo: enqueueActions(({ context, enqueue, self, system }, { knows }: { readonly knows: boolean }) => {
        const { ticket, givenBack = 0 } = context;
        if (ticket === undefined) return;
        const account = accountOf(context, system);
        if (account !== undefined)
          enqueue.sendTo(account, wordHere(returnOf(ticket, knows), context, self, Date.now()));
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
  });
}

/** What is asked for in the attempt that is made. */
const askedIn = ({ advice, supplied, inParts }: TaskContext) => ({
  permits: advice!.permits,
  supplied,
  inParts,
});

/** A `systemId` in XState's types; under Heddle an address as well. Undefined: nobody is there. */
function accountOf(context: TaskContext, system: { get(key: string): unknown }): AnyActorRef | undefined {
  const account = payerOf(context);
  return (typeof account === 'string' ? system.get(account) : account) as AnyActorRef | undefined;
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
