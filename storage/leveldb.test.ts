// The lie: "a damaged, foreign or newer folder is refused, and said to be what it is". Stores on a real disk lose files, get
// bits flipped and tails cut, are locked by others, stand where nobody may write; LevelDB itself opens most of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FROM_SOURCE } from '../tests/from-source.ts';
import { Codec } from './codec.ts';
import { HeddleError, StoreClosed, StoreCorrupt, StoreFormat, StoreIo, StoreLocked } from './errors.ts';
import { EntryKind } from './frame.ts';
import { frameKey, SUPERBLOCK_KEY } from './keys.ts';
import { Ledger } from './ledger.ts';
import type { Chain } from './ledger.ts';
import { leveldb } from './leveldb.ts';
import { recover } from './recovery.ts';
import { sealRow } from './row.ts';
import { STORE_FORMAT } from './superblock.ts';

const COMMITS = 6;
/** How many places of a file are damaged, one after the other. */
const PLACES = 24;

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heddle-leveldb-'));
  folder = join(root, 'store');
});
afterEach(() => rmSync(root, { recursive: true }));

/** Fills a store with a record of each of three actors in every commit. */
async function fill(path: string, commits = COMMITS): Promise<void> {
  const store = leveldb(path);
  const ledger = await Ledger.open(store, 0);
  const chains: Chain[] = [1, 2, 3].map(() => ({ seq: 0, frame: undefined, offset: 0 }));
  ledger.nextActor = 4;
  for (let i = 1; i <= commits; i++) {
    for (const [index, chain] of chains.entries()) {
      ledger.record(index + 1, chain, 0, 1, Buffer.from(`event ${i} of ${index + 1}`), undefined);
    }
    ledger.closeFrames();
    await ledger.write(ledger.seal());
  }
  await store.close();
}

/** What is found in a store by who opens it as a system does: its events, and who is damaged. */
async function look(path: string): Promise<{ events: string[]; damaged: number[] }> {
  const store = leveldb(path);
  const ledger = await Ledger.open(store, 0);
  try {
    const events: string[] = [];
    const reading = await recover(ledger, (entry) => {
      if (entry.kind === EntryKind.Record) {
        events.push(entry.bytes.toString('utf8', entry.eventStart, entry.eventEnd));
      }
      return undefined;
    });
    return { events, damaged: [...reading.damaged.keys()] };
  } finally {
    await store.close();
  }
}

