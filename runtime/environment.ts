/**
 * The world as a step sees it while it happens. Everything it looks at is recorded with it, so that it sees the same when
 * it is told again.
 */
import type { Ref, Tree } from './kernel/ref.ts';
import type { Environment } from './kernel/step.ts';
import type { Runtime } from './runtime.ts';
import type { Read } from './trailer.ts';

/** What an actor without a snapshot, or of an earlier life, looks like. */
const UNSTARTED = { status: 'active', output: undefined, error: undefined } as const;
const GONE = { status: 'stopped', output: undefined, error: undefined } as const;

export class LiveEnvironment implements Environment {
  readonly #runtime: Runtime;
  /** What the step has looked at; undefined while it has looked at nothing. */
  reads: Read[] | undefined;
  /** Gets what it looked at and was not there: then the step must be run again. */
  missing: (() => void) | undefined;
  /** The delays that the step has asked for, by child. */
  readonly #backoffs = new Map<string, number | undefined>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  begin(): void {
    this.#backoffs.clear();
    this.beginAgain();
  }

  /** The same step once more: what it lacked is there. */
  beginAgain(): void {
    this.reads = undefined;
    this.missing = undefined;
  }

  backoff(self: Ref, child: string, failures: number): number | undefined {
    if (!this.#backoffs.has(child)) {
      // Schedules are Effects: not for the inside of a step.
      this.#miss(`the backoff of ${child}`, () => {
        this.#backoffs.set(child, this.#runtime.supervision.backoffOf(self, child, failures));
      });
    }
    const delayMs = this.#backoffs.get(child);
    (this.reads ??= []).push({ backoff: delayMs ?? null });
    return delayMs;
  }

  lookup(tree: Tree, key: string): Ref | undefined {
    const ref = this.#runtime.lookup(tree, key, (actor, address) => this.#load(actor, address, true));
    (this.reads ??= []).push({ lookup: ref });
    return ref;
  }

  lookupAll(tree: Tree): Record<string, Ref> {
    const all = this.#runtime.lookupAll(tree);
    (this.reads ??= []).push({ all });
    return all;
  }

  snapshotOf(ref: Ref): unknown {
    // A child that this very step has spawned.
    if (ref.actor === 0) return UNSTARTED;
    const cell = this.#runtime.population.present(ref.actor);
    if (cell === undefined) return this.#load(ref.actor, ref.address, false);
    const snapshot = ref.life < cell.since ? GONE : (cell.snapshot ?? UNSTARTED);
    const { path } = cell.definition;
    const travelling =
      snapshot === cell.snapshot
        ? this.#runtime.events.travelling(cell.definition, snapshot)
        : { path, snapshot };
    (this.reads ??= []).push(travelling);
    return snapshot;
  }

  /** Loads an actor. One that is refused can still be sent to; its state cannot be had. */
  #load(actor: number, address: string, mayBeRefused: boolean): never {
    const { population, refused } = this.#runtime;
    return this.#miss(address, () => {
      try {
        population.load(actor, address);
      } catch (error) {
        if (!mayBeRefused) throw error;
        refused.add(actor);
      }
    });
  }

  /** Ends the step: getting what it lacks may run steps, and they do not nest. */
  #miss(what: string, get: () => void): never {
    this.missing ??= get;
    throw new Error(`${what} is not in memory`);
  }
}
