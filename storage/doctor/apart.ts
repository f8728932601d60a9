/**
 * Apart: what may end a process is done in another one. LevelDB calls `abort` on some damaged tables, and the kernel sends SIGBUS
 * when a mapped file was cut off; neither must reach the process that wants to know.
 *
 * One process for one task. It is killed when it takes too long, or when nobody wants to know any more.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Failure, Task, Tasks } from './process.ts';

// Beside this file, built or not.
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const PROCESS_FILE = fileURLToPath(new URL(`./process${EXTENSION}`, import.meta.url));

/** How long it may take: a start, and a slow disk. */
const LIMIT_MS = 60_000;
const LIMIT_MS_PER_BYTE = 1 / 2000;

/** What is kept of the last words of a process. */
const MAX_WORDS = 500;

/** The process ended without an answer. */
export class Died extends Error {
  /** Whether it was killed because it took too long. */
  readonly tookTooLong: boolean;

  constructor(how: string, words: string, tookTooLong: boolean) {
    super(`the process that looked at it ${how}${words === '' ? '' : `: ${words}`}`);
    this.tookTooLong = tookTooLong;
  }
}

/** What the process has thrown, as far as it can be told. */
export class Failed extends Error {
  /** The `_tag` of an error of Heddle. */
  readonly tag: string | undefined;

  constructor({ tag, reason }: Failure) {
    super(reason);
    this.tag = tag;
  }
}

/**
 * Has something done in another process.
 * @param bytes how much it has to look at: it gets so much time
 * @throws Died, Failed, and the reason of the signal
 */
export async function apart<TName extends keyof Tasks>(
  task: Task<TName>,
  bytes: number,
  signal?: AbortSignal,
): Promise<Tasks[TName]['result']> {
  signal?.throwIfAborted();
  const child = fork(PROCESS_FILE, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let words = '';
  let answer: Answer | undefined;
  let tookTooLong = false;
  child.stderr!.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-MAX_WORDS)));
  const kill = (): void => void child.kill('SIGKILL');
  child.on('message', (message) => {
    answer = message as Answer;
    // It has closed what it had opened. LevelDB may go on merging damaged tables for ever, and hold the exit up.
    kill();
  });
  const limit = setTimeout(() => ((tookTooLong = true), kill()), LIMIT_MS + bytes * LIMIT_MS_PER_BYTE);
  signal?.addEventListener('abort', kill);
  try {
    const how = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, by) => resolve(by === null ? `ended with ${code}` : `was ended by ${by}`));
      child.send(task, (error) => error && kill());
    });
    signal?.throwIfAborted();
    if (answer === undefined) throw new Died(tookTooLong ? 'took too long' : how, words.trim(), tookTooLong);
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', kill);
  }
  if ('failure' in answer) throw new Failed(answer.failure);
  return answer.result as Tasks[TName]['result'];
}
