/**
 * The progress of a task, as data, and what follows from it: which attempt comes next, what it has cost, what it comes to. Pure;
 * called by the machine (`task.ts`).
 */
import type { Source, TaskEnvelope, TaskMetadata, TaskResult } from '../contract.ts';
import type { Fault, FaultClass, ValueProblem } from '../faults/fault.ts';
import { sourcesOfAll } from '../values/content.ts';
import { amountOf, NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import { nextMove, taken } from '../faults/next-move.ts';
import type { Limits, Move, Taken } from '../faults/next-move.ts';
import { judge } from '../faults/quality.ts';
import type { ReviewOutput } from '../review/review.ts';
import { signedIn } from '../review/signed.ts';
import type { Signed } from '../review/signed.ts';
import type { WorkFacts, WorkOutcome } from '../workflow/graph.ts';
import type { TaskResume } from '../workflow/events.ts';
import { hereOf, movedFrom, startHere } from '../here.ts';
import { failedWith } from './broken.ts';
import { wordsOfLate } from './given-up.ts';
import type { GivenUp } from './given-up.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { partNotesOf } from './part-notes.ts';
import { costOf } from './paying.ts';
import { givenTo } from './terms.ts';
import { peopleOn } from './people.ts';
import { costOfVotes, ownVote, withoutOutputs } from './votes.ts';
import type { TaskStart, Vote, VoterOutcome } from './votes.ts';
import type {
  Advice,
  Advised,
  Answer,
  Asking,
  Billing,
  Manifest,
  PartNote,
  PartsDone,
  PassedOver,
  Recalled,
  Remembrance,
  Supplied,
  TaskSpec,
  Unheard,
  Verified,
} from './words.ts';

/** One attempt, as it is kept. */
export interface AttemptNote {
  readonly number: number;
  readonly agent: string;
  /** Under which key it was asked. */
  readonly key: string;
  /** ms since the epoch. */
  readonly from: number;
  readonly to?: number;
  /** Nobody was asked: it was given up before, at a gate or while it was cut into parts. */
  readonly unasked?: true;
  /** In micro-units; absent: nobody knows. */
  readonly cost?: Micros;
  /** By whose word. */
  readonly billing?: Billing;
  readonly confidence?: number;
  readonly fault?: FaultClass;
  readonly message?: string;
  /** Why what came of it was not taken for an answer. */
  readonly unheard?: Unheard;
  /** It has answered what is no output. */
  readonly quarantined?: true;
  /** What was done about the fault. */
  readonly move?: Move['do'];
  readonly manifest?: Manifest;
  /** What was looked at for it. */
  readonly sources?: readonly Source[];
  /** The parts of its answer, where it was done in parts: also those of attempts before it, which it went on with. */
  readonly parts?: readonly PartNote[];
  /** Whose answer it was to confirm. */
  readonly confirms?: string;
  /** What it was asked for, what it had estimated in micro-units, and who is told what came of it. */
  readonly capability?: string;
  readonly estimate?: Micros;
  readonly record?: string;
}

/** What somebody has signed in a review of the task: of its answer or the work itself, or of a call that had to be approved. */
export interface TaskDecision extends Signed {
  readonly review: 'review' | 'clearance';
}

/** Why an output was taken. */
export type Ground = 'good' | 'repaired' | 'unsure' | 'stale' | 'default' | 'person';

export interface TaskContext {
  readonly start: TaskStart;
  /** What it works on: what it was given, unless somebody has said otherwise. */
  readonly input: unknown;
  /** Names this life of the task in every request: as it was born; see {@link placed}. */
  readonly id: string;
  readonly deadlineAt: number | undefined;
  /** How many different questions were asked. A repetition of one has the same key. */
  readonly question: number;
  readonly attempts: number;
  readonly log: readonly AttemptNote[];
  /** Of how many of them others were told. */
  readonly reported: number;
  /** Moves since a person has let it go on, and whom they have ruled out. */
  readonly history: readonly Taken[];
  readonly tried: readonly string[];
  readonly largerThan: number | undefined;
  readonly cheaperThan: Micros | undefined;
  readonly advice: Advised | undefined;
  readonly passedOver: readonly PassedOver[];
  /** The halts that keep it waiting. */
  readonly halts: readonly string[] | undefined;
  /** The calls that people have approved. */
  readonly cleared: readonly string[];
  /** What people have decided, in reviews that have ended. The next one has the address of the one before. */
  readonly decisions: readonly TaskDecision[];
  /** What was wrong with the answer before, for the same agent. */
  readonly problems: readonly ValueProblem[];
  /** Under which the money is held; undefined: nothing is. */
  readonly ticket: string | undefined;
  /** How often money was given back: a ticket is over then, and is not asked for again. */
  readonly givenBack?: number;
  /** The accounts that hold it. */
  readonly accounts: readonly string[];
  /** What was left in the account that has refused it. */
  readonly moneyLeft: Micros | undefined;
  /** Whether it is done in parts from now on, and those that are done for this question. */
  readonly inParts: boolean;
  readonly parts: PartsDone | undefined;
  /** What has come of asking a person, in this attempt. */
  readonly supplied: Supplied | undefined;
  /** The people who have supplied the answer. */
  readonly people: readonly string[];
  /** Those who have let it go on with another input: they have worked on whatever comes of that. */
  readonly givenBy?: readonly string[];
  /** In micro-units, as far as is known. */
  readonly spent: Micros;
  /** How many attempts have a cost that nobody knows, and what is held for them, in micro-units. */
  readonly unknownCosts: number;
  readonly held: Micros;
  readonly answer: Answer | undefined;
  readonly fault: Fault | undefined;
  readonly move: Move | undefined;
  readonly verified: Readonly<Record<string, unknown>> | undefined;
  /** What others have answered, and whether they were asked about this answer. */
  readonly votes: readonly Vote[];
  readonly isPolled: boolean;
  /** Why the output will be taken, when others have confirmed it. */
  readonly awaits: Ground | undefined;
  readonly output: unknown;
  readonly ground: Ground | undefined;
  /** The answer from before that was taken. */
  readonly recalled: KeptAnswer | undefined;
  readonly outcome: WorkOutcome | undefined;
}

type Changed = Partial<TaskContext>;

/** Of a task that nobody was asked about yet. */
const FRESH: Omit<TaskContext, 'start' | 'input' | 'id' | 'deadlineAt'> = {
  question: 1,
  attempts: 0,
  log: [],
  reported: 0,
  history: [],
  tried: [],
  largerThan: undefined,
  cheaperThan: undefined,
  advice: undefined,
  passedOver: [],
  halts: undefined,
  cleared: [],
  decisions: [],
  problems: [],
  ticket: undefined,
  accounts: [],
  moneyLeft: undefined,
  inParts: false,
  parts: undefined,
  supplied: undefined,
  people: [],
  spent: NOTHING,
  unknownCosts: 0,
  held: NOTHING,
  answer: undefined,
  fault: undefined,
  move: undefined,
  verified: undefined,
  votes: [],
  isPolled: false,
  awaits: undefined,
  output: undefined,
  ground: undefined,
  recalled: undefined,
  outcome: undefined,
};

export function beginning(start: TaskStart, id: string, spec: TaskSpec, now: number): TaskContext {
  const { tried = [] } = start.seat ?? {};
  // What is new before what is copied: added to a copy of so many fields it takes ten times as long.
  return { start, input: start.input, id, deadlineAt: deadlineOf(start, spec, now), ...FRESH, tried };
}

/** Until when it may take, if it begins now. A voter has the time of the one whose answer it is to confirm. */
function deadlineOf({ seat }: TaskStart, { deadlineMs }: TaskSpec, now: number): number | undefined {
  if (seat !== undefined) return seat.deadlineAt;
  return deadlineMs === undefined ? undefined : now + deadlineMs;
}

/** The same as it is called where it lives now: a fork asks, pays and reports under names of its own. */
export function placed(context: TaskContext, self: object): TaskContext {
  const { id: before, start, accounts } = context;
  const id = hereOf(before, self);
  if (id === before) return context;
  return { ...context, id, start: startHere(start, self), accounts: accounts.map(movedFrom(before, self)) };
}

// ---- who ----------------------------------------------------------------------------------------------------------

export function advised(context: TaskContext, advice: Advice): Changed {
  const { passedOver, fault } = advice;
  if (fault !== undefined)
    return { advice: undefined, passedOver, answer: undefined, fault, halts: advice.halts };
  return { advice, passedOver, fault, halts: undefined, question: questionFor(advice, context) };
}

/** A question belongs to whoever was asked it: of somebody else it is another. */
function questionFor({ agent }: Advised, context: TaskContext): number {
  const { log, question } = context;
  const last = log.at(-1);
  // In a fork it was asked under another name.
  const isOthers = last !== undefined && last.key.endsWith(`#${question}`) && last.agent !== agent;
  return question + (isOthers ? 1 : 0);
}

// ---- an attempt ---------------------------------------------------------------------------------------------------

const keyOf = ({ id, question }: TaskContext): string => `${id}#${question}`;

export const ticketOf = ({ id, attempts, givenBack = 0 }: TaskContext): string =>
  `${id}#${attempts + 1}${givenBack === 0 ? '' : `.${givenBack}`}`;

export function begun(context: TaskContext, now: number): Changed {
  // What a person does begins when they are asked.
  if (context.supplied !== undefined) return {};
  const { attempts, log, advice, start } = context;
  const { agent, capability, estimate, record } = advice!;
  const note: AttemptNote = {
    ...{ number: attempts + 1, agent, key: keyOf(context), from: now },
    ...(start.seat !== undefined && { confirms: start.seat.confirms }),
    ...(capability !== undefined && { capability }),
    ...(estimate !== undefined && { estimate }),
    ...(record !== undefined && { record }),
  };
  return {
    ...{ attempts: attempts + 1, log: [...log, note], answer: undefined, fault: undefined },
    ...{ isPolled: false, awaits: undefined, people: [] },
  };
}

/** What the agent is asked. */
export function askingOf(context: TaskContext, spec: TaskSpec): Asking {
  const { attempts, advice, problems, ticket, accounts, inParts, parts, supplied } = context;
  const { agent, permits, contract, window, model } = advice!;
  return {
    ...{
      agent,
      known: { contract, window, ...(model !== undefined && { model }) },
      permits,
      problems,
      attempt: attempts,
    },
    envelope: envelopeOf(context, spec),
    idempotencyKey: keyOf(context),
    ...(ticket !== undefined && { bill: { accounts, ticket } }),
    // A person does all of it.
    ...(supplied === undefined
      ? { ...(inParts && { inParts }), ...(parts !== undefined && { parts }) }
      : { supplied }),
  };
}

function envelopeOf(context: TaskContext, spec: TaskSpec): TaskEnvelope {
  const { id, start, advice, deadlineAt } = context;
  const { workflow, run, task } = start;
  const { input, values } = givenTo(context);
  return {
    id,
    input: input as TaskEnvelope['input'],
    context: { workflow, run, task, values },
    constraints: {
      maxCost: amountOf(advice!.maxCost),
      timeout: timeLeft(spec, deadlineAt, Date.now()),
      qualityThreshold: spec.threshold,
    },
  };
}

/** How long an attempt may take that begins now. */
export function timeLeft({ timeoutMs }: TaskSpec, deadlineAt: number | undefined, now: number): number {
  return Math.max(1, Math.min(timeoutMs, (deadlineAt ?? Infinity) - now));
}

export const isTooLate = ({ deadlineAt }: TaskContext, now: number): boolean =>
  now >= (deadlineAt ?? Infinity);

/** Nobody is asked any more. */
export const tooLate = (): Changed => ({
  answer: undefined,
  fault: { class: 'timeout', message: 'there is no time left for it', cost: NOTHING },
});

/** An attempt has ended. */
export function answered(context: TaskContext, spec: TaskSpec, answer: Answer, now: number): Changed {
  const weighed = weigh(answer, context, spec);
  const cost = costOf(answer);
  const parts = partNotesOf(context.parts, answer);
  const sources = metadataIn(answer)?.sources ?? sourcesOfAll(parts.map((part) => part.sources));
  const note: Partial<AttemptNote> = {
    to: now,
    ...(answer.manifest !== undefined && { manifest: answer.manifest }),
    ...(sources !== undefined && { sources }),
    ...(parts.length > 0 && { parts }),
    ...(cost !== undefined && { cost }),
    ...(answer.billing !== undefined && { billing: answer.billing }),
    ...(weighed.confidence !== undefined && { confidence: weighed.confidence }),
    ...(weighed.fault !== undefined && { fault: weighed.fault.class, message: weighed.fault.message }),
    ...(answer.fault !== undefined && answer.unheard !== undefined && { unheard: answer.unheard }),
    ...(answer.fault !== undefined && answer.quarantined !== undefined && { quarantined: true }),
  };
  return {
    answer,
    supplied: undefined,
    fault: weighed.fault,
    log: withNote(context.log, note),
    spent: (context.spent + (cost ?? 0)) as Micros,
    ...(cost === undefined && {
      unknownCosts: context.unknownCosts + 1,
      held: (context.held + heldFor(context)) as Micros,
    }),
    ...(weighed.fault === undefined && { output: answer.result!.output, ground: 'good' as const }),
  };
}

/** Its time is over, and it is not waited for any more. */
export function late(context: TaskContext, spec: TaskSpec, known: GivenUp, now: number): Changed {
  const { cost, unasked } = known;
  const changed = answered(context, spec, failedWith('timeout', wordsOfLate(known), cost), now);
  return unasked ? { ...changed, log: withNote(changed.log!, { unasked }) } : changed;
}

/** It is not wanted any more: what is known of the attempt is noted. One that may still answer has not ended. */
export function unwanted({ log, spent }: TaskContext, known: GivenUp, now: number): Changed {
  const { cost = NOTHING, unasked } = known;
  return {
    log: withNote(log, { ...known, ...(unasked && { to: now }) }),
    spent: (spent + cost) as Micros,
  };
}

/** Whoever was asked was halted: what they may have answered was not heard. */
export const isHalted = ({ answer }: TaskContext): boolean =>
  answer?.fault !== undefined && answer.unheard === 'halted';

/** Somebody else is there under the name of whoever was asked. */
export const isReplaced = ({ answer }: TaskContext): boolean =>
  answer?.fault !== undefined && answer.unheard === 'replaced';

/** What was reserved for the attempt that is made. */
const heldFor = ({ ticket, advice }: TaskContext): Micros =>
  ticket === undefined || advice === undefined ? NOTHING : advice.maxCost;

const metadataIn = (answer: Answer): TaskMetadata | undefined =>
  answer.fault === undefined ? answer.result.metadata : answer.metadata;

function withNote(log: readonly AttemptNote[], note: Partial<AttemptNote>): readonly AttemptNote[] {
  return [...log.slice(0, -1), { ...log.at(-1)!, ...note }];
}

/** Whether an answer is good enough. */
function weigh(
  answer: Answer,
  { advice }: TaskContext,
  { threshold }: TaskSpec,
): { readonly fault: Fault | undefined; readonly confidence: number | undefined } {
  if (answer.fault !== undefined) return { fault: answer.fault, confidence: answer.metadata?.confidence };
  const judgement = judge(answer.result, { threshold, calibration: advice?.calibration });
  if (judgement.ok) return { fault: undefined, confidence: judgement.confidence };
  const fault = { ...judgement.fault, cost: answer.cost };
  return { fault, confidence: judgement.fault.confidence };
}

export function verified(context: TaskContext, { fault, found }: Verified): Changed {
  const { log, isPolled, votes, verified: before } = context;
  // What could be seen without others was seen before they were asked.
  const all = isPolled ? { ...before, ...found } : found;
  if (fault === undefined) return { verified: all };
  const note = { fault: fault.class, message: fault.message };
  return {
    ...{ verified: all, fault, ground: undefined, log: withNote(log, note) },
    ...(isPolled && { votes: [...votes, ownVote(context)] }),
  };
}

// ---- what is done about a fault -----------------------------------------------------------------------------------

/** The next move, and what it changes by itself. */
export function decided(context: TaskContext, spec: TaskSpec, now: number): Changed {
  const { fault, advice, history, answer, attempts, deadlineAt, log, inParts } = context;
  const repairs = answer?.fault === undefined ? [] : repairsIn(answer);
  const limits = {
    ...{ now, deadline: deadlineAt, attemptsLeft: spec.maxAttempts - attempts, repairs },
    ...moneyOf(context),
    canChunk: spec.chunks && !inParts,
    canRecall: mayRecall(spec),
    hasAnswer: candidateIn(answer) !== undefined,
    otherAgents: advice?.others ?? 0,
    largerWindows: advice?.larger ?? 0,
  };
  const { strategy } = spec;
  const situation = { strategy, fault: fault!, agent: advice?.agent, history, limits };
  const move = nextMove(situation, () => Math.random());
  return {
    move,
    history: [...history, taken(move, advice?.agent)],
    ...(log.length > 0 && answer !== undefined && { log: withNote(log, { move: move.do }) }),
    ...changedBy(move, context, spec),
  };
}

/** What is known of money when there was not enough. At other times the accounts may tell another story by now: they are asked. */
function moneyOf(context: TaskContext): Pick<Limits, 'moneyLeft' | 'costs'> {
  const { moneyLeft, advice } = context;
  if (!isUnpaid(context) || advice === undefined) return {};
  const { maxCost, cheapest } = advice;
  return {
    moneyLeft,
    costs: { retry: maxCost, 'ask-again': maxCost, chunk: maxCost, 'other-agent': cheapest },
  };
}

/** The account has not given the money: nobody was asked. */
const isUnpaid = ({ fault, answer }: Pick<TaskContext, 'fault' | 'answer'>): boolean =>
  fault?.class === 'budget-exhausted' && answer === undefined;

const repairsIn = (answer: Answer): string[] =>
  answer.fault === undefined ? [] : (answer.repaired?.applied ?? []).map(({ repair }) => repair);

function changedBy(move: Move, context: TaskContext, spec: TaskSpec): Changed {
  const { question, tried, advice, answer, moneyLeft } = context;
  const ruledOut = advice === undefined ? tried : [...tried, advice.agent];
  const asNew = { question: question + 1, problems: [], parts: undefined };
  switch (move.do) {
    case 'ask-again':
      return { ...asNew, problems: move.problems };
    case 'other-agent':
      return {
        ...{ ...asNew, tried: ruledOut },
        // It is the money that has failed: who costs as much would fail as well. Where an agent's own account has none, others have theirs.
        ...(isUnpaid(context) && moneyLeft !== undefined && { cheaperThan: advice?.maxCost }),
      };
    case 'larger-window':
      return { ...asNew, tried: ruledOut, largerThan: advice?.window ?? 0 };
    case 'chunk':
      return { ...asNew, inParts: true };
    case 'repair':
      return mended(move.names, context, spec);
    case 'accept':
      return { output: candidateIn(answer), ground: 'unsure' };
    case 'default':
      return { output: move.value, ground: 'default' };
    default:
      return {};
  }
}

/** Where those repairs were enough: what they have made of the answer, unless its agent has said that it is not sure enough. */
function mended(names: readonly string[], context: TaskContext, { threshold }: TaskSpec): Changed {
  const { answer, advice, log } = context;
  if (answer?.fault === undefined || answer.repaired === undefined) return {};
  const { metadata, repaired } = answer;
  const { output, applied } = repaired;
  if (!applied.every(({ repair }) => names.includes(repair))) return {};
  const said = metadata && { status: 'success' as const, metadata };
  const judgement = said && judge(said, { threshold, calibration: advice?.calibration });
  if (judgement === undefined || judgement.ok) return { output, ground: 'repaired', fault: undefined };
  const fault = { ...judgement.fault, ...(answer.fault.cost !== undefined && { cost: answer.fault.cost }) };
  const note = { fault: fault.class, message: fault.message };
  return { answer: { ...answer, fault, output }, fault, log: withNote(log, note) };
}

/**
 * Whether what was answered before may be taken for it. Not where something is to be done or undone: that it was, in another run, does
 * not make it so in this one; and nobody must undo what another run has done.
 */
export const mayRecall = ({ undoes, undoable }: TaskSpec): boolean =>
  undoes === undefined && undoable === undefined;

/** What was answered before to the same was looked for. */
export function recalled({ people }: TaskContext, found: Recalled): Changed {
  if (found.answer === undefined) return {};
  const { answer, output } = found;
  const all = [...new Set([...people, ...(answer.people ?? [])])];
  return { output, ground: 'stale', recalled: answer, people: all };
}

/** The answer that was taken, for whoever asks the same when nobody can answer. */
export const remembranceOf = (context: TaskContext, self: object): Remembrance => ({
  start: startHere(context.start, self),
  ...{ input: context.input, output: context.output, answer: answerIn(context) },
});

/** Who has answered, when, and how sure they were. */
export function answerIn(context: TaskContext): Remembrance['answer'] {
  const { advice, log } = context;
  const { to, confidence } = log.at(-1)!;
  const { agent, model } = advice!;
  const people = peopleOn(context);
  return {
    ...{ agent, at: to! },
    ...(model !== undefined && { model }),
    ...(confidence !== undefined && { confidence }),
    ...(people.length > 0 && { people }),
  };
}

/** An answer that keeps the contract, though it is not good enough. */
export function candidateIn(answer: Answer | undefined): TaskResult['output'] | undefined {
  if (answer === undefined) return undefined;
  return answer.fault === undefined ? answer.result.output : answer.output;
}

/** Somebody lets it go on: as if it began now and nothing had been tried, but for what it has cost. */
export function resumed(
  context: TaskContext,
  spec: TaskSpec,
  order: Pick<TaskResume, 'input' | 'by'> | undefined,
  now: number,
): Changed {
  const { givenBy = [] } = context;
  return {
    deadlineAt: deadlineOf(context.start, spec, now),
    history: [],
    tried: context.start.seat?.tried ?? [],
    largerThan: undefined,
    cheaperThan: undefined,
    problems: [],
    inParts: false,
    parts: undefined,
    votes: withoutOutputs(context.votes),
    awaits: undefined,
    question: context.question + 1,
    ...(order?.input !== undefined && {
      input: order.input,
      givenBy: [...new Set([...givenBy, order.by])],
    }),
  };
}

/** A review of it has ended. */
export function signed(
  { decisions }: TaskContext,
  review: TaskDecision['review'],
  { verdict, at, by, hash, reason, approvals, voided, edits }: ReviewOutput,
): Pick<TaskContext, 'decisions'> {
  const whose = by === undefined ? {} : { by, hash };
  const ending = { verdict, at, ...whose, ...(reason !== undefined && { reason }) };
  const all = signedIn({ approvals, voided, edits, ending });
  return { decisions: [...decisions, ...all.map((one) => ({ ...one, review }))] };
}

/** Somebody has given it up. */
export function abandoned({ fault }: TaskContext, by: string, reason: string): Changed {
  const message = `${by} has given it up: ${reason}`;
  const problem = { class: 'abandoned', message, fault: fault?.class, detail: fault?.message };
  return { outcome: { status: 'failed', problem } };
}

// ---- the end ------------------------------------------------------------------------------------------------------

export function outcomeOf(context: TaskContext, { undoable }: TaskSpec): VoterOutcome {
  const { outcome, output, ground, fault, start } = context;
  const facts = factsOf(context);
  if (outcome === undefined && ground !== undefined) return { status: 'complete', output, facts };
  const because = undoable === true ? doubtOf(context) : undefined;
  const left = { facts, ...(because && { doubt: { class: 'unknown-effect', message: because } }) };
  if (outcome !== undefined) return { ...outcome, ...left };
  const { class: name, message, ...more } = fault!;
  const ended = { status: 'failed', problem: { class: name, message, ...more }, ...left } as const;
  return start.seat !== undefined && isHalted(context) ? { ...ended, isHalted: true } : ended;
}

/** Why nobody knows what it has done, though it was not complete. */
function doubtOf({ log, answer }: TaskContext): string | undefined {
  const open = log.find(isOpen);
  if (open !== undefined)
    return `nobody knows what ${open.agent} has done in attempt ${open.number}, which nobody has waited for to the end`;
  // Others may have been asked since, and have answered nothing.
  const answered = candidateIn(answer) === undefined ? log.findLast(hasAnswered) : log.at(-1);
  if (answered === undefined) return undefined;
  const { agent, number } = answered;
  return `${agent} has done something in attempt ${number}, and what it has answered was not taken`;
}

/** Faults of answers: whoever has made one has not said that nothing was done. */
const OF_ANSWERS: ReadonlySet<FaultClass | undefined> = new Set<FaultClass | undefined>([
  ...(['truncated', 'not-parseable', 'schema-mismatch', 'needs-review', 'contract-violation'] as const),
]);

/** Whether it has answered something, if only for a part of the work, or nothing that could be taken for an output. */
const hasAnswered = ({ manifest, parts = [], quarantined, fault }: AttemptNote): boolean =>
  (quarantined === true && OF_ANSWERS.has(fault)) ||
  [manifest, ...parts.map((part) => part.manifest)].some((one) => one?.output !== undefined);

/**
 * Whether nobody has waited for its end. Of one that was halted, or whose agent was another by then, before anybody was asked it is known
 * that it has cost nothing.
 */
const isOpen = ({ to, fault, unasked, unheard, cost, parts = [] }: AttemptNote): boolean =>
  !unasked &&
  (to === undefined ||
    fault === 'timeout' ||
    parts.some(({ stopped }) => stopped) ||
    ((unheard !== undefined || fault === 'no-agent') && cost === undefined));

function factsOf(context: TaskContext): WorkFacts {
  const { attempts, spent, votes, log, ground, recalled: before } = context;
  const { agent } = before ?? context.advice ?? {};
  const { confidence } = before ?? log.at(-1) ?? {};
  const people = peopleOn(context);
  return {
    attempts,
    cost: spent + costOfVotes(votes),
    ...(agent !== undefined && { agent }),
    ...(confidence !== undefined && { confidence }),
    ...(ground !== undefined && ground !== 'good' && { ground }),
    // What stands in for an answer is nobody's.
    ...(ground !== undefined && ground !== 'default' && people.length > 0 && { people }),
  };
}
