// The lie: "every stored value carries a checksum verified on every read". Every bit of rows and of their keys is flipped,
// rows are cut, swapped and read under other keys.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRow, sealRow } from './row.ts';

const SEAL_BYTES = 4;
const key = Buffer.from('Norder/42');
const body = Buffer.from('the body of the row');

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3]! ^= 1 << (bit & 7);
  return copy;
}

describe('a row', () => {
  it('gives its body again, whatever it is', () => {
    const bytes = fc.uint8Array({ maxLength: 1000 });
    fc.assert(
      fc.property(bytes, bytes, (anyKey, anyBody) => {
        const row = sealRow(anyKey, anyBody);
        expect(row).toHaveLength(SEAL_BYTES + anyBody.length);
        expect(Buffer.from(openRow(anyKey, row)!).equals(anyBody)).toBe(true);
      }),
    );
  });

  it('of nothing is not the same as no row', () => {
    expect(openRow(key, sealRow(key, new Uint8Array(0)))).toHaveLength(0);
    expect(openRow(key, new Uint8Array(0))).toBeUndefined();
  });

  it('is a copy: what becomes of the body later does not matter', () => {
    const changing = Buffer.from(body);
    const row = sealRow(key, changing);
    changing.fill(0);
    expect(Buffer.from(openRow(key, row)!).equals(body)).toBe(true);
  });

  it('is not opened when any bit of it is flipped', () => {
    const row = sealRow(key, body);
    for (let bit = 0; bit < row.length * 8; bit++) expect(openRow(key, flipped(row, bit))).toBeUndefined();
  });

  it('is not opened when any bit of its key is flipped', () => {
    const row = sealRow(key, body);
    for (let bit = 0; bit < key.length * 8; bit++) expect(openRow(flipped(key, bit), row)).toBeUndefined();
  });

  it('is not opened when it was cut or has grown', () => {
    const row = sealRow(key, body);
    for (let length = 0; length < row.length; length++) {
      expect(openRow(key, row.subarray(0, length))).toBeUndefined();
    }
    expect(openRow(key, Buffer.concat([row, Buffer.alloc(1)]))).toBeUndefined();
    expect(openRow(key, row.subarray(1))).toBeUndefined();
  });

  it('without a seal is not opened, even where nothing is what the seal of nothing looks like', () => {
    for (let length = 0; length < SEAL_BYTES; length++) {
      expect(openRow(new Uint8Array(0), new Uint8Array(length))).toBeUndefined();
    }
  });

  it('of zeros is not taken for an empty one', () => {
    expect(openRow(key, new Uint8Array(SEAL_BYTES))).toBeUndefined();
    expect(openRow(key, new Uint8Array(100))).toBeUndefined();
  });

  it('is not opened under the key of another', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (one, other, anyBody) => {
        fc.pre(!Buffer.from(one).equals(other));
        expect(openRow(other, sealRow(one, anyBody))).toBeUndefined();
      }),
    );
  });

  it('does not take the end of a key for the beginning of a body', () => {
    expect(openRow(Buffer.from('Ka'), sealRow(Buffer.from('K'), Buffer.from('ab')))).toBeUndefined();
    expect(openRow(Buffer.from('K'), sealRow(Buffer.from('Ka'), Buffer.from('b')))).toBeUndefined();
  });
});
