// The lie: "what a step sees of clock, chance and ids comes from the record, and whatever would reach out is refused".
// Every way to ask what time it is, to roll dice and to do something later, inside of a moment and outside.
import childProcess, { execFileSync, spawn } from 'node:child_process';
import nodeCrypto, { randomUUID, webcrypto } from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs, { writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { nextTick } from 'node:process';
import nodeTimers, { setTimeout as importedSetTimeout } from 'node:timers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { memory } from 'heddle/storage';
import {
  confined,
  enter,
  insideMoment,
  leave,
  MomentViolation,
  seedOfLast,
  throughout,
  violationOfLast,
  wall,
} from './moment.ts';
import type { SeedSource } from './moment.ts';

const AT = Date.UTC(2031, 4, 17, 12, 34, 56, 789);
const BORN_AT = AT - 3_723_004;
const SEED = Uint8Array.from({ length: 16 }, (_, i) => i);

interface Told<T> {
  readonly value: T | undefined;
  readonly thrown: unknown;
}

/** Runs something in a moment, and gives what came of it. */
function during<T>(run: () => T, seed: SeedSource = SEED): Told<T> {
  let value: T | undefined;
  let thrown: unknown;
  enter(AT, BORN_AT, seed);
  try {
    value = run();
  } catch (error) {
    thrown = error;
  } finally {
    leave();
  }
  return { value, thrown };
}

describe('clocks in a moment', () => {
  it.each<[string, () => number]>([
    ['Date.now()', () => Date.now()],
    ['new Date()', () => new Date().getTime()],
    ['Date()', () => Date.parse(Date()) + 789],
    ['Reflect.construct(Date, [])', () => Reflect.construct(Date, []).getTime()],
    ['the constructor of another date', () => new (new Date(0).constructor as DateConstructor)().getTime()],
    [
      'a class of its own',
      () => {
        class Stamp extends Date {}
        const stamp = new Stamp();
        return stamp instanceof Stamp ? stamp.getTime() : NaN;
      },
    ],
  ])('%s says when the event was recorded', (_, read) => {
    expect(during(read)).toEqual({ value: AT, thrown: undefined });
  });

  it('that count from a start count from the birth of the actor', () => {
    const { value } = during(() => ({
      now: performance.now(),
      uptime: process.uptime(),
      hrtime: process.hrtime(),
      since: process.hrtime([3723, 0]),
      bigint: process.hrtime.bigint(),
    }));
    expect(value).toEqual({
      now: 3_723_004,
      uptime: 3723.004,
      hrtime: [3723, 4_000_000],
      since: [0, 4_000_000],
      bigint: 3_723_004_000_000n,
    });
  });

  it('leave dates alone that are made from something', () => {
    const { value } = during(() => [
      new Date(5).getTime(),
      new Date('2020-01-01T00:00:00Z').getTime(),
      new Date(new Date(7)).getTime(),
      Date.UTC(1999, 1),
      Date.parse('1970-01-01T00:00:01Z'),
    ]);
    expect(value).toEqual([5, 1_577_836_800_000, 7, 917_827_200_000, 1000]);
  });

  it('stand still while the step takes its time', () => {
    const { value } = during(() => {
      const before = Date.now();
      for (const start = wall.monotonicMs(); wall.monotonicMs() - start < 3;);
      return Date.now() - before;
    });
    expect(value).toBe(0);
  });
});

/** One of each. */
function rollDice() {
  return {
    random: [Math.random(), Math.random(), Math.random()],
    uuids: [crypto.randomUUID(), randomUUID(), nodeCrypto.randomUUID(), webcrypto.randomUUID()],
    bytes: [...crypto.getRandomValues(new Uint8Array(3)), ...nodeCrypto.getRandomValues(new Uint8Array(2))],
    words: [...crypto.getRandomValues(new Uint32Array(2))],
    part: [...crypto.getRandomValues(new Uint8Array(new ArrayBuffer(6), 2, 3))],
  };
}

describe('chance in a moment', () => {
  it('is drawn once, and the same again with the seed that was drawn', () => {
    let draws = 0;
    const first = during(rollDice, () => {
      draws++;
      return SEED.slice();
    });
    const seed = seedOfLast();
    expect([draws, seed]).toEqual([1, SEED]);
    const again = during(rollDice, seed);
    expect(again).toEqual(first);
    expect(first.thrown).toBeUndefined();
    // A recorded seed need not be recorded again.
    expect(seedOfLast()).toBeUndefined();
  });

  it('is other chance with another seed', () => {
    const one = during(rollDice).value!;
    const other = during(rollDice, SEED.toReversed()).value!;
    const numbers = [one, other].flatMap(({ random, uuids, words }) => [...random, ...uuids, ...words]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('is what it was when journals were written with it: never change these numbers', () => {
    expect(during(rollDice).value).toMatchInlineSnapshot(`
      {
        "bytes": [
          105,
          72,
          53,
          23,
          198,
        ],
        "part": [
          24,
          96,
          42,
        ],
        "random": [
          0.13409898052272762,
          0.481143535756526,
          0.37152152525323323,
        ],
        "uuids": [
          "fd1a210a-cdbd-45ea-9867-75bff3d49851",
          "1efa36c7-14df-40fa-8576-5fab60ca1284",
          "fe579811-9645-40c8-a936-1112a747ddb0",
          "0da77780-48da-469d-8a28-c62f6ee4e2a2",
        ],
        "words": [
          3879123267,
          3027453494,
        ],
      }
    `);
  });

  it('gives fractions that fill [0, 1), and version 4 ids', () => {
    const { value } = during(() => ({
      fractions: Array.from({ length: 20_000 }, () => Math.random()),
      ids: Array.from({ length: 500 }, () => randomUUID()),
    }));
    const { fractions, ids } = value!;
    const tenths = new Array<number>(10).fill(0);
    for (const fraction of fractions) tenths[Math.floor(fraction * 10)]!++;
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(250);
    // All 53 bits: many have a last bit that is set.
    expect(fractions.filter((fraction) => (fraction * 2 ** 53) % 2 === 1).length).toBeGreaterThan(9000);
    expect(new Set(ids).size).toBe(500);
    for (const id of ids)
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it('is not drawn by a step that needs none', () => {
    during(
      () => Date.now(),
      () => expect.unreachable('nobody asked'),
    );
    expect(seedOfLast()).toBeUndefined();
  });

  it.each([
    ['Math.random', () => Math.random()],
    ['crypto', () => crypto.randomUUID()],
    ['crypto', () => crypto.getRandomValues(new Uint8Array(1))],
  ])('is refused to a step whose record used none: %s', (api, roll) => {
    enter(AT, BORN_AT, undefined);
    try {
      expect(roll).toThrow(MomentViolation);
    } finally {
      leave();
    }
    expect(violationOfLast()).toMatchObject({ api, fix: expect.stringContaining('changed') as unknown });
  });
});

describe('what reaches out of a moment', () => {
  const nothing = (): void => {};
  it.each<[api: string, fix: RegExp, () => unknown]>([
    ['setTimeout', /after/, () => setTimeout(nothing)],
    ['setTimeout', /after/, () => nodeTimers.setTimeout(nothing)],
    ['setTimeout', /after/, () => importedSetTimeout(nothing)],
    ['setInterval', /after/, () => setInterval(nothing)],
    ['AbortSignal.timeout', /after/, () => AbortSignal.timeout(1)],
    ['setImmediate', /after/, () => setImmediate(nothing)],
    ['queueMicrotask', /raise/, () => queueMicrotask(nothing)],
    // The test runner puts the original back on `process` now and then; an import keeps the replacement.
    ['process.nextTick', /raise/, () => nextTick(nothing)],
    ['fetch', /fromPromise/, () => void fetch('http://127.0.0.1:1')],
    ['crypto.randomBytes', /getRandomValues/, () => nodeCrypto.randomBytes(4)],
    ['crypto.randomInt', /getRandomValues/, () => nodeCrypto.randomInt(4)],
    ['crypto.randomFillSync', /getRandomValues/, () => nodeCrypto.randomFillSync(new Uint8Array(4))],
    ['crypto.randomFill', /getRandomValues/, () => nodeCrypto.randomFill(new Uint8Array(4), nothing)],
  ])('is refused with a fix: %s', (api, fix, reach) => {
    const { value, thrown } = during(reach);
    expect(value).toBeUndefined();
    expect(thrown).toBeInstanceOf(MomentViolation);
    expect(thrown).toMatchObject({ api, fix: expect.stringMatching(fix) as unknown });
    expect((thrown as Error).message).toContain(`${api} is not allowed`);
    expect(violationOfLast()).toMatchObject({ api });
  });

  it.each<[string, () => unknown]>([
    ['an async function', async () => true],
    ['new Promise', () => void new Promise(() => {})],
    ['Promise.resolve', () => void Promise.resolve(1)],
    ['a then on a promise from before', () => void settled.then(() => {})],
    ['a timer as a promise', () => void sleep(1)],
    ['a promisified timer', () => void promisify(setTimeout)(1)],
    ['the digest of WebCrypto', () => void crypto.subtle.digest('SHA-1', SEED.slice())],
  ])('is refused as a promise: %s', (_, make) => {
    during(make);
    expect(violationOfLast()).toMatchObject({ api: expect.stringContaining('a promise') as unknown });
  });
  const settled = Promise.resolve();

  it('as a promise that rejects does not end the process', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    during(async () => {
      throw new Error('an async guard');
    });
    await sleep(5);
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
    expect(violationOfLast()).toBeDefined();
  });

  it('is remembered, though the step has caught the refusal', () => {
    const { value } = during(() => {
      try {
        setTimeout(() => {});
      } catch {
        return 'went on';
      }
      return 'was let through';
    });
    expect(value).toBe('went on');
    expect(violationOfLast()).toMatchObject({ api: 'setTimeout' });
  });

  it('is named after the first offence, and forgotten in the next moment', () => {
    during(() => {
      for (const reach of [() => queueMicrotask(() => {}), () => setImmediate(() => {})]) {
        expect(reach).toThrow(MomentViolation);
      }
    });
    expect(violationOfLast()?.api).toBe('queueMicrotask');
    during(() => 1);
    expect(violationOfLast()).toBeUndefined();
  });

  it('is refused by a system with address, state and fix, and leaves the state alone', async () => {
    const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      initial: 'idle',
      states: {
        idle: {
          on: {
            GO: {
              actions: assign({
                n: () => {
                  setTimeout(() => {});
                  return 1;
                },
              }),
            },
          },
        },
      },
    });
    const system = await createSystem({
      store: memory(),
      actors: { machine },
      logger: { log: () => {}, error: () => {} },
    });
    const ref = await system.actor('machine', '1');
    await expect(ref.send({ type: 'GO' })).rejects.toMatchObject({
      _tag: 'Nondeterminism',
      address: 'machine/1',
      event: 'GO',
      state: 'idle',
      api: 'setTimeout',
      fix: expect.stringContaining('after') as unknown,
    });
    expect(ref.getSnapshot()).toMatchObject({ value: 'idle', context: { n: 0 } });
    await system.close();
  });
});

/** Nobody ever makes it. */
const FILE = join(tmpdir(), `heddle-firewall-${process.pid}`);
const PORT = { host: '127.0.0.1', port: 9 };
const nobody = (): void => expect.unreachable('it was called back');

describe('what is confined within a moment', () => {
  const caught = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };

  it.each<[api: string, () => unknown]>([
    ['setTimeout', () => setTimeout(() => {})],
    ['setTimeout', () => caught(() => setTimeout(() => {}))],
    ['a promise (an async function, or await)', async () => 1],
    ['a promise (an async function, or await)', () => Promise.reject(new Error('x'))],
  ])('is refused to whoever asks, and not to the step: %s', async (api, reach) => {
    const { value } = during(() => [caught(() => confined(reach)), confined(() => 1)]);
    expect(value).toEqual([expect.any(MomentViolation), 1]);
    expect((value as [MomentViolation, number])[0].api).toBe(api);
    expect(violationOfLast()).toBeUndefined();
    await sleep(1);
  });

  it('throws what it throws, and gives what it gives', () => {
    const error = new Error('its own');
    const fail = () => {
      throw error;
    };
    expect(during(() => [caught(() => confined(fail)), confined(() => Date.now())]).value).toEqual([
      error,
      AT,
    ]);
    expect(confined(() => 'outside')).toBe('outside');
  });

  it('hides nothing that the step itself does, before or after it', () => {
    during(() => [Promise.resolve(1), caught(() => confined(() => setTimeout(() => {})))]);
    expect(violationOfLast()?.api).toContain('a promise');
    during(() => [caught(() => setImmediate(() => {})), caught(() => confined(() => setTimeout(() => {})))]);
    expect(violationOfLast()?.api).toBe('setImmediate');
  });

  it('nor that the code has changed', () => {
    enter(AT, BORN_AT, undefined);
    caught(() => confined(() => Math.random()));
    leave();
    expect(violationOfLast()).toMatchObject({ api: 'Math.random', isChange: true });
  });
});

describe('what leaves something behind', () => {
  const openedBefore = new net.Socket();
  const serverBefore = http.createServer();
  class Thread extends Worker {}

  it.each<[api: string, () => unknown]>([
    ['net.connect', () => net.connect(PORT, nobody)],
    ['net.createConnection', () => net.createConnection(PORT)],
    ['net.Socket.connect', () => new net.Socket().connect(PORT)],
    ['net.Socket.connect', () => openedBefore.connect(PORT)],
    ['net.Socket.connect', () => tls.connect({ ...PORT, rejectUnauthorized: false })],
    ['net.Server.listen', () => net.createServer().listen(0)],
    ['net.Server.listen', () => serverBefore.listen(0)],
    ['http.request', () => http.request('http://127.0.0.1:9')],
    ['http.get', () => http.get('http://127.0.0.1:9')],
    ['http.request', () => https.request('https://127.0.0.1:9')],
    ['http.request', () => new http.ClientRequest('http://127.0.0.1:9')],
    ['net.connect', () => http2.connect('http://127.0.0.1:9')],
    ['dgram.createSocket', () => dgram.createSocket('udp4')],
    ['dns.lookup', () => dns.lookup('localhost', nobody)],
    ['dns.resolve4', () => dns.resolve4('localhost', nobody)],
    ['dns.promises.lookup', () => void dns.promises.lookup('localhost')],
    ['child_process.spawn', () => spawn(process.execPath, ['-v'])],
    ['child_process.spawn', () => new childProcess.ChildProcess()['spawn' as 'kill']()],
    ['child_process.execFile', () => void promisify(childProcess.exec)('true')],
    ['child_process.exec', () => childProcess.exec('true')],
    ['child_process.execFile', () => childProcess.execFile('true')],
    ['child_process.fork', () => childProcess.fork(FILE)],
    ['child_process.spawnSync', () => childProcess.spawnSync('true')],
    ['child_process.execSync', () => childProcess.execSync('true')],
    ['child_process.execFileSync', () => execFileSync('true')],
    ['worker_threads.Worker', () => new Worker('', { eval: true })],
    ['worker_threads.Worker', () => new Thread('', { eval: true })],
    ['fs.writeFileSync', () => writeFileSync(FILE, 'x')],
    ['fs.writeFile', () => fs.writeFile(FILE, 'x', nobody)],
    ['fs.promises.writeFile', () => void fs.promises.writeFile(FILE, 'x')],
    ['fs.promises.appendFile', () => void appendFile(FILE, 'x')],
    ['fs.appendFileSync', () => fs.appendFileSync(FILE, 'x')],
    ['fs.openSync', () => fs.openSync(FILE, 'w')],
    ['fs.openSync', () => fs.openSync(FILE, fs.constants.O_CREAT | fs.constants.O_RDWR)],
    ['fs.open', () => fs.open(FILE, 'a', nobody)],
    ['fs.promises.open', () => void fs.promises.open(FILE, 'wx')],
    ['fs.writeSync', () => fs.writeSync(99, 'x')],
    ['fs.createWriteStream', () => fs.createWriteStream(FILE)],
    ['fs.mkdirSync', () => fs.mkdirSync(FILE)],
    ['fs.mkdtempSync', () => fs.mkdtempSync(FILE)],
    ['fs.rmSync', () => fs.rmSync(FILE, { force: true })],
    ['fs.unlinkSync', () => fs.unlinkSync(FILE)],
    ['fs.renameSync', () => fs.renameSync(FILE, `${FILE}2`)],
    ['fs.copyFileSync', () => fs.copyFileSync(process.execPath, FILE)],
    ['fs.symlinkSync', () => fs.symlinkSync('/', FILE)],
    ['fs.truncateSync', () => fs.truncateSync(FILE)],
  ])('is refused with a fix, before anything happens: %s', async (api, reach) => {
    const { value, thrown } = during(() => {
      const made = reach();
      // What a promise hides is the violation; nothing else may come through.
      return violationOfLast() === undefined ? made : undefined;
    });
    expect(value).toBeUndefined();
    expect(violationOfLast()).toEqual({ api, fix: expect.stringContaining('in an action') as unknown });
    if (thrown !== undefined) expect(thrown).toBeInstanceOf(MomentViolation);
    await new Promise(setImmediate);
    expect(fs.existsSync(FILE)).toBe(false);
    expect(openedBefore.connecting || serverBefore.listening).toBe(false);
  });

  it('but files may be read, and a step that is debugged may speak', () => {
    const { value, thrown } = during(() => {
      const descriptor = fs.openSync(process.execPath, 'r');
      fs.closeSync(descriptor);
      fs.writeSync(2, '');
      process.stderr.write('');
      return fs.readFileSync(new URL(import.meta.url), 'utf8').length + fs.statSync('.').size;
    });
    expect([thrown, violationOfLast()]).toEqual([undefined, undefined]);
    expect(value).toBeGreaterThan(1000);
  });

  it('outside of a moment is done as ever', async () => {
    during(() => spawn('true'));
    expect(execFileSync(process.execPath, ['-p', '6 * 7']).toString()).toBe('42\n');
    expect((await promisify(childProcess.execFile)(process.execPath, ['-p', '1'])).stdout).toBe('1\n');
    const worker = new Thread('require("node:worker_threads").parentPort.postMessage(7)', { eval: true });
    expect(worker).toBeInstanceOf(Thread);
    expect(worker).toBeInstanceOf(Worker);
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe(7);
    await worker.terminate();
    const server = http.createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const answer = await new Promise<http.IncomingMessage>((resolve) => http.get({ port }, resolve));
    expect((await answer.setEncoding('utf8').toArray()).join('')).toBe('hello');
    server.close();
    const folder = fs.mkdtempSync(FILE);
    fs.writeFileSync(join(folder, 'a'), 'b');
    await appendFile(join(folder, 'a'), 'c');
    expect(fs.readFileSync(join(folder, 'a'), 'utf8')).toBe('bc');
    fs.rmSync(folder, { recursive: true });
    expect([spawn.name, fs.writeFileSync.length, Worker.name]).toEqual(['spawn', 3, 'Worker']);
  });
});

describe('many steps in a row', () => {
  const promising = (): void => void Promise.resolve(1);

  it('are each refused what they may not do, and nobody else is', () => {
    const violations = throughout(() =>
      [promising, () => Date.now(), promising, () => setTimeout(() => {})].map((step) => {
        // What the runtime itself does between two steps is no part of either.
        promising();
        during(step);
        promising();
        return violationOfLast()?.api.slice(0, 9);
      }),
    );
    expect(violations).toEqual(['a promise', undefined, 'a promise', 'setTimeou']);
  });

  it('may stand within others, and end with an error', () => {
    const within = throughout(() => {
      const inner = throughout(() => 'inner');
      during(promising);
      return [inner, violationOfLast()?.api.slice(0, 9)];
    });
    expect(within).toEqual(['inner', 'a promise']);
    expect(() =>
      throughout(() => {
        throw new Error('journal');
      }),
    ).toThrow('journal');
    during(promising);
    expect(violationOfLast()).toBeDefined();
    during(() => 1);
    expect(violationOfLast()).toBeUndefined();
  });
});

describe('outside of a moment', () => {
  it('everything is as it was: clocks go', async () => {
    during(() => rollDice());
    const clocks = () => [
      Date.now(),
      new Date().getTime(),
      performance.now(),
      Number(process.hrtime.bigint()),
    ];
    const before = clocks();
    const start = process.hrtime();
    await sleep(15);
    clocks().forEach((now, i) => expect(now).toBeGreaterThan(before[i]!));
    expect(Math.abs(Date.now() - wall.now())).toBeLessThan(50);
    expect(Date()).toContain(String(new Date().getFullYear()));
    const [seconds, nanoseconds] = process.hrtime(start);
    expect(seconds * 1e9 + nanoseconds).toBeGreaterThan(10_000_000);
  });

  it('chance is chance', () => {
    during(() => rollDice());
    const [one, other] = [rollDice(), rollDice()];
    const numbers = [one, other].flatMap(({ random, uuids, words }) => [...random, ...uuids, ...words]);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(nodeCrypto.randomBytes(4)).toHaveLength(4);
    expect(nodeCrypto.randomInt(1)).toBe(0);
  });

  it('timers, microtasks and promises run', async () => {
    during(() => setTimeout(() => {}));
    const ran: string[] = [];
    queueMicrotask(() => ran.push('microtask'));
    nextTick((word: string) => ran.push(word), 'nextTick');
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        ran.push('immediate');
        const interval = setInterval(() => {
          clearInterval(interval);
          ran.push('interval');
          setTimeout((word: string) => resolve(void ran.push(word)), 0, 'timeout');
        });
      });
    });
    expect(ran).toEqual(['microtask', 'nextTick', 'immediate', 'interval', 'timeout']);
    expect(await promisify(setTimeout)(1, 'promisified')).toBe('promisified');
    expect(insideMoment()).toBe(false);
  });

  it('a date is a date', () => {
    const date = new Date(AT);
    expect([Date.name, Date.length, typeof Date]).toEqual(['Date', 7, 'function']);
    expect(date).toBeInstanceOf(Date);
    expect(Object.getPrototypeOf(date)).toBe(Date.prototype);
    expect(date.constructor).toBe(Date);
    expect(new Date(2031, 0, 2, 3).getHours()).toBe(3);
    expect(structuredClone(date)).toEqual(date);
    expect(globalThis.fetch.name).toBe('fetch');
  });

  it('a moment that ends with an error is over', () => {
    during(() => {
      throw new Error('a guard');
    });
    expect(insideMoment()).toBe(false);
    expect(Math.abs(Date.now() - wall.now())).toBeLessThan(50);
  });
});
