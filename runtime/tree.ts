/**
 * The tree: a live view of a system, supervisors above those they supervise, machines above their children. It shows only
 * what is on the disk, and of sleeping actors nothing: they are not in memory.
 *
 * It is kept in a store of @xstate/store, which consoles subscribe to. It is built anew when something has changed, at most
 * a tenth of the time; nothing is built before it is asked for.
 */
import { createStore } from '@xstate/store';
import type { Cell } from './cell.ts';
import type { TimerHandle } from './clock.ts';
import type { Ref } from './kernel/ref.ts';
import type { AnySnapshot } from './kernel/step.ts';
import type { Runtime } from './runtime.ts';
import { addressOf, supervisorAbove } from './supervision/logic.ts';
import type { Strategy } from './supervision/strategy.ts';
import type { ChildPhase, ChildState, EndReason, SupervisorState } from './supervision/words.ts';

export interface SystemTree {
  /** The supervisors that have none above them. */
  readonly supervisors: readonly SupervisorNode[];
  /** Root actors in memory that nobody supervises. */
  readonly actors: readonly ActorNode[];
}

export interface SupervisorNode {
  readonly kind: 'supervisor';
  readonly address: string;
  readonly id: string;
  readonly strategy: Strategy;
  readonly phase: SupervisorState['phase'];
  /** How often it has restarted children. */
  readonly restarts: number;
  /** Why it is down. */
  readonly end: EndReason | undefined;
  readonly children: readonly (SupervisorNode | ActorNode)[];
}

export interface ActorNode {
  readonly kind: 'actor';
  readonly address: string;
  readonly id: string;
  /** XState's word for where its life is; `absent` when it is not in memory, or was never born. */
  readonly status: AnySnapshot['status'] | 'absent';
  /** The state of a machine. */
  readonly value: unknown;
  /**
   * Whether it takes events. `crashed`: it failed, and waits for its restart. `halted`: its supervisor has stopped it.
   * `paused`: it would be up, but an operator has paused it.
   */
  readonly standing: 'up' | 'crashed' | 'halted' | 'refused' | 'paused';
  /** What its supervisor says of it; undefined without one. */
  readonly phase: ChildPhase | undefined;
  readonly restarts: number;
  /** How many messages wait. */
  readonly mailbox: number;
  readonly children: readonly ActorNode[];
}

/** Building may take one part in so many of the time. */
const SHARE = 10;

export class Tree {
  readonly store;
  readonly #runtime: Runtime;
  #handle: TimerHandle | undefined;
  #isArmed = false;
  #costMs = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.store = createStore({
      context: this.#build(),
      on: { changed: (_, event: { readonly tree: SystemTree }) => event.tree },
    });
  }

  /** Something has become durable. */
  changed(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    const { clock } = this.#runtime;
    if (this.#costMs < 1) clock.soon(() => this.#refresh());
    else this.#handle = clock.after(this.#costMs * SHARE, () => this.#refresh());
  }

  /** Whoever asks now sees what is so now, though those who watch are told a little later. */
  catchUp(): void {
    if (!this.#isArmed) return;
    this.#handle?.cancel();
    this.#refresh();
  }

  stop(): void {
    this.#handle?.cancel();
  }

  #refresh(): void {
    this.#isArmed = false;
    if (this.#runtime.stopped) return;
    const { clock } = this.#runtime;
    const startedAt = clock.monotonicMs();
    this.store.trigger.changed({ tree: this.#build() });
    this.#costMs = clock.monotonicMs() - startedAt;
  }

  #build(): SystemTree {
    const { supervision, population } = this.#runtime;
    const supervisors = supervision.roster
      .all()
      .filter(({ address }) => supervisorAbove(address) === undefined);
    const actors = [...population.cells()].filter(
      (cell) => isRoot(cell) && supervision.roster.ownerOf(cell) === undefined,
    );
    return {
      supervisors: supervisors.filter(isThere).map((cell) => this.#supervisor(cell)),
      actors: actors.map((cell) => this.#actor(cell, undefined)),
    };
  }

  #supervisor(cell: Cell): SupervisorNode {
    const { address, ref, committed } = cell;
    const { declaration, phase, restarts, end, children } = committed!.context as SupervisorState;
    const { supervision } = this.#runtime;
    const nodes = children.map((child) => this.#child(address, child));
    if (declaration.dynamic !== undefined) {
      const known = new Set(nodes.map((node) => node.address));
      for (const child of supervision.roster.childrenInMemory(declaration.dynamic.start))
        if (!known.has(child.address)) nodes.push(this.#actor(child, undefined));
    }
    const { strategy } = declaration;
    return {
      kind: 'supervisor',
      address,
      id: ref.id,
      strategy,
      phase,
      restarts,
      end: end?.reason,
      children: nodes,
    };
  }

  #child(above: string, child: ChildState): SupervisorNode | ActorNode {
    const { population } = this.#runtime;
    const { start, id, supervisor } = child.declaration;
    const address = addressOf(above, start, id);
    const cell = population.presentAt(address);
    if (cell !== undefined && isThere(cell))
      return supervisor === undefined ? this.#actor(cell, child) : this.#supervisor(cell);
    const { phase, restarts } = child;
    const standing = phase === 'refused' ? 'refused' : phase === 'running' ? 'up' : 'halted';
    const nothing = { status: 'absent', value: undefined, mailbox: 0, children: [] } as const;
    return { kind: 'actor', address, id, standing, phase, restarts, ...nothing };
  }

  #actor(cell: Cell, child: ChildState | undefined): ActorNode {
    const { address, ref, committed, mailbox, window } = cell;
    const { status, value } = committed!;
    const below = Object.values<Ref>(committed!.children ?? {})
      .map(({ actor }) => this.#runtime.population.present(actor))
      .filter((one) => one !== undefined && isThere(one));
    return {
      kind: 'actor',
      address,
      id: ref.id,
      status,
      value,
      standing: standingOf(cell),
      phase: child?.phase,
      restarts: child?.restarts ?? window.length,
      mailbox: mailbox?.size ?? 0,
      children: below.map((one) => this.#actor(one!, undefined)),
    };
  }
}

function standingOf({ committedDown: down, held, paused }: Cell): ActorNode['standing'] {
  if (down !== undefined) return down.why === 'crash' ? 'crashed' : 'halted';
  return held ? 'halted' : paused === undefined ? 'up' : 'paused';
}

/** Whether others may see it. */
const isThere = ({ committed }: Cell): boolean => committed !== undefined;

const isRoot = (cell: Cell): boolean =>
  isThere(cell) && cell.birth?.parent === undefined && !cell.definition.isHouse;
