/**
 * Asks an agent part by part, where a task declares how that is done and the whole does not fit. So many at once as it declares, each
 * under a key of its own, and each paid from what is left of the reservation. What is done is told to the task: if an attempt ends
 * in the middle, the next one goes on with the parts that are not done.
 *
 * A part that fails ends the attempt. Those that run beside it are stopped then, and what they have cost nobody knows, unless they wait
 * at a gate: then it is nothing.
 *
 * Until parts are asked for, it asks for the whole. It cuts and joins nothing itself: see `split` and `join`.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, DoneActorEvent, ErrorActorEvent } from 'xstate';
import { isPermitError, isUncalled } from '../permits/guarded.ts';
import { amountOf, microsOf, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { answerOfError } from './broken.ts';
import { partNoteOf } from './part-notes.ts';
import { isSpent, sharesOf } from './shares.ts';
import type { Parts, Share } from './shares.ts';
import type {
  Answer,
  Asking,
  Cut,
  Failed,
  Joining,
  PartsDone,
  PartsNews,
  Split,
  Succeeded,
} from './words.ts';

export interface PartsActors {
  /** The text in the input that is cut: `#/document/text`. */
  readonly pointer: string;
  /** How many parts at once. */
  readonly concurrency: number;
  /** Takes an {@link Asking}, gives a {@link Split}. */
  readonly split: AnyActorLogic;
  /** Takes an {@link Asking}, gives an {@link Answer}. */
  readonly ask: AnyActorLogic;
  /** Takes a {@link Joining}, gives an {@link Answer}. */
  readonly join: AnyActorLogic;
}

interface PartsContext {
  readonly asking: Asking;
  readonly startedAt: number;
  readonly cuts: readonly Cut[];
  /** Of the parts that are done, by their numbers, which are counted from 1. */
  readonly answers: PartsDone['answers'];
  /** What each part that runs may cost. */
  readonly running: Readonly<Record<number, Micros>>;
  /** What the parts that were done in this attempt have cost. */
  readonly costs: Readonly<Record<number, Micros>>;
  /** How many may run: fewer than declared where a gate does not let so many pass. */
  readonly places: number;
  readonly answer: Answer | undefined;
}

interface Known {
  readonly context: PartsContext;
}

type PartsEvent =
  | { readonly type: `xstate.done.actor.${string}`; readonly actorId: string; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly actorId: string; readonly error: unknown };

/** What somebody answers who is invoked is the answer to the whole; so is why they could not. */
const ENDS = {
  onDone: {
    target: 'done',
    actions: {
      type: 'answer',
      params: ({ event }: { readonly event: DoneActorEvent }) => ({ answer: event.output as Answer }),
    },
  },
  onError: {
    target: 'done',
    actions: {
      type: 'answer',
      params: ({ event }: { readonly event: ErrorActorEvent }) => ({ answer: answerOfError(event.error) }),
    },
  },
} as const;

