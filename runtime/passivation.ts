/**
 * Passivation: actors without anything to do leave memory, and come back with their next message or timer.
 */
import type { Cell } from './cell.ts';
import { earliestDue } from './checkpoint.ts';
import type { TimerHandle } from './clock.ts';
import type { Runtime } from './runtime.ts';

/** How many actors are looked at in one go. */
const SWEEP_SIZE = 2000;
/** How many are put to sleep in one go: each costs a checkpoint. */
const SLEEP_SIZE = 500;

export class Passivation {
  readonly #runtime: Runtime;
  readonly #afterMs: number;
  /** Actors that are to leave memory when their checkpoint is durable. */
  readonly #leaving = new Set<Cell>();
  #sweep: Iterator<Cell> | undefined;
  #handle: TimerHandle | undefined;

  /** @param afterMs how long an actor stays in memory without work, unless its child spec says otherwise. */
  constructor(runtime: Runtime, afterMs: number) {
    this.#runtime = runtime;
    this.#afterMs = afterMs;
  }

  start(): void {
    if (this.#afterMs === Infinity) return;
    const every = Math.min(Math.max(this.#afterMs / 4, 10), 10_000);
    this.#handle = this.#runtime.clock.after(every, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#handle?.cancel();
    this.#leaving.clear();
    this.#sweep = undefined;
  }

  #look(): void {
    const { population, committer } = this.#runtime;
    const now = this.#runtime.lookAtClock();
    this.#sweep ??= population.cells()[Symbol.iterator]();
    let asleep = 0;
    for (let left = SWEEP_SIZE; left > 0 && asleep < SLEEP_SIZE; left--) {
      const { done, value: cell } = this.#sweep.next();
      if (done === true) {
        this.#sweep = undefined;
        break;
      }
      if (!this.#mayLeave(cell, now)) continue;
      asleep++;
      this.#leaving.add(cell);
      committer.checkpoint(cell);
    }
    if (asleep > 0) committer.request();
  }

  #mayLeave(cell: Cell, now: number): boolean {
    const afterMs = cell.ended ? 0 : (cell.definition.spec.passivateAfterMs ?? this.#afterMs);
    return now - cell.activeAt >= afterMs && this.#isIdle(cell);
  }

  #isIdle(cell: Cell): boolean {
    if (cell.undurable > 0 || cell.owed !== undefined || (cell.mailbox?.size ?? 0) > 0) return false;
    if (cell.definition.isProcess && !cell.ended) return false;
    return this.#runtime.hubs.get(cell.actor)?.isEmpty ?? true;
  }

  /** The actor's checkpoint is durable. If it is still idle, it goes. */
  checkpointed(cell: Cell): void {
    if (!this.#leaving.delete(cell) && !cell.ended) return;
    // Something may have happened to it since; then it stays.
    if (cell.dirtyFrame !== 0 || !this.#isIdle(cell)) return;
    this.#runtime.population.remove(cell);
    const dueAt = earliestDue(cell);
    if (dueAt !== 0) this.#runtime.timers.add(cell.actor, dueAt, undefined);
  }
}
