// The lie: "a lost tail is noticed". The file that would notice it is itself torn, flipped, cut, pruned, filled up and
// read again after each; what it gives must be a beginning of what it was told, and never anything else.
import type * as FileSystem from 'node:fs';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileAnchor, MemoryAnchor } from './anchor.ts';
import type { Anchor, AnchorEntry } from './anchor.ts';

/** A disk with this much room; what does not fit is cut, as `write` does it, and then refused. */
const disk = vi.hoisted(() => ({ roomBytes: Infinity, failsSyncAfter: Infinity }));
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof FileSystem>();
  const writeSync = (fd: number, bytes: Uint8Array, offset = 0, length = bytes.length, position?: number) => {
    if (disk.roomBytes === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const part = Math.min(length, bytes.length - offset, disk.roomBytes);
    disk.roomBytes -= part;
    return fs.writeSync(fd, bytes, offset, part, position);
  };
  const fsyncSync = (fd: number) => {
    if (--disk.failsSyncAfter < 0) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
    fs.fsyncSync(fd);
  };
  return { ...fs, writeSync, fsyncSync };
});

const STORE_ID = '00112233445566778899aabbccddeeff';
const HEADER_BYTES = 36;
/** Pruning does nothing to a smaller file. */
const PRUNE_FROM_BYTES = 1 << 20;
const MAX_U48 = 2 ** 48 - 1;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-anchor-'));
  path = join(folder, 'heddle.anchor');
});
afterEach(() => {
  disk.roomBytes = disk.failsSyncAfter = Infinity;
  rmSync(folder, { recursive: true });
});

function entry(frame: number, changes: Partial<AnchorEntry> = {}): AnchorEntry {
  const hash = String.fromCharCode(frame & 255).repeat(32);
  return { frame, commit: frame, hash, actors: [frame, 1], born: [], ...changes };
}

/** An entry so large that a few of them are worth pruning. */
const large = (frame: number): AnchorEntry => entry(frame, { actors: CROWD });
const CROWD = Array.from({ length: 60_000 }, (_, i) => (i * 2_654_435_761) % 2 ** 32);

function created(entries: readonly AnchorEntry[] = []): FileAnchor {
  const anchor = new FileAnchor(path);
  anchor.create(STORE_ID);
  anchor.note(entries);
  return anchor;
}

/** What somebody finds who opens it now. */
function reread(): readonly AnchorEntry[] {
  const anchor = new FileAnchor(path);
  const entries = anchor.entries();
  anchor.close();
  return entries;
}

const framesOf = (entries: readonly AnchorEntry[]): number[] => entries.map(({ frame }) => frame);

const u48 = fc.oneof(fc.nat({ max: MAX_U48 }), fc.constantFrom(0, 1, 127, 128, 2 ** 32, MAX_U48));
const hashes = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const anyEntry: fc.Arbitrary<AnchorEntry> = fc.record(
  {
    frame: u48,
    commit: u48,
    hash: hashes,
    actors: fc.array(u48, { maxLength: 12 }),
    born: fc.array(fc.tuple(u48, fc.string({ unit: 'grapheme', maxLength: 20 })), { maxLength: 4 }),
    others: fc.array(u48, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['frame', 'commit', 'hash', 'actors', 'born'] },
);

describe.each<[string, () => Anchor]>([
  ['in a file', () => new FileAnchor(path)],
  ['in memory', () => new MemoryAnchor()],
])('an anchor %s', (_, make) => {
  it('belongs to no store until it is created, and knows nothing then', () => {
    const anchor = make();
    expect([anchor.storeId, anchor.entries()]).toEqual([undefined, []]);
    anchor.create(STORE_ID);
    expect([anchor.storeId, anchor.entries()]).toEqual([STORE_ID, []]);
    anchor.close();
  });

  it('gives what was noted, oldest first, between the notes too', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyEntry, { maxLength: 4 }), { maxLength: 5 }), (commits) => {
        const anchor = make();
        anchor.create(STORE_ID);
        const noted: AnchorEntry[] = [];
        for (const entries of commits) {
          anchor.note(entries);
          noted.push(...entries);
          expect(anchor.entries()).toEqual(noted);
        }
        anchor.close();
      }),
      { numRuns: 25 },
    );
  });

  it('starts again when it is created again', () => {
    const anchor = make();
    anchor.create(STORE_ID);
    anchor.note([entry(1)]);
    anchor.create('f'.repeat(32));
    expect([anchor.storeId, anchor.entries()]).toEqual(['f'.repeat(32), []]);
    anchor.note([entry(2)]);
    expect(framesOf(anchor.entries())).toEqual([2]);
    anchor.close();
  });

  it('forgets what lies below a frame, but never the newest', () => {
    const anchor = make();
    anchor.create(STORE_ID);
    const entries = [1, 2, 3, 4, 5].map(large);
    anchor.note(entries);
    anchor.prune(3);
    expect(framesOf(anchor.entries())).toEqual([3, 4, 5]);
    anchor.note([6, 7, 8, 9].map(large));
    anchor.prune(1000);
    expect(framesOf(anchor.entries())).toEqual([9]);
    expect(anchor.entries()[0]!.actors).toHaveLength(60_000);
    expect(anchor.storeId).toBe(STORE_ID);
    anchor.close();
  });
});

