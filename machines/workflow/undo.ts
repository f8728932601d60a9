/**
 * Undoing what was done within a node: the nodes of a run that is over, the items of a list, the times of a loop. One after the other,
 * the last first; each by a child of its own, so after a crash only that goes on which was not undone. What was done in them again is
 * undone by such a machine in its turn.
 *
 *     choosing ⇄ undoing        choosing ─→ undone
 *
 * What cannot be undone keeps nothing else from being undone: it is told in the outcome, by the way to it.
 */
import { enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyStateMachine } from 'xstate';
import { addressOf } from '../address.ts';
import { startHere } from '../here.ts';
import { uncompensatedAfter } from './deeds.ts';
import type { Undone } from './deeds.ts';
import { isOrder, isTold, within } from './events.ts';
import type { RunEvent } from './events.ts';
import { ACCOUNT, isWork, nameOf, outcomeIn, undoOf } from './graph.ts';
import type { Compensation, Deed, Graph, Uncompensated, WorkOutcome, WorkStart } from './graph.ts';
import type { NodeStatus } from './progress.ts';
import { tellStanding } from './standings.ts';

export interface UndoSpec {
  /** Those who undo. */
  readonly actors: Readonly<Record<string, AnyActorLogic>>;
  /** Which of them undoes what somebody has done, and what is said to it besides what it is given. */
  readonly childFor: (of: string, undoing: Undoer) => UndoChild;
  /** The account that pays for it, where what is undone had one of its own. Default: that of whoever has it undone. */
  readonly account?: Graph['account'];
}

/** Whoever has something undone, where it lives now: it may have been forked. */
interface Undoer extends Pick<UndoContext, 'start' | 'account'> {
  readonly address: string;
}

interface UndoChild {
  readonly src: string;
  readonly id: string;
  readonly start: Omit<WorkStart, 'input'>;
}

export interface UndoContext {
  readonly start: WorkStart;
  readonly account: WorkStart['account'];
  /** What is to be undone, and was not yet: the last of it is the next, or is being undone. */
  readonly deeds: readonly Doable[];
  /** How far it is, by whose deed it is. */
  readonly parts: Readonly<Record<string, UndoProgress>>;
}

export interface UndoProgress {
  readonly status: Extract<NodeStatus, 'compensating' | 'compensated' | 'uncompensated'>;
  /** What was not undone of it. */
  readonly uncompensated: readonly Uncompensated[];
}

/** A deed that can be undone. */
type Doable = Extract<Deed, { readonly undo: unknown }>;

type UndoEvent =
  | RunEvent
  | { readonly type: `xstate.done.actor.${string}`; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly error: unknown };

/** Undoes what the nodes of a run have done: each by what its node declares. Undefined: there is none that can be undone. */
export function undoOfRun({ id: workflow, nodes, account: own }: Graph): Compensation | undefined {
  const actors: Record<string, AnyActorLogic> = {};
  for (const [name, node] of Object.entries(nodes))
    if (isWork(node) && node.compensate !== undefined) actors[undoOf(name)] = node.compensate.logic;
  if (Object.keys(actors).length === 0) return undefined;
  if (own !== undefined) actors[ACCOUNT] = own.logic;
  return compensationBy({
    actors,
    account: own,
    childFor: (of, { address: run, account, start: { people } }) => {
      const task = undoOf(of);
      const whose = people === undefined ? {} : { people };
      return { src: task, id: task, start: { workflow, run, task, account, values: {}, ...whose } };
    },
  });
}

/** Undoes what was done for the items of a list, or in the times of a loop. Undefined: that cannot be undone. */
export function undoOfEach(compensation: Compensation | undefined): Compensation | undefined {
  return (
    compensation &&
    compensationBy({
      actors: { undo: compensation.logic },
      childFor: (of, { start }) => ({
        ...{ src: 'undo', id: of, start: { ...start, task: `${start.task}/${of}` } },
      }),
    })
  );
}

const compensationBy = (spec: UndoSpec): Compensation => ({
  ...{ logic: undoMachine(spec), input: undefined },
  // Whose accounts pay may be a matter of that.
  keepsInput: spec.account !== undefined,
});

