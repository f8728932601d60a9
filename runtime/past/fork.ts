/**
 * Forking: an actor and all below it, as they stood at a record of one of them, live on as others. The original is not touched.
 *
 *     cut: states, timers, and messages that were under way, as of the record                     cut.ts
 *       └ transplant: new numbers and addresses for everybody                                     transplant.ts
 *           └ one commit: each is born with a record that gives it its state and says whom it stands for
 */
import type { AnyEventObject } from 'xstate';
import { definitionOf } from '../birth.ts';
import { assertMaySend } from '../delivery.ts';
import { ActorExists, InvalidArgument, UnknownActor } from '../errors.ts';
import { isHeldBack, PERFORM } from '../forked-effects.ts';
import { badId, rootAddress, segmentsOf } from '../kernel/address.ts';
import type { Ref } from '../kernel/ref.ts';
import type { ForkEffects } from '../mailbox.ts';
import type { Runtime } from '../runtime.ts';
import type { Warrant } from '../warrant.ts';
import type { StoredState } from '../versions/migration.ts';
import { cutAt, momentAt } from './cut.ts';
import type { Cut, Moment } from './cut.ts';
import { journalAt } from './reading.ts';
import { Transplant } from './transplant.ts';

export interface ForkOptions {
  /** The record as of which: one of its own, or of somebody below it. Default: its newest. */
  readonly at?: number | Moment;
  /** The address of the fork: another id of the same name. */
  readonly as: string;
  /** What is different in the fork. */
  readonly with?: {
    /** Changes of its state; what is left out stays as it was. */
    readonly state?: (state: StoredState) => Partial<StoredState>;
    /** An event that it gets behind the messages that were under way. */
    readonly event?: AnyEventObject;
  };
  /** What becomes of its actions and processes; default `hold`: a fork does nothing to the world before it is told to. */
  readonly effects?: ForkEffects;
  /** Who has forked it, for its journal. */
  readonly by?: string;
}

/** The event of the first record of everybody in a fork. */
const FORKED = 'heddle.forked';

const EFFECTS: readonly ForkEffects[] = ['rerun', 'reuse', 'hold'];

/**
 * Forks a root actor. Resolves when the fork is on the disk.
 * @throws InvalidArgument, ActorExists, StoryChanged when today's code cannot tell the record, UnknownActor, JournalCorrupt
 */
export async function fork(
  runtime: Runtime,
  address: string,
  options: ForkOptions,
  warrant?: Warrant,
): Promise<Ref> {
  const { as, effects = 'hold', with: changes = {}, by } = options;
  assertMove(runtime, address, as, effects, EFFECTS);
  const event = changes.event === undefined ? undefined : runtime.events.prepare(changes.event);
  const cut = await cutAt(runtime, address, await momentOf(runtime, address, options.at));
  assertForkable(runtime, cut, address);
  // With it nobody says what they could not say to the original: that a gate was passed, or that the fork may act.
  const [original] = cut.members.values();
  if (event !== undefined) assertMaySend(runtime, original!.cell, event.event, warrant?.principal);
  const first = { type: FORKED, ...(by !== undefined && { by }) };
  const move = { address, as, effects, event: first, isForeign: false, warrant };
  const transplant = new Transplant(runtime, cut, move);
  const plans = transplant.plan(changes.state);
  assertFree(runtime, as);
  const { root, sent } = runtime.committer.hold(() => transplant.carryOut(plans, event));
  await Promise.all([runtime.committer.durable(), sent]);
  return root;
}

/** @throws InvalidArgument, UnknownActor, JournalCorrupt */
async function momentOf(runtime: Runtime, address: string, at: ForkOptions['at']): Promise<Moment> {
  if (at === undefined) return { address, seq: (await journalAt(runtime, address)).end?.seq ?? 0 };
  return momentAt(address, at, 'at');
}

/** Lets the effects of a fork happen that was held back. @throws UnknownActor, InvalidArgument, ActorEnded */
export async function perform(runtime: Runtime, address: string, warrant?: Warrant): Promise<void> {
  runtime.assertOpen();
  const cell = runtime.population.find(address);
  if (cell === undefined) throw new UnknownActor(address, 'nobody ever lived there');
  if (cell.birth?.fork === undefined || cell.birth.parent !== undefined)
    throw new InvalidArgument('address', `is not that of a fork: ${address}`);
  if (isHeldBack(cell)) await runtime.delivery.command(cell, { type: PERFORM }, warrant);
}

/** @throws InvalidArgument, ActorExists */
export function assertMove(
  runtime: Runtime,
  address: string,
  as: string,
  effects: ForkEffects,
  allowed: readonly ForkEffects[],
): void {
  runtime.assertOpen();
  if (segmentsOf(address).length > 2)
    throw new InvalidArgument(
      'address',
      `is that of a child (${address}): fork its root actor, with at: { address: '${address}', seq } for a record of it`,
    );
  const [name, id, ...below] = segmentsOf(typeof as === 'string' ? as : '');
  if (id === undefined || below.length > 0 || badId(id) !== undefined || as !== rootAddress(name!, id))
    throw new InvalidArgument(
      'as',
      `must be the address of a root actor, such as ${address}-2, but is ${as}`,
    );
  if (name !== segmentsOf(address)[0])
    throw new InvalidArgument('as', `must have the name of ${address}, whose code it runs, but is ${as}`);
  runtime.definitions.assertForStart(name!, 'as');
  if (!allowed.includes(effects))
    throw new InvalidArgument('effects', `must be one of ${allowed.join(', ')}, but is ${effects as string}`);
  assertFree(runtime, as);
}

export function assertFree(runtime: Runtime, as: string): void {
  if (runtime.population.nameOf(as) === undefined) return;
  const status = runtime.population.presentAt(as)?.snapshot?.status ?? 'active';
  throw new ActorExists(as, status, 'give another address in `as`');
}

/** @throws InvalidArgument; UnknownActor, StoryChanged where nobody knows the code of whoever is about to be born */
export function assertForkable(runtime: Runtime, { members, underWay }: Cut, address: string): void {
  const { definitions, codes } = runtime;
  for (const { to, birth } of underWay) if (birth !== undefined) definitionOf(runtime, to.address, birth);
  for (const { cell } of members.values()) {
    if (cell.definition.isHouse)
      throw new InvalidArgument('address', `is ${address}, which belongs to the house`);
    if (cell.definition === definitions.at(cell.birth!.path)) continue;
    const { version } = codes.at(cell.birth!.code)!;
    throw new InvalidArgument('at', `is a record of version ${version} of ${cell.address}: fork a later one`);
  }
}
