/**
 * Whether the index of states says what the checkpoints say: each checkpoint has one row, and no row is of none.
 */
import { numberOf, Prefix, stateOf } from '../../storage/keys.ts';
import { readCheckpoint } from '../checkpoint.ts';
import type { Runtime } from '../runtime.ts';
import type { Damage } from '../verify.ts';
import { isIndexed, storedRowOf } from './state-rows.ts';

interface StateRow {
  readonly row: string;
  readonly address: string;
}

/** Is shown every sound row of a store. */
export class StateRowCheck {
  readonly #runtime: Runtime;
  readonly #expected = new Map<number, StateRow>();
  readonly #found = new Map<number, StateRow>();
  readonly #damages: Damage[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  look(prefix: Prefix, key: Uint8Array, body: Uint8Array): void {
    const { codec } = this.#runtime;
    if (prefix === Prefix.State) this.#row(codec.unpack(body) as number, stateOf(key));
    if (prefix !== Prefix.Checkpoint) return;
    const expected = storedRowOf(this.#runtime, readCheckpoint(codec, body));
    if (expected !== undefined) this.#expected.set(numberOf(key), expected);
  }

  #row(actor: number, found: StateRow): void {
    if (this.#found.has(actor)) this.#damaged(found.address, 'it is one of two for one actor');
    this.#found.set(actor, found);
  }

  damages(): readonly Damage[] {
    // A store from before there was an index has rows for some.
    const isComplete = isIndexed(this.#runtime);
    for (const [actor, { row, address }] of this.#expected) {
      const found = this.#found.get(actor);
      if (found === undefined && isComplete) this.#damaged(address, 'it is missing');
      if (found !== undefined && (found.row !== row || found.address !== address))
        this.#damaged(address, `it says ${shown(found.row)}, but the checkpoint ${shown(row)}`);
    }
    for (const [actor, { address }] of this.#found)
      if (!this.#expected.has(actor)) this.#damaged(address, 'it is of no checkpoint');
    return this.#damages;
  }

  #damaged(address: string, reason: string): void {
    this.#damages.push({ address, row: String.fromCharCode(Prefix.State), reason });
  }
}

const shown = (row: string): string => row.replace('\0', ' ');
