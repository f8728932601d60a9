/**
 * Saving what can be saved: everything that proves itself is written into a new store, and whoever does not is refused there, with
 * the evidence. Runs in a process of its own, on a copy that it may change.
 *
 * An actor is kept when its journal is whole from its first record, when its checkpoint is the one that its name knows, and when
 * nothing speaks for a later record of it that is gone. Whoever cannot be cleared of that is refused, not guessed at.
 */
import { Level } from 'level';
import type { AnchorEntry } from '../anchor.ts';
import { getU48 } from '../binary.ts';
import { NothingSaved } from '../errors.ts';
import type { CorruptionEvidence } from '../errors.ts';
import { EntryKind } from '../frame.ts';
import type { StoredEntry } from '../frame.ts';
import {
  allOf,
  codeKey,
  frameKey,
  hasNameWitness,
  idempotencyKey,
  LOW_WATER_KEY,
  nameWitnessKey,
  NEWS_KEY,
  numberOf,
  Prefix,
  quarantineKey,
  resumeKey,
  SUPERBLOCK_KEY,
} from '../keys.ts';
import { Ledger, packNews } from '../ledger.ts';
import { unfinished } from '../leveldb.ts';
import { packMark, packQuarantine, packReceipt, packWitness, positionIn, toldIn } from '../outline.ts';
import { openRow, sealRow } from '../row.ts';
import { StoreWriter } from '../store-writer.ts';
import type { Store } from '../store.ts';
import { proveLedger } from '../verification.ts';
import type { Proof } from '../verification.ts';
import { describe } from './examination.ts';
import type { Examination } from './examination.ts';

/** What was written into the new store. */
export interface Saved {
  /** What the damaged store was found to be. */
  readonly before: Examination;
  /** How many actors were kept. */
  readonly kept: number;
  readonly refused: readonly Refused[];
  /** What else is lost, or was made anew, in words. */
  readonly losses: readonly string[];
}

export interface Refused {
  readonly actor: number;
  readonly address: string | undefined;
  readonly evidence: CorruptionEvidence;
}

/** Makes LevelDB gather what is left of its tables and logs. It changes the folder, which is a copy. */
export async function repair(folder: string): Promise<undefined> {
  await (Level as unknown as { repair(folder: string): Promise<void> }).repair(folder);
  return undefined;
}

/** @throws NothingSaved, StoreFormat, StoreCorrupt */
export async function salvage(from: string, to: string, wasRepaired: boolean): Promise<Saved> {
  const damaged = unfinished(from);
  const losses = await Ledger.mend(damaged, Date.now());
  const ledger = await Ledger.open(damaged, Date.now());
  try {
    const saving = new Saving(ledger, wasRepaired, losses);
    await saving.look();
    return await saving.writeInto(unfinished(to));
  } finally {
    await damaged.close();
  }
}

/** An idempotent send that a journal tells of. */
interface Sent {
  readonly actor: number;
  readonly id: string;
  readonly seq: number;
  readonly commit: number;
  readonly frame: number;
  readonly failed: boolean;
}

/**
 * Damaged rows that nobody is refused for: marks, receipts, witnesses of names and the index of states are made anew, a waypoint
 * only saves time, and whose code is not known is looked at as if it had changed.
 */
const CAN_BE_MISSED: ReadonlySet<string | undefined> = new Set(['R', 'K', 'H', 'W', 'C', 'I', 'P', 'O']);

/** Rows that are not simply copied. */
const APART: ReadonlySet<Prefix> = new Set([
  Prefix.Frame,
  Prefix.NameWitness,
  Prefix.Waypoint,
  Prefix.Resume,
  Prefix.Timer,
  Prefix.Quarantine,
  Prefix.DeadLetter,
  Prefix.Idempotency,
  Prefix.Code,
  Prefix.Pause,
  Prefix.Order,
  // The first query makes it anew.
  Prefix.State,
]);

