/**
 * A machine made ready for hosting: the same statechart, in which every child is only a name.
 *
 * The real children are actors of their own, hosted elsewhere; what XState runs inside the parent is a stand-in that
 * has an identity and does nothing. Inline children of an `invoke` keep the stable name XState gives them; a logic
 * object handed to `spawn` has none, and is looked up among the machine's named actors.
 */
import { StateMachine } from 'xstate';
import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { selected } from './selection.ts';

/** One macrostep may take at most this many microsteps: beyond, a cycle of `always` or `raise` would hang the process. */
export const DEFAULT_MAX_MICROSTEPS = 10_000;

export function isMachine(logic: unknown): logic is AnyStateMachine {
  return logic instanceof StateMachine;
}

/** A stand-in for a child inside of its parent. */
interface StandIn extends AnyActorLogic {
  readonly real: AnyActorLogic;
}

const standIns = new WeakMap<object, StandIn>();

function standInFor(real: AnyActorLogic): StandIn {
  let standIn = standIns.get(real);
  if (standIn === undefined) {
    standIn = {
      real,
      config: real.config,
      transition: (snapshot) => snapshot,
      getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
      getPersistedSnapshot: (snapshot) => snapshot,
    };
    standIns.set(real, standIn);
  }
  return standIn;
}

interface InvokeConfig {
  readonly src: unknown;
}

interface NodeConfig {
  readonly invoke?: InvokeConfig | readonly InvokeConfig[];
  readonly states?: Readonly<Record<string, NodeConfig>>;
}

/** The same machine with stand-ins for its children, and a bound on its microsteps. */
export function hostedMachine(machine: AnyStateMachine, maxMicrosteps: number): AnyStateMachine {
  const { actors, ...others } = machine.implementations;
  const implementations = {
    ...others,
    actors: mapValues(actors as Record<string, AnyActorLogic>, standInFor),
  };
  const config = machine.config as NodeConfig;
  const hosted: AnyStateMachine = invokesInline(config)
    ? new StateMachine(withStandIns(config) as never, implementations as never)
    : withImplementations(machine, implementations);
  hosted.getTransitionData = selected;
  hosted.options = {
    ...machine.options,
    maxIterations: Math.min(machine.options.maxIterations ?? Infinity, maxMicrosteps),
  };
  return hosted;
}

/** The same machine with others in the place of some of its actors, over the same states. Its invokes name them. */
export function withActors(
  machine: AnyStateMachine,
  actors: Readonly<Record<string, AnyActorLogic>>,
): AnyStateMachine {
  const { implementations } = machine;
  // Some may be made only when somebody asks for them.
  const all = [implementations.actors, actors].map(Object.getOwnPropertyDescriptors);
  const named = Object.defineProperties({}, Object.assign({}, ...all) as PropertyDescriptorMap);
  return withImplementations(machine, { ...implementations, actors: named });
}

/**
 * The same machine over the same states: what XState makes of them is most of what a machine takes of memory, and knows nothing of
 * implementations, which it looks up by name in the machine of the snapshot. `provide` would make all of it once more.
 */
function withImplementations(machine: AnyStateMachine, implementations: object): AnyStateMachine {
  const hosted = Object.create(StateMachine.prototype) as Record<string, unknown>;
  Object.assign(hosted, machine, { implementations });
  // XState binds some of its methods to the machine that they were made for.
  const methods = StateMachine.prototype as unknown as Record<string, unknown>;
  for (const name of Object.keys(machine)) {
    const method = methods[name];
    if (typeof method === 'function') hosted[name] = method.bind(hosted);
  }
  return hosted as never;
}

function invokesInline({ invoke = [], states = {} }: NodeConfig): boolean {
  return (
    [invoke].flat().some(({ src }) => typeof src !== 'string') || Object.values(states).some(invokesInline)
  );
}

function withStandIns(node: NodeConfig): NodeConfig {
  return {
    ...node,
    ...(node.invoke !== undefined && { invoke: [node.invoke].flat().map(withStandInSource) }),
    ...(node.states !== undefined && { states: mapValues(node.states, withStandIns) }),
  };
}

function withStandInSource(invoke: InvokeConfig): InvokeConfig {
  return typeof invoke.src === 'string'
    ? invoke
    : { ...invoke, src: standInFor(invoke.src as AnyActorLogic) };
}

function mapValues<T, R>(source: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, map(value)]));
}

// XState's name for the logic object at index 1 of the invokes of state node 2.
const INLINE_INVOKE = /^xstate\.invoke\.(\d+)\.(.*)$/;

/** The real logic of a child, by the name its parent has for it; undefined where the machine has none. */
export function childLogic(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
  const inline = INLINE_INVOKE.exec(src);
  if (inline === null) return (machine.implementations.actors as Record<string, AnyActorLogic>)[src];
  const [, index, node] = inline;
  const { invoke } = machine.getStateNodeById(node!).config as NodeConfig;
  const logic = [invoke].flat()[Number(index)]?.src;
  return typeof logic === 'object' ? (logic as AnyActorLogic) : undefined;
}

/** The name under which a machine knows a logic object that was given to `spawn` or `spawnChild` itself. */
export function sourceNameOf(machine: AnyStateMachine, logic: unknown, id: string): string {
  const real = (logic as Partial<StandIn>).real ?? logic;
  for (const [name, candidate] of Object.entries(machine.implementations.actors)) {
    if (candidate === real) return name;
  }
  throw new Error(
    `the child '${id}' was spawned from a logic object that has no name, so it could not be found again after a crash; ` +
      `register it in setup({ actors: { name: logic } }) and spawn 'name'`,
  );
}
