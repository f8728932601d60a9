/**
 * Replay: an actor's whole story told again by today's code, and held against what is recorded and against its state.
 */
import { InvalidArgument, StoryChanged } from '../errors.ts';
import type { Difference } from '../errors.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { Runtime } from '../runtime.ts';
import { readCell } from '../restore.ts';
import { journalAt, journalNow } from './reading.ts';
import type { Journal } from './reading.ts';
import { differenceIn, stateDifference, toldFromBirth } from './telling.ts';

export interface ReplayResult {
  readonly address: string;
  /** How many records were told again. */
  readonly records: number;
  /** Whether today's code tells the recorded story. */
  readonly same: boolean;
  /** The first place where it does not. */
  readonly difference: Difference | undefined;
}

/** Tells the story of an actor again. Executes nothing, and touches nothing that lives. @throws JournalCorrupt, UnknownActor */
export async function replay(runtime: Runtime, address: string): Promise<ReplayResult> {
  await journalAt(runtime, address);
  // Taken together, without a turn in between: the story ends with this state.
  const journal = journalNow(runtime, address);
  const state = committedState(runtime, journal);
  let count = 0;
  const told = await toldFromBirth(runtime, journal, () => void count++);
  if (told?.difference !== undefined)
    return { address, records: count + 1, same: false, difference: told.difference };
  const difference =
    state instanceof StoryChanged ? differenceIn(state) : told && stateDifference(told.cell, state);
  return { address, records: count, same: difference === undefined, difference };
}

/**
 * The state of an actor; or why it is refused, because the code has changed. One that sleeps is not woken. Undefined where there
 * is none that the story must end with: today's code takes it to another.
 * @throws JournalCorrupt, UnknownActor
 */
function committedState(
  runtime: Runtime,
  { actor, address }: Journal,
): AnySnapshot | StoryChanged | undefined {
  const present = runtime.population.present(actor);
  if (present !== undefined) return present.committed;
  try {
    const { cell, change } = readCell(runtime, actor, address);
    return change?.kind === 'migrated' ? undefined : cell.committed;
  } catch (error) {
    if (error instanceof StoryChanged) return error;
    throw error;
  }
}

/** Tells the stories of all actors again, of one name or of all, children among them. */
export async function* replayAll(
  runtime: Runtime,
  { name }: { readonly name?: string } = {},
): AsyncGenerator<ReplayResult> {
  const { population, definitions } = runtime;
  const addresses = name === undefined ? population.addresses() : population.addressesOf(name);
  let isKnown = name === undefined || definitions.has(name);
  for await (const address of addresses) {
    isKnown = true;
    yield await replay(runtime, address);
  }
  if (isKnown) return;
  const known = definitions.names.join(', ') || 'none';
  throw new InvalidArgument(
    'name',
    `must be one under which somebody lives or has lived, but is ${JSON.stringify(name)}; createSystem({ actors }) has ${known}`,
  );
}
