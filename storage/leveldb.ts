/**
 * The embedded default: a folder with LevelDB in it, and beside its files a lock and an anchor of our own.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Level } from 'level';
import { FileAnchor } from './anchor.ts';
import { HeddleError, messageOf, StoreCorrupt, StoreIo, StoreLocked, StoreUnfinished } from './errors.ts';
import { HeldFiles } from './held-files.ts';
import { causeCodeOf, LevelStore } from './level.ts';
import type { Database, Opened } from './level.ts';
import { kindOf } from './level-files.ts';
import { Lock } from './lock.ts';
import type { Files, Store } from './store.ts';
import { EVERYTHING } from './keys.ts';

export const LOCK_FILE = 'heddle.lock';
export const ANCHOR_FILE = 'heddle.anchor';
/** Lies in a folder in which a store is being restored or salvaged, until that has come to its end. */
export const UNFINISHED_FILE = 'heddle.unfinished';
/** Says which process does that. */
export const UNFINISHED_LOCK = `${UNFINISHED_FILE}.lock`;

/**
 * LevelDB's settings, measured for small synced commits. A larger write buffer means a longer replay when it is opened
 * after a crash (6 ms per MB); compression stays on because LevelDB aborts the process on some damaged blocks without it.
 */
const OPTIONS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  compression: true,
  writeBufferSize: 16 << 20,
  maxFileSize: 16 << 20,
  cacheSize: 16 << 20,
} as const;

/**
 * What may stand in its logs at a time: the buffer that is being filled, and the one that is being written into a table; and half
 * of one to spare, for the batch that comes on top of each. Its own opening leaves nothing in a log.
 */
const LOG_BYTES = 2.5 * OPTIONS.writeBufferSize;

/** What LevelDB can do beyond what all databases of its family can. */
type Compactable = Database & { compactRange(first: Uint8Array, last: Uint8Array): Promise<void> };

/**
 * A store in a folder, which is made if there is none. One process at a time can open it.
 *
 * A commit is on the disk (`fdatasync`) before anything of it is acknowledged. LevelDB syncs on libuv's thread pool: a
 * program that keeps the four threads busy (zlib, dns, pbkdf2) delays commits; raise `UV_THREADPOOL_SIZE` then.
 */
export function leveldb(folder: string): Store {
  const path = resolve(folder);
  return new LevelStore(
    folder,
    async () => {
      if (isUnfinished(path)) throw new StoreUnfinished(folder);
      return open(folder, path);
    },
    true,
  );
}

/** Whether a file is a part of a store, by its name. */
export const isOfStore = (name: string): boolean => kindOf(name) !== undefined || name === ANCHOR_FILE;

/** Whether a store is being put there, or that was interrupted. */
export const isUnfinished = (path: string): boolean =>
  [UNFINISHED_FILE, UNFINISHED_LOCK].some((name) => existsSync(join(path, name)));

/** The same, for whoever finishes what is unfinished there. */
export function unfinished(folder: string): Store {
  const path = resolve(folder);
  return new LevelStore(folder, () => open(folder, path), true);
}

async function open(location: string, path: string): Promise<Opened> {
  asStoreIo(location, 'making the folder', () => mkdirSync(path, { recursive: true }));
  const lock = asStoreIo(location, 'locking', () => Lock.acquire(join(path, LOCK_FILE), location));
  let anchor: FileAnchor | undefined;
  try {
    anchor = asStoreIo(location, 'reading the anchor', () => new FileAnchor(join(path, ANCHOR_FILE)));
    const isNew = !existsSync(join(path, 'CURRENT'));
    // An anchor that has noted commits, without a database, is a lost database, not a new one.
    if (isNew && anchor.entries().length > 0) {
      throw new StoreCorrupt(
        location,
        'its anchor has seen commits, but the database is gone (CURRENT is missing)',
      );
    }
    const database = new Level<Uint8Array, Uint8Array>(path, {
      ...OPTIONS,
      createIfMissing: isNew,
    }) as unknown as Database;
    await openDatabase(database, location);
    return {
      database,
      anchor,
      files: filesOf(path, database),
      logBytes: LOG_BYTES,
      release: () => lock.release(),
    };
  } catch (error) {
    anchor?.close();
    lock.release();
    throw error;
  }
}

function filesOf(path: string, database: Database): Files {
  const { compactRange } = database as Compactable;
  return {
    hold: () => HeldFiles.hold(path, [ANCHOR_FILE]),
    async compact() {
      const bytesBefore = bytesIn(path);
      await compactRange.call(database, EVERYTHING.gte, EVERYTHING.lt);
      return { bytesBefore, bytesAfter: bytesIn(path) };
    },
  };
}

/** How many bytes its files take. Those that are being replaced may go in between. */
function bytesIn(path: string): number {
  const sizes = readdirSync(path)
    .filter(isOfStore)
    .map((name) => statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Says for whom and at what the operating system refused. */
function asStoreIo<T>(location: string, operation: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof HeddleError ? error : new StoreIo(location, operation, error);
  }
}

async function openDatabase(database: Database, location: string): Promise<void> {
  try {
    await database.open();
  } catch (error) {
    switch (causeCodeOf(error)) {
      case 'LEVEL_LOCKED':
        throw new StoreLocked(location, undefined, { cause: error });
      case 'LEVEL_CORRUPTION':
        throw new StoreCorrupt(location, messageOf(error), { cause: error });
      default:
        // LevelDB reports a file that it expects and does not find as an I/O error; trying again will not bring it back.
        if (/No such file|does not exist/.test(messageOf(error))) {
          throw new StoreCorrupt(location, messageOf(error), { cause: error });
        }
        throw new StoreIo(location, 'opening', error);
    }
  }
}
