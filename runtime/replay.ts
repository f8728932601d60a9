/**
 * Replay: an actor's whole story told again by today's code, and held against what is recorded and against its state.
 */
import { Cell } from './cell.ts';
import { firstDifference } from './difference.ts';
import type { Difference } from './errors.ts';
import { durableCell, recordsOf } from './history.ts';
import { makeSelf } from './restore.ts';
import { applyStory, retell } from './retell.ts';
import type { Runtime } from './runtime.ts';

export interface ReplayResult {
  readonly address: string;
  /** How many records were told again. */
  readonly records: number;
  /** Whether today's code tells the recorded story. */
  readonly same: boolean;
  /** The first place where it does not. */
  readonly difference: Difference | undefined;
}

/** Tells the story of an actor again. Executes nothing, and touches nothing that lives. */
export async function replay(runtime: Runtime, address: string): Promise<ReplayResult> {
  const cell = await durableCell(runtime, address);
  // Taken together, without a turn in between.
  const state = cell.snapshot;
  const records = recordsOf(runtime, cell, 0);
  const told = new Cell(
    cell.actor,
    cell.address,
    cell.definition,
    makeSelf(runtime, cell.actor, cell.birth!, 0),
  );
  let count = 0;
  for (const record of records) {
    const story = retell(runtime, told, record);
    count++;
    if (story.difference !== undefined) {
      return { address: cell.address, records: count, same: false, difference: story.difference };
    }
    applyStory(told, story, record);
  }
  const difference = compareStates(cell, told, state);
  return { address: cell.address, records: count, same: difference === undefined, difference };
}

function compareStates(cell: Cell, told: Cell, state: Cell['snapshot']): Difference | undefined {
  if (state === undefined || told.snapshot === undefined) return undefined;
  const { host } = cell.definition;
  const difference = firstDifference(host.persist(state), host.persist(told.snapshot), 'snapshot');
  return difference && { seq: told.seq, ...difference };
}
