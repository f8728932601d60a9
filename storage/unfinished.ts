/**
 * A store that is being put into a folder: restored, or salvaged. A marker lies there until it is whole, and whoever opens the
 * folder meanwhile, or after a crash, is refused. So a store is there whole, or not at all.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderNotEmpty } from './errors.ts';
import { isOfStore, UNFINISHED_FILE, UNFINISHED_LOCK } from './leveldb.ts';
import { Lock } from './lock.ts';
import { syncFolder } from './sound-files.ts';

const STAGE = `${UNFINISHED_FILE}-`;
const isStage = (name: string): boolean => name.startsWith(STAGE);

export class Unfinished {
  /**
   * Where its files are put, and opened to be proven, before they are moved to where they belong. It is another one each time: a
   * process that was left over from an attempt that was killed may still write into its own.
   */
  readonly stage: string;
  readonly #folder: string;
  readonly #lock: Lock;
  readonly #wasThere: boolean;

  private constructor(folder: string, lock: Lock, wasThere: boolean) {
    this.#folder = folder;
    this.#lock = lock;
    this.#wasThere = wasThere;
    writeFileSync(join(folder, UNFINISHED_FILE), '', { flush: true });
    this.#empty();
    this.stage = mkdtempSync(join(folder, STAGE));
    syncFolder(folder);
  }

  /**
   * Begins in an empty folder, or in one that does not exist; one in which this was interrupted is emptied.
   * @throws FolderNotEmpty, StoreLocked while another process puts a store there
   */
  static begin(folder: string): Unfinished {
    const wasThere = existsSync(folder);
    if (wasThere && !mayBeFilled(folder)) throw new FolderNotEmpty(folder);
    mkdirSync(folder, { recursive: true });
    return new Unfinished(folder, Lock.acquire(join(folder, UNFINISHED_LOCK), folder), wasThere);
  }

  /** The store is whole, and its files are synced. The marker goes last: whoever is interrupted before does it once more. */
  finish(): void {
    for (const name of readdirSync(this.stage))
      if (isOfStore(name)) renameSync(join(this.stage, name), join(this.#folder, name));
    for (const name of readdirSync(this.#folder)) if (isStage(name)) remove(join(this.#folder, name));
    syncFolder(this.#folder);
    this.#lock.release();
    rmSync(join(this.#folder, UNFINISHED_FILE));
    syncFolder(this.#folder);
  }

  /** Leaves things as they were before. */
  giveUp(): void {
    this.#empty();
    this.#lock.release();
    rmSync(join(this.#folder, UNFINISHED_FILE), { force: true });
    if (!this.#wasThere) remove(this.#folder);
  }

  #empty(): void {
    for (const name of readdirSync(this.#folder))
      if (name !== UNFINISHED_FILE && !name.startsWith(UNFINISHED_LOCK)) remove(join(this.#folder, name));
  }
}

/** Nothing is in it, or nothing but what was interrupted. */
function mayBeFilled(folder: string): boolean {
  const names = readdirSync(folder);
  return names.includes(UNFINISHED_FILE) || names.every((name) => name.startsWith(UNFINISHED_LOCK));
}

/** A process that was left over may be writing into its stage at this moment: that is left to the next one who cleans up. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
