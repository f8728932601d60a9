/**
 * Which parts of a text are begun now, and what each of them may cost. All of them together never have more than was reserved: what was
 * spent, and what those that run may cost, is taken from it first. Pure.
 */
import { NOTHING } from '../values/money.ts';
import type { Micros } from '../values/money.ts';

export interface Parts {
  /** How many there are. Their numbers are counted from 1. */
  readonly count: number;
  /** How many at once. */
  readonly places: number;
  /** The numbers of those that are done, and how many of them were done before this attempt. */
  readonly done: readonly number[];
  readonly before: number;
  /** The numbers of those that are estimated to cost nothing. */
  readonly free: readonly number[];
  /** What each of those that run may cost. */
  readonly running: Readonly<Record<number, Micros>>;
  /** What was reserved for the attempt, and spent of it. */
  readonly maxCost: Micros;
  readonly spent: Micros;
}

export interface Share {
  readonly number: number;
  readonly maxCost: Micros;
}

/**
 * What is left goes to those that are begun together, to each as much: how dear a part is, its length does not say. As long as others
 * run, none is begun for which there is less than an even division of the whole would give it: when they are done there may be more.
 */
export function sharesOf(parts: Parts): readonly Share[] {
  const { places, running, maxCost, spent } = parts;
  const free = places - Object.keys(running).length;
  if (!isMoneyLeft(parts))
    return freeIn(parts)
      .slice(0, Math.max(0, free))
      .map((number) => ({ number, maxCost: NOTHING }));
  const open = openIn(parts);
  const held = Object.values(running).reduce((sum, share) => sum + share, 0);
  const left = Math.max(0, maxCost - spent - held);
  for (let count = Math.min(free, open.length); count > 0; count--) {
    const share = Math.floor(left / count) as Micros;
    const isAlone = count === 1 && free === places;
    if (isAlone || share >= evenShare(parts))
      return open.slice(0, count).map((number) => ({ number, maxCost: share }));
  }
  return [];
}

/** Whether something is to be done, and nothing is left of what was reserved for it. What costs nothing needs none. */
export const isSpent = (parts: Parts): boolean =>
  !isMoneyLeft(parts) && openIn(parts).length > 0 && freeIn(parts).length === 0;

const isMoneyLeft = ({ maxCost, spent }: Parts): boolean => maxCost === 0 || spent < maxCost;

const freeIn = (parts: Parts): readonly number[] =>
  openIn(parts).filter((number) => parts.free.includes(number));

const openIn = ({ count, done, running }: Parts): readonly number[] =>
  Array.from({ length: count }, (_, index) => index + 1).filter(
    (number) => !done.includes(number) && !(number in running),
  );

const evenShare = ({ count, before, maxCost }: Parts): number =>
  Math.floor(maxCost / Math.max(1, count - before));
