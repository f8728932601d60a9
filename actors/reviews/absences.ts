/**
 * The absences of people who decide: declaring and cancelling them, and who stands in for whom. What stands is kept by the roster, an
 * actor; this asks the decider first, and keeps nothing itself.
 *
 * An absence gives nobody a right: whoever stands in for somebody decides only what the decider lets them decide themselves.
 */
import type { RosterContext } from '../../machines/absence/roster.ts';
import { absenceOf, standInOf, standsInFor } from '../../machines/absence/rules.ts';
import type { Absence, AbsenceAnswer, AbsenceEvent, Speaker } from '../../machines/absence/words.ts';
import { requestOf } from '../../machines/review/request.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { instantOf, InvalidArgument } from '../../runtime/index.ts';
import type { AccessRequest, Instant, Principal, SendOptions } from '../../runtime/index.ts';
import { AbsenceRefused } from './absence-refused.ts';
import { checkReason } from './given.ts';
import { permissionFor, REVIEW_OBLIGATIONS } from './review-permission.ts';
import type { ReviewDecider, Reviewer } from './review-permission.ts';
import type { Sending } from './reserved.ts';
import { stateAfter } from './answered.ts';

/** The name of the actor that keeps them, and its id. */
export const ABSENCES = 'absences';
const ROSTER_ID = 'roster';
const ROSTER = `${ABSENCES}/${ROSTER_ID}`;

/** What absences need of a system: any `System` that hosts them is one. */
export interface AbsenceHost extends Sending {
  // Typed by address and name there, which says nothing here.
  get(address: string): unknown;
  actor(name: never, id: never, ...input: never[]): Promise<unknown>;
  snapshotAt(address: string, seq: number): Promise<unknown>;
}

/** Who says it: the id of somebody, alone or with what is known of them; or another principal, as `{ type: 'program', id: 'hr' }`. */
export type AbsenceBy = string | Reviewer | Principal;

export interface DeclareOptions {
  readonly by: AbsenceBy;
  /** Who is away. Default: whoever says it. */
  readonly person?: string;
  /** Default: from now on. */
  readonly from?: Instant;
  /** From then on they are there again. */
  readonly until: Instant;
  /** Who stands in for them. */
  readonly deputy?: string;
  readonly reason?: string;
}

export interface CancelOptions {
  readonly by: AbsenceBy;
  readonly reason?: string;
}

interface RosterRef {
  readonly address: string;
  getSnapshot(): { readonly context: RosterContext };
}

type Message = AbsenceEvent extends infer TEvent
  ? TEvent extends AbsenceEvent
    ? Omit<TEvent, 'by' | 'permissions' | 'ask' | 'reason'>
    : never
  : never;

/** Two people who must agree on it there are not. */
const OBLIGATIONS = { reason: REVIEW_OBLIGATIONS['reason']! };

export class Absences {
  readonly #host: AbsenceHost;
  readonly #decider: ReviewDecider;

  /** Use `system.reviews.absences`. */
  constructor(host: AbsenceHost, decider: ReviewDecider) {
    this.#host = host;
    this.#decider = decider;
  }

  /**
   * Says that somebody is away for a while, and who stands in for them. Resolves when it is on the disk. With an `id` in the options
   * it is done once, however often it is asked for.
   * @throws AbsenceRefused, InvalidArgument
   */
  async declare(
    { by, person, from, until, deputy, reason }: DeclareOptions,
    options?: SendOptions,
  ): Promise<Absence> {
    checkReason(reason);
    const principal = principalOf(by);
    const whose = person ?? ownOf(principal);
    const message: Message = {
      type: 'absence.declare',
      ...{ person: whose, until: instantOf(until, 'until') },
      ...(from !== undefined && { from: instantOf(from, 'from') }),
      ...(deputy !== undefined && { deputy }),
    };
    return this.#tell(principal, whose, message, reason, options);
  }

