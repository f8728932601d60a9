/**
 * The doctor: says what is wrong with a closed store, and what can be saved of it; and saves it, into a new place.
 *
 * It never changes the store that it looks at, and does not even lock it. Files are read where they lie; what must be opened is a
 * copy, in another process, because LevelDB writes when it opens, and may abort. The copy needs as much room as the store, and a
 * store that is damaged twice as much.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HeddleError, NothingSaved, StoreIo, StoreLocked, StoreUnfinished } from '../errors.ts';
import type { CorruptionEvidence } from '../errors.ts';
import { isOfStore, isUnfinished, LOCK_FILE } from '../leveldb.ts';
import { holderOf } from '../lock.ts';
import { copyFile } from '../sound-files.ts';
import { Unfinished } from '../unfinished.ts';
import { textOf } from '../verification.ts';
import { apart, Died, Failed } from './apart.ts';
import type { Examination } from './examination.ts';
import type { Saved } from './saving.ts';
import { symptomsOf } from './symptoms.ts';
import type { Symptom } from './symptoms.ts';
import { write } from './report.ts';

export interface DoctorOptions {
  /** Where the copies are made. Default: the folder of the system for what is temporary. */
  readonly scratch?: string;
  readonly signal?: AbortSignal;
}

/** How a store is. */
export type Verdict =
  /** All of it proves itself. */
  | 'sound'
  /** It opens, and some actors are refused, or something needs to be looked at. */
  | 'damaged'
  /** It does not open. */
  | 'closed'
  /** A process has it open: it is looked at only when it is closed. */
  | 'in-use'
  /** It was being restored or salvaged, and that did not come to its end. */
  | 'unfinished'
  /** There is no store. */
  | 'missing';

export interface DoctorFinding {
  /**
   * - `fatal`: the store does not open because of it.
   * - `loss`: something is lost, or somebody is refused.
   * - `warning`: it opens, and nothing is lost; somebody should know.
   */
  readonly severity: 'fatal' | 'loss' | 'warning';
  /** A file, or the address of an actor. */
  readonly where: string;
  readonly what: string;
  /** Where it stands, for somebody who looks with other tools. */
  readonly evidence?: CorruptionEvidence;
}

/** What the doctor says. */
export interface Diagnosis {
  readonly folder: string;
  readonly verdict: Verdict;
  readonly findings: readonly DoctorFinding[];
  /** What stands in it, as far as it could be read. */
  readonly holds: Pick<Examination, 'storeId' | 'head' | 'records' | 'actors' | 'frames'> | undefined;
  /** What `salvage` would write into a new store; undefined when there is nothing to salvage, or nothing can be. */
  readonly saves: Salvage | undefined;
  /** What to do, in words. */
  readonly advice: readonly string[];
  /** All of it, for people. */
  readonly text: string;
}

/** What is kept, and who is not. */
export interface Salvage {
  readonly kept: number;
  readonly refused: readonly {
    readonly address: string | undefined;
    readonly actor: number;
    readonly evidence: CorruptionEvidence;
  }[];
  /** What else is lost, or was made anew. */
  readonly losses: readonly string[];
  /** Whether LevelDB had to gather what was left of its files. */
  readonly wasRepaired: boolean;
}

