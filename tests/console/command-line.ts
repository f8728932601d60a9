/**
 * The command line as its users run it: a process of its own, from the source.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../from-source.ts';
import { run as runHere } from '../../console/cli/program.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const BAKERY: string = at('./bakery.ts');
export const CHANGED_BAKERY: string = at('./changed-bakery.ts');
export const NEWSROOM: string = at('./newsroom.ts');
/** `heddle`, as the words of a command. */
export const HEDDLE: readonly string[] = [process.execPath, ...FROM_SOURCE, at('../../console/cli/main.ts')];

export interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** Colours and widths are those of the test, not of whoever runs it. */
const { FORCE_COLOR: _, NO_COLOR: __, COLUMNS: ___, ...ENVIRONMENT } = process.env;

/** Everybody who was started. */
const started: ChildProcess[] = [];

export function start(words: readonly string[], { cwd, env = {} }: RunOptions = {}): ChildProcess {
  const settings = { cwd, env: { ...ENVIRONMENT, TERM: 'xterm-256color', ...env } };
  const child = spawn(words[0]!, words.slice(1), settings);
  started.push(child);
  return child;
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exited = once(child, 'exit');
  child.kill(signal);
  return exited;
}

/** Ends everybody who has not ended by himself. */
export async function endAll(): Promise<void> {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) await end(child, 'SIGKILL');
}

/** Starts a daemon of the bakery, and waits until it is up. */
export async function daemonOn(store: string, isServed = true): Promise<ChildProcess> {
  const daemon = [process.execPath, ...FROM_SOURCE, at('./daemon-process.ts')];
  const child = start([...daemon, store, isServed ? 'served' : 'alone']);
  await hears(child, /up/);
  return child;
}

/** Runs words to their end. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Run> {
  return ended(start(words, options), options.input);
}

export async function ended(child: ChildProcess, input = ''): Promise<Run> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  // It may not want to hear.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, ...texts };
}

export const heddle = (args: readonly string[], options?: RunOptions): Promise<Run> =>
  run([...HEDDLE, ...args], options);

/** The same in this process, which is quicker. */
export async function heddleHere(...args: string[]): Promise<Omit<Run, 'signal'>> {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        texts[name] += chunk.toString();
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const streams = { stdout: stream('stdout'), stderr: stream('stderr') };
  const code = await runHere(args, new AbortController(), streams);
  return { code, ...texts };
}

/** Several, one after the other, in one process that loads code as the command line does: most of a run is its start. */
export async function heddleInTurn(...lines: readonly (readonly string[])[]): Promise<Omit<Run, 'signal'>[]> {
  const words = [process.execPath, ...FROM_SOURCE, at('./in-turn-process.ts'), JSON.stringify(lines)];
  const { stdout, stderr } = await run(words);
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as Omit<Run, 'signal'>[];
}

/** What the other side has said so far, and whether it has said something yet. */
export async function hears(child: ChildProcess, what: RegExp): Promise<string> {
  let heard = '';
  for await (const [chunk] of chunksOf(child)) {
    heard += String(chunk);
    if (what.test(heard)) return heard;
  }
  throw new Error(`it ended, and had said ${JSON.stringify(heard)}`);
}

async function* chunksOf(child: ChildProcess): AsyncGenerator<readonly [Buffer | string]> {
  for (;;) {
    const next = once(child.stdout!, 'data') as Promise<[Buffer]>;
    const over = once(child, 'close').then(() => undefined);
    const chunk = await Promise.race([next, over]);
    if (chunk === undefined) return;
    yield chunk;
  }
}

/** The rows of `--json`. */
export const rowsOf = ({ stdout }: Pick<Run, 'stdout'>): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A folder that is there until somebody removes it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'heddle-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A store in which something has happened: a day at the bakery, in a process that was killed. */
export async function bakeryStore(store: string): Promise<void> {
  const day = await run([process.execPath, ...FROM_SOURCE, at('./day-process.ts'), store]);
  if (day.signal !== 'SIGKILL') throw new Error(`the day did not end as it should: ${day.stderr}`);
}
