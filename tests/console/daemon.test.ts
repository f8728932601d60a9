// The lie: "the command line finds the daemon by itself". A real daemon on a real store: asked, sent to, followed, paused, killed, and
// one that serves no socket.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BAKERY,
  bakeryStore,
  daemonOn,
  end,
  endAll,
  HEDDLE,
  heddle,
  heddleHere,
  hears,
  rowsOf,
  start,
  temporaryFolder,
} from './command-line.ts';
import { NASTY } from './bakery.ts';

const home = temporaryFolder();
const store = join(home.path, 'store');
const ask = (...args: string[]) => heddleHere('--store', store, ...args);

beforeAll(() => bakeryStore(store));
afterAll(async () => {
  await endAll();
  home.remove();
});

describe('a daemon', () => {
  let child: ChildProcess;
  beforeAll(async () => void (child = await daemonOn(store)));

  it('is asked by whoever names the store, in a process that has none of the code', async () => {
    const ls = await heddle(['--store', store, 'ls', '--states', '--json']);
    expect(rowsOf(ls)).toMatchObject([
      { address: 'bread/1', status: 'active', value: 'stale' },
      { address: 'oven/big', value: 'hot' },
      { address: 'supervisor/bakery', standing: 'running' },
    ]);
    expect((await ask('explain', 'oven/big')).stdout).toContain('oven/big runs in state "hot"');
    expect(await ask('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('sound') as string,
    });
    expect(await ask('replay', 'oven/big')).toMatchObject({ code: 0 });
    expect(rowsOf(await ask('query', 'oven', 'hot', '--json'))).toMatchObject([{ address: 'oven/big' }]);
    expect(rowsOf(await ask('stuck', '--json'))).toMatchObject([{ address: 'bread/1' }]);
    expect(await ask('history', 'nobody/1')).toMatchObject({ code: 3 });
  });

  it('takes what is sent, and what is decided', async () => {
    const sent = await ask(
      'send',
      'oven/big',
      'label',
      '--data',
      '{"text":{"$bigint":"5"},"type":"burn"}',
      '--json',
    );
    expect(rowsOf(sent)).toMatchObject([{ address: 'oven/big', seq: 4 }]);
    const last = await ask('tail', 'oven/big', '-n', '1', '--json');
    expect(rowsOf(last)).toMatchObject([{ event: { type: 'label', text: { $bigint: '5' } } }]);
    expect((await ask('tree')).stdout).toMatch(/^● bakery +one-for-one\n● └─ oven\/big +up, hot\n/);
    expect((await ask('show', 'oven/big')).stdout).toMatch(/state +hot\n.*\n +standing +up, running/);
    expect(await ask('send', 'oven/big', 'heddle.halt')).toMatchObject({ code: 4 });
    expect(await ask('send', 'nobody/1', 'x')).toMatchObject({ code: 3 });
    const burnt = await ask('send', 'oven/big', 'burn');
    expect(burnt.code).toBe(4);
    expect(burnt.stderr).toContain('it burns');

    const letters = rowsOf(await ask('dead-letters', '--json'));
    expect(letters.length).toBe(2);
    const [first, second] = letters.map(({ id }) => String(id)) as [string, string];
    expect(await ask('retry', first, '--by', 'ada')).toMatchObject({ code: 4 });
    expect(rowsOf(await ask('dead-letters', '--json'))[0]).toMatchObject({ retries: 1 });
    const discard = await ask('discard', second, '--by', `ada ${NASTY}`, '--reason', 'it was me');
    expect(discard.stdout).toMatch(
      /^letter \d+ of oven\/big was given up by ada rye .*: heddle\/system has it as record \d+\n$/,
    );
    const history = await ask('history', 'oven/big', '--from', '4', '--refusals');
    expect(history.stdout).toMatch(
      /4 .*send heddle\.halt +outside +✖ event\.type .* is reserved.*event burn +dead letter \d+ +✖ its step threw a Error; given up by ada rye .*: it was me\n$/s,
    );
    expect(rowsOf(await ask('history', 'oven/big', '--refusals', '--json'))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ refused: 'send', event: 'heddle.halt', count: 1 }),
        expect.objectContaining({
          ...{ refused: 'event', event: 'burn', letter: Number(second) },
          decided: { by: `ada ${NASTY}`, reason: 'it was me', at: expect.any(String) as string },
        }),
      ]),
    );
    const decision = rowsOf(await ask('tail', 'heddle/system', '-n', '1', '--json'));
    expect(decision).toMatchObject([
      { event: { type: 'heddle.dead-letter.discarded', reason: 'it was me' } },
    ]);
  });

  it('lets things stand still, and go on', async () => {
    expect(await ask('pause', 'oven/big', '--by', 'ada', '--reason', 'cleaning')).toMatchObject({
      code: 0,
      stdout: 'oven/big was paused by ada\n',
    });
    expect(rowsOf(await ask('paused', '--json'))).toMatchObject([
      { target: { address: 'oven/big' }, by: 'ada', reason: 'cleaning' },
    ]);
    expect((await ask('tree')).stdout).toContain('paused');
    expect(await ask('pause', 'cellar')).toMatchObject({ code: 4 });
    expect(await ask('resume', 'oven/big')).toMatchObject({ code: 0 });
    expect(await ask('paused')).toMatchObject({ stdout: '', stderr: 'nothing is paused\n' });
  });

  it('is followed until Ctrl-C', async () => {
    const tail = start([...HEDDLE, '--store', store, 'tail', '-f', '-n', '0', 'oven/big', '--json']);
    const heard = hears(tail, /third"[^\n]*\n/);
    // It may not have asked yet; what is sent before is not to come.
    for (let n = 0; ; n++) {
      await ask('send', 'oven/big', 'label', '--field', `text=early ${n}`);
      const first = await Promise.race([
        once(tail.stdout!, 'data'),
        new Promise((resolve) => setTimeout(resolve, 300)),
      ]);
      if (first !== undefined) break;
    }
    for (const text of ['second', 'third']) await ask('send', 'oven/big', 'label', '--field', `text=${text}`);
    const texts = (await heard)
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: { text: string } }).event.text);
    expect(texts.slice(-2)).toEqual(['second', 'third']);
    const exited = once(tail, 'exit');
    tail.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
  });

  it('that is killed leaves a door that nobody answers at, which stops nobody', async () => {
    await end(child, 'SIGKILL');
    expect(existsSync(join(store, 'heddle.control', 'door.json'))).toBe(true);
    const history = await ask('history', 'oven/big', '--json');
    expect(history).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(history).length).toBeGreaterThan(5);
    expect(await ask('send', 'oven/big', 'sweep')).toMatchObject({ code: 4 });
    const left = readFileSync(join(store, 'heddle.control', 'door.json'), 'utf8');
    child = await daemonOn(store);
    expect(readFileSync(join(store, 'heddle.control', 'door.json'), 'utf8')).not.toBe(left);
    expect(await ask('send', 'oven/big', 'sweep')).toMatchObject({ code: 0 });
  });

  it('that ends takes its door along', async () => {
    expect(await end(child, 'SIGTERM')).toEqual([0, null]);
    expect(existsSync(join(store, 'heddle.control'))).toBe(false);
    expect(await ask('tail', '-f', 'oven/big')).toMatchObject({ code: 4 });
  });
});

it('a daemon that serves no socket is named, and nothing is tried', async () => {
  const child = await daemonOn(store, false);
  for (const args of [['ls'], ['send', 'oven/big', 'bake', '--run', '--actors', BAKERY]]) {
    const refused = await heddle(['--store', store, ...args]);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toContain(`process ${child.pid}`);
    expect(refused.stderr).toContain('serveControl');
  }
  expect(await end(child, 'SIGTERM')).toEqual([0, null]);
});
