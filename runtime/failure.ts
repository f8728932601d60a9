/**
 * Failure: what becomes of an actor when something of it has failed for good.
 *
 *     a step throws ─► restored from the journal, tried once more ─► throws again ─► dead letter, then `poison`:
 *     an action was tried in vain ─────────────────────────────────► dead letter, then `poison`:
 *         resume    it keeps its last good state and goes on
 *         fail      it fails: see below
 *         escalate  whoever is above it fails: its parent, or its supervisor
 *     a process was tried in vain, a child's error is not handled ─► it fails
 *
 *     it fails ─► it may be restarted (supervisor, or its own child spec) ─► it goes down, with a record, and comes up again
 *             └─► it may not                                             ─► its life ends with status `error`
 *
 * A step is a pure function of state and event, so one that throws will throw again. It is still given a second chance,
 * from a state restored from the journal: if user code has damaged the state in memory, that cures it.
 */
import { nameKey } from '../storage/keys.ts';
import { inputOf } from './birth.ts';
import type { Cell } from './cell.ts';
import { HeddleError, InvalidArgument, StepFailed } from './errors.ts';
import { Message } from './mailbox.ts';
import type { Birth } from './mailbox.ts';
import { noteFired, noteTaken } from './notes.ts';
import { portable } from './portable.ts';
import { failedSnapshot } from './process-step.ts';
import { restoreState } from './restore.ts';
import { beginRecord, goDown } from './retell.ts';
import { delayAfter } from './retry.ts';
import type { Runtime } from './runtime.ts';
import { childrenOf, FAIL, HALT, UP } from './standing.ts';
import { countRestart } from './supervision/restart-window.ts';
import { isToRestart } from './supervision/strategy.ts';
import type { ExitReason } from './supervision/strategy.ts';
import { end, step, turnOf } from './turn.ts';
import { packTrailer } from './trailer.ts';
import type { Cause, Crash, Trailer } from './trailer.ts';

// ---- what failed --------------------------------------------------------------------------------------------------

/** A step has thrown, and nothing of it was kept. */
export function stepThrew(runtime: Runtime, cell: Cell, message: Message): void {
  const at = runtime.clock.now();
  runtime.metrics.failedSteps++;
  try {
    restoreState(runtime, cell);
    step(runtime, cell, message, at);
  } catch (error) {
    giveUp(runtime, cell, message, asRefusal(cell, message, error), at);
  }
}

/** The first step of a life has thrown: there is no last good state to keep. */
export function birthThrew(runtime: Runtime, cell: Cell, message: Message, thrown: unknown): void {
  const error = asRefusal(cell, message, thrown);
  runtime.metrics.failedSteps++;
  if (message.birth!.parent !== undefined) return endWith(runtime, cell, message, error, runtime.clock.now());
  // A root actor that cannot be born never was.
  const wasOrdered = message.cause?.kind === 'actor';
  if (cell.seq === 0) {
    runtime.population.remove(cell);
    if (wasOrdered) runtime.ledger.delete(nameKey(cell.address));
  }
  if (message.noted) noteTaken(runtime.ledger, runtime.codec, cell.actor, message.cause!);
  if (wasOrdered) {
    runtime.committer.request();
    runtime.supervision.couldNotStart(cell, message, 'heddle.start-failed', error);
  }
  message.reply?.reject(error);
}

/** An action was given up, or a child has failed for its parent. */
export function failed(runtime: Runtime, cell: Cell, message: Message): void {
  const at = runtime.clock.now();
  const { error, child } = message.event as unknown as { error: unknown; child?: string };
  const escalates = cell.definition.spec.poison === 'escalate';
  // It has failed already.
  if (cell.down?.why === 'crash') return ignore(runtime, cell, message);
  if (!wentDown(runtime, cell, message, error, at, { escalates, child }))
    endWith(runtime, cell, message, error, at);
}

function ignore(runtime: Runtime, cell: Cell, message: Message): void {
  if (!message.noted) return;
  noteTaken(runtime.ledger, runtime.codec, cell.actor, message.cause!);
  runtime.population.markDirty(cell);
  runtime.committer.request();
}

/**
 * Takes the order to come up after a crash: the state is restored from the journal first. Returns false when it cannot be.
 */
export function restored(runtime: Runtime, cell: Cell, message: Message): boolean {
  try {
    restoreState(runtime, cell);
    runtime.metrics.restarts++;
    return true;
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    if (runtime.supervision.roster.ownerOf(cell) === undefined)
      endWith(runtime, cell, message, error, runtime.clock.now());
    else {
      ignore(runtime, cell, message);
      runtime.supervision.couldNotStart(cell, message, 'heddle.refused', error);
    }
    return false;
  }
}

function asRefusal(cell: Cell, { event }: Message, error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  return new StepFailed(cell.address, event.type, cell.snapshot?.value, error);
}

// ---- policy -------------------------------------------------------------------------------------------------------

