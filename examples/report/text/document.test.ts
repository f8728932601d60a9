// Hunts the lie that a sentence stands where it does not, and that something was read which no one wrote.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument, type SourceDocument } from './document.ts';
import { HARBOUR, NOTES, SOURCES, TIDES, anyText } from './fixtures.ts';

/** Code units of the text in the linear-time test, and the time within which it must be read. */
const LONG_TEXT = 200_000;
const LONG_TEXT_MS = 2_000;

function sentences(text: string, path = 'a.md'): string[] {
  return readDocument({ path, text }).sentences.map((sentence) => sentence.text);
}

function expectSound(text: string, document: SourceDocument): void {
  let end = 0;
  document.sentences.forEach((sentence, i) => {
    const raw = text.slice(sentence.start, sentence.end);
    expect(sentence.index).toBe(i);
    expect(sentence.start).toBeGreaterThanOrEqual(end);
    expect(raw).not.toBe('');
    expect(raw).toBe(raw.trim());
    expect(sentence.text).toBe(sentence.text.replace(/\s+/g, ' ').trim());
    expect(document.sections[sentence.section] === undefined).toBe(sentence.section === -1);
    end = sentence.end;
  });
  document.sections.forEach((section, i) => {
    expect(section.index).toBe(i);
    expect(section.start).toBeLessThan(section.end);
    expect(section.end).toBe(document.sections[i + 1]?.start ?? text.length);
  });
}

describe('a Markdown document', () => {
  const document = readDocument(TIDES);

  test('has its title, its sections and only its prose', () => {
    expect(document.title).toBe('Tides');
    expect(document.sections.map(({ level, title }) => `${level} ${title}`)).toEqual([
      '1 About tides',
      '2 Spring tides',
      '3 Neap tides',
    ]);
    expect(document.sentences.map(({ text }) => text)).toEqual([
      'A tide is the slow rise and fall of the sea, caused by the pull of the moon.',
      'The moon pulls the water that is nearest to it, and the sea rises towards the moon.',
      'Twice a day the tide reaches its highest mark.',
      'When sun and moon pull in one line, the tide rises higher than usual.',
      'Sailors call it a spring tide; see the tables for the 2.5 m mark at St. Malo.',
      'Dr. Lind measured 13.4 m there in 1998.',
      'A neap tide is the low tide between two spring tides.',
      'The tide tables in `tides.json` list every spring tide of the year.',
      'When sun and moon pull across each other, the sea rises less.',
      'The tide is then called a neap tide.',
      'Some ports see only one tide a day.',
    ]);
    expect(document.sentences.map(({ section }) => section)).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
    expect(document.sentences.filter(({ kind }) => kind === 'item')).toHaveLength(3);
  });

  test('gives the place of each sentence as its author wrote it', () => {
    const raw = document.sentences.map(({ start, end }) => TIDES.text.slice(start, end));
    expect(raw[2]).toBe('Twice a day the tide reaches its highest mark[^1].');
    expect(raw[3]).toContain('the tide rises **higher** than usual.');
    expect(raw[4]).toContain('*spring tide*; see the\n[tables](https://example.org/tables?a=1)');
    expect(raw[8]).toBe('When sun and moon pull across each other, the sea\n> rises less.');
    expectSound(TIDES.text, document);
  });

  test('counts the words of its prose', () => {
    const words = document.sentences.reduce((sum, { text }) => sum + text.split(/[\s;]+/).length, 0);
    expect(document.words).toBe(words);
    expect(document.chars).toBe(TIDES.text.length);
  });
});

test('a plain text document, with Windows line ends', () => {
  const document = readDocument(HARBOUR);
  expect(document.title).toBe('The old harbour');
  expect(document.sentences).toHaveLength(6);
  expect(document.sentences.map(({ kind }) => kind)).toEqual([
    'prose',
    'prose',
    'prose',
    'prose',
    'item',
    'item',
  ]);
  for (const { text, start, end } of document.sentences) {
    expect(HARBOUR.text.slice(start, end).replace(/\s+/g, ' ')).toBe(text);
  }
  expectSound(HARBOUR.text, document);
});

test('abbreviations, versions, file names and code are not ends of sentences', () => {
  expect(sentences(NOTES.text)).toEqual([
    'Release notes, e.g. for version 1.2.3, stand in CHANGES.md.',
    'Do they help?',
    'They do... mostly.',
    '"Yes!" she said.',
    'Run `npm test. Then stop.` before each release.',
    'Tag it (the tag is signed. Always.) and push.',
  ]);
});

describe('the title', () => {
  test.each<[situation: string, text: string, title: string]>([
    ['the front matter says it', '---\ntitle: A\n---\n# B', 'A'],
    ['the first top heading', '## A\n\n# B\n\n# C', 'B'],
    ['a heading that begins the document', '## A\n\ntext', 'A'],
    ['a heading below prose is none', 'Text.\n\n## A', 'name.md'],
    ['a heading without words is none', '# ![logo](x.png)\n\n# A', 'A'],
    ['code in a heading', '# The `a.b` *file*', 'The a.b file'],
    ['nothing', '', 'name.md'],
  ])('%s', (_situation, text, title) => {
    expect(readDocument({ path: 'folder/name.md', text }).title).toBe(title);
  });
});

