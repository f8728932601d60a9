import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { WebSocket } from 'ws';
import { createSystem } from 'heddle';
import { inspector } from 'heddle/console';
import type { RunningInspector } from 'heddle/console';
import { leveldb } from 'heddle/storage';
import { compared, inLanes, withFolder } from './bench.ts';
import type { Bench, Figure } from './bench.ts';
import { counter } from './machines.ts';

const ACTORS = 10_000;
/** How many sends are in flight. */
const LANES = 1000;
const ROUNDS = 5;

/** How somebody looks; returns how they stop. */
type Look = (eye: RunningInspector) => Promise<() => Promise<unknown>>;

const socketUrl = ({ url }: RunningInspector): string => url!.replace('http', 'ws');

/** Reads all it can, on a thread of its own: what it does with it is not the system's time. */
const fast: Look = async (eye) => {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { WebSocket } = require(workerData.ws);
    const socket = new WebSocket(workerData.url);
    socket.on('open', () => parentPort.postMessage('open'));
    socket.on('message', () => {});`;
  const workerData = { ws: createRequire(import.meta.url).resolve('ws'), url: socketUrl(eye) };
  const worker = new Worker(code, { eval: true, workerData });
  await new Promise((resolve) => void worker.once('message', resolve));
  return () => worker.terminate();
};

/** Reads nothing. */
const stalled: Look = async (eye) => {
  const socket = new WebSocket(socketUrl(eye));
  await new Promise((resolve) => void socket.once('open', resolve));
  socket.pause();
  return async () => socket.terminate();
};

const nobody: Look = async () => async () => {};

/** What nobody sees and nobody pays for: the time that the inspector has saved while nothing happened is used up first. */
const WARM_MS = 500;

interface Measured extends AsyncDisposable {
  readonly eye: RunningInspector | undefined;
  /** Durable events a second. */
  readonly perSecond: () => Promise<number>;
}

/** Counters of which some take events, while somebody looks; without a look there is no inspector. */
async function opened(folder: string, look: Look | undefined): Promise<Measured> {
  const eye = look && inspector();
  await eye?.ready;
  const system = await createSystem({
    store: leveldb(folder),
    actors: { counter },
    passivateAfter: Infinity,
    ...(eye !== undefined && { inspect: eye }),
  });
  const refs = await Promise.all(Array.from({ length: ACTORS }, (_, i) => system.actor('counter', `${i}`)));
  const leave = eye && (await look(eye));
  let next = 0;
  const send = (): Promise<unknown> => refs[next++ % ACTORS]!.send({ type: 'increment', by: 1 });
  return {
    eye,
    perSecond: async () => {
      await inLanes(WARM_MS, LANES, send);
      return inLanes(1000, LANES, send);
    },
    [Symbol.asyncDispose]: async () => {
      await leave?.();
      await system.close();
    },
  };
}

const figure = (what: string, look: Look, atLeast: number): Promise<Figure> =>
  withFolder(async (folder) => {
    await using plain = await opened(join(folder, 'plain'), undefined);
    await using inspected = await opened(join(folder, 'inspected'), look);
    const { ratio, subject, reference } = await compared(ROUNDS, plain.perSecond, inspected.perSecond);
    const [viewer] = inspected.eye!.viewers;
    const frames = viewer && { 'frames sent': viewer.sent, 'turns not shown one by one': viewer.missed };
    return {
      what: `durable events/s of 10,000 live counters with an inspector, ${what}, to those without`,
      value: ratio,
      unit: 'ratio',
      target: { atLeast },
      from: { 'events/s': subject, 'events/s without': reference, ...frames },
    };
  });

export const inspection: Bench = {
  name: 'inspector',
  measure: async () => [
    await figure('and nobody looks', nobody, 0.95),
    await figure('and one viewer reads all it can', fast, 0.8),
    await figure('and one viewer reads nothing', stalled, 0.9),
  ],
};
