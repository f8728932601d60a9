// The lie: "everything can be shown". Values that JSON cannot hold, values that hold themselves, and values without end.
import { createMachine, fromPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { readable } from './readable.ts';

const ROOM = 10_000;
const shown = (value: unknown): unknown => JSON.parse(readable(value, ROOM));

class Point {
  readonly x = 1;
}

class Someone {
  readonly sessionId = 'order/1~2';
  send(): void {}
}

describe('what JSON can hold', () => {
  it('is shown as it is', () => {
    const value = { a: [1, -2.5, 'two "quoted"\n', true, null, {}, []], b: { c: { d: '🦊 \u2028' } } };
    expect(shown(value)).toEqual(value);
    expect(readable(value, ROOM)).toBe(JSON.stringify(value));
  });
});

describe('what JSON cannot hold', () => {
  it.each<[string, unknown, unknown]>([
    ['a bigint', 12n, '12n'],
    ['undefined', undefined, '(undefined)'],
    ['a field that is undefined', { a: undefined }, { a: '(undefined)' }],
    ['NaN', Number.NaN, 'NaN'],
    ['infinity', -Infinity, '-Infinity'],
    ['minus zero', -0, '-0'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a date that is none', new Date(Number.NaN), '(invalid date)'],
    ['a map', new Map<unknown, unknown>([[{ k: 1 }, 2n]]), { '(Map)': [[{ k: 1 }, '2n']] }],
    ['a set', new Set([1, 'a']), { '(Set)': [1, 'a'] }],
    ['a regular expression', /a+/g, '/a+/g'],
    ['an error', new RangeError('far'), { name: 'RangeError', message: 'far' }],
    [
      'an error with a cause and fields',
      Object.assign(new Error('a', { cause: new Error('b') }), { code: 7n }),
      { name: 'Error', message: 'a', cause: { name: 'Error', message: 'b' }, code: '7n' },
    ],
    ['bytes', new Uint8Array([1, 255]), '(Uint8Array, 2 bytes) 01ff'],
    ['many bytes', new ArrayBuffer(100), `(ArrayBuffer, 100 bytes) ${'00'.repeat(32)}…`],
    ['part of a buffer', new Uint16Array(new ArrayBuffer(8), 2, 1), '(Uint16Array, 2 bytes) 0000'],
    ['a function', Math.max, { type: 'max' }],
    ['a function without a name', (() => () => {})(), { type: '(anonymous)' }],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an instance of a class', new Point(), { x: 1 }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a ref', new Someone(), { xstate$$type: 1, id: 'order/1~2' }],
    ['a machine', createMachine({ id: 'm' }), { type: 'm' }],
    ['other logic', fromPromise(async () => {}), { type: '(actor logic)' }],
    ['a hole in a list', new Array(1), ['(undefined)']],
  ])('%s is shown in words', (_, value, expected) => {
    expect(shown({ value })).toEqual({ value: expected });
  });

  it('a getter that throws hurts nobody', () => {
    const value = {
      get a(): never {
        throw new Error('not here');
      },
    };
    expect(shown(value)).toMatch(/cannot be shown.*not here/);
  });
});

describe('what has no end', () => {
  it('is cut where it comes back to itself, and only there', () => {
    const twice = { a: 1 };
    const value: Record<string, unknown> = { first: twice, second: twice, map: new Map() };
    value['self'] = value;
    (value['map'] as Map<string, unknown>).set('back', value);
    expect(shown(value)).toEqual({
      first: { a: 1 },
      second: { a: 1 },
      map: { '(Map)': [['back', '(circular)']] },
      self: '(circular)',
    });
  });

  it('is cut where it is too deep', () => {
    let value: unknown = 'the bottom';
    for (let i = 0; i < 10_000; i++) value = [value];
    const text = readable(value, ROOM);
    expect(text).toContain('(deeper)');
    expect(text).not.toContain('the bottom');
    expect(JSON.parse(text)).toBeDefined();
  });

  it.each<[string, unknown, RegExp]>([
    ['a string', 'x'.repeat(100_000), /x… \(\d+ more characters\)"/],
    ['a list', Array.from({ length: 100_000 }, (_, i) => i), /,"\(\d+ more\)"\]/],
    [
      'fields',
      Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f${i}`, i])),
      /"…":"\(\d+ more\)"\}/,
    ],
    ['a map', new Map(Array.from({ length: 50_000 }, (_, i) => [i, i])), /"\(\d+ more\)"\]\}/],
    ['keys', { ['k'.repeat(100_000)]: 1 }, /more characters\)":1/],
    [
      'strings within lists within fields',
      { a: [['y'.repeat(9e5)], 'z'.repeat(9e5)], b: 'w'.repeat(9e5) },
      /more/,
    ],
  ])('%s that is too long is cut with a mark', (_, value, mark) => {
    const text = readable(value, ROOM);
    expect(text).toMatch(mark);
    expect(text.length).toBeLessThan(ROOM + 500);
    expect(JSON.parse(text)).toBeDefined();
  });
});
