/**
 * The scheduler: whose turn it is. Actors with messages stand in one queue; each takes one message and, if it has more,
 * stands again at the end. So nobody starves, and messages to one actor stay in order. For timers an actor may stand in it
 * more than once, so that those that are due together fire in the order in which they are due.
 *
 * Turns run until the queue is empty or a slice of time is over; then input, timers and finished writes get their chance.
 */
import type { Cell } from './cell.ts';
import { throughout } from './kernel/moment.ts';
import type { Runtime } from './runtime.ts';
import { isUp } from './standing.ts';
import { takeTurn } from './turn.ts';

/** How long turns may run without letting anything else happen. */
const SLICE_MS = 8;
const LOOK_EVERY = 32;

export class Scheduler {
  readonly #runtime: Runtime;
  #queue: Cell[] = [];
  #running = false;
  #armed = false;
  #stopped = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether a turn could be taken right now, by whoever brings a message. */
  get isFree(): boolean {
    const { committer } = this.#runtime;
    return (
      this.#queue.length === 0 &&
      !this.#running &&
      !this.#stopped &&
      !committer.breakIsDue &&
      !committer.isFull
    );
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && !this.#running;
  }

  /** The actor has a message waiting. */
  wake(cell: Cell): void {
    if (cell.queued === 0) this.wakeInTurn(cell);
  }

  /** The actor has one more message waiting, which must not come before those that others were woken for already. */
  wakeInTurn(cell: Cell): void {
    cell.queued++;
    this.#queue.push(cell);
    this.#arm();
  }

  /** A commit was written: turns that had to wait for room go on. */
  roomAgain(): void {
    if (this.#queue.length > 0) this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#queue = [];
  }

  #arm(): void {
    if (this.#armed || this.#running) return;
    this.#armed = true;
    // A microtask, unless turns have run for so long that finished writes should be noticed first.
    if (this.#runtime.committer.breakIsDue) this.#runtime.clock.soon(() => this.#runAfterBreak());
    else queueMicrotask(() => this.#run());
  }

  #runAfterBreak(): void {
    this.#runtime.committer.breakTaken();
    this.#run();
  }

  #run(): void {
    const { clock, committer } = this.#runtime;
    this.#armed = false;
    this.#running = true;
    try {
      throughout(() => this.#takeTurns());
    } finally {
      this.#running = false;
    }
    // Out of time: go on after others had theirs. Out of room: `roomAgain` comes with the next finished write.
    if (this.#queue.length === 0 || committer.isFull || this.#armed) return;
    this.#armed = true;
    clock.soon(() => this.#runAfterBreak());
  }

  /** Until there is no message, no time, or no room. */
  #takeTurns(): void {
    const { clock, committer } = this.#runtime;
    const started = this.#runtime.lookAtClock();
    // The queue grows while it is worked on; what was done is cut off at the end.
    let next = 0;
    while (next < this.#queue.length && !this.#stopped) {
      if (committer.isFull || committer.breakIsDue) break;
      if (next % LOOK_EVERY === LOOK_EVERY - 1 && clock.monotonicMs() - started > SLICE_MS) break;
      this.#turnOf(this.#queue[next++]!);
    }
    this.#queue = this.#queue.slice(next);
  }

  #turnOf(cell: Cell): void {
    cell.queued--;
    if (cell.paused !== undefined) return;
    const message = isUp(cell) ? cell.mailbox?.shift() : cell.mailbox?.shiftOrder();
    if (message === undefined) return;
    takeTurn(this.#runtime, cell, message);
    message.whenTaken?.();
    if (cell.queued === 0 && (isUp(cell) ? cell.mailbox!.size > 0 : cell.mailbox!.hasOrders)) {
      cell.queued++;
      this.#queue.push(cell);
    }
  }
}
