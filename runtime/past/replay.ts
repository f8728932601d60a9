/**
 * Replay: an actor's whole story told again by today's code, and held against what is recorded and against its state.
 */
import type { Cell } from '../cell.ts';
import { firstDifference } from '../difference.ts';
import { StoryChanged } from '../errors.ts';
import type { Difference } from '../errors.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import type { Runtime } from '../runtime.ts';
import { journalAt, journalNow } from './reading.ts';
import { toldFromBirth } from './telling.ts';

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
  const state = committedState(runtime, address);
  const journal = journalNow(runtime, address);
  let count = 0;
  const told = await toldFromBirth(runtime, journal, () => ++count > 0);
  if (told?.difference !== undefined)
    return { address, records: count + 1, same: false, difference: told.difference };
  const difference =
    state instanceof StoryChanged ? differenceIn(state) : told && compareStates(told.cell, state);
  return { address, records: count, same: difference === undefined, difference };
}

/** The state of an actor; or why it is refused, because the code has changed. @throws JournalCorrupt, UnknownActor */
function committedState(runtime: Runtime, address: string): AnySnapshot | StoryChanged | undefined {
  try {
    return runtime.population.find(address)?.committed;
  } catch (error) {
    if (error instanceof StoryChanged) return error;
    throw error;
  }
}

const differenceIn = ({ seq, path, recorded, today }: StoryChanged): Difference => ({
  seq,
  path,
  recorded,
  today,
});

/** Tells the stories of all actors again, of one name or of all, children among them. */
export async function* replayAll(
  runtime: Runtime,
  { name }: { readonly name?: string } = {},
): AsyncGenerator<ReplayResult> {
  const { population } = runtime;
  const addresses = name === undefined ? population.addresses() : population.addressesOf(name);
  for await (const address of addresses) yield await replay(runtime, address);
}

function compareStates(
  { seq, definition, snapshot }: Cell,
  state: AnySnapshot | undefined,
): Difference | undefined {
  if (state === undefined || snapshot === undefined) return undefined;
  const { host } = definition;
  const difference = firstDifference(host.persist(state), host.persist(snapshot), 'snapshot');
  return difference && { seq, ...difference };
}
