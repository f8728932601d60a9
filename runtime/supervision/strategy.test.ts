// The lie: "a strategy restarts whom its name says".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affectedBy, isToRestart, STRATEGIES } from './strategy.ts';

describe('who is affected when b fails', () => {
  it.each([
    ['one-for-one', ['b']],
    ['dynamic', ['b']],
    ['one-for-all', ['a', 'b', 'c']],
    ['rest-for-one', ['b', 'c']],
  ] as const)('%s', (strategy, affected) => {
    expect(affectedBy(strategy, ['a', 'b', 'c'], 'b')).toEqual(affected);
  });

  it('is always the one that failed, in the order of starting, without anybody else', () => {
    const family = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...STRATEGIES), family, fc.nat(), (strategy, ids, at) => {
        const failed = ids[at % ids.length]!;
        const affected = affectedBy(strategy, ids, failed);
        expect(affected).toContain(failed);
        expect(ids.filter((id) => affected.includes(id))).toEqual(affected);
      }),
    );
  });
});

describe('who is started again', () => {
  it.each([
    ['permanent', true, true, true, true],
    ['transient', false, false, true, true],
    ['temporary', false, false, false, false],
  ] as const)('%s', (restart, normal, shutdown, crash, escalate) => {
    expect({
      normal: isToRestart(restart, 'normal'),
      shutdown: isToRestart(restart, 'shutdown'),
      crash: isToRestart(restart, 'crash'),
      escalate: isToRestart(restart, 'escalate'),
    }).toEqual({ normal, shutdown, crash, escalate });
  });
});
