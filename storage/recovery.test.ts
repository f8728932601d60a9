// The lie: "whatever is missing or damaged is noticed, and it is known whose it was". A ledger of which every entry is known
// loses frames, bits and its tail, with and without its anchor; who is named must be who was hit, and nobody else.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreCorrupt, StoreIo } from './errors.ts';
import { Disk, faulty } from './faulty.ts';
import { entriesOf, EntryKind, FRAME_HEADER_BYTES, FRAME_TARGET_BYTES, hashOf } from './frame.ts';
import type { StoredEntry } from './frame.ts';
import { frameKey } from './keys.ts';
import { Ledger } from './ledger.ts';
import type { Chain } from './ledger.ts';
import { readLedger, recover } from './recovery.ts';
import type { Reading } from './recovery.ts';

type What = 'record' | 'note' | 'birth' | 'fill';
type Planned = readonly [actor: number, what: What];

/** Frames 1 to 6 in five commits: the fourth takes two frames. */
const STORY: readonly (readonly Planned[])[] = [
  [
    [1, 'birth'],
    [2, 'birth'],
  ],
  [
    [1, 'record'],
    [3, 'birth'],
    [1, 'note'],
  ],
  [
    [2, 'record'],
    [2, 'record'],
  ],
  [
    [1, 'fill'],
    [4, 'birth'],
    [2, 'record'],
  ],
  [[3, 'record']],
];
/** Whose entries stand in each frame of the story. */
const ACTORS_OF: Readonly<Record<number, readonly number[]>> = {
  1: [1, 2],
  2: [1, 3],
  3: [2],
  4: [1],
  5: [2, 4],
  6: [3],
};
const FRAMES = Object.keys(ACTORS_OF).map(Number);
const addressOf = (actor: number): string => `order/${actor}`;

interface Told {
  readonly disk: Disk;
  readonly chains: ReadonlyMap<number, Chain>;
}

/** Writes a story onto a disk, and closes. */
async function told(story: readonly (readonly Planned[])[] = STORY, lowWater?: number): Promise<Told> {
  const disk = new Disk();
  const store = faulty(disk);
  const ledger = await Ledger.open(store, 0);
  const chains = new Map<number, Chain>();
  for (const commit of story) {
    for (const [actor, what] of commit) {
      const chain = chains.get(actor) ?? { seq: 0, frame: undefined, offset: 0 };
      chains.set(actor, chain);
      ledger.nextActor = Math.max(ledger.nextActor, actor + 1);
      if (what === 'note') ledger.note(actor, 0, Buffer.from(`note of ${actor}`));
      else {
        if (what === 'birth') ledger.bear(actor, addressOf(actor));
        const size = what === 'fill' ? FRAME_TARGET_BYTES : 5;
        ledger.record(actor, chain, 0, 1, Buffer.alloc(size, `${actor}`), undefined);
      }
    }
    if (lowWater !== undefined && commit === story.at(-1)) {
      // Without the pruning that would follow, so that nothing but the mark decides.
      ledger.store.anchor.prune = () => {};
      ledger.raiseLowWater(lowWater);
    }
    ledger.closeFrames();
    await ledger.write(ledger.seal());
  }
  await store.close();
  return { disk, chains };
}

const diskKey = (frame: number): string => Buffer.from(frameKey(frame)).toString('latin1');

function frameOn(disk: Disk, frame: number): Buffer {
  const [, bytes] = [...disk.entries()].find(([key]) => key === diskKey(frame))!;
  return Buffer.from(bytes);
}

/** Puts other bytes in the place of a frame, past everything. */
function replace(disk: Disk, frame: number, bytes: Buffer): void {
  disk.append([{ type: 'put', key: diskKey(frame), value: bytes }]);
}

