// Hunts the lie that markup is text, that text is markup, and that a character stands where it does not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readInline, readPlain } from './inline.ts';
import { anyText } from './fixtures.ts';

const LABELS: ReadonlySet<string> = new Set(['label', 'other label']);

describe('what a person reads', () => {
  test.each<[source: string, text: string]>([
    ['plain  words\n here', 'plain words here'],
    ['*a* **b** ***c*** _d_ __e__ ~~f~~', 'a b c d e f'],
    ['*a **b** c* **d *e***', 'a b c d e'],
    ['un**believ**able', 'unbelievable'],
    ['snake_case_name and 2*3*4 and 2**3**4', 'snake_case_name and 2*3*4 and 2**3**4'],
    ['a * b, *.md and **', 'a * b, *.md and **'],
    ['~5 and ~10', '~5 and ~10'],
    ['[text](https://x.y "a title") on', 'text on'],
    ['[a (b)](x_y_(z)) c', 'a (b) c'],
    ['[**bold** text](x)', 'bold text'],
    ['[text][label], [Label], [label][], [Other\nLabel]', 'text, Label, label, Other Label'],
    ['[not a label], [x][nor this], [ ]', '[not a label], [x][nor this], [ ]'],
    ['![alt](src) after', 'after'],
    ['before ![alt][label] after', 'before after'],
    ['[![badge](src)](href) after', 'after'],
    ['a note[^1] and [^2]', 'a note and'],
    ['<b>bold</b><br/>line <kbd class="x">k</kbd>', 'bold line k'],
    ['a < b > c, <3, Map<string, number>', 'a < b > c, <3, Map<string, number>'],
    ['a <!-- b --> c <!-- d', 'a c <!-- d'],
    ['<https://x.y/z> and <a@b.c>', 'https://x.y/z and a@b.c'],
    ['https://x.y/a_b_c stays', 'https://x.y/a_b_c stays'],
    ['&amp; &lt;b&gt; &#8594; &#x2192; &nbsp; &unknown; &', '& <b> → → &unknown; &'],
    ['&#0; &#xD800; &#x110000;', '&#0; \ud800 &#x110000;'],
    ['\\*a\\* \\[b\\](c) \\a \\\\', '*a* [b](c) \\a \\'],
    ['hard\\\nbreak', 'hard break'],
    ['`code *a* [b](c) <d> \\`', '`code *a* [b](c) <d> \\`'],
    ['``a ` b`` and ` alone', '``a ` b`` and ` alone'],
    ['\\`not code\\` and \\``code`', '`not code` and ``code`'],
    ['*a `*` b*', 'a `*` b'],
    ['\\`*a*`', '`a`'],
    ['\\`a` *b* `', '`a` *b* `'],
  ])('%j', (source, text) => {
    expect(readInline(source, LABELS).text).toBe(text);
  });

  test('plain text has no markup', () => {
    expect(readPlain(' *a*\r\n [b](c)  &amp; ').text).toBe('*a* [b](c) &amp;');
  });
});

test('a character takes along the markup that clings to it', () => {
  const source = 'x **[b](c)** y';
  const visible = readInline(source);
  const at = visible.text.indexOf('b');
  expect(source.slice(visible.from[at], visible.to[at])).toBe('**[b](c)**');
});

test('punctuation in code and addresses is told apart', () => {
  const { text, opaque } = readInline('a. `b. c.` d.');
  expect([...text].filter((char, i) => char === '.' && !opaque[i])).toHaveLength(2);
});

const markup = fc
  .array(
    fc.constantFrom(
      ...'ab *_~`[]()<>!&\\^#;/"\n'.split(''),
      '**',
      '](',
      '![',
      '<!--',
      '-->',
      '&lt;',
      '<b>',
      '</b>',
      '[label]',
      '\ud83d',
      'é',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

test('whatever the markup, ranges are in the source, in order, and apart', () => {
  fc.assert(
    fc.property(fc.oneof(markup, anyText()), (source) => {
      const { text, from, to, opaque } = readInline(source, LABELS);
      expect([from.length, to.length, opaque.length]).toEqual([text.length, text.length, text.length]);
      for (let i = 0; i < text.length; i++) {
        const sameEntity = i > 0 && from[i] === from[i - 1];
        expect(from[i]).toBeGreaterThanOrEqual(sameEntity ? from[i - 1]! : (to[i - 1] ?? 0));
        expect(to[i]).toBeGreaterThan(from[i]!);
        expect(to[i]).toBeLessThanOrEqual(source.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever the markup, nothing is read that is not written', () => {
  fc.assert(
    fc.property(markup, (source) => {
      fc.pre(!source.includes('&'));
      const written = source.replace(/\s/g, '');
      let at = 0;
      for (const unit of readInline(source).text.replaceAll(' ', '').split('')) {
        at = written.indexOf(unit, at) + 1;
        expect(at).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
});
