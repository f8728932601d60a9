// The lie: "nobody can change it any more". Plain values of every shape, values that cannot be frozen, and values that hold both.
import { describe, expect, it } from 'vitest';
import { frozen } from './frozen.ts';

describe('plain values', () => {
  it('are frozen where they stand, to the bottom', () => {
    const value = {
      list: [{ a: 1 }],
      deep: { er: Object.assign(Object.create(null) as object, { b: [2] }) },
    };
    expect(frozen(value)).toBe(value);
    const parts = [value, value.list, value.list[0], value.deep, value.deep.er];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
    expect(() => value.list.push({ a: 2 })).toThrow(TypeError);
    expect(value.list).toEqual([{ a: 1 }]);
  });

  it('that hold themselves come to an end', () => {
    const value: { self?: unknown; list: unknown[] } = { list: [] };
    value.self = value;
    value.list.push(value);
    expect(frozen(value)).toBe(value);
    expect(Object.isFrozen(value.list)).toBe(true);
  });

  it.each([undefined, null, 1, 'text', true, 1n, Symbol.iterator])('may be no objects: %s', (value) => {
    expect(frozen(value)).toBe(value);
  });

  it('errors are among them, with what has caused them', () => {
    const error = Object.assign(new Error('no', { cause: { code: [1] } }), { more: { a: 1 } });
    expect(frozen(error)).toBe(error);
    expect([error, error.cause, error.more].every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe('what cannot be frozen', () => {
  const values = {
    at: new Date(0),
    pattern: /x/g,
    all: new Map([['k', { v: [1] }]]),
    some: new Set([1]),
    buffer: new Uint8Array([1, 2]).buffer,
    bytes: new Float64Array([1.5]),
    ofNode: Buffer.from('ab'),
    view: new DataView(new Uint8Array([7, 8, 9]).buffer, 1, 2),
  };

  it('is a copy, each time another one, and so is all that holds it', () => {
    const value = { plain: { a: 1 }, list: [values] };
    const given = frozen(value);
    expect(given).toEqual(value);
    expect(frozen(value)).not.toBe(given);
    expect(given.plain).toBe(value.plain);
    expect([given, given.list, given.list[0]].every((part) => Object.isFrozen(part))).toBe(true);
    for (const [key, part] of Object.entries(given.list[0]!)) {
      expect(part).not.toBe(values[key as keyof typeof values]);
      expect(Object.getPrototypeOf(part)).toBe(Object.getPrototypeOf(values[key as keyof typeof values]));
    }
  });

  it('leads nobody to the original', () => {
    const { at, all, some, buffer, bytes, ofNode, view } = frozen(values);
    at.setFullYear(1999);
    expect(() => all.get('k')!.v.push(2)).toThrow(TypeError);
    all.clear();
    some.clear();
    new Uint8Array(buffer).fill(0);
    bytes.fill(0);
    ofNode.fill(0);
    view.setUint8(0, 0);
    expect(values.at.getTime()).toBe(0);
    expect([values.all.size, values.some.size]).toEqual([1, 1]);
    expect([...new Uint8Array(values.buffer)]).toEqual([1, 2]);
    expect([values.bytes[0], values.ofNode.toString(), values.view.getUint8(0)]).toEqual([1.5, 'ab', 8]);
  });

  it('leaves objects of other classes as they are', () => {
    class Actor {
      state = 1;
    }
    const actor = new Actor();
    const { ref } = frozen({ ref: actor });
    ref.state = 2;
    expect(ref).toBe(actor);
  });
});
