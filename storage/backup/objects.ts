/**
 * The files of a backup, each under its SHA-256. So a file that is there already is not copied again, whether an earlier backup or
 * one that was interrupted has brought it; and nothing that an earlier manifest names is ever overwritten.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeldFile } from '../held-files.ts';
import { copyInto, digestOf, drain, syncFolder } from '../sound-files.ts';
import type { BackupFile } from './manifest.ts';

export const FILES_FOLDER = 'files';
/** The file that is being copied. */
const INCOMING_FILE = 'incoming';

/** Where a file lies in the folder of a backup. */
export const objectPath = (folder: string, { sha256 }: Pick<BackupFile, 'sha256'>): string =>
  join(folder, FILES_FOLDER, sha256);

/** Whether a name is one that files are given here. */
export const isObjectName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

export interface Taken extends BackupFile {
  /** Whether its bytes had to be copied. */
  readonly wasCopied: boolean;
}

export class Objects {
  readonly #folder: string;
  /** The sizes of those that are there: one of another size is another file, and need not be hashed to know. */
  readonly #sizes = new Set<number>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, FILES_FOLDER), { recursive: true });
    for (const name of this.#names()) this.#sizes.add(statSync(join(folder, FILES_FOLDER, name)).size);
  }

  /** Brings a file in, unless it is there. */
  async take(file: HeldFile, onChunk: (count: number) => void, signal?: AbortSignal): Promise<Taken> {
    const { name, bytes } = file;
    if (this.#sizes.has(bytes)) {
      const sha256 = await drain(file, bytes, ({ length }) => onChunk(length), signal);
      if (await this.#has(sha256, signal)) return { name, bytes, sha256, wasCopied: false };
      onChunk(-bytes);
    }
    const incoming = join(this.#folder, INCOMING_FILE);
    await rm(incoming, { force: true });
    const sha256 = await copyInto(incoming, file, bytes, onChunk, signal);
    await rename(incoming, objectPath(this.#folder, { sha256 }));
    this.#sizes.add(bytes);
    return { name, bytes, sha256, wasCopied: true };
  }

  /** Whether it is there, and still is what it is named after: a disk may have changed it since. */
  async #has(sha256: string, signal: AbortSignal | undefined): Promise<boolean> {
    const path = objectPath(this.#folder, { sha256 });
    return existsSync(path) && (await digestOf(path, signal)).sha256 === sha256;
  }

  /** Makes durable what was brought in. */
  sync(): void {
    syncFolder(join(this.#folder, FILES_FOLDER));
  }

  /** Removes what no manifest names any more. */
  async prune(kept: readonly BackupFile[]): Promise<void> {
    const names = new Set(kept.map(({ sha256 }) => sha256));
    for (const name of this.#names())
      if (!names.has(name)) await rm(join(this.#folder, FILES_FOLDER, name), { force: true });
    await rm(join(this.#folder, INCOMING_FILE), { force: true });
  }

  #names(): string[] {
    return readdirSync(join(this.#folder, FILES_FOLDER)).filter(isObjectName);
  }
}
