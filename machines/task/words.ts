/**
 * The words between a task and those whom it asks: who does the work (`consult`), the work itself (`ask`), and whether it is right
 * (`verify`). All three are processes, bound by name to what the system knows; what they answer is an event, and so it is recorded
 * before anything follows from it. They always answer: what went wrong is a fault, which is a value.
 */
import type { AnyActorLogic } from 'xstate';
import type { BudgetLabels, CostSource } from '../budget/words.ts';
import type { Source, TaskEnvelope, TaskMetadata, TaskResult } from '../contract.ts';
import type { Fault, ValueProblem } from '../faults/fault.ts';
import type { Micros } from '../values/money.ts';
import type { Calibration } from '../faults/quality.ts';
import type { ReviewVerdict } from '../review/events.ts';
import type { Patience } from '../review/input.ts';
import type { Strategy } from '../faults/strategy.ts';
import type { WorkStart } from '../workflow/graph.ts';
import type { WorkingCalendar } from '../working-time/calendar.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { CallTerms } from './terms.ts';
import type { TaskStart, VoteSpec } from './votes.ts';

/** What of a task decides. Stands in the code: a change of it is a change of the machine. */
export interface TaskSpec {
  /** How long one attempt may take, and all of them together, in ms. */
  readonly timeoutMs: number;
  readonly deadlineMs: number | undefined;
  /** The confidence from which on a result is accepted. */
  readonly threshold: number;
  readonly strategy: Strategy;
  /** How many attempts there may be in all, whatever the strategy says. */
  readonly maxAttempts: number;
  /** Who decides where the strategy asks for a person and names no role. None: then those it escalates to; without them it is parked. */
  readonly reviewers: string | undefined;
  /** Who decides what becomes of it instead of failing, or being parked for want of somebody who could decide. */
  readonly escalateTo: string | undefined;
  /** What happens while nobody decides about it, or about a call of it. Not there: it waits for ever. */
  readonly patience?: Patience;
  /** Whether there is something that holds its results against the facts. */
  readonly verifies: boolean;
  /** How its results are confirmed by others, if they are. */
  readonly vote?: VoteSpec;
  /** Whether it declares how it is done in parts. */
  readonly chunks: boolean;
  /** What all attempts together may cost, in micro-units. Not there: as much as the accounts give. */
  readonly perTask?: Micros;
  /** Whether it undoes what was done, which is owed though the money is gone. */
  readonly undoes?: true;
  /** It declares how it is undone: then it matters whether somebody knows what it has done. */
  readonly undoable?: true;
}

/** Who is to do it? */
export interface Consultation {
  readonly start: TaskStart;
  readonly input: unknown;
  /** Those that are not asked again. */
  readonly tried: readonly string[];
  /** Only those whose window is larger than this, in tokens. */
  readonly largerThan: number | undefined;
  /** The halts that keep it waiting: it is not answered before one of them is lifted. */
  readonly halts?: readonly string[];
  /** Only those who may cost less than this, in micro-units: there was no money for that much. */
  readonly cheaperThan?: Micros | undefined;
  /** What the attempts to come may cost together, in micro-units. Not there: that was not said. */
  readonly allowance?: Micros;
}

/** Somebody who is not asked, and why. */
export interface PassedOver {
  readonly agent: string;
  readonly why: string;
  /** When it is worth looking again, in ms from then. */
  readonly retryAfterMs?: number;
}

/** How the choice was made: enough to explain it when the agents and the rules are others. */
export interface RouteNote {
  /** The hash of the rules. */
  readonly rules: string;
  /** By what those who could do it were put in order. */
  readonly order: string;
  /** Those who could do it, in the order in which they are asked. */
  readonly scores: readonly RouteScore[];
  readonly experiment?: ExperimentNote;
}

