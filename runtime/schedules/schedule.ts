/**
 * The schedule: an actor whose every step is this pure function. It starts an occurrence for each instant of its declaration,
 * as the policies say, and remembers what it decided and why.
 *
 * ```
 * heddle.up ──────────► what changed, what was missed ┐
 * heddle.due ─────────► ─────────────────────────────►├─► settle: all instants that have come due, each decided once
 * heddle.exit ────────► who waits, goes               ┤     ├─ paused?   skipped
 * heddle.schedule.* ──► pause, resume, trigger, delete┘     ├─ missed?   overdue.ts
 *                                                           └─ overlap?  overlap.ts ─► start · wait · skip
 *                                                     then: the timer is set for the next instant
 * ```
 *
 * The **cursor** is the last instant that was decided, and it only moves forward: whatever is repeated, late or out of order, and
 * wherever the clock goes, no instant is decided twice. When the clock has been years ahead and is set right again, nothing is
 * due until it has come past the cursor; occurrences can still be triggered.
 *
 * Any event settles what is due, so a timer that is early, late, lost or doubled does no harm. Nothing here reads a clock or the
 * rules of time zones: the time is that of the record, and the rules come with `heddle.up`. An event that makes no sense
 * changes nothing. The state is plain data of bounded size.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ScheduleDeclaration, Timing } from './declaration.ts';
import { countInstants, nextInstant, previousInstant } from './instants.ts';
import type { Timetable } from './instants.ts';
import { dueAtOf, overdueAt } from './overdue.ts';
import { verdictOn } from './overlap.ts';
import { UTC } from '../../machines/working-time/zone.ts';
import { readZone, spliceZones } from './zone.ts';
import type {
  ScheduleEvent,
  ScheduleUp,
  ScheduleDue,
  OccurrenceExit,
  ScheduleRequest,
  ScheduleOrder,
  ScheduleAnswer,
  TriggerOutcome,
  ScheduleState,
  Armed,
  Occurrence,
  SkipCause,
  StartCause,
  Decision,
} from './words.ts';

type Timeless<T> = T extends unknown ? Omit<T, 'atMs'> : never;

const KEPT_DECISIONS = 20;
const KEPT_ANSWERS = 20;
/** People write reasons; the whole of a long one is in the journal. */
const KEPT_CHARACTERS = 200;

/** A schedule that was declared just now. Its first event is `heddle.up`. What was due before it was declared is not missed. */
export function initialState(
  declaration: ScheduleDeclaration,
  nowMs: number,
  declaredBy?: string,
): ScheduleState {
  return {
    declaration,
    ...(declaredBy !== undefined && { declaredBy }),
    status: 'active',
    ...beginning(declaration.timing, nowMs),
    running: [],
    waiting: [],
    counts: { started: 0, triggered: 0, skipped: {}, ended: { done: 0, stopped: 0, failed: 0 } },
    decisions: [],
    answered: [],
  };
}

/** The event with which a schedule is declared and its system opens. Reads the rules of the zone: not for steps. */
export function upEvent(declaration: ScheduleDeclaration, nowMs: number, declaredBy?: string): ScheduleUp {
  const { timing } = declaration;
  const zone =
    'everyMs' in timing || timing.timeZone === UTC.name ? undefined : readZone(timing.timeZone, nowMs);
  return {
    type: 'heddle.up',
    declaration,
    ...(declaredBy !== undefined && { declaredBy }),
    ...(zone !== undefined && { zone }),
  };
}

/** The event that tells a schedule of new rules of its time zone; undefined when there are none. Not for steps. */
export function zoneNews(state: ScheduleState, nowMs: number): ScheduleUp | undefined {
  const { zone } = upEvent(state.declaration, nowMs);
  if (zone === undefined) return undefined;
  const known = spliceZones(state.zone, zone, state.cursor);
  return isDeepStrictEqual(known, state.zone) ? undefined : { type: 'heddle.up', zone };
}

/** One step: what the schedule is after an event, and what it asks for. Pure, and total. */
export function schedule(
  state: ScheduleState,
  event: ScheduleEvent,
  { nowMs }: { readonly nowMs: number },
): { readonly state: ScheduleState; readonly orders: readonly ScheduleOrder[] } {
  const turn = new Turn(state, nowMs);
  turn.take(event);
  return { state: turn.state, orders: turn.orders };
}

/** When the next occurrence is due; undefined when nothing is, or it is paused or deleted. */
export function nextDueAt(state: ScheduleState): number | undefined {
  return armedFor(state)?.dueAt;
}

