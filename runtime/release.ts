/**
 * Release: what happens once a commit is durable, and not before. Receipts, subscribers, emitted events, actions,
 * processes, in this order; for each actor in the order of its turns.
 */
import type { Commit } from './commit.ts';
import { carryOut, rest } from './effects.ts';
import { PERFORM } from './forked-effects.ts';
import { receiptFor } from './receipt.ts';
import type { StateIndex } from './query/state-index.ts';
import type { Runtime } from './runtime.ts';
import type { Turn } from './turn.ts';

export function release(runtime: Runtime, commit: Commit, number: number): void {
  const { turns, checkpoints, waiters } = commit;
  // What users await goes on only after this function, so the receipts can come first and see everything done.
  for (const turn of turns) acknowledge(runtime.stateIndex, turn, number);
  for (const turn of turns) publish(runtime, turn);
  rest();
  for (const { cell } of turns) if (cell.ended) runtime.passivation.ended(cell);
  for (const cell of checkpoints) runtime.passivation.checkpointed(cell);
  for (const waiter of waiters) waiter();
  runtime.tree?.changed();
}

function acknowledge(
  index: StateIndex,
  { cell, snapshot, down, seq, frame, message }: Turn,
  commit: number,
): void {
  cell.committed = snapshot;
  cell.committedDown = down;
  index.changed(cell);
  cell.undurable--;
  message.reply?.resolve(receiptFor(cell.address, seq, commit, frame));
}

/** What a fork was held back from is carried out, up to the record that allows it. */
function performHeld(runtime: Runtime, { cell, seq }: Turn): void {
  for (const owed of [...(cell.owed?.values() ?? [])]) if (owed.seq < seq) carryOut(runtime, cell, owed);
  if (cell.definition.isProcess) runtime.processes.goOn(cell);
}

function publish(runtime: Runtime, turn: Turn): void {
  const { cell, snapshot, owed, intents } = turn;
  runtime.inspection?.turn(turn);
  runtime.audience.next(cell, snapshot);
  for (const intent of intents) if (intent.kind === 'log') runtime.log(intent.label, intent.value);
  // First whoever waits until a process that is halted has gone.
  runtime.supervision.afterTurn(turn);
  if (cell.definition.isProcess) runtime.processes.afterTurn(turn);
  if (turn.message.event.type === PERFORM) performHeld(runtime, turn);
  if (owed !== undefined) carryOut(runtime, cell, owed);
  if (snapshot.status !== 'active' && cell.owed?.has(turn.seq) !== true) runtime.audience.dismiss(cell);
}
