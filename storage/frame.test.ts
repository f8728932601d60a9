// The lie: "damage hits one entry and not its neighbours". Frames are laid out by hand as the format says, and then every
// bit of them is flipped, they are cut, and entries with sound checksums tell nonsense.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ENTRY_HEADER_BYTES,
  entriesOf,
  entryLengthAt,
  EntryKind,
  FRAME_HEADER_BYTES,
  LINK_BYTES,
  NO_HASH,
  NO_LINK,
  readEntry,
  readFrameHeader,
  RECORD_HEADER_BYTES,
  writeFrameHeader,
} from './frame.ts';
import type { DamagedEntry, FrameHeader, StoredEntry } from './frame.ts';

interface Planned {
  readonly actor: number;
  readonly body: Buffer;
  readonly kind: number;
  readonly flags: number;
}

// ---- the layout, written a second time from its description -------------------------------------------------------

function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function entryBytes({ actor, body, kind, flags }: Planned): Buffer {
  const header = Buffer.alloc(ENTRY_HEADER_BYTES);
  header.writeUInt32BE(ENTRY_HEADER_BYTES + body.length, 4);
  header[8] = kind;
  header[9] = flags;
  header.writeUIntBE(actor, 10, 6);
  return sealed(Buffer.concat([header, body]));
}

interface RecordFields {
  readonly seq: number;
  readonly at: number;
  readonly previousFrame: number;
  readonly previousOffset: number;
  readonly link: string;
  readonly life: number;
  readonly event: Uint8Array;
  readonly trailer: Uint8Array | undefined;
}

function record(actor: number, fields: Partial<RecordFields> = {}): Planned {
  const { seq = 1, at = 0, previousFrame = 0, previousOffset = 0, link = NO_LINK, life = 1 } = fields;
  const { event = Buffer.from('event'), trailer = new Uint8Array(0) } = fields;
  const header = Buffer.alloc(RECORD_HEADER_BYTES - ENTRY_HEADER_BYTES);
  header.writeUIntBE(seq, 0, 6);
  header.writeUIntBE(at, 6, 6);
  header.writeUIntBE(previousFrame, 12, 6);
  header.writeUInt32BE(previousOffset, 18);
  header.write(link, 22, 'latin1');
  header.writeUInt32BE(life, 38);
  header.writeUInt32BE(event.length, 42);
  return { actor, kind: EntryKind.Record, flags: 0, body: Buffer.concat([header, event, trailer]) };
}

function note(actor: number, payload: Uint8Array, flags = 0): Planned {
  return { actor, kind: EntryKind.Note, flags, body: Buffer.from(payload) };
}

function frameOf(entries: readonly Buffer[], header: Partial<FrameHeader> = {}): Buffer {
  // Over what a buffer that is used again would hold.
  const bytes = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES, 0xa5), ...entries]);
  writeFrameHeader(bytes, bytes.length, {
    frame: 1,
    commit: 1,
    lastOfCommit: true,
    entries: entries.length,
    nextActor: 1,
    previousHash: NO_HASH,
    epoch: 0,
    ...header,
  });
  return bytes;
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** All that an entry says. */
function told(entry: StoredEntry | DamagedEntry): object {
  if ('damage' in entry || entry.kind === EntryKind.Note) return { ...entry };
  const { kind, actor, offset, seq, at, previousFrame, previousOffset, link, life, trailer } = entry;
  const event = entry.bytes.subarray(entry.eventStart, entry.eventEnd);
  return { kind, actor, offset, seq, at, previousFrame, previousOffset, link, life, event, trailer };
}

const isSound = (entry: StoredEntry | DamagedEntry): entry is StoredEntry => !('damage' in entry);

const u48 = fc.nat({ max: 2 ** 48 - 1 });
const u32 = fc.nat({ max: 2 ** 32 - 1 });
const latin = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Buffer.from(bytes).toString('latin1'));
const records: fc.Arbitrary<RecordFields> = fc.record({
  seq: u48,
  at: u48,
  previousFrame: u48,
  previousOffset: u32,
  link: latin(LINK_BYTES),
  life: u32,
  event: fc.uint8Array({ maxLength: 60 }),
  trailer: fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined }),
});
const entries = fc.array(
  fc.oneof(
    fc.tuple(u48, records).map(([actor, fields]) => record(actor, fields)),
    fc.tuple(u48, fc.uint8Array({ maxLength: 60 }), fc.nat(255)).map((parts) => note(...parts)),
  ),
  { minLength: 1, maxLength: 6 },
);

