/**
 * The reviews of a system, for whoever lets people decide: a command line, a page, a bot. It finds them, shows them, and takes what
 * people say about them to them; it asks the decider first, and keeps nothing itself.
 *
 * A review is found by its logic, under whatever name and however deep workflows have started it. So there is no desk that all of
 * them would have to tell, and that could know something else than they do.
 */
import type { Json } from '../../machines/values/canonical.ts';
import { EditRefused } from '../../machines/review/edits.ts';
import type { Edit } from '../../machines/review/edits.ts';
import type { ValueProblem } from '../../machines/faults/fault.ts';
import { frozen } from '../../machines/values/frozen.ts';
import { actionsOf } from '../../machines/review/events.ts';
import type {
  Bound,
  ReviewAnswer,
  ReviewEvent,
  ReviewRelease,
  ReviewVerdict,
} from '../../machines/review/events.ts';
import { requestOf } from '../../machines/review/request.ts';
import { isReview } from '../../machines/review/review.ts';
import type { ReviewContext } from '../../machines/review/review.ts';
import { contentAfter, ruleOn } from '../../machines/review/rules.ts';
import type { ReviewFile } from '../../machines/review/rules.ts';
import {
  ActorEnded,
  HeddleError,
  InvalidArgument,
  JournalCorrupt,
  UnknownActor,
} from '../../runtime/index.ts';
import type { DeadLetter, HistoryOptions, HistoryRecord, Receipt, SendOptions } from '../../runtime/index.ts';
import { Absences } from './absences.ts';
import { withAbsences } from './approvers.ts';
import type { Approver } from './approvers.ts';
import { approvalOf, deputising, Deputies } from './deputies.ts';
import { checkReason, checkReviewId, checkWords, copied } from './given.ts';
import { couldDecide, isOwnRun, ownRunProblem } from './eligible.ts';
import { reviewerContext } from './review-context.ts';
import type { ReviewerContext } from './review-context.ts';
import { denied, permissionFor, resourceOf, runOf, workflowOf } from './review-permission.ts';
import type { InRun, Obligations, ReviewDecider, Reviewer } from './review-permission.ts';
import { ReviewRefused } from './review-refused.ts';
import type { RunView } from './run-view.ts';
import type { RunLevel } from './what-follows.ts';
import type { Sending } from './reserved.ts';
import { stateAfter } from './answered.ts';

/** What reviews need of a system: any `System` is one. */
export interface ReviewHost extends Sending {
  // Typed by address and name there, which says nothing here.
  get(address: string): unknown;
  query(options: never): AsyncIterable<unknown>;
  names(isWanted: (logic: unknown) => boolean): Promise<readonly string[]>;
  actor(name: never, id: never, ...input: never[]): Promise<unknown>;
  history(address: string, options?: HistoryOptions): AsyncIterable<HistoryRecord>;
  snapshotAt(address: string, seq: number): Promise<unknown>;
  deadLetters(): AsyncIterable<DeadLetter>;
}

export interface ReviewsOptions extends ReviewDecider {
  /** Holds what an edit would make of a proposal against the schema that the review names. */
  readonly check?: (content: Json, schema: string) => readonly ValueProblem[];
  /** The obligations of the decider that can be met, by their types. */
  readonly obligations?: Obligations;
  /** Who has started a run, by its address; undefined where nobody knows. Whoever has must not decide what comes of it. */
  readonly initiatorOf?: (run: string) => Promise<string | readonly string[] | undefined>;
  /**
   * Keeps what was proposed and what an edit makes of it, for whoever looks for them by their hashes. Called before the edit is
   * recorded, and nothing may be recorded in between.
   */
  readonly keep?: (review: string, versions: readonly Json[]) => Promise<void>;
  /** What is known of a run, from its snapshot; asked for every actor above a review, and undefined where that is no run. */
  readonly viewOf?: (run: { readonly address: string; readonly snapshot: unknown }) => RunView | undefined;
}

