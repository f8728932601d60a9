/**
 * Commands about runs of workflows: which there are, how they stand, and what they have to do with what was found and made.
 */
import { Option } from 'commander';
import type { ContentFacts, Lineage, RunSummary } from '../../actors/index.ts';
import { RUN_STATES } from '../control/orchestration.ts';
import type { Json } from '../control/tagged.ts';
import type { Told } from '../control/told.ts';
import { tellChanges } from './changes.ts';
import { countOption, wholeOption } from './command.ts';
import type { Command } from './command.ts';
import { Exit, UsageError } from './exit.ts';
import { tellHeading } from './fields.ts';
import { inert, inertJson, inertLines } from './inert.ts';
import { each, sourceColumns, tellNews, tellStatus } from './run-status.ts';
import type { StatusRow } from './run-status.ts';
import type { Session } from './session.ts';
import type { Column } from './table.ts';
import { runStyleOf } from './words.ts';

// What orchestration tells comes as it is told there: daemon and command line are of the same release.
type RunRow = Told<RunSummary>;
type LineageRow = Told<Lineage>;
type FactsRow = Told<ContentFacts>;

const runs: Command = {
  usage: 'runs [workflow]',
  summary: 'the runs of workflows that have not ended, or those in a state',
  needs: 'code',
  options: [
    new Option('--state <state>', 'where they are').choices(RUN_STATES),
    new Option('--under <address>', 'only this one, and those below it'),
    countOption('--limit <count>', 'at most so many'),
  ],
  examples: ['heddle runs', 'heddle runs report --state waiting', 'heddle runs --json | jq -r .run'],
  async run(session, [workflow], flags) {
    const state = flags.text('state') as RunRow['state'] | undefined;
    const where = { workflow, state, under: flags.text('under'), limit: flags.whole('limit') };
    const rows = session.ask('runs', where) as AsyncIterable<RunRow>;
    await session.list(rows, runColumns(session), { none: 'no runs' });
  },
};

const runColumns = (session: Session): readonly Column<RunRow>[] => [
  { head: 'run', of: ({ run }) => inert(run), yields: 2 },
  { head: 'workflow', of: ({ workflow }) => inert(workflow), yields: 2 },
  { head: 'state', of: ({ state }) => state, paint: ({ state }) => runStyleOf(state) },
  { head: 'started', of: ({ startedAt }) => session.time(startedAt), paint: () => 'dim' },
  { head: 'waiting', of: ({ waiting }) => waiting.map(inert).join(', '), paint: () => 'yellow', yields: 1 },
  { head: 'parked', of: ({ parked }) => parked.map(inert).join(', '), paint: () => 'yellow', yields: 1 },
];

const status: Command = {
  usage: 'status <run>',
  summary: 'how a run stands: its tasks, what they have cost, what it waits for, and who has decided what',
  needs: 'code',
  options: [
    wholeOption('--at <seq>', 'as of which record of the run (default: now)'),
    new Option('--full', 'with every attempt, source and value'),
    new Option(
      '--watch',
      'again whenever it is different, until its end; exits with 1 unless that is complete',
    ).conflicts('at'),
  ],
  examples: ['heddle status report/7', 'heddle status report/7 --at 12', 'heddle status report/7 --watch'],
  async run(session, [run], flags) {
    const isFull = flags.has('full');
    if (flags.has('watch')) return follow(session, run!, isFull);
    const row = (await session.askOne('runStatus', { run: run!, at: flags.whole('at') })) as StatusRow;
    await (session.flags.json === true ? session.json(row) : tellStatus(session, row, { isFull }));
  },
};

async function follow(session: Session, run: string, isFull: boolean): Promise<void> {
  let before: StatusRow | undefined;
  for await (const row of session.ask('watchRun', { run }) as AsyncIterable<StatusRow>) {
    if (session.flags.json === true) await session.json(row);
    else if (before === undefined) await tellStatus(session, row, { isFull });
    else await tellNews(session, before, row);
    before = row;
  }
  if (before?.state !== 'complete') session.exitCode = Exit.No;
}

const route: Command = {
  usage: 'route <task>',
  summary: 'why a task was given to whom it was: who could do it, who was passed over, what was permitted',
  needs: 'code',
  options: [wholeOption('--at <seq>', 'as of which record of the task (default: now)')],
  examples: ['heddle route report/7/draft', 'heddle route report/7/draft --at 2'],
  async run(session, [task], flags) {
    const row = await session.askOne('route', { task: task!, at: flags.whole('at') });
    if (session.flags.json === true) return session.json(row);
    for (const line of inertLines(row.why)) await session.terminal.line(line);
  },
};

// ---- what was found and made --------------------------------------------------------------------------------------

