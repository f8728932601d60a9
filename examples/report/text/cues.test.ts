// Hunts the lie that a sentence reads well on its own when it leans on what the reader will not see.
import { describe, expect, test } from 'vitest';
import { worth } from './cues.ts';
import { readDocument, type SourceDocument } from './document.ts';

const RANK = 0.5;
const LATER = { place: 20, opening: false };

/** The worth of the last sentence of a document. */
function worthOf(text: string, place = LATER, rank = RANK): number {
  const document: SourceDocument = readDocument({ path: 'a.md', text });
  return worth(document.sentences.at(-1)!, rank, place, document);
}

const PLAIN = worthOf('The harbour shelters ships from the western storms.');

test('what speaks for a plain sentence is its rank', () => {
  expect(PLAIN).toBeCloseTo(RANK, 5);
  expect(worthOf('The harbour shelters ships from the western storms.', LATER, 1)).toBeCloseTo(1, 5);
});

describe('worth more', () => {
  test('the nearer to the beginning', () => {
    const places = [0, 1, 2, 3].map((place) =>
      worthOf('The harbour shelters ships.', { place, opening: false }),
    );
    expect(places).toEqual(places.toSorted((a, b) => b - a));
    expect(places.at(-1)).toBeGreaterThan(PLAIN);
  });

  test('the first sentence of its section', () => {
    expect(worthOf('The harbour shelters ships.', { place: 20, opening: true })).toBeGreaterThan(PLAIN);
  });

  test('a sentence with the words of the title', () => {
    expect(worthOf('# Harbours\n\nThe harbour shelters ships from the western storms.')).toBeGreaterThan(
      PLAIN,
    );
  });
});

describe('worth less', () => {
  test.each<[situation: string, text: string]>([
    ['it points back', 'However, the harbour shelters ships from storms.'],
    ['it begins with a word for something said before', 'It shelters ships from the western storms.'],
    ['the same behind a list of names', 'These shelter ships from the western storms.'],
    ['it sends the reader elsewhere', 'For the harbours that shelter ships, see the list.'],
    ['it points to the page', 'The harbours listed below shelter ships from storms.'],
    ['an entry of a reference', '`shelter` (boolean): the harbour shelters ships from storms.'],
    ['mostly code', 'The `harbour()` `shelters()` `ships` from `storms`.'],
    ['mostly figures', 'The harbour has 12 ships, 7 walls, 3.5 m of sea, 1604 and 1824.'],
    ['an item of a list', '- The harbour shelters ships from the western storms.'],
    ['the small print', '# Sea\n\n## License\n\nThe harbour shelters ships from the western storms.'],
    ['very long', `The harbour shelters ${'ships and boats and '.repeat(10)}rafts.`],
  ])('%s', (_situation, text) => {
    expect(worthOf(text)).toBeLessThan(PLAIN * 0.9);
  });

  test('an entry of a reference, for that alone', () => {
    const entry = worthOf('`shelter`: the harbour shelters ships from storms.');
    expect(entry).toBeLessThan(worthOf('`shelter` the harbour shelters ships from storms.') * 0.6);
  });

  test.each([
    'Italy has harbours that shelter ships from storms.',
    'This-and-that harbours shelter ships from storms.',
    'Seafarers know harbours that shelter ships from storms.',
  ])('but not for a word that only begins like one: %s', (text) => {
    expect(worthOf(text)).toBeCloseTo(PLAIN, 5);
  });
});