/** Changes an entry of a frame, and makes its checksum sound again. */
function forge(disk: Disk, number: number, actor: number, change: (entry: Buffer) => void): void {
  const frame = frameOn(disk, number);
  const { offset } = [...entriesOf(frame)].find((entry) => entry.actor === actor)!;
  const entry = frame.subarray(offset, offset + frame.readUInt32BE(offset + 4));
  change(entry);
  entry.writeUInt32BE(crc32(entry.subarray(4)));
  replace(disk, number, frame);
}

interface Found {
  readonly reading: Reading;
  readonly seen: readonly Planned[];
  /** Who is damaged, with the evidence in few words. */
  readonly damaged: Readonly<Record<number, string>>;
}

const bornIn = (entry: StoredEntry): string | undefined =>
  entry.kind === EntryKind.Record && entry.previousFrame === 0 ? addressOf(entry.actor) : undefined;

async function read(disk: Disk, from?: number, prepare?: (ledger: Ledger) => void): Promise<Found> {
  const store = faulty(disk);
  const ledger = await Ledger.open(store, 0);
  prepare?.(ledger);
  const seen: Planned[] = [];
  try {
    const reading = await readLedger(ledger, from ?? ledger.lowWater, (entry) => {
      seen.push([entry.actor, entry.kind === EntryKind.Note ? 'note' : 'record']);
      return bornIn(entry);
    });
    const damaged = [...reading.damaged].map(([actor, { frame, seq, reason }]) => {
      return [actor, `${seq === undefined ? '' : `record ${seq}, `}frame ${frame}: ${reason}`] as const;
    });
    return { reading, seen, damaged: Object.fromEntries(damaged) };
  } finally {
    await store.close();
  }
}

const namesOf = ({ damaged }: Found): number[] => Object.keys(damaged).map(Number);

/** Opens it as a system does; undefined when that was refused. */
async function recovered(disk: Disk): Promise<Reading | StoreCorrupt> {
  const store = faulty(disk);
  const ledger = await Ledger.open(store, 0);
  try {
    return await recover(ledger, bornIn);
  } catch (error) {
    expect(error).toBeInstanceOf(StoreCorrupt);
    return error as StoreCorrupt;
  } finally {
    await store.close();
  }
}

/** The anchor's newest entries are lost, as in a power cut. */
const forget = (disk: Disk, count = 1000): void => disk.anchor.forgetNewest(count);

/** The anchor does not know of these frames any more. */
function forgetFrames({ anchor }: Disk, frames: readonly number[]): void {
  const entries = anchor.entries().filter(({ frame }) => !frames.includes(frame));
  anchor.create(anchor.storeId!);
  anchor.note(entries);
}

const asSeen = (what: What): 'record' | 'note' => (what === 'note' ? 'note' : 'record');

describe('a sound ledger', () => {
  it('is seen in order, whole, and nobody is accused', async () => {
    const { disk, chains } = await told();
    const { reading, seen } = await read(disk);
    expect(seen).toEqual(STORY.flat().map(([actor, what]) => [actor, asSeen(what)]));
    expect(reading.frames).toBe(FRAMES.length);
    expect([
      ...reading.damaged,
      ...reading.unattributed,
      ...reading.lostBirths,
      ...reading.unanchored,
    ]).toEqual([]);
    for (const [actor, { seq, frame, offset }] of chains) {
      expect(reading.heads.get(actor)).toMatchObject({ seq, offset, frame: { number: frame!.number } });
    }
  });

  it('of any story, read from any frame, with an anchor that has lost any part of its end', async () => {
    const story = fc.array(
      fc.array(
        fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom<What>('record', 'record', 'note', 'fill')),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(story, fc.nat(), fc.nat({ max: 10 }), async (commits, mark, lost) => {
        const { disk, chains } = await told(commits);
        const all = (await read(disk)).reading;
        const from = 1 + (mark % all.frames);
        const below = entriesBelow(disk, from);
        forget(disk, lost);
        const { reading, seen, damaged } = await read(disk, from);
        expect(seen).toEqual(
          commits
            .flat()
            .map(([actor, what]) => [actor, asSeen(what)])
            .slice(below),
        );
        expect([damaged, reading.unattributed]).toEqual([{}, []]);
        expect(reading.frames).toBe(all.frames - from + 1);
        for (const [actor, { seq }] of reading.heads) expect(seq).toBe(chains.get(actor)!.seq);
        const unanchored = reading.unanchored.map(({ frame }) => frame);
        const known = all.frames - Math.min(lost, all.frames);
        const behind = Array.from({ length: all.frames }, (_, i) => i + 1).filter((frame) => frame > known);
        expect(unanchored).toEqual(behind.filter((frame) => frame >= from));
      }),
      { numRuns: 60 },
    );
  });

  /** How many entries stand in the frames below one. */
  function entriesBelow(disk: Disk, from: number): number {
    let count = 0;
    for (let frame = 1; frame < from; frame++) count += [...entriesOf(frameOn(disk, frame))].length;
    return count;
  }

  it('that is empty has nothing to see', async () => {
    const { disk } = await told([]);
    const { reading, seen } = await read(disk);
    expect([reading.frames, seen, reading.heads.size]).toEqual([0, [], 0]);
  });
});

