/**
 * The progress of a task, as data: what is kept of it, how it begins, and who does it. What follows from that is pure, too, and called by
 * the machine (`task.ts`): see `attempts.ts`, `remedies.ts`, `recalling.ts` and `ending.ts`.
 */
import type { Source } from '../contract.ts';
import type { Fault, FaultClass, ValueProblem } from '../faults/fault.ts';
import type { Move, Taken } from '../faults/next-move.ts';
import { hereOf, movedFrom, startHere } from '../here.ts';
import type { Signed } from '../review/signed.ts';
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';
import type { WorkOutcome } from '../workflow/graph.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { TaskStart, Vote } from './votes.ts';
import type {
  Advice,
  Advised,
  Answer,
  Billing,
  Manifest,
  PartNote,
  PartsDone,
  PassedOver,
  Supplied,
  TaskSpec,
  Unheard,
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
  /** It has answered what is no output, and has not said that it could do nothing. It stays so, whatever is made of that. */
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

export type Changed = Partial<TaskContext>;

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
export function deadlineOf({ seat }: TaskStart, { deadlineMs }: TaskSpec, now: number): number | undefined {
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

export function advised(context: TaskContext, advice: Advice): Changed {
  const { passedOver, fault } = advice;
  if (fault !== undefined)
    return { advice: undefined, passedOver, answer: undefined, fault, halts: advice.halts };
  return { advice, passedOver, fault, halts: undefined, ...(isOfOthers(context, advice) && asNew(context)) };
}

/** A question belongs to whoever was asked it, with what they have done of it, and what was wrong with that: somebody else begins anew. */
function isOfOthers({ log, question }: TaskContext, { agent }: Advised): boolean {
  const last = log.at(-1);
  // In a fork it was asked under another name.
  return last !== undefined && last.key.endsWith(`#${question}`) && last.agent !== agent;
}

/** Another question than before. */
export const asNew = ({ question }: TaskContext): Changed => ({
  ...{ question: question + 1, problems: [], parts: undefined },
});
