/**
 * A histogram: how often a measured value was how large. Its buckets grow exponentially, so that one histogram serves
 * microseconds and minutes, and are made once: to record a value makes no garbage.
 *
 * It owns the counts and what is said about them: quantiles, and the coarser buckets that a scraper gets. It does not
 * know what is measured, nor in which unit: that stands in the name of whatever holds it.
 */

/** What is known of all values that were recorded. */
export interface HistogramReading {
  readonly count: number;
  readonly sum: number;
  /** Half of the values were at most this; exact to a tenth. 0 before the first value, as are the others. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** The largest value, exactly. */
  readonly max: number;
  /** How many values were at most so large, for bounds that double. Values beyond the last bound are only in `count`. */
  readonly buckets: readonly (readonly [atMost: number, count: number])[];
}

/** How many buckets there are for one that a scraper gets: with four, a bucket is 19 % wide. */
const STEPS = 4;

/** A value beyond is counted as this: with infinity in it the sum would say nothing ever after. */
const LARGEST = Number.MAX_SAFE_INTEGER;

export class Histogram {
  /** The largest value of each bucket, but for the last, which has what is larger than all of them. */
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  /**
   * @param first the bound of the first bucket
   * @param doublings how often it doubles until the last bound
   */
  constructor(first: number, doublings: number) {
    this.#bounds = Float64Array.from(
      { length: doublings * STEPS + 1 },
      // Whole doublings are exact, and they are the bounds that are shown.
      (_, i) => first * 2 ** Math.floor(i / STEPS) * 2 ** ((i % STEPS) / STEPS),
    );
    this.#counts = new Float64Array(this.#bounds.length + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** Counts a value. What is no positive number counts as 0: a clock that stood still is no reason to fail a commit. */
  record(value: number): void {
    const counted = value > 0 ? Math.min(value, LARGEST) : 0;
    this.#count++;
    this.#sum += counted;
    if (counted < this.#min) this.#min = counted;
    if (counted > this.#max) this.#max = counted;
    this.#counts[this.#bucketOf(counted)]!++;
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    if (value <= bounds[0]!) return 0;
    if (value > bounds[last]!) return last + 1;
    const near = Math.ceil(Math.log2(value / bounds[0]!) * STEPS);
    // Right above a bound the logarithm may be rounded to it.
    return value > bounds[near]! ? near + 1 : near;
  }

  /** The value that this share (0 to 1) of all values does not exceed; 0 without values. */
  quantile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = share * this.#count;
    let below = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      const here = this.#counts[i]!;
      if (here === 0 || below + here < rank) {
        below += here;
        continue;
      }
      // Where in the bucket it is nobody knows; as if its values lay evenly in it.
      const from = i === 0 ? 0 : this.#bounds[i - 1]!;
      const to = this.#bounds[i] ?? this.#max;
      const guess = from + ((to - from) * (rank - below)) / here;
      return Math.min(Math.max(guess, this.#min), this.#max);
    }
    return this.#max;
  }

  /** What is known by now, frozen. */
  read(): HistogramReading {
    return Object.freeze({
      count: this.#count,
      sum: this.#sum,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      max: this.#max,
      buckets: Object.freeze(this.#doublings()),
    });
  }

  #doublings(): (readonly [atMost: number, count: number])[] {
    const buckets: (readonly [number, number])[] = [];
    let count = 0;
    this.#bounds.forEach((bound, i) => {
      count += this.#counts[i]!;
      if (i % STEPS === 0) buckets.push(Object.freeze([bound, count] as const));
    });
    return buckets;
  }
}
