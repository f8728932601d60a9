// The lie: "what comes out of the socket is what went in". Values of every kind are written as JSON, as text, and read again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadTag, tagged, untagged } from './tagged.ts';
import type { Json } from './tagged.ts';

const throughText = (value: unknown): unknown => untagged(JSON.parse(JSON.stringify(tagged(value))) as Json);

/** Whatever a store may hold, but errors and references, which nobody can give. */
const values = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
  ),
  value: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('$', '$date', '$$ref', '$bigint', 'life')),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc.array(fc.tuple(tie('leaf'), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('leaf'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).value;

describe('a value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(throughText(value)).toStrictEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('may have a key that looks like a tag, or like a prototype', () => {
    const value = JSON.parse('{"$date":"now","$$x":1,"__proto__":{"polluted":true}}') as object;
    expect(throughText(value)).toStrictEqual(value);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('that is an error keeps its name, message, stack, fields and cause', () => {
    const error = new TypeError('no', { cause: new RangeError('deep') });
    Object.assign(error, { code: 'E_NO', big: 3n });
    expect(tagged(error)).toMatchObject({
      $error: {
        name: 'TypeError',
        message: 'no',
        stack: expect.stringContaining('tagged.test.ts') as string,
        code: 'E_NO',
        big: { $bigint: '3' },
        cause: { $error: { name: 'RangeError', message: 'deep' } },
      },
    });
  });

  it('that is a reference is named by its address and life', () => {
    class Ref {
      readonly address = 'order/42';
      readonly life = 2;
      readonly port = { secret: () => {} };
    }
    expect(tagged({ to: new Ref() })).toEqual({ to: { $ref: 'order/42', life: 2 } });
    expect(tagged({ address: 'order/42', life: 2 })).toEqual({ address: 'order/42', life: 2 });
  });

  it('that nobody can describe does no harm', () => {
    const itself: { self?: unknown } = {};
    itself.self = itself;
    expect(tagged(itself)).toEqual({ self: { $opaque: 'itself, once more' } });
    expect(tagged(() => {})).toEqual({ $opaque: 'a function' });
    const trap = Object.defineProperty({}, 'boom', {
      enumerable: true,
      get: () => {
        throw new Error('boom');
      },
    });
    expect(tagged(trap)).toEqual({ $opaque: 'something that cannot be described (Error: boom)' });
    let deep: unknown = 'end';
    for (let i = 0; i < 10_000; i++) deep = [deep];
    expect(JSON.stringify(tagged(deep))).toContain('too deep');
  });
});

it.each<readonly [string, Json]>([
  ['a tag that stands beside something', { $bigint: '1', more: 1 }],
  ['a tag that is not known', { $function: 'x' }],
  ['a reference, which nobody can make', { $ref: 'order/1', life: 1 }],
  ['an error, which nobody can make', { $error: { name: 'Error', message: '' } }],
  ['a bigint that is none', { $bigint: '12x' }],
  ['a bigint that is no text', { $bigint: 12 }],
  ['a date that is none', { $date: 'yesterday' }],
  ['a number that JSON has', { $number: '12' }],
  ['a map without pairs', { $map: [1, 2] }],
  ['a set that is none', { $set: { a: 1 } }],
  ['a pattern that is none', { $regexp: ['(', ''] }],
  ['bytes of a kind that cannot be made', { $bytes: '', of: 'Float64Array' }],
])('refuses %s', (_, json) => {
  expect(() => untagged([json])).toThrow(BadTag);
});
