// The lie: "what cannot come back equal is refused before anything happens, with the path where it stands". Every kind
// of live object in every kind of place; and what is allowed is compared with its twin down to the last descriptor.
import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Codec } from './codec.ts';
import { NotSerialisable } from './errors.ts';
import { inspect, inspectChange, PLAIN, TAGGED } from './payload.ts';
import type { ReferenceCodec } from './payload.ts';

const MAX_DEPTH = 128;
const codec = new Codec();
const roundTrip = (value: unknown): unknown => codec.unpack(Buffer.from(codec.pack(value, 'event')));

/** What a value is refused with; a value that is accepted fails the test, and so does any other error. */
function refusalOf(value: unknown): NotSerialisable {
  try {
    inspect(value, 'event');
  } catch (error) {
    if (error instanceof NotSerialisable) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

class Money {
  cents = 1;
}
class Account {
  #balance = 1;
  balance(): number {
    return this.#balance;
  }
}
function used(pattern: RegExp): RegExp {
  pattern.exec('aa');
  return pattern;
}
/** An object of another realm: it looks like one of ours, and is none. */
const foreign = (code: string): unknown => runInNewContext(code) as unknown;
const timer = setTimeout(() => {});
clearTimeout(timer);

/** Values that are refused wherever they stand. */
const HOSTILE: readonly (readonly [name: string, value: unknown, reason: RegExp])[] = [
  ['an arrow function', () => 1, /^is a function/],
  ['a named function', function onDone() {}, /^is a function \(onDone\)$/],
  ['an async function', async () => {}, /^is a function/],
  ['a generator function', function* numbers() {}, /^is a function \(numbers\)$/],
  ['an async generator function', async function* later() {}, /^is a function \(later\)$/],
  ['a class', Money, /^is a function \(Money\)$/],
  ['a bound function', refusalOf.bind(undefined), /^is a function \(bound refusalOf\)$/],
  ['a function of the language', Math.max, /^is a function \(max\)$/],
  ['a proxy of a function', new Proxy(() => 1, {}), /^is a function/],
  ['a symbol', Symbol('x'), /^is a symbol$/],
  ['a symbol without a name', Symbol(), /^is a symbol$/],
  ['a symbol of the registry', Symbol.for('x'), /^is a symbol$/],
  ['a well-known symbol', Symbol.iterator, /^is a symbol$/],
  ['half a pair, the high one', '\ud83d', /^is a string with a lone surrogate$/],
  ['half a pair, the low one', '\ude00', /^is a string with a lone surrogate$/],
  ['text that was cut inside of a pair', 'good morning \ud83d', /lone surrogate/],
  ['a pair the wrong way round', '\ude00\ud83d', /lone surrogate/],
  ['a boxed string', new String('x'), /^is an instance of String$/],
  ['a boxed number', new Number(1), /^is an instance of Number$/],
  ['a boxed boolean', new Boolean(false), /^is an instance of Boolean$/],
  ['a boxed bigint', Object(1n), /^is an instance of BigInt$/],
  ['a boxed symbol', Object(Symbol('x')), /^is an instance of Symbol$/],
  ['a weak map', new WeakMap(), /^is an instance of WeakMap$/],
  ['a weak set', new WeakSet(), /^is an instance of WeakSet$/],
  ['a weak reference', new WeakRef({}), /^is an instance of WeakRef$/],
  ['a finalization registry', new FinalizationRegistry(() => {}), /^is an instance of FinalizationRegistry$/],
  ['a promise', Promise.resolve(1), /^is a promise$/],
  ['what an async function returns', (async () => 1)(), /^is a promise$/],
  ['a promise of a class of its own', new (class Job extends Promise<void> {})(() => {}), /^is a promise$/],
  ['shared memory', new SharedArrayBuffer(8), /^is an instance of SharedArrayBuffer$/],
  ['a blob', new Blob(['x']), /^is an instance of Blob$/],
  ['a url', new URL('http://x.y'), /^is an instance of URL$/],
  ['the parameters of a url', new URLSearchParams('a=1'), /^is an instance of URLSearchParams$/],
  ['headers', new Headers({ a: '1' }), /^is an instance of Headers$/],
  ['a request', new Request('http://x.y'), /^is an instance of Request$/],
  ['a response', new Response('x'), /^is an instance of Response$/],
  ['form data', new FormData(), /^is an instance of FormData$/],
  ['an abort controller', new AbortController(), /^is an instance of AbortController$/],
  ['an abort signal', AbortSignal.abort(), /^is an instance of AbortSignal$/],
  ['a stream', new ReadableStream(), /^is an instance of ReadableStream$/],
  ['an encoder', new TextEncoder(), /^is an instance of TextEncoder$/],
  ['an event of the web', new Event('x'), /^is an instance of Event$/],
  ['an error of the web', new DOMException('x', 'AbortError'), /^is an error of a class of its own/],
  ['an event emitter', new EventEmitter(), /^is an instance of EventEmitter$/],
  ['a hash', createHash('sha256'), /^is an instance of Hash$/],
  ['a timer', timer, /^is an instance of Timeout$/],
  ['a generator', (function* () {})(), /^is an object with a foreign prototype$/],
  ['an async generator', (async function* () {})(), /^is an object with a foreign prototype$/],
  ['an iterator of an array', [1].values(), /^is an /],
  ['an iterator of a map', new Map().entries(), /^is an /],
  ['a date format', new Intl.DateTimeFormat(), /^is an instance of DateTimeFormat$/],
  ['a number format', new Intl.NumberFormat(), /^is an instance of NumberFormat$/],
  ['a collator', new Intl.Collator(), /^is an instance of Collator$/],
  ['an instance of a class', new Money(), /^is an instance of Money$/],
  ['an instance with private state', new Account(), /^is an instance of Account$/],
  [
    'an instance of a class without a name',
    new (class {
      cents = 1;
    })(),
    /^is an object with a foreign prototype$/,
  ],
  ['a map of a class of its own', new (class Cache extends Map {})(), /^is an instance of Cache$/],
  ['a set of a class of its own', new (class Bag extends Set {})(), /^is an instance of Bag$/],
  ['an array of a class of its own', new (class List extends Array {})(), /^is an instance of List$/],
  ['a date of a class of its own', new (class Day extends Date {})(), /^is an instance of Day$/],
  ['a pattern of a class of its own', new (class Glob extends RegExp {})('a'), /^is an instance of Glob$/],
  [
    'an error of a class of its own',
    new (class Declined extends Error {})(),
    /class of its own \(Declined\)$/,
  ],
  ['a type error of one', new (class Odd extends TypeError {})(), /class of its own \(Odd\)$/],
  ['bytes of a class of their own', new (class Key extends Uint8Array {})(1), /^is an instance of Key$/],
  ['a buffer of one', new (class Page extends ArrayBuffer {})(1), /^is an instance of Page$/],
  [
    'a view of one',
    new (class Slice extends DataView<ArrayBuffer> {})(new ArrayBuffer(1)),
    /^is an instance of Slice$/,
  ],
  ['the global object', globalThis, /^is an /],
  ['the process', process, /^is an /],
  ['the environment', process.env, /^is an /],
  ['Math', Math, /^is no plain object/],
  ['JSON', JSON, /^is no plain object/],
  ['Reflect', Reflect, /^is no plain object/],
  ['Intl', Intl, /^is no plain object/],
  [
    'arguments',
    (function () {
      // oxlint-disable-next-line prefer-rest-params -- they are what is tested
      return arguments;
    })(),
    /^is no plain object/,
  ],
  ['an object of another realm', foreign('({ a: 1 })'), /^is an instance of Object$/],
  ['an array of another realm', foreign('[1]'), /^is an instance of Array$/],
  ['a map of another realm', foreign('new Map()'), /^is an instance of Map$/],
  ['a date of another realm', foreign('new Date()'), /^is an instance of Date$/],
  ['an error of another realm', foreign('new Error("x")'), /^is an instance of Error$/],
  ['bytes of another realm', foreign('new Uint8Array(1)'), /^is an instance of Uint8Array$/],
  ['an object that inherits', Object.create({ inherited: 1 }), /^is an instance of Object$/],
  ['an heir of nobody', Object.create(Object.create(null) as object), /foreign prototype$/],
  ['a fake of typed bytes', Object.create(Uint8Array.prototype), /^is an instance of Uint8Array$/],
  ['a fake of an array', Object.create(Array.prototype), /^is an instance of Array$/],
  ['a proxy of bytes', new Proxy(new Uint8Array(1), {}), /^is an instance of Uint8Array$/],
  ['a pattern in the middle of a text', used(/a/g), /^is a RegExp in use/],
  ['a sticky pattern in use', used(/a/y), /^is a RegExp in use/],
  ['a symbol as a key', { [Symbol('k')]: 1 }, /^has a symbol as a key$/],
  [
    'a hidden symbol as a key',
    Object.defineProperty({ a: 1 }, Symbol('k'), { value: 1 }),
    /^has a symbol as a key$/,
  ],
  ['an own __proto__ key', JSON.parse('{"__proto__":1}'), /own "__proto__" key$/],
];

describe('refused as the value itself', () => {
  it.each(HOSTILE)('%s', (_, value, reason) => {
    const refusal = refusalOf(value);
    expect(refusal.path).toBe('event');
    expect(refusal.reason).toMatch(reason);
    // What is wrong, and what to do about it.
    expect(refusal.message).toMatch(/^event (is|has) .*; \w/);
    // And it is no different when it is to be packed.
    expect(() => codec.pack(value, 'event')).toThrow(NotSerialisable);
  });
});

const BAD = Symbol('bad');
/** A value with something bad in it, and the path of that. */
const PLACES: readonly (readonly [name: string, value: unknown, path: string])[] = [
  ['a field', { a: BAD }, 'event.a'],
  ['a field behind good ones', { a: 1, b: { c: 2 }, d: [3], e: BAD }, 'event.e'],
  ['the first of two', { a: 1, b: BAD, c: BAD }, 'event.b'],
  ['a field whose name is an identifier', { $_a1: BAD }, 'event.$_a1'],
  ['a field without a name', { '': BAD }, 'event[""]'],
  ['a field with a space', { 'a b': BAD }, 'event["a b"]'],
  ['a field with a dot', { 'a.b': BAD }, 'event["a.b"]'],
  ['a field with a quote', { 'a"b': BAD }, String.raw`event["a\"b"]`],
  ['a field with a new line', { 'a\n': BAD }, String.raw`event["a\n"]`],
  ['a field with brackets', { '[0]': BAD }, 'event["[0]"]'],
  ['a field that is a number', { 7: BAD }, 'event["7"]'],
  ['a field in another script', { ü: BAD }, 'event["ü"]'],
  ['a field that every object has', { constructor: BAD }, 'event.constructor'],
  ['a field of a field', { a: { b: { c: BAD } } }, 'event.a.b.c'],
  ['a field that JSON would never see', { toJSON: () => ({}) }, 'event.toJSON'],
  ['a method', { type: 'x', go() {} }, 'event.go'],
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
  ['a thenable', { then() {} }, 'event.then'],
  ['an object without a prototype', Object.assign(Object.create(null), { a: BAD }), 'event.a'],
  [
    'behind a getter',
    {
      get a() {
        return BAD;
      },
    },
    'event.a',
  ],
  ['an item', [BAD], 'event[0]'],
  ['a later item', [1, [2], 3, BAD], 'event[3]'],
  ['an item of an item', [[], [[BAD]]], 'event[1][0][0]'],
  ['an item of a field', { items: [{}, { done: BAD }] }, 'event.items[1].done'],
  ['a value of a map', new Map([['k', BAD]]), 'event<k>'],
  [
    'a value of a map behind good ones',
    new Map<string, unknown>([
      ['a', 1],
      ['b', BAD],
    ]),
    'event<b>',
  ],
  ['under a key that is a number', new Map([[7, BAD]]), 'event<entry>'],
  ['under a key that is an object', new Map([[{ a: 1 }, [BAD]]]), 'event<entry>[0]'],
  ['a key of a map', new Map([[BAD, 1]]), 'event<key>'],
  ['inside of a key of a map', new Map([[{ a: [BAD] }, 1]]), 'event<key>.a[0]'],
  ['a member of a set', new Set([1, BAD]), 'event[1]'],
  ['inside of a member of a set', new Set([{ a: BAD }]), 'event[0].a'],
  ['a field of an error', Object.assign(new Error('x'), { data: BAD }), 'event.data'],
  ['the message of an error', Object.assign(new Error('x'), { message: () => 1 }), 'event.message'],
  ['the cause of an error', new Error('x', { cause: BAD }), 'event.cause'],
  [
    'the cause of a cause',
    new Error('x', { cause: new TypeError('y', { cause: [BAD] }) }),
    'event.cause.cause[0]',
  ],
  ['an error among many', new AggregateError([new Error('x'), BAD]), 'event.errors[1]'],
  ['a hidden field of an error', Object.defineProperty(new Error('x'), 'data', { value: BAD }), 'event.data'],
  [
    'far below everything',
    { list: [new Map([['k', new Set([1, { e: new Error('x', { cause: [BAD] }) }])]])] },
    'event.list[0]<k>[1].e.cause[0]',
  ],
];

describe('refused where it stands', () => {
  it.each(PLACES)('%s', (_, value, path) => {
    expect(refusalOf(value).path).toBe(path);
  });

  it('every hostile value in every kind of place', () => {
    for (const [name, hostile] of HOSTILE) {
      const places: readonly [unknown, string][] = [
        [{ a: hostile }, 'event.a'],
        [[0, hostile], 'event[1]'],
        [new Map([['k', hostile]]), 'event<k>'],
        [new Map([[hostile, 'v']]), 'event<key>'],
        [new Set([hostile]), 'event[0]'],
        [new Error('x', { cause: hostile }), 'event.cause'],
      ];
      for (const [value, path] of places) expect([name, refusalOf(value).path]).toEqual([name, path]);
    }
    expect(HOSTILE.length + PLACES.length).toBeGreaterThan(120);
  });

  // Each step of the path wraps the value once more, and says itself how it is written.
  const wrappings = fc.constantFrom<readonly [wrap: (value: unknown) => unknown, step: string]>(
    [(value) => ({ good: 'ok', a: value }), '.a'],
    [(value) => ({ 'a b': value }), '["a b"]'],
    [(value) => [value, 'ok'], '[0]'],
    [(value) => [[], -0, value], '[2]'],
    [(value) => new Map([['k', value]]), '<k>'],
    [(value) => new Map([[1n, value]]), '<entry>'],
    [(value) => new Map([[[value], 1]]), '<key>[0]'],
    [(value) => new Set(['ok', value]), '[1]'],
    [(value) => new RangeError('x', { cause: value }), '.cause'],
    [(value) => Object.assign(Object.create(null) as object, { n: value }), '.n'],
  );

  it('any hostile value, on any path', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...HOSTILE),
        fc.array(wrappings, { maxLength: 40 }),
        ([, hostile, reason], steps) => {
          const value = steps.reduceRight((inner, [wrap]) => wrap(inner), hostile);
          const refusal = refusalOf(value);
          expect(refusal.path).toBe(`event${steps.map(([, step]) => step).join('')}`);
          expect(refusal.reason).toMatch(reason);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('also as the keys that lead there', () => {
    const value = { 'a b': [0, new Map([['k', { c: BAD }]])] };
    expect(refusalOf(value).keys).toEqual(['a b', '1', '<k>', 'c']);
    expect(refusalOf(BAD as never).keys).toEqual([]);
  });

  it('below the name that the caller gives it', () => {
    expect(() => inspect([BAD], 'context')).toThrow(/^context\[0\] is a symbol/);
  });
});

describe('refused for its shape', () => {
  const holey: unknown[] = [1];
  holey[2] = 3;
  const selfish: { self?: unknown; list: unknown[] } = { list: [] };
  const loop: unknown[] = [];
  loop.push([loop]);
  const eager: Map<unknown, unknown> = new Map();
  eager.set('me', eager);
  const reverse: Map<unknown, unknown> = new Map();
  reverse.set({ map: reverse }, 1);
  const circle: Set<unknown> = new Set();
  circle.add([circle]);
  const why = new Error('x');
  why.cause = new TypeError('y', { cause: why });
  const bare = Object.create(null) as { me: unknown };
  bare.me = bare;
  selfish.list.push({ back: selfish });
  const cases: readonly (readonly [string, unknown, path: string, reason: RegExp])[] = [
    ['a hole', holey, 'event[1]', /^is a hole/],
    ['nothing but holes', new Array(5), 'event[0]', /^is a hole/],
    ['a hole at the end', Object.assign([1], { length: 2 }), 'event[1]', /^is a hole/],
    ['a billion holes', { list: new Array(1e9) }, 'event.list[0]', /^is a hole/],
    ['a field on an array', { m: 'abc'.match(/b/) }, 'event.m.index', /field of its own \(index\)/],
    ['a field on an empty array', Object.assign([], { a: 1 }), 'event.a', /field of its own \(a\)/],
    ['a negative index', Object.assign([1], { '-1': 2 }), 'event["-1"]', /field of its own \(-1\)/],
    [
      'a field on a date',
      Object.assign(new Date(0), { zone: 'x' }),
      'event.zone',
      /field of its own \(zone\)/,
    ],
    ['a cycle', selfish, 'event.list[0].back', /^is cyclic$/],
    ['a cycle of arrays', loop, 'event[0][0]', /^is cyclic$/],
    ['a map that holds itself', eager, 'event<me>', /^is cyclic$/],
    ['a map in its own key', reverse, 'event<key>.map', /^is cyclic$/],
    ['a set that holds itself', { s: circle }, 'event.s[0][0]', /^is cyclic$/],
    ['an error that caused itself', why, 'event.cause.cause', /^is cyclic$/],
    ['a cycle without prototypes', bare, 'event.me', /^is cyclic$/],
    ['half a pair in a key', { '\ud800': 1 }, String.raw`event["\ud800"]`, /key with a lone surrogate/],
    ['half a pair in a key of a map', new Map([['\ud800', 1]]), 'event<key>', /lone surrogate/],
    ['half a pair in a message', new Error('\ud800', {}), 'event.stack', /lone surrogate/],
    ['an own __proto__ key below', JSON.parse('{"a":[{"__proto__":{}}]}'), 'event.a[0]', /__proto__/],
    [
      'an own __proto__ key of an error',
      Object.defineProperty(new Error('x'), '__proto__', { value: 1 }),
      'event',
      /__proto__/,
    ],
    [
      'an own __proto__ key without a prototype',
      Object.defineProperty(Object.create(null), '__proto__', { value: 1, enumerable: true }),
      'event',
      /__proto__/,
    ],
  ];
  it.each(cases)('%s', (_, value, path, reason) => {
    const refusal = refusalOf(value);
    expect(refusal.path).toBe(path);
    expect(refusal.reason).toMatch(reason);
  });

  const nestings: readonly (readonly [string, wrap: (inner: unknown) => unknown, step: string])[] = [
    ['objects', (inner) => ({ d: inner }), '.d'],
    ['arrays', (inner) => [inner], '[0]'],
    ['maps', (inner) => new Map([['d', inner]]), '<d>'],
    ['keys of maps', (inner) => new Map([[inner, 1]]), '<key>'],
    ['sets', (inner) => new Set([inner]), '[0]'],
    ['causes', (inner) => new Error('d', { cause: inner }), '.cause'],
  ];
  it.each(nestings)(`${MAX_DEPTH} levels of %s are allowed, and one more is not`, (_, wrap, step) => {
    const nest = (levels: number, inner: unknown): unknown => {
      let value = inner;
      for (let i = 0; i < levels; i++) value = wrap(value);
      return value;
    };
    expect(inspect(nest(MAX_DEPTH, {}), 'event').nested).toBe(true);
    const text = nest(MAX_DEPTH + 1, 'text below the last level');
    expectTwin(roundTrip(text), text);
    const refusal = refusalOf(nest(MAX_DEPTH + 1, {}));
    expect(refusal.path).toBe(`event${step.repeat(MAX_DEPTH + 1)}`);
    expect(refusal.reason).toMatch(/deeper than 128 levels/);
    // So deep that a walk without a limit would overflow the stack.
    expect(refusalOf(nest(50_000, 1)).path).toBe(`event${step.repeat(MAX_DEPTH + 1)}`);
  });
});

// ---- what is allowed ----------------------------------------------------------------------------------------------

const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** Deep equality that overlooks nothing: prototypes, order of keys, hidden fields, the sign of zero, invalid dates. */
function expectTwin(back: unknown, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    expect(back).toBe(value);
    return;
  }
  const twin = back as object;
  expect(twin).not.toBe(value);
  expect(Object.getPrototypeOf(twin)).toBe(Object.getPrototypeOf(value));
  if (value instanceof Date) expect((twin as Date).getTime()).toBe(value.getTime());
  if (value instanceof RegExp) expect(twin).toEqual(value);
  if (value instanceof Map) expectTwin([...(twin as Map<unknown, unknown>)], [...value]);
  if (value instanceof Set) expectTwin([...(twin as Set<unknown>)], [...value]);
  if (value instanceof Error) expect(types.isNativeError(twin)).toBe(true);
  if (value instanceof ArrayBuffer) expect(Buffer.from(twin as ArrayBuffer)).toEqual(Buffer.from(value));
  if (ArrayBuffer.isView(value)) {
    expect(bytesOf(twin as ArrayBufferView)).toEqual(bytesOf(value));
    return;
  }
  // The order of an error's fields is not part of it, that of others is.
  const keysOf = (one: object) =>
    one instanceof Error ? Reflect.ownKeys(one).toSorted(byText) : Reflect.ownKeys(one);
  expect(keysOf(twin)).toEqual(keysOf(value));
  for (const key of keysOf(value)) {
    const mine = Object.getOwnPropertyDescriptor(twin, key)!;
    const original = Object.getOwnPropertyDescriptor(value, key)!;
    expect(mine.enumerable).toBe(original.enumerable);
    // Not from the descriptor: newer engines give the stack through an accessor.
    expectTwin(Reflect.get(twin, key), Reflect.get(value, key));
  }
}

const byText = (a: string | symbol, b: string | symbol): number => (String(a) < String(b) ? -1 : 1);
const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

describe('allowed, and comes back as its twin', () => {
  const memory = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
  const shared = { n: 1 };
  const plain: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['undefined', undefined],
    ['booleans', [true, false]],
    ['not a number', NaN],
    ['infinities', [Infinity, -Infinity]],
    [
      'numbers at the edges',
      [0, 1, -1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64],
    ],
    ['negative numbers at the edges', [-32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 63)]],
    ['fractions', [0.1, 1e-300, 5e-324, Number.MAX_VALUE, 16_777_217.5]],
    ['no text, and text of every plane', ['', 'aü語😀\u0000\uffff\u2028']],
    ['a megabyte of text', 'ü'.repeat(1 << 19)],
    ['fields that are undefined', { a: undefined, b: [undefined] }],
    ['nothing in it', [{}, []]],
    ['dates', [new Date(0), new Date(-1), new Date(1.5e12 + 1), new Date(8.64e15), new Date(-8.64e15)]],
    ['an invalid date', new Date(NaN)],
    ['the same object twice', [shared, shared, { shared }]],
    ['an object like a tag', [[0, 1], [3, 'Error'], { 0: 1 }]],
    ['a frozen object', Object.freeze({ a: Object.freeze([1]) })],
    ['fields in the order they came', { b: 1, a: 2, 10: 3, 9: 4 }],
    ['names of every object', { toString: 1, hasOwnProperty: 2, valueOf: null, length: 3 }],
  ];
  const tagged: readonly (readonly [string, unknown])[] = [
    ['negative zero', -0],
    ['negative zero below', { a: [1, -0, 0] }],
    ['bigints', [0n, -1n, 2n ** 64n, -(2n ** 64n) - 1n, 7n ** 500n]],
    ['an empty map', new Map()],
    [
      'a map with keys of every kind',
      new Map<unknown, unknown>([
        [NaN, 1],
        [undefined, 2],
        [null, 3],
        [1n, 4],
        [{}, 5],
        ['', 6],
      ]),
    ],
    ['a set with members of every kind', new Set([NaN, undefined, null, 1n, [], '', new Date(1)])],
    ['a set of equal objects', new Set([{ a: 1 }, { a: 1 }])],
    [
      'patterns',
      [/a+(?<b>c)/giu, /\//, /\n/, new RegExp('\n/'), new RegExp(''), /x/dsy, new RegExp('[a--b]', 'v')],
    ],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1, constructor: 2 })],
    ['an array buffer', memory],
    ['no bytes at all', [new ArrayBuffer(0), new Uint8Array(0), Buffer.alloc(0)]],
    [
      'a view of a part',
      [new DataView(memory, 2, 3), new Uint16Array(memory, 2, 2), Buffer.from(memory, 1, 4)],
    ],
    ...typedArrays.map((View) => [`a ${View.name}`, [new View(memory), new View(3)]] as const),
    ['a buffer', Buffer.from('hello')],
    ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(
      (Type) => [`a ${Type.name}`, new Type('x')] as const,
    ),
    ['an error with a cause', new Error('x', { cause: new TypeError('y', { cause: { why: [-0, 1n] } }) })],
    ['an error caused by nothing', new Error('x', { cause: undefined })],
    [
      'an error with fields',
      Object.assign(new Error('x'), { code: 'E_X', name: 'Odd', at: new Map([[1, 2]]) }),
    ],
    [
      'an error with a hidden field',
      Object.defineProperty(new Error('x'), 'data', { value: 1n, writable: true }),
    ],
    ['an error without a message', new Error()],
    ['an aggregate of errors', new AggregateError([new Error('one'), 2], 'many')],
    ['values like tags, beside one that needs them', [[0], [7], [9, 'x'], { 0: [1] }, 1n]],
  ];
  it.each(plain)('%s', (_, value) => {
    expect(inspect(value, 'event').form).toBe(PLAIN);
    expectTwin(roundTrip(value), value);
  });
  it.each(tagged)('%s, in the tagged form', (_, value) => {
    expect(inspect(value, 'event').form).toBe(TAGGED);
    expectTwin(roundTrip(value), value);
    expectTwin(roundTrip([{ value }]), [{ value }]);
  });

  it('knows whether there is an object below the top', () => {
    const flat = [
      1,
      'x',
      null,
      undefined,
      {},
      [],
      { a: 1, b: null },
      [1n, -0],
      new Map([[1, 2]]),
      new Date(0),
    ];
    for (const value of flat) expect([value, inspect(value, 'event').nested]).toEqual([value, false]);
    const nested = [
      [[]],
      { a: {} },
      { a: new Date(0) },
      new Map([[1, []]]),
      new Map([[[], 1]]),
      new Set([{}]),
    ];
    for (const value of nested) expect([value, inspect(value, 'event').nested]).toEqual([value, true]);
  });

  const { value: anything } = fc.letrec((tie) => {
    const any = tie('value');
    const text = fc.string({ unit: 'binary', maxLength: 8 });
    const name = text.filter((key) => key !== '__proto__');
    const fields = fc.dictionary(name, any, { maxKeys: 4 });
    const bytes = fc
      .uint8Array({ maxLength: 4 })
      .map((items) => Uint8Array.from([...items, ...items]).buffer);
    return {
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom<unknown>(undefined, null, true, false, -0, NaN, Infinity, new Date(NaN), /a(b)?/giu),
        fc.double(),
        fc.maxSafeInteger(),
        fc.bigInt(),
        text,
        fc.date(),
        fields,
        fields.map((own) => Object.assign(Object.create(null) as object, own)),
        fc.array(any, { maxLength: 4 }),
        fc.array(fc.tuple(any, any), { maxLength: 3 }).map((entries) => new Map(entries)),
        fc.array(any, { maxLength: 3 }).map((members) => new Set(members)),
        fc
          .tuple(fc.constantFrom(Error, TypeError, RangeError), text, fields, any)
          .map(([Type, message, own, cause]) => Object.assign(new Type(message, { cause }), { own })),
        bytes,
        fc.tuple(fc.constantFrom(...typedArrays), bytes).map(([View, buffer]) => {
          return new View(buffer.slice(0, buffer.byteLength - (buffer.byteLength % 8)));
        }),
        bytes.map((buffer) => new DataView(buffer, buffer.byteLength >> 1)),
        bytes.map((buffer) => Buffer.from(buffer)),
      ),
    };
  });

  it('anything', () => {
    const forms = { [PLAIN]: 0, [TAGGED]: 0 };
    fc.assert(
      fc.property(anything, (value) => {
        forms[inspect(value, 'event').form]++;
        expectTwin(roundTrip(value), value);
      }),
      { numRuns: 600 },
    );
    expect(Math.min(forms[PLAIN], forms[TAGGED])).toBeGreaterThan(50);
  });

  it('a refusal leaves nothing behind that could mislead the next walk', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...PLACES), (value, [, bad]) => {
        const before = { ...inspect(value, 'event') };
        expect(() => inspect(bad, 'event')).toThrow(NotSerialisable);
        expect(inspect(value, 'event')).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a value that has taken the place of another', () => {
  const before = {
    list: [{ n: 1 }, { n: 2 }],
    map: new Map([['a', { n: 3 }]]),
    deep: { er: { n: 4 } },
    text: 'x',
  };
  inspect(before, 'context');
  const refused = (after: object): string | undefined => {
    try {
      inspectChange(after, before, 'context');
      return undefined;
    } catch (error) {
      return (error as NotSerialisable).path;
    }
  };

  it.each<[string, object, string | undefined]>([
    ['nothing is new', before, undefined],
    ['something good is new', { ...before, more: [1] }, undefined],
    ['something bad is new', { ...before, more: [BAD] }, 'context.more[0]'],
    ['something bad is in an item', { ...before, list: [before.list[0], { n: BAD }] }, 'context.list[1].n'],
    ['an item is gone, and the last one is bad', { ...before, list: [BAD] }, 'context.list[0]'],
    [
      'something bad is deep',
      { ...before, deep: { er: { ...before.deep.er, m: BAD } } },
      'context.deep.er.m',
    ],
    ['an object has become an array', { ...before, deep: [BAD] }, 'context.deep[0]'],
    [
      'an array has become an object',
      { ...before, list: { 0: before.list[0], 1: BAD } },
      'context.list["1"]',
    ],
    ['a map is another', { ...before, map: new Map([['a', BAD]]) }, 'context.map<a>'],
    ['a text is broken', { ...before, text: '\ud800' }, 'context.text'],
    ['a field has moved', { ...before, deep: before.list, list: before.deep }, undefined],
  ])('is looked at where it differs: %s', (_, after, path) => {
    expect(refused(after)).toBe(path);
  });

  it('is not walked where it is the same', () => {
    const read: string[] = [];
    const watched = new Proxy(
      { n: 1 },
      { get: (_, key) => void read.push(String(key)), ownKeys: () => ['n'] },
    );
    inspectChange({ watched, n: 2 }, { watched, n: 1 }, 'context');
    expect(read).toEqual([]);
  });

  it('leaves nothing behind for the next walk', () => {
    const shared = { bad: BAD };
    inspectChange({ shared }, { shared }, 'context');
    expect(refusalOf({ shared }).path).toBe('event.shared.bad');
  });
});

