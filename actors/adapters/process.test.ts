// The lie: "a program did its work in a world of its own, and nothing of it is left". Real processes, with children that ignore what can be ignored.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FROM_SOURCE } from '../../tests/from-source.ts';
import type { Fault } from '../../machines/faults/fault.ts';
import { assignment, faultIn, timeOut, TRACEPARENT } from './assignments.testsuite.ts';
import { subprocess } from './process.ts';
import type { SubprocessOptions } from './process.ts';

const upstream = (name: string): string =>
  fileURLToPath(new URL(`../../tests/upstream/${name}`, import.meta.url));
const WORKER = { command: process.execPath, args: [upstream('worker.mjs')] };
const GRACE_MS = 300;

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-subprocess-')));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `told-${++files}.json`);

const worker = (options: Partial<SubprocessOptions> = {}) =>
  subprocess({ ...WORKER, graceMs: GRACE_MS, ...options });
const job = (input: Record<string, unknown>, signal?: AbortSignal) =>
  assignment({ input, ...(signal === undefined ? {} : { signal }) });

/** What a worker has written of itself and its child, once it has. */
async function told(file: string): Promise<{ pid: number; child: number }> {
  await expect
    .poll(() => existsSync(file) && readFileSync(file, 'utf8') !== '', { timeout: 10_000 })
    .toBe(true);
  return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; child: number };
}

/** Those that run, and their groups. One that has ended and is still listed does not. */
function running(): readonly { pid: number; group: number }[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,pgid=,stat='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const [pid, group, state = 'Z'] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), group: Number(group) }];
  });
}
const isAlive = (pid: number): boolean => running().some((process) => process.pid === pid);
const groupOf = (pid: number) => running().filter(({ group }) => group === pid);

