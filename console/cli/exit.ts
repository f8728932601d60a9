/**
 * Exit codes: what a script that calls `heddle` can rely on. The table in docs/cli.md says the same.
 */
import { ControlCode } from '../control/trouble.ts';
import type { Trouble } from '../control/trouble.ts';

export const Exit = {
  Fine: 0,
  /** It was done, and the answer is no: damage was found, a replay differs, somebody is stuck. */
  No: 1,
  /** The command line makes no sense. Nothing was done. */
  Usage: 2,
  /** There is no such store, actor, record, letter, content or file. */
  NotFound: 3,
  /** It was refused. */
  Refused: 4,
  /** Not now: the store is open elsewhere, nobody answers, the disk is full. */
  Unavailable: 5,
  /** The store, this journal, or an exported history is damaged. */
  Damaged: 6,
  /** A mistake in Heddle, or in the code of an actor file. */
  Internal: 70,
  /** Ctrl-C. */
  Interrupted: 130,
  /** SIGTERM. */
  Terminated: 143,
} as const;

/** What was said on the command line makes no sense. */
export class UsageError extends Error {}

const BY_CODE: Readonly<Record<string, number>> = {
  [ControlCode.NotFound]: Exit.NotFound,
  HEDDLE_UNKNOWN_ACTOR: Exit.NotFound,
  HEDDLE_UNKNOWN_CONTENT: Exit.NotFound,
  [ControlCode.BadRequest]: Exit.Usage,
  [ControlCode.Unreachable]: Exit.Unavailable,
  [ControlCode.NeedsClosed]: Exit.Unavailable,
  [ControlCode.FileFailed]: Exit.Unavailable,
  [ControlCode.Internal]: Exit.Internal,
  HEDDLE_STORE_LOCKED: Exit.Unavailable,
  HEDDLE_STORE_FENCED: Exit.Unavailable,
  HEDDLE_STORE_IO: Exit.Unavailable,
  HEDDLE_STORE_CLOSED: Exit.Unavailable,
  HEDDLE_SYSTEM_CLOSED: Exit.Unavailable,
  HEDDLE_STORE_CORRUPT: Exit.Damaged,
  HEDDLE_JOURNAL_CORRUPT: Exit.Damaged,
  HEDDLE_HISTORY_DAMAGED: Exit.Damaged,
  HEDDLE_CONTENT_DAMAGED: Exit.Damaged,
  HEDDLE_BACKUP_DAMAGED: Exit.Damaged,
  HEDDLE_BACKUP_UNSOUND: Exit.Damaged,
  HEDDLE_NOTHING_SAVED: Exit.Damaged,
  HEDDLE_STORE_UNFINISHED: Exit.Damaged,
};

export function exitOf({ code }: Trouble): number {
  return BY_CODE[code] ?? Exit.Refused;
}
