/**
 * Queries: the actors of a name that stand in a state, whether they are in memory or sleep.
 *
 * Whoever is in memory is found by the index there, everybody else by the rows on disk. A row is only believed of an actor
 * without records beyond its checkpoint; the others are loaded first, once after an opening. Nobody is held still while
 * somebody iterates: who changes its place meanwhile is looked at once more at the end.
 */
import type { StateValue } from 'xstate';
import type { ActorDefinition, HeddleRef, SnapshotOf } from '../actor-ref.ts';
import type { Cell } from '../cell.ts';
import { HeddleError, InvalidArgument } from '../errors.ts';
import { segmentsOf } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import type { Runtime } from '../runtime.ts';
import type { Definition } from '../definition.ts';
import { codeOf, matches, nameOf, standingOf } from './standing-text.ts';
import type { Status } from './standing-text.ts';

/** Names of root actors, and of children: the name of the root, then that of the logic of each child on the way down. */
export type QueryName<TActors> = (keyof TActors & string) | `${keyof TActors & string}/${string}`;

/** What the machine's own `matches` takes, and paths of names: `review`, `review.waiting`. */
export type QueryState<TActors, TName> = TName extends keyof TActors
  ? SnapshotOf<TActors[TName]> extends { matches(state: infer TState): boolean }
    ? TState extends string
      ? TState | `${TState}.${string}`
      : TState
    : never
  : StateValue;

/** The ref of an actor of a name. */
export type QueriedRef<
  TActors extends Readonly<Record<string, ActorDefinition>>,
  TName,
> = TName extends keyof TActors ? HeddleRef<TActors[TName]> : HeddleRef<ActorDefinition>;

export interface QueryOptions<TName, TState = StateValue> {
  /** `report`, the root actors of this name; `report/payment`, their children that run the logic of this name. */
  readonly name: TName;
  /** As for `snapshot.matches`: the path of a state, or a part of a state value; or several, of which one must match. Default: any. */
  readonly state?: TState | readonly TState[];
  /** Where its life is. Default `active`. */
  readonly status?: Status;
  /** At most so many. */
  readonly limit?: number;
  /** Only this address, and those below it. */
  readonly under?: string;
}

interface Wanted {
  readonly name: string;
  /** One of them. */
  readonly states: readonly StateValue[] | undefined;
  readonly status: Status;
  readonly limit: number;
  readonly under: string | undefined;
}

/** How many actors are loaded without letting anything else happen. */
const SLICE = 256;

/** @throws InvalidArgument at once, and not when somebody iterates */
export function query(runtime: Runtime, options: unknown): AsyncIterable<Ref> {
  runtime.assertOpen();
  const wanted = read(runtime, options);
  return { [Symbol.asyncIterator]: () => new Query(runtime, wanted).run() };
}

class Query {
  readonly #runtime: Runtime;
  readonly #wanted: Wanted;

  constructor(runtime: Runtime, wanted: Wanted) {
    this.#runtime = runtime;
    this.#wanted = wanted;
  }

  async *run(): AsyncGenerator<Ref> {
    const runtime = this.#runtime;
    await prepareToLook(runtime);
    const given = new Set<string>();
    const { moved, end } = runtime.stateIndex.watch();
    try {
      for await (const ref of this.#candidates(moved)) {
        if (ref === undefined || given.has(ref.address)) continue;
        given.add(ref.address);
        yield ref;
        runtime.assertOpen();
        if (given.size === this.#wanted.limit) return;
      }
    } finally {
      end();
    }
  }

  async *#candidates(moved: ReadonlySet<string>): AsyncGenerator<Ref | undefined> {
    const { name, status, states, limit, under } = this.#wanted;
    const { stateIndex, stateRows } = this.#runtime;
    // Whoever comes into one of these meanwhile, or leaves it, has moved.
    for (const { standing, cells } of stateIndex.bucketsOf(name)) {
      if (!matches(standing, status, states)) continue;
      for (const cell of this.#among(cells)) yield this.#ofPresent(cell);
    }
    for await (const text of stateRows.textsOf(name, codeOf(status))) {
      if (!matches(standingOf(text), status, states)) continue;
      for await (const { address, actor } of stateRows.rowsOf(name, text, under ?? '', limit))
        if (this.#isUnder(address)) yield this.#ofRow(address, actor);
    }
    for (const address of [...moved]) yield this.#ofMoved(address);
  }

  /** Root actors have addresses of their own, so there is at most one under an address. */
  #among(cells: ReadonlySet<Cell>): Iterable<Cell> {
    const { under, name } = this.#wanted;
    if (under === undefined || name.includes('/')) return cells;
    const cell = this.#runtime.population.presentAt(under);
    return cell !== undefined && cells.has(cell) ? [cell] : [];
  }

  #isUnder(address: string): boolean {
    const { under } = this.#wanted;
    return under === undefined || address === under || address.startsWith(`${under}/`);
  }

  #ofPresent({ committed, definition, address, ref }: Cell): Ref | undefined {
    const { name, status, states } = this.#wanted;
    if (committed === undefined || definition.queryName !== name || !this.#isUnder(address)) return undefined;
    const { status: now, value } = committed;
    return matches({ status: now, value: value as StateValue | undefined }, status, states) ? ref : undefined;
  }

