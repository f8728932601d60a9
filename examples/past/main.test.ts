// The lie: "the past can be told, and asked what if". The example as a user runs it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { FROM_SOURCE } from '../../tests/from-source.ts';

const home = mkdtempSync(join(tmpdir(), 'heddle-past-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

it('tells why a loan was declined, what if, and takes others to the next version', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...FROM_SOURCE, main], { cwd: home });
  expect(stdout).toMatchInlineSnapshot(`
    "loan/7 is declined. Why?

    What has happened
      loan/7@1         xstate.init                by system
      loan/7@2         note                       by outside
      loan/7@3         change                     by outside
      loan/7@4         submit                     by outside
      loan/7/assess@1  xstate.init                by record 4 of loan/7
      loan/7/assess@2  xstate.promise.resolve     by effect
      loan/7@5         xstate.done.actor.assess   by record 2 of loan/7/assess
      loan/7@6         decide                     by outside

    Back in time
      as of record 2 it was in state draft, for 20000
      status: "active" → "done"
      value: "draft" → "declined"
      context.amount: 20000 → 60000
      context.risk: nothing → 60
      context.risk was set by record 5, xstate.done.actor.assess

    What if nobody had raised the amount?
      loan/7-what-if is granted; loan/7 is still declined

    Does the code still tell the same story?
      loan/7: 6 records, the same
      loan/7/assess: 2 records, the same

    A new release: a dry run first
      loan/8: version 1 → 2, migrated
      loan/9: version 1 → 2, refused: record 1 comes out differently at value (recorded "State 'draft' does not exist on 'loan'", today nothing); run the code that wrote it, or give a migration
      loan/8 is in state review now
      and granted
      25 records are sound, 0 are not
    "
  `);
});
