// The lie: "the aquarium can be looked into". The example as a user runs it, with the receiver that Stately publishes; ended with
// a signal, and started again.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FROM_SOURCE } from '../../tests/from-source.ts';

let home: string;
beforeAll(() => (home = mkdtempSync(join(tmpdir(), 'heddle-aquarium-'))));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const EVERYBODY = [
  ...['cat/tom', 'tank/window', 'tank/window/ada', 'tank/window/bubbles', 'tank/window/carl'],
  ...['tank/window/dot', 'tank/window/ernie'],
];

/** Runs it until so many frames were seen, and everybody in them: some sleep for long. */
async function lookIn(frames: number): Promise<{ readonly seen: Set<string>; readonly code: number | null }> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [...FROM_SOURCE, main, 'data'], {
    cwd: home,
  });
  const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const seen = new Set<string>();
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let output = '';
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        const found = /http:\S+/.exec(output);
        if (found !== null) resolve(found[0]);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', () => reject(new Error(`it has ended: ${output}`)));
    });
    let count = 0;
    const receiver = createWebSocketReceiver({ server: url.replace('http', 'ws') });
    await new Promise<void>((resolve) => {
      receiver.subscribe((frame) => {
        seen.add(frame.sessionId);
        count++;
        if (count >= frames && seen.size >= EVERYBODY.length) resolve();
      });
    });
  } finally {
    child.kill('SIGTERM');
  }
  return { seen, code: await exited };
}

it('shows the tank, its fish and the cat; and again after a restart', async () => {
  for (let life = 0; life < 2; life++) {
    const { seen, code } = await lookIn(20);
    expect([...seen].toSorted()).toEqual(EVERYBODY);
    expect(code).toBe(0);
  }
});