describe('an anchor that is opened again', () => {
  it('holds all that was noted, whatever that is', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 8 }), (entries) => {
        const anchor = created(entries);
        anchor.close();
        expect(reread()).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });

  it('holds frames with more actors than it has ever room for at once', () => {
    const wide = entry(1, {
      actors: Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? MAX_U48 - i : i)),
      born: Array.from(
        { length: 2000 },
        (_, i) => [MAX_U48 - i, `order/${'ü'.repeat(i % 50)}/${i}`] as const,
      ),
    });
    const anchor = created([entry(0), wide, entry(2)]);
    expect(anchor.entries()).toEqual([entry(0), wide, entry(2)]);
    anchor.close();
    expect(reread()).toEqual([entry(0), wide, entry(2)]);
  });

  it('goes on where it ended', () => {
    created([entry(1)]).close();
    for (let frame = 2; frame < 6; frame++) {
      const anchor = new FileAnchor(path);
      anchor.note([entry(frame)]);
      anchor.close();
    }
    expect(framesOf(reread())).toEqual([1, 2, 3, 4, 5]);
  });

  it('is seen by others as soon as something is noted: what a process has noted outlives its death', () => {
    const anchor = created();
    for (let frame = 1; frame < 5; frame++) {
      anchor.note([entry(frame)]);
      expect(reread().at(-1)).toEqual(entry(frame));
    }
    anchor.close();
  });
});

describe('an anchor whose end is torn', () => {
  const noted = [1, 2, 3].map((frame) => entry(frame, { born: [[frame, `order/${frame}`]] }));

  /** Where each entry ends. */
  function ends(): number[] {
    const anchor = created();
    const sizes = [statSync(path).size];
    for (const one of noted) {
      anchor.note([one]);
      sizes.push(statSync(path).size);
    }
    anchor.close();
    return sizes;
  }

  it('holds what came before, wherever it was cut, and goes on from there', () => {
    const sizes = ends();
    expect(sizes[0]).toBe(HEADER_BYTES);
    const whole = readFileSync(path);
    for (let length = HEADER_BYTES; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const complete = sizes.filter((size) => size <= length).length - 1;
      const anchor = new FileAnchor(path);
      expect(anchor.entries()).toEqual(noted.slice(0, complete));
      // What is torn is gone from the file: what comes next is shorter, and must not be followed by its rest.
      anchor.note([entry(9, { actors: [] })]);
      anchor.close();
      expect(reread()).toEqual([...noted.slice(0, complete), entry(9, { actors: [] })]);
    }
  });

  it('is not taken for one when its header is cut: then it belongs to nobody', () => {
    ends();
    const whole = readFileSync(path);
    for (let length = 0; length < HEADER_BYTES; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const anchor = new FileAnchor(path);
      expect([anchor.storeId, anchor.entries()]).toEqual([undefined, []]);
      anchor.close();
      // It is evidence: looking at it changes nothing.
      expect(statSync(path).size).toBe(length);
    }
  });

  it('may be followed by zeros or noise, as after a power cut', () => {
    for (const rest of [Buffer.alloc(1), Buffer.alloc(4096), Buffer.alloc(300, 0xa5)]) {
      ends();
      appendFileSync(path, rest);
      const anchor = new FileAnchor(path);
      expect(anchor.entries()).toEqual(noted);
      anchor.note([entry(4)]);
      anchor.close();
      expect(reread()).toEqual([...noted, entry(4)]);
    }
  });
});

