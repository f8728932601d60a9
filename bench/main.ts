/**
 * `npm run bench [-- <name> …] [--json | --table]`: every figure, or some. Each is measured in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { reaches, withFolder } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { backup } from './backup.ts';
import { counters } from './counter.ts';
import { disk } from './disk.ts';
import { heap } from './heap.ts';
import { inspection } from './inspector.ts';
import { oneForAll } from './one-for-all.ts';
import { orders } from './order.ts';
import { queryAfterCrash, queryAsleep, queryCost, queryInMemory } from './query.ts';
import { hashLinks, snapshotAt } from './past.ts';
import { recovery } from './recovery.ts';
import { reopen } from './reopen.ts';
import { replay } from './replay.ts';
import { restart } from './restart.ts';
import { pendingReviews } from './reviews.ts';
import { single } from './single.ts';
import { store } from './store.ts';
import { orchestration } from './orchestration.ts';
import { workflows } from './workflows.ts';

const BENCHES: readonly Bench[] = [
  counters,
  orders,
  store,
  single,
  replay,
  snapshotAt,
  hashLinks,
  heap,
  reopen,
  recovery,
  workflows,
  orchestration,
  disk,
  restart,
  oneForAll,
  queryInMemory,
  queryAsleep,
  queryAfterCrash,
  queryCost,
  pendingReviews,
  inspection,
  backup,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    table: { type: 'boolean' },
    phase: { type: 'string' },
    folder: { type: 'string' },
  },
});

/** This file again, in a new process, for one phase of one bench. Returns what it prints. */
function inProcess(name: string, phase: 'prepare' | 'measure', folder: string): string {
  const args = [
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    name,
    '--phase',
    phase,
    '--folder',
    folder,
  ];
  const { stdout, status, signal } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // A preparation may end as a crash does.
  if (status !== 0 && !(phase === 'prepare' && signal === 'SIGKILL')) {
    throw new Error(`${phase} of '${name}' ended with ${status ?? signal}`);
  }
  return stdout.toString();
}

const run = (bench: Bench): Promise<readonly Figure[]> =>
  withFolder(async (folder) => {
    if (bench.prepare !== undefined) inProcess(bench.name, 'prepare', folder);
    return JSON.parse(inProcess(bench.name, 'measure', folder)) as Figure[];
  });

const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);

const markOf = (figure: Figure): string => (figure.target === undefined ? ' ' : reaches(figure) ? '✔' : '✘');

function aimOf({ target }: Figure): string {
  if (target === undefined) return '';
  return 'atLeast' in target ? `at least ${rounded(target.atLeast)}` : `at most ${rounded(target.atMost)}`;
}

const partsOf = ({ from = {} }: Figure): string =>
  Object.entries(from)
    .map(([name, part]) => `${name}: ${rounded(part)}`)
    .join(', ');

/** For a terminal. */
function tell(figure: Figure): string {
  const { what, value, unit } = figure;
  const aim = aimOf(figure) && ` (${aimOf(figure)})`;
  const parts = partsOf(figure) && `\n${' '.repeat(20)}${partsOf(figure)}`;
  return `${markOf(figure)} ${rounded(value).padStart(8)} ${unit.padEnd(8)} ${what}${aim}${parts}`;
}

/** A row of the table in docs/figures.md. */
function row(name: string, figure: Figure): string {
  const { what, value, unit } = figure;
  const cells = [
    markOf(figure),
    `\`${name}\``,
    what,
    `${rounded(value)} ${unit}`,
    aimOf(figure),
    partsOf(figure),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  const chosen =
    positionals.length === 0 ? BENCHES : BENCHES.filter(({ name }) => positionals.includes(name));
  if (chosen.length === 0 || chosen.length < positionals.length) {
    console.error(`the benches are: ${BENCHES.map(({ name }) => name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}, ${process.platform}`;
  if (!values.json) console.log(`${machine}, ${new Date().toISOString().slice(0, 10)}\n`);
  if (values.table) console.log('| | bench | what | measured | target | from |\n|---|---|---|---|---|---|');
  const results: Record<string, readonly Figure[]> = {};
  for (const bench of chosen) {
    const figures = (results[bench.name] = await run(bench));
    if (values.json) continue;
    for (const figure of figures) console.log(values.table ? row(bench.name, figure) : tell(figure));
  }
  if (values.json) console.log(JSON.stringify({ machine, at: new Date().toISOString(), results }));
}

if (values.phase === undefined) await main();
else {
  const bench = BENCHES.find(({ name }) => name === positionals[0])!;
  if (values.phase === 'prepare') await bench.prepare!(values.folder!);
  else process.stdout.write(JSON.stringify(await bench.measure(values.folder!)));
}
