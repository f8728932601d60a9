// The lie: "it is in the backup". Backups are made of systems at work, of each kind of store, once and again; restored, opened, and
// held against what was acknowledged. Backups that were tampered with, and folders that hold something else, must be refused.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { BackupReport } from 'heddle/storage';
import {
  BackupRefused,
  BackupUnsound,
  FolderNotEmpty,
  leveldb,
  memory,
  restoreBackup,
  StoreUnfinished,
} from 'heddle/storage';
import type { Receipt } from 'heddle';
import { childrenFromSource } from '../from-source.ts';
import { collect, isSettled, onDisk, open, rejection, temporaryFolder, ticks } from './systems.ts';
import { WatchedStore } from './watched-store.ts';

beforeAll(childrenFromSource);

const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'inc'; text: string } },
}).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { inc: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
});
const actors = { counter };

const TEXT = 'x'.repeat(200);

/** A system with some counters that have counted. */
async function counted(store = onDisk(), upTo = 5) {
  const opened = await open(actors, { store });
  for (const id of ['a', 'b', 'c']) {
    const ref = await opened.system.actor('counter', id);
    for (let i = 0; i < upTo; i++) await ref.send({ type: 'inc', text: TEXT });
  }
  return opened;
}

/** Opens what was restored. */
const reopened = (folder: string) => open(actors, { store: leveldb(folder) });

const objectsIn = (folder: string): string[] => readdirSync(join(folder, 'files')).sort();

describe.each([
  ['on LevelDB', onDisk],
  ['in memory', memory],
])('the backup of a system %s', (_, makeStore) => {
  it('holds everything that was acknowledged, and opens', async () => {
    const { system } = await counted(makeStore());
    const { head } = await system.verify();
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('restored')];
    const report = await system.backup(backup);
    expect(report.head).toEqual(head);
    expect(report).toMatchObject({ records: 18, actors: 3, damaged: [] });
    const restored = await restoreBackup({ from: backup, to });
    expect(restored).toMatchObject({ storeId: report.storeId, head, records: 18, actors: 3 });

    const later = await reopened(to);
    expect(later.system.get('counter/b')!.getSnapshot().context.n).toBe(5);
    expect((await later.system.verify()).broken).toEqual([]);
    await later.system.get('counter/b')!.send({ type: 'inc', text: TEXT });
    expect(later.system.get('counter/b')!.getSnapshot().context.n).toBe(6);
  });

  it('says in its history that it was restored, once', async () => {
    const { system } = await counted(makeStore());
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('restored')];
    const { head } = await system.backup(backup);
    await restoreBackup({ from: backup, to });
    let later = await reopened(to);
    await later.settle();
    later = await later.reopen();
    await later.settle();
    const told = (await collect(later.system.history('heddle/system'))).filter(
      ({ event }) => event.type === 'heddle.restored',
    );
    expect(told).toHaveLength(1);
    expect(told[0]!.event).toMatchObject({ commit: head.commit, hash: head.hash });
  });

  it('is brought up to date: what is new is in it, and the folder holds nothing else', async () => {
    const { system } = await counted(makeStore());
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('restored')];
    await system.backup(backup);
    await system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    const { files } = await system.backup(backup);
    expect(objectsIn(backup).length).toBeLessThanOrEqual(files);
    expect(readdirSync(backup).sort()).toEqual(['backup.json', 'files']);
    await restoreBackup({ from: backup, to });
    expect((await reopened(to)).system.get('counter/a')!.getSnapshot().context.n).toBe(6);
  });
});

