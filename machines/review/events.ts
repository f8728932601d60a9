/**
 * The words in which a review is spoken to, and those in which it answers.
 *
 *     caller                                                review
 *       │ review.approve { by, permissions, hash, reason } ──► │
 *       │          ◄── its state: answer { ask, isTaken, … }   │  and emitted: review.taken, or review.refused
 *
 * Who may do something is not for the review to know: somebody has asked the decider, and what that said comes with the event. So
 * it is recorded before anything follows from it, and an event without it is refused. `actions` says what must be permitted.
 *
 * This file owns the messages. It decides nothing but whether a message is one.
 */
import type { Edit } from './edits.ts';
import type { ValueProblem } from '../faults/fault.ts';

/** What the decider has said about one action. */
export interface Permission {
  /** `review.approve` */
  readonly action: string;
  readonly effect: 'permit' | 'deny';
  /** The ids of the rules it follows from. */
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
  /** The obligations that were met for it. */
  readonly met?: readonly string[];
  /** How many different people must approve at least, if it is to be approved under this. */
  readonly quorum?: number;
}

interface FromPerson {
  /** Who it is, as the decider knows them. */
  readonly by: string;
  readonly permissions: readonly Permission[];
  /** Names the request, so that whoever has made it finds the answer to it. */
  readonly ask?: string | undefined;
}

interface Decision extends FromPerson {
  /** Those who are away, could decide it, and for whom they stand in. */
  readonly standsInFor?: readonly string[] | undefined;
  /** The hash of what they were shown. */
  readonly hash: string;
  /** Whether they were shown it, or somebody has taken what was current. */
  readonly bound: Bound;
}

export type Bound = 'shown' | 'server';

/** Somebody is shown what it is now. What they decide later says how long they had it before them. */
export interface ReviewShow extends FromPerson {
  readonly type: 'review.show';
  readonly hash: string;
}

/** Takes it: nobody else decides meanwhile. */
export interface ReviewClaim extends FromPerson {
  readonly type: 'review.claim';
}

/** Gives it back, or takes it from whoever has it. */
export interface ReviewUnclaim extends FromPerson {
  readonly type: 'review.unclaim';
}

/** Gives it to somebody, who acts for them. */
export interface ReviewDelegate extends FromPerson {
  readonly type: 'review.delegate';
  readonly to: string;
  readonly reason?: string | undefined;
}

/** Asks for information. Until that is there nobody else approves. */
export interface ReviewRequestInfo extends FromPerson {
  readonly type: 'review.request-info';
  readonly question: string;
}

/** Answers a question. */
export interface ReviewSupplyInfo extends FromPerson {
  readonly type: 'review.supply-info';
  /** The number of the question, from 1. */
  readonly question: number;
  readonly text: string;
}

export interface ReviewComment extends FromPerson {
  readonly type: 'review.comment';
  readonly text: string;
}

export interface ReviewApprove extends Decision {
  readonly type: 'review.approve';
  readonly reason?: string | undefined;
}

export interface ReviewReject extends Decision {
  readonly type: 'review.reject';
  readonly reason: string;
}

/** Changes what is proposed. Approvals of what it was before do not count any more. */
export interface ReviewEdit extends Decision {
  readonly type: 'review.edit';
  readonly edits: readonly Edit[];
  /** Whether they approve what it becomes. */
  readonly approves: boolean;
  /** What is wrong with what it becomes, by the schema of the review; undefined when nobody has checked that. */
  readonly problems?: readonly ValueProblem[] | undefined;
  readonly reason?: string | undefined;
}

/** Ends it, and what waits for it. */
export interface ReviewAbort extends Decision {
  readonly type: 'review.abort';
  readonly reason: string;
}

/**
 * Whoever has it is away: others may decide. It comes from nobody who would have to be permitted it, but from the system, which has
 * it on record that they are; from others' claims it takes nothing.
 */
export interface ReviewRelease {
  readonly type: 'review.release';
  /** Who is away. */
  readonly from: string;
  /** Who stands in for them. */
  readonly to?: string | undefined;
  /** The id of the absence. */
  readonly absence: string;
}

/** What people say to it. */
export type ReviewEvent =
  | ReviewShow
  | ReviewClaim
  | ReviewUnclaim
  | ReviewDelegate
  | ReviewRequestInfo
  | ReviewSupplyInfo
  | ReviewComment
  | ReviewApprove
  | ReviewReject
  | ReviewEdit
  | ReviewAbort;

/** What must be permitted for an event; who has claimed the review tells what an `unclaim` is. */
export function actionsOf(event: ReviewEvent, claimedBy: string | undefined): readonly string[] {
  switch (event.type) {
    case 'review.unclaim':
      return [claimedBy === event.by ? 'review.unclaim' : 'review.unclaim-other'];
    case 'review.edit':
      return event.approves ? ['review.edit', 'review.approve'] : ['review.edit'];
    default:
      return [event.type];
  }
}

