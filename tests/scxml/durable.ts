/**
 * The SCXML suite on a durable system, undisturbed or killed after every single message.
 */
import type { AnyStateMachine } from 'xstate';
import { memory } from 'heddle/storage';
import { DyingSystem } from '../dying-system.ts';
import { runCase, SCXML_CASES, titleOf } from './cases.ts';
import type { CaseResult, ScxmlCase, ScxmlRuntime } from './cases.ts';
import { readScxml, UnsupportedScxml } from './reader.ts';

/** How many cases XState's own repository lists, all of which it passes. */
export const CURATED_TOTAL = 169;
/** How many of all cases plain XState passes (`plain.test.ts`). */
export const PASSING_TOTAL = 314;

export interface ScxmlVerdict {
  readonly curated: number;
  readonly passed: number;
  readonly refused: number;
  readonly failed: readonly string[];
  /** How often a system was killed. */
  readonly deaths: number;
}

export async function judgeScxml(
  dies: boolean,
  progress: (done: number) => void = () => {},
): Promise<ScxmlVerdict> {
  const verdict = { curated: 0, passed: 0, refused: 0, failed: [] as string[], deaths: 0 };
  for (const [index, scxmlCase] of SCXML_CASES.entries()) {
    progress(index);
    const machine = read(scxmlCase);
    if (machine === undefined) {
      verdict.refused++;
      continue;
    }
    const { result, deaths } = await play(scxmlCase, machine, dies);
    verdict.deaths += deaths;
    if (!result.passed) verdict.failed.push(`${titleOf(scxmlCase)}: ${result.detail}`);
    else {
      verdict.passed++;
      if (scxmlCase.curated) verdict.curated++;
    }
  }
  return verdict;
}

function read({ scxml, files = {} }: ScxmlCase): AnyStateMachine | undefined {
  try {
    return readScxml(scxml, { files });
  } catch (error) {
    if (error instanceof UnsupportedScxml) return undefined;
    throw error;
  }
}

const ADDRESS = 'scxml/case';

async function play(
  scxmlCase: ScxmlCase,
  machine: AnyStateMachine,
  dies: boolean,
): Promise<{ result: CaseResult; deaths: number }> {
  const dying = new DyingSystem({ store: memory(), actors: { scxml: machine }, dies, maxTurnsPerCommit: 1 });
  await dying.open();
  await dying.start('scxml', 'case');
  const runtime: ScxmlRuntime = {
    post: (event) => dying.post(ADDRESS, event),
    advance: (ms) => dying.advance(ms),
    settle: () => dying.settle(),
    // Any machine: its snapshot's type is of no use here.
    snapshot: () => dying.system.get(ADDRESS)!.getSnapshot(),
  };
  const result = await runCase(scxmlCase, runtime);
  await dying.close();
  return { result, deaths: dying.deaths };
}
