/**
 * The clock: the only place from which the runtime takes time and gets called later. A simulation gives its own.
 */
import { wall } from './kernel/moment.ts';

export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds that never go back, for measuring. */
  monotonicMs(): number;
  /** Calls back when the current work and the input that has arrived are dealt with. */
  soon(callback: () => void): void;
  /** Calls back after a delay. */
  after(delayMs: number, callback: () => void): TimerHandle;
  /** 16 bytes nobody can guess. */
  randomSeed(): Uint8Array;
}

export interface TimerHandle {
  cancel(): void;
}

/** `setTimeout` fires at once when it is asked for more. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

// Taken before anybody can replace them (fake timers in tests), and without the guard of the moment.
const { setTimeout, clearTimeout, setImmediate } = globalThis;

export const systemClock: Clock = {
  now: wall.now,
  monotonicMs: wall.monotonicMs,
  soon: (callback) => void setImmediate(callback),
  after: (delayMs, callback) => {
    // A delay that was cut short only wakes the caller early; callers look at `now` and ask again.
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    return { cancel: () => clearTimeout(handle) };
  },
  randomSeed: wall.randomSeed,
};
