// The lie: "the first difference is found, and only differences are". Values are changed in one place and the place is
// looked for; copies of them, and actors under other objects, are not different.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDifferences, firstDifference } from './difference.ts';
import { Ref, Tree } from './kernel/ref.ts';
import { NotingPort } from './testing/bare-actor.ts';

const storable = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
});

function refTo(address: string, life = 1): Ref {
  return new Ref(new Tree(new NotingPort(), address), address, address, { actor: 7, life });
}

describe('a difference', () => {
  it('is there exactly where node sees one', () => {
    fc.assert(
      fc.property(storable, storable, (one, other) => {
        const seen = firstDifference(one, other, 'value');
        expect(seen === undefined).toBe(isDeepStrictEqual(one, other));
      }),
    );
  });

  it('is not there between a value and its copy', () => {
    fc.assert(
      fc.property(storable, (value) => {
        expect(firstDifference(value, structuredCopy(value), 'value')).toBeUndefined();
      }),
    );
  });

  it.each<[recorded: unknown, today: unknown, path: string, unknown?, unknown?]>([
    [1, 2, 'v', 1, 2],
    [0, -0, 'v', 0, -0],
    [{ a: { b: [1, { c: 'x' }] } }, { a: { b: [1, { c: 'y' }] } }, 'v.a.b[1].c', 'x', 'y'],
    [[1], [1, 2], 'v[1]', undefined, 2],
    [[1, 2], [1], 'v[1]', 2, undefined],
    [{ a: 1 }, { b: 1 }, 'v.a', 1, undefined],
    [{}, { b: 1 }, 'v.b', undefined, 1],
    [{ a: undefined }, {}, 'v.a', undefined, undefined],
    [{ a: 1, b: 1 }, { a: 2, b: 2 }, 'v.a', 1, 2],
    [{ a: [] }, { a: {} }, 'v.a', [], {}],
    [{ a: null }, { a: {} }, 'v.a', null, {}],
    [{ a: {} }, { a: Object.create(null) }, 'v.a'],
    [{ a: new Date(1) }, { a: new Date(2) }, 'v.a', new Date(1), new Date(2)],
    [{ a: new Map([['k', 1]]) }, { a: new Map([['k', 2]]) }, 'v.a'],
    [{ a: new Set([1]) }, { a: new Map([[1, 1]]) }, 'v.a'],
    [{ a: Uint8Array.of(1) }, { a: Uint8Array.of(2) }, 'v.a'],
    [{ a: /x/g }, { a: /x/i }, 'v.a'],
    [['send', 1, 'x'], ['send', 2, 'x'], 'v[1]', 1, 2],
  ])('between %j and %j is at its path', (recorded, today, path, was, is) => {
    const difference = firstDifference(recorded, today, 'v');
    expect(difference).toMatchObject({ path });
    if (was !== undefined || is !== undefined) expect(difference).toEqual({ path, recorded: was, today: is });
  });

  it('does not depend on the order of keys', () => {
    expect(firstDifference({ a: 1, b: 2 }, { b: 2, a: 1 }, 'v')).toBeUndefined();
  });
});

describe('errors', () => {
  const failed = (message: string, fields: object = {}, options?: ErrorOptions): Error =>
    Object.assign(new RangeError(message, options), fields);

  it('that were thrown at different places of the code are the same', () => {
    const [one, other] = [failed('x', { code: 1 }), failed('x', { code: 1 })];
    other.stack = 'somewhere else';
    expect(firstDifference({ one }, { one: other }, 'v')).toBeUndefined();
  });

  it.each<[string, Error, Error]>([
    ['v.message', failed('x'), failed('y')],
    ['v.code', failed('x', { code: 1 }), failed('x', { code: 2 })],
    ['v.code', failed('x', { code: 1 }), failed('x')],
    ['v.cause.message', failed('x', {}, { cause: failed('p') }), failed('x', {}, { cause: failed('q') })],
    ['v', failed('x'), new TypeError('x')],
    ['v', failed('x'), { message: 'x' } as Error],
  ])('differ at %s', (path, one, other) => {
    expect(firstDifference(one, other, 'v')?.path).toBe(path);
  });
});

