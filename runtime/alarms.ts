/**
 * Alarms: when an actor is to move by itself. Whoever is loaded has those set that stand in its state; one that sleeps is woken by the first
 * of them.
 */
import type { Cell } from './cell.ts';
import { comeUpAgain } from './failure.ts';
import { Message } from './mailbox.ts';
import { noteFired } from './notes.ts';
import type { Runtime } from './runtime.ts';
import { isUp, UP } from './standing.ts';
import { disarmTimer } from './timers.ts';
import type { Timer } from './timers.ts';

export class Alarms {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Sets what an actor waits for, and has it go on with what waits for it. */
  set(cell: Cell): void {
    for (const timer of cell.timers?.values() ?? []) this.#runtime.timers.add(cell.actor, timer.dueAt, timer);
    if ((cell.mailbox?.size ?? 0) > 0) this.#runtime.scheduler.wake(cell);
  }

  /** A timer is due, or an actor that sleeps has one that is. */
  fire(actor: number, timer: Timer | undefined): void {
    if (timer === undefined) return this.#wakeUp(actor);
    const cell = this.#runtime.population.present(actor);
    if (cell?.timers === undefined || !this.stands(actor, timer)) return;
    // It waits for the actor to go on or come up again, which sets its alarm anew.
    if (cell.paused !== undefined || (!isUp(cell) && timer.event.type !== UP)) return;
    disarmTimer(cell.timers, timer.seq, timer.index);
    if (timer.event.type === UP && cell.definition.spec.restart.from === 'initial') {
      this.#noteFired(cell, timer);
      return comeUpAgain(this.#runtime, cell, timer.seq, timer.index + 1);
    }
    this.#ring(cell, timer);
  }

  /** Loading it sets its alarms, those that are due first. */
  #wakeUp(actor: number): void {
    const { population, pauses, clock } = this.#runtime;
    if (population.present(actor) === undefined && !pauses.keepsAlarm(actor, clock.now()))
      this.#runtime.tryLoad(actor);
  }

  /** Tells whoever it was set for. */
  #ring(cell: Cell, timer: Timer): void {
    const { events, delivery, committer } = this.#runtime;
    const { event, packed } = events.prepare(timer.event);
    const { seq, index, origin, to } = timer;
    const from = { actor: cell.actor, seq, index, life: cell.life, origin };
    if (to.actor === cell.actor)
      return delivery.ring(cell, new Message(event, packed, to.life, { kind: 'timer', ...from }));
    this.#noteFired(cell, timer);
    delivery.deliver(to, new Message(event, packed, to.life, { kind: 'actor', ...from }));
    committer.request();
  }

  #noteFired(cell: Cell, { seq, index }: Timer): void {
    const { ledger, codec, population } = this.#runtime;
    noteFired(ledger, codec, cell.actor, seq, index);
    population.markDirty(cell);
  }

  /** Whether a timer is neither cancelled nor forgotten with its actor; for a wake-up, whether its actor sleeps. */
  stands(actor: number, timer: Timer | undefined): boolean {
    const cell = this.#runtime.population.present(actor);
    if (timer === undefined) return cell === undefined;
    for (const standing of cell?.timers?.values() ?? []) if (standing === timer) return true;
    return false;
  }
}
