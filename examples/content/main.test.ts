// The lie: "what two have approved is what is published". The example as a user runs it: an edit, a stale approval, a ladder, a kill.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { started } from '../stage/started.testsuite.ts';

const home = mkdtempSync(join(tmpdir(), 'heddle-content-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('publishes what two people have approved as it is', async () => {
  const { code, output } = await started(new URL('./main.ts', import.meta.url), home);
  expect(output).not.toContain('NOT TRUE');
  expect(output).toContain('✂ killed');
  // What goes wrong on the way.
  expect(output).toMatch(/crash +facts, fact-checker: .* → retry/);
  expect(output).toMatch(/low-confidence +style, stylist: .* → ask-again/);
  expect(output).toMatch(/low-confidence +style, stylist: .* → accept/);
  expect(output).toMatch(/dave +approves what he has begun himself: refused/);
  expect(output).toMatch(/eve +takes the headline out: refused/);
  expect(output).toContain('void now: the approval of ada');
  expect(output).toMatch(/ada +approves what she was shown before: refused \(stale\)/);
  expect(code).toBe(0);
  const page = readFileSync(join(home, '.data/content/article.md'), 'utf8');
  expect(page).toContain('It was last seen in 1986.');
  expect(page).toContain('Approved by eve and carol.');
}, 120_000);
