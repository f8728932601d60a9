/**
 * Winding down: actors that were told to stop, and are waited for. Their processes are aborted at once; what is waited for is that
 * aborted promises settle, and that asynchronous actions end. Nothing of it is recorded: after a crash nothing is under way.
 */
import type { Cell } from '../cell.ts';
import type { TimerHandle } from '../clock.ts';
import type { Runtime } from '../runtime.ts';

/** An actor that was told to stop, and what is still under way below it. */
interface WindDown {
  readonly cells: readonly Cell[];
  readonly done: (isAbandoned: boolean) => void;
  deadline: TimerHandle | undefined;
}

export class WindingDown {
  readonly #runtime: Runtime;
  readonly #underWay = new Set<WindDown>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether nothing is under way that could be waited for. */
  isQuiet(cells: readonly Cell[]): boolean {
    const { processes } = this.#runtime;
    return cells.every((cell) => cell.acting === 0 && !processes.isAround(cell.actor));
  }

  /** Stops processes, and waits for them and for actions under way. Resolves with whether they were given up. */
  begin(cells: readonly Cell[], shutdownMs: number): Promise<boolean> {
    for (const { actor, life } of cells) this.#runtime.processes.windDown(actor, life);
    if (this.isQuiet(cells)) return Promise.resolve(false);
    if (shutdownMs === 0) {
      this.#abandon(cells);
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const windDown: WindDown = { cells, deadline: undefined, done: resolve };
      this.#underWay.add(windDown);
      if (shutdownMs === Infinity) return;
      windDown.deadline = this.#runtime.clock.after(shutdownMs, () => this.#woundDown(windDown, true));
    });
  }

  #abandon(cells: readonly Cell[]): void {
    for (const { actor } of cells) this.#runtime.processes.abandonLeaving(actor);
  }

  /** Something has ended that somebody may wait for. */
  somethingEnded(): void {
    for (const windDown of this.#underWay) if (this.isQuiet(windDown.cells)) this.#woundDown(windDown, false);
  }

  #woundDown(windDown: WindDown, isAbandoned: boolean): void {
    if (!this.#underWay.delete(windDown)) return;
    windDown.deadline?.cancel();
    if (isAbandoned) {
      this.#abandon(windDown.cells);
      const [first] = windDown.cells;
      this.#runtime.report(new Error('it did not end in time'), `what ${first!.address} does was given up`);
    }
    windDown.done(isAbandoned);
  }
}
