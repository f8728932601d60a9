/**
 * The index on disk: one row for each actor, which says in which state its checkpoint has it. It is written in the commit of
 * the checkpoint, and only when it says something else than before. So it is right for whoever sleeps; whoever is in memory,
 * or has records beyond its checkpoint, is not looked up here.
 *
 * A store that was written before there was an index gets it when somebody queries, once; a row of its own says so.
 */
import {
  allOf,
  checkpointKey,
  numberOf,
  Prefix,
  STATES_INDEXED_KEY,
  stateKey,
  stateRange,
  stateOf,
} from '../../storage/keys.ts';
import { DamagedRow } from '../../storage/ledger.ts';
import { openRow } from '../../storage/row.ts';
import type { Cell } from '../cell.ts';
import { readCheckpoint } from '../checkpoint.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import type { PersistedSnapshot } from '../kernel/host.ts';
import type { Runtime } from '../runtime.ts';
import { nameOf, textOf } from './standing-text.ts';

/** What a row says. The number is undefined where the row is damaged. */
export interface StateRow {
  readonly address: string;
  readonly actor: number | undefined;
}

/** How many rows are written, or read, in one go. */
const SLICE = 500;

export class StateRows {
  readonly #runtime: Runtime;
  readonly #rows = new Map<string, string>();
  #building: Promise<void> | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * The store was read. A new one is indexed from its first commit on. Where something was lost, rows may be too that were written
   * when an older store was indexed, in the commits of others: they are written once more.
   */
  begin(): void {
    const { ledger, codec, quarantine } = this.#runtime;
    this.#building = undefined;
    if (quarantine.fresh.length > 0) ledger.delete(STATES_INDEXED_KEY);
    if (ledger.head.frame === 0) ledger.put(STATES_INDEXED_KEY, codec.packAs(0, true));
  }

  /** Writes the row of an actor whose checkpoint is being written. Returns what it says. */
  write(cell: Cell): string | undefined {
    const { snapshot, definition, stateRow } = cell;
    if (snapshot === undefined || definition.isHouse) return stateRow;
    const row = this.#interned(`${definition.queryName}\0${textOf(snapshot)}`);
    if (row === stateRow) return row;
    const { ledger, codec } = this.#runtime;
    if (stateRow !== undefined) ledger.delete(stateKey(stateRow, cell.address));
    ledger.put(stateKey(row, cell.address), codec.packAs(0, cell.actor));
    return (cell.stateRow = row);
  }

  /** The row that the checkpoint of an actor has left, whatever code has made of its state since: the next one replaces it. */
  restored(cell: Cell, checkpoint: StoredCheckpoint): void {
    const row = checkpoint.row ?? storedRowOf(this.#runtime, checkpoint)?.row;
    if (row !== undefined) cell.stateRow = this.#interned(row);
  }

  /** The same string for all actors that stand alike. */
  #interned(row: string): string {
    const known = this.#rows.get(row);
    if (known !== undefined) return known;
    this.#rows.set(row, row);
    return row;
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  /** The names there are: of each the first row is read, and no other. */
  async *names(): AsyncGenerator<string> {
    const { store } = this.#runtime.ledger;
    const all = stateRange('');
    let { gte } = all;
    for (;;) {
      let row: string | undefined;
      for await (const [first] of store.scan({ gte, lt: all.lt }, { limit: 1 })) row = stateOf(first![0]).row;
      if (row === undefined) return;
      const name = row.slice(0, row.indexOf('\0'));
      yield name;
      gte = stateRange(`${name}\0`).lt;
    }
  }

  /** The texts there are of a name that begin with something. */
  async *textsOf(name: string, beginning: string): AsyncGenerator<string> {
    const { store } = this.#runtime.ledger;
    const all = stateRange(`${name}\0${beginning}`);
    let { gte } = all;
    for (;;) {
      let row: string | undefined;
      for await (const [first] of store.scan({ gte, lt: all.lt }, { limit: 1 })) row = stateOf(first![0]).row;
      if (row === undefined) return;
      yield row.slice(name.length + 1);
      gte = stateRange(`${row}\0`).lt;
    }
  }

  /**
   * The rows of a name and text, of the addresses that begin with something.
   * @param atOnce how many are read in one go at first: whoever wants a page need not wait for more
   */
  async *rowsOf(name: string, text: string, beginning: string, atOnce: number): AsyncGenerator<StateRow> {
    const { ledger, codec } = this.#runtime;
    const all = stateRange(`${name}\0${text}\0${beginning}`);
    let { gte } = all;
    for (let limit = Math.min(atOnce, SLICE); ; limit = SLICE) {
      let read = 0;
      for await (const chunk of ledger.store.scan({ gte, lt: all.lt }, { limit })) {
        for (const [key, row] of chunk) {
          const body = openRow(key, row);
          yield { address: stateOf(key).address, actor: body && (codec.unpack(body) as number) };
        }
        read += chunk.length;
        gte = behind(chunk.at(-1)![0]);
      }
      if (read < limit) return;
    }
  }

  // ---- an older store ---------------------------------------------------------------------------------------------

  /** Resolves when all actors with a checkpoint have their rows. */
  complete(): Promise<void> {
    return (this.#building ??= this.#complete().catch((error: unknown) => {
      this.#building = undefined;
      throw error;
    }));
  }

  async #complete(): Promise<void> {
    const { ledger, codec, committer } = this.#runtime;
    if (isIndexed(this.#runtime)) return;
    let left = SLICE;
    for await (const chunk of ledger.store.scan(allOf(Prefix.Checkpoint))) {
      for (const [key] of chunk) {
        this.#index(numberOf(key));
        if (--left > 0) continue;
        left = SLICE;
        committer.request();
        await committer.durable();
        this.#runtime.assertOpen();
      }
    }
    ledger.put(STATES_INDEXED_KEY, codec.packAs(0, true));
    committer.request();
    await committer.durable();
  }

  /** As its checkpoint is now: one that was written since the scan has begun has its row already. */
  #index(actor: number): void {
    const { ledger, codec } = this.#runtime;
    try {
      const body = ledger.get(checkpointKey(actor));
      const stored = body && storedRowOf(this.#runtime, readCheckpoint(codec, body));
      if (stored !== undefined) ledger.put(stateKey(stored.row, stored.address), codec.packAs(0, actor));
    } catch (error) {
      // It is refused when somebody asks for it.
      if (!(error instanceof DamagedRow)) throw error;
    }
  }
}

/** The first key that can follow another. */
function behind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** Whether every actor with a checkpoint has its row. */
export function isIndexed({ ledger }: Runtime): boolean {
  try {
    return ledger.get(STATES_INDEXED_KEY) !== undefined;
  } catch (error) {
    if (error instanceof DamagedRow) return false;
    throw error;
  }
}

/** The row that belongs to a checkpoint; undefined for those that have none. */
export function storedRowOf(
  { codec, definitions }: Runtime,
  { birth, snapshot }: StoredCheckpoint,
): { readonly row: string; readonly address: string } | undefined {
  if (birth === undefined || snapshot === undefined) return undefined;
  if (definitions.at(birth.path)?.isHouse === true) return undefined;
  const { status, value } = codec.unpack(snapshot) as PersistedSnapshot;
  return { row: `${nameOf(birth.path)}\0${textOf({ status, value })}`, address: birth.address };
}
