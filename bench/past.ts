import { createHash } from 'node:crypto';
import { createActor } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { compared, median } from './bench.ts';
import type { Bench } from './bench.ts';
import { counter } from './machines.ts';

const EVENTS = 20_000;
const WANTED = 10_000;
const LOOKS = 40;

/** The state as of a record in the middle of a long story. */
export const snapshotAt: Bench = {
  name: 'snapshot-at',
  prepare: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const ref = await system.actor('counter', '1');
    for (let sent = 0; sent < EVENTS; sent += 500)
      await Promise.all(Array.from({ length: 500 }, () => ref.send({ type: 'increment', by: 1 })));
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const bare = async (): Promise<number> => {
      const actor = createActor(counter).start();
      const startedAt = performance.now();
      for (let i = 1; i < WANTED; i++) actor.send({ type: 'increment', by: 1 });
      return performance.now() - startedAt;
    };
    const times: number[] = [];
    const looked = async (): Promise<number> => {
      const round: number[] = [];
      for (let look = 0; look < LOOKS; look++) {
        const startedAt = performance.now();
        const { context } = await system.snapshotAt('counter/1', WANTED + look);
        round.push(performance.now() - startedAt);
        if (context.count !== WANTED + look - 1)
          throw new Error(`record ${WANTED + look} says ${context.count}`);
      }
      times.push(...round);
      return median(round);
    };
    const { ratio, subject, reference } = await compared(5, bare, looked);
    return [
      {
        what: 'the state as of the 10,000th of 20,000 records, to sending 10,000 events to a bare createActor()',
        value: ratio,
        unit: 'ratio',
        target: { atMost: 1 },
        from: {
          'ms for a state': subject,
          'ms for the events': reference,
          'p99 ms': times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!,
        },
      },
    ];
  },
};

const FRAME_BYTES = 16 << 10;

/**
 * What the chain of hashes costs: the SHA-256 over the bytes that a durable event adds to its frame, beside what the whole event
 * takes. The links of records are halves of the same hashes.
 */
export const hashLinks: Bench = {
  name: 'hash-links',
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(folder), actors: { counter } });
    const refs = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => system.actor('counter', String(i))),
    );
    const rounds: { readonly share: number; readonly eventUs: number; readonly hashUs: number }[] = [];
    for (let round = 0; round < 6; round++) {
      const before = await system.verify();
      const startedAt = performance.now();
      for (let i = 0; i < 40; i++)
        await Promise.all(refs.map((ref) => ref.send({ type: 'increment', by: 1 })));
      const events = 40 * refs.length;
      const eventUs = ((performance.now() - startedAt) / events) * 1000;
      const { frames } = await system.verify();
      const hashUs = (usPerHash(FRAME_BYTES) * (frames - before.frames)) / events;
      // The first warms up.
      if (round > 0) rounds.push({ share: hashUs / eventUs, eventUs, hashUs });
    }
    return [
      {
        what: 'part of the time of a durable event that its share of the hash chain takes, 1,000 counters on LevelDB',
        value: median(rounds.map(({ share }) => share)),
        unit: 'ratio',
        target: { atMost: 0.1 },
        from: {
          'µs for an event': median(rounds.map(({ eventUs }) => eventUs)),
          'µs of hashing in it': median(rounds.map(({ hashUs }) => hashUs)),
        },
      },
    ];
  },
};

function usPerHash(bytes: number): number {
  const frame = Buffer.alloc(bytes, 7);
  const startedAt = performance.now();
  for (let i = 0; i < 500; i++) createHash('sha256').update(frame).digest();
  return ((performance.now() - startedAt) / 500) * 1000;
}
