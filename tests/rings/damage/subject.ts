/**
 * What is stored, to be damaged: notebooks that remember everything they were told in a running sum, so that a missing, a
 * repeated or an altered event shows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import type { System } from 'heddle';
import { leveldb } from 'heddle/storage';
import { internals, openSystem } from '../../../runtime/system.ts';
import type { Prng } from '../../../runtime/testing/prng.ts';

export const notebook = setup({
  types: {
    context: {} as { count: number; sum: number; last: string },
    events: {} as { type: 'write'; number: number; text: string },
  },
}).createMachine({
  id: 'notebook',
  context: { count: 0, sum: 0, last: '' },
  on: {
    write: {
      actions: assign({
        count: ({ context }) => context.count + 1,
        sum: ({ context, event }) => (context.sum * 31 + event.number) % 1_000_003,
        last: ({ event }) => event.text,
      }),
    },
  },
});

export interface Expected {
  readonly address: string;
  readonly count: number;
  readonly sum: number;
  readonly last: string;
}

export const NOTEBOOKS = 30;
/** These do not write any more when all have slept for the last time: nothing above the low-water mark speaks of them. */
const SLEEPERS = NOTEBOOKS / 2;
const ROUNDS = 40;
/** So that the mark follows every sleep, while all that it has passed is still in the log. */
const LOG_BUDGET = { bytes: 48 << 20, frames: 100 };

export interface Filled {
  readonly expected: readonly Expected[];
  /** The first frame of the second opening, which stands in the log, and the low-water mark: what lies between is not read. */
  readonly firstLogged: number;
  readonly lowWater: number;
}

/**
 * Fills a store in two openings, and says what must be in it. `snapshot` is called while it is open for the second time and
 * everything is durable.
 */
export async function fillStore(folder: string, random: Prng, snapshot: () => void): Promise<Filled> {
  const first = await createSystem({ store: leveldb(folder), actors: { notebook }, passivateAfter: 0 });
  await write(random, await booksOf(first));
  await first.close();

  const options = { store: leveldb(folder), actors: { notebook }, passivateAfter: 50 };
  const second = await openSystem(options, { logBudget: LOG_BUDGET });
  const { ledger, population } = internals.get(second)!;
  const firstLogged = ledger.frame;
  const books = await booksOf(second);
  for (const awake of [books, books, books.slice(SLEEPERS)]) {
    await write(random, awake);
    if (awake.length < books.length) break;
    while (books.some(({ address }) => population.presentAt(address) !== undefined)) await sleep(10);
  }
  const { lowWater } = ledger;
  snapshot();
  const expected = books.map((book) => ({ address: book.address, ...book.getSnapshot().context }));
  await second.close();
  return { expected, firstLogged, lowWater };
}

type Notebook = Awaited<ReturnType<typeof booksOf>>[number];

const booksOf = (system: System<{ notebook: typeof notebook }>) =>
  Promise.all(Array.from({ length: NOTEBOOKS }, (_, i) => system.actor('notebook', `${i}`)));

async function write(random: Prng, books: readonly Notebook[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const writers = books.filter(() => random.chance(0.6));
    await Promise.all(
      writers.map((book) =>
        book.send({
          type: 'write',
          number: random.below(1000),
          text: Buffer.from(random.bytes(60)).toString('base64'),
        }),
      ),
    );
  }
}
