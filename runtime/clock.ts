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

/** `setTimeout` fires at once when it is asked for more: a longer delay is waited for in parts. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

// Taken before anybody can replace them (fake timers in tests), and without the guard of the moment.
const { setTimeout, clearTimeout, setImmediate } = globalThis;

export const systemClock: Clock = {
  now: wall.now,
  monotonicMs: wall.monotonicMs,
  soon: (callback) => void setImmediate(callback),
  after: (delayMs, callback) => {
    let handle: ReturnType<typeof setTimeout>;
    const wait = (leftMs: number): void => {
      const partMs = Math.min(leftMs, LONGEST_DELAY_MS);
      handle = setTimeout(() => (leftMs > partMs ? wait(leftMs - partMs) : callback()), partMs);
    };
    wait(Math.max(delayMs, 0));
    return { cancel: () => clearTimeout(handle) };
  },
  randomSeed: wall.randomSeed,
};
