/**
 * Verification: everything that is stored is read, and must prove itself. Every checksum, both chains, every row, and that names,
 * checkpoints and journals agree with each other. It changes nothing, and knows nothing of what the actors do.
 */
import { messageOf } from './errors.ts';
import type { CorruptionEvidence } from './errors.ts';
import { EntryKind } from './frame.ts';
import type { StoredEntry } from './frame.ts';
import { addressOf, allOf, hasNameWitness, nameWitnessKey, numberOf, Prefix, stateOf } from './keys.ts';
import type { Chain, Ledger } from './ledger.ts';
import { nameIn, positionIn, quarantineIn, toldIn, witnessIn } from './outline.ts';
import type { StoredName, StoredPosition } from './outline.ts';
import { readLedger } from './recovery.ts';
import type { Reading } from './recovery.ts';
import { openRow } from './row.ts';
import type { Store } from './store.ts';

/** Something that does not prove itself. */
export interface Finding extends CorruptionEvidence {
  /** Whose it is, where that is known. */
  readonly actor: number | undefined;
  readonly address: string | undefined;
}

/** What a whole store is, and what of it is damaged. */
export interface Proof {
  readonly records: number;
  /** How many actors have a first record. */
  readonly actors: number;
  readonly reading: Reading;
  /** Whoever was ever born, by number; from the journals, and from the names where a journal has lost its beginning. */
  readonly addresses: ReadonlyMap<number, string>;
  readonly names: ReadonlyMap<number, StoredName>;
  /** Where each checkpoint ends that can be read. */
  readonly checkpoints: ReadonlyMap<number, StoredPosition | undefined>;
  /** By frame. Empty: everything proves itself. */
  readonly findings: readonly Finding[];
}

/** Sees what is sound. */
export interface ProofVisitor {
  /** Every entry, oldest first. */
  readonly entry?: (entry: StoredEntry) => void;
  readonly row?: (prefix: Prefix, key: Uint8Array, body: Uint8Array) => void;
}

export async function proveLedger(ledger: Ledger, visitor: ProofVisitor = {}): Promise<Proof> {
  const born = new Map<number, string>();
  let records = 0;
  const reading = await readLedger(ledger, 1, (entry) => {
    visitor.entry?.(entry);
    if (entry.kind !== EntryKind.Record) return undefined;
    records++;
    if (born.has(entry.actor) || entry.trailer === undefined) return undefined;
    const address = toldIn(entry.trailer).born;
    if (address !== undefined) born.set(entry.actor, address);
    return undefined;
  });
  const rows = await readRows(ledger.store, visitor);
  const addresses = new Map([...rows.addresses, ...reading.lostBirths, ...born]);
  const findings: Finding[] = [];
  const find = (actor: number | undefined, evidence: CorruptionEvidence): void => {
    findings.push({ actor, address: actor === undefined ? undefined : addresses.get(actor), ...evidence });
  };
  for (const [actor, evidence] of reading.damaged) find(actor, evidence);
  for (const evidence of reading.unattributed) find(undefined, evidence);
  for (const { actor, address, ...evidence } of rows.damaged)
    findings.push({ actor, address: address ?? addresses.get(actor!), ...evidence });
  for (const [actor, position] of rows.checkpoints) {
    const reason = position && beyond(position, reading.heads.get(actor));
    if (reason !== undefined) find(actor, { row: 'A', reason });
  }
  for (const actor of born.keys())
    if (!rows.names.has(actor)) find(actor, { row: 'N', reason: 'its name is missing' });
  for (const [actor, reason] of judgedWitnesses(rows, addresses)) find(actor, { row: 'H', reason });
  for (const [actor, { checkpoint }] of rows.names) {
    if ((rows.checkpoints.get(actor)?.[0] ?? 0) < checkpoint)
      find(actor, { row: 'A', reason: `the checkpoint of record ${checkpoint} is missing` });
    if (checkpoint > 0 && !reading.heads.has(actor)) find(actor, { reason: 'no record of it is left' });
  }
  for (const [actor, evidence] of rows.quarantined) if (!reading.damaged.has(actor)) find(actor, evidence);
  findings.sort((a, b) => (a.frame ?? Infinity) - (b.frame ?? Infinity));
  const { names, checkpoints } = rows;
  return { records, actors: born.size, reading, addresses, names, checkpoints, findings };
}

/** What a checkpoint says that the journal does not. */
function beyond([seq]: StoredPosition, head: Chain | undefined): string | undefined {
  if (head === undefined) return `it covers record ${seq}, but no record of the actor is left`;
  return seq > head.seq ? `it covers record ${seq}, but the journal ends with ${head.seq}` : undefined;
}

