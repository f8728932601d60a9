// Hunts the lie that a title or a quotation turns into markup of the report.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDocument } from './document.ts';
import { readInline } from './inline.ts';
import { codeCell, codeSpan, escapeCell, escapeInline } from './markdown.ts';
import { anyText } from './fixtures.ts';

test.each<[text: string, markdown: string]>([
  ['plain words, (not) much: 5% & more!', 'plain words, (not) much: 5% & more!'],
  ['snake_case and _emphasis_', 'snake_case and \\_emphasis\\_'],
  ['a * b [c](d) ~~e~~', 'a \\* b \\[c\\](d) \\~\\~e\\~\\~'],
  ['<b> a < b <!-- c', '\\<b> a < b \\<!-- c'],
  ['&amp; and & and &x', '\\&amp; and & and &x'],
  ['code `a*b_c[d]` stays, ` alone does not', 'code `a*b_c[d]` stays, \\` alone does not'],
  ['C:\\files \\*', 'C:\\files \\\\\\*'],
  ['# no heading', '\\# no heading'],
  ['> no quote', '\\> no quote'],
  ['- no item', '\\- no item'],
  ['12. no item', '12\\. no item'],
  ['2.5 is a number', '2.5 is a number'],
  ['two\r\n\tlines\u2028three', 'two lines three'],
])('%j is written %j', (text, markdown) => {
  expect(escapeInline(text)).toBe(markdown);
});

test('a bar does not end a cell', () => {
  expect(escapeCell('a | `b | c`')).toBe('a \\| `b \\| c`');
  expect(codeCell('a|b.md')).toBe('`a\\|b.md`');
});

test('a path with backticks is still one code span', () => {
  expect(codeSpan('a.md')).toBe('`a.md`');
  expect(codeSpan('a`b``.md')).toBe('``` a`b``.md ```');
});

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'ab1 *_~`[]()<>!&\\#+-=|.:;/"'.split(''),
        '&lt;',
        '<b>',
        '](x)',
        '``',
        '1. ',
        '- ',
        '---',
      ),
      anyText(2),
    ),
    { maxLength: 40 },
  )
  .map((parts) =>
    parts
      .join('')
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
  );

describe('whatever the text', () => {
  test('a reader of the Markdown reads the text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(readInline(escapeInline(text)).text).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test('it is one paragraph, wherever it stands', () => {
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(text !== '');
        const lines = `> ${escapeInline(text)}`;
        const read = readDocument({ path: 'a.md', text: `${lines}\n\nEnd.` });
        expect(read.sections).toEqual([]);
        expect(read.sentences.at(-1)?.text).toBe('End.');
        const letters = (s: string) => s.replace(/[^\p{L}\p{N}]/gu, '');
        expect(letters(read.sentences.map((s) => s.text).join(''))).toBe(letters(`${text}End.`));
      }),
      { numRuns: 1_000 },
    );
  });
});