describe('the low-water mark', () => {
  it('is where reading starts: what lies below may be damaged, or missing when the anchor speaks of it no more', async () => {
    const { disk } = await told(STORY, 4);
    disk.remove(diskKey(1));
    disk.remove(diskKey(2));
    forgetFrames(disk, [1, 2]);
    disk.flip(diskKey(3), 90);
    const { reading, seen, damaged } = await read(disk);
    expect(reading.frames).toBe(3);
    expect(seen.map(([actor]) => actor)).toEqual([1, 4, 2, 3]);
    expect(damaged).toEqual({});
    expect(reading.heads.get(2)!.seq).toBe(4);
    expect(await recovered(disk)).toMatchObject({ frames: 3, damaged: new Map() });
  });

  it.each([1, 2, 3])('frame %i below it is missing: those who had entries in it are named', async (frame) => {
    const { disk } = await told(STORY, 4);
    disk.remove(diskKey(frame));
    const { damaged, reading } = await read(disk);
    const named = Object.fromEntries(
      ACTORS_OF[frame]!.map((actor) => [actor, expect.stringMatching(/^frame/)]),
    );
    expect(damaged).toEqual(named);
    for (const actor of ACTORS_OF[frame]!) expect(reading.damaged.get(actor)!.frame).toBe(frame);
    expect(reading.unattributed).toEqual([]);
  });

  it('a frame below it is missing, and the anchor says nothing of it: the store is refused', async () => {
    const { disk } = await told(STORY, 4);
    disk.remove(diskKey(2));
    forgetFrames(disk, [2]);
    const refused = await recovered(disk);
    expect(refused).toBeInstanceOf(StoreCorrupt);
    expect((refused as StoreCorrupt).message).toContain('frame 2');
  });

  it.each([2, 5])(
    'frame %i is missing, and the anchor says only that it held nobody: the store is refused',
    async (frame) => {
      const { disk } = await told(STORY, 4);
      disk.remove(diskKey(frame));
      const entries = disk.anchor
        .entries()
        .map((entry) => (entry.frame === frame ? { ...entry, actors: [] } : entry));
      disk.anchor.create(disk.anchor.storeId!);
      disk.anchor.note(entries);
      expect(await recovered(disk)).toBeInstanceOf(StoreCorrupt);
    },
  );

  it('a commit of many frames below it is missing: it is whose it was, whichever of them are asked for', async () => {
    const large = (actor: number): Planned[] => Array.from({ length: 9 }, () => [actor, 'fill'] as const);
    const { disk } = await told([large(1), large(2), large(3), [[4, 'birth']]], 28);
    for (let frame = 10; frame <= 18; frame++) expect(disk.remove(diskKey(frame))).toBe(true);
    const { reading, damaged } = await read(disk);
    expect(damaged).toEqual({ 2: 'frame 10: frame 10 is missing' });
    expect([reading.frames, reading.unattributed]).toEqual([1, []]);
  });

  it('a frame below it is missing, and so is what the anchor began with: the store is refused', async () => {
    const { disk } = await told(STORY, 4);
    disk.remove(diskKey(2));
    forgetFrames(disk, [1, 2]);
    Object.defineProperty(disk.anchor, 'lost', { value: 1 });
    expect(await recovered(disk)).toBeInstanceOf(StoreCorrupt);
  });

  it('excuses nothing above it: a record whose predecessor should be there is damaged', async () => {
    const { disk } = await told(STORY, 3);
    disk.remove(diskKey(3));
    forget(disk);
    expect((await read(disk)).damaged[2]).toBe('record 4, frame 5: the record before it is missing');
  });
});

