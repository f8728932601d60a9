// The lie: "both ways of summing give the same number". Every length around the border between them, every alignment,
// every cut into two sums, all against zlib.
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from './checksum.ts';

/** The border is below this. */
const LONG_BYTES = 1024;

/** Bytes with all values in no order that a table could like. */
const bytes = Uint8Array.from({ length: LONG_BYTES + 16 }, (_, i) => (i * 167 + (i >>> 3) * 29) & 255);

describe('the checksum', () => {
  it('is the CRC-32 that the rest of the world means', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(crc32(Buffer.from('The quick brown fox jumps over the lazy dog'))).toBe(0x414fa339);
    expect(crc32(new Uint8Array(0))).toBe(0);
    expect(crc32(new Uint8Array(32))).toBe(0x190a55ad);
    expect(crc32(new Uint8Array(32).fill(255))).toBe(0xff6cab0b);
  });

  it('is the same as that of zlib for every length, from every start', () => {
    const wrong: unknown[] = [];
    for (let start = 0; start < 9; start++) {
      for (let length = 0; length <= LONG_BYTES; length++) {
        const end = start + length;
        const sum = crc32(bytes, start, end);
        if (sum !== zlibCrc32(bytes.subarray(start, end))) wrong.push({ start, length, sum });
      }
    }
    expect(wrong).toEqual([]);
  });

  it('goes on from an earlier sum, wherever the bytes are cut', () => {
    const whole = zlibCrc32(bytes);
    const cuts = Array.from({ length: bytes.length + 1 }, (_, cut) => cut);
    const sums = cuts.map((cut) => crc32(bytes, cut, bytes.length, crc32(bytes, 0, cut)));
    expect(new Set(sums)).toEqual(new Set([whole]));
  });

  it('of any bytes, any part of them, any seed', () => {
    const part = fc.tuple(fc.uint8Array({ maxLength: 600 }), fc.nat(), fc.nat(), fc.nat({ max: 0xffffffff }));
    fc.assert(
      fc.property(part, ([data, a, b, seed]) => {
        const [start, end] = [a % (data.length + 1), b % (data.length + 1)].sort((x, y) => x - y);
        // Of nothing at all zlib forgets the seed.
        const expected = start === end ? seed : zlibCrc32(data.subarray(start, end), seed);
        expect(crc32(data, start, end, seed)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('sees only the part it was given, also in a view of a larger buffer', () => {
    const view = bytes.subarray(5, 105);
    const before = crc32(view, 10, 90);
    const copy = Uint8Array.from(bytes);
    copy.fill(0, 0, 15);
    copy.fill(0, 95);
    expect(crc32(copy.subarray(5, 105), 10, 90)).toBe(before);
  });

  it.each([12, 200, LONG_BYTES])('changes with every single bit of %i bytes', (length) => {
    const data = bytes.slice(0, length);
    const sum = crc32(data);
    const missed: number[] = [];
    for (let bit = 0; bit < length * 8; bit++) {
      data[bit >>> 3]! ^= 1 << (bit & 7);
      if (crc32(data) === sum) missed.push(bit);
      data[bit >>> 3]! ^= 1 << (bit & 7);
    }
    expect(missed).toEqual([]);
    expect(crc32(data)).toBe(sum);
  });
});
