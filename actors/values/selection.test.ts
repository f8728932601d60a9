// The lie: "a pattern finds all its places". Places that are missing, strange keys, and lists that are none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaced, select } from './selection.ts';

const value = {
  rows: [{ amount: 1 }, {}, { amount: 3 }],
  'a/b': { '~': 1, '*': 2, 'ü %': 3 },
  empty: [],
  text: 'abc',
};

describe('a pattern', () => {
  it.each<[pattern: string, found: [pointer: string, value: unknown][]]>([
    ['#', [['#', value]]],
    [
      '#/rows/*/amount',
      [
        ['#/rows/0/amount', 1],
        ['#/rows/1/amount', undefined],
        ['#/rows/2/amount', 3],
      ],
    ],
    [
      '#/a~1b/*',
      [
        ['#/a~1b/~0', 1],
        ['#/a~1b/%2A', 2],
        ['#/a~1b/%C3%BC%20%25', 3],
      ],
    ],
    ['#/a~1b/%2A', [['#/a~1b/%2A', 2]]],
    ['#/empty/*', []],
    ['#/nowhere/*/amount', [['#/nowhere/*/amount', undefined]]],
    ['#/text/0', [['#/text/0', undefined]]],
    ['#/text/*', [['#/text/*', undefined]]],
    ['#/rows/length', [['#/rows/length', undefined]]],
    ['#/constructor', [['#/constructor', undefined]]],
  ])('%s', (pattern, found) => {
    expect(select(value, pattern).map((place) => [place.pointer, place.value])).toEqual(found);
  });

  it('finds again what it has found, whatever the keys are, and changes that place alone', () => {
    const keys = fc.string({ unit: fc.constantFrom('*', '~', '/', '%', '0', 'ü', '😀', '"') });
    fc.assert(
      fc.property(fc.dictionary(keys, fc.array(fc.nat(), { maxLength: 3 }), { maxKeys: 5 }), (data) => {
        for (const { pointer, value: item } of select(data, '#/*/*')) {
          expect(select(data, pointer)).toEqual([{ pointer, value: item }]);
          const other = replaced(data, pointer, 'x');
          expect(select(other, pointer)).toEqual([{ pointer, value: 'x' }]);
          expect(replaced(other, pointer, item)).toEqual(data);
        }
      }),
    );
  });
});
