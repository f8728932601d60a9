/**
 * Asking for upkeep of the store of a system: backups and compaction. Long work says how far it is.
 */
import type { AnySystem } from '../subject.ts';
import { once, operation } from './operation.ts';

/** How far a backup is, or what came of it. */
export type BackupRow = { readonly progress: BackupProgress } | { readonly report: BackupReport };

// As the system has them.
type BackupReport = Awaited<ReturnType<AnySystem['backup']>>;
type BackupProgress = Parameters<
  NonNullable<NonNullable<Parameters<AnySystem['backup']>[1]>['onProgress']>
>[0];

export const storeOperations = {
  /** Makes a backup into a folder of the machine that answers, or brings the one there up to date. */
  backup: operation({
    read: (given) => ({ folder: given.text('folder'), damaged: given.flag('damaged') }),
    async *run({ system }, { folder, damaged }, signal): AsyncGenerator<BackupRow> {
      const told: BackupProgress[] = [];
      let wake = (): void => {};
      let isOver = false;
      const making = system
        .backup(folder, {
          damaged,
          signal,
          onProgress: (progress) => {
            // Whoever is slow to hear hears the newest.
            told[0] = progress;
            wake();
          },
        })
        .finally(() => {
          isOver = true;
          wake();
        });
      // It is awaited below; until then nobody has to handle its failure.
      making.catch(() => {});
      while (!isOver) {
        const progress = told.pop();
        if (progress === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield { progress };
      }
      yield { report: await making };
    },
  }),

  /** Makes the files of the store smaller. */
  compact: operation({
    read: () => ({}),
    run: ({ system }) => once(() => system.compact()),
  }),
};
