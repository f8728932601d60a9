/**
 * The event loop: how much later than it should this thread gets to its next piece of work. What blocks it, a long step or
 * a synchronous action, delays every actor of the process.
 *
 * It is measured by Node, off this thread's books, but for a timer that wakes it: so nothing is measured before somebody
 * has asked for the first time. The timer does not keep the process alive.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IntervalHistogram } from 'node:perf_hooks';

/** How late the event loop was, in milliseconds, over the last minute or two, and at least since the last reading. */
export interface DelayReading {
  /** How often it was measured; 0 at the first reading, which only begins to measure. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How often it is measured. Shorter delays than this may go unnoticed. */
const RESOLUTION_MS = 20;
/** How much time a reading tells of, at least, once so much has passed: a stall of last week is no news. */
const WINDOW_MS = 60_000;

const NANOS_PER_MILLI = 1e6;

const NOTHING: DelayReading = Object.freeze({ count: 0, p50: 0, p99: 0, max: 0 });

export class EventLoop {
  // Node's histograms can be emptied, but not be cut at their old end: of two that are emptied in turns, one always goes
  // back far enough.
  #older: IntervalHistogram | undefined;
  #younger: IntervalHistogram | undefined;
  #youngerSince = 0;
  #closed = false;

  /** What was measured. The first reading begins to measure. */
  read(nowMs: number): DelayReading {
    if (this.#closed) return NOTHING;
    if (this.#older === undefined || this.#younger === undefined) {
      this.#older = begin();
      this.#younger = begin();
      this.#youngerSince = nowMs;
      return NOTHING;
    }
    const reading = read(this.#older);
    if (nowMs - this.#youngerSince >= WINDOW_MS) {
      [this.#older, this.#younger] = [this.#younger, this.#older];
      this.#younger.reset();
      this.#youngerSince = nowMs;
    }
    return reading;
  }

  /** Measures no more. */
  close(): void {
    this.#closed = true;
    this.#older?.disable();
    this.#younger?.disable();
    this.#older = this.#younger = undefined;
  }
}

function begin(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}

function read(histogram: IntervalHistogram): DelayReading {
  // Without values Node gives numbers that mean nothing.
  if (histogram.count === 0) return NOTHING;
  return Object.freeze({
    count: histogram.count,
    p50: delayOf(histogram.percentile(50)),
    p99: delayOf(histogram.percentile(99)),
    max: delayOf(histogram.max),
  });
}

/** Node tells how long it was from one measurement to the next; what is beyond the pause that was meant is delay. */
function delayOf(nanos: number): number {
  return Math.max(0, nanos / NANOS_PER_MILLI - RESOLUTION_MS);
}
