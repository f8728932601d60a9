/**
 * Commands about histories outside of their store: exported as a text or as a test, imported elsewhere, and told again by the code
 * of the project, which needs no store at all.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { check, RecordedFailure, reproduce } from '../../runtime/index.ts';
import type { ExportRow, FixtureRow } from '../control/operations/exports.ts';
import type { ReplayRow } from '../control/operations/journals.ts';
import { tagged } from '../control/tagged.ts';
import { Refused, troubleOf } from '../control/trouble.ts';
import type { Trouble } from '../control/trouble.ts';
import { wholeNumber } from './command.ts';
import type { Command, Flags } from './command.ts';
import { BY, decider } from './decider.ts';
import { Exit, exitOf, UsageError } from './exit.ts';
import { asRefused, readText, writeNew } from './files.ts';
import { inert, inertJson } from './inert.ts';
import { findCode, libraryFor, loadCode, needsCode, withoutAgents } from './project.ts';
import type { Session } from './session.ts';
import { shown } from './shown.ts';
import type { Column } from './table.ts';
import { tellTrouble } from './troubles.ts';
import { sizeWords } from './words.ts';

// ---- out of a store -----------------------------------------------------------------------------------------------

const DEFAULT_IMPORT = './actors.ts';

const exportOne: Command = {
  usage: 'export <address>',
  summary: 'the history of an actor and of all below it as one text, to keep, to send, or to check code with',
  needs: 'code',
  options: [
    new Option('--to <seq>', 'the last record of the actor (default: the newest)').argParser(recordNumber),
    new Option('-o, --output <file>', 'into a new file (default: the standard output)'),
    new Option(
      '--fixture <folder>',
      'into a new history file there, with a test that takes again what has failed',
    ).conflicts(['to', 'output']),
    new Option(
      '--import <module>',
      `where that test finds \`actors\`, as it would import it (default: ${DEFAULT_IMPORT})`,
    ),
  ],
  examples: [
    'heddle export order/7 -o order-7.history.jsonl',
    'heddle export order/7 | gzip > order-7.jsonl.gz',
    'heddle export order/7 --fixture tests/histories --import ../../actors.ts',
  ],
  async run(session, [address], flags) {
    if (flags.text('fixture') !== undefined) return makeFixture(session, address!, flags);
    if (flags.text('import') !== undefined)
      throw new UsageError('--import is for the test of a --fixture: say where that is to be');
    using progress = session.terminal.working(() => 'exporting');
    const pieces = session.ask('export', { address: address!, to: flags.whole('to') });
    const file = flags.text('output');
    if (file === undefined || file === '-') return writePieces(session, pieces, progress);
    const size = { bytes: 0 };
    await writeNew(resolve(file), textsOf(pieces, size));
    if (session.flags.json === true) return session.json({ address: address!, file, ...size });
    await session.terminal.line(
      `${inert(address!)} was exported to ${inert(file)} (${sizeWords(size.bytes)})`,
    );
  },
};

function recordNumber(text: string): number {
  const seq = wholeNumber(text);
  if (seq === 0) throw new InvalidArgumentError('The first record is 1.');
  return seq;
}

/** As it is, for that is what its seal is for. Only on a terminal it must do nothing. */
async function writePieces(
  { terminal }: Session,
  pieces: AsyncIterable<ExportRow>,
  progress: Disposable,
): Promise<void> {
  for await (const { text } of pieces) {
    // It would be drawn over what stands there.
    if (terminal.isTerminal) progress[Symbol.dispose]();
    await terminal.write(terminal.isTerminal ? text.split('\n').map(inertJson).join('\n') : text);
  }
}

async function* textsOf(pieces: AsyncIterable<ExportRow>, size: { bytes: number }): AsyncGenerator<string> {
  for await (const { text } of pieces) {
    size.bytes += Buffer.byteLength(text);
    yield text;
  }
}

