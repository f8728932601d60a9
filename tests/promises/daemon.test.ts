// The lie: "a daemon that is told to end loses nothing, ends in time, and says with its exit code how it went". Real processes
// on a real disk that get real signals: under load, while they open, with actions and handlers that never come to an end.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { createSystem } from 'heddle';
import { leveldb } from 'heddle/storage';
import { FROM_SOURCE } from '../from-source.ts';
import { daemon } from '../../runtime/health/daemon.ts';
import type { Command, Job, Said } from './daemon-child.ts';
import { afterwards, collect } from './systems.ts';

/** After so many receipts a load is a load. */
const ACKS = 300;
/** Longer than what counts as one wish. */
const ANOTHER_WISH_MS = 250;
/** What ends at once has ended by then, also on a busy machine. */
const AT_ONCE_MS = 2000;

const childFile = fileURLToPath(new URL('./daemon-child.ts', import.meta.url));

/** A process under way. */
class Child {
  readonly folder: string;
  readonly said: Said[] = [];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly #process: ChildProcess;
  #heard = (): void => {};

  constructor(job: Omit<Job, 'folder'>, folder = mkdtempSync(join(tmpdir(), 'heddle-daemon-'))) {
    this.folder = folder;
    afterwards(() => rmSync(folder, { recursive: true, force: true }));
    const args = [...FROM_SOURCE, childFile, JSON.stringify({ ...job, folder })];
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    afterwards(() => void this.#process.kill('SIGKILL'));
    this.exited = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal });
        this.#heard();
      });
    });
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.said.push(JSON.parse(line) as Said);
      this.#heard();
    });
  }

  /** Waits until it has said something. */
  async hear(what: (said: readonly Said[]) => boolean): Promise<void> {
    while (!what(this.said)) {
      if (this.#process.exitCode !== null)
        throw new Error(`it is gone, and said ${JSON.stringify(this.said)}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#process.kill(name)) throw new Error('it is gone already');
  }

  tell(command: Command): void {
    this.#process.send(command);
  }

  all<TKey extends keyof Said>(key: TKey): NonNullable<Said[TKey]>[] {
    return this.said.flatMap((said) => (said[key] === undefined ? [] : [said[key]]));
  }

  /** What it reported, as one text. */
  get reports(): string {
    return this.all('reported').join('\n');
  }
}

const isUp = (said: readonly Said[]): boolean => said.some(({ up }) => up);
const hasDone =
  (what: string) =>
  (said: readonly Said[]): boolean =>
    said.some(({ did }) => did === what);
const isLoaded = (said: readonly Said[]): boolean =>
  said.filter(({ acked }) => acked !== undefined).length >= ACKS;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The same machine, without its actions: whether they are owed still is seen without doing them. */
function lookBack(folder: string) {
  const done: string[] = [];
  const act = ({ event }: { event: { type: string } }): void => void done.push(event.type);
  const counter = setup({
    types: { context: {} as { count: number }, events: {} as { type: string; n?: number } },
    actions: { slow: act, endless: act },
  }).createMachine({
    context: { count: 0 },
    on: {
      add: { actions: assign({ count: ({ context }) => context.count + 1 }) },
      slow: { actions: 'slow' },
      endless: { actions: 'endless' },
    },
  });
  return { opening: createSystem({ store: leveldb(folder), actors: { counter } }), done };
}

/** What is recorded of the load, by number. */
async function recordedIn(folder: string): Promise<number[]> {
  const { opening } = lookBack(folder);
  await using system = await opening;
  expect(await system.verify()).toMatchObject({ broken: [] });
  const recorded: number[] = [];
  for (let lane = 0; system.get(`counter/${lane}`) !== undefined; lane++) {
    for (const { event } of await collect(system.history(`counter/${lane}`)))
      if (event.type === 'add') recorded.push(event['n'] as number);
  }
  return recorded;
}

/** Which actions are owed. */
async function owedIn(folder: string): Promise<string[]> {
  const { opening, done } = lookBack(folder);
  await using _system = await opening;
  await sleep(50);
  return [...done];
}

function expectAllRecorded(recorded: readonly number[], acked: readonly number[]): void {
  const known = new Set(recorded);
  expect(known.size).toBe(recorded.length);
  expect(acked.filter((n) => !known.has(n))).toEqual([]);
  expect(acked.length).toBeGreaterThanOrEqual(ACKS);
}

describe('a signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s under load: everything accepted is acknowledged, and it exits with 0',
    async (name) => {
      const child = new Child({ work: 'load' });
      await child.hear(isLoaded);
      child.signal(name);
      expect(await child.exited).toEqual({ code: 0, signal: null });
      const acked = child.all('acked');
      const recorded = await recordedIn(child.folder);
      expectAllRecorded(recorded, acked);
      // Nothing is recorded that its sender does not know of: it was drained.
      expect(recorded.length).toBe(acked.length);
      expect(child.all('closed')).toEqual([0]);
      expect(child.all('logged')).toEqual([`heddle: ${name}: closing`]);
      expect(child.reports).toBe('');
      expect(child.said.filter(({ did }) => did === 'close')).toHaveLength(1);
    },
  );

  it('waits for an action that is under way, so that it is not done again', async () => {
    const child = new Child({ work: 'slow-action' });
    await child.hear(hasDone('send'));
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.all('did')).toEqual(['send', 'the action', 'close']);
    expect(await owedIn(child.folder)).toEqual([]);
  });

  it('while it opens: it opens, and closes at once', async () => {
    const child = new Child({ work: 'load', opening: 'slow' });
    await child.hear((said) => said.some(({ starting }) => starting));
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.all('did')).toEqual(['close']);
    // That the program finds a closed system is no trouble of its.
    expect(child.reports).toBe('');
    expect(child.all('acked')).toEqual([]);
    expect(await recordedIn(child.folder)).toEqual([]);
  });

  it('that comes twice in no time is one wish, as Ctrl-C under npm is', async () => {
    const child = new Child({ work: 'slow-action' });
    await child.hear(hasDone('send'));
    child.signal('SIGINT');
    child.signal('SIGINT');
    await sleep(20);
    child.signal('SIGINT');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.all('did')).toContain('the action');
  });

  it.each([
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGINT', 'SIGINT', 130],
    ['SIGTERM', 'SIGINT', 130],
  ] as const)(
    '%s and then %s ends it at once with %i, and it says what is left',
    async (first, second, code) => {
      const child = new Child({ work: 'endless-action', options: { grace: '1 minute' } });
      await child.hear(hasDone('send'));
      child.signal(first);
      await sleep(ANOTHER_WISH_MS);
      const since = performance.now();
      child.signal(second);
      expect(await child.exited).toEqual({ code, signal: null });
      expect(performance.now() - since).toBeLessThan(AT_ONCE_MS);
      expect(child.reports).toContain(`${second} once more`);
      expect(child.reports).toContain('left: effects owed: 1 (1 under way)');
      expect(child.all('did')).toEqual(['send']);
      expect(await owedIn(child.folder)).toEqual(['endless']);
    },
  );

  it('is only obeyed if it was named', async () => {
    const child = new Child({ work: 'nothing', options: { signals: ['SIGHUP'] } });
    await child.hear(isUp);
    child.signal('SIGHUP');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const other = new Child({ work: 'nothing', options: { signals: ['SIGHUP'] } });
    await other.hear(isUp);
    other.signal('SIGTERM');
    expect(await other.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('has its usual effect after dispose()', async () => {
    const child = new Child({ work: 'load', dispose: true });
    await child.hear(isLoaded);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expectAllRecorded(await recordedIn(child.folder), child.all('acked'));
  });
});

describe('the grace', () => {
  it('is all that an action gets which never ends; then it exits with 1 and says so', async () => {
    const child = new Child({ work: 'endless-action', options: { grace: '700 millis' } });
    await child.hear(hasDone('send'));
    const since = performance.now();
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(performance.now() - since).toBeGreaterThan(650);
    expect(performance.now() - since).toBeLessThan(700 + AT_ONCE_MS);
    expect(child.reports).toContain('out of grace');
    expect(child.reports).toContain('effects owed: 1');
    expect(child.all('closed')).toEqual([]);
    expect(await owedIn(child.folder)).toEqual(['endless']);
  });

  it('ends an opening that takes too long', async () => {
    const child = new Child({ work: 'nothing', opening: 'slow', options: { grace: '50 millis' } });
    await child.hear((said) => said.some(({ starting }) => starting));
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.reports).toContain('left: a system that is being opened');
  });
});

describe('onClose', () => {
  it('is awaited before the system closes: what it waits for is taken still', async () => {
    const child = new Child({ work: 'load', onClose: 'slow' });
    await child.hear(isLoaded);
    child.signal('SIGTERM');
    await child.hear(hasDone('onClose began'));
    const { length } = child.all('acked');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.all('did')).toEqual(['onClose began', 'onClose', 'close']);
    expect(child.all('acked').length).toBeGreaterThan(length);
    expectAllRecorded(await recordedIn(child.folder), child.all('acked'));
  });

  it('that never ends gets half of the grace, and the system is closed nevertheless', async () => {
    const child = new Child({ work: 'load', onClose: 'endless', options: { grace: '2 seconds' } });
    await child.hear(isLoaded);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['close']);
    expect(child.reports).toBe('heddle: onClose takes too long; the system closes');
    expect((await recordedIn(child.folder)).length).toBe(child.all('acked').length);
  });

  it.each([
    ['failing', 'onClose failed'],
    ['throwing', 'onClose threw'],
  ] as const)('that is %s is reported, and the system is closed nevertheless', async (onClose, message) => {
    const child = new Child({ work: 'nothing', onClose });
    await child.hear(isUp);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['close']);
    expect(child.reports).toContain(message);
  });
});

describe('an error that nobody takes', () => {
  it.each([
    ['throw', 'an exception that nobody caught: Error: nobody catches this'],
    ['reject', 'a rejection that nobody handled: Error: nobody handles this'],
  ] as const)('%s: it is reported, the system closes, and it exits with 1', async (command, message) => {
    const child = new Child({ work: 'load' });
    await child.hear(isLoaded);
    child.tell(command);
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.reports).toBe(`heddle: ${message}`);
    const recorded = await recordedIn(child.folder);
    expectAllRecorded(recorded, child.all('acked'));
    expect(recorded.length).toBe(child.all('acked').length);
    expect(child.all('closed')).toEqual([1]);
  });

  it('again and again: it is closed once', async () => {
    const child = new Child({ work: 'slow-action' });
    await child.hear(hasDone('send'));
    child.tell('throw-all-the-time');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['send', 'the action', 'close']);
    expect(child.all('reported').length).toBeGreaterThan(3);
  });

  it('while it ends by a signal: it exits with 1', async () => {
    const child = new Child({ work: 'slow-action' });
    await child.hear(hasDone('send'));
    child.signal('SIGTERM');
    child.tell('throw');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['send', 'the action', 'close']);
  });

  it('is survived until everything is closed, also when the logger throws', async () => {
    const child = new Child({ work: 'slow-action', logger: 'throwing' });
    await child.hear(hasDone('send'));
    child.tell('throw');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['send', 'the action', 'close']);
  });

  it('and then the first signal does not cut the end short', async () => {
    const child = new Child({ work: 'slow-action' });
    await child.hear(hasDone('send'));
    child.tell('throw');
    await child.hear((said) => said.some(({ reported }) => reported !== undefined));
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('did')).toEqual(['send', 'the action', 'close']);
  });
});

describe('a system', () => {
  it('that cannot be opened: it is said once, and exits with 1', async () => {
    const child = new Child({ work: 'nothing', opening: 'failing' });
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.all('reported')).toHaveLength(1);
    expect(child.reports).toContain('the system could not be opened: Error: the store is on fire');
  });

  it('that cannot be closed: it is said, and exits with 1', async () => {
    const child = new Child({ work: 'nothing', close: 'failing' });
    await child.hear(isUp);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.reports).toContain('the system could not be closed: Error: closing failed');
  });
});

describe('options', () => {
  const hosted = { close: () => Promise.resolve() };

  it.each([
    [{ signals: ['SIGKILL'] }, 'signals[0]'],
    [{ signals: ['SIGTERM', 'sigint'] }, 'signals[1]'],
    [{ grace: 'soon' }, 'grace'],
    [{ grace: -1 }, 'grace'],
  ])('that make no sense are refused, and no handler is left: %j', (options, path) => {
    const before = process.listenerCount('SIGTERM');
    expect(() => daemon(hosted, options as never)).toThrow(
      expect.objectContaining({ _tag: 'InvalidArgument', path }),
    );
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it('leave nothing behind after the block', () => {
    const events = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'];
    const count = (): number[] => events.map((event) => process.listenerCount(event));
    const before = count();
    {
      using _handle = daemon(hosted);
      expect(count()).toEqual(before.map((n) => n + 1));
    }
    expect(count()).toEqual(before);
  });
});

describe('an end that the program itself asks for', () => {
  it('is in order, says why, and has the code it was given', async () => {
    const reasons: unknown[] = [];
    const codes: number[] = [];
    const hosted = {
      close: (options?: { reason?: string }) => Promise.resolve(void reasons.push(options?.reason)),
    };
    const quiet = { log: () => {}, error: () => {} };
    using handle = daemon(hosted, { logger: quiet, exit: (code) => void codes.push(code) });
    handle.end('the tree gave up', 3);
    handle.end('once more', 4);
    expect(await handle.closed).toBe(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect({ reasons, codes }).toEqual({ reasons: ['the tree gave up'], codes: [3] });
  });
});

describe('measuring the event loop', () => {
  it('does not keep a process alive', async () => {
    const child = new Child({ work: 'measure' });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.all('did')).toEqual(['count true']);
  });
});
