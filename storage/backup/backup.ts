/**
 * Backups of a live store, consistent as of one commit.
 *
 *     between two commits: hold the files ──► copy what is new ──► open the copy elsewhere, and prove all of it ──► manifest
 *     (a fraction of a millisecond)           (the system works on)                                                  in one step
 *
 * Until the manifest is replaced, the folder holds the backup that it held before, whole. So one that was interrupted is no backup,
 * and the next one goes on from what it has copied. Nothing in the store's own folder is written, linked or locked.
 */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { AnchorEntry } from '../anchor.ts';
import { apart, Died, Failed } from '../doctor/apart.ts';
import type { Examination } from '../doctor/examination.ts';
import { BackupDamaged, BackupRefused, BackupUnsound, HeddleError, StoreIo, StoreLocked } from '../errors.ts';
import { hashOf } from '../frame.ts';
import { HeldFiles } from '../held-files.ts';
import type { HeldFile } from '../held-files.ts';
import { EVERYTHING } from '../keys.ts';
import type { Ledger } from '../ledger.ts';
import { ANCHOR_FILE, unfinished } from '../leveldb.ts';
import { kindOf } from '../level-files.ts';
import { Lock } from '../lock.ts';
import type { Head } from '../newest-frame.ts';
import { RELEASE } from '../release.ts';
import { copyFile } from '../sound-files.ts';
import { StoreWriter } from '../store-writer.ts';
import type { Entry } from '../store.ts';
import { STORE_FORMAT } from '../superblock.ts';
import { textOf } from '../verification.ts';
import { MANIFEST_FILE, readManifest, writeManifest } from './manifest.ts';
import type { BackupFile, BackupHead, BackupManifest } from './manifest.ts';
import { objectPath, Objects } from './objects.ts';
import type { Taken } from './objects.ts';

export interface BackupOptions {
  /** Hears how far it is, several times a second. */
  readonly onProgress?: (progress: BackupProgress) => void;
  /** Interrupts it. What was copied stays, and is not copied again. */
  readonly signal?: AbortSignal;
  /** Whether to finish it though the store does not prove itself. Default: it is refused with BackupUnsound. */
  readonly damaged?: boolean;
}

