/**
 * The rules of a review: what becomes of each message, decided purely. They hold whoever permits what: nobody decides about their
 * own, or twice, or about what they have not seen; and an edit makes every approval before it void.
 */
import { canonicalOf } from '../values/canonical.ts';
import type { Json } from '../values/canonical.ts';
import { edited, EditRefused } from './edits.ts';
import type { Edit } from './edits.ts';
import { actionsOf, malformedField } from './events.ts';
import type {
  Bound,
  RefusedFor,
  ReviewAbort,
  ReviewApprove,
  ReviewDelegate,
  ReviewEdit,
  ReviewEvent,
  ReviewRefusal,
  ReviewReject,
  ReviewRequestInfo,
  ReviewShow,
  ReviewSupplyInfo,
  ReviewVerdict,
} from './events.ts';
import { LONGEST_PROPOSAL } from './input.ts';
import type { OwnEdits } from './input.ts';
import { sha256 } from '../values/sha256.ts';

/** What of a review the rules look at, and change. */
export interface ReviewFile {
  readonly title: string;
  /** What was proposed, and what it is now. */
  readonly original: Json;
  readonly content: Json;
  /** Of what is shown now: the title and the content. */
  readonly hash: string;
  readonly editable: readonly string[];
  /** What an edited proposal must meet; undefined: anything will do. */
  readonly schema: string | undefined;
  /** Those of the input, and those it was escalated to. */
  readonly roles: readonly string[];
  readonly quorum: number;
  /** Who must not decide. */
  readonly fourEyes: readonly string[];
  readonly ownEdits: OwnEdits;
  /** For how long it must have been shown to whoever approves it. */
  readonly dwellMs: number;
  /** Who was shown what, and when first; of each only the last they were shown. */
  readonly shown: readonly Showing[];
  readonly claim: Claim | undefined;
  readonly delegations: readonly Delegation[];
  readonly questions: readonly Question[];
  readonly comments: readonly Comment[];
  /** Those that count. */
  readonly approvals: readonly Approval[];
  /** Those that an edit has made void. */
  readonly voided: readonly VoidApproval[];
  readonly edits: readonly MadeEdit[];
  /** How it has ended. */
  readonly ending: Ending | undefined;
}

/** Somebody was shown it. */
export interface Showing {
  readonly by: string;
  readonly at: number;
  readonly hash: string;
}

/** Somebody has it. */
export interface Claim {
  readonly by: string;
  /** For whom they act: whoever has delegated it to them, first the first. */
  readonly for: readonly string[];
  readonly at: number;
}

export interface Delegation {
  readonly from: string;
  readonly to: string;
  readonly at: number;
  readonly reason?: string;
}

export interface Comment {
  readonly by: string;
  readonly at: number;
  readonly text: string;
}

export interface Question {
  /** From 1. */
  readonly number: number;
  readonly by: string;
  readonly at: number;
  readonly text: string;
  readonly answer?: Comment;
  /** Whoever has asked went on without an answer. */
  readonly isWithdrawn?: true;
}

/** What somebody has signed. */
interface Signed {
  readonly by: string;
  readonly for: readonly string[];
  readonly at: number;
  /** Of what they were shown, and how that is known. */
  readonly hash: string;
  readonly bound: Bound;
  /** How long they had it before them, where that is known. */
  readonly dwellMs?: number;
  /** How long they had claimed it, where they have. */
  readonly heldMs?: number;
  readonly reason?: string;
  /** Why they were permitted to. */
  readonly determining: readonly string[];
}

export type Approval = Signed;

export interface VoidApproval extends Approval {
  /** The hash of what took the place of what was approved. */
  readonly voidedBy: string;
}

export interface MadeEdit extends Signed {
  readonly edits: readonly Edit[];
  /** The hash of what it became. */
  readonly to: string;
}

export interface Ending {
  readonly verdict: ReviewVerdict;
  readonly at: number;
  /** Nobody, when its time was over, or so many have approved it. */
  readonly by?: string;
  /** For whom they acted. */
  readonly for?: readonly string[];
  /** Of what they were shown. */
  readonly hash?: string;
  /** How long they had claimed it, where they have. */
  readonly heldMs?: number;
  readonly reason?: string;
  readonly bound?: Bound;
  readonly determining?: readonly string[];
}

/** Nobody writes longer texts by hand. */
export const LONGEST_TEXT = 10_000;
/** How many comments, questions and so on a review keeps: they are part of a state. */
export const MOST_ENTRIES = 200;
/** All edits that it keeps together, in characters of JSON. */
const LONGEST_EDITS = 4 * LONGEST_PROPOSAL;
/** How many problems are told in words; the others are only in the list of them. */
const TOLD_PROBLEMS = 3;

