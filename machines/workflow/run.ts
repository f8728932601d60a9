/**
 * The run of a workflow as a statechart: a region for every node, all at once.
 *
 *     beginning → working ──────────────────────────────────────────→ complete
 *                   research   pending → ready → running → complete   ├→ compensating → failed, aborted
 *                   summarise  pending → …          ╰→ failed, …      ╰→ failed, aborted
 *
 * A node waits in `pending` for what it needs, in `ready` for a place among those that may run at once, and in `running` for
 * its child, which does the work. Whoever is not wanted any more is told so, and the run waits until it has come to an end: money
 * that it holds is given back first. When every node has come to its end the run has too.
 *
 * The machine decides by the graph and by what its children report. It knows no agent, no schema and no clock but that of its steps.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyStateMachine } from 'xstate';
import { failure } from '../failure.ts';
import { crashBy } from '../faults/crash.ts';
import {
  afterCancel,
  begun,
  cancelled,
  completed,
  ending,
  failed,
  failedBefore,
  noted,
  passed,
  prepared,
  skipped,
  undone,
  undoingBegun,
  whyCancelled,
  works,
} from './advance.ts';
import { leftBy, uncompensatedIn } from './deeds.ts';
import { isOrder, isTold, within } from './events.ts';
import type { RunEvent, RunStands, TaskOrder } from './events.ts';
import { factsOfAll } from './facts.ts';
import { ACCOUNT, broken, isWork, nameOf, problemAfter, undoOf } from './graph.ts';
import type { Graph, WorkOutcome, WorkProblem, WorkStart } from './graph.ts';
import { movesOf } from './moves.ts';
import type { FindMoves, Move } from './moves.ts';
import { addressOf } from '../address.ts';
import {
  beginning,
  canBeUndone,
  nextToUndo,
  outputOfRun,
  problemBefore,
  problemOfOutput,
  standingOfRun,
} from './progress.ts';
import type { NodeStatus, RunContext } from './progress.ts';
import { compensatingState, guardNames, regionOf } from './region.ts';
import { tellStanding } from './standings.ts';

/** What happens to a run, from outside and within a step. */
type StepEvent = RunEvent | RunStands;

/** A node that an action or a guard is about. */
interface Of {
  readonly node: string;
}
type WithOutcome = Of & { readonly outcome: WorkOutcome };
type WithError = Of & { readonly error: unknown };

/**
 * The machine of a workflow. A root run takes the input of the workflow, and gives its output; it ends with an error where it has
 * failed or was aborted.
 * @param isNested whether another run invokes it: then it takes a {@link WorkStart} and ends with a {@link WorkOutcome}
 */
