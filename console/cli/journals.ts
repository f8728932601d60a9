/**
 * Commands that read journals: what has happened, what is happening, and whether today's code tells the same.
 */
import { Option } from 'commander';
import type { RecordRow, ReplayRow } from '../control/operations/journals.ts';
import { wholeOption } from './command.ts';
import type { Command } from './command.ts';
import { Exit } from './exit.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import { shown } from './shown.ts';
import { Table } from './table.ts';
import type { Column } from './table.ts';
import { causeWords, detailWords, intentsWords, typeOf } from './words.ts';

/** @param isFamily whether records of several actors are shown */
export function recordColumns(session: Session, isFamily = false): readonly Column<RecordRow>[] {
  const address: Column<RecordRow> = { head: 'address', of: (row) => inert(row.address), yields: 2 };
  return [
    { head: 'time', of: ({ at }) => session.time(at), paint: () => 'dim' },
    ...(isFamily ? [address] : []),
    { head: 'seq', align: 'right', of: ({ seq }) => String(seq) },
    { head: 'life', align: 'right', of: ({ life }) => (life > 1 ? String(life) : '') },
    {
      head: 'event',
      of: ({ event }) => typeOf(event),
      paint: ({ error }) => (error === undefined ? 'cyan' : 'red'),
      yields: 2,
    },
    { head: 'caused by', of: causeWords, yields: 2 },
    { head: 'asked for', of: intentsWords, yields: 1 },
    {
      head: 'with',
      of: detailWords,
      paint: ({ error }) => (error === undefined ? undefined : 'red'),
      yields: 1,
    },
  ];
}

const history: Command = {
  usage: 'history <address>',
  summary: 'what has happened to an actor, record by record',
  needs: 'journals',
  options: [
    wholeOption('--from <seq>', 'the first record'),
    wholeOption('--to <seq>', 'the last record'),
    new Option('--reverse', 'the newest first'),
    new Option('--children', 'with everything that happened below it, in order'),
  ],
  examples: ['heddle history order/42', 'heddle history order/42 --json | jq .event.type'],
  async run(session, [address], flags) {
    const range = { from: flags.whole('from'), to: flags.whole('to') };
    const children = flags.has('children');
    const how = { reverse: flags.has('reverse'), children, last: undefined, follow: false };
    await session.list(
      session.ask('history', { address: address!, ...range, ...how }),
      recordColumns(session, children),
    );
  },
};

const DEFAULT_LAST = 10;

const tail: Command = {
  usage: 'tail <address>',
  summary: 'the last records of an actor, and with -f those to come',
  needs: 'journals',
  options: [
    wholeOption('-n, --last <count>', `how many (default: ${DEFAULT_LAST})`),
    new Option('-f, --follow', 'go on until Ctrl-C, as they are recorded'),
  ],
  examples: ['heddle tail order/42', 'heddle tail -f order/42'],
  async run(session, [address], flags) {
    const follow = flags.has('follow');
    const args = { from: undefined, to: undefined, reverse: false, children: false };
    const last = flags.whole('last') ?? DEFAULT_LAST;
    const rows = session.ask('history', { address: address!, last, follow, ...args });
    if (!follow || session.flags.json === true)
      return void (await session.list(rows, recordColumns(session)));
    // What has been recorded is shown at once, and not when a table is full.
    const table = new Table(session.terminal, recordColumns(session));
    for await (const row of rows) {
      await table.add(row);
      await table.flush();
    }
  },
};

const replay: Command = {
  usage: 'replay <address>',
  summary: "whether today's code tells the recorded story of an actor",
  needs: 'code',
  examples: ['heddle replay order/42 --actors ./actors.ts'],
  async run(session, [address]) {
    using _ = session.terminal.working(() => `telling ${inert(address!)} again`);
    const row = await session.askOne('replay', { address: address! });
    if (!row.same) session.exitCode = Exit.No;
    if (session.flags.json === true) return session.json(row);
    await tellReplay(session, row);
  },
};

async function tellReplay({ terminal }: Session, { address, records, difference }: ReplayRow): Promise<void> {
  const what = `${inert(address)}: ${records} record${records === 1 ? '' : 's'}`;
  if (difference === undefined)
    return terminal.line(`${terminal.paint('green', '✔')} ${what} tell the same story`);
  const { seq, path, recorded, today } = difference;
  await terminal.line(
    `${terminal.paint('red', '✖')} ${what}: record ${seq} comes out differently at ${inert(path)}`,
  );
  await terminal.line(`  recorded  ${shown(recorded)}`);
  await terminal.line(`  today     ${shown(today)}`);
}

export const journals: readonly Command[] = [history, tail, replay];
