/**
 * The region of a node in the statechart of a run, and the states in which runs are undone. What is in here is drawn: the names of
 * guards say in words what the graph says.
 */
import type { AnyActorRef } from 'xstate';
import { isWork, undoOf } from './graph.ts';
import type { Graph, GraphNode, WorkNode, WorkOutcome, WorkStart } from './graph.ts';
import { peopleBehind, peopleOfDeed } from './people.ts';
import { addressOf } from '../address.ts';
import type { Given, RunContext } from './progress.ts';

/** The names under which a region asks its guards. */
export const guardNames = (name: string) =>
  ({
    obsolete: `${name} is not wanted any more`,
    stuck: `${name} cannot begin`,
    skipped: `${name} is not to be done`,
    begins: `${name} has what it needs`,
    unprepared: `what ${name} needs cannot be made`,
    hasPlace: `there is a place for ${name}`,
    passes: `${name} is done at once`,
    hasFirst: `the first need of ${name} has ended`,
    speaks: `it is about ${name}`,
    undone: `${name} is the next to undo`,
    undoSpeaks: `it is about undoing ${name}`,
  }) as const;

interface Step {
  readonly context: RunContext;
  readonly event: unknown;
}

/** What is known when a child is given what it begins with. */
interface Birth extends Step {
  readonly self: AnyActorRef;
}

/** How the child has ended that did the work of a node. */
function outcomeIn({ event }: Pick<Step, 'event'>, { outcome }: Pick<WorkNode, 'outcome'>): WorkOutcome {
  const { output } = event as { readonly output: unknown };
  return outcome === undefined ? (output as WorkOutcome) : outcome(output);
}

/** In a run within a run: it may stand otherwise now. A run around which there is none tells nobody. */
const weighing = (isNested: boolean) => (isNested ? ['weighStanding'] : []);

/** @param isNested whether it is a region of a run within a run */
export function regionOf(graph: Graph, name: string, node: GraphNode, isNested: boolean) {
  const guards = guardNames(name);
  const params = { node: name };
  const { withinMs } = node.wait;
  const entry = weighing(isNested);
  return {
    description: node.kind,
    initial: 'pending',
    states: {
      pending: {
        description: waitingWords(node),
        always: [
          { guard: guards.obsolete, target: 'cancelled', actions: { type: 'cancelled', params } },
          {
            // What the graph says of the node stands in here for whoever compares versions.
            guard: { type: guards.stuck, params: { declared: node.declared } },
            target: 'failed',
            actions: { type: 'failBeforeIt', params },
          },
          { guard: guards.skipped, target: 'skipped', actions: { type: 'skip', params } },
          { guard: guards.begins, target: 'ready', actions: { type: 'prepare', params } },
        ],
        ...(withinMs !== undefined && gathering(guards.hasFirst, withinMs, params)),
      },
      ready: readyState(name, node),
      ...(isWork(node) && { running: runningState(graph, name, node, isNested) }),
      complete: { type: 'final', entry, description: 'it is done' },
      failed: { type: 'final', entry, description: errorWords(node) },
      skipped: { type: 'final', description: 'it was not to be done' },
      cancelled: { id: cancelledIdOf(name), type: 'final', entry, description: 'it is not wanted any more' },
    },
  };
}

/** Waits for somebody who has to decide or to look. Whoever draws a run finds them by it, and so does `hasTag`. */
const NEEDS_A_PERSON = 'waits for a person';

function waitingWords({ needs, wait: { join } }: GraphNode): string {
  if (needs.length === 0) return 'begins with the run';
  const names = needs.map(({ node, arm }) => (arm === undefined ? node : `${node}.${arm}`)).join(', ');
  if (needs.length === 1 || join.kind === 'all') return `waits for ${names}`;
  return `waits for ${join.kind === 'any' ? 'the first' : join.count} of ${names}`;
}

const ERROR_WORDS = {
  fail: 'it has failed, and so does the run unless all that need it say otherwise',
  compensate: 'it has failed, and what was done is undone unless all that need it say otherwise',
  skip: 'it has failed, and what needs it is skipped',
  absent: 'it has failed, and what needs it goes on without',
  value: 'it has failed, and what needs it goes on with another value',
} as const;

const errorWords = ({ onError: { kind } }: GraphNode): string => ERROR_WORDS[kind];

/** A dot in an id would be a path. */
const cancelledIdOf = (name: string): string => `${name} cancelled`;

/** Waits for the others only so long once the first of its needs has ended. */
function gathering(hasFirst: string, withinMs: number, params: { readonly node: string }) {
  return {
    initial: 'untouched',
    states: {
      untouched: {
        description: 'none of its needs has ended',
        always: { guard: hasFirst, target: 'gathering' },
      },
      gathering: {
        description: 'waits for the others, but not for ever',
        after: { [withinMs]: { target: 'late', actions: { type: 'beLate', params } } },
      },
      late: { description: 'goes on with what there is' },
    },
  };
}

/** What it is to be given is known. */
function readyState(name: string, node: GraphNode) {
  const guards = guardNames(name);
  const params = { node: name };
  return {
    description: 'waits for a place among those that may run at once',
    always: [
      { guard: guards.unprepared, target: 'failed', actions: { type: 'failUnprepared', params } },
      { guard: guards.obsolete, target: 'cancelled', actions: { type: 'cancelled', params } },
      isWork(node)
        ? { guard: guards.hasPlace, target: 'running' }
        : // While too many others move its turn to fail, or to be cancelled, may be yet to come.
          { guard: guards.passes, target: 'complete', actions: { type: 'pass', params } },
    ],
  };
}