export function runMachine(graph: Graph, { isNested = false } = {}): AnyStateMachine {
  const { parallel, shared, output, written } = graph;
  const undoable = Object.keys(graph.nodes).filter((name) => canBeUndone(graph.nodes[name]!));
  const built = setup({
    types: { context: {} as RunContext, events: {} as StepEvent },
    actors: actorsOf(graph),
    guards: {
      stands: ({ event }, { node, standing }: Of & { readonly standing: string }) =>
        event.type === 'task.stands' && event.task === node && event.standing === standing,
      ended: (_, { outcome, how }: WithOutcome & { readonly how: WorkOutcome['status'] }) =>
        outcome.status === how,
      'was aborted': ({ context }) => context.ending?.how === 'abort' || context.ending?.how === 'cancel',
      'has failed': ({ context }, _graph: object) => context.ending !== undefined,
      'has no output': ({ context }) => problemOfOutput(graph, context) !== undefined,
      'something is to be undone': ({ context }) =>
        (context.ending?.how === 'abort' || context.ending?.how === 'compensate') &&
        nextToUndo(context) !== undefined,
      ...guardsOf(graph),
    },
    actions: {
      stand: assign(({ context }, { node, status }: Of & { readonly status: NodeStatus }) =>
        noted(context, node, { status }),
      ),
      beLate: assign(({ context }, { node }: Of) => noted(context, node, { late: true })),
      prepare: assign(({ context }, { node }: Of) => prepared(graph, node, context)),
      skip: assign(({ context }, { node }: Of) => skipped(graph, node, context)),
      pass: assign(({ context }, { node }: Of) => passed(graph, node, context)),
      work: assign(({ context }, { node, status }: Of & { readonly status: 'running' | 'waiting' }) =>
        works(graph, node, status, context),
      ),
      failBeforeIt: assign(({ context }, { node }: Of) => failedBefore(graph, node, context)),
      failUnprepared: assign(({ context }, { node }: Of) => ({
        ...failed(graph, node, problemBefore(node, context)!, undefined, context),
        ...begun(node, context),
      })),
      complete: assign(({ context }, { node, outcome }: WithOutcome) =>
        outcome.status === 'complete' ? completed(graph, node, outcome, context) : {},
      ),
      cancelled: assign(({ context }, { node }: Of) => cancelled(graph, node, undefined, context)),
      cancelledAs: assign(({ context }, { node, outcome }: WithOutcome) =>
        afterCancel(graph, node, outcome, context),
      ),
      fail: assign(({ context }, { node, outcome }: WithOutcome) => failedAs(graph, node, outcome, context)),
      break: assign(({ context }, { node, error }: WithError) =>
        failed(graph, node, crashBy(error), undefined, context),
      ),
      noteUndoing: assign(({ context, event }, { node }: Of) =>
        event.type === 'task.stands' ? noted(context, node, { undoing: event.standing }) : {},
      ),
      beginUndoing: assign(({ context }) => undoingBegun(context)),
      undone: assign(({ context }, { node, outcome }: WithOutcome) => undone(node, outcome, context)),
      notUndone: assign(({ context }, { node, error }: WithError) => undone(node, broken(error), context)),
      abort: assign(({ context, event }) =>
        event.type === 'run.abort'
          ? ending(context, { how: 'abort', by: event.by, reason: event.reason })
          : {},
      ),
      beCancelled: assign(({ context, event }) =>
        event.type === 'task.cancel' ? ending(context, { how: 'cancel', reason: event.because }) : {},
      ),
      tellToCancel: enqueueActions(({ context, enqueue }, { node }: Of) => {
        enqueue.sendTo(node, { type: 'task.cancel', because: whyCancelled(context) });
      }),
      passOn: enqueueActions(({ context, event, enqueue }, { node }: Of) => {
        enqueue.sendTo(node, orderIn(context, event)!);
      }),
      // Others may move in the same step, so that it is as it was.
      weighStanding: enqueueActions(({ context, enqueue }) => {
        if (standsOtherwise(context)) enqueue.raise({ type: 'run.stands' });
      }),
      tellStanding: enqueueActions(({ context, enqueue, self }) => {
        if (!standsOtherwise(context)) return;
        const { name } = context.around!;
        const stands = standingOfRun(context)!;
        enqueue.assign({ around: { name, stands } });
        tellStanding(enqueue, self, name, stands);
      }),
      failForOutput: assign(({ context }) => {
        const problem = problemOfOutput(graph, context);
        return problem === undefined ? {} : ending(context, { how: 'output', problem });
      }),
      giveUp: enqueueActions(({ context, enqueue, self }) => {
        enqueue.sendTo('failure', { type: 'fail', error: problemOfRun(graph, context, addressOf(self)) });
      }),
    },
  });
  const config = {
    id: graph.id,
    context: ({ input, spawn }: Birth) => bornWith(graph, isNested, input, spawn),
    initial: 'beginning',
    ...(isNested && { on: { 'run.stands': { actions: 'tellStanding' } } }),
    states: {
      // What a machine begins in, XState enters in the cube of the number of its states; what it goes on to, in the square.
      beginning: { always: 'working' },
      working: {
        type: 'parallel',
        states: Object.fromEntries(
          Object.entries(graph.nodes).map(([name, node]) => [name, regionOf(graph, name, node, isNested)]),
        ),
        on: {
          'run.abort': { actions: 'abort' },
          ...(isNested && { 'task.cancel': { actions: 'beCancelled' } }),
        },
        onDone: [
          ...(undoable.length > 0 ? [{ guard: 'something is to be undone', target: 'compensating' }] : []),
          { guard: 'was aborted', target: 'aborted' },
          // What the graph says of all nodes stands in here for whoever compares versions; of each, in its region.
          { guard: { type: 'has failed', params: { parallel, shared, output, written } }, target: 'failed' },
          { guard: 'has no output', target: 'failed', actions: 'failForOutput' },
          { target: 'complete' },
        ],
      },
      ...(undoable.length > 0 && { compensating: compensatingState(graph, undoable, isNested) }),
      complete: { type: 'final' },
      failed: { description: 'its error says which node has failed, and why', ...lastState(isNested) },
      aborted: { description: 'its error says by whom, and why', ...lastState(isNested) },
    },
    output: ({ context, self }: { readonly context: RunContext; readonly self: AnyActorRef }) =>
      isNested ? outcomeOf(graph, context, addressOf(self)) : outputOfRun(graph, context),
  };
  // The names of states, guards and children come from the graph: XState's types cannot know them.
  return built.createMachine(config as never) as never;
}

/** XState has no way to end with an error but by a child. A nested run says it in its outcome. */
const lastState = (isNested: boolean) =>
  isNested ? { type: 'final' } : { entry: 'giveUp', invoke: { id: 'failure', src: 'failure' } };

// ---- birth and end ------------------------------------------------------------------------------------------------

interface Birth {
  readonly input: unknown;
  readonly spawn: (src: string, options: object) => AnyActorRef;
}

function bornWith(graph: Graph, isNested: boolean, given: unknown, spawn: Birth['spawn']): RunContext {
  const start = isNested ? (given as WorkStart) : undefined;
  const input = start === undefined ? given : start.input;
  graph.checkInput(input);
  const { account: own } = graph;
  const account =
    own === undefined
      ? start?.account
      : spawn(ACCOUNT, { id: ACCOUNT, input: own.input(start?.account, input) });
  const people = start?.people ?? [];
  const around = start && { around: { name: nameOf(start), stands: 'running' as const } };
  return { ...beginning(graph, input, Date.now()), account, people, ...around };
}

