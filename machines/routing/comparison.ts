/**
 * A comparison: the same work, done once more by an agent that stands in the shadow of another. It pays from an account of its own,
 * asks under a key of its own, takes the answer of the other when that comes, and says in what the two differ. Nobody waits for it.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { BudgetAnswer, BudgetReserve } from '../budget/words.ts';
import { canonicalOf } from '../values/canonical.ts';
import type { FaultClass } from '../faults/fault.ts';
import { keysOf } from '../values/json-pointer.ts';
import { isMicros, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { answerOfError } from '../task/broken.ts';
import { givenUp, wordsOfLate } from '../task/given-up.ts';
import type { Answer, Asking } from '../task/words.ts';

/** What an agent has answered, as far as it is compared. */
export interface Side {
  readonly agent: string;
  readonly output?: unknown;
  readonly fault?: FaultClass;
  readonly message?: string;
  readonly cost?: Micros;
  readonly confidence?: number;
  readonly durationMs: number;
}

/** Work for the shadow, as a task hands it on. */
export interface ShadowAsk {
  readonly type: 'shadow.ask';
  /** Names the question. */
  readonly ticket: string;
  readonly run: string;
  readonly task: string;
  /** For the shadow, not for the one that it stands behind. */
  readonly asking: Asking;
  /** The address of the account that pays for it. None: it may cost nothing. */
  readonly account: string | undefined;
  readonly maxCost: Micros;
  readonly timeoutMs: number;
  /** JSON pointers into the output. */
  readonly compare: readonly string[];
}

/** The answer of the one that was chosen. */
export interface ShadowAnswer {
  readonly type: 'shadow.answer';
  readonly ticket: string;
  readonly side: Side;
}

/** What came of it. Without `chosen`, that never came. */
export interface Compared {
  readonly run: string;
  readonly task: string;
  readonly chosen: Side | undefined;
  readonly shadow: Side;
  /** The pointers at which the outputs differ; undefined where there are not two outputs. */
  readonly differs: readonly string[] | undefined;
}

export interface ComparisonContext {
  readonly ask: ShadowAsk;
  /** Those that hold its money; undefined: it costs nothing. */
  readonly accounts?: readonly string[];
  readonly since: number;
  readonly shadow: Side | undefined;
  readonly chosen: Side | undefined;
}

/** As tasks wait for accounts. */
const ACCOUNT_PATIENCE_MS = 60_000;
/** A task that has not answered by then was cancelled, or does not come back to it. */
const PATIENCE_MS = 24 * 60 * 60_000;

