// The lie: "the scan finds nothing because there is nothing". Journals with an effect too many: each is found.
import { describe, expect, it } from 'vitest';
import { JournalScan } from './decided.ts';

const record = (event: object, more: object = {}) =>
  ({ seq: 7, event, cause: { kind: 'actor' }, decision: undefined, intents: [], ...more }) as never;
const asks = { intents: [{ kind: 'spawn', src: 'ask' }] };
const advice = (permission: object | undefined) =>
  record({ type: 'xstate.done.actor.consult', output: { agent: 'a', permission } });
const PERMIT = { effect: 'permit', determining: ['r'], reasons: [] };

function violationsIn(...records: readonly never[]): readonly string[] {
  const scan = new JournalScan('flow/1/a');
  for (const one of records) scan.read(one);
  return scan.violations;
}

describe('the journal scan', () => {
  const undecided: readonly (readonly [string, readonly never[]])[] = [
    ['a call before anything was decided', [record({ type: 'x' }, asks)]],
    ['a call that nobody has permitted', [advice(undefined), record({ type: 'x' }, asks)]],
    ['a call that was denied', [advice({ ...PERMIT, effect: 'deny' }), record({ type: 'x' }, asks)]],
    [
      'a call that nothing has determined',
      [advice({ ...PERMIT, determining: [] }), record({ type: 'x' }, asks)],
    ],
    ['something from outside', [record({ type: 'x' }, { cause: { kind: 'outside' } })]],
    ['a verdict', [record({ type: 'review.approve', permissions: [] })]],
    ['a tool', [record({ type: 'task.permission', permission: { ...PERMIT, determining: [] } })]],
  ];
  it.each(undecided)('finds %s', (_, records) => {
    expect(violationsIn(...records)).toHaveLength(1);
  });

  it('finds nothing where all was decided', () => {
    const decision = { determining: ['r'], decider: 'h' };
    expect(
      violationsIn(
        record({ type: 'xstate.init' }, { cause: { kind: 'outside' }, decision }),
        advice(PERMIT),
        record({ type: 'x' }, asks),
        record({ type: 'review.approve', permissions: [PERMIT] }),
        record({ type: 'task.permission', permission: PERMIT }),
      ),
    ).toEqual([]);
  });
});
