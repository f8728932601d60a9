/**
 * Supervised worlds: a tree, what is done to it, and how it looks in the end. The same is done to a system that is left
 * alone and to one that dies again and again; both must end up the same.
 *
 * What may differ is only what at-least-once allows: an order to halt or to come up may be recorded again though it changes
 * nothing, a supervisor may hear a reply, a request or `heddle.resume` once more, and the number that a life got which could
 * not begin is given to the next.
 */
import * as Schedule from 'effect/Schedule';
import { assign, fromCallback, setup } from 'xstate';
import { durable } from 'heddle';
import type { Supervisor, SupervisorHandle } from 'heddle';
import { memory } from 'heddle/storage';
import type { Cell } from '../runtime/cell.ts';
import { firstDifference } from '../runtime/difference.ts';
import type { SupervisorDeclaration } from '../runtime/supervision/declaration.ts';
import { mayRun } from '../runtime/standing.ts';
import { initialState, supervise } from '../runtime/supervision/supervisor.ts';
import type { SupervisorEvent, SupervisorState } from '../runtime/supervision/words.ts';
import { DyingSystem } from './dying-system.ts';

// ---- actors ---------------------------------------------------------------------------------------------------------

/** Whose births fail, and in which time: told again, they come out as they did. */
const broken = new Map<string, { readonly from: number; until: number }>();

const presence = fromCallback(() => {});

const workerMachine = setup({
  types: {
    context: {} as { n: number },
    events: {} as { type: 'inc' | 'crash' | 'end' },
    input: {} as string,
  },
  actors: { presence },
}).createMachine({
  id: 'worker',
  context: ({ input }) => {
    const { from, until } = broken.get(input) ?? { from: Infinity, until: Infinity };
    if (Date.now() >= from && Date.now() < until) throw new Error('it cannot be born');
    return { n: 0 };
  },
  initial: 'up',
  states: {
    up: {
      invoke: { src: 'presence', id: 'presence' },
      on: {
        inc: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        crash: {
          actions: assign(() => {
            throw new Error('it crashed');
          }),
        },
        end: 'over',
      },
    },
    over: { type: 'final' },
  },
});

const ACTORS = {
  worker: durable(workerMachine, { poison: 'fail' }),
  touchy: durable(workerMachine, { poison: 'escalate' }),
  job: durable(workerMachine, { poison: 'fail' }),
};
type Actors = typeof ACTORS;

const BACKOFF_MS = 700;
export const backoff = Schedule.spaced(BACKOFF_MS);

// ---- what is done ---------------------------------------------------------------------------------------------------

export type Operation =
  | { readonly do: 'send'; readonly to: string; readonly type: 'inc' | 'crash' | 'end' }
  /** Two fail at once. */
  | { readonly do: 'crash-both'; readonly to: readonly [string, string] }
  | { readonly do: 'terminate' | 'restart' | 'delete' | 'start'; readonly at: string; readonly id: string }
  | { readonly do: 'job'; readonly id: string }
  | { readonly do: 'break' | 'mend'; readonly id: string }
  | { readonly do: 'advance'; readonly ms: number };

export interface Scenario {
  readonly tree: Supervisor;
  readonly operations: readonly Operation[];
  /** Whether all its supervisors wait before they restart, {@link BACKOFF_MS}. */
  readonly hasBackoff?: boolean;
}

export const child = (id: string, rest: object = {}) => ({ id, start: 'worker', input: id, ...rest });

type Dying = DyingSystem<Actors>;

async function perform(world: Dying, operation: Operation): Promise<void> {
  switch (operation.do) {
    case 'send':
      return send(world, operation.to, operation.type);
    case 'crash-both':
      return world.postAll(
        operation.to.filter((address) => isUp(world, address)),
        { type: 'crash' },
      );
    case 'job':
      return world.start('job', operation.id, operation.id);
    case 'break':
      await world.advance(1);
      return void broken.set(operation.id, { from: world.clock.now(), until: Infinity });
    case 'mend':
      await world.advance(1);
      if (broken.has(operation.id)) broken.get(operation.id)!.until = world.clock.now();
      return undefined;
    case 'advance':
      return world.advance(operation.ms);
    default:
      return world.ask((system) => request(system.supervisor(operation.at), operation));
  }
}

function request(
  handle: SupervisorHandle,
  { do: what, id }: Extract<Operation, { readonly at: string }>,
): Promise<void> {
  switch (what) {
    case 'start':
      return handle.startChild(child(id));
    case 'terminate':
      return handle.terminateChild(id);
    case 'restart':
      return handle.restartChild(id);
    case 'delete':
      return handle.deleteChild(id);
  }
}

