// The lie: "reading a history verifies it". Frames under a journal are lost, swapped, flipped and forged with sound
// checksums; what is read must be the history as it was written, or the refusal at the record that is wrong.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEADER_BYTES, hashOf, LINK_BYTES } from './frame.ts';
import { BrokenJournal, JournalReader } from './journal.ts';
import type { JournalRecord, Position } from './journal.ts';
import { frameKey } from './keys.ts';
import { Ledger } from './ledger.ts';
import type { Chain } from './ledger.ts';
import { memory } from './memory.ts';
import type { Store } from './store.ts';

/** A reader keeps this many frames in memory. */
const CACHED_FRAMES = 256;
const [ALICE, BOB] = [1, 2] as const;

const positionOf = ({ seq, frame, offset }: Chain): Position => ({
  seq,
  frame: frame!.number,
  offset,
  link: frame!.hash?.slice(0, LINK_BYTES),
});
const eventOf = ({ bytes, eventStart, eventEnd }: JournalRecord): string =>
  bytes.toString('utf8', eventStart, eventEnd);

/** A ledger, the chains of the actors in it, and what was written for each. */
class Written {
  readonly store: Store = memory();
  readonly chains = new Map<number, Chain>();
  readonly events = new Map<number, string[]>();
  ledger!: Ledger;
  /** How often each frame was asked for, and what is given instead of it. */
  readonly reads: number[] = [];
  readonly instead = new Map<number, Buffer | undefined>();

  static async open(): Promise<Written> {
    const written = new Written();
    written.ledger = await Ledger.open(written.store, 0);
    const { store } = written;
    const get = store.get.bind(store);
    store.get = (key) => {
      const frame = key[0] === frameKey(0)[0] ? Buffer.from(key).readUIntBE(1, 6) : 0;
      if (frame > 0) written.reads.push(frame);
      return written.instead.has(frame) ? written.instead.get(frame) : get(key);
    };
    return written;
  }

  record(actor: number, event: string): void {
    const chain = this.chains.get(actor) ?? { seq: 0, frame: undefined, offset: 0 };
    this.chains.set(actor, chain);
    this.events.set(actor, [...(this.events.get(actor) ?? []), event]);
    this.ledger.record(actor, chain, 0, 1, Buffer.from(event), undefined);
  }

  async commit(): Promise<void> {
    this.ledger.closeFrames();
    await this.ledger.write(this.ledger.seal());
  }

  frame(number: number): Buffer {
    return Buffer.from(this.ledger.frameBytes(number)!);
  }

  walk(actor: number, changes: Partial<Position> = {}, downTo = 0): Generator<JournalRecord> {
    const newest = { ...positionOf(this.chains.get(actor)!), ...changes };
    return new JournalReader(this.ledger).walk(actor, newest, downTo);
  }

  read(actor: number, changes: Partial<Position> = {}, downTo = 0): string[] {
    return [...this.walk(actor, changes, downTo)].map(eventOf);
  }
}

/** What a walk is refused with; whatever it gives before that fails the test. */
function refusal(written: Written, actor: number, changes: Partial<Position> = {}): BrokenJournal {
  let given = 0;
  try {
    for (const _ of written.walk(actor, changes)) given++;
  } catch (error) {
    expect(error).toBeInstanceOf(BrokenJournal);
    expect(given).toBe(0);
    return error as BrokenJournal;
  }
  throw new Error('it was read to the end');
}

/** Alice writes into frames 1, 2 and, twice, 3; Bob into 1 and 3. */
async function twoJournals(): Promise<Written> {
  const written = await Written.open();
  written.record(ALICE, 'a1');
  written.record(BOB, 'b1');
  await written.commit();
  written.record(ALICE, 'a2');
  await written.commit();
  written.record(BOB, 'b2');
  written.record(ALICE, 'a3');
  written.ledger.note(ALICE, 0, Buffer.from('about a3'));
  written.record(ALICE, 'a4');
  await written.commit();
  return written;
}

/** Changes a frame and makes the checksum of the entry sound again, as somebody would who knows how. */
function forged(frame: Buffer, offset: number, change: (entry: Buffer) => void): Buffer {
  const entry = frame.subarray(offset, offset + frame.readUInt32BE(offset + 4));
  change(entry);
  entry.writeUInt32BE(crc32(entry.subarray(4)));
  return frame;
}