export function partsMachine({ pointer, concurrency, ...actors }: PartsActors) {
  return setup({
    types: {
      context: {} as PartsContext,
      events: {} as PartsEvent,
      input: {} as Asking,
      output: {} as Answer,
    },
    actors: { ...actors },
    guards: {
      'is whole': ({ context: { asking } }) => asking.inParts !== true,
      'is answered': ({ context: { answer } }) => answer !== undefined,
      'is cut': ({ context: { cuts } }) => cuts.length > 0,
      'all are done': ({ context: { cuts, answers } }, _declared: object) =>
        Object.keys(answers).length === cuts.length,
    },
    actions: {
      answer: assign((_, { answer }: { readonly answer: Answer }) => ({ answer })),
      cut: assign((_, { fault, cuts = [] }: Split) =>
        fault === undefined ? { cuts } : { answer: { fault, durationMs: 0 } },
      ),
      fill: enqueueActions(({ context, enqueue }) => {
        const shares = sharesNow(context);
        if (isOutOfMoney(context)) return enqueue.assign({ answer: unpaidIn(context, Date.now()) });
        const running = {
          ...context.running,
          ...Object.fromEntries(shares.map((share) => [share.number, share.maxCost])),
        };
        enqueue.assign({ running });
        for (const share of shares)
          enqueue.spawnChild('ask', {
            id: String(share.number),
            input: askingOfPart({ ...context, running }, share, pointer, Date.now()),
          });
      }),
      take: enqueueActions(({ context, event, enqueue, self }) => {
        if (!('actorId' in event) || !(event.actorId in context.running)) return;
        const number = Number(event.actorId);
        enqueue.stopChild(event.actorId);
        const isRefused = 'error' in event && isPermitError(event.error);
        if (isRefused && others(context, number).length > 0) return enqueue.assign(putBack(context, number));
        const answer = 'error' in event ? answerOfError(event.error) : (event.output as Answer);
        if (answer.fault === undefined) {
          const changed = withAnswer(context, number, answer);
          enqueue.assign(changed);
          const { cuts } = context;
          const news: PartsNews = { type: 'parts.done', done: { cuts, answers: changed.answers } };
          if (self._parent !== undefined) enqueue.sendTo(self._parent, news);
          return;
        }
        const stopped = askedIn(context, others(context, number), self);
        for (const other of others(context, number)) enqueue.stopChild(String(other));
        enqueue.assign({ running: {}, answer: failedIn(context, number, answer, stopped) });
      }),
    },
  }).createMachine({
    id: 'parts',
    context: ({ input }) => ({
      asking: input,
      startedAt: Date.now(),
      cuts: input.parts?.cuts ?? [],
      answers: input.parts?.answers ?? {},
      running: {},
      costs: {},
      places: concurrency,
      answer: undefined,
    }),
    initial: 'choosing',
    states: {
      choosing: {
        always: [
          { guard: 'is answered', target: 'done' },
          { guard: 'is whole', target: 'asking' },
          { guard: 'is cut', target: 'parts' },
          { target: 'splitting' },
        ],
      },
      asking: {
        invoke: { id: 'ask', src: 'ask', input: ({ context: { asking } }: Known) => asking, ...ENDS },
      },
      splitting: {
        invoke: {
          id: 'split',
          src: 'split',
          input: ({ context: { asking } }: Known) => asking,
          ...ENDS,
          onDone: {
            target: 'choosing',
            actions: { type: 'cut', params: ({ event }) => event.output as Split },
          },
        },
      },
      parts: {
        entry: 'fill',
        always: [
          { guard: 'is answered', target: 'done' },
          // What decides stands in here for whoever compares versions.
          { guard: { type: 'all are done', params: { concurrency } }, target: 'joining' },
        ],
        on: {
          'xstate.done.actor.*': { actions: ['take', 'fill'] },
          'xstate.error.actor.*': { actions: ['take', 'fill'] },
        },
      },
      joining: {
        invoke: { id: 'join', src: 'join', input: ({ context }: Known) => joiningOf(context), ...ENDS },
      },
      done: { type: 'final' },
    },
    output: ({ context: { answer } }) => answer!,
  });
}

/** Parts that are given up in the middle. */
export interface UnderWay {
  /** What those have cost that were done in this attempt. */
  readonly spent: Micros;
  /** Whether none of them was. */
  readonly isFirst: boolean;
  /** The children that are asked. */
  readonly running: readonly string[];
}

/** Of other logic: undefined. */
export function underWayIn(snapshot: object): UnderWay | undefined {
  const { value, context } = snapshot as { readonly value?: unknown; readonly context?: PartsContext };
  if (context?.cuts === undefined) return undefined;
  const running = value === 'asking' ? ['ask'] : Object.keys(context.running);
  return { spent: spentIn(context), isFirst: Object.keys(context.costs).length === 0, running };
}

const numbersIn = (parts: object): readonly number[] => Object.keys(parts).map(Number);

const spentIn = ({ costs }: PartsContext): Micros =>
  Object.values(costs).reduce((sum, cost) => (sum + cost) as Micros, NOTHING);

const others = ({ running }: PartsContext, number: number): readonly number[] =>
  numbersIn(running).filter((other) => other !== number);

// ---- the parts that come next -------------------------------------------------------------------------------------

const sharesNow = (context: PartsContext): readonly Share[] =>
  context.answer === undefined ? sharesOf(partsIn(context)) : [];

/** Others that run may cost less than they have. */
const isOutOfMoney = (context: PartsContext): boolean =>
  context.answer === undefined && numbersIn(context.running).length === 0 && isSpent(partsIn(context));

