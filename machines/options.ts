/**
 * Options of a machine: what is wrong with them is said where they are given, and not when they are needed.
 *
 * A factory throws what is wrong, as a TypeError. A machine that is given options while it runs must not throw, and asks
 * for the same as a value.
 */

/** What is wrong with one option. */
export class OptionError extends TypeError {
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** What makes sense as an option, if it is given at all. */
export interface OptionRule {
  /** What is wrong with a value; undefined when nothing is. */
  readonly problem: (value: unknown) => string | undefined;
  readonly isRequired?: boolean;
  /** What it is when it is not given. */
  readonly fallback?: number;
}

/** A whole number from `least` on. */
export function whole(least: number, rest: Omit<OptionRule, 'problem'> = {}): OptionRule {
  const problem = `must be a whole number from ${least} on`;
  return { ...rest, problem: (value) => (isWhole(value) && value >= least ? undefined : problem) };
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

/** Some options with others in their place. One that becomes undefined counts as not given: it has its default again. */
export type Changes<TOptions> = { readonly [TName in keyof TOptions]?: TOptions[TName] | undefined };

/** Options of which those with a default are there; the others may still be missing. */
export type Settled<TOptions, TLoose extends keyof TOptions = never> = Required<Omit<TOptions, TLoose>> &
  Pick<TOptions, TLoose>;

/** Says that options which are fine by themselves do not go together. */
type Fail<TOptions> = (option: keyof TOptions & string, problem: string) => never;

/** What makes sense as the options of one factory. Owns no options. */
export class OptionRules<TOptions extends object, TSettled extends TOptions> {
  readonly #factory: string;
  readonly #rules: readonly (readonly [name: string, rule: OptionRule])[];
  readonly #together: (options: TSettled, fail: Fail<TOptions>) => void;

  constructor(
    factory: string,
    rules: { readonly [TName in keyof NoInfer<TOptions>]-?: OptionRule },
    together: (options: TSettled, fail: Fail<TOptions>) => void = () => {},
  ) {
    this.#factory = factory;
    this.#rules = Object.entries<OptionRule>(rules);
    this.#together = together;
  }

  /** What a machine has before it has options: nothing of anything. */
  get nothing(): TSettled {
    return Object.fromEntries(this.#rules.map(([name]) => [name, 0])) as never;
  }

  /** Looks at each option that is given, by itself. @throws OptionError */
  checkGiven(given: unknown): asserts given is Changes<TOptions> {
    const check = this.#check(given);
    for (const [name, { problem }] of this.#rules) check.ifGiven(name, problem);
  }

  /** The options with all defaults. @throws OptionError */
  settle(given: unknown): TSettled {
    this.checkGiven(given);
    const check = this.#check(given);
    const settled: Record<string, unknown> = {};
    for (const [name, { problem, isRequired = false, fallback }] of this.#rules) {
      if (isRequired) check.given(name, problem);
      const value = (given as Record<string, unknown>)[name] ?? fallback;
      if (value !== undefined) settled[name] = value;
    }
    this.#together(settled as TSettled, (name, problem) => check.fail(name, problem));
    return settled as TSettled;
  }

  /** The options after a change, or what is wrong with it. Throws nothing. */
  changed(options: TSettled, changes: unknown): TSettled | OptionError {
    return valueOrError(() => {
      this.checkGiven(changes);
      return this.settle({ ...options, ...changes });
    });
  }

  /** Whether two are the same. */
  areSame(some: TSettled, others: TSettled): boolean {
    return this.#rules.every(
      ([name]) => (some as Record<string, unknown>)[name] === (others as Record<string, unknown>)[name],
    );
  }

  #check(given: unknown): OptionsCheck {
    const names = this.#rules.map(([name]) => name);
    return new OptionsCheck(this.#factory, given, names);
  }
}

function valueOrError<TValue>(make: () => TValue): TValue | OptionError {
  try {
    return make();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
}

type Options = Readonly<Record<string, unknown>>;

/** Checks the options of one factory, one by one. Everything it throws names the option. */
export class OptionsCheck {
  readonly #factory: string;
  readonly #options: Options;

  /**
   * @param names every option there is: a misspelt one would silently do nothing
   * @throws OptionError
   */
  constructor(factory: string, options: unknown, names: readonly string[]) {
    this.#factory = factory;
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      const problem = `${factory}() needs its options: an object with ${names.join(', ')}`;
      throw new OptionError('options', problem);
    }
    this.#options = options as Options;
    const stranger = Object.keys(options).find((name) => !names.includes(name));
    if (stranger !== undefined) {
      const problem = `${factory}() has no option '${stranger}'; it has ${names.join(', ')}`;
      throw new OptionError(stranger, problem);
    }
  }

  given(name: string, problem: OptionRule['problem']): void {
    const wrong = problem(this.#options[name]);
    if (wrong !== undefined) this.fail(name, wrong);
  }

  ifGiven(name: string, problem: OptionRule['problem']): void {
    if (this.#options[name] !== undefined) this.given(name, problem);
  }

  fail(name: string, problem: string): never {
    throw new OptionError(
      name,
      `${this.#factory}({ ${name} }) ${problem}, but is ${shown(this.#options[name])}`,
    );
  }
}

/** As one would write it in code, as far as that is short. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
