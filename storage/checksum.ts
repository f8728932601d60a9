/**
 * CRC-32 (IEEE 802.3, the polynomial of zlib and PNG) over a part of a buffer.
 *
 * Most stored values are shorter than 200 bytes; for those a call into zlib costs more than the sum itself, so short
 * ranges are summed here, eight bytes at a time (slicing-by-8: Kounavis and Berry, "A Systematic Approach to Building
 * High Performance Software-based CRC Generators", 2005), and long ones by zlib. Both give the same number.
 */
import { hash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';

/** Measured on Node 20 and 24: above this, zlib is faster in spite of the call. */
const ZLIB_FROM_BYTES = 384;

const tables = buildTables();

function buildTables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    table[n] = c;
  }
  for (let n = 0; n < 256; n++) {
    let c = table[n]!;
    for (let slice = 1; slice < 8; slice++) {
      c = table[c & 255]! ^ (c >>> 8);
      table[slice * 256 + n] = c;
    }
  }
  return table;
}

/** The CRC-32 of `bytes[start..end)`; `seed` continues an earlier sum. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, seed = 0): number {
  if (end - start >= ZLIB_FROM_BYTES) return zlibCrc32(bytes.subarray(start, end), seed);
  const t = tables;
  let c = ~seed;
  let at = start;
  for (; end - at >= 8; at += 8) {
    const low = c ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    c =
      t[1792 + (low & 255)]! ^
      t[1536 + ((low >>> 8) & 255)]! ^
      t[1280 + ((low >>> 16) & 255)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[at + 4]!]! ^
      t[512 + bytes[at + 5]!]! ^
      t[256 + bytes[at + 6]!]! ^
      t[bytes[at + 7]!]!;
  }
  for (; at < end; at++) c = t[(c ^ bytes[at]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

/** The SHA-256 of a text or of bytes, as hex. */
export const sha256 = (content: string | Uint8Array): string => hash('sha256', content, 'hex');
