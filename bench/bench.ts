/**
 * A bench: one figure, measured beside what it is compared with, in the same run. A ratio says more than a speed, because
 * both sides had the same machine, the same minute and the same noise.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One measured figure. */
export interface Figure {
  /** What it is, in words. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be: at least or at most. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  /** The numbers it was made from. */
  readonly from?: Readonly<Record<string, number>>;
}

export interface Bench {
  readonly name: string;
  /**
   * Makes ready what is measured, in a process of its own: what it has warmed up and left in memory must not help the
   * measurement. It may end in the middle of everything, as a crash would.
   */
  readonly prepare?: (folder: string) => Promise<void>;
  /** @param folder an empty folder, or what `prepare` has left in it */
  readonly measure: (folder: string) => Promise<readonly Figure[]>;
}

export function reaches({ value, target }: Figure): boolean {
  if (target === undefined) return true;
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}

/** Runs with a folder that is gone afterwards. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Measures two sides in turns, so that whatever slows the machine down slows both.
 * @returns the medians, and the median of the ratios of subject to reference
 */
export async function compared(
  rounds: number,
  reference: () => Promise<number>,
  subject: () => Promise<number>,
): Promise<{ readonly reference: number; readonly subject: number; readonly ratio: number }> {
  const pairs: (readonly [number, number])[] = [];
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    const pair = [await reference(), await subject()] as const;
    if (round > 0) pairs.push(pair);
  }
  return {
    reference: median(pairs.map(([value]) => value)),
    subject: median(pairs.map(([, value]) => value)),
    ratio: median(pairs.map(([a, b]) => b / a)),
  };
}

/** How many times a second something happens that is done in slices until the time is over. */
export async function perSecond(milliseconds: number, slice: () => number): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  while (performance.now() - startedAt < milliseconds) {
    done += slice();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return (done / (performance.now() - startedAt)) * 1000;
}

/** How many times a second something happens of which each of `lanes` does one after the other. */
export async function inLanes(
  milliseconds: number,
  lanes: number,
  step: (lane: number) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  let over = false;
  const startedAt = performance.now();
  const timer = setTimeout(() => (over = true), milliseconds);
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (!over) {
        await step(lane);
        done++;
      }
    }),
  );
  clearTimeout(timer);
  return (done / (performance.now() - startedAt)) * 1000;
}