/** Whoever sends from outside to an actor that is down must send again after a death: nobody knows when it is taken. */
function isUp(world: Dying, address: string): boolean {
  const cell = cellAt(world, address);
  return cell !== undefined && !cell.ended && mayRun(cell);
}

async function send(world: Dying, to: string, type: string): Promise<void> {
  if (isUp(world, to)) await world.post(to, { type });
}

// ---- how it ends ----------------------------------------------------------------------------------------------------

export interface Ending {
  /** Supervisors and actors, one a line, and what is recorded of them. */
  readonly lines: string[];
  /** Promises that were broken, whatever else happened. */
  readonly violations: readonly string[];
  /** Whether the tree as a whole has given up. */
  readonly isRootDown: boolean;
  readonly deaths: number;
  readonly commits: number;
  readonly restarts: number;
  readonly giveUps: number;
}

/** After so many deaths nothing goes on any more. */
const TOO_MANY_DEATHS = 400;

/** @param dies whether it dies after a commit: of how many of its life, and of how many in all */
export async function play(
  { tree, operations, hasBackoff = false }: Scenario,
  dies: (ofLife: number, ofAll: number) => boolean = () => false,
  maxTurnsPerCommit = 1,
): Promise<Ending> {
  broken.clear();
  let commits = 0;
  let isCalm = false;
  const world: Dying = new DyingSystem({
    store: memory(),
    actors: ACTORS,
    supervise: tree,
    maxTurnsPerCommit,
    dies: (ofLife) => {
      commits++;
      if (world.deaths > TOO_MANY_DEATHS) isCalm = true;
      return !isCalm && dies(ofLife, commits);
    },
  });
  await world.open();
  await world.settle();
  for (const operation of operations) await perform(world, operation);
  // Whoever waits for his restart gets it.
  await world.advance(hasBackoff ? 20 * BACKOFF_MS : 0);
  const deaths = world.deaths;
  const made = commits;
  isCalm = true;
  const ending = await look(world);
  const isRootDown = isRestartedByOpening(ending);
  const violations = [...ending.violations];
  if (deaths > TOO_MANY_DEATHS) violations.push('it does not get anywhere');
  if (!isRootDown) {
    // Whoever opens it once more in peace sees the same.
    await world.reopenGently();
    await world.settle();
    const later = await look(world);
    violations.push(...later.violations);
    violations.push(...differences(ending, later).map((line) => `after another opening: ${line}`));
  }
  await world.system.close();
  return { ...ending, violations, isRootDown, deaths, commits: made };
}

type Look = Omit<Ending, 'isRootDown' | 'deaths' | 'commits'>;

async function look(world: Dying): Promise<Look> {
  const violations: string[] = [];
  const addresses: string[] = [];
  const { runtime } = world;
  for (const name of ['job', 'supervisor', 'touchy', 'worker'])
    for await (const address of runtime.population.addressesOf(name)) addresses.push(address);
  const lines: string[] = [];
  let restarts = 0;
  let giveUps = 0;
  for (const address of addresses) {
    const cell = cellAt(world, address);
    if (cell === undefined) continue;
    const kinds = await kindsOf(world, address);
    if (cell.definition.isSupervisor) {
      const state = cell.snapshot!.context as SupervisorState;
      lines.push(`${address} ${aboutSupervisor(state)}`);
      restarts += state.restarts;
      if (state.end !== undefined && state.end.reason !== 'ordered') giveUps++;
      violations.push(...(await exceeded(world, cell)));
      if (state.work.length > 0) violations.push(`${address} is stuck in ${JSON.stringify(state.work[0])}`);
    } else lines.push(`${address} ${aboutActor(world, cell)}: ${kinds}`);
    const { same, difference } = await world.system.replay(address);
    if (!same) violations.push(`${address} is told otherwise: ${JSON.stringify(difference)}`);
  }
  violations.push(...runningUnderNobody(world));
  const { broken: damage } = await world.system.verify();
  violations.push(...damage.map((one) => `broken: ${JSON.stringify(one)}`));
  return { lines, violations, restarts, giveUps };
}

function cellAt({ runtime }: Dying, address: string): Cell | undefined {
  const name = runtime.population.nameOf(address);
  return name && runtime.population.load(name.actor, address);
}

