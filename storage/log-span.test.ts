// The lie: "this frame is in a table by now". If it is not, and the log loses it, nothing is left that knows of it. So LevelDB's
// own logs are read, while batches of all sizes are written.
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { frameKey, Prefix } from './keys.ts';
import { leveldb } from './leveldb.ts';
import { ENTRY_BYTES, LogSpan, STEP_BYTES } from './log-span.ts';

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

describe('what the log may hold', () => {
  it('is nothing before something was written, and nothing where there is no log', () => {
    expect(new LogSpan(STEP_BYTES).firstFrame).toBe(Infinity);
    const none = new LogSpan(0);
    none.add(7, 100);
    expect(none.firstFrame).toBe(Infinity);
  });

  it('begins with what was written first, until there is more behind it than the limit', () => {
    const span = new LogSpan(4 * STEP_BYTES);
    for (let frame = 10; frame < 15; frame++) {
      expect(span.firstFrame).toBe(frame === 10 ? Infinity : 10);
      span.add(frame, STEP_BYTES);
    }
    expect(span.firstFrame).toBe(11);
    // A large batch counts as one step: it fills a buffer by itself, but only one.
    span.add(15, 100 * STEP_BYTES);
    expect(span.firstFrame).toBe(12);
    for (let frame = 16; frame < 1016; frame++) span.add(frame, STEP_BYTES / 1000);
    expect(span.firstFrame).toBe(13);
  });
});

describe("LevelDB's logs", () => {
  it.each([
    ['small', () => 100, 10],
    ['large', () => 700_000, 1],
    ['larger than its buffer, and small', (i: number) => (i % 10 === 3 ? 17 << 20 : 500_000), 1],
  ])('never hold an older frame than that: batches that are %s', async (_, sizeOf, rows) => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-log-span-'));
    const store = leveldb(join(folder, 'store'));
    await store.open();
    const span = new LogSpan(store.logBytes!);
    let isUseful = 0;
    let frame = 0;
    // Small ones are put in by the thousand: what counts is what they weigh.
    // Until something is left out of it, and for a while after.
    while (isUseful < 50) {
      const first = frame + 1;
      const size = sizeOf(frame);
      const batch = store.batch();
      let weight = 0;
      for (let i = 0; i < rows * (size < 1000 ? 400 : 1); i++) {
        const key = frameKey(++frame);
        batch.put(key, Buffer.alloc(size, 'x'));
        weight += ENTRY_BYTES + key.length + size;
      }
      await batch.write();
      span.add(first, weight);
      if (span.firstFrame > 1) isUseful++;
      expect(oldestIn(join(folder, 'store'))).toBeGreaterThanOrEqual(span.firstFrame);
    }
    await store.close();
  });
});

/** The first frame in any log that is there. */
function oldestIn(path: string): number {
  const logs = readdirSync(path).filter((name) => name.endsWith('.log'));
  return Math.min(...logs.map((name) => firstIn(join(path, name))));
}

/** Its first batch begins in its first piece, behind the headers of both, with the key of a frame. */
function firstIn(log: string): number {
  const bytes = Buffer.alloc(7 + 12 + 2 + 7);
  let fd: number;
  try {
    fd = openSync(log, 'r');
  } catch {
    // All of it is in a table by now.
    return Infinity;
  }
  const length = readSync(fd, bytes);
  closeSync(fd);
  if (length < bytes.length) return Infinity;
  expect(bytes[21]).toBe(Prefix.Frame);
  return bytes.readUIntBE(22, 6);
}
