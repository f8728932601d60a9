/**
 * Passivation: actors without anything to do leave memory, and come back with their next message or timer.
 *
 * An actor whose life is over stays for a while too: a parent that re-enters a state invokes the same address again, and
 * need not read it from the store then. But of those only so many stay, and only small ones.
 */
import { isQuiet } from './cell.ts';
import type { Cell } from './cell.ts';
import { earliestDue, hasWork } from './checkpoint.ts';
import type { TimerHandle } from './clock.ts';
import type { Runtime } from './runtime.ts';

/** How many actors are looked at in one go. */
const SWEEP_SIZE = 2000;
/** How many are put to sleep in one go: each may cost a checkpoint. */
const SLEEP_SIZE = 500;
/** The pause before the next go, when there is more to do. */
const BREATH_MS = 50;

/** How many ended actors stay in memory; those with a larger checkpoint do not. */
const ENDED_IN_MEMORY = 4096;
const SMALL_BYTES = 2048;

export class Passivation {
  readonly #runtime: Runtime;
  readonly #afterMs: number;
  /** Actors that are to leave memory when their checkpoint is durable. */
  readonly #leaving = new Set<Cell>();
  /** Actors that have ended, oldest first. Some may have been born again since. */
  readonly #ended = new Set<Cell>();
  #sweep: Iterator<Cell> | undefined;
  #handle: TimerHandle | undefined;

  /**
   * @param afterMs how long an actor stays in memory without work, unless its child spec says otherwise; Infinity: for
   *   ever, whatever it says
   */
  constructor(runtime: Runtime, afterMs: number) {
    this.#runtime = runtime;
    this.#afterMs = afterMs;
  }

  start(): void {
    if (this.#afterMs === Infinity) return;
    this.#lookAfter(this.#intervalMs);
  }

  stop(): void {
    this.#handle?.cancel();
    this.#leaving.clear();
    this.#ended.clear();
    this.#sweep = undefined;
  }

  get #intervalMs(): number {
    return Math.min(Math.max(this.#afterMs / 4, 10), 10_000);
  }

  #lookAfter(delayMs: number): void {
    this.#handle = this.#runtime.clock.after(delayMs, () => {
      const isDone = this.#look();
      this.#lookAfter(isDone ? this.#intervalMs : Math.min(BREATH_MS, this.#intervalMs));
    });
  }

  /** Looks at the next actors in memory. Returns whether all have been looked at. */
  #look(): boolean {
    const { population } = this.#runtime;
    const now = this.#runtime.lookAtClock();
    this.#sweep ??= population.cells()[Symbol.iterator]();
    for (let left = SWEEP_SIZE, asleep = 0; left > 0 && asleep < SLEEP_SIZE; left--) {
      const { done, value: cell } = this.#sweep.next();
      if (done === true) {
        this.#sweep = undefined;
        break;
      }
      if (!this.#mayLeave(cell, now)) continue;
      asleep++;
      if (this.#sendAway(cell)) this.#runtime.committer.request();
    }
    return this.#sweep === undefined;
  }

  #mayLeave(cell: Cell, now: number): boolean {
    const afterMs = cell.definition.spec.passivateAfterMs ?? this.#afterMs;
    return now - cell.activeAt >= afterMs && this.#isIdle(cell);
  }

  #isIdle(cell: Cell): boolean {
    if (!isQuiet(cell) || hasWork(cell) || cell.definition.isSupervisor) return false;
    return this.#runtime.audience.isMissing(cell);
  }

  /** The actor's checkpoint is durable. If it is still idle, it may go. */
  checkpointed(cell: Cell): void {
    const leaves = this.#leaving.delete(cell) || (cell.ended && cell.checkpointBytes > SMALL_BYTES);
    if (leaves && cell.dirtyFrame === 0 && this.#isIdle(cell)) this.#leave(cell);
  }

  /** The actor's life is over. It stays, in the place of the one that has ended first. */
  ended(cell: Cell): void {
    this.#ended.delete(cell);
    this.#ended.add(cell);
    if (this.#ended.size <= ENDED_IN_MEMORY) return;
    const [first] = this.#ended as Iterable<Cell>;
    this.#ended.delete(first!);
    if (!first!.present || !first!.ended || !this.#isIdle(first!)) return;
    // With some commit to come: a write of its own would keep those waiting who have something to do.
    this.#leaving.add(first!);
    if (first!.dirtyFrame === 0) this.#leave(first!);
    else this.#runtime.committer.checkpointLater(first!);
  }

  /** Returns whether it goes with the next commit, and not at once. */
  #sendAway(cell: Cell): boolean {
    if (cell.dirtyFrame === 0) {
      this.#leave(cell);
      return false;
    }
    this.#leaving.add(cell);
    this.#runtime.committer.checkpoint(cell);
    return true;
  }

  #leave(cell: Cell): void {
    const { population, systemIds, timers, pauses } = this.#runtime;
    // It may have left before the write with which it was to leave came to its end. Whoever was loaded since stays.
    this.#leaving.delete(cell);
    if (!cell.present) return;
    population.remove(cell);
    if (cell.birth?.parent === undefined) systemIds.forget(cell.address);
    this.#ended.delete(cell);
    const dueAt = earliestDue(cell);
    // One that is down has nothing to wake up for, unless it comes up by itself.
    if (cell.down !== undefined && cell.down.upAt === undefined) return;
    if (dueAt !== 0 && !pauses.keepsAlarm(cell.actor, dueAt, cell)) timers.add(cell.actor, dueAt, undefined);
  }
}
