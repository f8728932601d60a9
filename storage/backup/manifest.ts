/**
 * The manifest of a backup: which store it is of, where its history ended, and which files belong to it. It is written last, and
 * replaced in one step; a folder without one holds no backup.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupDamaged, messageOf } from '../errors.ts';
import { writeWhole } from '../sound-files.ts';

export const MANIFEST_FILE = 'backup.json';

/** The form of the folder that this release writes. Older ones can be restored; newer ones are refused. */
const BACKUP_FORMAT = 1;

export interface BackupFile {
  /** Its name in the folder of the store. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupHead {
  readonly commit: number;
  readonly frame: number;
  /** SHA-256 of the newest frame, in hex: it stands for everything recorded up to then. */
  readonly hash: string;
}

export interface BackupManifest {
  readonly format: number;
  readonly storeId: string;
  readonly storeFormat: number;
  /** The release that made it. */
  readonly heddle: string;
  readonly createdAt: string;
  readonly head: BackupHead;
  /** What did not prove itself when it was made; such a backup is made only on demand. */
  readonly damaged: readonly string[];
  readonly files: readonly BackupFile[];
}

export function writeManifest(folder: string, manifest: Omit<BackupManifest, 'format'>): Promise<void> {
  const sealed = { format: BACKUP_FORMAT, ...manifest };
  return writeWhole(
    join(folder, MANIFEST_FILE),
    `${JSON.stringify({ ...sealed, seal: sealOf(sealed) }, null, 2)}\n`,
  );
}

/** The manifest in a folder; undefined when there is none. @throws BackupDamaged */
export function readManifest(folder: string): BackupManifest | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, MANIFEST_FILE), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new BackupDamaged(folder, `${MANIFEST_FILE} cannot be read (${messageOf(error)})`, {
      cause: error,
    });
  }
  const { seal, ...manifest } = parse(folder, text);
  if (seal !== sealOf(manifest)) throw new BackupDamaged(folder, `${MANIFEST_FILE} is not as it was written`);
  if (manifest.format > BACKUP_FORMAT) {
    const known = `it has the form ${manifest.format}, this release knows up to ${BACKUP_FORMAT}`;
    throw new BackupDamaged(folder, known);
  }
  return manifest;
}

function parse(folder: string, text: string): BackupManifest & { readonly seal: string } {
  try {
    const manifest = JSON.parse(text) as BackupManifest & { readonly seal: string };
    if (typeof manifest?.seal === 'string') return manifest;
  } catch {
    // Said below.
  }
  throw new BackupDamaged(folder, `${MANIFEST_FILE} is damaged`);
}

/** What proves a manifest: a flipped digit in it would name another head. */
const sealOf = (manifest: object): string =>
  createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
