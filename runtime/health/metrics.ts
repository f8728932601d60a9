/**
 * Metrics: what a system counts while it works, and the reading of it all.
 *
 * It owns the counters and the histograms of one runtime, for as long as that lives, so they go on over a fence. The
 * parts of the runtime say what has happened; that must cost nothing: an addition or two for a commit, nothing for a turn.
 * Whatever can be looked up when somebody asks is not counted but looked up (`gauges.ts`).
 */
import type { SealedCommit } from '../../storage/ledger.ts';
import { HeddleError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { EventLoop } from './event-loop.ts';
import { gauges } from './gauges.ts';
import { Histogram } from './histogram.ts';
import type { MetricsReading } from './reading.ts';

/** From 25 microseconds, a store in memory, to almost two minutes, a disk that is about to fail. */
const FIRST_COMMIT_MS = 0.025;
const COMMIT_DOUBLINGS = 22;
/** From one turn to as many as a commit may hold. */
const TURNS_DOUBLINGS = 16;

/** Where the counter of an error without a `_tag` stands: of what a getter or proxy in an event has thrown. */
const UNTAGGED = 'Error';

export class Metrics {
  readonly #runtime: Runtime;
  readonly #memoryUsage: () => NodeJS.MemoryUsage;
  readonly #openedAt: number;
  readonly #commitMs = new Histogram(FIRST_COMMIT_MS, COMMIT_DOUBLINGS);
  readonly #turnsPerCommit = new Histogram(1, TURNS_DOUBLINGS);
  readonly #eventLoop = new EventLoop();
  readonly #refused = new Map<string, number>();
  #turns = 0;
  #commitBytes = 0;

  // What others count; what they mean stands in `reading.ts`.
  failedSteps = 0;
  crashes = 0;
  unrecordedRefusals = 0;
  restarts = 0;
  fences = 0;
  deadSteps = 0;
  deadActions = 0;
  processesStarted = 0;
  processesRetried = 0;
  processesFailed = 0;
  processesTimedOut = 0;

  constructor(runtime: Runtime, memoryUsage: () => NodeJS.MemoryUsage = () => process.memoryUsage()) {
    this.#runtime = runtime;
    this.#memoryUsage = memoryUsage;
    this.#openedAt = runtime.clock.monotonicMs();
  }

  /** A commit is on the disk. */
  committed(turns: number, sealed: SealedCommit, writeMs: number): void {
    this.#turns += turns;
    this.#commitBytes += bytesOf(sealed);
    this.#turnsPerCommit.record(turns);
    this.#commitMs.record(writeMs);
  }

  /** A call from outside was refused. */
  refused(error: unknown): void {
    // Tags are those of our own classes, so there is an end to them.
    const tag = error instanceof HeddleError ? error._tag : UNTAGGED;
    this.#refused.set(tag, (this.#refused.get(tag) ?? 0) + 1);
  }

  /** Everything that is known right now. The first reading begins to measure the event loop. */
  read(): MetricsReading {
    const runtime = this.#runtime;
    const now = runtime.clock.monotonicMs();
    const commitMs = this.#commitMs.read();
    return Object.freeze({
      at: runtime.clock.now(),
      uptimeMs: now - this.#openedAt,
      turns: this.#turns,
      commits: commitMs.count,
      commitBytes: this.#commitBytes,
      commitMs,
      turnsPerCommit: this.#turnsPerCommit.read(),
      refused: this.#refusals(),
      failedSteps: this.failedSteps,
      crashes: this.crashes,
      restarts: this.restarts,
      deadLetters: Object.freeze({ steps: this.deadSteps, actions: this.deadActions }),
      fences: this.fences,
      processes: Object.freeze({
        running: runtime.processes.size,
        started: this.processesStarted,
        retried: this.processesRetried,
        failed: this.processesFailed,
        timedOut: this.processesTimedOut,
      }),
      ...gauges(runtime),
      eventLoopDelayMs: this.#eventLoop.read(now),
      memory: this.#memory(),
    });
  }

  /** The system is closed: nothing is measured any more. What was counted can still be read. */
  close(): void {
    this.#eventLoop.close();
  }

  #refusals(): MetricsReading['refused'] {
    let total = 0;
    for (const count of this.#refused.values()) total += count;
    const byTag = Object.freeze(Object.fromEntries(this.#refused));
    return Object.freeze({ total, byTag, unrecorded: this.unrecordedRefusals });
  }

  #memory(): MetricsReading['memory'] {
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = this.#memoryUsage();
    return Object.freeze({
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      externalBytes: external,
      arrayBuffersBytes: arrayBuffers,
    });
  }
}

function bytesOf({ frames, rows }: SealedCommit): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.bytes.length;
  // Most commits have none, and an iterator costs as much as the rest of this.
  if (rows.size > 0) for (const { value } of rows.values()) bytes += value?.length ?? 0;
  return bytes;
}
