/**
 * The quarantine: actors whose stored history is damaged. They are refused, now and in every later opening, because what
 * proves the damage (the anchor, a neighbouring frame) may not be there the next time. So it is written down.
 */
import { numberOf, Prefix, quarantineKey } from '../storage/keys.ts';
import type { StoredQuarantine } from '../storage/outline.ts';
import type { Reading } from '../storage/recovery.ts';
import type { CorruptionEvidence } from './errors.ts';
import type { Runtime } from './runtime.ts';

export class Quarantine {
  readonly #evidence = new Map<number, CorruptionEvidence>();
  readonly #lostBirths = new Set<string>();
  /** What this opening has found. */
  readonly fresh: (StoredQuarantine & { readonly actor: number })[] = [];

  /** What is known from earlier openings, and what this one has found. */
  static async take(runtime: Runtime, { damaged, lostBirths }: Reading): Promise<Quarantine> {
    const { ledger, codec, committer } = runtime;
    const quarantine = new Quarantine();
    for (const key of await runtime.keysOf(Prefix.Quarantine)) {
      quarantine.#add(numberOf(key), codec.unpack(ledger.get(key)!) as StoredQuarantine);
    }
    for (const [actor, evidence] of damaged) {
      if (quarantine.has(actor)) continue;
      const address = lostBirths.find(([born]) => born === actor)?.[1];
      const stored: StoredQuarantine = address === undefined ? { evidence } : { evidence, address };
      quarantine.#add(actor, stored);
      quarantine.fresh.push({ ...stored, actor });
      ledger.put(quarantineKey(actor), codec.packAs(0, stored));
      ledger.concern(actor);
      committer.request();
    }
    return quarantine;
  }

  #add(actor: number, { evidence, address }: StoredQuarantine): void {
    this.#evidence.set(actor, evidence);
    if (address !== undefined) this.#lostBirths.add(address);
  }

  has(actor: number): boolean {
    return this.#evidence.has(actor);
  }

  /** Why an actor is refused; undefined when it is not. */
  evidenceOf(actor: number): CorruptionEvidence | undefined {
    return this.#evidence.get(actor);
  }

  entries(): Iterable<readonly [actor: number, evidence: CorruptionEvidence]> {
    return this.#evidence;
  }

  /** Whether a root actor lived at this address of which not even the name is left. */
  hasLost(address: string): boolean {
    return this.#lostBirths.has(address);
  }
}
