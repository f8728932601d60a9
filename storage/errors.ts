/**
 * The errors of the storage room, and the base class of every error Heddle throws.
 *
 * One class per situation: what happened is in fields, not only in prose; the message also says how to go on.
 * Every class has a heading in `docs/errors.md`, named by its `_tag`.
 */

/** The base of every error of Heddle. `_tag` and `code` never change; messages may. */
export abstract class HeddleError extends Error {
  /** The name of the situation, for `switch` and for Effect's `catchTag`. */
  abstract readonly _tag: string;
  /** The same, in the style of Node's `err.code`. */
  abstract readonly code: `HEDDLE_${string}`;
  /** Whether the same call may succeed later without any change by the caller. */
  abstract readonly retryable: boolean;

  override get name(): string {
    return this._tag;
  }

  /** Where this situation is described: what happened, what was kept, what to do. */
  get docs(): string {
    return `docs/errors.md#${this._tag.toLowerCase()}`;
  }
}

/** A value cannot come back equal from the store. Nothing was applied. */
export class NotSerialisable extends HeddleError {
  readonly _tag = 'NotSerialisable';
  readonly code = 'HEDDLE_NOT_SERIALISABLE';
  readonly retryable = false;
  /** Where the value stands, as one would write it in code: `event.items[1]["weird key"]`. */
  readonly path: string;
  /** The same, as the keys that lead to it. */
  readonly keys: readonly string[];
  /** What is wrong with it: `is a function (onDone)`. */
  readonly reason: string;

  constructor(
    path: string,
    keys: readonly string[],
    reason: string,
    hint = 'send plain data, and keep functions and live objects outside',
  ) {
    super(`${path} ${reason}, so it could not come back equal from the store; ${hint}`);
    this.path = path;
    this.keys = keys;
    this.reason = reason;
  }
}

/** Another process, or another system in this process, has this store open. */
export class StoreLocked extends HeddleError {
  readonly _tag = 'StoreLocked';
  readonly code = 'HEDDLE_STORE_LOCKED';
  readonly retryable = true;
  readonly location: string;
  /** The process that holds it, where known. */
  readonly holder: { readonly pid: number; readonly since: string } | undefined;

  constructor(location: string, holder: StoreLocked['holder'], options?: ErrorOptions) {
    const who = holder ? `process ${holder.pid} (since ${holder.since})` : 'another process';
    super(`${location} is open in ${who}; close it there first: one process at a time owns a store`, options);
    this.location = location;
    this.holder = holder;
  }
}

/** The store was written by a newer release, with a format that this one cannot read. Nothing was touched. */
export class StoreFormat extends HeddleError {
  readonly _tag = 'StoreFormat';
  readonly code = 'HEDDLE_STORE_FORMAT';
  readonly retryable = false;
  readonly location: string;
  readonly found: number;
  readonly supported: number;

  constructor(location: string, found: number, supported: number) {
    super(
      `${location} has store format ${found}, this release reads up to ${supported}; open it with the release that wrote it, or a newer one`,
    );
    this.location = location;
    this.found = found;
    this.supported = supported;
  }
}

/** The store as a whole is damaged or incomplete, and was not opened. Nothing was changed. */
export class StoreCorrupt extends HeddleError {
  readonly _tag = 'StoreCorrupt';
  readonly code = 'HEDDLE_STORE_CORRUPT';
  readonly retryable = false;
  readonly location: string;
  readonly reason: string;

  constructor(location: string, reason: string, options?: ErrorOptions) {
    super(
      `${location} is damaged: ${reason}; keep a copy of the folder before you try anything, and restore a backup`,
      options,
    );
    this.location = location;
    this.reason = reason;
  }
}

/** The operating system refused: a full disk, missing rights, a read-only mount, a broken device. */
export class StoreIo extends HeddleError {
  readonly _tag = 'StoreIo';
  readonly code = 'HEDDLE_STORE_IO';
  readonly retryable = true;
  readonly location: string;
  readonly operation: string;

  constructor(location: string, operation: string, cause: unknown) {
    super(`${location}: ${operation} failed: ${messageOf(cause)}`, { cause });
    this.location = location;
    this.operation = operation;
  }
}

/**
 * A write failed, and until the store is proven again nothing is acknowledged.
 *
 * `applied` is `'unknown'` for work that was in the failed batch (it may have reached the disk), and `'no'` for work
 * that had not been written at all. Send again with the same idempotency id: it is applied once either way.
 */
export class StoreFenced extends HeddleError {
  readonly _tag = 'StoreFenced';
  readonly code = 'HEDDLE_STORE_FENCED';
  readonly retryable = true;
  readonly applied: 'no' | 'unknown';

  constructor(applied: 'no' | 'unknown', cause: unknown) {
    super(
      `a write to the store failed (${messageOf(cause)}), ${
        applied === 'no' ? 'nothing of this was written' : 'it is unknown whether this was written'
      }; send again with the same id`,
      { cause },
    );
    this.applied = applied;
  }
}

