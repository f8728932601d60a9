// Hunts the lie that this is Porter's algorithm: the paper's own examples are the judge.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stem } from './porter.ts';

/** The examples of the paper, step by step, each with its stem after all steps. */
const EXAMPLES = `
  caresses caress  ponies poni  ties ti  caress caress  cats cat
  feed feed  agreed agre  plastered plaster  bled bled  motoring motor  sing sing
  conflated conflat  troubled troubl  sized size  hopping hop  tanned tan  falling fall  hissing hiss  fizzed fizz
  failing fail  filing file  happy happi  sky sky
  relational relat  conditional condit  rational ration  valenci valenc  hesitanci hesit  digitizer digit
  conformabli conform  radicalli radic  differentli differ  vileli vile  analogousli analog
  vietnamization vietnam  predication predic  operator oper  feudalism feudal  decisiveness decis
  hopefulness hope  callousness callous  formaliti formal  sensitiviti sensit  sensibiliti sensibl
  triplicate triplic  formative form  formalize formal  electriciti electr  electrical electr  hopeful hope
  goodness good
  revival reviv  allowance allow  inference infer  airliner airlin  gyroscopic gyroscop  adjustable adjust
  defensible defens  irritant irrit  replacement replac  adjustment adjust  dependent depend  adoption adopt
  homologou homolog  communism commun  activate activ  angulariti angular  homologous homolog
  effective effect  bowdlerize bowdler
  probate probat  rate rate  cease ceas  controll control  roll roll
  connect connect  connected connect  connecting connect  connection connect  connections connect
  generalizations gener  oscillators oscil  companion companion
`;

test.each(
  EXAMPLES.trim()
    .split(/\s{2,}|\n\s*/)
    .map((pair) => pair.split(' ') as [string, string]),
)('%s has the stem %s', (word, expected) => {
  expect(stem(word)).toBe(expected);
});

test.each(['', 'a', 'as', 'é', 'naïve', 'node.js', "don't", 'x86', 'Upper', 'y'.repeat(10_000)])(
  '%j is not an English word, and stays',
  (word) => {
    expect(stem(word)).toBe(word);
  },
);

test('whatever the word, its stem begins as the word does and is no longer', () => {
  const letters = fc.string({
    unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('')),
    maxLength: 45,
  });
  const suffixes = fc.constantFrom(
    '',
    'ing',
    'ed',
    'ational',
    'iveness',
    'ement',
    'ies',
    'y',
    'll',
    'ee',
    'ization',
  );
  fc.assert(
    fc.property(letters, suffixes, (start, suffix) => {
      const word = start + suffix;
      const result = stem(word);
      expect(result.length).toBeLessThanOrEqual(word.length);
      expect(result.length).toBeGreaterThanOrEqual(Math.min(word.length, 1));
      expect(result[0]).toBe(word[0]);
    }),
  );
});
