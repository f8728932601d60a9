/**
 * Big-endian integers of the sizes the formats use. 48 bits hold every count this program will ever reach and every
 * millisecond until the year 10889, and stay exact in a JavaScript number.
 */

const TWO_32 = 0x1_0000_0000;

export const MAX_U48: number = 2 ** 48 - 1;

/** Writes a 48-bit unsigned integer. */
export function putU48(bytes: Uint8Array, offset: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  bytes[offset] = high >>> 8;
  bytes[offset + 1] = high;
  bytes[offset + 2] = value >>> 24;
  bytes[offset + 3] = value >>> 16;
  bytes[offset + 4] = value >>> 8;
  bytes[offset + 5] = value;
}

/** Reads a 48-bit unsigned integer. The caller has checked the bounds. */
export function getU48(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 8) | bytes[offset + 1]!) * TWO_32 +
    (((bytes[offset + 2]! << 24) |
      (bytes[offset + 3]! << 16) |
      (bytes[offset + 4]! << 8) |
      bytes[offset + 5]!) >>>
      0)
  );
}

/** Writes a 32-bit unsigned integer. */
export function putU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Reads a 32-bit unsigned integer. The caller has checked the bounds. */
export function getU32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}

/** A view of the same bytes with Node's methods. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
