// The lie: "killed, and the same report". The demo as a user runs it; what it says of money and of who may; and its machine.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plan } from 'heddle/actors';
import { createActor } from 'xstate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { started } from '../stage/started.testsuite.ts';
import { report } from './report.ts';
import { deedsIn } from '../stage/world.ts';

/** Seven processes start one after the other, on a machine that may have much to do. */
const PATIENCE_MS = 120_000;

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

const start = (...args: string[]) => started(new URL('./main.ts', import.meta.url), home, ...args);

it(
  'is killed, goes on, and publishes the report of an undisturbed run',
  async () => {
    const data = join(home, 'data');
    const { code, output } = await start(folder, '--think', '80', '--by', 'ada', '--data', data);
    expect(output).toContain('Approved for ada without asking');
    // Three on the way, and one at the gate.
    expect(output.match(/✂ killed {2,}SIGKILL/g)).toHaveLength(4);
    expect(output).toMatch(/✂ killed +SIGKILL, while in review/);
    expect(output.match(/^ {2}✔ (?!list)/gm)).toHaveLength(6);
    // One summary fails at first, and is tried again under the same key.
    expect(output).toMatch(/✘ unavailable +boats.txt, summariser: 503, come back later → retry/);
    expect(output).toMatch(/summariser +reports-ask-agents +4 × \(1 failed\) +0\.030/);
    expect(output).toMatch(/ada +editors-decide +approved/);
    expect(output).toMatch(/ 0\.067 of 5\.000/);
    expect(output).toContain('no finished step was done again');
    expect(output).toContain('byte for byte');
    expect(output).not.toContain('NOT TRUE');
    expect(code).toBe(0);
    // Three documents: listed, researched, three times summarised and checked, published.
    const deeds = deedsIn(join(data, 'world.jsonl'));
    expect(new Set(deeds.map(({ key }) => key)).size).toBe(9);
    expect(readFileSync(join(data, 'report.md'), 'utf8')).toContain('**Approved** by ada.');
  },
  PATIENCE_MS,
);

it('publishes nothing that was rejected', async () => {
  const data = join(home, 'rejected');
  const { code, output } = await start(folder, '--think', '10', '--kills', '0', '--reject', '--data', data);
  expect(output).toContain('nothing was published');
  expect(output).toMatch(/rejected +by \w+: editors-decide/);
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

it('is a machine that draws, and a statechart under plain XState, where nobody does the work', async () => {
  const drawn = JSON.parse(JSON.stringify(report.definition)) as { states: { working: { states: object } } };
  expect(Object.keys(drawn.states.working.states)).toEqual([
    ...['corpus', 'research', 'chapters', 'review', 'publish'],
  ]);
  expect(plan(report).waves).toEqual([['corpus'], ['research', 'chapters'], ['review'], ['publish']]);
  const commission = { folder, out: join(home, 'x.md'), world: join(home, 'x.jsonl'), thinkMs: 0, faults: 0 };
  const actor = createActor(report, { input: commission }).start();
  expect(actor.getSnapshot().matches({ working: { corpus: 'running', research: 'pending' } })).toBe(true);
  actor.stop();
});
