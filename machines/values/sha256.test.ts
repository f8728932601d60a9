// The lie: "the hash is SHA-256 of the content". Held against node:crypto, at every length around the edges of blocks, and
// with random texts; and canonical JSON against what must not depend on order, and what must be refused.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalOf, NotJson } from './canonical.ts';
import { sha256 } from './sha256.ts';

const known = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('sha256', () => {
  it('is that of node:crypto at every length up to three blocks', () => {
    for (let length = 0; length <= 200; length++) {
      const text = 'x'.repeat(length);
      expect(sha256(text)).toBe(known(text));
    }
  });

  it('is that of node:crypto for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        expect(sha256(text)).toBe(known(text));
      }),
    );
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of properties, and keeps that of items', () => {
    expect(canonicalOf({ b: [2, 1], a: { d: null, c: true } })).toBe('{"a":{"c":true,"d":null},"b":[2,1]}');
  });

  it('comes back as the same value, and is the same text then', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        const text = canonicalOf(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalOf(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['undefined', { a: undefined }, '/a'],
    ['NaN', [1, Number.NaN], '/1'],
    ['a hole', Array(2), '/0'],
    ['a function', { 'a/b': [() => {}] }, '/a~1b/0'],
    ['a date', { at: new Date(0) }, '/at'],
    ['a map', new Map(), ''],
    ['a bigint', { n: 1n }, '/n'],
    ['half a character', { s: '\ud800' }, '/s'],
    ['half a character as a name', { '\ud800': 1 }, '/\ud800'],
    ['a name that is none', JSON.parse('{"__proto__":1}'), '/__proto__'],
  ])('refuses %s, and says where', (_, value, pointer) => {
    expect(() => canonicalOf(value)).toThrow(NotJson);
    expect(() => canonicalOf(value)).toThrow(expect.objectContaining({ pointer }));
  });

  it('refuses what is nested too deeply, without an overflow', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => canonicalOf(deep)).toThrow(/deeper/);
  });
});
