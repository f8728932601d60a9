// The lie: "a payload can only be read". Texts that would colour, move, hide, reverse or end something on a terminal are shown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inert, inertJson, inertLines } from './inert.ts';
import { shown, thrownText } from './shown.ts';
import { tagged } from '../control/tagged.ts';

/** Whatever a terminal, or whoever lays out text, acts upon instead of showing it. */
const ACTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

it.each([
  ['an escape sequence', '\u001b[31mred', '\\x1b[31mred'],
  ['its eight-bit form', '\u009b31mred', '\\x9b31mred'],
  ['a new line, a return and a tab', 'a\nb\rc\td', 'a\\nb\\rc\\td'],
  ['a bell and a backspace', 'a\u0007\b', 'a\\x07\\x08'],
  ['an override of the direction', 'exe\u202egnp', 'exe\\u{202e}gnp'],
  ['an isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['nothing that is seen', 'pay\u200bpal\u00ad', 'pay\\u{200b}pal\\xad'],
  ['a tag', 'a\u{e0041}', 'a\\u{e0041}'],
  ['half a character', 'a\ud83d', 'a\\u{d83d}'],
  ['what is harmless', 'naïve 東京 🙂 \\n', 'naïve 東京 🙂 \\n'],
])('shows %s', (_, text, expected) => {
  expect(inert(text)).toBe(expected);
});

describe('any text', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 50 });
  const nasty = fc.array(fc.constantFrom('\u001b[2J', '\u202e', '\n', 'a', "'", '\\', '\u2028', '$date'), {
    maxLength: 8,
  });
  const any = fc.oneof(
    texts,
    nasty.map((parts) => parts.join('')),
  );

  it('is inert as it stands, in lines, as a value, as a key, and as an error', () => {
    fc.assert(
      fc.property(any, (text) => {
        expect(inert(text)).not.toMatch(ACTIVE);
        for (const line of inertLines(text)) expect(line).not.toMatch(ACTIVE);
        const value = { [text]: [text, new Map([[text, new Set([text])]]), new Error(text), /x/] };
        expect(shown(tagged(value))).not.toMatch(ACTIVE);
        expect(thrownText(tagged(new Error('outer', { cause: new TypeError(text) })))).not.toMatch(ACTIVE);
      }),
    );
  });

  it('means the same in JSON, and does nothing there either', () => {
    fc.assert(
      fc.property(any, (text) => {
        const json = inertJson(JSON.stringify({ text }));
        expect(json).not.toMatch(ACTIVE);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

it.each<readonly [unknown, string]>([
  [undefined, 'undefined'],
  [{ a: 1, 'b c': 'x', $date: "it's" }, "{ a: 1, 'b c': 'x', $date: 'it\\'s' }"],
  [[1n, -0, NaN, null, true], '[1n, -0, NaN, null, true]'],
  [new Map([['k', new Set([1])]]), "Map {['k', Set {1}]}"],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [/a\/b/gu, '/a\\/b/gu'],
  [Uint8Array.of(1, 255), '<2 bytes 01ff>'],
  [new RangeError('too far'), 'RangeError: too far'],
  [[{}, []], '[{}, []]'],
])('writes %o as people do', (value, expected) => {
  expect(shown(tagged(value))).toBe(expected);
});

it('does not build what nobody reads', () => {
  const endless = Array.from({ length: 100_000 }, (_, index) => `item ${index}`);
  expect(shown(tagged(endless)).length).toBeLessThan(5000);
});
