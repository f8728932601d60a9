/**
 * A supervisor's decisions, as a pure function: what it knows, and what it hears, give what it knows then and what it
 * orders. The same function decides live, when its journal is told again, and in the tests that hold it against OTP.
 *
 * It does one thing at a time, as `supervisor.erl` does, which blocks while it stops and starts children. Here nothing
 * blocks: the stops and starts that are still to be done are the list `work`, and what is heard meanwhile waits in
 * `waiting`. Both are part of the state, so a restart that a crash interrupts goes on where it was.
 *
 *     heard ─► replies of children (started, halted …)  ─► the first of `work` is done ─┐
 *         └──► exits, requests, orders from above ─► `waiting`, until there is no work ─┴─► decide ─► more `work`, orders
 */
import type { ChildDeclaration, SupervisorDeclaration } from './declaration.ts';
import { countRestart } from './restart-window.ts';
import { affectedBy, isToRestart } from './strategy.ts';
import type { ExitReason } from './strategy.ts';
import { EVERYBODY } from './words.ts';
import type {
  Answer,
  ChildOrder,
  ChildState,
  EndReason,
  EndReport,
  Order,
  SupervisorEvent,
  SupervisorState,
  Surroundings,
  Task,
  Waiting,
} from './words.ts';

const STOP: ChildOrder = { type: 'xstate.stop' };
const RELEASE: ChildOrder = { type: 'heddle.release' };

export function initialState(declaration: SupervisorDeclaration): SupervisorState {
  const children = declaration.children.map(notStarted);
  return { declaration, phase: 'down', children, window: [], restarts: 0, work: [], given: 0, waiting: [] };
}

export function supervise(
  state: SupervisorState,
  event: SupervisorEvent,
  surroundings: Surroundings,
): { readonly state: SupervisorState; readonly orders: readonly Order[] } {
  const decision = new Decision(state, surroundings);
  decision.hear(event);
  return decision;
}

