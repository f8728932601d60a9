// The lie: "a diagram is a program". The example as a user runs it: C waits for a person, B and D do not.
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { started } from '../stage/started.testsuite.ts';

it('does B and D while C waits for a person', async () => {
  const { code, output } = await started(new URL('./main.ts', import.meta.url), tmpdir());
  expect(output).toMatchInlineSnapshot(`
    "A writes →A
    B writes →AB
    D writes →ABD
    diagram/1/review waits, with {"text":"→A"}
    C writes →AC
    {"c":{"text":"→AC"},"d":{"text":"→ABD"}}
    "
  `);
  expect(code).toBe(0);
});
