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
import { linkSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { StoreLocked } from './errors.ts';

export interface Holder {
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

/** A file that is still empty after this long is not being written, but was left so. */
const WRITTEN_WITHIN_MS = 5000;

export class Lock {
  readonly #path: string;
  readonly #key: string;
  readonly #token: string;
  #released = false;

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
      if (other === undefined && isBeingWritten(path)) throw new StoreLocked(location, undefined);
      removeLeftOver(path, other, mine);
    }
    throw new StoreLocked(location, readHolder(path));
  }

  /** Gives the lock up. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    held.delete(this.#key);
    if (readHolder(this.#path)?.token === this.#token) rmSync(this.#path, { force: true });
  }
}

/** Who holds the lock at a path, if it is somebody who lives; a lock that was left over is held by nobody. */
export function holderOf(path: string): Holder | undefined {
  const holder = readHolder(path);
  return holder !== undefined && lives(holder) ? holder : undefined;
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
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder | null;
    return typeof holder?.token === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Without hard links the file is there, and empty, before it says whose it is. */
function isBeingWritten(path: string): boolean {
  try {
    const { size, mtimeMs } = statSync(path);
    return size === 0 && Date.now() - mtimeMs < WRITTEN_WITHIN_MS;
  } catch {
    return false;
  }
}

/**
 * Removes a left-over lock. Whoever wants to must first hold a lock on that: a file named by the token of the one that is
 * left over. So nobody removes a lock that somebody else has put in its place meanwhile. A process that died doing so has
 * left that file over, and it is removed in the same way.
 */
function removeLeftOver(path: string, leftOver: Holder | undefined, mine: Holder): void {
  const claim = `${path}.${leftOver?.token ?? 'unreadable'}`;
  if (!createExclusively(claim, { ...mine, token: randomUUID() })) {
    const claimant = readHolder(claim);
    if (claimant === undefined ? !isBeingWritten(claim) : !lives(claimant))
      removeLeftOver(claim, claimant, mine);
    return;
  }
  try {
    if (readHolder(path)?.token === leftOver?.token && !isBeingWritten(path)) rmSync(path, { force: true });
  } finally {
    rmSync(claim, { force: true });
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
