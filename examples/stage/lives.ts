/**
 * Lives: an example starts itself as another process, and kills that with SIGKILL when it says a word. No handler runs there, nothing
 * is flushed: what comes after must be in the store.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ARGUMENT = 'doomed';

/** Whether this process is the one that will be killed. */
export const isDoomed = process.argv[2] === ARGUMENT;

/** Starts the module as a doomed process, and resolves when it has said the word, and is dead. */
export async function killedWhenItSays(word: string, moduleUrl: string): Promise<void> {
  // The same runtime and flags as this process: with them it understands TypeScript.
  const doomed = fork(fileURLToPath(moduleUrl), [ARGUMENT]);
  let isSaid = false;
  await new Promise<void>((resolve, reject) => {
    doomed.on('message', (said) => {
      if (said !== word) return;
      isSaid = true;
      doomed.kill('SIGKILL');
    });
    doomed.once('exit', (code) =>
      isSaid ? resolve() : reject(new Error(`it ended with ${code} before it said '${word}'`)),
    );
  });
}

/** Says it to whoever will kill this process. */
export function say(word: string): void {
  process.send?.(word);
}

/** Resolves when something holds. Looks again and again: what it waits for may be in several actors. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  const patience = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false)
      return found as Exclude<T, false | null | undefined>;
    if (Date.now() > patience) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function gathered<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