class Saving {
  readonly #ledger: Ledger;
  readonly #wasRepaired: boolean;
  readonly #losses: string[];
  readonly #sent: Sent[] = [];
  /** The numbers of codes that journals name. */
  readonly #codes = new Set<number>();
  /** Actors with a record that neither their checkpoint nor a recovery would hold. */
  readonly #outdated = new Map<number, number>();
  #proof!: Proof;
  readonly #refused = new Map<number, Refused>();

  constructor(ledger: Ledger, wasRepaired: boolean, losses: string[]) {
    this.#ledger = ledger;
    this.#wasRepaired = wasRepaired;
    this.#losses = losses;
  }

  // ---- judging ------------------------------------------------------------------------------------------------------

  /** Reads everything, and finds out who is refused. */
  async look(): Promise<void> {
    const covered = await this.#covered();
    this.#proof = await proveLedger(this.#ledger, { entry: (entry) => this.#see(entry, covered) });
    this.#judgeFindings();
    this.#judgeCheckpoints();
    this.#judgeByLostFrames();
  }

  /** The last record in each checkpoint. */
  async #covered(): Promise<ReadonlyMap<number, number>> {
    const covered = new Map<number, number>();
    try {
      for await (const chunk of this.#ledger.store.scan(allOf(Prefix.Checkpoint))) {
        for (const [key, row] of chunk) {
          const body = openRow(key, row);
          if (body !== undefined) covered.set(numberOf(key), positionIn(body)?.[0] ?? 0);
        }
      }
    } catch {
      // Found once more, and told, when all rows are read.
    }
    return covered;
  }

  #see(entry: StoredEntry, covered: ReadonlyMap<number, number>): void {
    if (entry.kind !== EntryKind.Record) return;
    const { actor, seq, bytes } = entry;
    const frame = getU48(bytes, 6);
    // What lies below the low-water mark is in a checkpoint; if it is not, the checkpoint is an old one.
    if (seq > (covered.get(actor) ?? 0) && frame < this.#ledger.lowWater) this.#outdated.set(actor, frame);
    if (entry.trailer === undefined) return;
    const { id, code, failed } = toldIn(entry.trailer);
    if (code !== undefined) this.#codes.add(code);
    if (id !== undefined) this.#sent.push({ actor, id, seq, commit: getU48(bytes, 12), frame, failed });
  }

  #judgeFindings(): void {
    const byAddress = new Map([...this.#proof.addresses].map(([actor, address]) => [address, actor]));
    for (const { actor: known, address, ...evidence } of this.#proof.findings) {
      if (CAN_BE_MISSED.has(evidence.row)) continue;
      const actor = known ?? (address === undefined ? undefined : byAddress.get(address));
      if (actor !== undefined) this.#refuse(actor, evidence);
    }
  }

  #judgeCheckpoints(): void {
    const { names, checkpoints, reading } = this.#proof;
    for (const actor of this.#everybody()) {
      const name = names.get(actor);
      const covered = checkpoints.get(actor)?.[0] ?? 0;
      if (name === undefined) this.#refuse(actor, { row: 'N', reason: 'its name is missing' });
      else if (name.checkpoint !== covered) {
        const reason = `its checkpoint is of record ${covered}, but should be of record ${name.checkpoint}`;
        this.#refuse(actor, { row: 'A', reason });
      }
    }
    for (const [actor, frame] of this.#outdated) {
      const { seq } = reading.heads.get(actor)!;
      this.#refuse(actor, { frame, row: 'A', reason: `its checkpoint is older than record ${seq}` });
    }
  }

  /** Frames that are lost, and of which nothing says whose records they held. */
  #judgeByLostFrames(): void {
    const { store, lowWater } = this.#ledger;
    const { unattributed, heads } = this.#proof.reading;
    const last = unattributed.reduce((newest, { frame }) => Math.max(newest, frame!), 0);
    if (last >= lowWater) {
      const reason = `frame ${last} is lost, and nothing says whose newest records it held`;
      throw new NothingSaved(store.location, reason);
    }
    // Below the mark a checkpoint tells what a frame held. But rows that were written with a frame are lost with it.
    const gone = unattributed.filter(({ frame }) => this.#wasRepaired || this.#isMissing(frame!));
    const newest = gone.reduce((latest, { frame }) => Math.max(latest, frame!), 0);
    const reason = 'it may have had later records, which are lost together with the rows that would say so';
    for (const actor of this.#everybody()) {
      if ((heads.get(actor)?.frame?.number ?? 0) < newest) this.#refuse(actor, { frame: newest, reason });
    }
  }

  #isMissing(frame: number): boolean {
    return this.#ledger.frameBytes(frame) === undefined;
  }

  /** Whether rows may be missing, or old, though each of them is sound. */
  get #rowsAreInDoubt(): boolean {
    const { frames } = this.#proof.reading;
    return this.#wasRepaired || frames < this.#ledger.head.frame;
  }

  get #isCodeMissing(): boolean {
    return [...this.#codes].some((code) => this.#ledger.store.get(codeKey(code)) === undefined);
  }

  #everybody(): ReadonlySet<number> {
    const { addresses, names, checkpoints, reading } = this.#proof;
    return new Set([...addresses.keys(), ...names.keys(), ...checkpoints.keys(), ...reading.heads.keys()]);
  }

  #refuse(actor: number, evidence: CorruptionEvidence): void {
    if (this.#refused.has(actor)) return;
    this.#refused.set(actor, { actor, address: this.#proof.addresses.get(actor), evidence });
  }

  // ---- writing ------------------------------------------------------------------------------------------------------

  async writeInto(store: Store): Promise<Saved> {
    const kept = [...this.#everybody()].filter((actor) => !this.#refused.has(actor));
    if (kept.length === 0 && this.#refused.size + this.#losses.length > 0)
      throw new NothingSaved(this.#ledger.store.location, 'no actor proves itself');
    await store.open();
    try {
      store.anchor.create(this.#ledger.id);
      const writer = new StoreWriter(store);
      await this.#writeLedger(writer);
      await this.#writeRows(writer, kept);
      await this.#writeVerdicts(writer, kept.length);
      await writer.flush();
      store.anchor.note(this.#anchored());
    } finally {
      await store.close();
    }
    return {
      before: describe(this.#ledger, this.#proof),
      kept: kept.length,
      refused: [...this.#refused.values()],
      losses: this.#losses,
    };
  }

  /**
   * What the anchor says, also of frames that are lost: whose they were is said once more when the store is opened. But not down
   * to a frame of which nothing is known: that was judged here, and would refuse the whole store there.
   */
  #anchored(): readonly AnchorEntry[] {
    const { unattributed } = this.#proof.reading;
    const judged = unattributed.reduce((newest, { frame }) => Math.max(newest, frame!), 0);
    return this.#ledger.store.anchor.entries().filter(({ frame }) => frame > judged);
  }

  /** Every frame that can be read, as it is: those who are refused are refused by what stands in them. */
  async #writeLedger(writer: StoreWriter): Promise<void> {
    const { store, head } = this.#ledger;
    for (const key of [SUPERBLOCK_KEY, LOW_WATER_KEY]) {
      const row = store.get(key);
      if (row !== undefined && openRow(key, row) !== undefined) await writer.put(key, row);
    }
    for (let number = 1; number <= head.frame; number++) {
      const bytes = this.#ledger.frameBytes(number);
      if (bytes !== undefined) await writer.put(frameKey(number), bytes);
    }
  }

  async #writeRows(writer: StoreWriter, kept: readonly number[]): Promise<void> {
    // What speaks for somebody is copied even if it is damaged: it is what he is refused by.
    for (const prefix of Object.values(Prefix))
      if (!APART.has(prefix)) await this.#copy(prefix, writer, true);
    await this.#writeWitnesses(writer);
    await this.#copy(Prefix.Waypoint, writer);
    if (!(await this.#copy(Prefix.Code, writer)) || this.#rowsAreInDoubt || this.#isCodeMissing)
      this.#losses.push(
        'the code that some were born under may be lost, and verify() will say so: they go on if the code of today tells their story',
      );
    if (!(await this.#copy(Prefix.Pause, writer)))
      this.#losses.push('a pause may be lost: look at system.paused() before anything moves');
    if (!(await this.#copy(Prefix.Order, writer)))
      this.#losses.push(
        'an order may be lost, such as a halt: look at system.halts.list() before anything moves',
      );
    const marksAreWhole =
      (await this.#copy(Prefix.Resume, writer)) && (await this.#copy(Prefix.Timer, writer));
    if (!marksAreWhole || this.#rowsAreInDoubt) await this.#markAll(kept, writer);
    await this.#copy(Prefix.Quarantine, writer);
    await this.#copy(Prefix.DeadLetter, writer);
    if (this.#rowsAreInDoubt)
      this.#losses.push('dead letters that were decided about may be there again, and others may be missing');
    await this.#copy(Prefix.Idempotency, writer);
    await this.#rememberSent(writer);
  }

  /** Copies the rows of a kind. @returns whether all of them were there, and sound */
  async #copy(prefix: Prefix, writer: StoreWriter, evenDamaged = false): Promise<boolean> {
    let areWhole = true;
    try {
      for await (const chunk of this.#ledger.store.scan(allOf(prefix))) {
        for (const [key, row] of chunk) {
          const isSound = openRow(key, row) !== undefined;
          if (isSound || evenDamaged) await writer.put(key, row);
          areWhole &&= isSound;
          if (!isSound && prefix === Prefix.DeadLetter)
            this.#losses.push(`dead letter ${numberOf(key)} is damaged, and was left behind`);
        }
      }
    } catch {
      areWhole = false;
      this.#losses.push(`rows '${String.fromCharCode(prefix)}' cannot all be read`);
    }
    return areWhole;
  }

  /** The witness of a name is made anew from it. One of a name that is lost stays as it is: nobody may be born there. */
  async #writeWitnesses(writer: StoreWriter): Promise<void> {
    await this.#copy(Prefix.NameWitness, writer, true);
    const { findings } = this.#proof;
    if (findings.some(({ row, actor }) => row === 'H' && actor === undefined))
      this.#losses.push('somebody is lost whose address nothing says: whoever asks for it is refused');
    for (const actor of this.#proof.names.keys()) {
      const address = this.#proof.addresses.get(actor)!;
      if (!hasNameWitness(address)) continue;
      const key = nameWitnessKey(address);
      await writer.put(key, sealRow(key, packWitness(actor)));
    }
  }

  /** Marks are lost: everybody is loaded when the store is opened, and finds out what he has to do. */
  async #markAll(kept: readonly number[], writer: StoreWriter): Promise<void> {
    for (const actor of kept) {
      const key = resumeKey(actor);
      await writer.put(key, sealRow(key, packMark()));
    }
    this.#losses.push('marks of who has work to do were made anew: everybody is loaded when it is opened');
  }

  /** The journals say which sends had an id. */
  async #rememberSent(writer: StoreWriter): Promise<void> {
    let count = 0;
    for (const { actor, id, failed, ...about } of this.#sent) {
      const key = idempotencyKey(actor, id);
      const row = this.#ledger.store.get(key);
      if (row !== undefined && openRow(key, row) !== undefined) continue;
      await writer.put(key, sealRow(key, packReceipt(failed ? { ...about, failed } : about)));
      count++;
    }
    if (count > 0)
      this.#losses.push(`${count} receipts of sends with an id were made anew from the journals`);
  }

  async #writeVerdicts(writer: StoreWriter, kept: number): Promise<void> {
    for (const { actor, address, evidence } of this.#refused.values()) {
      const key = quarantineKey(actor);
      const quarantine = address === undefined ? { evidence } : { evidence, address };
      await writer.put(key, sealRow(key, packQuarantine(quarantine)));
    }
    const news = packNews({ type: 'heddle.salvaged', at: Date.now(), kept, refused: this.#refused.size });
    await writer.put(NEWS_KEY, sealRow(NEWS_KEY, news));
  }
}
