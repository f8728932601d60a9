/**
 * Elsewhere: random workflows run here, and their histories are told again in another process, in another time zone and language
 * (and by another Node, if HEDDLE_OTHER_NODE names one). Every state on the way must hash to the same.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createSystem } from 'heddle';
import { memory } from 'heddle/storage';
import { FROM_SOURCE } from '../from-source.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { Prng } from '../../runtime/testing/prng.ts';
import { EVENTS, workflow } from './elsewhere/workflow.ts';
import { Tally } from './ring.ts';
import type { Ring } from './ring.ts';

const DEFAULT_SEEDS = 1000;

export const elsewhere: Ring = async ({ seeds = DEFAULT_SEEDS, seed = 1 }, progress) => {
  const tally = new Tally('elsewhere', progress);
  tally.note('seed', seed);
  const teller = new Teller();
  try {
    for (let i = 0; i < seeds; i++) {
      const history = await lived(seed + i);
      const { records, different } = await teller.tell(seed + i, history);
      tally.add('runs');
      tally.add('records', records);
      tally.add('states', history.match(/"state":"/g)?.length ?? 0);
      for (const one of different) tally.violation(`seed ${seed + i}: ${JSON.stringify(one)}`, seed + i);
      tally.show(i + 1, seeds);
    }
  } finally {
    teller.stop();
  }
  tally.mustHaveHappened('runs', seeds);
  tally.mustHaveHappened('records', seeds * 10);
  tally.mustHaveHappened('states', seeds * 10);
  return tally.report();
};

/** A run of the workflow of a seed, as its history. */
async function lived(seed: number): Promise<string> {
  const random = new Prng(seed).fork('events');
  const clock = new VirtualClock();
  const system = await createSystem({
    store: memory(),
    actors: { run: workflow(seed) },
    clock,
    logger: SILENT,
  });
  try {
    const ref = await system.actor('run', '1');
    for (let i = 0; i < 20; i++) {
      await ref.send({ type: random.pick(EVENTS) }).catch(() => {});
      if (random.chance(0.5)) await clock.advance(random.below(60), () => ticks());
      await ticks();
    }
    return await system.export('run/1');
  } finally {
    await system.close();
  }
}

const SILENT = { log: () => {}, error: () => {} };

async function ticks(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Answer {
  readonly records: number;
  readonly different: readonly unknown[];
}

class Teller {
  readonly #process;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const file = fileURLToPath(new URL('./elsewhere/teller.ts', import.meta.url));
    const node = process.env['HEDDLE_OTHER_NODE'] ?? process.execPath;
    this.#process = spawn(node, [...FROM_SOURCE, file], {
      env: { ...process.env, TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async tell(seed: number, history: string): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify({ seed, history })}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the other process has ended');
    return JSON.parse(value) as Answer;
  }

  stop(): void {
    this.#process.stdin.end();
  }
}