function aboutSupervisor({ phase, restarts, end, children, window }: SupervisorState): string {
  const below = children.map(
    ({ declaration: { id }, phase: standing, restarts: times, failures, because, exit }) =>
      `${id}=${standing}×${times}/${failures}${because === undefined ? '' : ` by ${because}`}${exit === undefined ? '' : ` after ${exit.reason}`}`,
  );
  return `${phase} ${restarts} [${window.length}] ${end?.reason ?? ''} ${end?.child ?? ''} {${below.join(', ')}}`;
}

function aboutActor({ runtime }: Dying, cell: Cell): string {
  const { down, held, snapshot } = cell;
  const standing = down?.why ?? (held ? 'held' : 'up');
  const work = cellAt({ runtime } as Dying, `${cell.address}/presence`);
  const runs = work !== undefined && runtime.processes.isAround(work.actor) ? 'runs' : 'rests';
  const context = snapshot?.context as { n?: number } | undefined;
  return `${snapshot?.status} n=${context?.n} ${standing} ${runs}`;
}

/** The kinds of an actor's records, life by life; without the orders that are repeated, and change nothing. */
async function kindsOf({ system }: Dying, address: string): Promise<string> {
  const kinds: string[] = [];
  const lives: number[] = [];
  for await (const { event, life, wentDown, error } of system.history(address)) {
    if (!lives.includes(life)) lives.push(life);
    const kind = `${lives.length}:${event.type}${wentDown ? '†' : ''}${error === undefined ? '' : '!'}`;
    const isDown = /halt$|†/.test(kinds.at(-1) ?? '');
    const isRepeated = event.type === 'heddle.up' ? !isDown : event.type === 'heddle.halt' && isDown;
    if (!isRepeated) kinds.push(kind);
  }
  return kinds.join(' ');
}

/** Whether a supervisor has made more restarts in some period than it may; its story is decided again to see that. */
async function exceeded(world: Dying, { address, ref }: Cell): Promise<string[]> {
  const delayMs = (id: string, failures: number): number | undefined =>
    world.runtime.supervision.backoffOf(ref, id, failures);
  let state: SupervisorState | undefined;
  let made: number[] = [];
  const found: string[] = [];
  for await (const { event, at } of world.system.history(address)) {
    const isFirst = event.type === 'xstate.init';
    const before = isFirst ? initialState(event['input'] as SupervisorDeclaration) : state!;
    const heard = (isFirst ? { type: 'heddle.up' } : event) as SupervisorEvent;
    state = supervise(before, heard, { nowMs: at, delayMs }).state;
    if (before.phase === 'down') made = [];
    made.push(...Array.from({ length: state.restarts - before.restarts }, () => at));
    const { intensity, periodMs } = state.declaration;
    const lately = made.filter((one) => at <= one + periodMs).length;
    if (lately > intensity) found.push(`${address} made ${lately} restarts of ${intensity} at ${at}`);
  }
  const difference = firstDifference(cellAt(world, address)!.snapshot!.context, state, 'state');
  if (difference !== undefined)
    found.push(`${address} is not what its story says: ${JSON.stringify(difference)}`);
  return found;
}

/** Actors at work though the supervisor that should have stopped them is down. */
function runningUnderNobody({ runtime }: Dying): string[] {
  const found: string[] = [];
  for (const cell of runtime.population.cells()) {
    if (!cell.definition.isProcess || !runtime.processes.isAround(cell.actor)) continue;
    const root = cell.address.split('/', 2).join('/');
    const supervisorAddress = runtime.supervision.roster.supervisorOf(root);
    const state = supervisorAddress && runtime.supervision.roster.stateAt(supervisorAddress);
    if (state === undefined || state === '') continue;
    if (state.phase === 'down') found.push(`${cell.address} runs, but ${supervisorAddress} is down`);
    const known = state.children.find(({ declaration }) => root.endsWith(`/${declaration.id}`));
    if (known !== undefined && known.phase !== 'running')
      found.push(`${cell.address} runs, but is ${known.phase} for ${supervisorAddress}`);
  }
  return found;
}

/** A tree whose root has given up is started by whoever opens the system. */
function isRestartedByOpening({ lines }: Look): boolean {
  return lines.some((line) => /^supervisor\/[^/ ]+ down/.test(line));
}

/** Where two endings are not the same, as a person would want to read it. */
export function differences(one: Look, other: Look): string[] {
  const both = Array.from({ length: Math.max(one.lines.length, other.lines.length) }, (_, index) => index);
  return both
    .filter((index) => one.lines[index] !== other.lines[index])
    .map((index) => `\n  ${one.lines[index]}\n  ${other.lines[index]}`);
}
