/**
 * A reading: what `system.metrics()` says. Plain data, frozen, and as of one moment; it does not change when the system
 * goes on. Numbers without a unit in their name are counts.
 */
import type { DelayReading } from './event-loop.ts';
import type { HistogramReading } from './histogram.ts';

export type { DelayReading, HistogramReading };

export interface MetricsReading {
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number;
  /** How long ago the system was opened. */
  readonly uptimeMs: number;

  // Since the system was opened. These only grow, also over a fence.
  /** Events that were taken, and are on the disk. */
  readonly turns: number;
  /** Batches that are on the disk. */
  readonly commits: number;
  /** What was in them: frames and rows, without their keys. */
  readonly commitBytes: number;
  /** From the start of a batch until it is on the disk. */
  readonly commitMs: HistogramReading;
  /** How many turns one sync has paid for. */
  readonly turnsPerCommit: HistogramReading;
  /**
   * Calls of `send`, `start` and `actor` that were refused, in all and by the `_tag` of their errors; and how many of them
   * left no record, because the system was closing or fenced. The others are in `system.refusals()`.
   */
  readonly refused: {
    readonly total: number;
    readonly byTag: Readonly<Record<string, number>>;
    readonly unrecorded: number;
  };
  /** Steps that threw or broke a rule; one that threw again on its second chance counts once. */
  readonly failedSteps: number;
  /** How often an actor failed: it went down to be restarted, or its life ended with an error. */
  readonly crashes: number;
  /** How often one came up again after a crash, or began a new life because it is to be restarted. */
  readonly restarts: number;
  /** Dead letters that were written, by what could not be done. */
  readonly deadLetters: { readonly steps: number; readonly actions: number };
  /** Writes that failed, so that the store had to be proven again. */
  readonly fences: number;
  readonly processes: {
    /** How many run now. */
    readonly running: number;
    /** Attempts that were begun. */
    readonly started: number;
    /** Attempts that failed and were to be tried again. */
    readonly retried: number;
    /** Processes that failed for good. */
    readonly failed: number;
    /** Attempts that took too long; they are in `retried` or `failed` too. */
    readonly timedOut: number;
  };

  // As it is now.
  readonly actors: {
    readonly inMemory: number;
    /** Actors that are not loaded, because their history is damaged or today's code does not tell it. */
    readonly refused: number;
  };
  readonly mailboxes: {
    /** Messages that wait, in all mailboxes. */
    readonly waiting: number;
    /** The fullest of them; undefined while nothing waits. */
    readonly deepest: { readonly address: string; readonly depth: number } | undefined;
  };
  /** How many places in the run queue are taken. */
  readonly queued: number;
  /** Turns that were taken and are not on the disk yet. */
  readonly undurable: number;
  /** Actions and emitted events that are owed to the world. */
  readonly owed: number;
  /** Asynchronous actions under way. */
  readonly actionsRunning: number;
  /** Alarms that are set: timers, and wake-ups of actors that sleep. Cancelled ones stay for a while. */
  readonly timers: number;
  readonly ledger: {
    /** The frame that is being filled. */
    readonly frame: number;
    /** The first frame that a recovery must read. */
    readonly lowWater: number;
    /** How many frames a recovery would read. */
    readonly lagFrames: number;
    /** How many bytes this process has written since the checkpoint that lies farthest behind. */
    readonly lagBytes: number;
    /** The size of the commit that is being filled. */
    readonly pendingBytes: number;
  };
  /** Whether a write has failed and the store is not proven yet: nothing is taken until it is. */
  readonly fenced: boolean;
  readonly eventLoopDelayMs: DelayReading;
  readonly memory: {
    readonly rssBytes: number;
    readonly heapUsedBytes: number;
    readonly heapTotalBytes: number;
    readonly externalBytes: number;
    readonly arrayBuffersBytes: number;
  };
}
