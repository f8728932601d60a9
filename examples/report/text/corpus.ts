/**
 * The documents of a folder: Markdown and plain text, found recursively, each with its identity.
 *
 * Left out without a word: other kinds of file, and what is never a document (dot files and folders,
 * `node_modules`, `dist`). Left out with a reason: everything that looks like a document and was not taken (too
 * large, not UTF-8, a symbolic link, unreadable, beyond the limit), so that a report can say what it does not cover.
 *
 * Paths are relative to the folder, with `/` between their parts, and sorted by UTF-16 code units, so the order is
 * the same on every machine. Symbolic links are not followed, and a path that leads out of the folder is refused.
 * Sizes are bytes.
 */
import { lstatSync, readdirSync, readFileSync, realpathSync, type Dirent } from 'node:fs';
import { join, sep } from 'node:path';
import { sha256 } from './identity.ts';

export type CorpusFile = { path: string; sha256: string; bytes: number };

export type SkippedFile = { path: string; reason: string };

export type CorpusListing = { documents: readonly CorpusFile[]; skipped: readonly SkippedFile[] };

export type CorpusOptions = {
  /** Larger files are skipped. */
  maxBytes?: number;
  /** Documents beyond so many are skipped. */
  maxDocuments?: number;
};

/** A file as read: `sha256` is the hash of its bytes, and of `text` in UTF-8. */
export type CorpusText = CorpusFile & { text: string };

const MAX_BYTES = 1_000_000;
const MAX_DOCUMENTS = 200;
const DOCUMENT = /\.(?:md|markdown|txt)$/i;
const NEVER_DOCUMENTS: ReadonlySet<string> = new Set(['node_modules', 'dist']);

/** The path leads out of the folder, or through a symbolic link, or is not one that `listDocuments` gives. */
export class PathRefused extends Error {
  readonly _tag = 'PathRefused';
  readonly code = 'PATH_REFUSED';
  readonly path: string;

  constructor(path: string) {
    super(`Not a path inside the corpus: ${JSON.stringify(path)}`);
    this.name = 'PathRefused';
    this.path = path;
  }
}

/** The file is not valid UTF-8, so its text would not have its identity. */
export class NotText extends Error {
  readonly _tag = 'NotText';
  readonly code = 'NOT_TEXT';
  readonly path: string;

  constructor(path: string) {
    super(`Not valid UTF-8: ${JSON.stringify(path)}`);
    this.name = 'NotText';
    this.path = path;
  }
}

export function listDocuments(folder: string, options: CorpusOptions = {}): CorpusListing {
  const { maxBytes = MAX_BYTES, maxDocuments = MAX_DOCUMENTS } = options;
  const skipped: SkippedFile[] = [];
  const documents: CorpusFile[] = [];
  for (const path of findPaths(folder, skipped)) {
    const file = inspect(folder, path, maxBytes);
    if ('reason' in file) skipped.push(file);
    else if (documents.length >= maxDocuments)
      skipped.push({ path, reason: `beyond ${maxDocuments} documents` });
    else documents.push(file);
  }
  return { documents, skipped: skipped.toSorted(byPath) };
}

export function readCorpusFile(folder: string, path: string): CorpusText {
  const bytes = readFileSync(resolveInside(folder, path));
  return { path, sha256: sha256(bytes), bytes: bytes.length, text: decode(bytes, path) };
}

function inspect(folder: string, path: string, maxBytes: number): CorpusFile | SkippedFile {
  try {
    const stat = lstatSync(join(folder, path));
    if (stat.isSymbolicLink()) return { path, reason: 'a symbolic link' };
    if (!stat.isFile()) return { path, reason: 'not a regular file' };
    if (stat.size > maxBytes) return { path, reason: `${stat.size} bytes, more than ${maxBytes}` };
    const { sha256, bytes } = readCorpusFile(folder, path);
    return { path, sha256, bytes };
  } catch (error) {
    if (error instanceof NotText) return { path, reason: 'not valid UTF-8' };
    return { path, reason: `unreadable: ${errorCode(error)}` };
  }
}

/** Paths that have the name of a document, sorted. */
function findPaths(folder: string, skipped: SkippedFile[]): string[] {
  const paths: string[] = [];
  const waiting = [''];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    for (const entry of readFolder(folder, parent, skipped)) {
      const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
      if (entry.name.startsWith('.') || NEVER_DOCUMENTS.has(entry.name)) continue;
      if (entry.isDirectory()) waiting.push(path);
      else if (DOCUMENT.test(entry.name)) paths.push(path);
    }
  }
  return paths.toSorted(inOrder);
}

function readFolder(folder: string, path: string, skipped: SkippedFile[]): Dirent[] {
  try {
    return readdirSync(join(folder, path), { withFileTypes: true });
  } catch (error) {
    // The corpus folder itself must be there; one inside it may be closed to us.
    if (path === '') throw error;
    skipped.push({ path, reason: `unreadable: ${errorCode(error)}` });
    return [];
  }
}

/** The absolute path of a listed document; refuses everything that is not plainly inside the folder. */
function resolveInside(folder: string, path: string): string {
  const parts = path.split('/');
  const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part));
  if (!plain) throw new PathRefused(path);
  const root = realpathSync(folder);
  const wanted = join(root, ...parts);
  // Any symbolic link on the way shows as a difference. A drive letter ("C:x") resolves elsewhere, too.
  if (!wanted.startsWith(root.endsWith(sep) ? root : root + sep)) throw new PathRefused(path);
  if (realpathSync(wanted) !== wanted) throw new PathRefused(path);
  return wanted;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    // The byte order mark stays: it is part of what was hashed.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotText(path);
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byPath(a: SkippedFile, b: SkippedFile): number {
  return inOrder(a.path, b.path);
}
