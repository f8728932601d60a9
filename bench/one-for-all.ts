import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createSystem, durable, supervisor } from 'heddle';
import { leveldb } from 'heddle/storage';
import { median, withFolder } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { heapUsed } from './heap-used.ts';
import { fragile } from './machines.ts';

const CHILDREN = 1000;
const MANY_CHILDREN = 10_000;
/** Both sides have so many turns, one after the other, with so many restarts in each. The first turn warms up. */
const TURNS = 6;
const RESTARTS = 5;

const OTP = fileURLToPath(new URL('one-for-all.escript', import.meta.url));

const child = durable(fragile, { poison: 'fail' });

const silent = { log: () => {}, error: () => {} };

const treeOf = (children: number) =>
  supervisor({
    id: 'all',
    strategy: 'one-for-all',
    intensity: 1_000_000,
    children: Array.from({ length: children }, (_, i) => ({ id: `${i}`, start: 'child' as const })),
  });

// ---- restarts ----------------------------------------------------------------------------------------------------

interface Times {
  /** Until the whole tree is up for the first time. */
  readonly startMs: number;
  readonly restartMs: readonly number[];
}

/** OTP's own supervisor; undefined where it is not installed. */
function inOtp(): Times | undefined {
  const { error, status, stdout, stderr } = spawnSync('escript', [OTP, `${CHILDREN}`, `${RESTARTS}`], {
    encoding: 'utf8',
  });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(`OTP has ended with ${status}: ${stderr}`);
  const [startMs, ...restartMs] = stdout.split(' ').map(Number);
  return { startMs: startMs!, restartMs };
}

/** Ours, durable: every stop and every start of a child is a record of it and of its supervisor. */
const inHeddle = (): Promise<Times> =>
  withFolder(async (folder) => {
    const openedAt = performance.now();
    await using system = await createSystem({
      store: leveldb(folder),
      actors: { child },
      logger: silent,
      supervise: treeOf(CHILDREN),
    });
    const startMs = performance.now() - openedAt;
    const handle = system.supervisor('all');
    const victim = system.get(`child/${CHILDREN >> 1}`)!;
    const restartMs: number[] = [];
    for (let round = 1; round <= RESTARTS; round++) {
      const startedAt = performance.now();
      victim.send({ type: 'crash' }).catch(() => {});
      // A supervisor answers when it has nothing else to do. There is no such child, so nothing is done.
      await handle.terminateChild('nobody').catch(() => {});
      restartMs.push(performance.now() - startedAt);
      const up = handle.whichChildren().filter(({ phase, restarts }) => {
        return phase === 'running' && restarts === round;
      });
      if (up.length !== CHILDREN) throw new Error(`${up.length} of ${CHILDREN} are up`);
    }
    return { startMs, restartMs };
  });

async function restarts(): Promise<Figure> {
  const ours: Times[] = [];
  const otp: Times[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const times = inOtp();
    if (times !== undefined) otp.push(times);
    ours.push(await inHeddle());
  }
  const restartOf = (turns: readonly Times[]): number =>
    median(turns.slice(1).flatMap(({ restartMs }) => restartMs));
  const startOf = (turns: readonly Times[]): number => median(turns.slice(1).map(({ startMs }) => startMs));
  const restartMs = restartOf(ours);
  return {
    what: `one of 1,000 one-for-all children crashes: until all are up again, durable, beside OTP's own supervisor${otp.length === 0 ? ' (which is not installed here)' : ' in memory'}`,
    value: restartMs,
    unit: 'ms',
    from: {
      'first start ms': startOf(ours),
      ...(otp.length > 0 && {
        'OTP ms': restartOf(otp),
        'first start in OTP ms': startOf(otp),
        'ratio to OTP': restartMs / restartOf(otp),
      }),
    },
  };
}

// ---- memory ------------------------------------------------------------------------------------------------------

/** A system with so many children, with a supervisor or without. */
const withChildren = <T>(
  children: number,
  isSupervised: boolean,
  look: (startMs: number) => Promise<T>,
): Promise<T> =>
  withFolder(async (folder) => {
    const startedAt = performance.now();
    await using system = await createSystem({
      store: leveldb(folder),
      actors: { child },
      logger: silent,
      passivateAfter: Infinity,
      ...(isSupervised && { supervise: treeOf(children) }),
    });
    if (!isSupervised)
      await Promise.all(Array.from({ length: children }, (_, i) => system.actor('child', `${i}`)));
    const startMs = performance.now() - startedAt;
    if (system.metrics().actors.inMemory < children) throw new Error('not all of them are there');
    return await look(startMs);
  });

/** How much heap the children take, and how long it takes until all are there. */
async function grown(children: number, isSupervised: boolean): Promise<{ bytes: number; startMs: number }> {
  // The system before is let go of when another one has taken a turn.
  const before = await withChildren(1, isSupervised, heapUsed);
  return withChildren(children, isSupervised, async (startMs) => ({
    startMs,
    bytes: (await heapUsed()) - before,
  }));
}

async function size(children: number): Promise<Figure> {
  const alone = await grown(children, false);
  const supervised = await grown(children, true);
  return {
    what: `heap of a supervisor of ${children.toLocaleString('en-US')} children, beyond that of the children`,
    value: (supervised.bytes - alone.bytes) / 1024,
    unit: 'KB',
    from: {
      'bytes for each child': (supervised.bytes - alone.bytes) / children,
      'first start ms': supervised.startMs,
      'ms to start as many without a supervisor': alone.startMs,
    },
  };
}

export const oneForAll: Bench = {
  name: 'one-for-all',
  measure: async () => {
    // What the first system brings with it is not a supervisor's.
    await grown(CHILDREN, true);
    return [await size(CHILDREN), await size(MANY_CHILDREN), await restarts()].reverse();
  },
};
