/**
 * The index in memory: which of the actors that are present stand in which state, as far as that is on the disk. It is made
 * when somebody queries for the first time, and kept from then on; before, it costs nothing.
 */
import type { Cell } from '../cell.ts';
import type { Runtime } from '../runtime.ts';
import { isAlike, standingOf, textOf } from './standing-text.ts';
import type { Standing } from './standing-text.ts';

/** The actors of a name that stand alike. */
export interface Bucket {
  readonly standing: Standing;
  readonly cells: Set<Cell>;
}

export class StateIndex {
  readonly #runtime: Runtime;
  readonly #names = new Map<string, Map<string, Bucket>>();
  /** For each query that is under way: whoever may have slipped through, because it changed its place meanwhile. */
  readonly #watchers = new Set<Set<string>>();
  #isKept = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The actors of a name in memory, by their state. */
  bucketsOf(name: string): Iterable<Bucket> {
    this.#keep();
    return this.#names.get(name)?.values() ?? [];
  }

  /** The names of whoever is in memory, or was since the index is kept. */
  names(): Iterable<string> {
    this.#keep();
    return this.#names.keys();
  }

  #keep(): void {
    if (this.#isKept) return;
    this.#isKept = true;
    for (const cell of this.#runtime.population.cells()) this.#place(cell);
  }

  /** Collects the addresses of those that change their place from now on, until they are not watched any more. */
  watch(): { readonly moved: Set<string>; readonly end: () => void } {
    const moved = new Set<string>();
    this.#watchers.add(moved);
    return { moved, end: () => void this.#watchers.delete(moved) };
  }

  /** An actor was loaded, or what is on the disk of it is another. */
  changed(cell: Cell): void {
    if (this.#isKept) this.#place(cell);
  }

  /** An actor leaves memory. */
  left(cell: Cell): void {
    if (!this.#isKept) return;
    cell.bucket?.cells.delete(cell);
    cell.bucket = undefined;
    this.#moved(cell);
  }

  /** Nobody is in memory any more. */
  clear(): void {
    this.#names.clear();
    this.#isKept = false;
  }

  #place(cell: Cell): void {
    const { committed, definition, bucket } = cell;
    if (committed === undefined || definition.isHouse) return;
    // Most turns change no state.
    if (bucket !== undefined && isAlike(bucket.standing, committed)) return;
    bucket?.cells.delete(cell);
    const place = this.#bucket(definition.queryName, textOf(committed));
    place.cells.add(cell);
    cell.bucket = place;
    this.#moved(cell);
  }

  #bucket(name: string, text: string): Bucket {
    let buckets = this.#names.get(name);
    if (buckets === undefined) this.#names.set(name, (buckets = new Map<string, Bucket>()));
    let bucket = buckets.get(text);
    if (bucket === undefined) {
      bucket = { standing: standingOf(text), cells: new Set() };
      buckets.set(text, bucket);
    }
    return bucket;
  }

  #moved({ address }: Cell): void {
    for (const moved of this.#watchers) moved.add(address);
  }
}
