// The lie: "what does not fit is cut so that nothing is lost". Texts in many scripts, with emoji of many code points, are cut and put
// together; and what cannot be cut, counted or merged as it was declared is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidArgument } from 'heddle';
import { chunk, chunked, merged, mergedMetadata } from './chunking.ts';
import type { Chunking } from './chunking.ts';
import { reduced } from '../values/reducers.ts';
import type { Reducer } from '../values/reducers.ts';
import { CUTS, split } from './splitting.ts';
import type { Splitting } from './splitting.ts';
import { estimatedTokens, fits, tokensIn } from './tokens.ts';
import type { TokenCounter } from './tokens.ts';

const bytes = estimatedTokens({ bytesPerToken: 1, margin: 0 });
const quarters = estimatedTokens({ bytesPerToken: 4, margin: 0.2 });
/** Words and signs, as a model would: not in proportion to the length. */
const words: TokenCounter = { name: 'words', count: (text) => text.match(/\w+|[^\w\s]/gu)?.length ?? 0 };

/** Together more than each alone. */
const uneven: TokenCounter = { name: 'uneven', count: (text) => Math.ceil(text.length ** 1.2) };

const partsOf = (text: string, splitting: Splitting, counter: TokenCounter = bytes): string[] | undefined =>
  split(text, splitting, counter)?.map(({ from, to }) => text.slice(from, to));

describe('a text that is cut', () => {
  const cut = (text: string, maxTokens: number, finest: Splitting['finest'], overlap = 0) =>
    partsOf(text, { maxTokens, overlap, finest });

  it('is cut between paragraphs where that is possible, and takes as many as fit', () => {
    expect(cut('One.\n\nTwo.\n \n\nThree.\r\n\r\nFour.', 16, 'character')).toEqual([
      'One.\n\nTwo.\n \n\n',
      'Three.\r\n\r\nFour.',
    ]);
  });

  it('else between sentences, words, characters: each only as far as needed', () => {
    const text = 'Short one.\n\nA sentence. Another one. Incomprehensibilities!';
    expect(cut(text, 14, 'character')).toEqual([
      'Short one.\n\n',
      'A sentence. ',
      'Another one. I',
      'ncomprehensibi',
      'lities!',
    ]);
  });

  it.each(CUTS)('is refused when that needs a finer cut than %s', (finest) => {
    const texts = {
      paragraph: 'A sentence. Another one.',
      sentence: 'One long sentence.',
      word: 'Incomprehensible',
      character: '👨‍👩‍👧‍👦',
    };
    expect(cut(texts[finest], 13, finest)).toBeUndefined();
    const next = CUTS[CUTS.indexOf(finest) + 1];
    if (next !== undefined) expect(cut(texts[finest], 13, next)!.join('')).toBe(texts[finest]);
  });

  it('repeats whole words, as far as they fit', () => {
    expect(cut('alpha beta gamma delta epsilon', 16, 'word', 6)).toEqual([
      'alpha beta gamma',
      ' gamma delta ',
      'delta epsilon',
    ]);
  });

  it('makes its pieces shorter to have room for what it repeats', () => {
    const text = 'One two three. Four five six. Seven eight.';
    expect(cut(text, 15, 'sentence')).toEqual(['One two three. ', 'Four five six. ', 'Seven eight.']);
    expect(cut(text, 15, 'word', 5)).toEqual([
      'One two three. ',
      '. Four five six',
      ' six. Seven ',
      ' eight.',
    ]);
  });

  it('that fits stays in one part', () => {
    expect(cut('Whole.\n\nAs it is.', 100, 'paragraph', 10)).toEqual(['Whole.\n\nAs it is.']);
    expect(cut('', 1, 'character')).toEqual(['']);
  });

  const scraps = fc.constantFrom(
    ...[
      'word',
      'Zürich',
      ' ',
      ' ',
      '. ',
      '! ',
      '\n',
      '\n\n',
      '\r\n',
      '\t',
      '漢字',
      'かな',
      'ไทย',
      'क्षि',
      'e\u0301',
      '👍🏽',
      '🏳️‍🌈',
      '👨‍👩‍👧‍👦',
      '🇨🇭🇩🇪',
      '\u200d',
      // One character, and two words.
      '\u0600!',
      '각',
      '(',
      '1,000.50',
      'https://a.b/c',
    ],
  );
  const texts = fc.array(scraps, { minLength: 1, maxLength: 80 }).map((list) => list.join(''));
  const splittings = fc
    .record({
      maxTokens: fc.integer({ min: 1, max: 90 }),
      percent: fc.nat(90),
      finest: fc.constantFrom(...CUTS),
    })
    .map(({ percent, ...rest }): Splitting => ({
      ...rest,
      overlap: Math.floor((rest.maxTokens * percent) / 101),
    }));

  it('loses nothing, is short enough, goes on, and keeps every character whole', () => {
    let cuts = 0;
    let repeats = 0;
    fc.assert(
      fc.property(
        texts,
        splittings,
        fc.constantFrom(bytes, quarters, words, uneven),
        (text, splitting, counter) => {
          const parts = split(text, splitting, counter);
          if (parts === undefined) {
            expect(tokensIn(text, counter)).toBeGreaterThan(splitting.maxTokens - splitting.overlap);
            return;
          }
          const characters = new Set([
            0,
            ...Array.from(
              new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text),
              ({ index }) => index,
            ),
            text.length,
          ]);
          expect(parts.map(({ newFrom, to }) => text.slice(newFrom, to)).join('')).toBe(text);
          for (const [index, { from, newFrom, to }] of parts.entries()) {
            expect(tokensIn(text.slice(from, to), counter)).toBeLessThanOrEqual(splitting.maxTokens);
            expect(tokensIn(text.slice(from, newFrom), counter)).toBeLessThanOrEqual(splitting.overlap);
            expect([from, newFrom, to].every((place) => characters.has(place))).toBe(true);
            expect(newFrom).toBe(index === 0 ? 0 : parts[index - 1]!.to);
            expect(to > newFrom || text === '').toBe(true);
            if (newFrom > from) repeats++;
          }
          if (parts.length > 1) cuts++;
        },
      ),
      { numRuns: 3000 },
    );
    expect(cuts).toBeGreaterThan(20);
    expect(repeats).toBeGreaterThan(20);
  });

  it.each(['漢字かな交じり文', 'word', 'A sentence. ', '🇨🇭🇩🇪', '👨‍👩‍👧‍👦e\u0301'])('may be %s for long', (unit) => {
    const text = unit.repeat(20_000);
    const parts = split(text, { maxTokens: 2048, overlap: 64, finest: 'character' }, quarters)!;
    expect(parts.map(({ newFrom, to }) => text.slice(newFrom, to)).join('')).toBe(text);
    expect(parts.length).toBeGreaterThan(10);
    const whole = new RegExp(
      `^(${Array.from(new Intl.Segmenter('en').segment(unit), ({ segment }) => segment).join('|')})*$`,
      'u',
    );
    for (const { from, to } of parts) expect(text.slice(from, to)).toMatch(whole);
  });
});