/** What opening a folder is refused with. */
async function refusal<T extends Error>(path: string, type: new (...args: never[]) => T): Promise<T> {
  const error = await look(path).then(
    () => new Error('it was opened'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(type);
  // Whoever is refused holds nothing.
  expect(existsSync(join(path, 'heddle.lock'))).toBe(false);
  return error as T;
}

const ALL = Array.from({ length: COMMITS }, (_, i) =>
  [1, 2, 3].map((actor) => `event ${i + 1} of ${actor}`),
).flat();
const fileIn = (path: string, name: RegExp): string =>
  join(
    path,
    readdirSync(path).find((file) => name.test(file))!,
  );

describe('a store in a folder', () => {
  it('makes it, with a lock and an anchor beside the files of LevelDB, and leaves no lock behind', async () => {
    const deep = join(root, 'a', 'b', 'c');
    const store = leveldb(deep);
    expect(existsSync(deep)).toBe(false);
    await store.open();
    store.anchor.create('0'.repeat(32));
    expect(readdirSync(deep)).toEqual(expect.arrayContaining(['CURRENT', 'heddle.anchor', 'heddle.lock']));
    await expect(store.open()).rejects.toBeInstanceOf(StoreLocked);
    await store.close();
    await store.close();
    expect(readdirSync(deep)).not.toContain('heddle.lock');
    expect(() => store.anchor).toThrow(StoreClosed);
    expect(store.location).toBe(deep);
  });

  it('is the same when it is opened again', async () => {
    await fill(folder);
    for (let opening = 0; opening < 3; opening++) {
      expect(await look(folder)).toEqual({ events: ALL, damaged: [] });
    }
  });

  it('waits for a write in flight before it closes', async () => {
    const store = leveldb(folder);
    await store.open();
    const batch = store.batch();
    batch.put(Buffer.from('key'), Buffer.alloc(1 << 20, 7));
    const writing = batch.write();
    await store.close();
    await writing;
    await store.open();
    expect(store.get(Buffer.from('key'))).toHaveLength(1 << 20);
    await store.close();
  });
});

describe('a store that is open', () => {
  it('is refused to others in this process, and theirs does not close it', async () => {
    const [first, second] = [leveldb(folder), leveldb(folder)];
    await first.open();
    const error = await second.open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreLocked);
    expect(error).toMatchObject({ location: folder, holder: { pid: process.pid } });
    await second.close();
    const batch = first.batch();
    batch.put(Buffer.from('a'), Buffer.from('1'));
    await batch.write();
    await first.close();
    await second.open();
    expect(Buffer.from(second.get(Buffer.from('a'))!).toString()).toBe('1');
    await second.close();
  });

  it('is refused to others of whom only LevelDB knows', async () => {
    const raw = new Level(folder);
    await raw.open();
    const error = await refusal(folder, StoreLocked);
    expect([error.holder, error.location]).toEqual([undefined, folder]);
    await raw.close();
    await fill(folder, 1);
  });

  it('is refused to another process, also after somebody here has read the lock file of LevelDB', async () => {
    const store = leveldb(folder);
    await store.open();
    // Closing that file again drops LevelDB's own lock.
    readFileSync(join(folder, 'LOCK'));
    const source = JSON.stringify(new URL('leveldb.ts', import.meta.url).href);
    const code = `
      import { leveldb } from ${source};
      const told = await leveldb(process.env.FOLDER).open().then(() => ({}), ({ _tag, holder }) => ({ _tag, holder }));
      process.send(told);
      process.disconnect();
    `;
    const child = spawn(process.execPath, [...FROM_SOURCE, '--input-type=module', '-e', code], {
      env: { ...process.env, FOLDER: folder },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [answer] = (await once(child, 'message')) as [object];
    expect(answer).toMatchObject({ _tag: 'StoreLocked', holder: { pid: process.pid } });
    await once(child, 'exit');
    await store.close();
  });
});

describe('a store that another release has written', () => {
  async function writtenBy(format: number): Promise<void> {
    await fill(folder);
    const store = leveldb(folder);
    const { id } = await Ledger.open(store, 0);
    const superblock = new Codec().pack({ format, id, createdAt: 0 }, 'superblock');
    const batch = store.batch();
    batch.put(SUPERBLOCK_KEY, sealRow(SUPERBLOCK_KEY, superblock));
    await batch.write();
    await store.close();
  }

  it('is refused when that is a newer one, again and again, and keeps all it has', async () => {
    await writtenBy(STORE_FORMAT + 1);
    for (let opening = 0; opening < 2; opening++) {
      const { found, supported, location } = await refusal(folder, StoreFormat);
      expect({ found, supported, location }).toEqual({ found: 2, supported: 1, location: folder });
    }
    const store = leveldb(folder);
    await store.open();
    for (let frame = 1; frame <= COMMITS; frame++) expect(store.get(frameKey(frame))).toBeDefined();
    expect(store.anchor.entries()).toHaveLength(COMMITS);
    await store.close();
  });

  it('is opened when that is not newer', async () => {
    await writtenBy(STORE_FORMAT);
    expect((await look(folder)).events).toEqual(ALL);
  });
});

describe('a folder that is damaged', () => {
  let model: string;
  let recent: string;
  let settled: string;
  beforeAll(async () => {
    model = mkdtempSync(join(tmpdir(), 'heddle-leveldb-'));
    // As it is after the last commit, in the log; and after another opening, in a table.
    recent = join(model, 'recent');
    settled = join(model, 'settled');
    await fill(recent);
    cpSync(recent, settled, { recursive: true });
    await look(settled);
  });
  afterAll(() => rmSync(model, { recursive: true }));

  const copyOf = (path: string): void => cpSync(path, folder, { recursive: true });

  it('is refused when CURRENT is gone: it is not a new one', async () => {
    copyOf(recent);
    rmSync(join(folder, 'CURRENT'));
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/CURRENT is missing/);
    expect(existsSync(join(folder, 'CURRENT'))).toBe(false);
  });

  it.each(['', 'MANIFEST-999999\n', 'nonsense'])('is refused when CURRENT says %j', async (content) => {
    copyOf(recent);
    writeFileSync(join(folder, 'CURRENT'), content);
    expect((await refusal(folder, StoreCorrupt)).location).toBe(folder);
  });

  it('is refused when its manifest is gone', async () => {
    copyOf(recent);
    rmSync(fileIn(folder, /^MANIFEST/));
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/MANIFEST/);
  });

  it('is refused when its manifest was cut: LevelDB alone would open it, nearly empty', async () => {
    copyOf(settled);
    const manifest = fileIn(folder, /^MANIFEST/);
    const { size } = statSync(manifest);
    for (const part of [0, 0.3, 0.6]) {
      rmSync(folder, { recursive: true });
      copyOf(settled);
      truncateSync(manifest, Math.floor(size * part));
      expect((await refusal(folder, StoreCorrupt)).location).toBe(folder);
    }
  });

  it('is refused when its table is gone', async () => {
    copyOf(settled);
    rmSync(fileIn(folder, /\.ldb$/));
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/\.ldb|missing/);
  });

  it('is refused when its anchor is gone, was cut, or is that of another store', async () => {
    copyOf(recent);
    const anchor = join(folder, 'heddle.anchor');
    rmSync(anchor);
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/anchor is missing or damaged/);
    writeFileSync(anchor, readFileSync(join(recent, 'heddle.anchor')).subarray(0, 20));
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/anchor is missing or damaged/);
    await fill(join(root, 'other'), 1);
    writeFileSync(anchor, readFileSync(join(root, 'other', 'heddle.anchor')));
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/belongs to another store/);
    writeFileSync(anchor, readFileSync(join(recent, 'heddle.anchor')));
    expect((await look(folder)).events).toEqual(ALL);
  });

  it('is refused when it is a database of somebody else', async () => {
    const raw = new Level(folder);
    await raw.put('hello', 'world');
    await raw.close();
    expect((await refusal(folder, StoreCorrupt)).reason).toMatch(/is it a store of Heddle/);
  });

  /** Opens it after a damage: what is wrong must have been said, and what is given must be true. */
  async function outcome(): Promise<'refused' | 'named' | 'whole'> {
    try {
      const { events, damaged } = await look(folder);
      expect(ALL).toEqual(expect.arrayContaining(events));
      if (damaged.length === 0) expect(events).toEqual(ALL);
      for (const event of ALL) {
        if (!events.includes(event)) expect(damaged).toContain(Number(event.at(-1)));
      }
      return damaged.length === 0 ? 'whole' : 'named';
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      return 'refused';
    }
  }

  it.each([
    ['log', () => recent, /\.log$/],
    ['table', () => settled, /\.ldb$/],
  ] as const)(
    'by a flipped bit in its %s says so: nothing is lost in silence, nothing is made up',
    async (_, of, name) => {
      const outcomes = { refused: 0, named: 0, whole: 0 };
      for (let place = 0; place < PLACES; place++) {
        rmSync(folder, { recursive: true, force: true });
        copyOf(of());
        const file = fileIn(folder, name);
        const bytes = readFileSync(file);
        const at = Math.floor((bytes.length * (place + 0.5)) / PLACES);
        bytes[at]! ^= 1 << (place % 8);
        writeFileSync(file, bytes);
        outcomes[await outcome()]++;
      }
      console.log(`a bit flipped in ${PLACES} places: ${JSON.stringify(outcomes)}`);
      expect(outcomes.refused + outcomes.named).toBeGreaterThan(PLACES / 3);
    },
  );

  it('by a cut of its log says whose records are gone', async () => {
    const outcomes = { refused: 0, named: 0, whole: 0 };
    const { size } = statSync(fileIn(recent, /\.log$/));
    for (let place = 1; place < PLACES; place++) {
      rmSync(folder, { recursive: true, force: true });
      copyOf(recent);
      truncateSync(fileIn(folder, /\.log$/), Math.floor((size * place) / PLACES));
      outcomes[await outcome()]++;
    }
    expect(outcomes.whole).toBe(0);
    expect(outcomes.named).toBeGreaterThan(PLACES / 2);
  });
});

