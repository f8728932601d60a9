/**
 * System ids: XState's names for actors, unique within the tree of one root actor. One row per tree holds them all.
 */
import { systemIdsKey } from '../storage/keys.ts';
import type { Ref, Tree } from './kernel/ref.ts';
import type { Runtime } from './runtime.ts';

type StoredIds = Readonly<Record<string, readonly [address: string, actor: number, life: number]>>;

export class SystemIds {
  readonly #runtime: Runtime;
  /** The trees that were asked for, by root address, until the root leaves memory. */
  #trees = new Map<string, Map<string, Ref>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get({ root }: Tree, id: string): Ref | undefined {
    return this.#of(root).get(id);
  }

  all({ root }: Tree): ReadonlyMap<string, Ref> {
    return this.#of(root);
  }

  claim({ root }: Tree, id: string, ref: Ref): void {
    this.#of(root).set(id, ref);
    this.#write(root);
  }

  /** Gives the id up, unless somebody else has it by now. */
  release({ root }: Tree, id: string, ref: Ref): void {
    const held = this.#of(root).get(id);
    if (held?.actor !== ref.actor || held.life !== ref.life) return;
    this.#of(root).delete(id);
    this.#write(root);
  }

  /** The root actor of a tree has left memory. */
  forget(root: string): void {
    this.#trees.delete(root);
  }

  /** How many trees are in memory. */
  get size(): number {
    return this.#trees.size;
  }

  clear(): void {
    this.#trees = new Map();
  }

  #of(root: string): Map<string, Ref> {
    let ids = this.#trees.get(root);
    if (ids === undefined) {
      const { ledger, codec, references } = this.#runtime;
      const row = ledger.get(systemIdsKey(root));
      const stored = row === undefined ? {} : (codec.unpack(row) as StoredIds);
      ids = new Map(
        Object.entries(stored).map(([id, [address, actor, life]]) => [
          id,
          references.make(address, actor, life),
        ]),
      );
      this.#trees.set(root, ids);
    }
    return ids;
  }

  #write(root: string): void {
    const { ledger, codec } = this.#runtime;
    const ids = this.#of(root);
    if (ids.size === 0) return ledger.delete(systemIdsKey(root));
    const stored: StoredIds = Object.fromEntries(
      [...ids].map(([id, { address, actor, life }]) => [id, [address, actor, life] as const]),
    );
    ledger.put(systemIdsKey(root), codec.packAs(0, stored));
  }
}