describe.each([
  ['a process for each call', {}],
  ['a kept process', { keep: true }],
])('%s', (_, options) => {
  it('gets the envelope with its key and its trace, and its result comes back as it is', async () => {
    const execute = worker(options);
    const task = job({ do: 'look' });
    const result = await execute(task);
    const { id, input, context, constraints, idempotencyKey, attempt } = task;
    expect(result).toMatchObject({ id, status: 'success', metadata: { model: 'worker' } });
    expect(result.output['params']).toEqual({
      ...{ id, input, context, constraints, idempotencyKey, attempt },
      traceparent: TRACEPARENT,
    });
    await execute.close();
  });

  it('knows nothing of our environment but what was named', async () => {
    process.env['HEDDLE_TEST_SECRET'] = 'secret';
    process.env['HEDDLE_TEST_NAMED'] = 'named';
    const look = async (more: Partial<SubprocessOptions>): Promise<readonly unknown[]> => {
      const execute = worker({ ...options, cwd: folder, ...more });
      const { output } = await execute(job({ do: 'look' }));
      await execute.close();
      return [withoutShells(output['env']), output['cwd']];
    };
    expect(await look({})).toEqual([{ PATH: process.env['PATH'] }, folder]);
    expect(await look({ inherit: ['HEDDLE_TEST_NAMED', 'HEDDLE_TEST_ABSENT'], env: { OWN: '1' } })).toEqual([
      { HEDDLE_TEST_NAMED: 'named', OWN: '1' },
      folder,
    ]);
  });

  it.each<[string, Record<string, unknown>, Partial<Fault>]>([
    [
      'exits',
      { do: 'exit', code: 3 },
      {
        class: 'crash',
        code: 3,
        message: expect.stringMatching(/exited with 3 without an answer; it said: it went wrong$/) as string,
      },
    ],
    ['exits as if all were well', { do: 'exit', code: 0 }, { class: 'crash', code: 0 }],
    ['is killed', { do: 'die' }, { class: 'crash', code: 'SIGSEGV' }],
    [
      'writes prose',
      { do: 'prose', text: 'Hello!' },
      { class: 'not-parseable', answer: 'Hello!', isWhole: true },
    ],
    ['writes other JSON', { do: 'prose', text: '{"id":1,"result":{}}' }, { class: 'not-parseable' }],
    [
      'answers to somebody else',
      { do: 'other-id' },
      { class: 'not-parseable', message: expect.stringContaining('99') as string },
    ],
    [
      'writes a line without end',
      { do: 'long', bytes: 2_000_000 },
      { class: 'not-parseable', message: expect.stringContaining('longer than 1048576') as string },
    ],
    [
      'answers with no result',
      { do: 'prose', text: '{"jsonrpc":"2.0","id":1,"result":7}' },
      { class: 'not-parseable' },
    ],
  ])('that %s is a fault, and is gone', async (_, input, expected) => {
    const execute = worker(options);
    expect(await faultIn(execute(job(input)))).toMatchObject(expected);
    // It is as good as new.
    expect((await execute(job({ do: 'answer' }))).output).toEqual({ said: 'hello' });
    await execute.close();
  });

  it.each<[string, object, Partial<Fault>]>([
    [
      'of its own',
      { code: 7, message: 'no such customer' },
      { class: 'agent-failure', code: 7, message: '7: no such customer' },
    ],
    ['of JSON-RPC', { code: -32602, message: 'no' }, { class: 'bad-request', code: -32602 }],
    [
      'with its class and its cost',
      { code: 1, message: 'slow down', data: { fault: 'rate-limit', cost: 0.01 } },
      { class: 'rate-limit', cost: expect.toSatisfy((cost) => cost === 10_000) as never },
    ],
  ])('reports an error %s', async (_, error, expected) => {
    const execute = worker(options);
    expect(await faultIn(execute(job({ do: 'fail', error })))).toMatchObject(expected);
    await execute.close();
  });

  it('may tell what nobody has asked for, and may say a thing twice', async () => {
    const execute = worker(options);
    for (const what of ['notify', 'twice', 'notify'])
      expect((await execute(job({ do: what, say: what }))).output).toEqual({ said: what });
    await execute.close();
  });

  it.each([
    ['its time is over', timeOut(), 'timeout'],
    ['it is not wanted', new Error('not wanted'), 'cancelled'],
  ])('that ignores everything is gone with its child when %s', async (_, reason, expected) => {
    const [file, stop] = [newFile(), new AbortController()];
    const fault = faultIn(worker(options)(job({ do: 'stay', file }, stop.signal)));
    const { pid, child } = await told(file);
    // It, its child, and the watcher.
    expect(groupOf(pid).map((process) => process.pid)).toEqual(expect.arrayContaining([pid, child]));
    expect(groupOf(pid)).toHaveLength(3);
    stop.abort(reason);
    expect(await fault).toEqual({ class: expected, message: `${reason.name}: ${reason.message}` });
    // At once, and not some time later: whoever is told that it was stopped may rely on it.
    expect(isAlive(pid)).toBe(false);
    await expect.poll(() => groupOf(pid)).toEqual([]);
    expect(isAlive(child)).toBe(false);
  });

  it('is not started for what is not wanted any more', async () => {
    const file = newFile();
    expect(
      await faultIn(worker(options)(job({ do: 'hang', file }, AbortSignal.abort(timeOut())))),
    ).toMatchObject({
      class: 'timeout',
    });
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ['a program that is not there', { command: '/nowhere/to/be/found' }, 127],
    ['a folder that is not there', { cwd: '/nowhere/to/be/found' }, 'ENOENT'],
  ])('%s is a crash', async (_, wrong, code) => {
    expect(await faultIn(worker({ ...options, ...wrong })(job({ do: 'answer' })))).toMatchObject({
      class: 'crash',
      code,
    });
  });

  it('is killed with the daemon, and so is its child, when that is killed with -9', async () => {
    const file = newFile();
    const daemon = spawn(
      process.execPath,
      [...FROM_SOURCE, upstream('subprocess-daemon.ts'), file, 'keep' in options ? 'keep' : 'once'],
      { stdio: 'inherit' },
    );
    const { pid, child } = await told(file);
    daemon.kill('SIGKILL');
    await expect.poll(() => [isAlive(pid), isAlive(child)]).toEqual([false, false]);
  });
});

describe('a process for one call', () => {
  it('takes what it has left behind with it', async () => {
    const file = newFile();
    expect((await worker()(job({ do: 'leave', file }))).output).toEqual({ said: 'hello' });
    const { child } = await told(file);
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it('that fails after its answer has failed', async () => {
    const fault = await faultIn(worker()(job({ do: 'answer-and-exit', code: 4 })));
    expect(fault).toMatchObject({ class: 'crash', code: 4, message: /exited with 4 after its answer/ });
  });

  it.each([
    ['fails', 'process.exitCode = 3', { class: 'crash', code: 3 }],
    [
      'says what nobody asked for',
      'console.log("bye"); setInterval(() => {}, 1000)',
      { class: 'not-parseable', message: 'it wrote what is no line of JSON-RPC 2.0, after its answer' },
    ],
  ])('that %s after its answer has cost what it says all the same', async (_, last, expected) => {
    const result = { id: 'a', status: 'success', output: {}, metadata: { cost: 0.02 } };
    const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result });
    const code = `process.stdout.write(${JSON.stringify(`${answer}\n`)}, () => { ${last} })`;
    const execute = subprocess({ command: process.execPath, args: ['-e', code] });
    expect(await faultIn(execute(assignment()))).toMatchObject({ ...expected, cost: 20_000 });
  });

  it('is another for each call, and they run side by side', async () => {
    const execute = worker();
    const results = await Promise.all([1, 2, 3].map(() => execute(job({ do: 'count' }))));
    expect(new Set(results.map(({ output }) => output['pid'])).size).toBe(3);
    expect(results.map(({ output }) => output['count'])).toEqual([1, 1, 1]);
  });

  it('keeps only the tail of what it complains', async () => {
    const stderr = `${'x'.repeat(100_000)}the end`;
    const { message } = await faultIn(worker()(job({ do: 'exit', code: 1, stderr })));
    expect(message.length).toBeLessThan(4500);
    expect(message).toMatch(/the end$/);
  });

  const python = spawnSync('python3', ['--version']).status === 0;
  if (!python) console.warn('python3 is not here: the test with another language is skipped');
  it.skipIf(!python)('may be written in another language', async () => {
    const execute = subprocess({
      command: 'python3',
      args: [upstream('worker.py')],
      inherit: ['PATH', 'HOME'],
    });
    expect((await execute(job({ say: 'hello' }))).output).toEqual({ said: 'HELLO' });
  });
});

