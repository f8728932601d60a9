// The lie: "it behaves on a terminal". A pseudo-terminal of util-linux: its colours, its width, and Ctrl-C.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { widthOf } from '../../console/cli/width.ts';
import {
  BAKERY,
  bakeryStore,
  daemonOn,
  end,
  endAll,
  ended,
  HEDDLE,
  heddle,
  hears,
  start,
  temporaryFolder,
} from './command-line.ts';

const COLUMNS = 64;

const home = temporaryFolder();
const store = join(home.path, 'store');

/** That of util-linux, whose `-e` gives the exit code on. */
const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux');
if (!hasScript)
  process.stderr.write(
    '\n\n  NOT TESTED: the command line on a terminal, for want of `script` of util-linux\n\n',
  );

const quoted = (args: readonly string[]): string =>
  [...HEDDLE, '--store', store, ...args].map((word) => `'${word}'`).join(' ');

/** A command on a terminal of so many columns. */
function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const line = `stty cols ${COLUMNS} rows 24 -echo; exec ${quoted(args)}`;
  return start(['script', '-qec', line, '/dev/null'], { env });
}

// oxlint-disable-next-line no-control-regex -- that is what this looks for
const COLOUR = /\u001b\[\d+m/;
const plain = (text: string): string => text.replaceAll(new RegExp(COLOUR, 'g'), '').replaceAll('\r', '');

beforeAll(() => bakeryStore(store));
afterAll(async () => {
  await endAll();
  home.remove();
});

describe.skipIf(!hasScript)('on a terminal', () => {
  it('has colours and keeps to the width; without colours where they are not wanted', async () => {
    const [coloured, not, dumb] = [
      await ended(onTerminal(['history', 'oven/big'])),
      await ended(onTerminal(['history', 'oven/big'], { NO_COLOR: '1' })),
      await ended(onTerminal(['history', 'oven/big'], { TERM: 'dumb' })),
    ];
    expect(coloured.code).toBe(0);
    expect(coloured.stdout).toMatch(COLOUR);
    expect(not.stdout).not.toContain('\u001b');
    expect(dumb.stdout).not.toContain('\u001b');
    const lines = plain(coloured.stdout).trimEnd().split('\n');
    expect(lines.length).toBe(4);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(COLUMNS);
    expect(lines.join('\n')).toContain('…');
    expect(not.stdout.replaceAll('\r', '')).toBe(plain(coloured.stdout));
  });

  it('gives JSON whole, and without colours', async () => {
    const { stdout } = await ended(onTerminal(['history', 'oven/big', '--json']));
    const lines = stdout.trimEnd().split('\r\n');
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([1, 2, 3]);
    expect(stdout).not.toContain('\u001b');
  });

  it('shows an export so that it does nothing', async () => {
    const { code, stdout } = await ended(onTerminal(['--actors', BAKERY, 'export', 'oven/big']));
    expect(code).toBe(0);
    // Before it there may be progress, which is taken away.
    const shown = stdout.slice(stdout.lastIndexOf('\u001b[K') + 3);
    const lines = shown.trimEnd().split('\r\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual(
      expect.arrayContaining(['heddle', 'actor', 'sha256']),
    );
    expect(shown).toContain('31m');
    expect(shown.replaceAll('\r\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('stops at Ctrl-C with 130', async () => {
    const daemon = await daemonOn(store);
    const tail = onTerminal(['tail', '-f', 'oven/big']);
    // All that there is; now it waits for more.
    await hears(tail, /label/);
    tail.stdin!.write('\u0003');
    expect(await ended(tail)).toMatchObject({ code: 130 });
    expect(await end(daemon, 'SIGTERM')).toEqual([0, null]);
  });

  it('stops at Ctrl-C while it waits for somebody to type', async () => {
    const send = onTerminal(['send', 'oven/big', 'label', '--data', '-', '--run']);
    // Its handlers are there before it reads; without them Ctrl-C ends it in the same way.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    send.stdin!.write('\u0003');
    expect(await once(send, 'close')).toEqual([130, null]);
  });
});

it('without a terminal has colours only when they are forced', async () => {
  const [none, forced, off] = [
    await heddle(['--store', store, 'history', 'oven/big']),
    await heddle(['--store', store, 'history', 'oven/big'], { env: { FORCE_COLOR: '1' } }),
    await heddle(['--store', store, 'history', 'oven/big'], { env: { FORCE_COLOR: '0' } }),
  ];
  expect(none.stdout).not.toContain('\u001b');
  expect(off.stdout).toBe(none.stdout);
  expect(forced.stdout).toMatch(COLOUR);
  expect(plain(forced.stdout)).toBe(none.stdout);
});
