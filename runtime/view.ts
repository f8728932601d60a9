/**
 * Views: how refs behave that were got from `system.as(…)`. What is sent to them is sent on behalf of somebody; everything else is
 * the same. Refs that stand in a snapshot are the system's own, whoever has got the snapshot.
 */
import type { AnyEventObject, Observer, Subscription } from 'xstate';
import type { Acting } from './acting.ts';
import type { SendOptions } from './delivery.ts';
import { Ref, Tree } from './kernel/ref.ts';
import type { Port } from './kernel/ref.ts';
import type { Receipt } from './receipt.ts';
import type { Runtime } from './runtime.ts';

export class ViewPort implements Port {
  readonly #runtime: Runtime;
  readonly #acting: Acting;

  constructor(runtime: Runtime, acting: Acting) {
    this.#runtime = runtime;
    this.#acting = acting;
  }

  /** The same actor, through this view. */
  refTo({ address, id, actor, life, src, systemId, tree, _parent }: Ref): Ref {
    return new Ref(new Tree(this, tree.root), address, id, {
      ...{ actor, life, src, systemId },
      ...(_parent !== undefined && { parent: this.refTo(_parent) }),
    });
  }

  send(ref: Ref, event: AnyEventObject, options?: SendOptions): Promise<Receipt> {
    return this.#runtime.delivery.send(ref, event, options, this.#acting);
  }

  /** XState sends this way from within an actor, and no actor has a ref of a view. */
  relay(_: Ref | undefined, target: Ref, event: AnyEventObject): void {
    void this.send(target, event);
  }

  snapshotOf(ref: Ref): unknown {
    return this.#runtime.snapshotOf(ref);
  }

  subscribe(ref: Ref, observer: Observer<unknown>): Subscription {
    return this.#runtime.subscribe(ref, observer);
  }

  on(ref: Ref, type: string, handler: (event: AnyEventObject) => void): Subscription {
    return this.#runtime.on(ref, type, handler);
  }

  lookup(tree: Tree, key: string): Ref | undefined {
    const ref = this.#runtime.lookup(tree, key);
    return ref && this.refTo(ref);
  }

  lookupAll(tree: Tree): Record<string, Ref> {
    const all = Object.entries(this.#runtime.lookupAll(tree));
    return Object.fromEntries(all.map(([key, ref]) => [key, this.refTo(ref)]));
  }
}
