// Hunts the lie that a word is something else than what stands at its place.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countWords, isContentWord, readWords } from './words.ts';
import { anyText } from './fixtures.ts';

test.each<[text: string, words: string[]]>([
  ['', []],
  ['One, two; three.', ['One', 'two', 'three']],
  ['README.md 1.2.3 node.js', ['README.md', '1.2.3', 'node.js']],
  ["don't the sailor’s", ["don't", 'the', 'sailor’s']],
  ['event-sourced and/or -9', ['event-sourced', 'and', 'or', '9']],
  ['`snake_case(camelCase)`', ['snake_case', 'camelCase']],
  ['Cafe\u0301 über \u{1F600} 東京', ['Cafe\u0301', 'über', '東京']],
])('the words of %j', (text, words) => {
  expect(readWords(text).map((word) => word.surface)).toEqual(words);
  expect(countWords(text)).toBe(words.length);
});

test('words are compared without case, possessive and ending', () => {
  const [a, b, c] = readWords("Sailors sailor's Event-sourced");
  expect([a?.stem, b?.stem, c?.stem]).toEqual(['sailor', 'sailor', 'event-sourc']);
});

test.each([
  ['harbour', true],
  ['the', false],
  ['Don’t', false],
  ['e.g', false],
  ['AI', true],
  ['ab', false],
  ['x', false],
  ['42', false],
  ['1.2.3', false],
  ['7z', false],
  ['v8', false],
  ['utf8', true],
])('%s says something: %s', (text, expected) => {
  expect(readWords(text).map(isContentWord)).toEqual([expected]);
});

test('whatever the text, each word stands at its place', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      let end = 0;
      for (const word of readWords(text)) {
        expect(text.slice(word.start, word.end)).toBe(word.surface);
        expect(word.start).toBeGreaterThanOrEqual(end);
        end = word.end;
      }
    }),
  );
});
