// The lie: "everything that changes together is durable together, and two commits are never in flight". The ledger is
// watched from below, its store is damaged, mixed up and made older and newer, and everything is read back.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryAnchor } from './anchor.ts';
import { Codec } from './codec.ts';
import { StoreCorrupt, StoreFormat, StoreIo } from './errors.ts';
import { Disk, faulty } from './faulty.ts';
import {
  entriesOf,
  EntryKind,
  FRAME_TARGET_BYTES,
  hashOf,
  LINK_BYTES,
  NO_LINK,
  readFrameHeader,
} from './frame.ts';
import type { FrameHeader, StoredEntry, StoredRecord } from './frame.ts';
import { checkpointKey, frameKey, LOW_WATER_KEY, resumeKey, SUPERBLOCK_KEY } from './keys.ts';
import { DamagedRow, Ledger } from './ledger.ts';
import type { Chain } from './ledger.ts';
import { memory } from './memory.ts';
import { openRow, sealRow } from './row.ts';
import type { Store } from './store.ts';
import { STORE_FORMAT } from './superblock.ts';

const NOW = 1_700_000_000_000;
const codec = new Codec();
const bytes = (text: string): Buffer => Buffer.from(text);
const text = (body: Uint8Array | undefined): string | undefined => body && Buffer.from(body).toString();
const newChain = (): Chain => ({ seq: 0, frame: undefined, offset: 0 });
const diskKey = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

const open = (store: Store): Promise<Ledger> => Ledger.open(store, NOW);

function append(ledger: Ledger, actor: number, chain: Chain, event = `event ${chain.seq + 1}`): void {
  ledger.record(actor, chain, NOW, 1, bytes(event), undefined);
}

async function commit(ledger: Ledger): Promise<void> {
  ledger.closeFrames();
  await ledger.write(ledger.seal());
}

/** A ledger on a disk of its own, with one record of actor 1 in each of so many commits. */
async function filled(commits: number): Promise<{ disk: Disk; store: Store; ledger: Ledger; chain: Chain }> {
  const disk = new Disk();
  const store = faulty(disk);
  const ledger = await open(store);
  ledger.nextActor = 2;
  const chain = newChain();
  for (let i = 0; i < commits; i++) {
    append(ledger, 1, chain);
    await commit(ledger);
  }
  return { disk, store, ledger, chain };
}

function headerOf(ledger: Ledger, frame: number): FrameHeader {
  const header = readFrameHeader(ledger.frameBytes(frame)!);
  if ('damage' in header) throw new Error(header.damage);
  return header;
}

const soundEntries = (frame: Buffer): StoredEntry[] => [...entriesOf(frame)] as StoredEntry[];
const eventOf = ({ bytes: frame, eventStart, eventEnd }: StoredRecord): Buffer =>
  frame.subarray(eventStart, eventEnd);
const sha256 = (frame: Uint8Array): string => createHash('sha256').update(frame).digest().toString('latin1');

/** Puts a row there as the store has it, past the ledger. */
async function forge(store: Store, key: Uint8Array, value: Uint8Array | undefined): Promise<void> {
  const batch = store.batch();
  if (value === undefined) batch.delete(key);
  else batch.put(key, value);
  await batch.write();
}

