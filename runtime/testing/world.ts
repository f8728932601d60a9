/**
 * A world for simulations: the only place in it where anything is scheduled. Time passes when nothing is left to do at
 * the present; what happens at the same time happens in an order that the seed decides; so the seed decides everything.
 *
 * What lives in a world must use its clocks and sleeps, and nothing else that waits: no real input, no real timers.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import { Prng } from './prng.ts';

/** Whoever schedules something: when it is killed, what it has scheduled is gone. */
export type Owner = object;

interface Scheduled {
  readonly at: number;
  /** Drawn from the seed: decides among equals. */
  readonly tie: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
}

export class World {
  readonly seed: number;
  readonly random: Prng;
  /** Virtual milliseconds since the world began. */
  nowMs = 0;
  /** A fold of everything that has happened: equal seeds give equal fingerprints. */
  fingerprint = 0x811c9dc5;
  readonly #schedule: Prng;
  #scheduled: Scheduled[] = [];
  #order = 0;

  constructor(seed: number) {
    this.seed = seed;
    const root = new Prng(seed);
    this.random = root.fork('load');
    this.#schedule = root.fork('schedule');
  }

  /** A stream of chance of its own. */
  chanceFor(purpose: string): Prng {
    return new Prng(this.seed).fork(purpose);
  }

  after(delayMs: number, owner: Owner, run: () => void): () => void {
    const scheduled: Scheduled = {
      at: this.nowMs + Math.max(0, delayMs),
      tie: this.#schedule.next(),
      order: this.#order++,
      owner,
      run,
    };
    this.#scheduled.push(scheduled);
    return () => void (this.#scheduled = this.#scheduled.filter((other) => other !== scheduled));
  }

  sleep(delayMs: number, owner: Owner): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, owner, resolve));
  }

  /** Whatever this one waits for never happens. Its promises stay open, as after SIGKILL. */
  kill(owner: Owner): void {
    this.#scheduled = this.#scheduled.filter((scheduled) => scheduled.owner !== owner);
  }

  /** Lets everything happen that is scheduled, up to an end. */
  async run(until: () => boolean = () => false): Promise<void> {
    while (this.#scheduled.length > 0 && !until()) {
      const next = this.#take();
      this.nowMs = next.at;
      this.note(`${next.at}:${next.order}`);
      next.run();
      // Nothing real is awaited, so all that follows from it is done before the next macrotask.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  note(what: string): void {
    for (let i = 0; i < what.length; i++)
      this.fingerprint = Math.imul(this.fingerprint ^ what.charCodeAt(i), 0x01000193) >>> 0;
  }

  /** A clock for a process in this world. It may run ahead of the world's, or behind. */
  clockFor(owner: Owner, skewMs: () => number = () => 0): Clock {
    const seeds = this.chanceFor(`seeds ${this.nowMs}`);
    return {
      now: () => EPOCH_MS + Math.floor(this.nowMs) + skewMs(),
      monotonicMs: () => this.nowMs,
      soon: (callback) => void this.after(0, owner, callback),
      after: (delayMs, callback): TimerHandle => ({ cancel: this.after(delayMs, owner, callback) }),
      randomSeed: () => seeds.bytes(16),
    };
  }

  #take(): Scheduled {
    let first = 0;
    for (let i = 1; i < this.#scheduled.length; i++) {
      if (isBefore(this.#scheduled[i]!, this.#scheduled[first]!)) first = i;
    }
    return this.#scheduled.splice(first, 1)[0]!;
  }
}

/** Midnight of the first of January 2030, when every world begins. */
const EPOCH_MS = Date.UTC(2030, 0, 1);

function isBefore(a: Scheduled, b: Scheduled): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.tie !== b.tie ? a.tie < b.tie : a.order < b.order;
}
