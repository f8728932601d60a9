/**
 * Backup: a system at work is backed up again and again, and killed in the middle; the disk of the backup runs full; a restore is
 * killed in the middle; and stores are injured, diagnosed and salvaged. What is restored or saved must hold what was acknowledged,
 * or refuse; what is half must be refused.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystem, HeddleError } from 'heddle';
import {
  doctor,
  leveldb,
  NothingSaved,
  restoreBackup,
  salvage,
  StoreIo,
  StoreUnfinished,
} from 'heddle/storage';
import { Prng } from '../../runtime/testing/prng.ts';
import type { Line } from './backup/process.ts';
import { SubjectProcess } from './backup/subject-process.ts';
import { ExaminerProcess } from './damage/examiner-process.ts';
import { copyStore, injure } from './damage/injury.ts';
import { fillStore, notebook, NOTEBOOKS } from './damage/subject.ts';
import type { Expected } from './damage/subject.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';
import { mountDisk, roomLeft, unmountDisk } from './small-disk.ts';

const DISK_BYTES = 24 << 20;
/** More would not fit on it even without ballast. */
const MAX_FULL_ROUNDS = 10;
/** A process that is left alone makes so many backups in a life. */
const BACKUPS_IN_PEACE = 3;
/** A backup takes about so long, and a restore; a kill may come at any moment of it. */
const BACKUP_MS = 900;
const RESTORE_MS = 900;

const logger = { log: () => {}, error: () => {} };

export const backup: Ring = async ({ rounds = 25, seed = Date.now() % 100_000 }, progress) => {
  const tally = new Tally('backup', progress);
  tally.note('seed', seed);
  const random = new Prng(seed);
  const place = mkdtempSync(join(tmpdir(), 'heddle-backup-'));
  const examiner = new ExaminerProcess();
  try {
    const subject = new Subject(place, random, tally);
    for (let round = 1; round <= rounds; round++) {
      await subject.liveAndDie(round);
      await subject.restoreAndDie(round);
      tally.show(round, 2 * rounds);
    }
    const killed = join(place, 'killed');
    const { expected } = await fillStore(join(place, 'original'), random, () =>
      copyStore(join(place, 'original'), killed),
    );
    for (let round = 1; round <= rounds; round++) {
      await saveInjured(killed, place, expected, random, examiner, tally, round);
      tally.show(rounds + round, 2 * rounds);
    }
    await runFull(killed, place, Math.min(rounds, MAX_FULL_ROUNDS), random, tally);
  } finally {
    examiner.stop();
    rmSync(place, { recursive: true, force: true });
  }
  for (const what of ['backups', 'restored', 'killedBackingUp', 'killedRestoring', 'intrudersKeptOut'])
    tally.mustHaveHappened(what, Math.floor(rounds / 2));
  tally.mustHaveHappened('injured', rounds);
  if (rounds >= 10)
    for (const what of ['resumed', 'refusedUnfinished', 'reusedFiles', 'savedActors'])
      tally.mustHaveHappened(what);
  return tally.report();
};

// ---- at work --------------------------------------------------------------------------------------------------------

class Subject {
  readonly #store: string;
  readonly #backup: string;
  readonly #restored: string;
  readonly #random: Prng;
  readonly #tally: Tally;
  /** What was acknowledged when the last finished backup began. */
  #promised: readonly number[] = [];
  #pauses: number[] = [];

  constructor(place: string, random: Prng, tally: Tally) {
    this.#store = join(place, 'store');
    this.#backup = join(place, 'backup');
    this.#restored = join(place, 'restored');
    this.#random = random;
    this.#tally = tally;
  }