export interface RouteScore {
  readonly agent: string;
  /** What it estimates, and what that comes to by what it has really cost. In micro-units. */
  readonly estimate?: Micros;
  readonly expected?: Micros;
  /** The hash of the prices that the estimate is made with. */
  readonly prices?: string;
  /** How many of its attempts are known, and how many of those were accepted. */
  readonly attempts?: number;
  readonly accepted?: number;
  /** Which part of its gates and places is free, in per cent. */
  readonly free?: number;
  /** By which the rules put it in order, where that is one figure. */
  readonly score?: number;
}

/** In which arm of which experiment a run is. */
export interface ExperimentNote {
  readonly id: string;
  readonly arm: string;
  /** From 0 to 9999. */
  readonly bucket: number;
  /** Why the agent of the arm is not the first to be asked. */
  readonly left?: string;
}

/** Somebody who is asked besides, without any effect on the task. */
export interface ShadowCall {
  readonly agent: string;
  /** The actor that asks it. */
  readonly address: string;
  readonly permits: readonly string[];
  readonly account: string | undefined;
  readonly maxCost: Micros;
  readonly compare: readonly string[];
  /** What was known of it when that was permitted. Not there: it was not written down then. */
  readonly known?: KnownAgent;
}

/** What the decider has said, as far as it is kept. */
export interface Permission {
  readonly effect: 'permit' | 'deny';
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
  /** The hash of the decider. */
  readonly decider?: string;
  /** The obligations that are met for it. */
  readonly met?: readonly string[];
}

export type Advice = Advised | Unadvised;

/** Nobody. */
export interface Unadvised {
  readonly fault: Fault;
  readonly passedOver: readonly PassedOver[];
  /** The halts without which there might be somebody. */
  readonly halts?: readonly string[];
  readonly route?: RouteNote;
}

/** The code of a fault: it was halted. For whoever reads it; agents have codes too, so nothing follows from it. */
export const HALTED = 'halted';

/**
 * Why whoever has given the work does not take what came of it for an answer, and looks anew for somebody. Only they can say this:
 * nothing that an agent answers comes to stand here.
 * - `halted`: nobody may do it, or hear of it, before that is lifted
 * - `replaced`: the name is by now that of somebody who is asked in another way
 */
export type Unheard = 'halted' | 'replaced';

/** What was decided about something that an agent does within its work. Sent to the task, so that it is recorded first. */
export interface TaskPermission {
  readonly type: 'task.permission';
  readonly action: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly permission: Permission;
  readonly attempt: number;
}

/** This one. */
export interface Advised {
  readonly fault?: undefined;
  readonly agent: string;
  /** The hash of its contract. */
  readonly contract: string;
  readonly model?: string;
  /** Why it was chosen before the others. */
  readonly because: string;
  readonly passedOver: readonly PassedOver[];
  readonly permission: Permission;
  /** What must be done before it is asked. */
  readonly terms?: CallTerms;
  /** What the attempt may cost at most. That much is reserved. */
  readonly maxCost: Micros;
  /** Further accounts that pay for it: the agent's own, the tenant's. */
  readonly accounts: readonly string[];
  /** The gates that its calls must pass: breakers, rate limiters, bulkheads. */
  readonly permits: readonly string[];
  readonly calibration: Calibration | undefined;
  /** Its window, in tokens. */
  readonly window: number | undefined;
  /** How many could do it besides, and how many of those have a larger window. */
  readonly others: number;
  readonly larger: number;
  /** What it is asked for: a capability. */
  readonly capability?: string;
  /** What it estimates that the attempt costs. */
  readonly estimate?: Micros;
  /** The actor that is told what comes of the attempt. */
  readonly record?: string;
  readonly route?: RouteNote;
  readonly shadows?: readonly ShadowCall[];
  /** What an attempt of the others may cost at most, of the one where that is least. */
  readonly cheapest?: Micros;
  /** It is a person, who is found by a review. */
  readonly person?: PersonTerms;
}

