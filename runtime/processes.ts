/**
 * Processes: promises, callbacks and observables. They run after the commit that gave them life, may be started again
 * after a crash, and what they report comes back as events.
 *
 * A process has a journal like any actor: its input, what it reported, its end. Only its `start` function is not pure; it
 * runs here, outside of all steps, with a scope whose `self` and `system` route everything back through the runtime.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import type { Cell } from './cell.ts';
import type { TimerHandle } from './clock.ts';
import { EffectSource, lasts, withinEffect } from './effects.ts';
import { retryAfterMsOf } from '../machines/permits/retry-after.ts';
import { AttemptTimeout, DeadlineExceeded } from './errors.ts';
import { isHeldBack, recordedResult } from './forked-effects.ts';
import { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import { portable } from './portable.ts';
import { PROCESS_FAILED } from './process-step.ts';
import { ATTEMPT_DUE, ATTEMPT_FAILED } from './retell.ts';
import { nextRetryDelay } from './retry.ts';
import { HALT, mayRun, UP } from './standing.ts';
import type { Definition } from './definition.ts';
import type { Runtime } from './runtime.ts';
import type { Cause } from './trailer.ts';
import type { Turn } from './turn.ts';

const STOP = 'xstate.stop';
const PROMISE = 'xstate.promise.';
const PROMISE_REJECTED = `${PROMISE}reject`;
const OBSERVED = 'xstate.observable.next';
const OBSERVABLE_FAILED = 'xstate.observable.error';

/** The events with which an attempt is over though its actor lives. */
const STOPPING: ReadonlySet<string> = new Set([
  HALT,
  ATTEMPT_FAILED,
  PROMISE_REJECTED,
  OBSERVABLE_FAILED,
  PROCESS_FAILED,
]);

/** One attempt of a process. */
interface Running {
  /** What it sees as itself. Each attempt has its own, so that one that was given up cannot speak for the next. */
  readonly self: Ref;
  readonly life: number;
  readonly definition: Definition;
  readonly logic: AnyActorLogic;
  readonly scope: object;
  /** The snapshot that `start` got; an observable keeps its subscription in there. */
  readonly state: object;
  readonly context: EffectSource;
  deadline: TimerHandle | undefined;
  /** When all attempts of this life together are out of time. */
  readonly deadlineAt: number;
  /** Says that it is over: its code need not find out any more what it belongs to. */
  readonly end: () => void;
  /** Set when its attempt is over: what it still reports is dropped. */
  over: boolean;
  /** Whether it runs though its birth is not on the disk yet. */
  isEarly: boolean;
  /** Whether its logic was told to stop. */
  stopped: boolean;
  /** For a promise: whether it has said how it ended. */
  settled: boolean;
}

/** Work of a process that was under way when its actor was last in memory. */
export interface Unfinished {
  readonly life: number;
  readonly attempt: number;
  readonly snapshot: AnySnapshot;
}

