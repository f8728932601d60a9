/**
 * Whether somebody in a run waits for an order, as things stand. Who can be meant at all says `orders.ts`, by what is declared; here is
 * looked at who is there, and whether they stand still. It reads, and changes nothing.
 */
import { isMachineSnapshot } from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { ACCOUNT } from '../../machines/workflow/graph.ts';
import type { LoopContext } from '../../machines/workflow/loop.ts';
import type { MapContext } from '../../machines/workflow/map.ts';
import type { RunContext } from '../../machines/workflow/progress.ts';

/** How many of those who wait are named to whoever has named somebody else. */
const MOST_NAMED = 5;

/**
 * Why nobody waits for what is said to one by whose state, or within it; undefined where somebody does, or where that cannot be known.
 * @param path the way to who is meant, from there
 * @param called how whoever has said it calls the one by whose state
 */
export function unawaited(
  snapshot: unknown,
  path: readonly string[],
  event: AnyEventObject,
  called: readonly string[] = [],
): string | undefined {
  if (!isMachineSnapshot(snapshot)) return undefined;
  const problem = problemAt(snapshot, path, event, called);
  if (problem === undefined) return undefined;
  const waiting = firstOf(waitingIn(snapshot, event, called), MOST_NAMED);
  const instead =
    waiting.length === 0 ? 'nobody here waits for one' : `who waits for one: ${waiting.join(', ')}`;
  return `names '${String(event['task'])}', where nobody waits for ${event.type}: ${problem}; ${instead}`;
}

function problemAt(
  state: AnyMachineSnapshot,
  [name, ...rest]: readonly string[],
  event: AnyEventObject,
  way: readonly string[],
): string | undefined {
  if (name === undefined) return problemOf(state, event, way);
  const child = (state.children as Record<string, AnyActorRef | undefined>)[name];
  if (child === undefined) return nobodyAt(state, name, way);
  const there = stateOf(child);
  return there && problemAt(there, rest, event, [...way, name]);
}

/** The same of those who are named themselves. A loop, and what undoes, pass it on to whom they have at work. */
function problemOf(
  state: AnyMachineSnapshot,
  event: AnyEventObject,
  way: readonly string[],
): string | undefined {
  if (!hears(state, event, way)) return `'${way.join('/')}' ${howItStands(state)}`;
  if (!passesOn(state, event)) return undefined;
  const problems = workersOf(state).map(([id, there]) => problemOf(there, event, [...way, id]));
  if (problems.includes(undefined)) return undefined;
  return problems[0] ?? `'${way.join('/')}' ${howItStands(state)}`;
}

/** By its own name, as it hears it from above. */
const hears = (state: AnyMachineSnapshot, event: AnyEventObject, way: readonly string[]): boolean =>
  state.status === 'active' && state.can({ ...event, task: way.at(-1) });

/** Whether it is for those whom they have at work, and not for themselves. */
function passesOn({ machine: { id }, value }: AnyMachineSnapshot, { type }: AnyEventObject): boolean {
  if (id === 'task') return value === 'polling' && type === 'task.resume';
  return id === 'loop' || id === 'undo' || id === 'poll';
}

/** Who works for somebody. What is no machine waits for nothing, and neither does an account. */
const workersOf = ({ children }: AnyMachineSnapshot): readonly (readonly [string, AnyMachineSnapshot])[] =>
  Object.entries(children as Record<string, AnyActorRef>).flatMap(([id, child]) => {
    const there = id === ACCOUNT ? undefined : stateOf(child);
    return there === undefined ? [] : [[id, there] as const];
  });

/** Undefined of one that is no machine, and of one that is damaged: what is sent to them waits. */
function stateOf(child: AnyActorRef): AnyMachineSnapshot | undefined {
  try {
    const snapshot: unknown = child.getSnapshot();
    return isMachineSnapshot(snapshot) ? snapshot : undefined;
  } catch {
    return undefined;
  }
}

/** Those in there who would hear it, by the ways to them. */
function* waitingIn(
  state: AnyMachineSnapshot,
  event: AnyEventObject,
  way: readonly string[],
): Generator<string> {
  for (const [id, there] of workersOf(state)) {
    const to = [...way, id];
    if (!passesOn(there, event) && hears(there, event, to)) yield to.join('/');
    else yield* waitingIn(there, event, to);
  }
}

function firstOf(all: Iterable<string>, most: number): readonly string[] {
  const first: string[] = [];
  for (const one of all) {
    if (first.length === most) return [...first, '…'];
    first.push(one);
  }
  return first;
}

// ---- in words -----------------------------------------------------------------------------------------------------

const PEOPLE: ReadonlySet<unknown> = new Set(['reviewing', 'clearing', 'serving']);
const STILL: ReadonlySet<unknown> = new Set(['halted', 'sleeping', 'parked']);

function howItStands({ status, value }: AnyMachineSnapshot): string {
  if (status !== 'active') return 'has ended';
  if (PEOPLE.has(value)) return `waits for people (${String(value)}): system.reviews.decide`;
  if (STILL.has(value)) return `is ${String(value)} under another name, the last part of its address`;
  return `is at work (${String(value)}), and does not stand still`;
}

/** Why nobody of a name is there. */
function nobodyAt({ context }: AnyMachineSnapshot, name: string, way: readonly string[]): string {
  const { items, begun, number, nodes } = context as Partial<MapContext & LoopContext & RunContext>;
  const here = way.length === 0 ? 'it' : `'${way.join('/')}'`;
  if (items !== undefined && Number(name) >= items.length)
    return items.length === 0
      ? `${here} has no items`
      : `${here} has ${items.length} items, from ${[...way, 0].join('/')} to ${[...way, items.length - 1].join('/')}`;
  if (items !== undefined) return `that item ${Number(name) < begun! ? 'has ended' : 'was not begun yet'}`;
  if (number !== undefined) return `${here} is at its time ${number}`;
  const node = name.replace(/^undo /, '');
  const status = nodes !== undefined && Object.hasOwn(nodes, node) ? nodes[node]!.status : undefined;
  const whole = [...way, node].join('/');
  return status === undefined ? `nobody is at work on '${whole}'` : `'${whole}' is ${status}`;
}
