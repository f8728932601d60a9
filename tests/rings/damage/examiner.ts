/**
 * Opens damaged stores and says what it sees. A process of its own, because LevelDB may end the process on a damaged file.
 * Reads folders from standard input, one a line; writes one line of JSON for each.
 */
import { createInterface } from 'node:readline';
import { createSystem, HeddleError } from 'heddle';
import { leveldb } from 'heddle/storage';
import { notebook, NOTEBOOKS } from './subject.ts';

export interface Examination {
  readonly folder: string;
  /** Why it does not open. */
  readonly refused?: string;
  readonly why?: string;
  readonly actors?: readonly Examined[];
  /** What `verify` names. */
  readonly broken?: readonly string[];
  /** Anything that is not a typed error: a promise broken. */
  readonly crashed?: string;
}

export interface Examined {
  readonly address: string;
  readonly refused?: string;
  readonly missing?: true;
  readonly context?: { readonly count: number; readonly sum: number; readonly last: string };
}

async function examine(folder: string): Promise<Examination> {
  let system;
  try {
    system = await createSystem({
      store: leveldb(folder),
      actors: { notebook },
      logger: { log: () => {}, error: () => {} },
    });
  } catch (error) {
    return error instanceof HeddleError
      ? { folder, refused: error._tag, why: error.message }
      : { folder, crashed: String(error) };
  }
  try {
    const actors: Examined[] = [];
    for (let i = 0; i < NOTEBOOKS; i++) {
      const address = `notebook/${i}`;
      try {
        const ref = system.get(address as 'notebook/0');
        actors.push(
          ref === undefined ? { address, missing: true } : { address, context: ref.getSnapshot().context },
        );
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error;
        actors.push({ address, refused: error._tag });
      }
    }
    const { broken } = await system.verify();
    return { folder, actors, broken: broken.map(({ address, reason }) => `${address}: ${reason}`) };
  } catch (error) {
    // LevelDB may come upon the damage while it writes: then nothing is acknowledged any more.
    if (error instanceof HeddleError) return { folder, refused: error._tag, why: error.message };
    return { folder, crashed: error instanceof Error ? String(error.stack) : String(error) };
  } finally {
    await system.close();
  }
}

for await (const folder of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await examine(folder))}\n`);
}