/** A review, as it is on the disk. Plain data; what is in it is frozen. */
export interface Review
  extends
    Omit<ReviewFile, 'ending'>,
    Pick<ReviewContext, 'initiator' | 'ownRuns' | 'about' | 'openedAt' | 'isOverdue' | 'calendar'> {
  /** Its address. */
  readonly id: string;
  /** Whether it was wrong on purpose; not known before it has ended. */
  readonly probe?: boolean;
  readonly workflow: string;
  /** The address of the run that it belongs to. */
  readonly run: string;
  readonly status: 'pending' | ReviewVerdict | 'stopped';
  /** How it has ended. */
  readonly ending?: NonNullable<ReviewFile['ending']>;
  /** What happens next if nobody decides, and when, as far as the clock was not set. */
  readonly next?: { readonly at: number; readonly act: string; readonly to?: string };
}

export interface PendingOptions {
  /** Only those that this role may decide. */
  readonly role?: string;
  /**
   * Only those that somebody could still decide: they are there, have not started its run, not worked on it, not approved it, and
   * nobody else has it.
   */
  readonly by?: string;
  /** Of those only the ones that `by` may decide, and that somebody who is away, and for whom they stand in, would be asked for. */
  readonly asDeputy?: boolean;
  /** Only those of this workflow. */
  readonly workflow?: string;
  /** Only those below this address. */
  readonly under?: string;
  /** Only those that were escalated, or whose time is over; or only the others. */
  readonly overdue?: boolean;
  /** At most so many. */
  readonly limit?: number;
}

/** What became of the reviews that were wrong on purpose. */
export interface ProbeReport {
  readonly caught: number;
  readonly missed: number;
  readonly undecided: number;
}

/** Who it is: their id alone, or with what is known of them. */
export type By = string | Reviewer;

export type Verdict = 'approve' | 'reject' | 'edit' | 'abort';

export interface DecideOptions {
  readonly by: By;
  readonly verdict: Verdict;
  /** What they change: with `edit`, or with `approve`, which then approves what it becomes. */
  readonly edits?: readonly Edit[] | undefined;
  /** Needed for `reject` and `abort`. */
  readonly reason?: string | undefined;
  /** The hash of what they were shown. Without it they decide about what is there now, and that is recorded. */
  readonly hash?: string | undefined;
}

/** It was taken, and is on the disk. */
export interface Taken {
  readonly receipt: Receipt;
  /** Of what the proposal was after it. */
  readonly hash: string;
  /** How the review stands now. */
  readonly review: Review;
}

interface ReviewSnapshot {
  readonly status: string;
  readonly value: unknown;
  readonly context: ReviewContext;
  readonly machine: unknown;
}

interface ReviewRef {
  readonly address: string;
  send(event: ReviewEvent | ReviewRelease, options?: SendOptions): Promise<Receipt>;
  getSnapshot(): ReviewSnapshot;
}

type Message = ReviewEvent extends infer TEvent
  ? TEvent extends ReviewEvent
    ? Omit<TEvent, 'by' | 'permissions' | 'ask'>
    : never
  : never;

const VERDICTS: readonly unknown[] = ['approve', 'reject', 'edit', 'abort'];

export class Reviews {
  /** Who is away, and who stands in for them. */
  readonly absences: Absences;
  readonly #deputies: Deputies;
  readonly #host: ReviewHost;
  readonly #options: ReviewsOptions;

  /** @throws InvalidArgument without a decider: there is nobody who may do everything */
  constructor(host: ReviewHost, options: ReviewsOptions) {
    if (typeof (options as Partial<ReviewsOptions> | undefined)?.decide !== 'function')
      throw new InvalidArgument('options.decide', 'must be a function that decides about permissions');
    this.#host = host;
    this.#options = options;
    this.absences = new Absences(host, options);
    this.#deputies = new Deputies(host, this.absences, options);
  }

  // ---- finding -------------------------------------------------------------------------------------------------------

