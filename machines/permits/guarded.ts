/**
 * Guarded logic: a call that is made only with the permits of all its gates, and tells them what came of it.
 *
 * It is a small machine around the logic of the call: it asks the gates one after the other, invokes the logic, reports, and
 * ends as the logic did. So it goes where the logic would go: `invoke: { src: guarded(charge, { permits: ['payments/main'] }) }`.
 *
 * It owns the order of asking and reporting. It does not try a failed call again: that is decided by whoever invokes it.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type {
  ActorLogic,
  ActorSystem,
  ActorSystemInfo,
  AnyActorLogic,
  AnyActorRef,
  AnyEventObject,
  InputFrom,
  MachineSnapshot,
  OutputFrom,
} from 'xstate';
import { failure } from '../failure.ts';
import { OptionsCheck, whole } from '../options.ts';
import type { PermitAnswer, PermitEvent, RefusalReason } from './permit.ts';
import { retryAfterMsOf } from './retry-after.ts';
import { LONGEST_DELAY_MS } from './stopwatch.ts';

/** A gate: its address (`payments/main`), its `systemId`, or a ref to it. It must be there already. */
export type Gate = string | AnyActorRef;

export interface GuardedOptions<TInput = unknown> {
  /**
   * The gates, in the order in which they are asked; reports go in reverse. Put what refuses soonest first (a breaker), and
   * what is dearest to hold last (a bulkhead).
   */
  readonly permits: readonly Gate[] | ((input: TInput) => readonly Gate[]);
  /**
   * For how long it asks again when it is refused, and lets gates keep it waiting, in ms. A refusal that says to come back
   * later than that is final at once, and a gate that never answers is given up 10 seconds later. Default: the first refusal is
   * final, and gates keep it waiting as long as they do by themselves.
   */
  readonly patienceMs?: number;
  /** How many slots or tokens the call takes at each gate. Default 1. */
  readonly weight?: number;
  /** What a failure of the call says about the other side. Default: `failure`. Must be pure. */
  readonly judge?: (error: unknown) => 'failure' | 'ignored';
}

/** Guarded logic as its parent sees it: input and output of the logic. */
export type GuardedLogic<TLogic extends AnyActorLogic> = ActorLogic<
  // oxlint-disable-next-line typescript/no-explicit-any
  MachineSnapshot<GuardedContext, any, any, any, any, OutputFrom<TLogic>, any, any>,
  AnyEventObject,
  InputFrom<TLogic>,
  ActorSystem<ActorSystemInfo>
>;

/** How guarded logic fails when a gate does not let it pass. The call was not made. */
export interface PermitError extends Error {
  readonly name: 'PermitError';
  /** The address, or the id, of the gate. */
  readonly gate: string;
  /** `absent`: nobody lives at the address. */
  readonly reason: RefusalReason | 'absent';
  /** When it is worth trying again, in ms. Infinity: never. */
  readonly retryAfterMs: number;
}

/** Tells the refusal of a gate from a failure of the call. */
export function isPermitError(error: unknown): error is PermitError {
  return error instanceof Error && error.name === 'PermitError';
}

/** Whether guarded logic in this state has not made its call: it waits at its gates, or was refused. Of other logic: false. */
export function isUncalled(snapshot: object): boolean {
  const { value, context } = snapshot as { readonly value?: unknown; readonly context?: GuardedContext };
  if (context?.gates === undefined) return false;
  return isPermitError(context.error) || (typeof value === 'object' && value !== null && 'asking' in value);
}

export interface GuardedContext {
  readonly input: unknown;
  readonly gates: readonly Gate[];
  /** Names this life of the actor, also after a crash. */
  readonly name: string;
  /** The gates that have granted it, in their order. */
  readonly held: readonly AnyActorRef[];
  /** The gate whose answer it waits for. */
  readonly asked: AnyActorRef | undefined;
  /** The shortest lease among those it holds, in ms. */
  readonly leaseMs: number;
  /** Since when it asks, in ms since the epoch. */
  readonly since: number;
  readonly standBackMs: number;
  readonly output: unknown;
  readonly error: unknown;
}

type GuardedEvent = PermitAnswer;

/** A gate that has not answered when patience has been over for so long will not any more, in ms. */
const ANSWER_MS = 10_000;

/** Leases are renewed when this part of the shortest is over. */
const RENEW_AT = 0.5;