describe('a hole', () => {
  it.each(FRAMES.slice(0, -1))(
    'in the place of frame %i names those who had entries in it, and no others',
    async (frame) => {
      const { disk } = await told();
      expect(disk.remove(diskKey(frame))).toBe(true);
      const found = await read(disk);
      expect(namesOf(found)).toEqual(ACTORS_OF[frame]);
      expect(found.reading.unattributed).toEqual([]);
      const births = STORY.flat().filter(
        ([actor, what]) => what === 'birth' && ACTORS_OF[frame]!.includes(actor),
      );
      const lost = found.reading.lostBirths.map(([actor, address]) => [actor, address]);
      const first = { 1: [1, 2], 2: [3], 5: [4] }[frame] ?? [];
      expect(lost).toEqual(
        births.filter(([actor]) => first.includes(actor)).map(([actor]) => [actor, addressOf(actor)]),
      );
      for (const reason of Object.values(found.damaged)) expect(reason).toMatch(/missing/);
      // The others run.
      expect(await recovered(disk)).not.toBeInstanceOf(StoreCorrupt);
    },
  );

  it('of several frames names everybody in them', async () => {
    const { disk } = await told();
    for (const frame of [2, 3]) disk.remove(diskKey(frame));
    const found = await read(disk);
    expect(namesOf(found)).toEqual([1, 2, 3]);
    // A chain that is broken names the very record; a birth that is lost, only the frame.
    expect(found.damaged[1]).toBe('record 2, frame 2: the frames 2 to 3 are missing');
  });

  it.each(FRAMES.slice(0, -1))(
    'in the place of frame %i that nobody has noted stops the opening',
    async (frame) => {
      const { disk } = await told();
      disk.remove(diskKey(frame));
      forget(disk);
      const { reading } = await read(disk);
      expect(reading.unattributed).toEqual([
        { frame, reason: `the frames ${frame} to ${frame} are missing` },
      ]);
      const error = await recovered(disk);
      expect(error).toBeInstanceOf(StoreCorrupt);
      expect((error as StoreCorrupt).reason).toMatch(/anchor does not say whose records it held/);
      // And leaves no trace that would make it pass the next time.
      expect(disk.anchor.entries()).toEqual([]);
      expect(await recovered(disk)).toBeInstanceOf(StoreCorrupt);
    },
  );
});

