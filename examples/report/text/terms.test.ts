// Hunts the lie that a word is telling because it is frequent, and that it is not because all documents use it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readDocument } from './document.ts';
import { SOURCES } from './fixtures.ts';
import { corpusTerms, countTerms, documentTerms } from './terms.ts';

function read(...texts: string[]) {
  return texts.map((text, i) => readDocument({ path: `${i}.md`, text }));
}

test('a weight is tf · (1 + ln(N / df)), by hand', () => {
  const table = countTerms(read('A ship. The ships and a lamp.', 'One ship.', 'A wall, walls.'));
  expect(corpusTerms(table, 10)).toEqual(
    [
      { term: 'ship', stem: 'ship', tf: 3, df: 2, weight: Number((3 * (1 + Math.log(3 / 2))).toFixed(6)) },
      { term: 'wall', stem: 'wall', tf: 2, df: 1, weight: Number((2 * (1 + Math.log(3))).toFixed(6)) },
      { term: 'lamp', stem: 'lamp', tf: 1, df: 1, weight: Number((1 + Math.log(3)).toFixed(6)) },
    ].toSorted((a, b) => b.weight - a.weight),
  );
  expect(documentTerms(table, 0, 1)).toEqual([
    { term: 'ship', stem: 'ship', tf: 2, df: 2, weight: Number((2 * (1 + Math.log(3 / 2))).toFixed(6)) },
  ]);
});

test('equal weights keep the order of first appearance', () => {
  const table = countTerms(read('Zebra, apple, mango.'));
  expect(corpusTerms(table, 2).map(({ term }) => term)).toEqual(['zebra', 'apple']);
});

test('a term is shown as it is mostly spelt, and a capital at the head of a sentence is none', () => {
  const table = countTerms(read('Ships sail. Ships sink. A ship. LevelDB stays. LevelDB is LevelDB.'));
  expect(corpusTerms(table, 2).map(({ term }) => term)).toEqual(['ships', 'LevelDB']);
});

test('the telling words of the fixtures', () => {
  const table = countTerms(SOURCES.map(readDocument));
  expect(documentTerms(table, 0, 4).map(({ term }) => term)).toEqual(['tide', 'moon', 'rises', 'pull']);
  expect(documentTerms(table, 1, 3).map(({ term }) => term)).toEqual(['harbour', 'wall', 'ships']);
});

test('no documents, and documents without words', () => {
  expect(corpusTerms(countTerms([]), 5)).toEqual([]);
  expect(corpusTerms(countTerms(read('', '...')), 5)).toEqual([]);
});

test('whatever the documents, the counts add up', () => {
  const words = fc.array(fc.constantFrom('ship', 'ships', 'wall', 'the', 'lamp', '7'), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(words, { maxLength: 5 }), (lists) => {
      const texts = lists.map((list) => list.join(', '));
      const documents = read(...texts);
      const table = countTerms(documents);
      for (const term of corpusTerms(table, Infinity)) {
        const perDocument = documents.map(
          (_, d) => documentTerms(table, d, Infinity).find(({ stem }) => stem === term.stem)?.tf ?? 0,
        );
        expect(perDocument.reduce((sum, tf) => sum + tf, 0)).toBe(term.tf);
        expect(perDocument.filter((tf) => tf > 0)).toHaveLength(term.df);
      }
      expect(countTerms(documents)).toEqual(table);
    }),
  );
});
