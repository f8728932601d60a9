/**
 * Symptoms: what the files of a closed store show without opening it. LevelDB itself notices little of this: it opens with a hole
 * where its log is damaged, and with almost nothing where its manifest is cut off. Nothing here writes, and any bytes will do.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { fileNumber, kindOf, manifestNamedBy, readLog, versionOf } from '../level-files.ts';
import type { Version } from '../level-files.ts';
import { ANCHOR_FILE } from '../leveldb.ts';
import { readAnchor } from '../anchor.ts';

export interface Symptom {
  /** The file. */
  readonly where: string;
  readonly what: string;
  /** Whether LevelDB opens as if nothing were wrong, or not at all, so that it must gather what is left. */
  readonly needsRepair: boolean;
}

/** @throws what the operating system says when the folder itself cannot be read */
export function symptomsOf(folder: string): Symptom[] {
  const symptoms: Symptom[] = [];
  const find: Find = (where, what, needsRepair = true) => {
    symptoms.push({ where, what, needsRepair });
    return undefined;
  };
  const names = readdirSync(folder);
  const version = versionIn(folder, names, find);
  if (version !== undefined) compare(folder, names, version, find);
  for (const name of names) if (kindOf(name) === 'log') lookAtLog(folder, name, version, find);
  lookAtAnchor(folder, find);
  return symptoms;
}

type Find = (where: string, what: string, needsRepair?: boolean) => undefined;

function versionIn(folder: string, names: readonly string[], find: Find): Version | undefined {
  if (!names.includes('CURRENT')) return find('CURRENT', 'is missing: LevelDB does not know its manifest');
  const manifest = manifestNamedBy(contentOf(folder, 'CURRENT', find) ?? Buffer.alloc(0));
  if (manifest === undefined) return find('CURRENT', 'names no manifest');
  if (!names.includes(manifest)) return find(manifest, 'is missing, though CURRENT names it');
  const bytes = contentOf(folder, manifest, find);
  if (bytes === undefined) return undefined;
  const { records, end, damage } = readLog(bytes);
  for (const { at, reason } of damage) find(manifest, `is damaged at byte ${at}: ${reason}`);
  if (end < bytes.length && damage.length === 0) find(manifest, `is cut off after byte ${end}`);
  if (records.length === 0) return find(manifest, 'holds nothing');
  try {
    return versionOf(records);
  } catch (error) {
    return find(manifest, messageOf(error));
  }
}

/** Whether the tables are there that the manifest names. */
function compare(folder: string, names: readonly string[], version: Version, find: Find): void {
  const sizes = new Map<number, { readonly name: string; readonly bytes: number }>();
  for (const name of names) {
    if (kindOf(name) === 'table')
      sizes.set(fileNumber(name), { name, bytes: statSync(join(folder, name)).size });
  }
  for (const [number, bytes] of version.tables) {
    const found = sizes.get(number);
    const name = found?.name ?? `${String(number).padStart(6, '0')}.ldb`;
    if (found === undefined) find(name, 'is missing, though the manifest names it');
    else if (found.bytes !== bytes) find(name, `has ${found.bytes} bytes instead of ${bytes}`);
    else if (!endsAsTable(join(folder, name), bytes)) find(name, 'does not end as a table ends');
  }
  if (!names.some((name) => kindOf(name) === 'log' && fileNumber(name) >= version.log))
    find(`${String(version.log).padStart(6, '0')}.log`, 'is missing: it held what was written last');
}

/** The last eight bytes of every table. */
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex');

function endsAsTable(path: string, bytes: number): boolean {
  const end = Buffer.alloc(TABLE_MAGIC.length);
  if (bytes < end.length) return false;
  const fd = openSync(path, 'r');
  try {
    readSync(fd, end, 0, end.length, bytes - end.length);
  } finally {
    closeSync(fd);
  }
  return end.equals(TABLE_MAGIC);
}

function lookAtLog(folder: string, name: string, version: Version | undefined, find: Find): void {
  // It is in tables by now, and waits to be deleted.
  if (version !== undefined && fileNumber(name) < version.log) return;
  const bytes = contentOf(folder, name, find);
  if (bytes === undefined) return;
  const { end, damage } = readLog(bytes);
  for (const { at, reason } of damage)
    find(name, `is damaged at byte ${at}: ${reason}; LevelDB drops what stood there without a word`, false);
  // A process that is killed while it writes leaves the beginning of a record that nobody was told of.
  if (end < bytes.length && damage.length === 0)
    find(
      name,
      `ends in the middle of a record, after byte ${end}: as after a kill, or it was cut off`,
      false,
    );
}

function lookAtAnchor(folder: string, find: Find): void {
  if (!existsSync(join(folder, ANCHOR_FILE)))
    return find(ANCHOR_FILE, 'is missing: a lost end of the history could not be noticed', false);
  const bytes = contentOf(folder, ANCHOR_FILE, find);
  if (bytes === undefined) return;
  const { storeId, damaged } = readAnchor(bytes);
  if (storeId === undefined) find(ANCHOR_FILE, 'does not say which store it belongs to', false);
  else if (damaged > 0)
    find(ANCHOR_FILE, `${damaged} bytes are damaged: less is known of whose lost records were`, false);
}

function contentOf(folder: string, name: string, find: Find): Buffer | undefined {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    return find(name, `cannot be read: ${messageOf(error)}`);
  }
}
