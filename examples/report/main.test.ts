// The lie: "killed, and the same report". The demo as a user runs it; and its machine under plain XState.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createActor, toPromise, waitFor } from 'xstate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { report } from './report.ts';
import { deedsIn } from './world.ts';

const DOCUMENTS = {
  'tides.md':
    '# Tides\n\nThe tide rises and falls twice a day in most places. The moon pulls the water towards itself, and the ' +
    'water follows the moon around the earth. Where the coast is steep, the tide rises by a metre or two.\n',
  'moon.md':
    '# The moon\n\nThe moon goes around the earth once in twenty-seven days. It is a quarter as wide as the earth, and ' +
    'no other planet has so large a moon for its size. Its light is the light of the sun.\n',
  'boats.txt':
    'A boat that draws two metres must wait for the tide before it enters the harbour. The pilot knows the table of ' +
    'tides by heart. Nobody enters this harbour at low water without the pilot.\n',
};

let home: string;
let folder: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'heddle-report-'));
  folder = mkdtempSync(join(home, 'documents-'));
  for (const [name, text] of Object.entries(DOCUMENTS)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function start(...args: string[]): Promise<Ended> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const flags = ['--import', tsx, '--conditions=heddle-source', main];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args], { cwd: home });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

it('is killed, goes on, and publishes the report of an undisturbed run', async () => {
  const data = join(home, 'data');
  const { code, output } = await start(folder, '--think', '80', '--by', 'ada', '--data', data);
  expect(output).toContain('Approved for ada without asking');
  // Three on the way, and one at the gate.
  expect(output.match(/✂ killed {2,}SIGKILL/g)).toHaveLength(4);
  expect(output).toMatch(/✂ killed +SIGKILL, while in review/);
  expect(output.match(/✔/g)!.length).toBeGreaterThanOrEqual(4);
  expect(output).toContain('no finished step was done again');
  expect(output).toContain('byte for byte');
  expect(output).not.toContain('NOT TRUE');
  expect(code).toBe(0);
  // Three documents: listed, researched, three times summarised and checked, published.
  const deeds = deedsIn(join(data, 'world.jsonl'));
  expect(new Set(deeds.map(({ key }) => key)).size).toBe(9);
  expect(readFileSync(join(data, 'report.md'), 'utf8')).toContain('**Approved** by ada.');
});

it('publishes nothing that was rejected', async () => {
  const data = join(home, 'rejected');
  const { code, output } = await start(folder, '--think', '10', '--kills', '0', '--reject', '--data', data);
  expect(output).toContain('nothing was published');
  expect(() => readFileSync(join(data, 'report.md'))).toThrow('ENOENT');
  expect(code).toBe(0);
});

it.each([
  ['a folder that is not there', ['nowhere'], /nowhere is not a folder/],
  ['a number that is none', ['--kills', 'many'], /--kills must be a whole number, not "many"/],
  ['two decisions', ['--approve', '--reject'], /exclude each other/],
  ['an unknown option', ['--aprove'], /--aprove/],
])('refuses %s', async (_, args, message) => {
  const { code, output } = await start(...args);
  expect(output).toMatch(message);
  expect(code).toBe(2);
});

it('says so when there is nothing to read', async () => {
  const empty = mkdtempSync(join(home, 'empty-'));
  const { code, output } = await start(empty, '--think', '10', '--kills', '0', '--data', join(home, 'none'));
  expect(output).toContain('there is no document in the folder');
  expect(code).toBe(1);
});

it('is a plain XState machine', async () => {
  const out = join(home, 'plain', 'report.md');
  const world = join(home, 'plain.jsonl');
  const actor = createActor(report, { input: { folder, out, world, thinkMs: 0 } }).start();
  await waitFor(actor, (snapshot) => snapshot.matches('review'));
  actor.send({ type: 'decide', decision: 'approved', by: 'ada' });
  expect(await toPromise(actor)).toMatchObject({ path: out });
  const durable = join(home, 'data', 'report.md');
  expect(readFileSync(out, 'utf8')).toBe(readFileSync(durable, 'utf8'));
});
