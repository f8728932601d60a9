/**
 * Which transitions an event takes, selected as XState does: the innermost first, in every region. But only states are asked that know the
 * event or have a wildcard. XState asks all that a machine is in, and keeps of each, for each type of event and for ever, that it does not
 * know it: of a machine with a region for everything that it waits for, that is the square of their number.
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, StateValue } from 'xstate';

type Taken = ReturnType<AnyStateMachine['getTransitionData']>;

/** A state of a machine. XState's types leave out `next`, by which it is asked. */
interface StateNode {
  readonly states: Readonly<Record<string, StateNode>>;
  readonly transitions: ReadonlyMap<string, unknown>;
  next(snapshot: AnyMachineSnapshot, event: AnyEventObject): Taken | undefined;
}

const NONE: Taken = [];

/** As `getTransitionData` of the machine. */
export function selected(snapshot: AnyMachineSnapshot, event: AnyEventObject): Taken {
  const ask = (node: StateNode): Taken =>
    (knows(node, event.type) ? node.next(snapshot, event) : undefined) ?? NONE;
  const within = (node: StateNode, value: StateValue): Taken => {
    const taken =
      typeof value === 'string'
        ? ask(node.states[value]!)
        : Object.entries(value).flatMap(([key, inner]) => within(node.states[key]!, inner!));
    return taken.length > 0 ? taken : ask(node);
  };
  return within(snapshot.machine.root as unknown as StateNode, snapshot.value as StateValue);
}

const wildcards = new WeakMap<StateNode, boolean>();

function knows(node: StateNode, type: string): boolean {
  if (node.transitions.has(type)) return true;
  let has = wildcards.get(node);
  if (has === undefined) {
    has = [...node.transitions.keys()].some((descriptor) => descriptor.endsWith('*'));
    wildcards.set(node, has);
  }
  return has;
}
