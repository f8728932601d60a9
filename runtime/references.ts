/**
 * References on disk: an actor is known by its address, the number of it in the store, and the life that is meant.
 */
import type { ReferenceCodec } from '../storage/payload.ts';
import { segmentsOf } from './kernel/address.ts';
import { isRef, Ref, Tree, UNBORN } from './kernel/ref.ts';
import type { Port } from './kernel/ref.ts';

interface StoredReference {
  readonly address: string;
  readonly actor: number;
  readonly life: number;
}

/** Who stands for whom, by the number of the latter. */
export type NewNames = ReadonlyMap<number, { readonly address: string; readonly actor: number }>;

/**
 * Makes refs from what is stored. While an actor is being restored, the refs to its own children are collected, so that
 * the same object stands in its context and among its children.
 */
export class References implements ReferenceCodec {
  readonly #port: () => Port;
  #collected: Map<string, Ref> | undefined;
  #newNames: NewNames | undefined;
  /** Whether those without a new name are nobody here. */
  #areForeign = false;

  constructor(port: () => Port) {
    this.#port = port;
  }

  test(value: object): boolean {
    return isRef(value);
  }

  encode(value: object): StoredReference {
    const { address, actor, life } = value as Ref;
    return { address, actor, life };
  }

  decode(data: unknown): Ref {
    const stored = data as StoredReference;
    const { life } = stored;
    const { address, actor } = this.#newNames?.get(stored.actor) ?? this.#native(stored);
    const key = `${actor}~${life}`;
    const known = this.#collected?.get(key);
    if (known !== undefined) return known;
    const ref = this.make(address, actor, life);
    this.#collected?.set(key, ref);
    return ref;
  }

  #native(stored: StoredReference): StoredReference {
    return this.#areForeign ? { ...stored, actor: UNBORN } : stored;
  }

  /**
   * Runs `read`, in which references to some actors become references to others, in the same life.
   * @param areForeign whether all other references come from another store, and lead to nobody here
   */
  renaming<T>(newNames: NewNames, areForeign: boolean, read: () => T): T {
    const outer = [this.#newNames, this.#areForeign] as const;
    this.#newNames = newNames;
    this.#areForeign = areForeign;
    try {
      return read();
    } finally {
      [this.#newNames, this.#areForeign] = outer;
    }
  }

  /** A ref to an actor that is known by its address and number. */
  make(address: string, actor: number, life: number, parent?: Ref): Ref {
    const segments = address.split('/');
    const id = segmentsOf(address).at(-1)!;
    const tree = parent?.tree ?? new Tree(this.#port(), `${segments[0]}/${segments[1]}`);
    return new Ref(tree, address, id, parent === undefined ? { actor, life } : { actor, life, parent });
  }

  /** Runs `restore`, in which every decoding of the same reference gives the same object. */
  collecting<T>(restore: (refs: Map<string, Ref>) => T): T {
    const outer = this.#collected;
    this.#collected = new Map();
    try {
      return restore(this.#collected);
    } finally {
      this.#collected = outer;
    }
  }
}
