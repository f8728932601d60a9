/**
 * Timers: events that are due later. A timer belongs to the actor that set it, and is known by the intent that did.
 *
 * The durable truth is in journals and checkpoints; this is the heap in memory that says which is next. Actors that
 * sleep are in it as wake-ups: the actor is loaded, and brings its timers along.
 */
import type { AnyEventObject } from 'xstate';
import type { Clock, TimerHandle } from './clock.ts';
import { pop, push } from './heap.ts';
import type { Ref } from './kernel/ref.ts';
import type { Origin } from './trace.ts';

/** An event that an actor has set for later. */
export interface Timer {
  /** XState's id, by which it is cancelled. */
  readonly id: string | undefined;
  /** The intent that set it. */
  readonly seq: number;
  readonly index: number;
  readonly dueAt: number;
  readonly to: Ref;
  readonly event: AnyEventObject;
  /** Where the trace begins that it belongs to. */
  readonly origin: Origin | undefined;
}

/** The key of a timer within its actor. */
const timerKeyOf = (id: string | undefined, seq: number, index: number): string => id ?? `${seq}:${index}`;

/**
 * Adds a timer to an actor's. XState lets a second timer of the same id hide the first, which then still fires but
 * cannot be cancelled any more; so does this.
 */
export function armTimer(timers: Map<string, Timer>, timer: Timer): void {
  const key = timerKeyOf(timer.id, timer.seq, timer.index);
  const hidden = timers.get(key);
  if (hidden !== undefined) timers.set(`${hidden.seq}:${hidden.index}`, hidden);
  timers.set(key, timer);
}

/** Takes the timer out that a certain intent has set; undefined when it was cancelled. */
export function disarmTimer(
  timers: Map<string, Timer> | undefined,
  seq: number,
  index: number,
): Timer | undefined {
  for (const [key, timer] of timers ?? []) {
    if (timer.seq !== seq || timer.index !== index) continue;
    timers!.delete(key);
    return timer;
  }
  return undefined;
}

/** An entry of the heap: a timer of an actor in memory, or the wake-up of one that sleeps. */
interface Alarm {
  readonly dueAt: number;
  /** Timers that are due at the same time fire in the order in which they were set. */
  readonly order: number;
  readonly actor: number;
  readonly timer: Timer | undefined;
}

/** With fewer alarms than this it is not worth looking for cancelled ones. */
const MIN_SWEEP = 1024;

/** Wakes the runtime when the next timer is due. */
export class Timers {
  readonly #clock: Clock;
  readonly #fire: (actor: number, timer: Timer | undefined) => void;
  readonly #stands: (actor: number, timer: Timer | undefined) => boolean;
  #heap: Alarm[] = [];
  #order = 0;
  /** At this size the heap is swept: it may be mostly cancelled timers. */
  #sweepAt = MIN_SWEEP;
  #handle: TimerHandle | undefined;
  #wakeAt = Infinity;

  /**
   * @param fire called with each timer that is due, in order; without one for a wake-up.
   * @param stands whether an alarm is still meant to go off: a timer that is cancelled stays in the heap for a while
   */
  constructor(
    clock: Clock,
    fire: (actor: number, timer: Timer | undefined) => void,
    stands: (actor: number, timer: Timer | undefined) => boolean,
  ) {
    this.#clock = clock;
    this.#fire = fire;
    this.#stands = stands;
  }

  /** How many alarms are set; at most about twice as many as stand. */
  get size(): number {
    return this.#heap.length;
  }

  /** Sets an alarm. */
  add(actor: number, dueAt: number, timer: Timer | undefined): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    push(this.#heap, { dueAt, order: this.#order++, actor, timer }, before);
    if (dueAt < this.#wakeAt) this.#schedule();
  }

  /** Forgets everything, and lets go of the clock. */
  clear(): void {
    this.#heap = [];
    this.#sweepAt = MIN_SWEEP;
    this.#handle?.cancel();
    this.#handle = undefined;
    this.#wakeAt = Infinity;
  }

  /** Drops the alarms that do not stand any more, and all but the first wake-up of each actor that sleeps. */
  #sweep(): void {
    const woken = new Set<number>();
    const isNeeded = ({ actor, timer }: Alarm): boolean => {
      if (!this.#stands(actor, timer)) return false;
      if (timer !== undefined) return true;
      const isFirst = !woken.has(actor);
      woken.add(actor);
      return isFirst;
    };
    // Sorted, the first wake-up of each actor is its earliest; and what is sorted is a heap.
    this.#heap = this.#heap.sort((a, b) => (before(a, b) ? -1 : 1)).filter(isNeeded);
    this.#sweepAt = Math.max(MIN_SWEEP, this.#heap.length * 2);
  }

  #schedule(): void {
    this.#handle?.cancel();
    this.#handle = undefined;
    const next = this.#heap[0];
    this.#wakeAt = next?.dueAt ?? Infinity;
    if (next === undefined) return;
    this.#handle = this.#clock.after(next.dueAt - this.#clock.now(), () => this.#wake());
  }

  #wake(): void {
    const now = this.#clock.now();
    while (this.#heap.length > 0 && this.#heap[0]!.dueAt <= now) {
      const { actor, timer } = pop(this.#heap, before);
      this.#fire(actor, timer);
    }
    this.#schedule();
  }
}

function before(a: Alarm, b: Alarm): boolean {
  return a.dueAt !== b.dueAt ? a.dueAt < b.dueAt : a.order < b.order;
}
