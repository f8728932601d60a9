/**
 * Files that the command line reads and writes for whoever calls it. Nothing is ever overwritten, and what could not be written to
 * its end is taken away again.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { refusal } from '../control/trouble.ts';

/** What a file says; `-` is the standard input. @throws Refused */
export async function readText(path: string, signal: AbortSignal): Promise<string> {
  if (path === '-') return readInput(signal);
  try {
    return await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    throw asRefused(error, path);
  }
}

/** What is typed, or comes through a pipe, to its end. */
export async function readInput(signal: AbortSignal): Promise<string> {
  try {
    return await readAll(addAbortSignal(signal, process.stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Writes a new file, piece by piece. @throws Refused */
export async function writeNew(
  path: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    // What is missing is its folder.
    throw asRefused(error, isMissing(error) ? dirname(path) : path);
  });
  try {
    try {
      for await (const piece of pieces) await file.appendFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw asRefused(error, path);
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** What forbids it, as opposed to what goes wrong. */
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR']);

/** An error of the file system, in words. Others are what they are. */
export function asRefused(error: unknown, path: string): unknown {
  const { code, syscall, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === 'ENOENT') return refusal('NotFound', `${path} does not exist`, { cause: error });
  if (code === 'EEXIST')
    return refusal('FileRefused', `${path} is there already, and nothing is overwritten: name another`, {
      cause: error,
    });
  if (code === 'EISDIR')
    return refusal('FileRefused', `${path} is a folder, and not a file: name a file in it`, { cause: error });
  if (FORBIDDEN.has(code)) return refusal('FileRefused', `${path}: ${message}`, { cause: error });
  return refusal('FileFailed', `${path}: ${message}`, { cause: error, retryable: true });
}