describe('before anybody is asked', () => {
  const window = { tokens: 2048, answer: 512 };

  it('22 kB do not fit into 2,048 tokens: that is a fault, and in parts they do', () => {
    const text = 'The tide comes in, and the tide goes out again. '.repeat(470);
    expect(Buffer.byteLength(text)).toBeGreaterThan(22_000);
    expect(fits(text, window, quarters)).toEqual({
      ok: false,
      tokens: 6768,
      fault: {
        class: 'context-window',
        message:
          '6768 tokens (bytes / 4 + 20 %) and 512 for the answer do not fit into 2048; nobody was asked',
      },
    });
    const chunking = chunk({
      pointer: '#/text',
      maxTokens: 1536,
      overlap: 50,
      finest: 'sentence',
      merge: { words: 'sum' },
    });
    const told = chunked({ text, title: 'tides' }, chunking, quarters);
    if (!told.ok) throw new Error(told.fault.message);
    expect(told.inputs.length).toBe(5);
    for (const input of told.inputs) {
      expect(input['title']).toBe('tides');
      expect(fits(input['text'] as string, window, quarters).ok).toBe(true);
    }
  });

  it.each([
    [1536, true],
    [1537, false],
  ])('%s tokens beside 512 for the answer, in 2,048: %s', (tokens, ok) => {
    expect(fits('x', window, { name: 'n', count: () => tokens }).ok).toBe(ok);
  });

  it.each([Number.NaN, -1, 1.5, Infinity, '7'])('a counter that says %s is not believed', (tokens) => {
    expect(() => fits('x', window, { name: 'odd', count: () => tokens as number })).toThrow(`counter 'odd'`);
  });

  it('an estimate is never less than the margin above the bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(quarters.count(text)).toBeGreaterThanOrEqual((Buffer.byteLength(text) / 4) * 1.2);
      }),
    );
    for (const [estimate, path] of [
      [{ bytesPerToken: 0, margin: 0 }, 'estimatedTokens.bytesPerToken'],
      [{ bytesPerToken: 4, margin: -0.1 }, 'estimatedTokens.margin'],
    ] as const) {
      expect(() => estimatedTokens(estimate)).toThrow(path);
    }
  });
});

