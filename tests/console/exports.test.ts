// The lie: "a history can be carried out of its store and into another with nothing but the command line; and whoever checks it hears
// the truth". Through files, pipes and a socket; with other code, without code, damaged, missing, and where something is in the way.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from 'heddle';
import {
  BAKERY,
  bakeryStore,
  CHANGED_BAKERY,
  daemonOn,
  end,
  endAll,
  HEDDLE,
  heddle,
  heddleHere,
  rowsOf,
  run,
  temporaryFolder,
} from './command-line.ts';
import type { Run } from './command-line.ts';
import bakery from './bakery.ts';

const home = temporaryFolder();
const store = join(home.path, 'store');
const file = (name: string): string => join(home.path, name);
const [ovenFile, breadFile] = [file('oven.jsonl'), file('bread.jsonl')];
const real = (...args: string[]) => heddle(['--store', store, '--actors', BAKERY, ...args]);
const told = (history: string) => check({ actors: bakery.actors, history });
const headOf = async (of: string): Promise<unknown> =>
  rowsOf(await heddleHere('--store', of, 'verify', '--json'))[0]!['head'];

let before: unknown;
let first: readonly Pick<Run, 'code' | 'stderr'>[];
beforeAll(async () => {
  await bakeryStore(store);
  before = await headOf(store);
  const quoted = [...HEDDLE, '--store', store, '--actors', BAKERY].map((word) => `'${word}'`).join(' ');
  const piped = `set -o pipefail; ${quoted} export bread/1 | cat > '${breadFile}'`;
  first = [
    await real('export', 'oven/big', '-o', ovenFile),
    await run(['bash', '-c', piped], { env: { FORCE_COLOR: '1' } }),
  ];
});
afterAll(async () => {
  await endAll();
  home.remove();
});

describe('an export', () => {
  it('is whole in a file and through a pipe, and has left the store as it was', async () => {
    for (const ended of first) expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(await told(readFileSync(ovenFile, 'utf8'))).toMatchObject([{ address: 'oven/big', same: true }]);
    expect(await told(readFileSync(breadFile, 'utf8'))).toMatchObject([{ address: 'bread/1', records: 2 }]);
    expect(await headOf(store)).toEqual(before);
  });

  it('can end before the actor does, and says in JSON where it is', async () => {
    const to = file('to.jsonl');
    const ended = await real('export', 'oven/big', '--to', '2', '-o', to, '--json');
    expect(rowsOf(ended)).toEqual([{ address: 'oven/big', file: to, bytes: readFileSync(to).length }]);
    expect(await told(readFileSync(to, 'utf8'))).toMatchObject([{ records: 2 }]);
  });

  it('overwrites nothing, leaves nothing behind that failed, and needs the code', async () => {
    const kept = readFileSync(ovenFile);
    expect(await real('export', 'bread/1', '-o', ovenFile)).toMatchObject({ code: 4, stdout: '' });
    expect(readFileSync(ovenFile)).toEqual(kept);
    expect(await real('export', 'nobody/1', '-o', file('nobody'))).toMatchObject({ code: 3 });
    expect(existsSync(file('nobody'))).toBe(false);
    const without = await heddleHere('--store', store, 'export', 'oven/big', '-o', file('without'));
    expect(without).toMatchObject({ code: 4, stderr: expect.stringContaining('--actors') as string });
    expect(existsSync(file('without'))).toBe(false);
    expect(await heddleHere('--store', store, 'export', 'a/1', '--import', './x.ts')).toMatchObject({
      code: 2,
    });
  });

  it('as a fixture is two files in a folder of its own, neither without the other', async () => {
    const folder = join(home.path, 'made', 'here');
    const fixture = ['export', 'oven/big', '--fixture', folder, '--import', '../oven.ts'];
    const made = await real(...fixture);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(folder).toSorted()).toEqual(['oven-big.history.jsonl', 'oven-big.test.ts']);
    expect(made.stdout).toContain(`run it: npx vitest run ${join(folder, 'oven-big.test.ts')}\n`);
    const test = readFileSync(join(folder, 'oven-big.test.ts'), 'utf8');
    expect(test).toContain('import { actors } from "../oven.ts";');
    expect(await told(readFileSync(join(folder, 'oven-big.history.jsonl'), 'utf8'))).toHaveLength(1);
    // The test stands in the way.
    cpSync(join(folder, 'oven-big.test.ts'), join(home.path, 'half', 'oven-big.test.ts'));
    const half = await real('export', 'oven/big', '--fixture', join(home.path, 'half'));
    expect(half).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('oven-big.test.ts is there') as string,
    });
    expect(readdirSync(join(home.path, 'half'))).toEqual(['oven-big.test.ts']);
    expect(readFileSync(join(home.path, 'half', 'oven-big.test.ts'), 'utf8')).toBe(test);
  });
});

