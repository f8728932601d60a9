/**
 * The table of all operations. The same are carried out here for a closed store, and behind the control socket for a daemon.
 */
import { Given } from '../given.ts';
import type { Subject } from '../subject.ts';
import { actorOperations } from './actors.ts';
import { contentOperations } from './contents.ts';
import { decisionOperations } from './decisions.ts';
import { exportOperations } from './exports.ts';
import { haltOperations } from './halts.ts';
import { journalOperations } from './journals.ts';
import { reviewOperations } from './reviews.ts';
import { runOperations } from './runs.ts';
import { storeOperations } from './store.ts';
import type { Operation } from './operation.ts';

const operations = {
  ...actorOperations,
  ...journalOperations,
  ...exportOperations,
  ...decisionOperations,
  ...storeOperations,
  ...runOperations,
  ...reviewOperations,
  ...contentOperations,
  ...haltOperations,
};

type Operations = typeof operations;
export type OperationName = keyof Operations;
/** As they are given: an event is tagged JSON still. */
export type ArgsOf<TName extends OperationName> = Parameters<Operations[TName]['run']>[1];
export type RowOf<TName extends OperationName> =
  ReturnType<Operations[TName]['run']> extends AsyncIterable<infer TRow> ? TRow : never;

/**
 * Carries a request out. The arguments are as they were given, here or over a socket.
 * @throws Refused before anything is done, when they make no sense
 */
export function carryOut<TName extends OperationName>(
  subject: Subject,
  name: TName,
  args: unknown,
  signal: AbortSignal,
): AsyncIterable<RowOf<TName>> {
  // Each operation reads its own arguments, which the compiler cannot follow by the name.
  const { read, run } = operations[name] as unknown as Operation<object, RowOf<TName> & object>;
  const given = new Given(args);
  const known = read(given);
  given.nothingElse();
  return run(subject, known, signal);
}

export const isOperation = (name: unknown): name is OperationName =>
  typeof name === 'string' && Object.hasOwn(operations, name);