export class Processes {
  readonly #runtime: Runtime;
  readonly #running = new Map<number, Running>();
  /** Attempts that were told to stop, whose promises are not settled, by actor: only those that somebody waits for. */
  readonly #leaving = new Map<number, Set<Ref>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#running.size;
  }

  /** One that only asks was born: the commit of its birth need not be waited for. */
  beginEarly({ actor, life, ref }: Cell): void {
    const { population, committer } = this.#runtime;
    // It could not see those to whom it belongs.
    if (!aboveAsker(ref).every((one) => isOnDisk(population.present(one.actor)))) return;
    committer.linger();
    // When all turns that can be taken now are taken.
    queueMicrotask(() => {
      const cell = population.present(actor);
      if (this.#runtime.isFenced || this.#runtime.stopped || cell?.snapshot === undefined) return;
      this.#startLife(cell, life, cell.snapshot);
      const running = this.#running.get(actor);
      if (running?.life === life) running.isEarly = cell.undurable > 0;
    });
  }

  /** The births of those that have begun early are lost, or may be. What they report is meant for nobody. */
  forgetEarly(): void {
    for (const [actor, running] of [...this.#running]) if (running.isEarly) this.stop(actor, running.life);
  }

  /** A turn of a process is durable: it is to be started, stopped, or told. */
  afterTurn({ cell, snapshot, life, message }: Turn): void {
    const { event, birth } = message;
    if (snapshot.status !== 'active') return this.stop(cell.actor, life);
    const running = this.#running.get(cell.actor);
    if (birth !== undefined && running?.isEarly === true && running.life === life) {
      running.isEarly = false;
      return;
    }
    if (birth !== undefined || event.type === ATTEMPT_DUE) return this.#startLife(cell, life, snapshot);
    // A life that has begun since is not durable yet.
    if (event.type === UP) return cell.life === life ? this.goOn(cell) : undefined;
    if (STOPPING.has(event.type)) this.stop(cell.actor, life);
  }

  /** The actor runs again: so does its work, unless it waits for its next attempt. */
  goOn(cell: Cell): void {
    const unfinished = this.unfinished(cell);
    if (unfinished !== undefined) this.resume(cell, unfinished);
  }

  /** Whether code of an actor's process may still be running. */
  isAround(actor: number): boolean {
    return this.#running.get(actor)?.over === false || this.#leaving.has(actor);
  }

  /** Whether the current attempt of an actor's work is over, and what it has said is under way to it. */
  hasReported({ actor, life }: Cell): boolean {
    const running = this.#running.get(actor);
    return running?.life === life && running.over;
  }

  /** Stops a process, whose end is waited for: until it has gone, it {@link isAround}. */
  windDown(actor: number, life: number): void {
    const running = this.#running.get(actor);
    this.stop(actor, life);
    // A promise that is aborted may take its time; the others have nothing that could be waited for.
    if (running?.life !== life || running.definition.host.kind !== 'promise' || running.settled) return;
    const leaving = this.#leaving.get(actor) ?? new Set();
    this.#leaving.set(actor, leaving.add(running.self));
  }

  /** Nobody waits for it any more. */
  abandonLeaving(actor: number): void {
    this.#leaving.delete(actor);
  }

  /** What an actor that was restored owes to the world: the work it was in the middle of, to be started again. */
  unfinished(cell: Cell): Unfinished | undefined {
    const { definition, life, attempt, snapshot } = cell;
    const waitsToRetry = (cell.timers?.size ?? 0) > 0;
    if (!definition.isProcess || snapshot?.status !== 'active' || waitsToRetry || !mayRun(cell))
      return undefined;
    return { life, attempt, snapshot };
  }

  /** Starts it again, unless turns since have ended it or begun another life: those that are durable see to their own. */
  resume(cell: Cell, { life, attempt, snapshot }: Unfinished): void {
    if (cell.attempt === attempt) this.#startLife(cell, life, snapshot, true);
  }

  /** @param isOwed whether it may have been begun before */
  #startLife(cell: Cell, life: number, snapshot: AnySnapshot, isOwed = false): void {
    if (cell.life !== life || cell.ended || !mayRun(cell) || this.#runtime.closing || isHeldBack(cell))
      return;
    const running = this.#running.get(cell.actor);
    if (running !== undefined) {
      // It may run still: the actor was only loaded again.
      if (running.life === life && running.context.attempt === cell.attempt && !running.over) return;
      this.stop(cell.actor, running.life);
    }
    this.#start(cell, snapshot, isOwed);
  }

  #start(cell: Cell, snapshot: AnySnapshot, isOwed: boolean): void {
    const { definition, ref, actor, life, attempt, address } = cell;
    // The record that brought it to life owes its work.
    const debtor = { actor, life, seq: cell.bornSeq, origin: cell.bornOrigin };
    const context = new EffectSource(this.#runtime, address, debtor, 0, { attempt, isOwed });
    const self = attemptOf(ref);
    const running: Running = {
      self,
      life,
      definition,
      logic: definition.host.running,
      scope: this.#scopeFor(self),
      state: { ...snapshot },
      context,
      deadline: undefined,
      deadlineAt: cell.bornAt + (definition.spec.deadlineMs ?? Infinity),
      end: lasts(),
      over: false,
      isEarly: false,
      stopped: false,
      settled: false,
    };
    this.#running.set(actor, running);
    const recorded = recordedResult(this.#runtime, cell);
    if (recorded !== undefined) {
      running.settled = true;
      this.#close(running);
      return this.#post(running, recorded);
    }
    this.#runtime.metrics.processesStarted++;
    if (!this.#limit(running)) return;
    try {
      withinEffect(context, () => running.logic.start?.(running.state as never, running.scope as never));
    } catch (error) {
      running.settled = true;
      this.#attemptFailed(running, error);
    }
  }

  /** Sets the alarm by which an attempt must be over. Returns false when all attempts together are out of time already. */
  #limit(running: Running): boolean {
    const { definition, deadlineAt, context } = running;
    const { timeoutMs = Infinity, deadlineMs } = definition.spec;
    const leftMs = deadlineAt - this.#runtime.clock.now();
    const outOfTime = (): void => {
      this.#close(running);
      this.#tellToStop(running);
      this.#runtime.metrics.processesTimedOut++;
      const error = new DeadlineExceeded(context.address, deadlineMs!, context.attempt);
      this.#giveUp(running, portable(this.#runtime.codec, error));
    };
    if (leftMs <= 0) {
      // There is nothing to stop.
      running.stopped = true;
      outOfTime();
      return false;
    }
    const limitMs = Math.min(timeoutMs, leftMs);
    if (limitMs === Infinity) return true;
    running.deadline = this.#runtime.clock.after(limitMs, () => {
      if (running.over) return;
      if (leftMs <= timeoutMs) return outOfTime();
      this.#runtime.metrics.processesTimedOut++;
      this.#attemptFailed(running, new AttemptTimeout(context.address, timeoutMs));
    });
    return true;
  }

  #scopeFor(ref: Ref): object {
    return {
      self: ref,
      id: ref.id,
      sessionId: ref.sessionId,
      system: ref.tree,
      logger: (...args: unknown[]) => this.#runtime.log(undefined, args),
      defer: (run: () => void) => run(),
      stopChild: () => {},
      emit: (event: AnyEventObject) => this.#runtime.audience.emittedByProcess(ref, event),
      actionExecutor: () => {},
    };
  }

  /** Something a process reports to itself: the result of a promise, a value of an observable. */
  report(self: Ref, event: AnyEventObject): void {
    const running = this.#speaking(self);
    if (running === undefined) return this.#hasLeft(self);
    if (event.type.startsWith(PROMISE)) running.settled = true;
    if (event.type === PROMISE_REJECTED || event.type === OBSERVABLE_FAILED)
      return this.#attemptFailed(running, event['data']);
    if (event.type === OBSERVED) {
      // Values may come faster than they can be recorded.
      try {
        this.#runtime.delivery.assertRoom(self);
      } catch (error) {
        return this.#attemptFailed(running, error);
      }
    } else if (event.type.startsWith(PROMISE)) this.#close(running);
    this.#post(running, event);
  }

  #hasLeft(self: Ref): void {
    const leaving = this.#leaving.get(self.actor);
    if (leaving?.delete(self) !== true || leaving.size > 0) return;
    this.#leaving.delete(self.actor);
    this.#runtime.supervision.windingDown.somethingEnded();
  }

  /** What a process sends to another actor cannot be taken: it fails with that. */
  fail(self: Ref, error: unknown): void {
    const running = this.#speaking(self);
    if (running !== undefined) this.#attemptFailed(running, error);
  }

  /** What causes whatever this attempt sends; undefined when it may not speak any more. */
  causeOf(self: Ref): Cause | undefined {
    return this.#speaking(self)?.context.causeIn(this.#runtime);
  }

  #speaking(self: Ref): Running | undefined {
    const running = this.#running.get(self.actor);
    return running?.self !== self || running.over ? undefined : running;
  }

  /** An attempt has failed: it is tried again if the child spec says so, otherwise the process fails. */
  #attemptFailed(running: Running, error: unknown): void {
    this.#close(running);
    // An attempt that took too long must let go of what it holds now, not when its failure is recorded.
    this.#tellToStop(running);
    const { self, definition, context } = running;
    const { retry } = definition.spec;
    const thrown = portable(this.#runtime.codec, error);
    if (retry === undefined) return this.#giveUp(running, thrown);
    const { attempt, idempotencyKey } = context;
    void nextRetryDelay(retry, attempt, error, this.#runtime.clock.now(), idempotencyKey).then((delayMs) => {
      if (this.#runtime.stopped || this.#running.get(self.actor) !== running) return;
      const now = this.#runtime.clock.now();
      // Who is asked to come back later does not come back before.
      const retryAt = now + Math.max(delayMs ?? 0, retryAfterMsOf(error, now) ?? 0);
      if (delayMs === undefined || retryAt >= running.deadlineAt) return this.#giveUp(running, thrown);
      this.#runtime.metrics.processesRetried++;
      this.#post(running, { type: ATTEMPT_FAILED, attempt, error: thrown, retryAt });
    });
  }

  #giveUp(running: Running, error: unknown): void {
    this.#runtime.metrics.processesFailed++;
    const { kind } = running.definition.host;
    if (kind === 'promise') this.#post(running, { type: PROMISE_REJECTED, data: error });
    else if (kind === 'observable') this.#post(running, { type: OBSERVABLE_FAILED, data: error });
    else this.#post(running, { type: PROCESS_FAILED, error });
  }

  /** Sends an event to the process's own journal. A result that cannot be stored fails the process. */
  #post(running: Running, event: AnyEventObject): void {
    const runtime = this.#runtime;
    const { self, context } = running;
    const cause = context.causeIn(runtime);
    try {
      runtime.delivery.sendFrom(cause, self, event);
    } catch (error) {
      this.#close(running);
      runtime.metrics.processesFailed++;
      runtime.delivery.sendFrom(cause, self, { type: PROCESS_FAILED, error: portable(runtime.codec, error) });
    }
  }

  /** Hands an event to the listeners of a callback. */
  tell(actor: number, life: number, event: AnyEventObject): void {
    const running = this.#running.get(actor);
    if (running === undefined || running.life !== life || running.over) return;
    const { logic, state, scope, context } = running;
    try {
      withinEffect(context, () => logic.transition(state as never, event, scope as never));
    } catch (error) {
      this.#runtime.report(error, `a listener of ${context.address} threw`);
    }
  }

  /** Stops a process: aborts its promise, disposes its callback, ends its subscription. */
  stop(actor: number, life: number): void {
    const running = this.#running.get(actor);
    if (running === undefined || running.life !== life) return;
    this.#running.delete(actor);
    this.#close(running);
    this.#tellToStop(running);
  }

  #tellToStop(running: Running): void {
    if (running.stopped) return;
    running.stopped = true;
    const { logic, state, scope, context } = running;
    try {
      withinEffect(context, () => logic.transition(state as never, { type: STOP }, scope as never));
    } catch (error) {
      this.#runtime.report(error, `stopping ${context.address} threw`);
    }
  }

  /** Stops all of them. Nothing is recorded: they start again when the system does. */
  stopAll(): void {
    for (const [actor, { life }] of [...this.#running]) this.stop(actor, life);
  }

  /** Lets go of all of them without a word, as the end of the process would. */
  abandon(): void {
    for (const running of this.#running.values()) this.#close(running);
    this.#running.clear();
    this.#leaving.clear();
  }

  #close(running: Running): void {
    running.over = true;
    running.end();
    running.deadline?.cancel();
  }
}

/** Those to whom a process belongs: all above whoever has asked it, and in any case the one at the top. */
function aboveAsker(ref: Ref): readonly Ref[] {
  const line = [ref];
  for (let one = ref._parent; one !== undefined; one = one._parent) line.push(one);
  return line.length > 2 ? line.slice(2) : line.slice(-1);
}

/** Whoever sleeps is. */
const isOnDisk = (cell: Cell | undefined): boolean => cell === undefined || cell.committed !== undefined;

/**
 * A second ref to an actor, for one attempt of its work. To that it is active as long as it goes on, also when it was told to
 * stop: XState would not let a promise say that it has settled otherwise.
 */
class AttemptRef extends Ref {
  override getSnapshot(): unknown {
    return { ...(super.getSnapshot() as AnySnapshot), status: 'active' };
  }
}

function attemptOf({ tree, address, id, actor, life, _parent, src, systemId, _syncSnapshot }: Ref): Ref {
  const parent = _parent === undefined ? {} : { parent: _parent };
  return new AttemptRef(tree, address, id, {
    actor,
    life,
    src,
    systemId,
    syncSnapshot: _syncSnapshot,
    ...parent,
  });
}
