/**
 * The host of one piece of logic: it runs its steps, and turns its snapshots into data and back. One host serves all
 * actors of the same logic, so an idle actor costs no more than its snapshot.
 *
 * A host is pure: it knows no clock, no disk and no promise. The caller sets the moment (`moment.ts`) and gives the
 * environment (`step.ts`).
 */
import type { AnyActorLogic, AnyEventObject, AnyStateMachine } from 'xstate';
import { kindOf } from './logic.ts';
import type { LogicKind } from './logic.ts';
import { childLogic, DEFAULT_MAX_MICROSTEPS, hostedMachine, isMachine, sourceNameOf } from './machine.ts';
import type { Ref } from './ref.ts';
import { runInitialStep, runTransition } from './step.ts';
import type { AnySnapshot, Environment, Outcome } from './step.ts';
import { storeActorLogic } from './store-logic.ts';

/** A snapshot as data. References in it are {@link Ref}s still; the codec writes them by address. */
export interface PersistedSnapshot {
  readonly status: AnySnapshot['status'];
  readonly output?: unknown;
  readonly error?: unknown;
  /** A machine's configuration. */
  readonly value?: unknown;
  readonly context?: unknown;
  /**
   * The ids of the states it is in, in XState's order, where the configuration does not give them so. XState takes the
   * regions of a parallel state in the order in which they were last entered.
   */
  readonly states?: readonly string[];
  /** The ids of the remembered states, by history state. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
  readonly children?: readonly PersistedChild[];
  /** What other logic keeps besides. */
  readonly rest?: Readonly<Record<string, unknown>>;
}

/** A child as its parent knows it. */
export interface PersistedChild {
  readonly id: string;
  /** Its name among the children, where that is another: `spawnChild` without an id gives it none. */
  readonly key?: string;
  readonly actor: number;
  readonly life: number;
  readonly src: string;
  readonly systemId?: string;
  readonly syncSnapshot?: boolean;
}

export interface HostOptions {
  /** See {@link DEFAULT_MAX_MICROSTEPS}. */
  readonly maxMicrosteps?: number;
}

export class Host {
  readonly kind: LogicKind;
  /** The logic as the user wrote it. */
  readonly logic: unknown;
  readonly #hosted: AnyActorLogic;
  readonly #nameSource: (child: unknown, id: string) => string;

