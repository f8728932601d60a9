/**
 * The roster: which supervisors there are, and who supervises whom. The supervisors are in memory, all of them, always; whether one
 * still supervises an actor that it has started is what its state says.
 */
import type { Cell } from '../cell.ts';
import { rootAddress, segmentsOf } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import type { Runtime } from '../runtime.ts';
import type { ChildDeclaration } from './declaration.ts';
import { addressOf } from './logic.ts';
import type { SupervisorState } from './words.ts';

/** Who restarts an actor. */
export interface Owner {
  readonly supervisor: Cell;
  readonly child: ChildDeclaration;
}

/** What a supervisor knows, as of a snapshot of it. */
export function stateOf(snapshot: Cell['snapshot']): SupervisorState {
  return snapshot!.context as SupervisorState;
}

export class Roster {
  readonly #runtime: Runtime;
  readonly #supervisors = new Map<string, Cell>();
  /** By the address of a child: whoever has started it. */
  readonly #owners = new Map<string, Cell>();
  /** By the name of its children. */
  readonly #dynamic = new Map<string, Cell>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  clear(): void {
    this.#supervisors.clear();
    this.#owners.clear();
    this.#dynamic.clear();
  }

  // ---- supervisors ------------------------------------------------------------------------------------------------

  /** A supervisor was loaded, or born. */
  register(cell: Cell): void {
    this.#supervisors.set(cell.address, cell);
    const { declaration, children, released } = stateOf(cell.snapshot);
    if (released) return;
    if (declaration.dynamic !== undefined) this.#dynamic.set(declaration.dynamic.start, cell);
    for (const { declaration: child } of children) {
      if (child.supervisor === undefined)
        this.#owners.set(addressOf(cell.address, child.start, child.id), cell);
    }
  }

  get isEmpty(): boolean {
    return this.#supervisors.size === 0;
  }

  at(address: string): Cell | undefined {
    return this.#supervisors.get(address);
  }

  has(address: string): boolean {
    return this.#supervisors.has(address);
  }

  entries(): Iterable<readonly [address: string, cell: Cell]> {
    return this.#supervisors;
  }

  /** The state of a supervisor, as far as it is on the disk. */
  stateAt(address: string): SupervisorState | undefined {
    const cell = this.#supervisors.get(address);
    return cell?.committed === undefined ? undefined : stateOf(cell.committed);
  }

  /** All supervisors, those above before those below. */
  all(): readonly Cell[] {
    return [...this.#supervisors.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  // ---- whom they supervise ----------------------------------------------------------------------------------------

  /** A supervisor has started an actor. */
  claim(address: string, supervisor: Cell): void {
    this.#owners.set(address, supervisor);
  }

  /** A supervisor takes all actors of a name. */
  claimName(name: string, supervisor: Cell): void {
    this.#dynamic.set(name, supervisor);
  }

  /** Whoever restarts an actor when it fails; undefined for one that nobody supervises, and for children of machines. */
  ownerOf(cell: Cell): Owner | undefined {
    if (cell.definition.isSupervisor || cell.birth === undefined || cell.birth.parent !== undefined)
      return undefined;
    const supervisor = this.#owners.get(cell.address) ?? this.dynamicOf(cell.address);
    if (supervisor === undefined) return undefined;
    const { declaration, children, released } = stateOf(supervisor.snapshot);
    if (released) return undefined;
    const { id } = cell.ref;
    if (declaration.dynamic !== undefined) return { supervisor, child: { ...declaration.dynamic, id } };
    const child = children.find((one) => one.declaration.id === id);
    return child && { supervisor, child: child.declaration };
  }

  /** The supervisor of all actors of the name that an address begins with. */
  dynamicOf(address: string): Cell | undefined {
    return this.#dynamic.size === 0 ? undefined : this.#dynamic.get(segmentsOf(address)[0]!);
  }

  /** Whether an actor that is loaded must not run, because the supervisor of all of its name does not. */
  holds({ address }: Cell): boolean {
    const supervisor = this.dynamicOf(address);
    if (supervisor === undefined) return false;
    const { phase, released } = stateOf(supervisor.snapshot);
    return released === undefined && (phase === 'down' || phase === 'stopping');
  }

  /** The address of the supervisor that has an actor among its children, started or not. */
  supervisorOf(address: string): string | undefined {
    const supervisor = this.#owners.get(address) ?? this.dynamicOf(address);
    if (supervisor === undefined) return undefined;
    const { declaration, children, released } = stateOf(supervisor.snapshot);
    const isOne =
      declaration.dynamic !== undefined ||
      children.some(
        (child) => addressOf(supervisor.address, child.declaration.start, child.declaration.id) === address,
      );
    return isOne && released === undefined ? supervisor.address : undefined;
  }

  /** Whether somebody lives at an address. @throws JournalCorrupt, StoryChanged when it is refused */
  isAlive(address: string): boolean {
    return this.#runtime.population.find(address)?.ended === false;
  }

  /** The children of a dynamic supervisor that are in memory, and live. */
  childrenInMemory(name: string): readonly Cell[] {
    return this.everyoneOf(name).filter(
      (cell) => cell.birth?.parent === undefined && cell.committed !== undefined && !cell.ended,
    );
  }

  /** All actors of a name that are in memory, and everybody below them. */
  everyoneOf(name: string): Cell[] {
    const prefix = rootAddress(name, '');
    return [...this.#runtime.population.cells()].filter(({ address }) => address.startsWith(prefix));
  }

  /** An actor and everybody below it, as far as they are in memory: who sleeps does nothing. */
  treeOf(cell: Cell): Cell[] {
    const cells = [cell];
    for (const one of cells) {
      for (const { actor } of Object.values<Ref>(one.snapshot?.children ?? {})) {
        const child = this.#runtime.population.present(actor);
        if (child !== undefined) cells.push(child);
      }
    }
    return cells;
  }
}
