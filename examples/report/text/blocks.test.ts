// Hunts the lie that code, tables, comments and front matter are what the author says.
import { describe, expect, test } from 'vitest';
import { readBlocks, type Format } from './blocks.ts';

function blocks(text: string, format: Format = 'markdown'): string[] {
  return readBlocks(text, format).blocks.map(({ kind, level, lines }) => {
    const words = lines.map((span) => text.slice(span.start, span.end)).join('⏎');
    return kind === 'heading' ? `h${level}: ${words}` : `${kind}: ${words}`;
  });
}

describe('what is prose, and in which block it stands', () => {
  test.each<[situation: string, text: string, expected: string[]]>([
    ['nothing', '', []],
    ['only blank lines', '\n \n\t\n', []],
    ['one line without a line break', 'One.', ['prose: One.']],
    ['a wrapped paragraph', 'One\ntwo.\n\nThree.', ['prose: One⏎two.', 'prose: Three.']],
    ['Windows line ends', 'One\r\ntwo.\r\n\r\nThree.\r\n', ['prose: One⏎two.', 'prose: Three.']],
    ['old Macintosh line ends', 'One\rtwo.\r\rThree.', ['prose: One⏎two.', 'prose: Three.']],
    ['a byte order mark', '\uFEFF# One', ['h1: One']],
    [
      'headings',
      '# One\n## Two ##\n###### Six\n####### seven',
      ['h1: One', 'h2: Two', 'h6: Six', 'prose: ####### seven'],
    ],
    ['a hash without a space', '#1 is no heading', ['prose: #1 is no heading']],
    ['underlined headings', 'One\n===\nTwo\n---\nthree', ['h1: One', 'h2: Two', 'prose: three']],
    ['a heading cuts a paragraph', 'one\n# Two\nthree', ['prose: one', 'h1: Two', 'prose: three']],
    ['a thematic break', 'one\n\n***\n\n- - -\n\ntwo', ['prose: one', 'prose: two']],
    ['fenced code', 'a\n```js\nb\n\n# c\n```\nd\n~~~\n```\n~~~\ne', ['prose: a', 'prose: d', 'prose: e']],
    ['a fence that is never closed', 'a\n```\nb\n\nc', ['prose: a']],
    ['a longer fence around a shorter', '````\n```\nx\n```\n````\na', ['prose: a']],
    ['code in backticks on one line', '```not a fence``` at all', ['prose: ```not a fence``` at all']],
    ['indented code', 'a\n\n    code\n\n\tcode\n\nb', ['prose: a', 'prose: b']],
    ['an indented line that goes on', 'a\n    b', ['prose: a⏎b']],
    ['bullets', '- a\n* b\n+ c', ['item: a', 'item: b', 'item: c']],
    ['numbers', '1. a\n2. b\n10) c', ['item: a', 'item: b', 'item: c']],
    ['a wrapped item', '- a\n  b\n\n  c\n\nd', ['item: a⏎b', 'prose: c', 'prose: d']],
    ['nested items', '- a\n  - b\n    1. c\n- d', ['item: a', 'item: b', 'item: c', 'item: d']],
    ['a paragraph of a nested item is no code', '- a\n  - b\n\n    c', ['item: a', 'item: b', 'prose: c']],
    ['code in an item', '- a\n\n      code\n\n- b', ['item: a', 'item: b']],
    ['a fence in an item', '- a\n  ```\n  code\n  ```\n- b', ['item: a', 'item: b']],
    ['tasks', '- [ ] a\n- [x] b', ['item: a', 'item: b']],
    ['a year at the head of a line', 'It was\n2019. It rained.', ['prose: It was⏎2019. It rained.']],
    ['quotes', '> a\n> b\n\n> > c', ['prose: a⏎b', 'prose: c']],
    ['a quote after a paragraph', 'a\n> b', ['prose: a', 'prose: b']],
    ['a quote that drops its mark', '> a\nb', ['prose: a⏎b']],
    ['a fence in a quote ends with it', '> ```\n> code\n\na', ['prose: a']],
    ['an alert', '> [!NOTE]\n> a', ['prose: a']],
    ['a table', 'a\n\n| b | c |\n| --- | ---: |\n| d | e |\n\nf', ['prose: a', 'prose: f']],
    ['a table without outer bars', 'b | c\n--- | ---\nd | e\nf', ['prose: f']],
    ['a bar is no table', 'a | b\nc', ['prose: a | b⏎c']],
    ['a comment', 'a\n\n<!-- b\n\nc -->\n\nd', ['prose: a', 'prose: d']],
    ['text after a comment', '<!-- a --> b', ['prose: b']],
    ['a comment that begins in a paragraph', 'a <!-- b\n\nc --> d', ['prose: a⏎d']],
    [
      'a comment that is never closed',
      '<!-- a\n\nb <!-- c\n\nd',
      ['prose: <!-- a', 'prose: b <!-- c', 'prose: d'],
    ],
    ['a comment mark in code', 'the mark `<!--` opens\n\na', ['prose: the mark `<!--` opens', 'prose: a']],
    ['front matter', '---\nx: 1\n---\na', ['prose: a']],
    ['front matter that is never closed', '---\na', ['prose: a']],
    ['link definitions', '[a]: https://x.y\n[b]: <z> "t"\n\nc', ['prose: c']],
    ['a footnote', '[^1]: A note.', ['item: A note.']],
    ['an HTML heading', '<h1 align="center">One</h1>\n\na', ['h1: One', 'prose: a']],
    ['HTML around prose', '<p>\na\n</p>\nb', ['prose: <p>', 'prose: a', 'prose: </p>', 'prose: b']],
    ['preformatted HTML', '<pre>\n\na\n\n</pre>\n\nb', ['prose: b']],
    ['an HTML table', '<table>\n<tr><td>a</td></tr>\n\n</table>\nb', ['prose: b']],
    ['an HTML block that is never closed', '<pre>a\n\nb', ['prose: <pre>a', 'prose: b']],
    ['a container fence', ':::note\na\n:::\nb', ['prose: a', 'prose: b']],
  ])('%s', (_situation, text, expected) => {
    expect(blocks(text)).toEqual(expected);
  });

  test('plain text has no markup but blank lines, lists and underlines', () => {
    const text = 'Title\n=====\n\n# not a heading\n    not code\n\n* item\n* item\n\n| no | table |\n';
    expect(blocks(text, 'plain')).toEqual([
      'h1: Title',
      'prose: # not a heading⏎not code',
      'item: item',
      'item: item',
      'prose: | no | table |',
    ]);
  });
});

test('the title in the front matter is read', () => {
  expect(readBlocks('---\ntitle: "A title"\n---\n', 'markdown').frontMatterTitle).toBe('A title');
  expect(readBlocks("+++\ntitle = 'A title'\n+++\n", 'markdown').frontMatterTitle).toBe('A title');
});

test('a byte order mark does not hide the front matter', () => {
  expect(readBlocks('\uFEFF---\r\ntitle: A title\r\n---', 'markdown').frontMatterTitle).toBe('A title');
});

test('labels of link definitions are collected, those of footnotes are not', () => {
  const { labels } = readBlocks('[A  b]: x\n\n[^1]: y\n\n> [c]: z\n', 'markdown');
  expect([...labels]).toEqual(['a b', 'c']);
});