/** @param ask takes an {@link Asking}, gives an {@link Answer} */
export function comparison(ask: AnyActorLogic) {
  return setup({
    types: {
      context: {} as ComparisonContext,
      events: {} as ShadowAnswer | BudgetAnswer,
      input: {} as ShadowAsk,
    },
    actors: { ask },
    guards: {
      'costs nothing': ({ context: { ask: asked } }) =>
        asked.account === undefined || asked.maxCost === NOTHING,
      'is its money': ({ context, event }) => 'ticket' in event && event.ticket === ticketOf(context),
    },
    actions: {
      reserve: enqueueActions(({ context, enqueue, self, system }) => {
        const { maxCost, task, asking } = context.ask;
        const request: BudgetReserve = {
          ...{ type: 'budget.reserve', ticket: ticketOf(context), amount: maxCost, from: self },
          labels: { agent: asking.agent, task },
        };
        const account = accountOf(context, system);
        if (account !== undefined) enqueue.sendTo(account, request);
      }),
      settle: enqueueActions(({ context, enqueue, system }) => {
        const account = accountOf(context, system);
        if (account === undefined || context.ask.maxCost === NOTHING) return;
        const ticket = ticketOf(context);
        const { cost } = context.shadow!;
        enqueue.sendTo(
          account,
          cost === undefined
            ? { type: 'budget.hold', ticket }
            : { type: 'budget.settle', ticket, cost, source: 'agent' },
        );
      }),
      haveMoney: assign(({ event }) =>
        event.type === 'budget.reserved' ? { accounts: event.accounts } : {},
      ),
      release: enqueueActions(({ context, enqueue, system }) => {
        const account = accountOf(context, system);
        if (account !== undefined)
          enqueue.sendTo(account, { type: 'budget.release', ticket: ticketOf(context) });
      }),
      take: assign({
        shadow: (
          {
            context: {
              ask: { asking },
            },
          },
          { answer }: { readonly answer: Answer },
        ) => sideOf(asking.agent, answer),
      }),
      beUnpaid: assign({ shadow: ({ context }) => failing(context, UNPAID) }),
      beLate: assign({
        shadow: ({ context, self }) => {
          const known = givenUp(context.ask.asking, self);
          return failing(context, { ...known, fault: 'timeout', message: wordsOfLate(known) });
        },
      }),
      takeOther: assign({ chosen: ({ event }) => (event.type === 'shadow.answer' ? event.side : undefined) }),
    },
    delays: { tooLong: ({ context: { ask: asked } }) => asked.timeoutMs },
  }).createMachine({
    id: 'comparison',
    context: ({ input }) => ({ ask: input, since: Date.now(), shadow: undefined, chosen: undefined }),
    type: 'parallel',
    states: {
      shadow: {
        initial: 'paying',
        states: {
          paying: {
            always: [
              { guard: 'costs nothing', target: 'asking' },
              { target: 'waiting', actions: 'reserve' },
            ],
          },
          waiting: {
            on: {
              'budget.reserved': { guard: 'is its money', target: 'asking', actions: 'haveMoney' },
              'budget.refused': {
                guard: 'is its money',
                target: 'done',
                actions: 'beUnpaid',
              },
            },
            after: {
              [ACCOUNT_PATIENCE_MS]: {
                target: 'done',
                actions: ['release', 'beUnpaid'],
              },
            },
          },
          asking: {
            invoke: {
              id: 'ask',
              src: 'ask',
              input: ({ context }: { readonly context: ComparisonContext }) => askingOf(context),
              onDone: {
                target: 'done',
                actions: [
                  { type: 'take', params: ({ event }) => ({ answer: event.output as Answer }) },
                  'settle',
                ],
              },
              onError: {
                target: 'done',
                actions: [
                  { type: 'take', params: ({ event }) => ({ answer: answerOfError(event.error) }) },
                  'settle',
                ],
              },
            },
            after: {
              tooLong: { target: 'done', actions: ['beLate', 'settle'] },
            },
          },
          done: { type: 'final' },
        },
      },
      chosen: {
        initial: 'waiting',
        states: {
          waiting: {
            on: { 'shadow.answer': { target: 'done', actions: 'takeOther' } },
            after: { [PATIENCE_MS]: 'done' },
          },
          done: { type: 'final' },
        },
      },
    },
    output: ({
      context: {
        ask: { run, task, compare },
        chosen,
        shadow,
      },
    }): Compared => ({
      ...{ run, task, chosen, shadow: shadow! },
      differs: differences(chosen?.output, shadow!.output, compare),
    }),
  });
}

interface Failing {
  readonly fault: FaultClass;
  readonly message: string;
  readonly cost?: Micros;
}

const UNPAID: Failing = {
  ...{ fault: 'budget-exhausted', message: 'its account does not give the money', cost: NOTHING },
};

const failing = ({ ask: { asking }, since }: ComparisonContext, { fault, message, cost }: Failing): Side => ({
  ...{ agent: asking.agent, fault, message, durationMs: Date.now() - since },
  ...(cost !== undefined && { cost }),
});

/** Where the bill goes when its answer comes too late. */
const askingOf = (context: ComparisonContext): Asking => {
  const { ask, accounts } = context;
  if (accounts === undefined) return ask.asking;
  return { ...ask.asking, bill: { accounts, ticket: ticketOf(context) } };
};

const ticketOf = ({ ask }: ComparisonContext): string => ask.asking.idempotencyKey;

function accountOf({ ask: { account } }: ComparisonContext, system: { get(key: string): unknown }) {
  return account === undefined ? undefined : (system.get(account) as AnyActorRef | undefined);
}

/** An answer, as far as it is compared. */
export function sideOf(agent: string, answer: Answer): Side {
  const { durationMs } = answer;
  if (answer.fault === undefined) {
    const { output, metadata } = answer.result;
    return { agent, output, cost: answer.cost, confidence: metadata.confidence, durationMs };
  }
  const { class: fault, message, cost } = answer.fault;
  return { agent, fault, message, durationMs, ...(isMicros(cost) && { cost }) };
}

/** Where two outputs differ, of the places that count. */
function differences(
  some: unknown,
  other: unknown,
  pointers: readonly string[],
): readonly string[] | undefined {
  if (some === undefined || other === undefined) return undefined;
  return pointers.filter((pointer) => textAt(some, pointer) !== textAt(other, pointer));
}

function textAt(value: unknown, pointer: string): string | undefined {
  let found: unknown = value;
  for (const key of keysOf(pointer)) {
    const isThere = typeof found === 'object' && found !== null && Object.hasOwn(found, key);
    found = isThere ? (found as Readonly<Record<string, unknown>>)[key] : undefined;
  }
  return found === undefined ? undefined : canonicalOf(found);
}
