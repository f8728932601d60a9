/** The examiner's process: asked for one folder after the other, started again when LevelDB has taken it down. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '../../from-source.ts';
import type { Examination } from './examiner.ts';

const examinerFile = fileURLToPath(new URL('./examiner.ts', import.meta.url));

export class ExaminerProcess {
  #process: ChildProcessWithoutNullStreams | undefined;
  #answer: ((examination: Examination | undefined) => void) | undefined;

  /** What it says of a folder; undefined when it did not survive. */
  examine(folder: string): Promise<Examination | undefined> {
    const process = (this.#process ??= this.#start());
    return new Promise((resolve) => {
      this.#answer = resolve;
      process.stdin.write(`${folder}\n`);
    });
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [...FROM_SOURCE, examinerFile]);
    child.stdin.on('error', () => {});
    child.stderr.resume();
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.#answer?.(JSON.parse(line) as Examination),
    );
    child.once('close', () => {
      this.#process = undefined;
      this.#answer?.(undefined);
    });
    return child;
  }

  stop(): void {
    this.#answer = undefined;
    this.#process?.kill('SIGKILL');
  }
}
