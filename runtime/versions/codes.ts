/**
 * Codes: which code the actors of a store were born under. Every version of every logic that has ever run here has a row, with
 * what it consisted of; an actor's birth names the row. So it can be said of any record which code has made it, and of a change
 * what it is.
 */
import { allOf, codeKey, numberOf, Prefix } from '../../storage/keys.ts';
import { DamagedRow } from '../../storage/ledger.ts';
import { openRow } from '../../storage/row.ts';
import type { Definition } from '../definition.ts';
import { changedParts } from '../kernel/fingerprint.ts';
import type { Runtime } from '../runtime.ts';

/** Some code, as it is stored. Field names are on disk. */
export interface StoredCode {
  readonly path: readonly string[];
  readonly version: number;
  readonly hash: string;
  readonly parts: Readonly<Record<string, string>>;
  /** When it first ran here, in milliseconds since the epoch. */
  readonly since: number;
  /** Nobody lives who was last run by it: a survey need not look for any. */
  readonly retired?: true;
}

/** What is kept of it in memory: what it consisted of is read when somebody asks. */
export type KnownCode = Omit<StoredCode, 'parts'>;

/** Some code, as it is shown. */
export interface CodeVersion {
  readonly version: number;
  readonly fingerprint: string;
}

export class Codes {
  readonly #runtime: Runtime;
  readonly #known = new Map<number, KnownCode>();
  /** Of codes that another store has. */
  readonly #learnt = new Map<number, StoredCode>();
  readonly #numbers = new Map<string, number>();
  /** What has changed from some code to some of today's: for all who have lived under it. */
  readonly #changes = new Map<string, readonly string[]>();
  /** The numbers of today's codes, for those who are born. */
  readonly #today = new Map<Definition, number>();

  private constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  static async read(runtime: Runtime): Promise<Codes> {
    const codes = new Codes(runtime);
    for await (const chunk of runtime.ledger.store.scan(allOf(Prefix.Code))) {
      for (const [key, row] of chunk) {
        const body = openRow(key, row);
        // Whoever was born under it is looked at as if its code had changed.
        if (body !== undefined) codes.#add(numberOf(key), runtime.codec.unpack(body) as StoredCode);
      }
    }
    return codes;
  }

  #add(number: number, code: StoredCode): void {
    const { parts: _, ...known } = code;
    this.#known.set(number, known);
    this.#numbers.set(idOf(code.path, code.version, code.hash), number);
  }

  /** Learns of code that another store has under a number, for as long as this process looks at what it has made. */
  learn(number: number, code: StoredCode): void {
    this.#learnt.set(number, code);
  }

  at(number: number | undefined): KnownCode | undefined {
    return number === undefined ? undefined : (this.#learnt.get(number) ?? this.#known.get(number));
  }

  all(): Iterable<readonly [number: number, code: KnownCode]> {
    return this.#known;
  }

  /** With what it consists of. @throws DamagedRow */
  whole(number: number | undefined): StoredCode | undefined {
    if (number === undefined) return undefined;
    const { ledger, codec } = this.#runtime;
    const learnt = this.#learnt.get(number);
    const body = learnt === undefined && this.#known.has(number) ? ledger.get(codeKey(number)) : undefined;
    return body === undefined ? learnt : (codec.unpack(body) as StoredCode);
  }

  /** The number of today's code; undefined when nobody was ever born under it, or it is the house's. */
  numberOf({ path, spec, fingerprint, isHouse }: Definition): number | undefined {
    return isHouse ? undefined : this.#numbers.get(idOf(path, spec.version, fingerprint.hash));
  }

  /** The same, for somebody who is born now. */
  numberFor(definition: Definition): number | undefined {
    if (definition.isHouse) return undefined;
    let number = this.#today.get(definition);
    if (number !== undefined) return number;
    number = this.numberOf(definition);
    if (number === undefined) number = this.#enter(definition);
    else this.#comeBack(number);
    this.#today.set(definition, number);
    return number;
  }

  #enter(definition: Definition): number {
    const { ledger, codec, clock } = this.#runtime;
    const { path, spec, fingerprint } = definition;
    const { hash, parts } = fingerprint;
    const number = ledger.nextActor++;
    const code = { path, version: spec.version, hash, parts, since: clock.now() };
    ledger.put(codeKey(number), codec.packAs(0, code), true);
    this.#add(number, code);
    return number;
  }

  /** Nobody lives any more who was last run by this code. */
  retire(number: number): void {
    this.#today.clear();
    if (this.#known.get(number)?.retired === undefined) this.#put(number, { retired: true });
  }

  /** The code runs again: an older release has been put back. */
  #comeBack(number: number): void {
    if (this.#known.get(number)!.retired !== undefined) this.#put(number, {});
  }

  #put(number: number, mark: Pick<StoredCode, 'retired'>): void {
    const { ledger, codec, committer } = this.#runtime;
    const stored = this.whole(number);
    if (stored === undefined) return;
    const { retired: _, ...before } = stored;
    const code = { ...before, ...mark };
    ledger.put(codeKey(number), codec.packAs(0, code));
    committer.request();
    this.#add(number, code);
  }

  /** What of its code is another today; nothing where that cannot be read any more. */
  changedSince(number: number | undefined, { fingerprint }: Definition): readonly string[] {
    const change = `${number}:${fingerprint.hash}`;
    let changed = this.#changes.get(change);
    if (changed === undefined) {
      changed = changedParts(this.#partsOf(number) ?? fingerprint.parts, fingerprint.parts);
      this.#changes.set(change, changed);
    }
    return changed;
  }

  #partsOf(number: number | undefined): StoredCode['parts'] | undefined {
    try {
      return this.whole(number)?.parts;
    } catch (error) {
      if (error instanceof DamagedRow) return undefined;
      throw error;
    }
  }
}

const idOf = (path: readonly string[], version: number, hash: string): string =>
  JSON.stringify([path, version, hash]);

export const versionOf = ({ version, hash }: KnownCode): CodeVersion => ({ version, fingerprint: hash });

export const versionToday = ({ spec, fingerprint }: Definition): CodeVersion => ({
  version: spec.version,
  fingerprint: fingerprint.hash,
});
