/**
 * A map: the same work for every item of a list, so many at once. Each item is a child of its own, named by its place in the list, so
 * after a crash only those go on that were not done.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { frozen } from '../values/frozen.ts';
import { isOrder, within } from './events.ts';
import type { RunEvent } from './events.ts';
import { factsOfAll } from './facts.ts';
import { keepsInput, leftWith, withoutDeeds } from './deeds.ts';
import { nameOf, outcomeIn } from './graph.ts';
import type { Ask, Compensation, Left, WorkOutcome, WorkStart } from './graph.ts';
import { startHere } from '../here.ts';
import { problemBy } from './progress.ts';
import { standingOfAll, tellStanding } from './standings.ts';
import type { Standing } from './standings.ts';

export interface MapSpec {
  /** How many items at once. */
  readonly concurrency: number;
  /** Does the work of one item: takes a {@link WorkStart}, and ends with a {@link WorkOutcome}. */
  readonly each: AnyActorLogic;
  /** What is made of an item for that. */
  readonly input: (item: unknown, index: number) => unknown;
  /**
   * - `fail`: the first item that fails ends it, and the others are cancelled
   * - `collect`: all are done, and the output says of each what came of it
   */
  readonly onItemError: 'fail' | 'collect';
  /** What becomes of the list of outputs. */
  readonly reduce: (outputs: readonly unknown[]) => unknown;
  /** Refuses what the work does not take: throws. */
  readonly checkInput: (input: unknown) => void;
  readonly ask: Ask;
  /** How the work of one item is undone. */
  readonly compensate?: Compensation | undefined;
}

export interface MapContext {
  readonly start: WorkStart;
  readonly items: readonly unknown[];
  /** The items that were begun, from the first on. */
  readonly begun: number;
  /** Those that run, by their ids. */
  readonly running: Readonly<Record<string, Standing>>;
  /** By index; not there: not done. */
  readonly outcomes: Readonly<Record<number, WorkOutcome>>;
  readonly done: number;
  /** What those that run were given, where it takes that to undo them. */
  readonly given: Readonly<Record<string, unknown>>;
  /** What those that are done have left. */
  readonly left: Left;
  readonly stands: Standing;
  /** Why it comes to an end before all is done. */
  readonly ending: WorkOutcome | undefined;
}

type MapEvent =
  | RunEvent
  | { readonly type: `xstate.done.actor.${string}`; readonly actorId: string; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly actorId: string; readonly error: unknown };

export function mapMachine(spec: MapSpec): AnyStateMachine {
  const { each, input, concurrency, onItemError, reduce, compensate } = spec;
  return setup({
    types: { context: {} as MapContext, events: {} as MapEvent, input: {} as WorkStart },
    actors: { each },
    guards: {
      'all is done': ({ context: { items, done, running, ending } }, _spec: object) =>
        ending === undefined ? done === items.length : Object.keys(running).length === 0,
      'is about an item': ({ context, event }) => isOrder(event) && itemIn(context, event.task) !== undefined,
    },
    actions: {
      fill: enqueueActions(({ context, enqueue, self }) => {
        const { items } = context;
        const start = startHere(context.start, self);
        let { begun, ending } = context;
        const running = { ...context.running };
        const given = { ...context.given };
        const unmade: Record<number, WorkOutcome> = {};
        let free = concurrency - Object.keys(running).length;
        for (; ending === undefined && free > 0 && begun < items.length; begun++) {
          const id = String(begun);
          const made = inputOf(spec, items[begun], begun);
          if (made.status === 'failed') {
            unmade[begun] = made;
            ending = endingAfter(made, id, onItemError);
            continue;
          }
          free--;
          running[id] = 'running';
          if (keepsInput(compensate)) given[id] = made.input;
          enqueue.spawnChild('each', {
            id,
            input: { ...start, task: `${start.task}/${id}`, input: made.input },
          });
        }
        enqueue.assign({ ...settled(context, unmade), begun, running, given, ending });
        if (ending === context.ending) return;
        for (const id of Object.keys(running))
          enqueue.sendTo(id, { type: 'task.cancel', because: `item ${begun - 1} has ended it` });
      }),
      take: enqueueActions(({ context, event, enqueue }) => {
        if (!('actorId' in event)) return;
        const { actorId: id } = event;
        const { [id]: known, ...running } = context.running;
        if (known === undefined) return;
        const { [id]: wasGiven, ...given } = context.given;
        const ended = outcomeIn(event);
        const outcome = withoutDeeds(ended);
        enqueue.assign({
          ...settled(context, { [Number(id)]: outcome }),
          ...{ running, given },
          left: leftWith(context.left, id, compensate, ended, wasGiven),
        });
        enqueue.stopChild(id);
        const ending = endingAfter(outcome, id, onItemError, context.ending);
        if (ending === context.ending) return;
        enqueue.assign({ ending });
        for (const other of Object.keys(running))
          enqueue.sendTo(other, { type: 'task.cancel', because: `item ${id} has ended it` });
      }),
      note: assign({
        running: ({ context: { running }, event }) =>
          event.type === 'task.stands' && Object.hasOwn(running, event.task)
            ? { ...running, [event.task]: event.standing }
            : running,
      }),
      tell: enqueueActions(({ context, enqueue, self }) => {
        const stands = standingOfAll(Object.values(context.running));
        if (stands === context.stands) return;
        enqueue.assign({ stands });
        tellStanding(enqueue, self, nameOf(context.start), stands);
      }),
      passOn: enqueueActions(({ context, event, enqueue }) => {
        if (!isOrder(event)) return;
        const item = itemIn(context, event.task)!;
        enqueue.sendTo(item, { ...event, task: event.task.slice(nameOf(context.start).length + 1) });
      }),
      cancel: enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'task.cancel') return;
        enqueue.assign({ ending: context.ending ?? { status: 'cancelled' } });
        for (const id of Object.keys(context.running)) enqueue.sendTo(id, event);
      }),
    },
  }).createMachine({
    id: 'map',
    context: ({ input: start }) => ({
      start,
      ...itemsIn(start),
      begun: 0,
      running: {},
      outcomes: {},
      done: 0,
      given: {},
      left: {},
      stands: 'running',
    }),
    initial: 'working',
    states: {
      working: {
        entry: 'fill',
        // What decides stands in here for whoever compares versions.
        always: {
          guard: { type: 'all is done', params: { input, concurrency, onItemError, reduce } },
          target: 'done',
        },
        on: {
          'xstate.done.actor.*': { actions: ['take', 'fill', 'tell'] },
          'xstate.error.actor.*': { actions: ['take', 'fill', 'tell'] },
          'task.stands': { actions: ['note', 'tell'] },
          'task.resume': { guard: 'is about an item', actions: 'passOn' },
          'task.abandon': { guard: 'is about an item', actions: 'passOn' },
          'task.cancel': { actions: 'cancel' },
        },
      },
      done: { type: 'final' },
    },
    output: ({ context }) => outcomeOf(context, spec),
  });
}

