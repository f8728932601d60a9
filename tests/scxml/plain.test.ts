// Hunts the lie that the reader's machines are SCXML: every case of the suite runs on plain XState, and a case that is
// refused or fails is named with its reason.

import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createActor, SimulatedClock, StateMachine, type AnyStateMachine } from 'xstate';
import {
  runCase,
  SCXML_CASES,
  titleOf,
  type CaseResult,
  type ScxmlCase,
  type ScxmlRuntime,
} from './cases.ts';
import { readScxml, UnsupportedScxml } from './reader.ts';
import { deepFreeze } from './values.ts';

const CURATED_TOTAL = 169;
const PASSING_TOTAL = 314;

/** Each with the reason the reader gives. */
const REFUSED: Readonly<Record<string, string>> = {
  'w3c-ecma/test557.txml': '<data> (line 4) holds XML: a DOM node is not plain data',
  'w3c-ecma/test561.txml': '<content> (line 8) holds XML: a DOM node is not plain data',
};

interface Verdict {
  readonly scxmlCase: ScxmlCase;
  readonly refusal?: string;
  readonly result?: CaseResult;
}

let contextsSeen = 0;

type Prepare = (machine: AnyStateMachine) => ScxmlRuntime;

async function judgeAll(prepare: Prepare): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const scxmlCase of SCXML_CASES) verdicts.push(await judge(scxmlCase, prepare));
  return verdicts;
}

async function judge(scxmlCase: ScxmlCase, prepare: Prepare): Promise<Verdict> {
  const { scxml, files = {} } = scxmlCase;
  let machine: AnyStateMachine;
  try {
    machine = readScxml(scxml, { files });
  } catch (error) {
    if (error instanceof UnsupportedScxml) return { scxmlCase, refusal: error.message };
    throw error;
  }
  return { scxmlCase, result: await runCase(scxmlCase, prepare(machine)) };
}

function plainRuntime(machine: AnyStateMachine): ScxmlRuntime {
  return startActor(machine);
}

/** The same machine as a stranger would make it, among hosts who write on nothing and keep only plain data. */
function strictRuntime(machine: AnyStateMachine): ScxmlRuntime {
  return startActor(new StateMachine(machine.config, machine.implementations), (context) => {
    deepFreeze(context);
    expect(structuredClone(context)).toStrictEqual(context);
    contextsSeen++;
  });
}

function startActor(machine: AnyStateMachine, inspectContext?: (context: unknown) => void): ScxmlRuntime {
  const clock = new SimulatedClock();
  const actor = createActor(machine, {
    clock,
    logger: () => {},
    inspect: (inspection) => {
      if (inspection.type === '@xstate.event') deepFreeze(inspection.event);
      if (inspection.type === '@xstate.microstep' || inspection.type === '@xstate.snapshot') {
        inspectContext?.((inspection.snapshot as { context?: unknown }).context);
      }
    },
  });
  // A machine that breaks is a failed case, not an uncaught error.
  actor.subscribe({ error: () => {} });
  actor.start();
  return {
    post: (event) => actor.send(event),
    // Millisecond by millisecond: the clock runs what is due after moving, so a long step would skip over timers
    // that timers start.
    advance: (ms) => {
      for (let elapsed = 0; elapsed < ms; elapsed++) clock.increment(1);
    },
    settle: () => {},
    snapshot: () => actor.getSnapshot(),
  };
}

function failuresOf(verdicts: readonly Verdict[]): string[] {
  return verdicts
    .filter(({ result }) => result?.passed === false)
    .map(({ scxmlCase, result }) => `${titleOf(scxmlCase)}: ${result?.detail}`);
}

function passesOf(verdicts: readonly Verdict[]): ScxmlCase[] {
  return verdicts.filter(({ result }) => result?.passed).map(({ scxmlCase }) => scxmlCase);
}

describe('the SCXML suite on plain XState', () => {
  let verdicts: Verdict[] = [];

  beforeAll(async () => {
    // XState's development build remarks on events to children that are already done; some cases are about that.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    verdicts = await judgeAll(plainRuntime);
  });

  it.each(SCXML_CASES.map((scxmlCase) => [titleOf(scxmlCase), scxmlCase] as const))(
    '%s',
    (title, scxmlCase) => {
      const verdict = verdicts.find((candidate) => candidate.scxmlCase === scxmlCase);
      expect(verdict?.refusal).toBe(REFUSED[title]);
      if (verdict?.refusal === undefined) expect(verdict?.result).toEqual({ passed: true });
    },
  );

  it('passes every case that the test suite of XState runs', () => {
    const curated = verdicts.filter(({ scxmlCase }) => scxmlCase.curated);
    expect(failuresOf(curated)).toEqual([]);
    expect(passesOf(curated)).toHaveLength(CURATED_TOTAL);
  });

  it('says how many cases pass and which are refused', () => {
    const passes = passesOf(verdicts);
    const refusals = verdicts.flatMap(({ scxmlCase, refusal }) =>
      refusal === undefined ? [] : [`  refused ${titleOf(scxmlCase)}: ${refusal}`],
    );
    console.info([`SCXML: ${passes.length} of ${SCXML_CASES.length} cases pass`, ...refusals].join('\n'));
    expect(failuresOf(verdicts)).toEqual([]);
    expect(passes).toHaveLength(PASSING_TOTAL);
  });

  it('gives the same answers to a machine made again, on frozen contexts that hold only plain data', async () => {
    const strict = await judgeAll(strictRuntime);
    expect(failuresOf(strict)).toEqual([]);
    expect(passesOf(strict)).toHaveLength(PASSING_TOTAL);
    expect(contextsSeen).toBeGreaterThan(SCXML_CASES.length);
  });
});
