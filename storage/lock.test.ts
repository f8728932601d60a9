// The lie: "one process at a time owns a store". Second openers in this process, in others, by other names of the folder;
// holders that are killed, whose process id is used again, who were on another machine; openers that meet in between.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type * as FileSystem from 'node:fs';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FROM_SOURCE } from '../tests/from-source.ts';
import { StoreLocked } from './errors.ts';
import { Lock } from './lock.ts';

/** What happens in a moment between two steps of an opener, and what its file system cannot do. */
const between = vi.hoisted(() => ({ links: undefined as (() => void) | undefined }));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof FileSystem>();
  const linkSync: typeof fs.linkSync = (from, to) => {
    between.links?.();
    fs.linkSync(from, to);
  };
  return { ...fs, linkSync };
});

const isLinux = process.platform === 'linux';
const LOCK_FILE = 'heddle.lock';
let folder: string;
let path: string;
const locks: Lock[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-lock-'));
  path = join(folder, LOCK_FILE);
});
afterEach(() => {
  between.links = undefined;
  for (const lock of locks.splice(0)) lock.release();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function acquire(at = path): Lock {
  const lock = Lock.acquire(at, 'the store');
  locks.push(lock);
  return lock;
}

function refusal(at = path): StoreLocked {
  try {
    acquire(at);
  } catch (error) {
    expect(error).toBeInstanceOf(StoreLocked);
    return error as StoreLocked;
  }
  throw new Error('it was opened twice');
}

type Holder = Readonly<Record<'pid' | 'started' | 'machine' | 'since' | 'token', string | number>>;
const holder = (): Holder => JSON.parse(readFileSync(path, 'utf8')) as Holder;

/** A lock file as somebody would have left it who was like us but for these changes. */
function leftBehind(changes: Partial<Record<keyof Holder, unknown>>): void {
  const lock = acquire();
  const mine = holder();
  lock.release();
  writeFileSync(path, JSON.stringify({ ...mine, token: 'of another', ...changes }));
}

/** Forgets what this thread has open, as another thread would never have known it. */
function asAnotherThread<T>(open: () => T): T {
  const held = (globalThis as unknown as Record<symbol, Set<string>>)[Symbol.for('heddle.locks')]!;
  const known = [...held];
  held.clear();
  try {
    return open();
  } finally {
    for (const key of known) held.add(key);
  }
}

const source = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
const CHILD = `
  import { Lock } from ${source('lock.ts')};
  let lock;
  try {
    lock = Lock.acquire(process.env.LOCK_PATH, 'the store');
    process.send({ pid: process.pid });
  } catch ({ _tag, holder }) {
    process.send({ _tag, holder });
  }
  process.on('message', (what) => {
    if (what === 'release') lock.release();
    process.exit();
  });
`;

interface Answer {
  readonly pid?: number;
  readonly _tag?: string;
  readonly holder?: { readonly pid: number; readonly since: string };
}

/** Another process, which tries to take the lock and tells what came of it. */
async function otherProcess(): Promise<{ child: ChildProcess; answer: Answer }> {
  const child = spawn(process.execPath, [...FROM_SOURCE, '--input-type=module', '-e', CHILD], {
    env: { ...process.env, LOCK_PATH: path },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  const [answer] = (await once(child, 'message')) as [Answer];
  return { child, answer };
}

async function ended(child: ChildProcess, how: 'SIGKILL' | 'release' | 'exit'): Promise<void> {
  const exit = once(child, 'exit');
  if (how === 'SIGKILL') child.kill('SIGKILL');
  else child.send(how);
  await exit;
}

describe('a lock', () => {
  it('names its holder, and leaves nothing else in the folder', () => {
    const lock = acquire();
    expect(holder().pid).toBe(process.pid);
    expect(Math.abs(Date.parse(String(holder().since)) - Date.now())).toBeLessThan(60_000);
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused to a second opener in this process, who is told so', () => {
    acquire();
    const { holder, location, retryable, message } = refusal();
    expect({ holder, location, retryable }).toEqual({
      holder: { pid: process.pid, since: 'in this process' },
      location: 'the store',
      retryable: true,
    });
    expect(message).toContain(`process ${process.pid}`);
  });

  it('is refused under any other name of the folder', () => {
    const other = join(folder, 'link');
    const file = join(folder, 'store', LOCK_FILE);
    mkdirSync(join(folder, 'store'));
    symlinkSync(join(folder, 'store'), other);
    acquire(file);
    const names = [
      join(other, LOCK_FILE),
      relative(process.cwd(), file),
      `${folder}/./store/../store/${LOCK_FILE}`,
    ];
    for (const name of names) expect(refusal(name).holder!.since).toBe('in this process');
    expect(readdirSync(join(folder, 'store'))).toEqual([LOCK_FILE]);
  });

  it('of one store is not that of another', () => {
    mkdirSync(join(folder, 'other'));
    acquire();
    acquire(join(folder, 'other', LOCK_FILE));
    expect(existsSync(join(folder, 'other', LOCK_FILE))).toBe(true);
  });

  it('can be taken again once it was released, again and again', () => {
    for (let i = 0; i < 3; i++) acquire().release();
    expect(existsSync(path)).toBe(false);
    acquire();
    refusal();
  });

  it('that was released twice does not take the one of the next holder', () => {
    const first = acquire();
    first.release();
    acquire();
    first.release();
    first.release();
    expect(existsSync(path)).toBe(true);
    asAnotherThread(() => refusal());
  });

  it('that was released twice does not keep the next holder from releasing his', () => {
    const first = acquire();
    first.release();
    const second = acquire();
    first.release();
    second.release();
    expect(existsSync(path)).toBe(false);
  });

  it('that somebody else has replaced by force is left to them', () => {
    const lock = acquire();
    writeFileSync(path, JSON.stringify({ ...holder(), token: 'of another' }));
    lock.release();
    expect(holder().token).toBe('of another');
  });

  it('is refused to another thread of this process, which shares nothing but the file', () => {
    acquire();
    const { since } = holder();
    expect(asAnotherThread(() => refusal()).holder).toMatchObject({ pid: process.pid, since });
  });

  it('does not need a file system with hard links', () => {
    const none = (): never => {
      throw Object.assign(new Error('not supported'), { code: 'ENOTSUP' });
    };
    between.links = none;
    const lock = acquire();
    expect(holder().pid).toBe(process.pid);
    asAnotherThread(() => refusal());
    lock.release();
    leftBehind({ started: 'long ago' });
    acquire();
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });
});

describe('another process', () => {
  it('is refused what this one holds, and gets it afterwards', async () => {
    const lock = acquire();
    const { since } = holder();
    const { answer } = await otherProcess();
    expect(answer).toEqual({
      _tag: 'StoreLocked',
      holder: expect.objectContaining({ pid: process.pid, since }),
    });
    expect(holder().since).toBe(since);
    lock.release();
    const { child, answer: later } = await otherProcess();
    expect(later).toEqual({ pid: child.pid });
    expect(refusal().holder!.pid).toBe(child.pid);
  });

  it.each(['SIGKILL', 'exit', 'release'] as const)(
    'holds it until its end (%s), and not beyond',
    async (how) => {
      const { child, answer } = await otherProcess();
      expect(answer.pid).toBe(child.pid);
      expect(refusal().holder!.pid).toBe(child.pid);
      await ended(child, how);
      // Whoever is killed leaves its file behind.
      expect(existsSync(path)).toBe(how !== 'release');
      acquire();
      expect(holder().pid).toBe(process.pid);
      expect(readdirSync(folder)).toEqual([LOCK_FILE]);
    },
  );
});

describe('a left-over lock', () => {
  it('of a process that is gone is replaced', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    leftBehind({ pid: child.pid });
    acquire();
    expect(holder().pid).toBe(process.pid);
  });

  it.runIf(isLinux)('whose process id is used again by another process is replaced', () => {
    // Our own id and that of our parent certainly live; only the start tells that they are not the ones who wrote this.
    for (const pid of [process.pid, process.ppid]) {
      leftBehind({ pid, started: '1' });
      acquire().release();
    }
    expect(existsSync(path)).toBe(false);
  });

  it.runIf(isLinux)('of a process that lives is none, whatever the name of its program', () => {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
    leftBehind({ pid: process.ppid, started });
    expect(refusal().holder!.pid).toBe(process.ppid);
  });

  it('of a process that lives, and whose start is not known, is none', () => {
    leftBehind({ pid: process.ppid, started: undefined });
    expect(refusal().holder!.pid).toBe(process.ppid);
    expect(holder().token).toBe('of another');
  });

  it.runIf(isLinux)('of a process that belongs to somebody else is none', () => {
    // The first process of the machine: a signal to it may be forbidden, which also means that it lives.
    leftBehind({ pid: 1, started: undefined });
    expect(refusal().holder!.pid).toBe(1);
  });

  it('of another machine, or of this one before it was started again, is replaced', () => {
    leftBehind({ machine: 'elsewhere 00000000' });
    acquire();
    expect(holder().machine).not.toBe('elsewhere 00000000');
  });

  it.each([
    '{',
    'null',
    '{}',
    '[]',
    '5',
    '"text"',
    '{"pid":1}',
    '{"pid":"x","machine":1}',
    '\0\0\0\0',
    'x'.repeat(5000),
  ])('that says nothing sensible is replaced: %j', (content) => {
    writeFileSync(path, content);
    acquire();
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });

  it('that is empty may be about to say something: it is replaced when it is old', () => {
    writeFileSync(path, '');
    expect(refusal().holder).toBeUndefined();
    utimesSync(path, new Date(), new Date(Date.now() - 6000));
    acquire();
    expect(holder().pid).toBe(process.pid);
  });

  it('that comes back again and again is given up in the end', () => {
    leftBehind({ started: 'long ago' });
    const stale = readFileSync(path);
    let rounds = 0;
    between.links = () => {
      rounds++;
      writeFileSync(path, stale);
    };
    refusal();
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThan(100);
  });
});

describe('openers that meet at a left-over lock', () => {
  /** Somebody who lives, and is quicker. */
  function theQuick(token: string): string {
    const mine = holder();
    return JSON.stringify({ ...mine, pid: process.ppid, started: undefined, token });
  }
  const noLinks = (): never => {
    throw Object.assign(new Error('not supported'), { code: 'ENOTSUP' });
  };
  /** The file by which one of them claims to remove what is left over. */
  const claim = (token = 'of another'): string => `${path}.${token}`;

  /** Runs once, just before the file is made that claims to remove the left-over lock. */
  function beforeTheClaim(run: () => void, links = true): void {
    let attempts = 0;
    between.links = () => {
      // The first is the attempt to make the lock itself.
      if (++attempts === 2) run();
      if (!links) noLinks();
    };
  }

  it.each([true, false])('do not both get it: the lock of the quicker stays (hard links: %s)', (links) => {
    leftBehind({ started: 'long ago' });
    const quick = theQuick('the quick');
    beforeTheClaim(() => writeFileSync(path, quick), links);
    expect(refusal().holder).toMatchObject({ pid: process.ppid });
    expect(holder().token).toBe('the quick');
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });

  it('go on when the other has already removed it', () => {
    leftBehind({ started: 'long ago' });
    beforeTheClaim(() => rmSync(path));
    acquire();
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });

  it.each([true, false])('leave it to the one who claims it, while he lives (hard links: %s)', (links) => {
    leftBehind({ started: 'long ago' });
    writeFileSync(claim(), theQuick('of the claimant'));
    if (!links) between.links = noLinks;
    refusal();
    expect(holder().token).toBe('of another');
    expect(readdirSync(folder)).toEqual([LOCK_FILE, `${LOCK_FILE}.of another`]);
  });

  it('claim it in the place of one who has died over it, and of one who has died over that', () => {
    leftBehind({ started: 'long ago' });
    const dead = JSON.stringify({ ...holder(), token: 'claimant' });
    writeFileSync(claim(), dead);
    writeFileSync(claim('of another.claimant'), JSON.stringify({ ...holder(), token: 'second' }));
    acquire();
    expect(holder().pid).toBe(process.pid);
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });

  it('of whom five race for it, again and again: one gets it', async () => {
    for (let round = 0; round < 3; round++) {
      leftBehind({ started: 'long ago' });
      const answers = await Promise.all(Array.from({ length: 5 }, () => otherProcess()));
      expect(answers.filter(({ answer }) => answer._tag === undefined)).toHaveLength(1);
      for (const { child, answer } of answers) child.send(answer._tag === undefined ? 'release' : 'go');
      await Promise.all(answers.map(({ child }) => child.exitCode ?? once(child, 'exit')));
    }
  });
});
