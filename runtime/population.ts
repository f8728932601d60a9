/**
 * The population: which actors are in memory, and where the others are found.
 *
 * It owns the cells, the names, and the order in which actors fell behind their checkpoints.
 */
import { BrokenJournal } from '../storage/journal.ts';
import { addressOf, allOf, checkpointKey, nameKey, nameWitnessKey, Prefix } from '../storage/keys.ts';
import type { KeyRange } from '../storage/keys.ts';
import { DamagedRow } from '../storage/ledger.ts';
import type { StoredName } from '../storage/outline.ts';
import type { Cell } from './cell.ts';
import { readCheckpoint } from './checkpoint.ts';
import { InvalidArgument, JournalCorrupt } from './errors.ts';
import { rootAddress } from './kernel/address.ts';
import type { Ref } from './kernel/ref.ts';
import type { Birth } from './mailbox.ts';
import { restoreCell } from './restore.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';
import { recordChange } from './versions/code-change.ts';

export class Population {
  readonly #runtime: Runtime;
  #cells = new Map<number, Cell>();
  #byAddress = new Map<string, Cell>();
  // The actors with records beyond their checkpoint, longest first: a list through the cells themselves.
  #dirtyFirst: Cell | undefined;
  #dirtyLast: Cell | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#cells.size;
  }

  cells(): Iterable<Cell> {
    return this.#cells.values();
  }

  /** The actor if it is in memory. */
  present(actor: number): Cell | undefined {
    return this.#cells.get(actor);
  }

  presentAt(address: string): Cell | undefined {
    return this.#byAddress.get(address);
  }

  /**
   * The actor, loaded if need be.
   * @throws JournalCorrupt, StoryChanged when it is refused
   */
  load(actor: number, address: string): Cell {
    const present = this.#cells.get(actor);
    if (present !== undefined) return present;
    const { cell, change } = restoreCell(this.#runtime, actor, address);
    this.add(cell);
    // One whose code has changed is seen when that is on the disk, as a turn.
    if (change === undefined) this.#runtime.inspection?.woke(cell);
    else recordChange(this.#runtime, cell, change);
    this.#runtime.resume(cell);
    return cell;
  }

  /**
   * Whoever lives, or lived last, at an address, loaded if need be; undefined when nobody was ever born there.
   * @throws JournalCorrupt, StoryChanged when it is refused
   */
  find(address: string): Cell | undefined {
    const name = this.nameOf(address);
    return name && this.load(name.actor, address);
  }

  add(cell: Cell): void {
    if (this.#runtime.pauses.of(cell.address) !== undefined) cell.paused = [];
    this.#cells.set(cell.actor, cell);
    this.#byAddress.set(cell.address, cell);
    this.#runtime.stateIndex.changed(cell);
  }

  remove(cell: Cell): void {
    this.#cells.delete(cell.actor);
    this.#byAddress.delete(cell.address);
    cell.present = false;
    this.#runtime.stateIndex.left(cell);
    // Whoever keeps the ref of an actor that sleeps need not keep its state too.
    if (cell.ref.cell === cell) cell.ref.cell = undefined;
    this.markClean(cell);
    this.#runtime.inspection?.left(cell);
  }

  /** Forgets everything that is in memory. The store is about to be read again. */
  clear(): void {
    for (const cell of this.#cells.values()) {
      cell.present = false;
      this.#runtime.inspection?.left(cell);
    }
    this.#cells = new Map();
    this.#byAddress = new Map();
    this.#runtime.stateIndex.clear();
    this.#dirtyFirst = this.#dirtyLast = undefined;
  }

  // ---- names ----------------------------------------------------------------------------------------------------

  /**
   * What is known of an address; undefined when nobody was ever born there. The number of lives may be that of its last
   * checkpoint.
   * @throws JournalCorrupt when its name is damaged
   */
  nameOf(address: string): StoredName | undefined {
    const cell = this.#byAddress.get(address);
    if (cell !== undefined) return { actor: cell.actor, lives: cell.lives, checkpoint: cell.checkpointedSeq };
    const { ledger, codec, quarantine } = this.#runtime;
    assertText(address);
    try {
      const row = ledger.get(nameKey(address));
      if (row !== undefined) return codec.unpack(row) as StoredName;
      const witness = ledger.get(nameWitnessKey(address));
      if (witness === undefined && !quarantine.hasLost(address)) return undefined;
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      throw new JournalCorrupt(address, { row: 'N', reason: error.reason }, { cause: error });
    }
    throw new JournalCorrupt(address, { row: 'N', reason: 'its name is missing, though it was born' });
  }

  /** The addresses of all actors of a name that are stored, and of all below them, however many lives they had. */
  addressesOf(name: string): AsyncIterable<string> {
    return this.addressesBelow(rootAddress(name, '').slice(0, -1));
  }

  /** All addresses below one, where children of it ever lived, and theirs. */
  addressesBelow(address: string): AsyncIterable<string> {
    return this.#addressesIn({ gte: nameKey(`${address}/`), lt: nameKey(`${address}0`) });
  }

  /** All addresses where anybody ever lived, children among them. */
  addresses(): AsyncIterable<string> {
    return this.#addressesIn(allOf(Prefix.Name));
  }

  /** The address of an actor that is known by number, without loading it; undefined when nothing is left that says. */
  addressOf(actor: number): string | undefined {
    return this.#cells.get(actor)?.address ?? this.birthOf(actor)?.address;
  }

  /** What an actor was born as, as of its checkpoint, without loading it. */
  birthOf(actor: number): Birth | undefined {
    const { ledger, codec, tails, journal } = this.#runtime;
    try {
      const row = ledger.get(checkpointKey(actor));
      if (row !== undefined) return readCheckpoint(codec, row).birth;
      const head = tails.get(actor)?.head;
      if (head === undefined) return undefined;
      // Without a checkpoint all of its records are in the tail, its birth among them.
      const newest = { seq: head.seq, frame: head.frame!.number, offset: head.offset, link: undefined };
      const [first] = journal.walk(actor, newest, 0);
      return unpackTrailer(codec, first!.trailer).birth;
    } catch (error) {
      if (error instanceof DamagedRow || error instanceof BrokenJournal) return undefined;
      throw error;
    }
  }

  /** The addresses of some actors that are known by number alone. Reads all names. */
  async addressesByActor(actors: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    for await (const address of this.addresses()) {
      const actor = this.actorAt(address);
      if (actor !== undefined && actors.has(actor)) found.set(actor, address);
    }
    return found;
  }

  /** The number of whoever lives, or lived, at an address; undefined where nobody did, or the name is damaged. */
  actorAt(address: string): number | undefined {
    try {
      return this.nameOf(address)?.actor;
    } catch (error) {
      if (error instanceof JournalCorrupt) return undefined;
      throw error;
    }
  }

  async *#addressesIn(range: KeyRange): AsyncGenerator<string> {
    for await (const chunk of this.#runtime.ledger.store.scan(range))
      for (const [key] of chunk) yield addressOf(key);
  }

  /**
   * A ref to whoever lives at an address now.
   * @param load called where its newest life is only known from the end of its journal
   */
  refAt(address: string, load: (actor: number, address: string) => Cell): Ref | undefined {
    const cell = this.#byAddress.get(address);
    if (cell !== undefined) return cell.ref;
    const name = this.nameOf(address);
    if (name === undefined) return undefined;
    const { tails, refused, quarantine, references } = this.#runtime;
    const isRefused = refused.has(name.actor) || quarantine.has(name.actor);
    if (tails.get(name.actor) !== undefined && !isRefused) return load(name.actor, address).ref;
    return references.make(address, name.actor, name.lives);
  }

  // ---- behind the checkpoint --------------------------------------------------------------------------------------

  /** The actor whose checkpoint lies farthest behind. */
  get oldestDirty(): Cell | undefined {
    return this.#dirtyFirst;
  }

  /** Actors with records beyond their checkpoints, those farthest behind first. */
  *behind(count: number): Generator<Cell> {
    let cell = this.#dirtyFirst;
    for (let left = count; left > 0 && cell !== undefined; left--, cell = cell.dirtyNext) yield cell;
  }

  /** The actor gets an entry in the frame that is being filled. */
  markDirty(cell: Cell): void {
    if (cell.dirtyFrame !== 0) return;
    const { ledger } = this.#runtime;
    this.#appendDirty(cell, ledger.frame, ledger.appendedBytes);
  }

  /** The actor was loaded with a tail that begins somewhere at or after this frame. */
  markDirtySince(cell: Cell, frame: number): void {
    if (cell.dirtyFrame !== 0) return;
    // Loaded actors are older than anything in the list.
    cell.dirtyFrame = frame;
    cell.dirtyBytes = 0;
    cell.dirtyNext = this.#dirtyFirst;
    if (this.#dirtyFirst === undefined) this.#dirtyLast = cell;
    else this.#dirtyFirst.dirtyPrevious = cell;
    this.#dirtyFirst = cell;
  }

  #appendDirty(cell: Cell, frame: number, bytes: number): void {
    cell.dirtyFrame = frame;
    cell.dirtyBytes = bytes;
    cell.dirtyPrevious = this.#dirtyLast;
    if (this.#dirtyLast === undefined) this.#dirtyFirst = cell;
    else this.#dirtyLast.dirtyNext = cell;
    this.#dirtyLast = cell;
  }

  markClean(cell: Cell): void {
    if (cell.dirtyFrame === 0) return;
    if (cell.dirtyPrevious === undefined) this.#dirtyFirst = cell.dirtyNext;
    else cell.dirtyPrevious.dirtyNext = cell.dirtyNext;
    if (cell.dirtyNext === undefined) this.#dirtyLast = cell.dirtyPrevious;
    else cell.dirtyNext.dirtyPrevious = cell.dirtyPrevious;
    cell.dirtyFrame = 0;
    cell.dirtyNext = cell.dirtyPrevious = undefined;
  }
}

/** @throws InvalidArgument */
function assertText(address: unknown): void {
  if (typeof address === 'string') return;
  const given = address === null ? 'null' : typeof address;
  throw new InvalidArgument('address', `must be a text, such as order/42, but is ${given}`);
}
