/**
 * The words of schedules: what one takes, what it asks for, and what it remembers. What it makes of them is `schedule.ts`.
 */
import type { ScheduleDeclaration } from './declaration.ts';
import type { Zone } from '../../machines/working-time/zone.ts';

// ---- what it takes -----------------------------------------------------------------------------------------------------

export type ScheduleEvent = ScheduleUp | ScheduleDue | OccurrenceExit | ScheduleRequest;

/** Sent when it is declared, when its declaration has changed, and at every opening of the system. Made by `upEvent`. */
export interface ScheduleUp {
  readonly type: 'heddle.up';
  /** As it is declared today; without one it stays what it was. */
  readonly declaration?: ScheduleDeclaration;
  /** On whose behalf, where somebody is asked what they may do. */
  readonly declaredBy?: string;
  /** The rules of its time zone as they are known today. A cron of another zone than UTC is due at nothing before it has some. */
  readonly zone?: Zone;
}

/** Its timer. */
export interface ScheduleDue {
  readonly type: 'heddle.due';
  readonly instant: number;
}

/** An occurrence has ended, or could not be started. */
export interface OccurrenceExit {
  readonly type: 'heddle.exit';
  readonly id: string;
  /** `done`, `stopped`, or any other word for a failure. */
  readonly reason: string;
}

/** What somebody asks for. */
export interface ScheduleRequest {
  readonly type: `heddle.schedule.${'pause' | 'resume' | 'trigger' | 'delete'}`;
  /** By which the answer finds who asked. A trigger that is repeated with the same one starts nothing more. */
  readonly ask: string;
  readonly by?: string;
  readonly reason?: string;
}

// ---- what it asks for --------------------------------------------------------------------------------------------------

export type ScheduleOrder = TimerOrder | OccurrenceOrder | AnswerOrder;

/** There is one timer; setting it again replaces it. */
type TimerOrder =
  | { readonly to: 'timer'; readonly id: 'due'; readonly dueAt: number; readonly event: ScheduleDue }
  | { readonly to: 'timer'; readonly id: 'due'; readonly cancel: true };

/** That an occurrence is started. */
export interface StartOrder {
  readonly to: 'occurrence';
  readonly id: string;
  readonly start: string;
  readonly input?: unknown;
  /** Whose declaration that follows from. */
  readonly declaredBy?: string;
  /** The instant it is of; for one that was triggered, when it was. */
  readonly instant: number;
}

type OccurrenceOrder = StartOrder | { readonly to: 'occurrence'; readonly id: string; readonly stop: true };

interface AnswerOrder {
  readonly to: 'caller';
  readonly ask: string;
  readonly answer: ScheduleAnswer;
}

export type ScheduleAnswer =
  | { readonly done: true; readonly status: ScheduleStatus; readonly occurrence?: TriggerOutcome }
  /** It is deleted; nothing was done. */
  | { readonly done: false; readonly status: 'deleted' };

/** What became of an occurrence that was triggered. */
export type TriggerOutcome =
  | { readonly outcome: 'started' | 'waiting'; readonly id: string }
  | { readonly outcome: 'skipped'; readonly id: string; readonly cause: SkipCause };

// ---- what it remembers ---------------------------------------------------------------------------------------------------

export type ScheduleStatus = 'active' | 'paused' | 'deleted';

export interface ScheduleState {
  readonly declaration: ScheduleDeclaration;
  /** Who has brought it about that it is declared as it is. Whoever declares the same once more changes nothing. */
  readonly declaredBy?: string | undefined;
  /** The rules of its time zone, as far as they are needed from the cursor on. */
  readonly zone?: Zone;
  readonly status: ScheduleStatus;
  /** From which intervals are counted. */
  readonly anchor: number;
  /** Everything up to here is decided. */
  readonly cursor: number;
  /** What the timer is set for. */
  readonly armed?: Armed;
  /** Started, and not heard of the end of. At most `maxRunning`, and one where overlap is not allowed. */
  readonly running: readonly Occurrence[];
  /** In the order in which they go. At most `maxWaiting`. */
  readonly waiting: readonly Occurrence[];
  readonly counts: ScheduleCounts;
  /** The newest decisions, oldest first. Older ones are in the journal. */
  readonly decisions: readonly Decision[];
  /** What the newest triggers were answered. */
  readonly answered: readonly { readonly ask: string; readonly answer: ScheduleAnswer }[];
}

export interface Armed {
  readonly instant: number;
  readonly dueAt: number;
}

export interface Occurrence {
  readonly id: string;
  readonly instant: number;
  /** Somebody triggered it. */
  readonly isManual?: true;
  /** It was told to stop. */
  readonly isStopping?: true;
}

export interface ScheduleCounts {
  readonly started: number;
  readonly triggered: number;
  readonly skipped: Readonly<Partial<Record<SkipCause, number>>>;
  readonly ended: { readonly done: number; readonly stopped: number; readonly failed: number };
}

export type SkipCause =
  /** Missed, and the policy was not to start it. */
  | 'missed'
  /** Older than the `maxCatchUp` newest that were to be started. */
  | 'catch-up-limit'
  | 'overlap'
  | 'queue-full'
  | 'too-many-running'
  /** A newer one came while it waited for the previous to stop. */
  | 'replaced'
  | 'paused'
  /** It was due by a timing that was changed before it was decided. */
  | 'redeclared'
  | 'deleted';

/** Why there is an occurrence. */
export type StartCause = 'due' | 'missed' | 'triggered';

export type Decision = { readonly atMs: number } & (
  | {
      readonly outcome: 'started' | 'waiting';
      readonly id: string;
      readonly instant: number;
      readonly cause: StartCause | 'waited';
      readonly by?: string;
      readonly reason?: string;
    }
  | {
      readonly outcome: 'skipped';
      readonly cause: SkipCause;
      /** How many instants, and the first and the last of them. */
      readonly count: number;
      readonly first: number;
      readonly last: number;
    }
  | { readonly outcome: 'stopping'; readonly id: string; readonly cause: 'replaced' }
  | {
      readonly outcome: 'redeclared' | 'paused' | 'resumed' | 'deleted';
      readonly by?: string;
      readonly reason?: string;
    }
);