describe('the header of a frame', () => {
  const headers: fc.Arbitrary<FrameHeader> = fc.record({
    frame: u48,
    commit: u48,
    lastOfCommit: fc.boolean(),
    entries: u32,
    nextActor: u48,
    previousHash: latin(32),
    epoch: u32,
  });

  it('comes back as it was written, over whatever stood there before', () => {
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 10 }), (header, body) => {
        const bytes = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES, 0xa5), body]);
        writeFrameHeader(bytes, bytes.length, header);
        expect(readFrameHeader(bytes)).toEqual(header);
        expect([...bytes.subarray(FRAME_HEADER_BYTES)]).toEqual([...body]);
      }),
    );
  });

  it('is on disk: not one byte of it may ever change', () => {
    const bytes = frameOf([Buffer.from('body')], {
      frame: 0x010203040506,
      commit: 0x0708090a0b0c,
      entries: 0x0d0e0f10,
      nextActor: 0x111213141516,
      previousHash: '\xfe'.repeat(32),
      epoch: 0x1718191a,
    });
    const rest = `01010102030405060708090a0b0c0d0e0f1000000004111213141516${'fe'.repeat(32)}1718191a00000000`;
    expect(bytes.toString('hex', 4, FRAME_HEADER_BYTES)).toBe(rest);
    expect(bytes.readUInt32BE(0)).toBe(crc32(Buffer.from(rest, 'hex')));
  });

  it('is not believed when any bit of it is flipped', () => {
    const bytes = frameOf([entryBytes(record(1))]);
    for (let bit = 0; bit < FRAME_HEADER_BYTES * 8; bit++) {
      expect(readFrameHeader(flipped(bytes, bit))).toEqual({ damage: 'the checksum of the frame is wrong' });
    }
  });

  it('is not believed when the frame was cut or has grown', () => {
    const bytes = frameOf([entryBytes(record(1))]);
    for (let length = 0; length < bytes.length; length++) {
      const damage = length < FRAME_HEADER_BYTES ? /cut off/ : /wrong length/;
      expect(readFrameHeader(bytes.subarray(0, length))).toEqual({ damage: expect.stringMatching(damage) });
    }
    expect(readFrameHeader(Buffer.concat([bytes, Buffer.alloc(1)]))).toHaveProperty('damage');
    expect(readFrameHeader(bytes)).not.toHaveProperty('damage');
  });

  it('of a format to come is refused by its number', () => {
    const bytes = frameOf([]);
    bytes[4] = 2;
    bytes.writeUInt32BE(crc32(bytes.subarray(4, FRAME_HEADER_BYTES)), 0);
    expect(readFrameHeader(bytes)).toEqual({ damage: 'the frame has format 2, this release knows 1' });
  });
});

