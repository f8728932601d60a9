/**
 * The superblock: the one row that says that this is a store of Heddle, which one, and in which format. The anchor beside the store
 * must belong to it.
 */
import { randomBytes } from 'node:crypto';
import { Codec } from './codec.ts';
import { StoreCorrupt, StoreFormat, StoreIo } from './errors.ts';
import { EVERYTHING, SUPERBLOCK_KEY } from './keys.ts';
import { openRow, sealRow } from './row.ts';
import type { Store } from './store.ts';

/** The store format this release writes. Older formats open; newer ones are refused. */
export const STORE_FORMAT = 1;

export interface Superblock {
  readonly format: number;
  readonly id: string;
  readonly createdAt: number;
}

const codec = new Codec();

/**
 * Undefined where there is none.
 * @throws StoreCorrupt, StoreFormat
 */
export function readSuperblock(store: Store): Superblock | undefined {
  let row: Uint8Array | undefined;
  try {
    row = store.get(SUPERBLOCK_KEY);
  } catch (error) {
    throw new StoreCorrupt(store.location, 'its superblock cannot be read', { cause: error });
  }
  if (row === undefined) return undefined;
  const body = openRow(SUPERBLOCK_KEY, row);
  if (body === undefined) throw new StoreCorrupt(store.location, 'the checksum of its superblock is wrong');
  const superblock = codec.unpack(body) as Superblock;
  if (superblock.format > STORE_FORMAT)
    throw new StoreFormat(store.location, superblock.format, STORE_FORMAT);
  return superblock;
}

/**
 * Makes an empty store one of Heddle.
 * @throws StoreCorrupt when it is not empty; StoreIo
 */
export async function createSuperblock(store: Store, now: number): Promise<Superblock> {
  if (store.anchor.entries().length > 0) {
    throw new StoreCorrupt(store.location, 'its anchor has seen commits, but the superblock is gone');
  }
  for await (const chunk of store.scan(EVERYTHING, { limit: 1 })) {
    if (chunk.length > 0)
      throw new StoreCorrupt(store.location, 'it holds data, but no superblock: is it a store of Heddle?');
  }
  // The anchor comes first: a crash in between leaves an anchor without commits, and the creation is done again.
  const id = store.anchor.storeId ?? randomBytes(16).toString('hex');
  if (store.anchor.storeId === undefined) store.anchor.create(id);
  const superblock: Superblock = { format: STORE_FORMAT, id, createdAt: now };
  try {
    await writeSuperblock(store, superblock);
  } catch (error) {
    throw new StoreIo(store.location, 'creating it', error);
  }
  return superblock;
}

export function writeSuperblock(store: Store, superblock: Superblock): Promise<void> {
  const batch = store.batch();
  batch.put(SUPERBLOCK_KEY, sealRow(SUPERBLOCK_KEY, codec.pack(superblock, 'superblock')));
  return batch.write();
}

/**
 * The superblock, unless it is missing or damaged.
 * @throws StoreFormat: what a newer release has written is not damaged
 */
export function soundSuperblock(store: Store): Superblock | undefined {
  try {
    return readSuperblock(store);
  } catch (error) {
    if (error instanceof StoreCorrupt) return undefined;
    throw error;
  }
}

/** @throws StoreCorrupt when the anchor is not that of this store */
export function assertOwnAnchor(store: Store, superblock: Superblock): void {
  const { storeId } = store.anchor;
  if (storeId === superblock.id) return;
  throw new StoreCorrupt(
    store.location,
    storeId === undefined
      ? 'its anchor is missing or damaged, so a lost tail could not be noticed'
      : `its anchor belongs to another store (${storeId})`,
  );
}
