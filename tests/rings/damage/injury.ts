/**
 * Injuries: what happens to files on a disk. A bit is flipped, a block zeroed, a tail cut off, a file removed, batches are lost from
 * the log.
 */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../../runtime/testing/prng.ts';
import { batchesIn, loseBatches } from './batches.ts';

/** LevelDB's lock file must not be touched while it is open, and ours names a process. */
const NEVER_COPIED = new Set(['LOCK', 'heddle.lock']);
/** Files that say nothing about the content. */
const CHATTER = /^LOG/;

type Damage = 'bit' | 'block' | 'cut' | 'gone' | 'batches';
const DAMAGES: readonly Damage[] = ['bit', 'bit', 'bit', 'bit', 'bit', 'bit', 'block', 'cut', 'gone'];
/** What happens to the files of a store that has worked. */
export const STORE_DAMAGES: readonly Damage[] = [...DAMAGES, 'batches', 'batches'];
const BLOCK_BYTES = 512;

/** Copies a store, also one that is open in this process. */
export function copyStore(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (!NEVER_COPIED.has(name)) copyFileSync(join(from, name), join(to, name));
}

/** Injures one of the files in a folder. */
export function injure(
  folder: string,
  random: Prng,
  kinds: readonly Damage[] = DAMAGES,
): { readonly kind: Damage; readonly what: string } {
  const files = readdirSync(folder)
    .filter((name) => !CHATTER.test(name) && statSync(join(folder, name)).size > 0)
    .sort();
  const name = random.chance(0.5) ? random.pick(files) : pickBySize(folder, files, random);
  const path = join(folder, name);
  const { size } = statSync(path);
  const kind = random.pick(kinds);
  const at = random.below(size);
  switch (kind) {
    case 'bit': {
      const bytes = readFileSync(path);
      const bit = random.below(8);
      bytes[at]! ^= 1 << bit;
      writeFileSync(path, bytes);
      return { kind, what: `bit ${bit} of byte ${at} of ${size} in ${name}` };
    }
    case 'block': {
      const bytes = readFileSync(path);
      bytes.fill(0, at, Math.min(size, at + BLOCK_BYTES));
      writeFileSync(path, bytes);
      return { kind, what: `zeros from byte ${at} of ${size} in ${name}` };
    }
    case 'cut':
      truncateSync(path, at);
      return { kind, what: `${name} cut at ${at} of ${size}` };
    case 'gone':
      rmSync(path);
      return { kind, what: `${name} removed` };
    case 'batches':
      return { kind, what: injureBatches(folder, random) };
  }
}

/** Takes one batch out of the log, or some. */
function injureBatches(folder: string, random: Prng): string {
  const batches = batchesIn(folder);
  const victims = Array.from({ length: 1 + random.below(3) }, () => random.pick(batches));
  const lost = loseBatches(folder, victims).map(({ frame }) => frame);
  return `the frames ${lost.join(', ')} lost from the log`;
}

/** Most bits are in the large files; but the small ones matter as much. */
function pickBySize(folder: string, files: readonly string[], random: Prng): string {
  const sizes = files.map((name) => statSync(join(folder, name)).size);
  let at = random.below(sizes.reduce((sum, size) => sum + size, 0));
  return files[sizes.findIndex((size) => (at -= size) < 0)]!;
}
