/**
 * LevelDB's files, as far as one must know them without opening the database: which there are, which of them a database consists
 * of (its MANIFEST says so), and whether a log is whole.
 *
 * LevelDB says little about damage: it opens with a hole where its log is broken, and with almost nothing where its MANIFEST is cut
 * off. So the doctor reads these two itself. Tables are not read here. Nothing here writes.
 */

/** What a file in the folder of a database is, by its name. */
export type FileKind = 'table' | 'log' | 'manifest' | 'current';

export function kindOf(name: string): FileKind | undefined {
  if (/^\d+\.(ldb|sst)$/.test(name)) return 'table';
  if (/^\d+\.log$/.test(name)) return 'log';
  if (/^MANIFEST-\d+$/.test(name)) return 'manifest';
  return name === 'CURRENT' ? 'current' : undefined;
}

/** The number in the name of a table, a log or a manifest. */
export const fileNumber = (name: string): number => Number(/\d+/.exec(name)![0]);

/** The manifest that a CURRENT names; undefined when it names none. */
export function manifestNamedBy(current: Uint8Array): string | undefined {
  const name = /^(MANIFEST-\d+)\n$/.exec(Buffer.from(current).toString('latin1'))?.[1];
  return name;
}

// ---- the format of logs, which manifests have too ---------------------------------------------------------------------

const BLOCK_BYTES = 32 << 10;
/** crc u32, length u16, type u8; little-endian. */
const PIECE_HEADER_BYTES = 7;
const Piece = { Full: 1, First: 2, Middle: 3, Last: 4 } as const;

/** What a log holds. */
export interface ReadLog {
  readonly records: readonly Buffer[];
  /** The end of the last whole record. What follows was being written when the process ended. */
  readonly end: number;
  /** Where bytes are not what was written, oldest first. LevelDB skips them without a word. */
  readonly damage: readonly { readonly at: number; readonly reason: string }[];
}

/** Reads a log, and goes on behind what is damaged with the next block, as LevelDB does. */
export function readLog(bytes: Buffer): ReadLog {
  const records: Buffer[] = [];
  const damage: { at: number; reason: string }[] = [];
  let pieces: Buffer[] = [];
  let end = 0;
  let at = 0;
  const skip = (reason: string): void => {
    damage.push({ at, reason });
    pieces = [];
    at = (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES;
  };
  while (at + PIECE_HEADER_BYTES <= bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < PIECE_HEADER_BYTES) {
      at += left;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6]!;
    const next = at + PIECE_HEADER_BYTES + length;
    if (PIECE_HEADER_BYTES + length > left) skip('a record is longer than its block');
    // Cut off: the process ended while it wrote.
    else if (next > bytes.length) break;
    else if (type < Piece.Full || type > Piece.Last) skip(`a record is of the unknown kind ${type}`);
    else if (masked(crc32c(bytes, at + 6, next)) !== bytes.readUInt32LE(at)) skip('a checksum is wrong');
    else if (type === Piece.Full || type === Piece.First ? pieces.length > 0 : pieces.length === 0) {
      damage.push({ at, reason: 'a part of a record is missing' });
      pieces = [];
      at = type === Piece.Full || type === Piece.First ? at : next;
    } else {
      pieces.push(bytes.subarray(at + PIECE_HEADER_BYTES, next));
      at = next;
      if (type !== Piece.Full && type !== Piece.Last) continue;
      records.push(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
      pieces = [];
      end = at;
    }
  }
  return { records, end, damage };
}

// ---- manifests ----------------------------------------------------------------------------------------------------

/** What a database consists of, besides its manifest and CURRENT. */
export interface Version {
  /** The size of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>;
  /** Logs from this number on are told again at the next opening. It must be there. */
  readonly log: number;
}

const Tag = {
  Comparator: 1,
  Log: 2,
  NextFile: 3,
  LastSequence: 4,
  CompactPointer: 5,
  DeletedFile: 6,
  NewFile: 7,
  PreviousLog: 9,
} as const;

/** The version that the edits in a manifest lead to. @throws RangeError when they make no sense */
export function versionOf(edits: readonly Buffer[]): Version {
  const tables = new Map<number, number>();
  let log = 0;
  for (const edit of edits) {
    const fields = new Fields(edit);
    while (!fields.isAtEnd) {
      const tag = fields.number();
      switch (tag) {
        case Tag.Comparator:
          fields.skipText();
          break;
        case Tag.Log:
          log = fields.number();
          break;
        case Tag.NextFile:
        case Tag.LastSequence:
        case Tag.PreviousLog:
          fields.number();
          break;
        case Tag.CompactPointer:
          fields.number();
          fields.skipText();
          break;
        case Tag.DeletedFile:
          fields.number();
          tables.delete(fields.number());
          break;
        case Tag.NewFile:
          fields.number();
          tables.set(fields.number(), fields.number());
          fields.skipText();
          fields.skipText();
          break;
        default:
          throw new RangeError(`an edit has the unknown field ${tag}`);
      }
    }
  }
  return { tables, log };
}

/** The fields of an edit, one after the other. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('an edit is cut off');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  skipText(): void {
    const length = this.number();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('an edit is cut off');
  }
}

// ---- CRC-32C, of which LevelDB stores a masked form -------------------------------------------------------------------

const TABLE = new Int32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  TABLE[n] = c;
}

function crc32c(bytes: Buffer, start: number, end: number): number {
  let c = -1;
  for (let at = start; at < end; at++) c = TABLE[(c ^ bytes[at]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