const content: Command = {
  usage: 'content <hash>',
  summary: 'what was found or made in a workflow, by its hash',
  needs: 'code',
  options: [
    new Option('--facts', 'where it was found, who has made it, and who has used it, instead'),
    new Option('--diff <hash>', 'what is different in this one, instead').conflicts('facts'),
  ],
  examples: [
    'heddle content sha256:9f86d0…',
    'heddle content sha256:9f86d0… --facts',
    'heddle content sha256:9f86d0… --diff sha256:60303a…',
  ],
  async run(session, [hash], flags) {
    const other = flags.text('diff');
    if (other !== undefined) {
      await tellChanges(session, session.ask('contentDiff', { from: hash!, to: other }));
      return;
    }
    const row = await session.askOne('content', { hash: hash! });
    const facts = row.facts as FactsRow;
    if (session.flags.json === true) return session.json({ ...facts, value: row.value });
    if (!flags.has('facts')) return tellValue(session, row.value);
    await tellFacts(session, facts);
  },
};

/** A text as its lines; anything else as JSON, which can be read on. */
async function tellValue({ terminal }: Session, value: Json): Promise<void> {
  const lines =
    typeof value === 'string' ? inertLines(value) : JSON.stringify(value, null, 2).split('\n').map(inertJson);
  for (const line of lines) await terminal.line(line);
}

async function tellFacts(session: Session, { sources, madeBy, usedBy, isPartial }: FactsRow): Promise<void> {
  const tasks = [
    ...madeBy.map((task) => ({ what: 'made by', task })),
    ...usedBy.map((task) => ({ what: 'used by', task })),
  ];
  const count = await session.list(each(sources), sourceColumns(session));
  if (count > 0 && tasks.length > 0) await session.terminal.line();
  await session.list(each(tasks), [
    { head: 'what', of: ({ what }) => what },
    { head: 'task', of: ({ task }) => inert(task), yields: 2 },
  ]);
  if (isPartial) session.terminal.say('there may be more of these than are kept');
}

const lineage: Command = {
  usage: 'lineage <hash>',
  summary: 'what something was made of, and what was made of it, all the way',
  needs: 'code',
  options: [
    new Option('--up', 'only what it was made of').conflicts('down'),
    new Option('--down', 'only what was made of it'),
    new Option('--in <run>', 'only within this run; needed for inputs, and for what gates have let pass'),
    wholeOption('--at <seq>', 'as of which record of that run'),
  ],
  examples: ['heddle lineage sha256:9f86d0… --up', 'heddle lineage sha256:9f86d0… --in report/7'],
  async run(session, [hash], flags) {
    const [run, at] = [flags.text('in'), flags.whole('at')];
    if (at !== undefined && run === undefined)
      throw new UsageError('--at is a record of a run: say which, with --in <run>');
    const row = (await session.askOne('lineage', { hash: hash!, run, at })) as LineageRow;
    if (session.flags.json === true) return session.json(row);
    await session.list(each(row.is), artifactColumns);
    if (!flags.has('down')) await tellArtifacts(session, 'made of', row.from);
    if (!flags.has('up')) await tellArtifacts(session, 'made of it', row.to);
    if (row.isPartial)
      session.terminal.say('there may be more: not every task that had to do with it is kept');
  },
};

async function tellArtifacts(
  session: Session,
  heading: string,
  artifacts: LineageRow['from'],
): Promise<void> {
  await tellHeading(session.terminal, heading);
  if (artifacts.length === 0) return session.terminal.line('nothing that is known');
  await session.list(each(artifacts), artifactColumns);
}

const artifactColumns: readonly Column<LineageRow['is'][number]>[] = [
  { head: 'what', of: ({ kind }) => kind, paint: ({ kind }) => (kind === 'draft' ? 'dim' : 'cyan') },
  { head: 'run', of: ({ run }) => inert(run ?? ''), yields: 2 },
  { head: 'task', of: ({ task }) => inert(task ?? ''), yields: 2 },
  { head: 'agent', of: ({ agent }) => inert(agent ?? ''), yields: 2 },
  { head: 'attempt', align: 'right', of: ({ attempt }) => String(attempt ?? '') },
  { head: 'part', align: 'right', of: ({ part }) => String(part ?? '') },
  { head: 'taken as', of: ({ ground }) => ground ?? '' },
  { head: 'source', of: ({ source }) => inert(source?.uri ?? ''), yields: 1 },
  { head: 'edited by', of: ({ edits = [] }) => inert(edits.map(({ by }) => by ?? '').join(', ')), yields: 2 },
  { head: 'hash', of: ({ hash }) => inert(hash ?? 'none: it is no JSON'), yields: 1 },
];

export const ofRuns: readonly Command[] = [runs, status, route, content, lineage];
