/**
 * Staying down: which actors will not come up by themselves, and why; and what becomes of those who wait for them.
 */
import type { Cell } from '../cell.ts';
import { ActorDown } from '../errors.ts';
import { rootOf } from '../kernel/address.ts';
import type { Runtime } from '../runtime.ts';
import { addressOf, supervisorAbove } from './logic.ts';
import { stateOf } from './roster.ts';
import type { Roster } from './roster.ts';
import type { ChildState, EndReason, SupervisorState } from './words.ts';

/** How a supervisor has ended, in words. */
export const END_TEXTS: Readonly<Record<EndReason, string>> = {
  ordered: 'was stopped',
  intensity: 'gave up: there were too many restarts',
  backoff: 'gave up: its backoff was exhausted',
  escalated: 'gave up: a failure was escalated to it',
  significant: 'has ended: a significant child did',
  'start-failed': 'could not be started',
};

export class StayingDown {
  readonly #runtime: Runtime;
  readonly #roster: Roster;

  constructor(runtime: Runtime, roster: Roster) {
    this.#runtime = runtime;
    this.#roster = roster;
  }

  /** @throws ActorDown when the actor will not come up by itself */
  assertComingBack(cell: Cell): void {
    const reason = this.whyStaysDown(cell);
    if (reason !== undefined) throw new ActorDown(cell.address, reason);
  }

  /** Why an actor is down for good; undefined when it runs, or will. */
  whyStaysDown(cell: Cell): string | undefined {
    const root = this.#rootOf(cell);
    const owner = root && this.#roster.ownerOf(root);
    if (owner === undefined || (root!.down === undefined && !root!.held)) return undefined;
    return this.#whyNot(owner.supervisor, owner.child.id);
  }

  #rootOf(cell: Cell): Cell | undefined {
    if (cell.birth?.parent === undefined) return cell;
    return this.#runtime.population.presentAt(rootOf(cell.address));
  }

  /** Why a supervisor will not start a child again by itself. */
  #whyNot(supervisor: Cell, id: string): string | undefined {
    const { phase, children, work, end, declaration } = stateOf(supervisor.snapshot);
    const { address } = supervisor;
    if (phase === 'down' || phase === 'stopping') {
      const above = supervisorAbove(address);
      const parent = above === undefined ? undefined : this.#roster.at(above);
      const isOver = parent === undefined || this.#whyNot(parent, supervisor.ref.id) !== undefined;
      return isOver ? `its supervisor ${address} ${END_TEXTS[end?.reason ?? 'ordered']}` : undefined;
    }
    const child = children.find((one) => one.declaration.id === id);
    // A dynamic supervisor remembers only those with whom it is busy.
    if (child === undefined)
      return declaration.dynamic === undefined ? `${address} has forgotten it` : undefined;
    if (child.phase !== 'down' && child.phase !== 'refused') return undefined;
    if (work.some((task) => task.do === 'start' && task.id === id)) return undefined;
    return child.phase === 'refused' ? `it cannot be loaded` : `it was terminated at ${address}`;
  }

  /** Whoever waits for an actor that will not come up is told so. What came from inside the system waits in the store. */
  refuseWaiting(supervisor: Cell, phase: SupervisorState['phase'], children: readonly ChildState[]): void {
    const { dynamic } = stateOf(supervisor.snapshot).declaration;
    if (dynamic !== undefined && phase === 'down')
      this.#roster.everyoneOf(dynamic.start).forEach((cell) => this.#refuseSenders(cell));
    for (const { declaration: child, phase: standing } of children) {
      if (standing === 'running') continue;
      const address = addressOf(supervisor.address, child.start, child.id);
      const nested = this.#roster.at(address);
      if (nested !== undefined) {
        const state = stateOf(nested.snapshot);
        this.refuseWaiting(nested, state.phase, state.children);
        continue;
      }
      const cell = this.#runtime.population.presentAt(address);
      if (cell !== undefined) this.#roster.treeOf(cell).forEach((one) => this.#refuseSenders(one));
    }
  }

  #refuseSenders(cell: Cell): void {
    if (cell.mailbox === undefined || cell.mailbox.size === 0) return;
    const reason = this.whyStaysDown(cell);
    if (reason === undefined) return;
    const waiting = cell.mailbox.takeWhere(
      ({ reply, cause }) => reply !== undefined && (cause === undefined || cause.kind === 'letter'),
    );
    for (const { reply, event, whenTaken } of waiting) {
      const refusal = new ActorDown(cell.address, reason);
      this.#runtime.refusals.note('send', cell.address, refusal, event);
      reply!.reject(refusal);
      whenTaken?.();
    }
  }
}
