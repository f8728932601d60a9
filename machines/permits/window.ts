/**
 * A sliding window: how much was counted during the last so many ms.
 *
 * What is counted leaves the window exactly that long after it came. Only beyond {@link EXACT_SLICES} neighbours are put
 * together, so that a window of millions stays small; they leave together, when the youngest of them does: never too
 * early, and late by less than a 256th of the window.
 */

/** What was counted at about the same time. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export type Slices = readonly Slice[];

/** So many times are kept apart before neighbours are put together. */
const EXACT_SLICES = 256;

/** What is still in the window. */
export function within(slices: Slices, now: number, spanMs: number): Slices {
  return slices.filter(({ to }) => now - to < spanMs);
}

export function total(slices: Slices): number {
  return slices.reduce((sum, { count }) => sum + count, 0);
}

/** The window with something more in it. */
export function counted(slices: Slices, now: number, spanMs: number, count = 1): Slices {
  const kept = within(slices, now, spanMs);
  const last = kept.at(-1);
  const grainMs = kept.length < EXACT_SLICES ? 0 : spanMs / EXACT_SLICES;
  if (last === undefined || now - last.from > grainMs) return [...kept, { from: now, to: now, count }];
  return [...kept.slice(0, -1), { from: last.from, to: now, count: last.count + count }];
}

/** The window without something that was counted at `at`, as if it had never been. */
export function uncounted(slices: Slices, at: number, count: number): Slices {
  const index = slices.findLastIndex(({ from, to }) => from <= at && at <= to);
  return slices
    .map((slice, i) => (i === index ? { ...slice, count: slice.count - count } : slice))
    .filter((slice) => slice.count > 0);
}

/** When so much will have left the window; -Infinity when nothing must, Infinity when it does not hold that much. */
export function emptiesAt(slices: Slices, spanMs: number, count: number): number {
  let left = count;
  if (left <= 0) return -Infinity;
  for (const slice of slices) {
    left -= slice.count;
    if (left <= 0) return slice.to + spanMs;
  }
  return Infinity;
}
