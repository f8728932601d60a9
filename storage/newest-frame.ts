/**
 * The end of a ledger, found when it is opened: the newest frame that can be read, and what the anchor knows of those behind it.
 */
import { asBuffer } from './binary.ts';
import { StoreCorrupt } from './errors.ts';
import { hashOf, NO_HASH, readFrameHeader } from './frame.ts';
import { allOf, frameKey, numberOf, Prefix } from './keys.ts';
import { tryGet } from './store.ts';
import type { Store } from './store.ts';

/** The end of what is durable. Given out in receipts, so that others can hold the store to it. */
export interface Head {
  readonly commit: number;
  readonly frame: number;
  /** SHA-256 of the newest frame, which through its chain covers all before it; latin-1 characters. */
  readonly hash: string;
}

interface Newest {
  readonly head: Head;
  readonly nextActor: number;
}

/**
 * Where the ledger goes on.
 * @throws StoreCorrupt when its end cannot be found
 */
export async function endOfLedger(store: Store): Promise<Newest> {
  return withAnchor(store, await newestFrame(store));
}

/** The newest frame that can be read. Where the very newest is damaged, recovery finds out whose it was. */
async function newestFrame(store: Store): Promise<Newest | undefined> {
  const frame = await newestFrameNumber(store);
  for (let number = frame; number > 0; number--) {
    const bytes = tryGet(store, frameKey(number));
    const header = bytes && readFrameHeader(asBuffer(bytes));
    if (header === undefined || 'damage' in header || header.frame !== number) continue;
    if (number === frame) {
      return { head: { commit: header.commit, frame, hash: hashOf(bytes!) }, nextActor: header.nextActor };
    }
    // What followed is damaged: go on behind it, under numbers that nothing had.
    const commit = header.commit + frame - number;
    return { head: { commit, frame, hash: NO_HASH }, nextActor: header.nextActor };
  }
  if (frame > 0) throw new StoreCorrupt(store.location, 'no frame of its ledger can be read');
  return undefined;
}

/**
 * How far beyond what is known a frame may stand: one commit may be on the disk that the anchor has not noted. What stands farther
 * off has a damaged key, and counting up to its number could take for ever.
 */
const FARTHEST = 1 << 16;

async function newestFrameNumber(store: Store): Promise<number> {
  const anchored = store.anchor.entries().at(-1)?.frame;
  try {
    // Nearly always the last one is near: the others need not be read.
    return (await lastNear(store, anchored, 1)) ?? (await lastNear(store, anchored)) ?? 0;
  } catch (error) {
    if (error instanceof StoreCorrupt) throw error;
    // The end of the ledger cannot be read; the anchor knows how far it went.
    if (anchored === undefined) {
      throw new StoreCorrupt(store.location, 'the end of its ledger cannot be read', { cause: error });
    }
    return anchored;
  }
}

/** The last frame that is near what the anchor knows, or near one that is in its place; undefined where there is none. */
async function lastNear(
  store: Store,
  anchored: number | undefined,
  limit?: number,
): Promise<number | undefined> {
  const beyond: number[] = [];
  const options = { reverse: true, ...(limit !== undefined && { limit }) };
  for await (const chunk of store.scan(allOf(Prefix.Frame), options)) {
    for (const [key, bytes] of chunk) {
      const number = numberOf(key);
      const known = anchored ?? (isInItsPlace(bytes, number) ? number : undefined);
      if (known === undefined || number > known + FARTHEST) beyond.push(number);
      else return Math.max(number, ...beyond.filter((one) => one <= known + FARTHEST));
    }
  }
  if (limit === undefined && beyond.length > 0)
    throw new StoreCorrupt(store.location, 'no frame of its ledger can be read');
  return undefined;
}

function isInItsPlace(bytes: Uint8Array, number: number): boolean {
  const header = readFrameHeader(asBuffer(bytes));
  return !('damage' in header) && header.frame === number;
}

/** The head to go on from: what was lost behind the stored head keeps its numbers, so that the loss stays visible. */
function withAnchor(store: Store, stored: Newest | undefined): Newest {
  const newest = store.anchor.entries().at(-1);
  const found = stored ?? { head: { commit: 0, frame: 0, hash: NO_HASH }, nextActor: 1 };
  if (newest === undefined || newest.frame < found.head.frame) return found;
  let { nextActor } = found;
  for (const entry of store.anchor.entries()) {
    for (const actor of entry.actors) nextActor = Math.max(nextActor, actor + 1);
  }
  return { head: { commit: newest.commit, frame: newest.frame, hash: newest.hash }, nextActor };
}