  /** @throws TypeError when `logic` is neither actor logic nor a store. */
  constructor(logic: unknown, options: HostOptions = {}) {
    this.kind = kindOf(logic);
    this.logic = logic;
    if (isMachine(logic)) {
      this.#hosted = hostedMachine(logic, options.maxMicrosteps ?? DEFAULT_MAX_MICROSTEPS);
      this.#nameSource = (child, id) => sourceNameOf(logic, child, id);
    } else {
      this.#hosted = this.kind === 'store' ? storeActorLogic(logic) : (logic as AnyActorLogic);
      this.#nameSource = () => {
        throw new Error('only machines can have children');
      };
    }
  }

  /** The logic to call outside of steps: the one with `start`, for processes. */
  get running(): AnyActorLogic {
    return this.#hosted;
  }

  /** The first step of a life. */
  initial(self: Ref, input: unknown, booked: number, environment: Environment): Outcome {
    return runInitialStep(this.#hosted, input, { self, environment, nameSource: this.#nameSource, booked });
  }

  /** Every other step. */
  transition(
    self: Ref,
    snapshot: AnySnapshot,
    event: AnyEventObject,
    booked: number,
    environment: Environment,
  ): Outcome {
    const context = { self, environment, nameSource: this.#nameSource, booked };
    return runTransition(this.#hosted, snapshot, event, context);
  }

  /** The logic of a child, by the name this logic has for it. */
  childLogic(src: string): unknown {
    return isMachine(this.logic) ? childLogic(this.logic, src) : undefined;
  }

  /** A snapshot as data. */
  persist(snapshot: AnySnapshot): PersistedSnapshot {
    return isMachine(this.logic)
      ? persistMachine(this.#hosted as AnyStateMachine, snapshot as MachineSnapshotShape)
      : persistOther(this.#hosted, snapshot);
  }

  /**
   * The snapshot again. `childOf` gives the ref for a child, the same one that the context may hold already.
   * @throws whatever XState throws when the machine has no such state any more.
   */
  restore(persisted: PersistedSnapshot, childOf: (child: PersistedChild) => Ref): AnySnapshot {
    if (!isMachine(this.logic)) return restoreOther(this.#hosted, persisted);
    return restoreMachine(this.#hosted as AnyStateMachine, persisted, childOf);
  }
}

// ---- machines -----------------------------------------------------------------------------------------------------

/** The fields of a machine's snapshot that make up its state; the others are derived or functions. */
interface MachineSnapshotShape extends AnySnapshot {
  readonly historyValue: Readonly<Record<string, readonly StateNodeShape[]>>;
  readonly _nodes: readonly StateNodeShape[];
}

interface StateNodeShape {
  readonly id: string;
  readonly tags: readonly string[];
}

function persistMachine(machine: AnyStateMachine, snapshot: MachineSnapshotShape): PersistedSnapshot {
  const { status, value, context, output, error, historyValue, children = {} } = snapshot;
  const history = Object.entries(historyValue);
  const refs = Object.entries(children);
  const states = statesToKeep(machine, snapshot);
  return {
    status,
    value,
    context,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(states !== undefined && { states }),
    ...(history.length > 0 && {
      history: Object.fromEntries(history.map(([id, nodes]) => [id, nodes.map((n) => n.id)])),
    }),
    ...(refs.length > 0 && { children: refs.map(([key, ref]) => persistChild(key, ref)) }),
  };
}

/** The states it is in, if a restored snapshot would have them in another order, or others. */
function statesToKeep(
  machine: AnyStateMachine,
  { value, _nodes }: MachineSnapshotShape,
): string[] | undefined {
  // What remains of one that ended in a state that is gone has no nodes.
  if (!hasRegions(machine) || _nodes.length === 0) return undefined;
  const derived = resolved(machine, { status: 'active', value })._nodes;
  const isSame = derived.length === _nodes.length && derived.every((node, i) => node === _nodes[i]);
  return isSame ? undefined : _nodes.map(({ id }) => id);
}

interface TreeNode {
  readonly type: string;
  readonly states: Readonly<Record<string, TreeNode>>;
}

function isParallelWithin({ type, states }: TreeNode): boolean {
  return type === 'parallel' || Object.values(states).some(isParallelWithin);
}

const withRegions = new WeakMap<AnyStateMachine, boolean>();

/** Whether a machine has parallel states: without, there is one order of the states it is in. */
function hasRegions(machine: AnyStateMachine): boolean {
  let has = withRegions.get(machine);
  if (has === undefined) {
    has = isParallelWithin(machine.root);
    withRegions.set(machine, has);
  }
  return has;
}

function persistChild(key: string, { id, actor, life, src, systemId, _syncSnapshot }: Ref): PersistedChild {
  return {
    id,
    actor,
    life,
    src,
    ...(key !== id && { key }),
    ...(systemId !== undefined && { systemId }),
    ...(_syncSnapshot && { syncSnapshot: true }),
  };
}

/**
 * A snapshot as XState makes it of what is stored. Children and context are put in afterwards: XState would make actors
 * of the former, and walk through the refs in the latter.
 */
function resolved(machine: AnyStateMachine, persisted: PersistedSnapshot): MachineSnapshotShape {
  const { status, value, output, error, history = {} } = persisted;
  const historyValue = Object.fromEntries(
    Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => ({ id: node }))]),
  );
  const bare = { status, value, output, error, context: {}, children: {}, historyValue };
  return machine.restoreSnapshot(bare as never, {} as never) as never;
}

function restoreMachine(
  machine: AnyStateMachine,
  persisted: PersistedSnapshot,
  childOf: (child: PersistedChild) => Ref,
): AnySnapshot {
  try {
    return inItsStates(machine, persisted, childOf);
  } catch (error) {
    if (persisted.status === 'active') throw error;
    return remainsOf(machine, persisted);
  }
}

function inItsStates(
  machine: AnyStateMachine,
  persisted: PersistedSnapshot,
  childOf: (child: PersistedChild) => Ref,
): AnySnapshot {
  const { value, context, states, children = [] } = persisted;
  const restored = resolved(machine, persisted) as unknown as Record<string, unknown>;
  restored['context'] = context;
  restored['children'] = Object.fromEntries(children.map((child) => [child.key ?? child.id, childOf(child)]));
  if (states !== undefined) {
    const nodes: StateNodeShape[] = states.map((id) => machine.getStateNodeById(id));
    restored['_nodes'] = nodes;
    restored['value'] = value;
    restored['tags'] = new Set(nodes.flatMap(({ tags }) => tags));
  }
  return restored as unknown as AnySnapshot;
}

/** One that has ended in a state that the machine has no more: nothing of it will ever run again, so it is given as it was. */
function remainsOf(machine: AnyStateMachine, { status, value, context, output, error }: PersistedSnapshot) {
  const anywhere = resolved(machine, { status, value: {} });
  return Object.assign(anywhere, { value, context, output, error, _nodes: [], tags: new Set() });
}

// ---- all other logic ----------------------------------------------------------------------------------------------

function persistOther(logic: AnyActorLogic, snapshot: AnySnapshot): PersistedSnapshot {
  const { status, output, error, context, ...rest } = logic.getPersistedSnapshot(snapshot) as AnySnapshot;
  return {
    status,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    ...(context !== undefined && { context }),
    ...(Object.keys(rest).length > 0 && { rest }),
  };
}

function restoreOther(
  logic: AnyActorLogic,
  { status, output, error, context, rest }: PersistedSnapshot,
): AnySnapshot {
  const snapshot = { status, output, error, context, ...rest };
  return (logic.restoreSnapshot?.(snapshot as never, undefined as never) ?? snapshot) as AnySnapshot;
}