function partsIn(context: PartsContext): Parts {
  const { asking, cuts, answers, running, places } = context;
  return {
    ...{ count: cuts.length, places, running },
    before: numbersIn(asking.parts?.answers ?? {}).length,
    done: numbersIn(answers),
    free: cuts.flatMap(({ isFree }, index) => (isFree === true ? [index + 1] : [])),
    maxCost: microsOf(asking.envelope.constraints.maxCost),
    spent: spentIn(context),
  };
}

function askingOfPart(
  { asking, cuts, costs, running, startedAt }: PartsContext,
  { number, maxCost }: Share,
  pointer: string,
  now: number,
): Asking {
  const { envelope, idempotencyKey, inParts: _, parts: __, ...rest } = asking;
  const { timeout } = envelope.constraints;
  const unknown = Object.fromEntries(numbersIn(running).map((one) => [one, null]));
  const { isFree: ___, ...cut } = cuts[number - 1]!;
  return {
    ...rest,
    envelope: {
      ...envelope,
      constraints: {
        ...envelope.constraints,
        maxCost: amountOf(maxCost),
        timeout: Math.max(1, timeout - (now - startedAt)),
      },
    },
    idempotencyKey: `${idempotencyKey}/part/${number}`,
    part: { ...cut, pointer, number, of: cuts.length },
    ...(rest.bill !== undefined && { bill: { ...rest.bill, parts: { ...costs, ...unknown } } }),
  };
}

// ---- what comes of them -------------------------------------------------------------------------------------------

function withoutRunning({ running }: PartsContext, number: number): Pick<PartsContext, 'running'> {
  const { [number]: _, ...left } = running;
  return { running: left };
}

function withAnswer(context: PartsContext, number: number, answer: Succeeded) {
  const { answers, costs } = context;
  return {
    ...withoutRunning(context, number),
    answers: { ...answers, [number]: answer },
    costs: { ...costs, [number]: answer.cost },
  };
}

/** A gate does not let it pass beside the others: it comes when one of them is done. */
function putBack(context: PartsContext, number: number): Partial<PartsContext> {
  return { ...withoutRunning(context, number), places: others(context, number).length };
}

/** Those of them that do not wait at a gate: for a part that does nobody was asked. What it looks at is recorded with the step. */
function askedIn({ asking }: PartsContext, numbers: readonly number[], self: AnyActorRef): readonly number[] {
  if (asking.permits.length === 0 || numbers.length === 0) return numbers;
  const { children } = self.getSnapshot() as AnyMachineSnapshot;
  return numbers.filter((one) => !isUncalled((children[String(one)]?.getSnapshot() ?? {}) as object));
}

/**
 * What there is of this part alone is no answer to the whole.
 * @param stopped the others that were asked, and have not answered
 */
function failedIn(context: PartsContext, number: number, answer: Failed, stopped: readonly number[]): Answer {
  const { cost, ...fault } = answer.fault;
  const message = `part ${number}: ${fault.message}`;
  const { durationMs, quarantined, unheard } = answer;
  const isKnown = cost !== undefined && stopped.length === 0;
  return {
    fault: { ...fault, message, ...(isKnown && { cost: (spentIn(context) + cost) as Micros }) },
    durationMs,
    ...(quarantined !== undefined && { quarantined }),
    ...(unheard !== undefined && { unheard }),
    part: partNoteOf(number, answer),
    ...(stopped.length > 0 && { stopped }),
  };
}

/** What the others have cost is all that was reserved: whoever is asked now could not be paid. */
function unpaidIn(context: PartsContext, now: number): Answer {
  const { cuts, answers, asking, startedAt } = context;
  const open = cuts.length - numbersIn(answers).length;
  const reserved = asking.envelope.constraints.maxCost;
  const message = `nothing is left of the ${reserved} that was reserved, and ${open} of ${cuts.length} parts are not done`;
  return {
    fault: { class: 'budget-exhausted', message, cost: spentIn(context) },
    durationMs: now - startedAt,
  };
}

function joiningOf(context: PartsContext): Joining {
  const { asking, cuts, answers } = context;
  return {
    ...{ agent: asking.agent, envelope: asking.envelope, spent: spentIn(context) },
    answers: cuts.map((_, index) => answers[index + 1]!),
  };
}