/** On disk, and in users' code: never change one. */
export type ReviewRefusal =
  /** It is no message that makes sense. */
  | 'malformed'
  /** The decider has denied it, or nobody has asked it. */
  | 'not-permitted'
  /** They have asked for the review, or worked on what is reviewed. */
  | 'four-eyes'
  /** They, or somebody for them, have approved it already. */
  | 'already-voted'
  /** They have edited it, and another must approve that. */
  | 'own-edit'
  /** Somebody else has it. */
  | 'claimed'
  /** Nobody has it. */
  | 'not-claimed'
  /** It is not any more what they were shown. */
  | 'stale'
  /** They have not had it before them for as long as it takes to read it. */
  | 'too-soon'
  /** Somebody waits for information. */
  | 'open-question'
  /** There is no open question of that number. */
  | 'no-question'
  /** It must have a reason. */
  | 'no-reason'
  /** That part may not be edited. */
  | 'not-editable'
  /** The edit cannot be made, or changes nothing. */
  | 'invalid-edit'
  /** What it would become breaks its schema. */
  | 'invalid'
  /** A text, or what it would become, is too long; or there are too many of them. */
  | 'too-large'
  /** It has ended. */
  | 'decided';

/** Why a message was refused. */
export interface RefusedFor {
  readonly reason: ReviewRefusal;
  /** For people. */
  readonly detail: string;
  /** What is wrong with what an edit would have made. */
  readonly problems?: readonly ValueProblem[];
}

interface Answered {
  readonly ask: string | undefined;
  /** The hash of what was asked for; undefined: it is no JSON. */
  readonly request: string | undefined;
  readonly type: ReviewEvent['type'];
  readonly by: string;
  readonly at: number;
  /** Of what the proposal is now. */
  readonly hash: string;
}

/** What became of the last message. */
export type ReviewAnswer = Answered &
  ({ readonly isTaken: true } | ({ readonly isTaken: false } & RefusedFor));

export type ReviewVerdict = 'approved' | 'rejected' | 'aborted' | 'expired';

/** What it tells the world. Whoever reminds people listens to these. */
export type ReviewNews =
  | { readonly type: 'review.opened'; readonly title: string; readonly roles: readonly string[] }
  | { readonly type: 'review.reminded'; readonly roles: readonly string[]; readonly claimedBy?: string }
  | { readonly type: 'review.escalated'; readonly to: string; readonly roles: readonly string[] }
  | { readonly type: 'review.overdue'; readonly roles: readonly string[] }
  | {
      readonly type: 'review.released';
      readonly from: string;
      readonly to?: string;
      readonly roles: readonly string[];
    }
  | { readonly type: 'review.taken'; readonly what: ReviewEvent['type']; readonly by: string }
  | {
      readonly type: 'review.refused';
      readonly what: ReviewEvent['type'];
      readonly by: string;
      readonly reason: ReviewRefusal;
    }
  | { readonly type: 'review.decided'; readonly verdict: ReviewVerdict };

// ---- whether a message is one ------------------------------------------------------------------------------------

type Field = (value: unknown) => boolean;

const isText: Field = (value) => typeof value === 'string';
const isName: Field = (value) => typeof value === 'string' && value.trim() !== '';
const isGivenText: Field = (value) => value === undefined || isText(value);

const PERSON = { by: isName, permissions: isPermissions, ask: isGivenText };
const DECISION = {
  ...PERSON,
  hash: isText,
  bound: (value: unknown) => value === 'shown' || value === 'server',
  standsInFor: (value: unknown) => value === undefined || (Array.isArray(value) && value.every(isName)),
};

const FIELDS: Readonly<Record<ReviewEvent['type'], Readonly<Record<string, Field>>>> = {
  'review.show': { ...PERSON, hash: isText },
  'review.claim': PERSON,
  'review.unclaim': PERSON,
  'review.delegate': { ...PERSON, to: isName, reason: isGivenText },
  'review.request-info': { ...PERSON, question: isName },
  'review.supply-info': { ...PERSON, question: Number.isSafeInteger, text: isName },
  'review.comment': { ...PERSON, text: isName },
  'review.approve': { ...DECISION, reason: isGivenText },
  'review.reject': { ...DECISION, reason: isGivenText },
  'review.edit': {
    ...DECISION,
    edits: Array.isArray,
    approves: (value) => typeof value === 'boolean',
    problems: (value) => value === undefined || (Array.isArray(value) && value.every(isProblem)),
    reason: isGivenText,
  },
  'review.abort': { ...DECISION, reason: isGivenText },
};

/** Which field of a message makes no sense; undefined when all do. */
export function malformedField(event: ReviewEvent): string | undefined {
  const given = event as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(FIELDS[event.type]).find(([name, isFine]) => !isFine(given[name]))?.[0];
}

function isProblem(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { pointer, detail } = value as Record<string, unknown>;
  return isText(pointer) && isText(detail);
}

function isPermissions(value: unknown): boolean {
  return Array.isArray(value) && value.every(isPermission);
}

function isPermission(value: unknown): value is Permission {
  if (typeof value !== 'object' || value === null) return false;
  const { action, effect, determining, reasons, quorum = 1 } = value as Record<string, unknown>;
  const areTexts = [determining, reasons].every((texts) => Array.isArray(texts) && texts.every(isText));
  const isEffect = effect === 'permit' || effect === 'deny';
  return isText(action) && isEffect && areTexts && Number.isSafeInteger(quorum) && (quorum as number) > 0;
}
