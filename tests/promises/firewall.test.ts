// The lie: "a step opens nothing, neither when it happens nor when it is told again". Guards and assigns that try each way out of
// the process, held against what the process has really opened: sockets, child processes, threads and files.
import { execFile, execFileSync, fork, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createWriteStream, existsSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { durable } from 'heddle';
import { open, rejection, ticks } from './systems.ts';

const FILE = join(tmpdir(), `heddle-firewall-promise-${process.pid}`);
let connections = 0;
let port = 0;
const server = net.createServer((socket) => {
  connections++;
  socket.destroy();
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as net.AddressInfo).port;
});
afterAll(() => {
  server.close();
  rmSync(FILE, { force: true });
});

const WAYS: Readonly<Record<string, () => unknown>> = {
  'net.connect': () => net.connect(port, '127.0.0.1'),
  'net.Server.listen': () => net.createServer().listen(0),
  'http.get': () => http.get({ port }),
  'dgram.createSocket': () => createSocket('udp4').bind(0),
  'child_process.spawn': () => spawn(process.execPath, ['-e', `require('fs').writeFileSync('${FILE}', '')`]),
  'child_process.execFile': () => execFile('touch', [FILE]),
  'child_process.execFileSync': () => execFileSync('touch', [FILE]),
  'child_process.fork': () => fork(FILE),
  'worker_threads.Worker': () => new Worker(`require('fs').writeFileSync('${FILE}', '')`, { eval: true }),
  'fs.writeFileSync': () => writeFileSync(FILE, ''),
  'fs.createWriteStream': () => createWriteStream(FILE),
  'fs.promises.writeFile': () => void writeFile(FILE, ''),
};

/** What this process holds open, by kind. */
const opened = (): string[] =>
  process.getActiveResourcesInfo().filter((kind) => !/Timeout|Immediate/.test(kind));

/** A machine whose guard does something on the side. */
const guarded = (guard: () => boolean) =>
  setup({ types: { context: {} as { n: number }, events: {} as { type: 'go' } } }).createMachine({
    context: { n: 0 },
    on: {
      go: {
        guard,
        actions: assign({ n: ({ context }) => context.n + 1 }),
      },
    },
  });

const doing = (reach: () => unknown) =>
  guarded(() => {
    reach();
    return true;
  });

describe.each(Object.entries(WAYS))('a step that calls %s', (api, reach) => {
  it('is refused, and nothing is opened', async () => {
    const system = await open({ machine: doing(reach) });
    const ref = await system.system.actor('machine', '1');
    const before = opened();
    const refusal = await rejection(ref.send({ type: 'go' }));
    expect(refusal).toMatchObject({
      _tag: 'Nondeterminism',
      api,
      fix: expect.stringContaining('in an action') as string,
    });
    await ticks();
    expect(opened()).toEqual(before);
    expect([existsSync(FILE), connections]).toEqual([false, 0]);
    expect(ref.getSnapshot().context).toEqual({ n: 0 });
  });

  it('is a difference when it is told again, and nothing is opened', async () => {
    const before = await open({
      machine: durable(
        guarded(() => true),
        { checkpointEvery: 1 },
      ),
    });
    const ref = await before.system.actor('machine', '1');
    await ref.send({ type: 'go' });
    const later = await before.reopenWith({ machine: doing(reach) });
    const held = opened();
    expect(await later.system.replay('machine/1')).toMatchObject({
      same: false,
      difference: { seq: 2, path: 'step', today: `it uses ${api}` },
    });
    for (const ask of [
      () => later.system.actor('machine', '1'),
      () => later.system.blame('machine/1', 'context.n'),
    ])
      expect(await rejection(ask())).toMatchObject({ _tag: 'StoryChanged' });
    await ticks();
    expect(opened()).toEqual(held);
    expect([existsSync(FILE), connections]).toEqual([false, 0]);
  });
});

it('what is counted would be noticed', async () => {
  const before = opened();
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('close', resolve));
  const process_ = spawn(process.execPath, ['-e', '0']);
  expect(opened().length).toBeGreaterThan(before.length);
  await new Promise((resolve) => process_.once('exit', resolve));
  expect(connections).toBe(1);
});
