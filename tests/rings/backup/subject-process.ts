/** Starts that process, listens to it, and kills it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Line } from './process.ts';
import { optionsFromSource } from '../../from-source.ts';

const file = fileURLToPath(new URL('./process.ts', import.meta.url));

export class SubjectProcess {
  readonly #process: ChildProcess;
  readonly lines: Line[] = [];
  readonly ended: Promise<void>;
  readonly #waiting = new Set<() => void>();

  constructor(...args: readonly string[]) {
    this.#process = spawn(process.execPath, ['--conditions=heddle-source', file, ...args], {
      env: { ...process.env, NODE_OPTIONS: optionsFromSource() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
    createInterface({ input: this.#process.stdout! }).on('line', (text) => this.#hear(text));
    void this.ended.then(() => this.#wake());
  }

  #hear(text: string): void {
    try {
      this.lines.push(JSON.parse(text) as Line);
    } catch {
      // Cut in the middle by the kill: then it was not said.
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Waits until it has said something, so many times; or has ended. */
  async until(kind: string, times = 1): Promise<void> {
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    while (!hasEnded && this.lines.filter((line) => kind in line).length < times)
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** SIGKILL. Resolves with whether it was alive. */
  async kill(): Promise<boolean> {
    const killed = this.#process.kill('SIGKILL');
    await this.ended;
    return killed;
  }
}
