/**
 * Bits: a stored file is damaged, and the store opened again. A bit is flipped, a block zeroed, a tail cut off, a file
 * removed. Whatever is shown afterwards must be true, or refused; never silently shorter, older or altered.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '../../runtime/testing/prng.ts';
import { ExaminerProcess } from './damage/examiner-process.ts';
import type { Examination } from './damage/examiner.ts';
import { fillStore, NOTEBOOKS } from './damage/subject.ts';
import type { Expected } from './damage/subject.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

/** LevelDB's lock file must not be touched while it is open, and ours names a process. */
const NEVER_COPIED = new Set(['LOCK', 'heddle.lock']);
/** Files that say nothing about the content. */
const CHATTER = /^LOG/;

type Damage = 'bit' | 'block' | 'cut' | 'gone';
const DAMAGES: readonly Damage[] = ['bit', 'bit', 'bit', 'bit', 'bit', 'bit', 'block', 'cut', 'gone'];
const BLOCK_BYTES = 512;

export const bits: Ring = async ({ rounds = 200, seed = 1 }, progress) => {
  const tally = new Tally('bits', progress);
  tally.note('seed', seed);
  const random = new Prng(seed);
  const place = mkdtempSync(join(tmpdir(), 'heddle-bits-'));
  const examiner = new ExaminerProcess();
  try {
    const original = join(place, 'original');
    const killed = join(place, 'killed');
    const closed = join(place, 'closed');
    // As after kill -9, with everything in the log; and as after a close.
    const expected = await fillStore(original, random, () => copyStore(original, killed));
    copyStore(original, closed);
    for (let round = 1; round <= rounds; round++) {
      const patient = join(place, `patient-${round}`);
      copyStore(random.chance(0.5) ? killed : closed, patient);
      const damage = injure(patient, random);
      tally.add(`damaged ${damage.kind}`);
      tally.add('damaged');
      const examination = await examiner.examine(patient);
      diagnose(tally, examination, expected, `round ${round} (${damage.what})`);
      rmSync(patient, { recursive: true, force: true });
      tally.show(round, rounds);
    }
  } finally {
    examiner.stop();
    rmSync(place, { recursive: true, force: true });
  }
  tally.mustHaveHappened('damaged', rounds);
  if (rounds >= 50) for (const outcome of ['refusedActors', 'wholeStores']) tally.mustHaveHappened(outcome);
  return tally.report();
};

function copyStore(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (!NEVER_COPIED.has(name)) copyFileSync(join(from, name), join(to, name));
}

function injure(folder: string, random: Prng): { readonly kind: Damage; readonly what: string } {
  const files = readdirSync(folder)
    .filter((name) => !CHATTER.test(name) && statSync(join(folder, name)).size > 0)
    .sort();
  const name = random.chance(0.5) ? random.pick(files) : pickBySize(folder, files, random);
  const path = join(folder, name);
  const { size } = statSync(path);
  const kind = random.pick(DAMAGES);
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
  }
}

/** Most bits are in the large files; but the small ones matter as much. */
function pickBySize(folder: string, files: readonly string[], random: Prng): string {
  const sizes = files.map((name) => statSync(join(folder, name)).size);
  let at = random.below(sizes.reduce((sum, size) => sum + size, 0));
  return files[sizes.findIndex((size) => (at -= size) < 0)]!;
}

function diagnose(
  tally: Tally,
  examination: Examination | undefined,
  expected: readonly Expected[],
  where: string,
): void {
  if (examination === undefined) return tally.add('abortedByLevelDB');
  const { refused, crashed, actors = [], broken = [] } = examination;
  if (crashed !== undefined) return tally.violation(`${where}: ${crashed}`);
  if (refused !== undefined) {
    tally.add(`refused with ${refused}`);
    return tally.add('refusedStores');
  }
  let whole = 0;
  for (const [index, { address, refused: reason, missing, context }] of actors.entries()) {
    if (reason !== undefined) {
      tally.add('refusedActors');
      continue;
    }
    const { count, sum, last } = expected[index]!;
    if (missing === true) tally.violation(`${where}: ${address} is gone, and nobody says so`);
    else if (context!.count === count && context!.sum === sum && context!.last === last) whole++;
    else tally.violation(`${where}: ${address} silently has ${context!.count} instead of ${count} events`);
  }
  tally.add('wholeActors', whole);
  if (whole === NOTEBOOKS) tally.add(broken.length > 0 ? 'foundByVerify' : 'wholeStores');
  else tally.add('storesWithRefusals');
}
