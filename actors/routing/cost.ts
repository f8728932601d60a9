/**
 * What an attempt is expected to cost: what the agent estimates, by its prices where it counts tokens, and by how far it was from its
 * estimates before.
 */
import { microsOf, problemOfAmount } from '../../machines/values/money.ts';
import type { Micros } from '../../machines/values/money.ts';
import type { Tally } from '../../machines/routing/track-record.ts';
import type { Agent } from '../agents/agent.ts';
import { costOf, pricesAt } from '../agents/price.ts';
import type { TokenCounts } from '../agents/price.ts';

export interface Estimate {
  /** Undefined: the agent does not say. */
  readonly estimate: Micros | undefined;
  /** The hash of the prices that it is made with. */
  readonly prices: string | undefined;
}

/** What it estimates; or why that makes no sense. */
export function estimateOf({ estimate, prices }: Agent, input: unknown, now: number): Estimate | string {
  if (estimate === undefined) return { estimate: undefined, prices: undefined };
  let said: unknown;
  try {
    said = estimate(input);
  } catch (error) {
    return `its estimate throws a ${error instanceof Error ? error.name : typeof error}`;
  }
  if (typeof said !== 'object' || said === null) {
    const problem = problemOfAmount(said);
    return problem === undefined
      ? { estimate: microsOf(said as number), prices: prices?.hash }
      : `its estimate ${problem}`;
  }
  if (prices === undefined) return 'its estimate is of tokens, and it has no prices';
  const today = pricesAt(prices, now);
  if (today === undefined) return 'its prices are not in effect yet';
  const tokens: TokenCounts = { ...NO_TOKENS, ...said };
  if (!Object.values(tokens).every((count) => Number.isSafeInteger(count) && count >= 0))
    return 'its estimate must be whole numbers of tokens';
  const cost = costOf(tokens, today);
  return cost === undefined
    ? 'its estimate has tokens that have no price'
    : { estimate: cost, prices: prices.hash };
}

const NO_TOKENS: TokenCounts = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/** So many bills must be known before they say something. */
const ENOUGH_BILLS = 5;

/** What it will cost, as far as experience tells; undefined: nobody knows. */
export function expectedCost(
  estimate: Micros | undefined,
  { cost, estimate: estimated, billed, bills }: Tally,
): Micros | undefined {
  if (bills < ENOUGH_BILLS) return estimate;
  if (estimate === undefined) return Math.ceil(billed / bills) as Micros;
  if (estimated === 0) return estimate;
  // Whole numbers all along: what lies between two is rounded up.
  const expected = (BigInt(estimate) * BigInt(cost) + BigInt(estimated) - 1n) / BigInt(estimated);
  return expected <= BigInt(Number.MAX_SAFE_INTEGER) ? (Number(expected) as Micros) : undefined;
}