/**
 * What is wrong with the witnesses of names: whose they are stands in no key, only its hash.
 * @returns who has a witness that does not prove itself, or that belongs to nobody who is known
 */
function* judgedWitnesses(
  { names, witnesses }: Rows,
  addresses: ReadonlyMap<number, string>,
): Generator<[actor: number | undefined, reason: string]> {
  const unclaimed = new Map(witnesses);
  for (const [actor, address] of addresses) {
    if (!hasNameWitness(address)) continue;
    const key = textOfKey(nameWitnessKey(address));
    const witnessed = unclaimed.get(key);
    if (witnessed === 'damaged') yield [actor, 'its checksum is wrong'];
    else if (names.has(actor) && witnessed !== actor) yield [actor, 'the witness of its name is missing'];
    unclaimed.delete(key);
  }
  for (const witnessed of unclaimed.values())
    if (witnessed === 'damaged') yield [undefined, 'its checksum is wrong'];
}

// ---- rows ---------------------------------------------------------------------------------------------------------

interface Rows {
  readonly addresses: Map<number, string>;
  readonly names: Map<number, StoredName>;
  /** By key: the actor that each witness of a name speaks for. */
  readonly witnesses: Map<string, number | 'damaged'>;
  readonly checkpoints: Map<number, StoredPosition | undefined>;
  readonly quarantined: Map<number, CorruptionEvidence>;
  readonly damaged: Finding[];
}

async function readRows(store: Store, { row: visit }: ProofVisitor): Promise<Rows> {
  const rows: Rows = {
    addresses: new Map(),
    names: new Map(),
    witnesses: new Map(),
    checkpoints: new Map(),
    quarantined: new Map(),
    damaged: [],
  };
  for (const prefix of Object.values(Prefix)) {
    if (prefix === Prefix.Frame) continue;
    try {
      for await (const chunk of store.scan(allOf(prefix)))
        for (const [key, row] of chunk) {
          const body = openRow(key, row);
          readRow(rows, prefix, key, body);
          if (body !== undefined) visit?.(prefix, key, body);
        }
    } catch (error) {
      rows.damaged.push({
        actor: undefined,
        address: undefined,
        row: rowName(prefix),
        reason: messageOf(error),
      });
    }
  }
  return rows;
}

function readRow(rows: Rows, prefix: Prefix, key: Uint8Array, body: Uint8Array | undefined): void {
  if (prefix === Prefix.NameWitness) {
    rows.witnesses.set(textOfKey(key), body === undefined ? 'damaged' : witnessIn(body));
    return;
  }
  if (body === undefined) {
    rows.damaged.push({ ...ownerOf(prefix, key), row: rowName(prefix), reason: 'its checksum is wrong' });
    return;
  }
  switch (prefix) {
    case Prefix.Name: {
      const name = nameIn(body);
      rows.names.set(name.actor, name);
      rows.addresses.set(name.actor, addressOf(key));
      break;
    }
    case Prefix.Checkpoint:
      rows.checkpoints.set(numberOf(key), positionIn(body));
      break;
    case Prefix.Quarantine: {
      const { evidence, address } = quarantineIn(body);
      rows.quarantined.set(numberOf(key), evidence);
      if (address !== undefined) rows.addresses.set(numberOf(key), address);
      break;
    }
  }
}

/** Whose row it is, as far as its key says so. */
function ownerOf(prefix: Prefix, key: Uint8Array): Pick<Finding, 'actor' | 'address'> {
  switch (prefix) {
    case Prefix.Name:
      return { actor: undefined, address: addressOf(key) };
    case Prefix.State:
      return { actor: undefined, address: stateOf(key).address };
    case Prefix.Checkpoint:
    case Prefix.Waypoint:
    case Prefix.Resume:
    case Prefix.Idempotency:
    case Prefix.Quarantine:
      return { actor: numberOf(key), address: undefined };
    default:
      return { actor: undefined, address: undefined };
  }
}

/** A key, to be found by. */
const textOfKey = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

const rowName = (prefix: Prefix): string => String.fromCharCode(prefix);

/** A finding, in words. */
export function textOf({ actor, address, seq, frame, row, reason }: Finding): string {
  const who = address ?? (actor === undefined ? 'the store' : `actor #${actor}`);
  const record = seq === undefined ? '' : ` at record ${seq}`;
  const where = frame === undefined ? (row === undefined ? '' : ` in row ${row}`) : ` in frame ${frame}`;
  return `${who}${record}${where}: ${reason}`;
}
