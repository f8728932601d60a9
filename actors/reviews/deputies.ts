/**
 * What absences mean to a review: who does not decide it now, whose claim is none, and for whom whoever decides it stands in. Nobody
 * stands in for somebody who could not decide it, and nobody gains anything by it: deputies are asked for themselves, too.
 */
import type { ReviewEvent } from '../../machines/review/events.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import type { AccessRequest } from '../../runtime/index.ts';
import type { Absences } from './absences.ts';
import { release } from './claims.ts';
import { couldDecide, isOwnRun } from './eligible.ts';
import type { Sending } from './reserved.ts';
import { permissionFor, resourceOf } from './review-permission.ts';
import type { InRun, Obligations, ReviewDecider, Reviewer } from './review-permission.ts';

/** What nobody does who is away: they decide nothing, and keep nobody from it. They may look, comment, and answer. */
const OF_THE_PRESENT: ReadonlySet<string> = new Set([
  ...['review.claim', 'review.unclaim-other', 'review.delegate', 'review.request-info'],
  ...['review.approve', 'review.reject', 'review.edit', 'review.abort'],
]);

/** A review whose id and context are known, with who has started its run. */
interface Subject {
  readonly id: string;
  readonly context: InRun;
}

export class Deputies {
  readonly #system: Sending;
  readonly #absences: Absences;
  readonly #decider: ReviewDecider;
  readonly #obligations: Obligations;

  constructor(
    system: Sending,
    absences: Absences,
    decider: ReviewDecider & { readonly obligations?: Obligations },
  ) {
    this.#system = system;
    this.#absences = absences;
    this.#decider = decider;
    this.#obligations = decider.obligations ?? {};
  }

  /** Why somebody does not do something who is away; undefined where that makes no difference. */
  absentFrom(action: string, event: ReviewEvent, { initiator, starters = [] }: InRun): string | undefined {
    if (!OF_THE_PRESENT.has(action)) return undefined;
    // What somebody has asked for they take back from wherever they are.
    if (action === 'review.abort' && [initiator, ...starters].includes(event.by)) return undefined;
    const people = event.type === 'review.delegate' ? [event.by, event.to] : [event.by];
    const absence = people.map((person) => this.#absences.of(person)).find((found) => found !== undefined);
    if (absence === undefined) return undefined;
    const { person, id, until } = absence;
    return `${person} is away until ${new Date(until).toISOString()}: cancel that first (absence ${id})`;
  }

  /** Whether somebody could still decide it, permissions aside. What somebody has claimed who is away, nobody has. */
  couldDecide(review: Parameters<typeof couldDecide>[0], person: string): boolean {
    if (this.#absences.of(person) !== undefined) return false;
    const { claim } = review;
    const isLost = claim !== undefined && this.#absences.of(claim.by) !== undefined;
    return couldDecide(isLost ? { ...review, claim: undefined } : review, person);
  }

  /** Those who are away, may decide it, and for whom somebody stands in. */
  async standsInFor(review: Subject, deputy: string): Promise<readonly string[]> {
    const away = this.#absences
      .standsInFor(deputy)
      .filter((person) => couldDecide({ ...review.context, claim: undefined }, person));
    const entitled = await Promise.all(away.map((person) => this.#isEntitled(review, person)));
    return away.filter((_, index) => entitled[index]);
  }

  /** Whether it is for somebody to decide because others are away. */
  async isOfferedTo(review: Subject, deputy: string): Promise<boolean> {
    const absent = await this.standsInFor(review, deputy);
    return absent.length > 0 && this.#isEntitled(review, deputy, absent);
  }

  /**
   * Lets go of it where somebody has it who is away, and another wants something of it. The roster has done so, unless it was claimed
   * at the very moment at which they went.
   */
  async letGo(
    ref: { getSnapshot(): { readonly status: string; readonly context: ReviewContext } },
    { id }: Reviewer,
  ): Promise<void> {
    const { status, context } = ref.getSnapshot();
    const person = context.claim?.by;
    const absence = person === undefined ? undefined : this.#absences.of(person);
    if (status !== 'active' || person === undefined || absence === undefined || person === id) return;
    const standIn = this.#absences.standInOf(person);
    await release(this.#system, ref, {
      person,
      absence: absence.id,
      ...(standIn !== undefined && { standIn }),
    });
  }

  /** Whether the decider says that somebody may approve it, whatever it would have to know besides. */
  async #isEntitled(
    { id, context }: Subject,
    person: string,
    standsInFor: readonly string[] = [],
  ): Promise<boolean> {
    if (isOwnRun(context, { id: person })) return false;
    const question = approvalOf(id, context, standsInFor);
    const people = await this.#decider.list?.(question);
    if (people?.some(({ principal: { type, id: one } }) => type === 'user' && one === person)) return true;
    const request = { principal: { type: 'user', id: person }, ...question };
    return (await permissionFor(this.#decider, this.#obligations, request)).effect === 'permit';
  }
}

/** What the decider is told of deputies; also where there are none: what is missing cannot be told, and forbids. */
export const deputising = (standsInFor: readonly string[] = []) => ({
  isDeputy: standsInFor.length > 0,
  standsInFor,
});

/** Whether somebody might approve a review, who would say why. */
export const approvalOf = (
  id: string,
  context: InRun,
  standsInFor?: readonly string[],
): Omit<AccessRequest, 'principal'> => ({
  action: { name: 'review.approve' },
  resource: resourceOf(id, context),
  context: { hash: context.hash, hasReason: true, ...deputising(standsInFor) },
});
