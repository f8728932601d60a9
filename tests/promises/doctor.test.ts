// The lie: "the doctor knows". Stores are damaged in each way that files can be; it must say so, name whose it was, change nothing,
// and save everybody else. What is saved must be true.
import { createHash } from 'node:crypto';
import {
  cpSync,
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Level } from 'level';
import { createSystem, JournalCorrupt } from 'heddle';
import { doctor, FolderNotEmpty, leveldb, NothingSaved, salvage, StoreLocked } from 'heddle/storage';
import type { Salvage } from 'heddle/storage';
import { childrenFromSource } from '../from-source.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import { nameWitnessKey } from '../../storage/keys.ts';
import { fillStore, notebook } from '../rings/damage/subject.ts';
import type { Expected } from '../rings/damage/subject.ts';
import { rejection, temporaryFolder } from './systems.ts';

beforeAll(childrenFromSource);

const logger = { log: () => {}, error: () => {} };

const place = mkdtempSync(join(tmpdir(), 'heddle-doctor-test-'));
/** As after kill -9, with much in the log; and as after a close. Made once, never opened. */
const killed = join(place, 'killed');
const closed = join(place, 'closed');
let expected: readonly Expected[];

beforeAll(async () => {
  const working = join(place, 'working');
  ({ expected } = await fillStore(working, new Prng(7), () => copy(working, killed)));
  copy(working, closed);
});
afterAll(() => rmSync(place, { recursive: true }));

function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (!/^(LOCK|LOG.*|heddle\.lock)$/.test(name)) cpSync(join(from, name), join(to, name));
}

function patient(from: string): string {
  const folder = temporaryFolder('patient');
  copy(from, folder);
  return folder;
}

