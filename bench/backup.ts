import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import type { BackupReport } from 'heddle/storage';
import { compared, median } from './bench.ts';
import type { Bench } from './bench.ts';

const ACTORS = 100;
const FILLED_EVENTS = 120_000;
const ROUNDS = 3;
const ALONE_MS = 3000;
const INCREMENTAL = 20;

const register = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'enter'; text: string } },
}).createMachine({
  id: 'register',
  context: { n: 0 },
  on: { enter: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
});

/** A text that LevelDB cannot make smaller. */
const textOf = (bytes: number): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('base64');

export const backup: Bench = {
  name: 'backup',
  prepare: async (folder) => {
    await using system = await createSystem({ store: leveldb(join(folder, 'store')), actors: { register } });
    const refs = await Promise.all(
      Array.from({ length: ACTORS }, (_, i) => system.actor('register', `${i}`)),
    );
    for (let done = 0; done < FILLED_EVENTS; done += ACTORS)
      await Promise.all(refs.map((ref) => ref.send({ type: 'enter', text: textOf(1200) })));
  },
  measure: async (folder) => {
    await using system = await createSystem({ store: leveldb(join(folder, 'store')), actors: { register } });
    const refs = await Promise.all(
      Array.from({ length: ACTORS }, (_, i) => system.actor('register', `${i}`)),
    );
    let acked = 0;
    let working = true;
    const text = 'x'.repeat(100);
    const work = refs.map(async (ref) => {
      while (working) {
        await ref.send({ type: 'enter', text });
        acked++;
      }
    });
    /** How many events a second are acknowledged while something goes on. */
    const during = async (what: () => Promise<unknown>): Promise<number> => {
      const [from, startedAt] = [acked, performance.now()];
      await what();
      return ((acked - from) / (performance.now() - startedAt)) * 1000;
    };
    const target = join(folder, 'backup');
    const whole: BackupReport[] = [];
    const { reference, subject, ratio } = await compared(
      ROUNDS,
      () => during(() => new Promise((resolve) => setTimeout(resolve, ALONE_MS))),
      () => {
        rmSync(target, { recursive: true, force: true });
        return during(async () => whole.push(await system.backup(target)));
      },
    );
    const more: BackupReport[] = [];
    for (let i = 0; i < INCREMENTAL; i++) more.push(await system.backup(target));
    working = false;
    await Promise.all(work);
    const pauses = [...whole, ...more].map(({ pauseMs }) => pauseMs);
    const megabytes = whole.at(-1)!.bytes / 1e6;
    return [
      {
        what: 'acknowledged events a second while a backup is made and proven, against without',
        value: ratio,
        unit: '×',
        from: { 'events/s without': reference, 'events/s during': subject },
      },
      {
        what: 'how long commits pause for a backup of a system at work: p50',
        value: median(pauses),
        unit: 'ms',
        target: { atMost: 5 },
        from: { 'ms at most': Math.max(...pauses), backups: pauses.length },
      },
      {
        what: 'a whole backup under load, proven: time for 100 MB',
        value: median(whole.map(({ tookMs, bytes }) => tookMs / (bytes / 1e8))) / 1000,
        unit: 's',
        from: { MB: megabytes, 's for one more': median(more.map(({ tookMs }) => tookMs)) / 1000 },
      },
    ];
  },
};