  /** A process works and is backed up, until it is killed; every third is left alone for some backups before. */
  async liveAndDie(round: number): Promise<void> {
    const process = new SubjectProcess('work', this.#store, this.#backup);
    if (round % 3 === 1) {
      await process.until('done', BACKUPS_IN_PEACE - 1);
      await this.#intrude('during');
      await process.until('done', BACKUPS_IN_PEACE);
      await this.#intrude('after');
    } else {
      await process.until('begins');
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(BACKUP_MS)));
    }
    if (!(await process.kill())) this.#tally.violation(`round ${round}: the process has died by itself`);
    this.#hear(process.lines);
  }

  /** A second process must not get in, whatever the backup has done with the files. */
  async #intrude(when: string): Promise<void> {
    const intruder = new SubjectProcess('intrude', this.#store);
    await intruder.ended;
    const [line] = intruder.lines;
    if (line === undefined || !('letIn' in line))
      return this.#tally.violation('the intruder has said nothing');
    if (line.letIn.length === 0) this.#tally.add('intrudersKeptOut');
    else this.#tally.violation(`${when} a backup a second process got in by ${String(line.letIn)}`);
  }

  #hear(lines: readonly Line[]): void {
    let begun: readonly number[] = [];
    let phase = 'holding';
    for (const line of lines) {
      if ('begins' in line) {
        begun = line.begins;
        phase = 'holding';
      } else if ('phase' in line) ({ phase } = line);
      else if ('trouble' in line) this.#tally.violation(line.trouble);
      else if ('done' in line) {
        if (phase === 'done') continue;
        if (this.#wasInterrupted) this.#tally.add('resumed');
        this.#wasInterrupted = false;
        phase = 'done';
        this.#promised = begun;
        this.#tally.add('backups');
        this.#tally.add('copiedFiles', line.done.copiedFiles);
        this.#tally.add('reusedFiles', line.done.files - line.done.copiedFiles);
        this.#pauses.push(line.done.pauseMs);
      }
    }
    this.#tally.note('longestPauseMs', Number(Math.max(0, ...this.#pauses).toFixed(2)));
    if (phase === 'done') return;
    this.#wasInterrupted = true;
    this.#tally.add('killedBackingUp');
    this.#tally.add(`killed while ${phase}`);
  }

  #wasInterrupted = false;

  /** A restore is killed at some moment; then it is done once more, and what comes of it judged. */
  async restoreAndDie(round: number): Promise<void> {
    if (this.#promised.length === 0) return;
    rmSync(this.#restored, { recursive: true, force: true });
    const process = new SubjectProcess('restore', this.#backup, this.#restored);
    if (this.#random.chance(0.5)) await process.until('phase');
    await new Promise((resolve) => setTimeout(resolve, this.#random.below(RESTORE_MS)));
    const wasKilled = await process.kill();
    const isWhole = process.lines.some((line) => 'restored' in line);
    if (wasKilled && !isWhole) this.#tally.add('killedRestoring');
    // Empty as before, refused, or whole.
    const isTouched = existsSync(this.#restored) && readdirSync(this.#restored).length > 0;
    if (!isTouched || (await this.#isRefused())) {
      if (isTouched) this.#tally.add('refusedUnfinished');
      await restoreBackup({ from: this.#backup, to: this.#restored });
    }
    await this.#judge(round);
  }

  async #isRefused(): Promise<boolean> {
    const store = leveldb(this.#restored);
    try {
      await store.open();
      await store.close();
      return false;
    } catch (error) {
      if (!(error instanceof StoreUnfinished)) this.#tally.violation(`half a restore: ${String(error)}`);
      return true;
    }
  }

  /** Everything that was acknowledged before the backup began is in it, and the system goes on from there. */
  async #judge(round: number): Promise<void> {
    const system = await createSystem({ store: leveldb(this.#restored), actors: { notebook }, logger });
    for (let i = 0; i < NOTEBOOKS; i++) {
      const count = system.get(`notebook/${i}`)?.getSnapshot().context.count ?? 0;
      if (count < this.#promised[i]!)
        this.#tally.violation(`round ${round}: notebook ${i} has ${count} of ${this.#promised[i]} events`);
    }
    const { broken } = await system.verify();
    if (broken.length > 0) this.#tally.violation(`round ${round}: ${JSON.stringify(broken[0])}`);
    await (await system.actor('notebook', '0')).send({ type: 'write', number: 1, text: '' });
    await system.close();
    this.#tally.add('restored');
  }
}

// ---- injured --------------------------------------------------------------------------------------------------------

/** A store is injured, once or more; what can be saved is saved, and judged. */
async function saveInjured(
  from: string,
  place: string,
  expected: readonly Expected[],
  random: Prng,
  examiner: ExaminerProcess,
  tally: Tally,
  round: number,
): Promise<void> {
  const [patient, saved] = [join(place, 'patient'), join(place, 'saved')];
  for (const folder of [patient, saved]) rmSync(folder, { recursive: true, force: true });
  copyStore(from, patient);
  const injuries = Array.from({ length: 1 + random.below(2) }, () => injure(patient, random).what);
  const where = `round ${round} (${injuries.join('; ')})`;
  tally.add('injured');
  const { verdict, saves } = await doctor(patient);
  tally.add(`verdict ${verdict}`);
  try {
    const { kept, refused } = await salvage({ from: patient, to: saved });
    if (verdict === 'sound' && refused.length > 0)
      tally.violation(`${where}: sound, and yet ${refused.length} refused`);
    if (verdict !== 'sound' && saves?.kept !== undefined && saves.kept !== kept)
      tally.violation(`${where}: the doctor promises ${saves.kept}, and ${kept} are saved`);
  } catch (error) {
    if (error instanceof NothingSaved) return tally.add('nothingSaved');
    return tally.violation(`${where}: ${error instanceof HeddleError ? error.message : String(error)}`);
  }
  const examination = await examiner.examine(saved);
  if (examination?.actors === undefined)
    return tally.violation(
      `${where}: what was saved does not open: ${examination?.why ?? examination?.crashed}`,
    );
  for (const [index, { address, refused, missing, context }] of examination.actors.entries()) {
    const { count, sum, last } = expected[index]!;
    if (refused !== undefined) tally.add('refusedActors');
    else if (missing === true) tally.violation(`${where}: ${address} is gone, and nobody says so`);
    else if (context!.count === count && context!.sum === sum && context!.last === last)
      tally.add('savedActors');
    else tally.violation(`${where}: ${address} silently has ${context!.count} instead of ${count} events`);
  }
}

// ---- without room ---------------------------------------------------------------------------------------------------

/** The disk of the backup runs full, again and again; what was there before stays whole, and it is finished when there is room. */
async function runFull(
  from: string,
  place: string,
  rounds: number,
  random: Prng,
  tally: Tally,
): Promise<void> {
  const disk = join(place, 'disk');
  mkdirSync(disk);
  if (!mountDisk(disk, DISK_BYTES)) return tally.note('disk', 'no right to mount a file system here');
  try {
    const store = join(place, 'source');
    copyStore(from, store);
    const system = await createSystem({ store: leveldb(store), actors: { notebook }, logger });
    const [target, ballast] = [join(disk, 'backup'), join(disk, 'ballast')];
    for (let round = 1; round <= rounds; round++) {
      const earlier = round === 1 ? undefined : await system.backup(target);
      await (
        await system.actor('notebook', `${random.below(NOTEBOOKS)}`)
      ).send({
        type: 'write',
        number: round,
        text: Buffer.from(random.bytes(200_000)).toString('base64'),
      });
      writeFileSync(ballast, Buffer.alloc(Math.max(0, roomLeft(disk) - random.below(600 << 10))));
      try {
        await system.backup(target);
        tally.add('hadRoom');
      } catch (error) {
        if (error instanceof StoreIo) tally.add('ranFull');
        else tally.violation(`round ${round}: a full disk is said to be ${String(error)}`);
      }
      rmSync(ballast);
      const restored = join(place, 'from-full');
      rmSync(restored, { recursive: true, force: true });
      if (earlier !== undefined) {
        const { head } = await restoreBackup({ from: target, to: restored });
        if (head.commit < earlier.head.commit) tally.violation(`round ${round}: the earlier backup is gone`);
      }
      const { head } = await system.backup(target);
      const { head: now } = await system.verify();
      if (head.hash !== now.hash) tally.violation(`round ${round}: it was not finished when there was room`);
    }
    await system.close();
    tally.mustHaveHappened('ranFull');
  } finally {
    unmountDisk(disk);
  }
}