describe('a kept process', () => {
  it('is the same for all calls, which it gets in turn', async () => {
    const execute = worker({ keep: true });
    const results = await Promise.all([1, 2, 3].map(() => execute(job({ do: 'count' }))));
    expect(new Set(results.map(({ output }) => output['pid'])).size).toBe(1);
    expect(results.map(({ output }) => output['count'])).toEqual([1, 2, 3]);
    await execute.close();
    expect((await execute(job({ do: 'count' }))).output['count']).toBe(1);
    await execute.close();
  });

  it('goes on after an error that it has reported, and not after anything else', async () => {
    const execute = worker({ keep: true });
    const pidOf = async (): Promise<unknown> => (await execute(job({ do: 'count' }))).output['pid'];
    const first = await pidOf();
    await faultIn(execute(job({ do: 'fail', error: { code: 1, message: 'no' } })));
    expect(await pidOf()).toBe(first);
    await faultIn(execute(job({ do: 'prose', text: 'oops' })));
    expect(await pidOf()).not.toBe(first);
    await execute.close();
  });

  it('that says what nobody asked for after an answer is not asked again: the next call has another', async () => {
    const code = `
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, params } = JSON.parse(line);
        const metadata = { cost: 0, duration: 1, model: 'm', confidence: 1 };
        const result = { id: params.id, status: 'success', output: { pid: process.pid }, metadata };
        process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\nbye\\n');
      })`;
    const execute = subprocess({ command: process.execPath, args: ['-e', code], keep: true });
    const results = await Promise.all([1, 2, 3].map(() => execute(assignment())));
    expect(new Set(results.map(({ output }) => output['pid'])).size).toBe(3);
    await execute.close();
  });

  it('lets go at once whoever waits for a turn and is not wanted any more', async () => {
    const execute = worker({ keep: true });
    const [file, first, second] = [newFile(), new AbortController(), new AbortController()];
    const busy = faultIn(execute(job({ do: 'hang', file }, first.signal)));
    const waiting = faultIn(execute(job({ do: 'count' }, second.signal)));
    const third = execute(job({ do: 'count' }));
    await told(file);
    second.abort(timeOut('waited too long'));
    expect(await waiting).toEqual({ class: 'timeout', message: 'TimeoutError: waited too long' });
    first.abort(timeOut());
    await busy;
    expect((await third).output['count']).toBe(1);
    await execute.close();
  });

  it('does not keep the daemon from ending', async () => {
    const script = `
      import { subprocess } from ${JSON.stringify(new URL('process.ts', import.meta.url).href)};
      const execute = subprocess({ command: process.execPath, args: [${JSON.stringify(upstream('worker.mjs'))}], keep: true });
      const { output } = await execute({ id: 't', input: { do: 'count' }, signal: new AbortController().signal });
      console.log(output.pid);`;
    const ran = spawnSync(process.execPath, [...FROM_SOURCE, '--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    const pid = Number(ran.stdout);
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

describe('options that make no sense are refused when they are given', () => {
  it.each([
    ['subprocess.command', { command: '' }],
    ['subprocess.graceMs', { command: 'x', graceMs: -1 }],
    ['subprocess.maxLineBytes', { command: 'x', maxLineBytes: 0.5 }],
  ])('%s: %j', (path, options) => {
    expect(() => subprocess(options)).toThrow(expect.objectContaining({ path }));
  });
});

/** Some shells export what they know of themselves. */
function withoutShells(env: unknown): Record<string, unknown> {
  const { PWD: _pwd, SHLVL: _shlvl, _: _last, ...rest } = env as Record<string, unknown>;
  return rest;
}
