// The lie: "it was stored" of a value that comes back as something else.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from './codec.ts';
import { NotSerialisable } from './errors.ts';

const codec = new Codec();
const roundTrip = (value: unknown) => codec.unpack(Buffer.from(codec.pack(value, 'value')));

describe('values that come back equal', () => {
  const cause = new TypeError('inner');
  const rich = Object.assign(new RangeError('outer', { cause }), { code: 'E_X', details: { at: [1, 2] } });
  const aggregate = new AggregateError([new Error('one'), new TypeError('two')], 'many');
  const cases: Record<string, unknown> = {
    undefined,
    'a field that is undefined': { a: undefined, b: [undefined] },
    'negative zero': { zero: -0, list: [0, -0] },
    'not a number': [NaN, Infinity, -Infinity],
    'large integers': [2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1, -(2 ** 53 - 1), 5e-324, 1.7e308],
    bigint: [0n, -1n, 2n ** 200n, -(2n ** 64n)],
    dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(1_700_000_000_123)],
    'maps and sets': new Map<unknown, unknown>([
      ['a', new Set([1, -0, 'x'])],
      [{ key: true }, new Map([[1n, null]])],
    ]),
    'a regular expression': /a+(?<b>c)/giu,
    'typed arrays': [
      new Uint8Array([1, 2]),
      new Float64Array([0.5, -0]),
      new BigInt64Array([1n]),
      new Int16Array(0),
    ],
    'a buffer': Buffer.from('hello'),
    'an array buffer': new Uint8Array([1, 2, 3]).buffer,
    'a data view': new DataView(new Uint8Array([9, 8]).buffer),
    'an error with its cause and fields': { failed: rich },
    'an aggregate of errors': aggregate,
    'an object without prototype': Object.assign(Object.create(null) as object, { a: 1 }),
    // oxlint-disable-next-line unicorn/no-thenable
    'awkward keys': { '': 1, '0': 2, constructor: 3, toString: 4, then: 5, toJSON: 6, 'a b': 7, ü: 8 },
    'text of every plane': 'aü語😀\u0000\uffff',
    'a plain tree': { type: 'x', list: [1, 'two', { three: [null, true] }] },
  };
  for (const [name, value] of Object.entries(cases)) {
    it(name, () => {
      const back = roundTrip(value);
      expect(isDeepStrictEqual(back, value)).toBe(true);
    });
  }

  it('an error comes back as itself: class, cause, fields, stack, and what is enumerable', () => {
    const back = roundTrip(rich) as RangeError & { code: string };
    expect(back).toBeInstanceOf(RangeError);
    expect(back.cause).toBeInstanceOf(TypeError);
    expect((back.cause as Error).message).toBe('inner');
    expect(back.stack).toBe(rich.stack);
    expect(Object.keys(back)).toEqual(Object.keys(rich));
  });

  it('an invalid date', () => {
    expect((roundTrip(new Date(NaN)) as Date).getTime()).toBeNaN();
  });

  it('binary does not share memory with the packed bytes', () => {
    const packed = Buffer.from(codec.pack({ data: new Uint8Array([1, 2, 3]) }, 'value'));
    const back = codec.unpack(packed) as { data: Uint8Array };
    packed.fill(0xff);
    expect([...back.data]).toEqual([1, 2, 3]);
  });

  it('anything that is accepted', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withUnicodeString: true,
      withSparseArray: true,
    } as fc.ObjectConstraints);
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(anything, (value) => {
        let packed: Buffer;
        try {
          packed = Buffer.from(codec.pack(value, 'value'));
        } catch (error) {
          expect(error).toBeInstanceOf(NotSerialisable);
          refused++;
          return;
        }
        accepted++;
        const back = codec.unpack(packed);
        expect(Buffer.from(codec.pack(back, 'value')).equals(packed)).toBe(true);
        // Node 20 holds two invalid dates for different; every other difference counts.
        if (!hasInvalidDate(value)) expect(isDeepStrictEqual(back, value)).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(1000);
    expect(refused).toBeGreaterThan(0);
  });
});

function hasInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime());
  if (value instanceof Map)
    return [...value].some(([key, item]) => hasInvalidDate(key) || hasInvalidDate(item));
  if (value instanceof Set) return [...value].some(hasInvalidDate);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInvalidDate);
}

describe('values that are refused, with their path', () => {
  class Money {
    cents = 1;
  }
  class PaymentError extends Error {}
  const cyclic: Record<string, unknown> = { a: {} };
  (cyclic['a'] as Record<string, unknown>)['b'] = cyclic;
  const protoKey = JSON.parse('{"a":{"__proto__":1}}') as unknown;
  const used = /a/g;
  used.exec('aa');
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => ({ d: inner }), 1);
  // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
  const holey = [1, , 3];
  const cases: [string, unknown, string, RegExp][] = [
    [
      'a function',
      { items: [{}, { done: function onDone() {} }] },
      'event.items[1].done',
      /function \(onDone\)/,
    ],
    ['a symbol', { 'weird key': Symbol('x') }, 'event["weird key"]', /symbol/],
    ['a symbol as a key', { a: { [Symbol('k')]: 1 } }, 'event.a', /symbol as a key/],
    ['a class instance', { price: new Money() }, 'event.price', /instance of Money/],
    ['an error class of its own', { e: new PaymentError('x') }, 'event.e', /PaymentError/],
    ['a promise', { p: Promise.resolve(1) }, 'event.p', /promise/],
    ['a url', { u: new URL('http://x.y') }, 'event.u', /instance of URL/],
    ['a cycle', cyclic, 'event.a.b', /cyclic/],
    ['a hole', { list: holey }, 'event.list[1]', /hole/],
    ['a lone surrogate', { s: ['ok', '\ud800'] }, 'event.s[1]', /lone surrogate/],
    ['a lone surrogate in a key', { '\udc00': 1 }, 'event["\\udc00"]', /lone surrogate/],
    ['an own __proto__ key', protoKey, 'event.a', /__proto__/],
    ['too deep', deep, `event${'.d'.repeat(129)}`, /deeper than 128/],
    ['fields on an array', { m: 'abc'.match(/b/) }, 'event.m.index', /field of its own/],
    ['a regular expression in use', { re: used }, 'event.re', /in use/],
    ['a boxed string', { s: new String('x') }, 'event.s', /instance of String/],
    ['a weak map', { w: new WeakMap() }, 'event.w', /instance of WeakMap/],
    ['inside a map', { m: new Map([['k', () => 1]]) }, 'event.m<k>', /function/],
    ['inside an error', { e: Object.assign(new Error('x'), { at: () => 1 }) }, 'event.e.at', /function/],
    ['an array subclass', { a: new (class List extends Array {})() }, 'event.a', /instance of List/],
  ];
  for (const [name, value, path, reason] of cases) {
    it(name, () => {
      const error = refusalOf(value);
      expect(error.path).toBe(path);
      expect(error.reason).toMatch(reason);
      expect(error.message).toContain('; ');
    });
  }

  function refusalOf(value: unknown): NotSerialisable {
    try {
      codec.pack(value, 'event');
    } catch (error) {
      expect(error).toBeInstanceOf(NotSerialisable);
      return error as NotSerialisable;
    }
    throw new Error('it was accepted');
  }
});

describe('references', () => {
  class Ref {
    readonly id: number;
    constructor(id: number) {
      this.id = id;
    }
  }
  const withRefs = new Codec({
    test: (value) => value instanceof Ref,
    encode: (value) => (value as Ref).id,
    decode: (id) => new Ref(id as number),
  });

  it('are stored as what they stand for, anywhere in a value', () => {
    const value = { one: new Ref(1), many: [new Ref(2)], map: new Map([['k', new Ref(3)]]) };
    const back = withRefs.unpack(Buffer.from(withRefs.pack(value, 'value')));
    expect(isDeepStrictEqual(back, value)).toBe(true);
  });
});
