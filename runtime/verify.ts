/**
 * Verification: everything that is stored is read, and must prove itself. Every checksum, both chains, every row, and
 * that names, checkpoints and journals agree with each other.
 */
import { EntryKind } from '../storage/frame.ts';
import type { Chain } from '../storage/ledger.ts';
import { addressOf, allOf, numberOf, Prefix, stateOf } from '../storage/keys.ts';
import { readLedger } from '../storage/recovery.ts';
import { messageOf } from '../storage/errors.ts';
import { openRow } from '../storage/row.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { StoredCheckpoint, StoredName } from './checkpoint.ts';
import { isIndexed, storedRowOf } from './query/state-rows.ts';
import { hexOf } from './receipt.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';

export interface Verification {
  readonly records: number;
  readonly actors: number;
  readonly frames: number;
  /** What the whole of it proves: compare the hash with a receipt or a note of yours. */
  readonly head: { readonly commit: number; readonly frame: number; readonly hash: string };
  /** What is damaged, the first bad record of each actor first. Empty: everything proves itself. */
  readonly broken: readonly Damage[];
}

export interface Damage {
  /** Whose it is, where that is known. */
  readonly address: string | undefined;
  readonly seq?: number;
  readonly frame?: number;
  readonly row?: string;
  readonly reason: string;
}

export async function verify(runtime: Runtime): Promise<Verification> {
  runtime.assertOpen();
  await runtime.committer.durable();
  const { ledger, codec } = runtime;
  const head = ledger.head;
  const addresses = new Map<number, string>();
  let records = 0;
  const reading = await readLedger(ledger, 1, (entry) => {
    if (entry.kind !== EntryKind.Record) return undefined;
    records++;
    if (addresses.has(entry.actor) || entry.trailer === undefined) return undefined;
    const { birth } = unpackTrailer(codec, entry.trailer);
    if (birth !== undefined) addresses.set(entry.actor, birth.address);
    return undefined;
  });

  const broken: Damage[] = [];
  for (const [actor, evidence] of reading.damaged)
    broken.push({ address: addresses.get(actor), ...evidence });
  for (const evidence of reading.unattributed) broken.push({ address: undefined, ...evidence });
  broken.push(...(await verifyRows(runtime, reading.heads, addresses)));
  for (const [actor, evidence] of runtime.quarantine.entries()) {
    if (!reading.damaged.has(actor)) broken.push({ address: addresses.get(actor), ...evidence });
  }
  return {
    records,
    actors: addresses.size,
    frames: reading.frames,
    head: { commit: head.commit, frame: head.frame, hash: hexOf(head.hash) },
    broken: broken.sort((a, b) => (a.frame ?? Infinity) - (b.frame ?? Infinity)),
  };
}

/** Reads every row, and compares names and checkpoints with the ends of the journals. */
async function verifyRows(
  runtime: Runtime,
  heads: ReadonlyMap<number, Chain>,
  addresses: ReadonlyMap<number, string>,
): Promise<Damage[]> {
  const { codec } = runtime;
  const broken: Damage[] = [];
  const names = new Map<number, StoredName>();
  const covered = new Map<number, number>();
  const rows = new StateRowCheck();
  for (const prefix of Object.values(Prefix)) {
    if (prefix === Prefix.Frame) continue;
    for await (const [key, body] of soundRows(runtime, prefix, addresses, broken)) {
      if (prefix === Prefix.Name) {
        const name = codec.unpack(body) as StoredName;
        names.set(name.actor, name);
      } else if (prefix === Prefix.Checkpoint) {
        const checkpoint = readCheckpoint(codec, body);
        const actor = numberOf(key);
        covered.set(actor, checkpoint.newest?.[0] ?? 0);
        rows.checkpoint(actor, storedRowOf(runtime, checkpoint));
        const damage = verifyCheckpoint(checkpoint, heads.get(actor));
        if (damage !== undefined) broken.push({ address: addresses.get(actor), row: 'A', reason: damage });
      } else if (prefix === Prefix.State) rows.row(codec.unpack(body) as number, stateOf(key));
    }
  }
  broken.push(...rows.damages(isIndexed(runtime)));
  for (const [actor, address] of addresses) {
    if (!names.has(actor)) broken.push({ address, row: 'N', reason: 'its name is missing' });
  }
  for (const [actor, { checkpoint }] of names) {
    const address = addresses.get(actor);
    if ((covered.get(actor) ?? 0) < checkpoint) {
      broken.push({ address, row: 'A', reason: `the checkpoint of record ${checkpoint} is missing` });
    }
    if (checkpoint > 0 && !heads.has(actor)) broken.push({ address, reason: 'no record of it is left' });
  }
  return broken;
}

interface StateRow {
  readonly row: string;
  readonly address: string;
}

/** Each checkpoint has one row in the index of states, and that says what the checkpoint does. */
class StateRowCheck {
  readonly #expected = new Map<number, StateRow>();
  readonly #found = new Map<number, StateRow>();
  readonly #damages: Damage[] = [];

  checkpoint(actor: number, expected: StateRow | undefined): void {
    if (expected !== undefined) this.#expected.set(actor, expected);
  }

  row(actor: number, found: StateRow): void {
    if (this.#found.has(actor)) this.#damaged(found.address, 'it is one of two for one actor');
    this.#found.set(actor, found);
  }

  /** @param isComplete whether a row that is missing is damage */
  damages(isComplete: boolean): readonly Damage[] {
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
    this.#damages.push({ address, row: rowName(Prefix.State), reason });
  }
}

const shown = (row: string): string => row.replace('\0', ' ');

/** The rows of a kind that prove themselves; the others are reported. */
async function* soundRows(
  { ledger }: Runtime,
  prefix: Prefix,
  addresses: ReadonlyMap<number, string>,
  broken: Damage[],
): AsyncIterable<readonly [key: Uint8Array, body: Uint8Array]> {
  try {
    for await (const chunk of ledger.store.scan(allOf(prefix))) {
      for (const [key, row] of chunk) {
        const body = openRow(key, row);
        if (body !== undefined) yield [key, body];
        else
          broken.push({
            address: ownerOf(key, addresses),
            row: rowName(prefix),
            reason: 'its checksum is wrong',
          });
      }
    }
  } catch (error) {
    broken.push({ address: undefined, row: rowName(prefix), reason: messageOf(error) });
  }
}

function verifyCheckpoint({ newest }: StoredCheckpoint, head: Chain | undefined): string | undefined {
  if (newest === undefined) return undefined;
  const [seq] = newest;
  if (head === undefined) return `it covers record ${seq}, but no record of the actor is left`;
  return seq > head.seq ? `it covers record ${seq}, but the journal ends with ${head.seq}` : undefined;
}

function ownerOf(key: Uint8Array, addresses: ReadonlyMap<number, string>): string | undefined {
  if (key[0] === Prefix.Name) return addressOf(key);
  if (key[0] === Prefix.State) return stateOf(key).address;
  if (key[0] === Prefix.Checkpoint || key[0] === Prefix.Waypoint || key[0] === Prefix.Resume)
    return addresses.get(numberOf(key));
  return undefined;
}

const rowName = (prefix: Prefix): string => String.fromCharCode(prefix);
