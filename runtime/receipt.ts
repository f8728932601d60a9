/**
 * Receipts: what a sender gets once its event is on the disk, and may hold the store to.
 */
import type { FrameRef } from '../storage/ledger.ts';

/** Proof that an event was recorded. */
export interface Receipt {
  readonly address: string;
  /** The number of its record in the actor's journal. */
  readonly seq: number;
  /** The commit that made it durable. */
  readonly commit: number;
  /**
   * SHA-256 (hex) of the frame that holds the record. Every frame carries the hash of the one before, so it stands for
   * everything recorded up to then.
   */
  readonly hash: string;
}

// Hundreds of receipts share a frame, and come one after the other.
let lastHash = '';
let lastHex = '';

/** The receipt for a record in a frame that is closed by now. */
export function receiptFor(address: string, seq: number, commit: number, frame: FrameRef): Receipt {
  return { address, seq, commit, hash: hexOf(frame.hash!) };
}

export function hexOf(hash: string): string {
  if (hash !== lastHash) {
    lastHash = hash;
    lastHex = Buffer.from(hash, 'latin1').toString('hex');
  }
  return lastHex;
}