describe('refs', () => {
  it('are the same when they name the same life of the same actor', () => {
    expect(firstDifference({ to: refTo('a/1') }, { to: refTo('a/1') }, 'v')).toBeUndefined();
  });

  it('to another actor, or another life of it, are told by name', () => {
    expect(firstDifference({ to: refTo('a/1') }, { to: refTo('a/2') }, 'v')).toEqual({
      path: 'v.to',
      recorded: 'a/1',
      today: 'a/2',
    });
    expect(firstDifference([refTo('a/1')], [refTo('a/1', 2)], 'v')).toEqual({
      path: 'v[0]',
      recorded: 'a/1',
      today: 'a/1~2',
    });
    expect(firstDifference(refTo('a/1'), {}, 'v')?.path).toBe('v');
  });

  it.each<[string, (ref: Ref) => unknown]>([
    ['a map', (ref) => new Map([['one', ref]])],
    ['a set', (ref) => new Set([ref])],
  ])('are the same in %s too', (_, holding) => {
    const [recorded, today] = [refTo('a/1'), refTo('a/1')];
    today.cell = { what: 'the runtime keeps here' };
    expect(firstDifference(holding(recorded), holding(today), 'v')).toBeUndefined();
  });
});

describe('all differences', () => {
  it('are each named as deep inside as they can be, in order', () => {
    const before = {
      a: 1,
      list: [1, 2, 3],
      deep: { x: { y: 1 }, same: [1] },
      gone: 1,
      map: new Map([[1, 2]]),
    };
    const after = { a: 2, list: [1, 5], deep: { x: { y: 2 }, same: [1] }, come: 1, map: new Map([[1, 3]]) };
    expect(allDifferences(before, after, 'v')).toEqual([
      { path: 'v.a', recorded: 1, today: 2 },
      { path: 'v.list[1]', recorded: 2, today: 5 },
      { path: 'v.list[2]', recorded: 3, today: undefined },
      { path: 'v.deep.x.y', recorded: 1, today: 2 },
      { path: 'v.gone', recorded: 1, today: undefined },
      { path: 'v.map', recorded: before.map, today: after.map },
      { path: 'v.come', recorded: undefined, today: 1 },
    ]);
    expect(allDifferences(before, before, 'v')).toEqual([]);
    expect(allDifferences(1, { a: 1 }, 'v')).toEqual([{ path: 'v', recorded: 1, today: { a: 1 } }]);
  });

  it('are the first of them, and those that are left without it', () => {
    fc.assert(
      fc.property(fc.object(), fc.object(), (before, after) => {
        const [first, ...others] = allDifferences(before, after, 'v');
        expect(firstDifference(before, after, 'v')).toEqual(first);
        const paths = others.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
      }),
    );
  });

  it('name keys that are no words so that they can be told apart', () => {
    const before = { 'a.b': 1, a: { b: 1 }, '': 1, "it's": 1, '"': 1, 'a b': 1 };
    expect(allDifferences(before, { a: {} }, 'v').map(({ path }) => path)).toEqual([
      'v["a.b"]',
      'v.a.b',
      'v[""]',
      'v["it\'s"]',
      'v["\\""]',
      'v.a b',
    ]);
  });
});

/** Like `structuredClone`, which loses null prototypes. */
function structuredCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCopy);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [structuredCopy(key), structuredCopy(item)]));
  }
  if (value instanceof Set) return new Set([...value].map(structuredCopy));
  const prototype =
    typeof value === 'object' && value !== null ? (Object.getPrototypeOf(value) as object | null) : undefined;
  if (prototype !== null && prototype !== Object.prototype) return structuredClone(value);
  const copy = Object.create(prototype) as object;
  for (const key of Object.keys(value as object)) {
    const item = structuredCopy((value as Record<string, unknown>)[key]);
    Object.defineProperty(copy, key, { value: item, enumerable: true, writable: true, configurable: true });
  }
  return copy;
}
