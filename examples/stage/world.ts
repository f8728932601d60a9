/**
 * The outside world: a file that gets one line for every piece of work that was done, and that no crash undoes.
 *
 * Each line carries the idempotency key of the task that did it. A real world (a payment service, a mail server) would
 * use the key to notice a repetition; this one writes everything down, so that repetitions can be counted.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** One piece of work, done once. */
export type Deed = {
  readonly at: number;
  /** The process that did it: another one after every kill. */
  readonly pid: number;
  /** The same for every repetition of the same piece of work. */
  readonly key: string;
  readonly what: string;
};

/** Notes a deed. */
export function note(file: string, what: string, key: string): void {
  const deed: Deed = { at: Date.now(), pid: process.pid, key, what };
  appendFileSync(file, `${JSON.stringify(deed)}\n`);
}

export function deedsIn(file: string): Deed[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Deed);
}
