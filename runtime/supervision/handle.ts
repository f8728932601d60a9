/**
 * The handle of a supervisor: what OTP's `supervisor` module offers at run time. Requests are answered when they are done, and
 * stand in the supervisor's journal.
 */
import { resourceAt } from '../acting.ts';
import type { Acting } from '../acting.ts';
import { ChildRefused, InvalidArgument } from '../errors.ts';
import { badId } from '../kernel/address.ts';
import { ownCopyOf } from '../own-copy.ts';
import type { Runtime } from '../runtime.ts';
import { declareChild } from './declaration.ts';
import type { SupervisedChild } from './declaration.ts';
import { addressOf, SUPERVISOR } from './logic.ts';
import type { RestartType } from './strategy.ts';
import type { Answer, ChildPhase, SupervisorState } from './words.ts';

/** A child, as its supervisor sees it. */
export interface ChildInfo {
  readonly id: string;
  readonly address: string;
  readonly kind: 'worker' | 'supervisor';
  readonly phase: ChildPhase;
  readonly restart: RestartType;
  /** How often it was restarted. */
  readonly restarts: number;
}

/** As `supervisor:count_children/1` of OTP. */
export interface ChildCount {
  /** How many are declared or were started. */
  readonly specs: number;
  /** How many of them run. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

export class SupervisorHandle {
  readonly address: string;
  readonly #runtime: Runtime;
  readonly #acting: Acting;

  /** Use `system.supervisor(…)`. */
  constructor(runtime: Runtime, address: string, acting: Acting) {
    this.#runtime = runtime;
    this.#acting = acting;
    this.address = address;
  }

  /** Whether it runs; `down` when it was stopped or gave up. */
  get phase(): SupervisorState['phase'] {
    return this.#state.phase;
  }

  /** Its children in the order in which they were started; of a dynamic supervisor those that are in memory. */
  whichChildren(): readonly ChildInfo[] {
    const { declaration, children } = this.#state;
    const known = children.map(({ declaration: child, phase, restarts }): ChildInfo => ({
      id: child.id,
      address: addressOf(this.address, child.start, child.id),
      kind: child.start === SUPERVISOR ? 'supervisor' : 'worker',
      phase,
      restart: child.restart,
      restarts,
    }));
    if (declaration.dynamic === undefined) return known;
    const ids = new Set(known.map(({ id }) => id));
    const { start, restart } = declaration.dynamic;
    const running = this.#runtime.supervision.roster
      .childrenInMemory(start)
      .filter(({ ref }) => !ids.has(ref.id));
    return [
      ...known,
      ...running.map(({ address, ref: { id }, held }): ChildInfo => {
        return { id, address, kind: 'worker', phase: held ? 'down' : 'running', restart, restarts: 0 };
      }),
    ];
  }

  countChildren(): ChildCount {
    const children = this.whichChildren();
    const supervisors = children.filter(({ kind }) => kind === 'supervisor').length;
    return {
      specs: children.length,
      active: children.filter(({ phase }) => phase === 'running').length,
      supervisors,
      workers: children.length - supervisors,
    };
  }

  /**
   * Resolves when nobody below it is being started, stopped or restarted, nor waits for a restart; also when it has given up.
   */
  settled(): Promise<void> {
    this.#runtime.assertOpen();
    return this.#runtime.supervision.settled(this.address);
  }

  /**
   * Adds a child behind the others, and starts it.
   * @throws ChildRefused when there is one with this id, or it cannot be started; InvalidArgument
   */
  async startChild(child: SupervisedChild): Promise<void> {
    const { definitions, supervision } = this.#runtime;
    const declaration = declareChild(ownCopyOf(child), this.#state.declaration, definitions);
    const address = addressOf(this.address, declaration.start, declaration.id);
    const other = supervision.roster.supervisorOf(address);
    if (other !== undefined && other !== this.address)
      throw new InvalidArgument('child', `is ${address}, which ${other} supervises`);
    // Of those that simply run, a dynamic supervisor knows nothing.
    if (this.#state.declaration.dynamic !== undefined && supervision.roster.isAlive(address))
      throw new ChildRefused(this.address, declaration.id, 'already-started');
    await this.#ask('child.start', declaration.id, { child: declaration });
  }

  /** Stops a child, and leaves it stopped. Its state is kept; a temporary child, or one of a dynamic supervisor, ends. */
  async terminateChild(id: string): Promise<void> {
    await this.#ask('child.terminate', id, { id });
  }

  /** Starts a child again that was terminated, or has ended by itself. */
  async restartChild(id: string): Promise<void> {
    await this.#ask('child.restart', id, { id });
  }

  /** Forgets a child that does not run. Its life ends. */
  async deleteChild(id: string): Promise<void> {
    await this.#ask('child.delete', id, { id });
  }

  async #ask(action: string, id: string, fields: object): Promise<void> {
    const reason = badId(id);
    if (reason !== undefined) throw new InvalidArgument('id', reason);
    this.#runtime.assertOpen();
    const event = { type: `heddle.${action}`, ...fields };
    const answer: Answer = await this.#acting.act(
      action,
      resourceAt(this.address, { child: id }),
      (warrant) => this.#runtime.supervision.ask(this.address, event, warrant),
    );
    if (!answer.ok) throw new ChildRefused(this.address, id, answer.reason, answer.error);
  }

  get #state(): SupervisorState {
    this.#runtime.assertOpen();
    return this.#runtime.supervision.roster.stateAt(this.address)!;
  }
}
