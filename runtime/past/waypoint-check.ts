/**
 * Whether the waypoints lead to the records that they say they are of.
 */
import { BrokenJournal, JournalReader } from '../../storage/journal.ts';
import { numberOf, Prefix, waypointSeqOf } from '../../storage/keys.ts';
import { asPosition, readCheckpoint } from '../checkpoint.ts';
import type { StoredCheckpoint } from '../checkpoint.ts';
import type { Runtime } from '../runtime.ts';
import type { Damage } from '../verify.ts';

/** Is shown every sound row of a store. */
export class WaypointCheck {
  readonly #runtime: Runtime;
  /** With nothing that is remembered from before. */
  readonly #journal: JournalReader;
  readonly #found: { readonly actor: number; readonly seq: number; readonly reason: string }[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#journal = new JournalReader(runtime.ledger);
  }

  look(prefix: Prefix, key: Uint8Array, body: Uint8Array): void {
    if (prefix !== Prefix.Waypoint) return;
    const reason = verifyWaypoint(this.#journal, key, readCheckpoint(this.#runtime.codec, body));
    if (reason !== undefined) this.#found.push({ actor: numberOf(key), seq: waypointSeqOf(key), reason });
  }

  /** @param damaged of whom is said already what is wrong */
  damages(addresses: ReadonlyMap<number, string>, damaged: ReadonlyMap<number, unknown>): Damage[] {
    return this.#found
      .filter(({ actor }) => !damaged.has(actor))
      .map(({ actor, seq, reason }) => ({ address: addresses.get(actor), seq, row: 'W', reason }));
  }
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
