// Hunts the lie that a summary says what the document does not, or hides how little of it was looked at.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument, type Source } from './document.ts';
import { HARBOUR, NOTES, SOURCES, TIDES, anyText } from './fixtures.ts';
import { summarise, type SummaryOptions } from './summary.ts';

const LIMIT = 40;

function texts(source: Source, options?: SummaryOptions): string[] {
  return summarise(source, options).sentences.map(({ text }) => text);
}

describe('a summary a person finds sensible', () => {
  test('begins with what the document is', () => {
    expect(texts(TIDES, { sentences: 3 })).toEqual([
      'A tide is the slow rise and fall of the sea, caused by the pull of the moon.',
      'Twice a day the tide reaches its highest mark.',
      'When sun and moon pull in one line, the tide rises higher than usual.',
    ]);
    expect(texts(HARBOUR, { sentences: 2 })).toEqual([
      'The harbour was built in 1604 to shelter forty ships from the western storms.',
      'The town rebuilt the wall with granite from the same quarry, and the harbour has sheltered ships from every storm since.',
    ]);
  });

  test('does not say the same twice', () => {
    const text = `${'The tide rises with the moon each day. '.repeat(4)}\n\nA lamp on the wall guides the ships home.\n\nThe moon moves the tide.`;
    const said = texts({ path: 'a.md', text }, { sentences: 2 });
    expect(new Set(said).size).toBe(said.length);
  });

  test('prefers sentences that stand on their own', () => {
    const text =
      'However, the harbour shelters the ships from storms. The harbour shelters ships from the western storms.\n\n' +
      'The following ships are in the harbour:\n\n- one\n';
    expect(texts({ path: 'a.md', text }, { sentences: 1 })).toEqual([
      'The harbour shelters ships from the western storms.',
    ]);
  });
});

describe('what is chosen', () => {
  test('whole sentences, before lines that are none', () => {
    const text =
      '- Harbour shelters ships from storms\n- Harbour shelters boats from storms\n\nForty ships lie in the harbour today.';
    expect(texts({ path: 'a.md', text })).toEqual(['Forty ships lie in the harbour today.']);
  });
});

test('each citation is the source to the letter', () => {
  for (const source of SOURCES) {
    for (const citation of summarise(source).sentences) {
      expect(citation.path).toBe(source.path);
      expect(source.text.slice(citation.start, citation.end)).toBe(citation.quote);
    }
  }
});

test('it says how it came about', () => {
  expect(summarise(TIDES).method).toEqual({
    name: 'textrank',
    damping: 0.85,
    threshold: 0.0001,
    iterations: expect.any(Number) as number,
    converged: true,
    sentences: 11,
    candidates: 9,
    considered: 9,
  });
});

test('a document too long to be ranked as a whole is cut, and it says so', () => {
  const lines = Array.from(
    { length: 3 * LIMIT },
    (_, i) => `Ship number ${i} carries the lamp ${i % 7} of harbour ${i % 11}.`,
  );
  const source = { path: 'a.md', text: `The register lists all ships ever seen.\n\n${lines.join('\n\n')}\n` };
  const { method, sentences } = summarise(source, { considerLimit: LIMIT });
  expect([method.sentences, method.candidates, method.considered]).toEqual([
    3 * LIMIT + 1,
    3 * LIMIT + 1,
    LIMIT,
  ]);
  expect(sentences[0]?.text).toBe('The register lists all ships ever seen.');
});

test.each<[situation: string, text: string, expected: string[]]>([
  ['nothing', '', []],
  ['only headings', '# A\n\n## B\n', []],
  ['only short sentences', 'No. Yes. Perhaps not.', []],
  ['a word too long to read', `The harbour shelters all the ${'x'.repeat(1_000)}.`, []],
  ['more marks than a person reads', `The harbour shelters all the ships ${'`'.repeat(200_000)}.`, []],
  ['one sentence', 'The harbour shelters all the ships.', ['The harbour shelters all the ships.']],
  ['no full stops at all', '- the harbour shelters all the ships', ['the harbour shelters all the ships']],
])('%s', (_situation, text, expected) => {
  expect(texts({ path: 'a.md', text })).toEqual(expected);
});

test('never more than half of a document', () => {
  expect(texts(NOTES, { sentences: 100 }).length).toBeLessThanOrEqual(3);
});

const prose = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'The harbour ',
        'shelters ',
        'forty ships ',
        'of granite ',
        'the moon ',
        'pulls ',
        'tide ',
        'wall ',
      ),
      fc.constantFrom('. ', '. ', '.\n\n', '.\n\n## Part\n\n', '\n- ', ' `code` ', '**', '\u{1F600}', '7 '),
    ),
    { maxLength: 150 },
  )
  .map((parts) => parts.join(''));

describe('whatever the text', () => {
  test('a summary is a part of the document, in its order, plain data, and the same each time', () => {
    fc.assert(
      fc.property(fc.oneof(prose, anyText(300)), fc.nat(8), (text, limit) => {
        const source = { path: 'a.md', text };
        const document = readDocument(source);
        const options = { sentences: limit, considerLimit: 12 };
        const result = summarise(source, options);
        expect(result.sentences.length).toBeLessThanOrEqual(limit);
        expect(result.method.considered).toBeLessThanOrEqual(12);
        let last = -1;
        for (const citation of result.sentences) {
          expect(citation.index).toBeGreaterThan(last);
          last = citation.index;
          const sentence = document.sentences[citation.index];
          expect(sentence).toMatchObject({ text: citation.text, start: citation.start, end: citation.end });
          expect(text.slice(citation.start, citation.end)).toBe(citation.quote);
          expect(Number.isFinite(citation.score)).toBe(true);
        }
        expect(JSON.parse(JSON.stringify(result))).toEqual(result);
        expect(summarise(source, options)).toEqual(result);
      }),
      { numRuns: 300 },
    );
  });

  test('a summary of a summary says nothing new', () => {
    fc.assert(
      fc.property(prose, (text) => {
        const first = texts({ path: 'a.md', text });
        const again = texts({ path: 'a.md', text: first.join('\n\n') });
        for (const sentence of again) expect(first.join(' ')).toContain(sentence);
      }),
    );
  });
});
