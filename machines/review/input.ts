/**
 * What a review is born with: what is proposed, who may decide it, and what happens while nobody does.
 *
 * Everything that decides is in here, and so it is recorded. It is read once, at birth; what makes no sense is refused then.
 */
import { canonicalOf, NotJson } from '../values/canonical.ts';
import type { Json } from '../values/canonical.ts';
import { problemOfPointer } from '../values/json-pointer.ts';
import { OptionsCheck, whole } from '../options.ts';
import { problemOfWorkingTime, problemsOfCalendar } from '../working-time/calendar.ts';
import type { WorkingCalendar } from '../working-time/calendar.ts';

export interface ReviewInput {
  /** The question, for people. */
  readonly title: string;
  /** What is to be approved. */
  readonly proposal: Json;
  /** JSON pointers to the parts of the proposal that may be edited; default `false`: none. */
  readonly editable?: readonly string[] | false;
  /** Names the schema that an edited proposal must meet, for whoever checks it. */
  readonly schema?: string;
  /** Who may decide: at least one role. Whether somebody has it is for the decider to say. */
  readonly roles: readonly string[];
  /** How many different people must approve. Default 1. */
  readonly quorum?: number;
  /** Who has asked for what is reviewed. Must not decide it. */
  readonly initiator?: string;
  /** Who else must not decide: whoever has worked on it. */
  readonly fourEyes?: readonly string[];
  /** Whether whoever has started the run may decide it, where that is known. Default `refuse`. */
  readonly ownRuns?: OwnRuns;
  /** Whether somebody who has edited the proposal counts among those who approve it. Default `count`. */
  readonly ownEdits?: OwnEdits;
  /** For how long, in ms, somebody must have been shown it before they may approve. Default 0: they need not. */
  readonly dwellMs?: number;
  /**
   * It is wrong on purpose, to see whether reviewers notice. They are not told before it has ended; whoever has asked for it must
   * not do what it proposes.
   */
  readonly probe?: boolean;
  /** What happens while nobody decides, in the order of time. */
  readonly ladder?: readonly Rung[];
  /** How long it waits, in ms. Default: for ever. */
  readonly expiresAfterMs?: number;
  /** What happens then: it ends as `expired`, or goes on waiting and is overdue. It is never approved. Default `refuse`. */
  readonly onExpire?: OnExpire;
  /** How long it waits at most, in ms as the clock goes, whatever else is said of its time. Then it ends as `expired`. */
  readonly atMostMs?: number;
  /** In whose working time the ladder and `expiresAfterMs` are counted. Default: they are counted as the clock goes. */
  readonly calendar?: WorkingCalendar;
  /** What the decider and the reviewers are told besides: the tenant, an amount. */
  readonly about?: Readonly<Record<string, Json>>;
}

export type OwnRuns = 'refuse' | 'allow';
export type OwnEdits = 'count' | 'need-another';
export type OnExpire = 'refuse' | 'stay';

/** So long after the review was opened, in ms, everybody who may decide is reminded, or another role may decide too. */
export type Rung =
  | { readonly afterMs: number; readonly remind: true }
  | { readonly afterMs: number; readonly escalateTo: string };

/** A rung, or the end of the ladder. */
export type Step =
  | { readonly afterMs: number; readonly act: 'remind' | OnExpire }
  | { readonly afterMs: number; readonly act: 'escalate'; readonly to: string };

/** What happens while nobody decides, as whoever asks for a review has declared it. */
export type Patience = Pick<ReviewInput, 'ladder' | 'expiresAfterMs' | 'onExpire' | 'calendar'>;

/** What is proposed, in canonical JSON, must not be longer: it is part of a state. */
export const LONGEST_PROPOSAL = 1_048_576;

const NAMES: readonly (keyof ReviewInput)[] = [
  ...([
    'title',
    'proposal',
    'editable',
    'schema',
    'roles',
    'quorum',
    'initiator',
    'fourEyes',
    'ownRuns',
  ] as const),
  ...(['ownEdits', 'dwellMs', 'probe', 'ladder', 'expiresAfterMs', 'onExpire', 'atMostMs'] as const),
  ...(['calendar', 'about'] as const),
];

