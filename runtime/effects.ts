/**
 * Effects: custom actions and emitted events, carried out after their commit.
 *
 * They are owed until they are done: a crash in between derives them again from the record and does them once more, under
 * the same key. So an action runs at least once, and can use its key to make the world notice a repetition.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Cell, OwedEffect, OwedTurn } from './cell.ts';
import { isHeldBack, leftToDo } from './forked-effects.ts';
import { Message } from './mailbox.ts';
import { noteSettled } from './notes.ts';
import { portable } from './portable.ts';
import type { Runtime } from './runtime.ts';
import { FAIL } from './standing.ts';
import { spanIdOf, traceIdOf, traceparentOf } from './trace.ts';
import type { Origin } from './trace.ts';
import type { Cause } from './trailer.ts';

/** What user code may know about the effect it runs in. */
export interface EffectContext {
  /** `address@seq:index` of the intent: the same in every repetition, and nowhere else. */
  readonly idempotencyKey: string;
  readonly address: string;
  /** Which attempt this is, counted from 1. */
  readonly attempt: number;
  /**
   * Whether it may have been begun before: it is tried again, or it was owed when its actor was loaded. Then whoever is called may have
   * heard of it already.
   */
  readonly mayRepeat: boolean;
  /** The W3C trace context of the record that owes it: pass it on, and what you call belongs to the same trace. */
  readonly traceparent: string;
}

/** The record that owes an effect. */
interface Debtor {
  readonly actor: number;
  readonly life: number;
  readonly seq: number;
  readonly origin: Origin | undefined;
}

/** How often it was tried in this life of its actor in memory; and whether it was owed from one before. */
interface Trial {
  /** Counted from 1. */
  readonly attempt: number;
  readonly isOwed: boolean;
}

/** Where an effect comes from. */
export class EffectSource implements EffectContext {
  readonly idempotencyKey: string;
  readonly address: string;
  readonly attempt: number;
  readonly mayRepeat: boolean;
  readonly #runtime: Runtime;
  readonly #debtor: Debtor;

  constructor(runtime: Runtime, address: string, debtor: Debtor, index: number, { attempt, isOwed }: Trial) {
    this.idempotencyKey = effectKey(address, debtor.seq, index);
    this.address = address;
    this.attempt = attempt;
    this.mayRepeat = isOwed || attempt > 1;
    this.#runtime = runtime;
    this.#debtor = debtor;
  }

  get traceparent(): string {
    const { actor, seq, origin = { actor, seq } } = this.#debtor;
    const { id } = this.#runtime.ledger;
    return traceparentOf({ traceId: traceIdOf(id, origin), spanId: spanIdOf(id, actor, seq) });
  }

  /** What caused whatever it sends to an actor of this system; undefined for one of another. */
  causeIn(runtime: Runtime): Extract<Cause, { kind: 'effect' }> | undefined {
    const { actor, life, seq, origin = { actor, seq } } = this.#debtor;
    return runtime === this.#runtime ? { kind: 'effect', actor, life, origin } : undefined;
  }
}

/** An effect that runs. */
interface Running {
  readonly context: EffectSource;
  readonly isProcess: boolean;
  /** How many of the messages it has sent wait for their turn. Those of a process do not count: it starts again anyway. */
  waiting: number;
  /** Called when the last of them was taken. */
  whenTaken: (() => void) | undefined;
}

const current = new AsyncLocalStorage<Running>();
/** How many effects are asynchronous, and not over. */
let lasting = 0;

/**
 * The effect that is running: inside of a custom action, a promise, a callback or an observable, also after an `await`; in an
 * action that is asynchronous as long as its promise, which it must return, is not settled.
 * Undefined anywhere else. Pass its `idempotencyKey` to whatever you call, and a repetition after a crash does no harm.
 */
export function currentEffect(): EffectContext | undefined {
  return current.getStore()?.context;
}

/** The same, with what only the runtime needs of it. */
export const currentSource = (): EffectSource | undefined => current.getStore()?.context;

/** Runs a part of a process. */
export function withinEffect<T>(context: EffectSource, run: () => T): T {
  return current.run({ context, isProcess: true, waiting: 0, whenTaken: undefined }, run);
}

/** An effect goes on though its function has returned. The result is to be called, once or more, when it is over. */
export function lasts(): () => void {
  let isOver = false;
  lasting++;
  return () => {
    if (isOver) return;
    isOver = true;
    lasting--;
  };
}

/** To be called after effects were run: before Node 24 an AsyncLocalStorage in use makes every promise slower. */
export function rest(): void {
  if (lasting === 0) current.disable();
}

/** A message has to wait. If an action has sent it, the action is not done before it is taken: it would be lost in a crash. */
export function owedBySender(message: Message): void {
  const sender = current.getStore();
  if (sender === undefined || sender.isProcess) return;
  sender.waiting++;
  message.whenTaken = () => {
    if (--sender.waiting === 0) sender.whenTaken?.();
  };
}