describe('an import', () => {
  it('is written into a closed store, held, and once', async () => {
    const other = join(home.path, 'other');
    cpSync(store, other, { recursive: true });
    const into = (...args: string[]) => heddle(['--store', other, '--actors', BAKERY, 'import', ...args]);
    const born = await into(ovenFile, '--as', 'oven/two', '--by', 'ada');
    expect(born).toMatchObject({ code: 0, stderr: '' });
    expect(born.stdout).toMatch(
      /^oven\/big of store [0-9a-f]{16} lives on as oven\/two \(record 1\)\nwhat .* held: heddle perform oven\/two\n$/,
    );
    const after = await headOf(other);
    expect(after).not.toEqual(before);
    expect(await into(ovenFile)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('exists') as string,
    });
    writeFileSync(file('cut.jsonl'), readFileSync(ovenFile, 'utf8').split('\n').slice(0, 3).join('\n'));
    expect(await into(file('cut.jsonl'), '--as', 'oven/three')).toMatchObject({ code: 6, stdout: '' });
    expect(await heddleHere('--store', other, 'import', file('none'))).toMatchObject({ code: 3 });
    expect(await into('-', '--as', 'oven/three')).toMatchObject({ code: 2 });
    expect(await headOf(other)).toEqual(after);
    const history = await heddleHere('--store', other, 'history', 'oven/two', '--json');
    expect(rowsOf(history)).toMatchObject([
      { event: { type: 'heddle.imported', by: 'ada', of: { address: 'oven/big' }, effects: 'hold' } },
    ]);
    const full = await heddle(['--store', other, '--actors', BAKERY, 'show', 'oven/big', '--full']);
    expect(full.stdout).toMatch(/\n {2}timer +xstate\.after\.3600000\S+ for oven\/big at /);
  });
});

