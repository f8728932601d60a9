/**
 * Upkeep of the store of an open system: backing it up, and making it smaller, while it works.
 */
import { makeBackup } from '../storage/backup/backup.ts';
import type { BackupOptions, BackupReport } from '../storage/backup/backup.ts';
import type { CompactionReport } from '../storage/store.ts';
import { StoreIo } from './errors.ts';
import type { Runtime } from './runtime.ts';

/** @throws BackupRefused, BackupUnsound, StoreIo, StoreFenced, SystemClosed */
export async function backup(
  runtime: Runtime,
  folder: string,
  options?: BackupOptions,
): Promise<BackupReport> {
  runtime.assertOpen();
  const source = {
    get ledger() {
      return runtime.ledger;
    },
    between: <T>(run: () => T): Promise<T> => {
      runtime.assertOpen();
      return runtime.committer.between(run);
    },
  };
  return makeBackup(source, folder, options);
}

/** A store without files has nothing to compact. @throws StoreIo, StoreFenced, SystemClosed */
export async function compact(runtime: Runtime): Promise<CompactionReport> {
  runtime.assertOpen();
  const { store } = runtime.ledger;
  try {
    return (await store.files?.compact()) ?? { bytesBefore: 0, bytesAfter: 0 };
  } catch (error) {
    throw new StoreIo(store.location, 'compacting', error);
  }
}
