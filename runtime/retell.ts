/**
 * Telling a record again: the step it recorded, run through today's code with the time, seed and reads of back then.
 * Used to restore actors, to replay them, and to look at their past. Executes nothing.
 */
import type { AnyEventObject } from 'xstate';
import type { JournalRecord } from '../storage/journal.ts';
import { Cell } from './cell.ts';
import type { OwedEffect, OwedTurn } from './cell.ts';
import { firstDifference } from './difference.ts';
import type { Difference } from './errors.ts';
import { definitionOf, makeSelf } from './birth.ts';
import { fillFromImage } from './image.ts';
import { NO_INTENTS } from './kernel/intent.ts';
import type { Intent } from './kernel/intent.ts';
import { enter, leave, violationOfLast } from './kernel/moment.ts';
import type { Ref, Tree } from './kernel/ref.ts';
import type { AnySnapshot, Environment, Outcome } from './kernel/step.ts';
import { failedSnapshot, processStep } from './process-step.ts';
import type { Runtime } from './runtime.ts';
import { armTimer, disarmTimer } from './timers.ts';
import type { Timer } from './timers.ts';
import { countRestart } from './supervision/restart-window.ts';
import { applyOrder, isUrgent, standingStep, UP } from './standing.ts';
import { dueOf, tellIntents, unpackTrailer } from './trailer.ts';
import { originOf } from './trace.ts';
import type { GivenTrace } from './trace.ts';
import type { Cause, Crash, Read, StoredStep, ToldIntent, Trailer } from './trailer.ts';
import type { TravellingSnapshot } from './events.ts';

/** What of a record is needed to tell it again, wherever it comes from. */
export type TellableRecord = Pick<
  JournalRecord,
  'actor' | 'seq' | 'life' | 'at' | 'bytes' | 'eventStart' | 'eventEnd' | 'trailer' | 'frame' | 'offset'
>;

/** What came out of telling a record again. */
export interface Story {
  readonly event: AnyEventObject;
  readonly trailer: Trailer;
  readonly snapshot: AnySnapshot | undefined;
  readonly intents: readonly Intent[];
  readonly booked: number;
  /** Where today's code departs from what is recorded. */
  readonly difference: Difference | undefined;
}

/** Runs the step of a record on the state that `cell` has. Changes the cell only when the record begins a life. */
export function retell(runtime: Runtime, cell: Cell, record: TellableRecord): Story {
  const trailer = unpackTrailer(runtime.codec, record.trailer);
  const event = runtime.events.unpack(record.bytes, record.eventStart, record.eventEnd);
  if (trailer.birth !== undefined) beginLife(runtime, cell, record, trailer);
  beginRecord(cell, trailer.cause, trailer.trace);
  if ('failure' in trailer) {
    const snapshot = failedSnapshot(cell.snapshot, trailer.failure);
    return { event, trailer, snapshot, intents: NO_INTENTS, booked: cell.booked, difference: undefined };
  }
  if (trailer.crash !== undefined || trailer.image !== undefined || event.type === RECODED) {
    const { snapshot, booked } = cell;
    const intents = trailer.owes === undefined ? NO_INTENTS : intentsOf(runtime, cell, trailer.owes);
    return { event, trailer, snapshot, intents, booked, difference: undefined };
  }
  const outcome = stepAgain(runtime, cell, event, record.at, trailer);
  if ('failed' in outcome) {
    const { snapshot, booked } = cell;
    const difference = { seq: record.seq, path: 'step', recorded: 'it went through', today: outcome.failed };
    return { event, trailer, snapshot, intents: NO_INTENTS, booked, difference };
  }
  return { event, trailer, ...outcome, difference: compare(record, trailer, outcome) };
}

/** Takes a step once more, with what it read and drew back then. Says why if it fails. */
export function stepAgain(
  runtime: Runtime,
  cell: Cell,
  event: AnyEventObject,
  at: number,
  { reads = [], seed }: Pick<Trailer, 'reads' | 'seed'>,
): Outcome | { readonly failed: string } {
  const environment = new RetoldEnvironment(runtime, reads);
  enter(at, cell.bornAt, seed);
  let outcome: Outcome | undefined;
  let thrown: unknown;
  try {
    outcome = stepOf(cell, event, environment);
  } catch (error) {
    thrown = error;
  } finally {
    leave();
  }
  const violation = violationOfLast();
  if (violation !== undefined) return { failed: `it uses ${violation.api}` };
  return outcome ?? { failed: `it throws: ${String(thrown)}` };
}

/** The step itself, of any kind of logic. */
export function stepOf(cell: Cell, event: AnyEventObject, environment: Environment): Outcome {
  const { definition, ref, snapshot, booked } = cell;
  const { host } = definition;
  if (snapshot === undefined) return host.initial(ref, event['input'], booked, environment);
  const standing = definition.isHouse ? undefined : standingStep(cell, event);
  if (standing !== undefined) return standing;
  const own = definition.host.kind === 'machine' ? undefined : processStep(definition, snapshot, event);
  if (own !== undefined) return { snapshot: own, intents: NO_INTENTS, booked };
  return host.transition(ref, snapshot, event, booked, environment);
}