function giveUp(runtime: Runtime, cell: Cell, message: Message, error: HeddleError, at: number): void {
  // An event that is none, or that cannot be stored, is its sender's mistake and no evidence about the actor.
  if (!(error instanceof InvalidArgument)) runtime.deadLetters.step(cell, message, error);
  const { poison } = cell.definition.spec;
  if (poison === 'resume') return resume(runtime, cell, message, error);
  const escalates = poison === 'escalate';
  if (!wentDown(runtime, cell, message, error, at, { escalates })) endWith(runtime, cell, message, error, at);
}

/** The actor keeps its last good state. */
function resume(runtime: Runtime, cell: Cell, message: Message, error: HeddleError): void {
  const { ledger, codec, committer, population } = runtime;
  const { reply, cause } = message;
  if (message.noted) noteTaken(ledger, codec, cell.actor, cause!);
  // Only a record tells that a timer of its own has fired, and there is none.
  if (cause?.kind === 'timer') noteFired(ledger, codec, cell.actor, cause.seq, cause.index);
  if (message.noted || cause?.kind === 'timer') {
    population.markDirty(cell);
    committer.request();
  }
  if (reply === undefined) runtime.report(error, `${cell.address} keeps its last good state`);
  else committer.onDurable((lost) => reply.reject(lost ?? error));
}

/**
 * The actor fails. If it is to be restarted, by its supervisor or by itself, it goes down for that; returns false if its
 * life has to end.
 */
export function wentDown(
  runtime: Runtime,
  cell: Cell,
  message: Message,
  error: unknown,
  at: number,
  { escalates = false, child }: { readonly escalates?: boolean; readonly child?: string | undefined } = {},
): boolean {
  const crash: Crash = { error: storable(runtime, error), ...(child !== undefined && { child }) };
  const owner = runtime.supervision.roster.ownerOf(cell);
  if (owner !== undefined) {
    const reason: ExitReason = escalates ? 'escalate' : 'crash';
    if (!escalates && !isToRestart(owner.child.restart, reason)) return false;
    recordCrash(runtime, cell, message, crash, at, error);
    runtime.supervision.tell(owner.supervisor, cell, REPORT, {
      type: 'heddle.exit',
      reason,
      error: crash.error,
    });
    return true;
  }
  if (escalates) return escalateToParent(runtime, cell, message, crash, at, error);
  return restartsItself(runtime, cell, message, crash, at, error);
}

function escalateToParent(
  runtime: Runtime,
  cell: Cell,
  message: Message,
  crash: Crash,
  at: number,
  error: unknown,
): boolean {
  const parent = cell.ref._parent;
  if (parent === undefined) return false;
  recordCrash(runtime, cell, message, crash, at, error);
  const event = { type: FAIL, error: crash.error, child: cell.ref.id };
  const prepared = runtime.events.prepareHolder(event);
  runtime.delivery.deliver(
    parent,
    new Message(prepared.event, prepared.packed, parent.life, causeOf(cell, REPORT)),
  );
  return true;
}

/** Actors without a supervisor, children above all, are restarted by the rules of their own child spec. */
function restartsItself(
  runtime: Runtime,
  cell: Cell,
  message: Message,
  crash: Crash,
  at: number,
  error: unknown,
): boolean {
  const { restart, intensity, periodMs, backoff } = cell.definition.spec;
  if (!isToRestart(restart.type ?? 'temporary', 'crash')) return false;
  const { restarts, isTooMany } = countRestart(cell.window, at, { intensity, periodMs });
  if (isTooMany) return false;
  const delayMs =
    backoff === undefined
      ? 0
      : delayAfter(backoff, restarts.length, error, at, `${cell.address}#${cell.life}`);
  if (delayMs === undefined) return false;
  if (restart.from === 'initial' && !canBeBornAgain(runtime, cell)) return false;
  // Whoever has halted it brings it up again.
  if (cell.down !== undefined) {
    recordCrash(runtime, cell, message, { ...crash, window: restarts }, at, error);
    return true;
  }
  recordCrash(runtime, cell, message, { ...crash, window: restarts, upAt: at + delayMs }, at, error);
  if (delayMs === 0) comeUpAgain(runtime, cell, cell.seq, REPORT);
  return true;
}

/** Whether what it was born with can still be read. */
function canBeBornAgain(runtime: Runtime, cell: Cell): boolean {
  try {
    inputOf(runtime, cell);
    return true;
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    runtime.report(error, `${cell.address} cannot begin anew`);
    return false;
  }
}

/** A permanent actor without a supervisor is done: it begins anew, if it may. @param index for its message */
export function beginsAgain(runtime: Runtime, cell: Cell, index: number): boolean {
  const { restart, intensity, periodMs } = cell.definition.spec;
  if (restart.type !== 'permanent') return false;
  if (countRestart(cell.window, runtime.clock.now(), { intensity, periodMs }).isTooMany) return false;
  if (!canBeBornAgain(runtime, cell)) return false;
  comeUpAgain(runtime, cell, cell.seq, index);
  return true;
}

/**
 * Sends an actor the order that restarts it.
 * @param seq the record that asks for it, and from `index` on the places for its messages
 */