/** What has become of a nested run. */
function outcomeOf(graph: Graph, context: RunContext, run: string): WorkOutcome {
  const { ending: end, nodes } = context;
  const facts = factsOfAll(Object.values(nodes).map((node) => node.facts));
  const left = { facts, ...leftBy(context) };
  if (end === undefined) return { status: 'complete', output: outputOfRun(graph, context), ...left };
  if (end.how === 'cancel') return { status: 'cancelled', ...left };
  if (end.how === 'abort') return { status: 'aborted', by: end.by, reason: end.reason, ...left };
  return { status: 'failed', problem: problemOfRun(graph, context, run), ...left };
}

/** Why a run has no output, as data: the error of its snapshot. @param run its address */
function problemOfRun(graph: Graph, context: RunContext, run: string): WorkProblem {
  const { ending: end } = context;
  const uncompensated = uncompensatedIn(context);
  const more = { workflow: graph.id, run, ...(uncompensated.length > 0 && { uncompensated }) };
  if (end?.how === 'abort')
    return { class: 'cancelled', message: `${end.by} has aborted it: ${end.reason}`, by: end.by, ...more };
  if (end === undefined || end.how === 'cancel')
    return { class: 'cancelled', message: end?.reason ?? 'it was cancelled', ...more };
  if (end.how === 'output') return { ...end.problem, ...more };
  return { ...end.problem, message: `${end.node}: ${end.problem.message}`, node: end.node, ...more };
}

/** Whether its nodes stand otherwise than the run around it was told. When none of them runs it says nothing: it ends. */
function standsOtherwise(context: RunContext): boolean {
  const stands = standingOfRun(context);
  return stands !== undefined && stands !== context.around?.stands;
}

/** An order to one of its nodes, without the way to this run. */
function orderIn({ around }: RunContext, event: StepEvent): TaskOrder | undefined {
  if (!isOrder(event)) return undefined;
  const task = around === undefined ? event.task : within(event.task, around.name);
  return task === undefined ? undefined : { ...event, task };
}

// ---- implementations ----------------------------------------------------------------------------------------------

/** Those whom its runs ask, by the names by which they know them. */
export function actorsOf(graph: Graph): Record<string, AnyActorLogic> {
  const actors: Record<string, AnyActorLogic> = { failure };
  if (graph.account !== undefined) actors[ACCOUNT] = graph.account.logic;
  for (const [name, node] of Object.entries(graph.nodes)) {
    if (!isWork(node)) continue;
    // There may be many, and each is made when it is asked for.
    Object.defineProperty(actors, name, { enumerable: true, get: () => node.logic });
    if (node.compensate !== undefined) actors[undoOf(name)] = node.compensate.logic;
  }
  return actors;
}

interface Asked {
  readonly context: RunContext;
  readonly event: StepEvent;
}

type Guards = Record<string, (asked: Asked) => boolean>;

function guardsOf(graph: Graph): Guards {
  const moves = movesOf(graph);
  const all = Object.keys(graph.nodes).map((name) => guardsAbout(graph, name, moves));
  return Object.assign({}, ...all) as Guards;
}

function guardsAbout(graph: Graph, name: string, movesIn: FindMoves): Guards {
  const names = guardNames(name);
  const does =
    (move: Move) =>
    ({ context, event }: Asked): boolean =>
      movesIn(context, event).get(name) === move;
  return {
    [names.obsolete]: does('obsolete'),
    [names.stuck]: does('stuck'),
    [names.unprepared]: does('unprepared'),
    [names.skipped]: does('skipped'),
    [names.begins]: does('begins'),
    [names.hasPlace]: does('hasPlace'),
    [names.passes]: does('passes'),
    [names.hasFirst]: ({ context }) =>
      graph.nodes[name]!.needs.some(({ node }) => isOver(context.nodes[node]!.status)),
    [names.speaks]: ({ context, event }) => isOrderTo(name, context, event),
    [names.undoSpeaks]: ({ context, event }) => isOrderTo(undoOf(name), context, event),
    [names.undone]: ({ context }) => nextToUndo(context) === name,
  };
}

function isOrderTo(name: string, context: RunContext, event: StepEvent): boolean {
  const order = orderIn(context, event);
  return order !== undefined && isTold(order.task, name);
}

const isOver = (status: NodeStatus): boolean =>
  status === 'complete' || status === 'failed' || status === 'skipped' || status === 'cancelled';

function failedAs(graph: Graph, name: string, outcome: WorkOutcome, context: RunContext) {
  const changed = failed(graph, name, problemAfter(outcome), outcome, context);
  return outcome.status === 'aborted'
    ? { ...changed, ...ending(context, { how: 'abort', by: outcome.by, reason: outcome.reason }) }
    : changed;
}