describe('an anchor with a flipped bit', () => {
  it('gives all that was noted but the entry that is hit', () => {
    const noted = [1, 2, 3, 4].map((frame) => entry(frame, { born: [[frame, 'a/b']] }));
    created(noted).close();
    const whole = readFileSync(path);
    const size = (whole.length - HEADER_BYTES) / noted.length;
    let hits = 0;
    for (let at = HEADER_BYTES; at < whole.length; at++) {
      const copy = Buffer.from(whole);
      copy[at]! ^= 1 << (at % 8);
      writeFileSync(path, copy);
      const found = reread();
      expect(found).toEqual(noted.toSpliced(Math.floor((at - HEADER_BYTES) / size), 1));
      hits++;
    }
    expect(hits).toBe(whole.length - HEADER_BYTES);
  });

  it('in its header belongs to nobody, and is not touched', () => {
    created([entry(1)]).close();
    const whole = readFileSync(path);
    for (let bit = 0; bit < HEADER_BYTES * 8; bit += 3) {
      const copy = Buffer.from(whole);
      copy[bit >>> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, copy);
      const anchor = new FileAnchor(path);
      expect([anchor.storeId, anchor.entries()]).toEqual([undefined, []]);
      anchor.close();
      expect(readFileSync(path).equals(copy)).toBe(true);
    }
  });

  it('is not followed by old entries again, when new ones take the place of the damaged one', () => {
    created([entry(1), entry(2), entry(3)]).close();
    const bytes = readFileSync(path);
    const entryBytes = (bytes.length - HEADER_BYTES) / 3;
    bytes[HEADER_BYTES + entryBytes + 10]! ^= 1;
    writeFileSync(path, bytes);
    const anchor = new FileAnchor(path);
    anchor.note([entry(9)]);
    anchor.close();
    expect(reread().at(-1)).toEqual(entry(9));
  });

  it('in one entry does not cost the entries behind it', () => {
    created([entry(1), entry(2), entry(3)]).close();
    const bytes = readFileSync(path);
    bytes[HEADER_BYTES + 10]! ^= 1;
    writeFileSync(path, bytes);
    expect(reread().at(-1)).toEqual(entry(3));
  });

  it('before the first that survives is said, at least as much as there was', () => {
    created(Array.from({ length: 9 }, (_, i) => entry(i + 1))).close();
    const bytes = readFileSync(path);
    const lostOf = (damaged: Buffer): number => {
      writeFileSync(path, damaged);
      const anchor = new FileAnchor(path);
      anchor.close();
      return anchor.lost;
    };
    const entryBytes = (bytes.length - HEADER_BYTES) / 9;
    expect(lostOf(bytes)).toBe(0);
    expect(lostOf(Buffer.from(bytes).fill(0, HEADER_BYTES + 4 * entryBytes))).toBe(0);
    expect(
      lostOf(Buffer.from(bytes).fill(0, HEADER_BYTES + 2 * entryBytes, HEADER_BYTES + 3 * entryBytes)),
    ).toBe(0);
    expect(
      lostOf(Buffer.from(bytes).fill(0, HEADER_BYTES, HEADER_BYTES + 3 * entryBytes)),
    ).toBeGreaterThanOrEqual(3);
  });
});

