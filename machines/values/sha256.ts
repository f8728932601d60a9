/**
 * SHA-256 (FIPS 180-4) of a text, in hex. Machines are pure and import nothing, and still must say by themselves which content
 * they have: a hash that somebody hands them proves nothing.
 */

const FRACTIONS_BITS = 2 ** 32;
const ROUNDS = 64;
const BLOCK_BYTES = 64;

/** The first 32 bits of the fractional parts of roots of the first primes. */
function fractions(count: number, root: (prime: number) => number): Uint32Array {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++)
    if (isPrime(n)) found.push(Math.floor((root(n) % 1) * FRACTIONS_BITS));
  return Uint32Array.from(found);
}

function isPrime(n: number): boolean {
  for (let by = 2; by * by <= n; by++) if (n % by === 0) return false;
  return true;
}

const START = fractions(8, Math.sqrt);
const CONSTANTS = fractions(ROUNDS, Math.cbrt);

/** Hex, 64 characters. */
export function sha256(text: string): string {
  const message = padded(new TextEncoder().encode(text));
  const hash = Uint32Array.from(START);
  const schedule = new Uint32Array(ROUNDS);
  for (let at = 0; at < message.byteLength; at += BLOCK_BYTES) addBlock(hash, schedule, message, at);
  return Array.from(hash, (word) => word.toString(16).padStart(8, '0')).join('');
}

/** A one, zeros, and the length in bits, up to whole blocks. */
function padded(bytes: Uint8Array): DataView {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
  const message = new Uint8Array(blocks * BLOCK_BYTES);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function addBlock(hash: Uint32Array, w: Uint32Array, message: DataView, at: number): void {
  for (let i = 0; i < 16; i++) w[i] = message.getUint32(at + i * 4);
  for (let i = 16; i < ROUNDS; i++) {
    const [early, late] = [w[i - 15]!, w[i - 2]!];
    const s0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const s1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as Eight;
  for (let i = 0; i < ROUNDS; i++) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[i]! + w[i]!) | 0;
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] = hash[i]! + word));
}

// A typed array of eight words, as TypeScript does not know its length.
type Eight = [number, number, number, number, number, number, number, number];
