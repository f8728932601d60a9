/**
 * The lock of a store: a file that names the process that owns it.
 *
 * LevelDB has a lock of its own, but it is a POSIX record lock: whatever opens and closes its LOCK file in the owning
 * process (a backup tool, a careless `readFile`) drops it silently, and a second process then opens the store and both
 * write. This lock does not depend on open files. It is taken before LevelDB is touched, because opening already
 * writes; and it outlives no process: a holder that is gone, by its process id *and* start time, is replaced.
 *
 * A holder on another machine cannot be asked whether it lives. Then the file counts as left over, and LevelDB's lock
 * decides.
 */
import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { StoreLocked } from './errors.ts';

interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's ticks, where that can be read: process ids are used again. */
  readonly started: string | undefined;
  readonly machine: string;
  readonly since: string;
  readonly token: string;
}

/** The stores this thread has open. Shared by every copy of the package that is loaded. */
const held: Set<string> = ((globalThis as Record<symbol, unknown>)[Symbol.for('heddle.locks')] ??=
  new Set<string>()) as Set<string>;

/** Two openers may find the same left-over lock at once; one of them wins within this many rounds. */
const ROUNDS = 10;

export class Lock {
  readonly #path: string;
  readonly #key: string;
  readonly #token: string;

  private constructor(path: string, key: string, token: string) {
    this.#path = path;
    this.#key = key;
    this.#token = token;
  }

  /** Takes the lock file at `path`, whose folder exists. @throws StoreLocked */
  static acquire(path: string, location: string): Lock {
    const key = join(realpathSync(dirname(path)), path.slice(dirname(path).length));
    const mine = describeThisProcess();
    if (held.has(key)) throw new StoreLocked(location, { pid: mine.pid, since: 'in this process' });
    for (let round = 0; round < ROUNDS; round++) {
      if (createExclusively(path, mine)) {
        held.add(key);
        return new Lock(path, key, mine.token);
      }
      const other = readHolder(path);
      if (other !== undefined && lives(other)) throw new StoreLocked(location, other);
      if (!removeLeftOver(path, other)) throw new StoreLocked(location, readHolder(path));
    }
    throw new StoreLocked(location, readHolder(path));
  }

  /** Gives the lock up. Idempotent. */
  release(): void {
    if (!held.delete(this.#key)) return;
    if (readHolder(this.#path)?.token === this.#token) rmSync(this.#path, { force: true });
  }
}

function describeThisProcess(): Holder {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    machine: machineId(),
    since: new Date().toISOString(),
    token: randomUUID(),
  };
}

/** Creates the file with its content in one step, so that nobody ever reads half of it. */
function createExclusively(path: string, holder: Holder): boolean {
  const content = JSON.stringify(holder);
  const draft = `${path}.${holder.token}`;
  try {
    writeFileSync(draft, content, { flag: 'wx' });
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(codeOf(error))) throw error;
    return createWithoutLinks(path, content);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** For file systems without hard links. */
function createWithoutLinks(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/**
 * Moves a left-over lock out of the way. The move is atomic, so of two that try, one gets it; whoever finds that what it
 * moved is no longer what it had read puts it back, and has lost.
 */
function removeLeftOver(path: string, expected: Holder | undefined): boolean {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
  try {
    if (readHolder(aside)?.token === expected?.token) return true;
    linkSync(aside, path);
    return false;
  } catch {
    return false;
  } finally {
    rmSync(aside, { force: true });
  }
}

function lives(holder: Holder): boolean {
  if (holder.machine !== machineId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if (codeOf(error) !== 'EPERM') return false;
  }
  return holder.started === undefined || startOf(holder.pid) === holder.started;
}

/** This machine in this boot: process ids mean nothing beyond it. */
function machineId(): string {
  try {
    return `${hostname()} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return hostname();
  }
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
