/**
 * Commands that read journals: what has happened, what is happening, and whether today's code tells the same.
 */
import { Option } from 'commander';
import type {
  PastRow,
  RecordRow,
  RefusalRow,
  RefusedRow,
  ReplayRow,
} from '../control/operations/journals.ts';
import { tellChanges } from './changes.ts';
import { wholeNumber, wholeOption } from './command.ts';
import type { Command } from './command.ts';
import { Exit, UsageError } from './exit.ts';
import { inert } from './inert.ts';
import type { Session } from './session.ts';
import { shown } from './shown.ts';
import { tellState } from './state.ts';
import { Table } from './table.ts';
import type { Column } from './table.ts';
import type { Style } from './terminal.ts';
import { causeWords, detailWords, intentsWords, payloadWords, refusedWords, typeOf } from './words.ts';

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

/** The same, with what was refused in the words of its own. */
function historyColumns(session: Session, isFamily: boolean): readonly Column<RecordRow | RefusedRow>[] {
  const words: Readonly<Record<string, (row: RefusedRow) => string>> = {
    time: ({ at }) => session.time(at),
    address: ({ address }) => inert(address),
    event: ({ refused, event, action = event }) => inert([refused, action].join(' ').trimEnd()),
    'caused by': ({ letter }) => (letter === undefined ? 'outside' : `dead letter ${letter}`),
    with: refusedWords,
  };
  return recordColumns(session, isFamily).map((column) => ({
    ...column,
    of: (row) => ('refused' in row ? (words[column.head]?.(row) ?? '') : column.of(row)),
    paint: (row) => ('refused' in row ? REFUSED_STYLES[column.head] : column.paint?.(row)),
  }));
}

const REFUSED_STYLES: Readonly<Record<string, Style>> = { time: 'dim', event: 'red', with: 'red' };