/** The actor's next record begins: what it asks for belongs to the trace of whoever caused it. */
export function beginRecord(cell: Cell, cause: Cause | undefined, given: GivenTrace | undefined): void {
  cell.origin = originOf(cause, given, cell.actor, cell.seq + 1);
  if (cell.seq + 1 === cell.bornSeq) cell.bornOrigin = cell.origin;
}

/** A new life begins with a clean slate: only the journal and its numbers go on. */
export function beginLife(
  runtime: Runtime,
  cell: Cell,
  { life, at }: { life: number; at: number },
  { birth }: Trailer,
): void {
  cell.birth = birth;
  cell.definition = definitionOf(runtime, cell.address, birth!);
  cell.life = life;
  cell.lives = Math.max(cell.lives, life);
  if (birth!.since !== undefined && cell.snapshot?.status === 'done') countRestartOf(cell, at);
  cell.since = birth!.since ?? life;
  cell.down = undefined;
  cell.bornAt = at;
  cell.bornSeq = cell.seq + 1;
  cell.snapshot = undefined;
  cell.booked = 0;
  cell.attempt = 1;
  cell.timers = undefined;
  if (cell.ref.life !== life) cell.ref = makeSelf(runtime, cell.actor, birth!, life);
}

/** One that begins anew because it was done: a failure has counted it before. */
function countRestartOf(cell: Cell, at: number): void {
  cell.window = countRestart(cell.window, at, cell.definition.spec).restarts;
}

const NOTHING_TOLD: readonly ToldIntent[] = [];

/** Gives the children of the story the numbers they got back then, and compares what the step asked for. */
function compare(record: TellableRecord, trailer: Trailer, outcome: Outcome): Difference | undefined {
  const { intents: recorded = NOTHING_TOLD } = trailer;
  if (outcome.intents.length === 0 && recorded.length === 0) return undefined;
  bearAsRecorded(outcome.intents, recorded);
  const today = tellIntents(outcome.intents, record.at);
  const difference = firstDifference(recorded, today, 'intents');
  return difference && { seq: record.seq, ...difference };
}

function bearAsRecorded(intents: readonly Intent[], recorded: readonly ToldIntent[]): void {
  intents.forEach((intent, index) => {
    const told = recorded[index];
    if (intent.kind === 'spawn' && told?.[0] === 'spawn' && told[1] === intent.ref.id)
      intent.ref.bear(told[3], told[4]);
  });
}

/** Takes over what the story says about the actor itself: its state, its timers, and what it owes. */
export function applyStory(runtime: Runtime, cell: Cell, story: Story, record: TellableRecord): void {
  const { snapshot, intents, booked, trailer, event } = story;
  const before = cell.snapshot;
  const bookedBefore = cell.booked;
  if (trailer.cause?.kind === 'timer') disarmTimer(cell.timers, trailer.cause.seq, trailer.cause.index);
  cell.seq = record.seq;
  cell.frame = record.frame;
  cell.offset = record.offset;
  cell.snapshot = snapshot;
  cell.booked = booked;
  if (trailer.crash !== undefined) {
    goDown(cell, trailer.crash, record.at);
    return;
  }
  if (trailer.image !== undefined) {
    cell.definition = definitionOf(runtime, cell.address, trailer.image.birth!);
    fillFromImage(runtime, cell, trailer.image);
    owe(cell, record.seq, owedBy(cell, intents, event, before, bookedBefore));
    return;
  }
  if (event.type === RECODED) cell.birth = { ...cell.birth!, code: event['code'] as number };
  applyToSelf(cell, intents, event, record.at);
  owe(cell, record.seq, owedBy(cell, intents, event, before, bookedBefore));
  if (!cell.ended) return;
  cell.timers = undefined;
  cell.down = undefined;
}

function owe(cell: Cell, seq: number, owed: OwedTurn | undefined): void {
  if (owed !== undefined) (cell.owed ??= new Map()).set(seq, owed);
}

/** What a step asks for that somebody else has taken, if this actor takes it. */
export function intentsOf(
  runtime: Runtime,
  { actor, address, definition, ref }: Cell,
  step: StoredStep,
): readonly Intent[] {
  const { at, bornAt, seed, booked, before, reads } = step;
  const taker = new Cell(actor, address, definition, ref);
  taker.booked = booked;
  if (before !== undefined) taker.snapshot = runtime.events.unpackSnapshot(definition, ref, before);
  const event = runtime.events.unpack(step.event);
  const environment = new RetoldEnvironment(
    runtime,
    reads === undefined ? [] : (runtime.codec.unpack(reads) as readonly Read[]),
  );
  enter(at, bornAt, seed);
  try {
    return stepOf(taker, event, environment).intents;
  } finally {
    leave();
  }
}

