/**
 * Votes: what others have answered to the same input, where an answer counts only if they confirm it. Kept by the task as long as its
 * input is the same: whoever has answered is not asked again because somebody else's answer was wrong. Pure.
 */
import type { TaskResult } from '../contract.ts';
import { FAULT_CLASSES } from '../faults/fault.ts';
import type { Fault } from '../faults/fault.ts';
import { extend } from '../faults/strategy.ts';
import type { Rows, Rung, Strategy } from '../faults/strategy.ts';
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import type { WorkOutcome, WorkStart } from '../workflow/graph.ts';
import { peopleBefore } from './people.ts';
import type { TaskContext } from './progress.ts';
import type { Advised, TaskSpec, Verification } from './words.ts';

/** How an answer is confirmed. Stands in the code. */
export interface VoteSpec {
  /** So many are asked, the one whose answer it is included. */
  readonly of: number;
  /** Whether no two of them may be of the same model. */
  readonly models: 'different' | 'any';
}

/** A voter's place: whose answer it is to confirm, whom it must not ask, and until when it may. */
export interface Seat {
  readonly confirms: string;
  readonly tried: readonly string[];
  /** The models of those who have a vote already. */
  readonly models: readonly string[];
  readonly deadlineAt: number | undefined;
  /** The people who have supplied the answer, or one that is held against it. Not there: nobody has. */
  readonly people?: readonly string[];
}

/** How a task begins; a voter has a seat besides. */
export interface TaskStart extends WorkStart {
  readonly seat?: Seat;
}

/** How a task ends. Of a voter it says besides whether that was a halt: its agent can be asked again when that is lifted. */
export type VoterOutcome = WorkOutcome & { readonly isHalted?: true };

/** What somebody has answered, or why they could not. */
export interface Vote {
  /** The number of the voter. Not there: it is an answer of the task's own, which was not taken. */
  readonly voter?: number;
  /** The attempt that it was to confirm. */
  readonly attempt: number;
  readonly agent?: string;
  readonly model?: string;
  /** Not there: it has none, or none that is to this input. */
  readonly output?: TaskResult['output'];
  /** The people who have supplied it. */
  readonly people?: readonly string[];
  /** How often it was asked, and what that has cost, as far as is known. */
  readonly attempts: number;
  readonly cost: Micros;
  readonly fault?: string;
  readonly message?: string;
  readonly retryAfterMs?: number;
}

/** Others are to be asked the same. */
export interface Poll {
  readonly start: WorkStart;
  readonly input: unknown;
  /** Whose answer is to be confirmed. */
  readonly agent: string;
  readonly model: string | undefined;
  readonly attempt: number;
  readonly deadlineAt: number | undefined;
  /** The people who have supplied it. */
  readonly people: readonly string[];
  /** Those that were cast before. */
  readonly votes: readonly Vote[];
}

/** What has come of it. */
export interface Polled {
  readonly votes: readonly Vote[];
  /** Why there are too few who could be asked. */
  readonly fault?: Fault;
  /** It was ended in the middle. */
  readonly outcome?: WorkOutcome;
}

/** From a voter to whoever has begun it: so it is known before the next one looks for somebody. */
export interface VoterChosen {
  readonly type: 'voter.chosen';
  readonly voter: string;
  readonly agent: string;
  readonly model?: string;
}

type Changed = Partial<TaskContext>;

// ---- for the task -------------------------------------------------------------------------------------------------

export function pollOf(context: TaskContext): Poll {
  const { start, input, advice, attempts, deadlineAt, votes, people } = context;
  const { agent, model } = advice!;
  const givers = peopleBefore(context);
  return {
    ...{ start: givers.length > 0 ? { ...start, people: givers } : start, input, agent, model },
    ...{ attempt: attempts, deadlineAt, people, votes },
  };
}

/** The answer waits for its confirmation, whatever comes between. */
export function awaiting({ ground, awaits }: TaskContext): Changed {
  return { awaits: ground ?? awaits, ground: undefined, fault: undefined };
}

/** Others were asked. */
export function polled(context: TaskContext, { votes, fault, outcome }: Polled): Changed {
  const all = [...context.votes, ...votes];
  // Somebody may have given it up.
  if (outcome !== undefined) return { votes: all, outcome: context.outcome ?? outcome };
  if (fault !== undefined) return { votes: [...all, ownVote(context)], fault, moneyLeft: undefined };
  return { votes: all, isPolled: true, ground: context.awaits, awaits: undefined };
}

