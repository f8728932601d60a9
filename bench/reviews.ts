import { setup } from 'xstate';
import { createSystem } from 'heddle';
import type { System } from 'heddle';
import { Reviews } from 'heddle/actors';
import type { PendingOptions } from 'heddle/actors';
import { review } from 'heddle/machines';
import { leveldb } from 'heddle/storage';
import { median } from './bench.ts';
import type { Bench } from './bench.ts';

const RUNS = 100_000;
/** One in so many still waits for its review; the others were decided. */
const RARE = 5000;
/** Of another workflow, all of which wait; one in a thousand for somebody else. */
const CROWD = 10_000;
const CROWD_RARE = 1000;
const ROUNDS = 1000;
const AT_ONCE = 1000;

const waiting = setup({
  types: { input: {} as { role: string }, context: {} as { role: string } },
  actors: { review },
}).createMachine({
  context: ({ input }) => input,
  initial: 'reviewing',
  states: {
    reviewing: {
      invoke: {
        src: 'review',
        id: 'review',
        input: ({ context: { role } }) => ({ title: 'Publish?', proposal: { text: 'Tides' }, roles: [role] }),
        onDone: 'decided',
      },
    },
    decided: {},
  },
});
const actors = { report: waiting, letter: waiting };
type House = System<typeof actors>;

const permit = () => ({ effect: 'permit', determining: ['all'], reasons: [], obligations: [] }) as const;

async function write(system: House): Promise<void> {
  const reviews = new Reviews(system, { decide: permit });
  for (let born = 0; born < RUNS; born += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const id = `${born + i}`;
        await system.start('report', { id, input: { role: 'editor' } });
        // It is born with its first message, behind the start.
        while (reviews.get(`report/${id}/review`) === undefined)
          await new Promise((resolve) => setImmediate(resolve));
        if (Number(id) % RARE === 0) return;
        const decision = { by: 'ada', verdict: 'reject', reason: 'measured' } as const;
        await reviews.decide(`report/${id}/review`, decision);
      }),
    );
  for (let born = 0; born < CROWD; born += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => {
        const role = i % CROWD_RARE === 0 ? 'lawyer' : 'editor';
        return system.start('letter', { id: `${born + i}`, input: { role } });
      }),
    );
}

/** @returns p50 and p99 in ms */
async function timed(reviews: Reviews, rounds: number, options: PendingOptions, expected: number) {
  const times: number[] = [];
  // What was done before is still collected and compacted.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    let found = 0;
    for await (const _ of reviews.pending(options)) found++;
    times.push(performance.now() - startedAt);
    if (found !== expected) throw new Error(`${found} reviews were found, and not ${expected}`);
  }
  times.sort((a, b) => a - b);
  return { p50: median(times), p99: times[Math.floor(rounds * 0.99)]! };
}

export const pendingReviews: Bench = {
  name: 'reviews',
  prepare: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors, passivateAfter: 100 });
    await write(system);
    while (system.metrics().actors.inMemory > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors });
    const reviews = new Reviews(system, { decide: permit });
    const first = await timed(reviews, 1, { workflow: 'report' }, RUNS / RARE);
    const few = await timed(reviews, ROUNDS, { workflow: 'report' }, RUNS / RARE);
    const crowdAsleep = await timed(reviews, 1, { role: 'lawyer' }, CROWD / CROWD_RARE);
    const crowd = await timed(reviews, 5, { role: 'lawyer' }, CROWD / CROWD_RARE);
    const page = await timed(reviews, ROUNDS, { limit: 50 }, 50);
    return [
      {
        what: `p99 of finding the ${RUNS / RARE} pending reviews of 100,000 runs`,
        value: few.p99,
        unit: 'ms',
        target: { atMost: 10 },
        from: { 'ms p50': few.p50, 'ms of the first, asleep': first.p50 },
      },
      {
        what: 'p99 of a page of 50 pending reviews',
        value: page.p99,
        unit: 'ms',
        target: { atMost: 10 },
        from: { 'ms p50': page.p50 },
      },
      {
        what: `those of one role among ${CROWD} that wait: time for each that waits`,
        value: (crowdAsleep.p50 / CROWD) * 1000,
        unit: 'µs',
        from: { 'µs in memory': (crowd.p50 / CROWD) * 1000, 'ms for all, asleep': crowdAsleep.p50 },
      },
    ];
  },
};