describe('a lost tail', () => {
  it.each([1, 2, 3, 4])(
    'of %i frames is noticed by the anchor, which knows whose they were',
    async (count) => {
      const { disk } = await told();
      const lost = FRAMES.slice(-count);
      for (const frame of lost) disk.remove(diskKey(frame));
      const found = await read(disk);
      const expected = [...new Set(lost.flatMap((frame) => ACTORS_OF[frame]!))];
      expect(namesOf(found)).toEqual(expected.toSorted((a, b) => a - b));
      for (const actor of expected) expect(found.damaged[actor]).toMatch(/are missing|rest of its commit/);
      expect(found.reading.lostBirths).toEqual(count >= 2 ? [[4, addressOf(4)]] : []);
      expect(await recovered(disk)).not.toBeInstanceOf(StoreCorrupt);
    },
  );

  it('is noticed again at every opening', async () => {
    const { disk } = await told();
    disk.remove(diskKey(6));
    for (let opening = 0; opening < 3; opening++) {
      expect([...((await recovered(disk)) as Reading).damaged.keys()]).toEqual([3]);
    }
  });

  it('is the end of the story for who has lost the anchor too: then nothing can tell', async () => {
    const { disk } = await told();
    disk.remove(diskKey(6));
    forget(disk, 1);
    expect(namesOf(await read(disk))).toEqual([]);
  });

  it('inside of a commit is noticed without the anchor: its last frame says that it is one', async () => {
    const { disk } = await told(STORY.slice(0, 4));
    disk.remove(diskKey(5));
    forget(disk, 2);
    expect((await read(disk)).damaged).toEqual({ 1: 'frame 4: the rest of its commit is missing' });
  });

  it('inside of a commit puts all of that commit in doubt, whatever is left of it', async () => {
    const { disk } = await told([
      [
        [1, 'birth'],
        [2, 'birth'],
      ],
      [
        [1, 'fill'],
        [2, 'fill'],
        [3, 'birth'],
      ],
    ]);
    disk.remove(diskKey(4));
    forget(disk, 3);
    expect(namesOf(await read(disk))).toEqual([1, 2]);
  });
});

describe('a flipped bit', () => {
  it('anywhere in any frame names those whose bytes it hit', async () => {
    for (const number of FRAMES) {
      const { disk } = await told();
      const frame = frameOn(disk, number);
      const entries = [...entriesOf(frame)] as StoredEntry[];
      const step = frame.length > 1000 ? 997 : 1;
      for (let at = 0; at < frame.length; at += step) {
        const bit = at * 8 + (at % 8);
        disk.flip(diskKey(number), bit);
        const hit = entries.findLast(({ offset }) => offset <= at)?.actor;
        const found = await read(disk);
        expect([number, at, namesOf(found)]).toEqual([
          number,
          at,
          hit === undefined ? ACTORS_OF[number] : [hit],
        ]);
        expect(found.reading.unattributed).toEqual([]);
        disk.flip(diskKey(number), bit);
      }
    }
  });

  it('in the entry of one actor does not touch another in the same frame', async () => {
    const { disk } = await told();
    const [first] = [...entriesOf(frameOn(disk, 1))] as StoredEntry[];
    expect(first!.actor).toBe(1);
    disk.flip(diskKey(1), (first!.offset + 20) * 8);
    expect(namesOf(await read(disk))).toEqual([1]);
  });

  it('that nobody has noted names who the bytes claim, or stops the opening, but is never passed over', async () => {
    for (const number of [2, 6]) {
      const { disk } = await told();
      forget(disk);
      const frame = frameOn(disk, number);
      const entries = [...entriesOf(frame)] as StoredEntry[];
      for (let at = 0; at < frame.length; at += 2) {
        disk.flip(diskKey(number), at * 8);
        const found = await read(disk);
        const hit = entries.findLast(({ offset }) => offset <= at);
        const isClaim = hit !== undefined && at >= hit.offset + 10 && at < hit.offset + 16;
        if (at < FRAME_HEADER_BYTES) expect(found.reading.unattributed[0]!.frame).toBe(number);
        else if (!isClaim) expect(namesOf(found)).toContain(hit!.actor);
        expect(namesOf(found).length + found.reading.unattributed.length).toBeGreaterThan(0);
        disk.flip(diskKey(number), at * 8);
      }
    }
  });

  it('that nobody has noted, in the newest frame, names one actor and not its neighbour', async () => {
    const { disk } = await told([
      ...STORY,
      [
        [1, 'record'],
        [2, 'record'],
      ],
    ]);
    forget(disk, 1);
    const [first] = [...entriesOf(frameOn(disk, 7))] as StoredEntry[];
    disk.flip(diskKey(7), (first!.offset + 60) * 8);
    expect((await read(disk)).damaged).toEqual({ 1: 'frame 7: the checksum of the entry is wrong' });
  });

  it('does not count a birth beside it as lost', async () => {
    const { disk } = await told();
    const [, birth, note] = [...entriesOf(frameOn(disk, 2))] as StoredEntry[];
    disk.flip(diskKey(2), (note!.offset + 17) * 8);
    expect((await read(disk)).reading.lostBirths).toEqual([]);
    disk.flip(diskKey(2), (birth!.offset + 30) * 8);
    expect((await read(disk)).reading.lostBirths).toEqual([[3, addressOf(3)]]);
  });

  it('does not take the entries beside it with it', async () => {
    const { disk } = await told();
    const frame = frameOn(disk, 2);
    const [, second] = [...entriesOf(frame)] as StoredEntry[];
    disk.flip(diskKey(2), (second!.offset + 30) * 8);
    const { seen } = await read(disk);
    expect(seen).toHaveLength(STORY.flat().length - 1);
    expect(seen.slice(2, 4)).toEqual([
      [1, 'record'],
      [1, 'note'],
    ]);
  });
});