  /**
   * The reviews that wait, in no particular order. As with `system.query`, nothing stands still meanwhile, and those that cannot be
   * loaded are left out.
   * @throws InvalidArgument
   */
  async *pending(options: PendingOptions = {}): AsyncGenerator<Review> {
    const { role, by, asDeputy = false, limit = Infinity } = options;
    if (limit !== Infinity && !(Number.isInteger(limit) && limit > 0))
      throw new InvalidArgument('limit', `must be a positive integer, but is ${String(limit)}`);
    for (const [path, text] of Object.entries({ role, by, workflow: options.workflow }))
      if (text !== undefined && typeof text !== 'string')
        throw new InvalidArgument(path, `must be a text, but is ${JSON.stringify(text)}`);
    if (asDeputy && by === undefined) throw new InvalidArgument('by', 'must say who stands in for somebody');
    const hasStarted = this.#startersFor(by);
    let given = 0;
    for await (const review of this.#pending(options)) {
      if (role !== undefined && !review.roles.includes(role)) continue;
      if (by !== undefined && !this.#deputies.couldDecide(review, by)) continue;
      if (await hasStarted(review)) continue;
      if (asDeputy && !(await this.#isOfferedTo(review.id, by!))) continue;
      yield review;
      if (++given === limit) return;
    }
  }

  async *#pending({ workflow, under, overdue }: PendingOptions): AsyncGenerator<Review> {
    const patience = overdue === true ? 'overdue' : 'inTime';
    const state = overdue === undefined ? 'open' : { open: { patience } };
    for (const name of await this.#names(workflow)) {
      const wanted = { name, state, ...(under !== undefined && { under }) };
      // The type of a name depends on the system.
      for await (const ref of this.#host.query(wanted as never)) {
        const review = unlessRefused(ref as ReviewRef);
        // It may have ended since it was found.
        if (review?.status === 'pending') yield review;
      }
    }
  }

  /**
   * How many of the reviews that were wrong on purpose were noticed: rejected or aborted; missed: approved; or never decided. Looks at
   * every review that has ended: not for every second.
   */
  async probes({ workflow }: Pick<PendingOptions, 'workflow'> = {}): Promise<ProbeReport> {
    const report = { caught: 0, missed: 0, undecided: 0 };
    for (const name of await this.#names(workflow))
      for await (const ref of this.#host.query({ name, status: 'done' } as never)) {
        const review = unlessRefused(ref as ReviewRef);
        if (review?.probe === true) report[becameOf(review)]++;
      }
    return report;
  }

  /**
   * Whether somebody has started the run of a review, and may not decide it for that; where that cannot be read, anybody may have. Each
   * run is looked at once.
   */
  #startersFor(by: string | undefined): (review: Review) => Promise<boolean> {
    const known = new Map<string, Promise<readonly string[]>>();
    return async (review) => {
      const { run, ownRuns } = review;
      if (by === undefined || ownRuns === 'allow') return false;
      const starters = known.get(run) ?? this.#startersOf(run);
      known.set(run, starters);
      try {
        return isOwnRun({ ...review, starters: await starters }, { id: by });
      } catch (error) {
        if (error instanceof JournalCorrupt) return true;
        throw error;
      }
    };
  }

  /** The names of reviews, wherever they are. */
  async #names(workflow: string | undefined): Promise<readonly string[]> {
    const names = await this.#host.names(isReview);
    if (workflow === undefined) return names;
    const ofIt = names.filter((name) => workflowOf(name) === workflow);
    // One that nobody knows is refused there.
    if (ofIt.length === 0)
      for await (const _ of this.#host.query({ name: workflow, limit: 1 } as never)) break;
    return ofIt;
  }

  /** A review, pending or not; undefined where there is none. */
  get(id: string): Review | undefined {
    const ref = this.#refAt(id);
    return ref && reviewOf(id, ref.getSnapshot());
  }

  /** Who may approve it: people, as far as the decider can say, with who of them is away and who stands in; otherwise the roles. */
  async whoMayApprove(
    id: string,
  ): Promise<{ readonly people: readonly Approver[] } | { readonly roles: readonly string[] }> {
    const ref = this.#at(id);
    const context = await this.#withStarters(id, ref.getSnapshot().context);
    const people = await this.#options.list?.(approvalOf(id, context));
    if (people === undefined) return { roles: context.roles };
    // Whoever has it now may give it back; and programs sign nothing.
    const review = { ...reviewOf(id, ref.getSnapshot()), claim: undefined };
    const able = people.filter(
      ({ principal: { type, id: person } }) =>
        type === 'user' && couldDecide(review, person) && !isOwnRun(context, { id: person }),
    );
    return { people: withAbsences(able, this.absences) };
  }

  /** Where it cannot be read who has started its run, nobody decides it. */
  async #isOfferedTo(id: string, deputy: string): Promise<boolean> {
    try {
      const context = await this.#withStarters(id, this.#at(id).getSnapshot().context);
      return await this.#deputies.isOfferedTo({ id, context }, deputy);
    } catch (error) {
      if (error instanceof JournalCorrupt) return false;
      throw error;
    }
  }

  /**
   * What a reviewer needs to know, from the journals.
   * @param options.under an actor above the review: only what happened to it and below. Default: the whole run
   * @throws UnknownActor, InvalidArgument, JournalCorrupt
   */
  async context(id: string, options: { readonly under?: string } = {}): Promise<ReviewerContext> {
    checkReviewId(id);
    const { under = runOf(id) } = options;
    const review = reviewOf(id, this.#at(id).getSnapshot());
    if (!isAtOrBelow(id, under))
      throw new InvalidArgument('under', `must be the address of an actor above ${id}, but is ${under}`);
    const records: HistoryRecord[] = [];
    for await (const record of this.#host.history(under, { children: true })) records.push(record);
    const letters: DeadLetter[] = [];
    for await (const letter of this.#host.deadLetters())
      if (isAtOrBelow(letter.address, under)) letters.push(letter);
    return reviewerContext({ review, levels: this.#levelsAbove(id, under), records, letters });
  }

  /** What is known of the runs in which a review stands, the nearest first. */
  #levelsAbove(id: string, under: string): readonly RunLevel[] {
    const levels: RunLevel[] = [];
    for (let address = parentOf(id); isAtOrBelow(address, under); address = parentOf(address)) {
      const ref = this.#host.get(address) as Pick<ReviewRef, 'getSnapshot'> | undefined;
      const view = ref && this.#options.viewOf?.({ address, snapshot: ref.getSnapshot() });
      if (view !== undefined) levels.push({ address, view });
    }
    return levels;
  }

  // ---- what people do --------------------------------------------------------------------------------------------------
  // Each resolves when it is on the disk, and rejects with ReviewRefused, UnknownActor, or what `send` rejects with. With an
  // `id` in the options it is done once, however often it is asked for.

  /** Shows it to somebody, and records that. */
  show(id: string, { by }: { readonly by: By }, options?: SendOptions): Promise<Taken> {
    return this.#tell(id, by, ({ hash }) => ({ type: 'review.show', hash }), options);
  }

  claim(id: string, { by }: { readonly by: By }, options?: SendOptions): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.claim' }), options);
  }

  unclaim(id: string, { by }: { readonly by: By }, options?: SendOptions): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.unclaim' }), options);
  }

  delegate(
    id: string,
    { by, to, reason }: { readonly by: By; readonly to: string; readonly reason?: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.delegate', to, reason }), options);
  }

  requestInfo(
    id: string,
    { by, question }: { readonly by: By; readonly question: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.request-info', question }), options);
  }

  supplyInfo(
    id: string,
    { by, question, text }: { readonly by: By; readonly question: number; readonly text: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.supply-info', question, text }), options);
  }

  comment(
    id: string,
    { by, text }: { readonly by: By; readonly text: string },
    options?: SendOptions,
  ): Promise<Taken> {
    return this.#tell(id, by, () => ({ type: 'review.comment', text }), options);
  }

  /** Approves, rejects, edits or aborts. */
  async decide(id: string, what: DecideOptions, options?: SendOptions): Promise<Taken> {
    checkWords(what);
    const own = { ...what, edits: copied(what.edits) };
    return this.#tell(id, what.by, (context) => this.#decision(own, context), options);
  }

  #decision({ verdict, edits, reason, hash }: DecideOptions, context: ReviewContext): Message {
    if (!VERDICTS.includes(verdict))
      throw new InvalidArgument(
        'verdict',
        `must be approve, reject, edit or abort, but is ${JSON.stringify(verdict)}`,
      );
    const bound: Bound = hash === undefined ? 'server' : 'shown';
    const about = { hash: hash ?? context.hash, bound };
    if (verdict === 'edit' || (verdict === 'approve' && edits !== undefined)) {
      const problems = this.#problemsOf(edits, context);
      const approves = verdict === 'approve';
      return { type: 'review.edit', ...about, edits: edits ?? [], approves, reason, problems };
    }
    if (edits !== undefined) throw new InvalidArgument('edits', `make no sense with ${verdict}`);
    if (verdict === 'approve') return { type: 'review.approve', ...about, reason };
    // Without a reason it is refused, and that is recorded.
    return { type: `review.${verdict}`, ...about, reason: reason ?? '' };
  }

  /** Undefined when there is nothing to check, or nobody who could: the review refuses what was to be checked and was not. */
  #problemsOf(edits: unknown, context: ReviewContext): readonly ValueProblem[] | undefined {
    const { check } = this.#options;
    if (context.schema === undefined || check === undefined) return undefined;
    const content = contentAfter(context, { edits: edits as readonly Edit[] });
    // It cannot be made at all, and the review says so.
    return content instanceof EditRefused ? [] : check(content, context.schema);
  }

  async #tell(
    id: string,
    by: By,
    make: (context: ReviewContext) => Message,
    options: SendOptions = {},
  ): Promise<Taken> {
    const ref = this.#at(id);
    const reviewer = readReviewer(by);
    await this.#deputies.letGo(ref, reviewer);
    const { status, ...snapshot } = stateOf(ref) ?? this.#replaced(id);
    const context = await this.#withStarters(id, snapshot.context);
    // Names the request where the sender has not.
    const ask = options.id ?? crypto.randomUUID();
    // Each kind of message has the fields that its own omits.
    const message = { ...make(context), by: reviewer.id, permissions: [], ask } as ReviewEvent;
    if ('reason' in message) checkReason(message.reason);
    const absent = isDecision(message) ? await this.#deputies.standsInFor({ id, context }, reviewer.id) : [];
    const asked = { ...message, ...(absent.length > 0 && { standsInFor: absent }) };
    const permissions = status === 'active' ? await this.#permissions(id, context, asked, reviewer) : [];
    const event = { ...asked, permissions };
    await this.#keepVersions(id, context, event);
    const receipt = await this.#send(ref, event, options);
    const state = await stateAfter(this.#host, ref, ask, receipt);
    const answer = sameRequest(state.context.answer!, event);
    if (!answer.isTaken) throw new ReviewRefused(id, answer, answer.hash);
    return { receipt, hash: answer.hash, review: reviewOf(id, state) };
  }

  /** Of what is refused nothing is kept. */
  async #keepVersions(id: string, context: ReviewContext, event: ReviewEvent): Promise<void> {
    const { keep } = this.#options;
    if (keep === undefined || event.type !== 'review.edit') return;
    // Whether they had it before them for long enough depends on the clock of the review: here they had.
    const ruling = ruleOn(context, event, Infinity);
    const after = ruling.isTaken ? ruling.changes.content : undefined;
    if (after !== undefined) await keep(id, [context.content, after]);
  }

  /** The review itself knows who has asked for it only where it was told so; who has started its run it does not know. */
  async #withStarters(id: string, context: ReviewContext): Promise<InRun> {
    return { ...context, starters: await this.#startersOf(runOf(id)) };
  }

  async #startersOf(run: string): Promise<readonly string[]> {
    const found = (await this.#options.initiatorOf?.(run)) ?? [];
    return typeof found === 'string' ? [found] : found;
  }

  #permissions(
    id: string,
    context: InRun,
    event: ReviewEvent,
    reviewer: Reviewer,
  ): Promise<ReviewEvent['permissions']> {
    const { obligations = {} } = this.#options;
    const asks = actionsOf(event, context.claim?.by).map((name) => {
      const absent = this.#deputies.absentFrom(name, event, context);
      if (absent !== undefined) return denied(name, absent);
      const own = ownRunProblem(name, event, context);
      if (own !== undefined) return denied(name, own);
      return permissionFor(this.#options, obligations, {
        principal: { type: 'user', ...reviewer },
        action: { name },
        resource: resourceOf(id, context),
        context: {
          hash: context.hash,
          hasReason: 'reason' in event && event.reason !== undefined && event.reason.trim() !== '',
          ...deputising('standsInFor' in event ? event.standsInFor : undefined),
        },
      });
    });
    return Promise.all(asks);
  }

  async #send(ref: ReviewRef, event: ReviewEvent, options: SendOptions): Promise<Receipt> {
    try {
      return await this.#host.sendReserved(ref, event, options);
    } catch (error) {
      if (!(error instanceof ActorEnded)) throw error;
      const { hash, ending } = (stateOf(ref) ?? this.#replaced(ref.address)).context;
      const detail = ending === undefined ? 'it was stopped' : `it was ${ending.verdict} already`;
      throw new ReviewRefused(ref.address, { reason: 'decided', detail }, hash);
    }
  }

  /** It has come to its end, and another has begun there. @throws ReviewRefused */
  #replaced(id: string): never {
    const { hash } = this.#at(id).getSnapshot().context;
    throw new ReviewRefused(
      id,
      { reason: 'decided', detail: 'another is asked for in its place by now' },
      hash,
    );
  }

