/**
 * A loop: the same work again and again, until its output is good enough, and never more often than its bound. Each time is a child of
 * its own, named by its number, from 1.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { frozen } from '../values/frozen.ts';
import { isOrder, isTold, within } from './events.ts';
import type { RunEvent } from './events.ts';
import { leftWith, withoutDeeds } from './deeds.ts';
import { factsOfAll } from './facts.ts';
import { broken, nameOf } from './graph.ts';
import type { Ask, Compensation, Data, Left, WorkFacts, WorkOutcome, WorkStart } from './graph.ts';
import { startHere } from '../here.ts';
import { problemBy } from './progress.ts';
import { tellStanding } from './standings.ts';
import { truthOf } from './truth.ts';

/** Where a loop stands when it is asked whether it goes on. */
export interface Iteration {
  /** How often it was done, from 1. */
  readonly number: number;
  /** What this time was given, and what the first was. */
  readonly input: Data;
  readonly first: Data;
  /** What came of the time before; undefined the first time. */
  readonly before: Data;
}

export interface LoopSpec {
  /** Does the work: takes a {@link WorkStart}, and ends with a {@link WorkOutcome}. */
  readonly body: AnyActorLogic;
  /** How often at most. */
  readonly times: number;
  /** Whether an output is good enough. */
  readonly until: (output: Data, iteration: Iteration) => boolean;
  /** What the next time is given. */
  readonly next: (output: Data, iteration: Iteration) => unknown;
  /** What it means that no output was good enough: `fail`, or `accept` the last. */
  readonly whenSpent: 'fail' | 'accept';
  /** Refuses what the work does not take: throws. */
  readonly checkInput: (input: unknown) => void;
  readonly ask: Ask;
  /** How the work of one time is undone. */
  readonly compensate?: Compensation | undefined;
}

export interface LoopContext {
  readonly start: WorkStart;
  readonly number: number;
  readonly input: unknown;
  readonly before: unknown;
  /** Of all times. */
  readonly facts: WorkFacts;
  /** What the times that are over have left. */
  readonly left: Left;
  /** It is not wanted any more: there is no next time. */
  readonly isCancelled?: true;
  readonly outcome: WorkOutcome | undefined;
}

interface DoneEvent {
  readonly type: `xstate.done.actor.${string}`;
  readonly output: WorkOutcome;
}

interface ErrorEvent {
  readonly type: `xstate.error.actor.${string}`;
  readonly error: unknown;
}

export function loopMachine(spec: LoopSpec): AnyStateMachine {
  const { times, until, next, whenSpent } = spec;
  return setup({
    types: {
      context: {} as LoopContext,
      events: {} as RunEvent | DoneEvent | ErrorEvent,
      input: {} as WorkStart,
    },
    actors: { body: spec.body },
    guards: {
      'has come to its end': ({ context }, _spec: object) => context.outcome !== undefined,
      'is about it': ({ context, event }) => isOrder(event) && isTold(event.task, nameOf(context.start)),
    },
    actions: {
      begin: enqueueActions(({ context: { start: given, number, input, facts }, enqueue, self }) => {
        const id = String(number);
        const start = startHere(given, self);
        // What it is given from the second time on is made of what came before.
        const people = [...new Set([...(start.people ?? []), ...(facts.people ?? [])])];
        enqueue.spawnChild('body', {
          id,
          input: { ...start, task: `${start.task}/${id}`, input, ...(people.length > 0 && { people }) },
        });
      }),
      take: enqueueActions(({ context, event, enqueue }) => {
        if (!('output' in event)) return;
        enqueue.stopChild(String(context.number));
        enqueue.assign(after(spec, context, event.output));
      }),
      break: assign(({ event }) => ('error' in event ? { outcome: broken(event.error) } : {})),
      tell: enqueueActions(({ context, event, enqueue, self }) => {
        if (event.type === 'task.stands') tellStanding(enqueue, self, nameOf(context.start), event.standing);
      }),
      passOn: enqueueActions(({ context, event, enqueue }) => {
        if (!isOrder(event)) return;
        const id = String(context.number);
        const rest = within(event.task, nameOf(context.start)) ?? id;
        enqueue.sendTo(id, { ...event, task: rest });
      }),
      cancel: enqueueActions(({ context, event, enqueue }) => {
        enqueue.assign({ isCancelled: true });
        enqueue.sendTo(String(context.number), event);
      }),
    },
  }).createMachine({
    id: 'loop',
    context: ({ input: start }) => ({
      start,
      number: 1,
      input: start.input,
      before: undefined,
      facts: factsOfAll([]),
      left: {},
      outcome: undefined,
    }),
    initial: 'working',
    states: {
      working: {
        entry: 'begin',
        on: {
          'xstate.done.actor.*': { actions: 'take', target: 'weighing' },
          'xstate.error.actor.*': { actions: 'break', target: 'done' },
          'task.stands': { actions: 'tell' },
          'task.resume': { guard: 'is about it', actions: 'passOn' },
          'task.abandon': { guard: 'is about it', actions: 'passOn' },
          'task.cancel': { actions: 'cancel' },
        },
      },
      weighing: {
        // What decides stands in here for whoever compares versions.
        always: [
          {
            guard: { type: 'has come to its end', params: { times, until, next, whenSpent } },
            target: 'done',
          },
          { target: 'working' },
        ],
      },
      done: { type: 'final' },
    },
    output: ({ context: { outcome, facts, left } }) => ({ ...outcome!, facts, ...left }),
  });
}

/** What changes when the work was done once more. */
function after(spec: LoopSpec, context: LoopContext, ended: WorkOutcome): Partial<LoopContext> {
  const { number, input, before, start } = context;
  const facts = factsOfAll([context.facts, ended.facts]);
  const left = leftWith(context.left, String(number), spec.compensate, ended, input);
  const outcome = withoutDeeds(ended);
  const over = { facts, left };
  if (outcome.status !== 'complete') return { ...over, outcome };
  const iteration: Iteration = frozen({ number, input, before, first: start.input });
  const { output } = outcome;
  const given: unknown = frozen(output);
  try {
    const answer = spec.ask(() => spec.until(given, iteration));
    const isEnough = truthOf('until', answer);
    if (isEnough || (number >= spec.times && spec.whenSpent === 'accept')) return { ...over, outcome };
    // Its work may have been done before it heard of that.
    if (context.isCancelled === true) return { ...over, outcome: { status: 'cancelled' } };
    if (number >= spec.times) return { ...over, outcome: spent(spec.times) };
    const next = spec.ask(() => {
      const made = spec.next(given, iteration);
      spec.checkInput(made);
      return made;
    });
    return { ...over, number: number + 1, before: output, input: next };
  } catch (error) {
    const problem = problemBy(error, 'invalid-input', 'it cannot be said how the loop goes on', spec);
    return { ...over, outcome: { status: 'failed', problem } };
  }
}

function spent(times: number): WorkOutcome {
  const message = `it was done ${times} times, and its output was never good enough`;
  return { status: 'failed', problem: { class: 'not-converged', message } };
}