function undoMachine({ actors, childFor, account }: UndoSpec): AnyStateMachine {
  const childOf = ({ deeds, start, account: payer }: UndoContext, self: AnyActorRef) => {
    const here = { start: startHere(start, self), account: payer, address: addressOf(self) };
    return childFor(deeds.at(-1)!.of, here);
  };
  return setup({
    types: { context: {} as UndoContext, events: {} as UndoEvent, input: {} as WorkStart },
    actors: { ...actors },
    guards: {
      'something is to be undone': ({ context: { deeds } }, _actors: object) => deeds.length > 0,
      'is about it': ({ context, event }) => isOrder(event) && isTold(event.task, nameOf(context.start)),
    },
    actions: {
      begin: enqueueActions(({ context, enqueue, self }) => {
        const { of, undo } = context.deeds.at(-1)!;
        const { src, id, start } = childOf(context, self);
        enqueue.assign(progressed(context, of, { status: 'compensating', uncompensated: [] }));
        enqueue.spawnChild(src, { id, input: { ...start, input: undo } });
      }),
      take: enqueueActions(({ context, event, enqueue, self }) => {
        if (!('output' in event || 'error' in event)) return;
        const outcome = outcomeIn(event);
        enqueue.stopChild(childOf(context, self).id);
        enqueue.assign(ended(context, outcome));
      }),
      tell: enqueueActions(({ context, event, enqueue, self }) => {
        if (event.type === 'task.stands') tellStanding(enqueue, self, nameOf(context.start), event.standing);
      }),
      passOn: enqueueActions(({ context, event, enqueue, self }) => {
        if (!isOrder(event)) return;
        const { id } = childOf(context, self);
        enqueue.sendTo(id, { ...event, task: within(event.task, nameOf(context.start)) ?? id });
      }),
    },
  }).createMachine({
    id: 'undo',
    context: ({ input: start, spawn }) => ({
      ...beginning(start),
      account:
        account === undefined
          ? start.account
          : spawn(ACCOUNT, {
              id: ACCOUNT,
              input: account.input(start.account, (start.input as Undone).given),
            }),
    }),
    initial: 'choosing',
    states: {
      choosing: {
        always: [
          {
            // Those who undo stand in here for whoever compares versions.
            guard: { type: 'something is to be undone', params: { actors: Object.keys(actors) } },
            target: 'undoing',
          },
          { target: 'undone' },
        ],
      },
      undoing: {
        entry: 'begin',
        on: {
          'xstate.done.actor.*': { target: 'choosing', actions: 'take' },
          'xstate.error.actor.*': { target: 'choosing', actions: 'take' },
          'task.stands': { actions: 'tell' },
          'task.resume': { guard: 'is about it', actions: 'passOn' },
          'task.abandon': { guard: 'is about it', actions: 'passOn' },
        },
      },
      undone: { type: 'final' },
    },
    output: ({ context }) => outcomeOf(context),
  });
}

function beginning(start: WorkStart): Omit<UndoContext, 'account'> {
  const { deeds: all } = start.input as Undone;
  const lost = all.flatMap((deed) => ('problem' in deed ? [deed] : []));
  return {
    ...{ start, deeds: all.flatMap((deed) => ('problem' in deed ? [] : [deed])) },
    parts: Object.fromEntries(
      lost.map(({ of, problem }) => [
        of,
        { status: 'uncompensated', uncompensated: [{ node: of, problem }] },
      ]),
    ),
  };
}

const progressed = (
  { parts }: UndoContext,
  of: string,
  progress: UndoProgress,
): Pick<UndoContext, 'parts'> => ({ parts: { ...parts, [of]: progress } });

/** Whoever was to undo the last of what is left has ended. */
function ended(context: UndoContext, outcome: WorkOutcome): Partial<UndoContext> {
  const { of, doubt } = context.deeds.at(-1)!;
  const uncompensated = uncompensatedAfter(of, outcome, doubt);
  const status = uncompensated.length === 0 ? 'compensated' : 'uncompensated';
  return { ...progressed(context, of, { status, uncompensated }), deeds: context.deeds.slice(0, -1) };
}

function outcomeOf({ parts }: UndoContext): WorkOutcome {
  const uncompensated = Object.values(parts).flatMap((part) => part.uncompensated);
  if (uncompensated.length === 0) return { status: 'complete', output: undefined };
  const names = uncompensated.map(({ node }) => node).join(', ');
  const problem = { class: 'compensation', message: `not all of it could be undone: ${names}` };
  return { status: 'failed', problem, uncompensated };
}