const history: Command = {
  usage: 'history <address>',
  summary: 'what has happened to an actor, record by record',
  needs: 'journals',
  options: [
    wholeOption('--from <seq>', 'the first record'),
    wholeOption('--to <seq>', 'the last record'),
    new Option('--reverse', 'the newest first'),
    new Option('--children', 'with everything that happened below it, in order'),
    new Option('--refusals', 'with calls that were refused, and dead letters, by time'),
  ],
  examples: [
    'heddle history order/42',
    'heddle history order/42 --refusals',
    'heddle history order/42 --json | jq .event.type',
  ],
  async run(session, [address], flags) {
    const children = flags.has('children');
    const range = { from: flags.whole('from'), to: flags.whole('to'), reverse: flags.has('reverse') };
    const args = { address: address!, ...range, children };
    const rows = flags.has('refusals')
      ? session.ask('historyWithRefusals', args)
      : session.ask('history', { ...args, last: undefined, follow: false });
    await session.list(rows, historyColumns(session, children));
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
  usage: 'replay [address]',
  summary: "whether today's code tells the recorded story; exits with 1 if not",
  needs: 'code',
  options: [
    new Option('--all', 'of all actors, children among them'),
    new Option('--name <name>', 'of all actors of a name'),
  ],
  examples: ['heddle replay order/42 --actors ./actors.ts', 'heddle replay --all'],
  async run(session, [address], flags) {
    const name = flags.text('name');
    const isOfMany = flags.has('all') || name !== undefined;
    if (isOfMany === (address !== undefined))
      throw new UsageError('say which: an address, --name <name>, or --all');
    let told = 0;
    using _ = session.terminal.working(() => `${told} told again`);
    const rows =
      address === undefined ? session.ask('replayAll', { name }) : session.ask('replay', { address });
    for await (const row of rows) {
      told++;
      if (!row.same) session.exitCode = Exit.No;
      if (session.flags.json === true) await session.json(row);
      else await tellReplay(session, row);
    }
  },
};

async function tellReplay({ terminal }: Session, { address, records, difference }: ReplayRow): Promise<void> {
  const what = `${inert(address)}: ${records} record${records === 1 ? '' : 's'}`;
  if (difference === undefined)
    return terminal.line(
      `${terminal.paint('green', '✔')} ${what} ${records === 1 ? 'tells' : 'tell'} the same story`,
    );
  const { seq, path, recorded, today } = difference;
  await terminal.line(
    `${terminal.paint('red', '✖')} ${what}: record ${seq} comes out differently at ${inert(path)}`,
  );
  await terminal.line(`  recorded  ${shown(recorded)}`);
  await terminal.line(`  today     ${shown(today)}`);
}

// ---- the past -----------------------------------------------------------------------------------------------------

const atRecord: Command = {
  usage: 'at <address> <seq>',
  summary: 'the state of an actor as it was when a record was made',
  needs: 'code',
  examples: ['heddle at order/42 3', 'heddle at order/42 3 --json | jq .context'],
  async run(session, [address, seq]) {
    const row = await session.askOne('at', { address: address!, seq: recordIn(seq) });
    if (session.flags.json === true) return session.json(row);
    await tellPast(session, row);
  },
};

async function tellPast(session: Session, row: PastRow): Promise<void> {
  const { children, timers: _, waiting: __, down, at, ...state } = row;
  await tellState(session, { ...state, children: children.map(({ address }) => address) });
  await tellField(session, 'at', session.time(at));
  if (down !== undefined) await tellField(session, 'down', shown(down));
  await tellToCome(session, row);
}

const tellField = ({ terminal }: Session, label: string, text: string): Promise<void> =>
  terminal.line(`  ${terminal.paint('dim', label.padEnd(10))}${text}`);

/** What is set for later, and what is under way to it. */
export async function tellToCome(
  session: Session,
  { timers, waiting }: Pick<PastRow, 'timers' | 'waiting'>,
): Promise<void> {
  for (const { dueAt, to, event } of timers)
    await tellField(session, 'timer', `${typeOf(event)} for ${inert(to)} at ${session.time(dueAt)}`);
  for (const { from, seq, event } of waiting)
    await tellField(
      session,
      'waiting',
      `${typeOf(event)} from ${inert(from)}@${seq} ${payloadWords(event)}`.trimEnd(),
    );
}

const diff: Command = {
  usage: 'diff <address> <from> [to]',
  summary: "what is different in an actor's state from one record to another (default: its newest)",
  needs: 'code',
  examples: ['heddle diff order/42 3', 'heddle diff order/42 3 7'],
  async run(session, [address, from, to]) {
    const args = { from: recordIn(from), to: to === undefined ? undefined : recordIn(to) };
    await tellChanges(session, session.ask('diff', { address: address!, ...args }));
  },
};

const blame: Command = {
  usage: 'blame <address> <path>',
  summary: "which record has set a part of an actor's state, or of a run; exits with 1 if none did",
  needs: 'code',
  options: [wholeOption('--at <seq>', 'as of which record (default: the newest)')],
  examples: [
    "heddle blame order/42 'context.items[0].price'",
    'heddle blame order/42 value',
    'heddle blame report/7 tasks.research.output.text',
  ],
  async run(session, [address, path], flags) {
    const rows = session.ask('blame', { address: address!, path: path!, at: flags.whole('at') });
    for await (const row of rows) {
      if (session.flags.json === true) return session.json(row);
      const { terminal } = session;
      const cause = causeWords({ ...row, id: undefined });
      // What a run does not know itself, its account knows, or whoever does its work.
      const whose = row.address === address ? '' : ` of ${inert(row.address)}`;
      await terminal.line(`${inert(path!)} was set in record ${row.seq}${whose} at ${session.time(row.at)}`);
      await terminal.line(
        `  by      ${terminal.paint('cyan', typeOf(row.event))} ${payloadWords(row.event)}`.trimEnd(),
      );
      await terminal.line(`  caused  ${cause}`);
      await terminal.line(`  before  ${terminal.paint('red', shown(row.before))}`);
      return terminal.line(`  after   ${terminal.paint('green', shown(row.after))}`);
    }
    session.exitCode = Exit.No;
    if (session.flags.json !== true) session.terminal.say(`nothing ever stood at ${inert(path!)}`);
  },
};

function recordIn(text: string | undefined): number {
  try {
    return wholeNumber(text!);
  } catch (error) {
    throw new UsageError(`a record is named by its number, not ${inert(String(text))}`, { cause: error });
  }
}

const refusals: Command = {
  usage: 'refusals [address]',
  summary: 'calls from outside that were refused',
  needs: 'journals',
  examples: ['heddle refusals', 'heddle refusals order/42'],
  async run(session, [address]) {
    const columns: readonly Column<RefusalRow>[] = [
      { head: 'last', of: ({ last }) => session.time(last), paint: () => 'dim' },
      { head: 'times', align: 'right', of: ({ count }) => String(count) },
      { head: 'address', of: (row) => inert(row.address ?? 'many'), yields: 2 },
      {
        head: 'what',
        of: ({ what, event }) => inert(event === undefined ? what : `${what} ${event}`),
        yields: 2,
      },
      { head: 'code', of: ({ code }) => inert(code), yields: 2 },
      { head: 'because', of: ({ message }) => inert(message), paint: () => 'red', yields: 1 },
    ];
    await session.list(session.ask('refusals', { address }), columns, { none: 'nothing was refused' });
  },
};

export const journals: readonly Command[] = [history, tail, atRecord, diff, blame, replay, refusals];
