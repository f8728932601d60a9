/**
 * Restoring a backup into a new place. Every byte is held against the manifest, and the store that comes of it is opened and proven,
 * before anybody else may open it. It is left word in the store that it was restored, for its history.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apart, Died, Failed } from '../doctor/apart.ts';
import type { Examination } from '../doctor/examination.ts';
import { BackupDamaged, HeddleError, StoreIo } from '../errors.ts';
import { isOfStore } from '../leveldb.ts';
import { copyFile } from '../sound-files.ts';
import { Unfinished } from '../unfinished.ts';
import { textOf } from '../verification.ts';
import { MANIFEST_FILE, readManifest } from './manifest.ts';
import type { BackupHead, BackupManifest } from './manifest.ts';
import type { BackupProgress } from './backup.ts';
import { FILES_FOLDER, isObjectName, objectPath } from './objects.ts';

export interface RestoreOptions {
  /** The folder of the backup. */
  readonly from: string;
  /** Where the store is put: an empty folder, or one that does not exist. */
  readonly to: string;
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RestoreReport {
  readonly folder: string;
  readonly storeId: string;
  /** When the backup was made, and where its history ends. */
  readonly backupAt: string;
  readonly head: BackupHead;
  readonly files: number;
  readonly bytes: number;
  readonly records: number;
  readonly actors: number;
  /** What did not prove itself already when the backup was made, which was made with `damaged: true`. */
  readonly damaged: readonly string[];
  readonly tookMs: number;
}

/**
 * Puts the store of a backup into a new folder, and proves it.
 * @throws BackupDamaged, FolderNotEmpty, StoreIo; then nothing is there that could be opened
 */
export async function restoreBackup({
  from,
  to,
  onProgress,
  signal,
}: RestoreOptions): Promise<RestoreReport> {
  const startedAt = performance.now();
  const manifest = readManifest(resolve(from));
  if (manifest === undefined)
    throw new BackupDamaged(from, `it holds no finished backup (there is no ${MANIFEST_FILE})`);
  assertComplete(from, manifest);
  const place = asStoreIo(to, () => Unfinished.begin(resolve(to)));
  try {
    const bytes = await copyAll(from, manifest, place.stage, onProgress, signal);
    onProgress?.({ phase: 'verifying', bytes: 0, totalBytes: bytes });
    const { records, actors } = await prove(from, manifest, place.stage, bytes, signal);
    place.finish();
    const { storeId, createdAt: backupAt, head, files, damaged } = manifest;
    const tookMs = performance.now() - startedAt;
    return {
      folder: to,
      storeId,
      backupAt,
      head,
      files: files.length,
      bytes,
      records,
      actors,
      damaged,
      tookMs,
    };
  } catch (error) {
    place.giveUp();
    if (error instanceof HeddleError || signal?.aborted === true) throw error;
    throw new StoreIo(to, 'restoring', error);
  }
}

function asStoreIo<T>(folder: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof HeddleError ? error : new StoreIo(folder, 'making the folder', error);
  }
}

/** What can be seen without reading: that each file is there with its size, and that nothing else was put among them. */
function assertComplete(from: string, { files }: BackupManifest): void {
  for (const { name, bytes, sha256 } of files) {
    if (!isOfStore(name) || !isObjectName(sha256))
      throw new BackupDamaged(from, `${MANIFEST_FILE} names '${name}', which is no file of a store`);
    const size = statSync(objectPath(from, { sha256 }), { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new BackupDamaged(from, `${name} is missing (${FILES_FOLDER}/${sha256})`);
    if (size !== bytes) throw new BackupDamaged(from, `${name} has ${size} bytes instead of ${bytes}`);
  }
  const folder = join(from, FILES_FOLDER);
  const strange = existsSync(folder) && readdirSync(folder).find((name) => !isObjectName(name));
  if (typeof strange === 'string')
    throw new BackupDamaged(from, `${FILES_FOLDER}/${strange} does not belong to it`);
}

async function copyAll(
  from: string,
  { files }: BackupManifest,
  to: string,
  onProgress: RestoreOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<number> {
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytes = 0;
  const onChunk = (count: number): void =>
    onProgress?.({ phase: 'copying', bytes: (bytes += count), totalBytes });
  for (const file of files) {
    const { sha256 } = await copyFile(objectPath(from, file), join(to, file.name), onChunk, signal);
    if (sha256 !== file.sha256) throw new BackupDamaged(from, `${file.name} is not what was backed up`);
  }
  return totalBytes;
}

/** Opens what was restored. It must be what was backed up, with nothing more broken than then. */
async function prove(
  from: string,
  { createdAt, storeId, head, damaged }: BackupManifest,
  folder: string,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Examination> {
  const { commit, hash } = head;
  const restoration = {
    type: 'heddle.restored',
    at: Date.now(),
    backupAt: Date.parse(createdAt),
    commit,
    hash,
  } as const;
  let found: Examination;
  try {
    found = await apart({ do: 'adopt', folder, news: restoration }, bytes, signal);
  } catch (error) {
    if (error instanceof Failed && error.tag === 'StoreIo') throw new StoreIo(folder, 'verifying', error);
    if (error instanceof Failed || error instanceof Died)
      throw new BackupDamaged(from, error.message, { cause: error });
    throw error;
  }
  if (found.storeId !== storeId || found.head.hash !== hash)
    throw new BackupDamaged(from, `it ends with commit ${found.head.commit} instead of ${commit}`);
  const findings = found.findings.map(textOf);
  const fresh = findings.find((finding) => !damaged.includes(finding));
  if (fresh !== undefined) throw new BackupDamaged(from, fresh);
  return found;
}
