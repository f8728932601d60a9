/**
 * The dead letters of a system as they stand on its disk, oldest first.
 */
import type { ActorDefinitions } from 'heddle';
import type { DeadLetter } from '../../runtime/dead-letters.ts';
import { allOf, Prefix } from '../../storage/keys.ts';
import { openRow } from '../../storage/row.ts';
import { collect } from './systems.ts';
import type { Opened } from './systems.ts';

export async function lettersOf<T extends ActorDefinitions>({
  store,
  runtime,
}: Opened<T>): Promise<DeadLetter[]> {
  const rows = (await collect(store.scan(allOf(Prefix.DeadLetter)))).flat();
  return rows.map(([key, row]) => runtime.codec.unpack(openRow(key, row)!) as DeadLetter);
}