function itemIn(context: MapContext, task: string): string | undefined {
  const item = within(task, nameOf(context.start))?.split('/', 1)[0];
  return item !== undefined && Object.hasOwn(context.running, item) ? item : undefined;
}

function itemsIn({ input }: WorkStart): Pick<MapContext, 'items' | 'ending'> {
  if (Array.isArray(input)) return { items: input, ending: undefined };
  const problem = { class: 'invalid-input', message: 'what it is to go over is no list' };
  return { items: [], ending: { status: 'failed', problem } };
}

type Made =
  { readonly status: 'made'; readonly input: unknown } | Extract<WorkOutcome, { readonly status: 'failed' }>;

/** What the work of an item is given; if that cannot be made, the item has failed. */
function inputOf(spec: MapSpec, item: unknown, index: number): Made {
  try {
    const input = spec.ask(() => {
      const made = spec.input(frozen(item), index);
      spec.checkInput(made);
      return made;
    });
    return { status: 'made', input };
  } catch (error) {
    const problem = problemBy(error, 'invalid-input', 'its input cannot be made', spec);
    return { status: 'failed', problem };
  }
}

/** What has come of some more of the items. */
const settled = (
  { outcomes, done }: MapContext,
  more: MapContext['outcomes'],
): Pick<MapContext, 'outcomes' | 'done'> => ({
  outcomes: { ...outcomes, ...more },
  done: done + Object.keys(more).length,
});

/** Whether what came of an item ends everything. Who ends the run does so, though something else has ended this before. */
function endingAfter(
  outcome: WorkOutcome,
  item: string,
  onItemError: MapSpec['onItemError'],
  before?: WorkOutcome,
): WorkOutcome | undefined {
  const isMore = outcome.status === 'aborted' && before?.status !== 'aborted';
  if (before !== undefined && !isMore) return before;
  if (outcome.status === 'aborted') return outcome;
  if (outcome.status === 'complete' || onItemError === 'collect') return undefined;
  if (outcome.status === 'cancelled') return outcome;
  const { problem } = outcome;
  return { status: 'failed', problem: { ...problem, message: `item ${item}: ${problem.message}`, item } };
}

function outcomeOf(
  { items, outcomes, left: leftByItems, ending }: MapContext,
  { onItemError, reduce, ask }: MapSpec,
): WorkOutcome {
  const facts = factsOfAll(Object.values(outcomes).map((outcome) => outcome.facts));
  const left = { facts, ...leftByItems };
  if (ending !== undefined) return { ...ending, ...left };
  const all = items.map((_, index) => outcomes[index]!);
  const outputs = all.map((outcome) => {
    if (onItemError === 'fail') return outcome.status === 'complete' ? outcome.output : undefined;
    const { facts: _, ...rest } = outcome;
    return rest;
  });
  try {
    const output = ask(() => reduce(outputs.map(frozen)));
    return { status: 'complete', output, ...left };
  } catch (error) {
    const problem = problemBy(error, 'invalid-output', 'its results cannot be joined', { ask });
    return { status: 'failed', problem, ...left };
  }
}