  #at(id: string): ReviewRef {
    const ref = this.#refAt(id);
    if (ref === undefined) throw new UnknownActor(id, 'there is no review');
    return ref;
  }

  #refAt(id: string): ReviewRef | undefined {
    checkReviewId(id);
    const ref = this.#host.get(id) as ReviewRef | undefined;
    return ref !== undefined && isReview((ref.getSnapshot() as Partial<ReviewSnapshot> | undefined)?.machine)
      ? ref
      : undefined;
  }
}

function readReviewer(by: By): Reviewer {
  const reviewer = typeof by === 'string' ? { id: by } : by;
  const { id } = (reviewer ?? {}) as Partial<Reviewer>;
  if (typeof id !== 'string' || id.trim() === '')
    throw new InvalidArgument('by', 'must be the id of whoever does it, or { id, properties }');
  return copied(reviewer);
}

/** An id must not be given to something else: they would be told that it was done. */
function sameRequest(answer: ReviewAnswer, event: ReviewEvent): ReviewAnswer {
  const { type, by } = event;
  if (answer.type === type && answer.by === by && answer.request === requestOf(event)) return answer;
  throw new InvalidArgument('options.id', `was given to another request: ${answer.type} by ${answer.by}`);
}

const isDecision = ({ type }: ReviewEvent): boolean =>
  type === 'review.approve' || type === 'review.edit' || type === 'review.reject';

