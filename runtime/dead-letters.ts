/**
 * Dead letters: events that could not be applied, and actions that could not be done, parked with their evidence.
 *
 * A step is a pure function of state and event, so one that throws will throw again. It is still given a second chance,
 * from a state restored from the journal: if user code has damaged the state in memory, that cures it. Then the event is
 * given up, and the child spec says what happens to the actor.
 */
import type { AnyEventObject } from 'xstate';
import { deadLetterKey } from '../storage/keys.ts';
import type { Cell, OwedTurn } from './cell.ts';
import { InvalidArgument, HeddleError, StepFailed } from './errors.ts';
import type { Ref } from './kernel/ref.ts';
import { Message } from './mailbox.ts';
import { noteFired, noteTaken } from './notes.ts';
import { portable } from './portable.ts';
import { failedSnapshot } from './process-step.ts';
import { restoreState } from './restore.ts';
import type { Runtime } from './runtime.ts';
import { end, step } from './turn.ts';
import { packTrailer } from './trailer.ts';
import type { Cause } from './trailer.ts';

/** A dead letter as it is stored. */
export interface DeadLetter {
  readonly id: number;
  readonly address: string;
  readonly life: number;
  readonly at: number;
  readonly reason: 'step' | 'action';
  /** The event that could not be applied, or the name of the action that could not be done. */
  readonly event?: AnyEventObject;
  readonly action?: string;
  readonly idempotencyKey?: string;
  readonly cause?: Cause;
  readonly error: unknown;
  /** The state in which it happened. */
  readonly state?: unknown;
}

export class DeadLetters {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** An action failed for good. */
  action(cell: Cell, owed: OwedTurn, action: string, idempotencyKey: string, error: unknown): void {
    this.#write({ ...this.#about(cell, error), life: owed.life, reason: 'action', action, idempotencyKey });
    this.#runtime.report(error, `the action '${action}' of ${idempotencyKey} failed and was given up`);
  }

  /** A step failed for good. */
  step(cell: Cell, { event, cause }: Message, error: unknown): void {
    const letter = {
      ...this.#about(cell, error),
      reason: 'step' as const,
      event,
      state: cell.snapshot?.value,
    };
    this.#write(cause === undefined ? letter : { ...letter, cause });
  }

  #about(cell: Cell, error: unknown) {
    const { ledger, clock, codec } = this.#runtime;
    const id = ledger.nextActor++;
    return { id, address: cell.address, life: cell.life, at: clock.now(), error: portable(codec, error) };
  }

  #write(letter: DeadLetter): void {
    const { ledger, codec, committer } = this.#runtime;
    ledger.put(deadLetterKey(letter.id), codec.packHolder(letter, 'deadLetter'), true);
    committer.request();
  }
}

/** A step has thrown, and nothing of it was kept. */
export function stepThrew(runtime: Runtime, cell: Cell, message: Message, first: unknown): void {
  const at = runtime.clock.now();
  try {
    restoreState(runtime, cell);
    return step(runtime, cell, message, at);
  } catch (second) {
    giveUp(runtime, cell, message, asRefusal(cell, message, second), at);
  }
  void first;
}

/** The first step of a life has thrown: there is no last good state to keep. */
export function birthThrew(runtime: Runtime, cell: Cell, message: Message, thrown: unknown): void {
  const error = asRefusal(cell, message, thrown);
  if (message.birth!.parent !== undefined)
    return failWith(runtime, cell, message, error, runtime.clock.now());
  // A root actor that cannot be born never was.
  if (cell.seq === 0) runtime.population.remove(cell);
  message.reply?.reject(error);
}

function asRefusal(cell: Cell, { event }: Message, error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  return new StepFailed(cell.address, event.type, cell.snapshot?.value, error);
}

function giveUp(runtime: Runtime, cell: Cell, message: Message, error: HeddleError, at: number): void {
  const { ledger, codec, committer, population } = runtime;
  // An event that is none, or that cannot be stored, is its sender's mistake and no evidence about the actor.
  if (!(error instanceof InvalidArgument)) runtime.deadLetters.step(cell, message, error);
  if (cell.definition.spec.poison === 'fail') return failWith(runtime, cell, message, error, at);
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

/** The actor ends with status `error`, as in XState. */
function failWith(runtime: Runtime, cell: Cell, message: Message, error: HeddleError, at: number): void {
  const { ledger, codec, committer, population } = runtime;
  const { cause, reply, birth } = message;
  const failure = portable(codec, error instanceof StepFailed ? error.cause : error);
  const children = Object.values<Ref>(cell.snapshot?.children ?? {});
  population.markDirty(cell);
  const trailer = packTrailer(codec, {
    ...(cause !== undefined && { cause }),
    ...(reply?.id !== undefined && { id: reply.id }),
    ...(birth !== undefined && { birth }),
    ends: true,
    failure,
  });
  ledger.record(cell.actor, cell, at, cell.life, message.packed, trailer);
  const snapshot = failedSnapshot(cell.snapshot, failure);
  cell.snapshot = snapshot;
  children.forEach((child, index) => {
    const prepared = runtime.events.prepare({ type: 'xstate.stop' });
    const stopCause: Cause = { kind: 'actor', actor: cell.actor, seq: cell.seq, index, life: cell.life };
    runtime.delivery.deliver(child, new Message(prepared.event, prepared.packed, child.life, stopCause));
  });
  end(runtime, cell, children.length);
  const { seq, life } = cell;
  // Its sender is told that the event failed, not that it was recorded.
  const { event, packed } = message;
  const failed = new Message(event, packed, life, cause, birth, reply?.failingWith(error));
  committer.add({
    cell,
    snapshot,
    seq,
    life,
    frame: cell.frame!,
    message: failed,
    owed: undefined,
    intents: [],
  });
}
