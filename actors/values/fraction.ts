/**
 * Exact numbers: a fraction of two integers. Numbers of JSON are taken for the decimals that are written there, so that 0.1 + 0.2 is
 * 0.3, and a right figure is not called wrong because of how computers add.
 */

export interface Fraction {
  readonly over: bigint;
  /** At least 1. Both have no common divisor. */
  readonly under: bigint;
}

/** How something that lies just between is rounded: away from zero, as in most invoices, or to the even digit. */
export type Half = 'away' | 'even';

/** @param value a finite number */
export function fractionOf(value: number): Fraction {
  const [digits, exponent = '0'] = String(value).split('e') as [string, string?];
  const [whole, decimals = ''] = digits.split('.') as [string, string?];
  const power = Number(exponent) - decimals.length;
  const over = BigInt(whole + decimals);
  return power >= 0 ? reduced(over * 10n ** BigInt(power), 1n) : reduced(over, 10n ** BigInt(-power));
}

export const plus = (a: Fraction, b: Fraction): Fraction =>
  reduced(a.over * b.under + b.over * a.under, a.under * b.under);

export const minus = (a: Fraction, b: Fraction): Fraction => plus(a, { over: -b.over, under: b.under });

export const times = (a: Fraction, b: Fraction): Fraction => reduced(a.over * b.over, a.under * b.under);

/** Undefined where it is divided by zero. */
export const dividedBy = (a: Fraction, b: Fraction): Fraction | undefined =>
  b.over === 0n ? undefined : reduced(a.over * b.under, a.under * b.over);

/** Less than 0, 0, or more, as `a` is to `b`. */
export const compared = (a: Fraction, b: Fraction): bigint => a.over * b.under - b.over * a.under;

export function rounded({ over, under }: Fraction, digits: number, half: Half): Fraction {
  const unit = 10n ** BigInt(digits);
  const size = (over < 0n ? -over : over) * unit;
  const [whole, rest] = [size / under, size % under];
  const beyond = rest * 2n - under;
  const isUp = beyond > 0n || (beyond === 0n && (half === 'away' || whole % 2n === 1n));
  const result = isUp ? whole + 1n : whole;
  return reduced(over < 0n ? -result : result, unit);
}

/** The number of JSON that is nearest to it: the same one, if it was one. */
export function numberOf({ over, under }: Fraction): number {
  // Some digits more than a number holds.
  const shift = Math.max(0, 25 + under.toString().length - over.toString().length);
  return Number(`${(over * 10n ** BigInt(shift)) / under}e-${shift}`);
}

function reduced(over: bigint, under: bigint): Fraction {
  const sign = under < 0n ? -1n : 1n;
  const divisor = gcd(over < 0n ? -over : over, under * sign) * sign;
  return { over: over / divisor, under: under / divisor };
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
