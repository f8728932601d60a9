/**
 * What is asked of the decider before anything happens to a review, and how its answer travels: with the message, so that it is
 * recorded before anything follows from it.
 *
 * It fails closed: an error, an answer that makes no sense or that nothing has determined, and an obligation that nobody meets are
 * refusals. Those are sent to the review as well, and recorded there.
 */
import type { Permission } from '../machines/review-events.ts';
import type { ReviewContext } from '../machines/review.ts';

/** Who decides about a review, as the decider is told. */
export interface Reviewer {
  readonly id: string;
  /** What is known of them from their login, and the decider may ask for: roles, when they have last proven who they are. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** The words of AuthZEN, as everywhere in the house. */
export interface ReviewRequest {
  readonly principal: Reviewer & { readonly type: 'user' };
  readonly action: { readonly name: string };
  readonly resource: ReviewResource;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface ReviewResource {
  readonly type: 'review';
  /** Its address. */
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface ReviewDecision {
  readonly effect: 'permit' | 'deny';
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
  readonly obligations?: readonly ReviewObligation[];
}

/** What must be done besides, or it is not permitted. */
export interface ReviewObligation {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Somebody who may do something, as far as can be told beforehand. */
export interface EntitledReviewer {
  readonly principal: { readonly type: string; readonly id: string };
  readonly determining: readonly string[];
  /** What would have to be known besides. */
  readonly depends: readonly string[];
}

/** Decides about permissions. `system.authority` is one, with its `permit` as `decide`. */
export interface ReviewDecider {
  /** @param options.meets the types of the obligations that will be met */
  decide(
    request: ReviewRequest,
    options: { readonly meets: readonly string[] },
  ): ReviewDecision | PromiseLike<ReviewDecision>;
  /** Who may; undefined when it cannot say. */
  list?(
    request: Omit<ReviewRequest, 'principal'>,
  ): readonly EntitledReviewer[] | undefined | PromiseLike<readonly EntitledReviewer[] | undefined>;
}

/** Meets an obligation: does what it asks for, or says why not. By its type. */
export type Obligations = Readonly<
  Record<
    string,
    (
      obligation: ReviewObligation,
      request: ReviewRequest,
    ) => string | undefined | PromiseLike<string | undefined>
  >
>;

/** Asks whether somebody may do something with a review. Never rejects. */
export async function permissionFor(
  decider: ReviewDecider,
  obligations: Obligations,
  request: ReviewRequest,
): Promise<Permission> {
  const action = request.action.name;
  try {
    const {
      effect,
      determining,
      reasons,
      obligations: owed = [],
    } = await decider.decide(request, {
      meets: Object.keys(obligations),
    });
    if (!areTexts(determining) || !areTexts(reasons) || !Array.isArray(owed))
      return denied(action, 'the answer of the decider makes no sense');
    if (effect !== 'permit') return { action, effect: 'deny', determining, reasons };
    if (determining.length === 0) return denied(action, 'nothing has determined that it is permitted');
    for (const obligation of owed) {
      const unmet = await whyUnmet(obligations, obligation, request);
      if (unmet !== undefined) return { action, effect: 'deny', determining, reasons: [...reasons, unmet] };
    }
    const met = owed.map(({ type }) => type);
    return { action, effect, determining, reasons, ...(met.length > 0 && { met }) };
  } catch (error) {
    return denied(
      action,
      `the decider has failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function whyUnmet(
  obligations: Obligations,
  obligation: ReviewObligation,
  request: ReviewRequest,
): Promise<string | undefined> {
  const { type } = obligation;
  const meet = Object.hasOwn(obligations, type) ? obligations[type] : undefined;
  if (meet === undefined) return `nobody here can meet the obligation '${type}'`;
  const unmet = await meet(obligation, request);
  return unmet === undefined ? undefined : `the obligation '${type}' is not met: ${unmet}`;
}

const denied = (action: string, reason: string): Permission => ({
  action,
  effect: 'deny',
  determining: [],
  reasons: [reason],
});

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** A review, as the decider sees it. */
export function resourceOf(address: string, context: ReviewContext): ReviewResource {
  const { roles, initiator, fourEyes, quorum, approvals, claim, isOverdue, about } = context;
  return {
    type: 'review',
    id: address,
    properties: {
      // First: it must not take the place of what the review says of itself.
      ...about,
      ...{ roles, fourEyes, quorum, isOverdue, workflow: workflowOf(address), run: runOf(address) },
      approvedBy: approvals.map(({ by }) => by),
      ...(initiator !== undefined && { initiator }),
      ...(claim !== undefined && { claimedBy: claim.by, delegatedBy: claim.for }),
    },
  };
}

/** The name of what the review belongs to: the first part of its address. */
export function workflowOf(address: string): string {
  return segments(address)[0]!;
}

/** The root actor that the review belongs to; the review itself where it is one. */
export function runOf(address: string): string {
  return address.split('/', 2).join('/');
}

/** What an actor below another is, as seen from there: the id of the child by which one comes to it; '' for the actor itself. */
export function branchTo(address: string, from: string): string {
  return segments(address.slice(from.length + 1))[0]!;
}

function segments(address: string): readonly string[] {
  return address.split('/').map((part) => part.replaceAll('%2F', '/').replaceAll('%25', '%'));
}