/** How a person is asked for work. */
export interface PersonTerms {
  readonly role: string;
  /** How long they have, and in whose working time that is counted. */
  readonly withinMs?: number;
  readonly calendar?: WorkingCalendar;
  /** For an hour of their time. */
  readonly rate?: Micros;
  /** Names the schema of what they supply. */
  readonly schema: string;
  /** Whether the one who has started the run may do it. */
  readonly ownRuns?: 'allow';
}

/** What has come of asking a person. */
export interface Supplied {
  /** How they were asked: by that they are paid, whatever their agent says by now. */
  readonly terms: PersonTerms;
  readonly verdict: ReviewVerdict;
  readonly output?: unknown;
  readonly by?: string;
  readonly reason?: string;
  /** Whoever has put it there, and for whom they acted. */
  readonly people: readonly string[];
  /** From when somebody has claimed it; or else from when they were asked. */
  readonly durationMs: number;
}

/** An agent, as far as its call is another where that is. */
export type KnownAgent = Pick<Advised, 'contract' | 'window' | 'model'>;

/** The work. */
export interface Asking {
  readonly agent: string;
  /** What was known of it when it was chosen: somebody else may have the name by now. */
  readonly known?: KnownAgent;
  readonly envelope: TaskEnvelope;
  readonly idempotencyKey: string;
  readonly attempt: number;
  /** What was wrong with its answer, when the same agent is asked again. */
  readonly problems: readonly ValueProblem[];
  readonly permits: readonly string[];
  /** Where the bill goes when it comes after the answer was waited for; undefined: it costs nothing. */
  readonly bill?: BillTo;
  /** What a person has supplied. */
  readonly supplied?: Supplied;
  /** It is asked part by part, and these are done. */
  readonly inParts?: true;
  readonly parts?: PartsDone;
  /** This part alone. */
  readonly part?: PartOf;
}

export interface BillTo {
  /** The accounts that hold the money, the one that was asked first. */
  readonly accounts: readonly string[];
  readonly ticket: string;
  /** Where a fork goes on with what its original has reserved in an account that knows nothing of the fork: its own ticket, and what it is for. */
  readonly unbooked?: { readonly ticket: string; readonly at: number; readonly labels: BudgetLabels };
  /** Of a part: all that were begun in this attempt, by their numbers, and what they have cost; null: that was not known yet. */
  readonly parts?: Readonly<Record<number, Micros | null>>;
}

/** A part of a text, by code units. */
export interface Cut {
  readonly from: number;
  /** Before this it repeats. */
  readonly newFrom: number;
  readonly to: number;
  /** Whoever is asked estimates that it costs nothing. */
  readonly isFree?: true;
}

