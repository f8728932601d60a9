// The lie: "what is copied as plain data is data, and can do nothing".
import { describe, expect, it } from 'vitest';
import { keysIn, MAX_PROBLEMS, plainCopyOf, pointerOf } from './plain.ts';

const problemsOf = (value: unknown) => {
  const reading = plainCopyOf(value);
  return reading.ok ? [] : reading.problems.map(({ pointer, detail }) => `${pointer} ${detail}`);
};

describe('plain data', () => {
  it('is copied, and frozen all the way down', () => {
    const value = { a: [1, { b: 'x' }], c: null, d: true };
    const reading = plainCopyOf(value);
    expect(reading).toEqual({ ok: true, value });
    const copy = (reading as { value: typeof value }).value;
    expect(copy).not.toBe(value);
    expect(Object.isFrozen(copy)).toBe(true);
    expect(Object.isFrozen(copy.a[1])).toBe(true);
    expect(Object.isFrozen(value.a)).toBe(false);
  });

  it('may hold the same thing twice', () => {
    const shared = { a: 1 };
    expect(plainCopyOf([shared, shared])).toEqual({ ok: true, value: [shared, shared] });
  });

  it('may have no prototype, and names that objects inherit', () => {
    const value = Object.assign(Object.create(null) as object, { toString: 1, constructor: 2 });
    expect(plainCopyOf(value)).toEqual({ ok: true, value: { toString: 1, constructor: 2 } });
  });

  it('is as deep as a store takes, and no deeper', () => {
    let value: unknown = 1;
    for (let i = 0; i < 90; i++) value = [value];
    expect(plainCopyOf(value).ok).toBe(true);
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(problemsOf(value)[0]).toMatch(/is nested deeper than 100 levels$/);
  });
});

class Point {
  x = 1;
}

describe('refused, with its place', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = [cyclic];
  const hole: number[] = [1];
  hole[2] = 3;
  it.each<[string, unknown, string]>([
    ['a function', { a: () => 1 }, '#/a is a function'],
    ['a symbol', [Symbol('x')], '#/0 is a symbol'],
    ['a bigint', { a: 1n }, '#/a is a bigint'],
    ['undefined', { a: undefined }, '#/a is undefined: leave it out'],
    ['NaN', { 'a/b~c d': Number.NaN }, '#/a~1b~0c%20d is no number'],
    ['Infinity', [[Infinity]], '#/0/0 is no number'],
    ['half a character', { a: 'x\ud800' }, '#/a is a text with half'],
    ['half a character in a name', { '\ud800': 1 }, 'has a name with half'],
    ['an instance of a class', { a: new Point() }, '#/a is an instance of a class'],
    ['a date', { a: new Date(0) }, '#/a is an instance of a class'],
    ['a map', new Map(), '# is an instance of a class'],
    ['a list of a class of its own', new (class extends Array {})(), '# is a list with holes'],
    ['a cycle', cyclic, '#/self/0 contains itself'],
    ['a hole', { a: hole }, '#/a is a list with holes'],
    ['a list with a name in it', Object.assign([1], { extra: 2 }), '# is a list with holes'],
    ['a symbol as a key', { [Symbol('x')]: 1 }, '# has a symbol as a key'],
    ['a __proto__ of its own', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), '#/a/__proto__ has a name'],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('secret');
        },
      },
      '#/a cannot be read: it throws',
    ],
    [
      'a proxy that throws',
      {
        a: new Proxy(
          {},
          {
            ownKeys() {
              throw new Error('secret');
            },
          },
        ),
      },
      '#/a cannot be read',
    ],
    ['a revoked proxy', { a: revoked() }, '#/a cannot be read'],
  ])('%s', (_, value, told) => {
    const [first, ...rest] = problemsOf(value);
    expect(first).toContain(told);
    expect(first).not.toContain('secret');
    expect(rest).toEqual([]);
  });

  it('all of them at once, up to a bound', () => {
    expect(problemsOf({ a: () => 1, b: [undefined], c: 1 })).toHaveLength(2);
    expect(problemsOf(Array.from({ length: 100_000 }, () => Number.NaN))).toHaveLength(MAX_PROBLEMS);
  });

  it('without touching any prototype', () => {
    plainCopyOf(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a pointer', () => {
  it.each([[['a', 0, 'b/c', '~', 'ü %']], [[]], [['']]])('of %j leads back', (path) => {
    expect(keysIn(pointerOf(path))).toEqual(path.map(String));
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
