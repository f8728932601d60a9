/**
 * A poll: others are asked the same as the agent whose answer is to be confirmed. Each of them is a task of its own, a voter: so each is
 * chosen by the same rules, permitted, paid, bounded and recorded as any agent is. One looks for its agent after the other, because no
 * two may be the same; they work side by side.
 *
 * Whoever cannot answer is replaced by somebody else, as long as there is one. That there are too few who could be asked is a fault.
 * Whether their answers agree is not decided here.
 */
import { assign, enqueueActions, setup } from 'xstate';
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import type { TaskResult } from '../contract.ts';
import type { Fault } from '../faults/fault.ts';
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { isOrder, within } from '../workflow/events.ts';
import type { RunEvent, TaskOrder } from '../workflow/events.ts';
import { nameOf, outcomeIn } from '../workflow/graph.ts';
import type { WorkOutcome, WorkProblem } from '../workflow/graph.ts';
import { startHere } from '../here.ts';
import { standingOfAll, tellStanding } from '../workflow/standings.ts';
import type { Standing } from '../workflow/standings.ts';
import { faultOfVoter, isLike, isOfSame, usable } from './votes.ts';
import type { Poll, Polled, TaskStart, Vote, VoterChosen, VoterOutcome, VoteSpec } from './votes.ts';

/** A voter that has not come to its end. */
interface Voter {
  readonly stands: Standing;
  /** Whom it asks, once that is known. */
  readonly agent?: string;
  readonly model?: string;
}

export interface PollContext {
  readonly poll: Poll;
  /** The number of the last voter that was begun. */
  readonly begun: number;
  /** By their numbers. */
  readonly voters: Readonly<Record<string, Voter>>;
  readonly votes: readonly Vote[];
  /** Those that no other voter is to ask. */
  readonly tried: readonly string[];
  /** Nobody else is left. */
  readonly isExhausted: boolean;
  readonly stands: Standing;
  /** How it was ended in the middle. */
  readonly outcome: WorkOutcome | undefined;
}

type PollEvent =
  | RunEvent
  | VoterChosen
  | { readonly type: `xstate.done.actor.${string}`; readonly actorId: string; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly actorId: string; readonly error: unknown };