/** What becomes of a message: what changes in the file, or why nothing does. */
export type Ruling =
  | { readonly isTaken: true; readonly changes: Partial<ReviewFile> }
  | ({ readonly isTaken: false } & RefusedFor);

/** The hash of what people are shown, and sign. */
export function hashShown(title: string, content: Json): string {
  return sha256(canonicalOf({ title, content }));
}

/** @param at what the clock says */
export function ruleOn(file: ReviewFile, event: ReviewEvent, at: number): Ruling {
  const malformed = malformedField(event);
  if (malformed !== undefined) return refused('malformed', `'${malformed}' is missing, or makes no sense`);
  return notPermitted(file, event) ?? tooLong(event) ?? rulingOn(file, event, at);
}

function rulingOn(file: ReviewFile, event: ReviewEvent, at: number): Ruling {
  switch (event.type) {
    case 'review.show':
      return stale(file, event) ?? full(file.shown) ?? shownTo(file, event, at);
    case 'review.claim':
      return mayNotHold(file, event.by) ?? takenByAnother(file, event.by) ?? claimed(file, event.by, at);
    case 'review.unclaim':
      return unclaimed(file, event.by);
    case 'review.delegate':
      return delegated(file, event, at);
    case 'review.request-info':
      // As long as nobody has answered, nobody else approves it.
      return notImpartial(file, event.by) ?? asked(file, event, at);
    case 'review.supply-info':
      return supplied(file, event, at);
    case 'review.comment':
      return (
        full(file.comments) ?? taken({ comments: [...file.comments, { by: event.by, at, text: event.text }] })
      );
    case 'review.approve':
      return mayNotDecide(file, event) ?? approved(file, event, at);
    case 'review.edit':
      return mayNotDecide(file, event) ?? changedContent(file, event, at);
    case 'review.reject':
      return mayNotDecide(file, event) ?? noReason(event) ?? ended(file, event, 'rejected', at);
    case 'review.abort':
      // Whoever has asked for it may take it back.
      return stale(file, event) ?? noReason(event) ?? ended(file, event, 'aborted', at);
  }
}

// ---- who may --------------------------------------------------------------------------------------------------------

function notPermitted(file: ReviewFile, event: ReviewEvent): Ruling | undefined {
  for (const action of actionsOf(event, file.claim?.by)) {
    const about = event.permissions.filter((permission) => permission.action === action);
    const denied = about.find(({ effect }) => effect !== 'permit');
    if (about.length > 0 && denied === undefined) continue;
    const why =
      denied?.reasons.join('; ') || (denied ? 'denied' : 'nobody has asked whether it is permitted');
    return refused('not-permitted', `${action}: ${why}`);
  }
  return undefined;
}

function mayNotDecide(file: ReviewFile, event: ReviewEvent): Ruling | undefined {
  return (
    notImpartial(file, event.by) ??
    takenByAnother(file, event.by) ??
    ('hash' in event ? stale(file, event) : undefined)
  );
}

function notImpartial(file: ReviewFile, person: string): Ruling | undefined {
  return file.fourEyes.includes(person)
    ? refused('four-eyes', `${person} has asked for it, or worked on it`)
    : undefined;
}

/** Whoever cannot approve it any more would only keep it from others. */
function mayNotHold(file: ReviewFile, person: string): Ruling | undefined {
  return notImpartial(file, person) ?? votedAlready(file, person);
}

/** Somebody and those they act for are one. */
function votedAlready({ approvals }: ReviewFile, person: string): Ruling | undefined {
  return approvals.some(({ by, for: acted }) => by === person || acted.includes(person))
    ? refused('already-voted', `${person} has approved it already`)
    : undefined;
}

function takenByAnother({ claim }: ReviewFile, person: string): Ruling | undefined {
  return claim === undefined || claim.by === person
    ? undefined
    : refused('claimed', `${claim.by} has it since ${new Date(claim.at).toISOString()}`);
}

function stale(file: ReviewFile, { hash }: { readonly hash: string }): Ruling | undefined {
  return hash === file.hash
    ? undefined
    : refused('stale', `it has changed since: what is shown now has the hash ${file.hash}`);
}

function noReason({ reason }: { readonly reason?: string | undefined }): Ruling | undefined {
  return reason === undefined || reason.trim() === '' ? refused('no-reason', 'say why') : undefined;
}

function tooLong(event: ReviewEvent): Ruling | undefined {
  const texts = [event.by];
  for (const name of ['reason', 'text', 'question', 'to', 'ask'] as const) {
    const text: unknown = name in event ? (event as unknown as Record<string, unknown>)[name] : undefined;
    if (typeof text === 'string') texts.push(text);
  }
  return texts.some((text) => text.length > LONGEST_TEXT)
    ? refused('too-large', `a text must not be longer than ${LONGEST_TEXT} characters`)
    : undefined;
}