/** Looks at a closed store. Changes nothing. @throws StoreIo when there is no room for the copy */
export async function doctor(folder: string, options: DoctorOptions = {}): Promise<Diagnosis> {
  const path = resolve(folder);
  const unseen = notToBeLookedAt(path);
  if (unseen !== undefined) return diagnosisOf(folder, { verdict: unseen });
  return onIo(folder, 'looking at it', options, async () => {
    const symptoms = symptomsOf(path);
    const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), 'heddle-doctor-'));
    try {
      const opened = await open(path, join(scratch, 'opened'), options.signal);
      // Whoever has opened it meanwhile has changed it while it was copied.
      const since = notToBeLookedAt(path);
      if (since !== undefined) return diagnosisOf(folder, { verdict: since });
      const isSound = 'examination' in opened && opened.examination.findings.length === 0;
      const needsSaving = !isSound || symptoms.some(({ needsRepair }) => needsRepair);
      const saving = needsSaving ? await trySaving(path, scratch, symptoms, options.signal) : undefined;
      return diagnosisOf(folder, { ...opened, symptoms, saving });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/**
 * Writes everything of a damaged store that proves itself into a new one. Actors that do not are refused there, with the evidence;
 * nothing is guessed. The damaged store is not changed.
 * @throws NothingSaved, FolderNotEmpty, StoreLocked, StoreUnfinished, StoreIo
 */
export async function salvage({
  from,
  to,
  ...options
}: { readonly from: string; readonly to: string } & DoctorOptions): Promise<Salvage> {
  const path = resolve(from);
  assertMayBeLookedAt(from, path);
  return onIo(to, 'saving', options, async () => {
    const place = Unfinished.begin(resolve(to));
    const scratch = mkdtempSync(join(options.scratch ?? tmpdir(), 'heddle-doctor-'));
    try {
      const saving = await trySaving(path, scratch, symptomsOf(path), options.signal);
      assertMayBeLookedAt(from, path);
      if ('reason' in saving) throw new NothingSaved(from, saving.reason);
      await copyStore(saving.folder, place.stage, options.signal);
      place.finish();
      return salvageOf(saving);
    } catch (error) {
      place.giveUp();
      throw error;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

function assertMayBeLookedAt(from: string, path: string): void {
  switch (notToBeLookedAt(path)) {
    case 'in-use':
      throw new StoreLocked(from, holderOf(join(path, LOCK_FILE)));
    case 'unfinished':
      throw new StoreUnfinished(from);
    case 'missing':
      throw new NothingSaved(from, 'there is no store');
  }
}

function notToBeLookedAt(path: string): Extract<Verdict, 'in-use' | 'unfinished' | 'missing'> | undefined {
  if (!existsSync(path) || !statSync(path).isDirectory()) return 'missing';
  if (holderOf(join(path, LOCK_FILE)) !== undefined) return 'in-use';
  if (isUnfinished(path)) return 'unfinished';
  return readdirSync(path).some(isOfStore) ? undefined : 'missing';
}

async function onIo<T>(
  folder: string,
  operation: string,
  { signal }: DoctorOptions,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof HeddleError || signal?.aborted === true) throw error;
    throw new StoreIo(folder, operation, error);
  }
}

// ---- on copies ------------------------------------------------------------------------------------------------------

type Opening = { readonly examination: Examination } | { readonly refusal: string };

/** Opens a copy as a system would. */
async function open(from: string, to: string, signal: AbortSignal | undefined): Promise<Opening> {
  const bytes = await copyStore(from, to, signal);
  try {
    return { examination: await apart({ do: 'examine', folder: to }, bytes, signal) };
  } catch (error) {
    return { refusal: refusalOf(error) };
  }
}

type Saving =
  | { readonly saved: Saved; readonly wasRepaired: boolean; readonly folder: string }
  | { readonly reason: string };

/** Saves what can be saved of a copy: of the files as they are, and of those that LevelDB has gathered; whichever is more. */
async function trySaving(
  from: string,
  scratch: string,
  symptoms: readonly Symptom[],
  signal: AbortSignal | undefined,
): Promise<Saving> {
  const asTheyAre = symptoms.some(({ needsRepair }) => needsRepair)
    ? undefined
    : await save(from, join(scratch, 'as-they-are'), false, signal);
  if (asTheyAre !== undefined && 'saved' in asTheyAre && asTheyAre.saved.refused.length === 0)
    return asTheyAre;
  const gathered = await save(from, join(scratch, 'gathered'), true, signal);
  if (asTheyAre === undefined || 'reason' in asTheyAre) return gathered;
  return 'saved' in gathered && gathered.saved.kept > asTheyAre.saved.kept ? gathered : asTheyAre;
}

async function save(
  from: string,
  place: string,
  wasRepaired: boolean,
  signal: AbortSignal | undefined,
): Promise<Saving> {
  const copy = join(place, 'copy');
  const folder = join(place, 'saved');
  const bytes = await copyStore(from, copy, signal);
  try {
    if (wasRepaired) await apart({ do: 'repair', folder: copy }, bytes, signal);
    const saved = await apart({ do: 'salvage', from: copy, to: folder, wasRepaired }, bytes, signal);
    return { saved, wasRepaired, folder };
  } catch (error) {
    return { reason: refusalOf(error) };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** @throws whatever is not said about the store */
function refusalOf(error: unknown): string {
  if (error instanceof Died) return error.message;
  if (error instanceof Failed) return error.message;
  throw error;
}

/** Copies what belongs to a store; never a lock. */
async function copyStore(from: string, to: string, signal: AbortSignal | undefined): Promise<number> {
  mkdirSync(to, { recursive: true });
  let bytes = 0;
  for (const name of readdirSync(from).filter(isOfStore))
    bytes += (await copyFile(join(from, name), join(to, name), undefined, signal)).bytes;
  return bytes;
}

// ---- what is said -----------------------------------------------------------------------------------------------------

interface Seen {
  readonly verdict?: Verdict;
  readonly examination?: Examination;
  readonly refusal?: string;
  readonly symptoms?: readonly Symptom[];
  readonly saving?: Saving | undefined;
}

function diagnosisOf(
  folder: string,
  { verdict, examination, refusal, symptoms = [], saving }: Seen,
): Diagnosis {
  const findings: DoctorFinding[] = [];
  const holder = verdict === 'in-use' ? holderOf(join(folder, LOCK_FILE)) : undefined;
  if (holder !== undefined)
    findings.push({
      severity: 'warning',
      where: LOCK_FILE,
      what: `process ${holder.pid} holds it since ${holder.since}`,
    });
  if (refusal !== undefined) findings.push({ severity: 'fatal', where: folder, what: refusal });
  for (const { where, what, needsRepair } of symptoms)
    findings.push({ severity: needsRepair ? 'loss' : 'warning', where, what });
  for (const finding of examination?.findings ?? []) {
    const { actor, address, ...evidence } = finding;
    const where = address ?? (actor === undefined ? folder : `actor #${actor}`);
    findings.push({ severity: 'loss', where, what: textOf(finding), evidence });
  }
  const saves = saving !== undefined && 'saved' in saving ? salvageOf(saving) : undefined;
  const holds = examination ?? (saving !== undefined && 'saved' in saving ? saving.saved.before : undefined);
  const diagnosis = {
    folder,
    verdict: verdict ?? verdictOf(refusal, findings),
    findings,
    holds: holds && pick(holds),
    saves,
  };
  return {
    ...diagnosis,
    ...write(diagnosis, saving !== undefined && 'reason' in saving ? saving.reason : undefined),
  };
}

function verdictOf(refusal: string | undefined, findings: readonly DoctorFinding[]): Verdict {
  if (refusal !== undefined) return 'closed';
  return findings.length > 0 ? 'damaged' : 'sound';
}

const pick = ({ storeId, head, records, actors, frames }: Examination): NonNullable<Diagnosis['holds']> => ({
  storeId,
  head,
  records,
  actors,
  frames,
});

const salvageOf = ({ saved, wasRepaired }: Extract<Saving, { saved: Saved }>): Salvage => ({
  kept: saved.kept,
  refused: saved.refused,
  losses: saved.losses,
  wasRepaired,
});
