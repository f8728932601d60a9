import { setup } from 'xstate';
import { createSystem } from 'heddle';
import type { System } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared, inLanes, withFolder } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { counter } from './machines.ts';

const RUNS = 100_000;
/** One in so many is in review. */
const RARE = 5000;
const QUERIES = 1000;

const report = setup({ types: { events: {} as { type: 'submit' } | { type: 'publish' } } }).createMachine({
  initial: 'draft',
  states: {
    draft: { on: { submit: 'review', publish: 'published' } },
    review: {},
    published: { initial: 'fresh', states: { fresh: {} } },
  },
});
const actors = { report };
type Reports = System<typeof actors>;

async function write(system: Reports): Promise<void> {
  for (let born = 0; born < RUNS; born += 1000)
    await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const run = born + i;
        const ref = await system.actor('report', `${run}`);
        if (run % RARE === 0) await ref.send({ type: 'submit' });
        else if (run % 2 === 0) await ref.send({ type: 'publish' });
      }),
    );
}

async function timed(queries: number, run: (query: number) => Promise<number>, expected: number) {
  const times: number[] = [];
  // What was done before is still collected and compacted.
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let query = 0; query < queries; query++) {
    const startedAt = performance.now();
    const found = await run(query);
    times.push(performance.now() - startedAt);
    if (found !== expected) throw new Error(`${found} were found, and not ${expected}`);
  }
  times.sort((a, b) => a - b);
  return { p50: times[queries >> 1]!, p99: times[Math.floor(queries * 0.99)]! };
}

async function count(refs: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const _ of refs) found++;
  return found;
}

async function figures(system: Reports, where: string): Promise<readonly Figure[]> {
  const startedAt = performance.now();
  await count(system.query({ name: 'report', state: 'review' }));
  const first = performance.now() - startedAt;
  const selective = await timed(
    QUERIES,
    () => count(system.query({ name: 'report', state: 'review' })),
    RUNS / RARE,
  );
  const page = await timed(
    QUERIES,
    () => count(system.query({ name: 'report', state: 'published', limit: 50 })),
    50,
  );
  const one = await timed(
    QUERIES,
    (query) => count(system.query({ name: 'report', under: `report/${query * 7}` })),
    1,
  );
  return [
    {
      what: `p99 of a query for ${RUNS / RARE} of 100,000 runs that are ${where}`,
      value: selective.p99,
      unit: 'ms',
      target: { atMost: 10 },
      from: { 'ms p50': selective.p50, 'ms of the first query': first },
    },
    {
      what: `p99 of a page of 50 of 100,000 runs that are ${where}`,
      value: page.p99,
      unit: 'ms',
      target: { atMost: 10 },
      from: { 'ms p50': page.p50, 'ms p50 of one address': one.p50, 'ms p99 of one address': one.p99 },
    },
  ];
}

export const queryInMemory: Bench = {
  name: 'query',
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors, passivateAfter: Infinity });
    await write(system);
    return await figures(system, 'in memory');
  },
};

export const queryAsleep: Bench = {
  name: 'query-asleep',
  prepare: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors, passivateAfter: 100 });
    await write(system);
    while (system.metrics().actors.inMemory > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors });
    return await figures(system, 'asleep, after a fresh opening');
  },
};

/** Opened again after a crash in the middle of it all: the first query has to read what no checkpoint holds. */
export const queryAfterCrash: Bench = {
  name: 'query-after-crash',
  prepare: async (folder) => {
    const system = await createSystem({ store: leveldb(folder), actors, passivateAfter: Infinity });
    await write(system);
    process.kill(process.pid, 'SIGKILL');
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors });
    return await figures(system, 'known from the journal only');
  },
};

/** Turns that change no state, and turns of which each does. */
const flip = setup({ types: { events: {} as { type: 'flip' } } }).createMachine({
  initial: 'heads',
  states: { heads: { on: { flip: 'tails' } }, tails: { on: { flip: 'heads' } } },
});

/** CPU microseconds of this process for each event: what else runs on the machine does not count. */
const cpuOfEvent = (isQueried: boolean, type: 'flip' | 'increment'): Promise<number> =>
  withFolder(async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { flip, counter } });
    const name = type === 'flip' ? 'flip' : 'counter';
    const refs = await Promise.all(Array.from({ length: 1000 }, (_, i) => system.actor(name, `${i}`)));
    if (isQueried) await count(system.query({ name }));
    const before = process.cpuUsage();
    const { turns } = system.metrics();
    await inLanes(2000, refs.length, (lane) => refs[lane]!.send({ type, by: 1 }));
    const { user, system: kernel } = process.cpuUsage(before);
    return (user + kernel) / (system.metrics().turns - turns);
  });

export const queryCost: Bench = {
  name: 'query-cost',
  measure: async () => {
    const figuresOf = async (type: 'flip' | 'increment', what: string): Promise<Figure> => {
      const { ratio, subject, reference } = await compared(
        5,
        () => cpuOfEvent(false, type),
        () => cpuOfEvent(true, type),
      );
      return {
        what: `CPU time of an event once somebody has queried, to before: ${what}`,
        value: ratio,
        unit: 'ratio',
        target: { atMost: 1.05 },
        from: { 'µs after': subject, 'µs before': reference },
      };
    };
    return [
      await figuresOf('increment', 'turns that change no state'),
      await figuresOf('flip', 'turns that do'),
    ];
  },
};
