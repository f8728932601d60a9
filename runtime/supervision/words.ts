/**
 * The words of supervision: what a supervisor knows, what it hears, and what it says. What it makes of them is `supervisor.ts`.
 */
import type { ChildRefusal } from '../errors.ts';
import type { ChildDeclaration, SupervisorDeclaration } from './declaration.ts';
import type { ExitReason } from './strategy.ts';

// ---- what it knows ------------------------------------------------------------------------------------------------

/**
 * - `down`: not started, ended by itself, or terminated.
 * - `restarting`: failed, and waiting for its next start.
 * - `refused`: cannot be loaded, because its history is damaged or its code has changed. No restart can help.
 */
export type ChildPhase = 'down' | 'starting' | 'running' | 'stopping' | 'restarting' | 'refused';

export interface ChildState {
  readonly declaration: ChildDeclaration;
  readonly phase: ChildPhase;
  /** When it was last started. */
  readonly startedAt: number;
  /** How often it was restarted, for whatever reason. */
  readonly restarts: number;
  /** How often in a row it failed without having run for a whole period: the backoff grows with it. */
  readonly failures: number;
  /** How it ended last. */
  readonly exit?: { readonly at: number; readonly reason: ExitReason; readonly error?: unknown };
  /** Whose failure made it start again last. */
  readonly because?: string;
  /** The number of the last order to start. */
  readonly ordered?: number;
  /** While it waits for its restart: when that is due. */
  readonly restartAt?: number;
}

export interface SupervisorState {
  readonly declaration: SupervisorDeclaration;
  readonly phase: 'down' | 'starting' | 'running' | 'stopping';
  /** In the order in which they are started. A dynamic supervisor knows only those that are not simply running. */
  readonly children: readonly ChildState[];
  /** The restarts that count, newest first. */
  readonly window: readonly number[];
  /** All restarts there ever were. */
  readonly restarts: number;
  readonly work: readonly Task[];
  /** How many orders it has given. */
  readonly given: number;
  /** The last order to start that it has got. */
  readonly heard?: number;
  readonly waiting: readonly Waiting[];
  /** It is declared no more, and supervises nobody. */
  readonly released?: true;
  /** Why it is down. */
  readonly end?: {
    readonly at: number;
    readonly reason: EndReason;
    readonly child?: string;
    readonly error?: unknown;
  };
}

/**
 * - `ordered`: from above, or by the system.
 * - `intensity`: too many restarts. `backoff`: its schedule is exhausted. `escalated`: the child asked for it.
 * - `significant`: a significant child has ended.
 * - `start-failed`: a child could not be started.
 */
export type EndReason = 'ordered' | 'intensity' | 'backoff' | 'escalated' | 'significant' | 'start-failed';

/** One thing to do; those with an order are not done before the child has replied. */
export type Task =
  | { readonly do: 'stop'; readonly id: string }
  | {
      readonly do: 'start';
      readonly id: string;
      readonly why: 'up' | 'restart' | 'ask';
      readonly ask?: string;
      /** It is not among the children unless it can be started. */
      readonly isNew?: true;
    }
  | { readonly do: 'all'; readonly event: 'heddle.up' | 'heddle.halt' }
  | { readonly do: 'answer'; readonly ask: string; readonly answer: Answer }
  | { readonly do: 'up' }
  | { readonly do: 'end'; readonly say: EndReport };

export type EndReport =
  | { readonly type: 'heddle.halted' }
  | { readonly type: 'heddle.exit'; readonly reason: ExitReason; readonly error?: unknown }
  | { readonly type: 'heddle.start-failed'; readonly error: unknown };

// ---- what it hears, and what it says --------------------------------------------------------------------------------

type Reply =
  | { readonly type: 'heddle.started'; readonly id: string }
  /** `isGone`: there was no such child of a dynamic supervisor. */
  | { readonly type: 'heddle.halted'; readonly id: string; readonly isGone?: boolean }
  | { readonly type: 'heddle.start-failed' | 'heddle.refused'; readonly id: string; readonly error: unknown };

export type Waiting =
  /** From above: start, shut down, or let everybody go. */
  | { readonly type: 'heddle.halt' | 'heddle.release' }
  /** `order`: the number of the order, the same when it is said again after a crash. */
  | { readonly type: 'heddle.up'; readonly order?: number }
  /** A child has ended by itself. */
  | {
      readonly type: 'heddle.exit';
      readonly id: string;
      readonly reason: ExitReason;
      readonly error?: unknown;
    }
  /** From itself: try again to start a child. `isCounted`: it was counted as a restart before it had to wait. */
  | { readonly type: 'heddle.again'; readonly id: string; readonly isCounted?: boolean }
  | { readonly type: 'heddle.child.start'; readonly ask: string; readonly child: ChildDeclaration }
  | {
      readonly type: 'heddle.child.terminate' | 'heddle.child.restart' | 'heddle.child.delete';
      readonly ask: string;
      readonly id: string;
    }
  /** The system was opened with another declaration. */
  | { readonly type: 'heddle.declare'; readonly declaration: SupervisorDeclaration };

export type SupervisorEvent =
  | Reply
  | Waiting
  /** The system was opened while there was this to do: orders and replies that were under way may be lost. */
  | { readonly type: 'heddle.resume'; readonly given: number };

export type Order =
  /** `start`: the name of what the child runs. */
  | { readonly to: 'child'; readonly id: string; readonly start: string; readonly event: ChildOrder }
  /** To all children of a dynamic supervisor. They reply together, as `*`. */
  | {
      readonly to: 'all';
      readonly event: { readonly type: 'heddle.up' | 'heddle.halt'; readonly shutdownMs: number };
    }
  | { readonly to: 'parent'; readonly event: EndReport | { readonly type: 'heddle.started' } }
  | {
      readonly to: 'self';
      readonly delayMs: number;
      readonly event: Extract<Waiting, { type: 'heddle.again' }>;
    }
  | { readonly to: 'caller'; readonly ask: string; readonly answer: Answer };

export type ChildOrder =
  | { readonly type: 'heddle.up'; readonly declaration: ChildDeclaration; readonly order: number }
  | { readonly type: 'heddle.halt'; readonly shutdownMs: number }
  /** Its life is over for good. */
  | { readonly type: 'xstate.stop' }
  /** It is supervised no more, and goes on by itself. */
  | { readonly type: 'heddle.release' };

export type Answer =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: ChildRefusal;
      readonly error?: unknown;
    };

/** What a decision may look at besides. */
export interface Surroundings {
  readonly nowMs: number;
  /** How long to wait before a child that has failed so often is restarted; undefined when that is too often. */
  delayMs(id: string, failures: number): number | undefined;
}

/** Everybody among the children of a dynamic supervisor. */
export const EVERYBODY = '*';
