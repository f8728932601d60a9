// The lie: "looking at a closed store changes nothing, and shows only what is there". The real command line on a real store, with
// and without the code of its actors, with code that was changed, with damage, and with things in it that no terminal should see.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assign, createMachine } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { NASTY } from './bakery.ts';
import {
  BAKERY,
  bakeryStore,
  CHANGED_BAKERY,
  HEDDLE,
  heddle,
  heddleHere,
  rowsOf,
  run,
  temporaryFolder,
} from './command-line.ts';

/** Enough that nobody who holds all of it fits into the memory that the test allows. */
const BIG = { records: 6000, bytes: 16_000, heapMb: 64 };

const home = temporaryFolder();
const store = join(home.path, 'store');
const inStore = (...args: string[]) => heddleHere('--store', store, ...args);
/** Code is loaded as the command line loads it: in a process of its own. */
const withCode = (...args: string[]) => heddle(['--store', store, '--actors', BAKERY, ...args]);

beforeAll(() => bakeryStore(store));
afterAll(() => home.remove());

const headOf = async (): Promise<unknown> => rowsOf(await inStore('verify', '--json'))[0]!['head'];

describe('without code', () => {
  it('names everybody, tells journals and letters, and leaves the store as it was', async () => {
    const before = await headOf();
    // One after the other: a store is open in one process.
    const ls = await inStore('ls');
    expect(ls).toMatchObject({ code: 0, stderr: '' });
    expect(ls.stdout.split('\n').map((line) => line.split(/ {2,}/)[0])).toEqual([
      'address',
      'bread/1',
      'oven/big',
      'supervisor/bakery',
      '',
    ]);
    const history = await inStore('history', 'oven/big', '--json');
    expect(rowsOf(history)).toMatchObject([
      { seq: 1, event: { type: 'xstate.init' }, cause: { kind: 'actor', address: 'supervisor/bakery' } },
      { seq: 2, event: { type: 'bake', loaves: { $bigint: '12' } }, cause: { kind: 'outside' } },
      { seq: 3, event: { type: 'label', text: NASTY }, id: 'label-1' },
    ]);
    const told = rowsOf(await inStore('history', 'oven/big', '--refusals', '--reverse', '--json'));
    expect(told.map(({ seq, refused, event }) => seq ?? [refused, event])).toEqual([
      ...[['event', 'burn'], 3, 2, 1],
    ]);
    expect(told.slice(1).toReversed()).toEqual(rowsOf(history));
    const letters = await inStore('dead-letters', '--json');
    expect(rowsOf(letters)).toMatchObject([
      {
        address: 'oven/big',
        event: { type: 'burn' },
        error: { $error: { cause: { $error: { message: `it burns: ${NASTY}` } } } },
      },
    ]);
    const show = await inStore('show', 'oven/big');
    expect(show.stdout).toContain('its state is told by its code');
    expect(show.stdout).toContain('label-1');
    expect(await headOf()).toEqual(before);
  });

  it('shows what is nasty so that it does nothing', async () => {
    const runs = [
      await inStore('history', 'oven/big'),
      await inStore('history', 'oven/big', '--json'),
      await inStore('dead-letters'),
      await withCode('show', 'oven/big'),
      await inStore('history', `nobody/${NASTY}`),
    ];
    for (const { stdout, stderr } of runs) {
      expect(stdout + stderr).toMatch(/31m/);
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });
});

describe('with code', () => {
  it('knows the states, draws the tree, finds by state, and moves nobody', async () => {
    const before = await headOf();
    const ls = rowsOf(await withCode('ls', '--json'));
    expect(ls).toMatchObject([
      { address: 'bread/1', value: 'stale' },
      { address: 'oven/big', value: 'hot' },
      {},
    ]);
    const tree = await withCode('tree');
    expect(tree.stdout).toBe(
      '● bakery       one-for-one\n○ └─ oven/big  closed, hot\n○ bread/1      closed, stale\n',
    );
    expect(rowsOf(await withCode('query', 'oven', 'hot', '--json'))).toMatchObject([{ address: 'oven/big' }]);
    expect(await withCode('query', 'oven', 'cold')).toMatchObject({
      stdout: '',
      stderr: 'nobody\n',
      code: 0,
    });
    const explain = await withCode('explain', 'oven/big');
    expect(explain.stdout).toMatch(/^oven\/big stands in state "hot" \(record 3\)\.\n/);
    expect(explain.stdout).not.toContain('paused');
    expect(rowsOf(await inStore('tail', 'oven/big', '-n', '1', '--json'))).toMatchObject([{ seq: 3 }]);
    expect(await headOf()).toEqual(before);
  });

  it('tells the past', async () => {
    const at = await withCode('at', 'oven/big', '2', '--json');
    expect(rowsOf(at)).toMatchObject([{ value: 'hot', context: { loaves: { $bigint: '12' }, label: '' } }]);
    const diff = await withCode('diff', 'oven/big', '2');
    expect(diff.stdout).toMatch(/^path +before +after\ncontext\.label +'' +'rye /);
    const blame = await withCode('blame', 'oven/big', 'context.loaves', '--json');
    expect(rowsOf(blame)).toMatchObject([{ seq: 2, event: { type: 'bake' }, after: { $bigint: '12' } }]);
    expect(await withCode('blame', 'oven/big', 'context.crumbs')).toMatchObject({ code: 1, stdout: '' });
    expect((await inStore('refusals')).stdout).toBe('');
    const history = await inStore('history', 'oven/big', '--refusals', '--from', '3');
    expect(history.stdout).toMatch(/event burn +dead letter \d+ +✖ its step threw a Error\n$/);
  });

  it('says whether it is the code that wrote it', async () => {
    const before = await headOf();
    const same = await withCode('replay', 'oven/big');
    expect(same).toMatchObject({ code: 0, stdout: '✔ oven/big: 3 records tell the same story\n' });
    const changed = await heddle(['--store', store, '--actors', CHANGED_BAKERY, 'replay', 'oven/big']);
    expect(changed).toMatchObject({ code: 1, stderr: '' });
    expect(changed.stdout).toMatch(/^✖ oven\/big: 2 records: record 2 comes out differently at intents/);
    const migrate = ['--actors', CHANGED_BAKERY, 'migrate', '--dry-run', '--json'];
    const migrations = await heddle(['--store', store, ...migrate]);
    expect(migrations.code).toBe(1);
    expect(rowsOf(migrations)).toMatchObject([{ address: 'oven/big', outcome: 'refused' }]);
    expect(await headOf()).toEqual(before);
  });

  it('finds it, and the store, in a configuration file of the folder', async () => {
    const folder = join(home.path, 'project');
    mkdirSync(folder);
    const config = `import bakery from ${JSON.stringify(BAKERY)};\nexport default { ...bakery, store: '../store' };\n`;
    writeFileSync(join(folder, 'heddle.config.mts'), config);
    const ls = await heddle(['ls', '--json'], { cwd: folder });
    expect(rowsOf(ls)).toMatchObject([{ value: 'stale' }, { value: 'hot' }, {}]);
    const other = await heddle(['ls', '--store', join(home.path, 'nowhere')], { cwd: folder });
    expect(other).toMatchObject({ code: 3, stderr: expect.stringContaining('does not exist') as string });
  });

  it('lets the system run only when it is told to', async () => {
    const copy = join(home.path, 'run');
    cpSync(store, copy, { recursive: true });
    const send = ['--store', copy, '--actors', BAKERY, 'send', 'oven/big', 'label'];
    const refused = await heddleHere(...send);
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('--run') as string });
    const sent = await heddle([...send, '--run', '--data', '-', '--id', 'k', '--json'], {
      input: '{"text":"{}"}',
    });
    expect(rowsOf(sent)).toMatchObject([{ address: 'oven/big', seq: 4 }]);
    const again = await heddle([...send, '--run', '--field', 'text=other', '--id', 'k', '--json']);
    expect(rowsOf(again)).toEqual(rowsOf(sent));
    const stuck = await heddle(['--store', copy, '--actors', BAKERY, 'stuck', '--run', '--json']);
    expect(stuck.code).toBe(1);
    expect(rowsOf(stuck)).toMatchObject([{ address: 'bread/1', reason: 'nothing-to-wait-for' }]);
  });
});

