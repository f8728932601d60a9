// Hunts the lie that a case passed because nobody looked.

import { expect, it } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { configurationOf, runCase, SCXML_CASES, type CaseResult, type ScxmlCase } from './cases.ts';
import { readScxml } from './reader.ts';

const NAMESPACE = 'xmlns="http://www.w3.org/2005/07/scxml"';
const TWO_STATES = `<scxml ${NAMESPACE}>
  <state id="a"><transition event="t" target="b"/></state>
  <parallel id="b"><state id="b1"/><state id="b2"><state id="b3"/></state></parallel>
</scxml>`;

function play(scxmlCase: Partial<ScxmlCase>): Promise<CaseResult> {
  const script = { initialConfiguration: ['a'], events: [] };
  const whole: ScxmlCase = {
    group: 'own',
    name: 'own',
    scxml: TWO_STATES,
    script,
    curated: false,
    ...scxmlCase,
  };
  const clock = new SimulatedClock();
  const actor = createActor(readScxml(whole.scxml), { clock, logger: () => {} }).start();
  return runCase(whole, {
    post: (event) => actor.send(event),
    advance: (ms) => clock.increment(ms),
    settle: () => {},
    snapshot: () => actor.getSnapshot(),
  });
}

function scriptEndingIn(...nextConfiguration: string[]): ScxmlCase['script'] {
  return { initialConfiguration: ['a'], events: [{ event: { name: 't' }, nextConfiguration }] };
}

it('has all the cases of the suite, and marks those of XState', () => {
  expect(SCXML_CASES).toHaveLength(316);
  expect(SCXML_CASES.filter(({ curated }) => curated)).toHaveLength(169);
});

it('compares the whole configuration, from the start', async () => {
  expect(await play({ script: scriptEndingIn('b3', 'b1') })).toEqual({ passed: true });
  expect(await play({ script: scriptEndingIn('b1') })).toEqual({
    passed: false,
    detail: 'after event 1 (t): in b1 b3, not in b1',
  });
  expect(await play({ script: { initialConfiguration: ['b1'], events: [] } })).toEqual({
    passed: false,
    detail: 'at the start: in a, not in b1',
  });
});

it('fails a case that runs by itself into the wrong end', async () => {
  const scxml = `<scxml ${NAMESPACE} initial="fail"><final id="pass"/><final id="fail"/></scxml>`;
  expect(await play({ group: 'w3c-ecma', scxml })).toEqual({
    passed: false,
    detail: 'at the end: in fail, not in pass',
  });
});

it('fails a case that never ends', async () => {
  expect(await play({ group: 'w3c-ecma' })).toEqual({ passed: false, detail: 'still in a after 10000 ms' });
});

it('fails a case whose runtime breaks', async () => {
  const broken = await runCase(
    { ...SCXML_CASES[0]! },
    {
      post: () => {},
      advance: () => {},
      settle: () => Promise.reject(new Error('the store is gone')),
      snapshot: () => createActor(readScxml(TWO_STATES)).getSnapshot(),
    },
  );
  expect(broken).toEqual({ passed: false, detail: 'Error: the store is gone' });
});

it('names the atomic states of a snapshot', () => {
  const actor = createActor(readScxml(TWO_STATES)).start();
  actor.send({ type: 't' });
  expect(configurationOf(actor.getSnapshot())).toEqual(['b1', 'b3']);
});
