// The lie: "only friends connect". Strangers, other releases, copies of the store, and peers that send rubbish, stop reading or
// vanish in the middle; and doors that a killed process has left over. Real sockets; the system behind is one or is played.
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { check, createSystem } from 'heddle';
import type { AccessRequest, ActorDefinitions, Decider, HistoryRecord, System } from 'heddle';
import { leveldb } from 'heddle/storage';
import { askDaemon, isAnswered } from './client.ts';
import { readDoor } from './door.ts';
import type { Door } from './door.ts';
import { user } from './operator.ts';
import { MAX_ARGS_CHARS, MAX_REQUEST_BYTES, PROTOCOL } from './protocol.ts';
import { serveControl } from './server.ts';
import type { Control } from './server.ts';

let store: string;
let control: Control | undefined;
/** How many records the played system was asked for, and whether somebody has told it to stop. */
let told: { count: number; ended: boolean };
const troubles: unknown[][] = [];
const logger = { log: () => {}, error: (...args: unknown[]) => void troubles.push(args) };
const never = new AbortController().signal;

beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'heddle-control-test-'));
  told = { count: 0, ended: false };
  troubles.length = 0;
});
afterEach(async () => {
  await control?.close();
  control = undefined;
  rmSync(store, { recursive: true, force: true });
});

const record = (seq: number): HistoryRecord => ({
  ...{ address: 'order/1', seq, life: 1, at: 0, cause: { kind: 'outside' }, intents: [], wentDown: false },
  event: { type: 'fill', filling: 'x'.repeat(10_000) },
  ...{
    trace: { traceId: '', spanId: '', parentId: undefined },
    id: undefined,
    principal: undefined,
    decision: undefined,
    attempt: undefined,
    error: undefined,
    frame: 1,
  },
});

/** A system with a journal that does not end. Only what is asked for here is played. */
const played = {
  as() {
    return this;
  },
  async *history() {
    const mine = told;
    try {
      for (;;) {
        yield record(++mine.count);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      mine.ended = true;
    }
  },
  explain: (address: string) => Promise.reject(new Error(`a mistake about ${address}`)),
} as unknown as System<ActorDefinitions>;

async function serve(system = played): Promise<Door> {
  control = await serveControl(system, { store, logger });
  return readDoor(store)!;
}

/** Says something at the socket, and gives what comes back. */
async function knock(said: string | Buffer): Promise<string> {
  const socket = await connected();
  socket.on('error', () => {});
  socket.write(said);
  return text(socket).catch((error: NodeJS.ErrnoException) => String(error.code));
}

async function connected(): Promise<Socket> {
  const socket = createConnection(control!.path);
  await once(socket, 'connect');
  return socket;
}

const request = (door: Door, changes: object = {}): string =>
  `${JSON.stringify({ heddle: PROTOCOL, token: door.token, store: door.store, ask: 'history', args: { address: 'order/1' }, ...changes })}\n`;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

it('a system of the runtime alone has no runs and no halts, and says so', async () => {
  const door = await serve();
  for (const ask of ['runs', 'reviews', 'halts'] as const) {
    const answer = await knock(request(door, { ask, args: {} }));
    expect(JSON.parse(answer)).toMatchObject({
      trouble: {
        code: 'HEDDLE_NEEDS_CODE',
        message: expect.stringContaining(`${ask} needs a system with`) as string,
      },
    });
  }
});

describe('whoever has no business here', () => {
  it('finds a folder and files that only their owner can open', async () => {
    const door = await serve();
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect(mode(join(store, 'heddle.control'))).toBe('700');
    expect(mode(join(store, 'heddle.control', 'door.json'))).toBe('600');
    expect(mode(door.path)).toBe('600');
    expect(door.token.length).toBeGreaterThan(40);
  });

  it('is refused without the token, and learns nothing', async () => {
    const door = await serve();
    for (const token of [
      '',
      'x',
      `${door.token}x`,
      door.token.slice(1),
      7,
      null,
      undefined,
      ['x'],
      { length: 43 },
    ]) {
      const answer = await knock(request(door, { token, ask: 'nothing', store: '/' }));
      expect(JSON.parse(answer)).toMatchObject({
        trouble: { code: 'HEDDLE_CONTROL_DENIED', message: 'the token is wrong' },
      });
    }
    expect(told.count).toBe(0);
  });

  it.each([
    ['JSON that is cut off', '{"heddle":1'],
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n'],
    ['a list', '[]\n'],
    ['nothing', '\n'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x0a])],
  ])('is refused that says %s', async (_, said) => {
    await serve();
    const socket = await connected();
    socket.end(said);
    expect(await text(socket)).toMatch(/^({"trouble":{"name":"(BadRequest|Denied)".*}\n)?$/);
    expect(told.count).toBe(0);
    expect(troubles).toEqual([]);
  });

  it('is refused that talks without end', async () => {
    await serve();
    const answer = await knock(Buffer.alloc(MAX_REQUEST_BYTES + 2, 0x61));
    expect(answer).toMatch(/longer than|ECONNRESET|EPIPE/);
    expect(told.count).toBe(0);
  });

  it('keeps nobody else from being answered', async () => {
    const door = await serve();
    const idle = await Promise.all([connected(), connected(), connected()]);
    for await (const row of askDaemon(door, 'history', anyHistory, never)) {
      expect(row).toMatchObject({ address: 'order/1', seq: 1 });
      break;
    }
    for (const socket of idle) socket.destroy();
  });
});