function effectKey(address: string, seq: number, index: number): string {
  return `${address}@${seq}:${index}`;
}

/** How often an action that throws is tried again before it becomes a dead letter, and how long after. */
const RETRY_AFTER_MS = [100, 1000];

/**
 * Carries out what a turn owes, and notes when all of it is done.
 * @param isOwed whether it was owed when its actor was loaded
 */
export function carryOut(runtime: Runtime, cell: Cell, owed: OwedTurn, isOwed = false): void {
  if (isHeldBack(cell)) return;
  if (cell.paused !== undefined) return void cell.paused.push(() => carryOut(runtime, cell, owed, isOwed));
  const effects = leftToDo(runtime, cell, owed);
  if (effects.length === 0) return settle(runtime, cell, owed);
  let left = effects.length;
  const settled = (): void => {
    if (--left === 0) settle(runtime, cell, owed);
  };
  // What the effects send at once commits together with the note that they are done: a repetition does not send it twice.
  runtime.committer.hold(() => {
    for (const effect of effects) run(runtime, cell, owed, effect, { attempt: 1, isOwed }, settled);
  });
}

/** Does an effect once more that was given up. @throws whatever it throws */
export async function runAgain(
  runtime: Runtime,
  { actor, address }: Cell,
  owed: OwedTurn,
  { index, intent }: OwedEffect,
): Promise<void> {
  if (intent.kind !== 'action') return;
  const context = new EffectSource(runtime, address, { ...owed, actor }, index, { attempt: 1, isOwed: true });
  const end = lasts();
  runtime.draining.actionBegins();
  try {
    await current.run({ context, isProcess: true, waiting: 0, whenTaken: undefined }, intent.run);
  } finally {
    runtime.draining.actionEnded();
    end();
    rest();
  }
}

function settle(runtime: Runtime, { actor }: Cell, { seq }: OwedTurn): void {
  if (runtime.stopped) return;
  // The actor may have been loaded again since.
  const cell = runtime.population.present(actor);
  if (cell?.owed?.delete(seq) !== true) return;
  if (cell.owed.size === 0) {
    cell.owed = undefined;
    if (cell.ended) runtime.audience.dismiss(cell);
  }
  noteSettled(runtime.ledger, runtime.codec, cell.actor, seq);
  runtime.population.markDirty(cell);
  runtime.committer.request();
}

function run(
  runtime: Runtime,
  cell: Cell,
  owed: OwedTurn,
  effect: OwedEffect,
  trial: Trial,
  settled: () => void,
): void {
  const { index, intent } = effect;
  const { attempt, isOwed } = trial;
  if (intent.kind === 'emit') {
    runtime.audience.emitted(cell, intent.event, effectKey(cell.address, owed.seq, index));
    return settled();
  }
  if (intent.kind === 'tell') {
    runtime.processes.tell(cell.actor, owed.life, intent.event);
    return settled();
  }
  const context = new EffectSource(runtime, cell.address, { ...owed, actor: cell.actor }, index, trial);
  const failed = (error: unknown): void => {
    const delay = RETRY_AFTER_MS[attempt - 1];
    if (runtime.stopped) return;
    if (delay !== undefined) {
      const again = (): void => {
        if (cell.paused !== undefined) cell.paused.push(again);
        else if (!runtime.stopped)
          run(runtime, cell, owed, effect, { attempt: attempt + 1, isOwed }, settled);
      };
      runtime.clock.after(delay, again);
      return;
    }
    runtime.deadLetters.action(cell, owed, intent.name, context.idempotencyKey, error);
    actionFailed(runtime, cell, owed, index, error);
    settled();
  };
  const running: Running = { context, isProcess: false, waiting: 0, whenTaken: undefined };
  const done = (): void => {
    if (running.waiting === 0) settled();
    else running.whenTaken = settled;
  };
  let result: unknown;
  try {
    result = current.run(running, intent.run);
  } catch (error) {
    return failed(error);
  }
  if (!isThenable(result)) return done();
  runtime.draining.actionBegins();
  cell.acting++;
  const end = lasts();
  const over = (then: () => void): void => {
    cell.acting--;
    end();
    then();
    runtime.draining.actionEnded();
  };
  result.then(
    () => over(done),
    (error: unknown) => over(() => failed(error)),
  );
}

/** XState ignores what an action returns; a promise here is still owed until it is settled. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
  );
}

/** An action was given up: unless its actor is to go on without it, the actor fails. */
function actionFailed(
  runtime: Runtime,
  cell: Cell,
  { seq, life, origin }: OwedTurn,
  index: number,
  error: unknown,
): void {
  const { definition, actor, ref } = cell;
  if (definition.spec.poison === 'resume') return;
  const { event, packed } = runtime.events.prepareHolder({
    type: FAIL,
    error: portable(runtime.codec, error),
  });
  // Under the key of the action: told once, with the dead letter, however often the action is given up.
  const cause = { kind: 'actor', actor, seq, index, life, origin } as const;
  runtime.delivery.deliver(ref, new Message(event, packed, life, cause));
}
