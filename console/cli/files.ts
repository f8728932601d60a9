/**
 * Files that the command line reads and writes for whoever calls it. Nothing is ever overwritten, and what could not be written to
 * its end is taken away again.
 */
import { open, readFile, rm } from 'node:fs/promises';
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

/** Writes a new file, piece by piece. Whoever can read the store reads it: its mode is that of any file. @throws Refused */
export async function writeNew(
  path: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw asRefused(error, path);
  });
  try {
    for await (const piece of pieces) await file.appendFile(piece);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw asRefused(error, path);
  } finally {
    await file.close();
  }
}

/** What forbids it, as opposed to what goes wrong. */
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR']);

/** An error of the file system, in words. Others are what they are. */
export function asRefused(error: unknown, path: string): unknown {
  const { code, syscall, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === 'ENOENT') return refusal('NotFound', `${path} does not exist`, { cause: error });
  if (code === 'EEXIST')
    return refusal('FileRefused', `${path} is there already, and nothing is overwritten: name another`, {
      cause: error,
    });
  if (FORBIDDEN.has(code)) return refusal('FileRefused', `${path}: ${message}`, { cause: error });
  return refusal('FileFailed', `${path}: ${message}`, { cause: error, retryable: true });
}