describe('a reference', () => {
  const actors: ReferenceCodec = { test: (value) => value instanceof Money, encode: String, decode: () => 1 };

  it('is allowed anywhere and not looked into', () => {
    const money = Object.assign(new Money(), { onPaid: () => {} });
    const found = inspect({ a: [money], m: new Map([[money, money]]) }, 'event', actors);
    expect(found.form).toBe(TAGGED);
  });

  it('is a reference for that call only', () => {
    inspect(new Money(), 'event', actors);
    expect(refusalOf([new Money()]).path).toBe('event[0]');
  });
});

// ---- what only looks harmless ---------------------------------------------------------------------------

describe('should be refused, because it comes back as something else', () => {
  const mark = Symbol('mark');
  const pretend = (value: object, prototype: object | null): unknown =>
    Object.setPrototypeOf(value, prototype);

  it.each([
    ['a map', new Map()],
    ['a set', new Set()],
    ['a pattern', /a/],
    ['a typed array', new Uint8Array(2)],
    ['a buffer', Buffer.alloc(2)],
    ['an array buffer', new ArrayBuffer(2)],
    ['a view', new DataView(new ArrayBuffer(2))],
  ])('a field on %s', (_, value) => {
    expect(refusalOf({ v: Object.assign(value, { own: 1 }) }).path).toBe('event.v.own');
  });

  it.each([
    ['an array', [1]],
    ['a date', new Date(0)],
    ['an error', new Error('x')],
    ['a map', new Map()],
  ])('a symbol as a key of %s', (_, value) => {
    expect(refusalOf({ v: Object.assign(value, { [mark]: 1 }) }).path).toBe('event.v');
  });

  it('half a pair in a pattern', () => {
    expect(refusalOf({ re: new RegExp('\ud800') }).path).toBe('event.re');
  });

  it('half a pair in a key of an error', () => {
    expect(refusalOf(Object.assign(new Error('x'), { '\ud800': 1 })).path).toBe(String.raw`event["\ud800"]`);
  });

  it.each([
    ['a date', pretend(new Date(0), Object.prototype)],
    ['a pattern', pretend(/a/, Object.prototype)],
    ['an error', pretend(new Error('x'), null)],
    ['a map', pretend(new Map([[1, 2]]), null)],
    ['an array', pretend([1, 2], Object.prototype)],
    ['a boxed number', pretend(new Number(1), Object.prototype)],
  ])('%s in the dress of a plain object', (_, value) => {
    expect(refusalOf([value]).path).toBe('event[0]');
  });
  it.each([
    ['an error', Object.create(Error.prototype)],
    ['a buffer', Object.create(Buffer.prototype)],
    ['a view', Object.create(DataView.prototype)],
  ])('a plain object in the dress of %s', (_, value) => {
    expect(refusalOf([value]).path).toBe('event[0]');
  });
});

