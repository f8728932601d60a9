/**
 * Examining a store that may be broken: it is opened as a system opens it, and all of it is read. Runs in a process of its own.
 *
 * Opening a LevelDB writes into its folder, so the folder is a copy, or one that was just made.
 */
import { Ledger } from '../ledger.ts';
import type { News } from '../ledger.ts';
import { unfinished } from '../leveldb.ts';
import { proveLedger } from '../verification.ts';
import type { Finding, Proof } from '../verification.ts';

/** What a store is, and what of it does not prove itself. */
export interface Examination {
  readonly storeId: string;
  readonly createdAt: number;
  readonly head: { readonly commit: number; readonly frame: number; readonly hash: string };
  /** How many frames the anchor knows; it is needed above the low-water mark. */
  readonly anchored: number;
  readonly records: number;
  readonly actors: number;
  readonly frames: number;
  readonly findings: readonly Finding[];
}

/** @throws StoreLocked, StoreFormat, StoreCorrupt, StoreIo when it does not open */
export async function examine(folder: string): Promise<Examination> {
  const ledger = await Ledger.open(unfinished(folder), Date.now());
  try {
    return describe(ledger, await proveLedger(ledger));
  } finally {
    await ledger.store.close();
  }
}

/** Examines a store that was restored, and has it say so when a system opens it. */
export async function adopt(folder: string, news: News): Promise<Examination> {
  const ledger = await Ledger.open(unfinished(folder), Date.now());
  try {
    const examination = describe(ledger, await proveLedger(ledger));
    await ledger.leave(news);
    return examination;
  } finally {
    await ledger.store.close();
  }
}

export function describe(ledger: Ledger, { records, actors, reading, findings }: Proof): Examination {
  const { id: storeId, createdAt, head, store } = ledger;
  return {
    storeId,
    createdAt,
    head: { ...head, hash: Buffer.from(head.hash, 'latin1').toString('hex') },
    anchored: store.anchor.entries().length,
    records,
    actors,
    frames: reading.frames,
    findings,
  };
}