  /** @param actor undefined: what the row says cannot be believed */
  #ofRow(address: string, actor: number | undefined): Ref | undefined {
    const { population, tails } = this.#runtime;
    const cell = population.presentAt(address);
    if (cell !== undefined) return this.#ofPresent(cell);
    if (actor === undefined || tails.get(actor)?.head !== undefined) return this.#ofMoved(address);
    if (!mayBeLoaded(this.#runtime, actor)) return undefined;
    return unlessRefused(() => population.refAt(address, () => population.load(actor, address)));
  }

  #ofMoved(address: string): Ref | undefined {
    const cell = unlessRefused(() => this.#runtime.population.find(address));
    return cell && this.#ofPresent(cell);
  }
}

/** Makes the index tell how everybody stands. */
export async function prepareToLook(runtime: Runtime): Promise<void> {
  runtime.assertOpen();
  await runtime.stateRows.complete();
  await loadTails(runtime);
  runtime.assertOpen();
}

/** Whoever has records beyond its checkpoint stands where those say. */
async function loadTails(runtime: Runtime): Promise<void> {
  const { tails, clock } = runtime;
  let loaded = 0;
  for (const [actor, { head }] of [...tails.entries()]) {
    if (head === undefined || !mayBeLoaded(runtime, actor)) continue;
    load(runtime, actor);
    if (++loaded % SLICE > 0) continue;
    await new Promise<void>((resolve) => clock.soon(resolve));
    runtime.assertOpen();
  }
}

function load({ population, refused }: Runtime, actor: number): void {
  const cell = unlessRefused(() => population.load(actor, `actor #${actor}`));
  if (cell === undefined) refused.add(actor);
}

function mayBeLoaded({ refused, quarantine }: Runtime, actor: number): boolean {
  return !refused.has(actor) && !quarantine.has(actor);
}

function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof HeddleError) return undefined;
    throw error;
  }
}

// ---- what is asked for --------------------------------------------------------------------------------------------

const STATUSES: readonly unknown[] = ['active', 'done', 'error', 'stopped'] satisfies Status[];

function read({ definitions }: Runtime, options: unknown): Wanted {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgument('query', "needs what it is to look for: { name: 'order', state: 'open' }");
  const { name, state, status = 'active', limit = Infinity, under } = options as Record<string, unknown>;
  if (typeof name !== 'string') throw new InvalidArgument('name', `must be a text, but is ${typeof name}`);
  const path = definitions.names.includes(name) ? [name] : segmentsOf(name);
  const definition = definitions.names.includes(path[0]!) ? definitions.at(path) : undefined;
  if (definition === undefined) {
    const names = definitions.names.join(', ') || 'none';
    throw new InvalidArgument('name', `'${name}' is not among createSystem({ actors }); there are ${names}`);
  }
  if (!STATUSES.includes(status))
    throw new InvalidArgument(
      'status',
      `must be active, done, error or stopped, but is ${JSON.stringify(status)}`,
    );
  if (limit !== Infinity && !(Number.isInteger(limit) && (limit as number) > 0))
    throw new InvalidArgument('limit', `must be a positive integer, but is ${JSON.stringify(limit)}`);
  if (under !== undefined && (typeof under !== 'string' || !under.includes('/')))
    throw new InvalidArgument('under', `must be an address, but is ${JSON.stringify(under)}`);
  const states = statesIn(definition, name, state);
  return { name: nameOf(path), states, status: status as Status, limit: limit as number, under };
}

function statesIn(definition: Definition, name: string, given: unknown): readonly StateValue[] | undefined {
  if (given === undefined) return undefined;
  const states: readonly unknown[] = Array.isArray(given) ? given : [given];
  return states.map((state) => {
    assertState(definition, name, state);
    return state;
  });
}

/** A state that is misspelt would be one in which nobody is. */
function assertState({ host }: Definition, name: string, state: unknown): asserts state is StateValue {
  if (host.kind !== 'machine') throw new InvalidArgument('state', `makes no sense: '${name}' is no machine`);
  const unknown = unknownState(host.logic as StateNodeShape, state, '');
  if (unknown !== undefined) throw new InvalidArgument('state', `is none of '${name}': ${unknown}`);
}

interface StateNodeShape {
  readonly states: Readonly<Record<string, StateNodeShape>>;
}

/** The path of the first state that a machine does not have. */
function unknownState(node: StateNodeShape, state: unknown, path: string): string | undefined {
  if (typeof state === 'string') {
    let at: StateNodeShape | undefined = node;
    // As XState reads it: a dot that belongs to a name has a backslash before it.
    for (const key of state.split(/(?<!\\)\./)) at = at?.states[key.replaceAll('\\.', '.')];
    return at === undefined ? `${path}${state}` : undefined;
  }
  if (typeof state !== 'object' || state === null) return `${path}${JSON.stringify(state)}`;
  for (const [key, below] of Object.entries(state)) {
    const child = node.states[key];
    if (child === undefined) return `${path}${key}`;
    const unknown = below === undefined ? undefined : unknownState(child, below, `${path}${key}.`);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}