/** @throws OptionError naming what makes no sense */
export function checkReviewInput(input: unknown): asserts input is ReviewInput {
  const check = new OptionsCheck('review', input, NAMES);
  check.given('title', problemOfName);
  check.given('proposal', problemOfProposal);
  check.ifGiven('editable', problemOfEditable);
  check.ifGiven('schema', problemOfName);
  check.given('roles', (roles) => problemOfNames(roles, 1));
  check.ifGiven('quorum', whole(1).problem);
  check.ifGiven('initiator', problemOfName);
  check.ifGiven('fourEyes', (people) => problemOfNames(people, 0));
  check.ifGiven('ownRuns', oneOf('refuse', 'allow'));
  check.ifGiven('ownEdits', oneOf('count', 'need-another'));
  check.ifGiven('dwellMs', whole(0).problem);
  check.ifGiven('probe', (probe) => (typeof probe === 'boolean' ? undefined : 'must be true or false'));
  check.ifGiven('ladder', problemOfLadder);
  check.ifGiven('expiresAfterMs', whole(1).problem);
  check.ifGiven('atMostMs', whole(1).problem);
  check.ifGiven('onExpire', oneOf('refuse', 'stay'));
  check.ifGiven('calendar', problemOfCalendar);
  check.ifGiven('about', problemOfAbout);
  const { ladder = [], expiresAfterMs, onExpire, calendar } = input as ReviewInput;
  if (onExpire !== undefined && expiresAfterMs === undefined)
    check.fail('onExpire', 'says what happens when its time is over, and needs expiresAfterMs');
  if (expiresAfterMs !== undefined && (ladder.at(-1)?.afterMs ?? 0) > expiresAfterMs)
    check.fail('expiresAfterMs', 'must not be before the last rung of the ladder');
  if (calendar === undefined) return;
  const [last] = stepsOf(input as ReviewInput).slice(-1);
  const problem =
    last === undefined
      ? 'counts nothing: there is no ladder, and its time does not end'
      : problemOfWorkingTime(last.afterMs, calendar);
  if (problem !== undefined) check.fail('calendar', problem);
}

/** The ladder with its end. */
export function stepsOf({ ladder = [], expiresAfterMs, onExpire = 'refuse' }: ReviewInput): readonly Step[] {
  const rungs = ladder.map((rung): Step =>
    'escalateTo' in rung
      ? { afterMs: rung.afterMs, act: 'escalate', to: rung.escalateTo }
      : { afterMs: rung.afterMs, act: 'remind' },
  );
  return expiresAfterMs === undefined ? rungs : [...rungs, { afterMs: expiresAfterMs, act: onExpire }];
}

/** Those steps that are climbed by then, and its end. */
export function endedAt(steps: readonly Step[], atMostMs: number | undefined): readonly Step[] {
  if (atMostMs === undefined) return steps;
  const before = steps.filter(({ afterMs }) => afterMs < atMostMs);
  return before.at(-1)?.act === 'refuse' ? before : [...before, { afterMs: atMostMs, act: 'refuse' }];
}

function problemOfName(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? undefined : 'must be a text that is not empty';
}

function problemOfNames(value: unknown, least: number): string | undefined {
  const isFine =
    Array.isArray(value) && value.length >= least && value.every((name) => problemOfName(name) === undefined);
  return isFine ? undefined : `must be a list of ${least > 0 ? 'at least one name' : 'names'}`;
}

function oneOf(...known: readonly string[]) {
  return (value: unknown): string | undefined =>
    known.includes(value as string) ? undefined : `must be ${known.join(' or ')}`;
}

/** What is wrong with what people are to look at; undefined: nothing. */
export function problemOfProposal(value: unknown): string | undefined {
  try {
    return canonicalOf(value).length > LONGEST_PROPOSAL
      ? `must not be longer than ${LONGEST_PROPOSAL} characters of JSON: give a reference to it`
      : undefined;
  } catch (error) {
    if (error instanceof NotJson) return `must be JSON (${error.message})`;
    throw error;
  }
}

function problemOfEditable(value: unknown): string | undefined {
  if (value === false) return undefined;
  if (!Array.isArray(value)) return 'must be false, or a list of JSON pointers';
  const wrong = value.map(problemOfPointer).find((problem) => problem !== undefined);
  return wrong === undefined ? undefined : `has a pointer that ${wrong}`;
}

function problemOfCalendar(value: unknown): string | undefined {
  const [problem] = problemsOfCalendar(value);
  if (problem === undefined) return undefined;
  const { pointer, detail } = problem;
  return pointer === '' ? detail : `has something wrong at ${pointer}: ${detail}`;
}

function problemOfLadder(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a list of rungs';
  let before = 0;
  for (const [index, rung] of value.entries()) {
    const { afterMs, remind, escalateTo, ...others } = (rung ?? {}) as Record<string, unknown>;
    const isOne = (remind === true) !== (problemOfName(escalateTo) === undefined);
    if (!isOne || Object.keys(others).length > 0)
      return `[${index}] must be { afterMs, remind: true } or { afterMs, escalateTo: a role }`;
    const wrong = whole(1).problem(afterMs);
    if (wrong !== undefined) return `[${index}].afterMs ${wrong}`;
    if ((afterMs as number) < before) return `[${index}] must not come before the rung in front of it`;
    before = afterMs as number;
  }
  return undefined;
}

function problemOfAbout(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  return problemOfProposal(value);
}
