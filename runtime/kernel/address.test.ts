// The lie: "an id may hold any text". Ids full of slashes, percent signs and escapes, which must neither meet at one
// address nor come back as something else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { badId, childAddress, rootAddress, segmentsOf } from './address.ts';

/** Mostly what an address gives a meaning to. */
const awkward = fc.string({
  unit: fc.constantFrom('/', '%', '%2F', '%25', '2F', '25', 'f', 'a', '~', '.', 'ü', '😀'),
  maxLength: 8,
});
const id = fc.oneof(awkward, fc.string({ unit: 'binary' }));
const path = fc.tuple(id, id, fc.array(id, { maxLength: 4 }));

function addressOf([name, root, children]: readonly [string, string, readonly string[]]): string {
  return children.reduce(childAddress, rootAddress(name, root));
}

describe('an address', () => {
  it('reads as one would write it', () => {
    expect(rootAddress('order', '42')).toBe('order/42');
    expect(childAddress('order/42', 'payment')).toBe('order/42/payment');
    expect(childAddress('order/42', '0.(machine).a')).toBe('order/42/0.(machine).a');
  });

  it('writes a slash and a percent sign in an id so that they are not mistaken', () => {
    expect(rootAddress('a/b', '100%')).toBe('a%2Fb/100%25');
    expect(childAddress('a/1', '%2F')).toBe('a/1/%252F');
  });

  it('gives back the ids it was made from, whatever they hold', () => {
    fc.assert(
      fc.property(path, ([name, root, children]) => {
        expect(segmentsOf(addressOf([name, root, children]))).toEqual([name, root, ...children]);
      }),
    );
  });

  it('belongs to one actor only', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(addressOf(one) === addressOf(other)).toBe(same);
      }),
    );
    // What random text meets too seldom: an id that looks like the escape of another.
    expect(rootAddress('a', '/')).not.toBe(rootAddress('a', '%2F'));
    expect(rootAddress('a', 'b/c')).not.toBe(childAddress('a/b', 'c'));
  });
});

describe('an id', () => {
  it.each([
    ['', /empty/],
    ['\ud83d', /surrogate/],
    ['a\udc00b', /surrogate/],
    [undefined, /undefined/],
    [null, /null/],
    [42, /number/],
    [{}, /object/],
  ])('that is %j is refused with the reason', (given, reason) => {
    expect(badId(given)).toMatch(reason);
  });

  it.each(['a', ' ', '/', '%', '😀', '__proto__', '\u0000'])('that is %j may be used', (given) => {
    expect(badId(given)).toBeUndefined();
  });
});
