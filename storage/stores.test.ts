// The lie: "every store is the same to a system". One suite for all of them.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Tape from 'tape';
import { expect, it } from 'vitest';
import { Disk, FaultyLevel, faulty } from './faulty.ts';
import { leveldb } from './leveldb.ts';
import { memory } from './memory.ts';
import { storeSuite } from './store.testsuite.ts';

storeSuite('leveldb', {
  makePlace: () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-store-'));
    return { store: () => leveldb(folder), dispose: () => rmSync(folder, { recursive: true }) };
  },
});

storeSuite('memory', {
  makePlace: () => {
    const store = memory();
    return { store: () => store };
  },
});

storeSuite('faulty', {
  makePlace: () => {
    const disk = new Disk();
    return { store: () => faulty(disk) };
  },
});

it("the faulty store passes abstract-level's own test suite", async () => {
  const require = createRequire(import.meta.url);
  const tape = require('tape') as typeof Tape;
  const suite = require('abstract-level/test') as (options: object) => void;
  const harness = tape.createHarness();
  const failures: string[] = [];
  let assertions = 0;
  const finished = new Promise<void>((resolve) => {
    const stream = harness.createStream({ objectMode: true });
    stream.on('data', (row: { type: string; ok?: boolean; name?: string }) => {
      if (row.type !== 'assert') return;
      assertions++;
      if (row.ok !== true) failures.push(String(row.name));
    });
    stream.on('end', resolve);
  });
  suite({
    test: harness,
    factory: (options: object) =>
      new FaultyLevel(new Disk(), { keyEncoding: 'utf8', valueEncoding: 'utf8', ...options }),
  });
  await finished;
  console.log(`abstract-level's suite: ${assertions} assertions, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(assertions).toBeGreaterThan(4000);
}, 60_000);
