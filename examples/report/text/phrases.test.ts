// Hunts the lie that a piece of an expression is an expression.
import { expect, test } from 'vitest';
import { readDocument } from './document.ts';
import { keyPhrases } from './phrases.ts';

function phrases(...texts: string[]) {
  return keyPhrases(
    texts.map((text, i) => readDocument({ path: `${i}.md`, text })),
    10,
  );
}

test('a score is the C-value, by hand', () => {
  const found = phrases('Spring tide tables. The spring tide tables.', 'A spring tide. The spring tides.');
  expect(found).toEqual([
    // f = 4, and it stands twice inside one longer phrase: log2(2) · (4 − 2/1).
    { phrase: 'spring tide tables', count: 2, df: 1, score: Number((Math.log2(3) * 2).toFixed(6)) },
    { phrase: 'spring tide', count: 4, df: 2, score: 2 },
  ]);
});

test('a phrase that only stands inside a longer one is not shown', () => {
  const found = phrases('A human approval gate. The human approval gate.');
  expect(found.map(({ phrase }) => phrase)).toEqual(['human approval gate']);
});

test('stop words, punctuation and code marks end a phrase', () => {
  expect(phrases('Lamp of wall. Lamp, wall. Lamp `wall`. Lamp/wall. Lamp of wall. Lamp, wall.')).toEqual([]);
});

test('a capital at the head of a sentence is none, unless a name begins there', () => {
  const found = phrases('Spring tide. Spring tide. Open Source. Open Source.');
  expect(found.map(({ phrase }) => phrase)).toEqual(['spring tide', 'Open Source']);
});

test('what stands once is no phrase', () => {
  expect(phrases('A spring tide.')).toEqual([]);
  expect(phrases()).toEqual([]);
});
