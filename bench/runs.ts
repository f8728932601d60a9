/** Runs of workflows among very many: how long it takes to find those that wait, and to see how one stands. */
import { createSystem } from 'heddle';
import { gate, join, roles, workflow } from 'heddle/actors';
import { leveldb } from 'heddle/storage';
import { median } from './bench.ts';
import type { Bench } from './bench.ts';

const RUNS = 100_000;
/** One in so many waits for a person. */
const RARE = 5000;
const ROUNDS = 1000;
const AT_ONCE = 1000;

/** So many nodes are done or skipped, so that runs are in very many different states. */
const BITS = 6;
const bits = Object.fromEntries(
  Array.from({ length: BITS }, (_, bit) => [
    `bit${bit}`,
    join({ when: (_outputs, { input }) => ((Number(input.n) >> bit) & 1) === 1 }),
  ]),
);
const report = workflow({
  id: 'report',
  tasks: {
    ...bits,
    review: gate({ when: (_outputs, { input }) => input.waits === true, role: 'editor' }),
  },
});

const actors = { report };
const open = (folder: string) =>
  createSystem({
    store: leveldb(folder),
    actors,
    passivateAfter: 100,
    decider: roles({ grants: [{ id: 'all', to: 'everyone', actions: ['*'], resources: 'any' }] }),
  });

async function timed(rounds: number, once: (round: number) => Promise<void>) {
  const times: number[] = [];
  // What was done before is still collected and compacted.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await once(round);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { p50: median(times), p99: times[Math.floor(rounds * 0.99)]! };
}

export const runs: Bench = {
  name: 'runs',
  prepare: async (folder) => {
    await using system = await open(folder);
    for (let born = 0; born < RUNS; born += AT_ONCE)
      await Promise.all(
        Array.from({ length: AT_ONCE }, (_, i) => {
          const n = born + i;
          return system.start('report', { id: `${n}`, input: { n, waits: n % RARE === 0 } });
        }),
      );
    while (system.metrics().actors.inMemory > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  },
  measure: async (folder) => {
    await using system = await open(folder);
    const find = async (): Promise<void> => {
      let found = 0;
      for await (const { waiting } of system.runs.list({ state: 'waiting' })) found += waiting.length;
      if (found !== RUNS / RARE) throw new Error(`${found} runs were found, and not ${RUNS / RARE}`);
    };
    const first = await timed(1, find);
    const waiting = await timed(ROUNDS, find);
    const status = await timed(ROUNDS, async (round) => {
      await system.runs.status(`report/${(round * 97) % RUNS}`);
    });
    return [
      {
        what: `p99 of finding the ${RUNS / RARE} runs of 100,000 that wait for a person`,
        value: waiting.p99,
        unit: 'ms',
        target: { atMost: 10 },
        from: { 'ms p50': waiting.p50, 'ms of the first, asleep': first.p50 },
      },
      {
        what: 'p99 of the status of one of 100,000 runs, asleep',
        value: status.p99,
        unit: 'ms',
        target: { atMost: 10 },
        from: { 'ms p50': status.p50 },
      },
    ];
  },
};