describe('a journal', () => {
  it('is read oldest first, with where every record stands', async () => {
    const written = await twoJournals();
    const records = [...written.walk(ALICE)];
    expect(records.map(eventOf)).toEqual(['a1', 'a2', 'a3', 'a4']);
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(records.map(({ frame }) => frame.number)).toEqual([1, 2, 3, 3]);
    expect(records.every(({ actor }) => actor === ALICE)).toBe(true);
    for (const { frame } of records) {
      if (frame.hash !== undefined) expect(frame.hash).toBe(hashOf(written.frame(frame.number)));
    }
    expect(written.read(BOB)).toEqual(['b1', 'b2']);
  });

  it('is read down to where the reader has it already', async () => {
    const written = await twoJournals();
    for (let downTo = 0; downTo <= 4; downTo++) {
      expect(written.read(ALICE, {}, downTo)).toEqual(['a1', 'a2', 'a3', 'a4'].slice(downTo));
    }
  });

  it('does not need what lies below that', async () => {
    const written = await twoJournals();
    written.instead.set(1, undefined);
    expect(written.read(ALICE, {}, 1)).toEqual(['a2', 'a3', 'a4']);
    expect(refusal(written, ALICE).frame).toBe(1);
  });

  it('is what was written, in any order, by anybody, in frames of any size, durable or not', async () => {
    const steps = fc.array(
      fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(1, 5, 9000), fc.constantFrom('on', 'on', 'commit')),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.nat({ max: 40 }), async (records, downTo) => {
        const written = await Written.open();
        const reader = new JournalReader(written.ledger);
        for (const [i, [actor, size, then]] of records.entries()) {
          written.record(actor, `${i} `.repeat(size));
          if (then === 'commit') await written.commit();
          const newest = positionOf(written.chains.get(actor)!);
          const told = [...reader.walk(actor, newest, downTo)].map(eventOf);
          expect(told).toEqual(written.events.get(actor)!.slice(downTo));
        }
        await written.commit();
        await written.store.close();
        const again = await Ledger.open(written.store, 0);
        const later = new JournalReader(again);
        for (const [actor, chain] of written.chains) {
          const told = [...later.walk(actor, positionOf(chain), 0)].map(eventOf);
          expect(told).toEqual(written.events.get(actor));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is read while its newest records are on their way', async () => {
    const written = await twoJournals();
    written.record(ALICE, 'a5');
    written.ledger.closeFrames();
    const writing = written.ledger.write(written.ledger.seal());
    written.record(ALICE, 'a6');
    expect(written.read(ALICE)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
    await writing;
    expect(written.read(ALICE)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
  });

  it('of more frames than a reader keeps', async () => {
    const written = await Written.open();
    for (let i = 1; i <= CACHED_FRAMES + 50; i++) {
      written.record(ALICE, `a${i}`);
      await written.commit();
    }
    expect(written.read(ALICE)).toEqual(written.events.get(ALICE));
  });
});

describe('a reader', () => {
  it('reads a frame once for all journals in it', async () => {
    const written = await twoJournals();
    const reader = new JournalReader(written.ledger);
    for (const actor of [ALICE, BOB, ALICE]) {
      expect([...reader.walk(actor, positionOf(written.chains.get(actor)!), 0)].length).toBeGreaterThan(1);
    }
    expect(written.reads.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  it('does not keep a frame that is being filled', async () => {
    const written = await Written.open();
    const reader = new JournalReader(written.ledger);
    for (let i = 1; i <= 5; i++) {
      written.record(ALICE, `a${i}`);
      const told = [...reader.walk(ALICE, positionOf(written.chains.get(ALICE)!), 0)];
      expect(told.map(eventOf)).toEqual(written.events.get(ALICE));
    }
  });
});

describe('a journal is refused, before any of it is given', () => {
  it('because a frame is missing', async () => {
    const written = await twoJournals();
    written.instead.set(2, undefined);
    expect(refusal(written, ALICE)).toMatchObject({ seq: 2, frame: 2, reason: 'the frame is missing' });
    expect(written.read(BOB)).toEqual(['b1', 'b2']);
  });

  it('because another frame stands in its place', async () => {
    const written = await twoJournals();
    written.instead.set(2, written.frame(1));
    expect(refusal(written, ALICE)).toMatchObject({
      seq: 2,
      frame: 2,
      reason: expect.stringMatching(/another frame/),
    });
  });

  it('because a frame was cut', async () => {
    const written = await twoJournals();
    const whole = written.frame(1);
    for (let length = 0; length < whole.length; length += 5) {
      written.instead.set(1, whole.subarray(0, length));
      expect(refusal(written, ALICE)).toMatchObject({
        seq: 1,
        frame: 1,
        reason: expect.stringMatching(/cut off|wrong length/),
      });
    }
  });

  it('because any bit of its own is flipped, or of the header of a frame; those of others do not matter', async () => {
    const written = await twoJournals();
    const told = written.read(ALICE);
    let others = 0;
    for (const number of [1, 2]) {
      const whole = written.frame(number);
      const theirs = [...written.walk(BOB)].find(({ frame }) => frame.number === number);
      for (let at = 0; at < whole.length; at++) {
        const copy = Buffer.from(whole);
        copy[at]! ^= 1 << (at % 8);
        written.instead.set(number, copy);
        if (theirs === undefined || at < theirs.offset || at >= theirs.end) {
          expect(refusal(written, ALICE).frame).toBe(number);
        } else {
          expect(written.read(ALICE)).toEqual(told);
          others++;
        }
      }
      written.instead.delete(number);
    }
    expect(others).toBeGreaterThan(60);
  });

  it('because a bit of its own newest records is flipped; those of others do not matter there', async () => {
    const written = await twoJournals();
    const whole = written.frame(3);
    const mine = [...written.walk(ALICE)].slice(2);
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      const copy = Buffer.from(whole);
      copy[at]! ^= 1 << (at % 8);
      written.instead.set(3, copy);
      const isMine = at < FRAME_HEADER_BYTES || mine.some(({ offset, end }) => at >= offset && at < end);
      if (isMine) {
        expect(refusal(written, ALICE, { link: undefined })).toMatchObject({
          frame: 3,
          reason: expect.stringMatching(/./),
        });
        refused++;
      } else expect(written.read(ALICE, { link: undefined })).toEqual(['a1', 'a2', 'a3', 'a4']);
      // Who knows how the frame must hash notices everything.
      expect(refusal(written, ALICE).reason).toMatch(
        /not the one that its successor links to|checksum of the frame/,
      );
    }
    expect(refused).toBe(mine.reduce((sum, { offset, end }) => sum + end - offset, FRAME_HEADER_BYTES));
  });

  it('because a record was rewritten, with a sound checksum: its successor knows better', async () => {
    const written = await twoJournals();
    const frame = written.frame(1);
    written.instead.set(
      1,
      forged(frame, FRAME_HEADER_BYTES, (entry) => entry.write('A', entry.length - 2)),
    );
    expect(refusal(written, ALICE)).toMatchObject({
      seq: 1,
      frame: 1,
      reason: expect.stringMatching(/successor links to/),
    });
    expect(refusal(written, BOB)).toMatchObject({ seq: 1, frame: 1 });
  });

  it('because another entry stands in the place of a record: of somebody else, a note, one with another number', async () => {
    const written = await twoJournals();
    const [b2] = [...written.walk(BOB)].slice(1);
    const [a3, a4] = [...written.walk(ALICE)].slice(2);
    const places = [
      [b2!.offset, 2],
      [a3!.end, 4],
      [a3!.offset, 4],
      [a4!.offset, 3],
    ] as const;
    for (const [offset, seq] of places) {
      expect(refusal(written, ALICE, { offset, seq })).toMatchObject({
        seq,
        frame: 3,
        reason: 'another entry stands in its place',
      });
    }
    expect(refusal(written, ALICE, { offset: a4!.offset + 1 }).reason).toMatch(/^the (entry|checksum)/);
    expect(refusal(written, ALICE, { offset: 2 ** 31 }).reason).toMatch(/outside of its frame/);
  });

  it('because a later record claims to be the first', async () => {
    const written = await twoJournals();
    const [, , a3] = [...written.walk(ALICE)];
    const frame = forged(written.frame(3), a3!.offset, (entry) => entry.fill(0, 28, 54));
    written.instead.set(3, frame);
    expect(refusal(written, ALICE, { link: undefined })).toMatchObject({
      seq: 3,
      reason: expect.stringMatching(/claims to be the first/),
    });
  });

  it('because a record does not link to the one before it in another frame', async () => {
    const written = await twoJournals();
    const [, , a3] = [...written.walk(ALICE)];
    const frame = forged(written.frame(3), a3!.offset, (entry) => entry.fill(0, 38, 54));
    written.instead.set(3, frame);
    expect(refusal(written, ALICE, { link: undefined })).toMatchObject({
      seq: 3,
      reason: expect.stringMatching(/does not link/),
    });
  });

  it('because a record points at itself, or at one that is not before it', async () => {
    const written = await twoJournals();
    const [, , a3, a4] = [...written.walk(ALICE)];
    for (const target of [a3!, a4!]) {
      const frame = forged(written.frame(3), a4!.offset, (entry) => {
        entry.writeUIntBE(3, 28, 6);
        entry.writeUInt32BE(target.offset, 34);
      });
      written.instead.set(3, frame);
      if (target === a3) expect(written.read(ALICE, { link: undefined })).toHaveLength(4);
      else expect(refusal(written, ALICE, { link: undefined }).reason).toMatch(/another entry/);
    }
  });

  // Its frames are more than the reader keeps.
  it('because it is damaged when it is read again, after it was proven', async () => {
    const written = await Written.open();
    for (let i = 1; i <= CACHED_FRAMES + 10; i++) {
      written.record(ALICE, `a${i}`);
      await written.commit();
    }
    const walk = written.walk(ALICE);
    expect(eventOf(walk.next().value as JournalRecord)).toBe('a1');
    const late = CACHED_FRAMES + 5;
    const damaged = written.frame(late);
    damaged[damaged.length - 1]! ^= 1;
    written.instead.set(late, damaged);
    expect(() => [...walk]).toThrow(BrokenJournal);
  });
});
