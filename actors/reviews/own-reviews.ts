/**
 * The reviews of a system in somebody's hands: `system.as(principal).reviews`. What is done with them is done by that principal, and
 * there is no way to say that it was somebody else. Reviews know people by their ids alone, so only users decide through this; whoever
 * else holds it may look.
 */
import type { Absence } from '../../machines/absence/words.ts';
import { InvalidArgument } from '../../runtime/index.ts';
import type { Principal, SendOptions } from '../../runtime/index.ts';
import type { CancelOptions, DeclareOptions } from './absences.ts';
import type { DecideOptions, PendingOptions, Review, Reviews, Taken } from './reviews.ts';
import type { Reviewer } from './review-permission.ts';

type Without<TOptions> = Omit<TOptions, 'by'>;

export class OwnReviews {
  readonly absences: OwnAbsences;
  readonly #reviews: Reviews;
  readonly #principal: Principal;

  /** Use `system.as(principal).reviews`. @param principal that nobody changes any more */
  constructor(reviews: Reviews, principal: Principal) {
    this.#reviews = reviews;
    this.#principal = principal;
    this.absences = new OwnAbsences(reviews, principal);
  }

  /** Those that they could still decide; see {@link Reviews.pending}. */
  async *pending(options: Without<PendingOptions> = {}): AsyncGenerator<Review> {
    yield* this.#reviews.pending({ ...options, by: this.#me.id });
  }

  get(id: string): Review | undefined {
    return this.#reviews.get(id);
  }

  whoMayApprove(id: string): ReturnType<Reviews['whoMayApprove']> {
    return this.#reviews.whoMayApprove(id);
  }

  context(...asked: Parameters<Reviews['context']>): ReturnType<Reviews['context']> {
    return this.#reviews.context(...asked);
  }

  // ---- what they do: each as in Reviews, by nobody else ------------------------------------------------------------------

  async show(id: string, options?: SendOptions): Promise<Taken> {
    return this.#reviews.show(id, { by: this.#me }, options);
  }

  async claim(id: string, options?: SendOptions): Promise<Taken> {
    return this.#reviews.claim(id, { by: this.#me }, options);
  }

  async unclaim(id: string, options?: SendOptions): Promise<Taken> {
    return this.#reviews.unclaim(id, { by: this.#me }, options);
  }

  async delegate(
    id: string,
    what: { readonly to: string; readonly reason?: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#reviews.delegate(id, { ...what, by: this.#me }, options);
  }

  async requestInfo(id: string, what: { readonly question: string }, options?: SendOptions): Promise<Taken> {
    return this.#reviews.requestInfo(id, { ...what, by: this.#me }, options);
  }

  async supplyInfo(
    id: string,
    what: { readonly question: number; readonly text: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#reviews.supplyInfo(id, { ...what, by: this.#me }, options);
  }

  async comment(id: string, what: { readonly text: string }, options?: SendOptions): Promise<Taken> {
    return this.#reviews.comment(id, { ...what, by: this.#me }, options);
  }

  async decide(id: string, what: Without<DecideOptions>, options?: SendOptions): Promise<Taken> {
    return this.#reviews.decide(id, { ...what, by: this.#me }, options);
  }

  /** @throws InvalidArgument */
  get #me(): Reviewer {
    return userIn(this.#principal);
  }
}

/** Absences, as somebody says them. Whose they may say the decider decides. */
export class OwnAbsences {
  readonly #reviews: Reviews;
  readonly #principal: Principal;

  constructor(reviews: Reviews, principal: Principal) {
    this.#reviews = reviews;
    this.#principal = principal;
  }

  async declare(what: Without<DeclareOptions>, options?: SendOptions): Promise<Absence> {
    return this.#reviews.absences.declare({ ...what, by: this.#principal }, options);
  }

  async cancel(id: string, what: Without<CancelOptions> = {}, options?: SendOptions): Promise<Absence> {
    return this.#reviews.absences.cancel(id, { ...what, by: this.#principal }, options);
  }

  list(which?: { readonly person?: string }): readonly Absence[] {
    return this.#reviews.absences.list(which);
  }
}

/** A program of the same name as a person must not sign for them. */
function userIn({ type, id, properties }: Principal): Reviewer {
  if (type === 'user') return { id, ...(properties !== undefined && { properties }) };
  throw new InvalidArgument('principal.type', `must be 'user': a ${type} decides no reviews`);
}