describe('pruning', () => {
  it('waits until there is something to gain', () => {
    const anchor = created([1, 2, 3].map((frame) => entry(frame)));
    const before = statSync(path).size;
    anchor.prune(3);
    expect(statSync(path).size).toBe(before);
    expect(framesOf(anchor.entries())).toEqual([1, 2, 3]);
    anchor.close();
  });

  it('makes the file small, and it goes on, is read again, and is pruned again', () => {
    const anchor = created();
    for (let round = 0; round < 3; round++) {
      const first = round * 100 + 1;
      const frames = Array.from({ length: 6 }, (_, i) => first + i);
      for (const frame of frames) anchor.note([large(frame)]);
      expect(statSync(path).size).toBeGreaterThan(PRUNE_FROM_BYTES);
      anchor.prune(first + 4);
      expect(statSync(path).size).toBeLessThan(PRUNE_FROM_BYTES);
      anchor.note([entry(first + 6)]);
      expect(framesOf(anchor.entries())).toEqual([first + 4, first + 5, first + 6]);
      expect(reread()).toEqual([large(first + 4), large(first + 5), entry(first + 6)]);
    }
    anchor.close();
    expect(readdirSync(folder)).toEqual(['heddle.anchor']);
  });

  it('waits until as much again has gathered as it had to keep', () => {
    const anchor = created(Array.from({ length: 10 }, (_, i) => large(i + 1)));
    anchor.prune(2);
    expect(framesOf(anchor.entries())).toHaveLength(9);
    anchor.note(Array.from({ length: 8 }, (_, i) => large(i + 11)));
    anchor.prune(18);
    expect(framesOf(anchor.entries())).toHaveLength(17);
    anchor.note([large(19), large(20)]);
    anchor.prune(18);
    expect(framesOf(anchor.entries())).toEqual([18, 19, 20]);
    anchor.close();
  });

  it('keeps what is to be kept where some of it is damaged, and nothing else', () => {
    created(Array.from({ length: 6 }, (_, i) => large(i + 1))).close();
    const bytes = readFileSync(path);
    const entryBytes = (bytes.length - HEADER_BYTES) / 6;
    bytes[Math.floor(HEADER_BYTES + 1.5 * entryBytes)]! ^= 1;
    writeFileSync(path, bytes);
    const anchor = new FileAnchor(path);
    anchor.prune(4);
    expect(framesOf(anchor.entries())).toEqual([4, 5, 6]);
    anchor.close();
    expect(reread()).toEqual([4, 5, 6].map(large));
  });

  it('keeps the newest of what was read again', () => {
    created(Array.from({ length: 6 }, (_, i) => large(i + 1))).close();
    const anchor = new FileAnchor(path);
    anchor.prune(1000);
    anchor.close();
    expect(framesOf(reread())).toEqual([6]);
    const again = new FileAnchor(path);
    expect(again.storeId).toBe(STORE_ID);
    again.close();
  });

  it('that cannot write leaves the old file, complete, and notes go on', () => {
    const anchor = created(Array.from({ length: 6 }, (_, i) => large(i + 1)));
    // In the way of the new file.
    mkdirSync(`${path}.new`);
    anchor.prune(5);
    expect(anchor.entries()).toHaveLength(6);
    anchor.note([entry(7)]);
    expect(framesOf(anchor.entries())).toEqual(Array.from({ length: 7 }, (_, i) => i + 1));
    rmSync(`${path}.new`, { recursive: true });
    anchor.prune(7);
    expect(framesOf(anchor.entries())).toEqual([7]);
    anchor.close();
    expect(framesOf(reread())).toEqual([7]);
  });

  it('is not hindered by what an earlier one has left behind when the process died', () => {
    writeFileSync(`${path}.new`, 'half of a file');
    const anchor = created(Array.from({ length: 6 }, (_, i) => large(i + 1)));
    writeFileSync(`${path}.new`, 'half of a file');
    anchor.prune(5);
    anchor.close();
    expect(framesOf(reread())).toEqual([5, 6]);
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});

describe('an anchor on a full disk', () => {
  const room = (): void => void (disk.roomBytes = Infinity);

  it('never throws, falls behind, and catches up with the next note', () => {
    const anchor = created([entry(1)]);
    disk.roomBytes = 0;
    anchor.note([entry(2), entry(3)]);
    anchor.note([entry(4)]);
    expect(framesOf(reread())).toEqual([1]);
    room();
    anchor.note([entry(5)]);
    expect(anchor.entries()).toEqual([1, 2, 3, 4, 5].map((frame) => entry(frame)));
    anchor.close();
    expect(reread()).toEqual([1, 2, 3, 4, 5].map((frame) => entry(frame)));
  });

  it('writes over what was cut short, wherever that was', () => {
    const size = created([entry(1)]).entries().length > 0 ? statSync(path).size - HEADER_BYTES : 0;
    expect(size).toBeGreaterThan(50);
    for (let roomBytes = 1; roomBytes < 2 * size; roomBytes += 3) {
      const anchor = created();
      disk.roomBytes = roomBytes;
      anchor.note([entry(1), entry(2), entry(3)]);
      expect(framesOf(reread())).toEqual([1, 2, 3].slice(0, Math.floor(roomBytes / size)));
      room();
      anchor.note([entry(4, { actors: [] })]);
      expect(framesOf(anchor.entries())).toEqual([1, 2, 3, 4]);
      anchor.close();
    }
  });

  it('remembers a thousand entries, and no more', () => {
    const anchor = created();
    disk.roomBytes = 0;
    for (let frame = 1; frame <= 1010; frame++) anchor.note([entry(frame)]);
    room();
    anchor.note([entry(2000)]);
    const frames = framesOf(anchor.entries());
    expect(frames).toHaveLength(1001);
    expect(frames.slice(-2)).toEqual([1000, 2000]);
    anchor.close();
  });

  it('is not pruned while it is behind', () => {
    const anchor = created(Array.from({ length: 6 }, (_, i) => large(i + 1)));
    disk.roomBytes = 0;
    anchor.note([entry(7)]);
    room();
    anchor.prune(7);
    anchor.note([entry(8)]);
    expect(anchor.entries()).toHaveLength(8);
    anchor.close();
  });

  it('cannot be created without anybody being told', () => {
    disk.roomBytes = 0;
    const anchor = new FileAnchor(path);
    expect(() => anchor.create(STORE_ID)).toThrow(/no space/);
    expect(existsSync(path)).toBe(false);
  });

  it('is not replaced by the part of the new file that had room', () => {
    const anchor = created(Array.from({ length: 6 }, (_, i) => large(i + 1)));
    disk.roomBytes = 1000;
    anchor.prune(5);
    room();
    expect(framesOf(anchor.entries())).toContain(6);
  });

  it('goes on behind the new file, when making the renaming durable has failed', () => {
    const anchor = created(Array.from({ length: 6 }, (_, i) => large(i + 1)));
    disk.failsSyncAfter = 1;
    anchor.prune(5);
    disk.failsSyncAfter = Infinity;
    anchor.note([entry(7)]);
    expect(framesOf(anchor.entries()).at(-1)).toBe(7);
  });
});

describe('an anchor in memory', () => {
  it('loses the newest in a power cut, and no more than there are', () => {
    const anchor = new MemoryAnchor();
    anchor.note([1, 2, 3].map((frame) => entry(frame)));
    anchor.forgetNewest(1);
    expect(framesOf(anchor.entries())).toEqual([1, 2]);
    anchor.forgetNewest(0);
    expect(framesOf(anchor.entries())).toEqual([1, 2]);
    anchor.forgetNewest(9);
    expect(anchor.entries()).toEqual([]);
  });

  it('gives to nobody what could be used to change it', () => {
    const anchor = new MemoryAnchor();
    anchor.note([entry(1)]);
    const before = anchor.entries();
    anchor.prune(0);
    anchor.note([entry(2)]);
    expect(framesOf(anchor.entries())).toEqual([1, 2]);
    expect(framesOf(before)).toEqual([1]);
  });
});
