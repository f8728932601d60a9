/**
 * Batches in LevelDB's log: where they are, which frames they brought, and how one is lost. LevelDB drops what is damaged there
 * without a word, and goes on with the next block.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../../../storage/frame.ts';
import { Prefix } from '../../../storage/keys.ts';
import { readLog } from '../../../storage/level-files.ts';

/** Sequence number u64, count u32. */
const BATCH_HEADER_BYTES = 12;
const FRAME_KEY_BYTES = 7;

/** A batch, by its first frame. */
export interface LoggedBatch {
  readonly frame: number;
  /** Who has entries in that frame. */
  readonly actors: ReadonlySet<number>;
  /** Where it stands: the offset of a byte in the frame. */
  readonly at: number;
}

/** The log of a store that was closed once at most, or killed. */
export function logOf(folder: string): string {
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.log'))!,
  );
}

/** The batches that LevelDB would find in its log. */
export function batchesIn(folder: string): LoggedBatch[] {
  const bytes = readFileSync(logOf(folder));
  const batches: LoggedBatch[] = [];
  let at = 0;
  for (const record of readLog(bytes).records) {
    // Ours begin with their frames.
    const key = BATCH_HEADER_BYTES + 2;
    if (record[key - 1] !== FRAME_KEY_BYTES || record[key] !== Prefix.Frame) continue;
    at = bytes.indexOf(record.subarray(0, key + FRAME_KEY_BYTES), at);
    const frame = record.readUIntBE(key + 1, 6);
    batches.push({
      frame,
      actors: actorsIn(record, key + FRAME_KEY_BYTES),
      at: at + key + FRAME_KEY_BYTES + 40,
    });
  }
  return batches;
}

function actorsIn(record: Buffer, at: number): ReadonlySet<number> {
  let length = 0;
  let scale = 1;
  let byte: number;
  do {
    byte = record[at++]!;
    length += (byte & 127) * scale;
    scale *= 128;
  } while (byte > 127);
  const actors = new Set<number>();
  for (const { actor } of entriesOf(record.subarray(at, at + length)))
    if (actor !== undefined) actors.add(actor);
  return actors;
}

/** Damages these batches. Returns all that are lost with them: what follows in their blocks is, too. */
export function loseBatches(folder: string, victims: readonly LoggedBatch[]): LoggedBatch[] {
  const before = batchesIn(folder);
  const path = logOf(folder);
  const bytes = readFileSync(path);
  for (const { at } of victims) bytes[at]! ^= 1;
  writeFileSync(path, bytes);
  const left = new Set(batchesIn(folder).map(({ frame }) => frame));
  return before.filter(({ frame }) => !left.has(frame));
}