  /**
   * Ends an absence before its time, or before it has begun. Resolves when it is on the disk.
   * @throws AbsenceRefused when there is none, or it is over; InvalidArgument
   */
  async cancel(id: string, { by, reason }: CancelOptions, options?: SendOptions): Promise<Absence> {
    checkReason(reason);
    const principal = principalOf(by);
    const person = this.list().find((one) => one.id === id)?.person ?? 'nobody';
    return this.#tell(principal, person, { type: 'absence.cancel', absence: id }, reason, options);
  }

  /** Those that are not over, in the order in which they were declared; of one person, or of all. */
  list({ person }: { readonly person?: string } = {}): readonly Absence[] {
    const all = frozen(this.#roster()?.getSnapshot().context.absences ?? []);
    return person === undefined ? all : all.filter((one) => one.person === person);
  }

  /** The absence of somebody who is away now. */
  of(person: string): Absence | undefined {
    return absenceOf(this.list(), person);
  }

  /** Who stands in for somebody who is away now: their deputy, or where that is away too, the deputy's. */
  standInOf(person: string): string | undefined {
    return standInOf(this.list(), person);
  }

  /** For whom somebody stands in now. */
  standsInFor(deputy: string): readonly string[] {
    return standsInFor(this.list(), deputy);
  }

  async #tell(
    principal: Principal,
    person: string,
    message: Message,
    reason: string | undefined,
    options: SendOptions = {},
  ): Promise<Absence> {
    const { type, id } = principal;
    const by: Speaker = { type, id };
    const ask = options.id ?? crypto.randomUUID();
    const permission = await permissionFor(
      this.#decider,
      OBLIGATIONS,
      requestFor(principal, person, message, reason),
    );
    const said = { by, permissions: [permission], ask, ...(reason !== undefined && { reason }) };
    // Each kind of message has the fields that its own omits.
    const event = { ...message, ...said } as AbsenceEvent;
    const ref = (await this.#host.actor(ABSENCES as never, ROSTER_ID as never)) as RosterRef;
    const receipt = await this.#host.sendReserved(ref, event, options);
    const { context } = await stateAfter(this.#host, ref, ask, receipt);
    const answer = sameRequest(context.answer!, event);
    if (!answer.isTaken) throw new AbsenceRefused(person, answer);
    return this.list().find((one) => one.id === answer.absence.id) ?? answer.absence;
  }

  #roster(): RosterRef | undefined {
    return this.#host.get(ROSTER) as RosterRef | undefined;
  }
}

/** An id must not be given to something else: they would be told that it was done. */
function sameRequest(answer: AbsenceAnswer, event: AbsenceEvent): AbsenceAnswer {
  if (answer.request === requestOf(event)) return answer;
  throw new InvalidArgument(
    'options.id',
    `was given to another request: ${answer.type} by ${answer.by.type} ${answer.by.id}`,
  );
}

function requestFor(
  principal: Principal,
  person: string,
  { type, ...about }: Message,
  reason: string | undefined,
): AccessRequest {
  return {
    principal,
    action: { name: type },
    resource: { type: 'absence', id: person, properties: { ...about, person } },
    context: { hasReason: reason !== undefined && reason.trim() !== '' },
  };
}

function principalOf(by: AbsenceBy): Principal {
  const given: Partial<Principal> = typeof by === 'string' ? { id: by } : (by ?? {});
  const { type = 'user', id, properties } = given;
  if (![type, id].every((text) => typeof text === 'string' && text.trim() !== ''))
    throw new InvalidArgument('by', 'must be the id of whoever says it, or { type, id, properties }');
  return { type, id: id!, ...(properties !== undefined && { properties }) };
}

/** @throws InvalidArgument of programs, who are never away */
function ownOf({ type, id }: Principal): string {
  if (type === 'user') return id;
  throw new InvalidArgument('person', `must say who is away: a ${type} decides no reviews`);
}