const parentOf = (address: string): string => address.slice(0, address.lastIndexOf('/'));

function isAtOrBelow(address: string, above: string): boolean {
  return address === above || address.startsWith(`${above}/`);
}

/** One that cannot be loaded does not keep the others from being found. */
function unlessRefused(ref: ReviewRef): Review | undefined {
  try {
    return reviewOf(ref.address, ref.getSnapshot());
  } catch (error) {
    if (error instanceof HeddleError) return undefined;
    throw error;
  }
}

function becameOf({ status }: Review): keyof ProbeReport {
  if (status === 'approved') return 'missed';
  return status === 'expired' ? 'undecided' : 'caught';
}

/** Undefined when it has come to its end, and another is asked for at its address. */
function stateOf(ref: ReviewRef): ReviewSnapshot | undefined {
  const snapshot = ref.getSnapshot() as Partial<ReviewSnapshot>;
  return snapshot.context === undefined ? undefined : (snapshot as ReviewSnapshot);
}

function reviewOf(id: string, { context, status }: ReviewSnapshot): Review {
  const { watch, steps, climbed, untimed: _, answer: __, ending, probe, ...file } =
    // It is the one that is decided about, and no copy.
    frozen(context);
  const step = steps[climbed];
  return {
    ...file,
    ...{ id, workflow: workflowOf(id), run: runOf(id) },
    status: ending?.verdict ?? (status === 'active' ? 'pending' : 'stopped'),
    ...(ending !== undefined && { ending, probe }),
    ...(ending === undefined &&
      step !== undefined && {
        next: {
          at: watch.seenAt + step.afterMs - watch.elapsedMs,
          act: step.act === 'refuse' ? 'expire' : step.act,
          ...(step.act === 'escalate' && { to: step.to }),
        },
      }),
  };
}