function notStarted(declaration: ChildDeclaration): ChildState {
  return { declaration, phase: 'down', startedAt: 0, restarts: 0, failures: 0 };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One decision under way. What it changes is its own; the state it began with stays as it is. */
class Decision {
  readonly state: Mutable<SupervisorState>;
  readonly orders: Order[] = [];
  readonly #around: Surroundings;
  /** The list of children that was copied for this decision. */
  #own: ChildState[] | undefined;

  constructor(state: SupervisorState, around: Surroundings) {
    this.state = { ...state };
    this.#around = around;
  }

  hear(event: SupervisorEvent): void {
    switch (event.type) {
      case 'heddle.started':
        this.#started(event.id);
        break;
      case 'heddle.start-failed':
        this.#startFailed(event.id, event.error);
        break;
      case 'heddle.refused':
        this.#refused(event.id, event.error);
        break;
      case 'heddle.halted':
        this.#halted(event.id, event.isGone === true);
        break;
      case 'heddle.resume':
        this.#giveOrderAgain(event.given);
        break;
      case 'heddle.up': {
        // Said again after a crash: whoever is above hears how the start has ended, or that it ends.
        const isUnderWay = this.state.phase === 'starting' || this.state.phase === 'stopping';
        const wasCarriedOut = event.order !== undefined && event.order === this.state.heard;
        if (isUnderWay || (wasCarriedOut && this.state.phase === 'down')) break;
        this.state.waiting = [...this.state.waiting, event];
        if (event.order !== undefined) this.state.heard = event.order;
        break;
      }
      case 'heddle.exit':
        // A child says that it was started before it ends: while it does not run, this is about a run before.
        if (this.#child(event.id)?.phase === 'running') this.state.waiting = [...this.state.waiting, event];
        break;
      default:
        this.state.waiting = [...this.state.waiting, event];
    }
    this.#goOn();
  }

  /** Works until a child has to reply, or there is nothing to do. */
  #goOn(): void {
    for (;;) {
      while (this.state.work.length > 0) {
        if (!this.#perform(this.state.work[0]!)) return;
        this.#taskDone();
      }
      const [next, ...others] = this.state.waiting;
      if (next === undefined) return;
      this.state.waiting = others;
      this.#decide(next);
    }
  }

  #decide(event: Waiting): void {
    const { phase } = this.state;
    switch (event.type) {
      case 'heddle.up':
        return phase === 'down' ? this.#up() : this.#say({ to: 'parent', event: { type: 'heddle.started' } });
      case 'heddle.halt':
        return phase === 'down'
          ? this.#say({ to: 'parent', event: { type: 'heddle.halted' } })
          : this.#shutDown();
      case 'heddle.release':
        return this.#release();
      case 'heddle.declare':
        return this.#declare(event.declaration);
    }
    if (phase === 'down') {
      if ('ask' in event) this.#answer(event.ask, { ok: false, reason: 'shutdown' });
      return;
    }
    switch (event.type) {
      case 'heddle.exit':
        return this.#exit(event.id, event.reason, event.error);
      case 'heddle.again':
        return this.#again(event.id, event.isCounted === true);
      case 'heddle.child.start':
        return this.#startChild(event.child, event.ask);
      case 'heddle.child.terminate':
        return this.#terminateChild(event.id, event.ask);
      case 'heddle.child.restart':
        return this.#restartChild(event.id, event.ask);
      case 'heddle.child.delete':
        return this.#deleteChild(event.id, event.ask);
    }
  }

  // ---- its own life ---------------------------------------------------------------------------------------------

  #up(): void {
    const { declaration } = this.state;
    const before = new Map(this.state.children.map((child) => [child.declaration.id, child]));
    this.state.phase = 'starting';
    delete this.state.end;
    delete this.state.released;
    this.state.window = [];
    // As OTP, it begins anew with what is declared; only what it has counted stays.
    this.state.children = declaration.children.map((child) => {
      const { restarts = 0, exit } = before.get(child.id) ?? {};
      return { ...notStarted(child), restarts, ...(exit !== undefined && { exit }) };
    });
    const starts = declaration.children.map(({ id }): Task => ({ do: 'start', id, why: 'up' }));
    const everybody: Task[] = declaration.dynamic === undefined ? [] : [{ do: 'all', event: 'heddle.up' }];
    this.#plan([...starts, ...everybody, { do: 'up' }]);
  }

  #shutDown(): void {
    this.#end({ reason: 'ordered' }, { type: 'heddle.halted' });
  }

  /** It cannot, or is not to, go on: all children are stopped, and whoever is above decides. */
  #giveUp(reason: EndReason, child: string, error?: unknown): void {
    const fault = error === undefined ? {} : { error };
    // To OTP a supervisor that gives up has shut down. One to which a failure was escalated, which OTP does not know, has failed.
    const exit = reason === 'escalated' ? 'crash' : 'shutdown';
    this.#end({ reason, child, ...fault }, { type: 'heddle.exit', reason: exit, ...fault });
  }

  #end(end: { reason: EndReason; child?: string; error?: unknown }, say: EndReport): void {
    this.state.phase = 'stopping';
    this.state.end = { at: this.#around.nowMs, ...end };
    const stops: Task[] = this.#isDynamic
      ? [{ do: 'all', event: 'heddle.halt' }]
      : this.#stopsOf(this.#ids());
    this.#plan([...stops, { do: 'end', say }]);
  }

  /** All are stopped. Who was only started at run time is forgotten, as in OTP. */
  #ended(say: EndReport): void {
    const { declaration, children, waiting } = this.state;
    const declared = new Set(declaration.children.map(({ id }) => id));
    if (!this.#isDynamic) {
      for (const { declaration: child } of children) if (!declared.has(child.id)) this.#order(child.id, STOP);
    }
    this.state.phase = 'down';
    this.state.children = children.filter((child) => declared.has(child.declaration.id));
    this.state.waiting = waiting.filter((event) => !isAboutLife(event));
    this.#say({ to: 'parent', event: say });
  }

  /** It is declared no more: whoever it has supervised goes on without it. */
  #release(): void {
    for (const id of this.#ids()) this.#order(id, RELEASE);
    this.state.children = [];
    this.state.phase = 'down';
    this.state.released = true;
  }

  /** Another declaration: who is new is started, who is gone is let go, the others are treated by their new rules. */
  #declare(declaration: SupervisorDeclaration): void {
    const wasDeclared = new Set(this.state.declaration.children.map(({ id }) => id));
    const known = new Map(this.state.children.map((child) => [child.declaration.id, child]));
    const today = declaration.children.map((child) => {
      const state = known.get(child.id);
      return state === undefined ? notStarted(child) : { ...state, declaration: child };
    });
    const ids = new Set(declaration.children.map(({ id }) => id));
    const others = this.state.children.filter((child) => !ids.has(child.declaration.id));
    for (const { declaration: child } of others)
      if (wasDeclared.has(child.id)) this.#order(child.id, RELEASE);
    const addedAtRunTime = others.filter((child) => !wasDeclared.has(child.declaration.id));
    this.state.declaration = declaration;
    this.state.children = [...today, ...addedAtRunTime];
    if (this.state.phase !== 'running') return;
    const fresh = declaration.children.filter(({ id }) => !known.has(id));
    this.#plan(fresh.map(({ id }): Task => ({ do: 'start', id, why: 'restart' })));
  }

  // ---- failures -------------------------------------------------------------------------------------------------

  #exit(id: string, reason: ExitReason, error: unknown): void {
    const child = this.#child(id);
    // Who was stopped or has been restarted since has ended in an earlier life.
    if (child?.phase !== 'running') return;
    const { restart } = child.declaration;
    const exit = { at: this.#around.nowMs, reason, ...(error !== undefined && { error }) };
    this.#set(id, { phase: 'down', exit });
    if (reason === 'escalate') return this.#giveUp('escalated', id, error);
    if (isToRestart(restart, reason)) return this.#restart(id, error);
    if (restart === 'temporary' || this.#isDynamic) this.#forget(id);
    if (child.declaration.significant) this.#afterSignificant(id);
  }

  #afterSignificant(id: string): void {
    const { autoShutdown } = this.state.declaration;
    if (autoShutdown === 'never') return;
    const isAnyLeft = this.state.children.some(
      // As in OTP, one that is about to be restarted is still there.
      ({ declaration, phase }) => declaration.significant && (phase === 'running' || phase === 'restarting'),
    );
    if (autoShutdown === 'any-significant' || !isAnyLeft) this.#giveUp('significant', id);
  }

  /** Counts a restart, and makes it; at once, or when the backoff is over. */
  #restart(id: string, error: unknown): void {
    const { declaration, window } = this.state;
    const { nowMs } = this.#around;
    const { restarts, isTooMany } = countRestart(window, nowMs, declaration);
    this.state.window = restarts;
    if (isTooMany) return this.#giveUp('intensity', id, error);
    const child = this.#child(id)!;
    const hasLasted = child.startedAt > 0 && nowMs - child.startedAt > declaration.periodMs;
    const failures = hasLasted ? 1 : child.failures + 1;
    const delayMs = this.#around.delayMs(id, failures);
    this.#set(id, { phase: 'restarting', failures });
    if (delayMs === undefined) return this.#giveUp('backoff', id, error);
    this.state.restarts++;
    if (delayMs === 0) return this.#planRestart(id);
    this.#set(id, { restartAt: nowMs + delayMs });
    this.#say({ to: 'self', delayMs, event: { type: 'heddle.again', id, isCounted: true } });
  }

  #again(id: string, isCounted: boolean): void {
    const child = this.#child(id);
    // It was terminated, or started by the restart of another.
    if (child?.phase !== 'restarting') return;
    if (isCounted) {
      // It has failed again since this was said to it.
      if (this.#around.nowMs >= (child.restartAt ?? 0)) this.#planRestart(id);
    } else this.#restart(id, child.exit?.error);
  }

  #planRestart(id: string): void {
    const affected = affectedBy(this.state.declaration.strategy, this.#ids(), id);
    for (const one of affected) this.#set(one, { because: id });
    const starts = affected.map((one): Task => ({ do: 'start', id: one, why: 'restart' }));
    // A dynamic supervisor forgets whoever it has stopped.
    this.#plan([...(this.#isDynamic ? [] : this.#stopsOf(affected)), ...starts]);
  }

  #stopsOf(ids: readonly string[]): Task[] {
    return ids.toReversed().map((id) => ({ do: 'stop', id }));
  }

  // ---- requests -------------------------------------------------------------------------------------------------

  #startChild(declaration: ChildDeclaration, ask: string): void {
    const { id } = declaration;
    const known = this.#known(id);
    if (known !== undefined) {
      const reason = known.phase === 'running' ? 'already-started' : 'already-present';
      return this.#answer(ask, { ok: false, reason });
    }
    this.state.children = [...this.state.children, notStarted(declaration)];
    this.#plan([{ do: 'start', id, why: 'ask', ask, isNew: true }]);
  }

  #terminateChild(id: string, ask: string): void {
    if (this.#child(id) === undefined) return this.#answer(ask, { ok: false, reason: 'not-found' });
    this.#plan([
      { do: 'stop', id },
      { do: 'answer', ask, answer: { ok: true } },
    ]);
  }

  #restartChild(id: string, ask: string): void {
    const refusal = this.#whyNotDown(id);
    if (refusal !== undefined) return this.#answer(ask, refusal);
    this.#plan([{ do: 'start', id, why: 'ask', ask }]);
  }

  #deleteChild(id: string, ask: string): void {
    const refusal = this.#whyNotDown(id);
    if (refusal !== undefined) return this.#answer(ask, refusal);
    this.#order(id, STOP);
    this.#forget(id);
    this.#answer(ask, { ok: true });
  }

  #whyNotDown(id: string): Answer | undefined {
    if (this.#isDynamic) return { ok: false, reason: 'dynamic' };
    const phase = this.#child(id)?.phase;
    if (phase === undefined) return { ok: false, reason: 'not-found' };
    if (phase === 'running' || phase === 'restarting') return { ok: false, reason: phase };
    return undefined;
  }

  // ---- work -----------------------------------------------------------------------------------------------------

  #plan(tasks: readonly Task[]): void {
    this.state.work = [...this.state.work, ...tasks];
  }

  #taskDone(): void {
    this.state.work = this.state.work.slice(1);
  }

  /** Does a task, or the part of it that comes before the child's reply. Returns whether it is done. */
  #perform(task: Task): boolean {
    switch (task.do) {
      case 'stop':
        return this.#stop(task.id);
      case 'start':
        return this.#start(task.id, task.why);
      case 'all':
        return this.#toAll(task);
      case 'answer':
        this.#answer(task.ask, task.answer);
        return true;
      case 'up':
        this.state.phase = 'running';
        this.#say({ to: 'parent', event: { type: 'heddle.started' } });
        return true;
      case 'end':
        this.#ended(task.say);
        return true;
    }
  }

  #stop(id: string): boolean {
    const child = this.#child(id);
    if (child === undefined) return true;
    if (child.phase === 'stopping') return false;
    const { waiting } = this.state;
    if (waiting.length > 0)
      this.state.waiting = waiting.filter((event) => !(isAboutLife(event) && event.id === id));
    if (child.phase !== 'running') {
      this.#isStopped(id);
      return true;
    }
    this.#set(id, { phase: 'stopping' });
    this.#order(id, { type: 'heddle.halt', shutdownMs: child.declaration.shutdownMs });
    return false;
  }

  #halted(id: string, isGone: boolean): void {
    const [task] = this.state.work;
    if (id === EVERYBODY && task?.do === 'all') {
      if (task.event === 'heddle.halt') this.#taskDone();
      return;
    }
    if (task?.do !== 'stop' || task.id !== id || this.#child(id)?.phase !== 'stopping') return;
    this.#isStopped(id);
    this.#taskDone();
    const [next] = this.state.work;
    if (isGone && next?.do === 'answer')
      this.state.work = this.state.work.with(0, { ...next, answer: { ok: false, reason: 'not-found' } });
  }

  #isStopped(id: string): void {
    const { restart } = this.#child(id)!.declaration;
    if (restart !== 'temporary' && !this.#isDynamic) return this.#set(id, { phase: 'down' });
    this.#order(id, STOP);
    this.#forget(id);
  }

  #start(id: string, why: 'up' | 'restart' | 'ask'): boolean {
    const child = this.#child(id);
    // Temporary children are forgotten when they are stopped.
    if (child === undefined || child.phase === 'running') return true;
    if (child.phase === 'starting') return false;
    this.#set(id, {
      phase: 'starting',
      restarts: child.restarts + (why === 'restart' && (this.#isDynamic || child.startedAt > 0) ? 1 : 0),
      ordered: this.state.given,
    });
    this.#order(id, { type: 'heddle.up', declaration: child.declaration, order: this.state.given });
    return false;
  }

  #started(id: string): void {
    const task = this.#startUnderWay(id);
    if (task === undefined) return;
    this.#set(id, { phase: 'running', startedAt: this.#around.nowMs });
    if (task.ask !== undefined) this.#answer(task.ask, { ok: true });
    this.#taskDone();
    // A dynamic supervisor remembers only those that may fail again soon.
    if (this.#isDynamic) this.#forgetLasting();
  }

  #startFailed(id: string, error: unknown): void {
    const task = this.#startUnderWay(id);
    if (task === undefined) return;
    const exit = { at: this.#around.nowMs, reason: 'crash', error } as const;
    this.#set(id, { phase: 'down', exit });
    // What was to be started behind it waits for the next try, or is never started.
    this.state.work = [];
    if (task.why === 'up') {
      return this.#end({ reason: 'start-failed', child: id, error }, { type: 'heddle.start-failed', error });
    }
    if (task.why === 'restart') {
      this.#set(id, { phase: 'restarting' });
      return this.#say({ to: 'self', delayMs: 0, event: { type: 'heddle.again', id } });
    }
    if (task.isNew === true) this.#forget(id);
    this.#answer(task.ask!, { ok: false, reason: 'failed', error });
  }

  /** Restarting would not help, and the others need not suffer: it is left alone until a person has looked at it. */
  #refused(id: string, error: unknown): void {
    const task = this.#startUnderWay(id);
    if (task === undefined) return;
    this.#set(id, { phase: 'refused', exit: { at: this.#around.nowMs, reason: 'crash', error } });
    this.#taskDone();
    if (task.ask !== undefined) this.#answer(task.ask, { ok: false, reason: 'failed', error });
  }

  #startUnderWay(id: string): Extract<Task, { do: 'start' }> | undefined {
    const [task] = this.state.work;
    if (id === EVERYBODY && task?.do === 'all' && task.event === 'heddle.up') this.#taskDone();
    if (task?.do !== 'start' || task.id !== id || this.#child(id)?.phase !== 'starting') return undefined;
    return task;
  }

  #toAll({ event }: Extract<Task, { do: 'all' }>): boolean {
    const { shutdownMs } = this.state.declaration.dynamic!;
    this.#say({ to: 'all', event: { type: event, shutdownMs } });
    return false;
  }

  #giveOrderAgain(given: number): void {
    const [task] = this.state.work;
    // An order that was given since is safe in a commit.
    if (task === undefined || this.state.given !== given) return;
    if (task.do === 'all') this.#toAll(task);
    if (task.do !== 'start' && task.do !== 'stop') return;
    const { phase, declaration, ordered = 0 } = this.#child(task.id)!;
    if (phase === 'starting') this.#order(task.id, { type: 'heddle.up', declaration, order: ordered });
    if (phase === 'stopping')
      this.#order(task.id, { type: 'heddle.halt', shutdownMs: declaration.shutdownMs });
  }

  // ---- children -------------------------------------------------------------------------------------------------

  get #isDynamic(): boolean {
    return this.state.declaration.dynamic !== undefined;
  }

  #ids(): readonly string[] {
    return this.state.children.map(({ declaration }) => declaration.id);
  }

  #known(id: string): ChildState | undefined {
    return this.state.children[placeOf(this.state.children, id)];
  }

  /** The child; every child of a dynamic supervisor that it does not know runs. */
  #child(id: string): ChildState | undefined {
    const { dynamic } = this.state.declaration;
    return this.#known(id) ?? (dynamic && { ...notStarted({ ...dynamic, id }), phase: 'running' });
  }

  #set(id: string, change: Partial<ChildState>): void {
    const child = { ...this.#child(id)!, ...change };
    const place = placeOf(this.state.children, id);
    // Copied once for all that a decision changes.
    if (this.#own !== this.state.children) this.state.children = this.#own = this.state.children.slice();
    this.#own[place === -1 ? this.#own.length : place] = child;
  }

  #forget(id: string): void {
    this.state.children = this.state.children.filter(({ declaration }) => declaration.id !== id);
  }

  /** A dynamic supervisor remembers only those that may soon fail again. */
  #forgetLasting(): void {
    const since = this.#around.nowMs - this.state.declaration.periodMs;
    this.state.children = this.state.children.filter(
      ({ phase, failures, startedAt }) => phase !== 'running' || (failures > 0 && startedAt >= since),
    );
  }

  // ---- orders ---------------------------------------------------------------------------------------------------

  #order(id: string, event: ChildOrder): void {
    this.#say({ to: 'child', id, start: this.#child(id)!.declaration.start, event });
  }

  #answer(ask: string, answer: Answer): void {
    this.#say({ to: 'caller', ask, answer });
  }

  #say(order: Order): void {
    if (order.to === 'child' || order.to === 'all') this.state.given++;
    this.orders.push(order);
  }
}

/** Where the child stood that was looked for last: whoever is next stands mostly beside it. */
let lastPlace = 0;

function placeOf(children: readonly ChildState[], id: string): number {
  const isAt = (place: number) => children[place]?.declaration.id === id;
  if (isAt(lastPlace)) return lastPlace;
  if (isAt(lastPlace + 1)) return ++lastPlace;
  if (isAt(lastPlace - 1)) return --lastPlace;
  const place = children.findIndex(({ declaration }) => declaration.id === id);
  if (place !== -1) lastPlace = place;
  return place;
}

/** What is out of date once the child it is about was stopped. */
function isAboutLife(event: Waiting): event is Extract<Waiting, { type: 'heddle.exit' | 'heddle.again' }> {
  return event.type === 'heddle.exit' || event.type === 'heddle.again';
}
