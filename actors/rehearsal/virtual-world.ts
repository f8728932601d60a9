/**
 * The world of a rehearsal: time that passes when nothing is left to do at the present, and chance that comes from a seed. Nothing in it
 * waits for anything real, so the same seed gives the same story.
 */
import { createHash } from 'node:crypto';
import type { TimerHandle } from '../../runtime/index.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';

/** So often in a row nobody must have looked at the clock before everything counts as done: promises take a few rounds. */
const QUIET_ROUNDS = 8;
const SEED_BYTES = 16;
/** Somebody who is busy for as many rounds will be for ever. */
const MOST_ROUNDS = 100_000;

export class VirtualWorld extends VirtualClock {
  readonly #seed: string;
  #seeds = 0;
  /** How often anybody has had to do with the clock: no step is taken and nothing is written without. */
  #looks = 0;

  constructor(seed: string) {
    super();
    this.#seed = seed;
    // A function of its own in the hands of those who ask for it.
    this.randomSeed = this.randomSeed.bind(this);
  }

  override now(): number {
    this.#looks++;
    return super.now();
  }

  override monotonicMs(): number {
    this.#looks++;
    return super.monotonicMs();
  }

  override soon(callback: () => void): void {
    super.soon(() => {
      this.#looks++;
      callback();
    });
  }

  override randomSeed(): Uint8Array {
    const digest = createHash('sha256').update(`${this.#seed}/chance/${this.#seeds++}`).digest();
    return Uint8Array.from(digest.subarray(0, SEED_BYTES));
  }

  /** Waits until nothing is under way but what waits for the time to pass. False: it does not come to that. */
  async isSettled(): Promise<boolean> {
    let before = -1;
    for (let quiet = 0, rounds = 0; quiet < QUIET_ROUNDS; quiet++, rounds++) {
      if (rounds === MOST_ROUNDS) return false;
      await new Promise<void>((resolve) => super.soon(resolve));
      if (this.#looks !== before) quiet = -1;
      before = this.#looks;
    }
    return true;
  }

  /** Lets time pass up to the next thing that is due, and that happen. */
  async goOn(): Promise<void> {
    const due = this.nextAt;
    if (due === undefined) return;
    await this.pass(due - super.now());
  }

  /** Lets so much time pass, and what is due meanwhile happen. */
  async pass(ms: number): Promise<void> {
    await this.advance(ms, async () => void (await this.isSettled()));
  }

  /** Waits for a while of that time. Rejects when that is not wanted any more. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    let timer: TimerHandle | undefined;
    const passed = new Promise<void>((resolve) => (timer = this.after(ms, resolve)));
    await Promise.race([passed, this.never(signal)]).finally(() => timer?.cancel());
  }

  /** Waits until that is not wanted any more, and rejects. */
  never(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}