describe('should be refused, and not fail with an error of the language', () => {
  const gone = Proxy.revocable({}, {});
  gone.revoke();
  const detached = <T extends ArrayBufferView>(view: T): T => {
    structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
    return view;
  };

  it.each<[string, unknown]>([
    ['a fake of a map', Object.create(Map.prototype)],
    ['a fake of a set', Object.create(Set.prototype)],
    ['a fake of a date', Object.create(Date.prototype)],
    ['a fake of an array buffer', Object.create(ArrayBuffer.prototype)],
    ['a proxy of a map', new Proxy(new Map(), {})],
    ['a proxy of a set', new Proxy(new Set(), {})],
    ['a proxy of a date', new Proxy(new Date(0), {})],
    ['a proxy of an array buffer', new Proxy(new ArrayBuffer(1), {})],
    ['a proxy that was revoked', gone.proxy],
    ['bytes whose memory was given away', detached(new Uint8Array(1))],
    ['a view whose memory was given away', detached(new DataView(new ArrayBuffer(1)))],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('not yet');
        },
      },
    ],
    [
      'a class whose name is a symbol',
      class {
        static readonly name = Symbol('x');
        cents = 1;
      },
    ],
    [
      'an error without a constructor',
      Object.create(Object.create(Error.prototype, { constructor: { value: undefined } })),
    ],
  ])('%s', (_, value) => {
    expect(() => codec.pack([value], 'event')).toThrow(NotSerialisable);
  });
});

describe('should be refused with its path', () => {
  it('a field whose name starts like an entry of a map', () => {
    expect(refusalOf({ '<key>': BAD }).path).toBe('event["<key>"]');
  });
});
