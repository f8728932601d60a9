/**
 * Orders: what was decided to hold until it is taken back, for whoever has to keep to it. It owns which of them stand, and since
 * when, by whom, and why. What they mean it does not know: each has a kind, a key among those of its kind, and a content.
 *
 * An order is a decision: recorded in the journal of `heddle/system`, with a row in the same commit that stands until it is taken
 * back, also over a kill. It is in force at once, before it is on the disk; that it is taken back counts only when that is. They stand
 * in memory, so whoever keeps to them can look before everything they do. They are given and taken back while everything is paused, too.
 */
import { orderKey, Prefix } from '../storage/keys.ts';
import type { Acting } from './acting.ts';
import type { Resource } from './authority.ts';
import { decide } from './decisions.ts';
import { InvalidArgument } from './errors.ts';
import { ownCopyOf } from './own-copy.ts';
import type { Runtime } from './runtime.ts';
import { Succession } from './succession.ts';
import type { Warrant } from './warrant.ts';

/** What is ordered. */
export interface OrderTarget {
  /** Whose business it is: `halt`. */
  readonly kind: string;
  /** Names it among those of its kind. */
  readonly key: string;
  /** Plain data. */
  readonly content: unknown;
}

/** Who asks for something, and why; both are recorded. */
export interface OrderWords {
  readonly by?: string;
  readonly reason?: string;
}

/** An order that stands. */
export interface Order extends OrderTarget, OrderWords {
  /** In milliseconds since the epoch. */
  readonly since: number;
}

/** What the decider is asked before an order is given, or taken back. */
export interface OrderQuestion {
  readonly action: string;
  readonly resource: Resource;
}

type Standing = ReadonlyMap<string, Order>;
const NONE: Standing = new Map();

/** The orders of a store. */
export class StandingOrders {
  readonly #runtime: Runtime;
  readonly #listeners = new Set<() => void>();
  #kinds = new Map<string, Map<string, Order>>();
  /** What is given must not overtake what is taken back. */
  readonly #succession: Succession;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#succession = new Succession(runtime);
  }

  /** The store was read. @throws StoreCorrupt when not all of that can be read */
  async load(): Promise<void> {
    const { ledger, codec } = this.#runtime;
    this.#kinds = new Map();
    for (const key of await this.#runtime.keysOf(Prefix.Order))
      this.#put(codec.unpack(ledger.get(key)!) as Order);
    this.#changed();
  }

  /** Those of a kind that stand, by their keys. Cheap: look as often as you like. */
  of(kind: string): Standing {
    return this.#kinds.get(kind) ?? NONE;
  }

  /** Calls somebody at once whenever other orders stand than before. The result ends that. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when it is on the disk. Of two with the same key the first stands. */
  give(target: OrderTarget, words: OrderWords, warrant?: Warrant): Promise<void> {
    return this.#succession.next(async () => {
      if (this.of(target.kind).has(target.key)) return;
      const runtime = this.#runtime;
      const event = { ...target, ...spoken(words) };
      const order: Order = { ...event, since: runtime.clock.now() };
      const row = runtime.codec.packHolder(order, 'order');
      this.#put(order);
      this.#changed();
      try {
        await decide(
          runtime,
          { type: 'heddle.ordered', ...event },
          { alongside: () => runtime.ledger.put(orderKey(keyIn(order)), row), warrant },
        );
      } catch (error) {
        // After a write that failed the store says what stands.
        if (!runtime.isFenced) this.#remove(order);
        throw error;
      }
    });
  }

  /** Resolves when it is on the disk. */
  withdraw(target: Pick<OrderTarget, 'kind' | 'key'>, words: OrderWords, warrant?: Warrant): Promise<void> {
    return this.#succession.next(async () => {
      const order = this.of(target.kind).get(target.key);
      if (order === undefined) return;
      const { kind, key, content } = order;
      const runtime = this.#runtime;
      await decide(
        runtime,
        { type: 'heddle.withdrawn', kind, key, content, ...spoken(words) },
        { alongside: () => runtime.ledger.delete(orderKey(keyIn(order))), warrant },
      );
      this.#remove(order);
    });
  }

  #put(order: Order): void {
    const { kind, key } = order;
    this.#kinds.set(kind, new Map(this.of(kind)).set(key, order));
  }

  #remove({ kind, key }: Order): void {
    const others = new Map(this.of(kind));
    others.delete(key);
    this.#kinds.set(kind, others);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The orders of a system, in somebody's hands. For those who give orders a meaning: see the halts of heddle/actors. */
export class Orders {
  readonly #runtime: Runtime;
  readonly #acting: Acting;

  /** Use `system.orders`. */
  constructor(runtime: Runtime, acting: Acting) {
    this.#runtime = runtime;
    this.#acting = acting;
  }

  /** Those of a kind that stand, by their keys. */
  of(kind: string): Standing {
    return this.#runtime.orders.of(kind);
  }

  /** Calls somebody at once whenever other orders stand than before. The result ends that. */
  watch(listener: () => void): () => void {
    return this.#runtime.orders.watch(listener);
  }

  /** Gives an order. In force at once; resolves when it is on the disk. @throws NotPermitted, InvalidArgument */
  async give(target: OrderTarget, words: OrderWords, { action, resource }: OrderQuestion): Promise<void> {
    const own = ownCopyOf({ target, words });
    assertWords(own.words);
    await this.#acting.act(action, resource, (warrant) =>
      this.#runtime.orders.give(own.target, own.words, warrant),
    );
  }

  /** Takes an order back. Resolves when that is on the disk, and counts from then on. @throws NotPermitted, InvalidArgument */
  async withdraw(
    target: Pick<OrderTarget, 'kind' | 'key'>,
    words: OrderWords,
    { action, resource }: OrderQuestion,
  ): Promise<void> {
    const own = ownCopyOf({ target, words });
    assertWords(own.words);
    await this.#acting.act(action, resource, (warrant) =>
      this.#runtime.orders.withdraw(own.target, own.words, warrant),
    );
  }
}

const keyIn = ({ kind, key }: OrderTarget): string => `${kind}\0${key}`;

function assertWords(words: OrderWords): void {
  for (const path of ['by', 'reason'] as const)
    if (words[path] !== undefined && typeof words[path] !== 'string')
      throw new InvalidArgument(path, 'must be a text');
}

/** Without what was not said: it would be stored as such. */
function spoken({ by, reason }: OrderWords): OrderWords {
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}