/** Its own answer, which counts for whoever is asked instead. */
export function ownVote({ attempts, advice, output, people }: TaskContext): Vote {
  const { agent, model } = advice!;
  return {
    ...{ attempt: attempts, agent, attempts: 0, cost: NOTHING },
    ...(model !== undefined && { model }),
    output: output as TaskResult['output'],
    ...(people.length > 0 && { people }),
  };
}

/** Another input is another question: what was answered says nothing any more, but it was paid. */
export const withoutOutputs = (votes: readonly Vote[]): readonly Vote[] =>
  votes.map((vote) => {
    const { output: _, ...rest } = vote;
    return rest;
  });

/** What the answer of somebody is held against. */
const othersOf = ({ votes, advice, people }: TaskContext, spec: VoteSpec): readonly TaskResult['output'][] =>
  usable(votes, { ...advice!, people }, spec).map(({ output }) => output!);

export const costOfVotes = (votes: readonly Vote[]): Micros =>
  votes.reduce((sum, { cost }) => sum + cost, 0) as Micros;

/** What is to be shown right. */
export function verificationOf(context: TaskContext, { vote }: TaskSpec): Verification {
  const { start, input, advice, output, isPolled } = context;
  return {
    ...{ start, input, agent: advice!.agent, output: output as TaskResult['output'] },
    ...(isPolled && vote !== undefined && { others: othersOf(context, vote) }),
  };
}

// ---- which votes count --------------------------------------------------------------------------------------------

interface Who {
  readonly agent?: string | undefined;
  readonly model?: string | undefined;
  readonly people?: readonly string[] | undefined;
}

/**
 * Those of others: the last of each, none of somebody who has answered for another, and no two of the same model where that is asked
 * for. No more than are to be asked.
 */
export function usable(votes: readonly Vote[], own: Who, { of, models }: VoteSpec): readonly Vote[] {
  const taken: Who[] = [own];
  const counted: Vote[] = [];
  for (const vote of votes.toReversed()) {
    if (vote.output === undefined || taken.some((who) => isLike(who, vote, models))) continue;
    taken.push(vote);
    counted.unshift(vote);
  }
  return counted.slice(1 - of);
}

export const isLike = (some: Who, other: Who, models: VoteSpec['models']): boolean =>
  some.agent === other.agent ||
  (models === 'different' && some.model !== undefined && some.model === other.model) ||
  isOfSame(some, other);

/** Whether the same person has answered for both: agents are many, and they are one. */
export const isOfSame = ({ people = [] }: Who, other: Who): boolean =>
  people.some((person) => other.people?.includes(person));

// ---- for voters ---------------------------------------------------------------------------------------------------

/** What a voter does by itself: the same as the task, but it goes to nobody else, and waits for nothing but its turn. */
export function specOfVoters(spec: TaskSpec): TaskSpec {
  const { vote: _, ...rest } = spec;
  const strategy = strategyOfVoters(spec.strategy);
  return { ...rest, strategy, verifies: false, reviewers: undefined, escalateTo: undefined };
}

/** Deeds for which nobody else is needed. */
const ALONE: ReadonlySet<string> = new Set(['retry', 'repair', 'ask-again', 'chunk']);

function strategyOfVoters(strategy: Strategy): Strategy {
  const rows = Object.entries<readonly Rung[]>(strategy.rows).map(([fault, ladder]) => [
    fault,
    [...ladder.filter((rung) => ALONE.has(rung.do)), { do: 'fail' }],
  ]);
  return extend(strategy, {
    name: `${strategy.name}, for voters`,
    rows: Object.fromEntries(rows) as Partial<Rows>,
  });
}

/** Says whom it asks. */
export function choiceOf({ task }: WorkStart, { agent, model }: Advised): VoterChosen {
  const voter = task.slice(task.lastIndexOf('/') + 1);
  return { type: 'voter.chosen', voter, agent, ...(model !== undefined && { model }) };
}

/** What it means to the task that a voter was not even asked. */
export function faultOfVoter({ fault, message = '', retryAfterMs }: Vote): Fault {
  // A person who says no to the call denies it.
  const name = fault === 'rejected' ? 'not-permitted' : fault;
  const known = FAULT_CLASSES.find((one) => one === name) ?? 'crash';
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { class: known, message, cost: NOTHING, ...wait };
}
