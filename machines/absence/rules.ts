/**
 * The rules of absences, decided purely: what may be declared beside what stands, and who stands in for whom. Nobody stands in for
 * themselves, however many are between; and nobody for so many that nobody can say any more whose vote it was.
 */
import { malformedField } from './words.ts';
import type {
  Absence,
  AbsenceCancel,
  AbsenceDeclare,
  AbsenceEvent,
  AbsenceRefusal,
  AbsenceRefusedFor,
} from './words.ts';

/** What becomes of a message. */
export type AbsenceRuling =
  | { readonly isTaken: true; readonly absence: Absence; readonly absences: readonly Absence[] }
  | ({ readonly isTaken: false } & AbsenceRefusedFor);

export interface Roster {
  /** Those that are not over. */
  readonly absences: readonly Absence[];
  /** How many there ever were. */
  readonly count: number;
}

/** Who is longer away should give the role to somebody else. */
const LONGEST_MS = 366 * 86_400_000;
/** How many may stand in for one another, one after the other. */
const LONGEST_CHAIN = 3;
const MOST_ABSENCES = 2000;
const LONGEST_TEXT = 1000;

/** @param at what the clock says */
export function rulingOn(roster: Roster, event: AbsenceEvent, at: number): AbsenceRuling {
  const malformed = malformedField(event);
  if (malformed !== undefined) return refused('malformed', `'${malformed}' is missing, or makes no sense`);
  const refusal = notPermitted(event) ?? tooLarge(event);
  if (refusal !== undefined) return refusal;
  return event.type === 'absence.declare' ? declared(roster, event, at) : cancelled(roster, event);
}

function notPermitted({ type, permissions }: AbsenceEvent): AbsenceRuling | undefined {
  const about = permissions.filter(({ action }) => action === type);
  const denied = about.find(({ effect }) => effect !== 'permit');
  if (about.length > 0 && denied === undefined) return undefined;
  const why = denied?.reasons.join('; ') || (denied ? 'denied' : 'nobody has asked whether it is permitted');
  return refused('not-permitted', `${type}: ${why}`);
}

function tooLarge(event: AbsenceEvent): AbsenceRuling | undefined {
  const { reason = '' } = event;
  const texts = event.type === 'absence.declare' ? [reason, event.person, event.deputy ?? ''] : [reason];
  return texts.some((text) => text.length > LONGEST_TEXT)
    ? refused('too-large', `a text must not be longer than ${LONGEST_TEXT} characters`)
    : undefined;
}

function declared({ absences, count }: Roster, event: AbsenceDeclare, at: number): AbsenceRuling {
  const { person, from = at, until, deputy, reason, by } = event;
  if (until <= at) return refused('over', 'it would be over already');
  if (from >= until) return refused('malformed', "'until' must be after 'from'");
  if (until - from > LONGEST_MS)
    return refused('too-long', `nobody is away for more than ${LONGEST_MS / 86_400_000} days`);
  if (absences.length >= MOST_ABSENCES)
    return refused('too-large', `there are ${MOST_ABSENCES} of them already`);
  const absence: Absence = {
    ...{ id: String(count + 1), person, from, until, by, at, isAway: false },
    ...(deputy !== undefined && { deputy }),
    ...(reason !== undefined && { reason }),
  };
  const other = absences.find((one) => one.person === person && overlap(one, absence) !== undefined);
  if (other !== undefined)
    return refused('overlaps', `${person} is away then already (${other.id}): cancel that first`);
  const all = [...absences, absence];
  return wrongChain(all, absence) ?? { isTaken: true, absence, absences: all };
}

function cancelled({ absences }: Roster, { absence: id }: AbsenceCancel): AbsenceRuling {
  const absence = absences.find((one) => one.id === id);
  if (absence === undefined) return refused('unknown', `there is no absence ${id}, or it is over`);
  return { isTaken: true, absence, absences: absences.filter((one) => one !== absence) };
}

// ---- chains -------------------------------------------------------------------------------------------------------

interface Span {
  readonly from: number;
  readonly until: number;
}

function overlap(some: Span, other: Span): Span | undefined {
  const [from, until] = [Math.max(some.from, other.from), Math.min(some.until, other.until)];
  return from < until ? { from, until } : undefined;
}

/** Whether a new absence closes a circle with others of its time, or makes a chain of them too long. */
function wrongChain(absences: readonly Absence[], added: Absence): AbsenceRuling | undefined {
  const follow = (absence: Absence, span: Span, before: readonly string[]): AbsenceRuling | undefined => {
    const { person, deputy } = absence;
    const people = [...before, person];
    if (deputy === undefined) return undefined;
    const chain = [...people, deputy].join(' → ');
    if (people.includes(deputy)) return refused('circle', `they would stand in for themselves: ${chain}`);
    if (people.length > LONGEST_CHAIN)
      return refused('chain', `more than ${LONGEST_CHAIN} would stand in for one another: ${chain}`);
    for (const next of absences) {
      const common = next.person === deputy ? overlap(next, span) : undefined;
      const wrong = common && follow(next, common, people);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  for (const absence of absences) {
    const span = overlap(absence, added);
    const wrong = span && follow(absence, span, []);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

// ---- who stands in ------------------------------------------------------------------------------------------------

/** The absence of somebody who is away. */
export function absenceOf(absences: readonly Absence[], person: string): Absence | undefined {
  return absences.find((one) => one.isAway && one.person === person);
}

/** Who stands in for somebody who is away, and is there; undefined where nobody does. */
export function standInOf(absences: readonly Absence[], person: string): string | undefined {
  let someone: string | undefined = person;
  // Chains have an end: see above.
  for (let steps = 0; steps <= LONGEST_CHAIN; steps++) {
    const absence: Absence | undefined = absenceOf(absences, someone);
    if (absence === undefined) return someone === person ? undefined : someone;
    someone = absence.deputy;
    if (someone === undefined) return undefined;
  }
  return undefined;
}

/** For whom somebody stands in; nobody, when they are away themselves. */
export function standsInFor(absences: readonly Absence[], deputy: string): readonly string[] {
  const away = absences.filter(({ isAway }) => isAway).map(({ person }) => person);
  return away.filter((person) => standInOf(absences, person) === deputy);
}

const refused = (reason: AbsenceRefusal, detail: string) => ({ isTaken: false, reason, detail }) as const;
