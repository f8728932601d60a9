// The lie: "nothing is converted to make it fit". Each operator with what holds, what does not, and what cannot be told.
import { describe, expect, it } from 'vitest';
import { testOf } from './condition.ts';
import { patternOf } from './pattern.ts';
import { Problems } from './problems.ts';
import { isUnknown } from './truth.ts';

const NOW = 1_000_000;

function told(condition: unknown, value: unknown, other?: unknown): true | false | '?' {
  const problems = new Problems();
  const test = testOf(condition, '', problems, undefined);
  expect(problems.all).toEqual([]);
  const truth = test.holds({
    principal: { type: 'user', id: 'alice' },
    action: { name: 'a' },
    resource: { type: 'r', id: '1' },
    context: { at: NOW, value, other },
  });
  return isUnknown(truth) ? '?' : truth;
}

const of = 'context.value';
const other = { of: 'context.other' };

describe('a condition', () => {
  it.each<readonly [object, readonly unknown[], readonly unknown[], readonly unknown[]]>([
    [{ equals: 'a' }, ['a'], ['b', ''], [undefined, null, 1, true, ['a'], {}, Number.NaN]],
    [{ equals: 1 }, [1], [2, 0.999], ['1', true, undefined, Infinity]],
    [{ equals: false }, [false], [true], [0, '', undefined, null]],
    [{ differs: 'a' }, ['b'], ['a'], [undefined, 1, null]],
    [{ in: ['a', 'b'] }, ['a', 'b'], ['c'], [1, undefined, ['a']]],
    [{ notIn: ['a', 'b'] }, ['c'], ['a'], [1, undefined]],
    [{ in: [1, 'a'] }, [], [], ['a', 1]],
    [{ lessThan: 5 }, [4, -1], [5, 6], ['4', undefined, Number.NaN, Infinity, null, 4n]],
    [{ atMost: 5 }, [5], [5.01], ['4']],
    [{ moreThan: 5 }, [6], [5], ['6', undefined]],
    [{ atLeast: 5 }, [5], [4.99], [[5]]],
    [{ contains: 'a' }, [['b', 'a']], [['b'], []], ['a', undefined, [1], { 0: 'a' }]],
    [{ lacks: 'a' }, [['b'], []], [['a']], ['b', undefined, [1]]],
    [{ overlaps: ['a', 'b'] }, [['x', 'b']], [['x'], []], ['a', undefined, [1]]],
    [{ within: ['a', 'b'] }, [['a'], []], [['a', 'x']], ['a', undefined, [1]]],
    [{ matches: 'review.*' }, ['review.approve', 'review.'], ['review', 'x.review.y'], [1, undefined]],
    [{ newerThan: '1 second' }, [NOW, NOW - 1000], [NOW - 1001, 0], [NOW + 1, '999000', undefined]],
    [{ olderThan: 1000 }, [NOW - 1001], [NOW, NOW - 1000], [NOW + 1, undefined]],
  ])('%j', (operator, holding, failing, untold) => {
    expect(holding.map((value) => told({ of, ...operator }, value))).toEqual(holding.map(() => true));
    expect(failing.map((value) => told({ of, ...operator }, value))).toEqual(failing.map(() => false));
    expect(untold.map((value) => told({ of, ...operator }, value))).toEqual(untold.map(() => '?'));
  });

  it.each<readonly [object, unknown, unknown, true | false | '?']>([
    [{ equals: other }, 'a', 'a', true],
    [{ equals: other }, 'a', 1, '?'],
    [{ equals: other }, undefined, undefined, '?'],
    [{ atMost: other }, 5, 5, true],
    [{ atMost: other }, 5, '6', '?'],
    [{ atMost: other }, 5, undefined, '?'],
    [{ in: other }, 'a', ['a'], true],
    [{ in: other }, 'a', 'abc', '?'],
    [{ within: other }, ['a'], ['a', 'b'], true],
    [{ within: other }, ['a'], undefined, '?'],
  ])('with another attribute: %j of %j and %j', (operator, value, beside, truth) => {
    expect(told({ of, ...operator }, value, beside)).toBe(truth);
  });
});

describe('a pattern', () => {
  it.each([
    ['*', ['', 'a', 'a/b'], []],
    ['a*', ['a', 'ab'], ['', 'ba']],
    ['*a', ['a', 'ba'], ['ab']],
    ['a*a', ['aa', 'aba'], ['a', 'ab']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc'], ['acb', 'ab', 'ac']],
    ['ab*ba', ['abba'], ['aba']],
    ['a**b', ['ab', 'axb'], ['a']],
    ['a.c', ['a.c'], ['abc']],
    ['^a$', ['^a$'], ['a']],
  ])('%s', (pattern, fitting, others) => {
    for (const text of fitting) expect([text, patternOf(pattern)(text)]).toEqual([text, true]);
    for (const text of others) expect([text, patternOf(pattern)(text)]).toEqual([text, false]);
  });

  it('takes no longer than its text, however it is made', () => {
    expect(patternOf('*a'.repeat(50) + 'b')('a'.repeat(100_000))).toBe(false);
  });
});
