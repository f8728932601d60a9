/**
 * The tokens that a language model reports, as they are billed, whatever version of the specification it speaks.
 *
 * What contradicts itself is not repaired: then nobody knows what was used. That is so as well when no input was counted at all,
 * since there is no call without: SDKs put a 0 where a server has reported nothing.
 */
import type { TokenCounts } from '../agents/price.ts';
import { isJsonObject as isObject } from './reading.ts';

/** Undefined where it is missing, or makes no sense. */
export function tokensOf(usage: unknown): TokenCounts | undefined {
  if (!isObject(usage)) return undefined;
  const { inputTokens, outputTokens } = usage;
  const counts =
    isObject(inputTokens) && isObject(outputTokens) ? detailed(inputTokens, outputTokens) : flat(usage);
  if (counts === undefined) return undefined;
  const { input, cachedInput, cacheWrite } = counts;
  const isCounted = Object.values(counts).every((count) => Number.isSafeInteger(count) && count >= 0);
  return isCounted && input + cachedInput + cacheWrite > 0 ? counts : undefined;
}

type Reported = Readonly<Record<string, unknown>>;

/** As of version 3 of the specification: totals, and their parts. */
function detailed(input: Reported, output: Reported): TokenCounts | undefined {
  const cachedInput = numberOr(input['cacheRead'], 0);
  const cacheWrite = numberOr(input['cacheWrite'], 0);
  const fresh = numberOr(input['noCache'], numberOr(input['total'], NaN) - cachedInput - cacheWrite);
  const reasoning = numberOr(output['reasoning'], 0);
  const text = numberOr(output['text'], numberOr(output['total'], NaN) - reasoning);
  const isConsistent =
    numberOr(input['total'], fresh + cachedInput + cacheWrite) === fresh + cachedInput + cacheWrite &&
    numberOr(output['total'], text + reasoning) === text + reasoning;
  return isConsistent ? { input: fresh, cachedInput, cacheWrite, output: text, reasoning } : undefined;
}

/**
 * Version 2 does not say whether its totals hold what is cached and thought; vendors differ. With a sum of all that agrees
 * with the totals they do. Otherwise it is not known.
 */
function flat({ inputTokens, outputTokens, totalTokens, ...parts }: Reported): TokenCounts | undefined {
  const [input, output] = [numberOr(inputTokens, NaN), numberOr(outputTokens, NaN)];
  const cachedInput = numberOr(parts['cachedInputTokens'], 0);
  const reasoning = numberOr(parts['reasoningTokens'], 0);
  if (cachedInput + reasoning > 0 && totalTokens !== input + output) return undefined;
  return { input: input - cachedInput, cachedInput, cacheWrite: 0, output: output - reasoning, reasoning };
}

const numberOr = (value: unknown, otherwise: number): number =>
  value === undefined || value === null ? otherwise : typeof value === 'number' ? value : NaN;
