/**
 * The daemon as its parent sees it: a child process that says where the report stands, can be told the decision, and can
 * be killed.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromDaemon, PersonsDecision, Standing, ToDaemon } from './daemon.ts';
import type { Job } from './house.ts';

const FILE = fileURLToPath(new URL('./daemon.ts', import.meta.url));

export class Hosted {
  readonly #process: ChildProcess;
  readonly #listeners = new Set<(standing: Standing) => void>();
  readonly #exited: Promise<void>;
  #standing: Standing | undefined;

  /** @param fail hears what ends the daemon before its time */
  constructor(job: Job, fail: (trouble: string) => void) {
    // The same runtime and flags as this process: with them it understands TypeScript.
    this.#process = fork(FILE, { serialization: 'advanced' });
    this.#exited = new Promise((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.on('message', (message: FromDaemon) => {
      if ('trouble' in message) return fail(message.trouble);
      this.#standing = message.standing;
      for (const listener of this.#listeners) listener(message.standing);
    });
    this.#process.once('exit', (code) => {
      if (code !== null && code !== 0) fail(`the daemon ended with exit code ${code}`);
    });
    this.#tell({ begin: job });
  }

  get standing(): Standing | undefined {
    return this.#standing;
  }

  onStanding(listener: (standing: Standing) => void): void {
    this.#listeners.add(listener);
    if (this.#standing !== undefined) listener(this.#standing);
  }

  /** Resolves with the first standing that fits. */
  reaches(fits: (standing: Standing) => boolean): Promise<Standing> {
    return new Promise((resolve) => this.onStanding((standing) => fits(standing) && resolve(standing)));
  }

  decide(decision: PersonsDecision): void {
    this.#tell({ decide: decision });
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Lets it close its store and end. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
  }

  #tell(message: ToDaemon): void {
    // One that was just killed does not hear it; the next one is told again.
    this.#process.send(message, () => {});
  }
}
