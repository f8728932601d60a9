// The lie: "no more is spent than there is, and what was begun is undone". The example as a user runs it: two payments, one account.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { started } from '../stage/started.testsuite.ts';
import { deedsIn } from '../stage/world.ts';

const home = mkdtempSync(join(tmpdir(), 'heddle-finance-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

it('keeps to the limit of the day, pays one, and undoes the other', async () => {
  const { code, output } = await started(new URL('./main.ts', import.meta.url), home);
  expect(output).not.toContain('NOT TRUE');
  expect(output).toContain('✂ killed');
  expect(output).toContain('account/acme does not give the money: exhausted');
  expect(output).toMatch(/server-error +statement, bank: 502, bad gateway → retry/);
  expect(output).toMatch(/low-confidence +screen, screener: .* → review/);
  expect(output).toMatch(/has spent 0\.\d\d instead of 0\.\d\d/);
  expect(output).toMatch(/paul +may not: .*paul has started the run/);
  expect(code).toBe(0);
  const changes = deedsIn(join(home, '.data/finance/world.jsonl'))
    .map(({ what }) => what)
    .filter((what) => /book|earmark|pay/.test(what));
  const of = (client: string) => [...new Set(changes.filter((what) => what.endsWith(client)))];
  expect(of('north')).toEqual(['earmark for north', 'book for north', 'pay for north']);
  expect(of('south')).toEqual([
    ...['earmark for south', 'book for south', 'unbook for south', 'unearmark for south'],
  ]);
}, 120_000);