describe('work in parts', () => {
  const declared: Chunking = {
    pointer: '#/document/text',
    maxTokens: 10,
    overlap: 0,
    finest: 'word',
    merge: { summary: { join: '\n' }, names: 'union', words: 'sum', isClean: 'all', title: 'first' },
  };

  it('differs in the text alone, and the input stays as it was', () => {
    const input = { document: { text: 'one two three', lang: 'en' }, tone: 'dry' };
    const told = chunked(input, chunk(declared), bytes);
    expect(told).toMatchObject({
      ok: true,
      inputs: [
        { document: { text: 'one two ', lang: 'en' }, tone: 'dry' },
        { document: { text: 'three', lang: 'en' }, tone: 'dry' },
      ],
    });
    expect(input.document.text).toBe('one two three');
  });

  it.each([
    ['that is not there', { document: {} }],
    ['that is no text', { document: { text: 5 } }],
    ['with words that are too long', { document: { text: 'incomprehensible' } }],
  ])('is refused for a text %s', (_, input) => {
    expect(chunked(input, chunk(declared), bytes)).toMatchObject({
      ok: false,
      fault: { class: 'context-window' },
    });
  });

  it('puts the answers together as declared', () => {
    const outputs = [
      { summary: 'Ebb.', names: ['a', { b: 1, c: 2 }], words: 0.1, isClean: true, title: 'Tides' },
      { summary: 'Flow.', names: [{ c: 2, b: 1 }, 'd', 'a'], words: 0.2, isClean: false, title: 'More' },
    ];
    expect(merged(outputs, declared)).toEqual({
      ok: true,
      output: {
        summary: 'Ebb.\nFlow.',
        names: ['a', { b: 1, c: 2 }, 'd'],
        words: 0.3,
        isClean: false,
        title: 'Tides',
      },
    });
  });

  it('guesses nothing: fields that nobody declared, that some parts lack, or of another kind', () => {
    const outputs = [
      { words: '3', 'a/b': 1, summary: 'Ebb.' },
      { words: 3, 'a/b': 2, names: [] },
    ];
    expect(merged(outputs, declared)).toEqual({
      ok: false,
      problems: [
        ['#/words', 'takes numbers, and number 1 of 2 is not'],
        ['#/a~1b', 'nobody declared how it is put together'],
        ['#/summary', 'is not in part 2 of 2'],
        ['#/names', 'is not in part 1 of 2'],
      ].map(([pointer, detail]) => ({ pointer, keyword: 'merge', schemaPath: '#', detail })),
    });
  });

  it('costs what its parts cost, and is as sure as the least of them', () => {
    const part = { cost: 0.1, duration: 5, model: 'm', confidence: 0.9 };
    expect(mergedMetadata([part, { ...part, cost: 0.2, confidence: 0.7 }, { ...part, model: 'n' }])).toEqual({
      cost: 0.4,
      duration: 15,
      model: 'm, n',
      confidence: 0.7,
    });
  });

  it('was made of what was looked at for its parts, each place once', () => {
    const part = { cost: 0, duration: 1, model: 'm', confidence: 1 };
    const [tides, moon] = ['tides', 'moon'].map((uri) => ({ uri, hash: `of ${uri}`, at: 1 }));
    const parts = [[tides!], [moon!, { ...tides!, at: 2 }], [{ ...tides!, hash: 'of other tides' }]];
    expect(mergedMetadata([part, ...parts.map((sources) => ({ ...part, sources }))]).sources).toEqual([
      ...[tides, moon, { ...tides, hash: 'of other tides' }],
    ]);
    expect(mergedMetadata([{ ...part, sources: [] }]).sources).toEqual([]);
  });

  it.each<[changes: Record<string, unknown>, path: string]>([
    [{ pointer: '#/texts/*' }, 'chunk.pointer'],
    [{ maxTokens: 0 }, 'chunk.maxTokens'],
    [{ overlap: 10 }, 'chunk.overlap'],
    [{ finest: 'letter' }, 'chunk.finest'],
    [{ concurrency: 0 }, 'chunk.concurrency'],
    [{ concurrency: Infinity }, 'chunk.concurrency'],
    [{ merge: {} }, 'chunk.merge'],
    [{ merge: { a: 'guess' } }, 'chunk.merge.a'],
    [{ merge: { a: 'toString' } }, 'chunk.merge.a'],
    [{ merge: { a: { join: 5 } } }, 'chunk.merge.a'],
  ])('declared as %j is refused', (changes, path) => {
    try {
      chunk({ ...declared, ...changes });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidArgument);
      expect((error as InvalidArgument).path).toBe(path);
    }
  });
});

describe('a reducer', () => {
  it.each<[reducer: Reducer, values: unknown[], expected: unknown]>([
    ['append', [[1], [], [1, 2]], [1, 1, 2]],
    [
      'union',
      [
        [1, '1'],
        [1, null],
      ],
      [1, '1', null],
    ],
    ['sum', [0.1, 0.2, -1], -0.7],
    ['min', [3, 1, 2], 1],
    ['max', [3, 1, 2], 3],
    ['all', [true, false], false],
    ['any', [true, false], true],
    ['first', [null, 1], null],
    ['last', [null, 1], 1],
    [{ join: ', ' }, ['a', 'b'], 'a, b'],
  ])('%j of %j', (reducer, values, expected) => {
    expect(reduced(values, reducer)).toEqual({ ok: true, value: expected });
  });

  it('takes no other kind, and nothing of nothing', () => {
    for (const reducer of ['append', 'union', 'sum', 'min', 'max', 'all', 'any', { join: '' }] as const) {
      expect([reducer, reduced([{}], reducer).ok]).toEqual([reducer, false]);
    }
    expect(reduced([], 'sum')).toEqual({ ok: false, problem: 'has no values' });
  });
});
