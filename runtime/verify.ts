/**
 * Verification: everything that is stored is read, and must prove itself. Every checksum, both chains, every row, and
 * that names, checkpoints, waypoints, codes and journals agree with each other.
 */
import { EntryKind } from '../storage/frame.ts';
import type { StoredRecord } from '../storage/frame.ts';
import type { Chain } from '../storage/ledger.ts';
import { BrokenJournal, JournalReader } from '../storage/journal.ts';
import { addressOf, allOf, numberOf, Prefix, waypointSeqOf } from '../storage/keys.ts';
import { readLedger } from '../storage/recovery.ts';
import type { Reading } from '../storage/recovery.ts';
import { messageOf } from '../storage/errors.ts';
import { openRow } from '../storage/row.ts';
import { asPosition, readCheckpoint } from './checkpoint.ts';
import type { StoredCheckpoint, StoredName } from './checkpoint.ts';
import { hashOfParts } from './kernel/fingerprint.ts';
import { hexOf } from './receipt.ts';
import { RECODED } from './retell.ts';
import type { Runtime } from './runtime.ts';
import { unpackTrailer } from './trailer.ts';
import type { Trailer } from './trailer.ts';
import type { StoredCode } from './versions/codes.ts';

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
  const codes = new CodesNamed(runtime);
  let records = 0;
  const reading = await readLedger(ledger, 1, (entry) => {
    if (entry.kind !== EntryKind.Record) return undefined;
    records++;
    if (entry.trailer === undefined) return undefined;
    const trailer = unpackTrailer(codec, entry.trailer);
    const { birth } = trailer;
    if (birth !== undefined && !addresses.has(entry.actor)) addresses.set(entry.actor, birth.address);
    codes.visit(entry, trailer);
    return undefined;
  });

  const broken: Damage[] = [];
  for (const [actor, evidence] of reading.damaged)
    broken.push({ address: addresses.get(actor), ...evidence });
  for (const evidence of reading.unattributed) broken.push({ address: undefined, ...evidence });
  broken.push(...(await verifyRows(runtime, reading, addresses)), ...codes.missing(addresses));
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
  { heads, damaged }: Reading,
  addresses: ReadonlyMap<number, string>,
): Promise<Damage[]> {
  const { codec } = runtime;
  // With nothing that is remembered from before.
  const journal = new JournalReader(runtime.ledger);
  const broken: Damage[] = [];
  const names = new Map<number, StoredName>();
  const covered = new Map<number, number>();
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
        const damage = verifyCheckpoint(checkpoint, heads.get(actor));
        if (damage !== undefined) broken.push({ address: addresses.get(actor), row: 'A', reason: damage });
      } else if (prefix === Prefix.Waypoint && !damaged.has(numberOf(key))) {
        const reason = verifyWaypoint(journal, key, readCheckpoint(codec, body));
        if (reason !== undefined)
          broken.push({ address: addresses.get(numberOf(key)), seq: waypointSeqOf(key), row: 'W', reason });
      } else if (prefix === Prefix.Code) {
        const { hash, parts } = codec.unpack(body) as StoredCode;
        if (hash !== hashOfParts(parts))
          broken.push({
            address: undefined,
            row: 'C',
            reason: `code ${numberOf(key)} is not what its hash says`,
          });
      }
    }
  }
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

/** A waypoint is of the record in its key, and links to the frame in which that stands. */
function verifyWaypoint(
  journal: JournalReader,
  key: Uint8Array,
  { newest }: StoredCheckpoint,
): string | undefined {
  const seq = waypointSeqOf(key);
  if (newest?.[0] !== seq) return `it should be of record ${seq}, but is of ${newest?.[0] ?? 'none'}`;
  try {
    journal.walkBack(numberOf(key), asPosition(newest), seq - 1).next();
    return undefined;
  } catch (error) {
    if (!(error instanceof BrokenJournal)) throw error;
    return `it does not lead to record ${seq}: ${error.reason}`;
  }
}

/** The codes under which actors were born, or went on, according to their journals. */
class CodesNamed {
  readonly #runtime: Runtime;
  readonly #missing = new Map<number, { readonly actor: number; readonly seq: number }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  visit(record: StoredRecord, { birth, image, cause, intents }: Trailer): void {
    const isOfSystem = cause?.kind === 'system' && intents === undefined && birth === undefined;
    const code = (image?.birth ?? birth)?.code ?? (isOfSystem ? this.#codeIn(record) : undefined);
    if (code === undefined || this.#runtime.codes.at(code) !== undefined || this.#missing.has(code)) return;
    this.#missing.set(code, { actor: record.actor, seq: record.seq });
  }

  #codeIn({ bytes, eventStart, eventEnd }: StoredRecord): number | undefined {
    const event = this.#runtime.events.unpack(bytes, eventStart, eventEnd);
    return event.type === RECODED ? (event['code'] as number) : undefined;
  }

  missing(addresses: ReadonlyMap<number, string>): Damage[] {
    return [...this.#missing].map(([code, { actor, seq }]) => ({
      address: addresses.get(actor),
      seq,
      row: 'C',
      reason: `code ${code}, which the record names, is missing`,
    }));
  }
}

function ownerOf(key: Uint8Array, addresses: ReadonlyMap<number, string>): string | undefined {
  if (key[0] === Prefix.Name) return addressOf(key);
  if (key[0] === Prefix.Checkpoint || key[0] === Prefix.Waypoint || key[0] === Prefix.Resume)
    return addresses.get(numberOf(key));
  return undefined;
}

const rowName = (prefix: Prefix): string => String.fromCharCode(prefix);
