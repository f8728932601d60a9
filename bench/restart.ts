import { createActor } from 'xstate';
import { createSystem, durable, supervisor } from 'heddle';
import { leveldb, memory } from 'heddle/storage';
import type { Store } from 'heddle/storage';
import { median } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { fragile } from './machines.ts';

/** Each of them crashes once: none has a checkpoint, so all of its story is told again. */
const ACTORS = 600;
const EVENTS = 100;
/** The first restarts are those of cold code. */
const WARM_UP = 100;

const actors = { fragile: durable(fragile, { poison: 'fail' }) };

interface Restarts {
  /** From the moment at which it went down, to the receipt of the next event. */
  readonly downMs: readonly number[];
  /**
   * From the event that makes it crash, to that receipt. Before it goes down it is restored once already, because the event
   * gets a second chance, and a dead letter is written.
   */
  readonly outageMs: readonly number[];
}

/** Crashes one after the other, and sends each an event that waits until it is up again. */
async function restartAll(store: Store): Promise<Restarts> {
  const outageMs: number[] = [];
  const downMs: number[] = [];
  let wentDownAt = 0;
  const logger = { log: () => {}, error: () => void (wentDownAt = performance.now()) };
  const children = Array.from({ length: ACTORS }, (_, i) => ({ id: `${i}`, start: 'fragile' as const }));
  await using system = await createSystem({
    store,
    actors,
    logger,
    supervise: supervisor({ id: 'restarting', intensity: 1_000_000, children }),
  });
  const refs = children.map(({ id }) => system.get(`fragile/${id}`)!);
  // All of them take turns, as in life: the story of each is spread over a hundred commits.
  for (let i = 0; i < EVENTS; i++)
    await Promise.all(refs.map((ref) => ref.send({ type: 'increment', by: 1 })));
  for (const ref of refs) {
    const startedAt = performance.now();
    const crash = ref.send({ type: 'crash' });
    crash.catch(() => {});
    await ref.send({ type: 'increment', by: 1 });
    const takenAt = performance.now();
    outageMs.push(takenAt - startedAt);
    downMs.push(takenAt - wentDownAt);
    if (ref.getSnapshot().context.count !== EVENTS + 1) throw new Error('it has come back as another');
  }
  const { restarts } = system.metrics();
  if (restarts !== ACTORS) throw new Error(`${restarts} restarts, of ${ACTORS}`);
  return { downMs: downMs.slice(WARM_UP), outageMs: outageMs.slice(WARM_UP) };
}

/** What the telling alone takes, without a journal: the same events, to actors that are new. */
function tellPlain(): number {
  const times: number[] = [];
  for (let round = 0; round < ACTORS; round++) {
    const startedAt = performance.now();
    const actor = createActor(fragile).start();
    for (let i = 0; i < EVENTS; i++) actor.send({ type: 'increment', by: 1 });
    times.push(performance.now() - startedAt);
  }
  return median(times.slice(WARM_UP));
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)]!;

async function measured(where: string, store: Store): Promise<Figure> {
  const before = tellPlain();
  const { downMs, outageMs } = await restartAll(store);
  const plain = median([before, tellPlain()]);
  const p50 = median(downMs);
  return {
    what: `a supervised actor goes down and is restored from ${EVENTS} events, until it takes the next: p50, ${where}`,
    value: p50,
    unit: 'ms',
    target: { atMost: 1 },
    from: {
      'p99 ms': percentile(downMs, 0.99),
      'p50 ms since the event that it failed on': median(outageMs),
      'p99 ms since that': percentile(outageMs, 0.99),
      'ms to tell a plain createActor() the same events': plain,
      'ratio to that': p50 / plain,
    },
  };
}

export const restart: Bench = {
  name: 'restart',
  measure: async (folder) => [
    await measured('in memory, so without a disk', memory()),
    await measured('on LevelDB, synced', leveldb(folder)),
  ],
};
