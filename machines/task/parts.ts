/**
 * Asks an agent part by part, where a task declares how that is done and the whole does not fit. One part after the other, each under
 * a key of its own, and each paid from what those before it have left of the reservation. What is done is told to the task: if
 * an attempt ends in the middle, the next one goes on behind the parts that are done.
 *
 * Until parts are asked for, it asks for the whole. It cuts and joins nothing itself: see `split` and `join`.
 */
import { assign, sendParent, setup } from 'xstate';
import type { AnyActorLogic } from 'xstate';
import { amountOf, microsOf, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { answerOfError } from './broken.ts';
import type { Answer, Asking, Cut, Joining, PartsDone, Split, Succeeded } from './words.ts';

export interface PartsActors {
  /** The text in the input that is cut: `#/document/text`. */
  readonly pointer: string;
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
  /** Of the parts that are done, in their order. */
  readonly answers: readonly Succeeded[];
  /** What this attempt has cost. */
  readonly spent: Micros;
  readonly answer: Answer | undefined;
}

interface Known {
  readonly context: PartsContext;
}

export function partsMachine({ pointer, ...actors }: PartsActors) {
  return setup({
    types: { context: {} as PartsContext, input: {} as Asking, output: {} as Answer },
    actors: { ...actors },
    guards: {
      'is whole': ({ context: { asking } }) => asking.inParts !== true,
      'is answered': ({ context: { answer } }) => answer !== undefined,
      'is cut': ({ context: { cuts } }) => cuts.length > 0,
      'all are done': ({ context: { cuts, answers } }) => answers.length === cuts.length,
    },
    actions: {
      answer: assign((_, { answer }: { readonly answer: Answer }) => ({ answer })),
      breakDown: assign((_, { error }: { readonly error: unknown }) => ({ answer: answerOfError(error) })),
      cut: assign((_, { fault, cuts = [] }: Split) =>
        fault === undefined ? { cuts } : { answer: { fault, durationMs: 0 } },
      ),
      take: assign(({ context }, { answer }: { readonly answer: Answer }) => taken(context, answer)),
      tell: sendParent(({ context: { cuts, answers } }: Known) => ({
        type: 'parts.done' as const,
        done: { cuts, answers } satisfies PartsDone,
      })),
    },
  }).createMachine({
    id: 'parts',
    context: ({ input }) => ({
      asking: input,
      startedAt: Date.now(),
      cuts: input.parts?.cuts ?? [],
      answers: input.parts?.answers ?? [],
      spent: NOTHING,
      answer: undefined,
    }),
    initial: 'choosing',
    states: {
      choosing: {
        always: [
          { guard: 'is answered', target: 'done' },
          { guard: 'is whole', target: 'asking' },
          { guard: 'is cut', target: 'next' },
          { target: 'splitting' },
        ],
      },
      asking: {
        invoke: {
          id: 'ask',
          src: 'ask',
          input: ({ context: { asking } }: Known) => asking,
          onDone: {
            target: 'done',
            actions: { type: 'answer', params: ({ event }) => ({ answer: event.output as Answer }) },
          },
          onError: {
            target: 'done',
            actions: { type: 'breakDown', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      splitting: {
        invoke: {
          id: 'split',
          src: 'split',
          input: ({ context: { asking } }: Known) => asking,
          onDone: {
            target: 'choosing',
            actions: { type: 'cut', params: ({ event }) => event.output as Split },
          },
          onError: {
            target: 'done',
            actions: { type: 'breakDown', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      next: {
        always: [
          { guard: 'is answered', target: 'done' },
          { guard: 'all are done', target: 'joining' },
          { target: 'part' },
        ],
      },
      part: {
        invoke: {
          id: 'part',
          src: 'ask',
          input: ({ context }: Known) => askingOfPart(context, pointer, Date.now()),
          onDone: {
            target: 'next',
            actions: [{ type: 'take', params: ({ event }) => ({ answer: event.output as Answer }) }, 'tell'],
          },
          onError: {
            target: 'next',
            actions: {
              type: 'take',
              params: ({ event }) => ({ answer: answerOfError(event.error) }),
            },
          },
        },
      },
      joining: {
        invoke: {
          id: 'join',
          src: 'join',
          input: ({ context: { asking, answers, spent } }: Known): Joining => ({
            ...{ agent: asking.agent, id: asking.envelope.id, answers, spent },
          }),
          onDone: {
            target: 'done',
            actions: { type: 'answer', params: ({ event }) => ({ answer: event.output as Answer }) },
          },
          onError: {
            target: 'done',
            actions: { type: 'breakDown', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      done: { type: 'final' },
    },
    output: ({ context: { answer } }) => answer!,
  });
}

/** The request for the part that comes next. */
function askingOfPart(
  { asking, cuts, answers, spent, startedAt }: PartsContext,
  pointer: string,
  now: number,
): Asking {
  const { envelope, idempotencyKey, inParts: _, parts: __, ...rest } = asking;
  const number = answers.length + 1;
  const { maxCost, timeout, ...constraints } = envelope.constraints;
  return {
    ...rest,
    envelope: {
      ...envelope,
      constraints: {
        ...constraints,
        maxCost: amountOf((microsOf(maxCost) - spent) as Micros),
        timeout: Math.max(1, timeout - (now - startedAt)),
      },
    },
    idempotencyKey: `${idempotencyKey}/part/${number}`,
    part: { ...cuts[number - 1]!, pointer, number, of: cuts.length },
    ...(rest.bill !== undefined && { bill: { ...rest.bill, before: spent } }),
  };
}

function taken({ answers, spent }: PartsContext, answer: Answer): Partial<PartsContext> {
  if (answer.fault === undefined)
    return { answers: [...answers, answer], spent: (spent + answer.cost) as Micros };
  const { cost, ...fault } = answer.fault;
  const part = `part ${answers.length + 1}: ${fault.message}`;
  const { durationMs, quarantined } = answer;
  // What there is of this part alone is no answer to the whole.
  return {
    answer: {
      fault: { ...fault, message: part, ...(cost !== undefined && { cost: (spent + cost) as Micros }) },
      durationMs,
      ...(quarantined !== undefined && { quarantined }),
    },
  };
}
