/**
 * The never-stuck detector: actors that live, and that nothing will ever move again. No timer of theirs will go off, no message
 * waits for them, no process and no child of theirs runs, nothing is owed, and no event from outside is taken in the state they
 * are in. Mostly that is a mistake in a machine: a state that was to be final, a child without `onDone`.
 *
 * Actors that have lost a message from within the system are named as well: whoever waits for the end of a child that became a dead
 * letter waits for ever, whatever else could be sent to it.
 */
import type { Cell } from './cell.ts';
import type { DeadLetter } from './dead-letters.ts';
import { HeddleError } from './errors.ts';
import { isHeldBack } from './forked-effects.ts';
import type { Ref } from './kernel/ref.ts';
import type { Runtime } from './runtime.ts';
import { mayRun } from './standing.ts';

/** An actor that nothing will move. */
export interface StuckActor {
  readonly address: string;
  /** The state of a machine. */
  readonly value: unknown;
  /**
   * - `nothing-to-wait-for`: it runs, and is not final, but waits for nothing.
   * - `dead-letter`: something that was said to it from within is a dead letter, such as the end of its child. It may wait for that.
   * - `down`: it does not run, and will not by itself.
   * - `refused`: it cannot be loaded.
   */
  readonly reason: 'nothing-to-wait-for' | 'dead-letter' | 'down' | 'refused';
  /** In words. */
  readonly why: string;
}

/** How many sleeping actors are woken to be looked at without letting anything else happen. */
const SLICE = 256;

/** Looks at all actors that live, also at those that sleep: they are loaded for it. */
export async function* stuckActors(runtime: Runtime): AsyncGenerator<StuckActor> {
  runtime.assertOpen();
  await runtime.committer.durable();
  const lost = await lostMessages(runtime);
  let looked = 0;
  for await (const address of runtime.population.addresses()) {
    const stuck = lookAt(runtime, address, lost.get(address));
    if (stuck !== undefined) yield stuck;
    if (++looked % SLICE === 0) await new Promise<void>((resolve) => runtime.clock.soon(resolve));
    runtime.assertOpen();
  }
}

/**
 * By address, the last dead letter that nobody outside has heard of: it came from another actor, a process or a timer. Whoever sends
 * from outside is told.
 */
async function lostMessages(runtime: Runtime): Promise<ReadonlyMap<string, DeadLetter>> {
  const lost = new Map<string, DeadLetter>();
  for await (const letter of runtime.deadLetters.list())
    if (letter.reason === 'step' && isFromWithin(letter)) lost.set(letter.address, letter);
  return lost;
}

const isFromWithin = ({ cause }: DeadLetter): boolean =>
  cause?.kind === 'actor' || cause?.kind === 'timer' || cause?.kind === 'effect';

function lookAt(runtime: Runtime, address: string, lost: DeadLetter | undefined): StuckActor | undefined {
  let cell: Cell;
  try {
    cell = runtime.population.load(runtime.population.nameOf(address)!.actor, address);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { address, value: undefined, reason: 'refused', why: error.message };
  }
  const { snapshot } = cell;
  // One that is paused will move: whoever has paused it knows why it does not.
  if (snapshot === undefined || cell.ended || cell.definition.isHouse || cell.paused !== undefined)
    return undefined;
  const { value } = snapshot;
  if (!mayRun(cell)) {
    const why = runtime.supervision.stayingDown.whyStaysDown(cell);
    return why === undefined ? undefined : { address, value, reason: 'down', why };
  }
  if (lost?.life === cell.life) return { address, value, reason: 'dead-letter', why: whyLost(lost) };
  if (isWaiting(runtime, cell)) return undefined;
  const state = value === undefined ? '' : ` in state ${JSON.stringify(value)}`;
  const why = `it takes no event from outside${state}, and nothing of its own is under way`;
  return { address, value, reason: 'nothing-to-wait-for', why };
}

const whyLost = ({ id, event }: DeadLetter): string =>
  `'${event!.type}' was said to it, and is dead letter ${id}: retry it when what it fails with is mended`;

function isWaiting(runtime: Runtime, cell: Cell): boolean {
  if ((cell.mailbox?.size ?? 0) > 0 || (cell.timers?.size ?? 0) > 0) return true;
  if (cell.owed !== undefined || cell.undurable > 0 || cell.acting > 0) return true;
  // What a fork holds back begins when somebody says so.
  if (cell.definition.isProcess) return isHeldBack(cell) || runtime.processes.isAround(cell.actor);
  if (cell.definition.host.kind !== 'machine' || takesEvents(cell)) return true;
  return Object.values<Ref>(cell.snapshot!.children ?? {}).some((child) => lives(runtime, child));
}

/** Whether there is an event that somebody outside could send to move it. */
function takesEvents({ snapshot }: Cell): boolean {
  const { _nodes: nodes } = snapshot as unknown as {
    readonly _nodes: readonly { readonly ownEvents: string[] }[];
  };
  return nodes.some(({ ownEvents }) => ownEvents.some((type) => !type.startsWith('xstate.')));
}

function lives({ population }: Runtime, { actor, address, life }: Ref): boolean {
  const cell = population.load(actor, address);
  return cell.since <= life && life <= cell.life && !cell.ended;
}