async function makeFixture(session: Session, address: string, flags: Flags): Promise<void> {
  using _ = session.terminal.working(() => 'exporting');
  const actors = flags.text('import') ?? DEFAULT_IMPORT;
  const { history, test } = await filesIn(session.ask('fixture', { address, actors }));
  const folder = resolve(flags.text('fixture')!);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw asRefused(error, folder);
  });
  const [historyFile, testFile] = [join(folder, history.name), join(folder, test.name)];
  await writeNew(historyFile, [history.text]);
  try {
    await writeNew(testFile, [test.text]);
  } catch (error) {
    // One without the other is of no use, and would be in the way.
    await rm(historyFile, { force: true });
    throw error;
  }
  const [historyPath, testPath] = [pathFromHere(historyFile), pathFromHere(testFile)];
  const command = `npx vitest run ${testPath}`;
  if (session.flags.json === true)
    return session.json({ address, history: historyPath, test: testPath, actors, run: command });
  const { terminal } = session;
  await terminal.line(`${inert(historyPath)} has the history of ${inert(address)}`);
  await terminal.line(
    `${inert(testPath)} takes again what has failed in it, with the actors of ${inert(actors)}`,
  );
  await terminal.line(`run it: ${inert(command)}`);
}

/** As somebody would write it who stands here. */
function pathFromHere(file: string): string {
  const path = relative('', file);
  return path.startsWith('..') ? file : path;
}

type File = { name: string; text: string };

async function filesIn(rows: AsyncIterable<FixtureRow>): Promise<Record<FixtureRow['file'], File>> {
  const files = { history: { name: '', text: '' }, test: { name: '', text: '' } };
  for await (const { file, name, text } of rows) {
    files[file].name = name;
    files[file].text += text;
  }
  return files;
}

// ---- into a store -------------------------------------------------------------------------------------------------

const importOne: Command = {
  usage: 'import <file>',
  summary: 'let the actors of an exported history live on in this store; - reads the standard input',
  needs: 'code',
  writes: () => true,
  options: [
    new Option('--as <address>', 'the address under which it lives on (default: its own)'),
    new Option('--effects <how>', 'what becomes of its actions and processes (default: hold)').choices([
      'hold',
      'rerun',
    ]),
    BY,
  ],
  examples: [
    'heddle import order-7.history.jsonl',
    'heddle import order-7.history.jsonl --as order/7-looked-at',
    'gunzip -c order-7.jsonl.gz | heddle import -',
  ],
  async run(session, [file], flags) {
    using _ = session.terminal.working(() => 'importing');
    const history = await readText(file!, session.signal);
    if (history === '') throw new UsageError(`there is nothing in ${nameOf(file!)}`);
    const how = { as: flags.text('as'), effects: flags.text('effects') as 'hold' | undefined };
    const row = await session.askOne('import', { history, ...how, by: decider(flags) });
    if (session.flags.json === true) return session.json(row);
    const { address, of, store, seq, actors, effects } = row;
    const others = actors.length - 1;
    const below = others === 0 ? '' : `, with ${others} below it`;
    const { terminal } = session;
    await terminal.line(
      `${inert(of)} of store ${inert(store.slice(0, 16))} lives on as ${inert(address)} (record ${seq})${below}`,
    );
    if (effects === 'hold')
      await terminal.line(`what it does to the world is held: heddle perform ${inert(address)}`);
  },
};

const nameOf = (file: string): string => (file === '-' ? 'the standard input' : inert(file));

// ---- without a store ----------------------------------------------------------------------------------------------

const checkAll: Command = {
  usage: 'check <history...>',
  summary: "whether today's code tells exported histories, for CI; exits with 1 if not; needs no store",
  needs: 'code',
  options: [
    new Option('--reproduce', 'take again what has failed in them; exits with 1 while something still fails'),
  ],
  examples: ['heddle check histories/*.jsonl', 'heddle check --reproduce order-7.history.jsonl'],
  async run(session, files, flags) {
    const codeFile = findCode(session.flags);
    if (codeFile === undefined) throw needsCode();
    // Together with the copy of Heddle that the code imports.
    const library = await libraryFor(codeFile);
    const actors = await withoutAgents(codeFile, (await loadCode(codeFile)).actors);
    let told = 0;
    using _ = session.terminal.working(() => `${told} of ${files.length} histories told again`);
    const tellEach = async function* <T>(
      how: (options: { actors: typeof actors; history: string }) => Promise<T>,
    ): AsyncGenerator<readonly [file: string, result: T]> {
      for (const file of files) {
        const result = await tellOne(session, file, (history) => how({ actors, history }));
        told++;
        if (result !== undefined) yield [file, result];
      }
    };
    const isOfMany = files.length > 1;
    if (flags.has('reproduce')) await tellReproductions(session, tellEach(library.reproduce), isOfMany);
    else await session.list(checkRows(session, tellEach(library.check)), checkColumns(isOfMany));
  },
};

