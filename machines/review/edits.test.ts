// The lie: "an edit changes only what was declared, all of it or nothing, and nothing that is shared". Edits that make sense, edits
// that do not, and pointers of somebody who wants to reach further.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../values/canonical.ts';
import { edited, EditRefused, MOST_EDITS } from './edits.ts';
import { isWithin, keysOf, pointerTo, problemOfPointer } from '../values/json-pointer.ts';

const article = {
  title: 'Tides',
  sections: [{ text: 'The moon' }, { text: 'The sun' }],
  'a/b': { '~': 1 },
  meta: { author: 'bo' },
};
const EVERYTHING = [''];

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
frozen(article);

describe('edits', () => {
  it.each<[string, unknown, unknown]>([
    ['replace a property', { pointer: '/title', value: 'Ebb' }, { ...article, title: 'Ebb' }],
    [
      'replace an item',
      { op: 'replace', pointer: '/sections/1', value: 7 },
      { ...article, sections: [article.sections[0], 7] },
    ],
    [
      'replace below an item',
      { pointer: '/sections/0/text', value: 'x' },
      { ...article, sections: [{ text: 'x' }, article.sections[1]] },
    ],
    [
      'add a property',
      { op: 'add', pointer: '/meta/year', value: 1 },
      { ...article, meta: { author: 'bo', year: 1 } },
    ],
    [
      'add an item in front',
      { op: 'add', pointer: '/sections/0', value: 1 },
      { ...article, sections: [1, ...article.sections] },
    ],
    [
      'add an item behind',
      { op: 'add', pointer: '/sections/-', value: 1 },
      { ...article, sections: [...article.sections, 1] },
    ],
    [
      'add an item behind, by its number',
      { op: 'add', pointer: '/sections/2', value: 1 },
      { ...article, sections: [...article.sections, 1] },
    ],
    ['remove a property', { op: 'remove', pointer: '/meta/author' }, { ...article, meta: {} }],
    [
      'remove an item',
      { op: 'remove', pointer: '/sections/0' },
      { ...article, sections: [article.sections[1]] },
    ],
    ['read escaped names', { pointer: '/a~1b/~0', value: 2 }, { ...article, 'a/b': { '~': 2 } }],
    ['replace the whole', { pointer: '', value: [] }, []],
    [
      'take a property of every object for what it is',
      { op: 'add', pointer: '/constructor', value: 1 },
      { ...article, constructor: 1 },
    ],
  ])('%s', (_, edit, result) => {
    expect(edited(article, [edit], EVERYTHING)).toEqual(result);
  });

  it('are made one after the other', () => {
    const edits = [
      { op: 'remove', pointer: '/sections/0' },
      { pointer: '/sections/0/text', value: 'now the first' },
    ];
    expect(edited(article, edits, EVERYTHING)).toMatchObject({ sections: [{ text: 'now the first' }] });
  });

  it.each<[string, unknown, RegExp]>([
    ['no list', 'x', /list/],
    ['an empty list', [], /list/],
    ['too many', Array.from({ length: MOST_EDITS + 1 }, () => ({ pointer: '/title', value: 1 })), /too many/],
    ['null', [null], /object/],
    ['another operation', [{ op: 'move', from: '/meta', pointer: '/title' }], /op/],
    ['a test', [{ op: 'test', pointer: '/title', value: 'Tides' }], /op/],
    ['a word that it does not know', [{ pointer: '/title', value: 1, force: true }], /force/],
    ['a removal with a value', [{ op: 'remove', pointer: '/title', value: 1 }], /no value/],
    ['no pointer', [{ value: 1 }], /pointer/],
    ['a pointer that is none', [{ pointer: 'title', value: 1 }], /beginning/],
    ['a pointer with a wrong escape', [{ pointer: '/a~2', value: 1 }], /~/],
    ['no value', [{ pointer: '/title' }], /undefined/],
    ['a value that is no JSON', [{ pointer: '/title', value: { a: [() => 1] } }], /\/a\/0/],
    ['a property that is not there', [{ pointer: '/sub', value: 1 }], /does not exist/],
    ['something below what is not there', [{ op: 'add', pointer: '/sub/title', value: 1 }], /does not exist/],
    ['something below a text', [{ pointer: '/title/0', value: 1 }], /no parts/],
    ['an item that is not there', [{ pointer: '/sections/2', value: 1 }], /does not exist/],
    ['an item far behind', [{ op: 'add', pointer: '/sections/9', value: 1 }], /does not exist/],
    ['the end of a list, to remove it', [{ op: 'remove', pointer: '/sections/-' }], /index/],
    ['an item by a number that is none', [{ pointer: '/sections/01', value: 1 }], /index/],
    ['the length of a list', [{ pointer: '/sections/length', value: 0 }], /index/],
    ['the whole, to remove it', [{ op: 'remove', pointer: '' }], /whole/],
    [
      'one that makes sense before one that does not',
      [
        { pointer: '/title', value: 1 },
        { pointer: '/no', value: 1 },
      ],
      /edits\[1\]/,
    ],
    // Hostile.
    ['the prototype', [{ op: 'add', pointer: '/__proto__/polluted', value: true }], /__proto__/],
    ['the prototype, escaped', [{ op: 'add', pointer: '/meta/__proto__', value: {} }], /__proto__/],
    [
      'the prototype by way of the constructor',
      [{ pointer: '/constructor/prototype/x', value: 1 }],
      /does not exist/,
    ],
    ['a method', [{ pointer: '/toString', value: 1 }], /does not exist/],
    [
      'a value with a prototype of its own',
      [{ pointer: '/title', value: JSON.parse('{"__proto__":{"x":1}}') }],
      /__proto__/,
    ],
  ])('refuse %s', (_, edits, problem) => {
    const before = JSON.stringify(article);
    expect(() => edited(article, edits, EVERYTHING)).toThrow(EditRefused);
    expect(() => edited(article, edits, EVERYTHING)).toThrow(problem);
    expect(JSON.stringify(article)).toBe(before);
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
  });

  it('refuse what becomes too deep together', () => {
    let deep: Json = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    const down = '/0'.repeat(99);
    expect(() => edited(deep, [{ pointer: `${down}/0`, value: deep }], [''])).toThrow(/deeper/);
  });

  it.each([
    ['/title', ['/title'], true],
    ['/sections/0/text', ['/sections'], true],
    ['/sections', ['/sections/0'], false],
    ['/titles', ['/title'], false],
    ['/meta', ['/title', '/meta'], true],
    ['', ['/title'], false],
    ['/title', [], false],
  ])('to %j where %j may be edited: %s', (pointer, editable, isAllowed) => {
    const edit = () => edited(article, [{ op: 'replace', pointer, value: 1 }], editable);
    if (pointer === '/titles') expect(edit).toThrow(/may not be edited/);
    else if (isAllowed) expect(edit).not.toThrow();
    else expect(edit).toThrow(expect.objectContaining({ isForbidden: true }));
  });

  it('leave everything else as it is, whatever is edited', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.string(),
        fc.jsonValue(),
        (value, key, put) => {
          fc.pre(key !== '__proto__' && !JSON.stringify([value, put]).includes('__proto__'));
          const pointer = pointerTo([key]);
          fc.pre(problemOfPointer(pointer) === undefined);
          const before = structuredClone(value);
          const after = edited(value as Json, [{ op: 'add', pointer, value: put as Json }], [pointer]);
          expect(after).toEqual({ ...before, [key]: put });
          expect(value).toEqual(before);
        },
      ),
    );
  });
});

describe('a pointer', () => {
  it('has the keys that it was made from', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (keys) => {
        expect(keysOf(pointerTo(keys))).toEqual(keys);
        expect(isWithin(pointerTo([...keys, 'x']), pointerTo(keys))).toBe(true);
      }),
    );
  });
});
