/**
 * The arguments of a request, as they were given: by the command line here, or by whoever has connected. Each is asked for by
 * name and checked; what nobody has asked for is refused.
 */
import { refusal } from './trouble.ts';
import type { Refused } from './trouble.ts';
import type { Json } from './tagged.ts';

export class Given {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(values: unknown) {
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw refusal('BadRequest', 'the arguments must be an object');
    this.#values = values as Readonly<Record<string, unknown>>;
  }

  text(name: string): string {
    const value = this.#take(name);
    if (typeof value === 'string' && value !== '') return value;
    throw bad(name, 'must be a text that is not empty');
  }

  optionalText(name: string): string | undefined {
    return this.#has(name) ? this.text(name) : undefined;
  }

  /** A number of a record, a letter or an amount. */
  whole(name: string): number {
    const value = this.#take(name);
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw bad(name, 'must be a whole number, 0 or more');
  }

  optionalWhole(name: string): number | undefined {
    return this.#has(name) ? this.whole(name) : undefined;
  }

  flag(name: string): boolean {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value ?? false;
    throw bad(name, 'must be true or false');
  }

  oneOf<T extends string>(name: string, words: readonly T[]): T | undefined {
    const value = this.#take(name);
    if (value === undefined || words.includes(value as T)) return value as T | undefined;
    throw bad(name, `must be one of ${words.join(', ')}`);
  }

  /** Any JSON; undefined where there is none. */
  json(name: string): Json | undefined {
    return this.#take(name) as Json | undefined;
  }

  /** @throws Refused when something was given that nobody has asked for */
  nothingElse(): void {
    const other = Object.keys(this.#values).find((name) => !this.#asked.has(name));
    if (other !== undefined) throw bad(other, 'is not known');
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  #has(name: string): boolean {
    return this.#take(name) !== undefined;
  }
}

const bad = (name: string, what: string): Refused => refusal('BadRequest', `${name} ${what}`);
