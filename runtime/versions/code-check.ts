/**
 * Whether the codes that journals name are there, and are what their hashes say.
 */
import { EntryKind } from '../../storage/frame.ts';
import type { StoredEntry, StoredRecord } from '../../storage/frame.ts';
import { numberOf, Prefix } from '../../storage/keys.ts';
import { hashOfParts } from '../kernel/fingerprint.ts';
import { RECODED } from '../retell.ts';
import type { Runtime } from '../runtime.ts';
import { unpackTrailer } from '../trailer.ts';
import type { Trailer } from '../trailer.ts';
import type { Damage } from '../verify.ts';
import type { StoredCode } from './codes.ts';

/** Is shown every sound entry and row of a store. */
export class CodeCheck {
  readonly #runtime: Runtime;
  readonly #altered: number[] = [];
  readonly #missing = new Map<number, { readonly actor: number; readonly seq: number }>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  look(prefix: Prefix, key: Uint8Array, body: Uint8Array): void {
    if (prefix !== Prefix.Code) return;
    const { hash, parts } = this.#runtime.codec.unpack(body) as StoredCode;
    if (hash !== hashOfParts(parts)) this.#altered.push(numberOf(key));
  }

  read(entry: StoredEntry): void {
    if (entry.kind === EntryKind.Record && entry.trailer !== undefined)
      this.#record(entry, unpackTrailer(this.#runtime.codec, entry.trailer));
  }

  #record(record: StoredRecord, { birth, image, cause, intents }: Trailer): void {
    const isOfSystem = cause?.kind === 'system' && intents === undefined && birth === undefined;
    const code = (image?.birth ?? birth)?.code ?? (isOfSystem ? this.#codeIn(record) : undefined);
    if (code === undefined || this.#runtime.codes.at(code) !== undefined || this.#missing.has(code)) return;
    this.#missing.set(code, { actor: record.actor, seq: record.seq });
  }

  #codeIn({ bytes, eventStart, eventEnd }: StoredRecord): number | undefined {
    const event = this.#runtime.events.unpack(bytes, eventStart, eventEnd);
    return event.type === RECODED ? (event['code'] as number) : undefined;
  }

  damages(addresses: ReadonlyMap<number, string>): Damage[] {
    const altered = this.#altered.map((code) => ({
      address: undefined,
      row: 'C',
      reason: `code ${code} is not what its hash says`,
    }));
    const missing = [...this.#missing].map(([code, { actor, seq }]) => ({
      address: addresses.get(actor),
      seq,
      row: 'C',
      reason: `code ${code}, which the record names, is missing`,
    }));
    return [...altered, ...missing];
  }
}
