/**
 * Soak: many actors on a real disk under supervisors, while accounts are poisoned, processes fail, people stop and start
 * children, and whole sub-trees give up. Nothing acknowledged is lost or done twice, everybody is up in the end or says why
 * not, and the process is as large and as quick as it was.
 *
 * `--rounds` is how many seconds it goes on, `--seeds` how many actors there are.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../from-source.ts';
import { Tally } from './ring.ts';
import type { Progress, Ring } from './ring.ts';
import type { Line, Outcome, Sample, Settings } from './soak/protocol.ts';

const processFile = fileURLToPath(new URL('./soak/process.ts', import.meta.url));

/** Beyond the seconds of load: births, rest, and judgement. */
const ENDS_WITHIN_MS = 300_000;

/** With fewer samples in each third their medians say nothing. */
const ENOUGH_SAMPLES = 4;
/**
 * How much more there may be in the last third than in the one before: so much of it, and so much besides. The first third
 * is for what grows only once: actors that have just been born, code that is not compiled yet.
 *
 * Of each third its median is taken; of latencies the lower quartile, because other processes on the machine can make
 * receipts late but never early: what the system itself does more slowly is seen in its best seconds too.
 */
const TOLERATED = {
  heapMB: { part: 0.1, besides: 4, quantile: 0.5 },
  handles: { part: 0.1, besides: 25, quantile: 0.5 },
  cpuMs: { part: 0.25, besides: 100, quantile: 0.5 },
  p99Ms: { part: 1, besides: 20, quantile: 0.25 },
} as const;

const FAULTS = [
  'crashes',
  'restarts',
  'giveUps',
  'poison',
  'jobsRejected',
  'tasksRejected',
  'processes',
  'timersFired',
  'tasksDone',
  'terminations',
  'startsOnRequest',
  'parked',
];

export const soak: Ring = async ({ rounds = 60, seeds = 100_000, seed = Date.now() % 100_000 }, progress) => {
  const tally = new Tally('soak', progress);
  tally.note('seed', seed);
  const folder = mkdtempSync(join(tmpdir(), 'heddle-soak-'));
  try {
    const settings = { folder: join(folder, 'store'), actors: seeds, seconds: rounds, seed };
    const { samples, outcome } = await run(settings, tally, progress);
    for (const [name, count] of Object.entries(outcome.counts)) tally.note(name, count);
    for (const violation of outcome.violations) tally.violation(violation, seed);
    for (const name of ['lost', 'duplicated']) tally.add(name, 0);
    judgeSamples(samples, rounds, tally);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const fault of FAULTS) tally.mustHaveHappened(fault);
  tally.mustHaveHappened('acked', rounds * 100);
  return tally.report();
};

/** Runs the process to its end. */
function run(
  settings: Settings,
  tally: Tally,
  progress: Progress,
): Promise<{ samples: readonly Sample[]; outcome: Outcome }> {
  const samples: Sample[] = [];
  let outcome: Outcome = { counts: {}, violations: ['the process of the soak has said nothing of its end'] };
  const child = spawn(
    process.execPath,
    ['--expose-gc', ...FROM_SOURCE, processFile, JSON.stringify(settings)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const deadline = setTimeout(
    () => {
      tally.violation('the process of the soak did not end');
      child.kill('SIGKILL');
    },
    settings.seconds * 1000 + ENDS_WITHIN_MS,
  );
  createInterface({ input: child.stdout }).on('line', (text) => {
    const { born, sample, outcome: end } = JSON.parse(text) as Line;
    if (born !== undefined) tally.note('actors', born);
    if (sample !== undefined) {
      samples.push(sample);
      progress(describe(sample, settings));
    }
    outcome = end ?? outcome;
  });
  return new Promise((resolve) => {
    child.once('close', () => {
      clearTimeout(deadline);
      resolve({ samples, outcome });
    });
  });
}

function describe(
  { second, heapMB, rssMB, handles, p50Ms, p99Ms, acked, cpuMs, waiting, deepest, inMemory }: Sample,
  { seconds }: Settings,
): string {
  const parts = [
    `${acked} acked`,
    `p50 ${p50Ms.toFixed(2)} ms`,
    `p99 ${p99Ms.toFixed(1)} ms`,
    `cpu ${cpuMs.toFixed(0)} ms`,
    `heap ${heapMB.toFixed(1)} MB`,
    `rss ${rssMB.toFixed(0)} MB`,
    `${handles} handles`,
    `${waiting} waiting`,
    `deepest ${deepest}`,
    `${inMemory} in memory`,
  ];
  return `soak: ${second}/${seconds}: ${parts.join(', ')}`;
}

// ---- as large and as quick as before ------------------------------------------------------------------------------

function judgeSamples(samples: readonly Sample[], seconds: number, tally: Tally): void {
  tally.note('samples', samples.length);
  if (samples.length < seconds) tally.violation(`only ${samples.length} samples in ${seconds} seconds`);
  const third = Math.floor(samples.length / 3);
  const thirds = [0, 1, 2].map((n) => samples.slice(n * third, (n + 1) * third));
  const of = (name: keyof Sample, part: number): number[] =>
    thirds.map(
      (some) =>
        Math.round(
          quantile(
            some.map((sample) => sample[name]),
            part,
          ) * 100,
        ) / 100,
    );
  for (const name of ['rssMB', 'p50Ms', 'acked', 'inMemory'] as const) tell(tally, name, of(name, 0.5));
  const mayJudge = third >= ENOUGH_SAMPLES;
  for (const name of ['heapMB', 'handles', 'cpuMs', 'p99Ms'] as const) {
    const { part, besides, quantile: which } = TOLERATED[name];
    const found = of(name, which);
    tell(tally, name, found);
    const [, before, after] = found as [number, number, number];
    if (mayJudge && after > before * (1 + part) + besides)
      tally.violation(`${name} grows: ${before} in the second third, ${after} in the last`);
  }
  tally.note('waitingMost', Math.max(...samples.map(({ waiting }) => waiting)));
  tally.note('deepestMost', Math.max(...samples.map(({ deepest }) => deepest)));
  tally.note('flatness', mayJudge ? 'judged' : 'not judged: too few samples');
}

function tell(tally: Tally, name: string, thirds: readonly number[]): void {
  const [first, middle, last] = thirds;
  tally.note(`${name}First`, first ?? NaN);
  tally.note(`${name}Middle`, middle ?? NaN);
  tally.note(`${name}Last`, last ?? NaN);
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN;
}