export interface BackupProgress {
  readonly phase: 'copying' | 'verifying';
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface BackupReport {
  readonly folder: string;
  readonly storeId: string;
  /** As of which commit it is: everything that was acknowledged before the backup began is in it. */
  readonly head: BackupHead;
  readonly files: number;
  readonly bytes: number;
  /** What had to be copied; the rest was there from before. */
  readonly copiedFiles: number;
  readonly copiedBytes: number;
  /** How long no commit could begin. */
  readonly pauseMs: number;
  readonly tookMs: number;
  /** What the copy was found to hold when it was opened. */
  readonly records: number;
  readonly actors: number;
  readonly frames: number;
  /** What does not prove itself, only with `damaged: true`. */
  readonly damaged: readonly string[];
}

/** The store that is backed up, as the system that has it open knows it. */
export interface BackupSource {
  readonly ledger: Ledger;
  /** Runs something while no commit is being written. */
  between<T>(run: () => T): Promise<T>;
}

/** Where the copy is opened; another place each time, because a process that was left over may still write into its own. */
const VERIFYING = 'verifying-';
/** Where a store without files is written down. */
const WRITING = 'writing-';
const LOCK_FILE = 'backup.lock';
/** What a folder may hold that holds no backup yet. */
const OWN_NAMES = /^(files|incoming|(verifying|writing)-.*|backup\.(json|lock).*|lost\+found)$/;

/** How often LevelDB may come in between with its tables, before another way is taken. */
const HOLD_ROUNDS = 20;

/**
 * Makes a backup of an open store, or brings one up to date.
 * @throws BackupRefused, BackupUnsound, StoreIo; the earlier backup in the folder stays
 */
export async function makeBackup(
  source: BackupSource,
  folder: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const path = resolve(folder);
  const lock = takeFolder(source, folder, path);
  try {
    const earlier = earlierIn(folder, path);
    if (earlier !== undefined) assertSameHistory(source.ledger, folder, earlier);
    await removePlaces(path);
    return await new Backup(source, folder, path, options).make();
  } catch (error) {
    if (error instanceof HeddleError || options.signal?.aborted === true) throw error;
    throw new StoreIo(folder, 'backing up', error);
  } finally {
    await removePlaces(path);
    lock.release();
  }
}

// ---- whether the folder can take it -------------------------------------------------------------------------------

function takeFolder({ ledger }: BackupSource, folder: string, path: string): Lock {
  if (ledger.store.files !== undefined && isWithin(resolve(ledger.store.location), path))
    throw new BackupRefused(folder, 'it lies in the folder of the store itself');
  try {
    if (existsSync(path)) assertOurs(folder, path);
    mkdirSync(path, { recursive: true });
    return Lock.acquire(join(path, LOCK_FILE), folder);
  } catch (error) {
    if (error instanceof StoreLocked)
      throw new BackupRefused(folder, `process ${error.holder?.pid} is making one there`, { cause: error });
    throw error instanceof HeddleError ? error : new StoreIo(folder, 'making the folder', error);
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(sep)[0] !== '..';
}

function assertOurs(folder: string, path: string): void {
  const names = readdirSync(path);
  const strange = names.find((name) => !OWN_NAMES.test(name));
  if (strange === undefined || names.includes(MANIFEST_FILE)) return;
  throw new BackupRefused(folder, `it holds something else ('${strange}'); name an empty folder`);
}

function earlierIn(folder: string, path: string): BackupManifest | undefined {
  try {
    return readManifest(path);
  } catch (error) {
    if (!(error instanceof BackupDamaged)) throw error;
    const reason = `the one that is there is damaged (${error.reason}); move it away`;
    throw new BackupRefused(folder, reason, { cause: error });
  }
}

/** Whether what was backed up is a part of what is to be: then nothing is lost when it takes its place. */
function assertSameHistory(ledger: Ledger, folder: string, { storeId, head }: BackupManifest): void {
  if (storeId !== ledger.id) {
    throw new BackupRefused(folder, `it holds the backup of another store (${storeId})`);
  }
  const frame = head.frame === 0 ? undefined : ledger.frameBytes(head.frame);
  if (head.frame === 0 || (frame !== undefined && hexOf(hashOf(frame)) === head.hash)) return;
  throw new BackupRefused(
    folder,
    `the backup there ends with commit ${head.commit}, which is not in the history of this store: one of the two was ` +
      'restored and went on by itself, or is damaged; name another folder',
  );
}

// ---- making it ----------------------------------------------------------------------------------------------------

class Backup {
  readonly #source: BackupSource;
  readonly #folder: string;
  readonly #path: string;
  readonly #options: BackupOptions;
  #pauseMs = 0;

  constructor(source: BackupSource, folder: string, path: string, options: BackupOptions) {
    this.#source = source;
    this.#folder = folder;
    this.#path = path;
    this.#options = options;
  }

  async make(): Promise<BackupReport> {
    const startedAt = performance.now();
    const createdAt = new Date().toISOString();
    const objects = new Objects(this.#path);
    const { head, taken } = await this.#take(objects);
    objects.sync();
    const bytes = sumOf(taken);
    this.#options.onProgress?.({ phase: 'verifying', bytes: 0, totalBytes: bytes });
    const { records, actors, frames, findings } = await this.#prove(taken, bytes, head);
    const damaged = findings.map(textOf);
    if (damaged.length > 0 && this.#options.damaged !== true)
      throw new BackupUnsound(this.#folder, damaged.slice(0, MAX_FINDINGS));
    const { id: storeId } = this.#source.ledger;
    const files = taken.map(({ name, bytes: size, sha256 }) => ({ name, bytes: size, sha256 }));
    const manifest = { storeId, storeFormat: STORE_FORMAT, heddle: RELEASE, createdAt, head, damaged, files };
    await writeManifest(this.#path, manifest);
    await objects.prune(files);
    const copied = taken.filter(({ wasCopied }) => wasCopied);
    return {
      folder: this.#folder,
      storeId,
      head,
      files: files.length,
      bytes,
      copiedFiles: copied.length,
      copiedBytes: sumOf(copied),
      pauseMs: this.#pauseMs,
      tookMs: performance.now() - startedAt,
      records,
      actors,
      frames,
      damaged,
    };
  }

  async #take(objects: Objects): Promise<{ readonly head: BackupHead; readonly taken: readonly Taken[] }> {
    const { held, files, head } = await this.#hold();
    try {
      const totalBytes = sumOf(files);
      const taken: Taken[] = [];
      let bytes = 0;
      const onChunk = (count: number): void => {
        bytes += count;
        this.#options.onProgress?.({ phase: 'copying', bytes, totalBytes });
      };
      for (const file of files) taken.push(await objects.take(file, onChunk, this.#options.signal));
      return { head: { ...head, hash: hexOf(head.hash) }, taken };
    } finally {
      held.release();
    }
  }

  /** The files of the store as of one commit. */
  async #hold(): Promise<Held> {
    for (let round = 0; round < HOLD_ROUNDS; round++) {
      this.#options.signal?.throwIfAborted();
      const found = await this.#pause((ledger) => {
        const held = ledger.store.files?.hold();
        return held && { held, head: ledger.head };
      });
      if (found === undefined) break;
      const files = await found.held.files();
      if (files !== undefined) return { ...found, files };
      found.held.release();
    }
    return this.#writeDown();
  }

  /** A store without files, or with files that say nothing, is written down row by row into one that has some. */
  async #writeDown(): Promise<Held> {
    const { head, storeId, entries, rows } = await this.#pause(rowsOf);
    const folder = mkdtempSync(join(this.#path, WRITING));
    const store = unfinished(folder);
    await store.open();
    try {
      store.anchor.create(storeId);
      const writer = new StoreWriter(store);
      for await (const chunk of rows) {
        this.#options.signal?.throwIfAborted();
        for (const [key, value] of chunk) await writer.put(key, value);
      }
      await writer.flush();
      store.anchor.note(entries);
    } finally {
      await store.close();
    }
    const held = HeldFiles.hold(folder, [ANCHOR_FILE]);
    const files = await held.files();
    if (files === undefined) throw new Error('what was written down is not whole');
    return { held, files, head };
  }

  #pause<T>(run: (ledger: Ledger) => T): Promise<T> {
    return this.#source.between(() => {
      const startedAt = performance.now();
      try {
        return run(this.#source.ledger);
      } finally {
        this.#pauseMs += performance.now() - startedAt;
      }
    });
  }

  /** Opens the copy as a store of its own, and has all of it read. @throws BackupUnsound */
  async #prove(files: readonly BackupFile[], bytes: number, head: BackupHead): Promise<Examination> {
    const { signal } = this.#options;
    const folder = mkdtempSync(join(this.#path, VERIFYING));
    for (const file of files) await this.#lay(file, join(folder, file.name));
    let examination: Examination;
    try {
      examination = await apart({ do: 'examine', folder }, bytes, signal);
    } catch (error) {
      if (error instanceof Failed && error.tag === 'StoreIo')
        throw new StoreIo(this.#folder, 'verifying', error);
      if (error instanceof Failed || error instanceof Died)
        throw new BackupUnsound(this.#folder, [error.message], { cause: error });
      throw error;
    }
    const { head: found } = examination;
    if (found.commit === head.commit && found.frame === head.frame && found.hash === head.hash)
      return examination;
    throw new BackupUnsound(this.#folder, [
      `the copy ends with commit ${found.commit} instead of ${head.commit}`,
    ]);
  }

  /**
   * Puts a file where the copy is opened. A table that the manifest names is never written again, so it may be linked; LevelDB
   * does write into the others.
   */
  async #lay(file: BackupFile, path: string): Promise<void> {
    const object = objectPath(this.#path, file);
    if (kindOf(file.name) === 'table' && canBeLinked(object, path)) return;
    await copyFile(object, path, undefined, this.#options.signal);
  }
}

const MAX_FINDINGS = 5;

interface Held {
  readonly held: HeldFiles;
  readonly files: readonly HeldFile[];
  readonly head: Head;
}

/** All rows as they are now, the anchor too. */
function rowsOf({ store, head, id }: Ledger): {
  readonly head: Head;
  readonly storeId: string;
  readonly entries: readonly AnchorEntry[];
  readonly rows: AsyncIterable<readonly Entry[]>;
} {
  // A scan sees the state at its start, and it starts with the first chunk.
  const scan = store.scan(EVERYTHING)[Symbol.asyncIterator]();
  const first = scan.next();
  first.catch(() => {});
  async function* all(): AsyncGenerator<readonly Entry[]> {
    for (let next = await first; next.done !== true; next = await scan.next()) yield next.value;
  }
  return { head, storeId: id, entries: [...store.anchor.entries()], rows: all() };
}

/** Also those that were left over. A process may be writing there at this moment: that one is left to the next backup. */
async function removePlaces(path: string): Promise<void> {
  for (const name of readdirSync(path)) {
    if (!name.startsWith(VERIFYING) && !name.startsWith(WRITING)) continue;
    await rm(join(path, name), { recursive: true, force: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY') throw error;
    });
  }
}

function canBeLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

const sumOf = (files: readonly { readonly bytes: number }[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

const hexOf = (hash: string): string => Buffer.from(hash, 'latin1').toString('hex');
