/**
 * Commands about the store as a whole: whether it proves itself.
 */
import type { RowOf } from '../control/operations/table.ts';
import type { Command } from './command.ts';
import { Exit } from './exit.ts';
import { inert } from './inert.ts';
import type { Column } from './table.ts';

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

export const upkeep: readonly Command[] = [verify];