export function comeUpAgain(runtime: Runtime, cell: Cell, seq: number, index: number): void {
  const send = (event: Message['event'], life: number, at: number, birth?: Birth): void => {
    const { event: own, packed } = runtime.events.prepareHolder(event);
    const { actor, life: from, origin } = cell;
    const cause: Cause = { kind: 'actor', actor, seq, index: at, life: from, origin };
    runtime.delivery.deliver(cell.ref, new Message(own, packed, life, cause, birth));
  };
  if (cell.definition.spec.restart.from !== 'initial' && !cell.ended)
    return send({ type: UP }, cell.life, index);
  if (!cell.ended) send({ type: 'xstate.stop' }, cell.life, index);
  const birth: Birth = { ...cell.birth!, since: cell.since };
  send({ type: 'xstate.init', input: inputOf(runtime, cell) }, ++cell.lives, index + 1, birth);
}

/** Beyond all places that a step's own messages can have. */
const AGAIN = 2 ** 24;

/**
 * A parent comes up again that went down because it could not take a child's failure: the child begins anew with it, or the
 * parent would wait for ever. Returns whether this is such a child.
 */
export function beginsAnewWithParent(runtime: Runtime, cell: Cell, { event, cause }: Message): boolean {
  const isParent = cause?.kind === 'actor' && cause.actor === cell.birth?.parent?.[0];
  if (event.type !== UP || !isParent || cell.snapshot?.status !== 'error') return false;
  if (!canBeBornAgain(runtime, cell)) return false;
  const init = { type: 'xstate.init', input: inputOf(runtime, cell) };
  const { event: own, packed } = runtime.events.prepareHolder(init);
  // In the place of the parent's order, which commits with this.
  const birth: Birth = { ...cell.birth!, since: cell.since };
  const place: Cause = { ...cause, index: cause.index + AGAIN };
  runtime.delivery.deliver(cell.ref, new Message(own, packed, ++cell.lives, place, birth));
  return true;
}

/** The places for messages of a crash: first whoever decides, then the children. */
const REPORT = 0;
const BEHIND_THE_REPORT = 2;

// ---- records ------------------------------------------------------------------------------------------------------

/** The actor goes down. @param error what the sender of the event is told */
function recordCrash(
  runtime: Runtime,
  cell: Cell,
  message: Message,
  crash: Crash,
  at: number,
  error: unknown = crash.error,
): void {
  runtime.metrics.crashes++;
  record(runtime, cell, message, at, { crash });
  sendToChildren(runtime, cell, HALT, BEHIND_THE_REPORT);
  const timer = goDown(cell, crash, at);
  if (timer !== undefined) runtime.timers.add(cell.actor, timer.dueAt, timer);
  runtime.report(error, `${cell.address} went down`);
  commit(runtime, cell, message, error);
}

/** The actor ends with status `error`, as in XState. */
function endWith(runtime: Runtime, cell: Cell, message: Message, error: unknown, at: number): void {
  const failure = storable(runtime, error);
  record(runtime, cell, message, at, { ends: true, failure });
  const told = sendToChildren(runtime, cell, 'xstate.stop', 0);
  cell.snapshot = failedSnapshot(cell.snapshot, failure);
  end(runtime, cell, told, message);
  commit(runtime, cell, message, error);
}

/** Sends an order to all children. Returns the next free place for a message of the record. */
function sendToChildren(runtime: Runtime, cell: Cell, type: string, index: number): number {
  for (const child of childrenOf(cell.snapshot)) {
    const { event, packed } = runtime.events.prepare({ type });
    runtime.delivery.deliver(child, new Message(event, packed, child.life, causeOf(cell, index++)));
  }
  return index;
}

/** What the step threw, without what we have put around it. */
function storable({ codec }: Runtime, error: unknown): unknown {
  return portable(codec, error instanceof StepFailed ? error.cause : error);
}

function record(
  runtime: Runtime,
  cell: Cell,
  { cause, reply, birth, packed }: Message,
  at: number,
  rest: Trailer,
) {
  const { ledger, codec, population } = runtime;
  beginRecord(cell, cause, reply?.trace);
  population.markDirty(cell);
  const trailer = packTrailer(codec, {
    ...(cause !== undefined && { cause }),
    ...(reply?.id !== undefined && { id: reply.id }),
    ...(reply?.trace !== undefined && { trace: reply.trace }),
    ...(reply?.warrant !== undefined && { warrant: reply.warrant }),
    ...(birth !== undefined && { birth: cell.birth }),
    ...rest,
  });
  ledger.record(cell.actor, cell, at, cell.life, packed, trailer);
  cell.tailBytes += packed.length + trailer.length;
  if (reply?.id !== undefined) runtime.delivery.remember(cell, reply.id, true);
}

function commit(runtime: Runtime, cell: Cell, message: Message, error: unknown): void {
  const { event, packed, cause, birth, reply } = message;
  // Its sender is told that the event failed, not that it was recorded.
  const refusal = error instanceof HeddleError ? error : asRefusal(cell, message, error);
  const own = new Message(event, packed, cell.life, cause, birth, reply?.failingWith(refusal));
  runtime.committer.add(turnOf(cell, own));
}

function causeOf({ actor, seq, life, origin }: Cell, index: number): Cause {
  return { kind: 'actor', actor, seq, index, life, origin };
}