export interface PartOf extends Omit<Cut, 'isFree'> {
  /** The text in the input. */
  readonly pointer: string;
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

export interface PartsDone {
  readonly cuts: readonly Cut[];
  /** Of those that are done, by their numbers. */
  readonly answers: Readonly<Record<number, Succeeded>>;
}

export type Split =
  | { readonly cuts: readonly Cut[]; readonly fault?: undefined }
  | { readonly fault: Fault; readonly cuts?: undefined };

/** What is the answer to the whole? */
export interface Joining {
  readonly agent: string;
  /** Of the whole. */
  readonly envelope: TaskEnvelope;
  /** To all parts, in their order. */
  readonly answers: readonly Succeeded[];
  /** What those of this attempt have cost. */
  readonly spent: Micros;
}

/** From a task that is done in parts to the task: so far it is. */
export interface PartsNews {
  readonly type: 'parts.done';
  readonly done: PartsDone;
}

/** By whose word something has cost what. */
export interface Billing {
  readonly source: CostSource;
  /** The hash of the price table that it was counted with. */
  readonly price?: string;
  /** What was counted, by kind. */
  readonly tokens?: Readonly<Record<string, number>>;
}

export type Answer = Succeeded | Failed;

/** What went in and what came out, by their hashes. */
export interface Manifest {
  readonly input: string;
  /** Not there when nothing came out that keeps the contract. */
  readonly output?: string;
  /** Of what came out and does not keep the contract, what the repairs that it names have made. */
  readonly repaired?: string;
  /** Why not everything of it is kept as content. */
  readonly unkept?: string;
}

/** One part of a work in parts: what went in and what came out of it, and what was looked at for it alone. */
export interface PartNote {
  /** From 1. */
  readonly number: number;
  readonly manifest?: Manifest;
  readonly sources?: readonly Source[];
  /** It ran beside one that has failed, and was stopped: nobody knows what it has done. */
  readonly stopped?: true;
}

export interface Succeeded {
  readonly fault?: undefined;
  readonly result: TaskResult;
  readonly cost: Micros;
  readonly durationMs: number;
  readonly manifest?: Manifest;
  readonly billing?: Billing;
}

export interface Failed {
  readonly result?: undefined;
  readonly fault: Fault;
  readonly unheard?: Unheard;
  readonly durationMs: number;
  readonly manifest?: Manifest;
  readonly billing?: Billing;
  /** An answer that keeps the contract, where a person is asked for. */
  readonly output?: TaskResult['output'];
  readonly metadata?: TaskMetadata;
  /** An answer that is none, as evidence. */
  readonly quarantined?: unknown;
  /** What the repairs that the contract names make of it. */
  readonly repaired?: {
    readonly output: TaskResult['output'];
    readonly applied: readonly { readonly repair: string }[];
  };
  /** The part that has failed, where it was done in parts, and the numbers of those that were stopped then. */
  readonly part?: PartNote;
  readonly stopped?: readonly number[];
}

/** An output that nobody has answered: a default. */
export interface Unanswered extends Pick<WorkStart, 'run' | 'task'> {
  readonly output: unknown;
}

/** What was given, in a run of which a task is part. */
export interface Question {
  readonly start: TaskStart;
  readonly input: unknown;
}

/** A good answer, which is to be kept for whoever asks the same. */
export interface Remembrance extends Question {
  readonly output: unknown;
  readonly answer: Omit<KeptAnswer, 'task' | 'output'>;
}

/** What was answered to the same before? */
export interface Recall extends Question {
  readonly maxAgeMs: number;
  /** From which sureness on an answer is good enough for the task as it is today. */
  readonly quality: number;
}

export type Recalled =
  | { readonly answer: KeptAnswer; readonly output: unknown; readonly why?: undefined }
  /** Why there is nothing that may be taken. */
  | { readonly why: string; readonly answer?: undefined };

/** Is it right? */
export interface Verification {
  readonly start: WorkStart;
  readonly input: unknown;
  readonly agent: string;
  readonly output: TaskResult['output'];
  /** What others have answered. Not there: they were not asked yet. */
  readonly others?: readonly TaskResult['output'][];
}

/** A fault, unless everything is. */
export interface Verified {
  readonly fault?: Fault | undefined;
  /** As far as it could be seen, and others must be asked before the rest can. */
  readonly needsOthers?: boolean;
  /** What every verifier has found, by name. */
  readonly found: Readonly<Record<string, unknown>>;
}

/** Those whom a task asks. */
export interface TaskActors {
  /** Takes a {@link Consultation}, gives an {@link Advice}. */
  readonly consult: AnyActorLogic;
  /** Takes an {@link Asking}, gives an {@link Answer}. */
  readonly ask: AnyActorLogic;
  /** Takes a {@link Verification}, gives a {@link Verified}. */
  readonly verify: AnyActorLogic;
  /** Takes a review's input, gives its output. */
  readonly review: AnyActorLogic;
  /** Takes an {@link Unanswered}, and keeps it. What comes of that changes nothing. */
  readonly keep: AnyActorLogic;
  /** Takes a {@link Remembrance}, and keeps it. What comes of that changes nothing. */
  readonly remember: AnyActorLogic;
  /** Takes a {@link Recall}, gives a {@link Recalled}. */
  readonly recall: AnyActorLogic;
}
