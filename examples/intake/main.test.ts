// The lie: "what is wrong is not filed". The example as a user runs it: mistakes of every kind, a kill, and a limit that a clerk has.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { started } from '../stage/started.testsuite.ts';

const home = mkdtempSync(join(tmpdir(), 'heddle-intake-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('mends, asks again, asks others, and files nothing that is wrong', async () => {
  const { code, output } = await started(new URL('./main.ts', import.meta.url), home);
  expect(output).not.toContain('NOT TRUE');
  expect(output).toContain('✂ killed');
  // Each way in which an answer can be wrong, and what was done about it.
  expect(output).toMatch(/schema-mismatch +extract, scanner: .* → repair/);
  expect(output).toMatch(/schema-mismatch +extract, scanner: .* → ask-again/);
  expect(output).toMatch(/schema-mismatch +extract, scanner: .* → other-agent/);
  expect(output).toMatch(/factually-wrong +extract, scanner: .* → ask-again/);
  expect(output).toMatch(/factually-wrong +extract, parser: .* → review/);
  expect(output).toMatch(/ada may not: .*it is more than you may approve/);
  expect(code).toBe(0);
  const archive = join(home, '.data/intake/archive');
  expect(readdirSync(archive).sort()).toEqual(
    ['boiler', 'garden', 'kitchen', 'letter', 'roof'].map((name) => `${name}.txt.json`),
  );
  expect(JSON.parse(readFileSync(join(archive, 'kitchen.txt.json'), 'utf8'))).toMatchObject({
    total: 12_500,
  });
}, 120_000);
