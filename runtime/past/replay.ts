/**
 * Replay: an actor's whole story told again by today's code, and held against what is recorded and against its state.
 */
import type { JournalRecord } from '../../storage/journal.ts';
import { Cell } from '../cell.ts';
import { firstDifference } from '../difference.ts';
import type { Difference } from '../errors.ts';
import { journalAt, recordsOf } from './reading.ts';
import { throughout } from '../kernel/moment.ts';
import type { AnySnapshot } from '../kernel/step.ts';
import { makeSelf } from '../birth.ts';
import { applyStory, retell } from '../retell.ts';
import type { Runtime } from '../runtime.ts';

export interface ReplayResult {
  readonly address: string;
  /** How many records were told again. */
  readonly records: number;
  /** Whether today's code tells the recorded story. */
  readonly same: boolean;
  /** The first place where it does not. */
  readonly difference: Difference | undefined;
}

/** How many records are told without letting anything else happen: a few milliseconds' worth. */
const SLICE = 2048;

/** Tells the story of an actor again. Executes nothing, and touches nothing that lives. */
export async function replay(runtime: Runtime, address: string): Promise<ReplayResult> {
  runtime.population.find(address);
  const journal = await journalAt(runtime, address);
  const cell = runtime.population.load(journal.actor, address);
  const { actor, definition, birth } = cell;
  const told = new Cell(actor, cell.address, definition, makeSelf(runtime, actor, birth!, 0));
  // Taken together, without a turn in between: the story ends with this state.
  const state = cell.committed;
  const records = recordsOf(runtime, journal);
  let count = 0;
  let difference: Difference | undefined;
  for (let slice = take(records, SLICE); slice.length > 0; slice = take(records, SLICE)) {
    if (count > 0) await pause(runtime);
    difference = throughout(() => tell(runtime, told, slice));
    count += difference === undefined ? slice.length : difference.seq - slice[0]!.seq + 1;
    if (difference !== undefined) break;
  }
  difference ??= compareStates(cell, state, told);
  return { address: cell.address, records: count, same: difference === undefined, difference };
}

/** Tells some records again, up to the first that is another story now. */
function tell(runtime: Runtime, told: Cell, records: readonly JournalRecord[]): Difference | undefined {
  for (const record of records) {
    const story = retell(runtime, told, record);
    if (story.difference !== undefined) return story.difference;
    applyStory(told, story, record);
  }
  return undefined;
}

function take<T>(items: Iterator<T>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const item = items.next();
    if (item.done === true) break;
    taken.push(item.value);
  }
  return taken;
}

/** Lets others have their turn. */
async function pause(runtime: Runtime): Promise<void> {
  await new Promise<void>((resolve) => runtime.clock.soon(resolve));
  runtime.assertOpen();
}

function compareStates(
  { definition }: Cell,
  state: AnySnapshot | undefined,
  told: Cell,
): Difference | undefined {
  if (state === undefined || told.snapshot === undefined) return undefined;
  const { host } = definition;
  const difference = firstDifference(host.persist(state), host.persist(told.snapshot), 'snapshot');
  return difference && { seq: told.seq, ...difference };
}
