/**
 * What is asked of the decider before anything happens to a review, and how its answer travels: with the message, so that it is
 * recorded before anything follows from it.
 *
 * It fails closed: an error, an answer that makes no sense or that nothing has determined, and an obligation that nobody meets are
 * refusals. Those are sent to the review as well, and recorded there.
 */
import { rootOf, segmentsOf } from '../../machines/here.ts';
import type { Permission } from '../../machines/review/events.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import type { AccessRequest, Decision, Entitled, Obligation, Resource } from '../../runtime/index.ts';
import { besides } from '../workflow/about.ts';

/** Who decides about a review, as the decider is told. */
export interface Reviewer {
  readonly id: string;
  /** What is known of them from their login, and the decider may ask for: roles, when they have last proven who they are. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/**
 * Decides about permissions. With that of the system:
 * `{ decide: (...asked) => system.authority.permit(...asked), list: (asked) => system.authority.list(asked) }`.
 */
export interface ReviewDecider {
  /** @param options.meets the types of the obligations that will be met */
  decide(
    request: AccessRequest,
    options: { readonly meets: readonly string[] },
  ): Answer | PromiseLike<Answer>;
  /** Who may; undefined when it cannot say. */
  list?(request: Omit<AccessRequest, 'principal'>): Listed | PromiseLike<Listed>;
}

/** Obligations may be left out where there are none. */
type Answer = Omit<Decision, 'obligations'> & Partial<Pick<Decision, 'obligations'>>;
type Listed = readonly Entitled[] | undefined;

/** Meets an obligation: does what it asks for, or says why not. By its type. */
export type Obligations = Readonly<
  Record<string, (obligation: Obligation, request: AccessRequest) => Meeting | PromiseLike<Meeting>>
>;

/** Why it is not met; undefined when it is; or what the review itself must hold to for it. */
export type Meeting = string | undefined | { readonly quorum: number };

/**
 * Those that every system meets: `{ type: 'reason' }`, they must say why; `{ type: 'second-approver' }`, so many different people must
 * approve, `{ quorum }` or two.
 */
export const REVIEW_OBLIGATIONS: Obligations = {
  reason: (_, { context }) => (context?.['hasReason'] === true ? undefined : 'say why'),
  'second-approver': ({ quorum = 2 }) =>
    Number.isSafeInteger(quorum) && (quorum as number) > 1
      ? { quorum: quorum as number }
      : 'its quorum must be a whole number from 2 on',
};

/** Asks whether somebody may do something with a review. Never rejects. */
export async function permissionFor(
  decider: ReviewDecider,
  obligations: Obligations,
  request: AccessRequest,
): Promise<Permission> {
  const action = request.action.name;
  try {
    const meets = Object.keys(obligations);
    const answer = await decider.decide(request, { meets });
    const { effect, determining, reasons, obligations: owed = [] } = answer;
    if (!areTexts(determining) || !areTexts(reasons) || !Array.isArray(owed))
      return denied(action, 'the answer of the decider makes no sense');
    if (effect !== 'permit') return { action, effect: 'deny', determining, reasons };
    if (determining.length === 0) return denied(action, 'nothing has determined that it is permitted');
    let quorum = 1;
    for (const obligation of owed) {
      const meeting = await meetingOf(obligations, obligation, request);
      if (typeof meeting === 'string')
        return { action, effect: 'deny', determining, reasons: [...reasons, meeting] };
      quorum = Math.max(quorum, meeting?.quorum ?? 1);
    }
    const met = owed.map(({ type }) => type);
    return {
      ...{ action, effect, determining, reasons },
      ...(met.length > 0 && { met }),
      ...(quorum > 1 && { quorum }),
    };
  } catch (error) {
    return denied(
      action,
      `the decider has failed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function meetingOf(
  obligations: Obligations,
  obligation: Obligation,
  request: AccessRequest,
): Promise<Meeting> {
  const { type } = obligation;
  const meet = Object.hasOwn(obligations, type) ? obligations[type] : undefined;
  if (meet === undefined) return `nobody here can meet the obligation '${type}'`;
  const meeting = await meet(obligation, request);
  return typeof meeting === 'string' ? `the obligation '${type}' is not met: ${meeting}` : meeting;
}

/** A refusal that nobody had to be asked for. */
export const denied = (action: string, reason: string): Permission => ({
  action,
  effect: 'deny',
  determining: [],
  reasons: [reason],
});

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** What a review says of itself, which nothing in its `about` can say for it. */
const OF_THE_HOUSE: ReadonlySet<string> = new Set([
  ...['roles', 'initiator', 'ownRuns', 'fourEyes', 'quorum', 'approvedBy', 'claimedBy', 'delegatedBy'],
  ...['isOverdue', 'workflow', 'run'],
]);

/** A review, with what the house knows of its run besides: who has started it, whoever is said to have asked for the review. */
export type InRun<TContext = ReviewContext> = TContext & { readonly starters?: readonly string[] };

/** A review, as the decider sees it. */
export function resourceOf(address: string, context: InRun): Resource {
  const { starters = [] } = context;
  const { initiator = starters.length > 1 ? starters : starters[0] } = context;
  const { roles, ownRuns, fourEyes, quorum, approvals, claim, isOverdue, about } = context;
  return {
    type: 'review',
    id: address,
    properties: {
      ...besides(about, OF_THE_HOUSE),
      ...{ roles, ownRuns, fourEyes, quorum, isOverdue, workflow: workflowOf(address), run: runOf(address) },
      approvedBy: approvals.map(({ by }) => by),
      ...(initiator !== undefined && { initiator }),
      ...(claim !== undefined && { claimedBy: claim.by, delegatedBy: claim.for }),
    },
  };
}

/** The name of what the review belongs to: the first part of its address. */
export function workflowOf(address: string): string {
  return segmentsOf(address)[0]!;
}

/** The root actor that the review belongs to; the review itself where it is one. */
export function runOf(address: string): string {
  return rootOf(address);
}
