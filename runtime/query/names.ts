/**
 * The names under which actors are found: those of root actors, and of children behind those of the actors above them. Only names
 * of which somebody lives or has lived. So whoever looks for all actors of one logic, wherever workflows have put it, need not know
 * the workflows.
 */
import { segmentsOf } from '../kernel/address.ts';
import type { Runtime } from '../runtime.ts';
import { prepareToLook } from './query.ts';

/** @param isWanted is asked for the logic of each name; names whose logic is gone are left out */
export async function names(
  runtime: Runtime,
  isWanted: (logic: unknown) => boolean,
): Promise<readonly string[]> {
  await prepareToLook(runtime);
  const found = new Set(runtime.stateIndex.names());
  for await (const name of runtime.stateRows.names()) found.add(name);
  return [...found].filter((name) => {
    const definition = runtime.definitions.at(segmentsOf(name));
    return definition !== undefined && isWanted(definition.host.logic);
  });
}