describe('a backup of a system at work', () => {
  it('holds what was acknowledged before it began, each time', async () => {
    const { system } = await counted();
    const backup = temporaryFolder('backup');
    const refs = await Promise.all(Array.from({ length: 8 }, (_, i) => system.actor('counter', `${i}`)));
    const acked: Receipt[] = [];
    let working = true;
    const work = Promise.all(
      refs.map(async (ref) => {
        while (working) {
          acked.push(await ref.send({ type: 'inc', text: TEXT }));
          // Short histories are read again quickly.
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      }),
    );
    for (let round = 0; round < 3; round++) {
      const before = [...acked];
      const { head } = await system.backup(backup);
      const to = temporaryFolder('restored');
      await restoreBackup({ from: backup, to });
      expect(Math.max(...before.map(({ commit }) => commit))).toBeLessThanOrEqual(head.commit);
      const later = await reopened(to);
      const newest = new Map(before.map((receipt) => [receipt.address, receipt]));
      for (const { address, seq } of newest.values())
        expect((await collect(later.system.history(address))).length).toBeGreaterThanOrEqual(seq);
      await later.system.close();
    }
    working = false;
    await work;
    expect(acked.length).toBeGreaterThan(100);
  });

  it('does not copy again what is there', async () => {
    const { system } = await counted(onDisk(), 50);
    await system.compact();
    const backup = temporaryFolder('backup');
    const first = await system.backup(backup);
    expect(first.copiedFiles).toBe(first.files);
    const second = await system.backup(backup);
    expect(second).toMatchObject({ copiedFiles: 0, copiedBytes: 0, bytes: first.bytes });
    // A disk may have changed what lies there.
    const [object] = objectsIn(backup);
    flip(join(backup, 'files', object!));
    const third = await system.backup(backup);
    expect(third.copiedFiles).toBe(1);
    await restoreBackup({ from: backup, to: temporaryFolder('restored') });
  });

  it('is interrupted by a signal, and what was there before stays whole', async () => {
    const { system } = await counted();
    const backup = temporaryFolder('backup');
    const { head } = await system.backup(backup);
    await system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    for (const phase of ['copying', 'verifying'] as const) {
      const controller = new AbortController();
      const onProgress = (progress: { phase: string }) => {
        if (progress.phase === phase) controller.abort(new Error('enough'));
      };
      const error = await rejection(system.backup(backup, { signal: controller.signal, onProgress }));
      expect(error.message).toBe('enough');
      const to = temporaryFolder('restored');
      expect((await restoreBackup({ from: backup, to })).head).toEqual(head);
    }
    expect((await system.backup(backup)).head.commit).toBeGreaterThan(head.commit);
  });

  it('is refused where two are made at once', async () => {
    const { system } = await counted();
    const backup = temporaryFolder('backup');
    const first = system.backup(backup);
    expect(await rejection(system.backup(backup))).toBeInstanceOf(BackupRefused);
    await first;
  });
});

describe('a commit that is being written', () => {
  it('is waited for, and is in the backup', async () => {
    const store = new WatchedStore();
    const { system } = await counted(store);
    store.hold();
    const sent = system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    await ticks();
    const made = system.backup(temporaryFolder('backup'));
    expect(await isSettled(made)).toBe(false);
    store.release();
    const { commit } = await sent;
    expect((await made).head.commit).toBe(commit);
  });

  it('makes the backup fail when it fails itself; so does a system that is closed', async () => {
    const store = new WatchedStore();
    const { system } = await counted(store);
    store.hold();
    store.failure = new Error('no luck');
    const sent = rejection(system.get('counter/a')!.send({ type: 'inc', text: TEXT }));
    await ticks();
    const made = rejection(system.backup(temporaryFolder('backup')));
    await ticks();
    store.release();
    expect([(await sent).name, (await made).name]).toEqual(['StoreFenced', 'StoreFenced']);
    await system.close();
    expect((await rejection(system.backup(temporaryFolder('backup')))).name).toBe('SystemClosed');
    expect((await rejection(system.compact())).name).toBe('SystemClosed');
  });
});

describe('a folder that cannot take a backup', () => {
  it('is refused, and left as it is: one with other things, one of another store, the store itself', async () => {
    const store = temporaryFolder('store');
    const { system } = await counted(leveldb(store));
    const other = await counted();
    const foreign = temporaryFolder('foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'thesis.txt'), 'all of it');
    expect(await rejection(system.backup(foreign))).toBeInstanceOf(BackupRefused);
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);

    const backup = temporaryFolder('backup');
    await other.system.backup(backup);
    const manifest = readFileSync(join(backup, 'backup.json'), 'utf8');
    expect(await rejection(system.backup(backup))).toBeInstanceOf(BackupRefused);
    expect(readFileSync(join(backup, 'backup.json'), 'utf8')).toBe(manifest);

    expect(await rejection(system.backup(store))).toBeInstanceOf(BackupRefused);
    expect(await rejection(system.backup(join(store, 'backup')))).toBeInstanceOf(BackupRefused);
  });

  it('is refused to the original once its restored copy has gone on and was backed up there', async () => {
    const { system } = await counted();
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('restored')];
    await system.backup(backup);
    await restoreBackup({ from: backup, to });
    const copy = await reopened(to);
    await copy.settle();
    await copy.system.backup(backup);
    await system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    expect((await rejection(system.backup(backup))).message).toContain('not in the history');
    await system.backup(temporaryFolder('another'));
  });

  it('keeps its backup when the store does not prove itself any more', async () => {
    const { system, runtime, store } = await counted();
    const backup = temporaryFolder('backup');
    const { head } = await system.backup(backup);
    const frame = runtime.ledger.head.frame - 1;
    const key = Buffer.from([0x46, 0, 0, 0, 0, frame >> 8, frame & 255]);
    const bytes = Buffer.from(store.get(key)!);
    bytes[bytes.length - 3]! ^= 1;
    const batch = store.batch();
    batch.put(key, bytes);
    await batch.write();
    expect(await rejection(system.backup(backup))).toBeInstanceOf(BackupUnsound);
    const to = temporaryFolder('restored');
    expect((await restoreBackup({ from: backup, to })).head).toEqual(head);
    // On demand it is kept as it is, and restored as it is.
    const asItIs = temporaryFolder('as-it-is');
    const report = await system.backup(asItIs, { damaged: true });
    expect(report.damaged).toHaveLength(1);
    const damaged = await restoreBackup({ from: asItIs, to: temporaryFolder('damaged') });
    expect(damaged.damaged).toEqual(report.damaged);
  });
});

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 4;
  writeFileSync(path, bytes);
}

