/**
 * The process in which stores are opened that may be broken. It gets one task from whoever has started it, says what came of it,
 * and ends. See `apart.ts`.
 */
import { HeddleError, messageOf } from '../errors.ts';
import { adopt, examine } from './examination.ts';
import type { Examination } from './examination.ts';
import { repair, salvage } from './saving.ts';
import type { Saved } from './saving.ts';
import type { News } from '../ledger.ts';

/** What can be asked for, and what comes of it. */
export interface Tasks {
  /** Opens a store and reads all of it. */
  readonly examine: { readonly about: { readonly folder: string }; readonly result: Examination };
  /** The same with one that was restored, which is then told so. */
  readonly adopt: {
    readonly about: { readonly folder: string; readonly news: News };
    readonly result: Examination;
  };
  /** Makes LevelDB gather what is left of a database. The folder is a copy. */
  readonly repair: { readonly about: { readonly folder: string }; readonly result: undefined };
  /** Writes what proves itself into a new store. `from` is a copy, and is mended before. */
  readonly salvage: {
    readonly about: { readonly from: string; readonly to: string; readonly wasRepaired: boolean };
    readonly result: Saved;
  };
}

export type Task<TName extends keyof Tasks = keyof Tasks> = {
  readonly [Name in TName]: { readonly do: Name } & Tasks[Name]['about'];
}[TName];

export type Answer = { readonly result: unknown } | { readonly failure: Failure };

/** What was thrown, as far as it can be told to another process. */
export interface Failure {
  /** The `_tag` of an error of Heddle. */
  readonly tag: string | undefined;
  /** What it says, without the folder, which is that of a copy. */
  readonly reason: string;
}

function carryOut(task: Task): Promise<unknown> {
  switch (task.do) {
    case 'examine':
      return examine(task.folder);
    case 'adopt':
      return adopt(task.folder, task.news);
    case 'repair':
      return repair(task.folder);
    case 'salvage':
      return salvage(task.from, task.to, task.wasRepaired);
  }
}

async function answerTo(task: Task): Promise<Answer> {
  try {
    return { result: await carryOut(task) };
  } catch (error) {
    const tag = error instanceof HeddleError ? error._tag : undefined;
    const { reason = messageOf(error) } = error as { readonly reason?: string };
    return { failure: { tag, reason } };
  }
}

// Whoever wanted to know is gone, or has the answer.
process.once('disconnect', () => process.exit());
process.once('message', (task) => {
  void answerTo(task as Task).then((answer) => process.send!(answer, () => process.exit()));
});
