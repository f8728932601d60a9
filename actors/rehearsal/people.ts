/**
 * The people of a rehearsal: as many of each role as it takes, who all decide alike, as soon as they are asked. None of them has begun the
 * run, worked on it, or decides twice.
 */
import type { Review, Reviews } from '../reviews/reviews.ts';

export const VERDICTS = ['approve', 'reject', 'abort'] as const;
export type SimulatedVerdict = (typeof VERDICTS)[number];

/** So often they decide about the same question. Who approves another try for ever would never come to an end. */
const MOST_ROUNDS = 3;

export class People {
  readonly #reviews: Reviews;
  readonly #verdict: SimulatedVerdict;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #decided = new Map<string, number>();

  /** @param wait lets time pass, and what happens meanwhile happen */
  constructor(reviews: Reviews, verdict: SimulatedVerdict, wait: (ms: number) => Promise<void>) {
    this.#reviews = reviews;
    this.#verdict = verdict;
    this.#wait = wait;
  }

  /** One of them decides about each review that waits. False: there is none about which they do. */
  async decide(): Promise<boolean> {
    const waiting: Review[] = [];
    for await (const review of this.#reviews.pending()) if (this.#isNew(review)) waiting.push(review);
    for (const review of waiting.toSorted(byId)) await this.#decideAbout(review);
    return waiting.length > 0;
  }

  #isNew({ id, quorum }: Review): boolean {
    return (this.#decided.get(id) ?? 0) < MOST_ROUNDS * quorum;
  }

  async #decideAbout(review: Review): Promise<void> {
    const { id } = review;
    const before = this.#decided.get(id) ?? 0;
    this.#decided.set(id, before + 1);
    const by = personFor(review);
    if (review.dwellMs > 0 && !(await this.#isRead(review, by))) return;
    const words = { by, verdict: this.#verdict, reason: 'simulated' };
    // What is asked with the same id has the same answer: nothing of it is left to chance.
    await this.#reviews.decide(id, words, { id: `${id}#${before + 1}` });
  }

  /** They read it for as long as they must. False: meanwhile it has ended. */
  async #isRead({ id, dwellMs, openedAt }: Review, by: string): Promise<boolean> {
    await this.#reviews.show(id, { by });
    await this.#wait(dwellMs);
    const now = this.#reviews.get(id);
    return now?.status === 'pending' && now.openedAt === openedAt;
  }
}

/** Somebody who may decide about it: `editor-1`. */
function personFor({ roles, fourEyes, approvals, initiator }: Review): string {
  const isBarred = (person: string): boolean =>
    person === initiator ||
    fourEyes.includes(person) ||
    approvals.some((approval) => approval.by === person || approval.for.includes(person));
  for (let number = 1; ; number++) {
    const person = roles.map((role) => `${role}-${number}`).find((one) => !isBarred(one));
    if (person !== undefined) return person;
  }
}

const byId = (some: Review, other: Review): number => (some.id < other.id ? -1 : 1);