describe('frames that are sound, and not what was committed', () => {
  it('are noticed when two are swapped', async () => {
    const { disk } = await told();
    const [second, third] = [frameOn(disk, 2), frameOn(disk, 3)];
    replace(disk, 2, third);
    replace(disk, 3, second);
    const found = await read(disk);
    expect(namesOf(found)).toEqual([1, 2, 3]);
  });

  it('are noticed when an old one stands in the place of the newest', async () => {
    const { disk } = await told();
    replace(disk, 6, frameOn(disk, 1));
    expect((await read(disk)).damaged).toEqual({ 3: 'frame 6: another frame stands in its place' });
  });

  it('are noticed by the anchor when one was changed with all its checksums', async () => {
    const { disk } = await told();
    forge(disk, 6, 3, (entry) => entry.write('X', entry.length - 1));
    expect((await read(disk)).damaged).toEqual({ 3: 'frame 6: the frame is not the one that was committed' });
  });

  it('are noticed by the chain of hashes when nobody has noted them', async () => {
    const { disk } = await told();
    forge(disk, 5, 4, (entry) => entry.write('X', entry.length - 1));
    forget(disk);
    const found = await read(disk);
    // Either of the two may be the wrong one.
    expect(namesOf(found)).toEqual([2, 3, 4]);
    expect(found.damaged[4]).toBe('frame 5: the chain of hashes is broken');
  });

  it('are not blamed on a frame that the anchor vouches for', async () => {
    const { disk } = await told();
    const frame = frameOn(disk, 6);
    // It says that another frame came before it.
    frame.fill(0xee, 32, 64);
    frame.writeUInt32BE(crc32(frame.subarray(4, FRAME_HEADER_BYTES)));
    replace(disk, 6, frame);
    forget(disk, 1);
    expect((await read(disk)).damaged).toEqual({ 3: 'frame 6: the chain of hashes is broken' });
  });
});

describe('a record that is sound, and does not follow', () => {
  /** Changes the only record of actor 3 in the newest frame, for which nobody vouches. */
  async function readForged(change: (entry: Buffer) => void, from?: number): Promise<string | undefined> {
    const { disk } = await told();
    forge(disk, 6, 3, change);
    forget(disk, 1);
    const found = await read(disk, from);
    expect(namesOf(found)).toEqual(found.damaged[3] === undefined ? [] : [3]);
    return found.damaged[3];
  }

  it('is one with a number that leaves a gap', async () => {
    const reason = await readForged((entry) => entry.writeUIntBE(9, 16, 6));
    expect(reason).toBe('record 2, frame 6: it follows record 1: 7 records are missing');
  });

  it('is one with a number that was there before', async () => {
    expect(await readForged((entry) => entry.writeUIntBE(1, 16, 6))).toMatch(
      /^record 1, frame 6: it follows record 1/,
    );
  });

  it('is one that points elsewhere', async () => {
    const elsewhere = 'record 2, frame 6: it points at another record than the one before it';
    expect(await readForged((entry) => entry.writeUInt32BE(72, 34))).toBe(elsewhere);
    expect(await readForged((entry) => entry.writeUIntBE(1, 28, 6))).toBe(elsewhere);
  });

  it('is one whose link is another', async () => {
    const reason = 'record 2, frame 6: its link does not match the record before it';
    expect(await readForged((entry) => entry.fill(0, 38, 54))).toBe(reason);
    expect(await readForged((entry) => (entry[53]! ^= 1))).toBe(reason);
  });

  it('is one that claims to be the first above the mark, and is not', async () => {
    const reason = await readForged((entry) => entry.fill(0, 28, 34), 3);
    expect(reason).toBe('record 2, frame 6: it claims to be the first record, but is not');
  });

  it('is none when all is in order', async () => {
    expect(await readForged(() => {})).toBeUndefined();
    expect(await readForged(() => {}, 3)).toBeUndefined();
  });
});