/** The id of the occurrence of an instant. */
export function occurrenceId(scheduleId: string, instant: number): string {
  return `${scheduleId}@${new Date(instant).toISOString()}`;
}

function beginning(timing: Timing, nowMs: number): Pick<ScheduleState, 'anchor' | 'cursor'> {
  const anchor = timing.startAt ?? nowMs;
  // An interval is not due at the moment from which it is counted; what is due by the calendar at this moment is.
  return { anchor, cursor: 'everyMs' in timing && timing.startAt === undefined ? nowMs : nowMs - 1 };
}

/** Whether both are due at the same instants, apart from where they begin and end. */
function isSameRhythm(a: Timing, b: Timing): boolean {
  if ('everyMs' in a) return 'everyMs' in b && a.everyMs === b.everyMs && a.startAt === b.startAt;
  return 'calendar' in b && a.timeZone === b.timeZone && isDeepStrictEqual(a.calendar, b.calendar);
}

function timetableOf({ declaration: { timing }, zone, anchor }: ScheduleState): Timetable | undefined {
  if ('everyMs' in timing) return { ...timing, anchor };
  const rules = timing.timeZone === UTC.name ? UTC : zone;
  // Rules of another zone are those from before it was declared anew.
  return rules?.name === timing.timeZone ? { ...timing, zone: rules } : undefined;
}

function armedFor(state: ScheduleState): Armed | undefined {
  const table = state.status === 'active' ? timetableOf(state) : undefined;
  const instant = table === undefined ? undefined : nextInstant(table, state.cursor);
  return instant === undefined ? undefined : { instant, dueAt: dueAtOf(state.declaration, instant) };
}

/** One event being taken: the state as it becomes, and the orders as they come up. */
class Turn {
  state: ScheduleState;
  readonly orders: ScheduleOrder[] = [];
  readonly #nowMs: number;
  /** Whether the timer is as the state says: after an opening, or when it went off, it is set in any case. */
  #isTimerSure = true;

  constructor(state: ScheduleState, nowMs: number) {
    this.state = state;
    this.#nowMs = nowMs;
  }

  take(event: ScheduleEvent): void {
    switch (event.type) {
      case 'heddle.up':
        this.#up(event);
        break;
      case 'heddle.due':
        this.#due(event);
        break;
      case 'heddle.exit':
        this.#exit(event);
        break;
      case 'heddle.schedule.pause':
      case 'heddle.schedule.resume':
      case 'heddle.schedule.trigger':
      case 'heddle.schedule.delete':
        this.#request(event);
        break;
      default:
        return;
    }
    this.#settle();
    this.#arm();
  }

  // ---- events --------------------------------------------------------------------------------------------------------