/** @param voter a task: takes a {@link TaskStart}, and ends with a {@link WorkOutcome} */
export function pollMachine(spec: VoteSpec, voter: AnyActorLogic): AnyStateMachine {
  return setup({
    types: { context: {} as PollContext, events: {} as PollEvent, input: {} as Poll },
    actors: { voter },
    guards: {
      'is over': ({ context: { voters } }, _spec: object) => Object.keys(voters).length === 0,
    },
    actions: {
      begin: enqueueActions(({ context, enqueue, self }) => {
        if (!isWanting(context, spec, Date.now())) return;
        const id = String(context.begun + 1);
        enqueue.assign({
          begun: context.begun + 1,
          voters: { ...context.voters, [id]: { stands: 'running' } },
        });
        enqueue.spawnChild('voter', { id, input: startHere(startOf(context, spec, id), self) });
      }),
      note: assign(({ context, event }) => (event.type === 'voter.chosen' ? chosen(context, event) : {})),
      take: enqueueActions(({ context, event, enqueue }) => {
        if (!('actorId' in event) || context.voters[event.actorId] === undefined) return;
        const outcome: VoterOutcome = outcomeIn(event);
        enqueue.assign(taken(context, spec, event.actorId, outcome));
        enqueue.stopChild(event.actorId);
        if (outcome.status !== 'aborted') return;
        for (const id of Object.keys(context.voters).filter((one) => one !== event.actorId))
          enqueue.sendTo(id, { type: 'task.cancel', because: `voter ${event.actorId} has ended the run` });
      }),
      hear: assign(({ context: { voters }, event }) => {
        if (event.type !== 'task.stands' || !Object.hasOwn(voters, event.task)) return {};
        const voterOf = voters[event.task]!;
        return { voters: { ...voters, [event.task]: { ...voterOf, stands: event.standing } } };
      }),
      // When the last of them has ended, nobody waits any more.
      tell: enqueueActions(({ context, enqueue, self }) => {
        const stands = standingOfAll(Object.values(context.voters).map((one) => one.stands));
        if (stands === context.stands) return;
        enqueue.assign({ stands });
        tellStanding(enqueue, self, 'poll', stands);
      }),
      passOn: enqueueActions(({ context, event, enqueue }) => {
        if (!isOrder(event)) return;
        for (const id of votersIn(context, event)) enqueue.sendTo(id, { ...event, task: id });
      }),
      cancel: enqueueActions(({ context, event, enqueue }) => {
        if (event.type !== 'task.cancel') return;
        enqueue.assign({ outcome: context.outcome ?? { status: 'cancelled' } });
        for (const id of Object.keys(context.voters)) enqueue.sendTo(id, event);
      }),
    },
  }).createMachine({
    id: 'poll',
    context: ({ input }) => beginning(input, spec),
    initial: 'asking',
    states: {
      asking: {
        entry: 'begin',
        // What decides stands in here for whoever compares versions.
        always: { guard: { type: 'is over', params: { spec } }, target: 'done' },
        on: {
          'voter.chosen': { actions: ['note', 'begin'] },
          'xstate.done.actor.*': { actions: ['take', 'begin', 'tell'] },
          'xstate.error.actor.*': { actions: ['take', 'begin', 'tell'] },
          'task.stands': { actions: ['hear', 'tell'] },
          'task.resume': { actions: 'passOn' },
          'task.cancel': { actions: 'cancel' },
        },
      },
      done: { type: 'final' },
    },
    output: ({ context }) => polledIn(context, spec),
  });
}

/** Who is meant by an order to the task, or to one of them: `assess/poll/2`. */
function votersIn({ poll, voters }: PollContext, { task }: TaskOrder): readonly string[] {
  const named = within(within(task, nameOf(poll.start)) ?? '', 'poll');
  return Object.keys(voters).filter((id) => named === undefined || named === id);
}

function beginning(poll: Poll, spec: VoteSpec): PollContext {
  const counted = usable(poll.votes, poll, spec);
  return {
    poll,
    begun: Math.max(0, ...poll.votes.map(({ voter = 0 }) => voter)),
    ...{ voters: {}, votes: [], isExhausted: false, stands: 'running', outcome: undefined },
    tried: [poll.agent, ...counted.map(({ agent }) => agent!)],
  };
}

// ---- who is asked -------------------------------------------------------------------------------------------------

/** Whether another voter is to be begun now. */
function isWanting(context: PollContext, spec: VoteSpec, now: number): boolean {
  const { poll, voters, votes, isExhausted, outcome } = context;
  const open = Object.values(voters);
  // The one before it has not found anybody yet.
  const isLooking = open.some(({ agent }) => agent === undefined);
  if (isLooking || isExhausted || outcome !== undefined || now >= (poll.deadlineAt ?? Infinity)) return false;
  return usable([...poll.votes, ...votes], poll, spec).length + open.length < spec.of - 1;
}

function startOf({ poll, voters, votes, tried }: PollContext, spec: VoteSpec, id: string): TaskStart {
  const { start, input, agent: confirms, model, deadlineAt } = poll;
  const counted = usable([...poll.votes, ...votes], poll, spec);
  const others = [...counted, ...Object.values(voters)];
  const models = [model, ...others.map((other) => other.model)].flatMap((one) => one ?? []);
  const people = [...new Set([poll, ...counted].flatMap((one) => one.people ?? []))];
  return {
    ...start,
    task: `${start.task}/poll/${id}`,
    input,
    seat: {
      ...{ confirms, tried, deadlineAt },
      models: spec.models === 'different' ? [...new Set(models)] : [],
      ...(people.length > 0 && { people }),
    },
  };
}

