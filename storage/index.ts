/**
 * `heddle/storage`: where a system keeps what must survive.
 */
export { leveldb } from './leveldb.ts';
export { memory } from './memory.ts';
export type { Store } from './store.ts';
export {
  HeddleError,
  JournalCorrupt,
  NotSerialisable,
  StoreClosed,
  StoreCorrupt,
  StoreFenced,
  StoreFormat,
  StoreIo,
  StoreLocked,
} from './errors.ts';
export type { CorruptionEvidence } from './errors.ts';
