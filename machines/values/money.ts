/**
 * Money: whole micro-units (a millionth of the unit that amounts are given in) wherever it is added, compared or kept; so sums are
 * exact, in any order.
 *
 * People and agents say amounts as decimals (`0.01`). One that is no whole number of micro-units is refused at the edge:
 * `0.1 + 0.2` is a sum that was made with floats. Which currency it is, is for the user to know: all accounts that are
 * connected must have the same.
 */

/** A whole number of micro-units, at least 0. */
export type Micros = number & { readonly [MICROS]: true };
declare const MICROS: unique symbol;

const PER_UNIT = 1_000_000;

/** What is wrong with an amount; undefined when nothing is. */
export function problemOfAmount(amount: unknown): string | undefined {
  if (typeof amount !== 'number' || !Number.isFinite(amount)) return 'must be an amount: a finite number';
  if (amount < 0 || Object.is(amount, -0)) return 'must not be negative';
  const micros = Math.round(amount * PER_UNIT);
  if (!Number.isSafeInteger(micros)) return 'is more than can be counted exactly';
  if (micros / PER_UNIT !== amount) return 'is no whole number of micro-units (0.000001): round it first';
  return undefined;
}

/** An amount in micro-units. @throws RangeError when it is none */
export function microsOf(amount: number): Micros {
  const problem = problemOfAmount(amount);
  if (problem !== undefined) throw new RangeError(`an amount ${problem}`);
  return Math.round(amount * PER_UNIT) as Micros;
}

/** Micro-units as people say them. Exact: `microsOf` gives them back. */
export const amountOf = (micros: Micros): number => micros / PER_UNIT;

/** Whether a value is a whole number of micro-units. */
export const isMicros = (value: unknown): value is Micros =>
  Number.isSafeInteger(value) && (value as number) >= 0;

export const NOTHING = 0 as Micros;
