/**
 * A store in memory, for tests and for systems whose state need not outlive the process.
 *
 * It keeps its content when it is closed, so a system can be closed and opened again on the same store object.
 */
import { MemoryLevel } from 'memory-level';
import { MemoryAnchor } from './anchor.ts';
import { StoreLocked } from './errors.ts';
import { LevelStore } from './level.ts';
import type { Database } from './level.ts';
import type { Store } from './store.ts';

/** A new, empty store in memory. */
export function memory(): Store {
  const database: Database = new MemoryLevel<Uint8Array, Uint8Array>({
    storeEncoding: 'view',
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  const anchor = new MemoryAnchor();
  let taken = false;
  return new LevelStore(
    'memory',
    async () => {
      if (taken) throw new StoreLocked('memory', { pid: process.pid, since: 'in this process' });
      taken = true;
      await database.open();
      return { database, anchor, release: () => void (taken = false) };
    },
    false,
  );
}