/** The actor fails, and does not run until it is restarted. Returns the timer that does that, if there is one. */
export function goDown(cell: Cell, { error, child, window, upAt }: Crash, at: number): Timer | undefined {
  cell.down = {
    why: 'crash',
    at,
    seq: cell.seq,
    error,
    ...(child !== undefined && { child }),
    ...(upAt !== undefined && { upAt }),
  };
  if (window !== undefined) cell.window = window;
  // Without a delay a message of the same record does it.
  if (upAt === undefined || upAt <= at) return undefined;
  const { seq, origin, ref: to } = cell;
  const timer = { id: undefined, seq, index: 0, dueAt: upAt, to, event: { type: UP }, origin };
  armTimer((cell.timers ??= new Map()), timer);
  return timer;
}

const NO_TIMERS: readonly Timer[] = [];

/** What a step does to its own actor's timers and attempts, live or told again. Returns the timers it has set. */
export function applyToSelf(
  cell: Cell,
  intents: readonly Intent[],
  event: AnyEventObject,
  atMs: number,
): readonly Timer[] {
  let armed: Timer[] | undefined;
  for (let index = 0; index < intents.length; index++) {
    const intent = intents[index]!;
    if (intent.kind === 'timer') {
      const { id, to, event: later, delayMs } = intent;
      const { seq, origin } = cell;
      const timer = { id, seq, index, dueAt: dueOf(atMs, delayMs), to, event: later, origin };
      armTimer((cell.timers ??= new Map()), timer);
      (armed ??= []).push(timer);
    } else if (intent.kind === 'cancel') cell.timers?.delete(intent.id);
  }
  if (isUrgent(event) && !cell.definition.isHouse) applyOrder(cell, event, atMs);
  if (event.type !== ATTEMPT_FAILED) return armed ?? NO_TIMERS;
  cell.attempt = (event['attempt'] as number) + 1;
  const later = { type: ATTEMPT_DUE, attempt: cell.attempt };
  const dueAt = event['retryAt'] as number;
  const { seq, origin, ref: to } = cell;
  const retry = { id: undefined, seq, index: 0, dueAt, to, event: later, origin };
  armTimer((cell.timers ??= new Map()), retry);
  return [retry];
}

/** Today's code tells the story of an actor that was run by other code: it goes on under that. */
export const RECODED = 'heddle.recoded';
/** A failed attempt of a process that will be tried again. */
export const ATTEMPT_FAILED = 'heddle.attempt.failed';
/** The time to try again has come. */
export const ATTEMPT_DUE = 'heddle.attempt.due';

/** The turn's debt to the world, or undefined when it has none. */
export function owedBy(
  cell: Cell,
  intents: readonly Intent[],
  event: AnyEventObject,
  before: AnySnapshot | undefined,
  bookedBefore: number,
): OwedTurn | undefined {
  const effects = intents.length === 0 ? toListeners(cell, event) : effectsAmong(intents);
  if (effects.length === 0) return undefined;
  const { seq, life, origin, frame, offset, birth } = cell;
  return { seq, life, before, bookedBefore, origin, code: birth!.code, frame: frame!, offset, effects };
}

const NO_EFFECTS: readonly OwedEffect[] = [];

function effectsAmong(intents: readonly Intent[]): readonly OwedEffect[] {
  let effects: OwedEffect[] | undefined;
  for (let index = 0; index < intents.length; index++) {
    const intent = intents[index]!;
    if (intent.kind === 'action' || intent.kind === 'emit') (effects ??= []).push({ index, intent });
  }
  return effects ?? NO_EFFECTS;
}

/** A callback hands what it receives to its listeners: that too is owed until it is done. */
function toListeners({ definition }: Cell, event: AnyEventObject): readonly OwedEffect[] {
  const { type } = event;
  if (definition.host.kind !== 'callback' || type === 'xstate.init' || type === 'xstate.stop')
    return NO_EFFECTS;
  return type.startsWith('heddle.') ? NO_EFFECTS : [{ index: 0, intent: { kind: 'tell', event } }];
}

/** The world as a step saw it back then. */
class RetoldEnvironment implements Environment {
  readonly #runtime: Runtime;
  readonly #reads: readonly Read[];
  #next = 0;

  constructor(runtime: Runtime, reads: readonly Read[]) {
    this.#runtime = runtime;
    this.#reads = reads;
  }

  lookup(_tree: Tree, key: string): Ref | undefined {
    return (this.#read('lookup', `system.get('${key}')`) as { lookup: Ref | undefined }).lookup;
  }

  lookupAll(): Record<string, Ref> {
    return (this.#read('all', 'system.getAll()') as { all: Record<string, Ref> }).all;
  }

  snapshotOf(ref: Ref): unknown {
    return this.#runtime.events.revive(
      this.#read('snapshot', `the state of ${ref.address}`) as TravellingSnapshot,
    );
  }

  backoff(): number | undefined {
    return (this.#read('backoff', 'the backoff') as { backoff: number | null }).backoff ?? undefined;
  }

  #read(kind: string, what: string): Read {
    const read = this.#reads[this.#next++];
    if (read === undefined || !(kind in read))
      throw new Error(`${what} was not read back then: the code has changed`);
    return read;
  }
}
