// The lie: "these are the files of the database". What is read of LevelDB's logs and manifests is held against what LevelDB itself
// has written; single bytes are changed, and files held while LevelDB rearranges them.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Level } from 'level';
import packageJson from '../package.json' with { type: 'json' };
import { HeldFiles } from './held-files.ts';
import { fileNumber, kindOf, manifestNamedBy, readLog, versionOf } from './level-files.ts';
import { RELEASE } from './release.ts';

const SMALL = {
  writeBufferSize: 64 << 10,
  maxFileSize: 64 << 10,
  keyEncoding: 'utf8',
  valueEncoding: 'utf8',
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-files-'));
  folders.push(folder);
  return folder;
}

/** Text that cannot be made smaller. */
const textOf = (length: number): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(length))).toString('base64');

async function filled(folder: string, batches: number): Promise<void> {
  const database = new Level(folder, SMALL);
  for (let i = 0; i < batches; i++) await database.put(`k${i % 500}`, textOf(300));
  await database.close();
}

const only = (folder: string, kind: string): string =>
  readdirSync(folder).find((name) => kindOf(name) === kind)!;

it('finds in a manifest the tables that are there, with their sizes', async () => {
  const folder = newFolder();
  await filled(folder, 2000);
  const name = manifestNamedBy(readFileSync(join(folder, 'CURRENT')))!;
  const bytes = readFileSync(join(folder, name));
  const { records, end, damage } = readLog(bytes);
  expect([end, damage]).toEqual([bytes.length, []]);
  const { tables, log } = versionOf(records);
  const there = readdirSync(folder).filter((file) => kindOf(file) === 'table');
  expect(tables.size).toBeGreaterThan(0);
  for (const file of there.filter((one) => tables.has(fileNumber(one))))
    expect(tables.get(fileNumber(file))).toBe(readFileSync(join(folder, file)).length);
  expect(there.map(fileNumber)).toEqual(expect.arrayContaining([...tables.keys()]));
  expect(fileNumber(only(folder, 'log'))).toBe(log);
});

it('reads each batch of a log, over its blocks, and notices every byte that is changed', async () => {
  const folder = newFolder();
  const database = new Level(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  for (let i = 0; i < 100; i++) await database.put(`k${i}`, textOf(i * 37));
  const bytes = readFileSync(join(folder, only(folder, 'log')));
  await database.close();
  const whole = readLog(bytes);
  expect([whole.records.length, whole.end, whole.damage]).toEqual([100, bytes.length, []]);
  for (let at = 0; at < bytes.length; at += 509) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1 << (at % 8);
    const { records, damage, end } = readLog(changed);
    // A length that leads beyond the end of the file looks like a log that was cut off.
    const isNoticed = damage.length > 0 || end < bytes.length;
    const isFiller = bytes.length - at < 7 || (32 << 10) - (at % (32 << 10)) < 7;
    expect([at, isNoticed || (isFiller && records.length === 100)]).toEqual([at, true]);
  }
  for (const length of [0, 5, 7, 100, 40_000, bytes.length - 1])
    expect(readLog(bytes.subarray(0, length)).damage).toEqual([]);
});

it('holds files that belong together, while LevelDB merges them and writes others', async () => {
  const folder = newFolder();
  const database = new Level(folder, SMALL) as Level & {
    compactRange(from: string, to: string): Promise<void>;
  };
  await database.open();
  let written = 0;
  let working = true;
  let whole = 0;
  const work = (async () => {
    for (; working; written++)
      await database.put('count', `${written} ${textOf(3000)}`, { sync: true } as never);
  })();
  const compaction = (async () => {
    while (working) await database.compactRange('a', 'z');
  })();
  while (written === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let round = 0; round < 25; round++) {
    const [before, held] = [written, HeldFiles.hold(folder, [])];
    const files = await held.files();
    if (files === undefined) {
      held.release();
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    const copy = newFolder();
    mkdirSync(copy, { recursive: true });
    for (const file of files) {
      const content = Buffer.alloc(file.bytes);
      for (let done = 0; done < content.length;) done += await file.read(content.subarray(done), done);
      writeFileSync(join(copy, file.name), content);
    }
    held.release();
    const opened = new Level(copy, { ...SMALL, createIfMissing: false });
    const count = Number((await opened.get('count')).split(' ')[0]);
    await opened.close();
    whole++;
    expect(count).toBeGreaterThanOrEqual(before - 1);
    expect(count).toBeLessThanOrEqual(before + 1);
  }
  working = false;
  await Promise.all([work, compaction]);
  await database.close();
  expect(written).toBeGreaterThan(25);
  expect(whole).toBeGreaterThan(5);
});

it('refuses to make sense of what makes none', () => {
  expect(() => versionOf([Buffer.from([5, 1, 200])])).toThrow(/cut off/);
  expect(() => versionOf([Buffer.from([99])])).toThrow(/unknown field/);
  expect(manifestNamedBy(Buffer.from('MANIFEST-000001'))).toBeUndefined();
  expect(manifestNamedBy(Buffer.from('../elsewhere\n'))).toBeUndefined();
});

it('names the release that the package is', () => {
  expect(RELEASE).toBe(packageJson.version);
});
