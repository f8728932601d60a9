/**
 * A command as data: how it is called, what it is for, and what it does. `program.ts` makes a command line of them.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { Needs } from './desk.ts';
import type { Session } from './session.ts';

export interface Command {
  /** Its name and arguments: `history <address>`. */
  readonly usage: string;
  readonly summary: string;
  /** What it needs when the store is opened here. */
  readonly needs: Needs;
  /** Whether it does more than look, if the store is opened here. Default: no. */
  writes?(flags: Flags): boolean;
  readonly options?: readonly Option[];
  /** Lines of a shell that show it in use. */
  readonly examples: readonly string[];
  run(session: Session, args: readonly string[], flags: Flags): Promise<void>;
}

/** The flags of a command, as commander has read them with the options that the command has declared. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  whole(name: string): number | undefined {
    return this.#values[name] as number | undefined;
  }

  moment(name: string): GivenMoment | undefined {
    return this.#values[name] as GivenMoment | undefined;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] as readonly string[] | undefined) ?? [];
  }
}

/** An option with a whole number. */
export function wholeOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(wholeNumber);
}

/** The same, of which there must be one at least. */
export function countOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const number = wholeNumber(text);
    if (number === 0) throw new InvalidArgumentError('It must be 1 at least.');
    return number;
  });
}

/** @throws InvalidArgumentError which commander tells with the name of the option or argument */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It must be a whole number.');
  return number;
}

/** A record: of the actor that is meant, or of somebody below it. */
export interface GivenMoment {
  readonly seq: number;
  readonly of?: string;
}

/** @throws InvalidArgumentError */
export function momentIn(text: string): GivenMoment {
  // An address may hold the sign as well.
  const sign = text.lastIndexOf('@');
  if (sign < 1) return { seq: wholeNumber(text) };
  return { seq: wholeNumber(text.slice(sign + 1)), of: text.slice(0, sign) };
}

/** For an option that may be repeated. */
export function collected(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
