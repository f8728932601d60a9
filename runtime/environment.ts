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
  /** An actor it looked at that is not in memory: the step must be run again when it is. */
  missing: { readonly actor: number; readonly address: string; readonly mayBeRefused: boolean } | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  begin(): void {
    this.reads = undefined;
    this.missing = undefined;
  }

  lookup(tree: Tree, key: string): Ref | undefined {
    const ref = this.#runtime.lookup(tree, key, (actor, address) => this.#miss(actor, address, true));
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
    if (cell === undefined) return this.#miss(ref.actor, ref.address, false);
    const snapshot = ref.life < cell.life ? GONE : (cell.snapshot ?? UNSTARTED);
    const { path } = cell.definition;
    const travelling =
      snapshot === cell.snapshot
        ? this.#runtime.events.travelling(cell.definition, snapshot)
        : { path, snapshot };
    (this.reads ??= []).push(travelling);
    return snapshot;
  }

  /** Ends the step: loading an actor runs steps, and they do not nest. */
  #miss(actor: number, address: string, mayBeRefused: boolean): never {
    this.missing ??= { actor, address, mayBeRefused };
    throw new Error(`${address} is not in memory`);
  }
}
