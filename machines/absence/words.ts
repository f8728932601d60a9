/**
 * The words in which the roster of absences is spoken to, and those in which it answers.
 *
 *     caller                                                        roster
 *       │ absence.declare { person, from, until, deputy, by, … } ──► │
 *       │            ◄── its state: answer { ask, isTaken, … }       │  and emitted: absence.declared, or absence.refused
 *
 * As with reviews, somebody has asked the decider before, and what that said comes with the event.
 */
import type { Permission } from '../review/events.ts';

/** Somebody does not decide for a while. */
export interface Absence {
  /** Names it, as long as the roster knows of it: `7`. */
  readonly id: string;
  readonly person: string;
  /** In milliseconds since the epoch: from then on, and before. */
  readonly from: number;
  readonly until: number;
  /** Who stands in for them meanwhile. Without one, others decide, or the ladders of reviews go on. */
  readonly deputy?: string;
  readonly reason?: string;
  /** Who has said so, and when. */
  readonly by: Speaker;
  readonly at: number;
  /** Whether it has begun. */
  readonly isAway: boolean;
}

/** Who says something, as the decider knows them. */
export interface Speaker {
  readonly type: string;
  readonly id: string;
}

interface Said {
  readonly by: Speaker;
  readonly permissions: readonly Permission[];
  /** Names the request, so that whoever has made it finds the answer to it. */
  readonly ask?: string | undefined;
  readonly reason?: string | undefined;
}

export interface AbsenceDeclare extends Said {
  readonly type: 'absence.declare';
  readonly person: string;
  /** Default: from now on. */
  readonly from?: number | undefined;
  readonly until: number;
  readonly deputy?: string | undefined;
}

/** Ends it before its time, or before it has begun. */
export interface AbsenceCancel extends Said {
  readonly type: 'absence.cancel';
  /** Its id. */
  readonly absence: string;
}

export type AbsenceEvent = AbsenceDeclare | AbsenceCancel;

/** On disk, and in users' code: never change one. */
export type AbsenceRefusal =
  /** It is no message that makes sense. */
  | 'malformed'
  /** The decider has denied it, or nobody has asked it. */
  | 'not-permitted'
  /** It would be over already. */
  | 'over'
  /** Nobody is away for so long. */
  | 'too-long'
  /** They are away already at that time. */
  | 'overlaps'
  /** Somebody would stand in for themselves, by way of others. */
  | 'circle'
  /** Too many would stand in for one another. */
  | 'chain'
  /** There are too many of them, or a text is too long. */
  | 'too-large'
  /** There is no such absence, or it is over. */
  | 'unknown';

export interface AbsenceRefusedFor {
  readonly reason: AbsenceRefusal;
  /** For people. */
  readonly detail: string;
}

/** What became of the last message. */
export type AbsenceAnswer = {
  readonly ask: string | undefined;
  /** The hash of what was asked for; undefined: it is no JSON. */
  readonly request: string | undefined;
  readonly type: AbsenceEvent['type'];
  readonly by: Speaker;
} & (
  { readonly isTaken: true; readonly absence: Absence } | ({ readonly isTaken: false } & AbsenceRefusedFor)
);

interface Told {
  readonly person: string;
  readonly until: number;
  readonly deputy?: string;
}

/** What it tells the world. */
export type AbsenceNews =
  | ({ readonly type: 'absence.declared'; readonly from: number } & Told)
  | ({ readonly type: 'absence.began' } & Told)
  /** Its time is over; or somebody has ended it before. */
  | { readonly type: 'absence.ended'; readonly person: string; readonly by?: Speaker }
  | { readonly type: 'absence.cancelled'; readonly person: string; readonly by: Speaker }
  | {
      readonly type: 'absence.refused';
      readonly what: AbsenceEvent['type'];
      readonly reason: AbsenceRefusal;
    };

// ---- whether a message is one ------------------------------------------------------------------------------------

type Field = (value: unknown) => boolean;

const isName: Field = (value) => typeof value === 'string' && value.trim() !== '';
const isTime: Field = (value) => Number.isSafeInteger(value);
const ifGiven =
  (field: Field): Field =>
  (value) =>
    value === undefined || field(value);

const SAID = { by: isSpeaker, permissions: Array.isArray, ask: ifGiven(isName), reason: ifGiven(isName) };
const FIELDS: Readonly<Record<AbsenceEvent['type'], Readonly<Record<string, Field>>>> = {
  'absence.declare': {
    ...SAID,
    person: isName,
    from: ifGiven(isTime),
    until: isTime,
    deputy: ifGiven(isName),
  },
  'absence.cancel': { ...SAID, absence: isName },
};

/** Which field of a message makes no sense; undefined when all do. */
export function malformedField(event: AbsenceEvent): string | undefined {
  const given = event as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(FIELDS[event.type]).find(([name, isFine]) => !isFine(given[name]))?.[0];
}

function isSpeaker(value: unknown): boolean {
  const { type, id } = (value ?? {}) as Partial<Speaker>;
  return isName(type) && isName(id);
}
