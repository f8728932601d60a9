/**
 * What is stored, to be damaged: notebooks that remember everything they were told in a running sum, so that a missing, a
 * repeated or an altered event shows.
 */
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
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
const ROUNDS = 40;

/** Fills a store, and says what must be in it. `snapshot` is called while it is open and everything is durable. */
export async function fillStore(folder: string, random: Prng, snapshot: () => void): Promise<Expected[]> {
  for (const half of [0, 1]) {
    const system = await createSystem({
      store: leveldb(folder),
      actors: { notebook },
      passivateAfter: half === 0 ? 0 : 60_000,
    });
    const books = await Promise.all(
      Array.from({ length: NOTEBOOKS }, (_, i) => system.actor('notebook', `${i}`)),
    );
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
    if (half === 1) {
      snapshot();
      const expected = books.map((book) => ({ address: book.address, ...book.getSnapshot().context }));
      await system.close();
      return expected;
    }
    await system.close();
  }
  throw new Error('unreachable');
}
