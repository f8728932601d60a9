/**
 * What is done about a fault: by the strategy, or by people who let the task go on, or give it up.
 */
import { nextMove, taken } from '../faults/next-move.ts';
import type { Limits, Move } from '../faults/next-move.ts';
import { judge } from '../faults/quality.ts';
import type { ReviewOutput } from '../review/review.ts';
import { signedIn } from '../review/signed.ts';
import type { TaskResume } from '../workflow/events.ts';
import { candidateIn, withNote } from './attempts.ts';
import { asNew, deadlineOf } from './progress.ts';
import type { Changed, TaskContext, TaskDecision } from './progress.ts';
import { mayRecall } from './recalling.ts';
import { withoutOutputs } from './votes.ts';
import type { Answer, TaskSpec } from './words.ts';

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
  const { tried, advice, answer, moneyLeft } = context;
  const ruledOut = advice === undefined ? tried : [...tried, advice.agent];
  switch (move.do) {
    case 'ask-again':
      return { ...asNew(context), problems: move.problems };
    case 'other-agent':
      return {
        ...{ ...asNew(context), tried: ruledOut },
        // It is the money that has failed: who costs as much would fail as well. Where an agent's own account has none, others have theirs.
        ...(isUnpaid(context) && moneyLeft !== undefined && { cheaperThan: advice?.maxCost }),
      };
    case 'larger-window':
      return { ...asNew(context), tried: ruledOut, largerThan: advice?.window ?? 0 };
    case 'chunk':
      return { ...asNew(context), inParts: true };
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