/** What one history comes to. What cannot be told does not keep the others from being told; undefined then. */
async function tellOne<T>(
  session: Session,
  file: string,
  tell: (history: string) => Promise<T>,
): Promise<T | undefined> {
  session.signal.throwIfAborted();
  try {
    return await tell(await readText(file, session.signal));
  } catch (error) {
    session.signal.throwIfAborted();
    const trouble = troubleWith(file, error);
    worsen(session, exitOf(trouble));
    tellTrouble(trouble, session.terminal, session.flags.json === true);
    return undefined;
  }
}

function troubleWith(file: string, error: unknown): Trouble {
  const trouble = troubleOf(error);
  // What is refused here names the file already.
  const message = error instanceof Refused ? trouble.message : `${file}: ${trouble.message}`;
  return { ...trouble, message, fields: { ...trouble.fields, file } };
}

/** Of several answers the one with the highest code is given: that nothing can be said of one is worse than a difference. */
function worsen(session: Session, exitCode: number): void {
  session.exitCode = Math.max(session.exitCode, exitCode);
}

type CheckRow = ReplayRow & { readonly file: string };
type Told<T> = AsyncIterable<readonly [file: string, result: T]>;

async function* checkRows(
  session: Session,
  told: Told<Awaited<ReturnType<typeof check>>>,
): AsyncGenerator<CheckRow> {
  const { replayRow } = await import('../control/operations/journals.ts');
  for await (const [file, results] of told)
    for (const result of results) {
      if (!result.same) worsen(session, Exit.No);
      yield { file, ...replayRow(result) };
    }
}

const fileColumn: Column<{ readonly file: string }> = {
  head: 'history',
  of: ({ file }) => inert(file),
  yields: 2,
};

const differenceColumns: readonly Column<{
  readonly difference?: ReplayRow['difference'] | undefined;
}>[] = [
  { head: 'differs at', of: ({ difference }) => inert(difference?.path ?? ''), yields: 2 },
  { head: 'recorded', of: ({ difference }) => (difference ? shown(difference.recorded) : ''), yields: 1 },
  { head: 'today', of: ({ difference }) => (difference ? shown(difference.today) : ''), yields: 1 },
];

const checkColumns = (isOfMany: boolean): readonly Column<CheckRow>[] => [
  ...(isOfMany ? [fileColumn] : []),
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'records', align: 'right', of: ({ records }) => String(records) },
  {
    head: 'story',
    of: ({ same }) => (same ? 'same' : 'differs'),
    paint: ({ same }) => (same ? 'green' : 'red'),
  },
  { head: 'record', align: 'right', of: ({ difference }) => String(difference?.seq ?? '') },
  ...differenceColumns,
];

/** Something that fails still, or a step at which the code departs from the rest of the story. */
type AgainRow = { readonly file: string } & (
  | (RecordedFailure & { readonly difference?: undefined })
  | (Pick<CheckRow, 'address' | 'difference'> & { readonly seq: number })
);

async function tellReproductions(
  session: Session,
  told: Told<Awaited<ReturnType<typeof reproduce>>>,
  isOfMany: boolean,
): Promise<void> {
  async function* rows(): AsyncGenerator<AgainRow> {
    for await (const [file, { failures, differences }] of told) {
      const departures = differences.map(({ address, seq, path, recorded, today }) => ({
        ...{ address, seq },
        difference: { seq, path, recorded: tagged(recorded), today: tagged(today) },
      }));
      const all: AgainRow[] = [...failures, ...departures].map((row) => ({ file, ...row }));
      if (all.length > 0) worsen(session, Exit.No);
      yield* all;
    }
  }
  const count = await session.list(rows(), againColumns(isOfMany));
  if (count > 0 || session.exitCode !== Exit.Fine || session.flags.json === true) return;
  await session.terminal.line(`${session.terminal.paint('green', '✔')} nothing fails any more`);
}

const againColumns = (isOfMany: boolean): readonly Column<AgainRow>[] => [
  ...(isOfMany ? [fileColumn] : []),
  { head: 'address', of: ({ address }) => inert(address), yields: 2 },
  { head: 'record', align: 'right', of: ({ seq }) => String(seq) },
  { head: 'event', of: (row) => ('event' in row ? inert(row.event) : ''), yields: 2 },
  {
    head: 'still fails',
    of: (row) => ('error' in row ? inert(row.error) : ''),
    paint: () => 'red',
    yields: 1,
  },
  ...differenceColumns,
];

export const exported: readonly Command[] = [exportOne, importOne, checkAll];
