/**
 * What a reviewer can be told of the run that waits for them: its plan, and where each of its tasks stands. Whoever builds
 * workflows makes it from the state of the run. What is not known is left out; nothing is made up.
 */
import type { Json } from '../../machines/values/canonical.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import type { Micros } from '../../machines/values/money.ts';

export interface RunView {
  readonly workflow: string;
  readonly plan: readonly PlanNode[];
  /** By name; of what is within a list, a loop or another workflow by its path: `chapters/3`. */
  readonly tasks: Readonly<Record<string, TaskView>>;
  readonly money?: MoneyView;
}

/** A part of the plan. */
export interface PlanNode {
  readonly id: string;
  /** `task`, `gate`, `map` … */
  readonly kind: string;
  readonly needs: readonly string[];
  readonly capability?: string;
  /** Whether all that it does can be taken back, where that was declared. */
  readonly isReversible?: boolean;
  /** What takes it back. */
  readonly compensation?: string;
  /** What it may cost at most. */
  readonly maxCost?: Micros;
}

/** Something that was not taken because it is good: where it comes from, and why it was. */
export interface GroundView {
  /** The name of the task. */
  readonly from: string;
  /** `default`, `stale`, `unsure`, `repaired`, `person`. */
  readonly ground: string;
}

/** Where a part stands. */
export interface TaskView {
  readonly status: string;
  /** Why its output was taken, where that is not because it is good. */
  readonly ground?: string;
  /** What of its input was not taken because it is good. */
  readonly grounds?: readonly GroundView[];
  readonly attempts?: readonly AttemptView[];
  readonly cost?: Micros;
  readonly input?: Json;
  readonly output?: Json;
  readonly sources?: readonly SourceView[];
  readonly routing?: RoutingView;
  /** The permissions that were asked for it. */
  readonly permissions?: readonly {
    readonly action: string;
    readonly effect: string;
    readonly determining: readonly string[];
  }[];
  readonly judgement?: JudgementView;
}

export interface AttemptView {
  readonly number: number;
  readonly agent: string;
  /** What went wrong; without it, nothing did. */
  readonly fault?: Fault;
  /** Nobody was asked: it was given up before, at a gate or while it was cut into parts. */
  readonly unasked?: true;
  readonly cost?: Micros;
  readonly durationMs?: number;
}

/** Where data comes from. */
export interface SourceView {
  readonly uri: string;
  readonly hash?: string;
  readonly at?: number;
}

/** Who was chosen, and who was not. */
export interface RoutingView {
  readonly chosen: string;
  readonly because?: string;
  readonly losers: readonly { readonly agent: string; readonly reason: string }[];
}

/** Why a result was taken. */
export interface JudgementView {
  readonly confidence?: number;
  readonly threshold?: number;
  readonly verifiers?: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly detail?: string;
  }[];
}

export interface MoneyView {
  readonly limit?: Micros;
  readonly spent?: Micros;
  readonly reserved?: Micros;
  readonly remaining?: Micros;
  /** What was spent beyond the limit, besides `spent`. */
  readonly overdraft?: Micros;
}