/** Ways to spoil a backup. */
const SPOILS: readonly (readonly [what: string, (folder: string, report: BackupReport) => void])[] = [
  ...[0, 1, 2, 3, 4].map(
    (index) =>
      [
        `with a flipped bit in file ${index}`,
        (folder: string) => flip(join(folder, 'files', objectsIn(folder)[index]!)),
      ] as const,
  ),
  ['with a file cut off', (folder) => truncateSync(join(folder, 'files', objectsIn(folder)[0]!), 10)],
  ['with a file missing', (folder) => rmSync(join(folder, 'files', objectsIn(folder)[1]!))],
  ['with a file too many', (folder) => writeFileSync(join(folder, 'files', '000009.ldb'), 'what is this?')],
  ['without a manifest', (folder) => rmSync(join(folder, 'backup.json'))],
  ['with half a manifest', (folder) => truncateSync(join(folder, 'backup.json'), 200)],
  ['with an empty manifest', (folder) => truncateSync(join(folder, 'backup.json'), 0)],
  [
    'with an altered manifest',
    (folder, { head }) => edit(folder, `"commit": ${head.commit}`, `"commit": ${head.commit + 1}`),
  ],
  [
    'with a manifest that leads elsewhere',
    (folder) => edit(folder, '"heddle.anchor"', '"../../heddle.anchor"'),
  ],
];

function edit(folder: string, what: string, by: string): void {
  const path = join(folder, 'backup.json');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(what);
  writeFileSync(path, text.replace(what, by));
}

describe('a backup that was tampered with', () => {
  it('is refused, whatever was done to it, and nothing is restored', async () => {
    const { system } = await counted();
    await system.compact();
    await system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('restored')];
    const report = await system.backup(backup);
    for (const [what, spoil] of SPOILS) {
      const spoilt = temporaryFolder('spoilt');
      cpSync(backup, spoilt, { recursive: true });
      spoil(spoilt, report);
      const { name } = await rejection(restoreBackup({ from: spoilt, to }));
      expect([what, name, existsSync(to)]).toEqual([what, 'BackupDamaged', false]);
    }
    await restoreBackup({ from: backup, to });
  });
});

describe('a place to restore to', () => {
  it('must be empty, and is left as it is when it is not', async () => {
    const { system } = await counted();
    const [backup, to] = [temporaryFolder('backup'), temporaryFolder('occupied')];
    await system.backup(backup);
    mkdirSync(to);
    writeFileSync(join(to, 'something'), 'there');
    expect(await rejection(restoreBackup({ from: backup, to }))).toBeInstanceOf(FolderNotEmpty);
    expect(readdirSync(to)).toEqual(['something']);
  });

  it('is refused to a system until it is whole, and can be restored to again', async () => {
    const { system } = await counted();
    const [backup, whole, half] = [
      temporaryFolder('backup'),
      temporaryFolder('whole'),
      temporaryFolder('half'),
    ];
    await system.backup(backup);
    await restoreBackup({ from: backup, to: whole });
    cpSync(whole, half, { recursive: true });
    writeFileSync(join(half, 'heddle.unfinished'), '');
    expect(await rejection(reopened(half))).toBeInstanceOf(StoreUnfinished);
    await restoreBackup({ from: backup, to: half });
    expect((await reopened(half)).system.get('counter/a')!.getSnapshot().context.n).toBe(5);
  });
});

describe('compacting', () => {
  it('makes the files smaller while the system works, and changes nothing else', async () => {
    const { system, runtime } = await counted(onDisk(), 200);
    const { head } = await system.verify();
    const { bytesBefore, bytesAfter } = await system.compact();
    expect(bytesAfter).toBeLessThan(bytesBefore);
    expect(await system.verify()).toMatchObject({ head, broken: [] });
    await system.get('counter/a')!.send({ type: 'inc', text: TEXT });
    expect(runtime.isFenced).toBe(false);
  });

  it('is nothing in memory', async () => {
    const { system } = await counted(memory());
    expect(await system.compact()).toEqual({ bytesBefore: 0, bytesAfter: 0 });
  });
});
