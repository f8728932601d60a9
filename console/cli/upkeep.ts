/**
 * Commands about the store as a whole: whether it proves itself, what to do when it does not, and backups.
 */
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { BackupRow } from '../control/operations/store.ts';
import type { RowOf } from '../control/operations/table.ts';
import type { Command } from './command.ts';
import { Exit } from './exit.ts';
import { inert, inertLines } from './inert.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';
import { sizeWords } from './words.ts';

type Damage = RowOf<'verify'>['broken'][number];

const damageColumns: readonly Column<Damage>[] = [
  { head: 'address', of: ({ address }) => inert(address ?? 'unknown'), yields: 2 },
  { head: 'record', align: 'right', of: ({ seq }) => String(seq ?? '') },
  { head: 'frame', align: 'right', of: ({ frame }) => String(frame ?? '') },
  { head: 'row', of: ({ row }) => inert(row ?? '') },
  { head: 'what', of: ({ reason }) => inert(reason), paint: () => 'red', yields: 1 },
];

const verify: Command = {
  usage: 'verify',
  summary: 'whether everything that is stored proves itself; exits with 1 if not',
  needs: 'journals',
  examples: ['heddle verify'],
  async run(session) {
    using _ = session.terminal.working(() => 'reading everything');
    const row = await session.askOne('verify', {});
    if (row.broken.length > 0) session.exitCode = Exit.No;
    if (session.flags.json === true) return session.json(row);
    const { records, actors, frames, head, broken } = row;
    const { terminal } = session;
    const mark =
      broken.length === 0 ? terminal.paint('green', '✔ sound:') : terminal.paint('red', '✖ damaged:');
    await terminal.line(
      `${mark} ${records} records of ${actors} actors in ${frames} frames, head ${head.hash.slice(0, 16)} (commit ${head.commit})`,
    );
    await session.list(listed(broken), damageColumns);
  },
};

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const backup: Command = {
  usage: 'backup <folder>',
  summary: 'back the store up while it is in use, or bring a backup up to date',
  needs: 'journals',
  writes: () => true,
  options: [new Option('--damaged', 'also if the store does not prove itself')],
  examples: ['heddle backup /mnt/backups/shop'],
  async run(session, [folder], flags) {
    let words = 'backing up';
    using _ = session.terminal.working(() => words);
    const args = { folder: resolve(folder!), damaged: flags.has('damaged') };
    for await (const row of session.ask('backup', args)) {
      if ('progress' in row) words = progressWords(row.progress);
      else await tellBackup(session, row.report);
    }
  },
};

const progressWords = ({ phase, bytes, totalBytes }: Progress): string =>
  `${phase} ${totalBytes === 0 ? '' : `${Math.floor((100 * bytes) / totalBytes)} % of ${sizeWords(totalBytes)}`}`.trim();

type Progress = Extract<BackupRow, { progress: unknown }>['progress'];
type Report = Extract<BackupRow, { report: unknown }>['report'];

async function tellBackup(session: Session, report: Report): Promise<void> {
  if (session.flags.json === true) return session.json(report);
  const { folder, head, records, actors, copiedFiles, copiedBytes, bytes, damaged } = report;
  const { terminal } = session;
  await terminal.line(
    `${terminal.paint('green', '✔')} ${inert(folder)} holds ${records} records of ${actors} actors as of commit ${head.commit}, head ${head.hash.slice(0, 16)}`,
  );
  await terminal.line(`  copied ${copiedFiles} files, ${sizeWords(copiedBytes)} of ${sizeWords(bytes)}`);
  for (const what of damaged) await terminal.line(`  ${terminal.paint('red', '✖')} ${inert(what)}`);
}

const restore: Command = {
  usage: 'restore <backup>',
  summary: 'put the store of a backup into a new folder, and prove it',
  needs: 'journals',
  options: [
    new Option('--to <folder>', 'where: an empty folder, or one that does not exist').makeOptionMandatory(),
  ],
  examples: ['heddle restore /mnt/backups/shop --to ./data'],
  async run(session, [from], flags) {
    const { restoreBackup } = await import('../../storage/index.ts');
    let words = 'restoring';
    using _ = session.terminal.working(() => words);
    const onProgress = (progress: Progress): void => void (words = progressWords(progress));
    const places = { from: resolve(from!), to: resolve(flags.text('to')!) };
    const report = await restoreBackup({ ...places, onProgress, signal: session.signal });
    if (session.flags.json === true) return session.json(report);
    const { folder, head, records, actors, backupAt, damaged } = report;
    const { terminal } = session;
    await terminal.line(
      `${terminal.paint('green', '✔')} ${inert(folder)} holds ${records} records of ${actors} actors as of commit ${head.commit}, from the backup of ${session.time(backupAt)}`,
    );
    for (const what of damaged) await terminal.line(`  ${terminal.paint('red', '✖')} ${inert(what)}`);
  },
};

const compact: Command = {
  usage: 'compact',
  summary: 'make the files of the store smaller',
  needs: 'journals',
  writes: () => true,
  examples: ['heddle compact'],
  async run(session) {
    using _ = session.terminal.working(() => 'compacting');
    const row = await session.askOne('compact', {});
    if (session.flags.json === true) return session.json(row);
    await session.terminal.line(`${sizeWords(row.bytesBefore)} before, ${sizeWords(row.bytesAfter)} now`);
  },
};

/** What the doctor could not look at is no answer. */
const EXIT_OF: Readonly<Record<string, number>> = {
  sound: Exit.Fine,
  missing: Exit.NotFound,
  'in-use': Exit.Unavailable,
};

const doctor: Command = {
  usage: 'doctor',
  summary: 'what is wrong with a store that is closed, and what to do; exits with 1 if anything is',
  needs: 'journals',
  examples: ['heddle doctor --store ./data'],
  async run(session) {
    const { doctor: diagnose } = await import('../../storage/index.ts');
    using _ = session.terminal.working(() => 'looking at a copy');
    const { store } = await session.project();
    const diagnosis = await diagnose(store, { signal: session.signal });
    session.exitCode = EXIT_OF[diagnosis.verdict] ?? Exit.No;
    if (session.flags.json === true) return session.json(diagnosis);
    for (const line of inertLines(diagnosis.text.trimEnd())) await session.terminal.line(line);
  },
};

const salvage: Command = {
  usage: 'salvage',
  summary: 'write everything of a damaged store that proves itself into a new one',
  needs: 'journals',
  options: [
    new Option('--to <folder>', 'where: an empty folder, or one that does not exist').makeOptionMandatory(),
  ],
  examples: ['heddle salvage --store ./data --to ./saved'],
  async run(session, _args, flags) {
    const { salvage: save } = await import('../../storage/index.ts');
    using _ = session.terminal.working(() => 'saving');
    const { store } = await session.project();
    const saved = await save({ from: store, to: resolve(flags.text('to')!), signal: session.signal });
    if (saved.refused.length > 0 || saved.losses.length > 0) session.exitCode = Exit.No;
    if (session.flags.json === true) return session.json(saved);
    const { terminal } = session;
    await terminal.line(`${saved.kept} actors are kept, ${saved.refused.length} are refused`);
    for (const { address, actor, evidence } of saved.refused)
      await terminal.line(
        `  ${terminal.paint('red', '✖')} ${inert(address ?? `actor #${actor}`)}: ${inert(evidence.reason)}`,
      );
    for (const loss of saved.losses) await terminal.line(`  ${terminal.paint('red', '✖')} ${inert(loss)}`);
  },
};

export const upkeep: readonly Command[] = [verify, doctor, salvage, backup, restore, compact];
