/**
 * Options of a machine: what is wrong with them is said where the machine is defined, and not when it is needed.
 */

type Options = Readonly<Record<string, unknown>>;

/** Checks the options of one factory. Everything it throws is a TypeError that names the option. */
export class OptionsCheck {
  readonly #factory: string;
  readonly #options: Options;

  /** @param names every option there is: a misspelt one would silently do nothing */
  constructor(factory: string, options: object, names: readonly string[]) {
    this.#factory = factory;
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`${factory}() needs its options: an object with ${names.join(', ')}`);
    }
    this.#options = options as Options;
    const stranger = Object.keys(options).find((name) => !names.includes(name));
    if (stranger !== undefined) {
      throw new TypeError(`${factory}() has no option '${stranger}'; it has ${names.join(', ')}`);
    }
  }

  /** A whole number from `least` on. */
  whole(name: string, least: number): void {
    const value = this.#options[name];
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      this.fail(name, `must be a whole number from ${least} on`);
    }
  }

  /** The same, if it is given at all. */
  wholeIfGiven(name: string, least: number): void {
    if (this.#options[name] !== undefined) this.whole(name, least);
  }

  fail(name: string, problem: string): never {
    const value = this.#options[name];
    const shown = typeof value === 'string' ? `'${value}'` : String(value);
    throw new TypeError(`${this.#factory}({ ${name} }) ${problem}, but is ${shown}`);
  }
}
