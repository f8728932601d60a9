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
 * This is its chart. What it asks itself and does is bound by name (`implementations.ts`), and so are those whom it asks (`words.ts`). It
 * runs nothing itself, and knows no clock but that of its steps.
 */
import { and, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { ReviewOutput } from '../review/review.ts';
import { startHere } from '../here.ts';
import { crashBy } from '../faults/crash.ts';
import type { Move } from '../faults/next-move.ts';
import { recalls } from '../faults/strategy.ts';
import type { Standing } from '../workflow/standings.ts';
import { taskSetup } from './implementations.ts';
import { ACCOUNT_PATIENCE_MS, allowanceOf } from './paying.ts';
import { askingOf } from './attempts.ts';
import { outcomeOf } from './ending.ts';
import { beginning, placed } from './progress.ts';
import { mayRecall, remembranceOf } from './recalling.ts';
import type { TaskContext } from './progress.ts';
import { reviewOf } from './reviewing.ts';
import { jobOf } from './serving.ts';
import { clearanceOf } from './terms.ts';
import { pollOf, specOfVoters, verificationOf } from './votes.ts';
import type { Poll, Polled } from './votes.ts';
import { pollMachine } from './voting.ts';
import type {
  Advice,
  Answer,
  Asking,
  Consultation,
  Recall,
  Recalled,
  Remembrance,
  TaskActors,
  TaskSpec,
  Unanswered,
  Verification,
  Verified,
} from './words.ts';

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
    // Where one halt is lifted and another stands, they are consulted once more.
    { guard: ofAdviser('waits for a halt'), target: 'halted', reenter: true, actions: ofAdviser('advise') },
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
  return taskSetup(spec, { ...actors, poll: pollOfTask(spec, actors, asActor) }).createMachine({
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
          { target: 'consulting', actions: 'goOn' },
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