function chosen(
  { voters, tried }: PollContext,
  { voter: id, agent, model }: VoterChosen,
): Partial<PollContext> {
  const known = voters[id];
  if (known === undefined) return {};
  return {
    voters: { ...voters, [id]: { stands: known.stands, agent, ...(model !== undefined && { model }) } },
    tried: tried.includes(agent) ? tried : [...tried, agent],
  };
}

// ---- what came of it ----------------------------------------------------------------------------------------------

function taken(
  context: PollContext,
  spec: VoteSpec,
  id: string,
  outcome: VoterOutcome,
): Partial<PollContext> {
  const { poll, tried, votes } = context;
  const { [id]: voter, ...voters } = context.voters;
  const vote = voteOf(context, spec, id, voter!, outcome);
  const isHalted = outcome.isHalted === true;
  return {
    voters,
    votes: [...votes, vote],
    // It can be asked again when that is lifted.
    tried: isHalted ? tried.filter((agent) => agent !== voter!.agent || agent === poll.agent) : tried,
    isExhausted: isHalted ? false : context.isExhausted || voter!.agent === undefined,
    ...(outcome.status === 'aborted' && { outcome: withoutFacts(outcome) }),
  };
}

function voteOf(
  { poll, votes }: PollContext,
  spec: VoteSpec,
  id: string,
  { agent, model }: Voter,
  outcome: WorkOutcome,
): Vote {
  const { attempts = 0, cost = 0, people } = outcome.facts ?? {};
  const base = {
    ...{ voter: Number(id), attempt: poll.attempt, attempts, cost: cost as Micros },
    ...(agent !== undefined && { agent }),
    ...(model !== undefined && { model }),
  };
  if (outcome.status !== 'complete') {
    const problem: WorkProblem = outcome.status === 'failed' ? outcome.problem : CANCELLED;
    const { class: fault, message } = problem;
    const { retryAfterMs } = problem;
    return { ...base, fault, message, ...(typeof retryAfterMs === 'number' && { retryAfterMs }) };
  }
  const own = { ...base, ...(people && { people }) };
  const first = [poll, ...usable([...poll.votes, ...votes], poll, spec)].find((other) =>
    isLike(other, own, spec.models),
  );
  // While it waited for its turn somebody else has become the one that it asks.
  if (first !== undefined) {
    const who = isOfSame(first, own) ? `whoever has answered for ${agent}` : agent;
    return { ...base, message: `${who} has a vote already` };
  }
  return { ...own, output: outcome.output as TaskResult['output'] };
}

const CANCELLED = { class: 'cancelled', message: 'it is not wanted any more' };

function withoutFacts(outcome: WorkOutcome): WorkOutcome {
  const { facts: _, ...rest } = outcome;
  return rest;
}

function polledIn({ poll, votes, outcome }: PollContext, spec: VoteSpec): Polled {
  if (outcome !== undefined) return { votes, outcome };
  const before = usable(poll.votes, poll, spec).length;
  const asked = new Set(votes.flatMap(({ agent, attempts }) => (attempts > 0 ? [agent] : [])));
  if (before + asked.size >= spec.of - 1) return { votes };
  return { votes, fault: tooFew(1 + before + asked.size, votes, spec) };
}

/** What kept the first of those from it who were not asked, unless there was only nobody left. */
function tooFew(asked: number, votes: readonly Vote[], { of, models }: VoteSpec): Fault {
  const faults = votes.filter(({ attempts }) => attempts === 0).map(faultOfVoter);
  const late: Fault = { class: 'timeout', message: 'there is no time left to ask others', cost: NOTHING };
  const why = faults.find((fault) => fault.class !== 'no-agent') ?? faults.at(-1) ?? late;
  const whom = models === 'different' ? 'different agents of different models' : 'different agents';
  return {
    ...why,
    message: `${of} ${whom} are to answer it, and ${asked} could be asked: ${why.message}`,
  };
}