function runningState(graph: Graph, name: string, node: WorkNode, isNested: boolean) {
  const guards = guardNames(name);
  const weigh = weighing(isNested);
  const params = { node: name };
  const ofOutcome = (step: Step) => ({ node: name, outcome: outcomeIn(step, node) });
  const standing = (status: string) => ({ type: 'stand', params: { ...params, status } });
  const working = (status: 'running' | 'waiting') => ({ type: 'work', params: { ...params, status } });
  const orders = {
    'task.resume': { guard: guards.speaks, actions: { type: 'passOn', params } },
    'task.abandon': { guard: guards.speaks, actions: { type: 'passOn', params } },
  };
  const restless = {
    always: {
      guard: guards.obsolete,
      ...(node.cancels === 'asks'
        ? { target: 'cancelling', actions: [standing('cancelling'), { type: 'tellToCancel', params }] }
        : { target: '#' + cancelledIdOf(name), actions: { type: 'cancelled', params } }),
    },
    on: {
      'task.stands': [
        { guard: { type: 'stands', params: { ...params, standing: 'waiting' } }, target: 'waiting' },
        { guard: { type: 'stands', params: { ...params, standing: 'parked' } }, target: 'parked' },
        { guard: { type: 'stands', params: { ...params, standing: 'running' } }, target: 'working' },
      ],
      ...orders,
    },
  };
  return {
    invoke: {
      id: name,
      src: name,
      input: ({ context, self }: Birth) => startOf(graph, name, node, context, addressOf(self)),
      onDone: [
        {
          guard: { type: 'ended', params: (step: Step) => ({ ...ofOutcome(step), how: 'complete' }) },
          target: 'complete',
          actions: { type: 'complete', params: ofOutcome },
        },
        {
          guard: { type: 'ended', params: (step: Step) => ({ ...ofOutcome(step), how: 'cancelled' }) },
          target: 'cancelled',
          actions: { type: 'cancelledAs', params: ofOutcome },
        },
        { target: 'failed', actions: { type: 'fail', params: ofOutcome } },
      ],
      onError: {
        target: 'failed',
        actions: {
          type: 'break',
          params: ({ event }: { event: { error: unknown } }) => ({ node: name, error: event.error }),
        },
      },
    },
    // A person is waited for from the beginning.
    initial: node.kind === 'gate' ? 'waiting' : 'working',
    states: {
      working: { entry: [working('running'), ...weigh], ...restless },
      waiting: {
        description: 'waits for a decision',
        tags: [NEEDS_A_PERSON],
        entry: [working('waiting'), ...weigh],
        ...restless,
      },
      parked: {
        description: 'stands still until somebody resumes it, or gives it up',
        tags: [NEEDS_A_PERSON],
        entry: [standing('parked'), ...weigh],
        ...restless,
      },
      cancelling: {
        entry: weigh,
        description: 'was told that it is not wanted, and comes to its end',
        // What it undoes until then may have to wait for them.
        on: orders,
      },
    },
  };
}

function startOf(graph: Graph, name: string, { start }: WorkNode, context: RunContext, run: string): unknown {
  const { prepared, account } = context;
  const { input, values } = prepared[name] as Given;
  const people = peopleBehind(graph, name, context);
  const work: WorkStart = {
    ...{ workflow: graph.id, run, task: name, account, input, values },
    ...(people.length > 0 && { people }),
  };
  return start === undefined ? work : start(work);
}

/** Undoes what is to be undone, one after the other, the last first. */
export function compensatingState(graph: Graph, undoable: readonly string[], isNested: boolean) {
  return {
    description: 'undoes what was done, the last first',
    entry: 'beginUndoing',
    initial: 'choosing',
    states: {
      choosing: {
        always: [
          ...undoable.map((name) => ({ guard: guardNames(name).undone, target: name })),
          { target: 'undone' },
        ],
      },
      ...Object.fromEntries(undoable.map((name) => [name, undoingState(graph, name, isNested)])),
      undone: { type: 'final' },
    },
    onDone: [{ guard: 'was aborted', target: 'aborted' }, { target: 'failed' }],
  };
}

/** What undoes ends as work does. */
const UNDOING = { outcome: undefined };

function undoStartOf(graph: Graph, name: string, context: RunContext, run: string): WorkStart {
  const { nodes, account } = context;
  const people = peopleOfDeed(graph, name, context);
  return {
    ...{ workflow: graph.id, run, task: undoOf(name), account, input: nodes[name]!.undo, values: {} },
    ...(people.length > 0 && { people }),
  };
}

function undoingState(graph: Graph, name: string, isNested: boolean) {
  const params = { node: name };
  const weigh = weighing(isNested);
  const passOn = {
    guard: guardNames(name).undoSpeaks,
    actions: { type: 'passOn', params: { node: undoOf(name) } },
  };
  return {
    entry: [{ type: 'stand', params: { ...params, status: 'compensating' } }, ...weigh],
    on: {
      // Whoever undoes it may have to wait as well.
      'task.stands': { actions: [{ type: 'noteUndoing', params }, ...weigh] },
      'task.resume': passOn,
      'task.abandon': passOn,
    },
    invoke: {
      id: undoOf(name),
      src: undoOf(name),
      input: ({ context, self }: Birth): WorkStart => undoStartOf(graph, name, context, addressOf(self)),
      onDone: {
        target: 'choosing',
        actions: {
          type: 'undone',
          params: (step: Step) => ({ node: name, outcome: outcomeIn(step, UNDOING) }),
        },
      },
      onError: {
        target: 'choosing',
        actions: {
          type: 'notUndone',
          params: ({ event }: { event: { error: unknown } }) => ({ node: name, error: event.error }),
        },
      },
    },
  };
}