  #up({ declaration, declaredBy, zone }: ScheduleUp): void {
    if (this.state.status === 'deleted') return;
    if (declaration !== undefined && declaration.id === this.state.declaration.id)
      this.#redeclare(declaration, declaredBy);
    const { timing } = this.state.declaration;
    if (zone !== undefined && 'timeZone' in timing && timing.timeZone === zone.name) {
      this.#set({ zone: spliceZones(this.state.zone, zone, this.state.cursor) });
    }
    this.#letGo();
    this.#isTimerSure = false;
  }

  #redeclare(declaration: ScheduleDeclaration, declaredBy: string | undefined): void {
    const old = this.state.declaration;
    if (isDeepStrictEqual(old, declaration)) return;
    this.#decide({ outcome: 'redeclared' });
    if (!isSameRhythm(old.timing, declaration.timing)) {
      this.#dropUndecided();
      const { anchor, cursor } = beginning(declaration.timing, this.#nowMs);
      this.#set({ anchor, cursor: Math.max(cursor, this.state.cursor) });
    }
    this.#set({ declaration });
    if (declaredBy !== this.state.declaredBy) this.#set({ declaredBy });
  }

  /** What the old timing still owed is not known to the new one. */
  #dropUndecided(): void {
    const table = timetableOf(this.state);
    const { cursor, status } = this.state;
    const first = table === undefined ? undefined : nextInstant(table, cursor);
    if (table === undefined || first === undefined || first > this.#nowMs) return;
    const last = previousInstant(table, this.#nowMs + 1) ?? first;
    const count = countInstants(table, cursor, last);
    this.#skip(status === 'paused' ? 'paused' : 'redeclared', { count, first, last });
  }

  #due({ instant }: ScheduleDue): void {
    // The timer is spent, unless it is one of an earlier setting.
    if (instant === this.state.armed?.instant) this.#isTimerSure = false;
  }

  #exit({ id, reason }: OccurrenceExit): void {
    const running = this.state.running.filter((occurrence) => occurrence.id !== id);
    if (running.length === this.state.running.length) return;
    const { counts } = this.state;
    const kind = reason === 'done' || reason === 'stopped' ? reason : 'failed';
    const ended = { ...counts.ended, [kind]: counts.ended[kind] + 1 };
    this.#set({ running, counts: { ...counts, ended } });
    this.#letGo();
  }

  #request(request: ScheduleRequest): void {
    const { ask } = request;
    if (this.state.status === 'deleted') {
      this.#answer(ask, { done: false, status: 'deleted' });
      return;
    }
    const known = this.state.answered.find((answered) => answered.ask === ask);
    if (known !== undefined) {
      this.#answer(ask, known.answer);
      return;
    }
    // What was due before somebody asked is decided as it stood then.
    this.#settle();
    const occurrence = this.#carryOut(request);
    const { status } = this.state;
    const answer: ScheduleAnswer = { done: true, status, ...(occurrence !== undefined && { occurrence }) };
    if (occurrence !== undefined) {
      const answered = [...this.state.answered, { ask, answer }].slice(-KEPT_ANSWERS);
      this.#set({ answered });
    }
    this.#answer(ask, answer);
  }

  #carryOut(request: ScheduleRequest): TriggerOutcome | undefined {
    const { status } = this.state;
    const words = wordsOf(request);
    switch (request.type) {
      case 'heddle.schedule.pause':
        if (status === 'paused') return undefined;
        this.#set({ status: 'paused' });
        this.#decide({ outcome: 'paused', ...words });
        return undefined;
      case 'heddle.schedule.resume':
        if (status === 'active') return undefined;
        this.#set({ status: 'active' });
        this.#decide({ outcome: 'resumed', ...words });
        this.#letGo();
        return undefined;
      case 'heddle.schedule.delete':
        this.#dropWaiting('deleted');
        this.#set({ status: 'deleted' });
        this.#decide({ outcome: 'deleted', ...words });
        return undefined;
      case 'heddle.schedule.trigger':
        return this.#trigger(words);
    }
  }

  #trigger(words: Words): TriggerOutcome {
    const { counts, declaration } = this.state;
    const triggered = counts.triggered + 1;
    this.#set({ counts: { ...counts, triggered } });
    const instant = this.#nowMs;
    const id = `${occurrenceId(declaration.id, instant)}+manual-${triggered}`;
    return this.#offer({ id, instant, isManual: true }, 'triggered', words);
  }

  #answer(ask: string, answer: ScheduleAnswer): void {
    this.orders.push({ to: 'caller', ask, answer });
  }

  // ---- instants ------------------------------------------------------------------------------------------------------

  /** Decides all instants that have come due. */
  #settle(): void {
    const { status, declaration, cursor } = this.state;
    if (status === 'deleted') return;
    const table = timetableOf(this.state);
    if (table === undefined) return;
    if (status === 'paused') {
      this.#passOver(table);
      return;
    }
    const overdue = overdueAt(table, declaration, cursor, this.#nowMs);
    if (overdue === undefined) return;
    const { take, left, through } = overdue;
    this.#set({ cursor: through });
    if (left !== undefined) this.#skip(declaration.missed === 'all' ? 'catch-up-limit' : 'missed', left);
    for (const { instant, isMissed } of this.#newestOnly(take)) {
      const occurrence = { id: occurrenceId(declaration.id, instant), instant };
      this.#offer(occurrence, isMissed ? 'missed' : 'due');
    }
  }

  /** Of several at once that would each replace the one before, only the last is begun at all. */
  #newestOnly<T extends { readonly instant: number }>(take: readonly T[]): readonly T[] {
    if (this.state.declaration.overlap !== 'cancel-previous' || take.length < 2) return take;
    const [first, last] = [take[0]!.instant, take.at(-2)!.instant];
    this.#skip('replaced', { count: take.length - 1, first, last });
    return take.slice(-1);
  }

  #passOver(table: Timetable): void {
    const { cursor, declaration } = this.state;
    const overdue = overdueAt(table, { ...declaration, missed: 'skip', graceMs: -1 }, cursor, this.#nowMs);
    if (overdue?.left === undefined) return;
    this.#set({ cursor: overdue.through });
    this.#skip('paused', overdue.left);
  }

  // ---- occurrences ---------------------------------------------------------------------------------------------------

  #offer(occurrence: Occurrence, cause: StartCause | 'waited', words: Words = {}): TriggerOutcome {
    const { id, instant } = occurrence;
    const { declaration, running, waiting } = this.state;
    const verdict = verdictOn(declaration, running.length, waiting.length);
    switch (verdict.outcome) {
      case 'start':
        this.#start(occurrence, cause, words);
        return { outcome: 'started', id };
      case 'skip':
        this.#skip(verdict.cause, { count: 1, first: instant, last: instant });
        return { outcome: 'skipped', id, cause: verdict.cause };
      case 'replace':
        this.#stopRunning();
        this.#dropWaiting('replaced');
        break;
      case 'wait':
        break;
    }
    this.#set({ waiting: [...this.state.waiting, occurrence] });
    this.#decide({ outcome: 'waiting', id, instant, cause, ...words });
    return { outcome: 'waiting', id };
  }

  #start(occurrence: Occurrence, cause: StartCause | 'waited', words: Words = {}): void {
    const { id, instant } = occurrence;
    const { counts, declaration, declaredBy, running } = this.state;
    this.#set({
      running: [...running, occurrence],
      counts: { ...counts, started: counts.started + 1 },
    });
    const { start, input } = declaration;
    this.orders.push({
      to: 'occurrence',
      ...{ id, start, instant },
      ...(input !== undefined && { input }),
      ...(declaredBy !== undefined && { declaredBy }),
    });
    this.#decide({ outcome: 'started', id, instant, cause, ...words });
  }

  /** Starts who waits for the end of others. While paused, only what somebody triggered goes. */
  #letGo(): void {
    const { status, waiting } = this.state;
    if (status === 'deleted') return;
    for (const next of waiting) {
      if (status === 'paused' && next.isManual !== true) continue;
      const { declaration, running } = this.state;
      if (verdictOn(declaration, running.length, 0).outcome !== 'start') return;
      this.#set({ waiting: this.state.waiting.filter((occurrence) => occurrence !== next) });
      this.#start(next, 'waited');
    }
  }

  #stopRunning(): void {
    for (const { id, isStopping } of this.state.running) {
      if (isStopping === true) continue;
      this.orders.push({ to: 'occurrence', id, stop: true });
      this.#decide({ outcome: 'stopping', id, cause: 'replaced' });
    }
    this.#set({ running: this.state.running.map((occurrence) => ({ ...occurrence, isStopping: true })) });
  }

  #dropWaiting(cause: 'replaced' | 'deleted'): void {
    const { waiting } = this.state;
    const [first, last] = [waiting[0], waiting.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#set({ waiting: [] });
    this.#skip(cause, { count: waiting.length, first: first.instant, last: last.instant });
  }

  // ---- the rest ------------------------------------------------------------------------------------------------------

  #skip(
    cause: SkipCause,
    span: { readonly count: number; readonly first: number; readonly last: number },
  ): void {
    const { counts } = this.state;
    const skipped = { ...counts.skipped, [cause]: (counts.skipped[cause] ?? 0) + span.count };
    this.#set({ counts: { ...counts, skipped } });
    this.#decide({ outcome: 'skipped', cause, ...span });
  }

  #decide(words: Timeless<Decision>): void {
    const decision = { atMs: this.#nowMs, ...words } as Decision;
    this.#set({ decisions: [...this.state.decisions, decision].slice(-KEPT_DECISIONS) });
  }

  /** Sets the timer for the next instant, unless it is. */
  #arm(): void {
    const { armed, ...rest } = this.state;
    const next = armedFor(rest);
    const isSet = this.#isTimerSure && next?.instant === armed?.instant && next?.dueAt === armed?.dueAt;
    if (isSet) return;
    if (next !== undefined) {
      this.state = { ...rest, armed: next };
      const event: ScheduleDue = { type: 'heddle.due', instant: next.instant };
      this.orders.push({ to: 'timer', id: 'due', dueAt: next.dueAt, event });
    } else if (armed !== undefined) {
      this.state = rest;
      this.orders.push({ to: 'timer', id: 'due', cancel: true });
    }
  }

  #set(changes: Partial<ScheduleState>): void {
    this.state = { ...this.state, ...changes };
  }
}

interface Words {
  readonly by?: string;
  readonly reason?: string;
}

function wordsOf({ by, reason }: ScheduleRequest): Words {
  return {
    ...(by !== undefined && { by: shortened(by) }),
    ...(reason !== undefined && { reason: shortened(reason) }),
  };
}

/** Cut between characters: a half of one could not be stored. */
function shortened(text: string): string {
  return text.slice(0, KEPT_CHARACTERS).toWellFormed();
}
