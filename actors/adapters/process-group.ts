/**
 * A command in a process group of its own, that leaves nothing behind: when it is stopped all of the group goes, grandchildren too; and
 * when this process ends, in whatever way, a kill -9 as well, the group is killed.
 *
 * For the latter a shell stands at the head of the group until it has started a watcher in it, and then becomes the command. The watcher
 * reads from a pipe whose other end only this process holds, and never writes to: it is closed when this process is gone. While the
 * watcher lives the number of the group is taken, so nobody else's group is ever meant.
 *
 * A process that leaves the group on purpose (`setsid`) is not found again.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a command came to its end. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It could not be started. */
  readonly error?: Error;
}

/** It ignores what the group is asked to stop with, and has none of the command's streams: they would stay open. */
const WATCHER = `(trap '' TERM INT HUP; read -r _ <&3; kill -s KILL -- -$$) >/dev/null 2>&1 &`;
const SCRIPT = `${WATCHER} exec "$@" 3<&-`;

export class ProcessGroup {
  readonly exited: Promise<Exit>;
  /** Nobody holds its streams any more: all it has said was heard. */
  readonly closed: Promise<void>;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #child: ChildProcess;
  #hasExited = false;
  #isGone = false;

  constructor({ command, args, cwd, env }: Command) {
    const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', command, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    [this.stdin, this.stdout, this.stderr] = [child.stdin, child.stdout, child.stderr];
    // It may be gone before it has read: what there is to say of that is in its exit.
    for (const stream of child.stdio) stream?.on('error', () => {});
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.#hasExited = true;
        resolve(exit);
      };
      child.once('exit', (code, signal) => ended({ code, signal }));
      child.once('error', (error) => ended({ code: null, signal: null, error }));
    });
  }

  /** Whether it keeps this process from ending. */
  hold(isHeld: boolean): void {
    const { stdio } = this.#child;
    // Streams of a child are sockets, of which the types know nothing.
    for (const handle of [this.#child, ...stdio] as { ref(): void; unref(): void }[]) {
      if (isHeld) handle.ref();
      else handle.unref();
    }
  }

  /** Asks it to end, and after the grace makes it; then whoever is left of the group. Resolves when the command is gone. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#hasExited) this.#signal('SIGTERM');
    const grace = setTimeout(() => this.kill(), graceMs);
    await this.exited;
    clearTimeout(grace);
    this.kill();
  }

  /** Ends all of the group, now. */
  kill(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Nobody is left; of whom macOS says that they may not be asked.
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    }
  }
}