describe('a check', () => {
  const checked = (actors: string, ...args: string[]) => heddle(['--actors', actors, 'check', ...args]);

  it('is fine where the code tells the same, and names the first difference where it does not', async () => {
    const same = await checked(BAKERY, ovenFile);
    expect(same).toEqual({
      code: 0,
      signal: null,
      stderr: '',
      stdout: 'address   records  story\noven/big        3  same\n',
    });
    const changed = await checked(CHANGED_BAKERY, ovenFile, breadFile);
    expect(changed).toMatchObject({ code: 1, stderr: '' });
    expect(changed.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ['address', 'records', 'story', 'record', 'at', 'recorded', 'today'],
      [
        ...['oven/big', '2', 'differs', '2', 'intents[0][1]'],
        ...["'xstate.after.3600000.(machine).hot'", "'xstate.after.60000.(machine).hot'"],
      ],
      ['bread/1', '2', 'same'],
      [],
    ]);
    expect(rowsOf(await checked(CHANGED_BAKERY, ovenFile, '--json'))).toEqual([
      {
        ...{ file: ovenFile, address: 'oven/big', records: 2, same: false },
        difference: {
          ...{ seq: 2, path: 'intents[0][1]' },
          recorded: 'xstate.after.3600000.(machine).hot',
          today: 'xstate.after.60000.(machine).hot',
        },
      },
    ]);
  });

  it('tells what it can, and ends with what is worst', async () => {
    const tampered = file('tampered.jsonl');
    writeFileSync(tampered, readFileSync(ovenFile, 'utf8').replace('"loaves":"12n"', '"loaves":"13n"'));
    const mixed = await checked(CHANGED_BAKERY, ovenFile, tampered, file('none'), breadFile, '--json');
    expect(mixed.code).toBe(6);
    expect(rowsOf(mixed)).toMatchObject([{ same: false }, { address: 'bread/1', same: true }]);
    expect(rowsOf({ stdout: mixed.stderr })).toMatchObject([
      { trouble: { code: 'HEDDLE_HISTORY_DAMAGED', fields: { file: tampered } } },
      { trouble: { code: 'HEDDLE_NOT_FOUND', fields: { file: file('none') } } },
    ]);
    const other = file('other.mjs');
    writeFileSync(other, 'export const actors = {};\n');
    const lacking = await heddleHere('--actors', other, 'check', breadFile);
    expect(lacking).toMatchObject({ code: 3, stdout: '' });
    expect(lacking.stderr).toContain(`${breadFile}: bread/1: its name 'bread' is not among`);
    expect(await heddleHere('check', ovenFile)).toMatchObject({ code: 4 });
  });

  it('takes again what has failed', async () => {
    const red = await checked(BAKERY, '--reproduce', ovenFile, breadFile);
    expect(red.code).toBe(1);
    expect(red.stdout).toMatch(
      /^history .*still fails\n.* oven\/big +3 +burn +it throws: Error: it burns: rye [^\n]*\n$/,
    );
    expect(rowsOf(await checked(BAKERY, '--reproduce', ovenFile, '--json'))).toMatchObject([
      { file: ovenFile, address: 'oven/big', seq: 3, event: 'burn' },
    ]);
    expect(await checked(BAKERY, '--reproduce', breadFile)).toMatchObject({
      ...{ code: 0, stdout: '✔ nothing fails any more\n', stderr: '' },
    });
    const gone = await checked(BAKERY, '--reproduce', file('none'));
    expect(gone).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('a daemon', () => {
  it('gives and takes histories longer than a line of its protocol, and performs what it took', async () => {
    const served = join(home.path, 'served');
    cpSync(store, served, { recursive: true });
    const child = await daemonOn(served);
    const ask = (...args: string[]) => heddleHere('--store', served, ...args);
    for (let n = 0; n < 6; n++)
      expect(
        await ask('send', 'oven/big', 'label', '--field', `text=${'é🙂'.repeat(200_000)}${n}`),
      ).toMatchObject({
        code: 0,
      });
    const long = file('long.jsonl');
    expect(await ask('export', 'oven/big', '-o', long)).toMatchObject({ code: 0, stderr: '' });
    // More than a request may be.
    expect(readFileSync(long).length).toBeGreaterThan(5 << 20);
    expect(await told(readFileSync(long, 'utf8'))).toMatchObject([{ records: 9, same: true }]);
    expect((await ask('export', 'oven/big')).stdout.split('\n').slice(1, -2)).toEqual(
      readFileSync(long, 'utf8').split('\n').slice(1, -2),
    );
    const born = await ask('import', long, '--as', 'oven/copy', '--by', 'ada', '--json');
    expect(rowsOf(born)).toMatchObject([
      { address: 'oven/copy', of: 'oven/big', effects: 'hold', by: 'ada', actors: ['oven/copy'], seq: 1 },
    ]);
    expect(rowsOf(await ask('show', 'oven/copy', '--full', '--json'))).toMatchObject([
      {
        value: 'hot',
        timers: [{ to: 'oven/copy', event: { type: 'xstate.after.3600000.(machine).hot' } }],
        waiting: [],
      },
    ]);
    expect(await ask('perform', 'oven/copy')).toMatchObject({ code: 0 });
    expect(await ask('send', 'oven/copy', 'sweep')).toMatchObject({ code: 0 });
    expect(await end(child, 'SIGTERM')).toEqual([0, null]);
  });
});
