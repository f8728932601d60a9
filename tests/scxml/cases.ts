// The conformance cases, and how one is run against anything that can run an XState machine.

import { readFileSync } from 'node:fs';
import type { AnyMachineSnapshot, StateValue } from 'xstate';

export interface ScxmlCase {
  readonly group: string;
  readonly name: string;
  readonly scxml: string;
  readonly script: ScxmlScript;
  /** True for the cases XState's own test suite runs. */
  readonly curated: boolean;
  readonly files?: Readonly<Record<string, string>>;
}

export interface ScxmlScript {
  readonly initialConfiguration: readonly string[];
  readonly events: readonly ScxmlScriptStep[];
}

export interface ScxmlScriptStep {
  /** How long to wait before the event, in milliseconds. */
  readonly after?: number;
  readonly event: { readonly name: string };
  readonly nextConfiguration: readonly string[];
}

/** A machine that runs somewhere, with time in our hands. */
export interface ScxmlRuntime {
  /** Delivers an event to the machine from outside. */
  post(event: { readonly type: string }): Promise<void> | void;
  /** Lets this much virtual time pass; what falls due on the way happens on the way. */
  advance(ms: number): Promise<void> | void;
  /** Returns when nothing more will happen without an event or the passing of time. */
  settle(): Promise<void> | void;
  snapshot(): AnyMachineSnapshot;
}

export interface CaseResult {
  readonly passed: boolean;
  /** What went wrong, for people. */
  readonly detail?: string;
}

/** The longest delay in the cases is 20 s, and only as a safety net; a case that waits longer hangs. */
const PATIENCE_MS = 10_000;
const TICK_MS = 100;

interface CaseFile {
  readonly source: string;
  readonly licence: string;
  readonly cases: readonly ScxmlCase[];
}

export const SCXML_CASES: readonly ScxmlCase[] = readCases().cases;

export function titleOf({ group, name }: ScxmlCase): string {
  return `${group}/${name}`;
}

/** The W3C's cases run by themselves and tell how it went by the state they end in. */
function runsByItself({ group }: ScxmlCase): boolean {
  return group === 'w3c-ecma';
}

/** Where a case that runs by itself must end. The W3C's manual tests have no `pass`: for them the end is all. */
function expectedConfiguration({ scxml }: ScxmlCase): readonly string[] {
  return [scxml.includes('id="pass"') ? 'pass' : 'final'];
}

/** The ids of the active atomic states, sorted. */
export function configurationOf(snapshot: AnyMachineSnapshot): string[] {
  return leavesOf(snapshot.value).sort();
}

export async function runCase(scxmlCase: ScxmlCase, runtime: ScxmlRuntime): Promise<CaseResult> {
  try {
    await runtime.settle();
    return runsByItself(scxmlCase)
      ? await waitForEnd(scxmlCase, runtime)
      : await playScript(scxmlCase, runtime);
  } catch (error) {
    return { passed: false, detail: String(error) };
  }
}

async function waitForEnd(scxmlCase: ScxmlCase, runtime: ScxmlRuntime): Promise<CaseResult> {
  for (let waited = 0; runtime.snapshot().status === 'active' && waited < PATIENCE_MS; waited += TICK_MS) {
    await runtime.advance(TICK_MS);
    await runtime.settle();
  }
  const snapshot = runtime.snapshot();
  if (snapshot.status === 'active') {
    return {
      passed: false,
      detail: `still in ${configurationOf(snapshot).join(' ')} after ${PATIENCE_MS} ms`,
    };
  }
  return compare('at the end', expectedConfiguration(scxmlCase), snapshot);
}

async function playScript({ script }: ScxmlCase, runtime: ScxmlRuntime): Promise<CaseResult> {
  let result = compare('at the start', script.initialConfiguration, runtime.snapshot());
  for (const [index, { after, event, nextConfiguration }] of script.events.entries()) {
    if (!result.passed) return result;
    if (after !== undefined) {
      await runtime.advance(after);
      await runtime.settle();
    }
    await runtime.post({ type: event.name });
    await runtime.settle();
    result = compare(`after event ${index + 1} (${event.name})`, nextConfiguration, runtime.snapshot());
  }
  return result;
}

function compare(when: string, expected: readonly string[], snapshot: AnyMachineSnapshot): CaseResult {
  if (snapshot.status === 'error') return { passed: false, detail: `${when}: ${String(snapshot.error)}` };
  const wanted = [...expected].sort().join(' ');
  const actual = configurationOf(snapshot).join(' ');
  return actual === wanted
    ? { passed: true }
    : { passed: false, detail: `${when}: in ${actual}, not in ${wanted}` };
}

/** The keys of an SCXML machine are the ids of its states, so the state value says it all. */
function leavesOf(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (inner === undefined) return [];
    return typeof inner === 'object' && Object.keys(inner).length === 0 ? [key] : leavesOf(inner);
  });
}

function readCases(): CaseFile {
  return JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as CaseFile;
}
