/**
 * The books: what every account must hold, by the receipts that were given for it; and how long those took.
 */
import { performance } from 'node:perf_hooks';
import { HeddleError } from 'heddle';
import type { Receipt } from 'heddle';

/** What an event may be refused with while its actor is treated like this. Nothing of it may have happened then. */
const FAIR_REFUSALS: ReadonlySet<string> = new Set(['ActorDown', 'StepFailed', 'MailboxFull']);

export class Books {
  readonly addresses: readonly string[];
  /** By the place of the account among the addresses. */
  readonly #sums: Float64Array;
  readonly counts: Record<string, number> = {};
  readonly violations: string[] = [];
  inFlight = 0;
  #latencies: number[] = [];
  /** Events under way when the thread was busy with looking do not say how long a receipt takes. */
  #era = 0;

  constructor(addresses: readonly string[]) {
    this.addresses = addresses;
    this.#sums = new Float64Array(addresses.length);
  }

  add(name: string, count = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + count;
  }

  violation(what: string): void {
    this.violations.push(what);
  }

  sumOf(place: number): number {
    return this.#sums[place]!;
  }

  /** Follows an event to its receipt or refusal. @param changes what it adds to accounts, by their places */
  async follow(
    receipt: Promise<Receipt>,
    changes: readonly (readonly [place: number, by: number])[],
  ): Promise<void> {
    const era = this.#era;
    const sentAt = performance.now();
    this.inFlight++;
    this.add('events');
    try {
      await receipt;
      this.add('acked');
      for (const [place, by] of changes) this.#sums[place]! += by;
      if (era === this.#era) this.#latencies.push(performance.now() - sentAt);
    } catch (error) {
      const tag = error instanceof HeddleError ? error._tag : String(error);
      this.add(`refused:${tag}`);
      if (!FAIR_REFUSALS.has(tag)) this.violation(`an event was refused with ${String(error)}`);
    } finally {
      this.inFlight--;
    }
  }

  /** How long receipts took since the last call, shortest first. */
  takeLatencies(): readonly number[] {
    const taken = this.#latencies.sort((a, b) => a - b);
    this.#latencies = [];
    this.#era++;
    return taken;
  }
}
