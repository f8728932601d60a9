// The lie: "48 bits stay exact in a JavaScript number, and nothing is written beside them". Numbers at the edge of every
// byte are written between guards, and held against Node's own reader.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getU32, getU48, putU32, putU48 } from './binary.ts';

const GUARD = 0xa5;
/** Where the number is written, in a buffer that is full of guards. */
const AT = 3;

const sizes = [
  { bits: 32, put: putU32, get: getU32 },
  { bits: 48, put: putU48, get: getU48 },
] as const;

/** The numbers around every power of two. */
const edges = (bits: number): number[] =>
  Array.from({ length: bits + 1 }, (_, power) => [2 ** power - 1, 2 ** power, 2 ** power + 1])
    .flat()
    .filter((value) => value < 2 ** bits);

describe.each(sizes)('an integer of $bits bits', ({ bits, put, get }) => {
  const bytes = bits / 8;
  const numbers = fc.oneof(fc.constantFrom(...edges(bits)), fc.integer({ min: 0, max: 2 ** bits - 1 }));

  function written(value: number): Buffer {
    const buffer = Buffer.alloc(AT + bytes + 3, GUARD);
    put(buffer, AT, value);
    return buffer;
  }

  it('comes back at the edges of every bit', () => {
    for (const value of edges(bits)) expect(get(written(value), AT)).toBe(value);
  });

  it('is big-endian, as Node reads it, and touches nothing beside it', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        const buffer = written(value);
        expect(get(buffer, AT)).toBe(value);
        expect(buffer.readUIntBE(AT, bytes)).toBe(value);
        expect([...buffer.subarray(0, AT)]).toEqual(Array(AT).fill(GUARD));
        expect([...buffer.subarray(AT + bytes)]).toEqual([GUARD, GUARD, GUARD]);
      }),
    );
  });

  it('is read from any bytes, also from such as look negative', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: bytes, maxLength: bytes }), (raw) => {
        const value = get(raw, 0);
        expect(value).toBe(Buffer.from(raw).readUIntBE(0, bytes));
        expect([...written(value).subarray(AT, AT + bytes)]).toEqual([...raw]);
      }),
    );
    expect(get(new Uint8Array(bytes).fill(0xff), 0)).toBe(2 ** bits - 1);
  });

  it('is in the order of its bytes', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        expect(Math.sign(Buffer.compare(written(a), written(b)))).toBe(Math.sign(a - b));
      }),
    );
  });
});

it('48 bits have room for every millisecond until the year 10889', () => {
  const buffer = Buffer.alloc(6);
  const late = new Date('+010888-12-31T23:59:59.999Z').getTime();
  putU48(buffer, 0, late);
  expect(getU48(buffer, 0)).toBe(late);
});
