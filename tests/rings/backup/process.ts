/**
 * A process that does one thing until it is killed: `work <store> <backup>` has a system at work that is backed up again and again;
 * `restore <backup> <place>` restores once; `intrude <store>` tries to open a store that somebody else has open. Says what it does
 * in lines of JSON.
 */
import { Level } from 'level';
import { createSystem, HeddleError } from 'heddle';
import { leveldb, restoreBackup } from 'heddle/storage';
import { Prng } from '../../../runtime/testing/prng.ts';
import { notebook, NOTEBOOKS } from '../damage/subject.ts';

export type Line =
  /** A backup begins; so many events of each notebook are acknowledged by now. */
  | { readonly begins: readonly number[] }
  | { readonly phase: string }
  | {
      readonly done: {
        readonly commit: number;
        readonly copiedFiles: number;
        readonly files: number;
        readonly pauseMs: number;
      };
    }
  | { readonly restored: true }
  /** Who let the intruder in; empty when nobody did. */
  | { readonly letIn: readonly string[] }
  | { readonly trouble: string };

const say = (line: Line): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const logger = { log: () => {}, error: (...args: unknown[]) => say({ trouble: args.map(String).join(' ') }) };

/** A pause between two events of a notebook, so that the histories stay short enough to be read again and again. */
const BREATH_MS = 4;

async function work(store: string, backup: string): Promise<void> {
  const system = await createSystem({
    store: leveldb(store),
    actors: { notebook },
    passivateAfter: 200,
    logger,
  });
  const books = await Promise.all(
    Array.from({ length: NOTEBOOKS }, (_, i) => system.actor('notebook', `${i}`)),
  );
  const acked = books.map((book) => book.getSnapshot().context.count);
  const random = new Prng(process.pid);
  for (const [index, book] of books.entries()) {
    void (async () => {
      for (;;) {
        const text = Buffer.from(random.bytes(600)).toString('base64');
        await book.send({ type: 'write', number: random.below(1000), text });
        acked[index]!++;
        await new Promise((resolve) => setTimeout(resolve, random.below(2 * BREATH_MS)));
      }
    })();
  }
  for (let round = 1; ; round++) {
    say({ begins: [...acked] });
    let last = '';
    const { head, copiedFiles, files, pauseMs } = await system.backup(backup, {
      onProgress: ({ phase }) => {
        if (phase !== last) say({ phase: (last = phase) });
      },
    });
    say({ done: { commit: head.commit, copiedFiles, files, pauseMs } });
    if (round % 3 === 0) await system.compact();
  }
}

async function restore(from: string, to: string): Promise<void> {
  await restoreBackup({ from, to, onProgress: ({ phase }) => say({ phase }) });
  say({ restored: true });
}

async function intrude(folder: string): Promise<void> {
  const letIn: string[] = [];
  try {
    const store = leveldb(folder);
    await store.open();
    letIn.push('leveldb()');
  } catch (error) {
    if (!(error instanceof HeddleError) || error._tag !== 'StoreLocked') letIn.push(String(error));
  }
  // LevelDB's own lock must hold too: it is the one that a process drops without noticing.
  const database = new Level(folder, { createIfMissing: false });
  try {
    await database.open();
    letIn.push('LevelDB');
  } catch (error) {
    const { code } = (error as { cause: { code?: string } }).cause;
    if (code !== 'LEVEL_LOCKED') letIn.push(String(code));
  }
  say({ letIn });
}

const [what, first, second] = process.argv.slice(2);
if (what === 'work') await work(first!, second!);
else if (what === 'restore') await restore(first!, second!);
else await intrude(first!);
