/**
 * The fence: what happens after a write has failed.
 *
 * LevelDB 1.20, which classic-level bundles, goes on accepting synced writes after an append to its log has failed, and
 * drops them when it is opened the next time. So a failed write puts up the fence: nothing more is written through that
 * handle and nothing is acknowledged, until the store was closed, opened again and proven to still hold the last
 * acknowledged head. What was in the failed batch may be in the store or not; both are fine, and recovery tells which.
 */
import { StoreCorrupt } from './errors.ts';
import { hashOf } from './frame.ts';
import { Ledger } from './ledger.ts';
import type { Head } from './newest-frame.ts';

/**
 * Closes a store after a failed write and opens it again.
 * @throws StoreCorrupt when what was acknowledged is gone; StoreIo, StoreLocked when it cannot be opened now.
 */
export async function prove(fenced: Ledger, now: number): Promise<Ledger> {
  const { store, head } = fenced;
  await store.close();
  const ledger = await Ledger.open(store, now);
  if (holds(ledger, head)) return ledger;
  await store.close();
  throw new StoreCorrupt(
    store.location,
    `after a failed write, the acknowledged commit ${head.commit} (frame ${head.frame}) is not in it any more`,
  );
}

/** Whether the store still holds this head, unchanged. */
function holds(ledger: Ledger, head: Head): boolean {
  if (head.frame === 0) return true;
  const bytes = ledger.frameBytes(head.frame);
  return bytes !== undefined && hashOf(bytes) === head.hash;
}