/** All names and bytes in a folder. */
const printOf = (folder: string): string =>
  readdirSync(folder)
    .sort()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`,
    )
    .join('\n');

const named = (folder: string, pattern: RegExp): string => {
  const names = readdirSync(folder).filter((name) => pattern.test(name));
  // The largest holds the most.
  const [name] = names.sort((a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size);
  return join(folder, name!);
};

function flip(path: string, part = 0.5): void {
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length * part)]! ^= 16;
  writeFileSync(path, bytes);
}

/** Changes a row behind everybody's back. */
async function withRows(
  folder: string,
  change: (database: Level<Buffer, Buffer>) => Promise<void>,
): Promise<void> {
  const database = new Level<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await change(database);
  await database.close();
  for (const name of readdirSync(folder)) if (/^(LOCK|LOG.*)$/.test(name)) rmSync(join(folder, name));
}

interface Damage {
  readonly what: string;
  readonly from: () => string;
  readonly injure: (folder: string) => void | Promise<void>;
  /** What the doctor must mention. */
  readonly says: RegExp;
  readonly verdicts: readonly string[];
  /** At least how many of the 30 notebooks must be saved. */
  readonly saves: number;
}

const DAMAGES: readonly Damage[] = [
  {
    what: 'CURRENT is gone',
    from: () => killed,
    injure: (folder) => rmSync(join(folder, 'CURRENT')),
    says: /CURRENT: is missing/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'CURRENT holds something else',
    from: () => closed,
    injure: (folder) => writeFileSync(join(folder, 'CURRENT'), 'MANIFEST-999999\n'),
    says: /MANIFEST-999999: is missing/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'the manifest is gone',
    from: () => killed,
    injure: (folder) => rmSync(named(folder, /^MANIFEST/)),
    says: /MANIFEST-\d+: is missing/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'the manifest is cut off',
    from: () => closed,
    injure: (folder) => truncateSync(named(folder, /^MANIFEST/), 60),
    says: /MANIFEST-\d+: is cut off/,
    verdicts: ['closed', 'damaged'],
    saves: 30,
  },
  {
    what: 'a bit of the manifest is flipped',
    from: () => closed,
    injure: (folder) => flip(named(folder, /^MANIFEST/)),
    says: /MANIFEST-\d+: is damaged at byte/,
    verdicts: ['closed', 'damaged'],
    saves: 30,
  },
  {
    what: 'a table is gone',
    from: () => killed,
    injure: (folder) => rmSync(named(folder, /\.ldb$/)),
    says: /\d+\.ldb: is missing/,
    verdicts: ['closed'],
    saves: 0,
  },
  {
    what: 'a table is cut off',
    from: () => killed,
    injure: (folder) => truncateSync(named(folder, /\.ldb$/), 5000),
    says: /\.ldb: has 5000 bytes instead of/,
    verdicts: ['closed', 'damaged'],
    saves: 0,
  },
  {
    what: 'bits of a table are flipped',
    from: () => closed,
    // A single one may hit what was overwritten since, and then nothing is wrong; LevelDB may even end the process that looks.
    injure: (folder) => {
      for (const part of [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) flip(named(folder, /\.ldb$/), part);
    },
    says: /notebook|frame|row|corrupt|SIGABRT/i,
    verdicts: ['closed', 'damaged'],
    saves: 0,
  },
  {
    what: 'a bit of the log is flipped',
    from: () => killed,
    injure: (folder) => flip(named(folder, /\.log$/), 0.6),
    says: /\.log: is damaged at byte .* without a word/,
    verdicts: ['damaged'],
    saves: 1,
  },
  {
    what: 'the log is cut off',
    from: () => killed,
    injure: (folder) => {
      const log = named(folder, /\.log$/);
      truncateSync(log, statSync(log).size - 3000);
    },
    says: /missing/,
    verdicts: ['damaged'],
    saves: 1,
  },
  {
    what: 'the log is gone',
    from: () => killed,
    injure: (folder) => rmSync(named(folder, /\.log$/)),
    says: /\.log: is missing: it held what was written last/,
    verdicts: ['damaged'],
    saves: 0,
  },
  {
    what: 'the anchor is gone',
    from: () => killed,
    injure: (folder) => rmSync(join(folder, 'heddle.anchor')),
    says: /heddle\.anchor: is missing/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'the anchor is of another store',
    from: () => closed,
    injure: async (folder) => {
      const other = temporaryFolder('other');
      await (await createSystem({ store: leveldb(other), actors: { notebook }, logger })).close();
      cpSync(join(other, 'heddle.anchor'), join(folder, 'heddle.anchor'));
    },
    says: /anchor belongs to another store/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'the superblock is damaged',
    from: () => closed,
    injure: (folder) =>
      withRows(folder, async (database) => {
        await database.put(Buffer.from('!s'), Buffer.from('nonsense'));
      }),
    says: /superblock/,
    verdicts: ['closed'],
    saves: 30,
  },
  {
    what: 'a name, a checkpoint and marks are gone or damaged',
    from: () => closed,
    injure: (folder) =>
      withRows(folder, async (database) => {
        await database.del(Buffer.from('Nnotebook/3'));
        const [first, second] = await database.keys({ gte: Buffer.from('A'), lt: Buffer.from('B') }).all();
        await database.del(first!);
        await database.put(second!, Buffer.from('damaged'));
        await database.put(Buffer.from('R\0\0\0\0\0\x05'), Buffer.from('damaged'));
        await database.put(Buffer.from('D\0\0\0\0\0\x01'), Buffer.from('damaged'));
      }),
    says: /notebook\/3.*its name is missing/,
    verdicts: ['closed', 'damaged'],
    saves: 27,
  },
  {
    what: 'the witnesses of two names are damaged and gone, and the code is gone',
    from: () => closed,
    injure: (folder) =>
      withRows(folder, async (database) => {
        const [first, second] = await database.keys({ gte: Buffer.from('H'), lt: Buffer.from('I') }).all();
        await database.put(first!, Buffer.from('damaged'));
        await database.del(second!);
        for (const key of await database.keys({ gte: Buffer.from('C'), lt: Buffer.from('D') }).all())
          await database.del(key);
      }),
    says: /notebook\/\d+ in row H: .*[^]*notebook\/\d+ in row H: /,
    verdicts: ['damaged'],
    saves: 30,
  },
  {
    what: 'a name is gone, and its witness is damaged',
    from: () => closed,
    injure: (folder) =>
      withRows(folder, async (database) => {
        await database.del(Buffer.from('Nnotebook/3'));
        await database.put(Buffer.from(nameWitnessKey('notebook/3')), Buffer.from('damaged'));
      }),
    says: /notebook\/3.*its name is missing/,
    verdicts: ['damaged'],
    saves: 29,
  },
];

describe('a damaged store', () => {
  it.each(DAMAGES)(
    '$what: it is said, nothing is changed, and what is saved is true',
    async (damage) => {
      const folder = patient(damage.from());
      await damage.injure(folder);
      const before = printOf(folder);
      const diagnosis = await doctor(folder);
      expect(diagnosis.text).toMatch(damage.says);
      expect(damage.verdicts).toContain(diagnosis.verdict);
      expect(printOf(folder)).toBe(before);

      const to = temporaryFolder('saved');
      if (diagnosis.saves === undefined) {
        expect(damage.saves).toBe(0);
        expect(await rejection(salvage({ from: folder, to }))).toBeInstanceOf(NothingSaved);
        expect(readdirSync(join(to, '..'))).not.toContain('saved');
        return;
      }
      const saved = await salvage({ from: folder, to });
      expect(saved).toEqual(diagnosis.saves);
      expect(printOf(folder)).toBe(before);
      expect(saved.kept).toBeGreaterThanOrEqual(damage.saves);
      expect(await judge(to, saved)).toBeGreaterThanOrEqual(damage.saves);
    },
    120_000,
  );
});

/** Opens what was saved: everybody is as he was, or refused. Says how many are as they were. */
async function judge(folder: string, saved: Pick<Salvage, 'refused' | 'losses'>): Promise<number> {
  const refused = new Set(saved.refused.map(({ address }) => address));
  // Whoever was born under a code that is lost is as he was all the same.
  const isSaid = saved.losses.some((loss) => loss.startsWith('the code that some were born under'));
  let whole = 0;
  // What was said at the first opening is remembered at the second.
  for (let round = 0; round < 2; round++) {
    whole = 0;
    const system = await createSystem({ store: leveldb(folder), actors: { notebook }, logger });
    for (const { address, ...context } of expected) {
      try {
        const ref = system.get(address as 'notebook/0');
        // One who is gone must be refused.
        expect({ address, ...ref?.getSnapshot().context }).toEqual({ address, ...context });
        expect(refused).not.toContain(address);
        expect(await system.replay(address)).toMatchObject({ same: true });
        whole++;
      } catch (error) {
        expect(error).toBeInstanceOf(JournalCorrupt);
      }
    }
    const { broken } = await system.verify();
    for (const { address, row } of broken) if (row !== 'C' || !isSaid) expect(refused).toContain(address);
    await system.close();
  }
  return whole;
}

describe('the doctor', () => {
  it('says of a sound store that it is sound, after a close and after a kill', async () => {
    for (const from of [closed, killed]) {
      const folder = patient(from);
      const before = printOf(folder);
      const diagnosis = await doctor(folder);
      expect(diagnosis).toMatchObject({ verdict: 'sound', findings: [], advice: [], holds: { actors: 30 } });
      expect(printOf(folder)).toBe(before);
    }
  });

  it('does not touch a store that is open, and says who has it', async () => {
    const folder = temporaryFolder('store');
    const system = await createSystem({ store: leveldb(folder), actors: { notebook }, logger });
    expect((await doctor(folder)).verdict).toBe('in-use');
    expect(await rejection(salvage({ from: folder, to: temporaryFolder('to') }))).toBeInstanceOf(StoreLocked);
    await (await system.actor('notebook', '1')).send({ type: 'write', number: 1, text: '' });
    await system.close();
    expect((await doctor(folder)).verdict).toBe('sound');
  });

  it('says of a folder without a store, and of half a store, what they are', async () => {
    const folder = temporaryFolder('nothing');
    expect((await doctor(folder)).verdict).toBe('missing');
    mkdirSync(folder);
    expect((await doctor(folder)).verdict).toBe('missing');
    writeFileSync(join(folder, 'CURRENT'), 'MANIFEST-000001\n');
    expect((await doctor(folder)).verdict).toBe('closed');
    writeFileSync(join(folder, 'heddle.unfinished'), '');
    expect((await doctor(folder)).verdict).toBe('unfinished');
  });

  it('survives any bytes', async () => {
    const random = new Prng(3);
    const folder = patient(killed);
    for (const name of readdirSync(folder))
      writeFileSync(join(folder, name), random.bytes(1 + random.below(70_000)));
    const diagnosis = await doctor(folder);
    expect(diagnosis.verdict).toBe('closed');
    expect(diagnosis.saves).toBeUndefined();
  });

  it('saves into an empty place only', async () => {
    const to = temporaryFolder('occupied');
    mkdirSync(to);
    writeFileSync(join(to, 'something'), 'there');
    expect(await rejection(salvage({ from: closed, to }))).toBeInstanceOf(FolderNotEmpty);
    expect(readdirSync(to)).toEqual(['something']);
  });
});
