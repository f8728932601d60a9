/**
 * Files that are there whole or not at all, and folders whose entries survive a power cut.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const CHUNK_BYTES = 256 << 10;

/** Whatever bytes are read from: a file that is held, or one that lies somewhere. */
export interface Readable {
  read(into: Uint8Array, at: number): Promise<number>;
}

/** What is done with the bytes of a file, chunk by chunk. */
type Sink = (chunk: Uint8Array) => Promise<void> | void;

/** Reads so many bytes and hashes them; hands them on meanwhile. @throws when there are fewer */
export async function drain(
  source: Readable,
  bytes: number,
  sink: Sink = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(bytes, 1)));
  for (let at = 0; at < bytes;) {
    signal?.throwIfAborted();
    const count = await source.read(buffer.subarray(0, Math.min(buffer.length, bytes - at)), at);
    if (count === 0) throw new Error(`it ends after ${at} of ${bytes} bytes`);
    const chunk = buffer.subarray(0, count);
    hash.update(chunk);
    await sink(chunk);
    at += count;
  }
  return hash.digest('hex');
}

/** The size and the SHA-256 of a file. */
export async function digestOf(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    return { bytes: size, sha256: await drain(readable(file), size, undefined, signal) };
  } finally {
    await file.close();
  }
}

const readable = (file: Awaited<ReturnType<typeof open>>): Readable => ({
  read: async (into, at) => (await file.read(into, 0, into.length, at)).bytesRead,
});

/** Copies the bytes of a file into a new one. Synced. @returns its SHA-256 */
export async function copyInto(
  path: string,
  source: Readable,
  bytes: number,
  onChunk: (count: number) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const file = await open(path, 'wx');
  try {
    const write: Sink = async (chunk) => {
      for (let done = 0; done < chunk.length;)
        done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
      onChunk(chunk.length);
    };
    const sha256 = await drain(source, bytes, write, signal);
    await file.sync();
    return sha256;
  } finally {
    await file.close();
  }
}

/** The same from a file to a file. */
export async function copyFile(
  from: string,
  to: string,
  onChunk?: (count: number) => void,
  signal?: AbortSignal,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const source = await open(from, 'r');
  try {
    const { size } = await source.stat();
    return { bytes: size, sha256: await copyInto(to, readable(source), size, onChunk, signal) };
  } finally {
    await source.close();
  }
}

/** Writes a file, or puts another in its place: after a crash it is the old one or the new one. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  syncFolder(dirname(path));
}

/** Makes durable which files are in a folder. Windows cannot open one, and does not need to. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
