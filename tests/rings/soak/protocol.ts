/**
 * What the ring and its process say to each other: settings as an argument, lines of JSON back.
 */

export interface Settings {
  readonly folder: string;
  /** How many actors there are, small ones and those in the pools. */
  readonly actors: number;
  /** How long faults and load go on. */
  readonly seconds: number;
  readonly seed: number;
}

/** How things stood at the end of a second. */
export interface Sample {
  readonly second: number;
  /** After a collection of garbage. */
  readonly heapMB: number;
  readonly rssMB: number;
  /** What keeps the process alive: timers, files, pipes. */
  readonly handles: number;
  /** From `send` to its receipt, of the events of this second. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly acked: number;
  /** What this process has worked since the last sample, in all threads. Other processes can make receipts late, but not this. */
  readonly cpuMs: number;
  /** Messages that wait in mailboxes, in all and in the fullest. */
  readonly waiting: number;
  readonly deepest: number;
  /** How many actors are in memory. */
  readonly inMemory: number;
}

/** What became of it all. */
export interface Outcome {
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/** One line. */
export interface Line {
  readonly born?: number;
  readonly sample?: Sample;
  readonly outcome?: Outcome;
}