describe('the entries of a frame', () => {
  it('come back as they were laid out, in order', () => {
    fc.assert(
      fc.property(
        u48,
        records,
        u48,
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(255),
        (a, fields, b, payload, flags) => {
          const parts = [entryBytes(record(a, fields)), entryBytes(note(b, payload, flags))];
          const bytes = frameOf(parts);
          const [first, second, ...others] = [...entriesOf(bytes)] as StoredEntry[];
          expect(told(first!)).toEqual({
            ...fields,
            kind: EntryKind.Record,
            actor: a,
            offset: FRAME_HEADER_BYTES,
            event: Buffer.from(fields.event),
            trailer: fields.trailer && Buffer.from(fields.trailer),
          });
          const offset = FRAME_HEADER_BYTES + parts[0]!.length;
          expect(second).toEqual({
            kind: EntryKind.Note,
            actor: b,
            offset,
            flags,
            payload: Buffer.from(payload),
          });
          expect(others).toEqual([]);
          expect(readEntry(bytes, offset)).toEqual(second);
          expect(told(readEntry(bytes, FRAME_HEADER_BYTES))).toEqual(told(first!));
          expect(entryLengthAt(bytes, offset)).toBe(parts[1]!.length);
        },
      ),
    );
  });

  it('are views into it: nothing is copied', () => {
    const bytes = frameOf([
      entryBytes(record(1, { event: Buffer.from('abc'), trailer: Buffer.from('xyz') })),
    ]);
    const entry = told([...entriesOf(bytes)][0]!);
    bytes.write('ABCXYZ', bytes.length - 6);
    expect(entry).toMatchObject({ event: Buffer.from('ABC'), trailer: Buffer.from('XYZ') });
  });

  it('of an empty frame are none', () => {
    expect([...entriesOf(frameOf([]))]).toEqual([]);
  });

  it('whose bit is flipped are damaged, each alone: its neighbours are still read', () => {
    const planned = [
      record(1, { event: Buffer.from('one') }),
      note(2, Buffer.from('two')),
      record(3, { event: Buffer.from('three'), trailer: Buffer.from('t') }),
      note(4, Buffer.alloc(0)),
    ];
    const parts = planned.map(entryBytes);
    const bytes = frameOf(parts);
    const sound = [...entriesOf(bytes)] as StoredEntry[];
    expect(sound.map(({ actor }) => actor)).toEqual([1, 2, 3, 4]);
    for (let bit = FRAME_HEADER_BYTES * 8; bit < bytes.length * 8; bit++) {
      const hit = sound.findLast(({ offset }) => offset <= bit >>> 3)!;
      const found = [...entriesOf(flipped(bytes, bit))];
      expect(found.filter(isSound).map(told)).toEqual(sound.filter((entry) => entry !== hit).map(told));
      const damaged = found.filter((entry) => !isSound(entry)) as DamagedEntry[];
      expect(damaged.map(({ offset }) => offset)).toEqual([hit.offset]);
      // Whose it was is only known where that is not what was hit.
      const inActor = (bit >>> 3) - hit.offset >= 10 && (bit >>> 3) - hit.offset < 16;
      expect(damaged[0]!.actor === hit.actor).toBe(!inActor);
    }
  });

  it('survive any damage to others', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 30 }), (planned, at, noise) => {
        const bytes = frameOf(planned.map(entryBytes));
        const sound = [...entriesOf(bytes)] as StoredEntry[];
        expect(sound).toHaveLength(planned.length);
        const start = FRAME_HEADER_BYTES + (at % (bytes.length - FRAME_HEADER_BYTES));
        const end = Math.min(start + noise.length, bytes.length);
        const damaged = Buffer.from(bytes);
        for (let i = start; i < end; i++) damaged[i]! ^= noise[i - start]! | 1;
        const untouched = sound.filter(({ offset }, i) => {
          return (sound[i + 1]?.offset ?? bytes.length) <= start || offset >= end;
        });
        const found = [...entriesOf(damaged)];
        expect(found.filter(isSound).map(told)).toEqual(untouched.map(told));
        expect(found.some((entry) => !isSound(entry))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('that were cut off are damaged, and those before them are read', () => {
    const bytes = frameOf([entryBytes(record(1)), entryBytes(note(2, Buffer.from('two')))]);
    const second = FRAME_HEADER_BYTES + entryLengthAt(bytes, FRAME_HEADER_BYTES);
    for (let length = second + 1; length < bytes.length; length++) {
      const found = [...entriesOf(bytes.subarray(0, length))];
      expect(found.map(isSound)).toEqual([true, false]);
      const actor = length >= second + ENTRY_HEADER_BYTES ? 2 : undefined;
      expect(found[1]).toMatchObject({ offset: second, actor });
    }
  });

  it('in noise are never found, and looking for them ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (noise) => {
        const found = [...entriesOf(Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), noise]))];
        expect(found.filter(isSound)).toEqual([]);
        expect(found).toHaveLength(1);
      }),
    );
  });

  it.each([0, 1, ENTRY_HEADER_BYTES - 1, 10_000, 2 ** 31, 2 ** 32 - 1])(
    'cannot be %i bytes long',
    (length) => {
      const bytes = frameOf([entryBytes(note(7, Buffer.alloc(20)))]);
      bytes.writeUInt32BE(length, FRAME_HEADER_BYTES + 4);
      expect(readEntry(bytes, FRAME_HEADER_BYTES)).toEqual({
        damage: 'the entry has an impossible length',
        offset: FRAME_HEADER_BYTES,
        actor: 7,
      });
    },
  );

  it('outside of the frame are damaged', () => {
    const bytes = frameOf([entryBytes(record(1))]);
    for (const offset of [bytes.length - 1, bytes.length, bytes.length + 1000, 2 ** 32 - 1]) {
      expect(readEntry(bytes, offset)).toEqual({
        damage: 'the entry lies outside of its frame',
        offset,
        actor: undefined,
      });
    }
  });

  it('of a kind to come, with a sound checksum, are not guessed at', () => {
    const bytes = frameOf([entryBytes({ ...note(7, Buffer.from('x')), kind: 3 }), entryBytes(record(8))]);
    const [unknown, next] = [...entriesOf(bytes)];
    expect(unknown).toMatchObject({ damage: 'the entry is of an unknown kind (3)', actor: 7 });
    expect(next).toMatchObject({ kind: EntryKind.Record, actor: 8 });
  });

  it('with a sound checksum whose event would reach beyond them are damaged', () => {
    const tooLong = record(7, { event: Buffer.from('abc') });
    tooLong.body.writeUInt32BE(4, RECORD_HEADER_BYTES - ENTRY_HEADER_BYTES - 4);
    const noHeader: Planned = { actor: 7, kind: EntryKind.Record, flags: 0, body: Buffer.alloc(45) };
    for (const planned of [tooLong, noHeader]) {
      expect(readEntry(frameOf([entryBytes(planned)]), FRAME_HEADER_BYTES)).toMatchObject({
        damage: 'the record is shorter than its event',
      });
    }
    const whole = record(7, { event: Buffer.from('abc') });
    expect(readEntry(frameOf([entryBytes(whole)]), FRAME_HEADER_BYTES)).not.toHaveProperty('damage');
  });

  it('are not found inside of an event, when the entry around it is damaged', () => {
    const forged = entryBytes(note(99, Buffer.from('pay me')));
    const around = entryBytes(record(1, { event: Buffer.concat([Buffer.from('....'), forged]) }));
    const bytes = frameOf([around, entryBytes(record(2))]);
    expect([...entriesOf(bytes)].map(({ actor }) => actor)).toEqual([1, 2]);
    const inLife = (FRAME_HEADER_BYTES + 56) * 8;
    const found = [...entriesOf(flipped(bytes, inLife))].filter(isSound);
    expect(found.map(({ actor }) => actor)).toEqual([2]);
  });
});
