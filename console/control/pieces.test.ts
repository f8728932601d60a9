// The lie: "cut up and put together it is the same". Any text in pieces of any length; characters of two units at each cut.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { piecesOf } from './pieces.ts';

const HALF = /\p{Cs}/u;

it('is the same again, in pieces that are short enough, with no character cut in two', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', '\n', 'é', '🙂'), maxLength: 40 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 2, max: 9 }), (text, length) => {
      const pieces = [...piecesOf(text, length)];
      expect(pieces.join('')).toBe(text);
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(length);
        expect(piece).not.toBe('');
        expect(piece).not.toMatch(HALF);
      }
    }),
  );
});

it('comes to an end with halves of characters too', () => {
  for (const text of ['', '\ud83d', '\ud83d\ud83d\ud83d\ud83d', '\ude42\ud83d'])
    expect([...piecesOf(text, 2)].join('')).toBe(text);
});