const anyHistory = {
  ...{ address: 'order/1', from: undefined, to: undefined, last: undefined },
  ...{ reverse: false, children: false, follow: false },
};

describe('a request', () => {
  it.each([
    ['for a store that is a copy', { store: '/somewhere/else' }, 'HEDDLE_CONTROL_DENIED', 'copy'],
    ['of another release', { heddle: 2 }, 'HEDDLE_CONTROL_BAD_REQUEST', 'same release'],
    ['for what nobody knows', { ask: 'toString' }, 'HEDDLE_CONTROL_BAD_REQUEST', 'toString'],
    ['without what it needs', { args: {} }, 'HEDDLE_CONTROL_BAD_REQUEST', 'address must be a text'],
    [
      'with too much',
      { args: { address: 'a', polluted: 1 } },
      'HEDDLE_CONTROL_BAD_REQUEST',
      'polluted is not known',
    ],
    [
      'with a number that is none',
      { args: { address: 'a', from: 1.5 } },
      'HEDDLE_CONTROL_BAD_REQUEST',
      'from must be',
    ],
    ['with a list for arguments', { args: [] }, 'HEDDLE_CONTROL_BAD_REQUEST', 'must be an object'],
    [
      'with an event that is none',
      { ask: 'send', args: { address: 'a', event: { $date: 'x' } } },
      'HEDDLE_CONTROL_BAD_REQUEST',
      '$date',
    ],
    [
      'that fails by a mistake of the system',
      { ask: 'explain', args: { address: 'a' } },
      'HEDDLE_INTERNAL',
      'a mistake about a',
    ],
  ])('%s is refused', async (_, changes, code, words) => {
    const door = await serve();
    const { trouble } = JSON.parse(await knock(request(door, changes))) as {
      trouble: { code: string; message: string };
    };
    expect(trouble.code).toBe(code);
    expect(trouble.message).toContain(words);
    expect(told.count).toBe(0);
    // Only what the program itself did wrong is the operator's business.
    expect(troubles.length).toBe(code === 'HEDDLE_INTERNAL' ? 1 : 0);
  });

  it.each([
    ['that does not come', 2, ['{}'], 'is missing'],
    ['that is none', 1, [{ piece: 7 }], 'is missing'],
    ['of what is no JSON', 2, [{ piece: '{"address":' }, { piece: '"a"' }], 'are no JSON'],
    ['of a list', 1, [{ piece: '[]' }], 'must be an object'],
    ['too few', 0, [], '1 or more'],
    ['half', 1.5, [], '1 or more'],
  ])('with a piece %s is refused', async (_, pieces, lines, words) => {
    const door = await serve();
    const said = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    const answer = await knock(request(door, { pieces }) + said);
    expect(answer).toMatch(new RegExp(`^{"trouble":.*"HEDDLE_CONTROL_BAD_REQUEST".*${words}`));
    expect(told.count).toBe(0);
    expect(troubles).toEqual([]);
  });

  it('in pieces is not listened to without the token', async () => {
    const door = await serve();
    const answer = await knock(request(door, { token: 'x', pieces: 1000 }));
    expect(answer).toContain('HEDDLE_CONTROL_DENIED');
  });

  it('longer than any daemon takes is not sent', async () => {
    const door = await serve();
    const args = { ...anyHistory, address: 'x'.repeat(MAX_ARGS_CHARS) };
    await expect(askDaemon(door, 'history', args, never).next()).rejects.toMatchObject({
      trouble: { code: 'HEDDLE_CONTROL_BAD_REQUEST' },
    });
  });

  it('whose asker reads no more is not told more than a little, and is given up when he vanishes', async () => {
    const door = await serve();
    const socket = await connected();
    socket.pause();
    socket.write(request(door));
    await until(() => told.count > 0);
    let before = -1;
    // The buffers of the two sockets fill up; then nothing more is asked of the system.
    while (before !== told.count) {
      before = told.count;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(told.count).toBeLessThan(1000);
    expect(told.ended).toBe(false);
    socket.destroy();
    await until(() => told.ended);
    expect(told.count).toBeLessThan(before + 2);
  });

  it('ends when whoever asked has enough, or is told to stop', async () => {
    const door = await serve();
    let seen = 0;
    for await (const { seq } of askDaemon(door, 'history', anyHistory, never)) if ((seen = seq) === 50) break;
    expect(seen).toBe(50);
    await until(() => told.ended);
    told.ended = false;
    const stop = new AbortController();
    const asking = (async () => {
      for await (const { seq } of askDaemon(door, 'history', anyHistory, stop.signal))
        if (seq > seen + 10) stop.abort(new Error('enough'));
    })();
    await expect(asking).rejects.toThrow('enough');
    await until(() => told.ended);
  });

  it('that is broken off by the end of the daemon is not taken for answered', async () => {
    const door = await serve();
    const asking = (async () => {
      for await (const { seq } of askDaemon(door, 'history', anyHistory, never))
        if (seq === 20) await control!.close();
    })();
    await expect(asking).rejects.toMatchObject({
      trouble: { code: 'HEDDLE_CONTROL_UNREACHABLE', retryable: true },
    });
    await until(() => told.ended);
  });
});

describe('a door', () => {
  it('is gone when it is closed', async () => {
    const door = await serve();
    await control!.close();
    expect(existsSync(join(store, 'heddle.control'))).toBe(false);
    expect(existsSync(door.path)).toBe(false);
    expect(await isAnswered(door)).toBe(false);
    await control!.close();
  });

  it('that was left over is replaced', async () => {
    const folder = join(store, 'heddle.control');
    mkdirSync(folder);
    const left = { pid: 1, path: join(folder, 'socket'), token: 'old', store, since: 'once' };
    writeFileSync(join(folder, 'door.json'), JSON.stringify(left));
    writeFileSync(left.path, '');
    expect(await isAnswered(left)).toBe(false);
    const door = await serve();
    expect(door.token).not.toBe('old');
    expect(await isAnswered(door)).toBe(true);
  });

  it('that holds rubbish is no door, and is replaced', async () => {
    mkdirSync(join(store, 'heddle.control'));
    writeFileSync(join(store, 'heddle.control', 'door.json'), '{"pid":');
    expect(readDoor(store)).toBeUndefined();
    expect(await isAnswered(await serve())).toBe(true);
  });

  it('of a store with a long path has its socket elsewhere, and takes it along', async () => {
    const outer = store;
    store = join(store, 'd'.repeat(100));
    mkdirSync(store);
    const door = await serve();
    expect(door.path.startsWith(store)).toBe(false);
    expect((statSync(join(door.path, '..')).mode & 0o777).toString(8)).toBe('700');
    expect(await isAnswered(door)).toBe(true);
    await control!.close();
    expect(existsSync(join(door.path, '..'))).toBe(false);
    store = outer;
  });

  it('is not opened twice, nor where there is no folder', async () => {
    await serve();
    await expect(serveControl(played, { store, logger })).rejects.toThrow('served already');
    await expect(serveControl(played, { store: join(store, 'nowhere'), logger })).rejects.toThrow('is none');
    await expect(serveControl(played, { store: 7 as unknown as string })).rejects.toThrow(
      'must be the folder',
    );
  });

  it('in a copy of the store does not lead to the original', async () => {
    await serve();
    const copy = mkdtempSync(join(tmpdir(), 'heddle-control-copy-'));
    try {
      mkdirSync(join(copy, 'heddle.control'));
      cpSync(join(store, 'heddle.control', 'door.json'), join(copy, 'heddle.control', 'door.json'));
      const door = { ...readDoor(copy)!, store: copy };
      const asking = askDaemon(door, 'history', anyHistory, never).next();
      await expect(asking).rejects.toMatchObject({ trouble: { code: 'HEDDLE_CONTROL_DENIED' } });
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

it('a system that runs is asked, and sent to, with values that JSON does not have', async () => {
  const actors = { box: createMachine({ on: { '*': {} } }) };
  await using system = await createSystem({ store: leveldb(store), actors, logger });
  await system.actor('box', '1');
  const door = await serve(system);
  const event = { type: 'put', big: { $bigint: '7' }, at: { $date: '2030-01-01T00:00:00.000Z' } };
  const args = { address: 'box/1', event, id: undefined };
  // What goes over the socket is JSON; it is an event only behind it.
  const receipt = await askDaemon(door, 'send', args, never).next();
  expect(receipt.value).toMatchObject({ address: 'box/1', seq: 2 });
  const records: HistoryRecord[] = [];
  for await (const one of system.history('box/1')) records.push(one);
  expect(records[1]!.event).toStrictEqual({ type: 'put', big: 7n, at: new Date('2030-01-01T00:00:00.000Z') });
  const asked = await askDaemon(door, 'history', { ...anyHistory, address: 'box/1', last: 1 }, never).next();
  expect(asked.value).toMatchObject({ seq: 2, event });
  // Longer than a line of the protocol may be; what is cut in the middle is whole again.
  const history = 'x🙂"\\'.repeat(MAX_REQUEST_BYTES / 4);
  const refused = { history, as: undefined, effects: undefined, by: 'ada' };
  await expect(askDaemon(door, 'import', refused, never).next()).rejects.toMatchObject({
    trouble: { code: 'HEDDLE_HISTORY_DAMAGED' },
  });
  const text = 'x🙂"\\\n'.repeat(MAX_REQUEST_BYTES / 8);
  const long = { address: 'box/1', event: { type: 'put', text }, id: undefined };
  await askDaemon(door, 'send', long, never).next();
  let exported = '';
  const exporting = askDaemon(door, 'export', { address: 'box/1', to: undefined }, never);
  let rows = 0;
  for await (const row of exporting) [exported, rows] = [exported + row.text, rows + 1];
  expect(rows).toBeGreaterThan(1);
  expect(exported).toContain(JSON.stringify(text));
  expect(await check({ actors, history: exported })).toMatchObject([{ records: 3, same: true }]);
  await control!.close();
});

it('whoever asks is an operator to the decider, by the name that he gives, and needs its permission', async () => {
  const asked: AccessRequest[] = [];
  const decider: Decider = {
    hash: 'test',
    decide: (request) => {
      asked.push(request);
      const isPermitted = request.principal.id !== 'eve' && request.action.name !== 'export';
      return {
        ...{ effect: isPermitted ? 'permit' : 'deny', reasons: [], obligations: [] },
        determining: isPermitted ? ['all-but-eve'] : [],
      };
    },
  };
  const actors = { box: createMachine({ on: { '*': {} } }) };
  await using system = await createSystem({ store: leveldb(store), actors, logger, decider });
  await system.actor('box', '1');
  const door = await serve(system);
  asked.length = 0;
  const pausing = (by: string) =>
    askDaemon(door, 'pause', { address: 'box/1', name: undefined, by, reason: undefined }, never).next();
  await expect(pausing('eve')).rejects.toMatchObject({
    trouble: {
      ...{ code: 'HEDDLE_NOT_PERMITTED', retryable: false },
      fields: {
        principal: { type: 'operator', id: 'eve' },
        action: 'pause',
        resource: { type: 'box', id: '1' },
      },
    },
  });
  await pausing('ada');
  await askDaemon(
    door,
    'resume',
    { address: 'box/1', name: undefined, by: 'ada', reason: undefined },
    never,
  ).next();
  const event = { type: 'put' };
  await askDaemon(door, 'send', { address: 'box/1', event, id: undefined }, never).next();
  const exporting = askDaemon(door, 'export', { address: 'box/1', to: undefined }, never).next();
  await expect(exporting).rejects.toMatchObject({ trouble: { code: 'HEDDLE_NOT_PERMITTED' } });
  // Looking is not asked for.
  await askDaemon(door, 'history', { ...anyHistory, address: 'box/1' }, never).next();
  expect(asked.map(({ action, principal }) => [action.name, principal.type, principal.id])).toEqual([
    ['pause', 'operator', 'eve'],
    ['pause', 'operator', 'ada'],
    ['resume', 'operator', 'ada'],
    ['send', 'operator', user()],
    ['export', 'operator', user()],
  ]);
  const row = await askDaemon(door, 'history', { ...anyHistory, address: 'box/1', last: 1 }, never).next();
  expect(row.value).toMatchObject({
    ...{ seq: 2, principal: { type: 'operator', id: user() } },
    decision: { determining: ['all-but-eve'], decider: 'test' },
  });
  await control!.close();
});