describe('a folder where nobody can write', () => {
  it('is refused when it is a file', async () => {
    writeFileSync(folder, 'a file');
    const error = await leveldb(folder)
      .open()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreIo);
    expect(error).toMatchObject({ location: folder, operation: 'making the folder', retryable: true });
    expect(readFileSync(folder, 'utf8')).toBe('a file');
  });

  it('is refused when it lies below a file', async () => {
    writeFileSync(folder, 'a file');
    const error = await leveldb(join(folder, 'store'))
      .open()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreIo);
    expect((error as StoreIo).message).toMatch(/ENOTDIR/);
  });

  it('is refused when its parent is read-only', async () => {
    mkdirSync(root, { recursive: true });
    const error = await withoutRights(root, () => leveldb(folder).open());
    expect(error).toBeInstanceOf(StoreIo);
    expect((error as StoreIo).operation).toBe('making the folder');
  });

  it('is refused when it is read-only itself', async () => {
    mkdirSync(folder);
    expect(await withoutRights(folder, () => leveldb(folder).open())).toBeInstanceOf(StoreIo);
  });

  it('is refused when its anchor cannot be read', async () => {
    mkdirSync(join(folder, 'heddle.anchor'), { recursive: true });
    const error = await leveldb(folder)
      .open()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreIo);
  });

  it('can be opened as soon as that has changed', async () => {
    mkdirSync(folder);
    const store = leveldb(folder);
    expect(await withoutRights(folder, () => store.open())).toBeInstanceOf(Error);
    expect(readdirSync(folder)).toEqual([]);
    await store.open();
    await store.close();
    await fill(folder);
    expect((await look(folder)).events).toEqual(ALL);
  });

  /** Does something while a folder is read-only, and for somebody who is not above such rules; gives what it fails with. */
  async function withoutRights(path: string, run: () => Promise<void>): Promise<unknown> {
    const NOBODY = 65_534;
    const isRoot = process.geteuid?.() === 0;
    chmodSync(root, 0o755);
    chmodSync(path, 0o555);
    if (isRoot) process.seteuid!(NOBODY);
    try {
      return await run().then(
        () => new Error('it was opened'),
        (reason: unknown) => reason,
      );
    } finally {
      if (isRoot) process.seteuid!(0);
      chmodSync(path, 0o755);
    }
  }
});