describe('a store that cannot be read to its end', () => {
  /** A scan that gives so many frames, and then fails; nothing else does, but for the frames that are bad. */
  function failing(after: number, bad: readonly number[], error: Error) {
    return (ledger: Ledger): void => {
      const { store } = ledger;
      const scan = store.scan.bind(store);
      store.scan = async function* (range, options) {
        let left = after;
        for await (const chunk of scan(range, options)) {
          const given = chunk.slice(0, left);
          left -= given.length;
          if (given.length > 0) yield given;
          if (left === 0) throw error;
        }
      };
      const get = store.get.bind(store);
      store.get = (key) => {
        if (bad.some((frame) => Buffer.from(key).equals(frameKey(frame)))) throw error;
        return get(key);
      };
    };
  }
  const io = new StoreIo('here', 'reading', new Error('bad block'));

  it('is read frame by frame from there: nothing that is readable is lost, nothing is seen twice', async () => {
    for (let after = 0; after < FRAMES.length; after++) {
      const { disk } = await told();
      const { seen, damaged } = await read(disk, 1, failing(after, [], io));
      expect(seen).toHaveLength(STORY.flat().length);
      expect(damaged).toEqual({});
    }
  });

  it('loses the frames in the bad places, and knows whose they were', async () => {
    const { disk } = await told();
    const found = await read(disk, 1, failing(2, [3, 5], io));
    expect(namesOf(found)).toEqual([2, 4]);
    expect(found.reading.unattributed).toEqual([]);
  });

  it('for another reason is not read at all', async () => {
    const { disk } = await told();
    await expect(read(disk, 1, failing(2, [], new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});

describe('recovery', () => {
  it('makes the anchor complete again: whose every entry was, who was born, how the frames hash', async () => {
    const { disk } = await told();
    const before = disk.anchor.entries().map((entry) => ({ ...entry, bytes: undefined }));
    for (const lost of [1, 3, FRAMES.length]) {
      forget(disk, lost);
      await recovered(disk);
      expect(disk.anchor.entries().map((entry) => ({ ...entry, bytes: undefined }))).toEqual(before);
    }
    expect(disk.anchor.entries().at(-1)!.hash).toBe(hashOf(frameOn(disk, 6)));
  });

  it('does not vouch for what it has found damaged', async () => {
    const { disk } = await told();
    forget(disk);
    const [first] = [...entriesOf(frameOn(disk, 3))] as StoredEntry[];
    disk.flip(diskKey(3), (first!.offset + 20) * 8);
    expect([...((await recovered(disk)) as Reading).damaged.keys()]).toContain(2);
    expect(disk.anchor.entries().map(({ frame }) => frame)).not.toContain(3);
    expect([...((await recovered(disk)) as Reading).damaged.keys()]).toContain(2);
  });

  it('that only looks changes nothing', async () => {
    const { disk } = await told();
    forget(disk, 2);
    await read(disk);
    expect(disk.anchor.entries()).toHaveLength(FRAMES.length - 2);
  });
});