async function rejection<T extends Error>(
  promise: Promise<unknown>,
  type: new (...args: never[]) => T,
): Promise<T> {
  const error = await promise.then(
    () => new Error('it was not rejected'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(type);
  return error as T;
}

describe('a new ledger', () => {
  it('has an identity, which it keeps, and nothing in it', async () => {
    const store = memory();
    const ledger = await open(store);
    expect(ledger.id).toMatch(/^[0-9a-f]{32}$/);
    expect(store.anchor.storeId).toBe(ledger.id);
    const { head, lowWater, nextActor, createdAt, commit: next, frame, isEmpty } = ledger;
    expect({ head, lowWater, nextActor, createdAt, next, frame, isEmpty }).toEqual({
      head: { commit: 0, frame: 0, hash: '\0'.repeat(32) },
      lowWater: 1,
      nextActor: 1,
      createdAt: NOW,
      next: 1,
      frame: 1,
      isEmpty: true,
    });
    await store.close();
    const again = await Ledger.open(store, NOW + 1);
    expect([again.id, again.createdAt]).toEqual([ledger.id, NOW]);
  });

  it('differs from every other', async () => {
    expect((await open(memory())).id).not.toBe((await open(memory())).id);
  });

  it('whose creation was cut off before its first write is created, with the same identity', async () => {
    const disk = new Disk();
    disk.fault = () => 'before';
    const failed = await rejection(open(faulty(disk)), StoreIo);
    expect(failed.operation).toBe('creating it');
    disk.fault = undefined;
    disk.crash('process');
    const announced = disk.anchor.storeId;
    expect(announced).toMatch(/^[0-9a-f]{32}$/);
    const ledger = await open(faulty(disk));
    expect(ledger.id).toBe(announced);
  });

  it('lets its store go when it cannot be opened', async () => {
    const disk = new Disk();
    disk.fault = () => 'before';
    await rejection(open(faulty(disk)), StoreIo);
    expect(disk.taken).toBe(false);
  });
});

describe('a commit', () => {
  it('is one batch: frames, rows and deletions, and nothing of it is there before', async () => {
    const { disk, store, ledger, chain } = await filled(1);
    ledger.put(resumeKey(9), bytes('owes'));
    append(ledger, 1, chain);
    await commit(ledger);
    const { writes } = disk.counts;
    append(ledger, 1, chain);
    ledger.put(checkpointKey(1), bytes('as of 3'));
    ledger.delete(resumeKey(9));
    ledger.closeFrames();
    const sealed = ledger.seal();
    expect([store.get(frameKey(3)), store.get(checkpointKey(1))]).toEqual([undefined, undefined]);
    expect(store.get(resumeKey(9))).toBeDefined();
    await ledger.write(sealed);
    expect(disk.counts.writes).toBe(writes + 1);
    expect(disk.counts.syncs).toBe(disk.counts.writes);
    expect(soundEntries(ledger.frameBytes(3)!)).toHaveLength(1);
    expect(text(openRow(checkpointKey(1), store.get(checkpointKey(1))!))).toBe('as of 3');
    expect(store.get(resumeKey(9))).toBeUndefined();
  });

  it('moves the head when it is durable, and only then tells the anchor', async () => {
    const { store, ledger, chain } = await filled(1);
    append(ledger, 1, chain);
    ledger.bear(2, 'order/2');
    append(ledger, 2, newChain());
    ledger.closeFrames();
    const sealed = ledger.seal();
    const writing = ledger.write(sealed);
    expect(ledger.head.commit).toBe(1);
    expect(store.anchor.entries()).toHaveLength(1);
    await writing;
    const stored = store.get(frameKey(2))!;
    expect(ledger.head).toEqual({ commit: 2, frame: 2, hash: sha256(stored) });
    expect(hashOf(stored)).toBe(sha256(stored));
    expect(store.anchor.entries().at(-1)).toMatchObject({
      frame: 2,
      commit: 2,
      hash: sha256(stored),
      actors: [1, 2],
      born: [[2, 'order/2']],
    });
  });

  it('waits for the one in flight: two at once are refused', async () => {
    const { ledger, chain } = await filled(0);
    append(ledger, 1, chain);
    ledger.closeFrames();
    const first = ledger.write(ledger.seal());
    append(ledger, 1, chain);
    ledger.closeFrames();
    const second = ledger.seal();
    await expect(ledger.write(second)).rejects.toThrow(/two commits in flight/);
    await first;
    await ledger.write(second);
    expect(ledger.head).toMatchObject({ commit: 2, frame: 2 });
  });

  it('that failed is not acknowledged: head and anchor stay, and nothing more is written through it', async () => {
    const { disk, store, ledger, chain } = await filled(2);
    const before = ledger.head;
    disk.fault = () => 'after';
    append(ledger, 1, chain);
    ledger.closeFrames();
    await expect(ledger.write(ledger.seal())).rejects.toThrow(/No space/);
    disk.fault = undefined;
    expect(ledger.head).toBe(before);
    expect(store.anchor.entries()).toHaveLength(2);
    ledger.closeFrames();
    await expect(ledger.write(ledger.seal())).rejects.toThrow(/in flight/);
  });

  it('fills while the one before it is written, and follows it', async () => {
    const { ledger, chain } = await filled(0);
    append(ledger, 1, chain);
    ledger.closeFrames();
    const writing = ledger.write(ledger.seal());
    append(ledger, 1, chain);
    append(ledger, 2, newChain());
    await writing;
    expect(ledger.isEmpty).toBe(false);
    await commit(ledger);
    expect([1, 2].map((frame) => soundEntries(ledger.frameBytes(frame)!).length)).toEqual([1, 2]);
    expect(headerOf(ledger, 2).previousHash).toBe(sha256(ledger.frameBytes(1)!));
  });

  it('of rows alone has a frame all the same, and a number', async () => {
    const { ledger } = await filled(0);
    expect(ledger.isEmpty).toBe(true);
    ledger.put(resumeKey(1), bytes('x'));
    expect(ledger.isEmpty).toBe(false);
    await commit(ledger);
    expect(headerOf(ledger, 1)).toMatchObject({ frame: 1, commit: 1, entries: 0, lastOfCommit: true });
    expect(ledger.isEmpty).toBe(true);
  });
});

describe('the frames of a ledger', () => {
  it('are closed when they are full; the last of a commit says so, and all are chained', async () => {
    const { ledger, chain } = await filled(1);
    for (let i = 0; i < 5; i++) append(ledger, 1, chain, 'x'.repeat(FRAME_TARGET_BYTES / 2));
    expect(ledger.pendingBytes).toBeGreaterThan(2 * FRAME_TARGET_BYTES);
    await commit(ledger);
    append(ledger, 1, chain);
    await commit(ledger);
    const frames = [1, 2, 3, 4, 5];
    const headers = frames.map((frame) => headerOf(ledger, frame));
    expect(headers.map((header) => header.frame)).toEqual(frames);
    expect(headers.map((header) => header.commit)).toEqual([1, 2, 2, 2, 3]);
    expect(headers.map((header) => header.lastOfCommit)).toEqual([true, false, false, true, true]);
    expect(headers.map((header) => header.entries)).toEqual([1, 2, 2, 1, 1]);
    const hashes = frames.map((frame) => sha256(ledger.frameBytes(frame)!));
    expect(headers.map((header) => header.previousHash)).toEqual(['\0'.repeat(32), ...hashes.slice(0, -1)]);
    expect(ledger.head).toEqual({ commit: 3, frame: 5, hash: hashes.at(-1) });
    const sizes = frames.map((frame) => ledger.frameBytes(frame)!.length);
    expect(ledger.appendedBytes).toBe(sizes.reduce((sum, size) => sum + size));
  });

  it('hold a record that is larger than any of them', async () => {
    const { ledger, chain } = await filled(0);
    const large = 'ü'.repeat(FRAME_TARGET_BYTES * 5);
    append(ledger, 1, chain, 'before');
    append(ledger, 1, chain, large);
    append(ledger, 1, chain, 'after');
    await commit(ledger);
    const all = [1, 2].flatMap((frame) => soundEntries(ledger.frameBytes(frame)!)) as StoredRecord[];
    expect(all.map((record) => text(eventOf(record)))).toEqual(['before', large, 'after']);
  });

  it('say where the record before stands, and link to it when it stands in another frame', async () => {
    const { ledger, chain } = await filled(1);
    append(ledger, 1, chain);
    append(ledger, 2, newChain());
    append(ledger, 1, chain);
    await commit(ledger);
    const [, second] = [1, 2].map((frame) => soundEntries(ledger.frameBytes(frame)!) as StoredRecord[]);
    const [first] = soundEntries(ledger.frameBytes(1)!) as StoredRecord[];
    expect([first!.previousFrame, first!.link]).toEqual([0, NO_LINK]);
    const [crossing, other, within] = second!;
    expect([crossing!.seq, crossing!.previousFrame, crossing!.previousOffset]).toEqual([2, 1, first!.offset]);
    expect(crossing!.link).toBe(sha256(ledger.frameBytes(1)!).slice(0, LINK_BYTES));
    expect([other!.actor, other!.seq, other!.previousFrame]).toEqual([2, 1, 0]);
    // The hash of a frame that is being filled is not known yet.
    expect([within!.seq, within!.previousFrame, within!.previousOffset, within!.link]).toEqual([
      3,
      2,
      crossing!.offset,
      NO_LINK,
    ]);
    expect(chain).toMatchObject({ seq: 3, frame: { number: 2 }, offset: within!.offset });
  });

  it('give back everything that was appended, through buffers that are used again', async () => {
    const operations = fc.array(
      fc.record({
        actor: fc.nat({ max: 4 }),
        isNote: fc.boolean(),
        bytes: fc.uint8Array({ maxLength: 100 }),
        repeat: fc.constantFrom(1, 1, 1, 80, 400),
        seals: fc.boolean(),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(operations, async (steps) => {
        const store = memory();
        const ledger = await open(store);
        const chains = [0, 1, 2, 3, 4].map(newChain);
        const expected: unknown[] = [];
        for (const { actor, isNote, bytes: part, repeat, seals } of steps) {
          const body = Buffer.alloc(part.length * repeat, part.length === 0 ? 0 : part);
          if (isNote) ledger.note(actor, part.length, body);
          else
            ledger.record(
              actor,
              chains[actor]!,
              NOW + part.length,
              repeat,
              body,
              part.length > 50 ? part : undefined,
            );
          const seq = isNote ? -1 : chains[actor]!.seq;
          expected.push([actor, seq, body.toString('hex'), part.length > 50 && !isNote ? [...part] : []]);
          if (seals) await commit(ledger);
        }
        if (!ledger.isEmpty) await commit(ledger);
        const found: unknown[] = [];
        for (let frame = 1; frame <= ledger.head.frame; frame++) {
          for (const entry of soundEntries(ledger.frameBytes(frame)!)) {
            const isNote = entry.kind === EntryKind.Note;
            const body = isNote ? entry.payload : eventOf(entry);
            found.push([
              entry.actor,
              isNote ? -1 : entry.seq,
              body.toString('hex'),
              isNote ? [] : [...(entry.trailer ?? [])],
            ]);
          }
        }
        expect(found).toEqual(expected);
        await store.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe('a birth', () => {
  it('is noted with the frame in which its first entry stands, also when one has just been filled', async () => {
    const { store, ledger, chain } = await filled(0);
    append(ledger, 1, chain, 'x'.repeat(FRAME_TARGET_BYTES));
    ledger.bear(2, 'order/2');
    append(ledger, 2, newChain());
    await commit(ledger);
    expect(store.anchor.entries().map(({ actors, born }) => [actors, born])).toEqual([
      [[1], []],
      [[2], [[2, 'order/2']]],
    ]);
  });
});

describe('a row', () => {
  const key = checkpointKey(7);

  it('is read as the commits so far leave it: filling, in flight, stored', async () => {
    const { ledger } = await filled(0);
    ledger.put(key, bytes('one'));
    expect(text(ledger.get(key))).toBe('one');
    ledger.closeFrames();
    const writing = ledger.write(ledger.seal());
    expect(text(ledger.get(key))).toBe('one');
    ledger.put(key, bytes('two'));
    expect(text(ledger.get(key))).toBe('two');
    await writing;
    expect(text(ledger.get(key))).toBe('two');
    ledger.delete(key);
    expect(ledger.get(key)).toBeUndefined();
    await commit(ledger);
    expect(ledger.get(key)).toBeUndefined();
  });

  it('that is deleted while it is being written is gone, then and later', async () => {
    const { ledger, store } = await filled(0);
    ledger.put(key, bytes('one'), true);
    ledger.closeFrames();
    const writing = ledger.write(ledger.seal());
    ledger.delete(key);
    expect(ledger.get(key)).toBeUndefined();
    await writing;
    expect(ledger.get(key)).toBeUndefined();
    await commit(ledger);
    expect(store.get(key)).toBeUndefined();
  });

  it('that is born and deleted within a commit leaves no trace in it', async () => {
    const { ledger } = await filled(0);
    ledger.put(key, bytes('one'), true);
    ledger.put(key, bytes('two'));
    ledger.delete(key);
    expect(ledger.get(key)).toBeUndefined();
    expect(ledger.seal().rows.size).toBe(0);
  });

  it('that was there before is deleted, even if it was written again meanwhile', async () => {
    const { ledger, store } = await filled(0);
    ledger.put(key, bytes('one'));
    await commit(ledger);
    ledger.delete(key);
    ledger.put(key, bytes('two'), true);
    ledger.delete(key);
    await commit(ledger);
    expect(store.get(key)).toBeUndefined();
  });

  it('of any life is what a map would hold', async () => {
    const steps = fc.array(
      fc.tuple(
        fc.nat({ max: 3 }),
        fc.constantFrom('put', 'delete', 'seal', 'written'),
        fc.string({ maxLength: 3 }),
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (operations) => {
        const store = memory();
        const ledger = await open(store);
        const model = new Map<number, string>();
        let writing: Promise<void> | undefined;
        const look = () => {
          for (const n of [0, 1, 2, 3])
            expect([n, text(ledger.get(checkpointKey(n)))]).toEqual([n, model.get(n)]);
        };
        for (const [n, what, value] of operations) {
          if (what === 'put') {
            ledger.put(checkpointKey(n), bytes(value), !model.has(n));
            model.set(n, value);
          } else if (what === 'delete') {
            ledger.delete(checkpointKey(n));
            model.delete(n);
          } else {
            await writing;
            ledger.closeFrames();
            writing = ledger.write(ledger.seal());
            if (what === 'written') await writing;
          }
          look();
        }
        await writing;
        await commit(ledger);
        look();
        await store.close();
        const again = await open(store);
        for (const n of [0, 1, 2, 3]) expect(text(again.get(checkpointKey(n)))).toBe(model.get(n));
        await store.close();
      }),
      { numRuns: 100 },
    );
  });

  it('that is damaged is refused on every read, and says which it is', async () => {
    const { disk, store, ledger } = await filled(0);
    ledger.put(key, bytes('body'));
    await commit(ledger);
    await store.close();
    disk.flip(diskKey(key), 40);
    const again = await open(store);
    for (let i = 0; i < 2; i++) {
      expect(() => again.get(key)).toThrow(DamagedRow);
      expect(() => again.get(key)).toThrow(/^row A\.+: its checksum is wrong$/);
    }
    expect(again.get(checkpointKey(8))).toBeUndefined();
  });

  it('that cannot be read is refused with the reason', async () => {
    const { store, ledger } = await filled(0);
    store.get = () => {
      throw new StoreIo('here', 'reading', new Error('bad block'));
    };
    expect(() => ledger.get(key)).toThrow(/^row A.*bad block/);
    expect(ledger.frameBytes(7)).toBeUndefined();
  });
});

describe('a ledger that is opened again', () => {
  it('goes on where it ended', async () => {
    const { store, ledger, chain } = await filled(3);
    ledger.nextActor = 12;
    ledger.raiseLowWater(3);
    append(ledger, 1, chain);
    await commit(ledger);
    const { head } = ledger;
    await store.close();
    const again = await open(store);
    expect(again.head).toEqual(head);
    expect([again.nextActor, again.lowWater, again.commit, again.frame]).toEqual([12, 3, 5, 5]);
    append(again, 1, chain);
    await commit(again);
    expect(headerOf(again, 5)).toMatchObject({ commit: 5, previousHash: head.hash });
  });

  it('does not have what was never sealed', async () => {
    const { store, ledger, chain } = await filled(1);
    append(ledger, 1, chain);
    ledger.put(checkpointKey(1), bytes('x'));
    await store.close();
    const again = await open(store);
    expect(again.head.frame).toBe(1);
    expect(again.get(checkpointKey(1))).toBeUndefined();
  });

  it('reads everything when its low-water mark is damaged', async () => {
    const { disk, store, ledger } = await filled(3);
    ledger.raiseLowWater(3);
    await commit(ledger);
    await store.close();
    disk.flip(diskKey(LOW_WATER_KEY), 33);
    expect((await open(store)).lowWater).toBe(1);
  });

  it('keeps in its anchor what may stand only in a log, also below the low-water mark', async () => {
    const store: Store = Object.defineProperty(memory(), 'logBytes', { value: 3 << 20 });
    const ledger = await open(store);
    const chain = newChain();
    const grown = async (commits: number): Promise<number[]> => {
      for (let i = 0; i < commits; i++) {
        ledger.record(1, chain, NOW, 1, Buffer.alloc(1 << 20), undefined);
        ledger.raiseLowWater(ledger.frame);
        await commit(ledger);
      }
      return store.anchor.entries().map(({ frame }) => frame);
    };
    expect(await grown(3)).toEqual([1, 2, 3]);
    expect(await grown(3)).toEqual([4, 5, 6]);
    await store.close();
    // Its next opening has it all in tables.
    const again = await open(store);
    again.record(2, newChain(), NOW, 1, bytes('event'), undefined);
    again.raiseLowWater(again.frame);
    await commit(again);
    expect(store.anchor.entries().map(({ frame }) => frame)).toEqual([7]);
  });

  it('tells its anchor whom a commit concerns that has no entry of them', async () => {
    const store = memory();
    const ledger = await open(store);
    append(ledger, 1, newChain());
    ledger.concern(7);
    await commit(ledger);
    append(ledger, 1, newChain());
    await commit(ledger);
    const [first, second] = store.anchor.entries();
    expect(first).toMatchObject({ actors: [1], others: [7] });
    expect(second!.others).toBeUndefined();
  });

  it('prunes its anchor with a low-water mark that is durable', async () => {
    const { store, ledger } = await filled(4);
    ledger.raiseLowWater(3);
    expect(store.anchor.entries()).toHaveLength(4);
    await commit(ledger);
    expect(store.anchor.entries().map(({ frame }) => frame)).toEqual([3, 4, 5]);
    ledger.closeFrames();
    expect(ledger.seal().lowWater).toBeUndefined();
  });

  it('whose tail is lost goes on behind it: no number is given twice', async () => {
    const { disk, store, ledger } = await filled(5);
    const { head } = ledger;
    await store.close();
    for (const frame of [4, 5]) expect(disk.remove(diskKey(frameKey(frame)))).toBe(true);
    const again = await open(store);
    expect(again.head).toEqual(head);
    expect([again.commit, again.frame]).toEqual([6, 6]);
  });

  it('gives no actor the id of one whose birth was lost', async () => {
    const { disk, store, ledger } = await filled(1);
    ledger.nextActor = 8;
    append(ledger, 7, newChain());
    await commit(ledger);
    await store.close();
    disk.remove(diskKey(frameKey(2)));
    expect((await open(store)).nextActor).toBe(8);
  });

  it('whose newest frames are damaged goes on behind them', async () => {
    const { disk, store } = await filled(5);
    await store.close();
    for (const frame of [4, 5]) disk.flip(diskKey(frameKey(frame)), 100);
    disk.anchor.forgetNewest(5);
    const { head, frame } = await open(store);
    expect([head.commit, head.frame, frame]).toEqual([5, 5, 6]);
  });

  it('asks its anchor where the end of it cannot be read', async () => {
    const { store, ledger } = await filled(3);
    const { head } = ledger;
    await store.close();
    store.scan = async function* () {
      yield* [];
      throw new StoreIo('here', 'reading', new Error('bad block'));
    };
    expect((await open(store)).head).toEqual(head);
  });
});

describe('a store that is not opened, and not touched', () => {
  /** Opens it and gives the refusal, having made sure that nothing has changed. */
  async function refused<T extends Error>(disk: Disk, type: new (...args: never[]) => T): Promise<T> {
    const state = () => JSON.stringify([...disk.entries()].map(([key, value]) => [key, [...value]]));
    const before = [state(), disk.anchor.storeId, disk.anchor.entries().length];
    const error = await rejection(open(faulty(disk)), type);
    expect([state(), disk.anchor.storeId, disk.anchor.entries().length]).toEqual(before);
    expect(disk.taken).toBe(false);
    return error;
  }

  it('because a newer release has written it', async () => {
    const { disk, store, ledger } = await filled(2);
    const newer = { format: STORE_FORMAT + 1, id: ledger.id, createdAt: NOW };
    await forge(store, SUPERBLOCK_KEY, sealRow(SUPERBLOCK_KEY, codec.pack(newer, 'superblock')));
    await store.close();
    const { found, supported, location, retryable } = await refused(disk, StoreFormat);
    expect({ found, supported, location, retryable }).toEqual({
      found: STORE_FORMAT + 1,
      supported: STORE_FORMAT,
      location: 'faulty',
      retryable: false,
    });
  });

  it('because any bit of its superblock is flipped', async () => {
    const { disk, store } = await filled(1);
    const bits = store.get(SUPERBLOCK_KEY)!.length * 8;
    await store.close();
    for (let bit = 0; bit < bits; bit += 7) {
      disk.flip(diskKey(SUPERBLOCK_KEY), bit);
      expect((await refused(disk, StoreCorrupt)).reason).toBe('the checksum of its superblock is wrong');
      disk.flip(diskKey(SUPERBLOCK_KEY), bit);
    }
    await open(store);
  });

  it('because its superblock is gone, and its anchor has seen commits', async () => {
    const { disk, store } = await filled(1);
    await store.close();
    disk.remove(diskKey(SUPERBLOCK_KEY));
    expect((await refused(disk, StoreCorrupt)).reason).toMatch(/anchor has seen commits/);
  });

  it('because it holds something, and no superblock', async () => {
    const disk = new Disk();
    const store = faulty(disk);
    await store.open();
    await forge(store, bytes('somebody'), bytes('else'));
    await store.close();
    expect((await refused(disk, StoreCorrupt)).reason).toMatch(/is it a store of Heddle/);
  });

  it('because its superblock cannot be read', async () => {
    const { store } = await filled(1);
    await store.close();
    store.get = () => {
      throw new StoreIo('here', 'reading', new Error('bad block'));
    };
    expect((await rejection(open(store), StoreCorrupt)).reason).toMatch(/superblock cannot be read/);
  });

  it('because its anchor is missing', async () => {
    const { disk, store } = await filled(1);
    await store.close();
    Object.assign(disk, { anchor: new MemoryAnchor() });
    expect((await refused(disk, StoreCorrupt)).reason).toMatch(/anchor is missing or damaged/);
  });

  it('because its anchor is that of another store', async () => {
    const { disk, store } = await filled(1);
    await store.close();
    disk.anchor.create('f'.repeat(32));
    expect((await refused(disk, StoreCorrupt)).reason).toMatch(/another store \(f{32}\)/);
  });

  it('because no frame of it can be read', async () => {
    const { disk, store } = await filled(2);
    await store.close();
    for (const frame of [1, 2]) disk.flip(diskKey(frameKey(frame)), 100);
    expect((await refused(disk, StoreCorrupt)).reason).toMatch(/no frame of its ledger can be read/);
  });

  it('because its end cannot be read, and its anchor knows nothing', async () => {
    const { disk, store } = await filled(1);
    await store.close();
    disk.anchor.forgetNewest(1);
    store.scan = async function* () {
      yield* [];
      throw new StoreIo('here', 'reading', new Error('bad block'));
    };
    expect((await rejection(open(store), StoreCorrupt)).reason).toMatch(/end of its ledger cannot be read/);
  });
});

describe('a frame whose number is damaged', () => {
  it.each([
    ['with an anchor', true],
    ['without', false],
  ])('is not counted up to: %s', async (_, hasAnchor) => {
    const { store, ledger } = await filled(5);
    const { head } = ledger;
    const frame = Uint8Array.from(store.get(frameKey(3))!);
    for (const number of [2 ** 33, 2 ** 47]) await forge(store, frameKey(number), frame);
    if (!hasAnchor) store.anchor.prune(head.frame + 1);
    await store.close();
    const again = await open(store);
    expect(again.head).toEqual(head);
    await store.close();
  });

  it('refuses the store when no other can be read', async () => {
    const store = memory();
    await open(store);
    await forge(store, frameKey(2 ** 40), bytes('no frame'));
    await store.close();
    expect(await rejection(open(store), StoreCorrupt)).toBeInstanceOf(StoreCorrupt);
  });
});