function full(entries: readonly unknown[]): Ruling | undefined {
  return entries.length < MOST_ENTRIES
    ? undefined
    : refused('too-large', `there are ${MOST_ENTRIES} of them already`);
}

function tooSoon(file: ReviewFile, event: ReviewApprove | ReviewEdit, at: number): Ruling | undefined {
  return (dwellOf(file, event, at) ?? 0) < file.dwellMs
    ? refused('too-soon', `it must be shown to them for ${file.dwellMs} ms first`)
    : undefined;
}

/** How long somebody had before them what they decide about; undefined when nobody has recorded that they were shown it. */
function dwellOf({ shown }: ReviewFile, { by, hash }: ReviewApprove | ReviewEdit, at: number) {
  const showing = shown.find((entry) => entry.by === by && entry.hash === hash);
  // The clock may have been set.
  return showing && Math.max(0, at - showing.at);
}

// ---- what changes -----------------------------------------------------------------------------------------------------

function shownTo({ shown }: ReviewFile, { by, hash }: ReviewShow, at: number): Ruling {
  // Looking again does not begin anew.
  if (shown.some((entry) => entry.by === by && entry.hash === hash)) return taken({});
  return taken({ shown: [...shown.filter((entry) => entry.by !== by), { by, at, hash }] });
}

function claimed({ claim }: ReviewFile, by: string, at: number): Ruling {
  return taken({ claim: claim ?? { by, for: [], at } });
}

function unclaimed(file: ReviewFile, by: string): Ruling {
  if (file.claim === undefined) return refused('not-claimed', 'nobody has it');
  return (file.claim.by === by ? undefined : notImpartial(file, by)) ?? taken({ claim: undefined });
}

function delegated(file: ReviewFile, { by, to, reason }: ReviewDelegate, at: number): Ruling {
  if (by === to) return refused('malformed', "'to' must be somebody else");
  const refusal =
    mayNotHold(file, by) ?? mayNotHold(file, to) ?? takenByAnother(file, by) ?? full(file.delegations);
  if (refusal !== undefined) return refusal;
  const acting = [...(file.claim?.for ?? []), by];
  if (acting.includes(to)) return refused('malformed', `${to} has delegated it already`);
  const delegation = { from: by, to, at, ...given({ reason }) };
  return taken({ claim: { by: to, for: acting, at }, delegations: [...file.delegations, delegation] });
}

function asked({ questions }: ReviewFile, { by, question }: ReviewRequestInfo, at: number): Ruling {
  const next: Question = { number: questions.length + 1, by, at, text: question };
  return full(questions) ?? taken({ questions: [...questions, next] });
}

function supplied({ questions }: ReviewFile, { by, question, text }: ReviewSupplyInfo, at: number): Ruling {
  if (!questions.some(({ number, ...rest }) => number === question && isOpen(rest)))
    return refused('no-question', `there is no open question ${question}`);
  const answer = { by, at, text };
  return taken({
    questions: questions.map((entry) => (entry.number === question ? { ...entry, answer } : entry)),
  });
}

/** Whether a question waits for its answer. */
export const isOpen = ({ answer, isWithdrawn }: Pick<Question, 'answer' | 'isWithdrawn'>): boolean =>
  answer === undefined && isWithdrawn !== true;

function approved(file: ReviewFile, event: ReviewApprove | ReviewEdit, at: number): Ruling {
  const acting = actingFor(file, event);
  // Those they act for have not: whoever has delegated it cannot approve it, and whoever has approved it cannot delegate it.
  const refusal =
    votedAlready(file, event.by) ?? editedThemselves(file, event.by, acting) ?? tooSoon(file, event, at);
  if (refusal !== undefined) return refusal;
  const waiting = file.questions.find((question) => isOpen(question) && question.by !== event.by);
  if (waiting !== undefined)
    return refused('open-question', `${waiting.by} waits for an answer to question ${waiting.number}`);
  const approvals = [...file.approvals, { ...signed(file, event, at), hash: file.hash }];
  const quorum = quorumWith(file, event);
  return taken({
    ...{ approvals, quorum },
    // The next one may have it.
    claim: undefined,
    questions: file.questions.map((question) =>
      isOpen(question) ? { ...question, isWithdrawn: true } : question,
    ),
    ...(approvals.length >= quorum && { ending: { verdict: 'approved', at } }),
  });
}

/** Whoever is permitted on that condition cannot take it back. */
const quorumWith = ({ quorum }: ReviewFile, { permissions }: ReviewEvent): number =>
  Math.max(quorum, ...permissions.map((permission) => permission.quorum ?? 1));

function editedThemselves(
  { ownEdits, edits }: ReviewFile,
  by: string,
  acting: readonly string[],
): Ruling | undefined {
  if (ownEdits === 'count') return undefined;
  const editor = [by, ...acting].find((person) =>
    edits.some((edit) => edit.by === person || edit.for.includes(person)),
  );
  return editor === undefined
    ? undefined
    : refused('own-edit', `${editor} has edited it: another must approve`);
}