describe('what is hard to read', () => {
  test.each<[situation: string, text: string, expected: string[]]>([
    ['nothing', '', []],
    ['only marks', '***\n\n> \n\n- \n\n!?.', []],
    ['no line break at the end', 'One. Two', ['One.', 'Two']],
    ['a sentence in bold', '**One.** Two.', ['One.', 'Two.']],
    ['bold over two sentences', '**One. Two.** Three.', ['One.', 'Two.', 'Three.']],
    ['a link as the whole sentence', '[One is here.](x "a. b") Two.', ['One is here.', 'Two.']],
    [
      'letters of two code units',
      '\u{1F600} smiles. \u{1F409} too.',
      ['\u{1F600} smiles.', '\u{1F409} too.'],
    ],
    ['letters that are half a letter', 'a \ud83d b. C \ude00.', ['a \ud83d b.', 'C \ude00.']],
    ['letters with marks', 'Cafe\u0301. Nai\u0308ve.', ['Cafe\u0301.', 'Nai\u0308ve.']],
    ['letters from right to left', 'שלום עולם. Next.', ['שלום עולם.', 'Next.']],
  ])('%s', (_situation, text, expected) => {
    expect(sentences(text)).toEqual(expected);
    expectSound(text, readDocument({ path: 'a.md', text }));
  });

  test('a line of one sentence without end', () => {
    const text = 'word '.repeat(LONG_TEXT / 5);
    expect(sentences(text)).toEqual([text.trim()]);
  });

  const HOSTILE = [
    '[',
    '[a](',
    '![',
    '*',
    '**a',
    '_a ',
    '`',
    '`` ` ',
    '<',
    '<a ',
    '<!--',
    '(',
    'a. ',
    '> ',
    '- ',
  ];
  test.each([...HOSTILE, '1. ', '|', '\n', 'a\n\n', '[a]: b\n', '\\', ' ', '\t', '<pre>\n', '&#'])(
    'a long text of %j is read in linear time',
    (piece) => {
      const text = piece.repeat(LONG_TEXT / piece.length);
      const began = performance.now();
      expectSoundEnds(text);
      expect(performance.now() - began).toBeLessThan(LONG_TEXT_MS);
    },
  );

  function expectSoundEnds(text: string): void {
    const { sentences: found } = readDocument({ path: 'a.md', text });
    expect(found.at(-1)?.end ?? 0).toBeLessThanOrEqual(text.length);
  }
});

const PIECES = [
  ...'aB1 .!?*_~`[]()<>|#-+=&\\"\n'.split(''),
  '\r\n',
  '\n\n',
  '\n    ',
  '\n> ',
  '\n- ',
  '\n1. ',
  '\n# ',
  '\n---\n',
  '\n```\n',
  '\n| a |\n|---|\n',
  '<!--',
  '-->',
  '](x)',
  '![a](b)',
  '[^1]',
  '\n[a]: b\n',
  '<b>',
  '</b>',
  '\n<p>',
  '\n<pre>\n',
  '</pre>',
  '&amp;',
  'e.g. ',
  'One. Two. ',
  'é',
  '\u{1F600}',
  '\ud83d',
  '\ude00',
  '。',
  '\t',
  '\u00a0',
  '\u2028',
  '\0',
  '\uFEFF',
];
const texts = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((parts) => parts.join('')),
  anyText(),
);
const paths = fc.constantFrom('a.md', 'a.txt');

describe('whatever the text', () => {
  test('places are sound, and the result is plain data, and the same each time', () => {
    fc.assert(
      fc.property(texts, paths, (text, path) => {
        const document = readDocument({ path, text });
        expectSound(text, document);
        expect(JSON.parse(JSON.stringify(document))).toEqual(document);
        expect(readDocument({ path, text })).toEqual(document);
      }),
      { numRuns: 1_000 },
    );
  });

  test('plain text is given back to the letter, but for white space', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const sentence of readDocument({ path: 'a.txt', text }).sentences) {
          expect(text.slice(sentence.start, sentence.end).replace(/\s+/g, ' ')).toBe(sentence.text);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('no letter of a sentence stands outside its place', () => {
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(!text.includes('&'));
        for (const sentence of readDocument({ path: 'a.md', text }).sentences) {
          const raw = text.slice(sentence.start, sentence.end);
          let at = 0;
          for (const unit of sentence.text.replaceAll(' ', '').split('')) {
            at = raw.indexOf(unit, at) + 1;
            expect(at, `${JSON.stringify(unit)} in ${JSON.stringify(raw)}`).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('the fixtures are documents', () => {
  for (const source of SOURCES) expectSound(source.text, readDocument(source));
});
