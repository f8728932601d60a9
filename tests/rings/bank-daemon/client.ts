/**
 * Starts the daemon, talks to it, and kills it.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../../from-source.ts';
import type { AccountEvent } from '../../simulation/bank.ts';

export interface ToDaemon {
  readonly id: string;
  readonly account: string;
  /** Without one, the account is only opened. */
  readonly event?: AccountEvent;
}

export interface FromDaemon {
  readonly up?: true;
  readonly open?: string;
  readonly id?: string;
  readonly seq?: number;
  readonly hash?: string;
  readonly refused?: string;
  readonly trouble?: string;
}

const daemonFile = fileURLToPath(new URL('./daemon.ts', import.meta.url));

export class Daemon {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly up: Promise<void>;

  constructor(folder: string, auditFile: string, hear: (line: FromDaemon) => void) {
    this.#process = spawn(process.execPath, [...FROM_SOURCE, daemonFile, folder, auditFile], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process.stdin!.on('error', () => {});
    this.#exited = new Promise((resolve) => this.#process.once('close', () => resolve()));
    this.up = new Promise((resolve) => {
      createInterface({ input: this.#process.stdout! }).on('line', (text) => {
        const line = parse(text);
        if (line?.up === true) resolve();
        else if (line !== undefined) hear(line);
      });
      void this.#exited.then(resolve);
    });
  }

  send(command: ToDaemon): void {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** SIGKILL: no handler runs, nothing is flushed. Resolves with whether it was alive. */
  async kill(): Promise<boolean> {
    const killed = this.#process.kill('SIGKILL');
    await this.#exited;
    return killed;
  }
}

/** A line may be cut in the middle by the kill: then it was not said. */
function parse(text: string): FromDaemon | undefined {
  try {
    return JSON.parse(text) as FromDaemon;
  } catch {
    return undefined;
  }
}