function changedContent(file: ReviewFile, event: ReviewEdit, at: number): Ruling {
  const content = contentAfter(file, event);
  if (content instanceof EditRefused)
    return refused(content.isForbidden ? 'not-editable' : 'invalid-edit', content.message);
  const unsound = breaksSchema(file, event);
  if (unsound !== undefined) return unsound;
  if (canonicalOf(content).length > LONGEST_PROPOSAL)
    return refused('too-large', `it would be longer than ${LONGEST_PROPOSAL} characters of JSON`);
  if (JSON.stringify([file.edits.map(({ edits }) => edits), event.edits]).length > LONGEST_EDITS)
    return refused('too-large', `all edits of it are longer than ${LONGEST_EDITS} characters of JSON`);
  const to = hashShown(file.title, content);
  if (to === file.hash) return refused('invalid-edit', 'it changes nothing');
  const refusal = full(file.edits) ?? full(file.voided);
  if (refusal !== undefined) return refusal;
  const changes = {
    content,
    hash: to,
    edits: [...file.edits, { ...signed(file, event, at), edits: event.edits, to }],
    approvals: [],
    quorum: quorumWith(file, event),
    voided: [...file.voided, ...file.approvals.map((approval) => ({ ...approval, voidedBy: to }))],
  };
  if (!event.approves) return taken(changes);
  const ruling = approved({ ...file, ...changes }, event, at);
  return ruling.isTaken ? taken({ ...changes, ...ruling.changes }) : ruling;
}

/** Whoever sends an edit has held what it becomes against the schema; what nobody has checked is not taken. */
function breaksSchema({ schema }: ReviewFile, { problems }: ReviewEdit): Ruling | undefined {
  if (schema !== undefined && problems === undefined)
    return refused('invalid', `nobody has checked it against the schema ${schema}`);
  if (problems === undefined || problems.length === 0) return undefined;
  const told = problems
    .slice(0, TOLD_PROBLEMS)
    .map(({ pointer, detail }) => `${pointer} ${detail}`)
    .join('; ');
  return { ...refused('invalid', `what it would become breaks its schema: ${told}`), problems };
}

/** What the content becomes with the edits of an event, or what is wrong with them. */
export function contentAfter(file: ReviewFile, { edits }: Pick<ReviewEdit, 'edits'>): Json | EditRefused {
  try {
    return edited(file.content, edits, file.editable);
  } catch (error) {
    if (error instanceof EditRefused) return error;
    throw error;
  }
}

function ended(
  file: ReviewFile,
  event: ReviewReject | ReviewAbort,
  verdict: ReviewVerdict,
  at: number,
): Ruling {
  const { by, hash, bound, reason } = event;
  const determining = determiningOf(event);
  const held = given({ heldMs: heldBy(file, by, at) });
  const acting = actingFor(file, event);
  return taken({ ending: { verdict, at, by, for: acting, hash, bound, ...held, reason, determining } });
}

/** Those who have handed it to whoever decides; and those who are away, for whom they stand in where these could decide themselves. */
function actingFor(
  file: ReviewFile,
  { by, standsInFor = [] }: { readonly by: string; readonly standsInFor?: readonly string[] | undefined },
): readonly string[] {
  const delegated = file.claim?.by === by ? file.claim.for : [];
  const others = standsInFor.filter(
    (person) => person !== by && !delegated.includes(person) && couldApprove(file, person),
  );
  return [...delegated, ...new Set(others)];
}

const couldApprove = (file: ReviewFile, person: string): boolean =>
  mayNotHold(file, person) === undefined && editedThemselves(file, person, []) === undefined;

const heldBy = ({ claim }: ReviewFile, by: string, at: number): number | undefined =>
  claim?.by === by ? Math.max(0, at - claim.at) : undefined;

function signed(file: ReviewFile, event: ReviewApprove | ReviewEdit, at: number): Signed {
  const { by, hash, bound, reason } = event;
  const acting = actingFor(file, event);
  const dwellMs = dwellOf(file, event, at);
  return {
    by,
    for: acting,
    at,
    hash,
    bound,
    ...given({ dwellMs, heldMs: heldBy(file, by, at), reason }),
    determining: determiningOf(event),
  };
}

function determiningOf({ permissions }: ReviewEvent): readonly string[] {
  return [...new Set(permissions.flatMap(({ determining }) => determining))];
}

/** Without what is undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const taken = (changes: Partial<ReviewFile>): Ruling => ({ isTaken: true, changes });
const refused = (reason: ReviewRefusal, detail: string) => ({ isTaken: false, reason, detail }) as const;
