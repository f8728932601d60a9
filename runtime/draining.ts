/**
 * Draining: what a system that closes finishes first. It knows which asynchronous actions are under way.
 */
import type { Cell } from './cell.ts';
import type { TimerHandle } from './clock.ts';
import type { Runtime } from './runtime.ts';

/** How long `close` waits for actors that keep each other busy, and for asynchronous actions. */
const DRAIN_MS = 10_000;

/** How many actors are written down together when the system closes. */
const CHECKPOINTS_PER_COMMIT = 1000;

export class Draining {
  readonly #runtime: Runtime;
  #running = 0;
  #whenActionEnds: (() => void) | undefined;
  #whenDead: (() => void) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Asynchronous actions under way. */
  get running(): number {
    return this.#running;
  }

  /** An asynchronous action has begun. */
  actionBegins(): void {
    this.#running++;
  }

  /** An asynchronous action is over. */
  actionEnded(): void {
    this.#running--;
    this.#whenActionEnds?.();
    this.#runtime.supervision.windingDown.somethingEnded();
  }

  /** Whether nothing is under way. Processes may run. */
  get isQuiet(): boolean {
    return this.#hasNoTurns && this.#running === 0;
  }

  get #hasNoTurns(): boolean {
    const { scheduler, committer } = this.#runtime;
    return scheduler.isIdle && committer.isIdle;
  }

  /** Waits until everything that was accepted is durable and done, within bounds: actors may keep each other busy. */
  async finish(): Promise<void> {
    const { clock } = this.#runtime;
    const until = clock.monotonicMs() + DRAIN_MS;
    while (!this.#runtime.isFenced && !this.isQuiet && clock.monotonicMs() < until) {
      await new Promise<void>((resolve) => clock.soon(resolve));
      await this.#runtime.committer.durable().catch(() => {});
      if (this.#hasNoTurns && this.#running > 0) await this.#nextActionEnds(until - clock.monotonicMs());
    }
  }

  /** Resolves when an asynchronous action is over, or so much time. */
  async #nextActionEnds(withinMs: number): Promise<void> {
    let deadline: TimerHandle | undefined;
    await new Promise<void>((resolve) => {
      this.#whenActionEnds = resolve;
      deadline = this.#runtime.clock.after(withinMs, resolve);
    });
    deadline?.cancel();
    this.#whenActionEnds = undefined;
  }

  /**
   * Writes down where everybody stands. The next opening has less to read; and code that has changed by then can migrate
   * states that are written, though it could not tell the records again that lead to them.
   */
  async writeDown(): Promise<void> {
    const { population, committer } = this.#runtime;
    const tried = new Set<Cell>();
    while (!this.#runtime.isFenced && !this.#runtime.stopped) {
      this.#runtime.loadLaggards(CHECKPOINTS_PER_COMMIT);
      const behind = [...population.behind(CHECKPOINTS_PER_COMMIT)].filter((cell) => !tried.has(cell));
      if (behind.length === 0) return;
      for (const cell of behind) {
        tried.add(cell);
        committer.checkpoint(cell);
      }
      await new Promise<void>((resolve) => {
        this.#whenDead = resolve;
        committer.onDurable(() => resolve());
      });
    }
  }

  /** The process pretends to die: nobody waits for it any more. */
  die(): void {
    this.#whenDead?.();
  }
}
