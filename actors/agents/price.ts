/**
 * Prices of tokens: what a model costs, from when on, by whose word. A table is data with a hash, so a cost that was recorded can be
 * recomputed, and shows by which prices it was made.
 *
 * Sums are whole micro-units, and exact; a cost that is no whole number of them is rounded up once, at its end. What has no price, or
 * was not counted, has no cost: it is never taken for nothing.
 */
import { createHash } from 'node:crypto';
import { InvalidArgument } from '../../runtime/index.ts';
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';

/** Tokens as they are billed: each is counted once. */
export interface TokenCounts {
  /** Read anew. */
  readonly input: number;
  /** Read from the vendor's cache. */
  readonly cachedInput: number;
  /** Read, and written into the vendor's cache. */
  readonly cacheWrite: number;
  /** Written, as text. */
  readonly output: number;
  /** Written, as thoughts. */
  readonly reasoning: number;
}

/** Decimal amounts for a million tokens, as vendors publish them. */
export interface Prices {
  /** The first day on which they are in effect (UTC): `2026-01-31`. */
  readonly from: string;
  readonly input: number;
  readonly cachedInput: number;
  /** Absent when the vendor does not bill it apart. Tokens that are reported all the same then have no cost. */
  readonly cacheWrite?: number;
  readonly output: number;
  readonly reasoning: number;
}

export interface PriceTable {
  /** Whose word it is: an address, a contract. */
  readonly source: string;
  /** Of the source and all its prices: `sha256:…`. */
  readonly hash: string;
  readonly prices: readonly Prices[];
}

const KINDS = ['input', 'cachedInput', 'cacheWrite', 'output', 'reasoning'] as const;
export { KINDS as TOKEN_KINDS };
const PER = 1_000_000n;

/**
 * @param prices the oldest first
 * @throws InvalidArgument
 */
export function priceTable(source: string, prices: readonly Prices[]): PriceTable {
  if (typeof source !== 'string' || source === '')
    throw new InvalidArgument('priceTable.source', 'must say whose prices these are');
  if (!Array.isArray(prices) || prices.length === 0)
    throw new InvalidArgument('priceTable.prices', 'must have at least one entry');
  const rows = prices.map((row, index) => checked(row, prices[index - 1], `priceTable.prices[${index}]`));
  const hash = createHash('sha256')
    .update(JSON.stringify([source, rows]))
    .digest('hex');
  const table = Object.freeze({ source, hash: `sha256:${hash}`, prices: Object.freeze(rows) });
  made.add(table);
  return table;
}

const made = new WeakSet();

/** Whether a table was made here, and so is one that makes sense. */
export const isPriceTable = (value: unknown): value is PriceTable =>
  typeof value === 'object' && value !== null && made.has(value);

/** Its fields in one order, so that the hash is of what they say. */
function checked(row: Prices, before: Prices | undefined, path: string): Prices {
  if (!isDay(row.from)) throw new InvalidArgument(`${path}.from`, "must be a day, as '2026-01-31'");
  if (before !== undefined && row.from <= before.from)
    throw new InvalidArgument(`${path}.from`, `must be after ${before.from}: the oldest prices come first`);
  const unknown = Object.keys(row).find((name) => name !== 'from' && !KINDS.some((kind) => kind === name));
  if (unknown !== undefined)
    throw new InvalidArgument(`${path}.${unknown}`, `is no price; there are ${KINDS.join(', ')}`);
  for (const kind of KINDS) {
    if (kind === 'cacheWrite' && row.cacheWrite === undefined) continue;
    const problem = problemOfAmount(row[kind]);
    if (problem !== undefined) throw new InvalidArgument(`${path}.${kind}`, problem);
  }
  const { from, input, cachedInput, cacheWrite, output, reasoning } = row;
  const written = cacheWrite === undefined ? {} : { cacheWrite };
  return Object.freeze({ from, input, cachedInput, ...written, output, reasoning });
}

function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

/** The prices of a day; undefined before the first. */
export function pricesAt({ prices }: PriceTable, at: number): Prices | undefined {
  const today = new Date(at).toISOString().slice(0, 10);
  return prices.findLast(({ from }) => from <= today);
}

/** What tokens cost; undefined where a kind of them has no price. */
export function costOf(tokens: TokenCounts, prices: Prices): Micros | undefined {
  let sum = 0n;
  for (const kind of KINDS) {
    const count = tokens[kind];
    const price = prices[kind];
    if (count === 0) continue;
    if (price === undefined) return undefined;
    sum += BigInt(count) * BigInt(microsOf(price));
  }
  const micros = Number((sum + PER - 1n) / PER);
  return Number.isSafeInteger(micros) ? (micros as Micros) : undefined;
}

/** An amount that somebody reports as a float, in whole micro-units: what lies between two is rounded up. */
export function roundedUp(amount: number): Micros | undefined {
  if (!Number.isFinite(amount) || amount < 0) return undefined;
  const nearest = Math.round(amount * 1e6);
  const micros = nearest / 1e6 === amount ? nearest : Math.ceil(amount * 1e6);
  return Number.isSafeInteger(micros) ? (micros as Micros) : undefined;
}
