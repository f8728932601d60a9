/**
 * A ring: one way of trying to break a promise. It prints its progress, counts what it did, and asserts that its faults
 * really happened; a ring that did nothing has not passed.
 */

export interface RingOptions {
  /** How many seeds, rounds or cases. Each ring has a default of its own. */
  readonly seeds?: number;
  readonly rounds?: number;
  /** Where to start: the number that a failure has printed. */
  readonly seed?: number;
}

/** What a ring reports; the last line it prints, as JSON. */
export interface RingReport {
  readonly ring: string;
  /** Whether every promise was kept, and every fault happened. */
  readonly ok: boolean;
  /** What went wrong, the first few. */
  readonly violations: readonly string[];
  readonly firstFailingSeed?: number | undefined;
  readonly counts: Readonly<Record<string, number | string>>;
}

export type Progress = (line: string) => void;

export type Ring = (options: RingOptions, progress: Progress) => Promise<RingReport>;

const SHOWN_VIOLATIONS = 10;
const PROGRESS_EVERY_MS = 1000;

/** Collects what a ring sees. */
export class Tally {
  readonly #ring: string;
  readonly #progress: Progress;
  readonly #counts: Record<string, number | string> = {};
  readonly #violations: string[] = [];
  #firstFailingSeed: number | undefined;
  #shownAt = 0;

  constructor(ring: string, progress: Progress) {
    this.#ring = ring;
    this.#progress = progress;
  }

  add(name: string, count = 1): void {
    this.#counts[name] = ((this.#counts[name] as number | undefined) ?? 0) + count;
  }

  note(name: string, value: string | number): void {
    this.#counts[name] = value;
  }

  count(name: string): number {
    return (this.#counts[name] as number | undefined) ?? 0;
  }

  violation(what: string, seed?: number): void {
    this.#violations.push(seed === undefined ? what : `seed ${seed}: ${what}`);
    this.#firstFailingSeed ??= seed;
  }

  /** A ring whose faults did not happen proves nothing. */
  mustHaveHappened(name: string, atLeast = 1): void {
    if (this.count(name) < atLeast)
      this.violation(`only ${this.count(name)} ${name}, expected at least ${atLeast}`);
  }

  /** Shows where it stands, not more often than a person can read. */
  show(done: number, of: number): void {
    const now = performance.now();
    if (now - this.#shownAt < PROGRESS_EVERY_MS && done < of) return;
    this.#shownAt = now;
    this.#progress(`${this.#ring}: ${done}/${of}, ${this.#violations.length} violations`);
  }

  report(): RingReport {
    return {
      ring: this.#ring,
      ok: this.#violations.length === 0,
      violations: this.#violations.slice(0, SHOWN_VIOLATIONS),
      firstFailingSeed: this.#firstFailingSeed,
      counts: this.#counts,
    };
  }
}