/** The system or its store is closed, or is closing. */
export class StoreClosed extends HeddleError {
  readonly _tag = 'StoreClosed';
  readonly code = 'HEDDLE_STORE_CLOSED';
  readonly retryable = false;

  constructor(what = 'the store') {
    super(`${what} is closed; open it again with createSystem`);
  }
}

/** What is wrong with an actor's stored history, and where. */
export interface CorruptionEvidence {
  /** The first bad record: its number in the actor's journal, where known. */
  readonly seq?: number;
  /** The first bad frame of the ledger, where known. */
  readonly frame?: number;
  /** The damaged row, where it is a row. */
  readonly row?: string;
  readonly reason: string;
}

/** One actor's stored history is damaged. That actor is refused; the others run. */
export class JournalCorrupt extends HeddleError {
  readonly _tag = 'JournalCorrupt';
  readonly code = 'HEDDLE_JOURNAL_CORRUPT';
  readonly retryable = false;
  readonly address: string;
  readonly evidence: CorruptionEvidence;

  constructor(address: string, evidence: CorruptionEvidence, options?: ErrorOptions) {
    const where = [
      evidence.seq === undefined ? '' : ` at record ${evidence.seq}`,
      evidence.frame === undefined ? '' : ` in frame ${evidence.frame}`,
      evidence.row === undefined ? '' : ` in row ${evidence.row}`,
    ].join('');
    super(
      `the journal of ${address} is damaged${where}: ${evidence.reason}; the actor is refused, nothing of it was changed; restore it from a backup`,
      options,
    );
    this.address = address;
    this.evidence = evidence;
  }
}

/** A folder cannot take a backup of this store. Nothing in it was changed. */
export class BackupRefused extends HeddleError {
  readonly _tag = 'BackupRefused';
  readonly code = 'HEDDLE_BACKUP_REFUSED';
  readonly retryable = false;
  readonly folder: string;
  readonly reason: string;

  constructor(folder: string, reason: string, options?: ErrorOptions) {
    super(`no backup was made into ${folder}: ${reason}`, options);
    this.folder = folder;
    this.reason = reason;
  }
}

/** The store that was to be backed up does not prove itself. The earlier backup in the folder, if there is one, was kept. */
export class BackupUnsound extends HeddleError {
  readonly _tag = 'BackupUnsound';
  readonly code = 'HEDDLE_BACKUP_UNSOUND';
  readonly retryable = false;
  readonly folder: string;
  /** What is wrong, one line each; the first few. */
  readonly findings: readonly string[];

  constructor(folder: string, findings: readonly string[], options?: ErrorOptions) {
    super(
      `the backup into ${folder} was not finished, because the store does not prove itself: ${String(findings)}; ` +
        'see system.verify(), and back up with { damaged: true } into another folder to keep it as it is',
      options,
    );
    this.folder = folder;
    this.findings = findings;
  }
}

/** What lies in a folder is not a whole backup, or not what was backed up. Nothing was restored. */
export class BackupDamaged extends HeddleError {
  readonly _tag = 'BackupDamaged';
  readonly code = 'HEDDLE_BACKUP_DAMAGED';
  readonly retryable = false;
  readonly folder: string;
  readonly reason: string;

  constructor(folder: string, reason: string, options?: ErrorOptions) {
    super(`the backup in ${folder} cannot be restored: ${reason}; take another one`, options);
    this.folder = folder;
    this.reason = reason;
  }
}

/** A store was to be put where something is already. Nothing was changed. */
export class FolderNotEmpty extends HeddleError {
  readonly _tag = 'FolderNotEmpty';
  readonly code = 'HEDDLE_FOLDER_NOT_EMPTY';
  readonly retryable = false;
  readonly folder: string;

  constructor(folder: string) {
    super(`${folder} is not empty, and nothing is ever overwritten; name a folder that does not exist`);
    this.folder = folder;
  }
}

/** A store whose restoring, or salvage, was interrupted. It is not opened. */
export class StoreUnfinished extends HeddleError {
  readonly _tag = 'StoreUnfinished';
  readonly code = 'HEDDLE_STORE_UNFINISHED';
  readonly retryable = false;
  readonly location: string;

  constructor(location: string) {
    super(`${location} was being restored or salvaged, and that did not come to its end; do it once more`);
    this.location = location;
  }
}

/** Nothing of a store can be saved, or nothing that would prove itself. Nothing was written. */
export class NothingSaved extends HeddleError {
  readonly _tag = 'NothingSaved';
  readonly code = 'HEDDLE_NOTHING_SAVED';
  readonly retryable = false;
  readonly folder: string;
  readonly reason: string;

  constructor(folder: string, reason: string, options?: ErrorOptions) {
    super(`nothing of ${folder} was saved: ${reason}; restore a backup`, options);
    this.folder = folder;
    this.reason = reason;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // abstract-level says only "Database failed to open" and keeps the reason in the cause.
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