/**
 * The same logic, run only with the permits of its gates. Its input and its output are those of the logic, and it fails with
 * the error of the logic, or with a {@link PermitError} when it is refused. For logic that needs nothing but its input: other
 * events do not reach it.
 *
 * All attempts of a logic that tries again by itself (`durable(…, { retry })`) are made with the same permits, and count as one
 * call. An error that says for how long to leave the other side alone (`retryAfterMs`, `retryAfter`, a `Retry-After` header) is
 * reported as such. When it is stopped in the middle of a call its permits are free after their leases.
 *
 * Its options are code: some are functions, and a call does not live long. A hosted call that is under way when a
 * deployment changes them is told again with the new ones. Another `weight` or `judge` does not matter then; with other
 * `permits` or another `patienceMs` it may ask or wait otherwise, and is refused with `StoryChanged`.
 *
 * @throws TypeError naming the option that makes no sense
 */
export function guarded<TLogic extends AnyActorLogic>(
  logic: TLogic,
  options: GuardedOptions<InputFrom<TLogic>>,
): GuardedLogic<TLogic> {
  const check = new OptionsCheck('guarded', options, ['permits', 'patienceMs', 'weight', 'judge']);
  check.ifGiven('patienceMs', whole(0).problem);
  check.ifGiven('weight', whole(1).problem);
  const { permits, patienceMs, weight, judge = () => 'failure' } = options;
  if (!Array.isArray(permits) && typeof permits !== 'function') {
    check.fail('permits', 'must be a list of gates, or a function of the input that gives one');
  }
  if (typeof judge !== 'function') check.fail('judge', 'must be a function');

  const patienceLeft = ({ since }: GuardedContext): number =>
    patienceMs === undefined ? 0 : Math.max(0, since + patienceMs - Date.now());

  return setup({
    types: {
      context: {} as GuardedContext,
      events: {} as GuardedEvent,
      input: {} as InputFrom<TLogic>,
      output: {} as OutputFrom<TLogic>,
    },
    actors: { call: logic as AnyActorLogic, failure },
    guards: {
      isAnswer: ({ context, event }) =>
        'ticket' in event && event.ticket === ticketOf(context, context.held.length),
      holdsAll: ({ context: { held, gates } }) => held.length === gates.length,
      gateIsAbsent: ({ context }) => context.asked === undefined,
      mayAskAgain: ({ context, event }) =>
        event.type === 'permit.refused' &&
        event.ticket === ticketOf(context, context.held.length) &&
        event.retryAfterMs <= patienceLeft(context),
    },
    actions: {
      ask: enqueueActions(({ context, enqueue, self, system }) => {
        const gate = context.gates[context.held.length];
        // A `systemId` in XState's types; under Heddle an address as well.
        const asked = typeof gate === 'string' ? (system.get(gate) as AnyActorRef | undefined) : gate;
        enqueue.assign({ asked });
        if (asked === undefined) return;
        enqueue.sendTo(asked, {
          type: 'permit.request',
          ticket: ticketOf(context, context.held.length),
          from: self,
          weight,
          waitMs: patienceMs === undefined ? undefined : patienceLeft(context),
        });
      }),
      take: assign({
        held: ({ context: { held, asked } }) => (asked === undefined ? held : [...held, asked]),
        asked: undefined,
        leaseMs: ({ context, event }) =>
          Math.min(context.leaseMs, event.type === 'permit.granted' ? event.leaseMs : Infinity),
      }),
      renew: enqueueActions(({ context, enqueue }) =>
        tellHeld(context, enqueue, (ticket) => ({ type: 'permit.renew', ticket })),
      ),
      giveBack: enqueueActions(({ context, event, enqueue }) => {
        const { asked, held } = context;
        // It may still answer, unless it just has.
        if (asked !== undefined && event.type !== 'permit.refused') {
          enqueue.sendTo(asked, { type: 'permit.cancel', ticket: ticketOf(context, held.length) });
        }
        tellHeld(context, enqueue, (ticket) => ({ type: 'permit.cancel', ticket }));
        enqueue.assign({ held: [], asked: undefined, leaseMs: Infinity });
      }),
      standBack: assign({
        standBackMs: ({ event }) => (event.type === 'permit.refused' ? event.retryAfterMs : 0),
      }),
      noteRefusal: assign({
        error: ({ context, event }) =>
          event.type === 'permit.refused'
            ? permitError(context, event.reason, event.retryAfterMs)
            : permitError(context, 'timeout', 1),
      }),
      noteAbsence: assign({ error: ({ context }) => permitError(context, 'absent', Infinity) }),
      keep: assign((_, what: { output?: unknown; error?: unknown }) => what),
      fail: enqueueActions(({ context, enqueue }) =>
        enqueue.sendTo('failure', { type: 'fail', error: context.error }),
      ),
      reportSuccess: enqueueActions(({ context, enqueue }) =>
        tellHeld(context, enqueue, (ticket) => ({ type: 'permit.done', ticket, outcome: 'success' })),
      ),
      reportFailure: enqueueActions(({ context, enqueue }) => {
        const outcome = judge(context.error);
        const retryAfterMs = retryAfterMsOf(context.error, Date.now());
        tellHeld(context, enqueue, (ticket) => ({ type: 'permit.done', ticket, outcome, retryAfterMs }));
      }),
    },
    delays: {
      giveUp: ({ context }) => patienceLeft(context) + ANSWER_MS,
      // At least something, or a gate that says 0 would be asked without end.
      standBack: ({ context }) => Math.max(1, context.standBackMs),
      renewal: ({ context }) =>
        Math.min(Math.max(1, Math.floor(context.leaseMs * RENEW_AT)), LONGEST_DELAY_MS),
    },
  }).createMachine({
    id: 'guarded',
    context: ({ input, self }) => ({
      input,
      gates: typeof permits === 'function' ? permits(input) : permits,
      name: self.sessionId,
      held: [],
      asked: undefined,
      leaseMs: Infinity,
      since: Date.now(),
      standBackMs: 0,
      output: undefined,
      error: undefined,
    }),
    initial: 'asking',
    states: {
      asking: {
        initial: 'requesting',
        // Gates keep to the patience that they are told; this is for one that never answers.
        ...(patienceMs !== undefined && {
          after: { giveUp: { target: 'failing', actions: ['noteRefusal', 'giveBack'] } },
        }),
        states: {
          requesting: {
            entry: 'ask',
            always: [
              { guard: 'holdsAll', target: '#guarded.calling' },
              { guard: 'gateIsAbsent', target: '#guarded.failing', actions: ['noteAbsence', 'giveBack'] },
            ],
            on: {
              'permit.granted': { guard: 'isAnswer', target: 'requesting', reenter: true, actions: 'take' },
              'permit.refused': [
                { guard: 'mayAskAgain', target: 'standingBack', actions: ['standBack', 'giveBack'] },
                { guard: 'isAnswer', target: '#guarded.failing', actions: ['noteRefusal', 'giveBack'] },
              ],
            },
            initial: 'waiting',
            // A later gate may keep it waiting for longer than the lease of an earlier one.
            states: { waiting: holding('waiting') },
          },
          /** Holds nothing, and asks again when it was told to. */
          standingBack: { after: { standBack: 'requesting' } },
        },
      },
      calling: {
        invoke: {
          id: 'call',
          src: 'call',
          input: ({ context }: { context: GuardedContext }) => context.input,
          onDone: {
            target: 'done',
            actions: [
              { type: 'keep', params: ({ event }) => ({ output: event.output as unknown }) },
              'reportSuccess',
            ],
          },
          onError: {
            target: 'failing',
            actions: [{ type: 'keep', params: ({ event }) => ({ error: event.error }) }, 'reportFailure'],
          },
        },
        initial: 'holding',
        states: { holding: holding('holding') },
      },
      done: { type: 'final' },
      failing: {
        entry: 'fail',
        // Nobody handles its error, and so it becomes that of this machine.
        invoke: { id: 'failure', src: 'failure', input: undefined },
      },
    },
    output: ({ context }) => context.output as never,
  }) as never;
}

/** A state in which the leases of what it holds are renewed. */
function holding<TName extends string>(name: TName) {
  return { after: { renewal: { target: name, reenter: true, actions: 'renew' } } } as const;
}

function ticketOf({ name }: GuardedContext, index: number): string {
  return `${name}#${index}`;
}

/** Tells every gate that has granted it something about its ticket, the last one first. */
function tellHeld(
  context: GuardedContext,
  enqueue: { sendTo(to: AnyActorRef, event: PermitEvent): void },
  tell: (ticket: string) => PermitEvent,
): void {
  for (const [index, gate] of [...context.held.entries()].reverse()) {
    enqueue.sendTo(gate, tell(ticketOf(context, index)));
  }
}

function permitError(
  { gates, held }: GuardedContext,
  reason: PermitError['reason'],
  retryAfterMs: number,
): PermitError {
  const asked = gates[held.length];
  const gate = typeof asked === 'string' ? asked : (asked?.id ?? 'nobody');
  const error = new Error(`${gate} does not let it pass: ${reason}`);
  // Where the code stood is no part of the state, and would not be the same when the step is told again.
  delete (error as { stack?: string }).stack;
  return Object.assign(error, { name: 'PermitError' as const, gate, reason, retryAfterMs });
}