describe('it ends', () => {
  it.each([
    ['with 3 where there is no actor', ['history', 'nobody/1'], 3, 'nobody ever lived there'],
    ['with 4 where code is needed', ['replay', 'oven/big'], 4, '--actors'],
    [
      'with 4 where the code cannot be loaded',
      ['replay', 'oven/big', '--actors', 'README.md'],
      4,
      'cannot be loaded',
    ],
    ['with 3 where there is no such letter', ['discard', '99', '--reason', 'none'], 3, 'no dead letter 99'],
    ['with 2 where a letter is no number', ['discard', 'x', '--reason', 'none'], 2, 'by its number'],
    ['with 2 where the data is no JSON', ['send', 'a/1', 'b', '--run', '--data', '{'], 2, 'must be JSON'],
    ['with 2 at an unknown flag', ['ls', '--colour'], 2, "unknown option '--colour'"],
  ])('%s', async (_, args, code, words) => {
    const ended = await inStore(...args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(words);
  });

  it('with 2 where nothing says which store, and says so in JSON when it is asked to', async () => {
    const nowhere = { cwd: home.path };
    expect(await heddle(['ls'], nowhere)).toMatchObject({ code: 2 });
    const missing = await heddle(['--store', 'none', 'ls', '--json'], nowhere);
    expect(missing.code).toBe(3);
    expect(JSON.parse(missing.stderr)).toMatchObject({ trouble: { code: 'HEDDLE_NOT_FOUND' } });
  });

  it('with 1 when the store does not prove itself, and with 6 when a journal is asked for that does not', async () => {
    const damaged = join(home.path, 'damaged');
    cpSync(store, damaged, { recursive: true });
    const database = new Level<Uint8Array, Uint8Array>(damaged, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    let frames = 0;
    for await (const [key, value] of database.iterator({ gte: Buffer.from('F'), lt: Buffer.from('G') })) {
      const at = Buffer.from(value).indexOf('loaves');
      if (at === -1) continue;
      frames++;
      await database.put(key, Buffer.from(value).fill(0x21, at, at + 1));
    }
    await database.close();
    expect(frames).toBe(1);
    const verified = await heddleHere('--store', damaged, 'verify');
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/^✖ damaged: [^]*\n.*oven\/big/);
    expect(await heddleHere('--store', damaged, 'history', 'oven/big')).toMatchObject({ code: 6 });
    expect(await heddleHere('--store', damaged, 'history', 'bread/1')).toMatchObject({ code: 0 });
  });
});

it('is backed up, restored, compacted and looked after', async () => {
  const [backup, restored, saved] = ['backup', 'restored', 'saved'].map((name) => join(home.path, name)) as [
    string,
    string,
    string,
  ];
  // They look at stores in processes of their own, which begin as this one did.
  const real = (...args: string[]) => heddle(['--store', store, ...args]);
  const head = await headOf();
  expect(rowsOf(await real('backup', backup, '--json'))).toMatchObject([{ head }]);
  expect(await real('restore', backup, '--to', restored)).toMatchObject({ code: 0 });
  expect(await real('restore', backup, '--to', restored)).toMatchObject({ code: 4 });
  expect(rowsOf(await heddleHere('--store', restored, 'history', 'oven/big', '--json'))).toMatchObject([
    { seq: 1 },
    { seq: 2 },
    { seq: 3 },
  ]);
  const doctor = await real('doctor');
  expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining('is sound') as string });
  expect(await heddleHere('--store', join(home.path, 'nowhere'), 'doctor')).toMatchObject({ code: 3 });
  expect(await real('salvage', '--to', saved)).toMatchObject({ code: 0 });
  expect(await heddleHere('--store', saved, 'verify')).toMatchObject({ code: 0 });
  expect(rowsOf(await heddleHere('--store', restored, 'compact', '--json'))).toMatchObject([
    { bytesBefore: expect.any(Number) as number, bytesAfter: expect.any(Number) as number },
  ]);
});

it('gives a long journal as it reads it, and stops quietly when nobody reads on', async () => {
  const big = join(home.path, 'big');
  const many = createMachine({
    types: { context: {} as { n: number } },
    context: { n: 0 },
    on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  });
  await using system = await createSystem({ store: leveldb(big), actors: { many } });
  const ref = await system.actor('many', '1');
  const filling = 'x'.repeat(BIG.bytes);
  await Promise.all(Array.from({ length: BIG.records - 1 }, () => ref.send({ type: 'add', filling })));
  await system.close();
  const env = { NODE_OPTIONS: `--max-old-space-size=${BIG.heapMb}` };
  const words = [...HEDDLE, '--store', big, 'history', 'many/1', '--json'];
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const [all, few] = [
    await run(['sh', '-c', `${quoted} | wc -l`], { env }),
    await run(['bash', '-c', `set -o pipefail; ${quoted} | head -n 2 | wc -l`]),
  ];
  expect(all).toMatchObject({ code: 0, stdout: `${BIG.records}\n`, stderr: '' });
  expect(few).toMatchObject({ code: 0, stdout: '2\n', stderr: '' });
});
