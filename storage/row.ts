/**
 * A row: any stored value but a frame. It is sealed with a CRC-32 over its key and its body, so that a flipped bit in
 * either is noticed on every read, and so is a body that stands under the wrong key.
 */
import { getU32, putU32 } from './binary.ts';
import { crc32 } from './checksum.ts';

const SEAL_BYTES = 4;

/** The bytes to store for `body` under `key`. */
export function sealRow(key: Uint8Array, body: Uint8Array): Uint8Array {
  const row = Buffer.allocUnsafe(SEAL_BYTES + body.length);
  row.set(body, SEAL_BYTES);
  putU32(row, 0, crc32(row, SEAL_BYTES, row.length, crc32(key)));
  return row;
}

/** The body of a stored row, or undefined when the row is damaged. */
export function openRow(key: Uint8Array, row: Uint8Array): Uint8Array | undefined {
  if (row.length < SEAL_BYTES) return undefined;
  return crc32(row, SEAL_BYTES, row.length, crc32(key)) === getU32(row, 0)
    ? row.subarray(SEAL_BYTES)
    : undefined;
}
