/**
 * The files of a database as they are at a moment, held open: so LevelDB may delete them, append to them, or begin others, and what
 * is held stays what it was. Tables never change, and logs and manifests only grow; of those as much is held as there was.
 *
 * Holding is quick and synchronous, so that nothing is written meanwhile by this thread. LevelDB rearranges its tables in a thread of
 * its own, so it may still come in between; the manifest, which is taken first, says whether all that belongs together was there.
 * The LOCK file is never touched: closing it would give LevelDB's lock up.
 */
import { closeSync, fstatSync, openSync, read, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileNumber, kindOf, manifestNamedBy, readLog, versionOf } from './level-files.ts';
import type { Version } from './level-files.ts';

const readFrom = promisify(read);

/** A file as it was. */
export interface HeldFile {
  readonly name: string;
  readonly bytes: number;
  /** Fills the buffer from a place in the file, as far as it goes. Resolves with how many bytes were read. */
  read(into: Uint8Array, at: number): Promise<number>;
}

export class HeldFiles {
  readonly #files: readonly OpenFile[];

  private constructor(files: readonly OpenFile[]) {
    this.#files = files;
  }

  /** Holds the database in a folder, and some other files there that belong to it. */
  static hold(folder: string, others: readonly string[]): HeldFiles {
    const files: OpenFile[] = [];
    try {
      const manifest = manifestNamedBy(readFileSync(join(folder, 'CURRENT')));
      if (manifest !== undefined) files.push(OpenFile.open(folder, manifest));
      files.push(OpenFile.open(folder, 'CURRENT'));
      for (const name of others) files.push(OpenFile.open(folder, name));
      for (const name of readdirSync(folder)) {
        const kind = kindOf(name);
        if (kind === 'table' || kind === 'log') holdUnlessGone(files, folder, name);
      }
      return new HeldFiles(files);
    } catch (error) {
      for (const file of files) file.release();
      throw error;
    }
  }

  /** The files that belong together; undefined when not all of them were there: hold them again. */
  async files(): Promise<readonly HeldFile[] | undefined> {
    const manifest = this.#files.find(({ name }) => kindOf(name) === 'manifest');
    if (manifest === undefined) return undefined;
    const { records, end, damage } = readLog(await contentOf(manifest));
    if (damage.length > 0) return undefined;
    const version = versionOf(records);
    // An edit may have been half written at that moment.
    manifest.bytes = end;
    const files = this.#files.filter((file) => belongsTo(version, file));
    const tables = files.filter(({ name }) => kindOf(name) === 'table').length;
    const hasLog = files.some(({ name }) => kindOf(name) === 'log' && fileNumber(name) === version.log);
    return tables === version.tables.size && hasLog ? files : undefined;
  }

  /** Lets them go. Idempotent. */
  release(): void {
    for (const file of this.#files) file.release();
  }
}

class OpenFile implements HeldFile {
  readonly name: string;
  bytes: number;
  #fd: number | undefined;

  private constructor(name: string, fd: number) {
    this.name = name;
    this.#fd = fd;
    this.bytes = fstatSync(fd).size;
  }

  static open(folder: string, name: string): OpenFile {
    return new OpenFile(name, openSync(join(folder, name), 'r'));
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    if (this.#fd === undefined) throw new Error(`${this.name} is not held any more`);
    const length = Math.min(into.length, this.bytes - at);
    return (await readFrom(this.#fd, into, 0, length, at)).bytesRead;
  }

  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** LevelDB deletes tables that it has merged into others, and logs whose content is in tables. */
function holdUnlessGone(files: OpenFile[], folder: string, name: string): void {
  try {
    files.push(OpenFile.open(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Tables that are still being written, or wait to be deleted, do not belong to it. */
function belongsTo({ tables, log }: Version, { name, bytes }: HeldFile): boolean {
  const kind = kindOf(name);
  if (kind === 'table') return tables.get(fileNumber(name)) === bytes;
  return kind === 'log' ? fileNumber(name) >= log : true;
}

async function contentOf(file: HeldFile): Promise<Buffer> {
  const content = Buffer.alloc(file.bytes);
  for (let done = 0; done < content.length;) {
    const count = await file.read(content.subarray(done), done);
    if (count === 0) throw new Error(`${file.name} is shorter than it was`);
    done += count;
  }
  return content;
}
