// The lie: "a machine goes on after a crash as if nothing had happened". Every case of the SCXML suite, with the whole
// system killed after every single message and opened again from its store.
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { memory } from 'heddle/storage';
import { DyingSystem } from '../dying-system.ts';
import { runCase, SCXML_CASES, titleOf } from './cases.ts';
import type { ScxmlRuntime } from './cases.ts';
import { readScxml, UnsupportedScxml } from './reader.ts';

const CURATED_TOTAL = 169;
const PASSING_TOTAL = 314;

async function durably(
  machine: AnyStateMachine,
  dies: boolean,
): Promise<{ runtime: ScxmlRuntime; dying: DyingSystem<never> }> {
  const dying = new DyingSystem({ store: memory(), actors: { scxml: machine }, dies, maxTurnsPerCommit: 1 });
  await dying.open();
  await dying.start('scxml', 'case');
  const address = 'scxml/case';
  const runtime: ScxmlRuntime = {
    post: (event) => dying.post(address, event),
    advance: (ms) => dying.advance(ms),
    settle: () => dying.settle(),
    snapshot: () => dying.system.get(address)!.getSnapshot() as unknown as AnyMachineSnapshot,
  };
  return { runtime, dying: dying as never };
}

describe.each([
  ['killed after every message', true],
  ['undisturbed', false],
])('SCXML, %s', (_, dies) => {
  it('passes every case that plain XState passes', async () => {
    const failed: string[] = [];
    let passed = 0;
    let curated = 0;
    let deaths = 0;
    for (const scxmlCase of SCXML_CASES) {
      let machine: AnyStateMachine;
      try {
        machine = readScxml(scxmlCase.scxml, { files: scxmlCase.files ?? {} });
      } catch (error) {
        if (error instanceof UnsupportedScxml) continue;
        throw error;
      }
      const { runtime, dying } = await durably(machine, dies);
      const result = await runCase(scxmlCase, runtime);
      deaths += dying.deaths;
      await dying.close();
      if (!result.passed) failed.push(`${titleOf(scxmlCase)}: ${result.detail}`);
      else {
        passed++;
        if (scxmlCase.curated) curated++;
      }
    }
    console.log(
      `SCXML: ${curated}/${CURATED_TOTAL} curated, ${passed}/${PASSING_TOTAL} of all, ${deaths} deaths`,
    );
    expect(failed).toEqual([]);
    expect(curated).toBe(CURATED_TOTAL);
    expect(passed).toBe(PASSING_TOTAL);
    if (dies) expect(deaths).toBeGreaterThan(500);
  }, 120_000);
});
